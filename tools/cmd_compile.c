/* tenon compile: a model becomes a saved program, which runs without the compiler half. */
#include "command.h"
#include "machine.h"
#include "placement.h"
#include "report.h"

struct compile_options {
    struct machine_options machine;
    const char *output;
};

static const struct option options[] = {
    {'o', "output", OPTION_TEXT, "FILE", offsetof(struct compile_options, output), 0, 0,
     "the program to write, by habit NAME.tnn (required)"},
    MACHINE_OPTION_DEVICE(struct compile_options),
    MACHINE_OPTION_ROUNDING(struct compile_options),
    MACHINE_OPTION_NO_FALLBACK(struct compile_options),
    MACHINE_OPTION_PORTABLE(struct compile_options),
};

static int save(const struct tenon_program *program, const char *path, uint64_t duration_ns) {
    struct tenon_error error = {0};
    struct tenon_program_memory memory;
    char time[FIGURE_BYTES], image[FIGURE_BYTES], constants[FIGURE_BYTES], scratch[FIGURE_BYTES];
    if (tenon_program_save(program, path, &error) != TENON_OK)
        return tool_complain_error(path, &error);
    tenon_program_get_memory(program, &memory);
    printf("%s: %s (%s of constants), %s of working memory, compiled in %s\n", path,
           tool_figure_bytes(memory.image_bytes, image),
           tool_figure_bytes(memory.constant_bytes, constants),
           tool_figure_bytes(memory.scratch_bytes, scratch),
           tool_figure_time((double)duration_ns, time));
    placement_print_summary(program);
    return EXIT_OK;
}

static int run(const struct command *command, int argc, char **argv) {
    struct compile_options compile = {0};
    const char *path;
    int result;
    if (!tool_command_parse(command, argc, argv, &compile, &path, 1, &result))
        return result;
    if (compile.output == NULL)
        return tool_complain(EXIT_USAGE, "compile: say where to with -o FILE, as -o model.tnn");
    if (machine_is_program(path))
        return tool_complain(EXIT_USAGE, "%s is a compiled program already; name the model", path);
    struct tenon_program *program;
    uint64_t start = tool_clock_ns();
    result = machine_open_program(path, &compile.machine, &program);
    if (result == EXIT_OK) {
        placement_print_fallbacks(program, stderr);
        result = save(program, compile.output, tool_clock_ns() - start);
    }
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
    .examples = "  tenon compile -o mobilenet.tnn mobilenet.tflite\n"
                "  tenon compile --portable -o mobilenet.tnn mobilenet.tflite   # for any CPU\n"
                "  tenon run -i cat.jpg mobilenet.tnn\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
