/* The random tests of all passes; a new one is a file and a line here. */
#include "passes/generator.h"

#define CASES(X) X(fuse_pad) X(unsigned_to_signed) X(signed_to_unsigned) X(split_wide_weights)

#define X(name) extern const struct pass_case case_##name;
CASES(X)
#undef X

const struct pass_case *const pass_cases[] = {
#define X(name) &case_##name,
    CASES(X)
#undef X
        NULL,
};
