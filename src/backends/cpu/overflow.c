/* See overflow.h. */
#include "backends/cpu/overflow.h"

static int32_t min_i32(int32_t a, int32_t b) {
    return a < b ? a : b;
}

bool tenon_split_weights(const int16_t *weights, size_t count, bool in_16_bits, int8_t *kept,
                         int16_t *rest) {
    int32_t above = TENON_SUM_MAX_16, below = TENON_SUM_MAX_16;
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        int32_t w = weights[i], part;
        if (w >= 0)
            part = min_i32(w, in_16_bits ? min_i32(above, INT8_MAX) : INT8_MAX);
        else
            part = -min_i32(-w, in_16_bits ? min_i32(below, -INT8_MIN) : -INT8_MIN);
        above -= part > 0 ? part : 0;
        below += part < 0 ? part : 0;
        kept[i] = (int8_t)part;
        rest[i] = (int16_t)(w - part);
        all &= w == part;
    }
    return all;
}
