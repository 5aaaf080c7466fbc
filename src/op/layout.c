/*
 * Rearrangements of all elements: transpose, reverse, and the exchanges of space with depth and
 * with batch. Each is a strided copy, or one per offset inside a block.
 */
#include "op/move.h"
#include "op/rules.h"

#include <string.h>

enum tenon_status tenon_infer_transpose(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    const struct tenon_list *perm = &call->attrs->perm;
    if (perm->count != in->rank)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a permutation of %d axes for rank %u",
                          perm->count, in->rank);
    struct tenon_shape shape = {.rank = in->rank};
    uint32_t seen = 0;
    for (int i = 0; i < in->rank; i++) {
        status = tenon_require_axis(perm->values[i], in->rank, error);
        if (status != TENON_OK)
            return status;
        if ((seen >> perm->values[i] & 1) != 0)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "axis %d is permuted twice",
                              perm->values[i]);
        seen |= UINT32_C(1) << perm->values[i];
        shape.dims[i] = in->dims[perm->values[i]];
    }
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_reference_transpose(const struct tenon_op_call *call,
                                            struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    struct tenon_move move = {.element = tenon_element_bytes(in), .rank = out->shape.rank};
    int64_t strides[TENON_MAX_RANK];
    tenon_dense_strides(&in->shape, strides);
    tenon_dense_strides(&out->shape, move.to_stride);
    for (int i = 0; i < move.rank; i++) {
        move.dims[i] = out->shape.dims[i];
        move.from_stride[i] = strides[call->attrs->perm.values[i]];
    }
    tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    return TENON_OK;
}

enum tenon_status tenon_infer_reverse(const struct tenon_op_call *call, struct tenon_error *error) {
    uint32_t mask;
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK)
        status = tenon_axes_mask(&call->attrs->axes, in->rank, &mask, error);
    return status == TENON_OK ? tenon_set_shape(call, 0, in, error) : status;
}

enum tenon_status tenon_reference_reverse(const struct tenon_op_call *call,
                                          struct tenon_error *error) {
    uint32_t mask;
    const struct tenon_desc *in = tenon_in(call, 0);
    enum tenon_status status = tenon_axes_mask(&call->attrs->axes, in->shape.rank, &mask, error);
    struct tenon_move move = {.element = tenon_element_bytes(in), .rank = in->shape.rank};
    tenon_dense_strides(&in->shape, move.from_stride);
    tenon_dense_strides(&in->shape, move.to_stride);
    for (int i = 0; i < move.rank; i++) {
        move.dims[i] = in->shape.dims[i];
        if ((mask >> i & 1) == 0)
            continue;
        move.from_at += (int64_t)(move.dims[i] - 1) * move.from_stride[i];
        move.from_stride[i] = -move.from_stride[i];
    }
    tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    return status;
}

static enum tenon_status require_block(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK)
        status = tenon_require_rank(tenon_in(call, 0), 4, "the input", error);
    const struct tenon_list *block = &call->attrs->block;
    if (status == TENON_OK && (block->count != 1 || block->values[0] < 1))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "one block size of at least 1 is needed");
    return status;
}

enum tenon_status tenon_infer_depth_to_space(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    enum tenon_status status = require_block(call, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = tenon_in(call, 0)->shape;
    int32_t block = call->attrs->block.values[0];
    int64_t area = (int64_t)block * block;
    if (shape.dims[3] % area != 0 || __builtin_mul_overflow(shape.dims[1], block, &shape.dims[1]) ||
        __builtin_mul_overflow(shape.dims[2], block, &shape.dims[2]))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%d channels and blocks of %d",
                          shape.dims[3], block);
    shape.dims[3] = (int32_t)(shape.dims[3] / area);
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_infer_space_to_depth(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    enum tenon_status status = require_block(call, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = tenon_in(call, 0)->shape;
    int32_t block = call->attrs->block.values[0];
    int64_t depth;
    if (shape.dims[1] % block != 0 || shape.dims[2] % block != 0 ||
        __builtin_mul_overflow((int64_t)shape.dims[3], (int64_t)block * block, &depth) ||
        depth > INT32_MAX)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a picture of %d x %d and blocks of %d",
                          shape.dims[1], shape.dims[2], block);
    shape.dims[1] /= block;
    shape.dims[2] /= block;
    shape.dims[3] = (int32_t)depth;
    return tenon_set_shape(call, 0, &shape, error);
}

/* From the deep picture, whose channels are (row in block, column in block, channel), to the wide
 * one, each seen as (batch, y, row in block, x, column in block, channel). */
static struct tenon_move deep_to_wide(const struct tenon_desc *deep, const struct tenon_desc *wide,
                                      int32_t block) {
    int64_t d[TENON_MAX_RANK], w[TENON_MAX_RANK];
    const int32_t *size = deep->shape.dims;
    int32_t channels = wide->shape.dims[3];
    tenon_dense_strides(&deep->shape, d);
    tenon_dense_strides(&wide->shape, w);
    return (struct tenon_move){
        .element = tenon_element_bytes(deep),
        .rank = 6,
        .dims = {size[0], size[1], block, size[2], block, channels},
        .from_stride = {d[0], d[1], (int64_t)block * channels, d[2], channels, 1},
        .to_stride = {w[0], w[1] * block, w[1], w[2] * block, w[2], 1},
    };
}

enum tenon_status tenon_reference_depth_to_space(const struct tenon_op_call *call,
                                                 struct tenon_error *error) {
    (void)error;
    struct tenon_move move =
        deep_to_wide(tenon_in(call, 0), tenon_out(call, 0), call->attrs->block.values[0]);
    tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    return TENON_OK;
}

enum tenon_status tenon_reference_space_to_depth(const struct tenon_op_call *call,
                                                 struct tenon_error *error) {
    (void)error;
    struct tenon_move move =
        deep_to_wide(tenon_out(call, 0), tenon_in(call, 0), call->attrs->block.values[0]);
    tenon_move_swap(&move);
    tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    return TENON_OK;
}

/* Block sizes of at least 1 for axes 1 … n, and two paddings or crops for each, none negative. */
static enum tenon_status require_blocks(const struct tenon_op_call *call, int64_t *area,
                                        struct tenon_error *error) {
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_list *block = &call->attrs->block, *paddings = &call->attrs->paddings;
    int rank = tenon_in(call, 0)->shape.rank;
    if (block->count < 1 || block->count >= rank || paddings->count != 2 * block->count)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "%d block sizes and %d paddings for rank %d", block->count,
                          paddings->count, rank);
    *area = 1;
    for (int i = 0; i < block->count; i++)
        if (block->values[i] < 1 ||
            __builtin_mul_overflow(*area, (int64_t)block->values[i], area) || *area > INT32_MAX)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the block size %d", block->values[i]);
    for (int i = 0; i < paddings->count; i++)
        if (paddings->values[i] < 0)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the padding %d", paddings->values[i]);
    return TENON_OK;
}

enum tenon_status tenon_infer_batch_to_space(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    int64_t area;
    enum tenon_status status = require_blocks(call, &area, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = tenon_in(call, 0)->shape;
    const int32_t *crops = call->attrs->paddings.values;
    if (shape.dims[0] % area != 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%d batches and blocks of %lld",
                          shape.dims[0], (long long)area);
    shape.dims[0] = (int32_t)(shape.dims[0] / area);
    for (int i = 0; i < call->attrs->block.count; i++) {
        int64_t size = (int64_t)shape.dims[i + 1] * call->attrs->block.values[i] - crops[2 * i] -
                       crops[2 * i + 1];
        if (size < 0 || size > INT32_MAX)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "axis %d gets the size %lld", i + 1,
                              (long long)size);
        shape.dims[i + 1] = (int32_t)size;
    }
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_infer_space_to_batch(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    int64_t area;
    enum tenon_status status = require_blocks(call, &area, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = tenon_in(call, 0)->shape;
    const int32_t *paddings = call->attrs->paddings.values;
    int64_t batches = shape.dims[0] * area;
    for (int i = 0; i < call->attrs->block.count; i++) {
        int64_t size = (int64_t)shape.dims[i + 1] + paddings[2 * i] + paddings[2 * i + 1];
        int32_t block = call->attrs->block.values[i];
        if (size % block != 0 || size / block > INT32_MAX)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%lld elements and blocks of %d",
                              (long long)size, block);
        shape.dims[i + 1] = (int32_t)(size / block);
    }
    if (batches > INT32_MAX)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "too many batches");
    shape.dims[0] = (int32_t)batches;
    return tenon_set_shape(call, 0, &shape, error);
}

/*
 * Of the batches that hold offset `offset` of every block, from their place in `many` to the wide
 * tensor: along axis i, wide position y * block + offset - crop. Returns false when a crop leaves
 * nothing.
 */
static bool batches_to_wide(const struct tenon_attrs *attrs, const struct tenon_desc *many,
                            const struct tenon_desc *wide, const int32_t *offset,
                            struct tenon_move *move) {
    const struct tenon_list *block = &attrs->block;
    int64_t group = 0;
    *move = (struct tenon_move){.element = tenon_element_bytes(wide), .rank = wide->shape.rank};
    tenon_dense_strides(&many->shape, move->from_stride);
    tenon_dense_strides(&wide->shape, move->to_stride);
    memcpy(move->dims, wide->shape.dims, sizeof(move->dims));
    for (int i = 0; i < block->count; i++) {
        int64_t step = block->values[i], shift = (int64_t)offset[i] - attrs->paddings.values[2 * i];
        int64_t first = shift >= 0 ? 0 : (-shift + step - 1) / step;
        int64_t past = (wide->shape.dims[i + 1] - shift + step - 1) / step;
        past = past > many->shape.dims[i + 1] ? many->shape.dims[i + 1] : past;
        if (past <= first)
            return false;
        move->dims[i + 1] = (int32_t)(past - first);
        move->from_at += first * move->from_stride[i + 1];
        move->to_at += (first * step + shift) * move->to_stride[i + 1];
        move->to_stride[i + 1] *= step;
        group = group * step + offset[i];
    }
    move->from_at += group * wide->shape.dims[0] * move->from_stride[0];
    return true;
}

static bool next_offset(const struct tenon_list *block, int32_t *offset) {
    for (int i = block->count - 1; i >= 0; i--) {
        if (++offset[i] < block->values[i])
            return true;
        offset[i] = 0;
    }
    return false;
}

enum tenon_status tenon_reference_batch_to_space(const struct tenon_op_call *call,
                                                 struct tenon_error *error) {
    (void)error;
    int32_t offset[TENON_MAX_RANK] = {0};
    struct tenon_move move;
    if (tenon_desc_element_count(tenon_out(call, 0)) == 0)
        return TENON_OK;
    do {
        if (batches_to_wide(call->attrs, tenon_in(call, 0), tenon_out(call, 0), offset, &move))
            tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    } while (next_offset(&call->attrs->block, offset));
    return TENON_OK;
}

/* Padding holds real 0. TFLite reference/space_to_batch_nd.h: the output's zero point. */
enum tenon_status tenon_reference_space_to_batch(const struct tenon_op_call *call,
                                                 struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    int32_t offset[TENON_MAX_RANK] = {0};
    struct tenon_move move;
    uint8_t zero[8];
    tenon_zero_element(out, zero);
    tenon_fill_elements(call->outputs[0].data, tenon_desc_element_count(out), zero,
                        tenon_element_bytes(out));
    if (tenon_desc_element_count(in) == 0)
        return TENON_OK;
    do {
        if (!batches_to_wide(call->attrs, out, in, offset, &move))
            continue;
        tenon_move_swap(&move);
        tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    } while (next_offset(&call->attrs->block, offset));
    return TENON_OK;
}
