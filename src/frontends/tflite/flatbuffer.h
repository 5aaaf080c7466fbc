/*
 * Bounded reading of FlatBuffers: tables, vectors, strings, none of it trusted. Every position is
 * an offset into the file that was checked; nothing recurses and nothing is cast.
 *
 * Format (flatbuffers.dev, "FlatBuffer Internals"): a table starts with a signed offset back to its
 * vtable; the vtable holds its own size, the table's size, and per field the offset of the field in
 * the table (0: absent). References are unsigned offsets forward from where they stand.
 */
#ifndef TENON_FRONTENDS_TFLITE_FLATBUFFER_H
#define TENON_FRONTENDS_TFLITE_FLATBUFFER_H

#include "util/span.h"

struct fb_table {
    struct tenon_span file;
    size_t at; /* position of the table in the file */
    size_t vtable;
    uint16_t vtable_size, table_size;
};

struct fb_vector {
    size_t at; /* position of the first element */
    uint32_t count;
};

enum fb_result { FB_OK, FB_ABSENT, FB_BAD };

enum fb_result fb_root(struct tenon_span file, struct fb_table *out);
/* Whether a table may stand at a position. */
bool fb_table_at(struct tenon_span file, size_t at, struct fb_table *out);

/* Scalars: the default when absent; a field that leaves its table reads as the default and sets
 * *bad, if bad is not NULL. */
int8_t fb_i8(const struct fb_table *table, int field, int8_t missing, bool *bad);
uint32_t fb_u32(const struct fb_table *table, int field, uint32_t missing, bool *bad);
int32_t fb_i32(const struct fb_table *table, int field, int32_t missing, bool *bad);
uint64_t fb_u64(const struct fb_table *table, int field, uint64_t missing, bool *bad);
float fb_f32(const struct fb_table *table, int field, float missing, bool *bad);

enum fb_result fb_vector(const struct fb_table *table, int field, size_t element_bytes,
                         struct fb_vector *out);
enum fb_result fb_subtable(const struct fb_table *table, int field, struct fb_table *out);
/* Element i of a vector of references to tables. */
bool fb_vector_table(const struct fb_table *table, const struct fb_vector *vector, uint32_t i,
                     struct fb_table *out);
/* The bytes of a string, without terminator. */
enum fb_result fb_string(const struct fb_table *table, int field, struct tenon_span *out);

static inline int32_t fb_vector_i32(const struct fb_table *table, const struct fb_vector *v,
                                    uint32_t i) {
    return (int32_t)tenon_load_le32(table->file.data + v->at + (size_t)i * 4);
}

static inline float fb_vector_f32(const struct fb_table *table, const struct fb_vector *v,
                                  uint32_t i) {
    return tenon_load_f32(table->file.data + v->at + (size_t)i * 4);
}

static inline int64_t fb_vector_i64(const struct fb_table *table, const struct fb_vector *v,
                                    uint32_t i) {
    return (int64_t)tenon_load_le64(table->file.data + v->at + (size_t)i * 8);
}

#endif
