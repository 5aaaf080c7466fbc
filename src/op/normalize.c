/*
 * l2_normalization over the last axis and local_response_normalization across channels. Sources:
 * TFLite reference/l2normalization.h, integer_ops/l2normalization.h, reference_ops.h.
 */
#include <math.h>

#include "op/elementwise.h"
#include "op/fixed_point.h"
#include "op/kernel.h"
#include "op/rules.h"

enum tenon_status tenon_infer_l2_normalization(const struct tenon_op_call *call,
                                               struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    enum tenon_status status =
        tenon_require_type(in, TENON_TYPE_BIT(F32) | TENON_TYPES_QUANTIZED8, "the input", error);
    if (status == TENON_OK && (in->type != out->type || in->shape.rank < 1))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "input and output contradict each other");
    if (status == TENON_OK && call->attrs->activation != TENON_ACTIVATION_NONE)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a fused activation");
    if (status != TENON_OK || in->type == TENON_TYPE_F32)
        return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
    int32_t zero = in->type == TENON_TYPE_U8 ? 128 : 0;
    status = tenon_require_quantized(call, 1, error);
    if (status == TENON_OK &&
        (tenon_desc_scale(out) != 1.0f / 128 || tenon_desc_zero_point(out) != zero))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL,
                            "the output needs the scale 1/128 and the zero point %d", zero);
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

static void l2_row_quantized(const struct tenon_op_call *call, size_t first, size_t depth) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    int32_t zero = tenon_desc_zero_point(in), right;
    int64_t squares = 0;
    for (size_t i = 0; i < depth; i++) {
        int32_t x = tenon_load_small(in, tenon_in_data(call, 0), first + i) - zero;
        squares += (int64_t)x * x;
    }
    int32_t fraction =
        tenon_fixed_inverse_sqrt(squares > INT32_MAX ? INT32_MAX : (int32_t)squares, &right);
    /* The factor 128 of the output's scale: of the element for u8, in the multiplier for i8. */
    int32_t element_shift = in->type == TENON_TYPE_U8 ? 7 : 0;
    struct tenon_multiplier m = tenon_fixed_multiplier(fraction, 7 - element_shift - right);
    for (size_t i = 0; i < depth; i++) {
        int32_t x = tenon_load_small(in, tenon_in_data(call, 0), first + i) - zero;
        int32_t value = tenon_requantize(x * (1 << element_shift), &m, call->rounding);
        tenon_store_clamped(out, call->outputs[0].data, first + i,
                            (int64_t)value + tenon_desc_zero_point(out));
    }
}

static void l2_row_f32(const struct tenon_op_call *call, size_t first, size_t depth) {
    const float *in = (const float *)tenon_in_data(call, 0) + first;
    float *out = (float *)call->outputs[0].data + first;
    float squares = 0;
    for (size_t i = 0; i < depth; i++)
        squares += in[i] * in[i];
    float norm = sqrtf(squares);
    norm = norm < 1e-6f ? 1e-6f : norm;
    for (size_t i = 0; i < depth; i++)
        out[i] = in[i] / norm;
}

static size_t depth_of(const struct tenon_desc *desc) {
    return (size_t)desc->shape.dims[desc->shape.rank - 1];
}

enum tenon_status tenon_reference_l2_normalization(const struct tenon_op_call *call,
                                                   struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    size_t count = tenon_desc_element_count(in), depth = depth_of(in);
    for (size_t first = 0; first < count; first += depth) {
        if (in->type == TENON_TYPE_F32)
            l2_row_f32(call, first, depth);
        else
            l2_row_quantized(call, first, depth);
    }
    return TENON_OK;
}

enum tenon_status tenon_infer_lrn(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    enum tenon_status status = tenon_require_type(in, TENON_TYPE_BIT(F32), "the input", error);
    if (status == TENON_OK)
        status = tenon_require_type(tenon_out(call, 0), TENON_TYPE_BIT(F32), "the output", error);
    if (status == TENON_OK && (in->shape.rank < 1 || call->attrs->radius < 0))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "a radius of %d over rank %u",
                            call->attrs->radius, in->shape.rank);
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

/* The window is [c - radius, c + radius], as TFLite's tests and NNAPI's specifications have it
 * (reference_ops.h leaves the last channel out). */
enum tenon_status tenon_reference_lrn(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)error;
    const struct tenon_attrs *attrs = call->attrs;
    const float *in = tenon_in_data(call, 0);
    float *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    int64_t depth = (int64_t)depth_of(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++) {
        int64_t c = (int64_t)i % depth;
        int64_t begin = c - attrs->radius, end = c + (int64_t)attrs->radius + 1;
        begin = begin < 0 ? 0 : begin;
        end = end > depth ? depth : end;
        float sum = 0;
        for (int64_t k = begin; k < end; k++)
            sum += in[(int64_t)i - c + k] * in[(int64_t)i - c + k];
        out[i] = in[i] * powf(attrs->bias + attrs->alpha * sum, -attrs->beta);
    }
    return TENON_OK;
}
