/*
 * Requantization of vectors of sums, over the operations of a vector.h. The double rule where it
 * was proven not to leave 32 bits (backends/cpu/overflow.h); everything else element by element.
 *
 *   high = (x << left) * multiplier / 2^31, rounded half up
 *   y = high / 2^right, rounded half away from zero: half is added, less 1 where high is negative
 */
#include <string.h>

#include "image/cpu_params.h"
#include "op/numerics.h"

struct range {
    int32_t low, high, zero_point;
};

struct requantizer {
    vi multiplier, left, right, half, shifts; /* shifts: all ones where right is not 0 */
    vi low, high, zero_point;
};

TENON_ALWAYS_INLINE void requantizer_derive(struct requantizer *q, const struct range *range) {
    q->half = vi_shift_right_logical(vi_shift_left(vi_dup(1), q->right), vi_dup(1));
    q->shifts = vi_sign(vi_sub(vi_dup(0), q->right));
    q->low = vi_dup(range->low);
    q->high = vi_dup(range->high);
    q->zero_point = vi_dup(range->zero_point);
}

/* The factors of elements [at, at + LANES). */
TENON_ALWAYS_INLINE void requantizer_load(struct requantizer *q,
                                          const struct tenon_requantize_arrays *arrays, size_t at,
                                          const struct range *range) {
    at *= sizeof(int32_t);
    q->multiplier = vi_load(arrays->multiplier + at);
    q->left = vi_load(arrays->left + at);
    q->right = vi_load(arrays->right + at);
    requantizer_derive(q, range);
}

/* A factor that all elements have. */
TENON_ALWAYS_INLINE void requantizer_dup(struct requantizer *q, const struct tenon_multiplier *m,
                                         const struct range *range) {
    q->multiplier = vi_dup(m->multiplier);
    q->left = vi_dup(m->shift > 0 ? m->shift : 0);
    q->right = vi_dup(m->shift > 0 ? 0 : -m->shift);
    requantizer_derive(q, range);
}

TENON_ALWAYS_INLINE vi rescale(const struct requantizer *q, vi x) {
    vi high = vi_high_multiply(vi_shift_left(x, q->left), q->multiplier);
    vi below = vi_and(vi_sign(high), q->shifts);
    return vi_shift_right(vi_add(vi_add(high, q->half), below), q->right);
}

TENON_ALWAYS_INLINE vi requantize(const struct requantizer *q, vi x) {
    return vi_min(vi_max(vi_add(rescale(q, x), q->zero_point), q->low), q->high);
}

/* Any rule, element by element. */
static TENON_UNUSED vi requantize_plain(const struct tenon_requantize_arrays *arrays, size_t at,
                                        enum tenon_rounding rounding, const struct range *range,
                                        vi x) {
    int32_t values[LANES];
    vi_store(values, x);
    for (size_t i = 0; i < LANES; i++) {
        size_t offset = (at + i) * sizeof(int32_t);
        struct tenon_multiplier m = {
            .multiplier = (int32_t)tenon_load_le32(arrays->multiplier + offset),
            .shift = (int32_t)(tenon_load_le32(arrays->left + offset) -
                               tenon_load_le32(arrays->right + offset)),
            .real = tenon_load_f32(arrays->real + offset),
        };
        int64_t y = (int64_t)tenon_requantize(values[i], &m, rounding) + range->zero_point;
        values[i] = (int32_t)(y < range->low ? range->low : y > range->high ? range->high : y);
    }
    return vi_load(values);
}

/* The low bytes of the first `count` elements. */
TENON_ALWAYS_INLINE void store_some(uint8_t *out, vi y, uint32_t count) {
    uint8_t bytes[LANES];
    vi_store_bytes(bytes, y);
    memcpy(out, bytes, count);
}
