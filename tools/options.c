/*
 * The option parser and the option part of --help. It is not getopt because one table then serves
 * parsing, checking and explaining, and because it keeps no state between parses: `tenon bench`
 * parses a second configuration.
 */
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tool_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool tool_real_parse(const char *text, double *out) {
    if (text[0] == '\0' || strchr("0123456789+-.", text[0]) == NULL)
        return false;
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value))
        return false;
    *out = value;
    return true;
}

static bool parse_reals(const char *text, struct option_reals *reals) {
    reals->count = 0;
    while (reals->count < OPTION_REALS_MAX) {
        char word[64];
        size_t length = strcspn(text, ",");
        if (length >= sizeof(word))
            return false;
        memcpy(word, text, length);
        word[length] = '\0';
        if (!tool_real_parse(word, &reals->items[reals->count++]))
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
    return false;
}

static bool parse_choice(const char *words, const char *text, int *out) {
    size_t length = strlen(text);
    for (int i = 0;; i++) {
        size_t n = strcspn(words, "|");
        if (n == length && memcmp(words, text, n) == 0) {
            *out = i;
            return true;
        }
        if (words[n] == '\0')
            return false;
        words += n + 1;
    }
}

static bool wrong(struct option_parse *parse, const struct option *option, const char *text) {
    int n = snprintf(parse->message, sizeof(parse->message), "--%s: '%.80s' is not ", option->name,
                     text);
    char *to = parse->message + n;
    size_t room = sizeof(parse->message) - (size_t)n;
    switch (option->kind) {
    case OPTION_NUMBER:
        snprintf(to, room, "a whole number from %" PRIu64 " to %" PRIu64, option->min, option->max);
        break;
    case OPTION_SECONDS:
        snprintf(to, room, "a number above 0 and up to %" PRIu64, option->max);
        break;
    case OPTION_RATIO:
        snprintf(to, room, "a number from 0 to %" PRIu64, option->max);
        break;
    case OPTION_REALS:
        snprintf(to, room, "a list of up to %d numbers with commas between", OPTION_REALS_MAX);
        break;
    case OPTION_CHOICE:
        snprintf(to, room, "one of %s", option->argument);
        break;
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_TEXTS:
        snprintf(to, room, "a value");
        break;
    }
    return false;
}

static bool store_text(struct option_parse *parse, const struct option *option, const char *text,
                       struct option_texts *texts) {
    if (texts->count == OPTION_TEXTS_MAX) {
        snprintf(parse->message, sizeof(parse->message), "--%s: given more than %d times",
                 option->name, OPTION_TEXTS_MAX);
        return false;
    }
    texts->items[texts->count++] = text;
    return true;
}

static bool store(struct option_parse *parse, const struct option *option, const char *text) {
    char *at = (char *)parse->values + option->offset;
    double real = 0;
    bool ok = true;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)(void *)at = true;
        return true;
    case OPTION_TEXT:
        *(const char **)(void *)at = text;
        return true;
    case OPTION_TEXTS:
        return store_text(parse, option, text, (struct option_texts *)(void *)at);
    case OPTION_NUMBER:
        ok = tool_number_parse(text, option->min, option->max, (uint64_t *)(void *)at);
        break;
    case OPTION_SECONDS:
    case OPTION_RATIO:
        ok = tool_real_parse(text, &real) && real >= 0 && real <= (double)option->max &&
             (real > 0 || option->kind == OPTION_RATIO);
        *(double *)(void *)at = real;
        break;
    case OPTION_REALS:
        ok = parse_reals(text, (struct option_reals *)(void *)at);
        break;
    case OPTION_CHOICE:
        ok = parse_choice(option->argument, text, (int *)(void *)at);
        break;
    }
    return ok || wrong(parse, option, text);
}

static const struct option *find_long(const struct option_parse *parse, const char *name,
                                      size_t length) {
    for (size_t i = 0; i < parse->option_count; i++)
        if (strlen(parse->options[i].name) == length &&
            memcmp(parse->options[i].name, name, length) == 0)
            return &parse->options[i];
    return NULL;
}

static const struct option *find_short(const struct option_parse *parse, char letter) {
    for (size_t i = 0; i < parse->option_count; i++)
        if (parse->options[i].letter == letter)
            return &parse->options[i];
    return NULL;
}

static bool fail(struct option_parse *parse, const char *format, const char *word) {
    char text[96];
    snprintf(text, sizeof(text), "%.90s", word);
    snprintf(parse->message, sizeof(parse->message), "%s '%s'", format, text);
    return false;
}

/* One option that stands at words[*at]; moves *at over a value that is a word of its own. */
static bool parse_option(struct option_parse *parse, int count, char **words, int *at) {
    const char *word = words[*at], *value = NULL;
    const struct option *option;
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        option = find_long(parse, word + 2, length);
        if (word[2 + length] == '=')
            value = word + 2 + length + 1;
    } else {
        option = find_short(parse, word[1]);
        if (word[2] != '\0')
            value = word + 2;
    }
    if (option == NULL)
        return fail(parse, "there is no option", word);
    if (option->kind == OPTION_FLAG)
        return value == NULL ? store(parse, option, "")
                             : fail(parse, "this option takes no value:", word);
    if (value == NULL) {
        if (*at + 1 >= count)
            return fail(parse, "a value is missing after", word);
        value = words[++*at];
    }
    return store(parse, option, value);
}

bool tool_options_parse(struct option_parse *parse, int count, char **words) {
    bool only_operands = false;
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            parse->help = true;
            return true;
        } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
            if (!parse_option(parse, count, words, &i))
                return false;
        } else if (parse->operand_count == parse->operand_max) {
            return fail(parse, "one operand too many:", word);
        } else {
            parse->operands[parse->operand_count++] = word;
        }
    }
    return true;
}

static void help_text(const char *text, int indent) {
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        printf("%.*s\n", (int)length, text);
        text += length;
        if (*text == '\n') {
            text++;
            printf("%*s", indent, "");
        }
    }
}

void tool_options_help(const struct option *options, size_t count) {
    enum { INDENT = 30 };
    for (size_t i = 0; i < count; i++) {
        const struct option *option = &options[i];
        char head[80], letter[5] = "    ";
        if (option->letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", option->letter);
        int n = snprintf(head, sizeof(head), "  %s--%s%s%s", letter, option->name,
                         option->kind == OPTION_FLAG ? "" : " ",
                         option->kind == OPTION_FLAG ? "" : option->argument);
        if (n >= INDENT)
            printf("%s\n%*s", head, INDENT, "");
        else
            printf("%-*s", INDENT, head);
        help_text(option->help, INDENT);
    }
}
