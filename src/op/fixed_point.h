/*
 * Fixed-point functions of real numbers held in 32 bits, as TFLite's quantized softmax,
 * log_softmax, l2_normalization, rsqrt and div need them.
 * A number with n integer bits stands for raw * 2^(n - 31). Algorithms: gemmlowp fixedpoint.h,
 * TFLite kernels/internal/common.h.
 */
#ifndef TENON_OP_FIXED_POINT_H
#define TENON_OP_FIXED_POINT_H

#include "op/numerics.h"

/* exp(a) for a <= 0 with 5 integer bits; the result has none. */
int32_t tenon_fixed_exp_negative(int32_t a);
/* 1 / x for x > 0 with `integer_bits`: the result has no integer bits and is to be shifted right by
 * *bits_over_unit more. */
int32_t tenon_fixed_reciprocal(int32_t x, int32_t integer_bits, int32_t *bits_over_unit);
/* x * 2^exponent, rounded when it shrinks, saturated when it grows. */
int32_t tenon_fixed_scale(int32_t x, int32_t exponent);

/* 1 / sqrt(x) for an integer x >= 0: the result without integer bits is to be shifted right by
 * *right_shift more. 0 is taken as 1. */
int32_t tenon_fixed_inverse_sqrt(int32_t x, int32_t *right_shift);
/* The factor fixed * 2^shift, where `fixed` has no integer bits. */
struct tenon_multiplier tenon_fixed_multiplier(int32_t fixed, int32_t shift);
/* ln(x) for x >= 1 with 12 integer bits; the result has 5. */
int32_t tenon_fixed_log(int32_t x);

#endif
