/*
 * unsigned-to-signed and signed-to-unsigned: activations of 8 bits shifted by 128, for targets that
 * have one of the two types only.
 *
 *     %y u8 zero z = OP (%x u8 zero a, constants)
 *
 *     %x' i8 zero a-128 = quantize (%x)            the borders: same scale, zero points 128 apart
 *     %y' i8 zero z-128 = OP (%x', constants)
 *     %y u8 zero z = quantize (%y')
 *
 * A producer that was rewritten before hands its %y' on, so that within a chain no border is left.
 * Constant operands are shifted themselves. Weights of linear operators keep their type: u8 weights
 * with a zero point over i8 activations are what they were, the factor formed in float32 included
 * (tenon_product_scale), where i8 weights would have to change it.
 *
 * Requires: an operator that computes with q - zero point alone, or only moves or compares
 * elements; average_pool_2d rounds its raw sum half away from zero, so every window must have an
 * odd number of elements. Others keep their type behind borders. Exact. Establishes: no operator of
 * that kind has activations of the other type.
 */
#include "op/kernel.h"
#include "passes/pass.h"

static enum tenon_type other(enum tenon_type type) {
    return type == TENON_TYPE_U8 ? TENON_TYPE_I8 : TENON_TYPE_U8;
}

static bool is_linear(enum tenon_op op) {
    return op == TENON_OP_CONV_2D || op == TENON_OP_DEPTHWISE_CONV_2D ||
           op == TENON_OP_TRANSPOSE_CONV_2D || op == TENON_OP_FULLY_CONNECTED;
}

static bool is_invariant(enum tenon_op op) {
    static const enum tenon_op ops[] = {
        TENON_OP_CONV_2D,
        TENON_OP_DEPTHWISE_CONV_2D,
        TENON_OP_TRANSPOSE_CONV_2D,
        TENON_OP_FULLY_CONNECTED,
        TENON_OP_MAX_POOL_2D,
        TENON_OP_AVERAGE_POOL_2D,
        TENON_OP_RELU,
        TENON_OP_RELU6,
        TENON_OP_RELU_N1_TO_1,
        TENON_OP_RELU_0_TO_1,
        TENON_OP_LEAKY_RELU,
        TENON_OP_PRELU,
        TENON_OP_HARD_SWISH,
        TENON_OP_LOGISTIC,
        TENON_OP_TANH,
        TENON_OP_ADD,
        TENON_OP_SUB,
        TENON_OP_MUL,
        TENON_OP_MINIMUM,
        TENON_OP_MAXIMUM,
        TENON_OP_REDUCE_MAX,
        TENON_OP_REDUCE_MIN,
        TENON_OP_RESHAPE,
        TENON_OP_CONCATENATION,
        TENON_OP_SPLIT,
        TENON_OP_PACK,
        TENON_OP_UNPACK,
        TENON_OP_SLICE,
        TENON_OP_STRIDED_SLICE,
        TENON_OP_TRANSPOSE,
        TENON_OP_REVERSE,
        TENON_OP_PAD,
        TENON_OP_MIRROR_PAD,
        TENON_OP_DEPTH_TO_SPACE,
        TENON_OP_SPACE_TO_DEPTH,
        TENON_OP_BATCH_TO_SPACE,
        TENON_OP_SPACE_TO_BATCH,
        TENON_OP_TILE,
        TENON_OP_BROADCAST_TO,
        TENON_OP_QUANTIZE,
        TENON_OP_DEQUANTIZE,
        TENON_OP_RESIZE_NEAREST_NEIGHBOR,
        TENON_OP_SOFTMAX,
    };
    for (size_t i = 0; i < TENON_COUNT_OF(ops); i++)
        if (ops[i] == op)
            return true;
    return false;
}

/* The description shifted into the other type; the zero point lies in *zero. */
static struct tenon_desc shifted(const struct tenon_desc *desc, int32_t *zero) {
    struct tenon_desc out = *desc;
    *zero = tenon_desc_zero_point(desc) + (desc->type == TENON_TYPE_U8 ? -128 : 128);
    out.type = other(desc->type);
    out.quant.zero_point = zero;
    return out;
}

static bool is_shiftable(const struct tenon_desc *desc, enum tenon_type from) {
    return desc->type == from && desc->quant.count == 1;
}

/* Whether operand `i` (outputs after inputs) of the node is an activation of type `from`. */
static bool is_shifted_operand(const struct tenon_rewriter *rw, const struct tenon_node *node,
                               uint32_t i, enum tenon_type from) {
    uint32_t id = i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
    if (id == TENON_ID_NONE || (is_linear(node->op) && i >= 1 && i < node->input_count))
        return false;
    return is_shiftable(tenon_rewrite_desc(rw, id), from);
}

static bool is_border(const struct tenon_rewriter *rw, const struct tenon_node *node) {
    if (node->op != TENON_OP_QUANTIZE)
        return false;
    const struct tenon_desc *in = tenon_rewrite_desc(rw, node->inputs[0]);
    const struct tenon_desc *out = tenon_rewrite_desc(rw, node->outputs[0]);
    int32_t zero;
    if (in->quant.count != 1 || (in->type != TENON_TYPE_U8 && in->type != TENON_TYPE_I8))
        return false;
    struct tenon_desc want = shifted(in, &zero);
    return out->type == want.type && tenon_quant_equal(&out->quant, &want.quant);
}

/* Every window of an average pool has an odd number of elements: no sum lies half between. */
static bool windows_are_odd(const struct tenon_rewriter *rw, const struct tenon_node *node) {
    struct tenon_window w;
    const int32_t *window = node->attrs.window.values;
    if (tenon_window_init(&w, &node->attrs, &tenon_rewrite_desc(rw, node->inputs[0])->shape,
                          window[0], window[1], NULL) != TENON_OK)
        return false;
    bool inside = w.pad_top == 0 && w.pad_left == 0 &&
                  (w.out_h - 1) * w.stride_h + w.k_h <= w.in_h &&
                  (w.out_w - 1) * w.stride_w + w.k_w <= w.in_w;
    return inside && w.k_h % 2 == 1 && w.k_w % 2 == 1;
}

enum { OPERANDS_MAX = 64 };

/* Asks the operator's own rule about the shifted form. */
static bool is_accepted(const struct tenon_rewriter *rw, uint32_t id, enum tenon_type from) {
    struct tenon_operand operands[OPERANDS_MAX];
    struct tenon_desc descs[OPERANDS_MAX];
    int32_t zeros[OPERANDS_MAX];
    struct tenon_op_call call;
    const struct tenon_node *node = &rw->graph->nodes[id];
    if (node->input_count + node->output_count > OPERANDS_MAX)
        return false;
    tenon_graph_node_call(rw->graph, id, NULL, operands, &call);
    bool any = false;
    for (uint32_t i = 0; i < node->input_count + node->output_count; i++) {
        if (!is_shifted_operand(rw, node, i, from))
            continue;
        descs[i] = shifted(operands[i].desc, &zeros[i]);
        operands[i].desc = &descs[i];
        any = true;
    }
    return any && tenon_op_infer(&call, NULL) == TENON_OK;
}

/* A constant with 128 added or taken off: the top bit of each element changes. */
static uint32_t shift_constant(struct tenon_rewriter *rw, uint32_t id,
                               const struct tenon_desc *desc, const char *suffix) {
    uint32_t out;
    const uint8_t *from = tenon_rewrite_data(rw, id);
    uint8_t *to = tenon_rewrite_constant(rw, id, suffix, desc, &out);
    size_t size = tenon_desc_size(desc);
    for (size_t i = 0; to != NULL && i < size; i++)
        to[i] = from[i] ^ 0x80;
    return out;
}

/* The tensor in the other type. */
static uint32_t shift_input(struct tenon_rewriter *rw, uint32_t tensor) {
    int32_t zero;
    const struct tenon_desc desc = shifted(tenon_rewrite_desc(rw, tensor), &zero);
    const char *suffix = desc.type == TENON_TYPE_I8 ? "i8" : "u8";
    if (tenon_rewrite_is_constant(rw, tensor))
        return shift_constant(rw, tensor, &desc, suffix);
    uint32_t producer = tenon_rewrite_producer(rw, tensor);
    if (producer != TENON_ID_NONE && is_border(rw, &rw->graph->nodes[producer]))
        return rw->graph->nodes[producer].inputs[0];
    if (rw->memo[tensor] != 0) /* a border that another reader has */
        return rw->memo[tensor] - 1;
    uint32_t border = tenon_rewrite_add_unary(rw, TENON_OP_QUANTIZE, NULL, tensor, suffix, &desc);
    rw->memo[tensor] = border + 1; /* 0 after a failure */
    return border;
}

static uint32_t shift_output(struct tenon_rewriter *rw, uint32_t tensor) {
    int32_t zero;
    const struct tenon_desc desc = shifted(tenon_rewrite_desc(rw, tensor), &zero);
    return tenon_rewrite_tensor(rw, tensor, desc.type == TENON_TYPE_I8 ? "i8" : "u8", &desc);
}

static void rewrite(struct tenon_rewriter *rw, uint32_t id, enum tenon_type from) {
    const struct tenon_node node = rw->graph->nodes[id];
    uint32_t ids[OPERANDS_MAX], *outputs = ids + node.input_count;
    for (uint32_t i = 0; i < node.input_count; i++)
        ids[i] = is_shifted_operand(rw, &node, i, from) ? shift_input(rw, node.inputs[i])
                                                        : node.inputs[i];
    for (uint32_t i = 0; i < node.output_count; i++)
        outputs[i] = is_shifted_operand(rw, &node, node.input_count + i, from)
                         ? shift_output(rw, node.outputs[i])
                         : node.outputs[i];
    tenon_rewrite_remove(rw, id);
    tenon_rewrite_add(rw, node.op, &node.attrs, ids, node.input_count, outputs, node.output_count);
    for (uint32_t i = 0; i < node.output_count; i++)
        if (outputs[i] != node.outputs[i])
            tenon_rewrite_add(rw, TENON_OP_QUANTIZE, NULL, &outputs[i], 1, &node.outputs[i], 1);
}

/* A border of the model's own that leads back over one that was added: readers skip both. */
static void skip_border(struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_node border = rw->graph->nodes[id];
    uint32_t producer = tenon_rewrite_producer(rw, border.inputs[0]);
    if (producer == TENON_ID_NONE || !is_border(rw, &rw->graph->nodes[producer]) ||
        tenon_rewrite_is_output(rw, border.outputs[0]) || !tenon_rewrite_begin(rw, id))
        return;
    tenon_rewrite_redirect(rw, border.outputs[0], rw->graph->nodes[producer].inputs[0]);
    tenon_rewrite_remove(rw, id);
}

static void visit(struct tenon_rewriter *rw, uint32_t id, enum tenon_type from) {
    const struct tenon_node *node = &rw->graph->nodes[id];
    if (is_border(rw, node)) {
        skip_border(rw, id);
        return;
    }
    if (!is_invariant(node->op) || !is_accepted(rw, id, from) ||
        (node->op == TENON_OP_AVERAGE_POOL_2D && !windows_are_odd(rw, node)))
        return;
    if (tenon_rewrite_begin(rw, id))
        rewrite(rw, id, from);
}

static void visit_unsigned(struct tenon_rewriter *rw, uint32_t id) {
    visit(rw, id, TENON_TYPE_U8);
}

static void visit_signed(struct tenon_rewriter *rw, uint32_t id) {
    visit(rw, id, TENON_TYPE_I8);
}

const struct tenon_pass tenon_pass_unsigned_to_signed = {
    .name = "unsigned-to-signed",
    .purpose = "activations of u8 become i8, with borders that shift by 128",
    .visit = visit_unsigned,
};

const struct tenon_pass tenon_pass_signed_to_unsigned = {
    .name = "signed-to-unsigned",
    .purpose = "activations of i8 become u8, with borders that shift by 128",
    .visit = visit_signed,
};
