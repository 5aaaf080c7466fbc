/*
 * From a graph and its targets to an assignment problem: the backends say what they take and what
 * it costs, measured times replace their estimates, and tensors become nets.
 */
#ifndef TENON_PARTITION_COST_H
#define TENON_PARTITION_COST_H

#include <tenon/compile.h>

#include "backend/backend.h"
#include "partition/assign.h"
#include "passes/pipeline.h"

/* A node on a target. */
struct tenon_candidate {
    bool supported, measured;
    bool within_1;      /* what the numerics class allows, it needs: results may differ by 1 */
    const char *reason; /* why not supported, or "" */
    uint64_t time_ns;   /* of the node alone */
    int64_t more_ns;    /* of the whole, if only this node moved there; set by the partitioner */
};

struct tenon_cost_model {
    struct tenon_assign_problem problem;
    uint64_t *times;                    /* of the problem */
    uint32_t *order;                    /* of the problem: the graph's own at first */
    struct tenon_candidate *candidates; /* [node * label_count + target] */
    uint32_t *net_tensors;              /* per net: its tensor */
    const char **operations;            /* per node */
};

struct tenon_cost_request {
    const struct tenon_target *targets;
    uint32_t target_count;
    const struct tenon_measured_cost *measured; /* in any order; the first of equals counts */
    uint32_t measured_count;
    const struct tenon_pass_debug *passes; /* those to skip; NULL: none */
    bool describe;                         /* fill `operations` also without measured times */
};

/* Errors: OUT_OF_MEMORY, LIMIT (too many targets). */
TENON_NODISCARD enum tenon_status tenon_cost_model_build(const struct tenon_graph *graph,
                                                         const struct tenon_cost_request *request,
                                                         struct tenon_arena *arena,
                                                         struct tenon_cost_model *out,
                                                         struct tenon_error *error);

/* Whether input `i` of the node is state that the node changes. */
bool tenon_node_mutates(const struct tenon_node *node, uint32_t input);

/* "conv_2d i8 1x8x8x16, i8 32x1x1x16 const, i32 32 const -> i8 1x8x8x32; stride=[1,1]" */
const char *tenon_operation_text(const struct tenon_graph *graph, uint32_t node,
                                 struct tenon_arena *arena);

#endif
