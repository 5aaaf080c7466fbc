/*
 * The TFLite front end: finds the model's parts in the file, makes tensors on first use, walks the
 * operators. It goes on after an error to find more; the first one decides the status.
 */
#include "frontends/tflite/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SCHEMA_VERSION = 3 };
/* Fields of the schema's tables, in the order of schema.fbs (TFLite schema version 3). */
enum { MODEL_VERSION, MODEL_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS };
enum { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS, SUBGRAPH_NAME };

bool tfl_complain(struct tfl_import *import, enum tenon_diagnostic_id id,
                  const struct tenon_model_place *place, const char *format, ...) {
    char message[320];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    enum tenon_status status =
        tenon_diagnose(import->list, import->error, id, place, "%s", message);
    if (import->status == TENON_OK)
        import->status = status;
    return false;
}

static bool complain_at(struct tfl_import *import, enum tenon_diagnostic_id id, size_t offset,
                        const char *what) {
    struct tenon_model_place place = TENON_MODEL_PLACE_NONE;
    place.offset = offset;
    return tfl_complain(import, id, &place, "%s", what);
}

static bool find_vector(struct tfl_import *import, const struct fb_table *table, int field,
                        const char *what, struct fb_vector *out) {
    if (fb_vector(table, field, 4, out) != FB_BAD)
        return true;
    return complain_at(import, TENON_DIAGNOSTIC_TFL_TABLE, table->at, what);
}

static bool find_parts(struct tfl_import *import, struct tenon_span bytes) {
    struct fb_vector subgraphs;
    if (bytes.size < 8 || memcmp(bytes.data + 4, "TFL3", 4) != 0 ||
        fb_root(bytes, &import->model) != FB_OK)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_NOT_A_MODEL, 0,
                           "no TFLite model: identifier TFL3 or root table missing");
    uint32_t version = fb_u32(&import->model, MODEL_VERSION, 0, NULL);
    if (version != SCHEMA_VERSION)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_VERSION, import->model.at,
                           "the schema version is not 3");
    if (!find_vector(import, &import->model, MODEL_CODES, "operator codes", &import->codes) ||
        !find_vector(import, &import->model, MODEL_BUFFERS, "buffers", &import->buffers) ||
        !find_vector(import, &import->model, MODEL_SUBGRAPHS, "subgraphs", &subgraphs))
        return false;
    if (subgraphs.count == 0)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_NO_SUBGRAPH, import->model.at,
                           "the model has no subgraph");
    if (!fb_vector_table(&import->model, &subgraphs, 0, &import->subgraph))
        return complain_at(import, TENON_DIAGNOSTIC_TFL_TABLE, subgraphs.at, "subgraph 0");
    return find_vector(import, &import->subgraph, SUBGRAPH_TENSORS, "tensors", &import->tensors) &&
           find_vector(import, &import->subgraph, SUBGRAPH_OPERATORS, "operators",
                       &import->operators);
}

static const char *read_name(struct tfl_import *import, const struct fb_table *table, int field) {
    struct tenon_span span;
    if (fb_string(table, field, &span) != FB_OK)
        return "";
    const char *end = memchr(span.data, 0, span.size);
    size_t size = end != NULL ? (size_t)(end - (const char *)span.data) : span.size;
    const char *name = tenon_arena_string(import->graph->arena, (const char *)span.data, size);
    return name != NULL ? name : "";
}

/* Fields of Tensor, of QuantizationParameters and of Buffer. */
enum {
    TENSOR_SHAPE,
    TENSOR_TYPE,
    TENSOR_BUFFER,
    TENSOR_NAME,
    TENSOR_QUANT,
    TENSOR_VARIABLE,
    TENSOR_SPARSITY,
    TENSOR_SIGNATURE
};
enum { QUANT_SCALE = 2, QUANT_ZERO_POINT = 3, QUANT_AXIS = 6 };
enum { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };

enum tenon_type tfl_type(int8_t type) {
    static const enum tenon_type types[] = {
        [0] = TENON_TYPE_F32,   [1] = TENON_TYPE_F16,  [2] = TENON_TYPE_I32,  [3] = TENON_TYPE_U8,
        [4] = TENON_TYPE_I64,   [6] = TENON_TYPE_BOOL, [7] = TENON_TYPE_I16,  [9] = TENON_TYPE_I8,
        [10] = TENON_TYPE_F64,  [15] = TENON_TYPE_U32, [16] = TENON_TYPE_U16, [17] = TENON_TYPE_I4,
        [18] = TENON_TYPE_BF16,
    };
    return type >= 0 && (size_t)type < TENON_COUNT_OF(types) ? types[type] : TENON_TYPE_NONE;
}

/* A tensor of the file while it is read. */
struct source_tensor {
    struct fb_table table;
    struct tenon_model_place place;
    const char *name;
    struct tenon_desc desc;
    struct tenon_span data; /* of its buffer */
    bool variable, open;    /* open: the signature has a dimension of -1 */
};

static bool read_shape(struct tfl_import *import, struct source_tensor *t) {
    struct fb_vector shape, signature;
    size_t bytes;
    if (fb_vector(&t->table, TENSOR_SHAPE, 4, &shape) == FB_BAD ||
        fb_vector(&t->table, TENSOR_SIGNATURE, 4, &signature) == FB_BAD)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_TABLE, &t->place, "shape");
    if (shape.count > TENON_MAX_RANK)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_SHAPE, &t->place, "rank %u is above %d",
                            shape.count, TENON_MAX_RANK);
    t->desc.shape.rank = (uint8_t)shape.count;
    for (uint32_t i = 0; i < shape.count; i++)
        t->desc.shape.dims[i] = fb_vector_i32(&t->table, &shape, i);
    for (uint32_t i = 0; i < signature.count; i++)
        t->open |= fb_vector_i32(&t->table, &signature, i) < 0;
    if (!tenon_desc_bytes(&t->desc, &bytes)) {
        char text[TENON_SHAPE_TEXT_BYTES];
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_SHAPE, &t->place,
                            "the shape %s is negative or too large",
                            tenon_shape_text(&t->desc.shape, text));
    }
    return true;
}

/* Whether the quantization of this tensor is never used: that of biases. */
static bool quant_not_needed(const struct tenon_desc *desc) {
    return desc->type == TENON_TYPE_I32 || desc->type == TENON_TYPE_I64;
}

static bool quant_problem(struct tfl_import *import, struct source_tensor *t,
                          enum tenon_diagnostic_id id, const char *what) {
    t->desc.quant = (struct tenon_quant){0};
    if (!quant_not_needed(&t->desc))
        return tfl_complain(import, id, &t->place, "%s", what);
    tfl_complain(import, TENON_DIAGNOSTIC_TFL_QUANT_DROPPED, &t->place, "%s", what);
    return true;
}

/* Fits the axis to the shape: a bias of rank 1 may carry the axis of its weights. */
static bool fit_axis(struct tenon_desc *desc, int32_t axis) {
    const struct tenon_shape *shape = &desc->shape;
    if (desc->quant.count == 1)
        return true;
    if (shape->rank == 1)
        axis = 0;
    desc->quant.axis = axis;
    return axis >= 0 && axis < shape->rank && shape->dims[axis] == (int64_t)desc->quant.count;
}

static bool read_quant_values(struct tfl_import *import, struct source_tensor *t,
                              const struct fb_table *quant, const struct fb_vector *scales,
                              const struct fb_vector *zeros) {
    uint32_t count = scales->count;
    float *scale = tenon_arena_alloc_array(import->graph->arena, count, sizeof(*scale));
    int32_t *zero = tenon_arena_alloc_array(import->graph->arena, count, sizeof(*zero));
    if (scale == NULL || zero == NULL)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_MEMORY, &t->place, "out of memory");
    t->desc.quant = (struct tenon_quant){count, 0, scale, zero};
    bool bounded = tenon_type_bit_count(t->desc.type) <= 16;
    for (uint32_t i = 0; i < count; i++) {
        scale[i] = fb_vector_f32(quant, scales, i);
        if (!(scale[i] > 0) || scale[i] > 3.4e38f)
            return quant_problem(import, t, TENON_DIAGNOSTIC_TFL_QUANT_SCALE,
                                 "a scale is zero, negative or not finite");
        int64_t z = zeros->count == 0 ? 0 : fb_vector_i64(quant, zeros, zeros->count == 1 ? 0 : i);
        int64_t low = bounded ? tenon_type_min(t->desc.type) : INT32_MIN;
        int64_t high = bounded ? tenon_type_max(t->desc.type) : INT32_MAX;
        if (z < low || z > high)
            return quant_problem(import, t, TENON_DIAGNOSTIC_TFL_QUANT_ZERO,
                                 "a zero point is outside of the element type");
        zero[i] = (int32_t)z;
    }
    if (!fit_axis(&t->desc, fb_i32(quant, QUANT_AXIS, 0, NULL)))
        return quant_problem(import, t, TENON_DIAGNOSTIC_TFL_QUANT_LENGTH,
                             "the number of scales fits no dimension");
    return true;
}

static bool read_quant(struct tfl_import *import, struct source_tensor *t) {
    struct fb_table quant;
    struct fb_vector scales, zeros;
    enum fb_result result = fb_subtable(&t->table, TENSOR_QUANT, &quant);
    if (result == FB_ABSENT)
        return true;
    if (result == FB_BAD || fb_vector(&quant, QUANT_SCALE, 4, &scales) == FB_BAD ||
        fb_vector(&quant, QUANT_ZERO_POINT, 8, &zeros) == FB_BAD)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_TABLE, &t->place, "quantization");
    if (scales.count == 0 || !tenon_type_is_integer(t->desc.type))
        return true;
    if (zeros.count > 1 && zeros.count != scales.count)
        return quant_problem(import, t, TENON_DIAGNOSTIC_TFL_QUANT_LENGTH,
                             "there are more or fewer zero points than scales");
    return read_quant_values(import, t, &quant, &scales, &zeros);
}

static bool read_buffer(struct tfl_import *import, struct source_tensor *t) {
    uint32_t index = fb_u32(&t->table, TENSOR_BUFFER, 0, NULL);
    struct fb_table buffer;
    struct fb_vector data;
    if (index == 0)
        return true; /* by convention the empty buffer */
    if (index >= import->buffers.count)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_BUFFER, &t->place,
                            "buffer %u of %u does not exist", index, import->buffers.count);
    if (!fb_vector_table(&import->model, &import->buffers, index, &buffer) ||
        fb_vector(&buffer, BUFFER_DATA, 1, &data) == FB_BAD)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_BUFFER, &t->place,
                            "buffer %u lies outside of the file", index);
    uint64_t offset = fb_u64(&buffer, BUFFER_OFFSET, 0, NULL);
    uint64_t size = fb_u64(&buffer, BUFFER_SIZE, 0, NULL);
    if (data.count == 0 && offset > 1) { /* data behind the flatbuffer, for files above 2 GB */
        if (offset > SIZE_MAX || size > SIZE_MAX ||
            !tenon_span_slice(import->model.file, (size_t)offset, (size_t)size, &t->data))
            return tfl_complain(import, TENON_DIAGNOSTIC_TFL_BUFFER, &t->place,
                                "buffer %u lies outside of the file", index);
        return true;
    }
    t->data = (struct tenon_span){import->model.file.data + data.at, data.count};
    return true;
}

static bool read_tensor(struct tfl_import *import, uint32_t index, struct source_tensor *t) {
    bool bad = false;
    struct fb_table sparsity;
    if (!fb_vector_table(&import->subgraph, &import->tensors, index, &t->table))
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_TABLE, &t->place, "tensor");
    t->place.offset = t->table.at;
    t->name = read_name(import, &t->table, TENSOR_NAME);
    t->place.tensor_name = t->name;
    int8_t type = fb_i8(&t->table, TENSOR_TYPE, 0, &bad);
    t->variable = fb_i8(&t->table, TENSOR_VARIABLE, 0, &bad) != 0;
    t->desc.type = tfl_type(type);
    if (bad)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_TABLE, &t->place, "tensor");
    if (t->desc.type == TENON_TYPE_NONE)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_TYPE, &t->place,
                            "element type %d is not supported", type);
    if (fb_subtable(&t->table, TENSOR_SPARSITY, &sparsity) != FB_ABSENT)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_SPARSE, &t->place, "a sparse tensor");
    return read_shape(import, t) && read_quant(import, t) && read_buffer(import, t);
}

/* The bytes of a constant, copied only when they stand misaligned for their type. */
static bool place_constant(struct tfl_import *import, struct source_tensor *t,
                           const uint8_t **data) {
    size_t bytes = tenon_desc_size(&t->desc), element = tenon_type_bit_count(t->desc.type) / 8;
    if (t->data.size != bytes)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_CONSTANT_SIZE, &t->place,
                            "the buffer has %zu bytes where %zu are needed", t->data.size, bytes);
    *data = t->data.data;
    if (element > 1 && (uintptr_t)*data % element != 0)
        *data = tenon_arena_copy(import->graph->arena, *data, bytes);
    if (*data == NULL)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_MEMORY, &t->place, "out of memory");
    return true;
}

static bool add_tensor(struct tfl_import *import, uint32_t index, struct source_tensor *t) {
    enum tenon_tensor_kind kind = TENON_TENSOR_RESULT;
    const uint8_t *data = NULL;
    if (t->data.size != 0) {
        kind = TENON_TENSOR_CONSTANT;
        if (!place_constant(import, t, &data))
            return false;
    } else if (t->variable) {
        kind = TENON_TENSOR_VARIABLE;
    } else {
        t->desc.shape.rank = TENON_RANK_UNKNOWN; /* the operator that computes it knows better */
    }
    uint32_t id;
    if (!tenon_graph_add_tensor(import->graph, t->name, kind, &t->desc, data, &id))
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_MEMORY, &t->place, "out of memory");
    import->graph->tensors[id].source = index;
    import->ids[index] = id;
    return true;
}

static struct tenon_model_place place_of_tensor(const struct tenon_model_place *from,
                                                uint32_t index) {
    struct tenon_model_place place = from != NULL ? *from : TENON_MODEL_PLACE_NONE;
    place.tensor_index = index;
    return place;
}

bool tfl_import_tensor(struct tfl_import *import, uint32_t index,
                       const struct tenon_model_place *from) {
    struct source_tensor t = {.place = place_of_tensor(from, index)};
    if (import->ids[index] == TFL_POISONED)
        return false;
    if (import->ids[index] != TFL_UNSEEN)
        return true;
    if (read_tensor(import, index, &t) && add_tensor(import, index, &t))
        return true;
    import->ids[index] = TFL_POISONED;
    return false;
}

bool tfl_declared_shape(struct tfl_operator *op, uint32_t output, struct tenon_shape *out) {
    struct tfl_import *import = op->import;
    uint32_t source = import->graph->tensors[op->outputs[output]].source;
    struct source_tensor t = {.place = place_of_tensor(NULL, source)};
    if (!read_tensor(import, source, &t))
        return false;
    *out = t.desc.shape;
    return true;
}

/* ---- the border ---- */

static bool import_input(struct tfl_import *import, uint32_t position, int32_t index,
                         uint32_t *id) {
    struct source_tensor t = {.place = place_of_tensor(NULL, (uint32_t)index)};
    if (index < 0 || (uint32_t)index >= import->tensors.count)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_BORDER, import->subgraph.at,
                           "an input of the model names no tensor");
    if (import->ids[index] != TFL_UNSEEN)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_BORDER, &t.place,
                            "input %u is named twice", position);
    if (!read_tensor(import, (uint32_t)index, &t)) {
        import->ids[index] = TFL_POISONED;
        return false;
    }
    if (t.open)
        tfl_complain(import, TENON_DIAGNOSTIC_TFL_DYNAMIC_SHAPE, &t.place,
                     "a dimension is open; the size in the file is used");
    if (!tenon_graph_add_tensor(import->graph, t.name, TENON_TENSOR_INPUT, &t.desc, NULL, id))
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_MEMORY, &t.place, "out of memory");
    import->graph->tensors[*id].source = (uint32_t)index;
    import->ids[index] = *id;
    return true;
}

static bool import_inputs(struct tfl_import *import) {
    struct fb_vector inputs;
    if (!find_vector(import, &import->subgraph, SUBGRAPH_INPUTS, "inputs", &inputs))
        return false;
    uint32_t *ids = tenon_arena_alloc_array(import->graph->arena, inputs.count, sizeof(*ids));
    if (ids == NULL)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_MEMORY, inputs.at, "out of memory");
    bool ok = true;
    for (uint32_t i = 0; i < inputs.count && (ok || i < 8); i++)
        ok &= import_input(import, i, fb_vector_i32(&import->subgraph, &inputs, i), &ids[i]);
    if (!ok)
        return false;
    if (!tenon_graph_set_inputs(import->graph, ids, inputs.count))
        return complain_at(import, TENON_DIAGNOSTIC_TFL_MEMORY, inputs.at, "out of memory");
    return true;
}

static bool import_output(struct tfl_import *import, int32_t index, uint32_t *id) {
    struct tenon_model_place place = place_of_tensor(NULL, (uint32_t)index);
    if (index < 0 || (uint32_t)index >= import->tensors.count)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_BORDER, import->subgraph.at,
                           "an output of the model names no tensor");
    if (!tfl_import_tensor(import, (uint32_t)index, NULL))
        return false;
    *id = import->ids[index];
    const struct tenon_tensor *tensor = &import->graph->tensors[*id];
    place.tensor_name = tensor->name;
    if (tensor->kind == TENON_TENSOR_RESULT && tensor->producer == TENON_ID_NONE)
        return tfl_complain(import, TENON_DIAGNOSTIC_TFL_BORDER, &place,
                            "no operator computes this output of the model");
    return true;
}

static bool import_outputs(struct tfl_import *import) {
    struct fb_vector outputs;
    if (!find_vector(import, &import->subgraph, SUBGRAPH_OUTPUTS, "outputs", &outputs))
        return false;
    uint32_t *ids = tenon_arena_alloc_array(import->graph->arena, outputs.count, sizeof(*ids));
    if (ids == NULL)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_MEMORY, outputs.at, "out of memory");
    if (outputs.count == 0)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_BORDER, import->subgraph.at,
                           "the model has no output");
    for (uint32_t i = 0; i < outputs.count; i++)
        if (!import_output(import, fb_vector_i32(&import->subgraph, &outputs, i), &ids[i]))
            return false;
    if (!tenon_graph_set_outputs(import->graph, ids, outputs.count))
        return complain_at(import, TENON_DIAGNOSTIC_TFL_MEMORY, outputs.at, "out of memory");
    return true;
}

static bool import_all(struct tfl_import *import, struct tenon_span bytes) {
    if (!find_parts(import, bytes))
        return false;
    import->ids =
        tenon_arena_alloc_array(import->graph->arena, import->tensors.count, sizeof(*import->ids));
    if (import->ids == NULL)
        return complain_at(import, TENON_DIAGNOSTIC_TFL_MEMORY, import->tensors.at,
                           "out of memory");
    memset(import->ids, 0xff, import->tensors.count * sizeof(*import->ids));
    import->graph->name = read_name(import, &import->subgraph, SUBGRAPH_NAME);
    import->graph->description = read_name(import, &import->model, MODEL_DESCRIPTION);
    bool ok = import_inputs(import);
    ok &= tfl_import_operators(import);
    return ok && import_outputs(import);
}

static enum tenon_status tflite_import(struct tenon_span bytes, struct tenon_graph *graph,
                                       struct tenon_diagnostics *list, struct tenon_error *error) {
    struct tenon_error own = {.status = TENON_OK};
    struct tfl_import import = {.graph = graph, .list = list, .error = &own};
    bool ok = import_all(&import, bytes);
    enum tenon_status status = import.status;
    if (ok && status == TENON_OK)
        status = tenon_graph_verify(graph, &own);
    if (status != TENON_OK && error != NULL)
        *error = own;
    return status;
}

static bool tflite_recognizes(struct tenon_span bytes) {
    return bytes.size >= 8 && memcmp(bytes.data + 4, "TFL3", 4) == 0;
}

const struct tenon_frontend tenon_frontend_tflite = {
    .name = "tflite",
    .recognizes = tflite_recognizes,
    .import = tflite_import,
};
