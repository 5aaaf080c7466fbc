/*
 * Both the rule and the multiple rise with the sum: they are the same where they reach each result
 * at the same sum. With a given multiplier each of these sums bounds what may be added. The double
 * rule rounds twice, away from zero: it is a multiple of the sum's magnitude.
 */
#include "backends/cpu/mean_proof.h"

#include <math.h>

enum { RIGHT_MAX = 20 }; /* of a shift by 32 more: bounds fit 64 bits */

void tenon_mean_rule_init(struct tenon_mean_rule *rule, const struct tenon_desc *in,
                          const struct tenon_desc *out, int32_t count,
                          enum tenon_rounding rounding) {
    int64_t zero = tenon_desc_zero_point(in);
    *rule = (struct tenon_mean_rule){
        .multiplier = tenon_mean_multiplier(in, out, count),
        .rounding = rounding,
        .least = (tenon_type_min(in->type) - zero) * count,
        .most = (tenon_type_max(in->type) - zero) * count,
        .low = tenon_type_min(out->type),
        .high = tenon_type_max(out->type),
        .zero_point = tenon_desc_zero_point(out),
    };
}

static int32_t clamp(const struct tenon_mean_rule *rule, int64_t value) {
    return value < rule->low ? rule->low : value > rule->high ? rule->high : (int32_t)value;
}

int32_t tenon_mean_rule_apply(const struct tenon_mean_rule *rule, int64_t sum) {
    int64_t scaled = tenon_requantize((int32_t)sum, &rule->multiplier, rule->rounding);
    return clamp(rule, scaled + rule->zero_point);
}

int32_t tenon_mean_apply(const struct tenon_mean_rule *rule, const struct tenon_mean_params *params,
                         int64_t sum) {
    int64_t sign = params->of_magnitude && sum < 0 ? -1 : 1;
    int64_t scaled = (4 * sign * sum * params->multiplier + params->add) >> (32 + params->right);
    return clamp(rule, sign * scaled + rule->zero_point);
}

/* The rule over [from, to], or mirrored at zero: sign * (rule(sign * x) - zero point). */
struct side {
    const struct tenon_mean_rule *rule;
    int32_t sign;
    int64_t from, to;
};

static int32_t result_at(const struct side *side, int64_t x) {
    return side->sign *
           (tenon_mean_rule_apply(side->rule, side->sign * x) - side->rule->zero_point);
}

/* The least x whose result is v or more; `from` has less, `to` has not. */
static int64_t threshold(const struct side *side, int32_t v) {
    int64_t below = side->from, reached = side->to;
    while (reached - below > 1) {
        int64_t middle = below + (reached - below) / 2;
        if (result_at(side, middle) >= v)
            reached = middle;
        else
            below = middle;
    }
    return reached;
}

/* What may be added. */
struct bounds {
    int64_t low, high;
};

/* The multiple reaches v at `reached` and not at `below`. */
static void bound(struct bounds *bounds, const struct tenon_mean_params *params, int32_t v,
                  int64_t below, int64_t reached) {
    const int64_t q = INT64_C(4) * params->multiplier;
    const int64_t step = (int64_t)v * (INT64_C(1) << (32 + params->right));
    if (step - q * reached > bounds->low)
        bounds->low = step - q * reached;
    if (step - q * below - 1 < bounds->high)
        bounds->high = step - q * below - 1;
}

static void bound_side(struct bounds *bounds, const struct tenon_mean_params *params,
                       const struct side *side) {
    const struct tenon_mean_rule *rule = side->rule;
    int32_t most = side->sign > 0 ? rule->high - rule->zero_point : rule->zero_point - rule->low;
    int32_t first = result_at(side, side->from), last = result_at(side, side->to);
    for (int32_t v = first + 1; v <= last; v++) {
        int64_t at = threshold(side, v);
        bound(bounds, params, v, at - 1, at);
    }
    if (last < most) /* not reached at all */
        bound(bounds, params, last + 1, side->to, side->to + (INT64_C(1) << 24));
}

/* Sets `add` so that the multiplier gives the rule, of sums or of their magnitudes. */
static bool fit(const struct tenon_mean_rule *rule, struct tenon_mean_params *params) {
    const int64_t half = INT64_C(1) << (31 + params->right);
    struct bounds bounds = {0, 2 * half - 1};
    if (params->of_magnitude) {
        bound_side(&bounds, params, &(struct side){rule, 1, 0, rule->most});
        bound_side(&bounds, params, &(struct side){rule, -1, 0, -rule->least});
    } else {
        bound_side(&bounds, params, &(struct side){rule, 1, rule->least, rule->most});
    }
    params->add = half < bounds.low ? bounds.low : half > bounds.high ? bounds.high : half;
    return bounds.low <= bounds.high &&
           tenon_mean_apply(rule, params, rule->least) == tenon_mean_rule_apply(rule, rule->least);
}

bool tenon_mean_find(const struct tenon_mean_rule *rule, struct tenon_mean_params *out) {
    static const double stretches[] = {1, 1 + 0x1p-24, 1 + 0x1p-20, 1 - 0x1p-24};
    const struct tenon_multiplier *m = &rule->multiplier;
    int32_t right = 1 - m->shift;
    if (m->multiplier <= 0 || right < 0 || right > RIGHT_MAX || rule->least < -(1 << 24) ||
        rule->most > 1 << 24)
        return false;
    double exact = rule->rounding == TENON_ROUNDING_F32 ? ldexp((double)m->real, 31 - m->shift)
                                                        : m->multiplier;
    for (size_t i = 0; i < 2 * TENON_COUNT_OF(stretches); i++) {
        *out = (struct tenon_mean_params){
            .multiplier = (int32_t)fmin(round(exact * stretches[i / 2]), INT32_MAX),
            .right = right,
            .of_magnitude = i % 2 != 0};
        if (fit(rule, out))
            return true;
    }
    return false;
}
