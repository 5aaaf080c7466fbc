/*
 * Averages as depthwise convolutions with equal weights, in the cases in which some weight, scale
 * and bias give the same integer for every sum that a window can have.
 */
#ifndef TENON_PASSES_AVERAGE_H
#define TENON_PASSES_AVERAGE_H

#include "passes/proof.h"
#include "passes/steps.h"

struct tenon_average {
    struct tenon_node node;
    struct tenon_desc in, out;  /* one scale each */
    struct tenon_window window; /* without padding */
    int32_t count, low, high;   /* elements of a window; the activation's range */
};

/* Weights of one size, their scale, and the bias. */
struct tenon_average_weights {
    int32_t weight, bias;
    float scale;
};

/* average_pool_2d's result: the sum of the integers as they stand, half away from zero. */
int32_t tenon_average_pooled(const void *average, int64_t sum);

/* False when nothing that is tried gives `result` for all sums of 8-bit integers. */
bool tenon_average_find(const struct tenon_average *average, tenon_result_fn *result,
                        struct tenon_average_weights *weights);
/* The convolution; attrs of the node but for stride, dilation and activation are not taken. */
uint32_t tenon_average_apply(struct tenon_rewriter *rewriter, const struct tenon_average *average,
                             const struct tenon_average_weights *weights);

#endif
