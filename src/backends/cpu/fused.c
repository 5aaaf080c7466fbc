/* See fused.h. */
#include "backends/cpu/fused.h"

#include <math.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    SHIFT_MAX = 14, /* beyond, floats have too few bits, and sums do not fit them */
    LANES = 4,      /* results that are looked at at once, by each of two chains */
    CHAINS = 2,
};

#define NO_LIMIT -1e30f

typedef float floats TENON_VECTOR(LANES * sizeof(float));
typedef int32_t ints TENON_VECTOR(LANES * sizeof(int32_t));

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
    for (int32_t i = 0; i < TENON_FUSED_RESULTS + 1; i++) {
        rule->above[i] = NO_LIMIT;
        rule->below[i] = -NO_LIMIT;
    }
    for (int32_t i = 0; rule->kind != TENON_FUSED_NONE && i <= rule->last - rule->first; i++)
        find_limits(rule, i);
}

/*
 * A result k starts with x = (k * unit - half + excess) / multiplier, the excess being what makes
 * it a whole number: in [0, multiplier). From one result to the next it goes down by the remainder
 * of the unit.
 */
struct starts {
    ints excess[CHAINS]; /* of the next results */
    int32_t remainder;   /* of LANES * CHAINS units */
    int32_t multiplier;
};

/* (a - b) modulo m, of numbers in [0, m). */
static int32_t subtract(int32_t a, int32_t b, int32_t m) {
    return a - b + (a < b ? m : 0);
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
    for (int i = 0; i < LANES * CHAINS; i++) {
        s->excess[i / LANES][i % LANES] = excess;
        excess = subtract(excess, one, multiplier);
        s->remainder = subtract(s->remainder, multiplier - one, multiplier); /* adds one */
    }
}

/* What offsets have to be above and below of. */
struct bounds {
    floats least, most;
};

static floats load(const float *from) {
    floats y;
    memcpy(&y, from, sizeof(y));
    return y;
}

#if defined(__SSE2__)
static floats higher(floats a, floats b) {
    return (floats)_mm_max_ps((__m128)a, (__m128)b);
}

static floats lower(floats a, floats b) {
    return (floats)_mm_min_ps((__m128)a, (__m128)b);
}
#else
static floats choose(ints chosen, floats a, floats b) {
    return (floats)(((ints)a & chosen) | ((ints)b & ~chosen));
}

static floats higher(floats a, floats b) {
    return choose(a > b, a, b);
}

static floats lower(floats a, floats b) {
    return choose(a < b, a, b);
}
#endif

/* drift: of a result's start by the factor, per result. scale: of an excess. */
static void look(const struct tenon_fused_rule *rule, int32_t at, ints excess, float drift,
                 float scale, struct bounds *b) {
    floats above = load(rule->above + at), below = load(rule->below + at);
    floats start =
        drift * load(rule->result + at) + scale * __builtin_convertvector(excess, floats);
    b->least = higher(b->least, above - start);
    b->most = lower(b->most, below - start);
}

static struct bounds find_bounds(const struct tenon_fused_rule *rule, struct starts s, float drift,
                                 float scale) {
    floats none = {NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT};
    struct bounds b[CHAINS] = {{.least = none, .most = -none}, {.least = none, .most = -none}};
    for (int32_t i = 0; i <= rule->last - rule->first; i += LANES * CHAINS)
        for (int k = 0; k < CHAINS; k++) {
            look(rule, i + k * LANES, s.excess[k], drift, scale, &b[k]);
            s.excess[k] -= s.remainder;
            s.excess[k] += (s.excess[k] < 0) & s.multiplier;
        }
    b[0].least = higher(b[0].least, b[1].least);
    b[0].most = lower(b[0].most, b[1].most);
    return b[0];
}

/*
 * Whether a result starts at a tie, without excess. Where the unit is 2^(31 + r) and half of it is
 * taken as 2^(30 + r) + 2^30, it starts with 2^30 times an odd number below 2^23 over the
 * multiplier, which is above 2^30: a whole number only where the multiplier ends in zero bits.
 */
static bool has_tie(const struct tenon_fused_rule *rule, const struct tenon_multiplier *m) {
    const int64_t unit = INT64_C(1) << (31 - m->shift);
    bool tie = false;
    for (int32_t i = rule->first; i <= rule->last && m->multiplier % 128 == 0; i++)
        tie |= (i * unit - half_of(rule, unit)) % m->multiplier == 0;
    return tie;
}

/* Offsets between `least` and `most` give every result for this factor. */
static bool find_offset(const struct tenon_fused_rule *rule, const struct tenon_multiplier *m,
                        struct starts s, double factor, float *offset) {
    const int64_t unit = INT64_C(1) << (31 - m->shift);
    const double scale = factor / m->multiplier, drift = (double)unit * scale - 1;
    const struct bounds b = find_bounds(rule, s, (float)drift, (float)scale);
    /* More than what floats lose: some units in the last place of the factor and of what the
     * results drift, which is less than 2^-13. */
    double slack = factor * 0x1p-20 + 0x1p-34, zero = (double)half_of(rule, unit) * scale - 0.5;
    double least = -INFINITY, most = INFINITY;
    for (int i = 0; i < LANES; i++) {
        least = b.least[i] > least ? b.least[i] : least;
        most = b.most[i] < most ? b.most[i] : most;
    }
    least += zero - rule->center + slack;
    most += zero - rule->center + factor - slack;
    *offset = (float)((least + most) / 2);
    bool symmetric = rule->kind == TENON_FUSED_SYMMETRIC;
    return *offset > least && *offset < most && !(symmetric && *offset < 0);
}

bool tenon_fused_find(const struct tenon_fused_rule *rule, const struct tenon_multiplier *m,
                      float *factor, float *offset) {
    *factor = m->real;
    *offset = 0;
    if (rule->rounding == TENON_ROUNDING_F32)
        return m->shift < 0 && m->shift >= -30;
    if (rule->kind == TENON_FUSED_NONE || m->multiplier < 1 << 30 || m->shift >= 0 ||
        m->shift < -SHIFT_MAX || rule->first > rule->last)
        return false;
    if (rule->kind == TENON_FUSED_SYMMETRIC && has_tie(rule, m))
        return false;
    struct starts s;
    starts_init(&s, rule, INT64_C(1) << (31 - m->shift), m->multiplier);
    const float nearest = ldexpf((float)m->multiplier, m->shift - 31);
    for (int i = 0; i < 3; i++) {
        *factor = i == 0 ? nearest : nextafterf(nearest, (float)(i - 1));
        if (find_offset(rule, m, s, *factor, offset))
            return true;
    }
    return false;
}
