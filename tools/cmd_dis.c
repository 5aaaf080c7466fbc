/* tenon dis: what a backend made of a model, command by command. */
#include <inttypes.h>
#include <stdlib.h>

#include <tenon/compile.h>

#include "command.h"
#include "listing.h"
#include "machine.h"
#include "report.h"

struct dis_options {
    struct machine_options machine;
};

static const struct option options[] = {
    MACHINE_OPTION_DEVICE(struct dis_options),   MACHINE_OPTION_ROUNDING(struct dis_options),
    MACHINE_OPTION_NUMERICS(struct dis_options), MACHINE_OPTION_PLACEMENT(struct dis_options),
    MACHINE_OPTION_COSTS(struct dis_options),    MACHINE_OPTION_PORTABLE(struct dis_options),
};

static int run(const struct command *command, int argc, char **argv) {
    struct dis_options dis = {0};
    const char *path;
    char *text = NULL;
    size_t size;
    int result;
    if (!tool_command_parse(command, argc, argv, &dis, &path, 1, &result))
        return result;
    struct tenon_program *program;
    result = machine_open_program(path, &dis.machine, &program);
    if (result == EXIT_OK)
        result = listing_make(path, program, TENON_LISTING_ASSEMBLY, &text, &size);
    if (result == EXIT_OK)
        fwrite(text, 1, size, stdout);
    free(text);
    tenon_program_unref(program);
    return result;
}

const struct command command_dis = {
    .name = "dis",
    .summary = "disassemble a program",
    .operands = "PROGRAM",
    .text = "Prints every part of a compiled program as its device will execute it, command by\n"
            "command, in the words of the backend. A model is compiled first.",
    .examples = "  tenon dis mobilenet.tnn\n"
                "  tenon dis -d nvdla:nv_small,cpu mobilenet.tflite | less\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
