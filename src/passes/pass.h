/*
 * Passes and the rewriter that they are written with.
 *
 * A pass visits each node in execution order, nodes that it adds itself at last. It looks at the
 * node and its surroundings, and where its pattern is found it says tenon_rewrite_begin, adds nodes
 * and tensors, and removes the node:
 *
 *     static void visit(struct tenon_rewriter *rw, uint32_t id) {
 *         const struct tenon_node node = rw->graph->nodes[id];
 *         if (node.op != TENON_OP_..., or anything else does not fit)
 *             return;
 *         if (!tenon_rewrite_begin(rw, id))
 *             return;
 *         uint32_t between = tenon_rewrite_tensor(rw, node.inputs[0], "shifted", &desc);
 *         tenon_rewrite_remove(rw, id);
 *         tenon_rewrite_add(rw, TENON_OP_..., &attrs, &node.inputs[0], 1, &between, 1);
 *         tenon_rewrite_add(rw, TENON_OP_..., &attrs, &between, 1, node.outputs, 1);
 *     }
 *
 * Failures stick: after one (memory, a node that its operator refuses) every call does nothing and
 * the pass ends with it, so a visit needs no checks of its own. Nodes are put in order, and what
 * nobody reads any more is dropped, when the pass has ended.
 */
#ifndef TENON_PASSES_PASS_H
#define TENON_PASSES_PASS_H

#include "ir/capabilities.h"
#include "ir/graph.h"
#include "util/strbuf.h"

struct tenon_rewriter {
    struct tenon_graph *graph;
    const struct tenon_capabilities *capabilities; /* never NULL */
    struct tenon_error *error;
    enum tenon_status status; /* the first failure */
    struct tenon_arena scratch;
    uint32_t *uses;    /* per tensor: nodes and graph outputs that read it */
    bool *orphaned;    /* per tensor: is new or lost a use, so that it goes when nobody reads it */
    bool *is_output;   /* per tensor: of the graph */
    uint32_t *forward; /* per tensor: 1 + the one that is read instead of it, or 0 */
    uint32_t *memo;    /* per tensor: for the pass; 0 at first */
    uint32_t *positions; /* per node: where it stands; new nodes stand where the replaced one did */
    bool *removed;       /* per node */
    uint32_t tensor_room, node_room;
    uint32_t at; /* the node that is being rewritten */
    uint64_t rewrites, limit;
    struct tenon_strbuf *notes; /* NULL: dropped */
};

struct tenon_pass {
    const char *name;
    const char *purpose; /* one line */
    bool neutral;        /* exact and good for everyone: runs on the whole graph before it is cut */
    void (*visit)(struct tenon_rewriter *rewriter, uint32_t node);
};

/* In pipeline order; ends with NULL. */
extern const struct tenon_pass *const tenon_passes[];

/* NULL when there is none of this name. */
const struct tenon_pass *tenon_pass_find(const char *name);

/* How much a pass may do, and what it did. */
struct tenon_pass_tally {
    uint64_t limit;             /* of rewrites */
    uint64_t rewrites;          /* those that were done are added */
    struct tenon_strbuf *notes; /* lines that tell of losses are appended; NULL: dropped */
};

/* Runs one pass. capabilities may be NULL. Errors: OUT_OF_MEMORY, those of tenon_graph_add_node. */
TENON_NODISCARD enum tenon_status tenon_pass_run(const struct tenon_pass *pass,
                                                 struct tenon_graph *graph,
                                                 const struct tenon_capabilities *capabilities,
                                                 struct tenon_pass_tally *tally,
                                                 struct tenon_error *error);

/* ---- changing ---- */

/* Counts a rewrite of `node`, whose place, name, source and rounding the nodes added next take.
 * False: not to be done (a failure before, or the limit of --stop-after-rewrite). */
TENON_NODISCARD bool tenon_rewrite_begin(struct tenon_rewriter *rewriter, uint32_t node);

/* A new result, called after the tensor `like` and `suffix`. TENON_ID_NONE after a failure. */
uint32_t tenon_rewrite_tensor(struct tenon_rewriter *rewriter, uint32_t like, const char *suffix,
                              const struct tenon_desc *desc);
/* A new constant and its zeroed bytes, to be filled in. NULL after a failure. */
void *tenon_rewrite_constant(struct tenon_rewriter *rewriter, uint32_t like, const char *suffix,
                             const struct tenon_desc *desc, uint32_t *id);
/* Tells what a rewrite of the node that is being rewritten loses, in one line. */
void tenon_rewrite_note(struct tenon_rewriter *rewriter, const char *format, ...)
    TENON_PRINTF(2, 3);
/* Zeroed memory for as long as the pass runs. NULL after a failure. */
void *tenon_rewrite_scratch(struct tenon_rewriter *rewriter, size_t count, size_t size);
/* The bytes of a constant, aligned to its elements. NULL after a failure. */
const void *tenon_rewrite_data(struct tenon_rewriter *rewriter, uint32_t constant);

void tenon_rewrite_add(struct tenon_rewriter *rewriter, enum tenon_op op,
                       const struct tenon_attrs *attrs, const uint32_t *inputs,
                       uint32_t input_count, const uint32_t *outputs, uint32_t output_count);
/* A node with one input and a new result. attrs may be NULL: all zero. */
uint32_t tenon_rewrite_add_unary(struct tenon_rewriter *rewriter, enum tenon_op op,
                                 const struct tenon_attrs *attrs, uint32_t input,
                                 const char *suffix, const struct tenon_desc *desc);
/* The operator applied to constants by its reference kernel: a new constant. */
uint32_t tenon_rewrite_fold(struct tenon_rewriter *rewriter, enum tenon_op op,
                            const struct tenon_attrs *attrs, const uint32_t *inputs,
                            uint32_t input_count, const char *suffix,
                            const struct tenon_desc *desc);

/* Takes a node out; its outputs may be given to a new node. */
void tenon_rewrite_remove(struct tenon_rewriter *rewriter, uint32_t node);
void tenon_rewrite_set_input(struct tenon_rewriter *rewriter, uint32_t node, uint32_t index,
                             uint32_t tensor);
/* Whoever reads `from`, outputs of the graph too, reads `to`: of the same type and quantization.
 * Nodes that were visited before still name `from` until the pass ends. */
void tenon_rewrite_redirect(struct tenon_rewriter *rewriter, uint32_t from, uint32_t to);

/* Channels [first, first + count) of the last axis of `tensor`: itself when these are all. */
uint32_t tenon_rewrite_slice(struct tenon_rewriter *rewriter, uint32_t tensor, int32_t first,
                             int32_t count);
/* A constant with elements [first, first + count) of `axis` of a constant, scales per channel of
 * that axis cut too. Elements of 8 bits and more. */
uint32_t tenon_rewrite_cut(struct tenon_rewriter *rewriter, uint32_t constant, int axis,
                           int32_t first, int32_t count);

/* ---- asking ---- */

static inline const struct tenon_desc *tenon_rewrite_desc(const struct tenon_rewriter *rewriter,
                                                          uint32_t tensor) {
    return &rewriter->graph->tensors[tensor].desc;
}

/* The node that computes the tensor, or TENON_ID_NONE. */
uint32_t tenon_rewrite_producer(const struct tenon_rewriter *rewriter, uint32_t tensor);
/* The same when nobody else reads the tensor. */
uint32_t tenon_rewrite_sole_producer(const struct tenon_rewriter *rewriter, uint32_t tensor);
bool tenon_rewrite_is_constant(const struct tenon_rewriter *rewriter, uint32_t tensor);
bool tenon_rewrite_is_output(const struct tenon_rewriter *rewriter, uint32_t tensor);
/* A description of the same type and quantization with another shape of four axes. */
struct tenon_desc tenon_desc_reshaped(const struct tenon_desc *desc, int32_t n, int32_t h,
                                      int32_t w, int32_t c);

#endif
