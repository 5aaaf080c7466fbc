/*
 * Minimum cut between a source and a sink: Dinic's algorithm (1970), blocking flows on level
 * graphs. Vertices 0 and 1 are source and sink. Nothing recurses.
 */
#ifndef TENON_PARTITION_FLOW_H
#define TENON_PARTITION_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"

enum { TENON_FLOW_SOURCE = 0, TENON_FLOW_SINK = 1 };

struct tenon_flow_edge {
    uint32_t to;
    uint32_t next; /* of the same vertex */
    int64_t capacity;
};

struct tenon_flow {
    uint32_t vertex_count, vertex_capacity;
    uint32_t edge_count, edge_capacity;   /* each edge with its reverse beside it: e ^ 1 */
    uint32_t *first, *level, *at, *queue; /* per vertex */
    struct tenon_flow_edge *edges;
    uint64_t work; /* edges looked at */
};

/* Room for so many vertices and edges; a new flow has source and sink only. False: out of memory.
 */
TENON_NODISCARD bool tenon_flow_init(struct tenon_flow *flow, struct tenon_arena *arena,
                                     uint32_t vertices, uint32_t edges);
/* Empties it for the next problem. */
void tenon_flow_clear(struct tenon_flow *flow);
uint32_t tenon_flow_add_vertex(struct tenon_flow *flow);
/* Capacity counts when `from` stays with the source and `to` goes to the sink. 0 adds nothing. */
void tenon_flow_add_edge(struct tenon_flow *flow, uint32_t from, uint32_t to, uint64_t capacity);
/* False when it took more than `work_max` steps. */
TENON_NODISCARD bool tenon_flow_maximize(struct tenon_flow *flow, uint64_t work_max);
/* After maximize: the minimum cut with the fewest vertices on the sink's side. */
bool tenon_flow_is_sink_side(const struct tenon_flow *flow, uint32_t vertex);

#endif
