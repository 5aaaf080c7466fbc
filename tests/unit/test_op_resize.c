/* Resizing. Expected values are those of TFLite's own tests, or derived in the comment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "support/call_builder.h"

/* A call on a picture of h x w pixels of one channel, to out_h x out_w. */
static void run(struct call_builder *b, enum tenon_type type, int32_t out_h, int32_t out_w,
                size_t element, const void *expected) {
    struct tenon_error error = {0};
    b->attrs.shape = call_list(2, out_h, out_w, 0, 0);
    call_output(b, 0, type, 0, 0);
    if (call_prepare(b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_int_equal(tenon_op_run_reference(&b->call, &error), TENON_OK);
    size_t size = tenon_desc_size(b->outputs[0].desc);
    assert_int_equal(size, (size_t)out_h * (size_t)out_w * element);
    assert_memory_equal(b->outputs[0].data, expected, size);
    call_builder_finish(b);
}

static void start(struct call_builder *b, enum tenon_op op, enum tenon_type type, int32_t h,
                  int32_t w, void *data) {
    call_builder_init(b, op);
    call_input(b, 0, type, call_shape(4, 1, h, w, 1), 0, 0, data);
}

/* resize_bilinear_test.cc, TwoDimensionalResize of each type: 2x2 {3, 6, 9, 12} to 3x3. */
static void test_bilinear(void **state) {
    (void)state;
    struct call_builder b;
    uint8_t in_u8[] = {3, 6, 9, 12};
    int8_t in_i8[] = {3, 6, 9, 12};
    int16_t in_i16[] = {3, 6, 9, 12};
    const uint8_t u8[] = {3, 5, 6, 7, 9, 10, 9, 11, 12};
    const int16_t i16[] = {3, 5, 6, 7, 9, 10, 9, 11, 12};
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_U8, 2, 2, in_u8);
    run(&b, TENON_TYPE_U8, 3, 3, 1, u8);
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_I8, 2, 2, in_i8);
    run(&b, TENON_TYPE_I8, 3, 3, 1, u8);
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_I16, 2, 2, in_i16);
    run(&b, TENON_TYPE_I16, 3, 3, 2, i16);
}

/* Doubled: the weights are 0 and 1/2, exact in float32. TwoBatches_HalfPixelCenters, first batch.
 */
static void test_bilinear_f32(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    float in[] = {3, 6};
    const float doubled[] = {3, 4.5f, 6, 6}, aligned[] = {3, 4.5f, 6};
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_F32, 1, 2, in);
    run(&b, TENON_TYPE_F32, 1, 4, 4, doubled);
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_F32, 1, 2, in);
    b.attrs.align_corners = 1;
    run(&b, TENON_TYPE_F32, 1, 3, 4, aligned);
    float square[] = {1, 2, 3, 4};
    const float centers[] = {1, 1.5f, 2, 2, 2.5f, 3, 3, 3.5f, 4};
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_F32, 2, 2, square);
    b.attrs.half_pixel_centers = 1;
    b.attrs.shape = call_list(2, 3, 3, 0, 0);
    call_output(&b, 0, TENON_TYPE_F32, 0, 0);
    assert_int_equal(call_prepare(&b, &error), TENON_OK);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
    for (int i = 0; i < 9; i++) /* as there: 2/3 is no float32 */
        assert_true(fabsf(((float *)b.outputs[0].data)[i] - centers[i]) < 1e-5f);
    call_builder_finish(&b);
}

/*
 * int8, half pixel centers, 1x2 {-4, 6} to 1x3: the scale is (2048 + 1) / 3 = 683; positions 683 *
 * x + 341 - 512: -171, 512, 1195. The first: both neighbours 0, weights 1195 - 171: -4. Then weight
 * 1/2: 1. Then neighbours 1 and 1: 6.
 */
static void test_bilinear_integer_half_pixel(void **state) {
    (void)state;
    struct call_builder b;
    int8_t in[] = {-4, 6};
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_I8, 1, 2, in);
    b.attrs.half_pixel_centers = 1;
    run(&b, TENON_TYPE_I8, 1, 3, 1, (const int8_t[]){-4, 1, 6});
    /* Halves away from zero: -3 and 2 meet at -0.5. */
    int8_t half[] = {-3, 2};
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_I8, 1, 2, half);
    b.attrs.half_pixel_centers = 1;
    run(&b, TENON_TYPE_I8, 1, 3, 1, (const int8_t[]){-3, -1, 2});
}

/* Blown up so far that the rounded scale passes the last pixel; the reads stay inside. */
static void test_far_enlargement(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    int8_t in[] = {1, 2, 3};
    start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_I8, 1, 3, in);
    b.attrs.shape = call_list(2, 1, 6001, 0, 0); /* (3072 + 3000) / 6001 = 1: 6000 / 1024 = 5 */
    call_output(&b, 0, TENON_TYPE_I8, 0, 0);
    assert_int_equal(call_prepare(&b, &error), TENON_OK);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_OK);
    assert_int_equal(((int8_t *)b.outputs[0].data)[0], 1);
    assert_int_equal(((int8_t *)b.outputs[0].data)[2048], 3);
    call_builder_finish(&b);
}

static void test_nearest(void **state) {
    (void)state;
    struct call_builder b;
    float in[] = {3, 6, 9, 12};
    /* resize_nearest_neighbor_test.cc, TwoDimensionalResize: 2x2 to 3x3. */
    const float plain[] = {3, 3, 6, 3, 3, 6, 9, 9, 12};
    start(&b, TENON_OP_RESIZE_NEAREST_NEIGHBOR, TENON_TYPE_F32, 2, 2, in);
    run(&b, TENON_TYPE_F32, 3, 3, 4, plain);
    /* Aligned corners: 0, 1/2, 1; a half rounds up. */
    const float aligned[] = {3, 6, 6, 9, 12, 12, 9, 12, 12};
    start(&b, TENON_OP_RESIZE_NEAREST_NEIGHBOR, TENON_TYPE_F32, 2, 2, in);
    b.attrs.align_corners = 1;
    run(&b, TENON_TYPE_F32, 3, 3, 4, aligned);
    /* Half pixel centers: (x + 1/2) * 2/3 = 1/3, 1, 5/3. */
    int8_t row[] = {5, 7};
    start(&b, TENON_OP_RESIZE_NEAREST_NEIGHBOR, TENON_TYPE_I8, 1, 2, row);
    b.attrs.half_pixel_centers = 1;
    run(&b, TENON_TYPE_I8, 1, 3, 1, (const int8_t[]){5, 7, 7});
}

static void test_refused(void **state) {
    (void)state;
    float in[4] = {0};
    const struct tenon_list sizes[] = {call_list(2, 0, 3, 0, 0), call_list(1, 3, 0, 0, 0),
                                       call_list(2, -1, 3, 0, 0)};
    for (size_t i = 0; i < TENON_COUNT_OF(sizes); i++) {
        struct call_builder b;
        struct tenon_error error = {0};
        start(&b, TENON_OP_RESIZE_BILINEAR, TENON_TYPE_F32, 2, 2, in);
        call_output(&b, 0, TENON_TYPE_F32, 0, 0);
        b.attrs.shape = sizes[i];
        assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_BAD_MODEL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bilinear),
        cmocka_unit_test(test_bilinear_f32),
        cmocka_unit_test(test_bilinear_integer_half_pixel),
        cmocka_unit_test(test_far_enlargement),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
