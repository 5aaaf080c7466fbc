/*
 * Two graphs compared field by field, but for the places in a source file, inside of a cmocka test:
 * the first difference fails it.
 */
#ifndef TESTS_SAME_GRAPH_H
#define TESTS_SAME_GRAPH_H

#include "ir/graph.h"

void assert_same_graph(const struct tenon_graph *a, const struct tenon_graph *b);

/* parse(print(graph)) is the graph. */
void assert_survives_text(const struct tenon_graph *graph);

#endif
