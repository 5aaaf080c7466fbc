/*
 * Compile: a model becomes a program for a list of targets.
 *
 * Part of libtenon (the compiler half). The program is then handled by program.h alone, so a
 * product may compile elsewhere and ship only libtenon-runtime.
 */
#ifndef TENON_COMPILE_H
#define TENON_COMPILE_H

#include <tenon/model.h>
#include <tenon/program.h>

TENON_BEGIN_DECLS

struct tenon_compile_options {
    size_t size; /* sizeof(struct tenon_compile_options) */
    /* Targets in order of preference, for example {"cpu"}. NULL means {"cpu"}. */
    const char *const *targets;
    uint32_t target_count;
    bool no_fallback;  /* fail with TENON_ERROR_FALLBACK when a node runs on none but the last
                          target that is a plain CPU while another target was listed */
    bool keep_tensors; /* every intermediate tensor becomes an output, after the model's own, in the
                          order of the model's tensors; for debugging and comparing devices */
    bool portable;     /* do not use instructions beyond the architecture's baseline */
};

/* options may be NULL. On failure *out is NULL. Errors: UNSUPPORTED, FALLBACK, NOT_FOUND (no such
 * target), OUT_OF_MEMORY, INVALID_ARGUMENT. The model may be destroyed afterwards. */
TENON_API enum tenon_status tenon_compile(const struct tenon_model *model,
                                          const struct tenon_compile_options *options,
                                          struct tenon_program **out, struct tenon_error *error);

TENON_END_DECLS

#endif
