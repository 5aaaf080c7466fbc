/* Quantized sums and differences of two operands of 8 bits, exactly: see sum.c. */
#ifndef TENON_BACKENDS_NVDLA_SUM_H
#define TENON_BACKENDS_NVDLA_SUM_H

#include "backends/nvdla/line.h"
#include "op/binary.h"

enum nvdla_sum_extra { NVDLA_SUM_NEITHER, NVDLA_SUM_FIRST, NVDLA_SUM_SECOND };

/*
 * A convolution, BS, BN and CVT in turn:
 *
 *     s = (weight_a*a + weight_b*b + addend) * mul1 + (extra << extra_shift)
 *
 * and then what the factors say.
 */
struct nvdla_sum {
    int8_t weight_a, weight_b;
    int16_t addend, mul1;
    enum nvdla_sum_extra extra; /* which operand BN adds */
    uint32_t extra_shift;
    struct nvdla_factors factors;
};

/* Finds a form that gives what the pair gives for all 65,536 pairs of operands; false: there is
 * none, or none was found. Limits other than those of 8 bits and a ReLU are left to a clamp. */
bool tenon_nvdla_sum_solve(const struct tenon_pair *pair, struct nvdla_sum *out);

/* What the hardware computes. */
int32_t tenon_nvdla_sum_apply(const struct nvdla_sum *sum, int32_t a, int32_t b);

#endif
