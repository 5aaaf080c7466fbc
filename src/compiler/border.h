/*
 * The border of the graph that is compiled, where the caller wants another than the model's: more
 * outputs, nodes apart from each other, outputs that somebody writes.
 */
#ifndef TENON_COMPILER_BORDER_H
#define TENON_COMPILER_BORDER_H

#include "ir/graph.h"

/* Every result becomes an output, after the model's own. Each: OUT_OF_MEMORY. */
TENON_NODISCARD enum tenon_status tenon_border_keep_tensors(struct tenon_graph *graph,
                                                            struct tenon_error *error);
/* Nodes read results of others from new graph inputs, one for every result. */
TENON_NODISCARD enum tenon_status tenon_border_isolate_nodes(struct tenon_graph *graph,
                                                             struct tenon_error *error);
/* An output that is a constant or state is copied there by a node, for somebody has to write it. */
TENON_NODISCARD enum tenon_status tenon_border_copy_constants(struct tenon_graph *graph,
                                                              struct tenon_error *error);

#endif
