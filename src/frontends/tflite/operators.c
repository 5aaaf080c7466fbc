/*
 * The table from TFLite's operator codes to Tenon's operators, the walk over a subgraph's
 * operators, and what the builders of the families share.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frontends/tflite/import.h"

/* Fields of Operator and of OperatorCode. */
enum { OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_OPTIONS = 4 };
enum { CODE_OLD, CODE_CUSTOM, CODE_VERSION, CODE_NEW };
enum { BUILTIN_CUSTOM = 32, OLD_CODE_MAX = 127 };

/* code, operator, builder, fewest and most inputs of the file's operator */
static const struct tfl_row rows[] = {
    {0, TENON_OP_ADD, tfl_build_activated, 2, 2},
    {1, TENON_OP_AVERAGE_POOL_2D, tfl_build_pool, 1, 1},
    {2, TENON_OP_CONCATENATION, tfl_build_concatenation, 1, 255},
    {3, TENON_OP_CONV_2D, tfl_build_conv, 2, 3},
    {4, TENON_OP_DEPTHWISE_CONV_2D, tfl_build_depthwise, 2, 3},
    {5, TENON_OP_DEPTH_TO_SPACE, tfl_build_block, 1, 1},
    {6, TENON_OP_DEQUANTIZE, tfl_build_plain, 1, 1},
    {8, TENON_OP_FLOOR, tfl_build_plain, 1, 1},
    {9, TENON_OP_FULLY_CONNECTED, tfl_build_fully_connected, 2, 3},
    {11, TENON_OP_L2_NORMALIZATION, tfl_build_activated, 1, 1},
    {12, TENON_OP_L2_POOL_2D, tfl_build_pool, 1, 1},
    {13, TENON_OP_LOCAL_RESPONSE_NORMALIZATION, tfl_build_lrn, 1, 1},
    {14, TENON_OP_LOGISTIC, tfl_build_plain, 1, 1},
    {17, TENON_OP_MAX_POOL_2D, tfl_build_pool, 1, 1},
    {18, TENON_OP_MUL, tfl_build_activated, 2, 2},
    {19, TENON_OP_RELU, tfl_build_plain, 1, 1},
    {20, TENON_OP_RELU_N1_TO_1, tfl_build_plain, 1, 1},
    {21, TENON_OP_RELU6, tfl_build_plain, 1, 1},
    {22, TENON_OP_RESHAPE, tfl_build_reshape, 1, 2},
    {23, TENON_OP_RESIZE_BILINEAR, tfl_build_resize_bilinear, 2, 2},
    {25, TENON_OP_SOFTMAX, tfl_build_softmax, 1, 1},
    {26, TENON_OP_SPACE_TO_DEPTH, tfl_build_block, 1, 1},
    {27, TENON_OP_SVDF, tfl_build_svdf, 5, 5},
    {28, TENON_OP_TANH, tfl_build_plain, 1, 1},
    {34, TENON_OP_PAD, tfl_build_pad, 2, 2},
    {36, TENON_OP_GATHER, tfl_build_gather, 2, 2},
    {37, TENON_OP_BATCH_TO_SPACE, tfl_build_batch_space, 3, 3},
    {38, TENON_OP_SPACE_TO_BATCH, tfl_build_batch_space, 3, 3},
    {39, TENON_OP_TRANSPOSE, tfl_build_transpose, 2, 2},
    {40, TENON_OP_MEAN, tfl_build_reduce, 2, 2},
    {41, TENON_OP_SUB, tfl_build_activated, 2, 2},
    {42, TENON_OP_DIV, tfl_build_activated, 2, 2},
    {43, TENON_OP_RESHAPE, tfl_build_squeeze, 1, 1},
    {44, TENON_OP_LSTM, tfl_build_lstm, 20, 24},
    {45, TENON_OP_STRIDED_SLICE, tfl_build_strided_slice, 4, 4},
    {47, TENON_OP_EXP, tfl_build_plain, 1, 1},
    {48, TENON_OP_TOPK, tfl_build_topk, 2, 2},
    {49, TENON_OP_SPLIT, tfl_build_split, 2, 2},
    {50, TENON_OP_LOG_SOFTMAX, tfl_build_plain, 1, 1},
    {53, TENON_OP_CAST, tfl_build_plain, 1, 1},
    {54, TENON_OP_PRELU, tfl_build_plain, 2, 2},
    {55, TENON_OP_MAXIMUM, tfl_build_plain, 2, 2},
    {56, TENON_OP_ARG_MAX, tfl_build_arg, 2, 2},
    {57, TENON_OP_MINIMUM, tfl_build_plain, 2, 2},
    {58, TENON_OP_LESS, tfl_build_plain, 2, 2},
    {59, TENON_OP_NEG, tfl_build_plain, 1, 1},
    {60, TENON_OP_PAD, tfl_build_pad, 3, 3},
    {61, TENON_OP_GREATER, tfl_build_plain, 2, 2},
    {62, TENON_OP_GREATER_EQUAL, tfl_build_plain, 2, 2},
    {63, TENON_OP_LESS_EQUAL, tfl_build_plain, 2, 2},
    {64, TENON_OP_SELECT, tfl_build_select, 3, 3},
    {65, TENON_OP_SLICE, tfl_build_slice, 3, 3},
    {66, TENON_OP_SIN, tfl_build_plain, 1, 1},
    {67, TENON_OP_TRANSPOSE_CONV_2D, tfl_build_transpose_conv, 3, 4},
    {69, TENON_OP_TILE, tfl_build_tile, 2, 2},
    {70, TENON_OP_RESHAPE, tfl_build_expand_dims, 2, 2},
    {71, TENON_OP_EQUAL, tfl_build_plain, 2, 2},
    {72, TENON_OP_NOT_EQUAL, tfl_build_plain, 2, 2},
    {73, TENON_OP_LOG, tfl_build_plain, 1, 1},
    {74, TENON_OP_SUM, tfl_build_reduce, 2, 2},
    {75, TENON_OP_SQRT, tfl_build_plain, 1, 1},
    {76, TENON_OP_RSQRT, tfl_build_plain, 1, 1},
    {77, TENON_OP_SHAPE, tfl_build_plain, 1, 1},
    {79, TENON_OP_ARG_MIN, tfl_build_arg, 2, 2},
    {82, TENON_OP_REDUCE_MAX, tfl_build_reduce, 2, 2},
    {83, TENON_OP_PACK, tfl_build_pack, 1, 255},
    {84, TENON_OP_LOGICAL_OR, tfl_build_plain, 2, 2},
    {86, TENON_OP_LOGICAL_AND, tfl_build_plain, 2, 2},
    {87, TENON_OP_LOGICAL_NOT, tfl_build_plain, 1, 1},
    {88, TENON_OP_UNPACK, tfl_build_unpack, 1, 1},
    {89, TENON_OP_REDUCE_MIN, tfl_build_reduce, 2, 2},
    {92, TENON_OP_SQUARE, tfl_build_plain, 1, 1},
    {94, TENON_OP_FILL, tfl_build_fill, 2, 2},
    {97, TENON_OP_RESIZE_NEAREST_NEIGHBOR, tfl_build_resize_nearest, 2, 2},
    {98, TENON_OP_LEAKY_RELU, tfl_build_leaky_relu, 1, 1},
    {99, TENON_OP_SQUARED_DIFFERENCE, tfl_build_plain, 2, 2},
    {100, TENON_OP_MIRROR_PAD, tfl_build_mirror_pad, 2, 2},
    {101, TENON_OP_ABS, tfl_build_plain, 1, 1},
    {102, TENON_OP_SPLIT, tfl_build_split_v, 3, 3},
    {104, TENON_OP_CEIL, tfl_build_plain, 1, 1},
    {105, TENON_OP_REVERSE, tfl_build_reverse, 2, 2},
    {107, TENON_OP_GATHER_ND, tfl_build_plain, 2, 2},
    {108, TENON_OP_COS, tfl_build_plain, 1, 1},
    {111, TENON_OP_ELU, tfl_build_plain, 1, 1},
    {114, TENON_OP_QUANTIZE, tfl_build_plain, 1, 1},
    {116, TENON_OP_ROUND, tfl_build_plain, 1, 1},
    {117, TENON_OP_HARD_SWISH, tfl_build_plain, 1, 1},
    {123, TENON_OP_SELECT, tfl_build_plain, 3, 3},
    {126, TENON_OP_BATCH_MATMUL, tfl_build_batch_matmul, 2, 2},
    {128, TENON_OP_CUMSUM, tfl_build_cumsum, 2, 2},
    {130, TENON_OP_BROADCAST_TO, tfl_build_broadcast_to, 2, 2},
    {150, TENON_OP_GELU, tfl_build_gelu, 1, 1},
    {152, TENON_OP_RELU_0_TO_1, tfl_build_plain, 1, 1},
};

static const struct tfl_row detection_row = {BUILTIN_CUSTOM, TENON_OP_DETECTION_POSTPROCESS,
                                             tfl_build_detection, 3, 3};

const struct tfl_row *tfl_find_row(int32_t code) {
    for (size_t i = 0; i < TENON_COUNT_OF(rows); i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const struct tfl_row *tfl_find_custom(struct tenon_span name) {
    static const char wanted[] = "TFLite_Detection_PostProcess";
    bool same = name.size == sizeof(wanted) - 1 && memcmp(name.data, wanted, name.size) == 0;
    return same ? &detection_row : NULL;
}

struct tenon_model_place tfl_place(const struct tfl_operator *op) {
    struct tenon_model_place place = TENON_MODEL_PLACE_NONE;
    place.operator_index = op->index;
    place.operator_name = op->name;
    place.offset = op->table.at;
    return place;
}

bool tfl_op_complain(struct tfl_operator *op, enum tenon_diagnostic_id id, const char *format,
                     ...) {
    char message[320];
    struct tenon_model_place place = tfl_place(op);
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return tfl_complain(op->import, id, &place, "%s", message);
}

/* ---- emitting nodes ---- */

static bool is_quantized(const struct tenon_graph *graph, const uint32_t *ids, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] != TENON_ID_NONE && graph->tensors[ids[i]].desc.quant.count != 0 &&
            tenon_type_bit_count(graph->tensors[ids[i]].desc.type) <= 16)
            return true;
    return false;
}

/* What the shape rule said, as a diagnostic. */
static bool complain_about_node(struct tfl_operator *op, enum tenon_status status,
                                const struct tenon_error *error) {
    enum tenon_diagnostic_id id = TENON_DIAGNOSTIC_TFL_CONTRADICTION;
    if (status == TENON_ERROR_UNSUPPORTED)
        id = TENON_DIAGNOSTIC_TFL_FORM;
    else if (status == TENON_ERROR_LIMIT)
        id = TENON_DIAGNOSTIC_TFL_LIMIT;
    else if (status == TENON_ERROR_OUT_OF_MEMORY)
        id = TENON_DIAGNOSTIC_TFL_MEMORY;
    return tfl_op_complain(op, id, "%s", error->message);
}

bool tfl_emit_node(struct tfl_operator *op, enum tenon_op kind, const uint32_t *inputs,
                   uint32_t input_count, const uint32_t *outputs, uint32_t output_count) {
    struct tenon_graph *graph = op->import->graph;
    struct tenon_error error = {.message = ""};
    bool quantized =
        is_quantized(graph, inputs, input_count) || is_quantized(graph, outputs, output_count);
    enum tenon_rounding rounding = quantized ? TENON_ROUNDING_DOUBLE : TENON_ROUNDING_NONE;
    const char *name = output_count > 0 ? graph->tensors[outputs[0]].name : "";
    uint32_t node;
    enum tenon_status status =
        tenon_graph_add_node(graph, kind, rounding, name, &op->attrs, inputs, input_count, outputs,
                             output_count, &node, &error);
    if (status != TENON_OK)
        return complain_about_node(op, status, &error);
    graph->nodes[node].source = op->index;
    return true;
}

bool tfl_emit(struct tfl_operator *op, uint32_t input_count) {
    return tfl_emit_node(op, op->row->op, op->inputs, input_count, op->outputs, op->output_count);
}

bool tfl_new_tensor(struct tfl_operator *op, uint32_t like, uint32_t *id) {
    struct tenon_graph *graph = op->import->graph;
    struct tenon_desc desc = graph->tensors[like].desc;
    desc.shape.rank = TENON_RANK_UNKNOWN;
    if (tenon_graph_add_tensor(graph, graph->tensors[like].name, TENON_TENSOR_RESULT, &desc, NULL,
                               id))
        return true;
    return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_MEMORY, "out of memory");
}

/* ---- options and constant operands ---- */

int32_t tfl_option_i32(struct tfl_operator *op, int field, int32_t missing) {
    return op->has_options ? fb_i32(&op->options, field, missing, NULL) : missing;
}

float tfl_option_f32(struct tfl_operator *op, int field, float missing) {
    return op->has_options ? fb_f32(&op->options, field, missing, NULL) : missing;
}

int32_t tfl_option_u8(struct tfl_operator *op, int field, int32_t missing) {
    return op->has_options ? fb_i8(&op->options, field, (int8_t)missing, NULL) : missing;
}

bool tfl_option_activation(struct tfl_operator *op, int field) {
    static const enum tenon_activation activations[] = {
        TENON_ACTIVATION_NONE, TENON_ACTIVATION_RELU, TENON_ACTIVATION_RELU_N1_TO_1,
        TENON_ACTIVATION_RELU6, TENON_ACTIVATION_TANH};
    int32_t code = tfl_option_u8(op, field, 0);
    if (code < 0 || (size_t)code >= TENON_COUNT_OF(activations))
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_FORM,
                               "fused activation %d is not supported", code);
    op->attrs.activation = activations[code];
    return true;
}

const struct tenon_desc *tfl_input_desc(const struct tfl_operator *op, uint32_t i) {
    return &op->import->graph->tensors[op->inputs[i]].desc;
}

bool tfl_is_constant(const struct tfl_operator *op, uint32_t i) {
    return i < op->input_count && op->inputs[i] != TENON_ID_NONE &&
           op->import->graph->tensors[op->inputs[i]].kind == TENON_TENSOR_CONSTANT;
}

bool tfl_constant_list(struct tfl_operator *op, uint32_t i, struct tenon_list *out) {
    *out = (struct tenon_list){0};
    if (op->inputs[i] == TENON_ID_NONE)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_ABSENT, "operand %u is absent", i);
    const struct tenon_tensor *tensor = &op->import->graph->tensors[op->inputs[i]];
    size_t count = tenon_desc_element_count(&tensor->desc);
    if (tensor->kind != TENON_TENSOR_CONSTANT)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_NOT_CONSTANT,
                               "operand %u, '%s', must be a constant", i, tensor->name);
    if (count > TENON_LIST_MAX ||
        (tensor->desc.type != TENON_TYPE_I32 && tensor->desc.type != TENON_TYPE_I64))
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                               "operand %u, '%s', must be a few integers", i, tensor->name);
    out->count = (int32_t)count;
    for (size_t k = 0; k < count; k++) {
        int64_t value = tensor->desc.type == TENON_TYPE_I32
                            ? (int32_t)tenon_load_le32(tensor->data + k * 4)
                            : (int64_t)tenon_load_le64(tensor->data + k * 8);
        out->values[k] = value > INT32_MAX   ? INT32_MAX
                         : value < INT32_MIN ? INT32_MIN
                                             : (int32_t)value;
    }
    return true;
}

bool tfl_axis(struct tfl_operator *op, int64_t axis, int32_t rank, int32_t *out) {
    if (axis < -(int64_t)rank || axis >= rank)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPTIONS, "axis %lld of a tensor of rank %d",
                               (long long)axis, rank);
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return true;
}

/* ---- the walk ---- */

static bool read_code(struct tfl_operator *op, int32_t *code, struct tenon_span *custom) {
    struct tfl_import *import = op->import;
    struct fb_table table;
    uint32_t index = fb_u32(&op->table, OPERATOR_CODE, 0, NULL);
    if (index >= import->codes.count ||
        !fb_vector_table(&import->model, &import->codes, index, &table))
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPCODE, "operator code %u of %u", index,
                               import->codes.count);
    /* Codes above 127 stand in the newer field only; the older one then says 127. */
    int32_t old = fb_i8(&table, CODE_OLD, 0, NULL), new_code = fb_i32(&table, CODE_NEW, 0, NULL);
    *code = new_code > old ? new_code : old;
    fb_string(&table, CODE_CUSTOM, custom);
    return true;
}

static bool is_control_flow(int32_t code) {
    return code == 118 || code == 119 || code == 129 || code == 31; /* IF, WHILE, CALL_ONCE, CALL */
}

static bool find_row(struct tfl_operator *op) {
    int32_t code = 0;
    struct tenon_span custom;
    if (!read_code(op, &code, &custom))
        return false;
    op->name = tfl_operator_name(code, op->spare_name);
    op->row = code == BUILTIN_CUSTOM ? tfl_find_custom(custom) : tfl_find_row(code);
    if (is_control_flow(code))
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTROL_FLOW,
                               "calls another subgraph, which is not supported");
    if (op->row == NULL && code == BUILTIN_CUSTOM)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_UNKNOWN_OPERATOR,
                               "the custom operator '%.*s' is not supported",
                               custom.size > 60 ? 60 : (int)custom.size, (const char *)custom.data);
    if (op->row == NULL)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_UNKNOWN_OPERATOR,
                               "the operator %s is not supported", op->name);
    return true;
}

static bool check_read(struct tfl_operator *op, uint32_t index) {
    struct tfl_import *import = op->import;
    uint32_t id = import->ids[index];
    struct tenon_tensor *tensor = &import->graph->tensors[id];
    if (tensor->kind != TENON_TENSOR_RESULT || tensor->producer != TENON_ID_NONE)
        return true;
    struct tenon_model_place place = tfl_place(op);
    place.tensor_index = index;
    place.tensor_name = tensor->name;
    import->ids[index] = TFL_POISONED;
    return tfl_complain(import, TENON_DIAGNOSTIC_TFL_NOT_COMPUTED, &place,
                        "is read before any operator computes it");
}

static bool check_write(struct tfl_operator *op, uint32_t index) {
    struct tfl_import *import = op->import;
    struct tenon_tensor *tensor = &import->graph->tensors[import->ids[index]];
    if (tensor->kind == TENON_TENSOR_RESULT && tensor->producer == TENON_ID_NONE)
        return true;
    struct tenon_model_place place = tfl_place(op);
    place.tensor_index = index;
    place.tensor_name = tensor->name;
    return tfl_complain(import, TENON_DIAGNOSTIC_TFL_WRITTEN_TWICE, &place,
                        "is written although it is already given or computed");
}

/* Reads one list of operand indices. */
static bool read_operands(struct tfl_operator *op, int field, bool inputs, uint32_t **ids,
                          uint32_t *count) {
    struct tfl_import *import = op->import;
    struct fb_vector vector;
    struct tenon_model_place place = tfl_place(op);
    if (fb_vector(&op->table, field, 4, &vector) == FB_BAD || vector.count > TFL_OPERANDS_MAX)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_TABLE, "operand list");
    *ids = tenon_arena_alloc_array(import->graph->arena, vector.count, sizeof(**ids));
    if (*ids == NULL)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_MEMORY, "out of memory");
    *count = vector.count;
    bool ok = true;
    for (uint32_t i = 0; i < vector.count; i++) {
        int32_t index = fb_vector_i32(&op->table, &vector, i);
        (*ids)[i] = TENON_ID_NONE;
        if (index == -1 && inputs)
            continue;
        if (index < 0 || (uint32_t)index >= import->tensors.count)
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_INDEX, "%s %u names tensor %d of %u",
                                   inputs ? "input" : "output", i, index, import->tensors.count);
        if (!tfl_import_tensor(import, (uint32_t)index, &place) ||
            !(inputs ? check_read(op, (uint32_t)index) : check_write(op, (uint32_t)index)))
            ok = false;
        else
            (*ids)[i] = import->ids[index];
    }
    return ok;
}

static bool check_absent(struct tfl_operator *op) {
    if (op->input_count < op->row->input_min ||
        (op->row->input_max != 255 && op->input_count > op->row->input_max))
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPERAND_COUNT, "%u inputs",
                               op->input_count);
    if (op->output_count == 0)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPERAND_COUNT, "no output");
    uint32_t optional = tenon_op_get_info(op->row->op)->optional_inputs;
    if (op->row->op == TENON_OP_TRANSPOSE_CONV_2D)
        optional = 1 << 3; /* bias, after the output's shape */
    if (op->row->op == TENON_OP_PAD)
        optional = 0; /* paddings come second */
    for (uint32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] == TENON_ID_NONE && (i >= 32 || (optional >> i & 1) == 0))
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_ABSENT, "operand %u is absent", i);
    return true;
}

/* Outputs of an operator that was complained about: what reads them is passed over. */
static void poison_outputs(struct tfl_operator *op) {
    struct fb_vector vector;
    if (fb_vector(&op->table, OPERATOR_OUTPUTS, 4, &vector) == FB_BAD)
        return;
    for (uint32_t i = 0; i < vector.count && i < TFL_OPERANDS_MAX; i++) {
        int32_t index = fb_vector_i32(&op->table, &vector, i);
        if (index >= 0 && (uint32_t)index < op->import->tensors.count)
            op->import->ids[index] = TFL_POISONED;
    }
}

/* The shape that the file tells of an output, held against the inferred one. */
static void compare_shapes(struct tfl_operator *op) {
    for (uint32_t i = 0; i < op->output_count; i++) {
        struct tenon_tensor *tensor = &op->import->graph->tensors[op->outputs[i]];
        struct tenon_shape told;
        char have[TENON_SHAPE_TEXT_BYTES], want[TENON_SHAPE_TEXT_BYTES];
        if (!tfl_declared_shape(op, i, &told) || told.rank == 0 ||
            tenon_shape_equal(&told, &tensor->desc.shape))
            continue;
        struct tenon_model_place place = tfl_place(op);
        place.tensor_index = tensor->source;
        place.tensor_name = tensor->name;
        tfl_complain(op->import, TENON_DIAGNOSTIC_TFL_SHAPE_DIFFERS, &place,
                     "the file says %s, the operator gives %s", tenon_shape_text(&told, have),
                     tenon_shape_text(&tensor->desc.shape, want));
    }
}

static bool import_operator(struct tfl_operator *op) {
    bool ok = find_row(op) &&
              read_operands(op, OPERATOR_INPUTS, true, &op->inputs, &op->input_count) &&
              read_operands(op, OPERATOR_OUTPUTS, false, &op->outputs, &op->output_count) &&
              check_absent(op);
    if (ok) {
        enum fb_result result = fb_subtable(&op->table, OPERATOR_OPTIONS, &op->options);
        op->has_options = result == FB_OK;
        ok = result != FB_BAD || tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPTIONS, "options table");
    }
    if (ok && op->row->build(op)) {
        compare_shapes(op);
        return true;
    }
    poison_outputs(op);
    return false;
}

bool tfl_import_operators(struct tfl_import *import) {
    bool ok = true;
    for (uint32_t i = 0; i < import->operators.count; i++) {
        struct tfl_operator op = {.import = import, .index = i, .name = "?"};
        if (!fb_vector_table(&import->subgraph, &import->operators, i, &op.table)) {
            op.table.at = import->operators.at + (size_t)i * 4;
            return tfl_op_complain(&op, TENON_DIAGNOSTIC_TFL_TABLE, "operator");
        }
        ok &= import_operator(&op);
        if (import->status == TENON_ERROR_OUT_OF_MEMORY)
            return false;
    }
    return ok;
}
