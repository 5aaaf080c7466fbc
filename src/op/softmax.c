/*
 * softmax and log_softmax over the last axis. Sources: TFLite reference/softmax.h (8 bits: fixed
 * point; 16 bits: tables), reference/log_softmax.h, integer_ops/log_softmax.h; the conditions on
 * scales are those of kernels/activations.cc.
 */
#include <math.h>

#include "op/elementwise.h"
#include "op/fixed_point.h"
#include "op/kernel.h"
#include "op/lookup.h"
#include "op/rules.h"

enum { DIFF_BITS = 5, SUM_BITS = TENON_SOFTMAX_SUM_BITS, LOG_BITS = 4 };

/* The result's scale and zero point are part of the operator. */
static enum tenon_status check_output(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *out = tenon_out(call, 0);
    bool log = call->op == TENON_OP_LOG_SOFTMAX;
    bool wide = tenon_in(call, 0)->type == TENON_TYPE_I16;
    int32_t zero = log ? tenon_type_max(out->type) : wide ? 0 : tenon_type_min(out->type);
    float scale =
        log ? 1.0f / 16 : 1.0f / (float)(1 << (wide ? 15 : tenon_type_bit_count(out->type)));
    if (tenon_desc_zero_point(out) == zero &&
        fabsf(tenon_desc_scale(out) - scale) <= (log ? 0 : 0.001f * scale))
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                      "the output needs the scale 1/%d and the zero point %d", (int)(1 / scale),
                      zero);
}

enum tenon_status tenon_infer_softmax(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    bool log = call->op == TENON_OP_LOG_SOFTMAX;
    uint32_t types = TENON_TYPE_BIT(F32) | TENON_TYPES_QUANTIZED8;
    enum tenon_status status =
        tenon_require_type(in, log ? types : types | TENON_TYPE_BIT(I16), "the input", error);
    if (status != TENON_OK)
        return status;
    if (in->shape.rank < 1 || in->shape.dims[in->shape.rank - 1] < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the input needs a last axis");
    bool narrow = in->type == TENON_TYPE_I8 || in->type == TENON_TYPE_U8;
    bool wider = !log && narrow && out->type == TENON_TYPE_I16;
    if (out->type != in->type && !wider)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "an input of %s and an output of %s",
                          tenon_type_text(in->type), tenon_type_text(out->type));
    if (in->type != TENON_TYPE_F32) {
        status = tenon_require_per_tensor(in, "the input", error);
        if (status == TENON_OK)
            status = tenon_require_per_tensor(out, "the output", error);
        if (status == TENON_OK && !wider)
            status = tenon_require_quantized(call, 1, error);
        if (status == TENON_OK)
            status = check_output(call, error);
    }
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

/* The factor of differences, and below which difference the exponential is 0. */
struct scaling {
    struct tenon_multiplier multiplier;
    int32_t least;
};

static struct scaling scaling_of(const struct tenon_desc *in, float beta) {
    double real = (double)beta * (double)tenon_desc_scale(in) * (double)(1 << (31 - DIFF_BITS));
    struct scaling s;
    s.multiplier = tenon_multiplier_from_double(fmin(real, 2147483647.0));
    if (s.multiplier.shift < 0)
        s.multiplier.shift = 0;
    double radius = (double)((1 << DIFF_BITS) - 1) * (double)(1 << (31 - DIFF_BITS)) /
                    (double)(INT64_C(1) << s.multiplier.shift);
    s.least = -(int32_t)floor(radius);
    return s;
}

/* A difference with 5 integer bits; it is not below s->least. */
static int32_t scaled_difference(const struct scaling *s, int32_t difference) {
    return tenon_doubling_high_multiply((int32_t)((uint32_t)difference << s->multiplier.shift),
                                        s->multiplier.multiplier);
}

static int32_t exp_of(const struct scaling *s, int32_t difference) {
    return tenon_fixed_exp_negative(scaled_difference(s, difference));
}

void tenon_softmax_exps(const struct tenon_desc *in, float beta,
                        int32_t exps[TENON_SOFTMAX_DIFFERENCES]) {
    struct scaling s = scaling_of(in, beta);
    for (int32_t d = 0; d < TENON_SOFTMAX_DIFFERENCES; d++)
        exps[d] = -d >= s.least ? exp_of(&s, -d) : 0;
}

static int32_t largest_of(const struct tenon_op_call *call, size_t first, size_t depth) {
    const struct tenon_desc *in = tenon_in(call, 0);
    int32_t largest = tenon_type_min(in->type);
    for (size_t i = 0; i < depth; i++) {
        int32_t value = tenon_load_small(in, tenon_in_data(call, 0), first + i);
        largest = value > largest ? value : largest;
    }
    return largest;
}

enum { DIFFERENCES = TENON_SOFTMAX_DIFFERENCES };

/* How often each difference from the largest occurs in a row of 8 bits: what depends on it is
 * computed once. */
struct histogram {
    size_t counts[DIFFERENCES]; /* of -index */
    int32_t largest;
};

static void histogram_init(struct histogram *h, const struct tenon_op_call *call, size_t first,
                           size_t depth) {
    *h = (struct histogram){.largest = largest_of(call, first, depth)};
    for (size_t i = 0; i < depth; i++)
        h->counts[h->largest -
                  tenon_load_small(tenon_in(call, 0), tenon_in_data(call, 0), first + i)]++;
}

/* With 12 integer bits. Saturates at the 4096 equal values where TFLite's sum would wrap. */
static int32_t sum_of_exps(const struct scaling *s, const struct histogram *h) {
    int64_t sum = 0;
    for (int32_t d = 0; d < DIFFERENCES && -d >= s->least; d++)
        if (h->counts[d] != 0)
            sum += (int64_t)h->counts[d] * tenon_rounding_shift_right(exp_of(s, -d), SUM_BITS);
    return sum > INT32_MAX ? INT32_MAX : (int32_t)sum;
}

static void row_8bit(const struct tenon_op_call *call, const struct scaling *s, size_t first,
                     size_t depth) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    struct histogram h;
    int32_t over_unit, values[DIFFERENCES] = {0};
    histogram_init(&h, call, first, depth);
    int32_t scale = tenon_fixed_reciprocal(sum_of_exps(s, &h), SUM_BITS, &over_unit);
    int32_t shift = over_unit + 31 - (int32_t)tenon_type_bit_count(out->type);
    for (int32_t d = 0; d < DIFFERENCES && -d >= s->least && shift <= 31; d++)
        if (h.counts[d] != 0)
            values[d] = tenon_rounding_shift_right(
                tenon_doubling_high_multiply(scale, exp_of(s, -d)), shift < 0 ? 0 : shift);
    for (size_t i = 0; i < depth; i++) {
        int32_t value = values[h.largest - tenon_load_small(in, tenon_in_data(call, 0), first + i)];
        tenon_store_clamped(out, call->outputs[0].data, first + i,
                            (int64_t)value + tenon_type_min(out->type));
    }
}

/* ---- 16 bits: exp on [-10, 0] and 1 / (1 + x) on [0, 1] are tables over all of int16 ---- */

struct tables {
    struct tenon_lookup exp, reciprocal;
    struct tenon_multiplier multiplier; /* a difference of -65535 becomes -10 */
};

static double exp_at(const void *context, double x) {
    (void)context;
    return exp(x);
}

static double reciprocal_at(const void *context, double x) {
    (void)context;
    return 1.0 / (1.0 + x);
}

static void tables_init(struct tables *t, const struct tenon_op_call *call) {
    float factor = tenon_desc_scale(tenon_in(call, 0)) * call->attrs->beta;
    t->multiplier = tenon_multiplier_from_double((double)factor / (10.0 / 65535.0));
    struct tenon_lookup_source source = {.function = exp_at,
                                         .in_scale = 10.0 / 65535,
                                         .in_zero = INT16_MAX,
                                         .out_scale = 2.0 / 65535};
    tenon_lookup_init(&t->exp, &source);
    source.function = reciprocal_at;
    source.in_scale = 1.0 / 65535;
    source.in_zero = INT16_MIN;
    tenon_lookup_init(&t->reciprocal, &source);
}

static int16_t saturate_i16(int64_t x) {
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}

static void row_16bit(const struct tenon_op_call *call, const struct tables *t, size_t first,
                      size_t depth) {
    const int16_t *in = (const int16_t *)tenon_in_data(call, 0) + first;
    int16_t *out = (int16_t *)call->outputs[0].data + first;
    int32_t largest = largest_of(call, first, depth);
    int64_t sum = 0;
    for (size_t i = 0; i < depth; i++) {
        int32_t scaled = tenon_requantize(in[i] - largest, &t->multiplier, call->rounding);
        out[i] = tenon_lookup_get(&t->exp, saturate_i16((int64_t)scaled + INT16_MAX));
        sum += out[i];
    }
    sum = sum > INT32_MAX ? INT32_MAX : sum;
    /* The sum is (1 + x) * 2^power; x in steps of 2^-16. */
    int32_t leading = __builtin_clz((uint32_t)sum), right = 31 - leading;
    int64_t unit = ((sum << (leading - 1)) + (1 << 13)) >> 14;
    int32_t scale = tenon_lookup_get(&t->reciprocal, saturate_i16(unit - (1 << 15) - (1 << 16)));
    for (size_t i = 0; i < depth; i++) {
        int64_t value = ((int64_t)out[i] * scale + (INT64_C(1) << (right - 1))) >> right;
        out[i] = saturate_i16(value < 0 ? 0 : value);
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

/* The factor back from 5 integer bits to steps of the input. */
static struct tenon_multiplier reverse_of(const struct scaling *s) {
    double unit = ldexp(1, 31 - s->multiplier.shift);
    return tenon_multiplier_from_double(unit / (double)s->multiplier.multiplier);
}

static void log_row_8bit(const struct tenon_op_call *call, const struct scaling *s, size_t first,
                         size_t depth) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    struct tenon_multiplier reverse = reverse_of(s);
    struct histogram h;
    histogram_init(&h, call, first, depth);
    int32_t log_sum = tenon_fixed_log(sum_of_exps(s, &h));
    /* Below this the difference less the logarithm does not fit 5 integer bits. */
    int32_t bound = tenon_requantize(INT32_MIN + log_sum, &reverse, TENON_ROUNDING_DOUBLE);
    bound = bound > s->least - 1 ? bound : s->least - 1;
    for (size_t i = 0; i < depth; i++) {
        int32_t difference = tenon_load_small(in, tenon_in_data(call, 0), first + i) - h.largest;
        int64_t value = tenon_type_min(out->type);
        if (difference > bound) {
            int64_t log = (int64_t)scaled_difference(s, difference) - log_sum;
            log = log < INT32_MIN ? INT32_MIN : log;
            value = (int64_t)tenon_rounding_shift_right((int32_t)log, 31 - DIFF_BITS - LOG_BITS) +
                    tenon_type_max(out->type);
        }
        tenon_store_clamped(out, call->outputs[0].data, first + i, value);
    }
}

enum tenon_status tenon_reference_softmax(const struct tenon_op_call *call,
                                          struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    size_t depth = (size_t)in->shape.dims[in->shape.rank - 1];
    size_t count = tenon_desc_element_count(in);
    struct scaling s = scaling_of(in, call->attrs->beta);
    struct tables t;
    if (in->type == TENON_TYPE_I16)
        tables_init(&t, call);
    for (size_t first = 0; first < count; first += depth) {
        if (in->type == TENON_TYPE_F32)
            row_f32(call, first, depth);
        else if (in->type == TENON_TYPE_I16)
            row_16bit(call, &t, first, depth);
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
    struct scaling s = scaling_of(in, 1);
    for (size_t first = 0; first < count; first += depth) {
        if (in->type == TENON_TYPE_F32)
            log_row_f32(call, first, depth);
        else
            log_row_8bit(call, &s, first, depth);
    }
    return TENON_OK;
}
