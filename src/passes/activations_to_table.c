/*
 * Functions of one 8-bit operand become tables, for targets that look results up:
 *
 *     y = logistic(x)                                              x i8 1x8x8x16
 *     y = lookup(x, table)                                         table i8 256
 *
 * The table holds what the operator's reference kernel gives for each of the 256 values, so
 * whatever approximations and roundings it has are in it.
 *
 * Requires: input and output of 8 bits; prelu has one constant slope; the input of sqrt and rsqrt
 * cannot be negative. Establishes: no such operators, where capabilities.lut_entries is at least
 * 256. Exact.
 */
#include "passes/steps.h"

enum { ENTRIES = 256 };

static bool is_function(const struct tenon_rewriter *rw, const struct tenon_node *node) {
    static const enum tenon_op ops[] = {
        TENON_OP_LOGISTIC,   TENON_OP_TANH,       TENON_OP_ELU,   TENON_OP_GELU,
        TENON_OP_HARD_SWISH, TENON_OP_LEAKY_RELU, TENON_OP_ABS,   TENON_OP_EXP,
        TENON_OP_LOG,        TENON_OP_SQRT,       TENON_OP_RSQRT,
    };
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
        if (ops[i] == node->op)
            return true;
    return node->op == TENON_OP_PRELU && tenon_rewrite_is_constant(rw, node->inputs[1]) &&
           tenon_desc_element_count(tenon_rewrite_desc(rw, node->inputs[1])) == 1;
}

static bool is_8bit(const struct tenon_desc *desc) {
    return desc->type == TENON_TYPE_I8 || desc->type == TENON_TYPE_U8;
}

/* A root of a negative number fails when it comes up: no table says that. */
static bool is_total(const struct tenon_node *node, const struct tenon_desc *in) {
    return (node->op != TENON_OP_SQRT && node->op != TENON_OP_RSQRT) ||
           tenon_desc_zero_point(in) == tenon_type_min(in->type);
}

/* All values of the type, smallest first, along the last axis of as many as x has. */
static uint32_t all_values(struct tenon_rewriter *rw, const struct tenon_desc *x) {
    struct tenon_desc desc = *x;
    uint32_t id, like = rw->graph->nodes[rw->at].outputs[0];
    if (desc.shape.rank == 0)
        desc.shape.rank = 1;
    for (int i = 0; i < desc.shape.rank; i++)
        desc.shape.dims[i] = i + 1 < desc.shape.rank ? 1 : ENTRIES;
    uint8_t *data = tenon_rewrite_constant(rw, like, "values", &desc, &id);
    for (int32_t i = 0; data != NULL && i < ENTRIES; i++)
        data[i] = (uint8_t)(tenon_type_min(desc.type) + i);
    return id;
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_node node = rw->graph->nodes[id];
    if (rw->capabilities->lut_entries < ENTRIES || !is_function(rw, &node))
        return;
    const struct tenon_desc in = *tenon_rewrite_desc(rw, node.inputs[0]);
    const struct tenon_desc out = *tenon_rewrite_desc(rw, node.outputs[0]);
    if (!is_8bit(&in) || !is_8bit(&out) || !is_total(&node, &in) || !tenon_rewrite_replace(rw, id))
        return;
    const uint32_t values[2] = {all_values(rw, &in),
                                node.op == TENON_OP_PRELU ? node.inputs[1] : TENON_ID_NONE};
    struct tenon_desc desc = tenon_rewrite_desc_of(rw, values[0]);
    desc.type = out.type;
    desc.quant = out.quant;
    uint32_t inputs[2] = {node.inputs[0], TENON_ID_NONE};
    inputs[1] =
        tenon_rewrite_fold(rw, node.op, &node.attrs, values, node.input_count, "table", &desc);
    if (rw->status == TENON_OK)
        rw->orphaned[values[0]] = true; /* the values are not for the graph to keep */
    tenon_rewrite_add(rw, TENON_OP_LOOKUP, NULL, inputs, 2, node.outputs, 1);
}

const struct tenon_pass tenon_pass_activations_to_table = {
    .name = "activations-to-table",
    .purpose = "functions of one 8-bit operand as tables of 256 results",
    .visit = visit,
};
