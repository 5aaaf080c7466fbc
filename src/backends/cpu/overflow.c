/* See overflow.h. */
#include "backends/cpu/overflow.h"

#include <stdlib.h>
#include <string.h>

static int16_t clamp(int32_t x, int32_t low, int32_t high) {
    return (int16_t)(x < low ? low : x > high ? high : x);
}

/* What fits of `weight` beside another weight of the pair. */
static int16_t fit_beside(int32_t weight, int32_t other) {
    int32_t left = TENON_MAGNITUDES_MAX_16 - abs(other);
    return clamp(weight, -left, left);
}

void tenon_split_column(const int16_t weights[4], bool magnitudes, int16_t kept[4],
                        int16_t rest[4]) {
    for (int i = 0; i < 4; i++)
        kept[i] = magnitudes ? weights[i] : clamp(weights[i], INT8_MIN, INT8_MAX);
    if (magnitudes) {
        kept[1] = fit_beside(weights[1], kept[0]);
        kept[3] = fit_beside(weights[1] - kept[1], kept[2]);
    }
    for (int i = 0; i < 4; i++)
        rest[i] = (int16_t)(weights[i] - kept[i]);
    if (magnitudes) {
        rest[1] = (int16_t)(rest[1] - kept[3]);
        rest[3] = 0;
    }
}

/* 1 / odd modulo 2^32: each step doubles the number of right bits, of which odd itself has three.
 */
static uint32_t invert(uint32_t odd) {
    uint32_t inverse = odd;
    for (int i = 0; i < 4; i++)
        inverse *= 2 - odd * inverse;
    return inverse;
}

/*
 * With q = odd * 2^t and r the right shift, the rule is y = floor((x q + 2^30 + 2^(30 + r)) /
 * 2^(31 + r)) for x >= 0 and, for x < 0, minus the same of |x|, except where the division has no
 * remainder: there it is one less. No remainder means x = 2^(30 - t) * k with
 * k odd = -(1 + 2^r) modulo 2^(r + 1): the smallest such x decides. From x = 2^(r + 10) on,
 * |y| >= 512 is clamped.
 */
bool tenon_requantize_symmetric(int64_t bound, const struct tenon_multiplier *m) {
    if (m->multiplier <= 0)
        return true;
    int right = -m->shift, twos = __builtin_ctz((unsigned)m->multiplier);
    int64_t clamped = INT64_C(1) << (right + 10);
    uint32_t odd = (uint32_t)m->multiplier >> twos;
    uint32_t mask = (uint32_t)((UINT64_C(2) << right) - 1);
    uint32_t k = (0 - (1 + (UINT32_C(1) << right)) * invert(odd)) & mask;
    int64_t tie = (int64_t)k << (30 - twos);
    return tie > (bound < clamped ? bound : clamped);
}
