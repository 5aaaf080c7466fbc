/* tenon compile: a model becomes a saved program, which runs without the compiler half. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "listing.h"
#include "machine.h"
#include "output.h"
#include "pass_words.h"
#include "placement.h"
#include "plan.h"
#include "report.h"

enum { EMIT_PROGRAM, EMIT_TRACE };

struct compile_options {
    struct machine_options machine;
    struct option_texts reports;
    const char *output;
    int emit;
    struct pass_words passes;
};

static const struct option options[] = {
    {'o', "output", OPTION_TEXT, "FILE", offsetof(struct compile_options, output), 0, 0,
     "what to write, by habit NAME.tnn (required)"},
    MACHINE_OPTION_DEVICE(struct compile_options),
    {0, "target", OPTION_TEXT, "TARGET[,TARGET...]",
     offsetof(struct compile_options, machine.devices), 0, 0,
     "the same for devices that are not here;\n`tenon devices --targets` lists them"},
    {0, "emit", OPTION_CHOICE, "program|trace", offsetof(struct compile_options, emit), 0, 0,
     "trace: the commands as text for replay on other\n"
     "implementations of the device (default program)"},
    PLAN_OPTION_REPORT(struct compile_options),
    MACHINE_OPTION_ROUNDING(struct compile_options),
    MACHINE_OPTION_NUMERICS(struct compile_options),
    MACHINE_OPTION_PLACEMENT(struct compile_options),
    MACHINE_OPTION_COSTS(struct compile_options),
    MACHINE_OPTION_NO_FALLBACK(struct compile_options),
    MACHINE_OPTION_PORTABLE(struct compile_options),
    {0, "list-passes", OPTION_FLAG, NULL, offsetof(struct compile_options, passes.list), 0, 0,
     "name the passes in the order in which they run, and end"},
    {0, "print-ir", OPTION_TEXT, "after:PASS", offsetof(struct compile_options, passes.print_ir), 0,
     0, "print the graph as it is after a pass, or after:all;\n-o may then be left out"},
    {0, "run-pass", OPTION_TEXTS, "PASS", offsetof(struct compile_options, passes.run), 0, 0,
     "run a pass on the whole model although no target asks\nfor it; may be given several times"},
    {0, "lossy-scales", OPTION_FLAG, NULL, offsetof(struct compile_options, passes.lossy_scales), 0,
     0, "passes may put channels on one scale at a loss, which\nis told"},
    {0, "skip-pass", OPTION_TEXTS, "PASS", offsetof(struct compile_options, passes.skip), 0, 0,
     "leave a pass out, or all; may be given several times"},
    {0, "stop-after-rewrite", OPTION_NUMBER, "N",
     offsetof(struct compile_options, passes.stop_after_rewrite), 1, UINT64_MAX,
     "do only the first N rewrites of all passes, to find\nthe one that is wrong by halving"},
};

static int add_program(const char *path, const struct tenon_program *program,
                       const struct compile_options *compile, struct outputs *outputs) {
    size_t size;
    const void *data = tenon_program_data(program, &size);
    char *text = NULL;
    if (compile->emit == EMIT_TRACE) {
        int result = listing_make(path, program, TENON_LISTING_TRACE, &text, &size);
        if (result != EXIT_OK)
            return result;
        data = text;
    }
    bool ok = outputs_add(outputs, compile->output, data, size);
    free(text);
    return ok ? EXIT_OK : EXIT_ENVIRONMENT;
}

static void print_summary(const struct tenon_program *program, const char *path,
                          uint64_t duration_ns) {
    struct tenon_program_memory memory;
    char time[FIGURE_BYTES], image[FIGURE_BYTES], constants[FIGURE_BYTES], scratch[FIGURE_BYTES];
    tenon_program_get_memory(program, &memory);
    printf("%s: %s (%s of constants), %s of working memory, compiled in %s\n", path,
           tool_figure_bytes(memory.image_bytes, image),
           tool_figure_bytes(memory.constant_bytes, constants),
           tool_figure_bytes(memory.scratch_bytes, scratch),
           tool_figure_time((double)duration_ns, time));
    placement_print_summary(program);
}

static int write_all(const char *path, const struct tenon_program *program,
                     const struct tenon_report *report, const struct compile_options *compile) {
    struct outputs outputs = {0};
    const struct plan plan = {.title = path, .report = report};
    int result = add_program(path, program, compile, &outputs);
    if (result == EXIT_OK)
        result = plan_write(&plan, &compile->reports, &outputs);
    if (result == EXIT_OK && !outputs_commit(&outputs))
        result = EXIT_ENVIRONMENT;
    outputs_finish(&outputs);
    return result;
}

static int run(const struct command *command, int argc, char **argv) {
    struct compile_options compile = {0};
    const char *path;
    int result;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--list-passes") == 0)
            return pass_words_list();
    if (!tool_command_parse(command, argc, argv, &compile, &path, 1, &result))
        return result;
    result = pass_words_read(&compile.passes, &compile.machine.passes);
    if (result != EXIT_OK)
        return result;
    if (compile.output == NULL && compile.passes.print_ir == NULL)
        return tool_complain(EXIT_USAGE, "compile: say where to with -o FILE, as -o model.tnn");
    if (machine_is_program(path))
        return tool_complain(EXIT_USAGE, "%s is a compiled program already; name the model", path);
    struct tenon_program *program;
    struct tenon_report *report = NULL;
    if (compile.reports.count > 0)
        compile.machine.report = &report;
    uint64_t start = tool_clock_ns();
    result = machine_open_program(path, &compile.machine, &program);
    uint64_t duration_ns = tool_clock_ns() - start;
    if (result == EXIT_OK && compile.output != NULL) {
        placement_print_fallbacks(program, stderr);
        result = write_all(path, program, report, &compile);
    }
    if (result == EXIT_OK && compile.output != NULL && strcmp(compile.output, "-") != 0)
        print_summary(program, compile.output, duration_ns);
    tenon_report_destroy(report);
    tenon_program_unref(program);
    return result;
}

const struct command command_compile = {
    .name = "compile",
    .summary = "compile a model into a program file",
    .operands = "MODEL",
    .text = "Compiles MODEL (.tflite or .tir) for the devices and writes the program. A program\n"
            "starts at once and needs only libtenon-runtime. Prints its size and where each\n"
            "operator will run; what fell back, with the reason, on stderr.",
    .examples =
        "  tenon compile -o mobilenet.tnn mobilenet.tflite\n"
        "  tenon compile --portable -o mobilenet.tnn mobilenet.tflite   # for any CPU\n"
        "  tenon run -i cat.jpg mobilenet.tnn\n"
        "  tenon compile -d sim:nvdla,cpu --report plan.svg -o m.tnn mobilenet.tflite\n"
        "  tenon compile --target nvdla:nv_small,cpu --emit trace -o m.txt mobilenet.tflite\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
