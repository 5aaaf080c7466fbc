/*
 * The tenon command: finds the subcommand in the table and runs it. Each subcommand lives in its
 * own cmd_*.c and uses nothing but the public headers.
 */
#include <stdio.h>
#include <string.h>

#include <tenon/base.h>

#include "command.h"
#include "report.h"

static const struct command *const commands[] = {
    &command_run,  &command_info, &command_compile,   &command_bench,
    &command_diff, &command_dis,  &command_calibrate, &command_devices,
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const struct command *find(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void help(FILE *to) {
    fprintf(to, "Usage: tenon COMMAND [OPTION]... [MODEL]\n\n"
                "Runs machine-learning models on the accelerators of this machine.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(to, "  %-9s %s\n\n", "help", "explain a command: tenon help run");
    fprintf(
        to,
        "MODEL is a TensorFlow Lite file (.tflite), Tenon's own text form (.tir), or a program\n"
        "that `tenon compile` saved (.tnn). `tenon --version` tells the version.\n\n"
        "Exit status: 0 done, 1 a negative answer (a difference, a forbidden fallback),\n"
        "2 bad model or input, 3 wrong command line, 4 memory, files or devices.\n");
}

static int unknown(const char *word) {
    fprintf(stderr, "tenon: there is no command '%s'; `tenon help` lists them\n", word);
    return EXIT_USAGE;
}

static int run_help(int argc, char **argv) {
    if (argc < 2) {
        help(stdout);
        return EXIT_OK;
    }
    const struct command *command = find(argv[1]);
    if (command == NULL)
        return unknown(argv[1]);
    tool_command_help(command);
    return EXIT_OK;
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("tenon %s\n", tenon_version());
        return EXIT_OK;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return run_help(argc - 1, argv + 1);
    const struct command *command = find(word);
    return command != NULL ? command->run(command, argc - 1, argv + 1) : unknown(word);
}

int main(int argc, char **argv) {
    return tool_finish_stdout(dispatch(argc, argv));
}
