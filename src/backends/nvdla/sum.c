/*
 * The search for exact sums. TFLite's sum rescales both operands to fractions of 20 bits before it
 * adds and rescales again: to all pairs of operands it gives the same as rounding one real number,
 * a*A + b*B, would, but for noise far below the distance between most pairs. So:
 *
 * 1. A and B need a ratio of 20 bits or more. Weights of 8 bits bring it near, and BN, which adds
 *    an operand shifted left, corrects it: A = weight_a * mul1, B = weight_b * mul1 + 2^shift.
 * 2. With integers A and B the sums that have to give at least k lie above those that have to give
 *    less, for every k, or the ratio is useless: all 65,536 pairs are looked at.
 * 3. That leaves an interval for the sum at which each k begins. The line through all intervals
 *    gives factor and offset of what follows, two multipliers of 16 bits; both ends of every
 *    interval are computed as the hardware does, which proves all pairs since it is monotone.
 */
#include "backends/nvdla/sum.h"

#include <math.h>
#include <string.h>

#include "backend/requantize_pair.h"

enum {
    VALUES = 256,
    LOWEST = -128,
    WEIGHT_MAX = 127,
    RATIOS = 6,           /* ratios that are tried, from the most precise on */
    SUM_MAX = 0x7f000000, /* of s, with room for rounding */
};

static int64_t sum_of(const struct nvdla_sum *sum, int32_t a, int32_t b) {
    int32_t extra = sum->extra == NVDLA_SUM_FIRST ? a : sum->extra == NVDLA_SUM_SECOND ? b : 0;
    return (int64_t)(sum->weight_a * a + sum->weight_b * b + sum->addend) * sum->mul1 +
           extra * (INT64_C(1) << sum->extra_shift);
}

int32_t tenon_nvdla_sum_apply(const struct nvdla_sum *sum, int32_t a, int32_t b) {
    return tenon_nvdla_factors_apply(&sum->factors, sum_of(sum, a, b));
}

/* ---- what is wanted ---- */

struct search {
    const struct tenon_pair *pair;
    double slope_a, slope_b;                  /* of the result, per unit of an operand */
    int32_t terms_a[VALUES], terms_b[VALUES]; /* the rescaled operands */
    int8_t wanted[VALUES][VALUES];            /* [a][b] */
    struct nvdla_line line;
};

static double factor_of(const struct tenon_multiplier *m) {
    return ldexp((double)m->multiplier, m->shift - 31);
}

static int32_t term(const struct tenon_pair *p, int32_t value, const struct tenon_multiplier *m) {
    return tenon_requantize(value * (1 << p->left_shift), m, p->rounding);
}

static void tabulate(struct search *s) {
    const struct tenon_pair *p = s->pair;
    int32_t sign = p->op == TENON_OP_SUB ? -1 : 1;
    double common = ldexp(factor_of(&p->out), p->left_shift);
    s->slope_a = factor_of(&p->a) * common;
    s->slope_b = factor_of(&p->b) * common * sign;
    s->line.low = 127;
    s->line.high = -128;
    for (int32_t i = 0; i < VALUES; i++) {
        s->terms_a[i] = term(p, i + LOWEST - p->zero_a, &p->a);
        s->terms_b[i] = sign * term(p, i + LOWEST - p->zero_b, &p->b);
    }
    for (int32_t a = 0; a < VALUES; a++)
        for (int32_t b = 0; b < VALUES; b++) {
            int32_t value = tenon_requantize(s->terms_a[a] + s->terms_b[b], &p->out, p->rounding);
            value = tenon_clamp_i32(value, -1024, 1024) + p->zero_out;
            value = tenon_clamp_i32(value, p->low, p->high);
            s->wanted[a][b] = (int8_t)value;
            s->line.low = value < s->line.low ? value : s->line.low;
            s->line.high = value > s->line.high ? value : s->line.high;
        }
}

/* ---- ratios ---- */

static double units_of(const struct nvdla_sum *sum, enum nvdla_sum_extra which) {
    double weight = which == NVDLA_SUM_FIRST ? sum->weight_a : sum->weight_b;
    return weight * sum->mul1 + (sum->extra == which ? ldexp(1, (int)sum->extra_shift) : 0);
}

/* The error of the ratio, as an error of the result. */
static double error_of(const struct search *s, const struct nvdla_sum *sum) {
    double a = units_of(sum, NVDLA_SUM_FIRST), b = units_of(sum, NVDLA_SUM_SECOND);
    if (a <= 0)
        return INFINITY;
    double tilt = fabs(b * s->slope_a / a - s->slope_b);
    double other = b == 0 ? INFINITY : fabs(a * s->slope_b / b - s->slope_a);
    return fmin(tilt, other);
}

/* Whether s stays in 32 bits. */
static bool fits(const struct nvdla_sum *sum) {
    double reach = fabs(units_of(sum, NVDLA_SUM_FIRST)) + fabs(units_of(sum, NVDLA_SUM_SECOND));
    return 256 * reach < SUM_MAX;
}

/* mul1 and shift for two weights, with the first or second operand as the extra: mul1 times
 * `missing` is to be 2^shift; as large as fits. */
static bool set_extra(struct nvdla_sum *sum, double missing) {
    if (!(missing > 0))
        return false;
    int shift = (int)floor(log2(missing * INT16_MAX));
    for (shift = shift > 22 ? 22 : shift; shift >= 0; shift--) {
        double mul1 = nearbyint(ldexp(1, shift) / missing);
        if (mul1 < 1)
            return false;
        sum->mul1 = (int16_t)mul1;
        sum->extra_shift = (uint32_t)shift;
        if (fits(sum))
            return true;
    }
    return false;
}

static bool set_plain(struct nvdla_sum *sum) {
    sum->extra = NVDLA_SUM_NEITHER;
    sum->extra_shift = 0;
    for (sum->mul1 = 1 << 14; sum->mul1 > 0; sum->mul1 /= 2)
        if (fits(sum))
            return true;
    return false;
}

struct ratio {
    struct nvdla_sum sum;
    double error;
};

/* Keeps the best, sorted. */
static void offer(const struct search *s, struct ratio *best, const struct nvdla_sum *sum) {
    struct ratio ratio = {.sum = *sum, .error = error_of(s, sum)};
    for (int i = 0; i < RATIOS; i++)
        if (ratio.error < best[i].error) {
            struct ratio worse = best[i];
            best[i] = ratio;
            ratio = worse;
        }
}

static void try_weights(const struct search *s, double weight_a, double weight_b,
                        struct ratio *best) {
    double ratio = s->slope_a / s->slope_b;
    struct nvdla_sum sum = {0};
    if (fabs(weight_a) > WEIGHT_MAX || fabs(weight_b) > WEIGHT_MAX)
        return;
    sum.weight_a = (int8_t)weight_a;
    sum.weight_b = (int8_t)weight_b;
    if (set_plain(&sum))
        offer(s, best, &sum);
    sum.extra = NVDLA_SUM_FIRST;
    if (set_extra(&sum, ratio * weight_b - weight_a))
        offer(s, best, &sum);
    sum.extra = NVDLA_SUM_SECOND;
    if (set_extra(&sum, weight_a / ratio - weight_b))
        offer(s, best, &sum);
}

static void search_ratios(const struct search *s, struct ratio *best) {
    double ratio = s->slope_a / s->slope_b, sign = ratio < 0 ? -1 : 1;
    for (int i = 0; i < RATIOS; i++)
        best[i].error = INFINITY;
    for (int32_t w = 0; w <= WEIGHT_MAX; w++)
        for (int up = 0; up <= 1; up++) {
            try_weights(s, fmin(floor(w * fabs(ratio)) + up, WEIGHT_MAX), sign * w, best);
            try_weights(s, w, sign * fmin(floor(w / fabs(ratio)) + up, WEIGHT_MAX), best);
        }
}

/* ---- where each result begins ---- */

/* So that s is near 0 where the result is the zero point: needed for ReLU, and it saves a bit. */
static bool set_addend(const struct search *s, struct nvdla_sum *sum) {
    double middle = units_of(sum, NVDLA_SUM_FIRST) * s->pair->zero_a +
                    units_of(sum, NVDLA_SUM_SECOND) * s->pair->zero_b;
    double addend = nearbyint(-middle / sum->mul1);
    sum->addend = (int16_t)addend;
    return fabs(addend) <= INT16_MAX;
}

/* False when sums of different results are not apart. */
static bool separate(struct search *s, const struct nvdla_sum *sum) {
    int64_t least[VALUES], most[VALUES];
    int32_t count = s->line.high - s->line.low;
    for (int32_t i = 0; i <= count; i++) {
        least[i] = INT64_MAX;
        most[i] = INT64_MIN;
    }
    int64_t step = sum_of(sum, 0, 1) - sum_of(sum, 0, 0);
    for (int32_t a = 0; a < VALUES; a++) {
        int64_t value = sum_of(sum, a + LOWEST, LOWEST);
        for (int32_t b = 0; b < VALUES; b++, value += step) {
            int32_t i = s->wanted[a][b] - s->line.low;
            least[i] = value < least[i] ? value : least[i];
            most[i] = value > most[i] ? value : most[i];
        }
    }
    for (int32_t i = 1; i <= count; i++)
        most[i] = most[i - 1] > most[i] ? most[i - 1] : most[i];
    for (int32_t i = count - 1; i >= 0; i--)
        least[i] = least[i + 1] < least[i] ? least[i + 1] : least[i];
    for (int32_t i = 0; i < count; i++) {
        s->line.under[i] = most[i];
        s->line.at[i] = least[i + 1];
        if (s->line.under[i] >= s->line.at[i])
            return false;
    }
    return true;
}

/* Sums at the corners: the least and the most there are. */
static void set_range(struct search *s, const struct nvdla_sum *sum) {
    s->line.first = INT64_MAX;
    s->line.last = INT64_MIN;
    for (int32_t a = LOWEST; a <= -LOWEST; a += VALUES - 1)
        for (int32_t b = LOWEST; b <= -LOWEST; b += VALUES - 1) {
            int64_t value = sum_of(sum, a, b);
            s->line.first = value < s->line.first ? value : s->line.first;
            s->line.last = value > s->line.last ? value : s->line.last;
        }
}

bool tenon_nvdla_sum_solve(const struct tenon_pair *pair, struct nvdla_sum *out) {
    struct search s = {.pair = pair};
    struct ratio ratios[RATIOS];
    tabulate(&s);
    if (!(s.slope_a > 0) || s.slope_b == 0)
        return false;
    s.line.clamp_low = pair->low;
    s.line.clamp_high = pair->high;
    s.line.relu = pair->low > -128 && pair->low == pair->zero_out;
    search_ratios(&s, ratios);
    for (int i = 0; i < RATIOS && ratios[i].error < 1; i++) {
        *out = ratios[i].sum;
        if (!set_addend(&s, out) || !separate(&s, out))
            continue;
        set_range(&s, out);
        if (tenon_nvdla_line_solve(&s.line, units_of(out, NVDLA_SUM_FIRST) / s.slope_a,
                                   &out->factors))
            return true;
    }
    return false;
}
