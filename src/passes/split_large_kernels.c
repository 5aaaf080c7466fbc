/*
 * Windows larger than the target's are made of smaller ones.
 *
 * A convolution is folded: blocks of pixels go into depth, and a window over blocks is smaller.
 *
 *     y = conv_2d(x, w)                                    w 16x11x11x8, at most 7
 *     y = depth_to_space(conv_2d(space_to_depth(x), w'))   w' 64x6x6x32
 *
 * (Sums of partial convolutions would need results of 32 bits, which conv_2d does not have.)
 * A maximum of maxima is one: windows of n + m - 1 elements are m of n, of stride 1, one apart.
 *
 *     y = max_pool_2d(x) {window=[13, 13], stride=[2, 2]}             at most 7
 *     y = max_pool_2d(max_pool_2d(x) {window=[7, 7], stride=[1, 1]}) {window=[7, 7], stride=[2, 2]}
 *
 * An average rounds once: average_pool_2d is first made a convolution (average-pool-to-depthwise),
 * where that is exact.
 *
 * Requires: integers, constant weights and bias. Establishes: no window of conv_2d,
 * depthwise_conv_2d and max_pool_2d above capabilities.kernel_max, where that is at least 2, unless
 * folding would make more weights than tenon_filters_fit wants: wide dilations go first.
 */
#include "passes/fold.h"

enum { OUTPUTS_MAX = 64 };

/* The least number of outputs a block that make kernels small enough; 0 to leave them. */
static int32_t outputs_for(const struct tenon_conv *conv, int axis, int32_t most) {
    struct tenon_fold fold;
    int32_t outputs[2] = {0, 0};
    if ((axis == 0 ? conv->window.k_h : conv->window.k_w) <= most)
        return 0;
    for (outputs[axis] = 1; outputs[axis] <= OUTPUTS_MAX; outputs[axis]++)
        if (tenon_fold_plan(&fold, conv, outputs) && fold.axes[axis].kernel <= most)
            return outputs[axis];
    return 0;
}

static void split_conv(struct tenon_rewriter *rw, uint32_t id, int32_t most) {
    struct tenon_conv conv;
    struct tenon_fold fold;
    if (!tenon_conv_read(rw, id, &conv))
        return;
    const int32_t outputs[2] = {outputs_for(&conv, 0, most), outputs_for(&conv, 1, most)};
    if ((outputs[0] != 0 || outputs[1] != 0) && tenon_fold_plan(&fold, &conv, outputs))
        tenon_fold_apply(&fold, rw, id, &conv);
}

static int32_t lesser(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Windows of `most` first, over as much padding as lets each hold an element; what is left of
 * window and padding, the stride and the activation are the second's. */
static void split_max_pool(struct tenon_rewriter *rw, uint32_t id, int32_t most) {
    const struct tenon_node node = rw->graph->nodes[id];
    const struct tenon_desc in = *tenon_rewrite_desc(rw, node.inputs[0]);
    struct tenon_attrs first = {.stride = {2, {1, 1}}, .window = node.attrs.window};
    struct tenon_attrs second = node.attrs;
    if ((node.attrs.window.values[0] <= most && node.attrs.window.values[1] <= most) ||
        in.type == TENON_TYPE_F32 || !tenon_rewrite_replace(rw, id))
        return;
    first.pad.count = second.pad.count = 4;
    for (int i = 0; i < 2; i++) {
        int32_t window = lesser(node.attrs.window.values[i], most);
        first.window.values[i] = window;
        second.window.values[i] -= window - 1;
        for (int side = i; side < 4; side += 2) {
            first.pad.values[side] = lesser(node.attrs.pad.values[side], window - 1);
            second.pad.values[side] -= first.pad.values[side];
        }
    }
    const struct tenon_desc out = tenon_rewrite_desc_of(rw, node.outputs[0]);
    uint32_t x = tenon_rewrite_result(rw, TENON_OP_MAX_POOL_2D, &first, node.inputs, 1, &in);
    tenon_rewrite_finish(rw, tenon_rewrite_result(rw, TENON_OP_MAX_POOL_2D, &second, &x, 1, &out));
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const int32_t most = rw->capabilities->kernel_max;
    if (most < 2)
        return;
    if (rw->graph->nodes[id].op == TENON_OP_MAX_POOL_2D)
        split_max_pool(rw, id, most);
    else
        split_conv(rw, id, most);
}

const struct tenon_pass tenon_pass_split_large_kernels = {
    .name = "split-large-kernels",
    .purpose = "windows larger than the target's: convolutions folded, maxima of maxima",
    .visit = visit,
};
