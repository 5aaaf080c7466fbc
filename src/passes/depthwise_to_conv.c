/*
 * Depthwise convolutions become ordinary ones, for targets without them:
 *
 *     y = depthwise_conv_2d(x, w, b)                x 1x8x8x16, w 1x3x3x32: two outputs a channel
 *     y = conv_2d(x, w', b)                         w' 32x3x3x16, zero but for its own channel
 *
 * With a channel atom, say 8, each block of as many channels has a convolution of its own, which
 * costs as much as the target pays for a depthwise block anyway:
 *
 *     y = concatenation(conv_2d(x[0..8], w0' 16x3x3x8), conv_2d(x[8..16], w1' 16x3x3x8))
 *
 * Requires: integers, constant weights and bias. Establishes: no such depthwise_conv_2d. Exact:
 * sums have the same products and zeros.
 */
#include "passes/ungroup.h"

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct tenon_conv conv;
    if (rw->graph->nodes[id].op == TENON_OP_DEPTHWISE_CONV_2D && tenon_conv_read(rw, id, &conv))
        tenon_ungroup(rw, id, &conv, rw->capabilities->channel_atom);
}

const struct tenon_pass tenon_pass_depthwise_to_conv = {
    .name = "depthwise-to-conv",
    .purpose = "depthwise convolutions as ordinary ones, block-diagonal by the channel atom",
    .visit = visit,
};
