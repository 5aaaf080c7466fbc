/*
 * Asking every target about every node. Accelerators may have to prove that they compute exactly,
 * which takes most of the time of planning; so several threads ask where a machine has processors
 * for them. Answers do not depend on who asks.
 */
#ifndef TENON_PARTITION_ASK_H
#define TENON_PARTITION_ASK_H

#include "partition/cost.h"
#include "partition/lower.h"

struct tenon_answer {
    struct tenon_support support;
    bool within_1; /* asked for reports only: were it to be exact, the target would not take it */
};

/* answers[node * target_count + target], the arena's. Errors: OUT_OF_MEMORY. */
TENON_NODISCARD enum tenon_status tenon_ask_targets(const struct tenon_graph *graph,
                                                    const struct tenon_cost_request *request,
                                                    struct tenon_arena *arena,
                                                    struct tenon_answer **answers,
                                                    struct tenon_error *error);

#endif
