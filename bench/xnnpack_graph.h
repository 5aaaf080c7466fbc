/*
 * Nodes [first, end) of a Tenon model as an XNNPACK subgraph, ready to run. What the nodes read
 * from outside and write for outside lies in buffers of the graph. Reshapes are left out: they move
 * no bytes.
 */
#ifndef BENCH_XNNPACK_GRAPH_H
#define BENCH_XNNPACK_GRAPH_H

#include <stdbool.h>
#include <tenon/tenon.h>

#include "xnnpack_api.h"

enum { XNN_GRAPH_EXTERNALS = 8 };

struct xnn_graph {
    void *graph, *runtime;
    struct xnn_external externals[XNN_GRAPH_EXTERNALS]; /* the first one is the input */
    size_t sizes[XNN_GRAPH_EXTERNALS];
    uint32_t external_count, output; /* output: which external is the last result */
};

bool xnn_graph_skips(const struct tenon_node_info *node);
/* False after complain(); finish it in any case. */
bool xnn_graph_build(const struct xnn_api *api, const struct tenon_model *model, uint32_t first,
                     uint32_t end, void *pool, struct xnn_graph *out);
void xnn_graph_finish(const struct xnn_api *api, struct xnn_graph *graph);

#endif
