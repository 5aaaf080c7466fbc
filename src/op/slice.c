/* Boxes cut out of a tensor: slice, strided_slice. Begins and counts are resolved already. */
#include "op/move.h"
#include "op/rules.h"

/* What is taken along each axis: `count` elements from `begin`, `step` apart, all inside. */
static enum tenon_status check_axes(const struct tenon_op_call *call, bool strided,
                                    struct tenon_error *error) {
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    const struct tenon_attrs *attrs = call->attrs;
    if (attrs->begin.count != in->rank || attrs->count.count != in->rank ||
        (strided && attrs->step.count != in->rank))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the slice needs %u numbers per list",
                          in->rank);
    for (int i = 0; i < in->rank; i++) {
        int64_t begin = attrs->begin.values[i], count = attrs->count.values[i];
        int64_t step = strided ? attrs->step.values[i] : 1;
        int64_t last = begin + (count - 1) * step;
        if (count < 0 || step == 0 || begin < 0 ||
            (count == 0 ? begin > in->dims[i]
                        : begin >= in->dims[i] || last < 0 || last >= in->dims[i]))
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "%lld elements from %lld, %lld apart, on an axis of %d",
                              (long long)count, (long long)begin, (long long)step, in->dims[i]);
    }
    return TENON_OK;
}

enum tenon_status tenon_infer_slice(const struct tenon_op_call *call, struct tenon_error *error) {
    struct tenon_shape shape;
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK)
        status = check_axes(call, false, error);
    if (status == TENON_OK)
        status = tenon_shape_from_list(&call->attrs->count, &shape, error);
    return status == TENON_OK ? tenon_set_shape(call, 0, &shape, error) : status;
}

enum tenon_status tenon_infer_strided_slice(const struct tenon_op_call *call,
                                            struct tenon_error *error) {
    const struct tenon_list *count = &call->attrs->count;
    uint32_t dropped;
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK)
        status = check_axes(call, true, error);
    if (status == TENON_OK)
        status =
            tenon_axes_mask(&call->attrs->axes, tenon_in(call, 0)->shape.rank, &dropped, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = {0};
    for (int i = 0; i < count->count; i++) {
        if ((dropped >> i & 1) == 0)
            shape.dims[shape.rank++] = count->values[i];
        else if (count->values[i] != 1)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "axis %d is dropped with %d elements",
                              i, count->values[i]);
    }
    return tenon_set_shape(call, 0, &shape, error);
}

static void cut(const struct tenon_op_call *call, bool strided) {
    const struct tenon_desc *in = tenon_in(call, 0);
    const struct tenon_attrs *attrs = call->attrs;
    struct tenon_move move = {.element = tenon_element_bytes(in), .rank = in->shape.rank};
    struct tenon_shape box = {.rank = in->shape.rank};
    tenon_dense_strides(&in->shape, move.from_stride);
    for (int i = 0; i < move.rank; i++) {
        move.dims[i] = box.dims[i] = attrs->count.values[i];
        move.from_at += attrs->begin.values[i] * move.from_stride[i];
        move.from_stride[i] *= strided ? attrs->step.values[i] : 1;
    }
    tenon_dense_strides(&box, move.to_stride);
    tenon_move_run(&move, call->outputs[0].data, tenon_in_data(call, 0));
}

enum tenon_status tenon_reference_slice(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    (void)error;
    cut(call, false);
    return TENON_OK;
}

enum tenon_status tenon_reference_strided_slice(const struct tenon_op_call *call,
                                                struct tenon_error *error) {
    (void)error;
    cut(call, true);
    return TENON_OK;
}
