/* Which weights' products with activations in 0 … 255 can be added in 16 bits without overflow. */
#ifndef TENON_BACKENDS_CPU_OVERFLOW_H
#define TENON_BACKENDS_CPU_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Σ u * w for u in 0 … 255 stays within int16 when the positive weights add up to at most this and
 * the negative ones to no less than its negative: 255 * 128 = 32640. */
enum { TENON_SUM_MAX_16 = 128 };

/*
 * The parts of `weights` (each in -255 … 255) that fit i8 and, where `in_16_bits`, whose products
 * may all be added in int16; what does not fit goes to `rest`. True when `rest` is all zero.
 * `kept` and `rest` have `count` elements; `rest` may be `weights`.
 */
bool tenon_split_weights(const int16_t *weights, size_t count, bool in_16_bits, int8_t *kept,
                         int16_t *rest);

#endif
