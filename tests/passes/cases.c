/* The random tests of all passes: each pass has one. */
#include "passes/generator.h"

#define PASS(name) extern const struct pass_case case_##name;
#include "passes/passes.def"
#undef PASS

const struct pass_case *const pass_cases[] = {
#define PASS(name) &case_##name,
#include "passes/passes.def"
#undef PASS
    NULL,
};
