/* Pooling of every type on pictures small enough to work out by hand, and what infer refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/call_builder.h"

static struct call_builder b;

/* A 1 x 3 x 3 x 1 picture, windows of 2 x 2, one row and column of padding before it. */
static void start(enum tenon_op op, enum tenon_type type, void *picture) {
    float scale = type == TENON_TYPE_F32 ? 0 : 0.5f;
    call_builder_init(&b, op);
    call_input(&b, 0, type, call_shape(4, 1, 3, 3, 1), scale, 0, picture);
    call_output(&b, 0, type, scale, 0);
    b.attrs.window = call_list(2, 2, 2, 0, 0);
    b.attrs.stride = call_list(2, 2, 2, 0, 0);
    b.attrs.pad = call_list(4, 1, 1, 0, 0);
}

static void check(const void *want, size_t size) {
    struct tenon_error error = {0};
    if (call_prepare(&b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
    assert_int_equal(tenon_desc_size(b.outputs[0].desc), size);
    assert_memory_equal(b.outputs[0].data, want, size);
    call_builder_finish(&b);
}

#define CHECK(type, ...) check((const type[]){__VA_ARGS__}, sizeof((const type[]){__VA_ARGS__}))

/* The windows hold {1}, {-2, 3}, {4, 7}, {5, 6, 8, -10}. */
static float floats[] = {1, -2, 3, 4, 5, 6, 7, 8, -10};
static int8_t bytes[] = {1, -2, 3, 4, 5, 6, 7, 8, -10};
static int16_t words[] = {1, -2, 3, 4, 5, 6, 7, 8, -10};

static void test_average(void **state) {
    (void)state;
    start(TENON_OP_AVERAGE_POOL_2D, TENON_TYPE_F32, floats);
    CHECK(float, 1, 0.5f, 5.5f, 2.25f);
    start(TENON_OP_AVERAGE_POOL_2D, TENON_TYPE_I8, bytes); /* half away from zero */
    CHECK(int8_t, 1, 1, 6, 2);
    start(TENON_OP_AVERAGE_POOL_2D, TENON_TYPE_I16, words);
    CHECK(int16_t, 1, 1, 6, 2);
    static int8_t negative[] = {-1, 2, -3, -4, -5, -6, -7, -8, 9};
    start(TENON_OP_AVERAGE_POOL_2D, TENON_TYPE_I8, negative); /* -0.5, -5.5, -2.5 */
    CHECK(int8_t, -1, -1, -6, -3);
    start(TENON_OP_AVERAGE_POOL_2D, TENON_TYPE_I8, bytes);
    b.attrs.activation = TENON_ACTIVATION_RELU_N1_TO_1; /* 1 / 0.5 = 2 */
    CHECK(int8_t, 1, 1, 2, 2);
}

static void test_max(void **state) {
    (void)state;
    start(TENON_OP_MAX_POOL_2D, TENON_TYPE_F32, floats);
    CHECK(float, 1, 3, 7, 8);
    static uint8_t unsigned_bytes[] = {1, 254, 3, 4, 5, 6, 7, 8, 246};
    start(TENON_OP_MAX_POOL_2D, TENON_TYPE_U8, unsigned_bytes);
    CHECK(uint8_t, 1, 254, 7, 246);
    start(TENON_OP_MAX_POOL_2D, TENON_TYPE_F32, floats);
    b.attrs.activation = TENON_ACTIVATION_RELU6;
    CHECK(float, 1, 3, 6, 6);
}

static void test_l2(void **state) {
    (void)state;
    /* {3}, {4, 4}, {0, 5} -> sqrt(12.5), {1, 1, 7, 7} -> sqrt(100 / 4). */
    static float squares[] = {3, 4, 4, 0, 1, 1, 0, 7, 7};
    start(TENON_OP_L2_POOL_2D, TENON_TYPE_F32, squares);
    CHECK(float, 3, 4, 0, 5);
}

static void test_refusals(void **state) {
    (void)state;
#define REFUSE(change)                                                 \
    do {                                                               \
        start(TENON_OP_MAX_POOL_2D, TENON_TYPE_I8, bytes);             \
        change;                                                        \
        assert_int_not_equal(tenon_op_infer(&b.call, NULL), TENON_OK); \
    } while (0)
    REFUSE(b.attrs.window.count = 1);
    REFUSE(b.attrs.window.values[0] = 0);
    REFUSE(b.attrs.window.values[0] = 9);
    REFUSE(b.attrs.stride.values[1] = 0);
    REFUSE(b.attrs.pad.values[0] = 2); /* a window of padding only */
    REFUSE(b.attrs.pad.values[3] = 40);
    REFUSE(b.descs[0].shape.dims[3] = 0);
    REFUSE(b.descs[0].type = TENON_TYPE_I32);
    REFUSE(b.descs[CALL_INPUTS_MAX].type = TENON_TYPE_U8);
    REFUSE(b.call.op = TENON_OP_L2_POOL_2D);
    REFUSE(b.attrs.activation = TENON_ACTIVATION_TANH);
#undef REFUSE
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_l2),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
