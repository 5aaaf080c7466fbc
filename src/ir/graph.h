/*
 * The intermediate representation: a graph of typed tensors and nodes in SSA form.
 *
 * Tensors and nodes are addressed by 32-bit index; everything belongs to one arena. Nodes stand in
 * execution order: a node's inputs are graph inputs, constants, variables or outputs of earlier
 * nodes. Shapes are static. A variable is state that lives from one inference to the next; nodes
 * name it as a mutated input (see struct tenon_op_info), in execution order.
 */
#ifndef TENON_IR_GRAPH_H
#define TENON_IR_GRAPH_H

#include "op/op.h"
#include "util/arena.h"
#include "util/span.h"

#define TENON_ID_NONE UINT32_MAX

enum tenon_tensor_kind {
    TENON_TENSOR_INPUT,    /* of the graph */
    TENON_TENSOR_CONSTANT, /* data is set */
    TENON_TENSOR_VARIABLE, /* state; starts as all elements equal to the zero point */
    TENON_TENSOR_RESULT,   /* of the node `producer` */
};

struct tenon_tensor {
    const char *name; /* never NULL */
    enum tenon_tensor_kind kind;
    struct tenon_desc desc;
    const uint8_t *data; /* constants: dense bytes, of the file's mapping or the arena; may be
                            unaligned: see tenon_graph_constant_aligned */
    uint32_t producer;   /* node, or TENON_ID_NONE */
    uint32_t source;     /* index in the source file, or TENON_ID_NONE */
};

struct tenon_node {
    enum tenon_op op;
    enum tenon_rounding rounding;
    const char *name; /* never NULL */
    struct tenon_attrs attrs;
    uint32_t input_count, output_count;
    uint32_t *inputs; /* TENON_ID_NONE for an absent optional input */
    uint32_t *outputs;
    uint32_t source; /* operator index in the source file, or TENON_ID_NONE */
};

struct tenon_graph {
    struct tenon_arena *arena;
    const char *name;
    const char *description;
    struct tenon_tensor *tensors;
    uint32_t tensor_count, tensor_capacity;
    struct tenon_node *nodes;
    uint32_t node_count, node_capacity;
    uint32_t *inputs; /* tensor ids */
    uint32_t input_count;
    uint32_t *outputs; /* tensor ids; may name inputs and constants, and a tensor twice */
    uint32_t output_count;
};

/* An empty graph whose memory is `arena`'s. */
void tenon_graph_init(struct tenon_graph *graph, struct tenon_arena *arena);

/*
 * Building. The description is copied (its quantization arrays too), the name as well; constant
 * data is referenced, not copied. Each returns false only when memory ran out.
 */
TENON_NODISCARD bool tenon_graph_add_tensor(struct tenon_graph *graph, const char *name,
                                            enum tenon_tensor_kind kind,
                                            const struct tenon_desc *desc, const void *data,
                                            uint32_t *id);
/*
 * Appends a node and infers its unknown output shapes; the outputs must be tensors of kind RESULT
 * without a producer. Errors: those of tenon_op_infer, OUT_OF_MEMORY, BAD_MODEL (bad ids).
 */
TENON_NODISCARD enum tenon_status
tenon_graph_add_node(struct tenon_graph *graph, enum tenon_op op, enum tenon_rounding rounding,
                     const char *name, const struct tenon_attrs *attrs, const uint32_t *inputs,
                     uint32_t input_count, const uint32_t *outputs, uint32_t output_count,
                     uint32_t *id, struct tenon_error *error);
TENON_NODISCARD bool tenon_graph_set_inputs(struct tenon_graph *graph, const uint32_t *ids,
                                            uint32_t count);
TENON_NODISCARD bool tenon_graph_set_outputs(struct tenon_graph *graph, const uint32_t *ids,
                                             uint32_t count);

/* Checks everything that the head of this file promises, and every node against the operator
 * table. Errors: BAD_MODEL with node and tensor named. */
TENON_NODISCARD enum tenon_status tenon_graph_verify(const struct tenon_graph *graph,
                                                     struct tenon_error *error);

/* A node as a call of the operator table, with data from `data[tensor id]` (or NULL data when
 * `data` is NULL, apart from constants). `operands` has room for inputs and outputs. */
void tenon_graph_node_call(const struct tenon_graph *graph, uint32_t node, void *const *data,
                           struct tenon_operand *operands, struct tenon_op_call *call);

/* How many nodes and graph outputs read each tensor; `uses` has tensor_count elements. */
void tenon_graph_count_uses(const struct tenon_graph *graph, uint32_t *uses);

/* Deep copy into another arena (constant data stays referenced). False: out of memory. */
TENON_NODISCARD bool tenon_graph_clone(const struct tenon_graph *graph, struct tenon_arena *arena,
                                       struct tenon_graph *out);

uint64_t tenon_graph_node_macs(const struct tenon_graph *graph, uint32_t node);

#endif
