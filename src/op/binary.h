/* Arithmetic on pairs of quantized elements of at most 16 bits: what the reference kernel of add,
 * sub, mul and their like does with each, for kernels that do the same to many at once. */
#ifndef TENON_OP_BINARY_H
#define TENON_OP_BINARY_H

#include "op/kernel.h"

/*
 * What a pair needs. add, sub, squared_difference: both operands are shifted left and brought to a
 * common scale by `a` and `b`, the result to the output's by `out`; mul: only `out`.
 */
struct tenon_pair {
    enum tenon_op op;
    enum tenon_rounding rounding;
    enum tenon_type type;
    int32_t zero_a, zero_b, zero_out, low, high, left_shift;
    struct tenon_multiplier a, b, out;
    float low_f32, high_f32; /* of float elements: the activation */
};

void tenon_pair_init(struct tenon_pair *p, const struct tenon_op_call *call);
int32_t tenon_pair_combine(const struct tenon_pair *p, int32_t a, int32_t b);

#endif
