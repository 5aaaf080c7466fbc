/*
 * Greedy: everything that can run on the current target runs before another target begins. A node
 * that runs earlier never delays another, so with two targets only the first one is a question, and
 * both are tried.
 */
#include "partition/schedule.h"

#include <string.h>

/* Calls are made twice: to count, and to fill. */
static void add_dependency(struct tenon_scheduler *s, uint32_t before, uint32_t node, bool count) {
    if (before == TENON_ID_NONE || before == node)
        return;
    if (count) {
        s->after_at[before + 1]++;
        s->waits[node]++;
    } else {
        s->after[s->left[before]++] = node;
    }
}

/* Operands wait for their producers, and who touches state for who touched it last. `touched` is
 * per tensor. */
static void find_dependencies(struct tenon_scheduler *s, uint32_t *touched, bool count) {
    const struct tenon_graph *graph = s->graph;
    memset(touched, 0xff, graph->tensor_count * sizeof(*touched));
    for (uint32_t n = 0; n < graph->node_count; n++)
        for (uint32_t i = 0; i < graph->nodes[n].input_count; i++) {
            uint32_t id = graph->nodes[n].inputs[i];
            if (id == TENON_ID_NONE)
                continue;
            if (graph->tensors[id].kind == TENON_TENSOR_RESULT)
                add_dependency(s, graph->tensors[id].producer, n, count);
            if (graph->tensors[id].kind == TENON_TENSOR_VARIABLE) {
                add_dependency(s, touched[id], n, count);
                touched[id] = n;
            }
        }
}

bool tenon_scheduler_init(struct tenon_scheduler *s, const struct tenon_graph *graph,
                          const struct tenon_assign_problem *problem, struct tenon_arena *arena) {
    uint32_t nodes = graph->node_count;
    *s = (struct tenon_scheduler){.graph = graph, .problem = problem};
    if (nodes > TENON_SCHEDULE_NODES_MAX)
        return true;
    s->done = tenon_arena_alloc_array(arena, nodes, sizeof(*s->done));
    uint32_t *touched = tenon_arena_alloc_array(arena, s->graph->tensor_count, sizeof(*touched));
    s->after_at = tenon_arena_alloc_array(arena, (size_t)nodes + 1, sizeof(*s->after_at));
    s->waits = tenon_arena_alloc_array(arena, nodes, sizeof(*s->waits));
    s->left = tenon_arena_alloc_array(arena, nodes, sizeof(*s->left));
    s->order = tenon_arena_alloc_array(arena, nodes, sizeof(*s->order));
    if (touched == NULL || s->after_at == NULL || s->waits == NULL || s->left == NULL ||
        s->order == NULL || s->done == NULL)
        return false;
    find_dependencies(s, touched, true);
    for (uint32_t n = 0; n < nodes; n++)
        s->after_at[n + 1] += s->after_at[n];
    s->after = tenon_arena_alloc_array(arena, s->after_at[nodes], sizeof(*s->after));
    if (s->after == NULL)
        return false;
    memcpy(s->left, s->after_at, nodes * sizeof(*s->left));
    find_dependencies(s, touched, false);
    return true;
}

/* One sweep takes all that can run on a target: the graph's order is topological. */
static void run_target(struct tenon_scheduler *s, uint32_t label, uint32_t *count) {
    for (uint32_t n = 0; n < s->graph->node_count; n++) {
        if (s->done[n] || s->left[n] != 0 || s->labels[n] != label)
            continue;
        s->done[n] = true;
        s->order[(*count)++] = n;
        for (uint32_t i = s->after_at[n]; i < s->after_at[n + 1]; i++)
            s->left[s->after[i]]--;
    }
}

/* The target of the first node that could run now. */
static uint32_t next_label(const struct tenon_scheduler *s) {
    uint32_t n = 0;
    while (s->done[n] || s->left[n] != 0)
        n++;
    return s->labels[n];
}

/* The order that begins with `first`; what its submissions cost. */
static uint64_t run_from(struct tenon_scheduler *s, uint32_t first) {
    uint32_t count = 0, nodes = s->graph->node_count;
    uint64_t cost = 0;
    memset(s->done, 0, nodes * sizeof(*s->done));
    memcpy(s->left, s->waits, nodes * sizeof(*s->left));
    for (uint32_t label = first; count < nodes; label = next_label(s)) {
        uint32_t before = count;
        run_target(s, label, &count);
        cost += count != before ? s->problem->submit_ns[label] : 0;
        if (count == nodes)
            break;
    }
    return cost;
}

static uint64_t cost_of_order(const struct tenon_scheduler *s, const uint32_t *order) {
    uint64_t cost = 0;
    for (uint32_t i = 0; i < s->graph->node_count; i++)
        if (i == 0 || s->labels[order[i]] != s->labels[order[i - 1]])
            cost += s->problem->submit_ns[s->labels[order[i]]];
    return cost;
}

uint64_t tenon_scheduler_run(struct tenon_scheduler *s, const uint32_t *labels, uint32_t *order) {
    uint32_t nodes = s->graph->node_count;
    s->labels = labels;
    for (uint32_t n = 0; n < nodes; n++)
        order[n] = n;
    uint64_t best = cost_of_order(s, order);
    for (uint32_t label = 0; s->order != NULL && label < s->problem->label_count; label++) {
        uint64_t cost = run_from(s, label);
        if (cost >= best)
            continue;
        best = cost;
        memcpy(order, s->order, nodes * sizeof(*order));
    }
    return best;
}
