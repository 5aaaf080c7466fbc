/*
 * Operands that an element-wise operator stretches to the shape of its result are stretched before:
 *
 *     y = add(x, v)                                                  x 1x8x8x16, v 16
 *     y = add(x, broadcast_to(v) {shape=[1, 8, 8, 16]})              a constant v: stretched here
 *
 * Requires nothing. Establishes: operands of these operators have the shape of the result. Exact:
 * elements are copied.
 */
#include <string.h>

#include "passes/pass.h"

static bool stretches(enum tenon_op op) {
    static const enum tenon_op ops[] = {
        TENON_OP_ADD,        TENON_OP_SUB,         TENON_OP_MUL,
        TENON_OP_DIV,        TENON_OP_MINIMUM,     TENON_OP_MAXIMUM,
        TENON_OP_EQUAL,      TENON_OP_NOT_EQUAL,   TENON_OP_LESS,
        TENON_OP_GREATER,    TENON_OP_LESS_EQUAL,  TENON_OP_GREATER_EQUAL,
        TENON_OP_SELECT,     TENON_OP_PRELU,       TENON_OP_SQUARED_DIFFERENCE,
        TENON_OP_LOGICAL_OR, TENON_OP_LOGICAL_AND,
    };
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
        if (ops[i] == op)
            return true;
    return false;
}

static uint32_t stretch(struct tenon_rewriter *rw, uint32_t x, const struct tenon_shape *shape) {
    struct tenon_attrs attrs = {.shape = {.count = shape->rank}};
    struct tenon_desc desc = *tenon_rewrite_desc(rw, x);
    desc.shape = *shape;
    memcpy(attrs.shape.values, shape->dims, sizeof(shape->dims));
    if (tenon_rewrite_is_constant(rw, x))
        return tenon_rewrite_fold(rw, TENON_OP_BROADCAST_TO, &attrs, &x, 1, "broadcast", &desc);
    return tenon_rewrite_add_unary(rw, TENON_OP_BROADCAST_TO, &attrs, x, "broadcast", &desc);
}

/* A scale per channel would have to move with its axis; no such operator takes one. */
static bool is_narrow(const struct tenon_rewriter *rw, uint32_t x,
                      const struct tenon_shape *shape) {
    const struct tenon_desc *desc = tenon_rewrite_desc(rw, x);
    return !tenon_shape_equal(&desc->shape, shape) && desc->quant.count <= 1;
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_node node = rw->graph->nodes[id];
    if (!stretches(node.op))
        return;
    const struct tenon_shape shape = tenon_rewrite_desc(rw, node.outputs[0])->shape;
    bool begun = false;
    for (uint32_t i = 0; i < node.input_count; i++) {
        if (!is_narrow(rw, node.inputs[i], &shape))
            continue;
        if (!begun && !tenon_rewrite_begin(rw, id))
            return;
        begun = true;
        tenon_rewrite_set_input(rw, id, i, stretch(rw, node.inputs[i], &shape));
    }
}

const struct tenon_pass tenon_pass_broadcast_operands = {
    .name = "broadcast-operands",
    .purpose = "operands of element-wise operators get the shape of the result",
    .visit = visit,
};
