/*
 * Reductions, arg_max, cumsum and topk. Expected values are those of TFLite's own tests (the file
 * is named at each), or derived in the comment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "support/call_builder.h"

struct operand {
    enum tenon_type type;
    float scale;
    int32_t zero_point;
};

static void check(struct call_builder *b, struct operand out, struct tenon_shape shape,
                  const void *expected) {
    struct tenon_error error = {0};
    call_output(b, 0, out.type, out.scale, out.zero_point);
    if (call_prepare(b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_true(tenon_shape_equal(&b->outputs[0].desc->shape, &shape));
    assert_int_equal(tenon_op_run_reference(&b->call, &error), TENON_OK);
    assert_memory_equal(b->outputs[0].data, expected, tenon_desc_size(b->outputs[0].desc));
    call_builder_finish(b);
}

static void start(struct call_builder *b, enum tenon_op op, struct operand in,
                  struct tenon_shape shape, void *data) {
    call_builder_init(b, op);
    call_input(b, 0, in.type, shape, in.scale, in.zero_point, data);
}

static const struct operand f32 = {TENON_TYPE_F32, 0, 0}, i32 = {TENON_TYPE_I32, 0, 0},
                            i64 = {TENON_TYPE_I64, 0, 0};

/* reduce_test.cc, ConstFloatMeanOpTest NotKeepDims and KeepDims: 4x3x2 {1 … 24}. */
static void test_mean_f32(void **state) {
    (void)state;
    struct call_builder b;
    float in[24];
    for (int i = 0; i < 24; i++)
        in[i] = (float)(i + 1);
    start(&b, TENON_OP_MEAN, f32, call_shape(3, 4, 3, 2, 0), in);
    b.attrs.axes = call_list(2, 0, 1, 0, 0);
    check(&b, f32, call_shape(1, 2, 0, 0, 0), (const float[]){12, 13});
    start(&b, TENON_OP_MEAN, f32, call_shape(3, 4, 3, 2, 0), in);
    b.attrs.axes = call_list(2, 0, 2, 0, 0);
    b.attrs.keep_dims = 1;
    check(&b, f32, call_shape(3, 1, 3, 1, 0), (const float[]){10.5f, 12.5f, 14.5f});
    start(&b, TENON_OP_MEAN, f32, call_shape(2, 12, 2, 0, 0), in); /* no axes: the input */
    check(&b, f32, call_shape(2, 12, 2, 0, 0), in);
}

/*
 * reduce_test.cc, Const{Uint8,Int8}MeanOpTest Rounding: of pairs from the range [-1, 1] to [-1.1,
 * 1.1]. It allows two results for the middle pair, steps 38 + 51: 89 / 1.1 is 80.9, doubly rounded
 * 81 / 2 -> 41 steps; rounded once, 40.45 -> 40.
 */
static void test_mean_rounding(void **state) {
    (void)state;
    struct call_builder b;
    uint8_t in[] = {179, 154, 166, 179, 192, 205};
    int8_t narrow[] = {51, 26, 38, 51, 64, 77};
    const struct operand from = {TENON_TYPE_U8, 2.0f / 255, 128};
    const struct operand to = {TENON_TYPE_U8, 2.2f / 255, 128};
    const struct operand from8 = {TENON_TYPE_I8, 2.0f / 255, 0};
    const struct operand to8 = {TENON_TYPE_I8, 2.2f / 255, -1};
    const enum tenon_rounding rules[] = {TENON_ROUNDING_DOUBLE, TENON_ROUNDING_SINGLE};
    for (int i = 0; i < 2; i++) {
        const uint8_t expected[] = {163, (uint8_t)(169 - i), 192};
        const int8_t expected8[] = {34, (int8_t)(40 - i), 63};
        start(&b, TENON_OP_MEAN, from, call_shape(2, 3, 2, 0, 0), in);
        b.call.rounding = rules[i];
        b.attrs.axes = call_list(1, 1, 0, 0, 0);
        b.attrs.keep_dims = 1;
        check(&b, to, call_shape(2, 3, 1, 0, 0), expected);
        start(&b, TENON_OP_MEAN, from8, call_shape(2, 3, 2, 0, 0), narrow);
        b.call.rounding = rules[i];
        b.attrs.axes = call_list(1, 1, 0, 0, 0);
        b.attrs.keep_dims = 1;
        check(&b, to8, call_shape(2, 3, 1, 0, 0), expected8);
    }
}

/*
 * Equal scales, zero point 0: M = 2^30 * 2^1 with 1/n folded in. Of 3: 2^31 / 3 = 715827882 at
 * shift 0, so 5 / 3 -> 2, -5 / 3 -> -2, 3 / 3 = 0.9999999995 -> 1. Of 4: 2^30 at shift -1; 2 / 4 is
 * 1 after the first rounding and 0.5 -> 1 in the second, half away from zero; -2 / 4 -> -1
 * likewise.
 */
static void test_mean_integer(void **state) {
    (void)state;
    struct call_builder b;
    int8_t thirds[] = {1, 1, 3, -1, -1, -3, 1, 1, 1}, quarters[] = {0, 0, 1, 1, 0, 0, -1, -1};
    const struct operand q = {TENON_TYPE_I8, 0.5f, 0};
    start(&b, TENON_OP_MEAN, q, call_shape(2, 3, 3, 0, 0), thirds);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check(&b, q, call_shape(1, 3, 0, 0, 0), (const int8_t[]){2, -2, 1});
    start(&b, TENON_OP_MEAN, q, call_shape(2, 2, 4, 0, 0), quarters);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check(&b, q, call_shape(1, 2, 0, 0, 0), (const int8_t[]){1, -1});
    /* A factor of 2^-28 / 64 is below what a shift can say; it is limited, and the result 0. */
    int8_t many[64];
    const struct operand coarse = {TENON_TYPE_I8, 0x1p27f, 3};
    memset(many, 127, sizeof(many));
    start(&b, TENON_OP_MEAN, q, call_shape(1, 64, 0, 0, 0), many);
    b.attrs.axes = call_list(1, 0, 0, 0, 0);
    check(&b, coarse, call_shape(0, 0, 0, 0, 0), (const int8_t[]){3});
    /* int32: the quotient truncates. */
    int32_t plain[] = {1, 2, -1, -2};
    start(&b, TENON_OP_MEAN, i32, call_shape(2, 2, 2, 0, 0), plain);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check(&b, i32, call_shape(1, 2, 0, 0, 0), (const int32_t[]){1, -1});
}

/* Scale 0.5, zero point 1, to scale 1, zero point -2: {3, 5} is 1 + 2 = 3 -> 1; 254 of 127s is
 * saturated. */
static void test_sum(void **state) {
    (void)state;
    struct call_builder b;
    int8_t in[] = {3, 5, 127, 127};
    const struct operand from = {TENON_TYPE_I8, 0.5f, 1}, to = {TENON_TYPE_I8, 1, -2};
    start(&b, TENON_OP_SUM, from, call_shape(2, 2, 2, 0, 0), in);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check(&b, to, call_shape(1, 2, 0, 0, 0), (const int8_t[]){1, 124});
    int64_t wide[] = {INT64_MAX, 1, 5, -6};
    start(&b, TENON_OP_SUM, i64, call_shape(2, 2, 2, 0, 0), wide);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check(&b, i64, call_shape(1, 2, 0, 0, 0), (const int64_t[]){INT64_MIN, -1});
    /* Summed in the order of the input: (1e8 + 1) is 1e8 in float32, so 1e8 + 1 - 1e8 is 0. */
    float order[] = {1e8f, 1, -1e8f};
    start(&b, TENON_OP_SUM, f32, call_shape(1, 3, 0, 0, 0), order);
    b.attrs.axes = call_list(1, 0, 0, 0, 0);
    check(&b, f32, call_shape(0, 0, 0, 0, 0), (const float[]){0});
}

static void test_extremes(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    int8_t in[] = {-128, 127, 5, -3, 4, 6};
    const struct operand q = {TENON_TYPE_I8, 0.5f, 3};
    start(&b, TENON_OP_REDUCE_MAX, q, call_shape(2, 2, 3, 0, 0), in);
    b.attrs.axes = call_list(1, 0, 0, 0, 0);
    check(&b, q, call_shape(1, 3, 0, 0, 0), (const int8_t[]){-3, 127, 6});
    start(&b, TENON_OP_REDUCE_MIN, q, call_shape(2, 2, 3, 0, 0), in);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    b.attrs.keep_dims = 1;
    check(&b, q, call_shape(2, 2, 1, 0, 0), (const int8_t[]){-128, -3});
    int64_t wide[] = {INT64_MIN, INT64_MIN + 1};
    start(&b, TENON_OP_REDUCE_MAX, i64, call_shape(1, 2, 0, 0, 0), wide);
    b.attrs.axes = call_list(1, 0, 0, 0, 0);
    check(&b, i64, call_shape(0, 0, 0, 0, 0), (const int64_t[]){INT64_MIN + 1});
    start(&b, TENON_OP_REDUCE_MAX, q, call_shape(1, 3, 0, 0, 0), in);
    call_output(&b, 0, TENON_TYPE_I8, 0.25f, 3);
    b.attrs.axes = call_list(1, 0, 0, 0, 0);
    assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_UNSUPPORTED);
}

/* Of nothing: a sum is 0, a float mean NaN, a maximum the lowest number. */
static void test_empty(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    float none[1];
    start(&b, TENON_OP_SUM, f32, call_shape(2, 2, 0, 0, 0), none);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check(&b, f32, call_shape(1, 2, 0, 0, 0), (const float[]){0, 0});
    start(&b, TENON_OP_REDUCE_MAX, i32, call_shape(2, 2, 0, 0, 0), none);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check(&b, i32, call_shape(1, 2, 0, 0, 0), (const int32_t[]){INT32_MIN, INT32_MIN});
    start(&b, TENON_OP_MEAN, f32, call_shape(2, 2, 0, 0, 0), none);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    assert_int_equal(call_prepare(&b, &error), TENON_OK);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
    assert_true(isnan(((float *)b.outputs[0].data)[1]));
    call_builder_finish(&b);
    start(&b, TENON_OP_ARG_MAX, f32, call_shape(2, 2, 0, 0, 0), none);
    b.attrs.axis = 1;
    call_output(&b, 0, TENON_TYPE_I32, 0, 0);
    assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_BAD_MODEL);
}

static void test_bad_axes(void **state) {
    (void)state;
    const struct tenon_list lists[] = {call_list(1, 2, 0, 0, 0), call_list(1, -1, 0, 0, 0),
                                       call_list(2, 1, 1, 0, 0), call_list(2, 1, 0, 0, 0)};
    float in[4] = {0};
    for (size_t i = 0; i < TENON_COUNT_OF(lists); i++) {
        struct call_builder b;
        struct tenon_error error = {0};
        start(&b, TENON_OP_SUM, f32, call_shape(2, 2, 2, 0, 0), in);
        call_output(&b, 0, TENON_TYPE_F32, 0, 0);
        b.attrs.axes = lists[i];
        assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_BAD_MODEL);
    }
}

static void test_arg(void **state) {
    (void)state;
    struct call_builder b;
    /* arg_min_max_test.cc, GetMaxArgMulDimensions. */
    float in[] = {1, 2, 7, 8, 1, 9, 7, 3};
    start(&b, TENON_OP_ARG_MAX, f32, call_shape(4, 1, 1, 2, 4), in);
    b.attrs.axis = 3;
    check(&b, i32, call_shape(3, 1, 1, 2, 0), (const int32_t[]){3, 1});
    start(&b, TENON_OP_ARG_MIN, f32, call_shape(2, 2, 4, 0, 0), in); /* down the columns */
    b.attrs.axis = 0;
    check(&b, i64, call_shape(1, 4, 0, 0, 0), (const int64_t[]){0, 0, 0, 1});
    float ties[] = {NAN, 5, 5, 1, 1};
    start(&b, TENON_OP_ARG_MAX, f32, call_shape(1, 5, 0, 0, 0), ties);
    check(&b, i32, call_shape(0, 0, 0, 0, 0), (const int32_t[]){1});
    start(&b, TENON_OP_ARG_MIN, f32, call_shape(1, 5, 0, 0, 0), ties);
    check(&b, i32, call_shape(0, 0, 0, 0, 0), (const int32_t[]){3});
}

/* cumsum_test.cc, SimpleIntTest, SimpleIntExclusiveTest, SimpleIntReverseTest; then both. */
static void test_cumsum(void **state) {
    (void)state;
    struct call_builder b;
    int32_t in[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const int32_t expected[4][8] = {{1, 3, 6, 10, 5, 11, 18, 26},
                                    {0, 1, 3, 6, 0, 5, 11, 18},
                                    {10, 9, 7, 4, 26, 21, 15, 8},
                                    {9, 7, 4, 0, 21, 15, 8, 0}};
    for (int i = 0; i < 4; i++) {
        start(&b, TENON_OP_CUMSUM, i32, call_shape(2, 2, 4, 0, 0), in);
        b.attrs.axis = 1;
        b.attrs.exclusive = i % 2;
        b.attrs.reverse = i / 2;
        check(&b, i32, call_shape(2, 2, 4, 0, 0), expected[i]);
    }
    float floats[] = {1, 2, 3, 4};
    start(&b, TENON_OP_CUMSUM, f32, call_shape(2, 2, 2, 0, 0), floats);
    check(&b, f32, call_shape(2, 2, 2, 0, 0), (const float[]){1, 2, 4, 6});
}

static void check_topk(struct call_builder *b, enum tenon_type type, const void *values,
                       const int32_t *indices) {
    struct tenon_error error = {0};
    call_output(b, 1, TENON_TYPE_I32, 0, 0);
    call_output(b, 0, type, 0, 0);
    assert_int_equal(call_prepare(b, &error), TENON_OK);
    assert_int_equal(tenon_op_run_reference(&b->call, &error), TENON_OK);
    assert_memory_equal(b->outputs[0].data, values, tenon_desc_size(b->outputs[0].desc));
    assert_memory_equal(b->outputs[1].data, indices, tenon_desc_size(b->outputs[1].desc));
    call_builder_finish(b);
}

static void test_topk(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    /* Ties keep the order of the row; NaN comes last. */
    uint8_t bytes[] = {1, 3, 2, 3, 9, 9, 9, 0};
    start(&b, TENON_OP_TOPK, (struct operand){TENON_TYPE_U8, 0, 0}, call_shape(2, 2, 4, 0, 0),
          bytes);
    b.attrs.k = 3;
    check_topk(&b, TENON_TYPE_U8, "\3\3\2\x09\x09\x09", (const int32_t[]){1, 3, 2, 0, 1, 2});
    float floats[] = {NAN, -2, 0.2f};
    start(&b, TENON_OP_TOPK, f32, call_shape(1, 3, 0, 0, 0), floats);
    b.attrs.k = 2;
    check_topk(&b, TENON_TYPE_F32, (const float[]){0.2f, -2}, (const int32_t[]){2, 1});
    start(&b, TENON_OP_TOPK, f32, call_shape(1, 3, 0, 0, 0), floats);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    call_output(&b, 1, TENON_TYPE_I32, 0, 0);
    b.attrs.k = 4;
    assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_BAD_MODEL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_f32),     cmocka_unit_test(test_mean_rounding),
        cmocka_unit_test(test_mean_integer), cmocka_unit_test(test_sum),
        cmocka_unit_test(test_extremes),     cmocka_unit_test(test_empty),
        cmocka_unit_test(test_bad_axes),     cmocka_unit_test(test_arg),
        cmocka_unit_test(test_cumsum),       cmocka_unit_test(test_topk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
