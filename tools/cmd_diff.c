/*
 * tenon diff: the same input on two devices, every intermediate tensor compared in the order of
 * execution; or on one device against outputs that were kept.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "diff_nodes.h"
#include "difference.h"
#include "file.h"
#include "input.h"
#include "machine.h"
#include "places.h"
#include "report.h"

struct diff_options {
    struct machine_options machine;
    struct input_options input;
    const char *a, *b, *golden;
    struct diff_nodes_options nodes;
    double tolerance;
    bool per_node;
};

static const struct option options[] = {
    {0, "a", OPTION_TEXT, "DEVICE[,DEVICE...]", offsetof(struct diff_options, a), 0, 0,
     "the one that is right (default reference)"},
    {0, "b", OPTION_TEXT, "DEVICE[,DEVICE...]", offsetof(struct diff_options, b), 0, 0,
     "the other (default cpu)"},
    {0, "golden", OPTION_TEXT, "DIR|FILE", offsetof(struct diff_options, golden), 0, 0,
     "in place of --a: DIR/N.raw for each output N, as\n"
     "`tenon run -o DIR` writes them, or the bytes of\n"
     "the only output"},
    {0, "tolerance", OPTION_RATIO, "X", offsetof(struct diff_options, tolerance), 0, 1,
     "let float elements differ by X times the largest\n"
     "magnitude in their tensor (default 0)"},
    {0, "per-node", OPTION_FLAG, NULL, offsetof(struct diff_options, per_node), 0, 0,
     "give each operator of --b the inputs that --a gave\n"
     "its own, and count differences per operator"},
    {0, "json", OPTION_FLAG, NULL, offsetof(struct diff_options, nodes.json), 0, 0,
     "with --per-node: print JSON"},
    INPUT_OPTION_FILE(struct diff_options),
    INPUT_OPTION_RESIZE(struct diff_options),
    INPUT_OPTION_CROP(struct diff_options),
    INPUT_OPTION_MEAN(struct diff_options),
    INPUT_OPTION_SCALE(struct diff_options),
    INPUT_OPTION_SEED(struct diff_options),
    MACHINE_OPTION_THREADS(struct diff_options),
    MACHINE_OPTION_ROUNDING(struct diff_options),
    MACHINE_OPTION_NUMERICS(struct diff_options),
    MACHINE_OPTION_PLACEMENT(struct diff_options),
    MACHINE_OPTION_COSTS(struct diff_options),
};

static int open_on(const char *path, const struct tenon_model *model,
                   const struct diff_options *diff, const char *device, bool isolate,
                   struct machine *out) {
    struct tenon_program *program;
    struct machine_options machine = diff->machine;
    machine.devices = device;
    machine.keep_tensors = diff->golden == NULL;
    machine.isolate_nodes = isolate;
    if (isolate) /* a node on its own is worth no crossing; here it is to show what it does */
        machine.placement = MACHINE_PLACEMENT_ORDER;
    int result = machine_compile(path, model, &machine, &program);
    if (result == EXIT_OK)
        result = machine_open(out, path, program, &machine);
    tenon_program_unref(program);
    return result;
}

static int run_on(const char *path, const struct tenon_model *model,
                  const struct diff_options *diff, const char *device, bool quiet,
                  struct machine *out) {
    uint64_t ignored;
    int result = open_on(path, model, diff, device, false, out);
    struct input_options input = diff->input;
    input.quiet = quiet;
    if (result == EXIT_OK)
        result = inputs_fill(out, &input);
    return result == EXIT_OK ? machine_run(out, path, &ignored) : result;
}

/* The second device, each node fed with what the first one made. */
static int run_nodes_on(const char *path, const struct tenon_model *model,
                        const struct diff_options *diff, const char *device,
                        const struct machine *first, struct machine *out) {
    uint64_t ignored;
    int result = open_on(path, model, diff, device, true, out);
    if (result == EXIT_OK)
        result = diff_nodes_feed(model, first, out);
    return result == EXIT_OK ? machine_run(out, path, &ignored) : result;
}

static void describe(const struct tenon_model *model, const struct place *place,
                     const struct tenon_tensor_info *info, const char *first) {
    struct tenon_node_info node;
    char shape[SHAPE_BYTES], name[NAME_BYTES], tensor[NAME_BYTES];
    tool_shape_text(info, shape);
    tool_name_text(info->name, tensor);
    if (place->node != TENON_NO_INDEX && tenon_model_node(model, place->node, &node) == TENON_OK)
        printf("%snode %" PRIu32 " %s '%s', tensor '%s' %s\n", first, place->node, node.op,
               tool_name_text(node.name, name), tensor, shape);
    else
        printf("%soutput %" PRIu32 " '%s' %s\n", first, place->output, tensor, shape);
}

/* Compares in the order of execution; prints the first difference in full, counts the others. */
static int compare_devices(const struct tenon_model *model, const struct diff_options *diff,
                           const struct machine *a, const struct machine *b,
                           const struct place *places, uint32_t count) {
    uint32_t different = 0, inexact = 0;
    struct tenon_tensor_info info, other;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t output = places[i].output;
        const void *left = tenon_session_output_data(a->session, output);
        const void *right = tenon_session_output_data(b->session, output);
        struct difference difference;
        if (tenon_program_output(a->program, output, &info) != TENON_OK ||
            tenon_program_output(b->program, output, &other) != TENON_OK ||
            !places_same_tensor(&info, &other))
            return tool_complain(EXIT_ENVIRONMENT,
                                 "output %" PRIu32 " is not the same tensor on "
                                 "both devices",
                                 output);
        difference_measure(&info, left, right, diff->tolerance, &difference);
        inexact += difference.different > 0;
        if (difference.beyond == 0)
            continue;
        if (different++ > 0)
            continue;
        describe(model, &places[i], &info, "first difference: ");
        difference_print(&info, &difference);
    }
    if (different == 0)
        printf(inexact > 0 ? "equal: %" PRIu32 " tensors, %" PRIu32
                             " of them within the tolerance\n"
                           : "equal: %" PRIu32 " tensors\n",
               count, inexact);
    else
        printf("different: %" PRIu32 " of %" PRIu32 " tensors\n", different, count);
    return different == 0 ? EXIT_OK : EXIT_DIFFERENT;
}

static int diff_places(const struct tenon_model *model, const struct diff_options *diff,
                       const struct machine *a, const struct machine *b) {
    uint32_t count = tenon_program_output_count(a->program);
    if (tenon_program_output_count(b->program) != count)
        return tool_complain(EXIT_ENVIRONMENT, "the devices keep different tensors");
    struct place *places = places_find(a->program, model);
    int result = places != NULL ? EXIT_OK : tool_complain_memory();
    if (result == EXIT_OK)
        result = diff->per_node ? diff_nodes(model, a, b, places, &diff->nodes)
                                : compare_devices(model, diff, a, b, places, count);
    free(places);
    return result;
}

static int diff_devices(const char *path, const struct tenon_model *model,
                        const struct diff_options *diff) {
    struct machine a = {0}, b = {0};
    int result = run_on(path, model, diff, diff->a != NULL ? diff->a : "reference", false, &a);
    const char *device = diff->b != NULL ? diff->b : "cpu";
    if (result == EXIT_OK)
        result = diff->per_node ? run_nodes_on(path, model, diff, device, &a, &b)
                                : run_on(path, model, diff, device, true, &b);
    if (result == EXIT_OK)
        result = diff_places(model, diff, &a, &b);
    machine_close(&a);
    machine_close(&b);
    return result;
}

static int compare_golden(const struct diff_options *diff, const struct machine *machine,
                          uint32_t output, const char *path) {
    struct tenon_tensor_info info;
    uint8_t *golden;
    size_t size;
    if (tenon_program_output(machine->program, output, &info) != TENON_OK)
        return EXIT_ENVIRONMENT;
    if (!file_read(path, &golden, &size))
        return EXIT_ENVIRONMENT;
    int result = EXIT_OK;
    char name[NAME_BYTES];
    struct difference difference;
    if (size != info.size_bytes) {
        result = tool_complain(EXIT_BAD_INPUT, "%s: %zu bytes, output %" PRIu32 " has %zu", path,
                               size, output, info.size_bytes);
    } else {
        difference_measure(&info, golden, tenon_session_output_data(machine->session, output),
                           diff->tolerance, &difference);
        result = difference.beyond > 0 ? EXIT_DIFFERENT : EXIT_OK;
        printf("output %" PRIu32 " '%s': %s\n", output, tool_name_text(info.name, name),
               difference.beyond > 0      ? "different"
               : difference.different > 0 ? "within the tolerance"
                                          : "equal");
        if (difference.different > 0)
            difference_print(&info, &difference);
    }
    free(golden);
    return result;
}

static int compare_goldens(const struct diff_options *diff, const struct machine *machine) {
    struct stat status;
    char path[4096];
    uint32_t count = tenon_program_output_count(machine->program);
    if (stat(diff->golden, &status) == 0 && !S_ISDIR(status.st_mode)) {
        if (count != 1)
            return tool_complain(EXIT_USAGE,
                                 "the model has %" PRIu32 " outputs: name a folder with 0.raw, ...",
                                 count);
        return compare_golden(diff, machine, 0, diff->golden);
    }
    int result = EXIT_OK;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%" PRIu32 ".raw", diff->golden, i);
        int one = compare_golden(diff, machine, i, path);
        if (one != EXIT_OK && one != EXIT_DIFFERENT)
            return one;
        result = one == EXIT_OK ? result : one;
    }
    return result;
}

static int diff_golden(const char *path, const struct tenon_model *model,
                       const struct diff_options *diff) {
    struct machine machine = {0};
    int result = run_on(path, model, diff, diff->b != NULL ? diff->b : "cpu", false, &machine);
    if (result == EXIT_OK)
        result = compare_goldens(diff, &machine);
    machine_close(&machine);
    return result;
}

static int run(const struct command *command, int argc, char **argv) {
    struct diff_options diff = {0};
    const char *path;
    int result;
    if (!tool_command_parse(command, argc, argv, &diff, &path, 1, &result))
        return result;
    if (diff.golden != NULL && diff.a != NULL)
        return tool_complain(EXIT_USAGE, "diff: --golden stands in place of --a; drop one");
    if (diff.golden != NULL && diff.per_node)
        return tool_complain(EXIT_USAGE, "diff: --per-node needs a device, not --golden");
    if (diff.nodes.json && !diff.per_node)
        return tool_complain(EXIT_USAGE, "diff: --json is for --per-node");
    diff.nodes.tolerance = diff.tolerance;
    diff.nodes.within_1 = diff.machine.numerics != 0;
    if (machine_is_program(path))
        return tool_complain(EXIT_USAGE, "%s is a compiled program; diff compiles the model itself",
                             path);
    struct tenon_model *model;
    result = machine_open_model(path, &diff.machine, &model);
    if (result == EXIT_OK)
        result = diff.golden != NULL ? diff_golden(path, model, &diff)
                                     : diff_devices(path, model, &diff);
    tenon_model_destroy(model);
    return result;
}

const struct command command_diff = {
    .name = "diff",
    .summary = "compare two devices, or a device and a golden",
    .operands = "MODEL",
    .text = "Runs MODEL on two devices with the same input, compares every intermediate tensor in\n"
            "the order of execution and shows the first operator that differs, with a histogram.\n"
            "With --golden, compares the outputs with files. With --per-node, differences do not\n"
            "add up from operator to operator. Exit status 0: equal, 1: different.",
    .examples =
        "  tenon diff -i cat.jpg mobilenet.tflite\n"
        "  tenon diff --a reference --b cpu --seed 7 mobilenet.tflite\n"
        "  tenon diff --per-node --numerics within-1 --b sim:nvdla,cpu -i cat.jpg m.tflite\n"
        "  tenon run -i cat.jpg -o golden mobilenet.tflite &&\n"
        "      tenon diff -i cat.jpg --golden golden mobilenet.tflite\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
