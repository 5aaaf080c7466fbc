/*
 * The shape of a subcommand, and what the command answers to the shell. Externals of this folder
 * are called tool_*, so that they never meet a name of the library.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "options.h"

/* Exit statuses; tenon(1) documents them. */
enum {
    EXIT_OK = 0,
    EXIT_DIFFERENT = 1,   /* a negative answer: a difference, a fallback that was forbidden */
    EXIT_BAD_INPUT = 2,   /* the model, program or input file is wrong or not supported */
    EXIT_USAGE = 3,       /* the command line is wrong */
    EXIT_ENVIRONMENT = 4, /* memory, files, devices */
};

struct command {
    const char *name;
    const char *summary;  /* one line */
    const char *operands; /* "MODEL" */
    const char *text;     /* what there is to know, for --help */
    const char *examples; /* lines for --help */
    const struct option *options;
    size_t option_count;
    int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_run, command_info, command_compile, command_bench,
    command_devices, command_diff, command_dis, command_calibrate;

/*
 * Parses argv[1…] into `values` (a structure that the options' offsets speak of) and the operands,
 * which must be exactly `operand_count`. Returns false with the exit status when the command is
 * done: after --help, and after a message about what is wrong.
 */
bool tool_command_parse(const struct command *command, int argc, char **argv, void *values,
                        const char **operands, size_t operand_count, int *exit_status);
void tool_command_help(const struct command *command);

#endif
