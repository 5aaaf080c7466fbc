/*
 * Transposed convolutions become ordinary ones. Output pixels of one position within blocks of
 * stride x stride read the same taps, so each block is one pixel of a convolution over the input,
 * with as many times the filters, that are then laid out side by side:
 *
 *     y = transpose_conv_2d(x, w, b) {stride=[2, 2]}                       w 8x3x3x16
 *     y = slice(depth_to_space(conv_2d(x, w', b')))                        w' 32x2x2x16
 *
 * The slice takes off what the padding of the transposed convolution takes off; strides that differ
 * go through reshape and transpose instead of depth_to_space.
 *
 * Requires: integers, constant weights and bias. Establishes: no such transpose_conv_2d. Exact:
 * sums have the same products and zeros.
 */
#include "passes/conv.h"

/* Along one axis. Blocks j of the padded result read input j - (kernel - 1) + u by tap u, which is
 * tap (kernel - 1 - u) * stride + position of the transposed convolution. */
struct axis {
    int32_t size, out, taps, stride, pad;
    int32_t kernel, first_block, blocks;
    int32_t first, rows, pad_before, pad_after; /* of the input */
};

static void plan(struct axis *a) {
    a->kernel = (a->taps + a->stride - 1) / a->stride;
    a->first_block = a->pad / a->stride;
    int32_t end_block = (int32_t)(((int64_t)a->pad + a->out - 1) / a->stride) + 1;
    /* Where no window reaches the input, blocks that do are computed as well, and cut. */
    if (a->first_block > a->size + a->kernel - 2)
        a->first_block = a->size + a->kernel - 2;
    if (end_block < 1)
        end_block = 1;
    a->blocks = end_block - a->first_block;
    int32_t from = a->first_block - (a->kernel - 1), end = end_block;
    a->first = from > 0 ? from : 0;
    a->pad_before = from < 0 ? -from : 0;
    a->rows = (end < a->size ? end : a->size) - a->first;
    a->pad_after = end < a->size ? 0 : end - a->size;
}

/* The same struct as other convolutions', with the window from the result back to the input. */
static bool read(struct tenon_rewriter *rw, uint32_t id, struct tenon_conv *conv) {
    const struct tenon_node *node = &rw->graph->nodes[id];
    *conv = (struct tenon_conv){.node = *node, .groups = 1};
    if (node->op != TENON_OP_TRANSPOSE_CONV_2D ||
        !tenon_linear_weights_read(rw, node, &conv->weights))
        return false;
    const int32_t *w = conv->weights.desc.shape.dims;
    conv->out_c = w[0];
    conv->k_c = w[3];
    return tenon_window_init(&conv->window, &node->attrs,
                             &tenon_rewrite_desc(rw, node->outputs[0])->shape, w[1], w[2],
                             NULL) == TENON_OK;
}

/* New channels are (row in block, column in block, filter). */
static bool make_filters(struct tenon_filters *filters, struct tenon_rewriter *rw,
                         const struct tenon_conv *conv, const struct axis *y,
                         const struct axis *x) {
    const int32_t shape[4] = {y->stride * x->stride * conv->out_c, y->kernel, x->kernel, conv->k_c};
    int32_t *from = tenon_filters_from(rw, shape[0]);
    for (int32_t j = 0; from != NULL && j < shape[0]; j++)
        from[j] = j % conv->out_c;
    if (!tenon_filters_init(filters, rw, &conv->weights, shape, from))
        return false;
    for (int32_t j = 0; j < shape[0]; j++)
        for (int32_t v = 0; v < y->kernel; v++)
            for (int32_t u = 0; u < x->kernel; u++) {
                int32_t position = j / conv->out_c;
                int32_t ty = (y->kernel - 1 - v) * y->stride + position / x->stride;
                int32_t tx = (x->kernel - 1 - u) * x->stride + position % x->stride;
                for (int32_t i = 0; ty < y->taps && tx < x->taps && i < conv->k_c; i++)
                    tenon_filters_set(filters, j, v, u, i,
                                      tenon_conv_weight(conv, from[j], ty, tx, i));
            }
    return true;
}

static void rewrite(struct tenon_rewriter *rw, uint32_t id, const struct tenon_conv *conv,
                    const struct axis *y, const struct axis *x) {
    struct tenon_filters filters;
    if (!tenon_rewrite_replace(rw, id) || !make_filters(&filters, rw, conv, y, x))
        return;
    const struct tenon_attrs geometry = {
        .stride = {2, {1, 1}},
        .dilation = {2, {1, 1}},
        .pad = {4, {y->pad_before, x->pad_before, y->pad_after, x->pad_after}},
    };
    const int32_t first[2] = {y->first, x->first}, rows[2] = {y->rows, x->rows};
    const int32_t block[2] = {y->stride, x->stride}, out[2] = {y->out, x->out};
    const int32_t cut[2] = {y->pad - y->first_block * y->stride,
                            x->pad - x->first_block * x->stride};
    uint32_t picture = tenon_rewrite_frame(rw, conv->node.inputs[0], first, rows);
    picture = tenon_filters_apply(&filters, rw, &conv->node, picture, &geometry);
    picture = tenon_rewrite_to_space(rw, picture, block, 1);
    tenon_rewrite_finish(rw, tenon_rewrite_frame(rw, picture, cut, out));
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct tenon_conv conv;
    if (!read(rw, id, &conv))
        return;
    const struct tenon_window *w = &conv.window;
    const int32_t *in = tenon_rewrite_desc(rw, conv.node.inputs[0])->shape.dims;
    struct axis y = {
        .size = in[1], .out = w->in_h, .taps = w->k_h, .stride = w->stride_h, .pad = w->pad_top};
    struct axis x = {
        .size = in[2], .out = w->in_w, .taps = w->k_w, .stride = w->stride_w, .pad = w->pad_left};
    plan(&y);
    plan(&x);
    double filters = (double)y.stride * x.stride * conv.out_c;
    if (tenon_filters_fit(filters, y.kernel, x.kernel, conv.k_c) &&
        filters * w->batches * y.blocks * x.blocks < TENON_MAX_ELEMENTS)
        rewrite(rw, id, &conv, &y, &x);
}

const struct tenon_pass tenon_pass_transpose_conv_to_conv = {
    .name = "transpose-conv-to-conv",
    .purpose = "transposed convolutions as ordinary ones whose channels are laid out in blocks",
    .visit = visit,
};
