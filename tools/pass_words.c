/* The options of `tenon compile` about passes; see pass_words.h. */
#include "pass_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "report.h"

int pass_words_list(void) {
    struct tenon_pass_info pass;
    for (uint32_t i = 0; tenon_pass_get_info(i, &pass) == TENON_OK; i++)
        printf("%-28s %s\n", pass.name, pass.purpose);
    return EXIT_OK;
}

static bool is_pass(const char *name) {
    struct tenon_pass_info pass;
    for (uint32_t i = 0; tenon_pass_get_info(i, &pass) == TENON_OK; i++)
        if (strcmp(pass.name, name) == 0)
            return true;
    return strcmp(name, "all") == 0;
}

static int unknown_pass(const char *name) {
    struct tenon_pass_info pass;
    fprintf(stderr, "tenon compile: there is no pass '%s'; there are: all", name);
    for (uint32_t i = 0; tenon_pass_get_info(i, &pass) == TENON_OK; i++)
        fprintf(stderr, ", %s", pass.name);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static void print_ir(void *user, const char *pass, uint64_t rewrites, const char *text) {
    (void)user;
    fflush(stdout);
    fprintf(stderr, "after %s: %" PRIu64 " rewrites\n", pass, rewrites);
    fputs(text, stdout);
}

static void print_note(void *user, const char *pass, const char *line) {
    (void)user;
    fprintf(stderr, "%s: %s\n", pass, line);
}

int pass_words_read(const struct pass_words *words, struct tenon_pass_options *passes) {
    static const char after[] = "after:";
    for (size_t i = 0; i < words->skip.count; i++)
        if (!is_pass(words->skip.items[i]))
            return unknown_pass(words->skip.items[i]);
    for (size_t i = 0; i < words->run.count; i++)
        if (!is_pass(words->run.items[i]) || strcmp(words->run.items[i], "all") == 0)
            return unknown_pass(words->run.items[i]);
    *passes = (struct tenon_pass_options){.skip = words->skip.items,
                                          .skip_count = (uint32_t)words->skip.count,
                                          .stop_after_rewrite = words->stop_after_rewrite,
                                          .run = words->run.items,
                                          .run_count = (uint32_t)words->run.count,
                                          .lossy_scales = words->lossy_scales,
                                          .print = print_ir,
                                          .note = print_note};
    if (words->print_ir == NULL)
        return EXIT_OK;
    if (strncmp(words->print_ir, after, sizeof(after) - 1) != 0)
        return tool_complain(EXIT_USAGE, "--print-ir: '%s' is not after:PASS", words->print_ir);
    passes->print_after = words->print_ir + sizeof(after) - 1;
    return is_pass(passes->print_after) ? EXIT_OK : unknown_pass(passes->print_after);
}
