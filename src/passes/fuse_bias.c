/*
 * fuse-bias and fuse-batch-norm: a number per channel after a linear operator of floats goes into
 * its bias or weights.
 *
 *     add (conv_2d (x, w, _), c) {activation=relu}       conv_2d (x, w, c) {activation=relu}
 *     add (mul (conv_2d (x, w, b), m), c)                conv_2d (x, w * m, b * m + c)
 *
 * Requires: conv_2d, depthwise_conv_2d or fully_connected of f32 without an activation, that nobody
 * else reads, and a constant with one element or one per channel. fuse-bias (neutral) is exact, so
 * it takes only a sum, and only where there is no bias yet or it is 0: a sum of two biases rounds
 * elsewhere. fuse-batch-norm, for targets that ask, takes products and any bias; results differ by
 * some units in the last place of the largest term. Quantized operators are not touched: their
 * results are rounded before the number is added.
 * Establishes: no such pair.
 */
#include <string.h>

#include "passes/pass.h"

/* A linear operator and what follows it. */
struct pair {
    struct tenon_node linear, node;
    uint32_t linear_id, constant;
    const float *values;
    int32_t channels;
    bool each; /* a value per channel, not one for all */
};

static float value_at(const struct pair *p, int32_t channel) {
    return p->values[p->each ? channel : 0];
}

/* One element, or one per channel on the last axis. */
static bool is_per_channel(const struct tenon_desc *desc, int32_t channels, bool *each) {
    const struct tenon_shape *shape = &desc->shape;
    size_t count = tenon_desc_element_count(desc);
    *each = count != 1;
    return desc->type == TENON_TYPE_F32 &&
           (count == 1 || (count == (size_t)channels && shape->dims[shape->rank - 1] == channels));
}

static bool is_linear(const struct tenon_rewriter *rw, const struct tenon_node *node) {
    return (node->op == TENON_OP_CONV_2D || node->op == TENON_OP_DEPTHWISE_CONV_2D ||
            node->op == TENON_OP_FULLY_CONNECTED) &&
           node->attrs.activation == TENON_ACTIVATION_NONE &&
           tenon_rewrite_desc(rw, node->inputs[1])->type == TENON_TYPE_F32;
}

static bool read_pair(struct tenon_rewriter *rw, uint32_t id, struct pair *p) {
    p->node = rw->graph->nodes[id];
    if (p->node.op != TENON_OP_ADD && p->node.op != TENON_OP_SUB && p->node.op != TENON_OP_MUL)
        return false;
    bool swapped = p->node.op != TENON_OP_SUB && tenon_rewrite_is_constant(rw, p->node.inputs[0]);
    uint32_t x = p->node.inputs[swapped ? 1 : 0];
    p->constant = p->node.inputs[swapped ? 0 : 1];
    p->linear_id = tenon_rewrite_sole_producer(rw, x);
    if (p->linear_id == TENON_ID_NONE || !tenon_rewrite_is_constant(rw, p->constant))
        return false;
    p->linear = rw->graph->nodes[p->linear_id];
    const struct tenon_desc *out = tenon_rewrite_desc(rw, x);
    if (!is_linear(rw, &p->linear) || out->type != TENON_TYPE_F32 ||
        !tenon_shape_equal(&out->shape, &tenon_rewrite_desc(rw, p->node.outputs[0])->shape))
        return false;
    p->channels = out->shape.dims[out->shape.rank - 1];
    if (!is_per_channel(tenon_rewrite_desc(rw, p->constant), p->channels, &p->each))
        return false;
    p->values = tenon_rewrite_data(rw, p->constant);
    return p->values != NULL;
}

static uint32_t bias_of(const struct pair *p) {
    return p->linear.input_count > 2 ? p->linear.inputs[2] : TENON_ID_NONE;
}

/* Whether the bias is absent or all +0. */
static bool has_no_bias(const struct tenon_rewriter *rw, const struct pair *p) {
    uint32_t bias = bias_of(p);
    if (bias == TENON_ID_NONE)
        return true;
    const struct tenon_tensor *tensor = &rw->graph->tensors[bias];
    if (tensor->kind != TENON_TENSOR_CONSTANT)
        return false;
    for (size_t i = 0; i < tenon_desc_size(&tensor->desc); i++)
        if (tensor->data[i] != 0)
            return false;
    return true;
}

static uint32_t new_bias(struct tenon_rewriter *rw, const struct pair *p) {
    const struct tenon_desc desc = {.type = TENON_TYPE_F32,
                                    .shape = {.rank = 1, .dims = {p->channels}}};
    uint32_t id, old = bias_of(p);
    const float *from = old != TENON_ID_NONE ? tenon_rewrite_data(rw, old) : NULL;
    float *to = tenon_rewrite_constant(rw, p->constant, "bias", &desc, &id);
    for (int32_t c = 0; to != NULL && c < p->channels; c++) {
        float bias = from != NULL ? from[c] : 0.0f, value = value_at(p, c);
        to[c] = p->node.op == TENON_OP_MUL   ? bias * value
                : p->node.op == TENON_OP_ADD ? bias + value
                                             : bias - value;
    }
    return id;
}

static uint32_t new_weights(struct tenon_rewriter *rw, const struct pair *p) {
    uint32_t id, old = p->linear.inputs[1];
    if (p->node.op != TENON_OP_MUL)
        return old;
    const struct tenon_desc desc = *tenon_rewrite_desc(rw, old);
    const float *from = tenon_rewrite_data(rw, old);
    float *to = tenon_rewrite_constant(rw, old, "scaled", &desc, &id);
    size_t count = tenon_desc_element_count(&desc), channels = (size_t)p->channels;
    bool innermost = p->linear.op == TENON_OP_DEPTHWISE_CONV_2D;
    for (size_t i = 0; to != NULL && i < count; i++)
        to[i] = from[i] * value_at(p, (int32_t)(innermost ? i % channels : i / (count / channels)));
    return id;
}

static void rewrite(struct tenon_rewriter *rw, uint32_t id, struct pair *p) {
    if (!tenon_rewrite_begin(rw, p->linear_id))
        return;
    p->linear.attrs.activation = p->node.attrs.activation;
    const uint32_t inputs[] = {p->linear.inputs[0], new_weights(rw, p), new_bias(rw, p)};
    tenon_rewrite_remove(rw, id);
    tenon_rewrite_remove(rw, p->linear_id);
    tenon_rewrite_add(rw, p->linear.op, &p->linear.attrs, inputs, 3, p->node.outputs, 1);
}

static void visit_bias(struct tenon_rewriter *rw, uint32_t id) {
    struct pair p;
    if (read_pair(rw, id, &p) && p.node.op != TENON_OP_MUL && has_no_bias(rw, &p))
        rewrite(rw, id, &p);
}

static void visit_batch_norm(struct tenon_rewriter *rw, uint32_t id) {
    struct pair p;
    if (!read_pair(rw, id, &p))
        return;
    uint32_t bias = bias_of(&p);
    if ((bias == TENON_ID_NONE || tenon_rewrite_is_constant(rw, bias)) &&
        (p.node.op != TENON_OP_MUL || tenon_rewrite_is_constant(rw, p.linear.inputs[1])))
        rewrite(rw, id, &p);
}

const struct tenon_pass tenon_pass_fuse_bias = {
    .name = "fuse-bias",
    .purpose = "a number per channel added to a float convolution without bias becomes its bias",
    .neutral = true,
    .visit = visit_bias,
};

const struct tenon_pass tenon_pass_fuse_batch_norm = {
    .name = "fuse-batch-norm",
    .purpose = "factor and number per channel go into a float convolution; rounds elsewhere",
    .visit = visit_batch_norm,
};
