/* Proofs about sums: which products can be added in 16 bits without overflow, which sums are
 * halfway between two integers after they are scaled. */
#ifndef TENON_BACKENDS_CPU_OVERFLOW_H
#define TENON_BACKENDS_CPU_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "op/numerics.h"
#include "util/attr.h"

/* Σ u * w for u in 0 … 255 stays within int16 when the positive weights add up to at most this and
 * the negative ones to no less than its negative: 255 * 128 = 32640. */
enum { TENON_SUM_MAX_16 = 128 };

/* Magnitudes of up to 255, multiplied by i8, stay within int16 when a pair adds up to at most this:
 * 256 * -128 is the least int16. */
enum { TENON_MAGNITUDES_MAX_16 = 256 };

/* The weights of two quads. */
typedef int16_t tenon_weights TENON_VECTOR(16);

static inline tenon_weights tenon_two_quads(const int16_t first[4], const int16_t second[4]) {
    typedef uint64_t quads TENON_VECTOR(16);
    uint64_t a, b;
    memcpy(&a, first, sizeof(a));
    memcpy(&b, second, sizeof(b));
    return (tenon_weights)(quads){a, b};
}

/*
 * What the products of a quad (four weights that multiply four activations) reach in each of the
 * two 16-bit sums of a pair: the sums of positive and of negative weights, without sign, as four
 * 16-bit numbers; of two quads at once. False when a weight does not fit i8 or a pair may overflow
 * by itself.
 */
static inline bool tenon_quads_reach(const int16_t first[4], const int16_t second[4],
                                     uint64_t reach[2]) {
    typedef tenon_weights weights;
    typedef uint32_t pairs TENON_VECTOR(16);
    typedef uint64_t quads TENON_VECTOR(16);
    const weights w = tenon_two_quads(first, second);
    const weights above = w & (w > 0), below = above - w;
    const pairs high = (pairs)above + ((pairs)above << 16),
                low = (pairs)below + ((pairs)below >> 16);
    const pairs both = high >> 16 | low << 16;
    const weights sums = (weights)both;
    const quads beyond = (quads)((above > INT8_MAX) | (sums > TENON_SUM_MAX_16));
    memcpy(reach, &both, sizeof(both));
    return (beyond[0] | beyond[1]) == 0;
}
/* Whether all sums stay in 16 bits when what `b` reaches is added to what `a` does. Neither is
 * above 4 * 255. */
static inline bool tenon_reach_fits(uint64_t a, uint64_t b) {
    const uint64_t ones = UINT64_C(0x0001000100010001); /* more carries into the highest bit */
    return ((a + b + ones * (0x7fff - TENON_SUM_MAX_16)) & ones << 15) == 0;
}

/*
 * The parts of a column of weights (each in -255 … 255) that fit i8 or, where `magnitudes`, whose
 * pairs of products of magnitudes and activations in i8, kept[0] with kept[1] and kept[2] with
 * kept[3], provably fit 16 bits. There the column has three weights, and kept[3] is a second part
 * of weights[1]. What does not fit goes to `rest`.
 */
void tenon_split_column(const int16_t weights[4], bool magnitudes, int16_t kept[4],
                        int16_t rest[4]);

/*
 * Whether the double rule is symmetric for |x| <= bound, for shifts to the right by 1 … 30 and
 * outputs of 8 bits: scaling -x gives what is minus the scaling of x, or both are clamped.
 */
bool tenon_requantize_symmetric(int64_t bound, const struct tenon_multiplier *m);

#endif
