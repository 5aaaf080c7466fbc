/* tenon run: a model and its inputs in, an answer out. */
#include <inttypes.h>
#include <stdlib.h>

#include "answer.h"
#include "command.h"
#include "file.h"
#include "input.h"
#include "machine.h"
#include "npy.h"
#include "placement.h"
#include "plan.h"
#include "report.h"
#include "statistics.h"

struct run_options {
    struct machine_options machine;
    struct input_options input;
    struct option_texts reports;
    const char *output, *labels;
    uint64_t top, repeat;
    bool show, npy, json, profile;
};

static const struct option options[] = {
    INPUT_OPTION_FILE(struct run_options),
    {'o', "output", OPTION_TEXT, "DIR", offsetof(struct run_options, output), 0, 0,
     "write DIR/N.raw for each output N"},
    {0, "npy", OPTION_FLAG, NULL, offsetof(struct run_options, npy), 0, 0,
     "with -o: write DIR/N.npy as well"},
    {0, "json", OPTION_FLAG, NULL, offsetof(struct run_options, json), 0, 0,
     "with -o: write DIR/result.json as well;\nelse: print JSON instead of text"},
    {0, "labels", OPTION_TEXT, "FILE", offsetof(struct run_options, labels), 0, 0,
     "names of the classes, one per line"},
    {0, "top", OPTION_NUMBER, "K", offsetof(struct run_options, top), 1, ANSWER_TOP_MAX,
     "show the K best classes (default 5)"},
    {0, "show", OPTION_FLAG, NULL, offsetof(struct run_options, show), 0, 0,
     "draw the first picture in the terminal"},
    INPUT_OPTION_RESIZE(struct run_options),
    INPUT_OPTION_CROP(struct run_options),
    INPUT_OPTION_MEAN(struct run_options),
    INPUT_OPTION_SCALE(struct run_options),
    INPUT_OPTION_SEED(struct run_options),
    MACHINE_OPTION_DEVICE(struct run_options),
    MACHINE_OPTION_THREADS(struct run_options),
    {0, "repeat", OPTION_NUMBER, "N", offsetof(struct run_options, repeat), 1, 1000000,
     "run N times on the same input"},
    {0, "profile", OPTION_FLAG, NULL, offsetof(struct run_options, profile), 0, 0,
     "show the time of every operator"},
    PLAN_OPTION_REPORT(struct run_options),
    MACHINE_OPTION_ROUNDING(struct run_options),
    MACHINE_OPTION_NUMERICS(struct run_options),
    MACHINE_OPTION_PLACEMENT(struct run_options),
    MACHINE_OPTION_COSTS(struct run_options),
    MACHINE_OPTION_NO_FALLBACK(struct run_options),
    MACHINE_OPTION_PORTABLE(struct run_options),
};

/* What the runs took. */
struct timing {
    uint64_t *run_ns;  /* options.repeat of them, in order */
    uint64_t *node_ns; /* mean of each node; only with --profile */
};

static void add_profile(const struct machine *machine, uint64_t *node_ns) {
    struct tenon_node_profile profile;
    for (uint32_t i = 0; i < tenon_program_node_count(machine->program); i++)
        if (tenon_session_profile(machine->session, i, &profile) == TENON_OK)
            node_ns[i] += profile.duration_ns;
}

static int run_all(struct machine *machine, const char *path, const struct run_options *run,
                   struct timing *timing) {
    uint32_t nodes = tenon_program_node_count(machine->program);
    timing->run_ns = calloc(run->repeat, sizeof(*timing->run_ns));
    bool profile = run->machine.profile;
    timing->node_ns = profile ? calloc(nodes + (size_t)1, sizeof(*timing->node_ns)) : NULL;
    if (timing->run_ns == NULL || (profile && timing->node_ns == NULL))
        return tool_complain_memory();
    struct tool_progress *progress = tool_progress_begin("running");
    int result = EXIT_OK;
    for (uint64_t i = 0; i < run->repeat && result == EXIT_OK; i++) {
        result = machine_run(machine, path, &timing->run_ns[i]);
        if (profile)
            add_profile(machine, timing->node_ns);
    }
    tool_progress_end(progress);
    for (uint32_t i = 0; profile && i < nodes; i++)
        timing->node_ns[i] /= run->repeat;
    return result;
}

static json_t *json_outputs(const struct machine *machine, const struct run_options *run,
                            const struct labels *labels) {
    json_t *list = json_array();
    struct tenon_tensor_info info;
    for (uint32_t i = 0; i < tenon_program_output_count(machine->program); i++)
        if (tenon_program_output(machine->program, i, &info) == TENON_OK)
            tool_json_append(&list,
                             answer_json(&info, tenon_session_output_data(machine->session, i),
                                         labels, run->top));
    return list;
}

static json_t *json_answer(const struct machine *machine, const char *path,
                           const struct run_options *run, const struct labels *labels,
                           const struct timing *timing) {
    json_t *times = json_array();
    for (uint64_t i = 0; i < run->repeat; i++)
        tool_json_append(&times, json_integer((json_int_t)timing->run_ns[i]));
    return json_pack("{s:o, s:o, s:o, s:o}", "model", tool_json_text(path), "ns", times, "outputs",
                     json_outputs(machine, run, labels), "nodes",
                     placement_json(machine->program, timing->node_ns));
}

static bool write_output(struct file_set *set, const struct run_options *run, uint32_t index,
                         const struct tenon_tensor_info *info, const void *data) {
    char name[32], header[NPY_HEADER_MAX];
    snprintf(name, sizeof(name), "%" PRIu32 ".raw", index);
    if (!file_set_write(set, name, NULL, 0, data, info->size_bytes))
        return false;
    if (!run->npy)
        return true;
    size_t size = npy_header(info, header);
    if (size == 0) {
        tool_warn("output %" PRIu32 ": .npy has no type %s; only %s is written", index,
                  tenon_type_name(info->type), name);
        return true;
    }
    snprintf(name, sizeof(name), "%" PRIu32 ".npy", index);
    return file_set_write(set, name, header, size, data, info->size_bytes);
}

static bool write_json(struct file_set *set, json_t *json) {
    if (json == NULL) {
        tool_complain_memory();
        return false;
    }
    FILE *file = file_set_open(set, "result.json");
    bool dumped = false, closed = false;
    if (file != NULL) {
        dumped = json_dumpf(json, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0;
        fputc('\n', file);
        closed = file_set_close(set, file);
    }
    if (closed && !dumped)
        tool_complain_memory();
    json_decref(json);
    return dumped && closed;
}

static int write_reports(const char *path, const struct run_options *run,
                         const struct timing *timing) {
    struct outputs outputs = {0};
    const struct plan plan = {
        .title = path, .report = *run->machine.report, .spent_ns = timing->node_ns};
    int result = plan_write(&plan, &run->reports, &outputs);
    if (result == EXIT_OK && !outputs_commit(&outputs))
        result = EXIT_ENVIRONMENT;
    outputs_finish(&outputs);
    return result;
}

static int write_all(const struct machine *machine, const char *path, const struct run_options *run,
                     const struct labels *labels, const struct timing *timing) {
    struct file_set set;
    struct tenon_tensor_info info;
    bool ok = file_set_begin(&set, run->output);
    for (uint32_t i = 0; ok && i < tenon_program_output_count(machine->program); i++)
        ok = tenon_program_output(machine->program, i, &info) == TENON_OK &&
             write_output(&set, run, i, &info, tenon_session_output_data(machine->session, i));
    if (ok && run->json)
        ok = write_json(&set, json_answer(machine, path, run, labels, timing));
    ok = ok && file_set_commit(&set);
    file_set_finish(&set);
    return ok ? EXIT_OK : EXIT_ENVIRONMENT;
}

static void print_time(const struct run_options *run, const struct timing *timing) {
    char median[FIGURE_BYTES], best[FIGURE_BYTES];
    statistics_sort(timing->run_ns, run->repeat);
    tool_figure_time(statistics_percentile(timing->run_ns, run->repeat, 50), median);
    if (run->repeat == 1)
        printf("time: %s\n", median);
    else
        printf("time: median %s of %" PRIu64 " runs, best %s\n", median, run->repeat,
               tool_figure_time((double)timing->run_ns[0], best));
}

static void print_text(const struct machine *machine, const struct run_options *run,
                       const struct labels *labels, const struct timing *timing) {
    struct tenon_tensor_info info;
    for (uint32_t i = 0; i < tenon_program_output_count(machine->program); i++)
        if (tenon_program_output(machine->program, i, &info) == TENON_OK)
            answer_print(i, &info, tenon_session_output_data(machine->session, i), labels,
                         run->top);
    print_time(run, timing);
    placement_print_summary(machine->program);
    if (run->profile)
        placement_print_profile(machine->program, timing->node_ns);
}

static int answer(const struct machine *machine, const char *path, const struct run_options *run,
                  const struct labels *labels, const struct timing *timing) {
    if (run->output != NULL) {
        int result = write_all(machine, path, run, labels, timing);
        if (result != EXIT_OK)
            return result;
    } else if (run->json) {
        return tool_json_print(json_answer(machine, path, run, labels, timing));
    }
    print_text(machine, run, labels, timing);
    return EXIT_OK;
}

static int run_machine(struct machine *machine, const char *path, const struct run_options *run,
                       const struct labels *labels) {
    struct timing timing = {0};
    int result = run_all(machine, path, run, &timing);
    if (result == EXIT_OK && run->reports.count > 0)
        result = write_reports(path, run, &timing);
    if (result == EXIT_OK)
        result = answer(machine, path, run, labels, &timing);
    free(timing.run_ns);
    free(timing.node_ns);
    return result;
}

static int read_inputs(const struct input_source *source, const struct run_options *run,
                       struct inputs *inputs) {
    struct picture shown = {0};
    int result = inputs_read(source, &run->input, run->show ? &shown : NULL, inputs);
    if (shown.samples != NULL && !(run->json && run->output == NULL))
        picture_show(&shown);
    picture_finish(&shown);
    return result;
}

/* The program and its inputs, which are read before a model is compiled. */
static int open_all(const char *path, const struct run_options *run, struct inputs *inputs,
                    struct tenon_program **program) {
    struct tenon_model *model;
    if (machine_is_program(path)) {
        int result = machine_open_program(path, &run->machine, program);
        const struct input_source source = {.program = *program};
        return result == EXIT_OK ? read_inputs(&source, run, inputs) : result;
    }
    int result = machine_open_model(path, &run->machine, &model);
    const struct input_source source = {.model = model};
    if (result == EXIT_OK)
        result = read_inputs(&source, run, inputs);
    if (result == EXIT_OK)
        result = machine_compile(path, model, &run->machine, program);
    tenon_model_destroy(model);
    machine_trim();
    return result;
}

static int run_model(const char *path, const struct run_options *run) {
    struct labels labels;
    struct tenon_program *program = NULL;
    struct inputs inputs = {0};
    struct machine machine = {0};
    int result = labels_read(run->labels, &labels);
    if (result == EXIT_OK)
        result = open_all(path, run, &inputs, &program);
    if (result == EXIT_OK)
        placement_print_fallbacks(program, stderr);
    if (result == EXIT_OK)
        result = machine_open(&machine, path, program, &run->machine);
    if (result == EXIT_OK)
        result = inputs_bind(&inputs, &machine);
    inputs_finish(&inputs);
    machine_trim();
    if (result == EXIT_OK)
        result = run_machine(&machine, path, run, &labels);
    machine_close(&machine);
    tenon_program_unref(program);
    labels_finish(&labels);
    return result;
}

static int run(const struct command *command, int argc, char **argv) {
    struct run_options run = {.top = 5, .repeat = 1};
    const char *path;
    int result;
    if (!tool_command_parse(command, argc, argv, &run, &path, 1, &result))
        return result;
    struct tenon_report *report = NULL;
    run.machine.profile = run.profile || run.reports.count > 0;
    if (run.reports.count > 0)
        run.machine.report = &report;
    if (run.npy && run.output == NULL)
        return tool_complain(EXIT_USAGE, "--npy says how -o DIR writes; give -o DIR too");
    if (run.reports.count > 0 && machine_is_program(path))
        return tool_complain(
            EXIT_USAGE, "%s is a compiled program: `tenon compile --report` tells the plan", path);
    result = run_model(path, &run);
    tenon_report_destroy(report);
    return result;
}

const struct command command_run = {
    .name = "run",
    .summary = "run a model on pictures, sounds, arrays",
    .operands = "MODEL",
    .text = "Runs MODEL once and prints what it answers: the best classes of an output that is a\n"
            "list of scores, else a summary; the time; where each operator ran. MODEL is a\n"
            ".tflite file, a .tir text, or a program saved by `tenon compile` (.tnn). What fell\n"
            "back to another device is told on stderr, with the reason.",
    .examples =
        "  tenon run -i cat.jpg --labels labels.txt mobilenet.tflite\n"
        "  tenon run --show -i left=a.png -i right=b.png -o answer --npy stereo.tflite\n"
        "  tenon run --mean 123.7,116.3,103.5 --scale 58.4,57.1,57.4 -i cat.jpg net.tflite\n"
        "  tenon run -d sim:nvdla,cpu --report plan.svg mobilenet.tflite\n"
        "  tenon run --profile --repeat 20 --threads 1 mobilenet.tflite\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
