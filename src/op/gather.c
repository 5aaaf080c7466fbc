/* Elements picked by index operands: gather, gather_nd. An index outside the axis is an error. */
#include "op/move.h"
#include "op/rules.h"

#include <string.h>

static enum tenon_status require_indices(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    uint32_t types = TENON_TYPE_BIT(I16) | TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64);
    return status == TENON_OK ? tenon_require_type(tenon_in(call, 1), types, "the indices", error)
                              : status;
}

enum tenon_status tenon_infer_gather(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_shape *in = &tenon_in(call, 0)->shape, *index = &tenon_in(call, 1)->shape;
    int32_t axis = call->attrs->axis, batch = call->attrs->batch_dims;
    enum tenon_status status = require_indices(call, error);
    if (status == TENON_OK)
        status = tenon_require_axis(axis, in->rank, error);
    if (status != TENON_OK)
        return status;
    if (batch < 0 || batch > axis || batch > index->rank ||
        in->rank - 1 + index->rank - batch > TENON_MAX_RANK)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "%d batch dimensions, axis %d, indices of rank %u", batch, axis,
                          index->rank);
    struct tenon_shape shape = {0};
    for (int i = 0; i < axis; i++)
        shape.dims[shape.rank++] = in->dims[i];
    for (int i = 0; i < batch; i++)
        if (in->dims[i] != index->dims[i])
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "batch dimension %d is %d and %d", i,
                              in->dims[i], index->dims[i]);
    for (int i = batch; i < index->rank; i++)
        shape.dims[shape.rank++] = index->dims[i];
    for (int i = axis + 1; i < in->rank; i++)
        shape.dims[shape.rank++] = in->dims[i];
    return tenon_set_shape(call, 0, &shape, error);
}

static enum tenon_status bad_index(int64_t index, int32_t size, struct tenon_error *error) {
    return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "index %lld of an axis of %d",
                      (long long)index, size);
}

enum tenon_status tenon_reference_gather(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *indices = tenon_in(call, 1);
    int axis = call->attrs->axis, batch_dims = call->attrs->batch_dims;
    int32_t axis_size = in->shape.dims[axis];
    size_t batches = tenon_axes_elements(&in->shape, 0, batch_dims);
    size_t outer = tenon_axes_elements(&in->shape, batch_dims, axis);
    size_t picks = tenon_axes_elements(&indices->shape, batch_dims, indices->shape.rank);
    size_t size =
        tenon_axes_elements(&in->shape, axis + 1, in->shape.rank) * tenon_element_bytes(in);
    const uint8_t *from = tenon_in_data(call, 0);
    uint8_t *to = call->outputs[0].data;
    if (tenon_desc_element_count(tenon_out(call, 0)) == 0)
        return TENON_OK;
    for (size_t slab = 0; slab < batches * outer; slab++)
        for (size_t i = 0; i < picks; i++, to += size) {
            int64_t at =
                tenon_load_integer(indices->type, tenon_in_data(call, 1), slab / outer * picks + i);
            if (at < 0 || at >= axis_size)
                return bad_index(at, axis_size, error);
            memcpy(to, from + (slab * (size_t)axis_size + (size_t)at) * size, size);
        }
    return TENON_OK;
}

enum tenon_status tenon_infer_gather_nd(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    const struct tenon_shape *in = &tenon_in(call, 0)->shape, *index = &tenon_in(call, 1)->shape;
    enum tenon_status status = require_indices(call, error);
    if (status != TENON_OK)
        return status;
    if (in->rank < 1 || index->rank < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "operands of rank %u and %u", in->rank,
                          index->rank);
    int32_t depth = index->dims[index->rank - 1];
    if (depth > in->rank || index->rank - 1 + in->rank - depth > TENON_MAX_RANK)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "indices of %d axes into rank %u", depth,
                          in->rank);
    struct tenon_shape shape = {0};
    for (int i = 0; i + 1 < index->rank; i++)
        shape.dims[shape.rank++] = index->dims[i];
    for (int i = depth; i < in->rank; i++)
        shape.dims[shape.rank++] = in->dims[i];
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_reference_gather_nd(const struct tenon_op_call *call,
                                            struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *indices = tenon_in(call, 1);
    int last = indices->shape.rank - 1, depth = indices->shape.dims[last];
    size_t picks = tenon_axes_elements(&indices->shape, 0, last);
    size_t size = tenon_axes_elements(&in->shape, depth, in->shape.rank) * tenon_element_bytes(in);
    if (tenon_desc_element_count(tenon_out(call, 0)) == 0)
        return TENON_OK;
    for (size_t i = 0; i < picks; i++) {
        size_t from = 0;
        for (int k = 0; k < depth; k++) {
            int64_t at = tenon_load_integer(indices->type, tenon_in_data(call, 1),
                                            i * (size_t)depth + (size_t)k);
            if (at < 0 || at >= in->shape.dims[k])
                return bad_index(at, in->shape.dims[k], error);
            from = from * (size_t)in->shape.dims[k] + (size_t)at;
        }
        memcpy((uint8_t *)call->outputs[0].data + i * size,
               (const uint8_t *)tenon_in_data(call, 0) + from * size, size);
    }
    return TENON_OK;
}
