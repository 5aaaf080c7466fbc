/* What all subcommands share: parsing their words with one message form, and their --help. */
#include "command.h"

#include <stdio.h>

#include "report.h"

void tool_command_help(const struct command *command) {
    printf("Usage: tenon %s [OPTION]...%s%s\n\n%s\n", command->name,
           command->operands[0] != '\0' ? " " : "", command->operands, command->text);
    printf("\nOptions:\n");
    tool_options_help(command->options, command->option_count);
    printf("%-30s%s\n", "  -h, --help", "this text");
    printf("\nExamples:\n%s", command->examples);
}

bool tool_command_parse(const struct command *command, int argc, char **argv, void *values,
                        const char **operands, size_t operand_count, int *exit_status) {
    struct option_parse parse = {.options = command->options,
                                 .option_count = command->option_count,
                                 .values = values,
                                 .operands = operands,
                                 .operand_max = operand_count};
    if (!tool_options_parse(&parse, argc - 1, argv + 1)) {
        fprintf(stderr, "tenon %s: %s; see `tenon help %s`\n", command->name, parse.message,
                command->name);
        *exit_status = EXIT_USAGE;
        return false;
    }
    if (parse.help) {
        tool_command_help(command);
        *exit_status = EXIT_OK;
        return false;
    }
    if (parse.operand_count < operand_count) {
        fprintf(stderr, "tenon %s: name a %s; see `tenon help %s`\n", command->name,
                command->operands, command->name);
        *exit_status = EXIT_USAGE;
        return false;
    }
    return true;
}
