/* Cutting a part out of the graph and lowering it: see lower.h. */
#include "partition/lower.h"

#include <stdio.h>
#include <string.h>

bool tenon_lowering_init(struct tenon_lowering *lowering, const struct tenon_graph *graph,
                         struct tenon_arena *arena) {
    lowering->graph = graph;
    lowering->tensor_of =
        tenon_arena_alloc_array(arena, graph->tensor_count, sizeof(*lowering->tensor_of));
    lowering->row_of = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*lowering->row_of));
    if (lowering->tensor_of == NULL || lowering->row_of == NULL)
        return false;
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        lowering->tensor_of[i] = TENON_ID_NONE;
    return true;
}

static const struct tenon_capabilities *capabilities_of(const struct tenon_target *target) {
    const struct tenon_backend *backend = tenon_backend_find(target->name);
    const struct tenon_capabilities *capabilities =
        backend->capabilities != NULL ? backend->capabilities(target) : NULL;
    return capabilities != NULL && capabilities->passes != NULL ? capabilities : NULL;
}

/* ---- cutting ---- */

struct cut {
    struct tenon_lowering *lowering;
    const struct tenon_part *part;
    struct tenon_graph *out;
    struct tenon_arena *arena;
};

static enum tenon_status add_tensor(struct cut *cut, uint32_t id, enum tenon_tensor_kind kind,
                                    struct tenon_error *error) {
    const struct tenon_tensor *tensor = &cut->lowering->graph->tensors[id];
    uint32_t *at = &cut->lowering->tensor_of[id];
    if (*at != TENON_ID_NONE)
        return TENON_OK;
    if (tensor->kind == TENON_TENSOR_VARIABLE)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "'%.60s' is state, which the host keeps",
                          tensor->name);
    if (!tenon_graph_add_tensor(cut->out, tensor->name, kind, &tensor->desc,
                                kind == TENON_TENSOR_CONSTANT ? tensor->data : NULL, at))
        return tenon_fail_memory(error);
    cut->out->tensors[*at].source = tensor->source;
    return TENON_OK;
}

static enum tenon_status add_node(struct cut *cut, uint32_t row, struct tenon_error *error) {
    uint32_t index = cut->part->nodes[row], id;
    const struct tenon_node *node = &cut->lowering->graph->nodes[index];
    size_t count = (size_t)node->input_count + node->output_count;
    uint32_t *ids = tenon_arena_alloc_array(cut->arena, count, sizeof(*ids));
    if (ids == NULL)
        return tenon_fail_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        bool output = i >= node->input_count;
        ids[i] = output ? node->outputs[i - node->input_count] : node->inputs[i];
        if (ids[i] == TENON_ID_NONE)
            continue;
        enum tenon_status status =
            add_tensor(cut, ids[i], output ? TENON_TENSOR_RESULT : TENON_TENSOR_CONSTANT, error);
        if (status != TENON_OK)
            return status;
        ids[i] = cut->lowering->tensor_of[ids[i]];
    }
    enum tenon_status status = tenon_graph_add_node(
        cut->out, node->op, node->rounding, node->name, &node->attrs, ids, node->input_count,
        ids + node->input_count, node->output_count, &id, error);
    if (status == TENON_OK)
        cut->out->nodes[id].source = index;
    cut->lowering->row_of[index] = row;
    return status;
}

static bool set_border(struct cut *cut) {
    uint32_t reads = cut->part->read_count, writes = cut->part->write_count;
    uint32_t *ids = tenon_arena_alloc_array(cut->arena, (size_t)reads + writes, sizeof(*ids));
    if (ids == NULL)
        return false;
    for (uint32_t i = 0; i < reads; i++)
        ids[i] = cut->lowering->tensor_of[cut->part->reads[i]];
    for (uint32_t i = 0; i < writes; i++)
        ids[reads + i] = cut->lowering->tensor_of[cut->part->writes[i]];
    return tenon_graph_set_inputs(cut->out, ids, reads) &&
           tenon_graph_set_outputs(cut->out, ids + reads, writes);
}

static void forget_tensors(struct cut *cut) {
    const struct tenon_graph *graph = cut->lowering->graph;
    uint32_t *tensor_of = cut->lowering->tensor_of;
    for (uint32_t i = 0; i < cut->part->read_count; i++)
        tensor_of[cut->part->reads[i]] = TENON_ID_NONE;
    for (uint32_t n = 0; n < cut->part->node_count; n++) {
        const struct tenon_node *node = &graph->nodes[cut->part->nodes[n]];
        for (uint32_t i = 0; i < node->input_count; i++)
            if (node->inputs[i] != TENON_ID_NONE)
                tensor_of[node->inputs[i]] = TENON_ID_NONE;
        for (uint32_t i = 0; i < node->output_count; i++)
            tensor_of[node->outputs[i]] = TENON_ID_NONE;
    }
}

static enum tenon_status cut_out(struct cut *cut, struct tenon_error *error) {
    enum tenon_status status = TENON_OK;
    tenon_graph_init(cut->out, cut->arena);
    for (uint32_t i = 0; status == TENON_OK && i < cut->part->read_count; i++)
        status = add_tensor(cut, cut->part->reads[i], TENON_TENSOR_INPUT, error);
    for (uint32_t n = 0; status == TENON_OK && n < cut->part->node_count; n++)
        status = add_node(cut, n, error);
    if (status == TENON_OK && !set_border(cut))
        status = tenon_fail_memory(error);
    forget_tensors(cut);
    return status;
}

/* ---- lowering ---- */

static bool needs_copy(const struct tenon_graph *graph, uint32_t output) {
    uint32_t id = graph->outputs[output];
    if (graph->tensors[id].kind != TENON_TENSOR_RESULT)
        return true;
    for (uint32_t i = 0; i < output; i++)
        if (graph->outputs[i] == id)
            return true;
    return false;
}

/* Passes may leave an output that is an input, a constant, or another output: a copy writes it. */
static enum tenon_status separate_outputs(struct tenon_graph *graph, struct tenon_error *error) {
    for (uint32_t i = 0; i < graph->output_count; i++) {
        uint32_t from = graph->outputs[i], node;
        const struct tenon_tensor tensor = graph->tensors[from];
        struct tenon_attrs attrs = {.shape.count = tensor.desc.shape.rank};
        if (!needs_copy(graph, i))
            continue;
        memcpy(attrs.shape.values, tensor.desc.shape.dims, sizeof(tensor.desc.shape.dims));
        if (!tenon_graph_add_tensor(graph, tensor.name, TENON_TENSOR_RESULT, &tensor.desc, NULL,
                                    &graph->outputs[i]))
            return tenon_fail_memory(error);
        enum tenon_status status =
            tenon_graph_add_node(graph, TENON_OP_RESHAPE, TENON_ROUNDING_NONE, tensor.name, &attrs,
                                 &from, 1, &graph->outputs[i], 1, &node, error);
        if (status != TENON_OK)
            return status;
    }
    return TENON_OK;
}

/* A node that no pass gave a source belongs to the row of the one before. */
static bool describe(const struct tenon_lowering *lowering, const struct tenon_graph *graph,
                     uint32_t row_count, struct tenon_arena *arena, struct tenon_part *out) {
    uint32_t *nodes = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*nodes));
    uint32_t *rows = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*rows));
    if (nodes == NULL || rows == NULL)
        return false;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        uint32_t source = graph->nodes[i].source;
        nodes[i] = i;
        rows[i] = source < lowering->graph->node_count ? lowering->row_of[source]
                  : i > 0                              ? rows[i - 1]
                                                       : 0;
    }
    *out = (struct tenon_part){.graph = graph,
                               .nodes = nodes,
                               .node_count = graph->node_count,
                               .reads = graph->inputs,
                               .read_count = graph->input_count,
                               .writes = graph->outputs,
                               .write_count = graph->output_count,
                               .rows = rows,
                               .row_count = row_count};
    return true;
}

enum tenon_status tenon_lower_part(struct tenon_lowering *lowering,
                                   const struct tenon_target *target, const struct tenon_part *part,
                                   struct tenon_pass_debug *debug, struct tenon_arena *arena,
                                   struct tenon_part *out, struct tenon_error *error) {
    const struct tenon_capabilities *capabilities = capabilities_of(target);
    *out = *part;
    if (capabilities == NULL)
        return TENON_OK;
    struct tenon_graph *graph = tenon_arena_alloc(arena, sizeof(*graph));
    if (graph == NULL)
        return tenon_fail_memory(error);
    struct cut cut = {.lowering = lowering, .part = part, .out = graph, .arena = arena};
    enum tenon_status status = cut_out(&cut, error);
    if (status == TENON_OK)
        status = tenon_lower_graph(graph, capabilities, debug, error);
    if (status == TENON_OK)
        status = separate_outputs(graph, error);
    if (status == TENON_OK && !describe(lowering, graph, part->node_count, arena, out))
        status = tenon_fail_memory(error);
    return status;
}

/* ---- one node ---- */

/* The border of a part that is one node. */
static bool describe_node(const struct tenon_graph *graph, const uint32_t *node,
                          struct tenon_arena *arena, struct tenon_part *out) {
    const struct tenon_node *n = &graph->nodes[*node];
    uint32_t *reads = tenon_arena_alloc_array(arena, n->input_count, sizeof(*reads)), count = 0;
    if (reads == NULL)
        return false;
    for (uint32_t i = 0; i < n->input_count; i++) {
        uint32_t id = n->inputs[i], k = 0;
        if (id == TENON_ID_NONE || graph->tensors[id].kind == TENON_TENSOR_CONSTANT)
            continue;
        while (k < count && reads[k] != id)
            k++;
        reads[k] = id;
        count += k == count;
    }
    *out = (struct tenon_part){.graph = graph,
                               .nodes = node,
                               .node_count = 1,
                               .reads = reads,
                               .read_count = count,
                               .writes = n->outputs,
                               .write_count = n->output_count};
    return true;
}

/* All nodes of a lowered part, of which `wanted` is what it was. */
static void ask_nodes(const struct tenon_target *target, const struct tenon_part *part,
                      enum tenon_op wanted, struct tenon_support *out) {
    const struct tenon_backend *backend = tenon_backend_find(target->name);
    char reason[TENON_REASON_BYTES] = "";
    out->supported = true;
    for (uint32_t i = 0; i < part->node_count && out->supported; i++) {
        enum tenon_op op = part->graph->nodes[part->nodes[i]].op;
        out->supported = backend->supports(target, part->graph, part->nodes[i], reason);
        reason[sizeof(reason) - 1] = '\0';
        if (out->supported)
            out->ns += backend->cost_ns(target, part->graph, part->nodes[i]);
        else if (op == wanted)
            snprintf(out->reason, sizeof(out->reason), "%s", reason);
        else
            snprintf(out->reason, sizeof(out->reason), "as %s: %.*s", tenon_op_get_info(op)->name,
                     TENON_REASON_BYTES - 48, reason);
    }
    if (out->supported && out->ns == 0) /* mere addressing; and nothing is quite free */
        out->ns = 1;
}

enum tenon_status tenon_lower_supports(struct tenon_lowering *lowering,
                                       const struct tenon_target *target, uint32_t node,
                                       const struct tenon_pass_debug *debug,
                                       struct tenon_support *out, struct tenon_error *error) {
    struct tenon_pass_debug passes = {0};
    struct tenon_error own = {.status = TENON_OK};
    struct tenon_arena arena;
    struct tenon_part part, lowered;
    *out = (struct tenon_support){0};
    if (debug != NULL)
        passes = (struct tenon_pass_debug){.skip = debug->skip, .skip_count = debug->skip_count};
    tenon_arena_init(&arena, 0);
    enum tenon_status status = TENON_OK;
    if (!describe_node(lowering->graph, &node, &arena, &part))
        status = tenon_fail_memory(&own);
    if (status == TENON_OK)
        status = tenon_lower_part(lowering, target, &part, &passes, &arena, &lowered, &own);
    if (status == TENON_OK)
        ask_nodes(target, &lowered, lowering->graph->nodes[node].op, out);
    else
        snprintf(out->reason, sizeof(out->reason), "%.*s", TENON_REASON_BYTES - 1, own.message);
    tenon_arena_finish(&arena);
    return status == TENON_ERROR_OUT_OF_MEMORY ? tenon_fail_memory(error) : TENON_OK;
}
