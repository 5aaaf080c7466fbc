/*
 * Between element types: quantize (also from one quantization to another), dequantize, cast.
 * Sources: TFLite reference/quantize.h, requantize.h, dequantize.h, kernels/cast.cc.
 */
#include <math.h>
#include <string.h>

#include "op/kernel.h"
#include "op/rules.h"

#define QUANTIZED_TYPES (TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16))

/* The types that TFLite or TFLite Micro requantizes a type to. */
static uint32_t quantize_targets(enum tenon_type from) {
    uint32_t signed_types = TENON_TYPE_BIT(I8) | TENON_TYPE_BIT(I16);
    if (from == TENON_TYPE_I32)
        return signed_types;
    if (from == TENON_TYPE_I16)
        return signed_types | TENON_TYPE_BIT(I32);
    return from == TENON_TYPE_I8 ? QUANTIZED_TYPES | TENON_TYPE_BIT(I32) : QUANTIZED_TYPES;
}

enum tenon_status tenon_infer_quantize(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    uint32_t integers = QUANTIZED_TYPES | TENON_TYPE_BIT(I32);
    enum tenon_status status =
        tenon_require_type(in, integers | TENON_TYPE_BIT(F32), "the input", error);
    if (status == TENON_OK)
        status =
            tenon_require_type(out, quantize_targets(in->type), "an output for this input", error);
    if (status == TENON_OK)
        status = tenon_require_per_tensor(out, "the output", error);
    if (status == TENON_OK && in->type != TENON_TYPE_F32)
        status = tenon_require_per_tensor(in, "the input", error);
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

static int32_t load(const struct tenon_desc *desc, const void *data, size_t i) {
    switch (desc->type) {
    case TENON_TYPE_I4:
        return tenon_load_i4(data, i);
    case TENON_TYPE_I8:
        return ((const int8_t *)data)[i];
    case TENON_TYPE_U8:
        return ((const uint8_t *)data)[i];
    case TENON_TYPE_I16:
        return ((const int16_t *)data)[i];
    case TENON_TYPE_NONE:
    case TENON_TYPE_U16:
    case TENON_TYPE_I32:
    case TENON_TYPE_U32:
    case TENON_TYPE_I64:
    case TENON_TYPE_F16:
    case TENON_TYPE_BF16:
    case TENON_TYPE_F32:
    case TENON_TYPE_F64:
    case TENON_TYPE_BOOL:
    case TENON_TYPE_COUNT:
        break;
    }
    return ((const int32_t *)data)[i];
}

static void store(const struct tenon_desc *desc, void *data, size_t i, int64_t value) {
    int64_t low = tenon_type_min(desc->type), high = tenon_type_max(desc->type);
    value = value < low ? low : value > high ? high : value;
    if (tenon_type_bit_count(desc->type) == 8)
        ((uint8_t *)data)[i] = (uint8_t)value;
    else if (tenon_type_bit_count(desc->type) == 16)
        ((int16_t *)data)[i] = (int16_t)value;
    else
        ((int32_t *)data)[i] = (int32_t)value;
}

static int64_t quantize_f32(float value, float scale, int32_t zero_point) {
    float steps = roundf(value / scale);
    if (steps != steps)
        return zero_point;
    /* Far outside of every type that is stored: only the sign matters. */
    if (steps > 4e9f || steps < -4e9f)
        return steps > 0 ? INT64_C(1) << 40 : -(INT64_C(1) << 40);
    return (int64_t)steps + zero_point;
}

enum tenon_status tenon_reference_quantize(const struct tenon_op_call *call,
                                           struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    const void *data = tenon_in_data(call, 0);
    float in_scale = tenon_desc_scale(in), out_scale = tenon_desc_scale(out);
    struct tenon_multiplier m = tenon_multiplier_from_double((double)in_scale / (double)out_scale);
    int32_t in_zero = tenon_desc_zero_point(in), out_zero = tenon_desc_zero_point(out);
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++) {
        int64_t value;
        if (in->type == TENON_TYPE_F32) {
            value = quantize_f32(((const float *)data)[i], out_scale, out_zero);
        } else {
            int32_t centred = (int32_t)((uint32_t)load(in, data, i) - (uint32_t)in_zero);
            value = (int64_t)tenon_requantize(centred, &m, call->rounding) + out_zero;
        }
        store(out, call->outputs[0].data, i, value);
    }
    return TENON_OK;
}

static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31;
    uint32_t fraction = half & 0x3ff, bits;
    if (exponent == 0) {
        float value = (float)fraction * 0x1p-24f; /* exact: zero and subnormal */
        return sign != 0 ? -value : value;
    }
    bits = exponent == 31 ? sign | 0x7f800000 | fraction << 13
                          : sign | (exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static float bfloat_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* A non-negative x / 2^bits, half to even. */
static uint32_t shift_half_even(uint32_t x, uint32_t bits) {
    uint32_t half = UINT32_C(1) << (bits - 1), kept = x >> bits;
    return (x + half - 1 + (kept & 1)) >> bits;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static uint16_t float_to_bfloat(float value) {
    if (value != value)
        return (uint16_t)(bits_of(value) >> 16 | 0x40);
    return (uint16_t)shift_half_even(bits_of(value), 16); /* may carry up to infinity */
}

static uint16_t float_to_half(float value) {
    uint32_t sign = bits_of(value) >> 16 & 0x8000;
    float size = fabsf(value);
    if (value != value)
        return (uint16_t)(sign | 0x7e00);
    if (size >= 65520.0f) /* halfway to what would be the next after the largest */
        return (uint16_t)(sign | 0x7c00);
    if (size < 0x1p-14f) /* subnormal: in steps of 2^-24; may carry up to the smallest normal */
        return (uint16_t)(sign | (uint32_t)rintf(size * 0x1p24f));
    return (uint16_t)(sign | shift_half_even(bits_of(size) - (UINT32_C(112) << 23), 13));
}

enum tenon_status tenon_infer_dequantize(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    bool half = in->type == TENON_TYPE_F16 || in->type == TENON_TYPE_BF16;
    enum tenon_status status = tenon_require_type(
        in, QUANTIZED_TYPES | TENON_TYPE_BIT(I4) | TENON_TYPE_BIT(F16) | TENON_TYPE_BIT(BF16),
        "the input", error);
    if (status == TENON_OK)
        status = tenon_require_type(tenon_out(call, 0), TENON_TYPE_BIT(F32), "the output", error);
    if (status == TENON_OK && !half && in->quant.count == 0)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "the input has no scale");
    return status == TENON_OK ? tenon_set_shape(call, 0, &in->shape, error) : status;
}

enum tenon_status tenon_reference_dequantize(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *in = tenon_in(call, 0);
    const void *data = tenon_in_data(call, 0);
    float *out = call->outputs[0].data;
    size_t count = tenon_desc_element_count(in), inner = 1;
    for (int i = in->quant.axis + 1; in->quant.count > 1 && i < in->shape.rank; i++)
        inner *= (size_t)in->shape.dims[i];
    for (size_t i = 0; i < count; i++) {
        if (in->type == TENON_TYPE_F16 || in->type == TENON_TYPE_BF16) {
            uint16_t half = ((const uint16_t *)data)[i];
            out[i] = in->type == TENON_TYPE_F16 ? half_to_float(half) : bfloat_to_float(half);
            continue;
        }
        size_t channel = in->quant.count > 1 ? i / inner % in->quant.count : 0;
        double real =
            (double)in->quant.scale[channel] * (load(in, data, i) - in->quant.zero_point[channel]);
        out[i] = (float)real;
    }
    return TENON_OK;
}

/* ---- cast ---- */

#define CAST_TYPES                                                                            \
    (QUANTIZED_TYPES | TENON_TYPE_BIT(U16) | TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(U32) |      \
     TENON_TYPE_BIT(I64) | TENON_TYPE_BIT(F16) | TENON_TYPE_BIT(BF16) | TENON_TYPE_BIT(F32) | \
     TENON_TYPE_BIT(F64) | TENON_TYPE_BIT(BOOL))

enum tenon_status tenon_infer_cast(const struct tenon_op_call *call, struct tenon_error *error) {
    enum tenon_status status =
        tenon_require_type(tenon_in(call, 0), CAST_TYPES, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_type(tenon_out(call, 0), CAST_TYPES, "the output", error);
    return status == TENON_OK ? tenon_set_shape(call, 0, &tenon_in(call, 0)->shape, error) : status;
}

/* An element as an integer and, if it is real, as a double. */
struct element {
    bool is_real;
    int64_t integer;
    double real;
};

static struct element load_any(enum tenon_type type, const void *data, size_t i) {
    struct element e = {.is_real = tenon_type_is_float(type)};
    switch (type) {
    case TENON_TYPE_I8:
        e.integer = ((const int8_t *)data)[i];
        break;
    case TENON_TYPE_U8:
    case TENON_TYPE_BOOL:
        e.integer = ((const uint8_t *)data)[i];
        break;
    case TENON_TYPE_I16:
        e.integer = ((const int16_t *)data)[i];
        break;
    case TENON_TYPE_U16:
        e.integer = ((const uint16_t *)data)[i];
        break;
    case TENON_TYPE_I32:
        e.integer = ((const int32_t *)data)[i];
        break;
    case TENON_TYPE_U32:
        e.integer = ((const uint32_t *)data)[i];
        break;
    case TENON_TYPE_I64:
        e.integer = ((const int64_t *)data)[i];
        break;
    case TENON_TYPE_F16:
        e.real = (double)half_to_float(((const uint16_t *)data)[i]);
        break;
    case TENON_TYPE_BF16:
        e.real = (double)bfloat_to_float(((const uint16_t *)data)[i]);
        break;
    case TENON_TYPE_F32:
        e.real = (double)((const float *)data)[i];
        break;
    case TENON_TYPE_F64:
        e.real = ((const double *)data)[i];
        break;
    case TENON_TYPE_NONE:
    case TENON_TYPE_I4:
    case TENON_TYPE_COUNT:
        break;
    }
    return e;
}

/* Towards zero; out of range saturates, where C leaves it open. NaN gives 0. */
static int64_t to_integer(double real) {
    if (real != real)
        return 0;
    if (real >= 9.2e18)
        return INT64_MAX;
    return real <= -9.2e18 ? INT64_MIN : (int64_t)real;
}

static void store_any(enum tenon_type type, void *data, size_t i, const struct element *e) {
    if (type == TENON_TYPE_F32) {
        ((float *)data)[i] = e->is_real ? (float)e->real : (float)e->integer;
    } else if (type == TENON_TYPE_F64) {
        ((double *)data)[i] = e->is_real ? e->real : (double)e->integer;
    } else if (type == TENON_TYPE_F16 || type == TENON_TYPE_BF16) { /* by way of f32 */
        float value = e->is_real ? (float)e->real : (float)e->integer;
        ((uint16_t *)data)[i] =
            type == TENON_TYPE_F16 ? float_to_half(value) : float_to_bfloat(value);
    } else if (type == TENON_TYPE_BOOL) {
        ((uint8_t *)data)[i] = e->is_real ? e->real != 0 : e->integer != 0;
    } else {
        uint64_t bits = (uint64_t)(e->is_real ? to_integer(e->real) : e->integer);
        uint32_t size = tenon_type_bit_count(type) / 8;
        memcpy((char *)data + i * size, &bits, size); /* little endian: the low bytes */
    }
}

enum tenon_status tenon_reference_cast(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    for (size_t i = 0; i < count; i++) {
        struct element e = load_any(tenon_in(call, 0)->type, tenon_in_data(call, 0), i);
        store_any(tenon_out(call, 0)->type, call->outputs[0].data, i, &e);
    }
    return TENON_OK;
}
