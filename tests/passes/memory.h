/* Failing allocations of a pass, on the random graphs of its test. */
#ifndef TESTS_PASSES_MEMORY_H
#define TESTS_PASSES_MEMORY_H

#include "passes/generator.h"
#include "passes/pass.h"

/* Prints how many failed. False: a failure was not told, or too few graphs were rewritten. */
bool run_memory(const struct tenon_pass *pass, const struct pass_case *c);

#endif
