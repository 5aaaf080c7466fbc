/*
 * Dinic's algorithm. Levels are counted backwards, from the sink: the last search, which no longer
 * meets the source, then marks exactly the vertices that must be on the sink's side.
 */
#include "partition/flow.h"

#include <string.h>

#define NONE UINT32_MAX

bool tenon_flow_init(struct tenon_flow *flow, struct tenon_arena *arena, uint32_t vertices,
                     uint32_t edges) {
    *flow = (struct tenon_flow){.vertex_capacity = vertices + 2, .edge_capacity = 2 * edges};
    size_t count = flow->vertex_capacity;
    flow->first = tenon_arena_alloc_array(arena, count, sizeof(*flow->first));
    flow->level = tenon_arena_alloc_array(arena, count, sizeof(*flow->level));
    flow->at = tenon_arena_alloc_array(arena, count, sizeof(*flow->at));
    flow->queue = tenon_arena_alloc_array(arena, count, sizeof(*flow->queue));
    flow->edges = tenon_arena_alloc_array(arena, flow->edge_capacity, sizeof(*flow->edges));
    if (flow->first == NULL || flow->level == NULL || flow->at == NULL || flow->queue == NULL ||
        flow->edges == NULL)
        return false;
    tenon_flow_clear(flow);
    return true;
}

void tenon_flow_clear(struct tenon_flow *flow) {
    flow->vertex_count = 0;
    flow->edge_count = 0;
    flow->work = 0;
    tenon_flow_add_vertex(flow);
    tenon_flow_add_vertex(flow);
}

uint32_t tenon_flow_add_vertex(struct tenon_flow *flow) {
    flow->first[flow->vertex_count] = NONE;
    return flow->vertex_count++;
}

static void add_half(struct tenon_flow *flow, uint32_t from, uint32_t to, int64_t capacity) {
    flow->edges[flow->edge_count] =
        (struct tenon_flow_edge){.to = to, .next = flow->first[from], .capacity = capacity};
    flow->first[from] = flow->edge_count++;
}

void tenon_flow_add_edge(struct tenon_flow *flow, uint32_t from, uint32_t to, uint64_t capacity) {
    if (capacity == 0 || from == to)
        return;
    add_half(flow, from, to, (int64_t)capacity);
    add_half(flow, to, from, 0);
}

/* Distances to the sink over edges with capacity left; whether the source is among them. */
static bool find_levels(struct tenon_flow *flow) {
    uint32_t head = 0, tail = 0;
    memset(flow->level, 0xff, flow->vertex_count * sizeof(*flow->level));
    flow->level[TENON_FLOW_SINK] = 0;
    flow->queue[tail++] = TENON_FLOW_SINK;
    while (head < tail) {
        uint32_t vertex = flow->queue[head++];
        for (uint32_t e = flow->first[vertex]; e != NONE; e = flow->edges[e].next) {
            uint32_t from = flow->edges[e].to;
            flow->work++;
            if (flow->edges[e ^ 1].capacity == 0 || flow->level[from] != NONE)
                continue;
            flow->level[from] = flow->level[vertex] + 1;
            flow->queue[tail++] = from;
        }
    }
    return flow->level[TENON_FLOW_SOURCE] != NONE;
}

/* Moves at[vertex] to an edge one level nearer to the sink; false when there is none left. */
static bool find_edge(struct tenon_flow *flow, uint32_t vertex) {
    for (uint32_t *e = &flow->at[vertex]; *e != NONE; *e = flow->edges[*e].next) {
        const struct tenon_flow_edge *edge = &flow->edges[*e];
        flow->work++;
        if (edge->capacity > 0 && flow->level[edge->to] != NONE &&
            flow->level[edge->to] + 1 == flow->level[vertex])
            return true;
    }
    return false;
}

/* Pushes what the path (its edges in queue[0 … length)) can take; returns the place of the first
 * edge that is full now, where the next path branches off. */
static uint32_t push_path(struct tenon_flow *flow, uint32_t length) {
    int64_t amount = INT64_MAX;
    uint32_t first_full = 0;
    for (uint32_t i = length; i-- > 0;)
        if (flow->edges[flow->queue[i]].capacity <= amount) {
            amount = flow->edges[flow->queue[i]].capacity;
            first_full = i;
        }
    for (uint32_t i = 0; i < length; i++) {
        flow->edges[flow->queue[i]].capacity -= amount;
        flow->edges[flow->queue[i] ^ 1].capacity += amount;
    }
    flow->work += 2 * (uint64_t)length;
    return first_full;
}

/* Paths are walked with the vertices' current edges; a dead end is left by one step back. */
static void push_blocking_flow(struct tenon_flow *flow) {
    uint32_t length = 0, vertex = TENON_FLOW_SOURCE;
    memcpy(flow->at, flow->first, flow->vertex_count * sizeof(*flow->at));
    for (;;) {
        if (vertex == TENON_FLOW_SINK) {
            length = push_path(flow, length);
            vertex = flow->edges[flow->queue[length] ^ 1].to;
        } else if (find_edge(flow, vertex)) {
            uint32_t edge = flow->at[vertex];
            flow->queue[length++] = edge;
            vertex = flow->edges[edge].to;
        } else if (length > 0) {
            vertex = flow->edges[flow->queue[--length] ^ 1].to;
            flow->at[vertex] = flow->edges[flow->at[vertex]].next;
        } else {
            return;
        }
    }
}

bool tenon_flow_maximize(struct tenon_flow *flow, uint64_t work_max) {
    while (find_levels(flow)) {
        if (flow->work > work_max)
            return false;
        push_blocking_flow(flow);
    }
    return true;
}

bool tenon_flow_is_sink_side(const struct tenon_flow *flow, uint32_t vertex) {
    return flow->level[vertex] != NONE;
}
