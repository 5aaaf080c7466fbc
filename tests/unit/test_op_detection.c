/*
 * TFLite_Detection_PostProcess. Inputs and expected values are those of TFLite's
 * detection_postprocess_test.cc; the test's name there is told at each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "support/call_builder.h"

enum { BOXES = 6 };

static float offsets[BOXES * 4] = {0, 0, 0, 0, 0, 1, 0, 0, 0, -1, 0, 0,
                                   0, 0, 0, 0, 0, 1, 0, 0, 0, 0,  0, 0};
static float anchors[BOXES * 4] = {0.5f, 0.5f,  1, 1, 0.5f, 0.5f,  1, 1, 0.5f, 0.5f,   1, 1,
                                   0.5f, 10.5f, 1, 1, 0.5f, 10.5f, 1, 1, 0.5f, 100.5f, 1, 1};
static float scores[BOXES * 3] = {0, .9f,  .8f,  0, .75f, .72f, 0, .6f, .5f,
                                  0, .93f, .95f, 0, .5f,  .4f,  0, .3f, .2f};

static void start(struct call_builder *b, bool regular, int32_t most, int32_t classes_per_box) {
    call_builder_init(b, TENON_OP_DETECTION_POSTPROCESS);
    b->attrs.max_detections = most;
    b->attrs.max_classes_per_detection = classes_per_box;
    b->attrs.detections_per_class = 1;
    b->attrs.num_classes = 2;
    b->attrs.regular_nms = regular;
    b->attrs.iou_threshold = 0.5f;
    b->attrs.y_scale = b->attrs.x_scale = 10;
    b->attrs.h_scale = b->attrs.w_scale = 5;
    for (uint32_t i = 0; i < 4; i++)
        call_output(b, i, TENON_TYPE_F32, 0, 0);
}

static void floats(struct call_builder *b, float *box_offsets, float *class_scores,
                   float *box_anchors) {
    call_input(b, 0, TENON_TYPE_F32, call_shape(3, 1, BOXES, 4, 0), 0, 0, box_offsets);
    call_input(b, 1, TENON_TYPE_F32, call_shape(3, 1, BOXES, 3, 0), 0, 0, class_scores);
    call_input(b, 2, TENON_TYPE_F32, call_shape(2, BOXES, 4, 0, 0), 0, 0, box_anchors);
}

static void near(const float *got, const float *expected, int count, float tolerance) {
    for (int i = 0; i < count; i++)
        if (!(fabsf(got[i] - expected[i]) <= tolerance))
            fail_msg("element %d is %g, not %g", i, (double)got[i], (double)expected[i]);
}

/* xmin of each reported box (ymin is 0, height and width 1 in every case), class and score. */
static void check(struct call_builder *b, int slots, const float *xmin, const float *classes,
                  const float *class_scores, float count, float tolerance) {
    struct tenon_error error = {0};
    if (call_prepare(b, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_int_equal(b->outputs[0].desc->shape.dims[1], slots);
    if (tenon_op_run_reference(&b->call, &error) != TENON_OK)
        fail_msg("%s", error.message);
    const float *boxes = b->outputs[0].data;
    for (int i = 0; i < slots; i++) {
        bool used = class_scores[i] != 0;
        const float box[] = {0, xmin[i], used, used ? xmin[i] + 1 : 0};
        near(boxes + (ptrdiff_t)4 * i, box, 4, tolerance);
    }
    near(b->outputs[1].data, classes, slots, 0);
    near(b->outputs[2].data, class_scores, slots, tolerance);
    near(b->outputs[3].data, &count, 1, 0);
    call_builder_finish(b);
}

/* FloatTest: suppression by the best class of each box. */
static void test_fast(void **state) {
    (void)state;
    struct call_builder b;
    start(&b, false, 3, 1);
    floats(&b, offsets, scores, anchors);
    check(&b, 3, (const float[]){10, 0, 100}, (const float[]){1, 0, 0},
          (const float[]){.95f, .9f, .3f}, 3, 1e-5f);
}

/* MaxClass2Test. */
static void test_two_classes(void **state) {
    (void)state;
    struct call_builder b;
    start(&b, false, 3, 2);
    floats(&b, offsets, scores, anchors);
    check(&b, 6, (const float[]){10, 10, 0, 0, 100, 100}, (const float[]){1, 0, 0, 1, 0, 1},
          (const float[]){.95f, .93f, .9f, .8f, .3f, .2f}, 3, 1e-5f);
}

/* RegularNMS: one detection for each class; the unused third is 0. */
static void test_regular(void **state) {
    (void)state;
    struct call_builder b;
    start(&b, true, 3, 1);
    floats(&b, offsets, scores, anchors);
    check(&b, 3, (const float[]){10, 10, 0}, (const float[]){1, 0, 0},
          (const float[]){.95f, .93f, 0}, 2, 1e-5f);
}

/* RegularNMSWithEqualScores and FastNMSWithEqualScores: of the two scores of 0.9, the regular
 * variant reports the lower class first, the fast one the lower box. */
static void test_equal_scores(void **state) {
    (void)state;
    struct call_builder b;
    float none[BOXES * 4] = {0};
    float places[BOXES * 4], x[] = {0.5f, 1.5f, 5.5f, 10.5f, 20.5f, 100.5f};
    float equal[BOXES * 3] = {0, .1f,  .1f, 0, .1f, .96f, 0, .1f, .9f,
                              0, .95f, .1f, 0, .9f, .1f,  0, .1f, .1f};
    for (int i = 0; i < BOXES; i++) {
        const float anchor[] = {0.5f, x[i], 1, 1};
        memcpy(places + (ptrdiff_t)4 * i, anchor, sizeof(anchor));
    }
    start(&b, true, 4, 1);
    b.attrs.detections_per_class = 2;
    floats(&b, none, equal, places);
    check(&b, 4, (const float[]){1, 10, 20, 5}, (const float[]){1, 0, 0, 1},
          (const float[]){.96f, .95f, .9f, .9f}, 4, 1e-5f);
    start(&b, false, 4, 1);
    floats(&b, none, equal, places);
    check(&b, 4, (const float[]){1, 10, 5, 20}, (const float[]){1, 0, 1, 0},
          (const float[]){.96f, .95f, .9f, .9f}, 4, 1e-5f);
}

/* Of a box's equal classes the first is the best, and comes first when both are reported. */
static void test_equal_classes(void **state) {
    (void)state;
    struct call_builder b;
    float equal[BOXES * 3] = {0, .9f, .9f};
    start(&b, false, 1, 1);
    floats(&b, offsets, equal, anchors);
    check(&b, 1, (const float[]){0}, (const float[]){0}, (const float[]){.9f}, 1, 1e-5f);
    start(&b, false, 1, 2);
    floats(&b, offsets, equal, anchors);
    check(&b, 2, (const float[]){0, 0}, (const float[]){0, 1}, (const float[]){.9f, .9f}, 1, 1e-5f);
}

/* QuantizedTest: ranges [-1, 1], [0, 1] and [0, 100.5], here quantized in the same way. */
static void test_quantized(void **state) {
    (void)state;
    struct call_builder b;
    uint8_t q_offsets[BOXES * 4], q_scores[BOXES * 3], q_anchors[BOXES * 4];
    const float anchor_scale = 100.5f / 255;
    for (int i = 0; i < BOXES * 4; i++) {
        q_offsets[i] = (uint8_t)fminf(roundf(offsets[i] * 127.5f) + 128, 255);
        q_anchors[i] = (uint8_t)roundf(anchors[i] / anchor_scale);
    }
    for (int i = 0; i < BOXES * 3; i++)
        q_scores[i] = (uint8_t)roundf(scores[i] * 255);
    start(&b, false, 3, 1);
    call_input(&b, 0, TENON_TYPE_U8, call_shape(3, 1, BOXES, 4, 0), 2.0f / 255, 128, q_offsets);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(3, 1, BOXES, 3, 0), 1.0f / 255, 0, q_scores);
    call_input(&b, 2, TENON_TYPE_U8, call_shape(2, BOXES, 4, 0, 0), anchor_scale, 0, q_anchors);
    check(&b, 3, (const float[]){10, 0, 100}, (const float[]){1, 0, 0},
          (const float[]){.95f, .9f, .3f}, 3, 0.3f);
}

/* A negative height is the input's fault, told when it is run. */
static void test_bad_box(void **state) {
    (void)state;
    struct call_builder b;
    struct tenon_error error = {0};
    float upside_down[BOXES * 4];
    memcpy(upside_down, anchors, sizeof(anchors));
    upside_down[2] = -1;
    start(&b, false, 3, 1);
    floats(&b, offsets, scores, upside_down);
    assert_int_equal(call_prepare(&b, &error), TENON_OK);
    assert_int_equal(tenon_op_run_reference(&b.call, &error), TENON_ERROR_INVALID_ARGUMENT);
    call_builder_finish(&b);
}

static void test_refused(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct call_builder b;
        struct tenon_error error = {0};
        start(&b, i == 3, 3, 1);
        floats(&b, offsets, scores, anchors);
        b.attrs.num_classes = i == 0 ? 4 : i == 1 ? 1 : 2;
        b.attrs.iou_threshold = i == 2 ? 0 : 0.5f;
        b.attrs.detections_per_class = i == 3 ? 0 : 1;
        b.attrs.max_detections = i == 4 ? INT32_MAX : 3;
        if (i == 5)
            b.inputs[2].desc->shape.dims[0] = BOXES - 1;
        assert_int_equal(tenon_op_infer(&b.call, &error), TENON_ERROR_BAD_MODEL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast),          cmocka_unit_test(test_two_classes),
        cmocka_unit_test(test_regular),       cmocka_unit_test(test_equal_scores),
        cmocka_unit_test(test_equal_classes), cmocka_unit_test(test_quantized),
        cmocka_unit_test(test_bad_box),       cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
