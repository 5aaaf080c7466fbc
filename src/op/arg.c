/*
 * Along one axis: arg_max, arg_min, cumsum, and the k largest of the last axis. Ties go to the
 * first index; NaN counts as the worst. Sources: TFLite reference/arg_min_max.h, cumsum.h,
 * topk_v2.cc.
 */
#include "op/move.h"
#include "op/rules.h"

#include <math.h>
#include <string.h>

/* Whether element i beats element j: larger (or smaller), or a number against a NaN. */
static bool beats(enum tenon_type type, const void *data, size_t i, size_t j, bool largest) {
    if (type == TENON_TYPE_F32) {
        float a = ((const float *)data)[i], b = ((const float *)data)[j];
        return !isnan(a) && (isnan(b) || (largest ? a > b : a < b));
    }
    int64_t a = tenon_load_integer(type, data, i), b = tenon_load_integer(type, data, j);
    return largest ? a > b : a < b;
}

static const uint32_t comparable = TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I8) | TENON_TYPE_BIT(U8) |
                                   TENON_TYPE_BIT(I16) | TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64) |
                                   TENON_TYPE_BIT(BOOL);
static const uint32_t index_types = TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64);

enum tenon_status tenon_infer_arg(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    int32_t axis = call->attrs->axis;
    enum tenon_status status = tenon_require_type(in, comparable, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_type(tenon_out(call, 0), index_types, "the output", error);
    if (status == TENON_OK)
        status = tenon_require_axis(axis, in->shape.rank, error);
    if (status != TENON_OK)
        return status;
    if (in->shape.dims[axis] == 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "axis %d is empty", axis);
    struct tenon_shape shape = {.rank = (uint8_t)(in->shape.rank - 1)};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = in->shape.dims[i < axis ? i : i + 1];
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_reference_arg(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    const void *data = tenon_in_data(call, 0);
    int axis = call->attrs->axis;
    bool largest = call->op == TENON_OP_ARG_MAX;
    size_t outer = tenon_axes_elements(&in->shape, 0, axis);
    size_t inner = tenon_axes_elements(&in->shape, axis + 1, in->shape.rank);
    size_t size = (size_t)in->shape.dims[axis];
    for (size_t i = 0; i < outer * inner; i++) {
        size_t first = i / inner * size * inner + i % inner, best = 0;
        for (size_t k = 1; k < size; k++)
            if (beats(in->type, data, first + k * inner, first + best * inner, largest))
                best = k;
        tenon_store_integer(tenon_out(call, 0)->type, call->outputs[0].data, i, (int64_t)best);
    }
    return TENON_OK;
}

enum tenon_status tenon_infer_cumsum(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    uint32_t types = TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64);
    enum tenon_status status = tenon_require_type(in, types, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK)
        status = tenon_require_axis(call->attrs->axis, in->shape.rank, error);
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

static void cumsum_f32(const float *in, float *out, size_t first, size_t size, int64_t step,
                       bool exclusive) {
    float sum = 0;
    for (size_t k = 0, at = first; k < size; k++, at = (size_t)((int64_t)at + step)) {
        float next = sum + in[at];
        out[at] = exclusive ? sum : next;
        sum = next;
    }
}

static void cumsum_integer(enum tenon_type type, const void *in, void *out, size_t first,
                           size_t size, int64_t step, bool exclusive) {
    uint64_t sum = 0; /* wraps */
    for (size_t k = 0, at = first; k < size; k++, at = (size_t)((int64_t)at + step)) {
        uint64_t next = sum + (uint64_t)tenon_load_integer(type, in, at);
        tenon_store_integer(type, out, at, (int64_t)(exclusive ? sum : next));
        sum = next;
    }
}

enum tenon_status tenon_reference_cumsum(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    int axis = call->attrs->axis;
    size_t outer = tenon_axes_elements(&in->shape, 0, axis);
    size_t inner = tenon_axes_elements(&in->shape, axis + 1, in->shape.rank);
    size_t size = (size_t)in->shape.dims[axis];
    int64_t step = call->attrs->reverse ? -(int64_t)inner : (int64_t)inner;
    if (size == 0)
        return TENON_OK;
    for (size_t i = 0; i < outer * inner; i++) {
        size_t first = i / inner * size * inner + i % inner;
        if (call->attrs->reverse)
            first += (size - 1) * inner;
        if (in->type == TENON_TYPE_F32)
            cumsum_f32(tenon_in_data(call, 0), call->outputs[0].data, first, size, step,
                       call->attrs->exclusive != 0);
        else
            cumsum_integer(in->type, tenon_in_data(call, 0), call->outputs[0].data, first, size,
                           step, call->attrs->exclusive != 0);
    }
    return TENON_OK;
}

enum tenon_status tenon_infer_topk(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    int32_t k = call->attrs->k;
    enum tenon_status status = tenon_require_type(in, comparable, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK)
        status = tenon_require_type(tenon_out(call, 1), index_types | TENON_TYPE_BIT(I16),
                                    "the indices", error);
    if (status != TENON_OK)
        return status;
    int last = in->shape.rank - 1;
    if (last < 0 || k < 0 || k > in->shape.dims[last])
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the %d largest of %d", k,
                          last < 0 ? 0 : in->shape.dims[last]);
    if (tenon_out(call, 1)->type == TENON_TYPE_I16 && in->shape.dims[last] > INT16_MAX)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "indices up to %d in 16 bits",
                          in->shape.dims[last]);
    struct tenon_shape shape = in->shape;
    shape.dims[last] = k;
    status = tenon_set_shape(call, 0, &shape, error);
    return status == TENON_OK ? tenon_set_shape(call, 1, &shape, error) : status;
}

size_t tenon_scratch_topk(const struct tenon_op_call *call) {
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    return (size_t)in->dims[in->rank - 1] * sizeof(int32_t);
}

struct row {
    enum tenon_type type;
    const uint8_t *data;
};

static bool row_before(const void *context, int32_t a, int32_t b) {
    const struct row *row = context;
    if (beats(row->type, row->data, (size_t)a, (size_t)b, true))
        return true;
    return !beats(row->type, row->data, (size_t)b, (size_t)a, true) && a < b;
}

enum tenon_status tenon_reference_topk(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    int last = in->shape.rank - 1;
    size_t rows = tenon_axes_elements(&in->shape, 0, last), size = (size_t)in->shape.dims[last];
    size_t k = (size_t)call->attrs->k, element = tenon_element_bytes(in), to = 0;
    int32_t *order = call->scratch;
    for (size_t r = 0; k != 0 && r < rows; r++) {
        struct row row = {in->type, (const uint8_t *)tenon_in_data(call, 0) + r * size * element};
        for (size_t i = 0; i < size; i++)
            order[i] = (int32_t)i;
        tenon_sort_indices(order, size, row_before, &row);
        for (size_t i = 0; i < k; i++, to++) {
            memcpy((uint8_t *)call->outputs[0].data + to * element,
                   row.data + (size_t)order[i] * element, element);
            tenon_store_integer(tenon_out(call, 1)->type, call->outputs[1].data, to, order[i]);
        }
    }
    return TENON_OK;
}
