/* What backends share: tiling search, named memories, bit packing. Each is held against a search or
 * an unpacking that knows nothing of how it works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/bits.h"
#include "backend/memory.h"
#include "backend/tiling.h"

static uint32_t state_of_random = 1;

static uint32_t below(uint32_t limit) {
    state_of_random = state_of_random * 1664525 + 1013904223;
    return (state_of_random >> 8) % limit;
}

/* ---- tiling ---- */

/* A convolution's input rows and columns, and its kernels, in one buffer; time is what is fetched.
 */
struct conv {
    uint32_t extents[3], steps[3];
    uint32_t kernel, buffer;
    uint32_t asked;
};

static uint32_t pieces(uint32_t extent, uint32_t tile) {
    return (extent + tile - 1) / tile;
}

static bool fits(void *user, const uint32_t *tile) {
    struct conv *conv = user;
    conv->asked++;
    return (uint64_t)(tile[0] + conv->kernel - 1) * (tile[1] + conv->kernel - 1) +
               (uint64_t)conv->kernel * conv->kernel * tile[2] <=
           conv->buffer;
}

static uint64_t cost(void *user, const uint32_t *tile) {
    const struct conv *conv = user;
    uint64_t count = (uint64_t)pieces(conv->extents[0], tile[0]) *
                     pieces(conv->extents[1], tile[1]) * pieces(conv->extents[2], tile[2]);
    return count * (100 + (uint64_t)(tile[0] + conv->kernel - 1) * (tile[1] + conv->kernel - 1) +
                    (uint64_t)conv->kernel * conv->kernel * tile[2]);
}

static bool search(struct conv *conv, uint32_t *tile) {
    struct tenon_tiling tiling = {.rank = 3, .fits = fits, .cost = cost, .user = conv};
    memcpy(tiling.extents, conv->extents, sizeof(conv->extents));
    memcpy(tiling.steps, conv->steps, sizeof(conv->steps));
    return tenon_tiling_search(&tiling, tile);
}

/* Every tile there is. */
static bool search_all(struct conv *conv, uint64_t *best) {
    bool found = false;
    uint32_t t[3];
    for (t[0] = 1; t[0] <= conv->extents[0]; t[0]++)
        for (t[1] = 1; t[1] <= conv->extents[1]; t[1]++)
            for (t[2] = 1; t[2] <= conv->extents[2]; t[2]++) {
                bool stepped = true;
                for (int i = 0; i < 3; i++)
                    stepped &= t[i] == conv->extents[i] || t[i] % conv->steps[i] == 0;
                if (!stepped || !fits(conv, t))
                    continue;
                uint64_t c = cost(conv, t);
                if (!found || c < *best)
                    *best = c;
                found = true;
            }
    return found;
}

static void tiles_are_the_cheapest(void **state) {
    (void)state;
    uint32_t found = 0, none = 0;
    for (int n = 0; n < 300; n++) {
        struct conv conv = {.kernel = 1 + below(5), .buffer = 4 + below(400)};
        for (int i = 0; i < 3; i++) {
            conv.extents[i] = 1 + below(22);
            conv.steps[i] = 1 + below(4);
        }
        uint32_t tile[TENON_TILING_RANK_MAX];
        uint64_t best = 0;
        bool any = search_all(&conv, &best);
        assert_int_equal(search(&conv, tile), any);
        if (any)
            assert_int_equal(cost(&conv, tile), best);
        found += any;
        none += !any;
    }
    assert_true(found > 50 && none > 20);
}

static void large_extents_are_thinned_out(void **state) {
    (void)state;
    struct conv conv = {
        .extents = {8192, 8191, 4096}, .steps = {1, 8, 8}, .kernel = 3, .buffer = 1 << 17};
    uint32_t tile[TENON_TILING_RANK_MAX];
    assert_true(search(&conv, tile));
    assert_true(conv.asked <= 24 * 24 * 24);
    assert_true(fits(&conv, tile));
    assert_true(tile[1] % 8 == 0 && tile[2] % 8 == 0);
    /* Even the smallest tile is asked about: this one fits only as 1 x 8 x 8. */
    conv.buffer = 3 * 10 + 9 * 8;
    assert_true(search(&conv, tile));
    assert_int_equal(tile[0], 1);
    assert_int_equal(tile[1], 8);
    conv.buffer--;
    assert_false(search(&conv, tile));
}

/* ---- memories ---- */

static void check_apart(const struct tenon_memory_item *items, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < i; k++) {
            const struct tenon_plan_item *a = &items[i].plan, *b = &items[k].plan;
            bool together = a->first <= b->last && b->first <= a->last;
            bool apart =
                a->offset + a->size_bytes <= b->offset || b->offset + b->size_bytes <= a->offset;
            assert_true(items[i].memory != items[k].memory || !together || apart);
        }
}

static void budgets_are_kept(void **state) {
    (void)state;
    struct tenon_memory memories[] = {{"tcm", 4096}, {"sram", 16384}, {"dram", 0}};
    uint32_t in[3] = {0};
    for (int n = 0; n < 300; n++) {
        struct tenon_memory_item items[40] = {{.memory = 0}};
        uint32_t count = 1 + below(40);
        uint64_t used[3];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t first = below(60);
            items[i].plan = (struct tenon_plan_item){
                .size_bytes = 1 + below(6000), .first = first, .last = first + below(10)};
            items[i].traffic_bytes = below(20000);
            items[i].first_memory = below(8) == 0 ? 1 : 0;
        }
        assert_int_equal(tenon_plan_memories(memories, 3, items, count, 16, used, NULL), TENON_OK);
        check_apart(items, count);
        assert_true(used[0] <= 4096 && used[1] <= 16384);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(items[i].memory >= items[i].first_memory);
            assert_true(items[i].plan.offset + items[i].plan.size_bytes <= used[items[i].memory]);
            in[items[i].memory]++;
        }
    }
    assert_true(in[0] > 1000 && in[1] > 500 && in[2] > 100);
}

/* Two live at the same time and only one fits: the one with more traffic per byte stays. */
static void the_busier_stays(void **state) {
    (void)state;
    const struct tenon_memory memories[] = {{"sram", 1024}, {"dram", 0}};
    struct tenon_memory_item items[] = {
        {.plan = {.size_bytes = 1000, .first = 0, .last = 3}, .traffic_bytes = 5000},
        {.plan = {.size_bytes = 500, .first = 2, .last = 5}, .traffic_bytes = 4000},
        {.plan = {.size_bytes = 1000, .first = 6, .last = 7}, .traffic_bytes = 1},
    };
    uint64_t used[2];
    assert_int_equal(tenon_plan_memories(memories, 2, items, 3, 8, used, NULL), TENON_OK);
    assert_int_equal(items[0].memory, 1);
    assert_int_equal(items[1].memory, 0);
    assert_int_equal(items[2].memory, 0);
    assert_int_equal(used[0], 1000);
}

static void what_fits_nowhere_is_told(void **state) {
    (void)state;
    const struct tenon_memory memories[] = {{"sram", 1024}, {"dram", 4096}};
    struct tenon_memory_item items[] = {{.plan = {.size_bytes = 5000, .first = 0, .last = 0}}};
    struct tenon_error error = {.message = ""};
    uint64_t used[2];
    assert_int_equal(tenon_plan_memories(memories, 2, items, 1, 8, used, &error),
                     TENON_ERROR_LIMIT);
    assert_non_null(strstr(error.message, "'dram'"));
}

static void many_items_take_little_time(void **state) {
    (void)state;
    const struct tenon_memory memories[] = {{"sram", 1 << 16}, {"dram", 0}};
    enum { COUNT = 20000 };
    struct tenon_memory_item *items = calloc(COUNT, sizeof(*items));
    uint64_t used[2];
    assert_non_null(items);
    for (uint32_t i = 0; i < COUNT; i++)
        items[i] = (struct tenon_memory_item){.plan = {.size_bytes = 64, .first = i, .last = i + 5},
                                              .traffic_bytes = 64};
    assert_int_equal(tenon_plan_memories(memories, 2, items, COUNT, 64, used, NULL), TENON_OK);
    assert_true(used[0] > 0 && used[0] <= 1 << 16);
    free(items);
}

/* ---- bits ---- */

static void bits_come_back(void **state) {
    (void)state;
    struct tenon_strbuf out;
    tenon_strbuf_init(&out);
    struct tenon_bits bits = {.out = &out};
    uint64_t values[200];
    uint32_t widths[200], total = 0;
    for (int i = 0; i < 200; i++) {
        widths[i] = below(65);
        values[i] =
            (uint64_t)below(1u << 24) << 40 ^ (uint64_t)below(1u << 24) << 20 ^ below(1u << 24);
        tenon_bits_append(&bits, values[i], widths[i]);
        total += widths[i];
    }
    tenon_bits_align(&bits, 16);
    assert_false(out.failed);
    assert_int_equal(out.size, (total + 127) / 128 * 16);
    uint32_t at = 0;
    for (int i = 0; i < 200; i++)
        for (uint32_t b = 0; b < widths[i]; b++, at++)
            assert_int_equal((uint8_t)out.data[at / 8] >> (at % 8) & 1, values[i] >> b & 1);
    for (; at < out.size * 8; at++)
        assert_int_equal((uint8_t)out.data[at / 8] >> (at % 8) & 1, 0);
    tenon_strbuf_finish(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_are_the_cheapest),
        cmocka_unit_test(large_extents_are_thinned_out),
        cmocka_unit_test(budgets_are_kept),
        cmocka_unit_test(the_busier_stays),
        cmocka_unit_test(what_fits_nowhere_is_told),
        cmocka_unit_test(many_items_take_little_time),
        cmocka_unit_test(bits_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
