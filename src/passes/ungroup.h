/*
 * Groups of a convolution computed by ordinary ones: all groups in one whose weights are zero
 * outside of the groups, or, where the target computes channels in blocks, as many groups at a time
 * as fill one:
 *
 *     y = concatenation(conv_2d(split(x)[0], w0), conv_2d(split(x)[1], w1), …)
 */
#ifndef TENON_PASSES_UNGROUP_H
#define TENON_PASSES_UNGROUP_H

#include "passes/conv.h"

/* Rewrites the convolution, node `id`; channel_atom 0: one convolution. */
void tenon_ungroup(struct tenon_rewriter *rewriter, uint32_t id, const struct tenon_conv *conv,
                   int32_t channel_atom);

#endif
