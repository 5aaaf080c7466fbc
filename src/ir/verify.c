/* Checks a whole graph: ids, kinds, order, descriptions, and each node against the table. */
#include <stdlib.h>

#include "ir/graph.h"

static enum tenon_status check_tensor(const struct tenon_graph *graph, uint32_t id,
                                      struct tenon_error *error) {
    const struct tenon_tensor *tensor = &graph->tensors[id];
    size_t bytes;
    if (!tenon_desc_bytes(&tensor->desc, &bytes))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "tensor %u '%s' has no valid shape or type",
                          id, tensor->name);
    enum tenon_status status = tenon_desc_check_quant(&tensor->desc, error);
    if (status != TENON_OK)
        return tenon_error_prefix(error, status, "tensor %u '%s'", id, tensor->name);
    if (tensor->kind == TENON_TENSOR_CONSTANT && tensor->data == NULL && bytes != 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "constant %u '%s' has no data", id,
                          tensor->name);
    if (tensor->kind == TENON_TENSOR_RESULT) {
        if (tensor->producer >= graph->node_count)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "no node computes tensor %u '%s'", id,
                              tensor->name);
        return TENON_OK;
    }
    if (tensor->producer != TENON_ID_NONE)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "tensor %u '%s' is no result of a node", id,
                          tensor->name);
    return TENON_OK;
}

static enum tenon_status check_inputs(const struct tenon_graph *graph, bool *seen,
                                      struct tenon_error *error) {
    for (uint32_t i = 0; i < graph->input_count; i++) {
        uint32_t id = graph->inputs[i];
        if (id >= graph->tensor_count || graph->tensors[id].kind != TENON_TENSOR_INPUT)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "graph input %u is no input tensor", i);
        if (seen[id])
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "graph input %u, '%s', is there a second time", i,
                              graph->tensors[id].name);
        seen[id] = true;
    }
    for (uint32_t id = 0; id < graph->tensor_count; id++)
        if (graph->tensors[id].kind == TENON_TENSOR_INPUT && !seen[id])
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "tensor %u '%s' is an input that the graph does not list", id,
                              graph->tensors[id].name);
    return TENON_OK;
}

static enum tenon_status check_border(const struct tenon_graph *graph, struct tenon_error *error) {
    bool *seen = calloc((size_t)graph->tensor_count + 1, sizeof(*seen));
    if (seen == NULL)
        return tenon_fail_memory(error);
    enum tenon_status status = check_inputs(graph, seen, error);
    free(seen);
    if (status != TENON_OK)
        return status;
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] >= graph->tensor_count)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "graph output %u names no tensor", i);
    return TENON_OK;
}

static enum tenon_status check_node(const struct tenon_graph *graph, uint32_t index,
                                    struct tenon_error *error) {
    const struct tenon_node *node = &graph->nodes[index];
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t id = node->inputs[i];
        if (id == TENON_ID_NONE)
            continue;
        if (id >= graph->tensor_count)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input %u names no tensor", i);
        const struct tenon_tensor *tensor = &graph->tensors[id];
        if (tensor->kind == TENON_TENSOR_RESULT && tensor->producer >= index)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input %u, '%s', is computed later", i,
                              tensor->name);
        bool mutated = i < 32 && (tenon_op_get_info(node->op)->mutated_inputs >> i & 1) != 0;
        if (mutated && tensor->kind != TENON_TENSOR_VARIABLE)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input %u, '%s', must be a variable", i,
                              tensor->name);
    }
    for (uint32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] >= graph->tensor_count ||
            graph->tensors[node->outputs[i]].producer != index)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "output %u is not this node's", i);
    struct tenon_operand *operands =
        calloc((size_t)node->input_count + node->output_count + 1, sizeof(*operands));
    if (operands == NULL)
        return tenon_fail_memory(error);
    struct tenon_op_call call;
    tenon_graph_node_call(graph, index, NULL, operands, &call);
    enum tenon_status status = tenon_op_infer(&call, error);
    free(operands);
    return status;
}

enum tenon_status tenon_graph_verify(const struct tenon_graph *graph, struct tenon_error *error) {
    enum tenon_status status = check_border(graph, error);
    for (uint32_t i = 0; status == TENON_OK && i < graph->tensor_count; i++)
        status = check_tensor(graph, i, error);
    for (uint32_t i = 0; status == TENON_OK && i < graph->node_count; i++) {
        if ((unsigned)graph->nodes[i].op >= TENON_OP_COUNT)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "node %u has no operator", i);
        status = check_node(graph, i, error);
        if (status != TENON_OK)
            tenon_error_prefix(error, status, "node %u (%s '%s')", i,
                               tenon_op_get_info(graph->nodes[i].op)->name, graph->nodes[i].name);
    }
    return status;
}
