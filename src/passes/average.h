/*
 * Averages, weighted ones too, as depthwise convolutions, in the cases in which some size of the
 * weights, scale and bias give the same integer for every sum that a window can have.
 */
#ifndef TENON_PASSES_AVERAGE_H
#define TENON_PASSES_AVERAGE_H

#include "passes/proof.h"
#include "passes/steps.h"

struct tenon_average {
    struct tenon_node node;
    struct tenon_desc in, out;  /* one scale each */
    struct tenon_window window; /* without padding */
    int32_t count, low, high;   /* sum of the shares; the activation's range */
    int32_t largest;            /* share of an element in `count`; 1 of a plain average */
};

/* What a share of 1 is as a weight, the scale of weights, and the bias. */
struct tenon_average_weights {
    int32_t weight, bias;
    float scale;
};

/* average_pool_2d's result: the sum of the integers as they stand, half away from zero. */
int32_t tenon_average_pooled(const void *average, int64_t sum);

/*
 * False when nothing that is tried gives `result` for all sums of 8-bit integers. `raw`: the result
 * is made of integers as they stand, and not of what they stand for.
 */
bool tenon_average_find(const struct tenon_average *average, tenon_result_fn *result, bool raw,
                        struct tenon_average_weights *weights);
/* Weights and bias of a depthwise convolution with these numbers: as many filters for each channel
 * as there are rows of `shares`, which has k_h * k_w columns. */
void tenon_average_constants(struct tenon_rewriter *rewriter, const struct tenon_average *average,
                             const struct tenon_average_weights *weights, const int32_t *shares,
                             int32_t rows, uint32_t *filters, uint32_t *bias);
/* The convolution; attrs of the node but for stride, dilation and activation are not taken. */
uint32_t tenon_average_apply(struct tenon_rewriter *rewriter, const struct tenon_average *average,
                             const struct tenon_average_weights *weights);

#endif
