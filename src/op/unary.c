/*
 * One operand, element by element: abs, neg, exp, log, sqrt, rsqrt, square, sin, cos, floor, ceil,
 * round, logical_not. Quantized abs rescales, exp and log of 8 bits are tables (TFLite
 * kernels/elementwise.cc, exp.cc).
 */
#include <math.h>

#include "op/elementwise.h"
#include "op/kernel.h"
#include "op/rules.h"

void tenon_run_table(const struct tenon_op_call *call,
                     float (*function)(const struct tenon_op_call *call, float x)) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    float scale = tenon_desc_scale(in), inverse = 1 / tenon_desc_scale(out);
    int32_t zero = tenon_desc_zero_point(in), first = tenon_type_min(in->type);
    uint8_t table[256];
    for (int32_t i = 0; i < 256; i++) {
        float real = function(call, scale * (float)(first + i - zero));
        float steps = roundf(real * inverse) + (float)tenon_desc_zero_point(out);
        /* A NaN (log of a negative number) takes the smallest value. */
        int32_t low = tenon_type_min(out->type), high = tenon_type_max(out->type);
        int32_t value = steps > (float)high ? high : steps > (float)low ? (int32_t)steps : low;
        table[(uint8_t)(first + i)] = (uint8_t)value;
    }
    const uint8_t *from = tenon_in_data(call, 0);
    uint8_t *to = call->outputs[0].data;
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++)
        to[i] = table[from[i]];
}

static uint32_t types_of(enum tenon_op op) {
    uint32_t integers = TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64);
    if (op == TENON_OP_LOGICAL_NOT)
        return TENON_TYPE_BIT(BOOL);
    if (op == TENON_OP_NEG || op == TENON_OP_SQUARE)
        return TENON_TYPE_BIT(F32) | integers;
    if (op == TENON_OP_ABS)
        return TENON_TYPE_BIT(F32) | integers | TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16);
    if (op == TENON_OP_EXP || op == TENON_OP_LOG)
        return TENON_TYPE_BIT(F32) | TENON_TYPES_QUANTIZED8;
    return TENON_TYPE_BIT(F32);
}

enum tenon_status tenon_infer_unary(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    enum tenon_status status = tenon_require_type(in, types_of(call->op), "the input", error);
    if (status == TENON_OK && in->type != out->type)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "input and output differ in type");
    bool small = (TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16)) >> in->type & 1;
    if (status == TENON_OK && small)
        status = tenon_require_per_tensor(in, "the input", error);
    if (status == TENON_OK && small)
        status = tenon_require_per_tensor(out, "the output", error);
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

/* abs keeps the scale or rescales by s_in / s_out. */
static void abs_quantized(const struct tenon_op_call *call) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    float in_scale = tenon_desc_scale(in), out_scale = tenon_desc_scale(out);
    bool rescale = in_scale != out_scale;
    struct tenon_multiplier m = tenon_multiplier_from_double((double)(in_scale / out_scale));
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++) {
        int32_t x = tenon_load_small(in, tenon_in_data(call, 0), i) - tenon_desc_zero_point(in);
        x = x < 0 ? -x : x;
        int64_t value = rescale ? tenon_requantize(x, &m, call->rounding) : x;
        tenon_store_clamped(out, call->outputs[0].data, i, value + tenon_desc_zero_point(out));
    }
}

static int64_t apply_integer(enum tenon_op op, int64_t x) {
    if (op == TENON_OP_ABS)
        return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
    if (op == TENON_OP_NEG)
        return (int64_t)(0 - (uint64_t)x);
    return (int64_t)((uint64_t)x * (uint64_t)x);
}

static void run_integer(const struct tenon_op_call *call) {
    bool wide = tenon_in(call, 0)->type == TENON_TYPE_I64;
    const void *in = tenon_in_data(call, 0);
    void *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++) {
        if (wide)
            ((int64_t *)out)[i] = apply_integer(call->op, ((const int64_t *)in)[i]);
        else
            ((int32_t *)out)[i] = (int32_t)apply_integer(call->op, ((const int32_t *)in)[i]);
    }
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
    (void)error;
    enum tenon_type type = tenon_in(call, 0)->type;
    if (type == TENON_TYPE_F32)
        run_float(call);
    else if (type == TENON_TYPE_BOOL)
        run_not(call);
    else if (type == TENON_TYPE_I32 || type == TENON_TYPE_I64)
        run_integer(call);
    else if (call->op == TENON_OP_ABS)
        abs_quantized(call);
    else
        tenon_run_table(call, apply);
    return TENON_OK;
}
