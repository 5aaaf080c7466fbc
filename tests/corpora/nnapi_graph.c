/*
 * Builds graphs from NNAPI specifications. Operand orders and the meaning of scalars: Android's
 * NeuralNetworks.h (version 1.1).
 */
#include "corpora/nnapi_graph.h"

#include <stdlib.h>
#include <string.h>

double nnapi_number(const struct nnapi_operand *operand, size_t i) {
    return json_number_value(json_array_get(operand->data, i));
}

static bool parse_type(const char *name, struct nnapi_operand *operand) {
    static const struct {
        const char *name;
        enum tenon_type type;
    } types[] = {{"TENSOR_FLOAT32", TENON_TYPE_F32},
                 {"FLOAT32", TENON_TYPE_F32},
                 {"TENSOR_INT32", TENON_TYPE_I32},
                 {"INT32", TENON_TYPE_I32},
                 {"TENSOR_QUANT8_ASYMM", TENON_TYPE_U8}};
    for (size_t i = 0; name != NULL && i < TENON_COUNT_OF(types); i++)
        if (strcmp(name, types[i].name) == 0) {
            operand->desc.type = types[i].type;
            return true;
        }
    return false;
}

static enum nnapi_life parse_life(const char *name) {
    if (strcmp(name, "SUBGRAPH_INPUT") == 0)
        return NNAPI_INPUT;
    if (strcmp(name, "SUBGRAPH_OUTPUT") == 0)
        return NNAPI_OUTPUT;
    if (strcmp(name, "TEMPORARY_VARIABLE") == 0)
        return NNAPI_TEMPORARY;
    return strcmp(name, "NO_VALUE") == 0 ? NNAPI_ABSENT : NNAPI_CONSTANT;
}

static bool parse_operand(json_t *json, struct nnapi_operand *operand) {
    json_t *dims = json_object_get(json, "dims"), *data = json_object_get(json, "data");
    const char *life = json_string_value(json_object_get(json, "life"));
    size_t count;
    operand->tensor = TENON_ID_NONE;
    if (life == NULL || json_array_size(dims) > TENON_MAX_RANK ||
        !parse_type(json_string_value(json_object_get(json, "type")), operand))
        return false;
    operand->life = parse_life(life);
    operand->ignored = json_is_true(json_object_get(json, "ignored"));
    operand->scale = (float)json_number_value(json_object_get(json, "scale"));
    operand->zero_point = (int32_t)json_integer_value(json_object_get(json, "zp"));
    operand->desc.shape.rank = (uint8_t)json_array_size(dims);
    for (size_t i = 0; i < json_array_size(dims); i++)
        operand->desc.shape.dims[i] = (int32_t)json_integer_value(json_array_get(dims, i));
    operand->desc.quant.count = operand->scale != 0;
    operand->desc.quant.scale = &operand->scale;
    operand->desc.quant.zero_point = &operand->zero_point;
    operand->data = data;
    if (!tenon_shape_elements(&operand->desc.shape, &count))
        return false;
    if (!json_is_array(data) || json_array_size(data) != count)
        return true; /* computed, or absent */
    operand->bytes = calloc(count + 1, sizeof(float));
    for (size_t i = 0; operand->bytes != NULL && i < count; i++) {
        double value = nnapi_number(operand, i);
        if (operand->desc.type == TENON_TYPE_F32)
            ((float *)operand->bytes)[i] = (float)value;
        else if (operand->desc.type == TENON_TYPE_U8)
            ((uint8_t *)operand->bytes)[i] = (uint8_t)value;
        else
            ((int32_t *)operand->bytes)[i] = (int32_t)value;
    }
    return operand->bytes != NULL;
}

bool nnapi_spec_init(struct nnapi_spec *spec, json_t *root) {
    json_t *model = json_object_get(root, "main"), *operands = json_object_get(model, "operands");
    const char *test = json_string_value(json_object_get(root, "test"));
    memset(spec, 0, sizeof(*spec));
    spec->ops = json_object_get(model, "ops");
    spec->relaxed = json_is_true(json_object_get(root, "relaxed"));
    spec->expect_failure = json_is_true(json_object_get(root, "expectFailure"));
    snprintf(spec->name, sizeof(spec->name), "%s", test != NULL ? test : "?");
    if (json_array_size(operands) > NNAPI_OPERANDS_MAX || json_array_size(spec->ops) == 0)
        return false;
    for (size_t i = 0; i < json_array_size(operands); i++, spec->operand_count++)
        if (!parse_operand(json_array_get(operands, i), &spec->operands[i]))
            return false;
    return true;
}

void nnapi_spec_finish(struct nnapi_spec *spec) {
    for (int i = 0; i < spec->operand_count; i++)
        free(spec->operands[i].bytes);
}

static const char *operator_name(const struct nnapi_spec *spec, size_t op) {
    const char *name = json_string_value(json_object_get(json_array_get(spec->ops, op), "type"));
    return name != NULL ? name : "?";
}

const char *nnapi_main_operator(const struct nnapi_spec *spec) {
    return operator_name(spec, json_array_size(spec->ops) - 1);
}

/* An NNAPI operation on its way into the graph. */
struct operation {
    struct nnapi_graph *g;
    struct nnapi_operand *in[NNAPI_NODE_OPERANDS_MAX], *out[4];
    uint32_t in_count, out_count;
    struct tenon_attrs attrs;
    struct tenon_error *error;
};

static int32_t integer(const struct operation *o, uint32_t i) {
    return i < o->in_count ? (int32_t)nnapi_number(o->in[i], 0) : 0;
}

static float real(const struct operation *o, uint32_t i) {
    return i < o->in_count ? (float)nnapi_number(o->in[i], 0) : 0;
}

static struct tenon_list list(const struct operation *o, uint32_t i) {
    struct tenon_list list = {0};
    if (i >= o->in_count || o->in[i]->life == NNAPI_ABSENT)
        return list;
    for (size_t k = 0; k < json_array_size(o->in[i]->data) && k < TENON_LIST_MAX; k++)
        list.values[list.count++] = (int32_t)nnapi_number(o->in[i], k);
    return list;
}

/* NONE, RELU, RELU1, RELU6, TANH: the same numbers as Tenon's up to RELU6. */
static int32_t activation(const struct operation *o, uint32_t i) {
    return integer(o, i);
}

/* The first `inputs` operands and output `out` as a node. */
static enum tenon_status emit(struct operation *o, enum tenon_op op, uint32_t inputs,
                              uint32_t out) {
    uint32_t ids[NNAPI_NODE_OPERANDS_MAX], id;
    for (uint32_t i = 0; i < inputs; i++)
        ids[i] = i < o->in_count ? o->in[i]->tensor : TENON_ID_NONE;
    return tenon_graph_add_node(&o->g->graph, op, TENON_ROUNDING_DOUBLE, o->g->spec->name,
                                &o->attrs, ids, inputs, &o->out[out]->tensor, 1, &id, o->error);
}

static enum tenon_status map_unary(struct operation *o, enum tenon_op op) {
    return emit(o, op, 1, 0);
}

static enum tenon_status map_binary(struct operation *o, enum tenon_op op) {
    o->attrs.activation = activation(o, 2);
    return emit(o, op, 2, 0);
}

/* One axis of "same" padding: half of what is missing comes before, the rest after. */
static void pad_same(struct operation *o, int axis, int32_t kernel, int32_t stride) {
    int32_t size = o->in[0]->desc.shape.dims[axis + 1];
    int32_t missing = ((size + stride - 1) / stride - 1) * stride + kernel - size;
    int32_t *pad = o->attrs.pad.values;
    pad[axis] = missing > 0 ? missing / 2 : 0;
    pad[axis + 2] = missing > 0 ? missing - missing / 2 : 0;
}

/*
 * Padding from operand `at` on: left, right, top, bottom where `explicit_form`, else a scheme; then
 * strides {width, height}. Returns the index of the operand behind them.
 */
static uint32_t read_window(struct operation *o, uint32_t at, bool explicit_form,
                            const int32_t kernel[2]) {
    o->attrs.pad.count = 4;
    uint32_t strides = at + (explicit_form ? 4 : 1);
    o->attrs.stride =
        (struct tenon_list){.count = 2, .values = {integer(o, strides + 1), integer(o, strides)}};
    if (explicit_form) {
        const int32_t pad[] = {integer(o, at + 2), integer(o, at), integer(o, at + 3),
                               integer(o, at + 1)};
        memcpy(o->attrs.pad.values, pad, sizeof(pad));
    } else if (integer(o, at) == 1) {
        for (int axis = 0; axis < 2; axis++)
            pad_same(o, axis, kernel[axis], o->attrs.stride.values[axis]);
    }
    return strides + 2;
}

static enum tenon_status map_conv(struct operation *o, enum tenon_op op) {
    bool depthwise = op == TENON_OP_DEPTHWISE_CONV_2D;
    bool explicit_form = o->in_count >= (depthwise ? 11 : 10);
    const int32_t kernel[] = {o->in[1]->desc.shape.dims[1], o->in[1]->desc.shape.dims[2]};
    uint32_t next = read_window(o, 3, explicit_form, kernel);
    o->attrs.activation = activation(o, next + (depthwise ? 1 : 0)); /* behind the multiplier */
    return emit(o, op, 3, 0);
}

static enum tenon_status map_pool(struct operation *o, enum tenon_op op) {
    bool explicit_form = o->in_count >= 10;
    uint32_t window = explicit_form ? 7 : 4;
    const int32_t kernel[] = {integer(o, window + 1), integer(o, window)};
    uint32_t next = read_window(o, 1, explicit_form, kernel);
    o->attrs.window = (struct tenon_list){.count = 2, .values = {kernel[0], kernel[1]}};
    o->attrs.activation = activation(o, next + 2);
    return emit(o, op, 1, 0);
}

static enum tenon_status map_concatenation(struct operation *o, enum tenon_op op) {
    o->attrs.axis = integer(o, o->in_count - 1);
    return emit(o, op, o->in_count - 1, 0);
}

static enum tenon_status map_fully_connected(struct operation *o, enum tenon_op op) {
    o->attrs.activation = activation(o, 3);
    return emit(o, op, 3, 0);
}

static enum tenon_status map_lrn(struct operation *o, enum tenon_op op) {
    o->attrs.radius = integer(o, 1);
    o->attrs.bias = real(o, 2);
    o->attrs.alpha = real(o, 3);
    o->attrs.beta = real(o, 4);
    return emit(o, op, 1, 0);
}

/* RESHAPE and SQUEEZE: the wanted shape is the output's, which the specification gives. */
static enum tenon_status map_reshape(struct operation *o, enum tenon_op op) {
    const struct tenon_shape *shape = &o->out[0]->desc.shape;
    o->attrs.shape.count = shape->rank;
    memcpy(o->attrs.shape.values, shape->dims, sizeof(shape->dims));
    return emit(o, op, 1, 0);
}

static enum tenon_status map_resize(struct operation *o, enum tenon_op op) {
    o->attrs.shape = (struct tenon_list){.count = 2, .values = {integer(o, 2), integer(o, 1)}};
    return emit(o, op, 1, 0);
}

static enum tenon_status map_softmax(struct operation *o, enum tenon_op op) {
    o->attrs.beta = real(o, 1);
    return emit(o, op, 1, 0);
}

static enum tenon_status map_block(struct operation *o, enum tenon_op op) {
    o->attrs.block = list(o, 1);
    return emit(o, op, 1, 0);
}

static enum tenon_status map_batch_space(struct operation *o, enum tenon_op op) {
    o->attrs.block = list(o, 1);
    o->attrs.paddings = list(o, 2);
    if (o->in_count < 3) /* no crops */
        o->attrs.paddings.count = 2 * o->attrs.block.count;
    return emit(o, op, 1, 0);
}

/* A result tensor of input 0's type. */
static bool add_result(struct operation *o, struct tenon_shape shape, uint32_t *id) {
    struct tenon_desc desc = o->in[0]->desc;
    desc.shape = shape;
    return tenon_graph_add_tensor(&o->g->graph, "step", TENON_TENSOR_RESULT, &desc, NULL, id);
}

/* NNAPI has no tensors of rank 0: where Tenon gives one, it is made {1}. */
static enum tenon_status emit_scalar(struct operation *o, enum tenon_op op) {
    struct tenon_attrs reshape = {.shape = {.count = 1, .values = {1}}};
    struct tenon_shape scalar = {.rank = 0};
    uint32_t wanted = o->out[0]->tensor, id;
    if (!add_result(o, scalar, &o->out[0]->tensor))
        return tenon_fail_memory(o->error);
    enum tenon_status status = emit(o, op, 1, 0);
    uint32_t result = o->out[0]->tensor;
    o->out[0]->tensor = wanted;
    if (status != TENON_OK)
        return status;
    return tenon_graph_add_node(&o->g->graph, TENON_OP_RESHAPE, TENON_ROUNDING_NONE,
                                o->g->spec->name, &reshape, &result, 1, &wanted, 1, &id, o->error);
}

static enum tenon_status map_mean(struct operation *o, enum tenon_op op) {
    struct tenon_list axes = list(o, 1);
    int32_t rank = o->in[0]->desc.shape.rank;
    uint32_t mask = 0;
    for (int i = 0; i < axes.count; i++)
        mask |= UINT32_C(1) << (axes.values[i] < 0 ? axes.values[i] + rank : axes.values[i]);
    for (int i = 0; i < rank; i++)
        if ((mask >> i & 1) != 0)
            o->attrs.axes.values[o->attrs.axes.count++] = i;
    o->attrs.keep_dims = integer(o, 2) != 0;
    if (!o->attrs.keep_dims && o->attrs.axes.count == rank)
        return emit_scalar(o, op);
    return emit(o, op, 1, 0);
}

static enum tenon_status map_pad(struct operation *o, enum tenon_op op) {
    o->attrs.paddings = list(o, 1);
    return emit(o, op, 1, 0);
}

static enum tenon_status map_transpose(struct operation *o, enum tenon_op op) {
    o->attrs.perm = list(o, 1);
    int32_t rank = o->in[0]->desc.shape.rank;
    for (int i = 0; o->attrs.perm.count == 0 && i < rank; i++)
        o->attrs.perm.values[i] = rank - 1 - i;
    o->attrs.perm.count = rank;
    return emit(o, op, 1, 0);
}

static int32_t clamp(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : x > high ? high : x;
}

/* Begins, ends, strides; masks open a begin, open an end, drop an axis. */
static enum tenon_status map_strided_slice(struct operation *o, enum tenon_op op) {
    struct tenon_list begins = list(o, 1), ends = list(o, 2), steps = list(o, 3);
    int32_t rank = o->in[0]->desc.shape.rank;
    struct tenon_attrs *a = &o->attrs;
    a->begin.count = a->count.count = a->step.count = rank;
    for (int i = 0; i < rank; i++) {
        int32_t size = o->in[0]->desc.shape.dims[i], step = steps.values[i];
        int32_t begin = begins.values[i], end = ends.values[i];
        int32_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
        bool dropped = (integer(o, 6) >> i & 1) != 0;
        begin = clamp(begin < 0 ? begin + size : begin, low, high);
        end = clamp(end < 0 ? end + size : end, low, high);
        if ((integer(o, 4) >> i & 1) != 0)
            begin = step > 0 ? 0 : size - 1;
        if ((integer(o, 5) >> i & 1) != 0)
            end = step > 0 ? size : -1;
        int32_t span = step > 0 ? end - begin : begin - end, stride = step > 0 ? step : -step;
        a->begin.values[i] = begin;
        a->step.values[i] = step;
        a->count.values[i] = dropped ? 1 : span > 0 ? (span + stride - 1) / stride : 0;
        if (dropped)
            a->axes.values[a->axes.count++] = i;
    }
    return a->axes.count == rank ? emit_scalar(o, op) : emit(o, op, 1, 0);
}

/* Outputs that report a state after the operator are that state's variable. */
static void alias_state(struct operation *o, uint32_t out, uint32_t in) {
    o->out[out]->tensor = o->in[in]->tensor;
}

/* NNAPI shifts the state after the step, Tenon (as TFLite does now) before it: what NNAPI gives is
 * one to the left, and its last column is free. */
static enum tenon_status map_svdf(struct operation *o, enum tenon_op op) {
    size_t memory = (size_t)o->in[2]->desc.shape.dims[1];
    size_t count = tenon_desc_element_count(&o->in[4]->desc);
    float *state = o->in[4]->bytes;
    for (size_t i = count; state != NULL && i-- > 0;)
        state[i] = i % memory != 0 ? state[i - 1] : 0;
    o->out[0]->shifted = memory;
    o->attrs.rank = integer(o, 5);
    o->attrs.activation = activation(o, 6);
    alias_state(o, 0, 4);
    return emit(o, op, 5, 1);
}

/* NNAPI's LSTM is one step of Tenon's, which works on sequences: batch x 1 x …. */
static enum tenon_status map_lstm(struct operation *o, enum tenon_op op) {
    struct tenon_attrs none = {0},
                       attrs = {.cell_clip = real(o, 21), .projection_clip = real(o, 22)};
    struct tenon_shape in = o->in[0]->desc.shape, out = o->out[3]->desc.shape;
    uint32_t ids[24], steps, result, id;
    attrs.activation = integer(o, 20) == 4 ? (int32_t)TENON_ACTIVATION_TANH : activation(o, 20);
    struct tenon_shape wide_in = {.rank = 3, .dims = {in.dims[0], 1, in.dims[1]}};
    struct tenon_shape wide_out = {.rank = 3, .dims = {out.dims[0], 1, out.dims[1]}};
    if (!add_result(o, wide_in, &steps) || !add_result(o, wide_out, &result))
        return tenon_fail_memory(o->error);
    for (uint32_t i = 0; i < 24; i++)
        ids[i] = i > 0 && i < 20 ? o->in[i]->tensor : TENON_ID_NONE;
    ids[0] = steps;
    alias_state(o, 1, 18);
    alias_state(o, 2, 19);
    none.shape = (struct tenon_list){.count = 3, .values = {in.dims[0], 1, in.dims[1]}};
    struct tenon_graph *graph = &o->g->graph;
    const char *name = o->g->spec->name;
    enum tenon_status status =
        tenon_graph_add_node(graph, TENON_OP_RESHAPE, TENON_ROUNDING_NONE, name, &none,
                             &o->in[0]->tensor, 1, &steps, 1, &id, o->error);
    if (status == TENON_OK)
        status = tenon_graph_add_node(graph, op, TENON_ROUNDING_DOUBLE, name, &attrs, ids, 20,
                                      &result, 1, &id, o->error);
    none.shape = (struct tenon_list){.count = 2, .values = {out.dims[0], out.dims[1]}};
    if (status == TENON_OK)
        status = tenon_graph_add_node(graph, TENON_OP_RESHAPE, TENON_ROUNDING_NONE, name, &none,
                                      &result, 1, &o->out[3]->tensor, 1, &id, o->error);
    return status;
}

static const struct mapping {
    const char *name;
    enum tenon_op op;
    enum tenon_status (*map)(struct operation *, enum tenon_op);
    uint32_t states; /* bit i: input i is state */
} mappings[] = {
    {"ADD", TENON_OP_ADD, map_binary, 0},
    {"AVERAGE_POOL_2D", TENON_OP_AVERAGE_POOL_2D, map_pool, 0},
    {"BATCH_TO_SPACE_ND", TENON_OP_BATCH_TO_SPACE, map_batch_space, 0},
    {"CONCATENATION", TENON_OP_CONCATENATION, map_concatenation, 0},
    {"CONV_2D", TENON_OP_CONV_2D, map_conv, 0},
    {"DEPTHWISE_CONV_2D", TENON_OP_DEPTHWISE_CONV_2D, map_conv, 0},
    {"DEPTH_TO_SPACE", TENON_OP_DEPTH_TO_SPACE, map_block, 0},
    {"DEQUANTIZE", TENON_OP_DEQUANTIZE, map_unary, 0},
    {"DIV", TENON_OP_DIV, map_binary, 0},
    {"FLOOR", TENON_OP_FLOOR, map_unary, 0},
    {"FULLY_CONNECTED", TENON_OP_FULLY_CONNECTED, map_fully_connected, 0},
    {"L2_NORMALIZATION", TENON_OP_L2_NORMALIZATION, map_unary, 0},
    {"L2_POOL_2D", TENON_OP_L2_POOL_2D, map_pool, 0},
    {"LOCAL_RESPONSE_NORMALIZATION", TENON_OP_LOCAL_RESPONSE_NORMALIZATION, map_lrn, 0},
    {"LOGISTIC", TENON_OP_LOGISTIC, map_unary, 0},
    {"LSTM", TENON_OP_LSTM, map_lstm, 3u << 18},
    {"MAX_POOL_2D", TENON_OP_MAX_POOL_2D, map_pool, 0},
    {"MEAN", TENON_OP_MEAN, map_mean, 0},
    {"MUL", TENON_OP_MUL, map_binary, 0},
    {"PAD", TENON_OP_PAD, map_pad, 0},
    {"RELU", TENON_OP_RELU, map_unary, 0},
    {"RELU1", TENON_OP_RELU_N1_TO_1, map_unary, 0},
    {"RELU6", TENON_OP_RELU6, map_unary, 0},
    {"RESHAPE", TENON_OP_RESHAPE, map_reshape, 0},
    {"RESIZE_BILINEAR", TENON_OP_RESIZE_BILINEAR, map_resize, 0},
    {"SOFTMAX", TENON_OP_SOFTMAX, map_softmax, 0},
    {"SPACE_TO_BATCH_ND", TENON_OP_SPACE_TO_BATCH, map_batch_space, 0},
    {"SPACE_TO_DEPTH", TENON_OP_SPACE_TO_DEPTH, map_block, 0},
    {"SQUEEZE", TENON_OP_RESHAPE, map_reshape, 0},
    {"STRIDED_SLICE", TENON_OP_STRIDED_SLICE, map_strided_slice, 0},
    {"SUB", TENON_OP_SUB, map_binary, 0},
    {"SVDF", TENON_OP_SVDF, map_svdf, 1u << 4},
    {"TANH", TENON_OP_TANH, map_unary, 0},
    {"TRANSPOSE", TENON_OP_TRANSPOSE, map_transpose, 0},
};

static const struct mapping *find_mapping(const char *name) {
    for (size_t i = 0; i < TENON_COUNT_OF(mappings); i++)
        if (strcmp(mappings[i].name, name) == 0)
            return &mappings[i];
    return NULL;
}

bool nnapi_is_mapped(const char *name) {
    return find_mapping(name) != NULL;
}

/* The operands of operation `op`; false when the specification names too many or none. */
static bool read_operation(struct nnapi_graph *g, size_t op, struct operation *o) {
    json_t *json = json_array_get(g->spec->ops, op);
    json_t *in = json_object_get(json, "in"), *out = json_object_get(json, "out");
    o->g = g;
    o->in_count = (uint32_t)json_array_size(in);
    o->out_count = (uint32_t)json_array_size(out);
    if (o->in_count < 1 || o->in_count > NNAPI_NODE_OPERANDS_MAX || o->out_count < 1 ||
        o->out_count > TENON_COUNT_OF(o->out))
        return false;
    for (uint32_t i = 0; i < o->in_count + o->out_count; i++) {
        json_t *number =
            i < o->in_count ? json_array_get(in, i) : json_array_get(out, i - o->in_count);
        json_int_t index = json_integer_value(number);
        if (index < 0 || index >= g->spec->operand_count)
            return false;
        *(i < o->in_count ? &o->in[i] : &o->out[i - o->in_count]) = &g->spec->operands[index];
    }
    return true;
}

/* Marks states. One that an addition computes from an input takes that input's data. */
static bool mark_states(struct nnapi_graph *g) {
    for (size_t op = json_array_size(g->spec->ops); op-- > 0;) {
        struct operation o = {0};
        const struct mapping *mapping = find_mapping(operator_name(g->spec, op));
        if (mapping == NULL || !read_operation(g, op, &o))
            return false;
        for (uint32_t i = 0; i < o.in_count && i < 32; i++)
            o.in[i]->is_state |= (mapping->states >> i & 1) != 0;
        if (mapping->op == TENON_OP_ADD && o.out[0]->is_state) {
            o.out[0]->bytes = malloc(tenon_desc_size(&o.in[0]->desc) + 1);
            if (o.out[0]->bytes == NULL || o.in[0]->bytes == NULL)
                return false;
            memcpy(o.out[0]->bytes, o.in[0]->bytes, tenon_desc_size(&o.in[0]->desc));
        }
        g->stateful |= mapping->states != 0;
    }
    return true;
}

static enum tenon_tensor_kind kind_of(const struct nnapi_operand *operand) {
    if (operand->is_state)
        return TENON_TENSOR_VARIABLE;
    if (operand->life == NNAPI_INPUT)
        return TENON_TENSOR_INPUT;
    return operand->life == NNAPI_CONSTANT ? TENON_TENSOR_CONSTANT : TENON_TENSOR_RESULT;
}

/* Scalars and operands without elements or data are no tensors. */
static bool is_tensor(const struct nnapi_operand *operand) {
    bool given = operand->life == NNAPI_INPUT || operand->life == NNAPI_CONSTANT;
    return operand->life != NNAPI_ABSENT && operand->desc.shape.rank != 0 &&
           tenon_desc_element_count(&operand->desc) != 0 && (!given || operand->bytes != NULL);
}

static bool add_tensors(struct nnapi_graph *g) {
    uint32_t inputs[NNAPI_OPERANDS_MAX], outputs[NNAPI_OPERANDS_MAX];
    uint32_t input_count = 0, output_count = 0;
    struct operation last = {0};
    if (!read_operation(g, json_array_size(g->spec->ops) - 1, &last))
        return false;
    for (int i = 0; i < g->spec->operand_count; i++) {
        struct nnapi_operand *operand = &g->spec->operands[i];
        /* Of a stateful operator only the last output is computed; the others are its states. */
        if (!is_tensor(operand) || (g->stateful && operand->life == NNAPI_OUTPUT &&
                                    operand != last.out[last.out_count - 1]))
            continue;
        if (!tenon_graph_add_tensor(&g->graph, "operand", kind_of(operand), &operand->desc,
                                    operand->life == NNAPI_CONSTANT ? operand->bytes : NULL,
                                    &operand->tensor))
            return false;
        if (kind_of(operand) == TENON_TENSOR_INPUT)
            inputs[input_count++] = operand->tensor;
        if (operand->life == NNAPI_OUTPUT)
            outputs[output_count++] = operand->tensor;
    }
    return tenon_graph_set_inputs(&g->graph, inputs, input_count) &&
           tenon_graph_set_outputs(&g->graph, outputs, output_count);
}

enum tenon_status nnapi_graph_init(struct nnapi_graph *g, struct nnapi_spec *spec,
                                   struct tenon_error *error) {
    memset(g, 0, sizeof(*g));
    g->spec = spec;
    tenon_arena_init(&g->arena, 0);
    tenon_graph_init(&g->graph, &g->arena);
    if (!mark_states(g) || !add_tensors(g))
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "the specification is malformed");
    enum tenon_status status = TENON_OK;
    for (size_t i = 0; status == TENON_OK && i < json_array_size(spec->ops); i++) {
        struct operation o = {.error = error};
        const struct mapping *mapping = find_mapping(operator_name(spec, i));
        if (!read_operation(g, i, &o))
            return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "an operation is malformed");
        if (!o.out[0]->is_state)
            status = mapping->map(&o, mapping->op);
    }
    return status;
}

void nnapi_graph_finish(struct nnapi_graph *g) {
    tenon_arena_finish(&g->arena);
}
