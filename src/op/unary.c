/*
 * One operand, element by element: abs, neg, exp, log, sqrt, rsqrt, square, sin, cos, floor, ceil,
 * round, logical_not. Of i8 and i16 as TFLite's kernels/elementwise.cc, exp.cc and neg.cc: abs
 * rescales; exp, log and the rsqrt of 16 bits are tables; sqrt goes through float32 and cuts off;
 * rsqrt of 8 bits is fixed point; neg takes the integers as they are.
 */
#include <math.h>

#include "op/elementwise.h"
#include "op/fixed_point.h"
#include "op/kernel.h"
#include "op/lookup.h"
#include "op/move.h"
#include "op/rules.h"

static uint32_t types_of(enum tenon_op op) {
    uint32_t integers = TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64);
    if (op == TENON_OP_LOGICAL_NOT)
        return TENON_TYPE_BIT(BOOL);
    uint32_t quantized = TENON_TYPE_BIT(I8) | TENON_TYPE_BIT(I16);
    if (op == TENON_OP_NEG || op == TENON_OP_ABS)
        return TENON_TYPE_BIT(F32) | integers | quantized;
    if (op == TENON_OP_SQUARE)
        return TENON_TYPE_BIT(F32) | integers;
    if (op == TENON_OP_EXP || op == TENON_OP_LOG || op == TENON_OP_SQRT || op == TENON_OP_RSQRT)
        return TENON_TYPE_BIT(F32) | quantized;
    return TENON_TYPE_BIT(F32);
}

static bool is_quantized(const struct tenon_op_call *call) {
    enum tenon_type type = tenon_in(call, 0)->type;
    return type == TENON_TYPE_I8 || type == TENON_TYPE_I16;
}

enum tenon_status tenon_infer_unary(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    enum tenon_status status = tenon_require_type(in, types_of(call->op), "the input", error);
    if (status == TENON_OK && in->type != out->type)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "input and output differ in type");
    if (status == TENON_OK && is_quantized(call))
        status = tenon_require_quantized(call, 1, error);
    if (status == TENON_OK && is_quantized(call) && call->op == TENON_OP_NEG &&
        (!tenon_quant_equal(&in->quant, &out->quant) || tenon_desc_zero_point(in) != 0))
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                            "neg that has a zero point or changes the scale");
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

static float apply(const struct tenon_op_call *call, float x) {
    enum tenon_op op = call->op;
    if (op == TENON_OP_ABS)
        return fabsf(x);
    if (op == TENON_OP_NEG)
        return -x;
    if (op == TENON_OP_EXP)
        return expf(x);
    if (op == TENON_OP_LOG)
        return logf(x);
    if (op == TENON_OP_SQRT)
        return sqrtf(x);
    if (op == TENON_OP_RSQRT)
        return 1.f / sqrtf(x);
    if (op == TENON_OP_SQUARE)
        return x * x;
    if (op == TENON_OP_SIN)
        return sinf(x);
    if (op == TENON_OP_COS)
        return cosf(x);
    if (op == TENON_OP_FLOOR)
        return floorf(x);
    return op == TENON_OP_CEIL ? ceilf(x) : nearbyintf(x); /* round: half to even */
}

/* ---- quantized ---- */

/* What tables hold; where there is no logarithm or root, the output's limit. */
static float apply_in_table(const struct tenon_op_call *call, float x) {
    const struct tenon_desc *out = tenon_out(call, 0);
    if (call->op == TENON_OP_EXP)
        return expf(x);
    if (call->op == TENON_OP_LOG)
        return x > 0 ? logf(x)
                     : (float)(tenon_type_min(out->type) - tenon_desc_zero_point(out)) *
                           tenon_desc_scale(out);
    return x > 0 ? 1.0f / sqrtf(x) : (float)tenon_type_max(out->type) * tenon_desc_scale(out);
}

/* What arithmetic without a table needs. */
struct quantized {
    const struct tenon_desc *in, *out;
    bool same_scale;
    struct tenon_multiplier m;
    enum tenon_rounding rounding;
};

static struct quantized quantized_of(const struct tenon_op_call *call) {
    struct quantized q = {tenon_in(call, 0), tenon_out(call, 0), false, {0}, call->rounding};
    float in = tenon_desc_scale(q.in), out = tenon_desc_scale(q.out);
    q.same_scale = in == out;
    q.m = tenon_multiplier_from_double(call->op == TENON_OP_ABS ? (double)(in / out)
                                                                : 1 / (double)(sqrtf(in) * out));
    return q;
}

static int32_t sqrt_of(const struct quantized *q, int32_t x) {
    float steps = sqrtf(tenon_desc_scale(q->in) * (float)x) / tenon_desc_scale(q->out);
    return steps < 1e9f ? (int32_t)steps : INT32_MAX;
}

/* 20 bits of fraction between the root and the scale. A root of 0 is the largest element. */
static int32_t rsqrt_of(const struct quantized *q, int32_t x) {
    enum { FRACTION_BITS = 20 };
    int32_t right;
    if (x == 0)
        return INT32_MAX;
    int32_t fraction = tenon_fixed_inverse_sqrt(x, &right);
    struct tenon_multiplier root = tenon_fixed_multiplier(fraction, FRACTION_BITS - right);
    struct tenon_multiplier rest =
        tenon_fixed_multiplier(q->m.multiplier, q->m.shift - FRACTION_BITS);
    if (rest.shift < -31)
        return 0;
    return tenon_requantize(tenon_requantize(1, &root, q->rounding), &rest, q->rounding);
}

/* x is the element without its zero point. */
static int64_t apply_quantized(enum tenon_op op, const struct quantized *q, int32_t x) {
    if (op == TENON_OP_SQRT)
        return sqrt_of(q, x);
    if (op == TENON_OP_RSQRT)
        return rsqrt_of(q, x);
    x = x < 0 ? -x : x;
    return q->same_scale ? x : tenon_requantize(x, &q->m, q->rounding);
}

static enum tenon_status run_quantized(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    const void *data = tenon_in_data(call, 0);
    struct quantized q = quantized_of(call);
    bool root = call->op == TENON_OP_SQRT || call->op == TENON_OP_RSQRT;
    bool table = call->op == TENON_OP_EXP || call->op == TENON_OP_LOG ||
                 (call->op == TENON_OP_RSQRT && q.in->type == TENON_TYPE_I16);
    size_t count = tenon_desc_element_count(q.in);
    for (size_t i = 0; i < count; i++) {
        int32_t x = tenon_load_small(q.in, data, i) - tenon_desc_zero_point(q.in);
        if (root && x < 0)
            return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT,
                              "element %zu is negative and has no root", i);
        if (!table)
            tenon_store_clamped(q.out, call->outputs[0].data, i,
                                apply_quantized(call->op, &q, x) + tenon_desc_zero_point(q.out));
    }
    if (table)
        tenon_run_table(call, apply_in_table);
    return TENON_OK;
}

/* ---- integers, floats, truth values ---- */

static int64_t apply_integer(enum tenon_op op, int64_t x) {
    if (op == TENON_OP_ABS)
        return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
    if (op == TENON_OP_NEG)
        return (int64_t)(0 - (uint64_t)x);
    return (int64_t)((uint64_t)x * (uint64_t)x);
}

static void run_integer(const struct tenon_op_call *call) {
    enum tenon_type type = tenon_in(call, 0)->type;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++)
        tenon_store_integer(
            type, call->outputs[0].data, i,
            apply_integer(call->op, tenon_load_integer(type, tenon_in_data(call, 0), i)));
}

static void run_float(const struct tenon_op_call *call) {
    const float *in = tenon_in_data(call, 0);
    float *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++)
        out[i] = apply(call, in[i]);
}

static void run_not(const struct tenon_op_call *call) {
    const uint8_t *in = tenon_in_data(call, 0);
    uint8_t *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] == 0;
}

enum tenon_status tenon_reference_unary(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    enum tenon_type type = tenon_in(call, 0)->type;
    if (type == TENON_TYPE_F32)
        run_float(call);
    else if (type == TENON_TYPE_BOOL)
        run_not(call);
    else if (is_quantized(call) && call->op != TENON_OP_NEG)
        return run_quantized(call, error);
    else
        run_integer(call);
    return TENON_OK;
}
