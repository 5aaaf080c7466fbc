/*
 * The two-multiplier form against the arithmetic it has to reproduce: the solver's proof is by
 * steps, the check here is by brute force over accumulators, with the rule's definition written
 * out again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "backend/requantize_pair.h"

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static double uniform(uint64_t *state) {
    return (double)next_random(state) / 2147483648.0;
}

/* numerics.md, `single`: (acc*q + 2^(s-1)) >> s, s = 31 - shift. */
static int64_t single(int64_t x, const struct tenon_multiplier *m) {
    int total = 31 - m->shift;
    return (x * m->multiplier + (INT64_C(1) << (total - 1))) >> total;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

static void test_half_away(void **state) {
    (void)state;
    /* 2.5 -> 3, -2.5 -> -3, 2.25 -> 2, -2.75 -> -3 */
    assert_int_equal(tenon_shift_half_away(5, 1), 3);
    assert_int_equal(tenon_shift_half_away(-5, 1), -3);
    assert_int_equal(tenon_shift_half_away(9, 2), 2);
    assert_int_equal(tenon_shift_half_away(-11, 2), -3);
    assert_int_equal(tenon_shift_half_away(-7, 0), -7);
}

/* (100 + (3 << 2)) * 5 >> 1 = 280; (280 + (-1 << 3)) * 3 >> 4 = 816 / 16 = 51. */
static void test_apply(void **state) {
    (void)state;
    const struct tenon_pair_shifts shifts = {2, 1, 3, 4, 1, 0};
    const struct tenon_pair_operands operands = {3, 5, -1, 3};
    assert_int_equal(tenon_pair_apply(&shifts, &operands, 100), 51);
    /* The first stage saturates: 2^31-1 * 32767 >> 0 -> 2^31-1; * 1 >> 30 = 2 (1.99). */
    const struct tenon_pair_shifts wide = {0, 0, 0, 30, 1, 0};
    const struct tenon_pair_operands large = {0, INT16_MAX, 0, 1};
    assert_int_equal(tenon_pair_apply(&wide, &large, INT32_MAX), 2);
}

enum { CHANNELS = 16 };

struct layer {
    struct tenon_pair_channel channels[CHANNELS];
    struct tenon_pair_problem problem;
    struct tenon_pair_operands operands[CHANNELS];
    struct tenon_pair_solution solution;
};

/* A layer as quantized networks have them: accumulators of a few hundred products, multipliers
 * within a factor of 8 of each other. */
static void random_layer(struct layer *l, uint64_t *seed) {
    double products = exp2(3 + 9 * uniform(seed));
    double common = exp2(-1 - 8 * uniform(seed));
    int32_t zero = (int32_t)(next_random(seed) % 256) - 128;
    if (next_random(seed) % 2 == 0)
        zero = -128;
    for (int i = 0; i < CHANNELS; i++) {
        struct tenon_pair_channel *c = &l->channels[i];
        *c = (struct tenon_pair_channel){0};
        double factor = common * exp2(-3 * uniform(seed));
        if (next_random(seed) % 16 == 0)
            factor = exp2(floor(log2(factor))); /* ties are frequent */
        c->multiplier = tenon_multiplier_from_double(factor);
        c->low = -(int64_t)(products * (4000 + 10000 * uniform(seed)));
        c->high = (int64_t)(products * (4000 + 10000 * uniform(seed)));
        c->bias = (int64_t)((uniform(seed) - 0.5) * products * 1000);
    }
    l->problem = (struct tenon_pair_problem){.channels = l->channels,
                                             .count = CHANNELS,
                                             .rounding = TENON_ROUNDING_SINGLE,
                                             .out_low = -128 - zero,
                                             .out_high = 127 - zero,
                                             .center = -zero,
                                             .may_post = true};
}

static void check_at(const struct layer *l, int channel, int64_t a) {
    const struct tenon_pair_channel *c = &l->channels[channel];
    if (a < c->low || a > c->high)
        return;
    int64_t want =
        clamp(single(a + c->bias, &c->multiplier), l->problem.out_low, l->problem.out_high);
    int64_t got =
        clamp(tenon_pair_apply(&l->solution.shifts, &l->operands[channel], a) + l->problem.center,
              l->problem.out_low, l->problem.out_high);
    if (want != got)
        fail_msg("channel %d, accumulator %lld: %lld, not %lld", channel, (long long)a,
                 (long long)got, (long long)want);
}

/* Random accumulators, and the neighbourhood of each step, where a difference would be. */
static void check_layer(const struct layer *l, uint64_t *seed) {
    for (int i = 0; i < CHANNELS; i++) {
        const struct tenon_pair_channel *c = &l->channels[i];
        double factor = ldexp(c->multiplier.multiplier, c->multiplier.shift - 31);
        for (int k = 0; k < 2000; k++)
            check_at(l, i, c->low + (int64_t)(uniform(seed) * (double)(c->high - c->low)));
        for (int32_t out = l->problem.out_low; out <= l->problem.out_high; out++) {
            int64_t step = (int64_t)floor((out - 0.5) / factor) - c->bias;
            for (int64_t a = step - 3; a <= step + 3; a++)
                check_at(l, i, a);
        }
        check_at(l, i, c->low);
        check_at(l, i, c->high);
    }
}

static void test_exact_against_single(void **state) {
    (void)state;
    enum { LAYERS = 300 };
    uint64_t seed = 7;
    int solved = 0;
    for (int n = 0; n < LAYERS; n++) {
        struct layer l;
        random_layer(&l, &seed);
        if (!tenon_pair_solve(&l.problem, TENON_PAIR_EXACT, l.operands, &l.solution))
            continue;
        solved++;
        assert_int_equal(l.solution.inexact, 0);
        check_layer(&l, &seed);
    }
    print_message("exact: %d of %d layers of %d channels\n", solved, LAYERS, CHANNELS);
    assert_true(solved >= LAYERS * 97 / 100);
}

/* What deciding says is what solving does. */
static void test_decides_as_it_solves(void **state) {
    (void)state;
    uint64_t seed = 23;
    for (int n = 0; n < 300; n++) {
        struct layer l;
        random_layer(&l, &seed);
        l.problem.count = 1 + (uint32_t)(next_random(&seed) % CHANNELS);
        l.problem.rounding = n % 3 == 0 ? TENON_ROUNDING_DOUBLE : TENON_ROUNDING_SINGLE;
        bool decided = tenon_pair_solve(&l.problem, TENON_PAIR_DECIDE, l.operands, &l.solution);
        assert_int_equal(tenon_pair_solve(&l.problem, TENON_PAIR_EXACT, l.operands, &l.solution),
                         decided);
    }
}

/* Against `double` the solver says within 1, and means it. */
static void test_within_one_of_double(void **state) {
    (void)state;
    uint64_t seed = 11;
    for (int n = 0; n < 30; n++) {
        struct layer l;
        random_layer(&l, &seed);
        l.problem.rounding = TENON_ROUNDING_DOUBLE;
        assert_true(tenon_pair_solve(&l.problem, TENON_PAIR_NEAR, l.operands, &l.solution));
        for (int i = 0; i < CHANNELS; i++)
            for (int k = 0; k < 5000; k++) {
                const struct tenon_pair_channel *c = &l.channels[i];
                int64_t a = c->low + (int64_t)(uniform(&seed) * (double)(c->high - c->low));
                int64_t want = clamp(
                    tenon_requantize((int32_t)(a + c->bias), &c->multiplier, TENON_ROUNDING_DOUBLE),
                    l.problem.out_low, l.problem.out_high);
                int64_t got = clamp(tenon_pair_apply(&l.solution.shifts, &l.operands[i], a) +
                                        l.problem.center,
                                    l.problem.out_low, l.problem.out_high);
                assert_true(llabs(want - got) <= 1);
            }
    }
}

/* Averages: every window size up to 8x8, every sum of int8 elements. */
static void test_division_exhaustive(void **state) {
    (void)state;
    for (int32_t count = 1; count <= 64; count++) {
        struct tenon_pair_operands operands;
        struct tenon_pair_solution solution;
        const struct tenon_pair_channel channel = {
            .divisor = count, .low = -128 * count, .high = 127 * count};
        const struct tenon_pair_problem problem = {&channel, 1,   TENON_ROUNDING_NONE, -128, 127,
                                                   0,        true};
        assert_true(tenon_pair_solve(&problem, TENON_PAIR_EXACT, &operands, &solution));
        for (int32_t sum = -128 * count; sum <= 127 * count; sum++) {
            int32_t want = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
            assert_int_equal(tenon_pair_apply(&solution.shifts, &operands, sum), want);
        }
    }
}

static void test_refuses_wide_accumulators(void **state) {
    (void)state;
    struct tenon_pair_operands operands;
    struct tenon_pair_solution solution;
    const struct tenon_pair_channel channel = {
        .multiplier = tenon_multiplier_from_double(0.001), .bias = INT32_MAX, .low = 0, .high = 1};
    const struct tenon_pair_problem problem = {&channel, 1,   TENON_ROUNDING_SINGLE, -128, 127,
                                               0,        true};
    assert_false(tenon_pair_solve(&problem, TENON_PAIR_NEAR, &operands, &solution));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_away),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_exact_against_single),
        cmocka_unit_test(test_decides_as_it_solves),
        cmocka_unit_test(test_within_one_of_double),
        cmocka_unit_test(test_division_exhaustive),
        cmocka_unit_test(test_refuses_wide_accumulators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
