/*
 * The choice of targets together with the order of execution. For a given order the solvers of
 * assign.h find the best targets; for given targets the scheduler finds the best order. Taking
 * turns stops where neither alone can gain, so a local search over targets, each judged with its
 * own best order, goes on from there.
 */
#ifndef TENON_PARTITION_IMPROVE_H
#define TENON_PARTITION_IMPROVE_H

#include "partition/cost.h"

/* Improves `labels`, which are possible, and the model's order; no step makes the sum larger.
 * False: out of memory. */
TENON_NODISCARD bool tenon_partition_improve(const struct tenon_graph *graph,
                                             struct tenon_cost_model *model, uint32_t *labels,
                                             struct tenon_assign_proof *proof);

#endif
