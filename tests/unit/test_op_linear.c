/*
 * Convolutions, fully connected layers and matrix products of every type, on operands small enough
 * to work the results out by hand; each comment shows how. Exactness over larger operands is shown
 * by tests/corpora. What infer must refuse is here as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/call_builder.h"

static struct call_builder b;

static void run(void) {
    struct tenon_error error = {0};
    if (call_prepare(&b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
}

#define CHECK(type, ...)                                              \
    do {                                                              \
        const type want[] = {__VA_ARGS__};                            \
        run();                                                        \
        assert_int_equal(tenon_desc_element_count(b.outputs[0].desc), \
                         sizeof(want) / sizeof(type));                \
        assert_memory_equal(b.outputs[0].data, want, sizeof(want));   \
        call_builder_finish(&b);                                      \
    } while (0)

static void set_window(int32_t stride, int32_t dilation, int32_t pad) {
    b.attrs.stride = call_list(2, stride, stride, 0, 0);
    b.attrs.dilation = call_list(2, dilation, dilation, 0, 0);
    b.attrs.pad = call_list(4, pad, pad, pad, pad);
}

static float image[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};      /* 3 x 3 x 1 */
static float ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}; /* filters */

static void start_conv_f32(int32_t k) {
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 3, 3, 1), 0, 0, image);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(4, 1, k, k, 1), 0, 0, ones);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
}

static void test_conv_f32(void **state) {
    (void)state;
    /* Sums of 2 x 2 windows: 1+2+4+5, 2+3+5+6, 4+5+7+8, 5+6+8+9. */
    start_conv_f32(2);
    set_window(1, 1, 0);
    CHECK(float, 12, 16, 24, 28);
    /* 3 x 3 with one ring of padding and a stride of 2: the corners see 2 x 2 elements. */
    start_conv_f32(3);
    set_window(2, 1, 1);
    CHECK(float, 12, 16, 24, 28);
    /* 2 x 2 two apart: the four corners. */
    start_conv_f32(2);
    set_window(1, 2, 0);
    CHECK(float, 20);
    /* The same plus a bias of -25, and relu. */
    static float bias[] = {-25};
    start_conv_f32(2);
    set_window(1, 1, 0);
    call_input(&b, 2, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, bias);
    b.attrs.activation = TENON_ACTIVATION_RELU;
    CHECK(float, 0, 0, 0, 3);
}

static void test_conv_groups(void **state) {
    (void)state;
    /* 1 x 1 x 4 in two groups, 1 x 1 filters of two channels: 2 filters a group. */
    static float pixel[] = {1, 2, 3, 4}, filters[] = {1, 1, 1, -1, 1, 1, 10, 1};
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 1, 1, 4), 0, 0, pixel);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(4, 4, 1, 1, 2), 0, 0, filters);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    set_window(1, 1, 0);
    CHECK(float, 3, -1, 7, 34);
}

/* Per channel: factors 0.5 * {0.5, 0.125} / 0.25 = 1 and 0.25. */
static void start_conv_i8(enum tenon_type weight_type, void *weights) {
    static int8_t pixels[] = {13, 20, -3, 7}; /* minus the zero point 3: 10, 17, -6, 4 */
    static float scales[] = {0.5f, 0.125f};
    static int32_t zeros[] = {0, 0}, bias[] = {2, -1};
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_I8, call_shape(4, 1, 2, 2, 1), 0.5f, 3, pixels);
    call_input(&b, 1, weight_type, call_shape(4, 2, 1, 1, 1), 1, 0, weights);
    b.descs[1].quant = (struct tenon_quant){2, 0, scales, zeros};
    call_input(&b, 2, TENON_TYPE_I32, call_shape(1, 2, 0, 0, 0), 0, 0, bias);
    call_output(&b, 0, TENON_TYPE_I8, 0.25f, -5);
    set_window(1, 1, 0);
}

static void test_conv_i8(void **state) {
    (void)state;
    static int8_t weights[] = {3, -5};
    /* Sums {30+2, -50-1}, {51+2, -85-1}, {-18+2, 30-1}, {12+2, -20-1}, times {1, 0.25}, minus 5.
     * Of -12.75, -21.5, 7.25 and -5.25 the doubling multiply makes halves, rounding them up: -25,
     * -43, 15 (of 14.5), -10; the shift then goes away from zero: -13, -22, 8, -5. */
    start_conv_i8(TENON_TYPE_I8, weights);
    CHECK(int8_t, 27, -18, 48, -27, -21, 3, 9, -10);
    start_conv_i8(TENON_TYPE_I8, weights);
    b.call.rounding = TENON_ROUNDING_SINGLE; /* -13, -21, 7, -5 */
    CHECK(int8_t, 27, -18, 48, -26, -21, 2, 9, -10);
    start_conv_i8(TENON_TYPE_I8, weights);
    b.call.rounding = TENON_ROUNDING_F32; /* -13, -22, 7, -5 */
    CHECK(int8_t, 27, -18, 48, -27, -21, 2, 9, -10);
    /* relu: real 0 is the zero point -5. */
    start_conv_i8(TENON_TYPE_I8, weights);
    b.attrs.activation = TENON_ACTIVATION_RELU;
    CHECK(int8_t, 27, -5, 48, -5, -5, 3, 9, -5);
    /* The same weights as packed nibbles: 3 low, -5 high. */
    static uint8_t packed[] = {0xb3};
    start_conv_i8(TENON_TYPE_I4, packed);
    CHECK(int8_t, 27, -18, 48, -27, -21, 3, 9, -10);
}

/* Padding contributes real 0, which is the input's zero point. */
static void test_conv_i8_padding(void **state) {
    (void)state;
    static int8_t pixel[] = {10}, weights[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_I8, call_shape(4, 1, 1, 1, 1), 1, -4, pixel);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 1, 3, 3, 1), 1, 0, weights);
    call_output(&b, 0, TENON_TYPE_I8, 1, 0);
    set_window(1, 1, 1);
    CHECK(int8_t, 70); /* (10 + 4) * 5 */
}

static void test_conv_u8(void **state) {
    (void)state;
    static uint8_t pixels[] = {255, 0, 128}, weights[] = {255, 0};
    /* Inputs minus 128: 127, -128, 0; weights minus 100: 155, -100. Products 19685, -12700;
     * -19840, 12800; 0, 0; times 1/256: 76.9, -49.6; -77.5 -> -78, 50; plus 100. */
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_U8, call_shape(4, 1, 1, 3, 1), 1, 128, pixels);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(4, 2, 1, 1, 1), 1, 100, weights);
    call_output(&b, 0, TENON_TYPE_U8, 256, 100);
    set_window(1, 1, 0);
    CHECK(uint8_t, 177, 50, 22, 150, 100, 100);
}

static void test_conv_i16(void **state) {
    (void)state;
    static int16_t pixel[] = {32767, -32768};
    static int8_t weights[] = {127, 127};
    static int64_t wide[] = {INT64_C(1) << 34};
    static int32_t narrow[] = {1 << 20};
    /* (32767 - 32768) * 127 + 2^34 = 2^34 - 127 at a factor of 2^-20: 16384 - 0.0001. */
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_I16, call_shape(4, 1, 1, 1, 2), 1, 0, pixel);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 1, 1, 1, 2), 1, 0, weights);
    call_input(&b, 2, TENON_TYPE_I64, call_shape(1, 1, 0, 0, 0), 0, 0, wide);
    call_output(&b, 0, TENON_TYPE_I16, 1048576, 0);
    set_window(1, 1, 0);
    CHECK(int16_t, 16384);
    /* 2^20 - 127 at 2^-8: 4095.504 with 32-bit multipliers. */
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_I16, call_shape(4, 1, 1, 1, 2), 1, 0, pixel);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 1, 1, 1, 2), 1, 0, weights);
    call_input(&b, 2, TENON_TYPE_I32, call_shape(1, 1, 0, 0, 0), 0, 0, narrow);
    call_output(&b, 0, TENON_TYPE_I16, 256, 0);
    set_window(1, 1, 0);
    CHECK(int16_t, 4096);
}

/* Of 254 and -100, one scale for all quantizes symmetrically in steps of 2: 127, -50. */
static void test_conv_dynamic(void **state) {
    (void)state;
    static float pixel[] = {254, -100}, scales[] = {0.5f, 2}, bias[] = {1, 0};
    static int8_t weights[] = {1, 1, 3, -1};
    static int32_t zeros[] = {0, 0};
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 1, 1, 2), 0, 0, pixel);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 2, 1, 1, 2), 0.5f, 0, weights);
    call_input(&b, 2, TENON_TYPE_F32, call_shape(1, 2, 0, 0, 0), 0, 0, bias);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    set_window(1, 1, 0);
    CHECK(float, 78, 431); /* 77 * 1 + 1; (381 + 50) * 1 */
    /* Scales that differ: asymmetrically. 254 and -1 are 255 steps of 1; the zero point is -127. */
    static float other[] = {254, -1};
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 1, 1, 2), 0, 0, other);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 2, 1, 1, 2), 1, 0, weights);
    b.descs[1].quant = (struct tenon_quant){2, 0, scales, zeros};
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    set_window(1, 1, 0);
    CHECK(float, 126.5f, 1526); /* 253 * 0.5; (762 + 1) * 2 */
}

/* 25.5 and 0.7 in 255 steps of 0.1 are 255 and 7 of them. conv_2d forms (7 * 0.3f) * 0.1f =
 * 0.210000023, as TFLite's HybridConvPerChannel; depthwise_conv_2d 7 * (0.3f * 0.1f) = 0.210000008,
 * as its DepthwiseConvHybridPerChannel. */
static void test_dynamic_products(void **state) {
    (void)state;
    static float pixels[] = {25.5f, 0.7f}, scales[] = {0.3f, 1};
    static int8_t weights[] = {1, 0};
    static int32_t zeros[] = {0, 0};
    call_builder_init(&b, TENON_OP_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 1, 2, 1), 0, 0, pixels);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 2, 1, 1, 1), 1, 0, weights);
    b.descs[1].quant = (struct tenon_quant){2, 0, scales, zeros};
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    set_window(1, 1, 0);
    CHECK(float, 7.65000010f, 0, 0.210000023f, 0);
    call_builder_init(&b, TENON_OP_DEPTHWISE_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 1, 2, 1), 0, 0, pixels);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 1, 1, 1, 1), 0.3f, 0, weights);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    set_window(1, 1, 0);
    CHECK(float, 7.65000010f, 0.210000008f);
}

static void test_depthwise(void **state) {
    (void)state;
    /* Two channels, two outputs each: channel c of the output reads input channel c / 2. */
    static float pixels[] = {1, 10, 2, 20}, weights[] = {1, 2, 3, 4, 5, 6, 7, 8};
    call_builder_init(&b, TENON_OP_DEPTHWISE_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 1, 2, 2), 0, 0, pixels);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(4, 1, 1, 2, 4), 0, 0, weights);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    set_window(1, 1, 0);
    CHECK(float, 11, 14, 170, 200); /* 1*1+2*5, 1*2+2*6, 10*3+20*7, 10*4+20*8 */
    static uint8_t quantized[] = {130, 120}, filters[] = {9, 12};
    call_builder_init(&b, TENON_OP_DEPTHWISE_CONV_2D);
    call_input(&b, 0, TENON_TYPE_U8, call_shape(4, 1, 1, 1, 2), 1, 128, quantized);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(4, 1, 1, 1, 2), 1, 10, filters);
    call_output(&b, 0, TENON_TYPE_U8, 1, 50);
    set_window(1, 1, 0);
    CHECK(uint8_t, 48, 34); /* 2 * -1 + 50; -8 * 2 + 50 */
}

static void start_transpose_conv(float *pixels, int32_t out_w) {
    call_builder_init(&b, TENON_OP_TRANSPOSE_CONV_2D);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(4, 1, 1, 2, 1), 0, 0, pixels);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    b.attrs.stride = call_list(2, 1, 2, 0, 0);
    if (out_w != 0)
        b.attrs.shape = call_list(4, 1, 1, out_w, 1);
}

/* 5 and 7 two apart, each spread over 1, 2, 3: {5, 10, 15 + 7, 14, 21}. */
static void test_transpose_conv(void **state) {
    (void)state;
    static float pixels[] = {5, 7}, weights[] = {1, 2, 3}, bias[] = {100};
    start_transpose_conv(pixels, 0);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(4, 1, 1, 3, 1), 0, 0, weights);
    CHECK(float, 5, 10, 22, 14, 21);
    start_transpose_conv(pixels, 0);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(4, 1, 1, 3, 1), 0, 0, weights);
    call_input(&b, 2, TENON_TYPE_F32, call_shape(1, 1, 0, 0, 0), 0, 0, bias);
    b.attrs.pad = call_list(4, 0, 1, 0, 1); /* cuts one column off both ends */
    CHECK(float, 110, 122, 114);
    start_transpose_conv(pixels, 6); /* a column that nothing reaches */
    call_input(&b, 1, TENON_TYPE_F32, call_shape(4, 1, 1, 3, 1), 0, 0, weights);
    CHECK(float, 5, 10, 22, 14, 21, 0);
    /* i8 weights: 0 … 255 in steps of 1. */
    static float wide[] = {255, 51};
    static int8_t filter[] = {1, 2, 3};
    start_transpose_conv(wide, 0);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(4, 1, 1, 3, 1), 0.5f, 0, filter);
    CHECK(float, 127.5f, 255, 382.5f + 25.5f, 51, 76.5f);
}

static void test_fully_connected(void **state) {
    (void)state;
    /* Two rows of 3 (seen so from 1 x 6), two outputs. */
    static float in[] = {1, 2, 3, 4, 5, 6}, weights[] = {1, 0, -1, 1, 1, 1}, bias[] = {10, 20};
    call_builder_init(&b, TENON_OP_FULLY_CONNECTED);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(2, 1, 6, 0, 0), 0, 0, in);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(2, 2, 3, 0, 0), 0, 0, weights);
    call_input(&b, 2, TENON_TYPE_F32, call_shape(1, 2, 0, 0, 0), 0, 0, bias);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    CHECK(float, 8, 26, 8, 35);
    /* Dynamic, asymmetric: 0 … 255 in steps of 1. */
    static float row[] = {255, 0, 7};
    static int8_t small[] = {1, 0, -1, 1, 1, 1};
    call_builder_init(&b, TENON_OP_FULLY_CONNECTED);
    b.attrs.asymmetric = 1;
    call_input(&b, 0, TENON_TYPE_F32, call_shape(2, 1, 3, 0, 0), 0, 0, row);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(2, 2, 3, 0, 0), 0.5f, 0, small);
    call_input(&b, 2, TENON_TYPE_F32, call_shape(1, 2, 0, 0, 0), 0, 0, bias);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    CHECK(float, 134, 151); /* 248 / 2 + 10, 262 / 2 + 20 */
    /* keep_dims: 1 x 2 x 3 gives 1 x 2 x 2. */
    call_builder_init(&b, TENON_OP_FULLY_CONNECTED);
    b.attrs.keep_dims = 1;
    call_input(&b, 0, TENON_TYPE_F32, call_shape(3, 1, 2, 3, 0), 0, 0, in);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(2, 2, 3, 0, 0), 0, 0, weights);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    run();
    assert_int_equal(b.outputs[0].desc->shape.rank, 3);
    call_builder_finish(&b);
}

/* TFLite forms the product of two scales in float32: 0.1f * 0.1f is 0.0100000007 there and
 * 0.0100000003 in double. 2649304 * 0.01… / 1.28125 is 20677.49610 with the one and 20677.49525
 * with the other; the doubling multiply works in steps of 1/128, so that 20677.49609 is where
 * rounding up begins. A convolution takes the product in double. */
static void test_product_of_scales(void **state) {
    (void)state;
    static int16_t in[] = {0};
    static int8_t weights[] = {1};
    static int32_t bias[] = {2649304};
    for (int convolution = 0; convolution < 2; convolution++) {
        int rank = convolution != 0 ? 4 : 2;
        call_builder_init(&b, convolution != 0 ? TENON_OP_CONV_2D : TENON_OP_FULLY_CONNECTED);
        call_input(&b, 0, TENON_TYPE_I16, call_shape(rank, 1, 1, 1, 1), 0.1f, 0, in);
        call_input(&b, 1, TENON_TYPE_I8, call_shape(rank, 1, 1, 1, 1), 0.1f, 0, weights);
        call_input(&b, 2, TENON_TYPE_I32, call_shape(1, 1, 0, 0, 0), 0, 0, bias);
        call_output(&b, 0, TENON_TYPE_I16, 1.28125f, 0);
        if (convolution != 0)
            set_window(1, 1, 0);
        CHECK(int16_t, (int16_t)(convolution != 0 ? 20677 : 20678));
    }
}

static void test_batch_matmul(void **state) {
    (void)state;
    static float a[] = {1, 2, 3, 4, 5, 6, 7, 8}, identity[] = {0, 1, 1, 0};
    /* Two matrices times one that swaps columns. */
    call_builder_init(&b, TENON_OP_BATCH_MATMUL);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(3, 2, 2, 2, 0), 0, 0, a);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(2, 2, 2, 0, 0), 0, 0, identity);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    CHECK(float, 2, 1, 4, 3, 6, 5, 8, 7);
    /* The left ones transposed: {1 3, 2 4} with columns swapped, {5 7, 6 8} too. */
    call_builder_init(&b, TENON_OP_BATCH_MATMUL);
    b.attrs.adj_x = 1;
    call_input(&b, 0, TENON_TYPE_F32, call_shape(3, 2, 2, 2, 0), 0, 0, a);
    call_input(&b, 1, TENON_TYPE_F32, call_shape(2, 2, 2, 0, 0), 0, 0, identity);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    CHECK(float, 3, 1, 4, 2, 7, 5, 8, 6);
    static int16_t left[] = {30000, -2}, right[] = {30000, 1};
    call_builder_init(&b, TENON_OP_BATCH_MATMUL); /* 9e8 - 2 at 2^-16: 13732.88 */
    call_input(&b, 0, TENON_TYPE_I16, call_shape(2, 1, 2, 0, 0), 1, 0, left);
    call_input(&b, 1, TENON_TYPE_I16, call_shape(2, 2, 1, 0, 0), 1, 0, right);
    call_output(&b, 0, TENON_TYPE_I16, 65536, 0);
    CHECK(int16_t, 13733);
    static float row[] = {127, -64};
    static int8_t columns[] = {1, 3, 2, -1};
    call_builder_init(&b, TENON_OP_BATCH_MATMUL); /* dynamic, steps of 1: {127-128, 381+64} / 2 */
    call_input(&b, 0, TENON_TYPE_F32, call_shape(2, 1, 2, 0, 0), 0, 0, row);
    call_input(&b, 1, TENON_TYPE_I8, call_shape(2, 2, 2, 0, 0), 0.5f, 0, columns);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    CHECK(float, -0.5f, 222.5f);
}

static enum tenon_status infer(void) {
    return tenon_op_infer(&b.call, NULL);
}

/* One thing wrong at a time with a convolution that is right. */
static void test_conv_refusals(void **state) {
    (void)state;
    static int8_t weights[] = {3, -5};
#define START() start_conv_i8(TENON_TYPE_I8, weights)
    START();
    assert_int_equal(infer(), TENON_OK);
#define REFUSE(status, change)             \
    do {                                   \
        START();                           \
        change;                            \
        assert_int_equal(infer(), status); \
    } while (0)
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.stride.values[1] = 0);
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.stride.values[0] = -1);
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.stride.count = 1);
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.stride.count = 17);
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.dilation.values[0] = 0);
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.pad.values[2] = -1);
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.pad.count = 2);
    REFUSE(TENON_ERROR_BAD_MODEL, b.attrs.activation = 77);
    REFUSE(TENON_ERROR_UNSUPPORTED, b.attrs.activation = TENON_ACTIVATION_TANH);
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[0].shape.dims[1] = 0);
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[0].shape.rank = 3);
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[1].shape.dims[1] = 3); /* larger than the input */
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[1].shape.dims[3] = 2);
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[2].shape.dims[0] = 3);
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[1].quant.axis = 3);
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[0].quant.count = 0);
    REFUSE(TENON_ERROR_BAD_MODEL, b.scales[0] = -1);
    REFUSE(TENON_ERROR_BAD_MODEL, b.zero_points[0] = 128);
    REFUSE(TENON_ERROR_UNSUPPORTED, b.descs[1].type = TENON_TYPE_I16);
    REFUSE(TENON_ERROR_UNSUPPORTED, b.descs[2].type = TENON_TYPE_I64);
    REFUSE(TENON_ERROR_UNSUPPORTED, b.descs[CALL_INPUTS_MAX].type = TENON_TYPE_I16);
    REFUSE(TENON_ERROR_BAD_MODEL, b.call.input_count = 1);
    REFUSE(TENON_ERROR_BAD_MODEL, b.descs[CALL_INPUTS_MAX].shape = call_shape(4, 1, 2, 2, 3));
    REFUSE(TENON_ERROR_LIMIT,
           b.descs[0].shape = call_shape(4, 65536, 65536, 1, 1)); /* 2^32 elements */
#undef REFUSE
#undef START
}

static void test_matmul_refusals(void **state) {
    (void)state;
    static float a[8];
    static const struct {
        struct tenon_shape left, right;
    } rows[] = {
        {{.rank = 1, .dims = {2}}, {.rank = 2, .dims = {2, 2}}},
        {{.rank = 2, .dims = {2, 3}}, {.rank = 2, .dims = {2, 2}}},
        {{.rank = 3, .dims = {2, 2, 2}}, {.rank = 3, .dims = {3, 2, 2}}},
        {{.rank = 2, .dims = {2, 0}}, {.rank = 2, .dims = {0, 2}}},
    };
    for (size_t i = 0; i < TENON_COUNT_OF(rows); i++) {
        call_builder_init(&b, TENON_OP_BATCH_MATMUL);
        call_input(&b, 0, TENON_TYPE_F32, rows[i].left, 0, 0, a);
        call_input(&b, 1, TENON_TYPE_F32, rows[i].right, 0, 0, a);
        call_output(&b, 0, TENON_TYPE_F32, 0, 0);
        assert_int_equal(infer(), TENON_ERROR_BAD_MODEL);
    }
}

static void test_macs(void **state) {
    (void)state;
    start_conv_f32(2);
    set_window(1, 1, 0);
    assert_int_equal(infer(), TENON_OK);
    assert_int_equal(tenon_op_macs(&b.call), 16); /* 2 x 2 results of 2 x 2 taps */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_f32),        cmocka_unit_test(test_conv_groups),
        cmocka_unit_test(test_conv_i8),         cmocka_unit_test(test_conv_i8_padding),
        cmocka_unit_test(test_conv_u8),         cmocka_unit_test(test_conv_i16),
        cmocka_unit_test(test_conv_dynamic),    cmocka_unit_test(test_dynamic_products),
        cmocka_unit_test(test_depthwise),       cmocka_unit_test(test_transpose_conv),
        cmocka_unit_test(test_fully_connected), cmocka_unit_test(test_product_of_scales),
        cmocka_unit_test(test_batch_matmul),    cmocka_unit_test(test_conv_refusals),
        cmocka_unit_test(test_matmul_refusals), cmocka_unit_test(test_macs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
