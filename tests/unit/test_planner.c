/* Memory planning: what lives together never overlaps, sizes are kept, the total is enough and, on
 * cases whose optimum is known, optimal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/planner.h"

enum { ALIGNMENT = 64, ITEMS = 60 };

static uint32_t state_of_random = 1;

static uint32_t below(uint32_t limit) {
    state_of_random = state_of_random * 1664525 + 1013904223;
    return (state_of_random >> 8) % limit;
}

static uint64_t plan(struct tenon_plan_item *items, uint32_t count) {
    struct tenon_error error = {.message = ""};
    uint64_t total;
    assert_int_equal(tenon_plan_memory(items, count, ALIGNMENT, &total, &error), TENON_OK);
    return total;
}

/* The most that lives at any one step: no plan can be smaller. */
static uint64_t lower_bound(const struct tenon_plan_item *items, uint32_t count) {
    uint64_t most = 0;
    for (uint32_t step = 0; step < 100; step++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < count; i++)
            if (items[i].first <= step && step <= items[i].last)
                sum += items[i].size_bytes;
        most = sum > most ? sum : most;
    }
    return most;
}

static void check(const struct tenon_plan_item *items, uint32_t count, uint64_t total) {
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(items[i].offset % ALIGNMENT, 0);
        assert_true(items[i].offset + items[i].size_bytes <= total);
        for (uint32_t k = 0; k < i; k++) {
            bool together = items[i].first <= items[k].last && items[k].first <= items[i].last;
            bool apart = items[i].offset + items[i].size_bytes <= items[k].offset ||
                         items[k].offset + items[k].size_bytes <= items[i].offset;
            assert_true(!together || apart);
        }
    }
}

static void test_random(void **state) {
    uint64_t planned = 0, bound = 0;
    (void)state;
    for (int n = 0; n < 500; n++) {
        struct tenon_plan_item items[ITEMS] = {{0}};
        uint32_t count = 1 + below(ITEMS);
        for (uint32_t i = 0; i < count; i++) {
            items[i].size_bytes = below(5000);
            items[i].first = below(90);
            items[i].last = items[i].first + below(6);
        }
        uint64_t total = plan(items, count);
        check(items, count, total);
        planned += total;
        bound += lower_bound(items, count);
    }
    print_message("planned %.3f of the lower bound\n", (double)planned / (double)bound);
    assert_true((double)planned < 1.1 * (double)bound);
}

/* A chain: two neighbours live at a time, so two buffers suffice. */
static void test_chain(void **state) {
    struct tenon_plan_item items[10];
    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        items[i] = (struct tenon_plan_item){.size_bytes = 100, .first = i, .last = i + 1};
    assert_int_equal(plan(items, 10), 2 * 128); /* 100 bytes take two times 64 */
}

static void test_overflow(void **state) {
    struct tenon_error error = {.message = ""};
    struct tenon_plan_item items[2] = {{.size_bytes = UINT64_MAX - 10}, {.size_bytes = 1}};
    uint64_t total;
    (void)state;
    assert_int_equal(tenon_plan_memory(items, 2, ALIGNMENT, &total, &error), TENON_ERROR_LIMIT);
    items[0].size_bytes = items[1].size_bytes = INT64_MAX / 2 + 1;
    assert_int_equal(tenon_plan_memory(items, 2, ALIGNMENT, &total, &error), TENON_ERROR_LIMIT);
    assert_int_equal(tenon_plan_memory(items, 0, ALIGNMENT, &total, &error), TENON_OK);
    assert_int_equal(total, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
