/*
 * The order of execution once targets are chosen: nodes of one target are brought together where
 * their operands allow it, so that there are fewer parts to submit.
 */
#ifndef TENON_PARTITION_SCHEDULE_H
#define TENON_PARTITION_SCHEDULE_H

#include "ir/graph.h"
#include "partition/assign.h"

/* Beyond this many nodes the order stays: the search is quadratic in the worst case. */
#define TENON_SCHEDULE_NODES_MAX 4096

/*
 * Writes an order in which submissions cost the least that was found; the graph's own when no other
 * costs less. With two labels none costs less; with more it is a heuristic. State keeps
 * the order of those who touch it. False: out of memory.
 */
TENON_NODISCARD bool tenon_schedule(const struct tenon_graph *graph,
                                    const struct tenon_assign_problem *problem,
                                    const uint32_t *labels, struct tenon_arena *arena,
                                    uint32_t *order);

#endif
