/* See fused.h. */
#include "backends/cpu/fused.h"

#include <math.h>

enum {
    SHIFT_MAX = 14, /* beyond, floats have too few bits, and sums do not fit them */
    LANES = 4,      /* results that are looked at at once */
};

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
    rule->result[i] = (float)(rule->first + i);
    if (rounded % 2 == 0) {
        rule->above[i] = 0;
        rule->below[i] = (float)-half;
    } else {
        rule->above[i] = (float)half;
        rule->below[i] = fabs(y) > 0.5 ? (float)half : 0; /* floats are denser next to 0 */
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

/*
 * A result k starts with x = (k * unit - half + excess) / multiplier, the excess being what makes
 * it a whole number: in [0, multiplier). From one result to the next it goes down by the remainder
 * of the unit.
 */
struct starts {
    int32_t excess[LANES]; /* of the next results */
    int32_t remainder;     /* of LANES units */
    int32_t multiplier;
};

/* (a - b) modulo m, of numbers in [0, m). */
TENON_ALWAYS_INLINE int32_t subtract(int32_t a, int32_t b, int32_t m) {
    int32_t difference = a - b;
    return difference + (difference >> 31 & m);
}

static int64_t half_of(const struct tenon_fused_rule *rule, int64_t unit) {
    return unit / 2 + (rule->rounding == TENON_ROUNDING_SINGLE ? 0 : INT64_C(1) << 30);
}

static void starts_init(struct starts *s, const struct tenon_fused_rule *rule, int64_t unit,
                        int32_t multiplier) {
    int32_t below = (int32_t)((rule->first * unit - half_of(rule, unit)) % multiplier);
    int32_t one = (int32_t)(unit % multiplier), excess = below > 0 ? multiplier - below : -below;
    s->multiplier = multiplier;
    s->remainder = 0;
    for (int lane = 0; lane < LANES; lane++) {
        s->excess[lane] = excess;
        excess = subtract(excess, one, multiplier);
        s->remainder = subtract(s->remainder, multiplier - one, multiplier); /* adds one */
    }
}

/* What offsets have to be above and below of, and whether a result starts at a tie. */
struct bounds {
    float least[LANES], most[LANES];
    int32_t ties[LANES];
};

/* drift: of a result's start by the factor, per result. scale: of an excess. */
TENON_ALWAYS_INLINE void look(const struct tenon_fused_rule *rule, int32_t at, int lanes,
                              struct starts *s, float drift, float scale, struct bounds *b) {
    for (int i = 0; i < lanes; i++) {
        float start = drift * rule->result[at + i] + scale * (float)s->excess[i];
        float from = rule->above[at + i] - start, to = rule->below[at + i] - start;
        b->least[i] = from > b->least[i] ? from : b->least[i];
        b->most[i] = to < b->most[i] ? to : b->most[i];
        b->ties[i] |= s->excess[i] == 0;
        s->excess[i] = subtract(s->excess[i], s->remainder, s->multiplier);
    }
}

/* Offsets between `least` and `most` give every result for this factor. */
static bool find_offset(const struct tenon_fused_rule *rule, const struct tenon_multiplier *m,
                        struct starts s, double factor, float *offset) {
    const int64_t unit = INT64_C(1) << (31 - m->shift);
    const double scale = factor / m->multiplier, drift = (double)unit * scale - 1;
    struct bounds b;
    for (int i = 0; i < LANES; i++) {
        b.least[i] = -INFINITY;
        b.most[i] = INFINITY;
        b.ties[i] = 0;
    }
    int32_t at = 0, count = rule->last - rule->first + 1;
    for (; at + LANES <= count; at += LANES)
        look(rule, at, LANES, &s, (float)drift, (float)scale, &b);
    look(rule, at, count - at, &s, (float)drift, (float)scale, &b);
    /* More than what floats lose: some units in the last place of the factor and of what the
     * results drift, which is less than 2^-13. */
    double slack = factor * 0x1p-20 + 0x1p-34, zero = (double)half_of(rule, unit) * scale - 0.5;
    double least = fmax(fmax(b.least[0], b.least[1]), fmax(b.least[2], b.least[3]));
    double most = fmin(fmin(b.most[0], b.most[1]), fmin(b.most[2], b.most[3]));
    least += zero - rule->center + slack;
    most += zero - rule->center + factor - slack;
    bool tie = (b.ties[0] | b.ties[1] | b.ties[2] | b.ties[3]) != 0;
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
    starts_init(&s, rule, INT64_C(1) << (31 - m->shift), m->multiplier);
    float nearest = ldexpf((float)m->multiplier, m->shift - 31);
    float tries[] = {nearest, nextafterf(nearest, 0), nextafterf(nearest, 1)};
    for (int i = 0; i < 3; i++) {
        *factor = tries[i];
        if (find_offset(rule, m, s, *factor, offset))
            return true;
    }
    return false;
}
