/* add and sub of 8 bits as one sum of products, by proof over all pairs of bytes. */
#ifndef TENON_BACKENDS_CPU_PAIR_SUM_H
#define TENON_BACKENDS_CPU_PAIR_SUM_H

#include "image/cpu_params.h"
#include "op/binary.h"

/* Finds factors with which tenon_pair_sum gives what tenon_pair_combine does, for all 65,536 pairs
 * of an add or sub. False where it found none. */
bool tenon_pair_sum_find(const struct tenon_pair *pair, struct tenon_sum_params *out);
/* The result of two elements, as kernels compute it; all three as u8 (i8 with its sign flipped). */
uint8_t tenon_pair_sum(const struct tenon_pair *pair, const struct tenon_sum_params *sum, uint8_t a,
                       uint8_t b);

#endif
