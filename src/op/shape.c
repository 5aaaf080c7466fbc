/*
 * Shapes and repetition: reshape (also squeeze and expand_dims), shape, fill, tile, broadcast_to.
 */
#include "op/move.h"
#include "op/rules.h"

#include <string.h>

enum tenon_status tenon_infer_reshape(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    if (in->type != tenon_out(call, 0)->type)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input and output differ in type");
    struct tenon_shape shape;
    enum tenon_status status = tenon_shape_from_list(&call->attrs->shape, &shape, error);
    if (status != TENON_OK)
        return status;
    size_t count;
    if (!tenon_shape_elements(&shape, &count) || count != tenon_desc_element_count(in))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%zu elements do not fill the shape",
                          tenon_desc_element_count(in));
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_reference_copy(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    size_t size = tenon_desc_size(tenon_in(call, 0));
    if (size != 0)
        memmove(call->outputs[0].data, tenon_in_data(call, 0), size);
    return TENON_OK;
}

enum tenon_status tenon_infer_shape(const struct tenon_op_call *call, struct tenon_error *error) {
    enum tenon_status status = tenon_require_type(
        tenon_out(call, 0), TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64), "the output", error);
    struct tenon_shape shape = {.rank = 1, .dims = {tenon_in(call, 0)->shape.rank}};
    return status == TENON_OK ? tenon_set_shape(call, 0, &shape, error) : status;
}

enum tenon_status tenon_reference_shape(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    (void)error;
    const struct tenon_shape *shape = &tenon_in(call, 0)->shape;
    for (int i = 0; i < shape->rank; i++)
        tenon_store_integer(tenon_out(call, 0)->type, call->outputs[0].data, (size_t)i,
                            shape->dims[i]);
    return TENON_OK;
}

enum tenon_status tenon_infer_fill(const struct tenon_op_call *call, struct tenon_error *error) {
    struct tenon_shape shape;
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK && tenon_desc_element_count(tenon_in(call, 0)) != 1)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "the value is not one element");
    if (status == TENON_OK)
        status = tenon_shape_from_list(&call->attrs->shape, &shape, error);
    return status == TENON_OK ? tenon_set_shape(call, 0, &shape, error) : status;
}

enum tenon_status tenon_reference_fill(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *out = tenon_out(call, 0);
    tenon_fill_elements(call->outputs[0].data, tenon_desc_element_count(out),
                        tenon_in_data(call, 0), tenon_element_bytes(out));
    return TENON_OK;
}

enum tenon_status tenon_infer_tile(const struct tenon_op_call *call, struct tenon_error *error) {
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = tenon_in(call, 0)->shape;
    const struct tenon_list *multiples = &call->attrs->multiples;
    if (multiples->count != shape.rank)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%d multiples for rank %u",
                          multiples->count, shape.rank);
    for (int i = 0; i < shape.rank; i++)
        if (multiples->values[i] < 0 ||
            __builtin_mul_overflow(shape.dims[i], multiples->values[i], &shape.dims[i]))
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the multiple %d",
                              multiples->values[i]);
    return tenon_set_shape(call, 0, &shape, error);
}

/* Advances a tuple of `rank` numbers below `limits`; false after the last. */
static bool next_tuple(int32_t *tuple, const int32_t *limits, int rank) {
    for (int i = rank - 1; i >= 0; i--) {
        if (++tuple[i] < limits[i])
            return true;
        tuple[i] = 0;
    }
    return false;
}

enum tenon_status tenon_reference_tile(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    if (tenon_desc_element_count(out) == 0)
        return TENON_OK;
    struct tenon_move move = {.element = tenon_element_bytes(in), .rank = in->shape.rank};
    memcpy(move.dims, in->shape.dims, sizeof(move.dims));
    tenon_dense_strides(&in->shape, move.from_stride);
    tenon_dense_strides(&out->shape, move.to_stride);
    int32_t tuple[TENON_MAX_RANK] = {0};
    do {
        move.to_at = 0;
        for (int i = 0; i < move.rank; i++)
            move.to_at += (int64_t)tuple[i] * move.dims[i] * move.to_stride[i];
        tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    } while (next_tuple(tuple, call->attrs->multiples.values, move.rank));
    return TENON_OK;
}

enum tenon_status tenon_infer_broadcast_to(const struct tenon_op_call *call,
                                           struct tenon_error *error) {
    struct tenon_shape shape, common;
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK)
        status = tenon_shape_from_list(&call->attrs->shape, &shape, error);
    if (status != TENON_OK)
        return status;
    if (!tenon_broadcast_shape(&tenon_in(call, 0)->shape, &shape, &common) ||
        !tenon_shape_equal(&common, &shape))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the input does not broadcast");
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_reference_broadcast_to(const struct tenon_op_call *call,
                                               struct tenon_error *error) {
    (void)error;
    const struct tenon_shape *in = &tenon_in(call, 0)->shape, *out = &tenon_out(call, 0)->shape;
    struct tenon_move move = {.element = tenon_element_bytes(tenon_in(call, 0)), .rank = out->rank};
    int64_t strides[TENON_MAX_RANK];
    tenon_dense_strides(in, strides);
    tenon_dense_strides(out, move.to_stride);
    for (int i = 0; i < out->rank; i++) {
        int from = i - (out->rank - in->rank);
        move.dims[i] = out->dims[i];
        move.from_stride[i] = from < 0 || in->dims[from] == 1 ? 0 : strides[from];
    }
    tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    return TENON_OK;
}
