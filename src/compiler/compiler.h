/* Compilation: a graph becomes the bytes of an image. */
#ifndef TENON_COMPILER_COMPILER_H
#define TENON_COMPILER_COMPILER_H

#include "partition/partition.h"
#include "passes/pipeline.h"

struct tenon_compile_request {
    struct tenon_partition_request partition; /* targets, each with a backend */
    bool keep_tensors, isolate_nodes;         /* isolate_nodes: with keep_tensors */
    struct tenon_pass_debug passes;
    /* May be NULL. Called while and after constants are copied, so that the model's pages and the
     * image need not be in memory together. */
    void (*release_constants)(void *user);
    void *user;
    struct tenon_report **report; /* NULL: it is not made */
};

/* The graph is not changed. `image` is an initialised, empty buffer. Errors: UNSUPPORTED, FALLBACK,
 * OUT_OF_MEMORY, LIMIT. */
TENON_NODISCARD enum tenon_status tenon_compile_graph(const struct tenon_graph *graph,
                                                      const struct tenon_compile_request *request,
                                                      struct tenon_strbuf *image,
                                                      struct tenon_error *error);

#endif
