/*
 * Convolutions of a dilation above what the target has: pixels that meet in a window become
 * neighbours, each residue of the dilation a picture of its own.
 *
 *     y = conv_2d(x, w) {dilation=[2, 2]}                                      x 1x9x9x8
 *     y = batch_to_space(conv_2d(space_to_batch(x, blocks of 2x2), w), blocks of 2x2)  4x..x..x8
 *
 * The convolution's padding goes into space_to_batch, which rounds sizes up; batch_to_space cuts.
 *
 * Requires: integers (the border of space_to_batch is real 0, as padding is), stride 1 along the
 * dilated axis: others are left to dilate-kernels. Establishes: no dilation of conv_2d and
 * depthwise_conv_2d above capabilities.dilation_max, but for those. Exact.
 */
#include "passes/conv.h"

/* Along one axis: pads, blocks and cuts where it is dilated, and what stays with the convolution.
 */
struct axis {
    int32_t size, out, taps, stride, dilation, pad_before, pad_after;
    int32_t block, before, after, cut;
};

static bool plan(struct axis *a, int32_t most) {
    a->block = 1;
    if (a->dilation <= most)
        return true;
    if (a->stride != 1)
        return false;
    a->block = a->dilation;
    int64_t rows = ((int64_t)a->out + a->block - 1) / a->block; /* of results a picture */
    int64_t padded = (rows + a->taps - 1) * a->block;
    if (padded > INT32_MAX)
        return false;
    a->cut = (int32_t)(rows * a->block - a->out);
    a->before = a->pad_before;
    a->after = (int32_t)(padded - a->size - a->pad_before);
    a->pad_before = a->pad_after = 0;
    a->dilation = 1;
    return true;
}

static void rewrite(struct tenon_rewriter *rw, const struct tenon_node *node, const struct axis *y,
                    const struct axis *x) {
    const struct tenon_desc in = tenon_rewrite_desc_of(rw, node->inputs[0]);
    const struct tenon_desc out = tenon_rewrite_desc_of(rw, node->outputs[0]);
    struct tenon_attrs attrs = node->attrs;
    const struct tenon_attrs apart = {
        .block = {2, {y->block, x->block}},
        .paddings = {4, {y->before, y->after, x->before, x->after}},
    };
    const struct tenon_attrs together = {
        .block = apart.block,
        .paddings = {4, {0, y->cut, 0, x->cut}},
    };
    attrs.dilation = (struct tenon_list){2, {y->dilation, x->dilation}};
    attrs.pad = (struct tenon_list){4, {y->pad_before, x->pad_before, y->pad_after, x->pad_after}};
    uint32_t inputs[3] = {
        tenon_rewrite_result(rw, TENON_OP_SPACE_TO_BATCH, &apart, node->inputs, 1, &in),
        node->inputs[1], node->input_count > 2 ? node->inputs[2] : TENON_ID_NONE};
    uint32_t result = tenon_rewrite_result(rw, node->op, &attrs, inputs, node->input_count, &out);
    tenon_rewrite_finish(
        rw, tenon_rewrite_result(rw, TENON_OP_BATCH_TO_SPACE, &together, &result, 1, &out));
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const int32_t most = rw->capabilities->dilation_max;
    struct tenon_conv conv;
    if (most == 0 || !tenon_conv_read(rw, id, &conv))
        return;
    const struct tenon_window *w = &conv.window;
    struct axis y = {w->in_h,       w->out_h,   w->k_h,        w->stride_h,
                     w->dilation_h, w->pad_top, w->pad_bottom, .block = 0};
    struct axis x = {w->in_w,       w->out_w,    w->k_w,       w->stride_w,
                     w->dilation_w, w->pad_left, w->pad_right, .block = 0};
    if (plan(&y, most) && plan(&x, most) && y.block * x.block > 1 && tenon_rewrite_replace(rw, id))
        rewrite(rw, &conv.node, &y, &x);
}

const struct tenon_pass tenon_pass_dilation_to_batch = {
    .name = "dilation-to-batch",
    .purpose = "dilations the target lacks: each residue a picture of its own",
    .visit = visit,
};
