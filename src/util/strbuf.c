/* Growing strings and bytes: doubling, with one sticky failure flag. */
#include "util/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/checked.h"
#include "util/span.h"

void tenon_strbuf_init(struct tenon_strbuf *buf) {
    *buf = (struct tenon_strbuf){0};
}

void tenon_strbuf_init_aligned(struct tenon_strbuf *buf, size_t alignment) {
    *buf = (struct tenon_strbuf){.alignment = alignment};
}

static char *block_of(const struct tenon_strbuf *buf) {
    return buf->data == NULL ? NULL : buf->data - buf->lead;
}

void tenon_strbuf_finish(struct tenon_strbuf *buf) {
    free(block_of(buf));
    tenon_strbuf_init(buf);
}

/* Large blocks keep their place in a page as they grow, so that data seldom moves. */
static bool grow(struct tenon_strbuf *buf, size_t capacity) {
    size_t room;
    char *block =
        tenon_add_size(capacity, buf->alignment, &room) ? realloc(block_of(buf), room) : NULL;
    if (block == NULL)
        return false;
    size_t lead = buf->alignment == 0 ? 0 : -(uintptr_t)block & (buf->alignment - 1);
    if (lead != buf->lead)
        memmove(block + lead, block + buf->lead, buf->size);
    buf->data = block + lead;
    buf->lead = lead;
    buf->capacity = capacity;
    return true;
}

/* Makes room for `extra` more bytes and the terminator. */
static bool reserve(struct tenon_strbuf *buf, size_t extra) {
    size_t needed;
    if (buf->failed)
        return false;
    if (!tenon_add_size(buf->size, extra, &needed) || !tenon_add_size(needed, 1, &needed)) {
        buf->failed = true;
        return false;
    }
    if (needed <= buf->capacity)
        return true;
    size_t doubled = buf->capacity < 128 ? 256 : buf->capacity * 2;
    size_t capacity = doubled > needed ? doubled : needed;
    buf->failed = !grow(buf, capacity);
    return !buf->failed;
}

void tenon_strbuf_reserve(struct tenon_strbuf *buf, size_t size) {
    reserve(buf, size);
}

void *tenon_strbuf_extend(struct tenon_strbuf *buf, size_t size) {
    if (!reserve(buf, size))
        return NULL;
    char *at = buf->data + buf->size;
    buf->size += size;
    buf->data[buf->size] = '\0';
    return at;
}

void tenon_strbuf_append(struct tenon_strbuf *buf, const void *data, size_t size) {
    if (!reserve(buf, size))
        return;
    if (size != 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void tenon_strbuf_puts(struct tenon_strbuf *buf, const char *text) {
    tenon_strbuf_append(buf, text, strlen(text));
}

void tenon_strbuf_printf(struct tenon_strbuf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        buf->failed = true;
    else if (reserve(buf, (size_t)length)) {
        vsnprintf(buf->data + buf->size, (size_t)length + 1, format, again);
        buf->size += (size_t)length;
    }
    va_end(again);
}

void tenon_strbuf_append_u8(struct tenon_strbuf *buf, uint8_t value) {
    tenon_strbuf_append(buf, &value, 1);
}

void tenon_strbuf_append_le16(struct tenon_strbuf *buf, uint16_t value) {
    uint8_t bytes[2];
    tenon_store_le16(bytes, value);
    tenon_strbuf_append(buf, bytes, sizeof(bytes));
}

void tenon_strbuf_append_le32(struct tenon_strbuf *buf, uint32_t value) {
    uint8_t bytes[4];
    tenon_store_le32(bytes, value);
    tenon_strbuf_append(buf, bytes, sizeof(bytes));
}

void tenon_strbuf_append_le64(struct tenon_strbuf *buf, uint64_t value) {
    uint8_t bytes[8];
    tenon_store_le64(bytes, value);
    tenon_strbuf_append(buf, bytes, sizeof(bytes));
}

void tenon_strbuf_align(struct tenon_strbuf *buf, size_t alignment) {
    size_t padding = tenon_align_up(buf->size, alignment) - buf->size;
    if (!reserve(buf, padding))
        return;
    memset(buf->data + buf->size, 0, padding);
    buf->size += padding;
    buf->data[buf->size] = '\0';
}

char *tenon_strbuf_take(struct tenon_strbuf *buf, size_t *size) {
    if (buf->failed) {
        tenon_strbuf_finish(buf);
        return NULL;
    }
    if (!reserve(buf, 0)) { /* an empty buffer still gives a string */
        tenon_strbuf_finish(buf);
        return NULL;
    }
    buf->data[buf->size] = '\0';
    char *block = block_of(buf);
    if (size != NULL)
        *size = buf->size;
    tenon_strbuf_init(buf);
    return block;
}
