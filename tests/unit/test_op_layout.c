/*
 * Operators that move data. Expected values are those of TFLite's own tests (the file is named at
 * each), or arranged by hand. Elements are bytes where the type does not matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/call_builder.h"

/* One call with one output of the input's type, run and compared; finishes the builder. */
static void check_bytes(struct call_builder *b, struct tenon_shape shape, const void *expected) {
    struct tenon_error error = {0};
    call_output(b, 0, b->inputs[0].desc->type, b->scales[0], b->zero_points[0]);
    if (call_prepare(b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_true(tenon_shape_equal(&b->outputs[0].desc->shape, &shape));
    assert_int_equal(tenon_op_run_reference(&b->call, &error), TENON_OK);
    assert_memory_equal(b->outputs[0].data, expected, tenon_desc_size(b->outputs[0].desc));
    call_builder_finish(b);
}

static void check_refused(struct call_builder *b, enum tenon_status expected) {
    struct tenon_error error = {0};
    call_output(b, 0, b->inputs[0].desc->type, b->scales[0], b->zero_points[0]);
    assert_int_equal(tenon_op_infer(&b->call, &error), expected);
    assert_true(error.message[0] != '\0');
}

static void start(struct call_builder *b, enum tenon_op op, struct tenon_shape shape, void *data) {
    call_builder_init(b, op);
    call_input(b, 0, TENON_TYPE_U8, shape, 0, 0, data);
}

/* 0, 1, 2, … */
static uint8_t counting[256];

static void start_lookup(struct call_builder *b, enum tenon_type type, uint8_t *in, int32_t entries,
                         uint8_t *table) {
    call_builder_init(b, TENON_OP_LOOKUP);
    call_input(b, 0, type, call_shape(2, 2, 2, 0, 0), 0.5f, 3, in);
    call_input(b, 1, type, call_shape(1, entries, 0, 0, 0), 0.5f, 3, table);
}

/* As TABLE of TOSA 1.0, whose entry for an int8 q is that at q + 128. Entry i is 3 * i here. */
static void test_lookup(void **state) {
    (void)state;
    struct call_builder b;
    uint8_t table[256], in[] = {0x80, 0x81, 0x00, 0x7f}; /* -128, -127, 0, 127 */
    const uint8_t expected_i8[] = {0, 3, 128 * 3 & 255, 255 * 3 & 255};
    const uint8_t expected_u8[] = {128 * 3 & 255, 129 * 3 & 255, 0, 127 * 3 & 255};
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)(i * 3);
    start_lookup(&b, TENON_TYPE_I8, in, 256, table);
    check_bytes(&b, call_shape(2, 2, 2, 0, 0), expected_i8);
    start_lookup(&b, TENON_TYPE_U8, in, 256, table);
    check_bytes(&b, call_shape(2, 2, 2, 0, 0), expected_u8);
    start_lookup(&b, TENON_TYPE_U8, in, 255, table);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
    start_lookup(&b, TENON_TYPE_I16, in, 256, table);
    check_refused(&b, TENON_ERROR_UNSUPPORTED);
}

static void test_transpose(void **state) {
    (void)state;
    struct call_builder b;
    /* By {2, 0, 1, 3}: out[a][b][c] = in[b][c][a] = 12 b + 4 c + a. */
    const uint8_t expected[] = {0, 4, 8,  12, 16, 20, 1, 5, 9,  13, 17, 21,
                                2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23};
    start(&b, TENON_OP_TRANSPOSE, call_shape(4, 2, 3, 4, 1), counting);
    b.attrs.perm = call_list(4, 2, 0, 1, 3);
    check_bytes(&b, call_shape(4, 4, 2, 3, 1), expected);
    start(&b, TENON_OP_TRANSPOSE, call_shape(2, 2, 3, 0, 0), counting);
    b.attrs.perm = call_list(2, 1, 1, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
    start(&b, TENON_OP_TRANSPOSE, call_shape(2, 2, 3, 0, 0), counting);
    b.attrs.perm = call_list(2, 1, 2, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
}

/* All eight axes, of 64-bit elements: axis 0 and axis 7 exchanged. */
static void test_transpose_rank_8(void **state) {
    (void)state;
    struct call_builder b;
    int64_t in[16], expected[16];
    struct tenon_shape shape = {.rank = 8, .dims = {2, 1, 1, 2, 1, 1, 1, 4}};
    struct tenon_shape swapped = {.rank = 8, .dims = {4, 1, 1, 2, 1, 1, 1, 2}};
    for (int a = 0; a < 2; a++)
        for (int m = 0; m < 2; m++)
            for (int z = 0; z < 4; z++) {
                in[a * 8 + m * 4 + z] = ((int64_t)1 << 40) + a * 100 + m * 10 + z;
                expected[z * 4 + m * 2 + a] = in[a * 8 + m * 4 + z];
            }
    call_builder_init(&b, TENON_OP_TRANSPOSE);
    call_input(&b, 0, TENON_TYPE_I64, shape, 0, 0, in);
    b.attrs.perm = (struct tenon_list){.count = 8, .values = {7, 1, 2, 3, 4, 5, 6, 0}};
    check_bytes(&b, swapped, expected);
}

static void test_reverse(void **state) {
    (void)state;
    struct call_builder b;
    /* reverse_test.cc, Int32MultiDimensions: axis 1 of 4x3x2, less 1 as counting starts at 0. */
    const uint8_t expected[] = {4,  5,  2,  3,  0,  1,  10, 11, 8,  9,  6,  7,
                                16, 17, 14, 15, 12, 13, 22, 23, 20, 21, 18, 19};
    start(&b, TENON_OP_REVERSE, call_shape(3, 4, 3, 2, 0), counting);
    b.attrs.axes = call_list(1, 1, 0, 0, 0);
    check_bytes(&b, call_shape(3, 4, 3, 2, 0), expected);
    start(&b, TENON_OP_REVERSE, call_shape(2, 2, 2, 0, 0), counting);
    b.attrs.axes = call_list(2, 1, 0, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL); /* not ascending */
}

static void test_depth_and_space(void **state) {
    (void)state;
    struct call_builder b;
    /* depth_to_space_test.cc, Int32: 1x2x2x4 {1 … 16}. */
    uint8_t deep[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint8_t wide[] = {1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 13, 14, 11, 12, 15, 16};
    start(&b, TENON_OP_DEPTH_TO_SPACE, call_shape(4, 1, 2, 2, 4), deep);
    b.attrs.block = call_list(1, 2, 0, 0, 0);
    check_bytes(&b, call_shape(4, 1, 4, 4, 1), wide);
    start(&b, TENON_OP_SPACE_TO_DEPTH, call_shape(4, 1, 4, 4, 1), wide);
    b.attrs.block = call_list(1, 2, 0, 0, 0);
    check_bytes(&b, call_shape(4, 1, 2, 2, 4), deep);
    start(&b, TENON_OP_DEPTH_TO_SPACE, call_shape(4, 1, 1, 1, 3), deep);
    b.attrs.block = call_list(1, 2, 0, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
    start(&b, TENON_OP_SPACE_TO_DEPTH, call_shape(4, 1, 3, 2, 1), deep);
    b.attrs.block = call_list(1, INT32_MAX, 0, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
}

static void test_space_to_batch(void **state) {
    (void)state;
    struct call_builder b;
    /* space_to_batch_nd_test.cc, SimplePaddingConstTest. */
    uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const uint8_t expected[] = {0, 0, 0, 5, 0, 0, 0, 6, 0, 1, 0, 7,
                                0, 2, 0, 8, 0, 3, 0, 9, 0, 4, 0, 10};
    start(&b, TENON_OP_SPACE_TO_BATCH, call_shape(4, 1, 5, 2, 1), in);
    b.attrs.block = call_list(2, 3, 2, 0, 0);
    b.attrs.paddings = call_list(4, 1, 0, 2, 0);
    check_bytes(&b, call_shape(4, 6, 2, 2, 1), expected);
    /* Padding is the zero point: {7, 1, 2, 3} falls into its even and its odd elements. */
    const uint8_t quantized[] = {7, 2, 1, 3};
    uint8_t row[] = {1, 2, 3};
    call_builder_init(&b, TENON_OP_SPACE_TO_BATCH);
    call_input(&b, 0, TENON_TYPE_U8, call_shape(3, 1, 3, 1, 0), 0.5f, 7, row);
    b.attrs.block = call_list(1, 2, 0, 0, 0);
    b.attrs.paddings = call_list(2, 1, 0, 0, 0);
    check_bytes(&b, call_shape(3, 2, 2, 1, 0), quantized);
}

static void test_batch_to_space(void **state) {
    (void)state;
    struct call_builder b;
    /* batch_to_space_nd_test.cc, SimpleConstTest: 4x2x2x1 {1 … 16}, blocks {2, 2}. */
    uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const uint8_t expected[] = {1, 5, 2, 6, 9, 13, 10, 14, 3, 7, 4, 8, 11, 15, 12, 16};
    start(&b, TENON_OP_BATCH_TO_SPACE, call_shape(4, 4, 2, 2, 1), in);
    b.attrs.block = call_list(2, 2, 2, 0, 0);
    b.attrs.paddings = call_list(4, 0, 0, 0, 0);
    check_bytes(&b, call_shape(4, 1, 4, 4, 1), expected);
    /* The same, the first row and the last two columns cropped. */
    const uint8_t cropped[] = {9, 13, 3, 7, 11, 15};
    start(&b, TENON_OP_BATCH_TO_SPACE, call_shape(4, 4, 2, 2, 1), in);
    b.attrs.block = call_list(2, 2, 2, 0, 0);
    b.attrs.paddings = call_list(4, 1, 0, 0, 2);
    check_bytes(&b, call_shape(4, 1, 3, 2, 1), cropped);
    start(&b, TENON_OP_BATCH_TO_SPACE, call_shape(4, 4, 2, 2, 1), in);
    b.attrs.block = call_list(2, 2, 2, 0, 0);
    b.attrs.paddings = call_list(4, 5, 0, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
}

static void test_shapes(void **state) {
    (void)state;
    struct call_builder b;
    start(&b, TENON_OP_RESHAPE, call_shape(2, 2, 3, 0, 0), counting);
    b.attrs.shape = call_list(3, 3, 1, 2, 0);
    check_bytes(&b, call_shape(3, 3, 1, 2, 0), counting);
    start(&b, TENON_OP_RESHAPE, call_shape(2, 2, 3, 0, 0), counting);
    b.attrs.shape = call_list(2, 4, 2, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
    /* Five 4-bit elements fill three bytes; reshaping is all that is done with them. */
    call_builder_init(&b, TENON_OP_RESHAPE);
    call_input(&b, 0, TENON_TYPE_I4, call_shape(1, 5, 0, 0, 0), 0, 0, counting);
    b.attrs.shape = call_list(2, 1, 5, 0, 0);
    check_bytes(&b, call_shape(2, 1, 5, 0, 0), counting);
    call_builder_init(&b, TENON_OP_REVERSE);
    call_input(&b, 0, TENON_TYPE_I4, call_shape(1, 5, 0, 0, 0), 0, 0, counting);
    check_refused(&b, TENON_ERROR_UNSUPPORTED);
    start(&b, TENON_OP_FILL, call_shape(0, 0, 0, 0, 0), counting + 9);
    b.attrs.shape = call_list(2, 2, 2, 0, 0);
    check_bytes(&b, call_shape(2, 2, 2, 0, 0), "\x09\x09\x09\x09");
    start(&b, TENON_OP_BROADCAST_TO, call_shape(2, 2, 1, 0, 0), counting);
    b.attrs.shape = call_list(3, 2, 2, 3, 0);
    check_bytes(&b, call_shape(3, 2, 2, 3, 0), "\0\0\0\1\1\1\0\0\0\1\1\1");
    /* Rows repeated, as in tile_test.cc, Float32Matrix; then columns. */
    start(&b, TENON_OP_TILE, call_shape(2, 2, 3, 0, 0), counting);
    b.attrs.multiples = call_list(2, 2, 1, 0, 0);
    check_bytes(&b, call_shape(2, 4, 3, 0, 0), "\0\1\2\3\4\5\0\1\2\3\4\5");
    start(&b, TENON_OP_TILE, call_shape(2, 2, 3, 0, 0), counting);
    b.attrs.multiples = call_list(2, 1, 2, 0, 0);
    check_bytes(&b, call_shape(2, 2, 6, 0, 0), "\0\1\2\0\1\2\3\4\5\3\4\5");
    start(&b, TENON_OP_TILE, call_shape(2, 1 << 20, 2, 0, 0), counting);
    b.attrs.multiples = call_list(2, 1 << 20, 1, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
}

static void test_shape_output(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    const int64_t expected[] = {2, 3, 5};
    start(&b, TENON_OP_SHAPE, call_shape(3, 2, 3, 5, 0), counting);
    call_output(&b, 0, TENON_TYPE_I64, 0, 0);
    assert_int_equal(call_prepare(&b, &error), TENON_OK);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
    assert_memory_equal(b.outputs[0].data, expected, sizeof(expected));
    call_builder_finish(&b);
}

static void test_concatenation(void **state) {
    (void)state;
    struct call_builder b;
    start(&b, TENON_OP_CONCATENATION, call_shape(2, 2, 1, 0, 0), counting);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(2, 2, 2, 0, 0), 0, 0, counting + 10);
    b.attrs.axis = 1;
    check_bytes(&b, call_shape(2, 2, 3, 0, 0), "\0\x0a\x0b\1\x0c\x0d");
    start(&b, TENON_OP_CONCATENATION, call_shape(2, 2, 1, 0, 0), counting);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(2, 3, 2, 0, 0), 0, 0, counting + 10);
    b.attrs.axis = 1;
    check_refused(&b, TENON_ERROR_BAD_MODEL);
}

/*
 * uint8 to scale 0.5, zero point 10. Scale 1, zero point 20: 2 * q - 40 + 10, so 19 -> 8, 21 -> 12,
 * 200 -> 255 (saturated), 0 -> 0. Scale 0.25, zero point 0: q / 2 + 10, halves away from 0: 1
 * -> 11.
 */
static void test_concatenation_requantizes(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    uint8_t first[] = {19, 21, 200, 0}, second[] = {1, 4};
    const uint8_t expected[] = {8, 12, 255, 0, 11, 12};
    call_builder_init(&b, TENON_OP_CONCATENATION);
    call_input(&b, 0, TENON_TYPE_U8, call_shape(1, 4, 0, 0, 0), 1, 20, first);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(1, 2, 0, 0, 0), 0.25f, 0, second);
    call_output(&b, 0, TENON_TYPE_U8, 0.5f, 10);
    assert_int_equal(call_prepare(&b, &error), TENON_OK);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
    assert_memory_equal(b.outputs[0].data, expected, sizeof(expected));
    call_builder_finish(&b);
    call_builder_init(&b, TENON_OP_CONCATENATION); /* TFLite refuses it for int8 */
    call_input(&b, 0, TENON_TYPE_I8, call_shape(1, 4, 0, 0, 0), 1, 20, first);
    call_output(&b, 0, TENON_TYPE_I8, 0.5f, 10);
    assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_UNSUPPORTED);
}

/* Two outputs of a cut, compared. */
static void check_two(struct call_builder *b, const char *first, size_t first_size,
                      const char *second, size_t second_size) {
    struct tenon_error error = {0};
    if (call_prepare(b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_int_equal(tenon_op_run_reference(&b->call, &error), TENON_OK);
    assert_int_equal(tenon_desc_size(b->outputs[0].desc), first_size);
    assert_int_equal(tenon_desc_size(b->outputs[1].desc), second_size);
    assert_memory_equal(b->outputs[0].data, first, first_size);
    assert_memory_equal(b->outputs[1].data, second, second_size);
    call_builder_finish(b);
}

static void test_split_and_pack(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    start(&b, TENON_OP_SPLIT, call_shape(2, 2, 4, 0, 0), counting);
    call_output(&b, 0, TENON_TYPE_U8, 0, 0);
    call_output(&b, 1, TENON_TYPE_U8, 0, 0);
    b.attrs.axis = 1;
    check_two(&b, "\0\1\4\5", 4, "\2\3\6\7", 4);
    start(&b, TENON_OP_SPLIT, call_shape(2, 2, 4, 0, 0), counting); /* given shapes: 1 and 3 */
    call_output(&b, 0, TENON_TYPE_U8, 0, 0);
    call_output(&b, 1, TENON_TYPE_U8, 0, 0);
    b.outputs[0].desc->shape = call_shape(2, 2, 1, 0, 0);
    b.outputs[1].desc->shape = call_shape(2, 2, 3, 0, 0);
    b.attrs.axis = 1;
    check_two(&b, "\0\4", 2, "\1\2\3\5\6\7", 6);
    start(&b, TENON_OP_SPLIT, call_shape(2, 2, 4, 0, 0), counting); /* 1 and 2 leave one over */
    call_output(&b, 0, TENON_TYPE_U8, 0, 0);
    call_output(&b, 1, TENON_TYPE_U8, 0, 0);
    b.outputs[0].desc->shape = call_shape(2, 2, 1, 0, 0);
    b.outputs[1].desc->shape = call_shape(2, 2, 2, 0, 0);
    b.attrs.axis = 1;
    assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_BAD_MODEL);
    start(&b, TENON_OP_UNPACK, call_shape(2, 3, 2, 0, 0), counting);
    call_output(&b, 0, TENON_TYPE_U8, 0, 0);
    call_output(&b, 1, TENON_TYPE_U8, 0, 0);
    b.attrs.axis = 1;
    check_two(&b, "\0\2\4", 3, "\1\3\5", 3);
    /* pack_test.cc, FloatThreeInputsDifferentAxis, with bytes. */
    start(&b, TENON_OP_PACK, call_shape(1, 2, 0, 0, 0), "\1\4");
    call_input(&b, 1, TENON_TYPE_U8, call_shape(1, 2, 0, 0, 0), 0, 0, "\2\5");
    call_input(&b, 2, TENON_TYPE_U8, call_shape(1, 2, 0, 0, 0), 0, 0, "\3\6");
    b.attrs.axis = 1;
    check_bytes(&b, call_shape(2, 2, 3, 0, 0), "\1\2\3\4\5\6");
}

static void test_slices(void **state) {
    (void)state;
    struct call_builder b;
    /* slice_test.cc, InputInteger3. */
    uint8_t in[] = {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6};
    start(&b, TENON_OP_SLICE, call_shape(4, 3, 2, 3, 1), in);
    b.attrs.begin = call_list(4, 1, 0, 0, 0);
    b.attrs.count = call_list(4, 2, 1, 3, 1);
    check_bytes(&b, call_shape(4, 2, 1, 3, 1), "\3\3\3\5\5\5");
    start(&b, TENON_OP_SLICE, call_shape(1, 4, 0, 0, 0), in);
    b.attrs.begin = call_list(1, 2, 0, 0, 0);
    b.attrs.count = call_list(1, 3, 0, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
    /* strided_slice_test.cc, In2D_NegStride; the row's axis is dropped. */
    start(&b, TENON_OP_STRIDED_SLICE, call_shape(2, 2, 3, 0, 0), counting + 1);
    b.attrs.begin = call_list(2, 1, 2, 0, 0);
    b.attrs.count = call_list(2, 1, 3, 0, 0);
    b.attrs.step = call_list(2, 2, -1, 0, 0);
    b.attrs.axes = call_list(1, 0, 0, 0, 0);
    check_bytes(&b, call_shape(1, 3, 0, 0, 0), "\6\5\4");
    start(&b, TENON_OP_STRIDED_SLICE, call_shape(1, 4, 0, 0, 0), in);
    b.attrs.begin = call_list(1, 3, 0, 0, 0);
    b.attrs.count = call_list(1, 3, 0, 0, 0);
    b.attrs.step = call_list(1, -2, 0, 0, 0); /* 3, 1, -1 */
    check_refused(&b, TENON_ERROR_BAD_MODEL);
    start(&b, TENON_OP_STRIDED_SLICE, call_shape(1, 4, 0, 0, 0), in);
    b.attrs.begin = call_list(1, 5, 0, 0, 0);
    b.attrs.count = call_list(1, 3, 0, 0, 0);
    b.attrs.step = call_list(1, -1, 0, 0, 0); /* 5, 4, 3 */
    check_refused(&b, TENON_ERROR_BAD_MODEL);
}

static void test_pads(void **state) {
    (void)state;
    struct call_builder b;
    uint8_t value = 9;
    call_builder_init(&b, TENON_OP_PAD); /* the border is the zero point */
    call_input(&b, 0, TENON_TYPE_U8, call_shape(2, 1, 2, 0, 0), 1, 5, counting + 1);
    b.attrs.paddings = call_list(4, 1, 0, 0, 1);
    check_bytes(&b, call_shape(2, 2, 3, 0, 0), "\5\5\5\1\2\5");
    start(&b, TENON_OP_PAD, call_shape(2, 1, 2, 0, 0), counting + 1);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(0, 0, 0, 0, 0), 0, 0, &value);
    b.attrs.paddings = call_list(4, 0, 1, 1, 0);
    check_bytes(&b, call_shape(2, 2, 3, 0, 0), "\x09\1\2\x09\x09\x09");
    start(&b, TENON_OP_PAD, call_shape(1, 2, 0, 0, 0), counting);
    b.attrs.paddings = call_list(2, INT32_MAX, INT32_MAX, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
    /* mirror_pad_test.cc, PadBothSides_Symmetric and _Reflect, 2x3 {1 … 6}. */
    const uint8_t symmetric[] = {1, 1, 2, 3, 3, 1, 1, 2, 3, 3, 4, 4, 5, 6, 6, 4, 4, 5, 6, 6};
    const uint8_t reflected[] = {5, 4, 5, 6, 5, 2, 1, 2, 3, 2, 5, 4, 5, 6, 5, 2, 1, 2, 3, 2};
    start(&b, TENON_OP_MIRROR_PAD, call_shape(2, 2, 3, 0, 0), counting + 1);
    b.attrs.paddings = call_list(4, 1, 1, 1, 1);
    b.attrs.symmetric = 1;
    check_bytes(&b, call_shape(2, 4, 5, 0, 0), symmetric);
    start(&b, TENON_OP_MIRROR_PAD, call_shape(2, 2, 3, 0, 0), counting + 1);
    b.attrs.paddings = call_list(4, 1, 1, 1, 1);
    check_bytes(&b, call_shape(2, 4, 5, 0, 0), reflected);
    start(&b, TENON_OP_MIRROR_PAD, call_shape(1, 3, 0, 0, 0), counting);
    b.attrs.paddings = call_list(2, 3, 0, 0, 0);
    check_refused(&b, TENON_ERROR_BAD_MODEL);
}

static void test_gather(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    int32_t indices[] = {1, 0}, outside[] = {1, 3}, negative[] = {-1, 0};
    /* Elements 1 and 0 of each row. */
    start(&b, TENON_OP_GATHER, call_shape(2, 2, 3, 0, 0), counting);
    call_input(&b, 1, TENON_TYPE_I32, call_shape(1, 2, 0, 0, 0), 0, 0, indices);
    b.attrs.axis = 1;
    check_bytes(&b, call_shape(2, 2, 2, 0, 0), "\1\0\4\3");
    /* One batch dimension: row 0 takes element 1, row 1 element 0. */
    start(&b, TENON_OP_GATHER, call_shape(2, 2, 3, 0, 0), counting);
    call_input(&b, 1, TENON_TYPE_I32, call_shape(2, 2, 1, 0, 0), 0, 0, indices);
    b.attrs.axis = 1;
    b.attrs.batch_dims = 1;
    check_bytes(&b, call_shape(2, 2, 1, 0, 0), "\1\3");
    for (int i = 0; i < 2; i++) {
        start(&b, TENON_OP_GATHER, call_shape(2, 2, 3, 0, 0), counting);
        call_input(&b, 1, TENON_TYPE_I32, call_shape(1, 2, 0, 0, 0), 0, 0,
                   i == 0 ? outside : negative);
        b.attrs.axis = 1;
        call_output(&b, 0, TENON_TYPE_U8, 0, 0);
        assert_int_equal(call_prepare(&b, &error), TENON_OK);
        assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_ERROR_INVALID_ARGUMENT);
        call_builder_finish(&b);
    }
    /* gather_nd_test.cc, SliceIndexingIntoMatrix and ElementIndexingIntoMatrix. */
    int32_t rows[] = {1, 0}, elements[] = {0, 0, 1, 1};
    start(&b, TENON_OP_GATHER_ND, call_shape(2, 2, 2, 0, 0), counting);
    call_input(&b, 1, TENON_TYPE_I32, call_shape(2, 2, 1, 0, 0), 0, 0, rows);
    check_bytes(&b, call_shape(2, 2, 2, 0, 0), "\2\3\0\1");
    start(&b, TENON_OP_GATHER_ND, call_shape(2, 2, 2, 0, 0), counting);
    call_input(&b, 1, TENON_TYPE_I32, call_shape(2, 2, 2, 0, 0), 0, 0, elements);
    check_bytes(&b, call_shape(1, 2, 0, 0, 0), "\0\3");
}

/* Tensors without elements pass through every walk. */
static void test_empty(void **state) {
    (void)state;
    static const enum tenon_op ops[] = {
        TENON_OP_TRANSPOSE,      TENON_OP_REVERSE, TENON_OP_TILE,           TENON_OP_PAD,
        TENON_OP_CONCATENATION,  TENON_OP_SLICE,   TENON_OP_DEPTH_TO_SPACE, TENON_OP_SPACE_TO_BATCH,
        TENON_OP_BATCH_TO_SPACE, TENON_OP_RESHAPE, TENON_OP_BROADCAST_TO,   TENON_OP_MIRROR_PAD};
    for (size_t i = 0; i < TENON_COUNT_OF(ops); i++) {
        struct call_builder b;
        struct tenon_error error = {0};
        start(&b, ops[i], call_shape(4, 4, 0, 2, 4), counting);
        b.attrs.perm = call_list(4, 3, 2, 1, 0);
        b.attrs.axes = call_list(1, 1, 0, 0, 0);
        b.attrs.multiples = call_list(4, 1, 2, 3, 1);
        b.attrs.paddings.count = ops[i] == TENON_OP_PAD || ops[i] == TENON_OP_MIRROR_PAD ? 8 : 4;
        b.attrs.begin = b.attrs.count = call_list(4, 0, 0, 0, 0);
        b.attrs.shape = call_list(4, 4, 0, 2, 4);
        b.attrs.block = call_list(ops[i] == TENON_OP_DEPTH_TO_SPACE ? 1 : 2, 2, 2, 0, 0);
        call_output(&b, 0, TENON_TYPE_U8, 0, 0);
        if (call_prepare(&b, &error) != TENON_OK)
            fail_msg("%s: %s", tenon_op_get_info(ops[i])->name, error.message);
        assert_int_equal(tenon_desc_size(b.outputs[0].desc), 0);
        assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
        call_builder_finish(&b);
    }
}

int main(void) {
    for (size_t i = 0; i < sizeof(counting); i++)
        counting[i] = (uint8_t)i;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_transpose_rank_8),
        cmocka_unit_test(test_reverse),
        cmocka_unit_test(test_depth_and_space),
        cmocka_unit_test(test_space_to_batch),
        cmocka_unit_test(test_batch_to_space),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_shape_output),
        cmocka_unit_test(test_concatenation),
        cmocka_unit_test(test_concatenation_requantizes),
        cmocka_unit_test(test_split_and_pack),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_pads),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
