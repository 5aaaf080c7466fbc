/* Arithmetic on sizes that came from outside: each returns false when the result does not fit. */
#ifndef TENON_UTIL_CHECKED_H
#define TENON_UTIL_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"

TENON_NODISCARD static inline bool tenon_add_size(size_t a, size_t b, size_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

TENON_NODISCARD static inline bool tenon_mul_size(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

/* Rounds up to a multiple of `alignment`, a power of two. */
TENON_NODISCARD static inline bool tenon_align_size(size_t size, size_t alignment, size_t *out) {
    if (__builtin_add_overflow(size, alignment - 1, out))
        return false;
    *out &= ~(alignment - 1);
    return true;
}

/* For sizes known to be small: the caller has checked. */
static inline size_t tenon_align_up(size_t size, size_t alignment) {
    return (size + alignment - 1) & ~(alignment - 1);
}

#endif
