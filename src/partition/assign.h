/*
 * The assignment problem under partitioning, free of graphs and backends: give each node one of K
 * labels (targets) so that the sum is least of
 *
 *     time(node, label)                       of every node
 *     submit(label)                           of every part: a run of equal labels in `order`
 *     leave(net, label of its producer)       once, if a reader has another label or the net leaves
 *     enter(net, label)                       once for each label of its readers that is not the
 *                                             producer's
 *
 * A net is a tensor that a node makes (or that is in host memory from the start) with the nodes
 * that read it. Solvers:
 *
 *     tenon_assign_frontier   dynamic programming over the order, the state being what the nets cut
 *                             by the current place cost further on. Exact; for few labels and
 * graphs whose cuts are narrow, or it says that it gave up. tenon_assign_expand     alpha-expansion
 * (Boykov, Veksler, Zabih, "Fast approximate energy minimization via graph cuts", 2001): one
 * minimum cut decides for all nodes at once who changes to label alpha. All terms above are
 *                             submodular in that choice, so each move is optimal; with two labels
 *                             one move is the exact optimum for graphs of any size.
 */
#ifndef TENON_PARTITION_ASSIGN_H
#define TENON_PARTITION_ASSIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/arena.h"

#define TENON_ASSIGN_NONE UINT32_MAX
#define TENON_ASSIGN_LABELS_MAX 32
/* The time of a node on a target that does not take it. */
#define TENON_ASSIGN_IMPOSSIBLE (UINT64_C(1) << 60)
/* No single time is above this (18 minutes), and no problem has more terms than TERMS_MAX, so that
 * no sum reaches IMPOSSIBLE. */
#define TENON_ASSIGN_NS_MAX (UINT64_C(1) << 40)
#define TENON_ASSIGN_TERMS_MAX (1u << 19)

struct tenon_net {
    uint32_t producer;       /* node, or NONE: in host memory from the start */
    const uint32_t *readers; /* nodes, each once */
    uint32_t reader_count;
    bool leaves;              /* needed in host memory at the end */
    const uint64_t *leave_ns; /* per label */
    const uint64_t *enter_ns; /* per label */
};

struct tenon_assign_problem {
    uint32_t node_count, label_count, net_count; /* nodes: at least 1 */
    const uint64_t *time_ns;                     /* [node * label_count + label] */
    const uint64_t *submit_ns;                   /* per label */
    const uint32_t *order; /* of execution: a topological order of all nodes */
    const struct tenon_net *nets;
    const uint32_t *nets_at; /* node n's nets: nets_of[nets_at[n]] to nets_of[nets_at[n + 1]] */
    const uint32_t *nets_of_nodes; /* the net it makes or reads */
};

/* Fills nets_at and nets_of_nodes from nets. False: out of memory. */
TENON_NODISCARD bool tenon_assign_index(struct tenon_assign_problem *problem,
                                        struct tenon_arena *arena);

uint64_t tenon_assign_total(const struct tenon_assign_problem *problem, const uint32_t *labels);
/* What a net costs under `labels`. */
uint64_t tenon_assign_net_cost(const struct tenon_assign_problem *problem,
                               const struct tenon_net *net, const uint32_t *labels);
/* By how much the total changes when one node changes to `label`; labels is as it was afterwards.
 * The node's time there must be possible. */
int64_t tenon_assign_change(const struct tenon_assign_problem *problem, uint32_t *labels,
                            const uint32_t *place_of, uint32_t node, uint32_t label);

enum tenon_assign_result {
    TENON_ASSIGN_DONE,
    TENON_ASSIGN_GAVE_UP, /* too large for it; labels unchanged or improved */
    TENON_ASSIGN_NO_MEMORY,
};

/* Ties go to the labels with the least sum. */
TENON_NODISCARD enum tenon_assign_result
tenon_assign_frontier(const struct tenon_assign_problem *problem, struct tenon_arena *arena,
                      uint32_t *labels);
/* `labels` is a possible assignment, which is improved; ties keep it. */
TENON_NODISCARD enum tenon_assign_result
tenon_assign_expand(const struct tenon_assign_problem *problem, struct tenon_arena *arena,
                    uint32_t *labels);

/* How an assignment was found. */
struct tenon_assign_proof {
    const char *method;
    bool optimal;
};

/*
 * The best of these for a problem: nothing to choose with one label; one minimum cut for two; the
 * frontier for more, and where it gives up, expansions from several starts, which end no worse
 * than any single label that is possible everywhere. `labels` is possible, and is improved. False:
 * out of memory.
 */
TENON_NODISCARD bool tenon_assign_solve(const struct tenon_assign_problem *problem,
                                        uint32_t *labels, struct tenon_assign_proof *proof);

#endif
