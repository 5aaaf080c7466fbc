/*
 * Joining and cutting along an axis: concatenation, split, pack, unpack. Differing scales of
 * uint8 concatenations are requantized in float32 (TFLite reference/concatenation.h,
 * ConcatenationWithScaling); TFLite asks for equal ones of every other type.
 */
#include "op/move.h"
#include "op/rules.h"

#include <math.h>
#include <string.h>

static enum tenon_status require_joinable(const struct tenon_op_call *call, uint32_t i,
                                          struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, i), *out = tenon_out(call, 0);
    enum tenon_status status = tenon_require_movable(call, i, 0, error);
    if (status != TENON_OK)
        return status;
    if (!tenon_is_quantized(in) && !tenon_is_quantized(out))
        return TENON_OK;
    if (in->quant.count > 1 || out->quant.count > 1)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "operands with scales per channel");
    if (tenon_desc_scale(in) == tenon_desc_scale(out) &&
        tenon_desc_zero_point(in) == tenon_desc_zero_point(out))
        return TENON_OK;
    if (in->type == TENON_TYPE_U8 && in->quant.count == 1 && out->quant.count == 1 &&
        call->op == TENON_OP_CONCATENATION)
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                      "input %u and the output differ in scale or zero point", i);
}

enum tenon_status tenon_infer_concatenation(const struct tenon_op_call *call,
                                            struct tenon_error *error) {
    struct tenon_shape shape = tenon_in(call, 0)->shape;
    int32_t axis = call->attrs->axis;
    enum tenon_status status = tenon_require_axis(axis, shape.rank, error);
    if (status == TENON_OK && call->attrs->activation != TENON_ACTIVATION_NONE)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a fused activation");
    if (status == TENON_OK)
        status = require_joinable(call, 0, error);
    for (uint32_t i = 1; status == TENON_OK && i < call->input_count; i++) {
        const struct tenon_shape *in = &tenon_in(call, i)->shape;
        struct tenon_shape expected = shape;
        if (in->rank == shape.rank)
            expected.dims[axis] = in->dims[axis];
        if (!tenon_shape_equal(in, &expected) ||
            __builtin_add_overflow(shape.dims[axis], in->dims[axis], &shape.dims[axis]))
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the shape of input %u does not fit",
                              i);
        status = require_joinable(call, i, error);
    }
    return status == TENON_OK ? tenon_set_shape(call, 0, &shape, error) : status;
}

static void requantize_u8(const struct tenon_desc *in, const struct tenon_desc *out,
                          const uint8_t *from, uint8_t *to, size_t count) {
    float inverse = 1.0f / tenon_desc_scale(out);
    float scale = tenon_desc_scale(in) * inverse;
    float bias = (float)-tenon_desc_zero_point(in) * scale;
    for (size_t i = 0; i < count; i++) {
        float value = roundf((float)from[i] * scale + bias) + (float)tenon_desc_zero_point(out);
        to[i] = (uint8_t)(value > 255 ? 255 : value >= 0 ? value : 0);
    }
}

enum tenon_status tenon_reference_concatenation(const struct tenon_op_call *call,
                                                struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *out = tenon_out(call, 0);
    int axis = call->attrs->axis;
    size_t element = tenon_element_bytes(out);
    size_t outer = tenon_axes_elements(&out->shape, 0, axis);
    uint8_t *to = call->outputs[0].data;
    for (size_t o = 0; o < outer; o++)
        for (uint32_t i = 0; i < call->input_count; i++) {
            const struct tenon_desc *in = tenon_in(call, i);
            size_t count = tenon_axes_elements(&in->shape, axis, in->shape.rank);
            const uint8_t *from = tenon_in_data(call, i);
            if (count == 0)
                continue;
            if (in->type == TENON_TYPE_U8 &&
                (tenon_desc_scale(in) != tenon_desc_scale(out) ||
                 tenon_desc_zero_point(in) != tenon_desc_zero_point(out)))
                requantize_u8(in, out, from + o * count, to, count);
            else
                memcpy(to, from + o * count * element, count * element);
            to += count * element;
        }
    return TENON_OK;
}

static bool outputs_known(const struct tenon_op_call *call) {
    for (uint32_t i = 0; i < call->output_count; i++)
        if (tenon_out(call, i)->shape.rank == TENON_RANK_UNKNOWN)
            return false;
    return true;
}

enum tenon_status tenon_infer_split(const struct tenon_op_call *call, struct tenon_error *error) {
    struct tenon_shape shape = tenon_in(call, 0)->shape;
    int32_t axis = call->attrs->axis;
    enum tenon_status status = tenon_require_axis(axis, shape.rank, error);
    if (status != TENON_OK)
        return status;
    bool given = outputs_known(call);
    int64_t rest = shape.dims[axis], parts = call->output_count;
    if (!given && rest % parts != 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%lld elements in %lld parts",
                          (long long)rest, (long long)parts);
    shape.dims[axis] = (int32_t)(rest / parts);
    for (uint32_t i = 0; status == TENON_OK && i < call->output_count; i++) {
        const struct tenon_shape *out = &tenon_out(call, i)->shape;
        if (given && out->rank == shape.rank)
            shape.dims[axis] = out->dims[axis];
        status = tenon_require_movable(call, 0, i, error);
        if (status == TENON_OK)
            status = tenon_set_shape(call, i, &shape, error);
        rest -= shape.dims[axis];
    }
    if (status == TENON_OK && rest != 0)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "the parts do not add up to the whole");
    return status;
}

enum tenon_status tenon_reference_split(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    int axis = call->attrs->axis;
    size_t outer = tenon_axes_elements(&in->shape, 0, axis);
    const uint8_t *from = tenon_in_data(call, 0);
    for (size_t o = 0; o < outer; o++)
        for (uint32_t i = 0; i < call->output_count; i++) {
            const struct tenon_shape *part = &tenon_out(call, i)->shape;
            size_t size = tenon_axes_elements(part, axis, part->rank) * tenon_element_bytes(in);
            if (size == 0)
                continue;
            memcpy((uint8_t *)call->outputs[i].data + o * size, from, size);
            from += size;
        }
    return TENON_OK;
}

enum tenon_status tenon_infer_pack(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    int32_t axis = call->attrs->axis;
    enum tenon_status status = tenon_require_axis(axis, in->rank + 1, error);
    if (status == TENON_OK && in->rank == TENON_MAX_RANK)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "rank %d", TENON_MAX_RANK + 1);
    for (uint32_t i = 0; status == TENON_OK && i < call->input_count; i++) {
        if (!tenon_shape_equal(&tenon_in(call, i)->shape, in))
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the shape of input %u differs", i);
        status = require_joinable(call, i, error);
    }
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = {.rank = (uint8_t)(in->rank + 1)};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = i < axis    ? in->dims[i]
                        : i == axis ? (int32_t)call->input_count
                                    : in->dims[i - 1];
    return tenon_set_shape(call, 0, &shape, error);
}

enum tenon_status tenon_reference_pack(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    size_t outer = tenon_axes_elements(in, 0, call->attrs->axis);
    size_t size = tenon_axes_elements(in, call->attrs->axis, in->rank) *
                  tenon_element_bytes(tenon_in(call, 0));
    uint8_t *to = call->outputs[0].data;
    for (size_t o = 0; size != 0 && o < outer; o++)
        for (uint32_t i = 0; i < call->input_count; i++, to += size)
            memcpy(to, (const uint8_t *)tenon_in_data(call, i) + o * size, size);
    return TENON_OK;
}

enum tenon_status tenon_infer_unpack(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    int32_t axis = call->attrs->axis;
    enum tenon_status status = tenon_require_axis(axis, in->rank, error);
    if (status == TENON_OK && (int64_t)call->output_count != in->dims[axis])
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "%u outputs for an axis of size %d",
                            call->output_count, in->dims[axis]);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = {.rank = (uint8_t)(in->rank - 1)};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = in->dims[i < axis ? i : i + 1];
    for (uint32_t i = 0; status == TENON_OK && i < call->output_count; i++) {
        status = tenon_require_movable(call, 0, i, error);
        if (status == TENON_OK)
            status = tenon_set_shape(call, i, &shape, error);
    }
    return status;
}

enum tenon_status tenon_reference_unpack(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    (void)error;
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    size_t outer = tenon_axes_elements(in, 0, call->attrs->axis);
    size_t size = tenon_axes_elements(in, call->attrs->axis + 1, in->rank) *
                  tenon_element_bytes(tenon_in(call, 0));
    const uint8_t *from = tenon_in_data(call, 0);
    for (size_t o = 0; size != 0 && o < outer; o++)
        for (uint32_t i = 0; i < call->output_count; i++, from += size)
            memcpy((uint8_t *)call->outputs[i].data + o * size, from, size);
    return TENON_OK;
}
