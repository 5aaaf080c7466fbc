/* Every allocation of a pass fails once: it must end with OUT_OF_MEMORY, and break nothing. */
#include <stdio.h>

#include "passes/failing.h"
#include "passes/generator.h"
#include "passes/memory.h"

/* The pass with its n-th allocation failing, on a copy of the graph. */
static enum tenon_status run_failing(const struct tenon_pass *pass, const struct generator *g,
                                     long n, uint64_t *rewrites, struct tenon_error *error) {
    struct tenon_arena arena;
    struct tenon_graph copy;
    struct tenon_pass_tally tally = {.limit = 1000};
    tenon_arena_init(&arena, 0);
    enum tenon_status status = TENON_ERROR_OUT_OF_MEMORY;
    if (tenon_graph_clone(&g->graph, &arena, &copy)) {
        failing_set(n);
        status = tenon_pass_run(pass, &copy, &g->capabilities, &tally, error);
        failing_set(0);
        *rewrites = tally.rewrites;
    }
    tenon_arena_finish(&arena);
    return status;
}

/* How many allocations failed; -1 when one was not told. */
static long fail_each(const struct tenon_pass *pass, const struct generator *g,
                      uint64_t *rewrites) {
    for (long n = 1;; n++) {
        struct tenon_error error = {0};
        enum tenon_status status = run_failing(pass, g, n, rewrites, &error);
        if (status == TENON_OK)
            return n - 1;
        if (status != TENON_ERROR_OUT_OF_MEMORY) {
            printf("%s: allocation %ld: %s\n", pass->name, n, error.message);
            return -1;
        }
    }
}

bool run_memory(const struct tenon_pass *pass, const struct pass_case *c) {
    enum { GRAPHS = 6, SEEDS_MAX = 1000 };
    long failed = 0;
    int graphs = 0;
    for (uint64_t seed = 1; graphs < GRAPHS && seed < SEEDS_MAX; seed++) {
        struct generator g;
        uint64_t rewrites = 0;
        gen_begin(&g, seed);
        c->generate(&g);
        long each = gen_end(&g) ? fail_each(pass, &g, &rewrites) : 0;
        gen_finish(&g);
        if (each < 0)
            return false;
        graphs += rewrites != 0;
        failed += each;
    }
    printf("%-28s %6ld allocations, each failed once\n", c->pass, failed);
    return graphs == GRAPHS && failed > 50;
}
