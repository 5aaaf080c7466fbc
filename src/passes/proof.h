/*
 * Proofs that a rewrite gives the same integers for every input: two ways to get from a sum to a
 * result are compared over all sums there can be. Both never fall as the sum grows, so where the
 * two agree on both ends of a range, and the ends agree, they agree in between.
 */
#ifndef TENON_PASSES_PROOF_H
#define TENON_PASSES_PROOF_H

#include "ir/graph.h"
#include "op/kernel.h"

/* How a sum of products becomes an element of `out`: zero points taken off before. */
struct tenon_rescale {
    struct tenon_multiplier multiplier;
    enum tenon_rounding rounding;
    int32_t zero_point, low, high; /* of the result */
    int64_t factor, offset;        /* the accumulator is factor * sum + offset */
};

/* With factor 1, offset 0, and the range of the activation. */
struct tenon_rescale tenon_rescale_to(const struct tenon_desc *out, double scale,
                                      const struct tenon_node *node);
int32_t tenon_rescale_at(const struct tenon_rescale *rescale, int64_t sum);
/* Whether accumulators of sums within [-bound, bound] keep to 30 bits, where rescaling rises. */
bool tenon_rescale_rises(const struct tenon_rescale *rescale, int64_t bound);

typedef int32_t tenon_result_fn(const void *context, int64_t sum);
/* Whether `result` is what the rescale gives for all sums from low to high. */
bool tenon_rescale_is(const struct tenon_rescale *rescale, tenon_result_fn *result,
                      const void *context, int64_t low, int64_t high);

#endif
