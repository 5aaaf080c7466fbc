/* Building, copying and asking graphs. */
#include "ir/graph.h"

#include <string.h>

#include "util/checked.h"

void tenon_graph_init(struct tenon_graph *graph, struct tenon_arena *arena) {
    *graph = (struct tenon_graph){.arena = arena, .name = "", .description = ""};
}

/* Makes room for one more element of an array in the arena; the old array is left behind. */
static bool grow(struct tenon_arena *arena, void **array, uint32_t count, uint32_t *capacity,
                 size_t element) {
    if (count < *capacity)
        return true;
    uint32_t larger = *capacity < 32 ? 64 : *capacity * 2;
    if (larger < *capacity)
        return false;
    void *copy = tenon_arena_alloc_array(arena, larger, element);
    if (copy == NULL)
        return false;
    if (count != 0)
        memcpy(copy, *array, count * element);
    *array = copy;
    *capacity = larger;
    return true;
}

static bool copy_desc(struct tenon_arena *arena, const struct tenon_desc *desc,
                      struct tenon_desc *out) {
    *out = *desc;
    uint32_t count = desc->quant.count;
    if (count == 0)
        return true;
    out->quant.scale = tenon_arena_copy(arena, desc->quant.scale, count * sizeof(float));
    out->quant.zero_point =
        tenon_arena_copy(arena, desc->quant.zero_point, count * sizeof(int32_t));
    return out->quant.scale != NULL && out->quant.zero_point != NULL;
}

bool tenon_graph_add_tensor(struct tenon_graph *graph, const char *name,
                            enum tenon_tensor_kind kind, const struct tenon_desc *desc,
                            const void *data, uint32_t *id) {
    void *tensors = graph->tensors;
    if (!grow(graph->arena, &tensors, graph->tensor_count, &graph->tensor_capacity,
              sizeof(*graph->tensors)))
        return false;
    graph->tensors = tensors;
    struct tenon_tensor tensor = {
        .kind = kind, .data = data, .producer = TENON_ID_NONE, .source = TENON_ID_NONE};
    tensor.name = tenon_arena_string(graph->arena, name, strlen(name));
    if (tensor.name == NULL || !copy_desc(graph->arena, desc, &tensor.desc))
        return false;
    *id = graph->tensor_count;
    graph->tensors[graph->tensor_count++] = tensor;
    return true;
}

static bool copy_ids(struct tenon_arena *arena, const uint32_t *ids, uint32_t count,
                     uint32_t **out) {
    *out = tenon_arena_alloc_array(arena, count, sizeof(*ids));
    if (*out != NULL && count != 0)
        memcpy(*out, ids, count * sizeof(*ids));
    return *out != NULL;
}

static enum tenon_status check_inputs(const struct tenon_graph *graph, const uint32_t *inputs,
                                      uint32_t count, struct tenon_error *error) {
    for (uint32_t i = 0; i < count; i++) {
        if (inputs[i] == TENON_ID_NONE)
            continue;
        if (inputs[i] >= graph->tensor_count)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input %u names no tensor", i);
        const struct tenon_tensor *tensor = &graph->tensors[inputs[i]];
        if (tensor->kind == TENON_TENSOR_RESULT && tensor->producer == TENON_ID_NONE)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "input %u, tensor '%s', is computed by no earlier node", i,
                              tensor->name);
    }
    return TENON_OK;
}

static void release_outputs(struct tenon_graph *graph, const uint32_t *outputs, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        graph->tensors[outputs[i]].producer = TENON_ID_NONE;
}

/* Makes the node to come the producer of its outputs; all of them, or none. */
static enum tenon_status claim_outputs(struct tenon_graph *graph, const uint32_t *outputs,
                                       uint32_t count, struct tenon_error *error) {
    for (uint32_t i = 0; i < count; i++) {
        struct tenon_tensor *tensor =
            outputs[i] < graph->tensor_count ? &graph->tensors[outputs[i]] : NULL;
        if (tensor == NULL || tensor->kind != TENON_TENSOR_RESULT ||
            tensor->producer != TENON_ID_NONE) {
            release_outputs(graph, outputs, i);
            return tensor == NULL
                       ? tenon_fail(error, TENON_ERROR_BAD_MODEL, "output %u names no tensor", i)
                       : tenon_fail(error, TENON_ERROR_BAD_MODEL,
                                    "output %u, tensor '%s', is written a second time", i,
                                    tensor->name);
        }
        tensor->producer = graph->node_count;
    }
    return TENON_OK;
}

void tenon_graph_node_call(const struct tenon_graph *graph, uint32_t node, void *const *data,
                           struct tenon_operand *operands, struct tenon_op_call *call) {
    const struct tenon_node *n = &graph->nodes[node];
    for (uint32_t i = 0; i < n->input_count + n->output_count; i++) {
        uint32_t id = i < n->input_count ? n->inputs[i] : n->outputs[i - n->input_count];
        if (id == TENON_ID_NONE) {
            operands[i] = (struct tenon_operand){0};
            continue;
        }
        struct tenon_tensor *tensor = &graph->tensors[id];
        void *bytes = data != NULL ? data[id] : NULL;
        if (bytes == NULL && tensor->kind == TENON_TENSOR_CONSTANT)
            bytes = (void *)tensor->data;
        operands[i] = (struct tenon_operand){.desc = &tensor->desc, .data = bytes};
    }
    *call = (struct tenon_op_call){
        .op = n->op,
        .rounding = n->rounding,
        .attrs = &n->attrs,
        .input_count = n->input_count,
        .output_count = n->output_count,
        .inputs = operands,
        .outputs = operands + n->input_count,
    };
}

/* Appends the node without counting it yet. */
static enum tenon_status append_node(struct tenon_graph *graph, const struct tenon_node *like,
                                     const char *name, const uint32_t *inputs,
                                     const uint32_t *outputs, struct tenon_error *error) {
    void *nodes = graph->nodes;
    struct tenon_node node = *like;
    struct tenon_operand *operands = tenon_arena_alloc_array(
        graph->arena, (size_t)node.input_count + node.output_count, sizeof(*operands));
    node.name = tenon_arena_string(graph->arena, name, strlen(name));
    if (operands == NULL || node.name == NULL ||
        !copy_ids(graph->arena, inputs, node.input_count, &node.inputs) ||
        !copy_ids(graph->arena, outputs, node.output_count, &node.outputs) ||
        !grow(graph->arena, &nodes, graph->node_count, &graph->node_capacity,
              sizeof(*graph->nodes)))
        return tenon_fail_memory(error);
    graph->nodes = nodes;
    graph->nodes[graph->node_count] = node;
    struct tenon_op_call call;
    tenon_graph_node_call(graph, graph->node_count, NULL, operands, &call);
    return tenon_op_infer(&call, error);
}

enum tenon_status tenon_graph_add_node(struct tenon_graph *graph, enum tenon_op op,
                                       enum tenon_rounding rounding, const char *name,
                                       const struct tenon_attrs *attrs, const uint32_t *inputs,
                                       uint32_t input_count, const uint32_t *outputs,
                                       uint32_t output_count, uint32_t *id,
                                       struct tenon_error *error) {
    const struct tenon_node node = {.op = op,
                                    .rounding = rounding,
                                    .attrs = *attrs,
                                    .input_count = input_count,
                                    .output_count = output_count,
                                    .source = TENON_ID_NONE};
    enum tenon_status status = check_inputs(graph, inputs, input_count, error);
    if (status == TENON_OK)
        status = claim_outputs(graph, outputs, output_count, error);
    if (status != TENON_OK)
        return status;
    status = append_node(graph, &node, name, inputs, outputs, error);
    if (status != TENON_OK) {
        release_outputs(graph, outputs, output_count);
        return status;
    }
    if (id != NULL)
        *id = graph->node_count;
    graph->node_count++;
    return TENON_OK;
}

bool tenon_graph_set_inputs(struct tenon_graph *graph, const uint32_t *ids, uint32_t count) {
    graph->input_count = count;
    return copy_ids(graph->arena, ids, count, &graph->inputs);
}

bool tenon_graph_set_outputs(struct tenon_graph *graph, const uint32_t *ids, uint32_t count) {
    graph->output_count = count;
    return copy_ids(graph->arena, ids, count, &graph->outputs);
}

void tenon_graph_count_uses(const struct tenon_graph *graph, uint32_t *uses) {
    memset(uses, 0, graph->tensor_count * sizeof(*uses));
    for (uint32_t n = 0; n < graph->node_count; n++)
        for (uint32_t i = 0; i < graph->nodes[n].input_count; i++)
            if (graph->nodes[n].inputs[i] != TENON_ID_NONE)
                uses[graph->nodes[n].inputs[i]]++;
    for (uint32_t i = 0; i < graph->output_count; i++)
        uses[graph->outputs[i]]++;
}

static bool clone_tensors(const struct tenon_graph *graph, struct tenon_graph *out) {
    out->tensors = tenon_arena_alloc_array(out->arena, graph->tensor_count, sizeof(*out->tensors));
    if (out->tensors == NULL)
        return false;
    out->tensor_count = out->tensor_capacity = graph->tensor_count;
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        const struct tenon_tensor *from = &graph->tensors[i];
        out->tensors[i] = *from;
        out->tensors[i].name = tenon_arena_string(out->arena, from->name, strlen(from->name));
        if (out->tensors[i].name == NULL ||
            !copy_desc(out->arena, &from->desc, &out->tensors[i].desc))
            return false;
    }
    return true;
}

static bool clone_nodes(const struct tenon_graph *graph, struct tenon_graph *out) {
    out->nodes = tenon_arena_alloc_array(out->arena, graph->node_count, sizeof(*out->nodes));
    if (out->nodes == NULL)
        return false;
    out->node_count = out->node_capacity = graph->node_count;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct tenon_node *from = &graph->nodes[i];
        struct tenon_node *to = &out->nodes[i];
        *to = *from;
        to->name = tenon_arena_string(out->arena, from->name, strlen(from->name));
        if (to->name == NULL ||
            !copy_ids(out->arena, from->inputs, from->input_count, &to->inputs) ||
            !copy_ids(out->arena, from->outputs, from->output_count, &to->outputs))
            return false;
    }
    return true;
}

bool tenon_graph_clone(const struct tenon_graph *graph, struct tenon_arena *arena,
                       struct tenon_graph *out) {
    tenon_graph_init(out, arena);
    out->name = tenon_arena_string(arena, graph->name, strlen(graph->name));
    out->description = tenon_arena_string(arena, graph->description, strlen(graph->description));
    return out->name != NULL && out->description != NULL && clone_tensors(graph, out) &&
           clone_nodes(graph, out) &&
           tenon_graph_set_inputs(out, graph->inputs, graph->input_count) &&
           tenon_graph_set_outputs(out, graph->outputs, graph->output_count);
}

uint64_t tenon_graph_node_macs(const struct tenon_graph *graph, uint32_t node) {
    enum { FEW_OPERANDS = 32 };
    struct tenon_operand operands[FEW_OPERANDS];
    struct tenon_op_call call;
    const struct tenon_node *n = &graph->nodes[node];
    if (n->input_count + n->output_count > FEW_OPERANDS) /* only data movers have so many */
        return 0;
    tenon_graph_node_call(graph, node, NULL, operands, &call);
    return tenon_op_macs(&call);
}
