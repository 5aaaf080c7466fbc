/* What a caller wants of the graph's border: see border.h. */
#include "compiler/border.h"

#include <string.h>

enum tenon_status tenon_border_keep_tensors(struct tenon_graph *graph, struct tenon_error *error) {
    uint32_t *outputs = tenon_arena_alloc_array(
        graph->arena, (size_t)graph->output_count + graph->tensor_count, sizeof(*outputs));
    if (outputs == NULL)
        return tenon_fail_memory(error);
    uint32_t count = graph->output_count;
    memcpy(outputs, graph->outputs, count * sizeof(*outputs));
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].kind == TENON_TENSOR_RESULT)
            outputs[count++] = i;
    return tenon_graph_set_outputs(graph, outputs, count) ? TENON_OK : tenon_fail_memory(error);
}

static void read_inputs(struct tenon_graph *graph, const uint32_t *input_of, uint32_t tensors) {
    for (uint32_t n = 0; n < graph->node_count; n++)
        for (uint32_t i = 0; i < graph->nodes[n].input_count; i++) {
            uint32_t *id = &graph->nodes[n].inputs[i];
            if (*id < tensors && input_of[*id] != TENON_ID_NONE)
                *id = input_of[*id];
        }
}

enum tenon_status tenon_border_isolate_nodes(struct tenon_graph *graph, struct tenon_error *error) {
    uint32_t tensors = graph->tensor_count, count = graph->input_count;
    uint32_t *inputs =
        tenon_arena_alloc_array(graph->arena, (size_t)count + tensors, sizeof(*inputs));
    uint32_t *input_of = tenon_arena_alloc_array(graph->arena, tensors, sizeof(*input_of));
    if (inputs == NULL || input_of == NULL)
        return tenon_fail_memory(error);
    memcpy(inputs, graph->inputs, count * sizeof(*inputs));
    for (uint32_t i = 0; i < tensors; i++) {
        const struct tenon_tensor tensor = graph->tensors[i];
        input_of[i] = TENON_ID_NONE;
        if (tensor.kind != TENON_TENSOR_RESULT)
            continue;
        if (!tenon_graph_add_tensor(graph, tensor.name, TENON_TENSOR_INPUT, &tensor.desc, NULL,
                                    &input_of[i]))
            return tenon_fail_memory(error);
        inputs[count++] = input_of[i];
    }
    read_inputs(graph, input_of, tensors);
    return tenon_graph_set_inputs(graph, inputs, count) ? TENON_OK : tenon_fail_memory(error);
}

enum tenon_status tenon_border_copy_constants(struct tenon_graph *graph,
                                              struct tenon_error *error) {
    for (uint32_t i = 0; i < graph->output_count; i++) {
        const struct tenon_tensor from = graph->tensors[graph->outputs[i]];
        uint32_t source = graph->outputs[i];
        struct tenon_attrs attrs = {0};
        if (from.kind != TENON_TENSOR_CONSTANT && from.kind != TENON_TENSOR_VARIABLE)
            continue;
        attrs.shape.count = from.desc.shape.rank;
        memcpy(attrs.shape.values, from.desc.shape.dims, sizeof(from.desc.shape.dims));
        if (!tenon_graph_add_tensor(graph, from.name, TENON_TENSOR_RESULT, &from.desc, NULL,
                                    &graph->outputs[i]))
            return tenon_fail_memory(error);
        enum tenon_status status =
            tenon_graph_add_node(graph, TENON_OP_RESHAPE, TENON_ROUNDING_NONE, from.name, &attrs,
                                 &source, 1, &graph->outputs[i], 1, NULL, error);
        if (status != TENON_OK)
            return status;
    }
    return TENON_OK;
}
