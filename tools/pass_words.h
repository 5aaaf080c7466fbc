/* What the command line of `tenon compile` says about passes. */
#ifndef TOOLS_PASS_WORDS_H
#define TOOLS_PASS_WORDS_H

#include <tenon/compile.h>

#include "options.h"

struct pass_words {
    const char *print_ir; /* "after:fuse-pad" */
    struct option_texts skip, run;
    uint64_t stop_after_rewrite;
    bool list, lossy_scales;
};

/* Prints name and purpose of each pass. Returns the exit status. */
int pass_words_list(void);
/* Into what the library is told; *words must live as long. Prints what is wrong and returns the
 * exit status. */
int pass_words_read(const struct pass_words *words, struct tenon_pass_options *passes);

#endif
