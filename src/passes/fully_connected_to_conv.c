/*
 * Fully connected layers become convolutions of one tap, for targets without them:
 *
 *     y = fully_connected(x, w, b)                                   x 4x64, w 10x64
 *     y = reshape(conv_2d(reshape(x), w', b))                        x 1x4x1x64, w' 10x1x1x64
 *
 * fully_connected rounds the product of the scales of input and weights to float32, conv_2d does
 * not. Where that makes a difference to some sum, the reshape gives its result the product as scale
 * and the weights get scale 1: sums, and what they are scaled by, are then the same.
 *
 * Requires: integers, constant weights and bias. Establishes: no such fully_connected. Exact.
 */
#include "passes/conv.h"
#include "passes/proof.h"

struct dense {
    struct tenon_conv conv; /* of one tap */
    struct tenon_desc in, out;
    int32_t rows;
    float product; /* scale of the sums, where input and weights are to be given it; or 0 */
};

static int32_t rescaled(const void *context, int64_t sum) {
    return tenon_rescale_at(context, sum);
}

/* Sums are within what the weights and the widest input can give. */
static int64_t bound_of(const struct dense *d) {
    int64_t bias = 0;
    const struct tenon_linear_weights *w = &d->conv.weights;
    for (int32_t c = 0; w->bias_desc.type == TENON_TYPE_I32 && c < d->conv.out_c; c++) {
        int64_t value = ((const int32_t *)w->bias)[c];
        value = value < 0 ? -value : value;
        bias = value > bias ? value : bias;
    }
    return (int64_t)d->conv.k_c * 255 * 255 + bias;
}

/* Whether conv_2d scales sums as fully_connected does. */
static bool scales_agree(const struct dense *d) {
    const struct tenon_desc *weights = &d->conv.weights.desc;
    if (weights->quant.count > 1 || weights->type == TENON_TYPE_U8)
        return true;
    struct tenon_rescale is = tenon_rescale_to(
        &d->out, tenon_product_scale(&d->in, weights, &d->out, 0, true), &d->conv.node);
    struct tenon_rescale becomes = tenon_rescale_to(
        &d->out, tenon_product_scale(&d->in, weights, &d->out, 0, false), &d->conv.node);
    if (is.multiplier.multiplier == becomes.multiplier.multiplier &&
        is.multiplier.shift == becomes.multiplier.shift &&
        is.multiplier.real == becomes.multiplier.real)
        return true;
    int64_t bound = bound_of(d);
    return d->in.type != TENON_TYPE_I16 && tenon_rescale_rises(&is, bound) &&
           tenon_rescale_rises(&becomes, bound) &&
           tenon_rescale_is(&becomes, rescaled, &is, -bound, bound);
}

static bool read(struct tenon_rewriter *rw, uint32_t id, struct dense *d) {
    const struct tenon_node *node = &rw->graph->nodes[id];
    *d = (struct dense){.conv = {.node = *node, .groups = 1}};
    if (node->op != TENON_OP_FULLY_CONNECTED ||
        !tenon_linear_weights_read(rw, node, &d->conv.weights))
        return false;
    d->in = *tenon_rewrite_desc(rw, node->inputs[0]);
    d->out = *tenon_rewrite_desc(rw, node->outputs[0]);
    const int32_t *w = d->conv.weights.desc.shape.dims;
    d->conv.out_c = w[0];
    d->conv.k_c = w[1];
    d->conv.window.k_h = d->conv.window.k_w = 1;
    d->rows = (int32_t)(tenon_desc_element_count(&d->in) / (size_t)w[1]);
    if (!scales_agree(d)) {
        d->product = tenon_desc_scale(&d->in) * tenon_desc_scale(&d->conv.weights.desc);
        if (!(d->product > 0) || d->product > 3e38f)
            return false;
    }
    return d->rows > 0;
}

/* x as one column of `rows` pixels. */
static uint32_t as_picture(struct tenon_rewriter *rw, const struct dense *d) {
    const struct tenon_attrs attrs = {.shape = {4, {1, d->rows, 1, d->conv.k_c}}};
    const int32_t zero = tenon_desc_zero_point(&d->in);
    struct tenon_desc desc = d->in;
    if (d->product > 0)
        desc.quant = (struct tenon_quant){1, 0, &d->product, &zero};
    return tenon_rewrite_result(rw, TENON_OP_RESHAPE, &attrs, d->conv.node.inputs, 1, &desc);
}

static void rewrite(struct tenon_rewriter *rw, const struct dense *d) {
    static const float one = 1;
    const struct tenon_attrs geometry = {.stride = {2, {1, 1}}, .dilation = {2, {1, 1}}};
    const int32_t outputs = d->conv.out_c, inputs = d->conv.k_c;
    struct tenon_linear_weights weights = d->conv.weights;
    struct tenon_filters filters;
    int32_t *from = tenon_filters_from(rw, outputs);
    for (int32_t o = 0; from != NULL && o < outputs; o++)
        from[o] = o;
    if (d->product > 0)
        weights.desc.quant.scale = &one;
    if (!tenon_filters_init(&filters, rw, &weights, (const int32_t[4]){outputs, 1, 1, inputs},
                            from))
        return;
    for (int32_t o = 0; o < outputs; o++)
        for (int32_t i = 0; i < inputs; i++)
            tenon_filters_set(&filters, o, 0, 0, i, tenon_conv_weight(&d->conv, o, 0, 0, i));
    uint32_t x = tenon_filters_apply(&filters, rw, &d->conv.node, as_picture(rw, d), &geometry);
    tenon_rewrite_finish(rw, tenon_rewrite_reshape(rw, x, &d->out.shape));
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct dense d;
    if (read(rw, id, &d) && tenon_rewrite_replace(rw, id))
        rewrite(rw, &d);
}

const struct tenon_pass tenon_pass_fully_connected_to_conv = {
    .name = "fully-connected-to-conv",
    .purpose = "fully connected layers as convolutions of one tap",
    .visit = visit,
};
