/* The random tests of all passes: each pass has one. */
#include "passes/generator.h"

#define PASS(name) extern const struct pass_case case_##name;
#include "passes/passes.def"
#undef PASS
extern const struct pass_case case_per_channel_to_per_tensor_lossy;

const struct pass_case *const pass_cases[] = {
#define PASS(name) &case_##name,
#include "passes/passes.def"
#undef PASS
    &case_per_channel_to_per_tensor_lossy,
    NULL,
};
