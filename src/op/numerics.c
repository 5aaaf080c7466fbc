/*
 * Multipliers and the three rounding rules. Definitions: gemmlowp fixedpoint.h and TFLite
 * kernels/internal/quantization_util.cc and common.h (facts), docs/numerics.md.
 */
#include "op/numerics.h"

#include <math.h>

/* Shifts below this give 0 in TFLite: the product cannot reach one half. */
enum { SHIFT_MIN = -31, SHIFT_MAX = 30 };

struct tenon_multiplier tenon_multiplier_from_double(double real) {
    struct tenon_multiplier m = {.real = (float)real};
    if (!(real > 0) || !isfinite(real))
        return m;
    int exponent;
    double fraction = frexp(real, &exponent);
    int64_t q = (int64_t)round(fraction * 2147483648.0);
    if (q == INT64_C(1) << 31) {
        q /= 2;
        exponent++;
    }
    if (exponent < SHIFT_MIN) {
        exponent = 0;
        q = 0;
    }
    if (exponent > SHIFT_MAX) { /* saturates, as TFLite does */
        exponent = SHIFT_MAX;
        q = INT32_MAX;
    }
    m.multiplier = (int32_t)q;
    m.shift = exponent;
    return m;
}

int32_t tenon_doubling_high_multiply(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN)
        return INT32_MAX;
    int64_t product = (int64_t)a * b;
    int64_t nudge = product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    return (int32_t)((product + nudge) / (INT64_C(1) << 31));
}

int32_t tenon_rounding_shift_right(int32_t x, int32_t exponent) {
    int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1);
    int32_t remainder = x & mask;
    int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

static int32_t shift_left_wrapping(int32_t x, int32_t shift) {
    return (int32_t)((uint32_t)x << shift);
}

static int32_t requantize_double(int32_t x, const struct tenon_multiplier *m) {
    int32_t left = m->shift > 0 ? m->shift : 0, right = m->shift > 0 ? 0 : -m->shift;
    int32_t high = tenon_doubling_high_multiply(shift_left_wrapping(x, left), m->multiplier);
    return tenon_rounding_shift_right(high, right);
}

/* Saturates to int32. */
static int32_t narrow_i64(int64_t value) {
    return value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : (int32_t)value;
}

static int32_t requantize_single(int32_t x, const struct tenon_multiplier *m) {
    int32_t total = 31 - m->shift;
    int64_t product = (int64_t)x * m->multiplier;
    return narrow_i64((product + (INT64_C(1) << (total - 1))) >> total);
}

static int32_t requantize_f32(int32_t x, const struct tenon_multiplier *m) {
    float value = rintf((float)x * m->real);
    if (!(value > -2147483648.0f))
        return INT32_MIN;
    return value >= 2147483648.0f ? INT32_MAX : (int32_t)value;
}

int32_t tenon_requantize(int32_t x, const struct tenon_multiplier *m,
                         enum tenon_rounding rounding) {
    switch (rounding) {
    case TENON_ROUNDING_SINGLE:
        return requantize_single(x, m);
    case TENON_ROUNDING_F32:
        return requantize_f32(x, m);
    case TENON_ROUNDING_NONE:
    case TENON_ROUNDING_DOUBLE:
        break;
    }
    return requantize_double(x, m);
}

/* TFLite MultiplyByQuantizedMultiplier(int64): the multiplier is reduced to 16 bits first, for
 * every rule but f32. The accumulator is within 48 bits. */
int32_t tenon_requantize_i64(int64_t x, const struct tenon_multiplier *m,
                             enum tenon_rounding rounding) {
    if (rounding == TENON_ROUNDING_F32) {
        float value = rintf((float)x * m->real);
        return value <= -2147483648.0f  ? INT32_MIN
               : value >= 2147483648.0f ? INT32_MAX
                                        : (int32_t)value;
    }
    int32_t reduced = m->multiplier < 0x7fff0000 ? (m->multiplier + (1 << 15)) >> 16 : 0x7fff;
    int32_t total = 15 - m->shift;
    int64_t product = (int64_t)((uint64_t)x * (uint64_t)(int64_t)reduced);
    if (total <= 0)
        return narrow_i64((int64_t)((uint64_t)product << -total));
    return narrow_i64((int64_t)((uint64_t)product + (UINT64_C(1) << (total - 1))) >> total);
}

bool tenon_requantize_provable(int64_t bound, const struct tenon_multiplier *m) {
    if (m->shift > 0)
        return bound <= INT32_MAX >> m->shift;
    return bound < INT64_C(1) << 30;
}
