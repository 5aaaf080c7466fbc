/*
 * tenon calibrate: measures operators on the devices that are here, one device at a time, and saves
 * the times for --costs. What only the CPU takes is measured there and not counted for the device.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "calibration.h"
#include "command.h"
#include "costs.h"
#include "machine.h"
#include "output.h"
#include "report.h"
#include "statistics.h"

enum { DEVICES_MAX = 32, RUNS_MAX = 1000, WARM_UPS = 2 };

struct calibrate_options {
    struct machine_options machine;
    struct option_texts models;
    const char *output;
    double seconds;
};

static const struct option options[] = {
    {'o', "output", OPTION_TEXT, "FILE", offsetof(struct calibrate_options, output), 0, 0,
     "the file to write, JSON (required)"},
    {'m', "model", OPTION_TEXTS, "MODEL", offsetof(struct calibrate_options, models), 0, 0,
     "measure the operators of this model, and of each\n"
     "one more that is given (default: common operators)"},
    {'d', "device", OPTION_TEXT, "DEVICE[,DEVICE...]",
     offsetof(struct calibrate_options, machine.devices), 0, 0,
     "devices to measure (default: all that are here,\nwithout reference and simulated ones)"},
    {0, "time", OPTION_SECONDS, "SECONDS", offsetof(struct calibrate_options, seconds), 0, 86400,
     "begin no run of a model after so long (default 1)"},
    MACHINE_OPTION_THREADS(struct calibrate_options),
    MACHINE_OPTION_ROUNDING(struct calibrate_options),
    MACHINE_OPTION_NUMERICS(struct calibrate_options),
    MACHINE_OPTION_PORTABLE(struct calibrate_options),
};

/* What one operation, or one operator, took in all its places. */
struct sum {
    char *target, *operation;
    double measured_ns, estimated_ns;
    uint32_t count;
    bool is_operator;
};

struct calibration {
    const struct calibrate_options *options;
    struct sum *sums;
    size_t count, capacity;
};

static struct sum *find_sum(struct calibration *c, const char *target, const char *operation,
                            bool is_operator) {
    for (size_t i = 0; i < c->count; i++)
        if (c->sums[i].is_operator == is_operator && strcmp(c->sums[i].target, target) == 0 &&
            strcmp(c->sums[i].operation, operation) == 0)
            return &c->sums[i];
    if (c->count == c->capacity) {
        size_t capacity = c->capacity == 0 ? 64 : 2 * c->capacity;
        struct sum *grown = realloc(c->sums, capacity * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        c->sums = grown;
        c->capacity = capacity;
    }
    struct sum *sum = &c->sums[c->count];
    *sum = (struct sum){
        .target = strdup(target), .operation = strdup(operation), .is_operator = is_operator};
    if (sum->target == NULL || sum->operation == NULL) {
        free(sum->target);
        free(sum->operation);
        return NULL;
    }
    c->count++;
    return sum;
}

static bool add(struct calibration *c, const char *target, const char *operation, bool is_operator,
                double measured_ns, double estimated_ns) {
    struct sum *sum = find_sum(c, target, operation, is_operator);
    if (sum == NULL)
        return false;
    sum->measured_ns += measured_ns;
    sum->estimated_ns += estimated_ns;
    sum->count++;
    return true;
}

/* ---- one model on one device ---- */

/* Integers are random; floats 0, which no kernel treats as slow or special numbers. */
static void fill_inputs(struct machine *machine) {
    struct tenon_tensor_info info;
    uint32_t state = 1;
    for (uint32_t i = 0; tenon_program_input(machine->program, i, &info) == TENON_OK; i++) {
        uint8_t *data = tenon_session_input_data(machine->session, i);
        bool bytes = info.type == TENON_TYPE_I8 || info.type == TENON_TYPE_U8;
        for (size_t k = 0; k < info.size_bytes; k++) {
            state = state * 1664525u + 1013904223u;
            data[k] = bytes ? (uint8_t)(state >> 24) : 0;
        }
    }
}

/* times[node * RUNS_MAX + run] */
static int measure(const struct calibration *c, struct machine *machine, const char *path,
                   uint64_t *times, size_t *runs) {
    struct tenon_node_profile profile;
    uint64_t ignored, end = tool_clock_ns() + (uint64_t)(c->options->seconds * 1e9);
    int result = EXIT_OK;
    *runs = 0;
    for (int i = 0; i < WARM_UPS && result == EXIT_OK; i++)
        result = machine_run(machine, path, &ignored);
    while (result == EXIT_OK && *runs < RUNS_MAX && (*runs == 0 || tool_clock_ns() < end)) {
        result = machine_run(machine, path, &ignored);
        for (uint32_t n = 0; tenon_session_profile(machine->session, n, &profile) == TENON_OK; n++)
            times[(size_t)n * RUNS_MAX + *runs] = profile.duration_ns;
        ++*runs;
    }
    return result;
}

static int add_measured(struct calibration *c, const struct tenon_report *report, uint64_t *times,
                        size_t runs) {
    struct tenon_report_node node;
    struct tenon_report_target target;
    bool ok = true;
    for (uint32_t n = 0; ok && tenon_report_get_node(report, n, &node) == TENON_OK; n++) {
        if (node.target != 0 || tenon_report_get_target(report, 0, &target) != TENON_OK)
            continue; /* it fell back */
        statistics_sort(&times[(size_t)n * RUNS_MAX], runs);
        double ns = statistics_percentile(&times[(size_t)n * RUNS_MAX], runs, 50);
        ok = add(c, target.name, node.operation, false, ns, (double)node.estimated_ns) &&
             add(c, target.name, node.op, true, ns, (double)node.estimated_ns);
    }
    return ok ? EXIT_OK : tool_complain_memory();
}

static int calibrate_model(struct calibration *c, const char *path, const struct tenon_model *model,
                           const char *device) {
    char devices[128];
    struct tenon_program *program = NULL;
    struct tenon_report *report = NULL;
    struct machine machine = {0};
    struct machine_options how = c->options->machine;
    snprintf(devices, sizeof(devices), "%s%s", device, strcmp(device, "cpu") == 0 ? "" : ",cpu");
    how.devices = devices;
    how.placement = MACHINE_PLACEMENT_ORDER;
    how.profile = true;
    how.report = &report;
    int result = machine_compile(path, model, &how, &program);
    if (result == EXIT_OK)
        result = machine_open(&machine, path, program, &how);
    size_t nodes = program != NULL ? tenon_program_node_count(program) : 0, runs = 0;
    uint64_t *times = calloc(nodes * RUNS_MAX + 1, sizeof(*times));
    if (times == NULL)
        result = tool_complain_memory();
    if (result == EXIT_OK) {
        fill_inputs(&machine);
        result = measure(c, &machine, path, times, &runs);
    }
    if (result == EXIT_OK)
        result = add_measured(c, report, times, runs);
    free(times);
    machine_close(&machine);
    tenon_report_destroy(report);
    tenon_program_unref(program);
    return result;
}

static int open_built_in(unsigned index, char **text, struct tenon_model **model) {
    struct tenon_error error = {0};
    size_t size;
    *text = calibration_text(index, &size);
    if (*text == NULL)
        return tool_complain_memory();
    if (tenon_model_open_memory(*text, size, "common operators", NULL, model, &error) != TENON_OK)
        return tool_complain_error("common operators", &error);
    return EXIT_OK;
}

static int calibrate_device(struct calibration *c, const char *device) {
    const struct option_texts *models = &c->options->models;
    size_t count = models->count > 0 ? models->count : CALIBRATION_COUNT;
    int result = EXIT_OK;
    struct tool_progress *progress = tool_progress_begin(device);
    for (size_t i = 0; i < count && result == EXIT_OK; i++) {
        struct tenon_model *model = NULL;
        char *text = NULL;
        const char *path = models->count > 0 ? models->items[i] : "common operators";
        result = models->count > 0 ? machine_open_model(path, &c->options->machine, &model)
                                   : open_built_in((unsigned)i, &text, &model);
        if (result == EXIT_OK)
            result = calibrate_model(c, path, model, device);
        tenon_model_destroy(model);
        free(text);
    }
    tool_progress_end(progress);
    return result;
}

/* ---- all devices ---- */

static int calibrate_listed(struct calibration *c) {
    char *text = strdup(c->options->machine.devices), *rest = NULL;
    if (text == NULL)
        return tool_complain_memory();
    int result = EXIT_OK;
    for (char *word = strtok_r(text, ",", &rest); word != NULL && result == EXIT_OK;
         word = strtok_r(NULL, ",", &rest))
        result = calibrate_device(c, word);
    free(text);
    return result;
}

static int calibrate_present(struct calibration *c) {
    struct tenon_error error = {0};
    struct tenon_instance *instance;
    struct tenon_device_info info;
    if (tenon_instance_create(NULL, &instance, &error) != TENON_OK)
        return tool_complain_error("devices", &error);
    int result = EXIT_OK;
    for (uint32_t i = 0; i < tenon_instance_device_count(instance) && result == EXIT_OK; i++) {
        tenon_device_get_info(tenon_instance_device(instance, i), &info);
        if (!info.simulated && strcmp(info.name, "reference") != 0)
            result = calibrate_device(c, info.name);
    }
    tenon_instance_destroy(instance);
    return result;
}

static int by_key(const void *left, const void *right) {
    const struct sum *a = left, *b = right;
    int order = strcmp(a->target, b->target);
    if (order == 0 && a->is_operator != b->is_operator)
        return a->is_operator ? -1 : 1;
    return order != 0 ? order : strcmp(a->operation, b->operation);
}

static void print_summary(const struct calibration *c) {
    char measured[FIGURE_BYTES], estimated[FIGURE_BYTES];
    printf("%-16s %-24s %10s %10s %10s %9s\n", "target", "operator", "places", "measured",
           "estimated", "ratio");
    for (size_t i = 0; i < c->count; i++) {
        const struct sum *sum = &c->sums[i];
        if (sum->is_operator)
            printf("%-16s %-24s %10" PRIu32 " %10s %10s %9.3f\n", sum->target, sum->operation,
                   sum->count, tool_figure_time(sum->measured_ns, measured),
                   tool_figure_time(sum->estimated_ns, estimated),
                   sum->measured_ns / (sum->estimated_ns > 0 ? sum->estimated_ns : 1));
    }
}

static int save(const struct calibration *c) {
    struct tenon_measured_cost *items = calloc(c->count + 1, sizeof(*items));
    struct outputs outputs = {0};
    for (size_t i = 0; items != NULL && i < c->count; i++) {
        const struct sum *sum = &c->sums[i];
        double ratio = sum->measured_ns / (sum->estimated_ns > 0 ? sum->estimated_ns : 1);
        items[i] = (struct tenon_measured_cost){.target = sum->target, .operation = sum->operation};
        if (sum->is_operator)
            items[i].ratio = ratio > 1e-6 ? ratio : 1e-6;
        else
            items[i].ns = (uint64_t)(sum->measured_ns / sum->count + 0.5);
    }
    json_t *json = items != NULL ? costs_json(items, (uint32_t)c->count) : NULL;
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    int result = EXIT_OK;
    if (text == NULL)
        result = tool_complain_memory();
    else if (!outputs_add(&outputs, c->options->output, text, strlen(text)) ||
             !outputs_commit(&outputs))
        result = EXIT_ENVIRONMENT;
    outputs_finish(&outputs);
    free(text);
    json_decref(json);
    free(items);
    return result;
}

static int run(const struct command *command, int argc, char **argv) {
    struct calibrate_options calibrate = {.seconds = 1};
    struct calibration c = {.options = &calibrate};
    int result;
    if (!tool_command_parse(command, argc, argv, &calibrate, NULL, 0, &result))
        return result;
    if (calibrate.output == NULL)
        return tool_complain(EXIT_USAGE, "calibrate: say where to with -o FILE, as -o costs.json");
    result = calibrate.machine.devices != NULL ? calibrate_listed(&c) : calibrate_present(&c);
    if (c.count > 0)
        qsort(c.sums, c.count, sizeof(*c.sums), by_key);
    if (result == EXIT_OK)
        result = save(&c);
    if (result == EXIT_OK && strcmp(calibrate.output, "-") != 0)
        print_summary(&c);
    for (size_t i = 0; i < c.count; i++) {
        free(c.sums[i].target);
        free(c.sums[i].operation);
    }
    free(c.sums);
    return result;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .summary = "measure operators, to share models better",
    .operands = "",
    .text = "Measures operators on the devices of this machine and saves the times. With --costs,\n"
            "other commands take them in place of estimates when they share a model between\n"
            "devices: the very operation where it was measured, else the operator's ratio of\n"
            "measured to estimated time. Prints these ratios.",
    .examples = "  tenon calibrate -o costs.json\n"
                "  tenon calibrate -m mobilenet.tflite -o costs.json\n"
                "  tenon run --costs costs.json -d npu,cpu mobilenet.tflite\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
