/*
 * Convolutions whose stride is above what the target has become ones of stride 1:
 *
 *     y = conv_2d(x, w, b) {stride=[2, 2]}                      x 1x7x7x3, w 16x3x3x3
 *     y = conv_2d(space_to_depth(pad(x)), w', b) {stride=[1, 1]}        8x8, w' 16x2x2x12
 *
 * A stride in one direction only, or two different ones, go through reshape and transpose instead
 * of space_to_depth; a stride in width alone needs nothing but a reshape. A depthwise convolution
 * becomes one of as many groups as it has channels.
 *
 * Requires: integers, constant weights and bias. Establishes: no stride above
 * capabilities.stride_max. Exact: sums have the same products and zeros.
 */
#include "passes/fold.h"

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const int32_t most = rw->capabilities->stride_max;
    struct tenon_conv conv;
    struct tenon_fold fold;
    if (most == 0 || !tenon_conv_read(rw, id, &conv))
        return;
    /* One pixel at a time along an axis that must be folded. */
    const int32_t outputs[2] = {conv.window.stride_h > most, conv.window.stride_w > most};
    if ((outputs[0] != 0 || outputs[1] != 0) && tenon_fold_plan(&fold, &conv, outputs))
        tenon_fold_apply(&fold, rw, id, &conv);
}

const struct tenon_pass tenon_pass_unstride_convolutions = {
    .name = "unstride-convolutions",
    .purpose = "strides the target lacks: blocks of pixels into depth, stride 1",
    .visit = visit,
};
