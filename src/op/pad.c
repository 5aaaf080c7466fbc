/*
 * Borders: pad with one value, mirror_pad with the input reflected. Without a value operand the
 * border is real 0, the output's zero point (TFLite pad.cc).
 */
#include "op/move.h"
#include "op/rules.h"

#include <string.h>

static enum tenon_status padded_shape(const struct tenon_op_call *call, struct tenon_shape *shape,
                                      struct tenon_error *error) {
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status != TENON_OK)
        return status;
    *shape = tenon_in(call, 0)->shape;
    const struct tenon_list *paddings = &call->attrs->paddings;
    if (paddings->count != 2 * shape->rank)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%d paddings for rank %u", paddings->count,
                          shape->rank);
    for (int i = 0; i < shape->rank; i++) {
        int64_t before = paddings->values[2 * i], after = paddings->values[2 * i + 1];
        int64_t size = shape->dims[i] + before + after;
        if (before < 0 || after < 0 || size > INT32_MAX)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "paddings %lld and %lld of axis %d",
                              (long long)before, (long long)after, i);
        shape->dims[i] = (int32_t)size;
    }
    return TENON_OK;
}

enum tenon_status tenon_infer_pad(const struct tenon_op_call *call, struct tenon_error *error) {
    struct tenon_shape shape;
    const struct tenon_desc *value = tenon_in(call, 1), *out = tenon_out(call, 0);
    enum tenon_status status = padded_shape(call, &shape, error);
    if (status != TENON_OK)
        return status;
    if (value != NULL && (value->type != out->type || tenon_desc_element_count(value) != 1))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "the value is not one element of the input's type");
    if (value != NULL && tenon_is_quantized(value) && tenon_is_quantized(out) &&
        !tenon_quant_equal(&value->quant, &out->quant))
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                          "value and output differ in scale or zero point");
    if (out->quant.count > 1)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "an output with scales per channel");
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_reference_pad(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    uint8_t zero[8];
    tenon_zero_element(out, zero);
    const void *value = tenon_in(call, 1) != NULL ? tenon_in_data(call, 1) : zero;
    tenon_fill_elements(call->outputs[0].data, tenon_desc_element_count(out), value,
                        tenon_element_bytes(out));
    struct tenon_move move = {.element = tenon_element_bytes(in), .rank = in->shape.rank};
    memcpy(move.dims, in->shape.dims, sizeof(move.dims));
    tenon_dense_strides(&in->shape, move.from_stride);
    tenon_dense_strides(&out->shape, move.to_stride);
    for (int i = 0; i < move.rank; i++)
        move.to_at += call->attrs->paddings.values[2 * i] * move.to_stride[i];
    tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
    return TENON_OK;
}

enum tenon_status tenon_infer_mirror_pad(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    struct tenon_shape shape;
    enum tenon_status status = padded_shape(call, &shape, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    const int32_t *paddings = call->attrs->paddings.values;
    for (int i = 0; i < in->rank; i++) {
        /* A reflection cannot reach past the input; without the edge it has one element less. */
        int32_t most = call->attrs->symmetric ? in->dims[i] : in->dims[i] - 1;
        most = most < 0 ? 0 : most;
        if (paddings[2 * i] > most || paddings[2 * i + 1] > most)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "paddings %d and %d reflect %d elements", paddings[2 * i],
                              paddings[2 * i + 1], in->dims[i]);
    }
    return tenon_set_shape(call, 0, &shape, error);
}

/* Where output position `at` of an axis of `size` elements comes from. */
static int32_t mirrored(int32_t at, int32_t before, int32_t size, bool symmetric) {
    int32_t x = at - before, edge = symmetric ? 1 : 0;
    if (x < 0)
        return -x - edge;
    return x < size ? x : 2 * (size - 1) - x + edge;
}

enum tenon_status tenon_reference_mirror_pad(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    size_t element = tenon_element_bytes(in), count = tenon_desc_element_count(out);
    int64_t strides[TENON_MAX_RANK];
    int32_t index[TENON_MAX_RANK] = {0};
    tenon_dense_strides(&in->shape, strides);
    for (size_t at = 0; at < count; at++) {
        size_t from = 0;
        for (int i = 0; i < in->shape.rank; i++)
            from += (size_t)(mirrored(index[i], call->attrs->paddings.values[2 * i],
                                      in->shape.dims[i], call->attrs->symmetric != 0) *
                             strides[i]);
        memcpy((uint8_t *)call->outputs[0].data + at * element,
               (const uint8_t *)tenon_in_data(call, 0) + from * element, element);
        for (int i = in->shape.rank - 1; i >= 0 && ++index[i] == out->shape.dims[i]; i--)
            index[i] = 0;
    }
    return TENON_OK;
}
