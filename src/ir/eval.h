/*
 * Evaluates a graph node by node with the reference kernels: for constant folding, the oracle of
 * tests, and nothing else (devices execute programs).
 */
#ifndef TENON_IR_EVAL_H
#define TENON_IR_EVAL_H

#include "ir/graph.h"

/*
 * inputs[i] is the dense data of graph input i; outputs[i] receives graph output i. Variables start
 * at their zero point. Errors: those of the reference kernels, OUT_OF_MEMORY.
 */
TENON_NODISCARD enum tenon_status tenon_graph_evaluate(const struct tenon_graph *graph,
                                                       const void *const *inputs,
                                                       void *const *outputs,
                                                       struct tenon_error *error);

#endif
