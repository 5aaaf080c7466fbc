/* Checks, multipliers and the epilogue of linear operators. */
#include "op/linear.h"

#include <string.h>

enum tenon_linear_kind tenon_linear_kind(const struct tenon_op_call *call) {
    if (tenon_in(call, 0)->type != TENON_TYPE_F32)
        return TENON_LINEAR_INTEGER;
    return tenon_in(call, 1)->type == TENON_TYPE_F32 ? TENON_LINEAR_FLOAT : TENON_LINEAR_DYNAMIC;
}

static enum tenon_status check_weights(const struct tenon_desc *weights, int32_t channels,
                                       int32_t axis, struct tenon_error *error) {
    const struct tenon_quant *quant = &weights->quant;
    if (quant->count != 1 &&
        (quant->count != (uint32_t)channels || (quant->axis != axis && channels > 1)))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "weights have %u scales on axis %d where 1 or %d on axis %d are needed",
                          quant->count, quant->axis, channels, axis);
    for (uint32_t i = 0; i < quant->count; i++)
        if (weights->type != TENON_TYPE_U8 && quant->zero_point[i] != 0)
            return tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                              "%s weights with the zero point %d: 0 is needed",
                              tenon_type_text(weights->type), quant->zero_point[i]);
    if (weights->type == TENON_TYPE_U8 && quant->count != 1)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "u8 weights with a scale per channel");
    return TENON_OK;
}

static enum tenon_status check_integer(const struct tenon_op_call *call, int32_t channels,
                                       int32_t axis, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *weights = tenon_in(call, 1);
    const struct tenon_desc *bias = tenon_in(call, 2), *out = tenon_out(call, 0);
    uint32_t bias_types = TENON_TYPE_BIT(I32);
    if (in->type == TENON_TYPE_I16)
        bias_types |= TENON_TYPE_BIT(I64);
    enum tenon_status status =
        tenon_require_type(in, TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16), "the input", error);
    if (status == TENON_OK)
        status = tenon_require_type(weights, TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I4), "weights",
                                    error);
    if (status == TENON_OK && out->type != in->type)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "an input of %s and an output of %s",
                            tenon_type_text(in->type), tenon_type_text(out->type));
    if (status == TENON_OK)
        status = tenon_require_quantized(call, 1, error);
    if (status == TENON_OK && bias != NULL)
        status = tenon_require_type(bias, bias_types, "bias", error);
    return status == TENON_OK ? check_weights(weights, channels, axis, error) : status;
}

static enum tenon_status check_float(const struct tenon_op_call *call, int32_t channels,
                                     int32_t axis, struct tenon_error *error) {
    const struct tenon_desc *weights = tenon_in(call, 1), *bias = tenon_in(call, 2);
    enum tenon_status status =
        tenon_require_type(tenon_out(call, 0), TENON_TYPE_BIT(F32), "the output", error);
    if (status == TENON_OK && bias != NULL)
        status = tenon_require_type(bias, TENON_TYPE_BIT(F32), "bias", error);
    if (status != TENON_OK || weights->type == TENON_TYPE_F32)
        return status;
    status = tenon_require_type(weights, TENON_TYPE_BIT(I8) | TENON_TYPE_BIT(I4), "weights", error);
    return status == TENON_OK ? check_weights(weights, channels, axis, error) : status;
}

enum tenon_status tenon_linear_check(const struct tenon_op_call *call, int32_t channels,
                                     int32_t axis, enum tenon_linear_kind *kind,
                                     struct tenon_error *error) {
    const struct tenon_desc *bias = tenon_in(call, 2);
    if (bias != NULL && tenon_desc_element_count(bias) != (size_t)channels)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%zu biases for %d channels",
                          tenon_desc_element_count(bias), channels);
    if (call->attrs->activation == TENON_ACTIVATION_TANH)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a fused tanh");
    *kind = tenon_linear_kind(call);
    if (*kind == TENON_LINEAR_INTEGER)
        return check_integer(call, channels, axis, error);
    return check_float(call, channels, axis, error);
}

void tenon_epilogue_init(struct tenon_epilogue *epilogue, const struct tenon_op_call *call,
                         const struct tenon_multiplier *multipliers) {
    const struct tenon_desc *bias = tenon_in(call, 2), *out = tenon_out(call, 0);
    *epilogue = (struct tenon_epilogue){
        .multipliers = multipliers,
        .bias = bias != NULL ? tenon_in_data(call, 2) : NULL,
        .bias_type = bias != NULL ? bias->type : TENON_TYPE_NONE,
        .wide = out->type == TENON_TYPE_I16 && (bias == NULL || bias->type == TENON_TYPE_I64),
        .type = out->type,
        .rounding = call->rounding,
        .zero_point = tenon_desc_zero_point(out),
    };
    tenon_activation_range((enum tenon_activation)call->attrs->activation, out, &epilogue->low,
                           &epilogue->high);
}

void tenon_epilogue_derive(struct tenon_epilogue *epilogue, const struct tenon_op_call *call,
                           int32_t channels, bool float_product,
                           struct tenon_multiplier *multipliers) {
    const struct tenon_desc *weights = tenon_in(call, 1);
    bool in_float = float_product || weights->type == TENON_TYPE_U8;
    for (int32_t c = 0; c < channels; c++) {
        if (c > 0 && weights->quant.count == 1)
            multipliers[c] = multipliers[0];
        else
            multipliers[c] = tenon_multiplier_from_double(tenon_product_scale(
                tenon_in(call, 0), weights, tenon_out(call, 0), (uint32_t)c, in_float));
    }
    tenon_epilogue_init(epilogue, call, multipliers);
}

static int64_t bias_at(const struct tenon_epilogue *epilogue, int32_t channel) {
    if (epilogue->bias == NULL)
        return 0;
    if (epilogue->bias_type == TENON_TYPE_I64)
        return ((const int64_t *)epilogue->bias)[channel];
    return ((const int32_t *)epilogue->bias)[channel];
}

void tenon_epilogue_store(const struct tenon_epilogue *epilogue, int64_t sum, int32_t channel,
                          void *output, size_t index) {
    const struct tenon_multiplier *m = &epilogue->multipliers[channel];
    sum = (int64_t)((uint64_t)sum + (uint64_t)bias_at(epilogue, channel));
    int32_t scaled = epilogue->wide ? tenon_requantize_i64(sum, m, epilogue->rounding)
                                    : tenon_requantize((int32_t)sum, m, epilogue->rounding);
    int64_t shifted = (int64_t)scaled + epilogue->zero_point;
    int32_t value = shifted < epilogue->low    ? epilogue->low
                    : shifted > epilogue->high ? epilogue->high
                                               : (int32_t)shifted;
    if (epilogue->type == TENON_TYPE_I16)
        ((int16_t *)output)[index] = (int16_t)value;
    else
        ((uint8_t *)output)[index] = (uint8_t)value; /* the same bits for i8 */
}

void tenon_linear_load_weights(const struct tenon_op_call *call, size_t count, int16_t *out) {
    const struct tenon_desc *weights = tenon_in(call, 1);
    const uint8_t *data = tenon_in_data(call, 1);
    int32_t zero = tenon_desc_zero_point(weights);
    if (weights->type == TENON_TYPE_I4) {
        for (size_t i = 0; i < count; i++)
            out[i] = tenon_load_i4(data, i);
    } else if (weights->type == TENON_TYPE_U8) {
        for (size_t i = 0; i < count; i++)
            out[i] = (int16_t)(data[i] - zero);
    } else {
        for (size_t i = 0; i < count; i++)
            out[i] = ((const int8_t *)data)[i];
    }
}

void tenon_linear_load_input(const struct tenon_op_call *call, size_t first, size_t count,
                             int16_t *restrict out) {
    const struct tenon_desc *in = tenon_in(call, 0);
    int32_t zero = tenon_desc_zero_point(in);
    if (in->type == TENON_TYPE_I16) {
        memcpy(out, (const int16_t *)tenon_in_data(call, 0) + first, count * sizeof(*out));
    } else if (in->type == TENON_TYPE_U8) {
        const uint8_t *data = (const uint8_t *)tenon_in_data(call, 0) + first;
        for (size_t i = 0; i < count; i++)
            out[i] = (int16_t)(data[i] - zero);
    } else {
        const int8_t *data = (const int8_t *)tenon_in_data(call, 0) + first;
        for (size_t i = 0; i < count; i++)
            out[i] = (int16_t)(data[i] - zero);
    }
}

/* Products of 8-bit operands stay below 2^16, so this many of them fit 32 bits. */
enum { NARROW_MAX = 32768 };

static int32_t dot_narrow(const int16_t *a, const int16_t *b, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

int64_t tenon_dot_i16(const int16_t *a, const int16_t *b, size_t count, bool wide) {
    if (!wide && count <= NARROW_MAX)
        return dot_narrow(a, b, count);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (int64_t)a[i] * b[i];
    return sum;
}

float tenon_dynamic_weight_scale(const struct tenon_desc *weights, int32_t channel) {
    return weights->quant.scale[weights->quant.count > 1 ? channel : 0];
}

void tenon_dynamic_input_init(struct tenon_dynamic_input *input, const struct tenon_op_call *call,
                              size_t first, size_t count, bool asymmetric, int8_t *quantized) {
    tenon_quantize_dynamic((const float *)tenon_in_data(call, 0) + first, count, asymmetric,
                           quantized, &input->dynamic.scale, &input->dynamic.zero_point);
    input->one = 1;
    input->desc = *tenon_in(call, 0);
    input->desc.type = TENON_TYPE_I8;
    input->desc.quant = (struct tenon_quant){1, 0, &input->one, &input->dynamic.zero_point};
    memcpy(input->operands, call->inputs, call->input_count * sizeof(*call->inputs));
    input->operands[0] = (struct tenon_operand){.desc = &input->desc, .data = quantized};
    input->call = *call;
    input->call.inputs = input->operands;
}

void tenon_linear_transpose_f32(const float *weights, size_t taps, int32_t channels, float *out) {
    for (int32_t c = 0; c < channels; c++)
        for (size_t k = 0; k < taps; k++)
            out[k * (size_t)channels + (size_t)c] = weights[(size_t)c * taps + k];
}
