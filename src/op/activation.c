/*
 * Activations, element by element, of the types that TFLite has them for. For 8 bits logistic,
 * tanh, elu and gelu are tables of the rounded real function (lookup.h), gelu also for 16; the relu
 * family, leaky_relu, prelu and hard_swish have integer forms of their own (kernels/activations.cc,
 * reference/hard_swish.h, leaky_relu.h, prelu.h); 16-bit logistic and tanh are in sigmoid.c.
 */
#include <math.h>

#include "op/elementwise.h"
#include "op/kernel.h"
#include "op/lookup.h"
#include "op/rules.h"
#include "op/sigmoid.h"

static uint32_t types_of(enum tenon_op op) {
    uint32_t types = TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I8);
    if (op != TENON_OP_ELU)
        types |= TENON_TYPE_BIT(U8);
    if (op == TENON_OP_LOGISTIC || op == TENON_OP_TANH || op == TENON_OP_LEAKY_RELU ||
        op == TENON_OP_RELU || op == TENON_OP_RELU6 || op == TENON_OP_GELU)
        types |= TENON_TYPE_BIT(I16);
    return types;
}

enum tenon_status tenon_infer_activation(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    enum tenon_status status = tenon_require_type(in, types_of(call->op), "the input", error);
    if (status == TENON_OK && out->type != in->type)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "input and output differ in type");
    if (status == TENON_OK && in->type != TENON_TYPE_F32)
        status = tenon_require_quantized(call, 1, error);
    bool sigmoid = call->op == TENON_OP_LOGISTIC || call->op == TENON_OP_TANH;
    if (status == TENON_OK && in->type == TENON_TYPE_I16 && sigmoid &&
        tenon_desc_scale(out) != 1.0f / 32768)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "the output needs the scale 1/32768");
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

/* ---- real functions ---- */

/* TFLite's reference logistic cuts off where float32 has no more to say (reference/logistic.h). */
static float logistic(float x) {
    const float upper = 16.619047164916992188f, lower = -9.f;
    if (x > upper)
        return 1.0f;
    return x < lower ? expf(x) : 1.0f / (1.0f + expf(-x));
}

static float gelu(float x, bool approximate) {
    if (approximate)
        return 0.5f * x * (1.0f + tanhf(0.797884560802865f * (x + 0.044715f * x * x * x)));
    /* erfc keeps the small results of large negative x (TFLite reference/gelu.h). */
    return 0.5f * x * erfcf(x * -0.70710678118654752440f);
}

static float apply(const struct tenon_op_call *call, float x) {
    if (call->op == TENON_OP_LOGISTIC)
        return logistic(x);
    if (call->op == TENON_OP_TANH)
        return tanhf(x);
    if (call->op == TENON_OP_ELU)
        return x < 0.0f ? expm1f(x) : x;
    if (call->op == TENON_OP_GELU)
        return gelu(x, call->attrs->approximate != 0);
    if (call->op == TENON_OP_LEAKY_RELU)
        return x > 0 ? x : x * call->attrs->alpha;
    float shifted = x + 3; /* hard_swish */
    shifted = shifted < 0 ? 0 : shifted > 6 ? 6 : shifted;
    return x * shifted / 6;
}

/* For tables of 8-bit logistic: TFLite takes the plain formula there. */
static float apply_in_table(const struct tenon_op_call *call, float x) {
    return call->op == TENON_OP_LOGISTIC ? 1.0f / (1.0f + expf(-x)) : apply(call, x);
}

static enum tenon_status run_real(const struct tenon_op_call *call) {
    if (tenon_in(call, 0)->type != TENON_TYPE_F32) {
        tenon_run_table(call, apply_in_table);
        return TENON_OK;
    }
    const float *in = tenon_in_data(call, 0);
    float *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++)
        out[i] = apply(call, in[i]);
    return TENON_OK;
}

/* ---- 16-bit logistic and tanh: the input is brought to steps of 1 / (3 * 4096) ---- */

struct sigmoid_scale {
    int32_t multiplier, shift;
};

static struct sigmoid_scale sigmoid_scale_of(const struct tenon_op_call *call) {
    enum { INTEGER_BITS = 3 };
    float scale = tenon_desc_scale(tenon_in(call, 0));
    float log_2 = logf(scale) * (1.0f / logf(2.0f)), rounded = roundf(log_2);
    int32_t left = 15 - INTEGER_BITS + (int32_t)rounded;
    bool power_of_two = fabsf(log_2 - rounded) < 1e-3f; /* TFLite CheckedLog2 */
    bool direct = power_of_two && (left == 0 || (left == 1 && call->op == TENON_OP_TANH));
    if (direct) /* a multiplier of 3 is exact */
        return (struct sigmoid_scale){3 * (1 << left), 0};
    double multiplier = (double)scale * 4096.0 * 3.0;
    struct sigmoid_scale s = {0, 0};
    while (multiplier <= 32767.0 / 2.0 && s.shift <= 30) {
        s.shift++;
        multiplier *= 2.0;
    }
    s.multiplier = (int32_t)fmin(multiplier, 32767.0);
    return s;
}

static enum tenon_status run_sigmoid_i16(const struct tenon_op_call *call) {
    struct sigmoid_scale s = sigmoid_scale_of(call);
    const int16_t *in = tenon_in_data(call, 0);
    int16_t *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++)
        out[i] = call->op == TENON_OP_TANH ? tenon_tanh_i16(in[i], s.multiplier, s.shift)
                                           : tenon_logistic_i16(in[i], s.multiplier, s.shift);
    return TENON_OK;
}

enum tenon_status tenon_reference_logistic(const struct tenon_op_call *call,
                                           struct tenon_error *error) {
    (void)error;
    return tenon_in(call, 0)->type == TENON_TYPE_I16 ? run_sigmoid_i16(call) : run_real(call);
}

enum tenon_status tenon_reference_tanh(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    return tenon_reference_logistic(call, error);
}

enum tenon_status tenon_reference_elu(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)error;
    return run_real(call);
}

enum tenon_status tenon_reference_gelu(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    return run_real(call);
}

/* ---- the relu family ---- */

static void bounds_of(enum tenon_op op, float *low, float *high) {
    *low = op == TENON_OP_RELU_N1_TO_1 ? -1 : 0;
    *high = op == TENON_OP_RELU6 ? 6 : op == TENON_OP_RELU ? INFINITY : 1;
}

static int32_t quantized_bound(const struct tenon_desc *out, float bound, int32_t unbounded) {
    float steps = roundf(bound / tenon_desc_scale(out));
    if (!(fabsf(steps) < 1e9f))
        return unbounded;
    return tenon_desc_zero_point(out) + (int32_t)steps;
}

static void relu_quantized(const struct tenon_op_call *call) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    float low_real, high_real;
    bounds_of(call->op, &low_real, &high_real);
    int32_t low = tenon_type_min(out->type), high = tenon_type_max(out->type);
    int32_t bound_low = quantized_bound(out, low_real, low);
    int32_t bound_high = quantized_bound(out, high_real, high);
    low = bound_low > low ? bound_low : low;
    high = bound_high < high ? bound_high : high;
    float factor = tenon_desc_scale(in) / tenon_desc_scale(out);
    struct tenon_multiplier m = tenon_multiplier_from_double((double)factor);
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++) {
        int32_t centred =
            tenon_load_small(in, tenon_in_data(call, 0), i) - tenon_desc_zero_point(in);
        int64_t value =
            (int64_t)tenon_requantize(centred, &m, call->rounding) + tenon_desc_zero_point(out);
        value = value < low ? low : value;
        tenon_store_small(out, call->outputs[0].data, i, value > high ? high : (int32_t)value);
    }
}

enum tenon_status tenon_reference_relu(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    if (tenon_in(call, 0)->type != TENON_TYPE_F32) {
        relu_quantized(call);
        return TENON_OK;
    }
    float low, high;
    bounds_of(call->op, &low, &high);
    const float *in = tenon_in_data(call, 0);
    float *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++)
        out[i] = tenon_clamp_f32(in[i], low, high);
    return TENON_OK;
}

/* ---- leaky_relu and prelu: the negative side has a factor of its own ---- */

/* A factor of any sign: TFLite rounds the product with the sign in it. */
static struct tenon_multiplier signed_multiplier(double real) {
    struct tenon_multiplier m = tenon_multiplier_from_double(fabs(real));
    if (real < 0) {
        m.multiplier = -m.multiplier;
        m.real = -m.real;
    }
    return m;
}

enum tenon_status tenon_reference_leaky_relu(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    if (in->type == TENON_TYPE_F32)
        return run_real(call);
    float in_scale = tenon_desc_scale(in), out_scale = tenon_desc_scale(out);
    float alpha_factor = in_scale * call->attrs->alpha / out_scale;
    struct tenon_multiplier identity = tenon_multiplier_from_double((double)(in_scale / out_scale));
    struct tenon_multiplier alpha = signed_multiplier((double)alpha_factor);
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++) {
        int32_t centred =
            tenon_load_small(in, tenon_in_data(call, 0), i) - tenon_desc_zero_point(in);
        int32_t value = tenon_requantize(centred, centred < 0 ? &alpha : &identity, call->rounding);
        tenon_store_clamped(out, call->outputs[0].data, i,
                            (int64_t)value + tenon_desc_zero_point(out));
    }
    return TENON_OK;
}

enum tenon_status tenon_infer_prelu(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *alpha = tenon_in(call, 1);
    struct tenon_shape shape;
    enum tenon_status status = tenon_require_type(
        in, TENON_TYPE_BIT(F32) | TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16), "the input", error);
    /* As weights of 16-bit activations, alpha has 8 bits then. */
    enum tenon_type alpha_type = in->type == TENON_TYPE_I16 ? TENON_TYPE_I8 : in->type;
    if (status == TENON_OK && (alpha->type != alpha_type || tenon_out(call, 0)->type != in->type))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "an input of %s by an alpha of %s",
                            tenon_type_text(in->type), tenon_type_text(alpha->type));
    if (status == TENON_OK && in->type != TENON_TYPE_F32)
        status = tenon_require_quantized(call, 2, error);
    if (status == TENON_OK && (!tenon_broadcast_shape(&in->shape, &alpha->shape, &shape) ||
                               !tenon_shape_equal(&shape, &in->shape)))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "alpha does not broadcast to the input");
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

/* TFLite reference/prelu.h: alpha * x is rescaled by its own factor. */
static void prelu_element(const struct tenon_op_call *call, size_t i, size_t alpha_index,
                          const struct tenon_multiplier *identity,
                          const struct tenon_multiplier *product) {
    const struct tenon_desc *in = tenon_in(call, 0), *alpha = tenon_in(call, 1);
    const struct tenon_desc *out = tenon_out(call, 0);
    if (in->type == TENON_TYPE_F32) {
        float x = ((const float *)tenon_in_data(call, 0))[i];
        float slope = ((const float *)tenon_in_data(call, 1))[alpha_index];
        ((float *)call->outputs[0].data)[i] = x >= 0.0f ? x : x * slope;
        return;
    }
    int32_t x = tenon_load_small(in, tenon_in_data(call, 0), i) - tenon_desc_zero_point(in);
    int32_t slope =
        tenon_load_small(alpha, tenon_in_data(call, 1), alpha_index) - tenon_desc_zero_point(alpha);
    int32_t value = x >= 0 ? tenon_requantize(x, identity, call->rounding)
                           : tenon_requantize(x * slope, product, call->rounding);
    tenon_store_clamped(out, call->outputs[0].data, i, (int64_t)value + tenon_desc_zero_point(out));
}

enum tenon_status tenon_reference_prelu(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *alpha = tenon_in(call, 1);
    const struct tenon_shape *shapes[] = {&in->shape, &alpha->shape};
    float in_scale = tenon_desc_scale(in), out_scale = tenon_desc_scale(tenon_out(call, 0));
    struct tenon_multiplier identity = tenon_multiplier_from_double((double)(in_scale / out_scale));
    float product_scale = in_scale * tenon_desc_scale(alpha) / out_scale;
    struct tenon_multiplier product = tenon_multiplier_from_double((double)product_scale);
    struct tenon_broadcast broadcast;
    int32_t index[TENON_MAX_RANK] = {0};
    size_t offsets[2] = {0}, count = tenon_desc_element_count(in);
    tenon_broadcast_init(&broadcast, &in->shape, shapes, 2);
    for (size_t i = 0; i < count; i++) {
        prelu_element(call, i, offsets[1], &identity, &product);
        tenon_broadcast_next(&broadcast, index, offsets, 2);
    }
    return TENON_OK;
}

/* ---- hard_swish, in 16 bits ---- */

static int16_t saturate_i16(int64_t x) {
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}

/* Doubling high multiply of 16 bits, rounded or not. */
static int16_t high_multiply_i16(int16_t a, int16_t b, bool rounded) {
    if (a == INT16_MIN && b == INT16_MIN)
        return INT16_MAX;
    int32_t product = (int32_t)a * b;
    int32_t nudge = !rounded ? 0 : product >= 0 ? 1 << 14 : 1 - (1 << 14);
    return (int16_t)((product + nudge) / (1 << 15));
}

/* gemmlowp's RoundingDivideByPOT of 16 bits: from 16 places on its mask has no room, and what is
 * left of a number is its sign, or 1. */
static int16_t shift_right_i16(int16_t x, int32_t exponent) {
    if (exponent > 15)
        return x < 0 ? -1 : 1;
    return (int16_t)tenon_rounding_shift_right(x, exponent);
}

/* A real factor with a multiplier of 16 bits. */
struct factor_i16 {
    int16_t multiplier;
    int32_t shift;
};

static struct factor_i16 factor_i16_of(float real) {
    struct tenon_multiplier m = tenon_multiplier_from_double((double)real);
    bool top = m.multiplier >= INT32_MAX - (1 << 15);
    return (struct factor_i16){top ? INT16_MAX : (int16_t)((m.multiplier + (1 << 15)) >> 16),
                               m.shift};
}

/* The factor to the output's scale, where x >= 3. TFLite wants it to shrink. */
static struct factor_i16 hard_swish_output(const struct tenon_op_call *call) {
    float fine = (1.0f / 128.0f) * tenon_desc_scale(tenon_in(call, 0));
    return factor_i16_of(fine / tenon_desc_scale(tenon_out(call, 0)));
}

enum tenon_status tenon_infer_hard_swish(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    enum tenon_status status = tenon_infer_activation(call, error);
    if (status == TENON_OK && tenon_in(call, 0)->type != TENON_TYPE_F32 &&
        hard_swish_output(call).shift > 0)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                          "an output scale below 1/128 of the input's");
    return status;
}

/* (x + 3) / 6 between 0 and 1, in steps of 2^-15. */
static int16_t reluish_of(const struct factor_i16 *factor, int16_t x) {
    int32_t left = factor->shift;
    int16_t value = x;
    if (left > 0)
        value = saturate_i16((int64_t)value * (INT64_C(1) << (left - 1)));
    value = high_multiply_i16(value, factor->multiplier, true);
    if (left > 0)
        value = saturate_i16((int64_t)value * 2);
    if (left < 0)
        value = shift_right_i16(value, -left);
    return (int16_t)((value + (1 << 15)) >> 1);
}

enum tenon_status tenon_reference_hard_swish(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    if (in->type == TENON_TYPE_F32)
        return run_real(call);
    const float unit = 3.0f / 32768.0f;
    struct factor_i16 reluish = factor_i16_of((1.0f / 128.0f) * tenon_desc_scale(in) / unit);
    struct factor_i16 output = hard_swish_output(call);
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++) {
        int32_t x = tenon_load_small(in, tenon_in_data(call, 0), i) - tenon_desc_zero_point(in);
        int16_t fine_x = (int16_t)(x * (1 << 7));
        int16_t scaled = high_multiply_i16(fine_x, output.multiplier, true);
        int16_t product = high_multiply_i16(reluish_of(&reluish, fine_x), scaled, false);
        tenon_store_clamped(out, call->outputs[0].data, i,
                            (int64_t)shift_right_i16(product, -output.shift) +
                                tenon_desc_zero_point(out));
    }
    return TENON_OK;
}
