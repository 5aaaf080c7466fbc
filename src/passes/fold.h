/*
 * Folding a convolution: its input's rows and columns go into depth in blocks, its weights are
 * rearranged, and it becomes a convolution of stride 1 and dilation 1 that computes outputs[0] x
 * outputs[1] neighbouring pixels at a time, side by side in its channels:
 *
 *     y = conv_2d(x) stride S, any padding and dilation
 *     y = to_space(conv_2d(to_depth(frame(x), blocks of outputs * S)) stride 1, blocks of outputs)
 *
 * One pixel at a time takes the stride away; several make few channels more, and kernels smaller.
 * An axis with outputs 0 stays as it is, stride and dilation too.
 */
#ifndef TENON_PASSES_FOLD_H
#define TENON_PASSES_FOLD_H

#include "passes/conv.h"

/* Along one axis, input position block * i + phase, counted from `before` elements before its
 * first. Tap t of output k of a block reads (k * stride + t * dilation + shift) / block further. */
struct tenon_fold_axis {
    int32_t size, out, taps, stride, dilation;
    int32_t outputs, block, shift, before;
    int32_t blocks, kernel, out_blocks, pad_before, pad_after; /* of the new convolution */
    int32_t new_stride, new_dilation;
};

struct tenon_fold {
    struct tenon_fold_axis axes[2];
};

/* False when a number would not fit. */
TENON_NODISCARD bool tenon_fold_plan(struct tenon_fold *fold, const struct tenon_conv *conv,
                                     const int32_t outputs[2]);
/* Rewrites the convolution, node `id`. */
void tenon_fold_apply(const struct tenon_fold *fold, struct tenon_rewriter *rewriter, uint32_t id,
                      const struct tenon_conv *conv);

#endif
