/*
 * Requantization by one fused multiply-add of floats: three instructions where 64-bit products take
 * ten. Floats have too few bits to follow the integer rule everywhere, but both are monotone in the
 * sum, and the result has 8 bits: they agree on every sum when each of the at most 255 results
 * starts at the same sum. That is proven channel by channel, for a factor and an offset that may
 * differ from the nearest ones.
 */
#ifndef TENON_BACKENDS_CPU_FUSED_H
#define TENON_BACKENDS_CPU_FUSED_H

#include <stdbool.h>
#include <stdint.h>

#include "image/cpu_params.h"
#include "op/numerics.h"

enum { TENON_FUSED_RESULTS = 255 };

/* The results of a layer, relative to the zero point. */
struct tenon_fused_rule {
    enum tenon_rounding rounding;
    enum tenon_fused kind;
    int32_t center;
    int32_t first, last; /* results that start within the clamped range */
    /* Result first + i starts with x where exact arithmetic gives more than above[i] for x and less
     * than below[i] for x - 1, relative to first + i - center - 1/2. */
    float above[TENON_FUSED_RESULTS + 1], below[TENON_FUSED_RESULTS + 1];
    float result[TENON_FUSED_RESULTS + 1]; /* first + i */
};

/* low, high: of the outputs, which have 8 bits. */
void tenon_fused_rule_init(struct tenon_fused_rule *rule, enum tenon_rounding rounding, int32_t low,
                           int32_t high, int32_t zero_point);
/* A factor and an offset that give the rule's result for every sum; false when none was found. */
bool tenon_fused_find(const struct tenon_fused_rule *rule, const struct tenon_multiplier *m,
                      float *factor, float *offset);

#endif
