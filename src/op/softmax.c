/*
 * softmax and log_softmax over the last axis. Sources: TFLite reference/softmax.h (8 bits: fixed
 * point; 16 bits: tables), reference/log_softmax.h.
 */
#include <math.h>

#include "op/fixed_point.h"
#include "op/kernel.h"
#include "op/rules.h"

enum { DIFF_BITS = 5, SUM_BITS = 12 };

enum tenon_status tenon_infer_softmax(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    uint32_t types = TENON_TYPE_BIT(F32);
    if (call->op == TENON_OP_SOFTMAX)
        types |= TENON_TYPES_QUANTIZED8;
    enum tenon_status status = tenon_require_type(in, types, "the input", error);
    if (status != TENON_OK)
        return status;
    if (in->shape.rank < 1 || in->shape.dims[in->shape.rank - 1] < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the input needs a last axis");
    bool wider = in->type == TENON_TYPE_I8 && out->type == TENON_TYPE_I16;
    if (out->type != in->type && !wider)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "an input of %s and an output of %s",
                          tenon_type_text(in->type), tenon_type_text(out->type));
    if (in->type != TENON_TYPE_F32) {
        status = tenon_require_per_tensor(in, "the input", error);
        if (status == TENON_OK)
            status = tenon_require_per_tensor(out, "the output", error);
        if (status == TENON_OK && tenon_desc_zero_point(out) != tenon_type_min(out->type))
            status = tenon_fail(error, TENON_ERROR_BAD_MODEL,
                                "the output's zero point is %d where a softmax needs %d",
                                tenon_desc_zero_point(out), tenon_type_min(out->type));
    }
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

/* The factor of differences, and below which difference the exponential is 0. */
struct scaling {
    struct tenon_multiplier multiplier;
    int32_t least;
};

static struct scaling scaling_of(const struct tenon_op_call *call) {
    double real = (double)call->attrs->beta * (double)tenon_desc_scale(tenon_in(call, 0)) *
                  (double)(1 << (31 - DIFF_BITS));
    struct scaling s;
    s.multiplier = tenon_multiplier_from_double(fmin(real, 2147483647.0));
    if (s.multiplier.shift < 0)
        s.multiplier.shift = 0;
    double radius = (double)((1 << DIFF_BITS) - 1) * (double)(1 << (31 - DIFF_BITS)) /
                    (double)(INT64_C(1) << s.multiplier.shift);
    s.least = -(int32_t)floor(radius);
    return s;
}

static int32_t load(const struct tenon_desc *desc, const void *data, size_t i) {
    return desc->type == TENON_TYPE_I8 ? ((const int8_t *)data)[i] : ((const uint8_t *)data)[i];
}

static int32_t exp_of(const struct scaling *s, int32_t difference) {
    int32_t scaled = tenon_doubling_high_multiply(
        (int32_t)((uint32_t)difference << s->multiplier.shift), s->multiplier.multiplier);
    return tenon_fixed_exp_negative(scaled);
}

static void store(const struct tenon_desc *desc, void *data, size_t i, int32_t value) {
    int32_t low = tenon_type_min(desc->type), high = tenon_type_max(desc->type);
    value = tenon_clamp_i32(value, low, high);
    if (desc->type == TENON_TYPE_I16)
        ((int16_t *)data)[i] = (int16_t)value;
    else
        ((uint8_t *)data)[i] = (uint8_t)value;
}

static void row_8bit(const struct tenon_op_call *call, const struct scaling *s, size_t first,
                     size_t depth) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    const void *data = tenon_in_data(call, 0);
    int32_t largest = tenon_type_min(in->type), over_unit;
    uint32_t sum = 0;
    for (size_t i = 0; i < depth; i++) {
        int32_t value = load(in, data, first + i);
        largest = value > largest ? value : largest;
    }
    for (size_t i = 0; i < depth; i++) {
        int32_t difference = load(in, data, first + i) - largest;
        if (difference >= s->least)
            sum += (uint32_t)tenon_rounding_shift_right(exp_of(s, difference), SUM_BITS);
    }
    if (sum == 0) /* more than 2^12 equal largest values wrap in TFLite; keep it defined */
        sum = 1;
    int32_t scale = tenon_fixed_reciprocal((int32_t)sum, SUM_BITS, &over_unit);
    int32_t shift = over_unit + 31 - (int32_t)tenon_type_bit_count(out->type);
    for (size_t i = 0; i < depth; i++) {
        int32_t difference = load(in, data, first + i) - largest;
        int32_t value = 0;
        if (difference >= s->least && shift <= 31)
            value = tenon_rounding_shift_right(
                tenon_doubling_high_multiply(scale, exp_of(s, difference)), shift < 0 ? 0 : shift);
        store(out, call->outputs[0].data, first + i, value + tenon_type_min(out->type));
    }
}

static void row_f32(const struct tenon_op_call *call, size_t first, size_t depth) {
    const float *in = (const float *)tenon_in_data(call, 0) + first;
    float *out = (float *)call->outputs[0].data + first;
    float largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < depth; i++)
        largest = in[i] > largest ? in[i] : largest;
    for (size_t i = 0; i < depth; i++) {
        out[i] = expf((in[i] - largest) * call->attrs->beta);
        sum += out[i];
    }
    for (size_t i = 0; i < depth; i++)
        out[i] = out[i] / sum;
}

static void log_row_f32(const struct tenon_op_call *call, size_t first, size_t depth) {
    const float *in = (const float *)tenon_in_data(call, 0) + first;
    float *out = (float *)call->outputs[0].data + first;
    float largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < depth; i++)
        largest = in[i] > largest ? in[i] : largest;
    for (size_t i = 0; i < depth; i++)
        sum += expf(in[i] - largest);
    float log_sum = logf(sum);
    for (size_t i = 0; i < depth; i++)
        out[i] = in[i] - largest - log_sum;
}

enum tenon_status tenon_reference_softmax(const struct tenon_op_call *call,
                                          struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    size_t depth = (size_t)in->shape.dims[in->shape.rank - 1];
    size_t count = tenon_desc_element_count(in);
    struct scaling s = scaling_of(call);
    for (size_t first = 0; first < count; first += depth) {
        if (in->type == TENON_TYPE_F32)
            row_f32(call, first, depth);
        else
            row_8bit(call, &s, first, depth);
    }
    return TENON_OK;
}

enum tenon_status tenon_reference_log_softmax(const struct tenon_op_call *call,
                                              struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    size_t depth = (size_t)in->shape.dims[in->shape.rank - 1];
    size_t count = tenon_desc_element_count(in);
    for (size_t first = 0; first < count; first += depth)
        log_row_f32(call, first, depth);
    return TENON_OK;
}
