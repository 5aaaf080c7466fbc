/* Opening and running what the command line names; see machine.h. */
#include "machine.h"

#include <inttypes.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "costs.h"
#include "report.h"

bool machine_is_program(const char *path) {
    char start[8];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    bool is = fread(start, 1, sizeof(start), file) == sizeof(start) &&
              memcmp(start, "TENONIMG", sizeof(start)) == 0;
    fclose(file);
    return is;
}

int machine_open_model(const char *path, const struct machine_options *options,
                       struct tenon_model **out) {
    static const enum tenon_rounding rules[] = {TENON_ROUNDING_NONE, TENON_ROUNDING_DOUBLE,
                                                TENON_ROUNDING_SINGLE, TENON_ROUNDING_F32};
    struct tenon_error error = {0};
    struct tenon_model_options model_options = {.size = sizeof(model_options),
                                                .rounding = rules[options->rounding]};
    *out = NULL;
    if (tenon_diagnostics_create(&model_options.list, &error) != TENON_OK)
        return tool_complain_error(path, &error);
    enum tenon_status status = tenon_model_open(path, &model_options, out, &error);
    tool_report_diagnostics(path, model_options.list);
    int result = EXIT_OK;
    if (status != TENON_OK) {
        bool told = false;
        for (uint32_t i = 0; i < tenon_diagnostics_count(model_options.list); i++)
            told |= tenon_diagnostics_get(model_options.list, i)->severity == TENON_SEVERITY_ERROR;
        result = told ? tool_exit_status(status) : tool_complain_error(path, &error);
        if (status == TENON_ERROR_LIMIT) /* a model that asks for too much */
            result = EXIT_BAD_INPUT;
    }
    tenon_diagnostics_destroy(model_options.list);
    return result;
}

/* Cuts "a,b" in `text`, which is overwritten. Returns the count, 0 when it is no such list. */
static uint32_t split_targets(char *text, const char *targets[MACHINE_TARGETS_MAX]) {
    uint32_t count = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        bool last = text[length] == '\0';
        if (length == 0 || count == MACHINE_TARGETS_MAX)
            return 0;
        text[length] = '\0';
        targets[count++] = text;
        if (last)
            return count;
        text += length + 1;
    }
}

static bool is_target(const char *name) {
    const char *target;
    for (uint32_t i = 0; (target = tenon_target_name(i)) != NULL; i++)
        if (strcmp(target, name) == 0)
            return true;
    return false;
}

/*
 * Names of targets stay, names of devices become what programs for them are compiled for. The
 * instance is made for the first device only; it owns what the names become.
 */
static int resolve_targets(const char **targets, uint32_t count, struct tenon_instance **instance) {
    for (uint32_t i = 0; i < count; i++) {
        struct tenon_error error = {0};
        struct tenon_device_info info;
        if (is_target(targets[i]))
            continue;
        if (*instance == NULL && tenon_instance_create(NULL, instance, &error) != TENON_OK)
            return tool_complain_error("devices", &error);
        struct tenon_device *device = tenon_instance_find_device(*instance, targets[i]);
        if (device == NULL)
            return tool_complain(EXIT_ENVIRONMENT,
                                 "there is no device and no target '%s'; `tenon devices` lists "
                                 "the devices",
                                 targets[i]);
        tenon_device_get_info(device, &info);
        if (!is_target(info.target))
            return tool_complain(EXIT_ENVIRONMENT,
                                 "this build of Tenon does not compile for '%s' (device '%s')",
                                 info.target, targets[i]);
        targets[i] = info.target;
    }
    return EXIT_OK;
}

/* Whether a target that is not the host takes the node. */
static bool is_wanted(const struct tenon_report *report, uint32_t node) {
    struct tenon_report_target target;
    struct tenon_report_option option;
    for (uint32_t i = 0; tenon_report_get_target(report, i, &target) == TENON_OK; i++)
        if (!target.is_host && tenon_report_get_option(report, node, i, &option) == TENON_OK &&
            option.supported)
            return true;
    return false;
}

/* Each node that only the CPU takes, with every other target's reason. */
static int complain_fallback(const char *path, const struct tenon_report *report) {
    struct tenon_report_node node;
    struct tenon_report_target target;
    struct tenon_report_option option;
    char name[NAME_BYTES], reason[NAME_BYTES];
    uint32_t count = 0, nodes = 0;
    for (; tenon_report_get_node(report, nodes, &node) == TENON_OK; nodes++)
        count += !is_wanted(report, nodes);
    tool_complain(0, "%s: %" PRIu32 " of %" PRIu32 " nodes would fall back to the CPU:", path,
                  count, nodes);
    for (uint32_t n = 0; tenon_report_get_node(report, n, &node) == TENON_OK; n++) {
        if (is_wanted(report, n))
            continue;
        fprintf(stderr, "  %s '%.60s'", node.op, tool_name_text(node.name, name));
        for (uint32_t i = 0; tenon_report_get_target(report, i, &target) == TENON_OK; i++)
            if (!target.is_host && tenon_report_get_option(report, n, i, &option) == TENON_OK)
                fprintf(stderr, "; %s: %s", target.name, tool_name_text(option.reason, reason));
        fputc('\n', stderr);
    }
    return EXIT_DIFFERENT;
}

static int compile(const char *path, const struct tenon_model *model, const char *const *targets,
                   uint32_t count, const struct machine_options *options,
                   struct tenon_program **out) {
    struct tenon_error error = {0};
    struct tenon_report *refusal = NULL, **report = options->report;
    struct costs costs;
    int result = costs_read(options->costs, &costs);
    if (result != EXIT_OK) {
        costs_finish(&costs);
        return result;
    }
    if (report == NULL && options->no_fallback)
        report = &refusal;
    const struct tenon_compile_options compile = {
        .size = sizeof(compile),
        .targets = targets,
        .target_count = count,
        .no_fallback = options->no_fallback,
        .keep_tensors = options->keep_tensors,
        .isolate_nodes = options->isolate_nodes,
        .portable = options->portable,
        .numerics = options->numerics == 0 ? TENON_NUMERICS_EXACT : TENON_NUMERICS_WITHIN_1,
        .placement = options->placement == MACHINE_PLACEMENT_ORDER ? TENON_PLACEMENT_BY_ORDER
                                                                   : TENON_PLACEMENT_BY_COST,
        .measured = costs.items,
        .measured_count = costs.count,
        .report = report,
        .passes = options->passes,
    };
    enum tenon_status status = tenon_compile(model, &compile, out, &error);
    if (status == TENON_ERROR_FALLBACK && report != NULL && *report != NULL)
        result = complain_fallback(path, *report);
    else if (status != TENON_OK)
        result = tool_complain_error(path, &error);
    tenon_report_destroy(refusal);
    costs_finish(&costs);
    return result;
}

int machine_compile(const char *path, const struct tenon_model *model,
                    const struct machine_options *options, struct tenon_program **out) {
    const char *targets[MACHINE_TARGETS_MAX];
    struct tenon_instance *instance = NULL;
    char *text = strdup(options->devices != NULL ? options->devices : "cpu");
    *out = NULL;
    if (text == NULL)
        return tool_complain_memory();
    struct tool_progress *progress = tool_progress_begin("compiling");
    uint32_t count = split_targets(text, targets);
    int result = EXIT_OK;
    if (count == 0)
        result = tool_complain(EXIT_USAGE, "'%s' is no list of up to %d devices, as cpu,reference",
                               options->devices, MACHINE_TARGETS_MAX);
    else
        result = resolve_targets(targets, count, &instance);
    if (result == EXIT_OK)
        result = compile(path, model, targets, count, options, out);
    tenon_instance_destroy(instance);
    tool_progress_end(progress);
    free(text);
    return result;
}

static int load_program(const char *path, const struct machine_options *options,
                        struct tenon_program **out) {
    struct tenon_error error = {0};
    if (options->devices != NULL || options->rounding != 0 || options->portable ||
        options->no_fallback || options->numerics != 0 || options->placement != 0 ||
        options->costs != NULL)
        return tool_complain(EXIT_USAGE,
                             "%s is a compiled program: devices, rounding and fallback were chosen "
                             "by `tenon compile`; drop these options or name the model",
                             path);
    if (tenon_program_open(path, out, &error) != TENON_OK)
        return tool_complain_error(path, &error);
    return EXIT_OK;
}

void machine_trim(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

int machine_open_program(const char *path, const struct machine_options *options,
                         struct tenon_program **out) {
    *out = NULL;
    if (machine_is_program(path))
        return load_program(path, options, out);
    struct tenon_model *model;
    int result = machine_open_model(path, options, &model);
    if (result == EXIT_OK)
        result = machine_compile(path, model, options, out);
    tenon_model_destroy(model);
    machine_trim();
    return result;
}

int machine_open(struct machine *machine, const char *path, struct tenon_program *program,
                 const struct machine_options *options) {
    struct tenon_error error = {0};
    *machine = (struct machine){.program = tenon_program_ref(program)};
    const struct tenon_instance_options instance_options = {
        .size = sizeof(instance_options), .cpu_threads = (uint32_t)options->threads};
    const struct tenon_session_options session_options = {.size = sizeof(session_options),
                                                          .profile = options->profile};
    if (tenon_instance_create(&instance_options, &machine->instance, &error) != TENON_OK ||
        tenon_session_create(machine->instance, program, &session_options, &machine->session,
                             &error) != TENON_OK ||
        tenon_queue_create(machine->instance, NULL, &machine->queue, &error) != TENON_OK ||
        tenon_fence_create(machine->instance, &machine->fence, &error) != TENON_OK)
        return tool_complain_error(path, &error);
    return EXIT_OK;
}

void machine_close(struct machine *machine) {
    tenon_queue_destroy(machine->queue);
    tenon_fence_unref(machine->fence);
    tenon_session_destroy(machine->session);
    tenon_program_unref(machine->program);
    tenon_instance_destroy(machine->instance);
    *machine = (struct machine){0};
}

int machine_run(struct machine *machine, const char *path, uint64_t *duration_ns) {
    struct tenon_error error = {0};
    struct tenon_fence *signals[] = {machine->fence};
    const struct tenon_job job = {
        .size = sizeof(job), .session = machine->session, .signals = signals, .signal_count = 1};
    /* The queue holds the fence until the job has ended entirely, a moment after it signalled. */
    tenon_queue_wait_idle(machine->queue);
    if (tenon_fence_is_signalled(machine->fence))
        tenon_fence_reset(machine->fence);
    uint64_t start = tool_clock_ns();
    if (tenon_queue_run(machine->queue, &job, &error) != TENON_OK)
        return tool_complain_error(path, &error);
    *duration_ns = tool_clock_ns() - start;
    return EXIT_OK;
}
