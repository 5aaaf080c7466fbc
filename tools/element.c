/* Elements of every type as double; see element.h. Data is little endian and may be unaligned. */
#include "element.h"

#include <math.h>
#include <string.h>

size_t element_count(const struct tenon_tensor_info *info) {
    size_t count = 1;
    for (uint32_t i = 0; i < info->rank; i++)
        count *= (size_t)info->dims[i];
    return count;
}

bool element_is_float(enum tenon_type type) {
    return type == TENON_TYPE_F16 || type == TENON_TYPE_BF16 || type == TENON_TYPE_F32 ||
           type == TENON_TYPE_F64;
}

static uint64_t read_bits(const uint8_t *bytes, size_t size) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits |= (uint64_t)bytes[i] << (8 * i);
    return bits;
}

static void write_bits(uint8_t *bytes, size_t size, uint64_t bits) {
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(bits >> (8 * i));
}

/* IEEE 754 binary16. */
static double half_to_double(uint32_t bits) {
    int exponent = (int)(bits >> 10 & 31);
    double fraction = bits & 1023;
    double size = exponent == 31  ? (fraction == 0 ? INFINITY : NAN)
                  : exponent == 0 ? ldexp(fraction, -24)
                                  : ldexp(fraction + 1024, exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
}

static uint32_t double_to_half(double value) {
    uint32_t sign = signbit(value) ? 0x8000 : 0;
    double size = fabs(value);
    if (isnan(size))
        return sign | 0x7e00;
    if (size >= 65520) /* halfway between the largest number and the next power of two */
        return sign | 0x7c00;
    int exponent;
    frexp(size, &exponent); /* size is in [2^(exponent-1), 2^exponent) */
    if (exponent < -13)
        exponent = -13; /* subnormal */
    uint32_t fraction = (uint32_t)nearbyint(ldexp(size, 11 - exponent));
    return sign + ((uint32_t)(exponent + 13) << 10) + fraction;
}

static double float_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
}

static uint32_t bits_of_float(double value) {
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    return bits;
}

static uint32_t double_to_bfloat(double value) {
    uint32_t bits = bits_of_float(value);
    if (isnan(value))
        return bits >> 16 | 0x40;
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static double bits_to_double(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

double element_stored(enum tenon_type type, const void *data, size_t index) {
    size_t size = tenon_type_bits(type) / 8;
    const uint8_t *bytes = (const uint8_t *)data + (size == 0 ? index / 2 : index * size);
    uint64_t bits = read_bits(bytes, size == 0 ? 1 : size);
    switch (type) {
    case TENON_TYPE_I4:
        bits = (index & 1) != 0 ? bits >> 4 : bits & 15;
        return (double)bits - (bits >= 8 ? 16 : 0);
    case TENON_TYPE_I8:
        return (int8_t)bits;
    case TENON_TYPE_I16:
        return (int16_t)bits;
    case TENON_TYPE_I32:
        return (int32_t)bits;
    case TENON_TYPE_I64:
        return (double)(int64_t)bits;
    case TENON_TYPE_F16:
        return half_to_double((uint32_t)bits);
    case TENON_TYPE_BF16:
        return float_bits((uint32_t)bits << 16);
    case TENON_TYPE_F32:
        return float_bits((uint32_t)bits);
    case TENON_TYPE_F64:
        return bits_to_double(bits);
    case TENON_TYPE_U8:
    case TENON_TYPE_U16:
    case TENON_TYPE_U32:
    case TENON_TYPE_BOOL:
    case TENON_TYPE_NONE:
    case TENON_TYPE_COUNT:
        break;
    }
    return (double)bits;
}

double element_real(const struct tenon_tensor_info *info, const void *data, size_t index) {
    double stored = element_stored(info->type, data, index);
    if (info->scale_count == 0)
        return stored;
    size_t channel = 0;
    if (info->scale_count > 1) {
        size_t inner = 1;
        for (uint32_t i = (uint32_t)info->axis + 1; i < info->rank; i++)
            inner *= (size_t)info->dims[i];
        channel = index / inner % info->scale_count;
    }
    return (double)info->scales[channel] * (stored - info->zero_points[channel]);
}

/* Rounds and clamps to a signed or unsigned integer of `bits` bits, as two's complement. */
static uint64_t to_integer(double value, uint32_t bits, bool is_signed) {
    double high = ldexp(1, (int)(is_signed ? bits - 1 : bits)), low = is_signed ? -high : 0;
    if (isnan(value))
        value = 0;
    value = nearbyint(value);
    if (value <= low)
        value = low;
    if (value >= high)
        return is_signed ? (UINT64_C(1) << (bits - 1)) - 1
                         : (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
    return value < 0 ? (uint64_t)(int64_t)value : (uint64_t)value;
}

static uint64_t to_bits(enum tenon_type type, double value) {
    switch (type) {
    case TENON_TYPE_F16:
        return double_to_half(value);
    case TENON_TYPE_BF16:
        return double_to_bfloat(value);
    case TENON_TYPE_F32:
        return bits_of_float(value);
    case TENON_TYPE_F64: {
        uint64_t bits;
        memcpy(&bits, &value, sizeof(bits));
        return bits;
    }
    case TENON_TYPE_BOOL:
        return value != 0;
    case TENON_TYPE_U8:
    case TENON_TYPE_U16:
    case TENON_TYPE_U32:
        return to_integer(value, tenon_type_bits(type), false);
    case TENON_TYPE_I4:
    case TENON_TYPE_I8:
    case TENON_TYPE_I16:
    case TENON_TYPE_I32:
    case TENON_TYPE_I64:
        return to_integer(value, tenon_type_bits(type), true);
    case TENON_TYPE_NONE:
    case TENON_TYPE_COUNT:
        break;
    }
    return 0;
}

void element_store(enum tenon_type type, void *data, size_t index, double value) {
    uint64_t bits = to_bits(type, value);
    size_t size = tenon_type_bits(type) / 8;
    if (size == 0) {
        uint8_t *byte = (uint8_t *)data + index / 2;
        *byte = (index & 1) != 0 ? (uint8_t)((*byte & 15) | (bits & 15) << 4)
                                 : (uint8_t)((*byte & 240) | (bits & 15));
        return;
    }
    write_bits((uint8_t *)data + index * size, size, bits);
}

void element_store_real(const struct tenon_tensor_info *info, void *data, size_t index,
                        double real) {
    if (info->scale_count == 1)
        real = real / (double)info->scales[0] + info->zero_points[0];
    element_store(info->type, data, index, real);
}
