/* The mean of 8-bit elements as a multiple of their sum, by proof over all sums. */
#ifndef TENON_BACKENDS_CPU_MEAN_PROOF_H
#define TENON_BACKENDS_CPU_MEAN_PROOF_H

#include "image/cpu_params.h"
#include "op/kernel.h"

/* What the reference kernel makes of Σ (element - zero point). */
struct tenon_mean_rule {
    struct tenon_multiplier multiplier;
    enum tenon_rounding rounding;
    int64_t least, most; /* sums */
    int32_t low, high, zero_point;
};

void tenon_mean_rule_init(struct tenon_mean_rule *rule, const struct tenon_desc *in,
                          const struct tenon_desc *out, int32_t count,
                          enum tenon_rounding rounding);
int32_t tenon_mean_rule_apply(const struct tenon_mean_rule *rule, int64_t sum);
/* Finds parameters that give the rule's result for all sums; false where it found none. */
bool tenon_mean_find(const struct tenon_mean_rule *rule, struct tenon_mean_params *out);
/* The result of a sum as kernels compute it. */
int32_t tenon_mean_apply(const struct tenon_mean_rule *rule, const struct tenon_mean_params *params,
                         int64_t sum);

#endif
