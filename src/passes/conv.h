/*
 * What passes over convolutions share: conv_2d (also grouped) and depthwise_conv_2d seen alike, as
 * filters over groups of input channels, and new filters made from old ones. Integers only: floats
 * would be summed up in another order.
 */
#ifndef TENON_PASSES_CONV_H
#define TENON_PASSES_CONV_H

#include "op/kernel.h"
#include "passes/steps.h"

/* Weights and bias of a linear node, constants both. */
struct tenon_linear_weights {
    struct tenon_desc desc;
    const void *data;
    struct tenon_desc bias_desc; /* type NONE: there is no bias */
    const void *bias;
};

/* False when the node is not one of integers with constant weights and bias. */
TENON_NODISCARD bool tenon_linear_weights_read(struct tenon_rewriter *rewriter,
                                               const struct tenon_node *node,
                                               struct tenon_linear_weights *weights);

struct tenon_conv {
    struct tenon_node node;
    bool depthwise;
    struct tenon_window window;
    int32_t groups, out_c, k_c; /* out_c of all groups; k_c: input channels of one filter */
    struct tenon_linear_weights weights;
};

/* False when the node is no convolution, or as above. */
TENON_NODISCARD bool tenon_conv_read(struct tenon_rewriter *rewriter, uint32_t node,
                                     struct tenon_conv *conv);
/* The weight of filter o at row y, column x, channel i of its group, zero point taken off. */
int32_t tenon_conv_weight(const struct tenon_conv *conv, int32_t o, int32_t y, int32_t x,
                          int32_t i);

/* New weights (OHWI, all 0 at first) and bias. */
struct tenon_filters {
    int32_t out_c, k_h, k_w, k_c;
    int32_t zero_point;
    uint8_t *data;
    uint32_t weights, bias; /* tensors; bias may be TENON_ID_NONE */
};

/*
 * Filter j takes scale and bias of filter from[j] of `weights`, whose scales lie on any axis. 4-bit
 * weights become 8-bit ones. False after a failure.
 */
TENON_NODISCARD bool tenon_filters_init(struct tenon_filters *filters,
                                        struct tenon_rewriter *rewriter,
                                        const struct tenon_linear_weights *weights,
                                        const int32_t shape[4], const int32_t *from);
/* Whether weights of this shape, o filters of h x w x i, are of a size that anyone would want. */
static inline bool tenon_filters_fit(double o, double h, double w, double i) {
    return o * h * w * i <= 1 << 26;
}
/* Room for `from`, of the rewriter's scratch memory; NULL after a failure. */
int32_t *tenon_filters_from(struct tenon_rewriter *rewriter, int32_t count);

static inline void tenon_filters_set(struct tenon_filters *f, int32_t o, int32_t y, int32_t x,
                                     int32_t i, int32_t value) {
    size_t at =
        (((size_t)o * (size_t)f->k_h + (size_t)y) * (size_t)f->k_w + (size_t)x) * (size_t)f->k_c +
        (size_t)i;
    f->data[at] = (uint8_t)(value + f->zero_point);
}

/* A conv_2d over x with these filters; activation, type and quantization are those of `node`. */
uint32_t tenon_filters_apply(const struct tenon_filters *filters, struct tenon_rewriter *rewriter,
                             const struct tenon_node *node, uint32_t x,
                             const struct tenon_attrs *geometry);

/* The part of tenon_attrs that places a window. */
struct tenon_attrs tenon_window_attrs(const struct tenon_window *window);

#endif
