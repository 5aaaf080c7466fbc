/* The passes that every compilation runs, in order. */
#ifndef TENON_PASSES_PIPELINE_H
#define TENON_PASSES_PIPELINE_H

#include "ir/graph.h"

/*
 * Changes the graph in place; what it computes stays the same, integers bit for bit. With
 * keep_tensors only passes that leave every tensor in place run. Errors: OUT_OF_MEMORY.
 */
TENON_NODISCARD enum tenon_status tenon_run_pipeline(struct tenon_graph *graph, bool keep_tensors,
                                                     struct tenon_error *error);

#endif
