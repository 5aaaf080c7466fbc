/*
 * The exact integer arithmetic of quantized operators: multipliers and the named rounding rules.
 *
 * A real factor M > 0 is held as an integer `multiplier` q in [2^30, 2^31) and a `shift`, with
 * M = q * 2^(shift - 31). The three rules (docs/numerics.md):
 *
 * - double: a saturating rounding doubling high multiply of (x << max(shift, 0)) by q, then a
 *   rounding right shift by max(-shift, 0), half away from zero (TFLite's reference kernels);
 * - single: (x * q + 2^(30 - shift)) >> (31 - shift) in 64 bits (TFLITE_SINGLE_ROUNDING);
 * - f32: float(x) * float(M), half to even (ONNX Runtime).
 */
#ifndef TENON_OP_NUMERICS_H
#define TENON_OP_NUMERICS_H

#include <tenon/tensor.h>

#include "util/attr.h"

struct tenon_multiplier {
    int32_t multiplier; /* 0 only for M == 0 */
    int32_t shift;      /* positive: left */
    float real;         /* M, for the f32 rule */
};

/* q = round(fraction * 2^31); a q of 2^31 is halved and the exponent raised. M below 2^-32 gives 0,
 * as in TFLite. */
struct tenon_multiplier tenon_multiplier_from_double(double real);

/* a * b / 2^31 rounded half up; saturates for the one overflowing pair. */
int32_t tenon_doubling_high_multiply(int32_t a, int32_t b);
/* x / 2^exponent rounded half away from zero, 0 <= exponent <= 31. */
int32_t tenon_rounding_shift_right(int32_t x, int32_t exponent);

/* x * M under the rule; NONE is taken as DOUBLE. */
int32_t tenon_requantize(int32_t x, const struct tenon_multiplier *m, enum tenon_rounding rounding);
/* The 64-bit accumulator of int16 activations: 16-bit reduced multiplier, as TFLite does. */
int32_t tenon_requantize_i64(int64_t x, const struct tenon_multiplier *m,
                             enum tenon_rounding rounding);

/*
 * Whether, for |x| <= bound, the double rule stays within 32 bits at every step: x shifted left,
 * and the high product with half of the right shift added. Then vectors of 32 bits give it exactly.
 */
bool tenon_requantize_provable(int64_t bound, const struct tenon_multiplier *m);

static inline int32_t tenon_clamp_i32(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : x > high ? high : x;
}

#endif
