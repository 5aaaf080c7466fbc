/*
 * Writer and reader of the container. Sections are found through the table; META holds the program
 * (edges, parts, nodes) as a stream, CODE and DATA of each part stand beside it.
 */
#include "image/image.h"

#include <string.h>

#include "image/serial.h"
#include "util/checked.h"

enum {
    HEADER_BYTES = 32,
    ROW_BYTES = 24,
    SECTIONS_MAX = 1 << 16,
    KIND_META = 0x4154454d, /* "META" */
    KIND_CODE = 0x45444f43,
    KIND_DATA = 0x41544144,
};

static const char magic[8] = {'T', 'E', 'N', 'O', 'N', 'I', 'M', 'G'};

/* ---- writing ---- */

static void write_ids(struct tenon_strbuf *buf, const uint32_t *ids, uint32_t count) {
    tenon_strbuf_append_le32(buf, count);
    for (uint32_t i = 0; i < count; i++)
        tenon_strbuf_append_le32(buf, ids[i]);
}

static void write_meta(const struct tenon_image *image, struct tenon_strbuf *buf) {
    tenon_serial_string(buf, image->name);
    tenon_strbuf_append_le32(buf, image->edge_count);
    for (uint32_t i = 0; i < image->edge_count; i++) {
        tenon_strbuf_append_u8(buf, (uint8_t)image->edges[i].kind);
        tenon_serial_string(buf, image->edges[i].name);
        tenon_serial_desc(buf, &image->edges[i].desc);
    }
    write_ids(buf, image->inputs, image->input_count);
    write_ids(buf, image->outputs, image->output_count);
    tenon_strbuf_append_le32(buf, image->part_count);
    for (uint32_t i = 0; i < image->part_count; i++) {
        const struct tenon_image_part *part = &image->parts[i];
        tenon_serial_string(buf, part->target);
        tenon_serial_string(buf, part->compatibility);
        write_ids(buf, part->reads, part->read_count);
        write_ids(buf, part->writes, part->write_count);
        tenon_strbuf_append_le64(buf, part->scratch_bytes);
    }
    tenon_strbuf_append_le32(buf, image->node_count);
    for (uint32_t i = 0; i < image->node_count; i++) {
        const struct tenon_image_node *node = &image->nodes[i];
        tenon_serial_string(buf, node->name);
        tenon_serial_string(buf, node->op);
        tenon_serial_string(buf, node->kernel);
        tenon_serial_string(buf, node->reason);
        tenon_strbuf_append_le32(buf, node->part);
        tenon_strbuf_append_le64(buf, node->macs);
    }
}

/* The table while it is written: rows of kind, offset, size. */
struct table {
    struct tenon_strbuf rows;
    uint32_t count;
};

static void add_row(struct table *table, uint32_t kind, size_t offset, size_t size) {
    tenon_strbuf_append_le32(&table->rows, kind);
    tenon_strbuf_append_le32(&table->rows, 0);
    tenon_strbuf_append_le64(&table->rows, offset);
    tenon_strbuf_append_le64(&table->rows, size);
    table->count++;
}

void tenon_image_begin(struct tenon_strbuf *buf) {
    static const uint8_t header[HEADER_BYTES];
    tenon_strbuf_append(buf, header, sizeof(header));
}

void tenon_image_align(struct tenon_strbuf *buf) {
    tenon_strbuf_align(buf, TENON_IMAGE_ALIGNMENT);
}

/* Aligns, and tells where the next section starts. */
static size_t section_start(struct tenon_strbuf *buf) {
    tenon_image_align(buf);
    return buf->size;
}

static void fill_header(struct tenon_strbuf *buf, uint32_t sections, size_t table_offset) {
    uint8_t *header = (uint8_t *)buf->data;
    memcpy(header, magic, sizeof(magic));
    tenon_store_le16(header + 8, TENON_IMAGE_MAJOR);
    tenon_store_le16(header + 10, TENON_IMAGE_MINOR);
    tenon_store_le32(header + 12, sections);
    tenon_store_le64(header + 16, buf->size);
    tenon_store_le64(header + 24, table_offset);
}

void tenon_image_end(const struct tenon_image *image, struct tenon_strbuf *buf) {
    struct table table = {.count = 0};
    tenon_strbuf_init(&table.rows);
    size_t start = section_start(buf);
    write_meta(image, buf);
    add_row(&table, KIND_META, start, buf->size - start);
    for (uint32_t i = 0; i < image->part_count; i++) {
        const struct tenon_image_part *part = &image->parts[i];
        start = section_start(buf);
        tenon_strbuf_append(buf, part->code.data, part->code.size);
        add_row(&table, KIND_CODE, start, part->code.size);
        add_row(&table, KIND_DATA, part->data_offset, part->data.size);
    }
    start = section_start(buf);
    tenon_strbuf_append(buf, table.rows.data, table.rows.size);
    buf->failed |= table.rows.failed;
    if (!buf->failed)
        fill_header(buf, table.count, start);
    tenon_strbuf_finish(&table.rows);
}

/* ---- reading ---- */

static enum tenon_status bad(struct tenon_error *error, size_t offset, const char *what) {
    return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "the program is malformed: %s (at byte %zu)",
                      what, offset);
}

static bool read_row(struct tenon_span bytes, uint32_t index, uint32_t kind,
                     struct tenon_span *out) {
    uint64_t table = tenon_load_le64(bytes.data + 24);
    size_t row = (size_t)index * ROW_BYTES;
    if (table > bytes.size || !tenon_span_has(bytes, (size_t)table + row, ROW_BYTES))
        return false;
    const uint8_t *p = bytes.data + table + row;
    uint64_t offset = tenon_load_le64(p + 8), size = tenon_load_le64(p + 16);
    return tenon_load_le32(p) == kind && offset <= SIZE_MAX && size <= SIZE_MAX &&
           offset % TENON_IMAGE_ALIGNMENT == 0 &&
           tenon_span_slice(bytes, (size_t)offset, (size_t)size, out);
}

static enum tenon_status read_header(struct tenon_span bytes, uint32_t *sections,
                                     struct tenon_error *error) {
    if (bytes.size < HEADER_BYTES || memcmp(bytes.data, magic, sizeof(magic)) != 0)
        return bad(error, 0, "no TENONIMG header");
    uint32_t major = tenon_load_le16(bytes.data + 8), minor = tenon_load_le16(bytes.data + 10);
    if (major != TENON_IMAGE_MAJOR || minor > TENON_IMAGE_MINOR)
        return tenon_fail(error, TENON_ERROR_INCOMPATIBLE,
                          "the program has version %u.%u, this is for %u.%u: compile it again",
                          major, minor, TENON_IMAGE_MAJOR, TENON_IMAGE_MINOR);
    *sections = tenon_load_le32(bytes.data + 12);
    if (tenon_load_le64(bytes.data + 16) != bytes.size)
        return bad(error, 16, "the file is truncated or has a tail");
    if (*sections < 1 || *sections > SECTIONS_MAX || *sections % 2 != 1)
        return bad(error, 12, "section count");
    return TENON_OK;
}

static const uint32_t *read_ids(struct tenon_cursor *cursor, struct tenon_arena *arena,
                                uint32_t limit, uint32_t *count) {
    *count = tenon_cursor_count(cursor, 4);
    uint32_t *ids = tenon_cursor_alloc(cursor, arena, *count, sizeof(*ids));
    for (uint32_t i = 0; !cursor->failed && i < *count; i++) {
        ids[i] = tenon_cursor_u32(cursor);
        cursor->failed |= ids[i] >= limit;
    }
    return ids;
}

static void read_edges(struct tenon_cursor *cursor, struct tenon_arena *arena,
                       struct tenon_image *image) {
    image->edge_count = tenon_cursor_count(cursor, 8);
    image->edges = tenon_cursor_alloc(cursor, arena, image->edge_count, sizeof(*image->edges));
    for (uint32_t i = 0; !cursor->failed && i < image->edge_count; i++) {
        struct tenon_image_edge *edge = &image->edges[i];
        uint8_t kind = tenon_cursor_u8(cursor);
        edge->kind = (enum tenon_edge_kind)kind;
        edge->name = tenon_cursor_string(cursor);
        tenon_cursor_desc(cursor, arena, &edge->desc);
        cursor->failed |= kind > TENON_EDGE_BETWEEN;
        edge->size_bytes = tenon_desc_size(&edge->desc);
    }
}

static void read_parts(struct tenon_cursor *cursor, struct tenon_arena *arena,
                       struct tenon_image *image) {
    image->part_count = tenon_cursor_count(cursor, 16);
    image->parts = tenon_cursor_alloc(cursor, arena, image->part_count, sizeof(*image->parts));
    for (uint32_t i = 0; !cursor->failed && i < image->part_count; i++) {
        struct tenon_image_part *part = &image->parts[i];
        part->target = tenon_cursor_string(cursor);
        part->compatibility = tenon_cursor_string(cursor);
        part->reads = read_ids(cursor, arena, image->edge_count, &part->read_count);
        part->writes = read_ids(cursor, arena, image->edge_count, &part->write_count);
        part->scratch_bytes = tenon_cursor_u64(cursor);
    }
}

static void read_nodes(struct tenon_cursor *cursor, struct tenon_arena *arena,
                       struct tenon_image *image) {
    uint32_t last = 0;
    image->node_count = tenon_cursor_count(cursor, 28);
    image->nodes = tenon_cursor_alloc(cursor, arena, image->node_count, sizeof(*image->nodes));
    for (uint32_t i = 0; !cursor->failed && i < image->node_count; i++) {
        struct tenon_image_node *node = &image->nodes[i];
        node->name = tenon_cursor_string(cursor);
        node->op = tenon_cursor_string(cursor);
        node->kernel = tenon_cursor_string(cursor);
        node->reason = tenon_cursor_string(cursor);
        node->part = tenon_cursor_u32(cursor);
        node->macs = tenon_cursor_u64(cursor);
        cursor->failed |= node->part < last || node->part >= image->part_count;
        last = node->part;
    }
}

/* Marks what a part writes; false when it writes an input or something a second time. */
static bool mark_writes(const struct tenon_image *image, const struct tenon_image_part *part,
                        bool *written) {
    for (uint32_t i = 0; i < part->write_count; i++) {
        uint32_t edge = part->writes[i];
        bool variable = image->edges[edge].kind == TENON_EDGE_VARIABLE;
        if (image->edges[edge].kind == TENON_EDGE_INPUT || (written[edge] && !variable))
            return false;
        written[edge] = true;
    }
    return true;
}

/* Every edge is written before it is read, and every output is written. */
static const char *check_order(const struct tenon_image *image, bool *written) {
    for (uint32_t i = 0; i < image->edge_count; i++)
        written[i] =
            image->edges[i].kind == TENON_EDGE_INPUT || image->edges[i].kind == TENON_EDGE_VARIABLE;
    for (uint32_t p = 0; p < image->part_count; p++) {
        for (uint32_t i = 0; i < image->parts[p].read_count; i++)
            if (!written[image->parts[p].reads[i]])
                return "a part reads what no earlier part wrote";
        if (!mark_writes(image, &image->parts[p], written))
            return "a part writes an input, or what is written already";
    }
    for (uint32_t i = 0; i < image->input_count; i++)
        if (image->edges[image->inputs[i]].kind != TENON_EDGE_INPUT)
            return "an input of the program is no input edge";
    for (uint32_t i = 0; i < image->output_count; i++)
        if (!written[image->outputs[i]])
            return "an output of the program is never written";
    return NULL;
}

/* Input and output edges are the program's own: others would take memory that nobody asked for. */
static const char *check_named(const struct tenon_image *image, bool *named) {
    memset(named, 0, image->edge_count * sizeof(*named));
    for (uint32_t i = 0; i < image->input_count; i++)
        named[image->inputs[i]] = true;
    for (uint32_t i = 0; i < image->output_count; i++)
        named[image->outputs[i]] = true;
    for (uint32_t i = 0; i < image->edge_count; i++)
        if (!named[i] &&
            (image->edges[i].kind == TENON_EDGE_INPUT || image->edges[i].kind == TENON_EDGE_OUTPUT))
            return "an input or output edge is not among the program's";
    return NULL;
}

enum tenon_status tenon_image_read(struct tenon_span bytes, struct tenon_arena *arena,
                                   struct tenon_image *image, struct tenon_error *error) {
    uint32_t sections = 0;
    struct tenon_span meta;
    *image = (struct tenon_image){0};
    enum tenon_status status = read_header(bytes, &sections, error);
    if (status != TENON_OK)
        return status;
    if (!read_row(bytes, 0, KIND_META, &meta))
        return bad(error, HEADER_BYTES, "section META");
    struct tenon_cursor cursor = {.bytes = meta};
    image->name = tenon_cursor_string(&cursor);
    read_edges(&cursor, arena, image);
    image->inputs = read_ids(&cursor, arena, image->edge_count, &image->input_count);
    image->outputs = read_ids(&cursor, arena, image->edge_count, &image->output_count);
    read_parts(&cursor, arena, image);
    read_nodes(&cursor, arena, image);
    if (cursor.out_of_memory)
        return tenon_fail_memory(error);
    if (cursor.failed || cursor.at != meta.size || sections != 1 + 2 * image->part_count)
        return bad(error, meta.data != NULL ? (size_t)(meta.data - bytes.data) + cursor.at : 0,
                   "section META");
    for (uint32_t i = 0; i < image->part_count; i++)
        if (!read_row(bytes, 1 + 2 * i, KIND_CODE, &image->parts[i].code) ||
            !read_row(bytes, 2 + 2 * i, KIND_DATA, &image->parts[i].data))
            return bad(error, HEADER_BYTES, "section table");
    bool *marks = tenon_arena_alloc_array(arena, image->edge_count, sizeof(*marks));
    if (marks == NULL)
        return tenon_fail_memory(error);
    const char *problem = check_order(image, marks);
    if (problem == NULL)
        problem = check_named(image, marks);
    return problem == NULL ? TENON_OK : bad(error, HEADER_BYTES, problem);
}
