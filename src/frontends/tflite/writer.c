/*
 * The file is laid out front to back: FlatBuffers only demands that references point forward, so a
 * table is written first with its references open, and what they name after it.
 */
#include "frontends/tflite/writer.h"

#include <stdlib.h>
#include <string.h>

#include "util/span.h"
#include "util/strbuf.h"

enum { FIELDS_MAX = 24, CUSTOM_CODE = 32, SCHEMA_VERSION = 3 };

struct blob {
    const void *data;
    uint32_t size;
};

void tfl_writer_init(struct tfl_writer *writer) {
    *writer = (struct tfl_writer){.description = "written by Tenon"};
    tenon_arena_init(&writer->arena, 0);
    tfl_writer_add_buffer(writer, NULL, 0);
}

void tfl_writer_finish(struct tfl_writer *writer) {
    tenon_arena_finish(&writer->arena);
}

static void *copy(struct tfl_writer *writer, const void *data, size_t size) {
    void *bytes = tenon_arena_copy(&writer->arena, data, size);
    writer->failed |= bytes == NULL;
    return bytes;
}

static uint32_t append(struct tfl_writer *writer, struct tfl_writer_list *list, const void *item,
                       size_t size) {
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 32 : list->capacity * 2;
        void *items = tenon_arena_alloc_array(&writer->arena, capacity, size);
        if (items == NULL) {
            writer->failed = true;
            return 0;
        }
        if (list->count != 0)
            memcpy(items, list->items, list->count * size);
        list->items = items;
        list->capacity = capacity;
    }
    memcpy((char *)list->items + list->count * size, item, size);
    return list->count++;
}

uint32_t tfl_writer_add_buffer(struct tfl_writer *writer, const void *data, uint32_t size) {
    struct blob blob = {.data = copy(writer, data, size), .size = size};
    return append(writer, &writer->buffers, &blob, sizeof(blob));
}

uint32_t tfl_writer_add_tensor(struct tfl_writer *writer, const struct tfl_writer_tensor *tensor) {
    struct tfl_writer_tensor t = *tensor;
    t.name = copy(writer, tensor->name, strlen(tensor->name) + 1);
    t.shape = copy(writer, tensor->shape, tensor->rank * sizeof(*t.shape));
    if (tensor->signature != NULL)
        t.signature = copy(writer, tensor->signature, tensor->rank * sizeof(*t.signature));
    t.scales = copy(writer, tensor->scales, tensor->scale_count * sizeof(*t.scales));
    t.zero_points =
        copy(writer, tensor->zero_points, tensor->zero_point_count * sizeof(*t.zero_points));
    return append(writer, &writer->tensors, &t, sizeof(t));
}

uint32_t tfl_writer_add_operator(struct tfl_writer *writer, const struct tfl_writer_operator *op) {
    struct tfl_writer_operator o = *op;
    o.inputs = copy(writer, op->inputs, op->input_count * sizeof(*o.inputs));
    o.outputs = copy(writer, op->outputs, op->output_count * sizeof(*o.outputs));
    o.fields = copy(writer, op->fields, op->field_count * sizeof(*o.fields));
    o.custom_options = copy(writer, op->custom_options, op->custom_options_bytes);
    if (op->custom != NULL)
        o.custom = copy(writer, op->custom, strlen(op->custom) + 1);
    return append(writer, &writer->operators, &o, sizeof(o));
}

void tfl_writer_add_input(struct tfl_writer *writer, int32_t tensor) {
    append(writer, &writer->inputs, &tensor, sizeof(tensor));
}

void tfl_writer_add_output(struct tfl_writer *writer, int32_t tensor) {
    append(writer, &writer->outputs, &tensor, sizeof(tensor));
}

/* ---- layout ---- */

/* A table under construction: up to FIELDS_MAX fields, each of 1, 4 or 8 bytes. */
struct table {
    uint8_t sizes[FIELDS_MAX]; /* 0: absent */
    uint64_t values[FIELDS_MAX];
    size_t at[FIELDS_MAX]; /* where each field came to stand */
    int count;
};

static void set(struct table *table, int field, uint8_t size, uint64_t value) {
    table->sizes[field] = size;
    table->values[field] = value;
    if (field >= table->count)
        table->count = field + 1;
}

/* A field that will refer to something written later. */
static void refer(struct table *table, int field) {
    set(table, field, 4, 0);
}

static void set_float(struct table *table, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    set(table, field, 4, bits);
}

/* Writes vtable and table; returns the table's position. Larger fields stand first, so that all are
 * aligned. */
static size_t put_table(struct tenon_strbuf *out, struct table *table) {
    static const uint8_t order[] = {8, 4, 1};
    uint16_t offsets[FIELDS_MAX] = {0};
    size_t vtable_bytes = 4 + 2 * (size_t)table->count, size = 4;
    bool wide = false;
    for (int i = 0; i < table->count; i++)
        wide |= table->sizes[i] == 8;
    if (wide)
        size = 8; /* the reference to the vtable, and a gap */
    for (size_t k = 0; k < sizeof(order); k++)
        for (int i = 0; i < table->count; i++)
            if (table->sizes[i] == order[k]) {
                offsets[i] = (uint16_t)size;
                size += order[k];
            }
    /* The vtable goes right before the table, which is aligned to 8. */
    tenon_strbuf_align(out, 8);
    while ((out->size + vtable_bytes) % 8 != 0 && !out->failed)
        tenon_strbuf_append_u8(out, 0);
    size_t vtable = out->size;
    tenon_strbuf_append_le16(out, (uint16_t)vtable_bytes);
    tenon_strbuf_append_le16(out, (uint16_t)size);
    for (int i = 0; i < table->count; i++)
        tenon_strbuf_append_le16(out, offsets[i]);
    size_t at = out->size;
    tenon_strbuf_append_le32(out, (uint32_t)(at - vtable));
    while (out->size < at + size && !out->failed)
        tenon_strbuf_append_u8(out, 0);
    for (int i = 0; i < table->count && !out->failed; i++) {
        table->at[i] = at + offsets[i];
        for (int b = 0; b < table->sizes[i]; b++)
            out->data[table->at[i] + (size_t)b] = (char)(table->values[i] >> (8 * b));
    }
    return at;
}

/* Lets the reference at `from` point to `to`. */
static void link_to(struct tenon_strbuf *out, size_t from, size_t to) {
    if (!out->failed)
        tenon_store_le32((uint8_t *)out->data + from, (uint32_t)(to - from));
}

/* Writes a vector whose elements start at a multiple of `alignment`; returns its position. */
static size_t put_vector(struct tenon_strbuf *out, const void *data, uint32_t count, size_t element,
                         size_t alignment) {
    tenon_strbuf_align(out, 4);
    while ((out->size + 4) % alignment != 0 && !out->failed)
        tenon_strbuf_append_le32(out, 0);
    size_t at = out->size;
    tenon_strbuf_append_le32(out, count);
    tenon_strbuf_append(out, data, count * element);
    return at;
}

static size_t put_string(struct tenon_strbuf *out, const char *text) {
    size_t at = put_vector(out, text, (uint32_t)strlen(text), 1, 4);
    tenon_strbuf_append_u8(out, 0);
    return at;
}

/* A vector of `count` references, to be linked; returns the position of the first element. */
static size_t put_references(struct tenon_strbuf *out, size_t from, uint32_t count) {
    tenon_strbuf_align(out, 4);
    link_to(out, from, out->size);
    tenon_strbuf_append_le32(out, count);
    size_t first = out->size;
    for (uint32_t i = 0; i < count; i++)
        tenon_strbuf_append_le32(out, 0);
    return first;
}

static uint8_t type_code(enum tenon_type type) {
    static const uint8_t codes[TENON_TYPE_COUNT] = {
        [TENON_TYPE_F32] = 0,   [TENON_TYPE_F16] = 1,  [TENON_TYPE_I32] = 2,  [TENON_TYPE_U8] = 3,
        [TENON_TYPE_I64] = 4,   [TENON_TYPE_BOOL] = 6, [TENON_TYPE_I16] = 7,  [TENON_TYPE_I8] = 9,
        [TENON_TYPE_F64] = 10,  [TENON_TYPE_U32] = 15, [TENON_TYPE_U16] = 16, [TENON_TYPE_I4] = 17,
        [TENON_TYPE_BF16] = 18,
    };
    return codes[type];
}

static void put_quantization(struct tenon_strbuf *out, size_t from,
                             const struct tfl_writer_tensor *t) {
    enum { SCALE = 2, ZERO_POINT = 3, AXIS = 6 };
    struct table table = {0};
    refer(&table, SCALE);
    refer(&table, ZERO_POINT);
    set(&table, AXIS, 4, (uint32_t)t->axis);
    link_to(out, from, put_table(out, &table));
    link_to(out, table.at[SCALE], put_vector(out, t->scales, t->scale_count, 4, 4));
    link_to(out, table.at[ZERO_POINT], put_vector(out, t->zero_points, t->zero_point_count, 8, 8));
}

static void put_tensor(struct tenon_strbuf *out, size_t from, const struct tfl_writer_tensor *t) {
    enum { SHAPE, TYPE, BUFFER, NAME, QUANTIZATION, VARIABLE, SPARSITY, SIGNATURE };
    struct table table = {0};
    refer(&table, SHAPE);
    set(&table, TYPE, 1, type_code(t->type));
    set(&table, BUFFER, 4, t->buffer);
    refer(&table, NAME);
    if (t->scale_count != 0 || t->zero_point_count != 0)
        refer(&table, QUANTIZATION);
    set(&table, VARIABLE, 1, t->is_variable);
    if (t->is_sparse)
        refer(&table, SPARSITY);
    if (t->signature != NULL)
        refer(&table, SIGNATURE);
    link_to(out, from, put_table(out, &table));
    link_to(out, table.at[SHAPE], put_vector(out, t->shape, t->rank, 4, 4));
    link_to(out, table.at[NAME], put_string(out, t->name));
    if (t->scale_count != 0 || t->zero_point_count != 0)
        put_quantization(out, table.at[QUANTIZATION], t);
    if (t->is_sparse)
        link_to(out, table.at[SPARSITY], put_table(out, &(struct table){0}));
    if (t->signature != NULL)
        link_to(out, table.at[SIGNATURE], put_vector(out, t->signature, t->rank, 4, 4));
}

static void put_options(struct tenon_strbuf *out, size_t from,
                        const struct tfl_writer_operator *op) {
    struct table table = {0};
    for (uint32_t i = 0; i < op->field_count; i++) {
        const struct tfl_field *field = &op->fields[i];
        if (field->number >= FIELDS_MAX)
            continue;
        if (field->kind == TFL_FIELD_FLOAT)
            set_float(&table, field->number, field->real);
        else
            set(&table, field->number, field->kind == TFL_FIELD_BYTE ? 1 : 4,
                (uint32_t)field->value);
    }
    link_to(out, from, put_table(out, &table));
}

static void put_operator(struct tenon_strbuf *out, size_t from, uint32_t index,
                         const struct tfl_writer_operator *op) {
    enum { CODE, INPUTS, OUTPUTS, OPTIONS_TYPE, OPTIONS, CUSTOM_OPTIONS };
    struct table table = {0};
    set(&table, CODE, 4, index);
    refer(&table, INPUTS);
    refer(&table, OUTPUTS);
    if (op->options_type != 0) {
        set(&table, OPTIONS_TYPE, 1, op->options_type);
        refer(&table, OPTIONS);
    }
    if (op->custom_options_bytes != 0)
        refer(&table, CUSTOM_OPTIONS);
    link_to(out, from, put_table(out, &table));
    link_to(out, table.at[INPUTS], put_vector(out, op->inputs, op->input_count, 4, 4));
    link_to(out, table.at[OUTPUTS], put_vector(out, op->outputs, op->output_count, 4, 4));
    if (op->options_type != 0)
        put_options(out, table.at[OPTIONS], op);
    if (op->custom_options_bytes != 0)
        link_to(out, table.at[CUSTOM_OPTIONS],
                put_vector(out, op->custom_options, op->custom_options_bytes, 1, 4));
}

/* One operator code per operator keeps the writer simple; files stay small. */
static void put_code(struct tenon_strbuf *out, size_t from, const struct tfl_writer_operator *op) {
    enum { OLD_CODE, CUSTOM, VERSION, CODE, OLD_MAX = 127 };
    struct table table = {0};
    set(&table, OLD_CODE, 1, (uint8_t)(op->code > OLD_MAX ? OLD_MAX : op->code));
    if (op->custom != NULL)
        refer(&table, CUSTOM);
    set(&table, VERSION, 4, 1);
    set(&table, CODE, 4, (uint32_t)op->code);
    link_to(out, from, put_table(out, &table));
    if (op->custom != NULL)
        link_to(out, table.at[CUSTOM], put_string(out, op->custom));
}

static void put_subgraph(struct tenon_strbuf *out, size_t from, const struct tfl_writer *w) {
    enum { TENSORS, INPUTS, OUTPUTS, OPERATORS, NAME };
    struct table table = {0};
    for (int i = TENSORS; i <= NAME; i++)
        refer(&table, i);
    link_to(out, from, put_table(out, &table));
    size_t tensors = put_references(out, table.at[TENSORS], w->tensors.count);
    for (uint32_t i = 0; i < w->tensors.count; i++)
        put_tensor(out, tensors + 4 * (size_t)i,
                   (const struct tfl_writer_tensor *)w->tensors.items + i);
    link_to(out, table.at[INPUTS], put_vector(out, w->inputs.items, w->inputs.count, 4, 4));
    link_to(out, table.at[OUTPUTS], put_vector(out, w->outputs.items, w->outputs.count, 4, 4));
    size_t operators = put_references(out, table.at[OPERATORS], w->operators.count);
    for (uint32_t i = 0; i < w->operators.count; i++)
        put_operator(out, operators + 4 * (size_t)i, i,
                     (const struct tfl_writer_operator *)w->operators.items + i);
    link_to(out, table.at[NAME], put_string(out, "main"));
}

static void put_buffer(struct tenon_strbuf *out, size_t from, const struct blob *blob) {
    struct table table = {0};
    if (blob->size != 0)
        refer(&table, 0);
    link_to(out, from, put_table(out, &table));
    if (blob->size != 0)
        link_to(out, table.at[0], put_vector(out, blob->data, blob->size, 1, 16));
}

static void put_model(struct tenon_strbuf *out, const struct tfl_writer *w) {
    enum { VERSION, CODES, SUBGRAPHS, DESCRIPTION, BUFFERS };
    struct table table = {0};
    tenon_strbuf_append_le32(out, 0);
    tenon_strbuf_append(out, "TFL3", 4);
    set(&table, VERSION, 4, SCHEMA_VERSION);
    for (int i = CODES; i <= BUFFERS; i++)
        refer(&table, i);
    link_to(out, 0, put_table(out, &table));
    size_t codes = put_references(out, table.at[CODES], w->operators.count);
    for (uint32_t i = 0; i < w->operators.count; i++)
        put_code(out, codes + 4 * (size_t)i,
                 (const struct tfl_writer_operator *)w->operators.items + i);
    size_t subgraphs = put_references(out, table.at[SUBGRAPHS], 1);
    put_subgraph(out, subgraphs, w);
    link_to(out, table.at[DESCRIPTION], put_string(out, w->description));
    size_t buffers = put_references(out, table.at[BUFFERS], w->buffers.count);
    for (uint32_t i = 0; i < w->buffers.count; i++)
        put_buffer(out, buffers + 4 * (size_t)i, (const struct blob *)w->buffers.items + i);
}

uint8_t *tfl_writer_write(struct tfl_writer *writer, size_t *size) {
    struct tenon_strbuf out;
    if (writer->failed)
        return NULL;
    tenon_strbuf_init(&out);
    put_model(&out, writer);
    return (uint8_t *)tenon_strbuf_take(&out, size);
}
