/*
 * Averages over windows become depthwise convolutions with equal weights:
 *
 *     y = average_pool_2d(x) {window=[3, 3]}                                       x 1x8x8x4
 *     y = depthwise_conv_2d(x, w, b)               w 1x3x3x4, all 64, of the scale 1 / (9 * 64)
 *
 * average_pool_2d divides the sum of the integers as they stand, half away from zero; a convolution
 * rounds the distance from the zero point by the node's rule. The weights' size and a bias that
 * nudges halves are tried until both agree for every sum there can be (proof.h); where none do, the
 * node stays. So it is with an even number of elements in i8 whose zero point is not 0: halves
 * above 0 go up and those below go down, which no one convolution does.
 *
 * Requires: 8 bits, windows that lie inside of the picture (others divide by other numbers).
 * Establishes nothing: it depends. Exact, by proof.
 */
#include "passes/average.h"

static bool read(struct tenon_rewriter *rw, uint32_t id, struct tenon_average *a) {
    a->node = rw->graph->nodes[id];
    if (a->node.op != TENON_OP_AVERAGE_POOL_2D)
        return false;
    const struct tenon_list *window = &a->node.attrs.window;
    struct tenon_window *w = &a->window;
    a->in = *tenon_rewrite_desc(rw, a->node.inputs[0]);
    a->out = *tenon_rewrite_desc(rw, a->node.outputs[0]);
    if (a->in.quant.count != 1 || a->out.quant.count != 1 ||
        tenon_window_init(w, &a->node.attrs, &a->in.shape, window->values[0], window->values[1],
                          NULL) != TENON_OK ||
        w->pad_top != 0 || w->pad_left != 0 ||
        (int64_t)(w->out_h - 1) * w->stride_h + w->k_h > w->in_h ||
        (int64_t)(w->out_w - 1) * w->stride_w + w->k_w > w->in_w ||
        (int64_t)w->k_h * w->k_w > INT32_MAX)
        return false;
    a->count = w->k_h * w->k_w;
    a->largest = 1;
    tenon_activation_range((enum tenon_activation)a->node.attrs.activation, &a->out, &a->low,
                           &a->high);
    return true;
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct tenon_average a;
    struct tenon_average_weights weights;
    if (read(rw, id, &a) && tenon_average_find(&a, tenon_average_pooled, true, &weights) &&
        tenon_rewrite_replace(rw, id))
        tenon_rewrite_finish(rw, tenon_average_apply(rw, &a, &weights));
}

const struct tenon_pass tenon_pass_average_pool_to_depthwise = {
    .name = "average-pool-to-depthwise",
    .purpose = "averages as depthwise convolutions, where that is exact for every sum",
    .visit = visit,
};
