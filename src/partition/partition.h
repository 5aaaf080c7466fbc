/*
 * Partitioning: which target runs which node, at the least cost of the whole, and why no other
 * does; then the parts, runs of nodes of one target in execution order, with the tensors that cross
 * their borders.
 */
#ifndef TENON_PARTITION_PARTITION_H
#define TENON_PARTITION_PARTITION_H

#include "partition/cost.h"

struct tenon_partition_request {
    struct tenon_cost_request cost;
    enum tenon_placement_rule rule;
    bool no_fallback;
};

struct tenon_choice {
    uint32_t target;    /* index in the list of targets */
    const char *reason; /* "" when it is the first target */
};

struct tenon_partition {
    struct tenon_cost_model model;
    struct tenon_choice *choices; /* per node */
    struct tenon_part *parts;
    uint32_t *targets; /* per part */
    uint32_t part_count;
    uint64_t total_ns;
    uint64_t planning_ns;
    struct tenon_assign_proof proof;
};

/* Everything is the arena's. Errors: UNSUPPORTED (no target takes a node, with the reason),
 * FALLBACK, LIMIT, OUT_OF_MEMORY. */
TENON_NODISCARD enum tenon_status
tenon_partition_graph(const struct tenon_graph *graph,
                      const struct tenon_partition_request *request, struct tenon_arena *arena,
                      struct tenon_partition *out, struct tenon_error *error);

struct tenon_report;

/* A report that outlives the arena. NULL: out of memory. */
struct tenon_report *tenon_partition_report(const struct tenon_graph *graph,
                                            const struct tenon_partition_request *request,
                                            const struct tenon_partition *partition);
/* Adds lines, each ending with '\n'. False: out of memory. */
TENON_NODISCARD bool tenon_report_add_notes(struct tenon_report *report, const char *lines);

#endif
