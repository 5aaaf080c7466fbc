/*
 * `tenon diff --per-node`: each operator of the second device is given what the first one's
 * operators made, so that a difference is that operator's own; counted per node and per operator.
 */
#ifndef TOOLS_DIFF_NODES_H
#define TOOLS_DIFF_NODES_H

#include "machine.h"
#include "places.h"

struct diff_nodes_options {
    double tolerance; /* of floats: see difference.h */
    bool json;
    bool within_1; /* integers that differ by 1 are fine */
};

/* Copies inputs and results of `first` (which keeps its tensors) into inputs of `second` (whose
 * nodes are isolated). Returns the exit status. */
int diff_nodes_feed(const struct tenon_model *model, const struct machine *first,
                    struct machine *second);
/* Compares and prints. `places` are those of the outputs of both. */
int diff_nodes(const struct tenon_model *model, const struct machine *first,
               const struct machine *second, const struct place *places,
               const struct diff_nodes_options *options);

#endif
