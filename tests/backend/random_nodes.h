/*
 * Random graphs of a few nodes for the checker of the backend contract: pictures, windows and
 * weights of the sizes that hardware splits and tiles, and every row of the operator table with
 * whatever operands and attributes it accepts.
 */
#ifndef TESTS_BACKEND_RANDOM_NODES_H
#define TESTS_BACKEND_RANDOM_NODES_H

#include "passes/generator.h"

/* Between gen_begin and gen_end; may add no node when all that was drawn was refused. */
void random_nodes_add(struct generator *g);

#endif
