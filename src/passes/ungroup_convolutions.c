/*
 * Convolutions over groups of channels become ones over all channels, or over as many groups as
 * fill the channel atom:
 *
 *     y = conv_2d(x, w, b)                                   x 1x8x8x16, w 6x3x3x8: two groups
 *     y = concatenation(conv_2d(x[0..8], w[0..3], b[0..3]), conv_2d(x[8..16], w[3..6], b[3..6]))
 *
 * Requires: integers, constant weights and bias. Establishes: no such conv_2d with groups. Exact:
 * sums have the same products and zeros.
 */
#include "passes/ungroup.h"

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct tenon_conv conv;
    if (rw->graph->nodes[id].op == TENON_OP_CONV_2D && tenon_conv_read(rw, id, &conv) &&
        conv.groups > 1)
        tenon_ungroup(rw, id, &conv, rw->capabilities->channel_atom);
}

const struct tenon_pass tenon_pass_ungroup_convolutions = {
    .name = "ungroup-convolutions",
    .purpose = "groups of a convolution by the channel atom, each an ordinary convolution",
    .visit = visit,
};
