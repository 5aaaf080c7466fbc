/*
 * The choice: the first target in the user's order that supports a node takes it. The parts: each
 * run of nodes of one target; a tensor crosses when another part or the graph's border needs it.
 */
#include "partition/partition.h"

#include <string.h>

static enum tenon_status choose(const struct tenon_graph *graph, uint32_t node,
                                const struct tenon_target *targets, uint32_t target_count,
                                struct tenon_arena *arena, struct tenon_choice *choice,
                                struct tenon_error *error) {
    char first[TENON_REASON_BYTES] = "";
    for (uint32_t i = 0; i < target_count; i++) {
        char reason[TENON_REASON_BYTES] = "";
        const struct tenon_backend *backend = tenon_backend_find(targets[i].name);
        if (backend->supports(&targets[i], graph, node, reason)) {
            choice->target = i;
            choice->reason =
                i == 0 ? "" : tenon_arena_printf(arena, "%s: %s", targets[0].name, first);
            return choice->reason != NULL ? TENON_OK : tenon_fail_memory(error);
        }
        if (i == 0)
            memcpy(first, reason, sizeof(first));
    }
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "no target takes node %u (%s '%.80s'): %s",
                      node, tenon_op_get_info(graph->nodes[node].op)->name, graph->nodes[node].name,
                      first);
}

/* State of cutting: which part computes each tensor, and who needs it. */
struct cut {
    const struct tenon_graph *graph;
    struct tenon_arena *arena;
    uint32_t *part_of; /* per node */
    bool *crosses;     /* per tensor: needed outside of the part that computes it */
    uint32_t *listed;  /* per tensor: 1 + last part that lists it */
};

static bool is_mutated(const struct tenon_node *node, uint32_t input) {
    return input < 32 && (tenon_op_get_info(node->op)->mutated_inputs >> input & 1) != 0;
}

static void find_crossings(struct cut *cut) {
    const struct tenon_graph *graph = cut->graph;
    for (uint32_t n = 0; n < graph->node_count; n++)
        for (uint32_t i = 0; i < graph->nodes[n].input_count; i++) {
            uint32_t id = graph->nodes[n].inputs[i];
            if (id == TENON_ID_NONE || graph->tensors[id].kind != TENON_TENSOR_RESULT)
                continue;
            cut->crosses[id] |= cut->part_of[graph->tensors[id].producer] != cut->part_of[n];
        }
    for (uint32_t i = 0; i < graph->output_count; i++)
        cut->crosses[graph->outputs[i]] = true;
}

/* Lists a tensor once per part. */
static void list_once(struct cut *cut, uint32_t part, uint32_t id, uint32_t *list,
                      uint32_t *count) {
    if (cut->listed[id] == part + 1)
        return;
    cut->listed[id] = part + 1;
    list[(*count)++] = id;
}

static void fill_reads(struct cut *cut, uint32_t index, struct tenon_part *part, uint32_t *reads) {
    for (uint32_t n = 0; n < part->node_count; n++) {
        const struct tenon_node *node = &cut->graph->nodes[part->nodes[n]];
        for (uint32_t i = 0; i < node->input_count; i++) {
            uint32_t id = node->inputs[i];
            if (id == TENON_ID_NONE)
                continue;
            const struct tenon_tensor *tensor = &cut->graph->tensors[id];
            bool inside =
                tensor->kind == TENON_TENSOR_CONSTANT ||
                (tensor->kind == TENON_TENSOR_RESULT && cut->part_of[tensor->producer] == index);
            if (!inside)
                list_once(cut, index, id, reads, &part->read_count);
        }
    }
    part->reads = reads;
}

static void fill_writes(struct cut *cut, struct tenon_part *part, uint32_t *writes) {
    for (uint32_t n = 0; n < part->node_count; n++) {
        const struct tenon_node *node = &cut->graph->nodes[part->nodes[n]];
        for (uint32_t i = 0; i < node->output_count; i++)
            if (cut->crosses[node->outputs[i]])
                writes[part->write_count++] = node->outputs[i];
        for (uint32_t i = 0; i < node->input_count; i++)
            if (is_mutated(node, i))
                writes[part->write_count++] = node->inputs[i];
    }
    part->writes = writes;
}

static bool fill_part(struct cut *cut, uint32_t index, struct tenon_part *part) {
    size_t reads = 0, writes = 0;
    for (uint32_t n = 0; n < part->node_count; n++) {
        const struct tenon_node *node = &cut->graph->nodes[part->nodes[n]];
        reads += node->input_count;
        writes += (size_t)node->output_count + node->input_count;
    }
    uint32_t *read_list = tenon_arena_alloc_array(cut->arena, reads, sizeof(*read_list));
    uint32_t *write_list = tenon_arena_alloc_array(cut->arena, writes, sizeof(*write_list));
    if (read_list == NULL || write_list == NULL)
        return false;
    fill_reads(cut, index, part, read_list);
    fill_writes(cut, part, write_list);
    return true;
}

static bool make_parts(struct cut *cut, struct tenon_partition *out) {
    const struct tenon_graph *graph = cut->graph;
    uint32_t *order = tenon_arena_alloc_array(cut->arena, graph->node_count, sizeof(*order));
    out->parts = tenon_arena_alloc_array(cut->arena, graph->node_count, sizeof(*out->parts));
    out->targets = tenon_arena_alloc_array(cut->arena, graph->node_count, sizeof(*out->targets));
    if (order == NULL || out->parts == NULL || out->targets == NULL)
        return false;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        order[n] = n;
        if (n == 0 || out->choices[n].target != out->choices[n - 1].target) {
            out->targets[out->part_count] = out->choices[n].target;
            out->parts[out->part_count++] = (struct tenon_part){.graph = graph, .nodes = order + n};
        }
        cut->part_of[n] = out->part_count - 1;
        out->parts[out->part_count - 1].node_count++;
    }
    find_crossings(cut);
    for (uint32_t i = 0; i < out->part_count; i++)
        if (!fill_part(cut, i, &out->parts[i]))
            return false;
    return true;
}

enum tenon_status tenon_partition_graph(const struct tenon_graph *graph,
                                        const struct tenon_target *targets, uint32_t target_count,
                                        struct tenon_arena *arena, struct tenon_partition *out,
                                        struct tenon_error *error) {
    *out = (struct tenon_partition){0};
    struct cut cut = {.graph = graph, .arena = arena};
    cut.part_of = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*cut.part_of));
    cut.crosses = tenon_arena_alloc_array(arena, graph->tensor_count, sizeof(*cut.crosses));
    cut.listed = tenon_arena_alloc_array(arena, graph->tensor_count, sizeof(*cut.listed));
    out->choices = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*out->choices));
    if (cut.part_of == NULL || cut.crosses == NULL || cut.listed == NULL || out->choices == NULL)
        return tenon_fail_memory(error);
    for (uint32_t n = 0; n < graph->node_count; n++) {
        enum tenon_status status =
            choose(graph, n, targets, target_count, arena, &out->choices[n], error);
        if (status != TENON_OK)
            return status;
    }
    return make_parts(&cut, out) ? TENON_OK : tenon_fail_memory(error);
}
