/*
 * The pieces that sections are made of: integers, strings, descriptions, attributes; written to a
 * strbuf, read by a cursor that remembers its first failure, so that a reader checks once.
 */
#ifndef TENON_IMAGE_SERIAL_H
#define TENON_IMAGE_SERIAL_H

#include "op/attrs.h"
#include "op/desc.h"
#include "util/arena.h"
#include "util/span.h"
#include "util/strbuf.h"

struct tenon_cursor {
    struct tenon_span bytes;
    size_t at;
    bool failed;        /* truncated or malformed */
    bool out_of_memory; /* failed for lack of memory */
};

uint8_t tenon_cursor_u8(struct tenon_cursor *cursor);
uint32_t tenon_cursor_u32(struct tenon_cursor *cursor);
uint64_t tenon_cursor_u64(struct tenon_cursor *cursor);
/* A count of records of at least `least` bytes each: fails when they cannot fit in what is left. */
uint32_t tenon_cursor_count(struct tenon_cursor *cursor, size_t least);
/* Points into the bytes; never NULL. */
const char *tenon_cursor_string(struct tenon_cursor *cursor);
/* A description whose shape and quantization keep their promises (op/desc.h). */
void tenon_cursor_desc(struct tenon_cursor *cursor, struct tenon_arena *arena,
                       struct tenon_desc *out);
/* Reads the attributes of `mask`. */
void tenon_cursor_attrs(struct tenon_cursor *cursor, uint64_t mask, struct tenon_attrs *out);
/* Zeroed memory for `count` elements; marks the cursor failed when there is none. */
void *tenon_cursor_alloc(struct tenon_cursor *cursor, struct tenon_arena *arena, size_t count,
                         size_t size);

void tenon_serial_string(struct tenon_strbuf *buf, const char *text);
void tenon_serial_desc(struct tenon_strbuf *buf, const struct tenon_desc *desc);
void tenon_serial_attrs(struct tenon_strbuf *buf, uint64_t mask, const struct tenon_attrs *attrs);

#endif
