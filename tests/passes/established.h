/* What passes say that they establish, looked for in the graphs that they leave. */
#ifndef TESTS_PASSES_ESTABLISHED_H
#define TESTS_PASSES_ESTABLISHED_H

#include "passes/generator.h"

/* One node of integers: NULL, or what is wrong with it. */
typedef const char *node_rule(const struct generator *g, const struct tenon_graph *graph,
                              const struct tenon_node *node);

static inline const char *established(const struct generator *g, const struct tenon_graph *graph,
                                      node_rule *rule) {
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const struct tenon_node *node = &graph->nodes[n];
        const char *wrong = graph->tensors[node->inputs[0]].desc.type == TENON_TYPE_F32
                                ? NULL
                                : rule(g, graph, node);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static inline bool is_conv(const struct tenon_node *node) {
    return node->op == TENON_OP_CONV_2D || node->op == TENON_OP_DEPTHWISE_CONV_2D;
}

static inline int32_t dim_of(const struct tenon_graph *graph, uint32_t tensor, int axis) {
    return graph->tensors[tensor].desc.shape.dims[axis];
}

#endif
