/* See fused.h. */
#include "backends/cpu/fused.h"

#include <math.h>

enum { SHIFT_MAX = 14 }; /* beyond, floats have too few bits, and sums do not fit them */

static const double SLACK = 0x1p-40; /* more than what doubles lose here */

/*
 * A result k starts where y = k - center - 1/2 is passed, and there rounding half to even goes up
 * for an even k - center only. y is a float itself: rounding to floats never crosses it, but takes
 * what is within half a unit of the last place to it.
 */
static void find_limits(struct tenon_fused_rule *rule, int32_t i) {
    int32_t rounded = rule->first + i - rule->center;
    double y = rounded - 0.5;
    int exponent;
    (void)frexp(y, &exponent);
    double half = ldexp(1, exponent - 25);
    if (rounded % 2 == 0) {
        rule->above[i] = y - SLACK;
        rule->below[i] = y - half - SLACK;
    } else {
        rule->above[i] = y + half + SLACK;
        rule->below[i] = fabs(y) > 0.5 ? y + half - SLACK : y; /* floats are denser next to 0 */
    }
}

void tenon_fused_rule_init(struct tenon_fused_rule *rule, enum tenon_rounding rounding, int32_t low,
                           int32_t high, int32_t zero_point) {
    bool both_ways = rounding != TENON_ROUNDING_SINGLE && low < zero_point;
    *rule = (struct tenon_fused_rule){.rounding = rounding, .kind = TENON_FUSED_SHIFTED};
    if (rounding == TENON_ROUNDING_F32)
        return;
    low -= zero_point;
    high -= zero_point;
    if (both_ways) {
        rule->kind = TENON_FUSED_SYMMETRIC;
        rule->first = 1;
        rule->last = high > -low ? high : -low;
    } else {
        rule->first = low + 1;
        rule->last = high;
        rule->center = low + (high - low + 1) / 2;
    }
    if (rule->last - rule->first >= TENON_FUSED_RESULTS)
        rule->kind = TENON_FUSED_NONE;
    for (int32_t i = 0; rule->kind != TENON_FUSED_NONE && i <= rule->last - rule->first; i++)
        find_limits(rule, i);
}

/* The sums where results start: the least x with x * multiplier >= result * unit - half. */
struct starts {
    int64_t x, excess; /* x * multiplier - (result * unit - half), in [0, multiplier) */
    int64_t multiplier, quotient, remainder; /* of the unit */
};

static void starts_init(struct starts *s, const struct tenon_fused_rule *rule,
                        const struct tenon_multiplier *m) {
    const int64_t unit = INT64_C(1) << (31 - m->shift);
    int64_t half = unit / 2 + (rule->rounding == TENON_ROUNDING_SINGLE ? 0 : INT64_C(1) << 30);
    int64_t least = rule->first * unit - half;
    s->multiplier = m->multiplier;
    s->quotient = unit / s->multiplier;
    s->remainder = unit % s->multiplier;
    s->x = least / s->multiplier; /* towards zero */
    s->excess = s->x * s->multiplier - least;
    if (s->excess < 0) {
        s->x++;
        s->excess += s->multiplier;
    }
}

static void starts_next(struct starts *s) {
    int64_t carry = s->remainder > s->excess;
    s->x += s->quotient + carry;
    s->excess += (carry != 0 ? s->multiplier : 0) - s->remainder;
}

/* Offsets between `least` and `most` give every result for this factor. */
static bool find_offset(const struct tenon_fused_rule *rule, struct starts s, double factor,
                        float *offset) {
    double least = -INFINITY, most = INFINITY;
    bool tie = false;
    for (int32_t i = 0; i <= rule->last - rule->first; i++, starts_next(&s)) {
        double product = (double)s.x * factor;
        double from = rule->above[i] - product, to = rule->below[i] + factor - product;
        least = from > least ? from : least;
        most = to < most ? to : most;
        tie |= s.excess == 0;
    }
    *offset = (float)((least + most) / 2);
    bool symmetric = rule->kind == TENON_FUSED_SYMMETRIC;
    return *offset > least && *offset < most && !(symmetric && (tie || *offset < 0));
}

bool tenon_fused_find(const struct tenon_fused_rule *rule, const struct tenon_multiplier *m,
                      float *factor, float *offset) {
    *factor = m->real;
    *offset = 0;
    if (rule->rounding == TENON_ROUNDING_F32)
        return m->shift < 0 && m->shift >= -30;
    if (rule->kind == TENON_FUSED_NONE || m->multiplier <= 0 || m->shift >= 0 ||
        m->shift < -SHIFT_MAX || rule->first > rule->last)
        return false;
    struct starts s;
    starts_init(&s, rule, m);
    float nearest = ldexpf((float)m->multiplier, m->shift - 31);
    float tries[] = {nearest, nextafterf(nearest, 0), nextafterf(nearest, 1)};
    for (int i = 0; i < 3; i++) {
        *factor = tries[i];
        if (find_offset(rule, s, *factor, offset))
            return true;
    }
    return false;
}
