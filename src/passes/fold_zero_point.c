/*
 * fold-zero-point: the input's zero point goes into the bias, for targets whose multipliers take
 * the input as it is stored.
 *
 *     conv_2d (%x zero z, w, b)
 *     conv_2d (reshape (%x) zero 0, w, b - z * sum of w)
 *
 * The reshape moves nothing: it is the same bytes with another zero point. Padding stands for real
 * 0, which is z before and 0 after, so it becomes an explicit pad with z before the reshape.
 *
 * Requires: conv_2d, depthwise_conv_2d or fully_connected over 8 bits, constant weights and bias, a
 * new bias that fits 32 bits. Exact: the same sum, modulo 2^32.
 * Establishes: the input's zero point of such an operator is 0.
 */
#include <string.h>

#include "op/kernel.h"
#include "passes/pass.h"

/* What of the weights belongs to an output channel: element (i, c) is at i * step + c * channel. */
struct weights {
    const uint8_t *data;
    enum tenon_type type;
    int32_t zero;
    size_t channels, count, step, channel;
};

static int32_t weight_at(const struct weights *w, size_t at) {
    if (w->type == TENON_TYPE_I4)
        return tenon_load_i4(w->data, at);
    return w->type == TENON_TYPE_U8 ? w->data[at] - w->zero : (int8_t)w->data[at];
}

static int64_t weight_sum(const struct weights *w, size_t channel) {
    int64_t sum = 0;
    for (size_t i = 0; i < w->count; i++)
        sum += weight_at(w, i * w->step + channel * w->channel);
    return sum;
}

static struct weights weights_of(const struct tenon_rewriter *rw, const struct tenon_node *node) {
    const struct tenon_tensor *tensor = &rw->graph->tensors[node->inputs[1]];
    const struct tenon_shape *shape = &tensor->desc.shape;
    bool depthwise = node->op == TENON_OP_DEPTHWISE_CONV_2D;
    struct weights w = {.data = tensor->data,
                        .type = tensor->desc.type,
                        .zero = tenon_desc_zero_point(&tensor->desc),
                        .channels = (size_t)shape->dims[depthwise ? 3 : 0]};
    w.count = tenon_desc_element_count(&tensor->desc) / w.channels;
    w.step = depthwise ? w.channels : 1;
    w.channel = depthwise ? 1 : w.count;
    return w;
}

static int32_t bias_at(const struct tenon_rewriter *rw, uint32_t bias, size_t channel) {
    int32_t value = 0;
    if (bias != TENON_ID_NONE)
        memcpy(&value, rw->graph->tensors[bias].data + 4 * channel, sizeof(value));
    return value;
}

/* The biases of all channels; false when one does not fit. */
static bool fold(const struct tenon_rewriter *rw, const struct weights *w, uint32_t bias,
                 int32_t zero, int32_t *out) {
    for (size_t c = 0; c < w->channels; c++) {
        int64_t value = bias_at(rw, bias, c) - zero * weight_sum(w, c);
        if (value < INT32_MIN || value > INT32_MAX)
            return false;
        if (out != NULL)
            out[c] = (int32_t)value;
    }
    return true;
}

static bool is_padded(const struct tenon_attrs *attrs) {
    for (int i = 0; i < attrs->pad.count; i++)
        if (attrs->pad.values[i] != 0)
            return true;
    return false;
}

/* {top, left, bottom, right} as a node of its own. */
static uint32_t add_border(struct tenon_rewriter *rw, uint32_t tensor, struct tenon_attrs *attrs) {
    const int32_t *p = attrs->pad.values;
    const struct tenon_attrs border = {.paddings = {8, {0, 0, p[0], p[2], p[1], p[3], 0, 0}}};
    struct tenon_desc desc = *tenon_rewrite_desc(rw, tensor);
    desc.shape.dims[1] += p[0] + p[2];
    desc.shape.dims[2] += p[1] + p[3];
    attrs->pad = (struct tenon_list){.count = 4};
    return tenon_rewrite_add_unary(rw, TENON_OP_PAD, &border, tensor, "border", &desc);
}

/* The same bytes with the zero point 0. */
static uint32_t add_view(struct tenon_rewriter *rw, uint32_t tensor) {
    static const int32_t zero;
    struct tenon_attrs attrs = {0};
    if (tensor == TENON_ID_NONE)
        return tensor;
    struct tenon_desc desc = *tenon_rewrite_desc(rw, tensor);
    attrs.shape.count = desc.shape.rank;
    memcpy(attrs.shape.values, desc.shape.dims, sizeof(desc.shape.dims));
    desc.quant.zero_point = &zero;
    return tenon_rewrite_add_unary(rw, TENON_OP_RESHAPE, &attrs, tensor, "raw", &desc);
}

static uint32_t add_bias(struct tenon_rewriter *rw, const struct tenon_node *node,
                         const struct weights *w, uint32_t bias, int32_t zero) {
    uint32_t id;
    struct tenon_desc desc = {.type = TENON_TYPE_I32,
                              .shape = {.rank = 1, .dims = {(int32_t)w->channels}}};
    if (bias != TENON_ID_NONE)
        desc = *tenon_rewrite_desc(rw, bias);
    int32_t *values = tenon_rewrite_constant(rw, node->inputs[1], "bias", &desc, &id);
    if (values != NULL && !fold(rw, w, bias, zero, values))
        return TENON_ID_NONE;
    return id;
}

static bool is_foldable(const struct tenon_rewriter *rw, const struct tenon_node *node,
                        uint32_t bias) {
    if (node->op != TENON_OP_CONV_2D && node->op != TENON_OP_DEPTHWISE_CONV_2D &&
        node->op != TENON_OP_FULLY_CONNECTED)
        return false;
    const struct tenon_desc *x = tenon_rewrite_desc(rw, node->inputs[0]);
    return (x->type == TENON_TYPE_I8 || x->type == TENON_TYPE_U8) &&
           tenon_desc_zero_point(x) != 0 && tenon_rewrite_is_constant(rw, node->inputs[1]) &&
           (bias == TENON_ID_NONE || tenon_rewrite_is_constant(rw, bias));
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct tenon_node node = rw->graph->nodes[id];
    uint32_t bias = node.input_count > 2 ? node.inputs[2] : TENON_ID_NONE;
    if (!is_foldable(rw, &node, bias))
        return;
    int32_t zero = tenon_desc_zero_point(tenon_rewrite_desc(rw, node.inputs[0]));
    const struct weights w = weights_of(rw, &node);
    if (!fold(rw, &w, bias, zero, NULL) || !tenon_rewrite_begin(rw, id))
        return;
    uint32_t x = node.inputs[0];
    if (is_padded(&node.attrs))
        x = add_border(rw, x, &node.attrs);
    const uint32_t inputs[] = {add_view(rw, x), node.inputs[1],
                               add_bias(rw, &node, &w, bias, zero)};
    tenon_rewrite_remove(rw, id);
    tenon_rewrite_add(rw, node.op, &node.attrs, inputs, 3, node.outputs, 1);
}

const struct tenon_pass tenon_pass_fold_zero_point = {
    .name = "fold-zero-point",
    .purpose = "the input's zero point of a convolution goes into its bias",
    .visit = visit,
};
