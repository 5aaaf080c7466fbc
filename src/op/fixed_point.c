/* See fixed_point.h. Products of two such numbers are doubling high multiplies. */
#include "op/fixed_point.h"

#include <math.h>

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

int32_t tenon_fixed_inverse_sqrt(int32_t x, int32_t *right_shift) {
    const int32_t half_three = (1 << 28) + (1 << 27), half_sqrt_2 = 1518500250;
    *right_shift = 0;
    if (x <= 1)
        return INT32_MAX;
    *right_shift = 11;
    for (; x >= 1 << 29; x /= 4)
        ++*right_shift;
    int32_t pairs = (__builtin_clz((uint32_t)x) - 1) / 2 - 1;
    *right_shift -= pairs;
    x = (int32_t)((uint32_t)x << (2 * pairs));
    int32_t half = tenon_fixed_scale(x >> 1, -1), guess = 1 << 28; /* 3 integer bits */
    for (int i = 0; i < 5; i++) {
        int32_t cube = tenon_fixed_scale(multiply(multiply(guess, guess), guess), 6);
        guess = tenon_fixed_scale(multiply(half_three, guess) - multiply(half, cube), 3);
    }
    guess = multiply(guess, half_sqrt_2);
    if (*right_shift < 0) {
        guess = (int32_t)((uint32_t)guess << -*right_shift);
        *right_shift = 0;
    }
    return guess;
}

struct tenon_multiplier tenon_fixed_multiplier(int32_t fixed, int32_t shift) {
    return (struct tenon_multiplier){fixed, shift, ldexpf((float)fixed, shift - 31)};
}

static int32_t min_of(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* The logarithm of r in [sqrt(1/2), 1) over the fourth root of 1/2, without integer bits: a
 * quotient of polynomials, as numerator and as reciprocal of the denominator. */
static int32_t log_near_one(int32_t r, int32_t *reciprocal) {
    const int32_t fourth_root_half = 1805811301, numerator_3 = 117049297, denominator_2 = 127690142;
    const int32_t denominator_0 = 1057819769, denominator_1 = 638450708;
    int32_t p = (int32_t)(((int64_t)r + fourth_root_half + 1) / 2);
    int32_t q = add(r, -fourth_root_half);
    q = add(q, q);
    int32_t square = multiply(q, q);
    int32_t inner = add(add(denominator_0, q), multiply(denominator_2, square));
    *reciprocal = reciprocal_one_plus(add(multiply(p, inner), multiply(denominator_1, q)));
    return add(multiply(q, r), multiply(multiply(q, square), numerator_3));
}

int32_t tenon_fixed_log(int32_t x) {
    enum { IN_BITS = 12, SUM_BITS = 6, QUARTER = 1 << (31 - SUM_BITS - 2) };
    const int32_t log_2 = 1488522236, sqrt_half = 1518500250;
    /* x = r * 2^power, with two ways to split that meet where the powers of two change. */
    int32_t head = __builtin_clz((uint32_t)x);
    int32_t a = tenon_fixed_scale(multiply(tenon_fixed_scale(x, head - 1), sqrt_half), 1);
    int32_t a_power = tenon_fixed_scale(IN_BITS - head, 31 - SUM_BITS) + QUARTER;
    head = __builtin_clz((uint32_t)multiply(x, sqrt_half)) - 1;
    int32_t b = tenon_fixed_scale(x, head);
    int32_t b_power = tenon_fixed_scale(IN_BITS - head, 31 - SUM_BITS) - QUARTER;
    int32_t power = a_power > b_power ? a_power : b_power, reciprocal;
    int32_t numerator = tenon_fixed_scale(log_near_one(min_of(a, b), &reciprocal), -SUM_BITS);
    return tenon_fixed_scale(add(multiply(power, log_2), multiply(numerator, reciprocal)), 1);
}
