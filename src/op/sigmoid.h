/*
 * The logistic function and tanh of 16-bit fixed point, which the activations of that type and the
 * integer lstm share. Source of the definition: TFLite reference/integer_ops/logistic.h, tanh.h.
 */
#ifndef TENON_OP_SIGMOID_H
#define TENON_OP_SIGMOID_H

#include <stdint.h>

/*
 * The input is first scaled to (x * multiplier + 2^(shift - 1)) >> shift, in steps of 2^-12 / 3: a
 * multiplier of 3 and a shift of 0 take x in steps of 2^-12. The result is in steps of 2^-15.
 */
int16_t tenon_logistic_i16(int16_t x, int32_t multiplier, int32_t shift);
int16_t tenon_tanh_i16(int16_t x, int32_t multiplier, int32_t shift);

#endif
