/*
 * Exact sums: random quantizations under every rule; where a form is found, all 65,536 pairs of
 * operands are compared with what the reference kernel does with a pair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "backends/nvdla/sum.h"

static double uniform(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 33) / 2147483648.0;
}

static int32_t zero_point(uint64_t *seed) {
    return (int32_t)(256 * uniform(seed)) - 128;
}

/* Scales within a factor of 8 of each other; every eighth time the same, every sixteenth in units
 * where halves are frequent. */
static bool check_random(uint64_t *seed, int32_t n, enum tenon_rounding rounding) {
    float a = (float)exp2(-9 + 7 * uniform(seed)), b = (float)(a * exp2(-3 + 6 * uniform(seed)));
    float out = (float)(hypot(a, b) * exp2(-1 + 2 * uniform(seed)));
    b = n % 8 == 0 ? a : b;
    out = n % 16 == 0 ? 2 * a : out;
    float scales[] = {a, b, out};
    int32_t zeros[] = {zero_point(seed), zero_point(seed), zero_point(seed)};
    struct tenon_desc descs[3];
    struct tenon_operand operands[3];
    for (int i = 0; i < 3; i++) {
        descs[i] = (struct tenon_desc){
            .type = TENON_TYPE_I8,
            .shape = {.rank = 1, .dims = {1}},
            .quant = {.count = 1, .scale = &scales[i], .zero_point = &zeros[i]}};
        operands[i] = (struct tenon_operand){.desc = &descs[i]};
    }
    const struct tenon_attrs attrs = {.activation = n % 3 == 0 ? TENON_ACTIVATION_RELU
                                                               : TENON_ACTIVATION_NONE};
    const struct tenon_op_call call = {.op = uniform(seed) < 0.7 ? TENON_OP_ADD : TENON_OP_SUB,
                                       .rounding = rounding,
                                       .attrs = &attrs,
                                       .input_count = 2,
                                       .output_count = 1,
                                       .inputs = operands,
                                       .outputs = operands + 2};
    struct tenon_pair pair;
    struct nvdla_sum sum;
    tenon_pair_init(&pair, &call);
    if (!tenon_nvdla_sum_solve(&pair, &sum))
        return false;
    for (int32_t x = -128; x <= 127; x++)
        for (int32_t y = -128; y <= 127; y++) {
            int32_t got = tenon_clamp_i32(tenon_nvdla_sum_apply(&sum, x, y), pair.low, pair.high);
            int32_t wanted = tenon_pair_combine(&pair, x, y);
            if (got != wanted)
                fail_msg("case %d, rule %d: %d and %d give %d, not %d", n, (int)rounding, x, y, got,
                         wanted);
        }
    return true;
}

static uint32_t count_solved(enum tenon_rounding rounding, int32_t cases) {
    uint64_t seed = 3;
    uint32_t solved = 0;
    for (int32_t n = 0; n < cases; n++)
        solved += check_random(&seed, n, rounding);
    print_message("rule %d: %u of %d exact\n", (int)rounding, solved, cases);
    return solved;
}

enum { CASES = 64 };

static void test_single(void **state) {
    (void)state;
    assert_int_equal(count_solved(TENON_ROUNDING_SINGLE, CASES), CASES);
}

static void test_double(void **state) {
    (void)state;
    assert_int_equal(count_solved(TENON_ROUNDING_DOUBLE, CASES), CASES);
}

static void test_f32(void **state) {
    (void)state;
    assert_true(count_solved(TENON_ROUNDING_F32, CASES) >= CASES * 8 / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_double),
        cmocka_unit_test(test_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
