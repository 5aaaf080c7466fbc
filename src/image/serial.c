/* Writing and reading the pieces of sections. */
#include "image/serial.h"

#include <string.h>

static const uint8_t *take(struct tenon_cursor *cursor, size_t size) {
    if (cursor->failed || !tenon_span_has(cursor->bytes, cursor->at, size)) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *p = cursor->bytes.data + cursor->at;
    cursor->at += size;
    return p;
}

uint8_t tenon_cursor_u8(struct tenon_cursor *cursor) {
    const uint8_t *p = take(cursor, 1);
    return p != NULL ? *p : 0;
}

uint32_t tenon_cursor_u32(struct tenon_cursor *cursor) {
    const uint8_t *p = take(cursor, 4);
    return p != NULL ? tenon_load_le32(p) : 0;
}

uint64_t tenon_cursor_u64(struct tenon_cursor *cursor) {
    const uint8_t *p = take(cursor, 8);
    return p != NULL ? tenon_load_le64(p) : 0;
}

uint32_t tenon_cursor_count(struct tenon_cursor *cursor, size_t least) {
    uint32_t count = tenon_cursor_u32(cursor);
    if (!cursor->failed && (uint64_t)count * least > cursor->bytes.size - cursor->at)
        cursor->failed = true;
    return cursor->failed ? 0 : count;
}

const char *tenon_cursor_string(struct tenon_cursor *cursor) {
    uint32_t size = tenon_cursor_count(cursor, 1);
    const uint8_t *p = take(cursor, (size_t)size + 1);
    if (p == NULL || memchr(p, 0, (size_t)size + 1) != p + size) {
        cursor->failed = true;
        return "";
    }
    return (const char *)p;
}

void *tenon_cursor_alloc(struct tenon_cursor *cursor, struct tenon_arena *arena, size_t count,
                         size_t size) {
    void *memory = tenon_arena_alloc_array(arena, count, size);
    if (memory == NULL)
        cursor->failed = cursor->out_of_memory = true;
    return memory;
}

static void read_quant(struct tenon_cursor *cursor, struct tenon_arena *arena,
                       struct tenon_quant *quant) {
    uint32_t count = tenon_cursor_count(cursor, 8);
    if (count == 0)
        return;
    quant->axis = (int32_t)tenon_cursor_u32(cursor);
    float *scale = tenon_cursor_alloc(cursor, arena, count, sizeof(*scale));
    int32_t *zero = tenon_cursor_alloc(cursor, arena, count, sizeof(*zero));
    for (uint32_t i = 0; !cursor->failed && i < count; i++) {
        const uint8_t *p = take(cursor, 8);
        if (p == NULL)
            break;
        scale[i] = tenon_load_f32(p);
        zero[i] = (int32_t)tenon_load_le32(p + 4);
    }
    if (!cursor->failed)
        *quant = (struct tenon_quant){count, quant->axis, scale, zero};
}

void tenon_cursor_desc(struct tenon_cursor *cursor, struct tenon_arena *arena,
                       struct tenon_desc *out) {
    size_t bytes;
    *out = (struct tenon_desc){0};
    out->type = (enum tenon_type)tenon_cursor_u8(cursor);
    out->shape.rank = tenon_cursor_u8(cursor);
    if (out->shape.rank > TENON_MAX_RANK) {
        cursor->failed = true;
        return;
    }
    for (int i = 0; i < out->shape.rank; i++)
        out->shape.dims[i] = (int32_t)tenon_cursor_u32(cursor);
    read_quant(cursor, arena, &out->quant);
    if (!cursor->failed &&
        (!tenon_desc_bytes(out, &bytes) || tenon_desc_check_quant(out, NULL) != TENON_OK))
        cursor->failed = true;
}

static void read_list(struct tenon_cursor *cursor, struct tenon_list *list) {
    list->count = tenon_cursor_u8(cursor);
    if (list->count > TENON_LIST_MAX) {
        cursor->failed = true;
        list->count = 0;
    }
    for (int i = 0; i < list->count; i++)
        list->values[i] = (int32_t)tenon_cursor_u32(cursor);
}

void tenon_cursor_attrs(struct tenon_cursor *cursor, uint64_t mask, struct tenon_attrs *out) {
    *out = (struct tenon_attrs){0};
    for (int i = 0; i < TENON_ATTR_COUNT; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        void *field = (char *)out + tenon_attr_table[i].offset;
        if (tenon_attr_table[i].kind == TENON_ATTR_LIST) {
            read_list(cursor, field);
        } else {
            uint32_t bits = tenon_cursor_u32(cursor);
            memcpy(field, &bits, sizeof(bits));
        }
    }
}

void tenon_serial_string(struct tenon_strbuf *buf, const char *text) {
    size_t size = strlen(text);
    tenon_strbuf_append_le32(buf, (uint32_t)size);
    tenon_strbuf_append(buf, text, size + 1);
}

void tenon_serial_desc(struct tenon_strbuf *buf, const struct tenon_desc *desc) {
    tenon_strbuf_append_u8(buf, (uint8_t)desc->type);
    tenon_strbuf_append_u8(buf, desc->shape.rank);
    for (int i = 0; i < desc->shape.rank; i++)
        tenon_strbuf_append_le32(buf, (uint32_t)desc->shape.dims[i]);
    tenon_strbuf_append_le32(buf, desc->quant.count);
    if (desc->quant.count == 0)
        return;
    tenon_strbuf_append_le32(buf, (uint32_t)desc->quant.axis);
    for (uint32_t i = 0; i < desc->quant.count; i++) {
        uint32_t bits;
        memcpy(&bits, &desc->quant.scale[i], sizeof(bits));
        tenon_strbuf_append_le32(buf, bits);
        tenon_strbuf_append_le32(buf, (uint32_t)desc->quant.zero_point[i]);
    }
}

void tenon_serial_attrs(struct tenon_strbuf *buf, uint64_t mask, const struct tenon_attrs *attrs) {
    for (int i = 0; i < TENON_ATTR_COUNT; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        const void *field = (const char *)attrs + tenon_attr_table[i].offset;
        if (tenon_attr_table[i].kind == TENON_ATTR_LIST) {
            const struct tenon_list *list = field;
            tenon_strbuf_append_u8(buf, (uint8_t)list->count);
            for (int k = 0; k < list->count; k++)
                tenon_strbuf_append_le32(buf, (uint32_t)list->values[k]);
        } else {
            uint32_t bits;
            memcpy(&bits, field, sizeof(bits));
            tenon_strbuf_append_le32(buf, bits);
        }
    }
}
