/*
 * Convolutions with fewer channels than the target computes at a time take several neighbouring
 * pixels of a row as one of more channels:
 *
 *     y = conv_2d(x, w)                               x 1x96x96x1, w 4x3x3x1, channel atom 8
 *     y = reshape(conv_2d(reshape(x), w'))            x 1x96x24x4, w' 16x3x3x4
 *
 * Rows are rounded up to whole blocks before, and cut after. How many pixels: the number that makes
 * the most of the atom, counted in atoms of input and output channels times taps and pixels; no
 * rewrite unless it gains a quarter.
 *
 * Requires: integers, constant weights and bias, one group. Establishes nothing: it is for speed.
 * Exact: sums have the same products and zeros.
 */
#include "passes/fold.h"

static double atoms(int64_t channels, int32_t atom) {
    return (double)((channels + atom - 1) / atom);
}

/* Of a convolution that reads k_c channels through `taps` for out_c channels of `pixels`. */
static double cost_of(double pixels, double taps, int64_t k_c, int64_t out_c, int32_t atom) {
    return pixels * taps * atoms(k_c, atom) * atoms(out_c, atom);
}

static double cost_before(const struct tenon_conv *conv, int32_t atom) {
    const struct tenon_window *w = &conv->window;
    return cost_of((double)w->out_h * w->out_w, (double)w->k_h * w->k_w, conv->k_c, conv->out_c,
                   atom);
}

static double cost_after(const struct tenon_fold *fold, const struct tenon_conv *conv,
                         int32_t atom) {
    const struct tenon_fold_axis *y = &fold->axes[0], *x = &fold->axes[1];
    return cost_of((double)y->out_blocks * x->out_blocks, (double)y->kernel * x->kernel,
                   (int64_t)conv->k_c * x->block, (int64_t)conv->out_c * x->outputs, atom);
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const int32_t atom = rw->capabilities->channel_atom;
    struct tenon_conv conv;
    struct tenon_fold fold, best = {0};
    if (atom < 2 || !tenon_conv_read(rw, id, &conv) || conv.groups != 1 || conv.window.in_c >= atom)
        return;
    double before = cost_before(&conv, atom), least = before;
    for (int32_t pixels = 1; pixels <= atom && pixels <= conv.window.out_w; pixels++) {
        const int32_t outputs[2] = {0, pixels}; /* the height stays */
        if (!tenon_fold_plan(&fold, &conv, outputs) || cost_after(&fold, &conv, atom) >= least)
            continue;
        least = cost_after(&fold, &conv, atom);
        best = fold;
    }
    if (least <= before * 0.75)
        tenon_fold_apply(&best, rw, id, &conv);
}

const struct tenon_pass tenon_pass_few_channels = {
    .name = "few-channels",
    .purpose = "too few channels for the channel atom: neighbouring pixels as channels",
    .visit = visit,
};
