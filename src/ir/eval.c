/* Node-by-node evaluation with the reference kernels; every tensor has memory of its own. */
#include "ir/eval.h"

#include <stdlib.h>
#include <string.h>

static void fill_zero_point(const struct tenon_desc *desc, uint8_t *data, size_t size) {
    int32_t zero = tenon_desc_zero_point(desc);
    if (zero == 0 || tenon_type_is_float(desc->type)) {
        memset(data, 0, size);
        return;
    }
    size_t element = tenon_type_bit_count(desc->type) / 8;
    uint8_t bytes[8];
    int64_t value = zero;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    for (size_t i = 0; element != 0 && i + element <= size; i += element)
        memcpy(data + i, bytes, element);
}

static enum tenon_status run_node(const struct tenon_graph *graph, uint32_t node, void **data,
                                  struct tenon_error *error) {
    const struct tenon_node *n = &graph->nodes[node];
    struct tenon_operand *operands =
        calloc((size_t)n->input_count + n->output_count + 1, sizeof(*operands));
    if (operands == NULL)
        return tenon_fail_memory(error);
    struct tenon_op_call call;
    tenon_graph_node_call(graph, node, data, operands, &call);
    size_t scratch = tenon_op_scratch_bytes(&call);
    call.scratch = aligned_alloc(64, (scratch + 64) & ~(size_t)63);
    enum tenon_status status =
        call.scratch == NULL ? tenon_fail_memory(error) : tenon_op_run_reference(&call, error);
    free(call.scratch);
    free(operands);
    return status;
}

static enum tenon_status allocate(const struct tenon_graph *graph, const void *const *inputs,
                                  void **data, struct tenon_error *error) {
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        const struct tenon_tensor *tensor = &graph->tensors[i];
        size_t size = tenon_desc_size(&tensor->desc);
        data[i] = malloc(size != 0 ? size : 1);
        if (data[i] == NULL)
            return tenon_fail_memory(error);
        if (tensor->kind == TENON_TENSOR_CONSTANT && size != 0)
            memcpy(data[i], tensor->data, size);
        else
            fill_zero_point(&tensor->desc, data[i], size);
    }
    for (uint32_t i = 0; i < graph->input_count; i++) {
        size_t size = tenon_desc_size(&graph->tensors[graph->inputs[i]].desc);
        if (size != 0)
            memcpy(data[graph->inputs[i]], inputs[i], size);
    }
    return TENON_OK;
}

enum tenon_status tenon_graph_evaluate(const struct tenon_graph *graph, const void *const *inputs,
                                       void *const *outputs, struct tenon_error *error) {
    void **data = calloc((size_t)graph->tensor_count + 1, sizeof(*data));
    if (data == NULL)
        return tenon_fail_memory(error);
    enum tenon_status status = allocate(graph, inputs, data, error);
    for (uint32_t i = 0; status == TENON_OK && i < graph->node_count; i++)
        status = run_node(graph, i, data, error);
    for (uint32_t i = 0; status == TENON_OK && i < graph->output_count; i++) {
        size_t size = tenon_desc_size(&graph->tensors[graph->outputs[i]].desc);
        if (size != 0)
            memcpy(outputs[i], data[graph->outputs[i]], size);
    }
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        free(data[i]);
    free(data);
    return status;
}
