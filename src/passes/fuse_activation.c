/*
 * fuse-activation: an operator of the ReLU family becomes the activation of what it reads.
 *
 *     conv_2d {} -> relu6                conv_2d {activation=relu6}
 *     add {activation=relu} -> relu6     add {activation=relu6}
 *
 * Requires: a producer with an activation attribute that nobody else reads; for integers one
 * quantization before and after, so that the operator only clamps. Both clamps together must be the
 * range of some activation: that depends on scale and zero point, for example relu over a zero
 * point at the lowest value is none at all. Such an operator behind anything else is dropped.
 * Exact. Establishes: no such pair.
 */
#include <math.h>

#include "op/kernel.h"
#include "passes/pass.h"

struct range {
    float low, high;     /* real */
    int32_t first, last; /* quantized; unused for floats */
};

static bool has_activation(enum tenon_op op) {
    static const enum tenon_op ops[] = {
        TENON_OP_CONV_2D,
        TENON_OP_DEPTHWISE_CONV_2D,
        TENON_OP_TRANSPOSE_CONV_2D,
        TENON_OP_FULLY_CONNECTED,
        TENON_OP_ADD,
        TENON_OP_SUB,
        TENON_OP_MUL,
        TENON_OP_DIV,
        TENON_OP_AVERAGE_POOL_2D,
        TENON_OP_MAX_POOL_2D,
    };
    for (size_t i = 0; i < TENON_COUNT_OF(ops); i++)
        if (ops[i] == op)
            return true;
    return false;
}

static struct range range_of(enum tenon_activation activation, const struct tenon_desc *desc) {
    struct range r = {0};
    tenon_activation_range_f32(activation, &r.low, &r.high);
    if (tenon_is_quantized(desc))
        tenon_activation_range(activation, desc, &r.first, &r.last);
    return r;
}

/* Narrows a range to that of the operator. False: it is none of the family. */
static bool narrow(struct range *r, enum tenon_op op, const struct tenon_desc *desc) {
    struct range own;
    if (op == TENON_OP_RELU) {
        own = range_of(TENON_ACTIVATION_RELU, desc);
    } else if (op == TENON_OP_RELU6) {
        own = range_of(TENON_ACTIVATION_RELU6, desc);
    } else if (op == TENON_OP_RELU_N1_TO_1) {
        own = range_of(TENON_ACTIVATION_RELU_N1_TO_1, desc);
    } else if (op == TENON_OP_RELU_0_TO_1) { /* from 0 as relu, to 1 as relu_n1_to_1 */
        own = range_of(TENON_ACTIVATION_RELU, desc);
        own.high = 1;
        own.last = range_of(TENON_ACTIVATION_RELU_N1_TO_1, desc).last;
    } else {
        return false;
    }
    r->low = fmaxf(r->low, own.low);
    r->high = fminf(r->high, own.high);
    r->first = own.first > r->first ? own.first : r->first;
    r->last = own.last < r->last ? own.last : r->last;
    return true;
}

static bool same_range(const struct range *a, const struct range *b, bool quantized) {
    if (quantized)
        return a->first == b->first && a->last == b->last;
    return a->low == b->low && a->high == b->high;
}

/* The activation of this range, or TENON_ACTIVATION_COUNT. */
static enum tenon_activation find(const struct range *r, const struct tenon_desc *desc) {
    for (int i = TENON_ACTIVATION_NONE; i <= TENON_ACTIVATION_RELU6; i++) {
        struct range other = range_of((enum tenon_activation)i, desc);
        if (same_range(r, &other, tenon_is_quantized(desc)))
            return (enum tenon_activation)i;
    }
    return TENON_ACTIVATION_COUNT;
}

/* Only a clamp: a float, or integers that are not rescaled. */
static bool only_clamps(const struct tenon_desc *in, const struct tenon_desc *out) {
    if (in->type == TENON_TYPE_F32)
        return true;
    return in->quant.count == 1 && tenon_quant_equal(&in->quant, &out->quant);
}

static void drop(struct tenon_rewriter *rw, uint32_t id, const struct tenon_node *node) {
    if (tenon_rewrite_is_output(rw, node->outputs[0]) || !tenon_rewrite_begin(rw, id))
        return;
    tenon_rewrite_redirect(rw, node->outputs[0], node->inputs[0]);
    tenon_rewrite_remove(rw, id);
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_node node = rw->graph->nodes[id];
    const struct tenon_desc *desc = tenon_rewrite_desc(rw, node.outputs[0]);
    struct range range = range_of(TENON_ACTIVATION_NONE, desc);
    if (!narrow(&range, node.op, desc) ||
        !only_clamps(tenon_rewrite_desc(rw, node.inputs[0]), desc))
        return;
    if (find(&range, desc) == TENON_ACTIVATION_NONE) {
        drop(rw, id, &node);
        return;
    }
    uint32_t id_before = tenon_rewrite_sole_producer(rw, node.inputs[0]);
    if (id_before == TENON_ID_NONE || !has_activation(rw->graph->nodes[id_before].op))
        return;
    struct tenon_node before = rw->graph->nodes[id_before];
    range = range_of((enum tenon_activation)before.attrs.activation, desc);
    narrow(&range, node.op, desc);
    enum tenon_activation both = find(&range, desc);
    if (both == TENON_ACTIVATION_COUNT || !tenon_rewrite_begin(rw, id_before))
        return;
    before.attrs.activation = (int32_t)both;
    tenon_rewrite_remove(rw, id);
    tenon_rewrite_remove(rw, id_before);
    tenon_rewrite_add(rw, before.op, &before.attrs, before.inputs, before.input_count, node.outputs,
                      1);
}

const struct tenon_pass tenon_pass_fuse_activation = {
    .name = "fuse-activation",
    .purpose = "an operator of the relu family becomes the activation of what it reads",
    .neutral = true,
    .visit = visit,
};
