/*
 * Command-line options, from one table per subcommand: what parses an option also explains it.
 *
 * -x VALUE, -xVALUE, --name VALUE, --name=VALUE; options and operands in any order; "--" ends the
 * options. Numbers are read strictly: the whole word, within the option's limits.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_TEXTS,   /* struct option_texts: may be given several times */
    OPTION_NUMBER,  /* uint64_t within [min, max] */
    OPTION_SECONDS, /* double, 0 < x <= max */
    OPTION_RATIO,   /* double, 0 <= x <= max */
    OPTION_REALS,   /* struct option_reals: numbers with commas between */
    OPTION_CHOICE,  /* int: index of the word in `argument`, "nearest|bilinear" */
};

enum { OPTION_TEXTS_MAX = 64, OPTION_REALS_MAX = 8 };

struct option_texts {
    const char *items[OPTION_TEXTS_MAX];
    size_t count;
};

struct option_reals {
    double items[OPTION_REALS_MAX];
    size_t count;
};

struct option {
    char letter; /* 0 when there is no short form */
    const char *name;
    enum option_kind kind;
    const char *argument; /* how the help calls the value; the words of a choice */
    size_t offset;        /* of the destination */
    uint64_t min, max;
    const char *help; /* '\n' begins a new line */
};

/* What a parse works on; `message` says what is wrong after a failure. */
struct option_parse {
    const struct option *options;
    size_t option_count;
    void *values;
    const char **operands;
    size_t operand_count, operand_max;
    bool help; /* --help or -h was met; parsing stops there */
    char message[256];
};

bool tool_options_parse(struct option_parse *parse, int count, char **words);
void tool_options_help(const struct option *options, size_t count);

/* The whole of `text` as a number. */
bool tool_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool tool_real_parse(const char *text, double *out);

#endif
