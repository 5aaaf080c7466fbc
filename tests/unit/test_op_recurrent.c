/*
 * lstm and svdf on weights of zero and small numbers, where every step can be worked out by hand:
 * logistic(0) is 0.5, logistic(±100) rounds to 1 and 0 in float32. Larger operands come from the
 * corpora of CMSIS-NN and NNAPI.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/call_builder.h"

static struct call_builder b;
static float hidden[2], cell[2];

static void run(void) {
    struct tenon_error error = {0};
    if (call_prepare(&b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
}

static void check_floats(const float *want, size_t count) {
    assert_int_equal(tenon_desc_element_count(b.outputs[0].desc), count);
    assert_memory_equal(b.outputs[0].data, want, count * sizeof(*want));
}

/* One cell whose gates are its biases alone: input 0.5, forget 1, cell 2 (relu), output 0.5. Each
 * step adds 1 to the cell, and half of the cell is the output. Two batches start at 3 and 10. */
static void start_lstm(bool time_major) {
    static float input[8], weights[1], biases[4][1] = {{0}, {100}, {2}, {0}};
    call_builder_init(&b, TENON_OP_LSTM);
    b.attrs.activation = TENON_ACTIVATION_RELU;
    b.attrs.time_major = time_major;
    call_input(&b, 0, TENON_TYPE_F32, call_shape(3, 2, 2, 1, 0), 0, 0, input);
    for (uint32_t g = 0; g < 4; g++) {
        call_input(&b, 1 + g, TENON_TYPE_F32, call_shape(2, 1, 1, 0, 0), 0, 0, weights);
        call_input(&b, 5 + g, TENON_TYPE_F32, call_shape(2, 1, 1, 0, 0), 0, 0, weights);
        call_input(&b, 12 + g, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, biases[g]);
    }
    hidden[0] = hidden[1] = 0;
    cell[0] = 3;
    cell[1] = 10;
    call_input(&b, 18, TENON_TYPE_F32, call_shape(2, 2, 1, 0, 0), 0, 0, hidden);
    call_input(&b, 19, TENON_TYPE_F32, call_shape(2, 2, 1, 0, 0), 0, 0, cell);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
}

static void test_lstm_orders(void **state) {
    (void)state;
    start_lstm(true);
    run();
    check_floats((const float[]){2, 5.5f, 2.5f, 6}, 4);
    assert_true(cell[0] == 5 && cell[1] == 12 && hidden[0] == 2.5f && hidden[1] == 6);
    call_builder_finish(&b);
    start_lstm(false);
    run();
    check_floats((const float[]){2, 2.5f, 5.5f, 6}, 4);
    call_builder_finish(&b);
}

static void test_lstm_clip(void **state) {
    (void)state;
    start_lstm(true);
    b.attrs.cell_clip = 4.5f;
    run();
    check_floats((const float[]){2, 2.25f, 2.25f, 2.25f}, 4);
    call_builder_finish(&b);
}

/* Without an input gate, 1 - forget = 0 takes its place: the cells stay. */
static void test_lstm_coupled(void **state) {
    (void)state;
    start_lstm(true);
    b.inputs[1].desc = b.inputs[5].desc = b.inputs[12].desc = NULL;
    run();
    check_floats((const float[]){1.5f, 5, 1.5f, 5}, 4);
    call_builder_finish(&b);
}

/* 10 times the output plus 1, at most 60. */
static void test_lstm_projection(void **state) {
    (void)state;
    static float weights[] = {10}, bias[] = {1};
    start_lstm(true);
    call_input(&b, 16, TENON_TYPE_F32, call_shape(2, 1, 1, 0, 0), 0, 0, weights);
    call_input(&b, 17, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, bias);
    b.call.input_count = 20;
    b.attrs.projection_clip = 60;
    run();
    check_floats((const float[]){21, 56, 26, 60}, 4);
    call_builder_finish(&b);
}

/* The output gate sees the new cell through its peephole: -100 * 4 shuts it. */
static void test_lstm_peephole(void **state) {
    (void)state;
    static float none[1], shut[] = {-100};
    start_lstm(true);
    call_input(&b, 9, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, none);
    call_input(&b, 10, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, none);
    call_input(&b, 11, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, shut);
    cell[0] = -1; /* becomes 0, which leaves the gate at 0.5 */
    run();
    check_floats((const float[]){0, 0, 0, 0}, 4);
    assert_true(cell[0] == 1 && cell[1] == 12);
    call_builder_finish(&b);
}

static void test_lstm_norm(void **state) {
    (void)state;
    /* Sums of zero stay zero when normalized; times the norm, plus the bias. */
    static float norm[] = {7};
    start_lstm(true);
    for (uint32_t g = 0; g < 4; g++)
        call_input(&b, 20 + g, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, norm);
    run();
    check_floats((const float[]){2, 5.5f, 2.5f, 6}, 4);
    call_builder_finish(&b);
}

static void refuse_lstm(uint32_t absent, enum tenon_status status) {
    start_lstm(true);
    b.inputs[absent].desc = NULL;
    assert_int_equal(tenon_op_infer(&b.call, NULL), status);
}

static void test_lstm_refusals(void **state) {
    (void)state;
    static float data[4];
    refuse_lstm(1, TENON_ERROR_BAD_MODEL); /* half an input gate */
    refuse_lstm(5, TENON_ERROR_BAD_MODEL);
    refuse_lstm(12, TENON_ERROR_BAD_MODEL);
    refuse_lstm(19, TENON_ERROR_BAD_MODEL);
    start_lstm(true);
    call_input(&b, 10, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, data); /* one peephole */
    assert_int_equal(tenon_op_infer(&b.call, NULL), TENON_ERROR_BAD_MODEL);
    start_lstm(true);
    b.descs[19].shape.dims[0] = 1;
    assert_int_equal(tenon_op_infer(&b.call, NULL), TENON_ERROR_BAD_MODEL);
    start_lstm(true);
    b.descs[2].type = TENON_TYPE_I8;
    assert_int_equal(tenon_op_infer(&b.call, NULL), TENON_ERROR_UNSUPPORTED);
}

/* Two filters of one unit: the state {5, 7, 1, 2} becomes {7, 3 * 2, 2, 3 * 1}; times the time
 * weights 7 * 10 + 6 * 1 and 2 * 0 + 3 * -2; their sum plus 4. */
static void test_svdf_f32(void **state) {
    (void)state;
    static float input[] = {3}, feature[] = {2, 1}, time[] = {10, 1, 0, -2}, bias[] = {4};
    static float memory[] = {5, 7, 1, 2};
    call_builder_init(&b, TENON_OP_SVDF);
    b.attrs.rank = 2;
    call_input(&b, 0, TENON_TYPE_F32, call_shape(2, 1, 1, 0, 0), 0, 0, input);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(2, 2, 1, 0, 0), 0, 0, feature);
    call_input(&b, 2, TENON_TYPE_F32, call_shape(2, 2, 2, 0, 0), 0, 0, time);
    call_input(&b, 3, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, bias);
    call_input(&b, 4, TENON_TYPE_F32, call_shape(2, 1, 4, 0, 0), 0, 0, memory);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    run();
    check_floats((const float[]){74}, 1);
    assert_memory_equal(memory, ((const float[]){7, 6, 2, 3}), sizeof(memory));
    call_builder_finish(&b);
}

/* An 8-bit state with a zero point of 1: the newest activation is (9 - 3) * 2 * 0.5 + 1 = 7; the
 * sum (5 - 1) * 10 + (7 - 1) * -1 + 4 = 38, times 0.5 * 1 / 0.25 = 2, minus 6. */
static void test_svdf_i8(void **state) {
    (void)state;
    static int8_t input[] = {9}, feature[] = {2}, time[] = {10, -1}, memory[] = {0, 5};
    static int32_t bias[] = {4};
    call_builder_init(&b, TENON_OP_SVDF);
    b.attrs.rank = 1;
    call_input(&b, 0, TENON_TYPE_I8, call_shape(2, 1, 1, 0, 0), 0.5f, 3, input);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(2, 1, 1, 0, 0), 0.5f, 0, feature);
    call_input(&b, 2, TENON_TYPE_I8, call_shape(2, 1, 2, 0, 0), 1, 0, time);
    call_input(&b, 3, TENON_TYPE_I32, call_shape(1, 1, 0, 0, 0), 0, 0, bias);
    call_input(&b, 4, TENON_TYPE_I8, call_shape(2, 1, 2, 0, 0), 0.5f, 1, memory);
    call_output(&b, 0, TENON_TYPE_I8, 0.25f, -6);
    run();
    assert_int_equal(((const int8_t *)b.outputs[0].data)[0], 70);
    assert_int_equal(memory[0], 5);
    assert_int_equal(memory[1], 7);
    call_builder_finish(&b);
    b.attrs.rank = 0;
    assert_int_equal(tenon_op_infer(&b.call, NULL), TENON_ERROR_BAD_MODEL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lstm_orders),   cmocka_unit_test(test_lstm_clip),
        cmocka_unit_test(test_lstm_coupled),  cmocka_unit_test(test_lstm_projection),
        cmocka_unit_test(test_lstm_peephole), cmocka_unit_test(test_lstm_norm),
        cmocka_unit_test(test_lstm_refusals), cmocka_unit_test(test_svdf_f32),
        cmocka_unit_test(test_svdf_i8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
