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

struct tenon_scheduler {
    const struct tenon_graph *graph;
    const struct tenon_assign_problem *problem;
    const uint32_t *labels;
    uint32_t *after_at, *after; /* per node: who waits for it, after[after_at[n] … after_at[n+1]) */
    uint32_t *waits;            /* per node: how many it waits for */
    uint32_t *left;             /* the same while scheduling */
    uint32_t *order;
    bool *done;
};

/* Everything is the arena's. False: out of memory. */
TENON_NODISCARD bool tenon_scheduler_init(struct tenon_scheduler *scheduler,
                                          const struct tenon_graph *graph,
                                          const struct tenon_assign_problem *problem,
                                          struct tenon_arena *arena);

/*
 * Writes an order in which submissions cost the least that was found, and returns that cost; the
 * graph's own order when no other costs less. With two labels none costs less; with more it is a
 * heuristic. State keeps the order of those who touch it.
 */
uint64_t tenon_scheduler_run(struct tenon_scheduler *scheduler, const uint32_t *labels,
                             uint32_t *order);

#endif
