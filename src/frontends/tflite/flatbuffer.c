/* Every read goes through tenon_read_le* on the whole file, at a position computed in 64 bits. */
#include "frontends/tflite/flatbuffer.h"

bool fb_table_at(struct tenon_span file, size_t at, struct fb_table *out) {
    uint32_t back;
    *out = (struct fb_table){.file = file, .at = at};
    if (at % 4 != 0 || !tenon_read_le32(file, at, &back))
        return false;
    int64_t vtable = (int64_t)at - (int32_t)back;
    if (vtable < 0 || vtable % 2 != 0 || (uint64_t)vtable > file.size)
        return false;
    out->vtable = (size_t)vtable;
    return tenon_read_le16(file, out->vtable, &out->vtable_size) &&
           tenon_read_le16(file, out->vtable + 2, &out->table_size) && out->vtable_size >= 4 &&
           out->table_size >= 4 && tenon_span_has(file, out->vtable, out->vtable_size) &&
           tenon_span_has(file, at, out->table_size);
}

enum fb_result fb_root(struct tenon_span file, struct fb_table *out) {
    uint32_t offset;
    if (!tenon_read_le32(file, 0, &offset) || !fb_table_at(file, offset, out))
        return FB_BAD;
    return FB_OK;
}

/* Position of a field of `size` bytes. */
static enum fb_result field_at(const struct fb_table *table, int field, size_t size, size_t *at) {
    size_t entry = 4 + (size_t)field * 2;
    uint16_t offset;
    if (entry + 2 > table->vtable_size)
        return FB_ABSENT;
    if (!tenon_read_le16(table->file, table->vtable + entry, &offset))
        return FB_BAD;
    if (offset == 0)
        return FB_ABSENT;
    if (offset < 4 || (size_t)offset + size > table->table_size)
        return FB_BAD;
    *at = table->at + offset;
    return FB_OK;
}

static const uint8_t *scalar(const struct fb_table *table, int field, size_t size, bool *bad) {
    size_t at = 0;
    enum fb_result result = field_at(table, field, size, &at);
    if (result == FB_BAD && bad != NULL)
        *bad = true;
    return result == FB_OK ? table->file.data + at : NULL;
}

int8_t fb_i8(const struct fb_table *table, int field, int8_t missing, bool *bad) {
    const uint8_t *p = scalar(table, field, 1, bad);
    return p != NULL ? (int8_t)*p : missing;
}

uint32_t fb_u32(const struct fb_table *table, int field, uint32_t missing, bool *bad) {
    const uint8_t *p = scalar(table, field, 4, bad);
    return p != NULL ? tenon_load_le32(p) : missing;
}

int32_t fb_i32(const struct fb_table *table, int field, int32_t missing, bool *bad) {
    return (int32_t)fb_u32(table, field, (uint32_t)missing, bad);
}

uint64_t fb_u64(const struct fb_table *table, int field, uint64_t missing, bool *bad) {
    const uint8_t *p = scalar(table, field, 8, bad);
    return p != NULL ? tenon_load_le64(p) : missing;
}

float fb_f32(const struct fb_table *table, int field, float missing, bool *bad) {
    const uint8_t *p = scalar(table, field, 4, bad);
    return p != NULL ? tenon_load_f32(p) : missing;
}

/* Where the reference in a field points. */
static enum fb_result follow(const struct fb_table *table, int field, size_t *target) {
    size_t at;
    uint32_t offset;
    enum fb_result result = field_at(table, field, 4, &at);
    if (result != FB_OK)
        return result;
    if (!tenon_read_le32(table->file, at, &offset) || offset == 0 || offset > table->file.size - at)
        return FB_BAD;
    *target = at + offset;
    return FB_OK;
}

enum fb_result fb_vector(const struct fb_table *table, int field, size_t element_bytes,
                         struct fb_vector *out) {
    size_t at;
    *out = (struct fb_vector){0};
    enum fb_result result = follow(table, field, &at);
    if (result != FB_OK)
        return result;
    if (at % 4 != 0 || !tenon_read_le32(table->file, at, &out->count))
        return FB_BAD;
    out->at = at + 4;
    /* count < 2^32 and elements are at most 8 bytes: the product fits 64 bits. */
    uint64_t bytes = (uint64_t)out->count * element_bytes;
    if (out->at > table->file.size || bytes > table->file.size - out->at) {
        out->count = 0;
        return FB_BAD;
    }
    return FB_OK;
}

enum fb_result fb_subtable(const struct fb_table *table, int field, struct fb_table *out) {
    size_t at;
    enum fb_result result = follow(table, field, &at);
    if (result != FB_OK)
        return result;
    return fb_table_at(table->file, at, out) ? FB_OK : FB_BAD;
}

bool fb_vector_table(const struct fb_table *table, const struct fb_vector *vector, uint32_t i,
                     struct fb_table *out) {
    uint32_t offset;
    size_t at = vector->at + (size_t)i * 4;
    if (i >= vector->count || !tenon_read_le32(table->file, at, &offset) || offset == 0 ||
        offset > table->file.size - at)
        return false;
    return fb_table_at(table->file, at + offset, out);
}

enum fb_result fb_string(const struct fb_table *table, int field, struct tenon_span *out) {
    struct fb_vector vector;
    *out = (struct tenon_span){0};
    enum fb_result result = fb_vector(table, field, 1, &vector);
    if (result == FB_OK)
        *out = (struct tenon_span){table->file.data + vector.at, vector.count};
    return result;
}
