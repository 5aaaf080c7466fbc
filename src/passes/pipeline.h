/*
 * The two stages of passes. Neutral passes run once on the whole graph, before it is cut over the
 * targets; lowerings run on the part of one target, those that its capabilities ask for.
 */
#ifndef TENON_PASSES_PIPELINE_H
#define TENON_PASSES_PIPELINE_H

#include "passes/pass.h"

/* What people ask of passes, most of it to find the one that is wrong. All zero: nothing. */
struct tenon_pass_debug {
    const char *print_after; /* a pass's name or "all"; NULL: none */
    /* Called after each such pass that ran, with the graph as text, which is freed afterwards. */
    void (*print)(void *user, const char *pass, uint64_t rewrites, const char *text);
    /* Called with each line about what a lossy pass lost. NULL: it is not told. */
    void (*note)(void *user, const char *pass, const char *line);
    void *user;
    struct tenon_strbuf *notes; /* the same lines, "PASS: …\n", are appended; NULL: not */
    const char *const *run;     /* passes that run on the whole graph although not neutral */
    uint32_t run_count;
    bool lossy_scales; /* of struct tenon_capabilities, for every target and for those to run */
    const char *const *skip; /* names, or "all" */
    uint32_t skip_count;
    uint64_t stop_after_rewrite; /* 0: never */
    uint64_t rewrites;           /* done so far, over all runs with this structure */
};

/* Whether the names are those of passes. Errors: NOT_FOUND, which lists them. */
TENON_NODISCARD enum tenon_status tenon_pass_debug_check(const struct tenon_pass_debug *debug,
                                                         struct tenon_error *error);

/*
 * Both change the graph in place; what it computes stays the same, integers bit for bit, unless a
 * target asks for a lossy form. The order of the graph's inputs and outputs stays; indices of
 * tensors and nodes do not: node.source tells where a node came from. debug may be NULL.
 *
 * With keep_tensors only passes that leave every tensor in place run. capabilities NULL: the graph
 * stays as it is. Errors: OUT_OF_MEMORY, NOT_FOUND (a pass that capabilities name).
 */
TENON_NODISCARD enum tenon_status tenon_run_pipeline(struct tenon_graph *graph, bool keep_tensors,
                                                     struct tenon_pass_debug *debug,
                                                     struct tenon_error *error);
TENON_NODISCARD enum tenon_status tenon_lower_graph(struct tenon_graph *graph,
                                                    const struct tenon_capabilities *capabilities,
                                                    struct tenon_pass_debug *debug,
                                                    struct tenon_error *error);

#endif
