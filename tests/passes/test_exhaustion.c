/*
 * Every allocation of every pass fails once, on random graphs of its pattern: the n-th request to
 * an arena for n = 1, 2, … until the pass gets through. Each failure is told as out of memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "passes/generator.h"
#include "passes/pass.h"

enum { GRAPHS = 12 };

void *__real_tenon_arena_alloc(struct tenon_arena *arena, size_t size);
void *__real_tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size);
void *__real_tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size);
char *__real_tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size);
void *__wrap_tenon_arena_alloc(struct tenon_arena *arena, size_t size);
void *__wrap_tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size);
void *__wrap_tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size);
char *__wrap_tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size);

static long countdown = -1; /* requests until the failing one; below 0: none fails */

static bool fails(void) {
    return countdown >= 0 && --countdown == 0;
}

void *__wrap_tenon_arena_alloc(struct tenon_arena *arena, size_t size) {
    return fails() ? NULL : __real_tenon_arena_alloc(arena, size);
}

void *__wrap_tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size) {
    return fails() ? NULL : __real_tenon_arena_alloc_array(arena, count, size);
}

void *__wrap_tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size) {
    return fails() ? NULL : __real_tenon_arena_copy(arena, data, size);
}

char *__wrap_tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size) {
    return fails() ? NULL : __real_tenon_arena_string(arena, data, size);
}

/* How many requests failed before the pass got through. */
static long exhaust(const struct tenon_pass *pass, const struct generator *g) {
    for (long n = 1;; n++) {
        struct tenon_arena arena;
        struct tenon_graph graph;
        struct tenon_error error = {.message = ""};
        struct tenon_pass_tally tally = {.limit = UINT64_MAX};
        tenon_arena_init(&arena, 0);
        assert_true(tenon_graph_clone(&g->graph, &arena, &graph));
        countdown = n;
        enum tenon_status status = tenon_pass_run(pass, &graph, &g->capabilities, &tally, &error);
        bool spent = countdown <= 0;
        countdown = -1;
        tenon_arena_finish(&arena);
        if (!spent) {
            assert_int_equal(status, TENON_OK);
            return n - 1;
        }
        if (status != TENON_ERROR_OUT_OF_MEMORY)
            fail_msg("%s, request %ld: %s", pass->name, n, error.message);
    }
}

static void test_passes(void **state) {
    (void)state;
    for (int i = 0; pass_cases[i] != NULL; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(pass_cases[i]->pass, "."),
                 pass_cases[i]->pass);
        const struct tenon_pass *pass = tenon_pass_find(name);
        long failed = 0;
        assert_non_null(pass);
        for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
            struct generator g;
            gen_begin(&g, seed);
            pass_cases[i]->generate(&g);
            assert_true(gen_end(&g));
            failed += exhaust(pass, &g);
            gen_finish(&g);
        }
        print_message("%-32s %5ld requests failed\n", pass_cases[i]->pass, failed);
        assert_true(failed > 2 * GRAPHS);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_passes)};
    return cmocka_run_group_tests_name("exhaustion", tests, NULL, NULL);
}
