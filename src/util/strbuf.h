/* A growing string, or growing bytes. Failure is remembered, so that a writer checks once at the
 * end: after the first failed allocation every append does nothing. */
#ifndef TENON_UTIL_STRBUF_H
#define TENON_UTIL_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"

struct tenon_strbuf {
    char *data; /* NUL-terminated after the first append; malloc'd, without an alignment */
    size_t size;
    size_t capacity;
    size_t alignment; /* of data; 0: malloc's */
    size_t lead;      /* malloc'd bytes before data */
    bool failed;
};

void tenon_strbuf_init(struct tenon_strbuf *buf);
/* With data aligned to a power of two. */
void tenon_strbuf_init_aligned(struct tenon_strbuf *buf, size_t alignment);
void tenon_strbuf_finish(struct tenon_strbuf *buf);
/* Makes room for `size` more bytes at once. */
void tenon_strbuf_reserve(struct tenon_strbuf *buf, size_t size);
/* Appends `size` bytes that the caller writes; NULL when there is no room. */
TENON_NODISCARD void *tenon_strbuf_extend(struct tenon_strbuf *buf, size_t size);
void tenon_strbuf_append(struct tenon_strbuf *buf, const void *data, size_t size);
void tenon_strbuf_puts(struct tenon_strbuf *buf, const char *text);
void tenon_strbuf_printf(struct tenon_strbuf *buf, const char *format, ...) TENON_PRINTF(2, 3);
void tenon_strbuf_append_u8(struct tenon_strbuf *buf, uint8_t value);
void tenon_strbuf_append_le16(struct tenon_strbuf *buf, uint16_t value);
void tenon_strbuf_append_le32(struct tenon_strbuf *buf, uint32_t value);
void tenon_strbuf_append_le64(struct tenon_strbuf *buf, uint64_t value);
/* Zeros up to a multiple of alignment, a power of two. */
void tenon_strbuf_align(struct tenon_strbuf *buf, size_t alignment);
/* Hands the malloc'd memory over, which data starts in after `lead` bytes, and empties the buffer;
 * NULL when an append failed. */
TENON_NODISCARD char *tenon_strbuf_take(struct tenon_strbuf *buf, size_t *size);

#endif
