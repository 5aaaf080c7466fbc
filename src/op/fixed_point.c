/* See fixed_point.h. Products of two such numbers are doubling high multiplies. */
#include "op/fixed_point.h"

#include "op/numerics.h"

int32_t tenon_fixed_scale(int32_t x, int32_t exponent) {
    if (exponent <= 0)
        return tenon_rounding_shift_right(x, -exponent);
    int64_t wide = (int64_t)((uint64_t)(int64_t)x << exponent);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

static int32_t multiply(int32_t a, int32_t b) {
    return tenon_doubling_high_multiply(a, b);
}

static int32_t add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* exp on [-1/4, 0), no integer bits: Taylor series of exp around -1/8. */
static int32_t exp_small(int32_t a) {
    const int32_t exp_of_minus_eighth = 1895147668, third = 715827883;
    int32_t x = add(a, INT32_C(1) << 28);
    int32_t x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);
    int32_t x4_over_4 = tenon_fixed_scale(x4, -2);
    int32_t tail = tenon_fixed_scale(add(multiply(add(x4_over_4, x3), third), x2), -1);
    return add(exp_of_minus_eighth, multiply(exp_of_minus_eighth, add(x, tail)));
}

int32_t tenon_fixed_exp_negative(int32_t a) {
    /* exp(-2^k) for k = -2 … 4, without integer bits. */
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308,
                                      39332535,   720401,     242};
    enum { FRACTION_BITS = 26, QUARTER = 1 << (FRACTION_BITS - 2), INTEGER_BITS = 5 };
    if (a == 0)
        return INT32_MAX;
    int32_t small = (a & (QUARTER - 1)) - QUARTER;
    int32_t result = exp_small(tenon_fixed_scale(small, INTEGER_BITS));
    int32_t rest = (int32_t)((uint32_t)small - (uint32_t)a);
    for (int i = 0; i < 7; i++)
        if ((rest & (INT32_C(1) << (FRACTION_BITS - 2 + i))) != 0)
            result = multiply(result, factors[i]);
    return result;
}

/* 1 / (1 + a) for a in [0, 1), no integer bits: three Newton-Raphson steps. */
static int32_t reciprocal_one_plus(int32_t a) {
    const int32_t c48_over_17 = 1515870810, minus_32_over_17 = -1010580540; /* 2 integer bits */
    int64_t sum = (int64_t)a + INT32_MAX;
    int32_t half = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
    int32_t x = add(c48_over_17, multiply(half, minus_32_over_17));
    for (int i = 0; i < 3; i++) {
        int32_t error = add(INT32_C(1) << 29, -multiply(half, x));
        x = add(x, tenon_fixed_scale(multiply(x, error), 2));
    }
    return tenon_fixed_scale(x, 1);
}

int32_t tenon_fixed_reciprocal(int32_t x, int32_t integer_bits, int32_t *bits_over_unit) {
    int32_t headroom = __builtin_clz((uint32_t)x);
    *bits_over_unit = integer_bits - headroom;
    uint32_t fraction = ((uint32_t)x << headroom) - (UINT32_C(1) << 31);
    return reciprocal_one_plus((int32_t)fraction);
}
