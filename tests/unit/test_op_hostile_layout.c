/*
 * Data movement, reductions, resizing and detection on calls that are right and then spoilt at
 * random: infer refuses, or the reference kernel stays within operands of exactly their size. Bytes
 * behind every output and the scratch memory are watched here; sanitized builds see reads as well.
 * The numbers come from a fixed generator, so a failure comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/call_builder.h"

enum { ROUNDS = 3000, GUARD_BYTES = 64, GUARD = 0xa5, LARGEST_BYTES = 1 << 16 };

static uint64_t seed = 20241124;
static struct call_builder b;

static int32_t next(int32_t bound) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int32_t)((seed >> 33) % (uint32_t)bound);
}

static struct tenon_shape random_shape(int rank) {
    struct tenon_shape shape = {.rank = (uint8_t)rank};
    for (int i = 0; i < rank; i++)
        shape.dims[i] = next(12) == 0 ? 0 : 1 + next(4);
    return shape;
}

static void add_input(uint32_t i, enum tenon_type type, struct tenon_shape shape) {
    bool narrow = type == TENON_TYPE_I8 || type == TENON_TYPE_U8 || type == TENON_TYPE_I16;
    call_input(&b, i, type, shape, narrow && next(4) != 0 ? 0.5f : 0, narrow ? next(3) : 0, NULL);
}

static struct tenon_list random_list(int count, int32_t low, int32_t range) {
    struct tenon_list list = {.count = count};
    for (int i = 0; i < count; i++)
        list.values[i] = low + next(range);
    return list;
}

static int32_t dim(int i) {
    return b.descs[0].shape.dims[i];
}

static int rank(void) {
    return b.descs[0].shape.rank;
}

static void make_axes(void) {
    for (int i = 0; i < rank(); i++)
        if (next(2) == 0)
            b.attrs.axes.values[b.attrs.axes.count++] = i;
    b.attrs.keep_dims = next(2);
}

static void make_axis(void) {
    b.attrs.axis = rank() == 0 ? 0 : next(rank());
    b.attrs.k = next(4);
    b.attrs.exclusive = next(2);
    b.attrs.reverse = next(2);
}

static void make_shape(void) {
    b.attrs.shape.count = rank();
    for (int i = 0; i < rank(); i++)
        b.attrs.shape.values[rank() - 1 - i] = dim(i);
}

static void make_broadcast(void) {
    for (int i = 0; i < rank(); i++) {
        b.attrs.shape.values[i] = dim(i);
        if (next(2) == 0)
            b.descs[0].shape.dims[i] = 1;
    }
    b.attrs.shape.count = rank();
}

static void make_fill(void) {
    b.descs[0].shape.rank = 0;
    b.attrs.shape = random_list(next(6), 0, 4);
}

static void make_tile(void) {
    b.attrs.multiples = random_list(rank(), 0, 4);
}

/* Joins operands that differ in the axis only; 1 to 3. */
static void make_join(void) {
    uint32_t count = 1 + (uint32_t)next(3);
    make_axis();
    for (uint32_t i = 1; i < count; i++) {
        call_input(&b, i, b.descs[0].type, b.descs[0].shape, b.scales[0], b.zero_points[0], NULL);
        if (b.call.op == TENON_OP_CONCATENATION && rank() != 0)
            b.descs[i].shape.dims[b.attrs.axis] = next(4);
    }
}

static void make_cut(void) {
    uint32_t count = 1 + (uint32_t)next(3);
    make_axis();
    if (rank() != 0)
        b.descs[0].shape.dims[b.attrs.axis] = (int32_t)count;
    for (uint32_t i = 1; i < count; i++)
        call_output(&b, i, b.descs[0].type, b.scales[0], b.zero_points[0]);
}

static void make_slice(void) {
    b.attrs.begin.count = b.attrs.count.count = b.attrs.step.count = rank();
    bool strided = b.call.op == TENON_OP_STRIDED_SLICE;
    for (int i = 0; i < rank(); i++) {
        int32_t begin = dim(i) == 0 ? 0 : next(dim(i)), room = dim(i) - begin;
        int32_t step = strided ? next(5) - 2 : 1;
        step += step == 0;
        if (step < 0)
            room = dim(i) == 0 ? 0 : begin + 1;
        int32_t most = (room + abs(step) - 1) / abs(step);
        b.attrs.begin.values[i] = begin;
        b.attrs.step.values[i] = step;
        b.attrs.count.values[i] = next(most + 1);
        if (strided && most > 0 && next(3) == 0) {
            b.attrs.count.values[i] = 1;
            b.attrs.axes.values[b.attrs.axes.count++] = i;
        }
    }
}

static void make_transpose(void) {
    b.attrs.perm.count = rank();
    for (int i = 0; i < rank(); i++) {
        int other = next(i + 1);
        b.attrs.perm.values[i] = b.attrs.perm.values[other];
        b.attrs.perm.values[other] = i;
    }
}

static void make_pad(void) {
    b.attrs.paddings = random_list(2 * rank(), 0, 3);
    b.attrs.symmetric = next(2);
    if (b.call.op == TENON_OP_PAD && next(2) == 0)
        call_input(&b, 1, b.descs[0].type, call_shape(0, 0, 0, 0, 0), b.scales[0], b.zero_points[0],
                   NULL);
}

static void make_picture(void) {
    b.descs[0].shape = call_shape(4, 1 + next(2), 2 * next(3), 2 * next(3), 4 * next(3));
    b.attrs.block = call_list(1, 1 + next(2), 0, 0, 0);
    b.attrs.shape = random_list(2, 1, 9);
    b.attrs.align_corners = next(2);
    b.attrs.half_pixel_centers = next(2);
    if (b.call.op == TENON_OP_RESIZE_BILINEAR || b.call.op == TENON_OP_RESIZE_NEAREST_NEIGHBOR)
        b.attrs.shape.values[0] = next(8) == 0 ? 3000 : b.attrs.shape.values[0];
    else
        b.attrs.shape.count = 0;
}

static void make_batches(void) {
    b.descs[0].shape = call_shape(3 + next(2), 4 * next(3), 2 * next(3), 2 * next(3), 1 + next(2));
    b.attrs.block = random_list(1 + next(2), 1, 2);
    b.attrs.paddings = random_list(2 * b.attrs.block.count, 0, 3);
}

static void make_gather(void) {
    struct tenon_shape indices = random_shape(1 + next(3));
    make_axis();
    if (b.call.op == TENON_OP_GATHER_ND)
        indices.dims[indices.rank - 1] = next(rank() + 1);
    else if (next(2) == 0)
        b.attrs.batch_dims = next(b.attrs.axis + 1);
    for (int i = 0; i < b.attrs.batch_dims && i < indices.rank; i++)
        indices.dims[i] = dim(i);
    add_input(1, next(2) == 0 ? TENON_TYPE_I32 : TENON_TYPE_I64, indices);
}

static void make_lookup(void) {
    bool narrow = next(8) != 0;
    if (narrow)
        b.descs[0].type = next(2) == 0 ? TENON_TYPE_I8 : TENON_TYPE_U8;
    add_input(1, b.descs[0].type, call_shape(2, 1 + next(2), 128 << next(2), 0, 0));
}

static void make_detection(void) {
    int32_t boxes = next(7), classes = 1 + next(4);
    call_input(&b, 0, TENON_TYPE_F32, call_shape(3, 1, boxes, 4 + next(2), 0), 0, 0, NULL);
    call_input(&b, 1, TENON_TYPE_U8, call_shape(3, 1, boxes, classes + next(2), 0), 0.01f, 3, NULL);
    call_input(&b, 2, TENON_TYPE_U8, call_shape(2, boxes + next(2), 4, 0, 0), 0.1f, 0, NULL);
    for (uint32_t i = 0; i < 4; i++)
        call_output(&b, i, TENON_TYPE_F32, 0, 0);
    b.attrs.num_classes = classes;
    b.attrs.max_detections = 1 + next(8);
    b.attrs.max_classes_per_detection = 1 + next(5);
    b.attrs.detections_per_class = 1 + next(4);
    b.attrs.regular_nms = next(2);
    b.attrs.iou_threshold = 0.1f * (float)(1 + next(9));
    b.attrs.score_threshold = 0.1f * (float)next(9);
    b.attrs.y_scale = b.attrs.x_scale = b.attrs.h_scale = b.attrs.w_scale = 10;
}

static const struct {
    enum tenon_op op;
    void (*make)(void);
} families[] = {
    {TENON_OP_MEAN, make_axes},
    {TENON_OP_SUM, make_axes},
    {TENON_OP_REDUCE_MAX, make_axes},
    {TENON_OP_REDUCE_MIN, make_axes},
    {TENON_OP_ARG_MAX, make_axis},
    {TENON_OP_CUMSUM, make_axis},
    {TENON_OP_TOPK, make_axis},
    {TENON_OP_RESHAPE, make_shape},
    {TENON_OP_FILL, make_fill},
    {TENON_OP_TILE, make_tile},
    {TENON_OP_BROADCAST_TO, make_broadcast},
    {TENON_OP_CONCATENATION, make_join},
    {TENON_OP_SPLIT, make_cut},
    {TENON_OP_PACK, make_join},
    {TENON_OP_UNPACK, make_cut},
    {TENON_OP_SLICE, make_slice},
    {TENON_OP_STRIDED_SLICE, make_slice},
    {TENON_OP_TRANSPOSE, make_transpose},
    {TENON_OP_REVERSE, make_axes},
    {TENON_OP_PAD, make_pad},
    {TENON_OP_MIRROR_PAD, make_pad},
    {TENON_OP_DEPTH_TO_SPACE, make_picture},
    {TENON_OP_SPACE_TO_DEPTH, make_picture},
    {TENON_OP_BATCH_TO_SPACE, make_batches},
    {TENON_OP_SPACE_TO_BATCH, make_batches},
    {TENON_OP_GATHER, make_gather},
    {TENON_OP_GATHER_ND, make_gather},
    {TENON_OP_RESIZE_BILINEAR, make_picture},
    {TENON_OP_RESIZE_NEAREST_NEIGHBOR, make_picture},
    {TENON_OP_DETECTION_POSTPROCESS, make_detection},
    {TENON_OP_LOOKUP, make_lookup},
};

static enum tenon_type random_type(enum tenon_op op) {
    static const enum tenon_type types[] = {TENON_TYPE_F32, TENON_TYPE_I8,  TENON_TYPE_U8,
                                            TENON_TYPE_I16, TENON_TYPE_I32, TENON_TYPE_I64};
    static const enum tenon_type summable[] = {TENON_TYPE_F32, TENON_TYPE_I32, TENON_TYPE_I64};
    return op == TENON_OP_CUMSUM ? summable[next(3)] : types[next(6)];
}

static void make_call(size_t f) {
    call_builder_init(&b, families[f].op);
    b.call.rounding = (enum tenon_rounding)next(4);
    add_input(0, random_type(families[f].op), random_shape(next(6)));
    if (families[f].op != TENON_OP_DETECTION_POSTPROCESS)
        call_output(&b, 0, families[f].op == TENON_OP_ARG_MAX ? TENON_TYPE_I32 : b.descs[0].type,
                    b.scales[0], b.zero_points[0]);
    if (families[f].op == TENON_OP_TOPK)
        call_output(&b, 1, TENON_TYPE_I32, 0, 0);
    static const float scales[] = {0.5f, 1e-30f, 1e8f, 3e9f};
    if ((families[f].op == TENON_OP_MEAN || families[f].op == TENON_OP_SUM) && b.scales[0] != 0)
        b.scales[CALL_INPUTS_MAX] = scales[next(4)];
    families[f].make();
}

static int32_t hostile(void) {
    static const int32_t values[] = {-1, 0, 1, 2, 7, 100, 1 << 24, INT32_MAX, INT32_MIN};
    return values[next(TENON_COUNT_OF(values))];
}

static void spoil(void) {
    struct tenon_list *lists[] = {&b.attrs.axes,     &b.attrs.shape, &b.attrs.begin,
                                  &b.attrs.count,    &b.attrs.step,  &b.attrs.perm,
                                  &b.attrs.paddings, &b.attrs.block, &b.attrs.multiples};
    int32_t *numbers[] = {&b.attrs.axis,           &b.attrs.k,
                          &b.attrs.batch_dims,     &b.attrs.num_classes,
                          &b.attrs.max_detections, &b.attrs.detections_per_class};
    uint32_t slot = next(4) == 0 ? CALL_INPUTS_MAX : (uint32_t)next((int32_t)b.call.input_count);
    struct tenon_list *list = lists[next(TENON_COUNT_OF(lists))];
    switch (next(6)) {
    case 0:
        list->values[next(6)] = hostile();
        break;
    case 1:
        list->count = next(10);
        break;
    case 2:
        b.descs[slot].shape.dims[next(4)] = hostile();
        break;
    case 3:
        b.descs[slot].shape.rank = (uint8_t)next(9);
        break;
    case 4:
        b.descs[slot].type = (enum tenon_type)next(TENON_TYPE_COUNT);
        break;
    default:
        *numbers[next(TENON_COUNT_OF(numbers))] = hostile();
        break;
    }
}

static bool is_small(void) {
    size_t bytes = tenon_op_scratch_bytes(&b.call);
    for (uint32_t i = 0; i < b.call.input_count; i++)
        bytes += b.inputs[i].desc != NULL ? tenon_desc_size(b.inputs[i].desc) : 0;
    for (uint32_t i = 0; i < b.call.output_count; i++)
        bytes += tenon_desc_size(b.outputs[i].desc);
    return bytes < LARGEST_BYTES;
}

static uint8_t *guarded(size_t bytes) {
    uint8_t *data = malloc(bytes + GUARD_BYTES);
    assert_non_null(data);
    memset(data, 0, bytes);
    memset(data + bytes, GUARD, GUARD_BYTES);
    return data;
}

static void check_guard(const uint8_t *data, size_t bytes) {
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (data[bytes + i] != GUARD)
            fail_msg("%s writes %zu bytes too far", tenon_op_table[b.call.op].name, i + 1);
}

/* Bytes are small numbers, so that some indices lie inside. */
static void *random_bytes(size_t bytes) {
    uint8_t *data = malloc(bytes != 0 ? bytes : 1);
    assert_non_null(data);
    for (size_t i = 0; i < bytes; i++)
        data[i] = i % 4 == 0 ? (uint8_t)next(next(2) == 0 ? 3 : 256) : next(16) == 0 ? 255 : 0;
    return data;
}

static void run_guarded(void) {
    size_t scratch = tenon_op_scratch_bytes(&b.call);
    for (uint32_t i = 0; i < b.call.input_count; i++)
        if (b.inputs[i].desc != NULL)
            b.inputs[i].data = random_bytes(tenon_desc_size(b.inputs[i].desc));
    for (uint32_t i = 0; i < b.call.output_count; i++)
        b.outputs[i].data = guarded(tenon_desc_size(b.outputs[i].desc));
    b.call.scratch = guarded(scratch);
    enum tenon_status status = tenon_op_run_reference(&b.call, NULL);
    assert_true(status == TENON_OK || status == TENON_ERROR_INVALID_ARGUMENT);
    check_guard(b.call.scratch, scratch);
    for (uint32_t i = 0; i < b.call.output_count; i++)
        check_guard(b.outputs[i].data, tenon_desc_size(b.outputs[i].desc));
    for (uint32_t i = 0; i < b.call.input_count; i++)
        free(b.inputs[i].data);
    call_builder_finish(&b);
}

static void test_hostile_calls(void **state) {
    (void)state;
    for (size_t f = 0; f < TENON_COUNT_OF(families); f++) {
        int run = 0, refused = 0;
        for (int i = 0; i < ROUNDS; i++) {
            make_call(f);
            for (int n = next(3); n > 0; n--)
                spoil();
            if (tenon_op_infer(&b.call, NULL) != TENON_OK) {
                refused++;
            } else if (is_small()) {
                run_guarded();
                run++;
            }
        }
        if (run < ROUNDS / 20 || refused < ROUNDS / 20)
            fail_msg("%s: %d run and %d refused show little", tenon_op_table[families[f].op].name,
                     run, refused);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
