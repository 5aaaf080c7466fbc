/*
 * Partitioning: which target runs which node, and why not a preferred one; then the parts, runs of
 * nodes of one target in execution order, with the tensors that cross their borders.
 */
#ifndef TENON_PARTITION_PARTITION_H
#define TENON_PARTITION_PARTITION_H

#include "backend/backend.h"

struct tenon_choice {
    uint32_t target;    /* index in the list of targets */
    const char *reason; /* "" when it is the first target */
};

struct tenon_partition {
    struct tenon_choice *choices; /* per node */
    struct tenon_part *parts;
    uint32_t *targets; /* per part */
    uint32_t part_count;
};

/* Everything is the arena's. Errors: UNSUPPORTED (no target takes a node, with the reasons),
 * OUT_OF_MEMORY. */
TENON_NODISCARD enum tenon_status
tenon_partition_graph(const struct tenon_graph *graph, const struct tenon_target *targets,
                      uint32_t target_count, struct tenon_arena *arena, struct tenon_partition *out,
                      struct tenon_error *error);

#endif
