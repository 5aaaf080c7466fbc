/*
 * Multipliers, the three rounding rules, ranges of activations and the dynamic quantization,
 * against values worked out by hand from their definitions (docs/numerics.md); each comment shows
 * the exact number before rounding.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "op/kernel.h"
#include "op/sigmoid.h"

static void check_multiplier(double real, int32_t q, int32_t shift) {
    struct tenon_multiplier m = tenon_multiplier_from_double(real);
    assert_int_equal(m.multiplier, q);
    assert_int_equal(m.shift, shift);
}

static void test_multiplier(void **state) {
    (void)state;
    check_multiplier(0.5, 1 << 30, 0);
    check_multiplier(1.0, 1 << 30, 1);
    check_multiplier(0.25, 1 << 30, -1);
    check_multiplier(0.75, 3 << 29, 0);
    check_multiplier(3.0, 3 << 29, 2);
    /* 2^31 * (1 - 2^-33) rounds to 2^31, which is halved and the exponent raised. */
    check_multiplier(1 - 0x1p-33, 1 << 30, 1);
    /* 2^31 * (1 - 2^-31) is the largest q. */
    check_multiplier(1 - 0x1p-31, INT32_MAX, 0);
    check_multiplier(0x1p-32, 1 << 30, -31); /* the smallest that is kept */
    check_multiplier(0x1p-33, 0, 0);
    check_multiplier(0.0, 0, 0);
    check_multiplier(-1.0, 0, 0);
    check_multiplier((double)NAN, 0, 0);
    check_multiplier((double)INFINITY, 0, 0);
}

static void test_doubling_high_multiply(void **state) {
    (void)state;
    assert_int_equal(tenon_doubling_high_multiply(INT32_MIN, INT32_MIN), INT32_MAX);
    assert_int_equal(tenon_doubling_high_multiply(3, 1 << 29), 1);   /* 0.75 */
    assert_int_equal(tenon_doubling_high_multiply(-3, 1 << 29), -1); /* -0.75 */
    assert_int_equal(tenon_doubling_high_multiply(1, 1 << 30), 1);   /* 0.5 goes up */
    assert_int_equal(tenon_doubling_high_multiply(-1, 1 << 30), 0);  /* -0.5 too */
    assert_int_equal(tenon_doubling_high_multiply(INT32_MIN, INT32_MAX), -INT32_MAX);
}

static void test_rounding_shift_right(void **state) {
    (void)state;
    assert_int_equal(tenon_rounding_shift_right(5, 1), 3); /* 2.5: half away from zero */
    assert_int_equal(tenon_rounding_shift_right(-5, 1), -3);
    assert_int_equal(tenon_rounding_shift_right(5, 2), 1); /* 1.25 */
    assert_int_equal(tenon_rounding_shift_right(-5, 2), -1);
    assert_int_equal(tenon_rounding_shift_right(-7, 0), -7);
    assert_int_equal(tenon_rounding_shift_right(INT32_MIN, 31), -1);
    assert_int_equal(tenon_rounding_shift_right(INT32_MAX, 31), 1);
}

/* x / 4 under each rule. With q = 2^30 and a shift of -1, `double` rounds x / 2 half up, then half
 * away from zero; `single` rounds once, half up; `f32` half to even. */
static void test_rules_differ(void **state) {
    (void)state;
    static const struct {
        int32_t x, with_double, with_single, with_f32;
    } rows[] = {
        {1, 1, 0, 0},   /* 0.25: 0.5 -> 1, 1 / 2 -> 1 */
        {2, 1, 1, 0},   /* 0.5 */
        {6, 2, 2, 2},   /* 1.5 */
        {-2, -1, 0, 0}, /* -0.5: -1 -> -1 / 2 -> -1 */
        {-6, -2, -1, -2} /* -1.5 */,
        {-3, -1, -1, -1} /* -0.75: -1.5 -> -1, -1 / 2 -> -1 */,
        {400, 100, 100, 100},
    };
    struct tenon_multiplier m = tenon_multiplier_from_double(0.25);
    for (size_t i = 0; i < TENON_COUNT_OF(rows); i++) {
        assert_int_equal(tenon_requantize(rows[i].x, &m, TENON_ROUNDING_DOUBLE),
                         rows[i].with_double);
        assert_int_equal(tenon_requantize(rows[i].x, &m, TENON_ROUNDING_SINGLE),
                         rows[i].with_single);
        assert_int_equal(tenon_requantize(rows[i].x, &m, TENON_ROUNDING_F32), rows[i].with_f32);
        assert_int_equal(tenon_requantize(rows[i].x, &m, TENON_ROUNDING_NONE), rows[i].with_double);
    }
}

static void test_requantize_up(void **state) {
    (void)state;
    struct tenon_multiplier m = tenon_multiplier_from_double(3.0);
    assert_int_equal(tenon_requantize(7, &m, TENON_ROUNDING_DOUBLE), 21);
    assert_int_equal(tenon_requantize(-7, &m, TENON_ROUNDING_SINGLE), -21);
    assert_int_equal(tenon_requantize(INT32_MAX, &m, TENON_ROUNDING_SINGLE), INT32_MAX);
    assert_int_equal(tenon_requantize(INT32_MIN, &m, TENON_ROUNDING_F32), INT32_MIN);
}

/* The 64-bit sum of 16-bit activations has a multiplier of 16 bits: of 1 / 3 = 0.333…, q is
 * 0x55555555 with a shift of -1, so 2^15 q is 0x5555 and the factor 21845 / 65536. */
static void test_requantize_i64(void **state) {
    (void)state;
    struct tenon_multiplier third = tenon_multiplier_from_double(1.0 / 3);
    /* 300000 * 21845 / 65536 = 99998.47…, where 32 bits of multiplier give 100000. */
    assert_int_equal(tenon_requantize_i64(300000, &third, TENON_ROUNDING_DOUBLE), 99998);
    assert_int_equal(tenon_requantize(300000, &third, TENON_ROUNDING_DOUBLE), 100000);
    struct tenon_multiplier small = tenon_multiplier_from_double(0x1p-20);
    /* 2^40 + 2^19 is 2^20 + 0.5 steps. */
    assert_int_equal(
        tenon_requantize_i64((INT64_C(1) << 40) + (1 << 19), &small, TENON_ROUNDING_DOUBLE),
        (1 << 20) + 1);
    /* A multiplier just below 1 stays in 16 bits: 0x7fff / 2^15. 32768 * 0x7fff / 2^15 = 32767. */
    struct tenon_multiplier one = tenon_multiplier_from_double(1 - 0x1p-31);
    assert_int_equal(tenon_requantize_i64(32768, &one, TENON_ROUNDING_DOUBLE), 32767);
}

static void check_range(enum tenon_activation activation, enum tenon_type type, float scale,
                        int32_t zero_point, int32_t low, int32_t high) {
    struct tenon_desc desc = {.type = type, .quant = {1, 0, &scale, &zero_point}};
    int32_t got_low, got_high;
    tenon_activation_range(activation, &desc, &got_low, &got_high);
    assert_int_equal(got_low, low);
    assert_int_equal(got_high, high);
}

static void test_activation_range(void **state) {
    (void)state;
    check_range(TENON_ACTIVATION_NONE, TENON_TYPE_I8, 0.05f, -10, -128, 127);
    check_range(TENON_ACTIVATION_RELU, TENON_TYPE_I8, 0.05f, -10, -10, 127);
    check_range(TENON_ACTIVATION_RELU6, TENON_TYPE_I8, 0.05f, -10, -10, 110); /* 6 / 0.05 = 120 */
    check_range(TENON_ACTIVATION_RELU_N1_TO_1, TENON_TYPE_U8, 0.25f, 100, 96, 104);
    check_range(TENON_ACTIVATION_RELU6, TENON_TYPE_U8, 0.0001f, 3, 3, 255);
    check_range(TENON_ACTIVATION_RELU6, TENON_TYPE_I16, 0.001f, 0, 0, 6000);
    check_range(TENON_ACTIVATION_RELU6, TENON_TYPE_I8, 0x1p-149f, 0, 0, 127);
}

static void test_clamp_keeps_nan(void **state) {
    (void)state;
    assert_true(isnan(tenon_clamp_f32(NAN, 0, 6)));
    assert_true(tenon_clamp_f32(7, 0, 6) == 6);
    assert_true(tenon_clamp_f32(-7, 0, 6) == 0);
}

static void test_dynamic_symmetric(void **state) {
    (void)state;
    /* The largest magnitude is 254, so a step is 2. */
    const float values[] = {254, -254, 3, 0, -101};
    int8_t q[5];
    float scale;
    int32_t zero;
    tenon_quantize_dynamic(values, 5, false, q, &scale, &zero);
    assert_true(scale == 2);
    assert_int_equal(zero, 0);
    const int8_t want[] = {127, -127, 2, 0, -51}; /* 1.5 and -50.5: half away from zero */
    assert_memory_equal(q, want, sizeof(want));
}

static void test_dynamic_asymmetric(void **state) {
    (void)state;
    /* 0 … 255 in 255 steps of 1: real 0 is the lowest value. */
    const float values[] = {0, 255, 10, 100.4f};
    int8_t q[4];
    float scale;
    int32_t zero;
    tenon_quantize_dynamic(values, 4, true, q, &scale, &zero);
    assert_true(scale == 1);
    assert_int_equal(zero, -128);
    const int8_t want[] = {-128, 127, -118, -28};
    assert_memory_equal(q, want, sizeof(want));
}

static void test_dynamic_degenerate(void **state) {
    (void)state;
    const float zeros[3] = {0}, wild[] = {INFINITY, NAN, 1};
    int8_t q[3];
    float scale;
    int32_t zero;
    for (int asymmetric = 0; asymmetric < 2; asymmetric++) {
        tenon_quantize_dynamic(zeros, 3, asymmetric != 0, q, &scale, &zero);
        assert_true(scale == 1);
        assert_int_equal(q[0] | q[1] | q[2], 0);
        tenon_quantize_dynamic(wild, 3, asymmetric != 0, q, &scale, &zero);
        assert_true(isfinite(scale));
    }
}

static void test_load_i4(void **state) {
    (void)state;
    const uint8_t packed[] = {0x8f, 0x71}; /* the low nibble first */
    const int8_t want[] = {-1, -8, 1, 7};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(tenon_load_i4(packed, i), want[i]);
}

/* The table's interpolation stays within 3 steps of 2^-15 of the functions themselves. */
static void test_sigmoid_i16(void **state) {
    (void)state;
    assert_int_equal(tenon_logistic_i16(0, 3, 0), 1 << 14);
    assert_int_equal(tenon_tanh_i16(0, 3, 0), 0);
    for (int x = INT16_MIN; x <= INT16_MAX; x++) {
        double real = x / 4096.0;
        assert_true(fabs(tenon_logistic_i16((int16_t)x, 3, 0) - 32768 / (1 + exp(-real))) < 3);
        assert_true(fabs(tenon_tanh_i16((int16_t)x, 3, 0) - 32768 * tanh(real)) < 4);
    }
    assert_int_equal(tenon_logistic_i16(INT16_MAX, INT32_MAX, 0), INT16_MAX);
    /* (2^23 + 127 - (0xffff << 8)) >> 8: the table ends below 1. */
    assert_int_equal(tenon_tanh_i16(INT16_MIN, INT32_MAX, 0), -32767);
}

static void test_broadcast(void **state) {
    (void)state;
    struct tenon_shape a = {.rank = 3, .dims = {2, 1, 3}}, b = {.rank = 2, .dims = {2, 1}}, out;
    assert_true(tenon_broadcast_shape(&a, &b, &out));
    assert_int_equal(out.rank, 3);
    assert_int_equal(out.dims[1], 2);
    const struct tenon_shape *const operands[] = {&a, &b};
    struct tenon_broadcast walk;
    tenon_broadcast_init(&walk, &out, operands, 2);
    /* Offsets into a (2x1x3) and b (2x1) of the elements of 2x2x3, in order. */
    const size_t want_a[] = {0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5};
    const size_t want_b[] = {0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1};
    int32_t index[TENON_MAX_RANK] = {0};
    size_t offsets[2] = {0};
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(offsets[0], want_a[i]);
        assert_int_equal(offsets[1], want_b[i]);
        tenon_broadcast_next(&walk, index, offsets, 2);
    }
    struct tenon_shape c = {.rank = 1, .dims = {2}};
    assert_false(tenon_broadcast_shape(&a, &c, &out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiplier),           cmocka_unit_test(test_doubling_high_multiply),
        cmocka_unit_test(test_rounding_shift_right), cmocka_unit_test(test_rules_differ),
        cmocka_unit_test(test_requantize_up),        cmocka_unit_test(test_requantize_i64),
        cmocka_unit_test(test_activation_range),     cmocka_unit_test(test_clamp_keeps_nan),
        cmocka_unit_test(test_dynamic_symmetric),    cmocka_unit_test(test_dynamic_asymmetric),
        cmocka_unit_test(test_dynamic_degenerate),   cmocka_unit_test(test_load_i4),
        cmocka_unit_test(test_sigmoid_i16),          cmocka_unit_test(test_broadcast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
