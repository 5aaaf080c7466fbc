/*
 * A part as its target takes it: cut out of the graph as a graph of its own, and changed by the
 * passes that the target's capabilities ask for. A node is supported when what becomes of it alone
 * is.
 */
#ifndef TENON_PARTITION_LOWER_H
#define TENON_PARTITION_LOWER_H

#include "backend/backend.h"
#include "passes/pipeline.h"

/* What cutting parts out of one graph needs again and again. */
struct tenon_lowering {
    const struct tenon_graph *graph;
    uint32_t *tensor_of; /* per tensor of the graph: in the part, or TENON_ID_NONE */
    uint32_t *row_of;    /* per node of the graph: in the part that was cut last */
};

/* The arena must outlive it. False: out of memory. */
TENON_NODISCARD bool tenon_lowering_init(struct tenon_lowering *lowering,
                                         const struct tenon_graph *graph,
                                         struct tenon_arena *arena);

/*
 * `out` is the part for the backend: the same when the target takes graphs as they are, else over a
 * graph of its own (the arena's), whose reads and writes are the part's, in their order. debug may
 * be NULL. Errors: OUT_OF_MEMORY, UNSUPPORTED (state), those of tenon_lower_graph.
 */
TENON_NODISCARD enum tenon_status
tenon_lower_part(struct tenon_lowering *lowering, const struct tenon_target *target,
                 const struct tenon_part *part, struct tenon_pass_debug *debug,
                 struct tenon_arena *arena, struct tenon_part *out, struct tenon_error *error);

/* A node on a target. */
struct tenon_support {
    bool supported;
    uint64_t ns;                     /* estimated, when supported */
    char reason[TENON_REASON_BYTES]; /* why not */
};

/* Errors: OUT_OF_MEMORY. Of the debug structure only the passes to skip count; it may be NULL. */
TENON_NODISCARD enum tenon_status
tenon_lower_supports(struct tenon_lowering *lowering, const struct tenon_target *target,
                     uint32_t node, const struct tenon_pass_debug *debug, struct tenon_support *out,
                     struct tenon_error *error);

#endif
