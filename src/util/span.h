/*
 * Bounded reading of little-endian bytes that nobody trusts. A span is a place and a length; every
 * read says whether it was inside. Nothing is ever cast to a structure.
 */
#ifndef TENON_UTIL_SPAN_H
#define TENON_UTIL_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/attr.h"

struct tenon_span {
    const uint8_t *data;
    size_t size;
};

static inline uint16_t tenon_load_le16(const uint8_t *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t tenon_load_le32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t tenon_load_le64(const uint8_t *p) {
    return (uint64_t)tenon_load_le32(p) | (uint64_t)tenon_load_le32(p + 4) << 32;
}

static inline float tenon_load_f32(const uint8_t *p) {
    uint32_t bits = tenon_load_le32(p);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint32_t tenon_f32_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline void tenon_store_le16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void tenon_store_le32(uint8_t *p, uint32_t v) {
    tenon_store_le16(p, (uint16_t)v);
    tenon_store_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void tenon_store_le64(uint8_t *p, uint64_t v) {
    tenon_store_le32(p, (uint32_t)v);
    tenon_store_le32(p + 4, (uint32_t)(v >> 32));
}

static inline bool tenon_span_has(struct tenon_span span, size_t offset, size_t size) {
    return offset <= span.size && size <= span.size - offset;
}

/* The part of a span, or false when it is not inside. */
TENON_NODISCARD static inline bool tenon_span_slice(struct tenon_span span, size_t offset,
                                                    size_t size, struct tenon_span *out) {
    if (!tenon_span_has(span, offset, size))
        return false;
    out->data = size == 0 ? NULL : span.data + offset;
    out->size = size;
    return true;
}

TENON_NODISCARD static inline bool tenon_read_u8(struct tenon_span s, size_t offset, uint8_t *out) {
    if (!tenon_span_has(s, offset, 1))
        return false;
    *out = s.data[offset];
    return true;
}

TENON_NODISCARD static inline bool tenon_read_le16(struct tenon_span s, size_t offset,
                                                   uint16_t *out) {
    if (!tenon_span_has(s, offset, 2))
        return false;
    *out = tenon_load_le16(s.data + offset);
    return true;
}

TENON_NODISCARD static inline bool tenon_read_le32(struct tenon_span s, size_t offset,
                                                   uint32_t *out) {
    if (!tenon_span_has(s, offset, 4))
        return false;
    *out = tenon_load_le32(s.data + offset);
    return true;
}

TENON_NODISCARD static inline bool tenon_read_le64(struct tenon_span s, size_t offset,
                                                   uint64_t *out) {
    if (!tenon_span_has(s, offset, 8))
        return false;
    *out = tenon_load_le64(s.data + offset);
    return true;
}

#endif
