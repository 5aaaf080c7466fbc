/*
 * The search for operands; see requantize_pair.h.
 *
 * What is wanted steps from k - 1 to k at an accumulator at[k]; a pair whose product is G steps at
 * (k - 1/2) / G + offset, give or take the rounding between the two multiplications. It is exact
 * when that lies in (at[k] - 1, at[k]] for every k: in the plane of 1/G and offset each step
 * allows a strip, all together a convex polygon, whose extent along 1/G is found by halving. Then a
 * pair of 15-bit factors whose product is inside is looked for, from the largest first factor down,
 * and proved with integers: every step, at the accumulator where it has to be and at the one below.
 *
 * The bias goes into the addends: its high part before the first multiplication, the rest after it.
 */
#include "backend/requantize_pair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEPS_MAX = 512,
    LANES = 8,    /* numbers looked at together */
    MANY = 32,    /* pairs that are expected */
    TRIES = 64,   /* pairs that are tried on a channel for given shifts */
    BLOCK = 32,   /* first multipliers until a look at what was found */
    HALVINGS = 2, /* of the polygon's extent */
    CLIMBS = 24,  /* towards its widest place */
    OPERAND_MAX = INT16_MAX,
    SHIFT_MAX = 45, /* results and steps times 2^shift stay below 2^53 */
    ADD_SHIFT_MAX = 31,
    FIRST_SHIFT_MAX = 16,
    POST_SHIFT = 36, /* 21 to 22 bits after the point in what post multiplies */
    POST_LEAST = 1 << 14,
    POST_STEP = 1237,
    LESS_MAX = 1,
    MANY_CHANNELS = 16,
};

/* 2^n, as ldexp but without a call; |n| < 1000. */
static double power(int n) {
    double one = 1;
    uint64_t bits = (uint64_t)(1023 + n) << 52;
    memcpy(&one, &bits, sizeof(one));
    return one;
}

/* Added and subtracted again it rounds to a whole number; unlike a conversion that can be done to
 * several numbers at once. */
#define ROUND 6755399441055744.0 /* 1.5 * 2^52 */
#define FAR 1e30f                /* away from all steps */

int64_t tenon_shift_half_away(int64_t x, uint32_t shift) {
    if (shift == 0)
        return x;
    int64_t half = INT64_C(1) << (shift - 1);
    return x >= 0 ? (x + half) >> shift : -((half - x) >> shift);
}

static int64_t saturate32(int64_t x) {
    return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x;
}

int32_t tenon_pair_apply(const struct tenon_pair_shifts *shifts,
                         const struct tenon_pair_operands *o, int64_t accumulator) {
    int64_t x = accumulator + o->add1 * (INT64_C(1) << shifts->add1);
    int64_t y = saturate32(tenon_shift_half_away(x * o->mul1, shifts->mul1));
    y += saturate32(o->add2 * (INT64_C(1) << shifts->add2));
    y = saturate32(tenon_shift_half_away(y * o->mul2, shifts->mul2));
    return (int32_t)saturate32(tenon_shift_half_away(y * shifts->post, shifts->post_shift));
}

/* ---- what is wanted ---- */

/*
 * Where the wanted function of x = accumulator + bias steps: at[i] is the smallest x that gives
 * first + i + 1. Around the middle of the steps, at[i] lies above[i] above the line with the wanted
 * slope.
 */
struct steps {
    int32_t first, last; /* results at the ends of the range */
    int64_t low, high;   /* the range of x */
    int32_t count;
    double pitch; /* x between two steps: the slope */
    int32_t at[STEPS_MAX + LANES];
    float above[STEPS_MAX];
    float below_range, beyond_range; /* of the ends of the range: see straighten */
    float least, most;
    /* Those that may be the lowest or highest after some tilt: index from the middle, above. */
    int32_t critical_count;
    float critical_index[STEPS_MAX], critical_above[STEPS_MAX];
};

static int32_t wanted(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c,
                      int64_t x) {
    int64_t value;
    if (c->divisor != 0 && c->half_up)
        value = (x + c->divisor / 2 + INT64_C(256) * c->divisor) / c->divisor - 256;
    else if (c->divisor != 0)
        value = (x > 0 ? x + c->divisor / 2 : x - c->divisor / 2) / c->divisor;
    else
        value = tenon_requantize((int32_t)x, &c->multiplier, p->rounding);
    return (int32_t)(value < p->out_low ? p->out_low : value > p->out_high ? p->out_high : value);
}

static double factor_of(const struct tenon_pair_channel *c) {
    if (c->divisor != 0)
        return 1.0 / c->divisor;
    return c->multiplier.multiplier * power(c->multiplier.shift - 31);
}

/* Halving finds each step in any monotone function: wanted(below) < result <= wanted(above). */
static int64_t search_step(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c,
                           int32_t result, int64_t below, int64_t above) {
    while (above - below > 1) {
        int64_t middle = below + (above - below) / 2;
        if (wanted(p, c, middle) < result)
            below = middle;
        else
            above = middle;
    }
    return above;
}

/* The double rule rounds to whole numbers x*q/2^31 before it shifts: half of one less is needed to
 * reach a positive result, half of one more for the others. */
static double double_advance(const struct tenon_pair_problem *p,
                             const struct tenon_pair_channel *c) {
    bool twice = p->rounding == TENON_ROUNDING_DOUBLE && c->divisor == 0 && c->multiplier.shift < 0;
    return twice ? power(c->multiplier.shift - 1) : 0;
}

/* Whether guesses tell a step, but for those near a whole number. */
static bool guesses_hold(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c) {
    return c->divisor != 0 || p->rounding == TENON_ROUNDING_SINGLE ||
           (p->rounding == TENON_ROUNDING_DOUBLE && c->multiplier.shift < 0);
}

/* The step near `guess`, asked of the rule itself. */
static int64_t settle_step(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c,
                           const struct steps *s, int32_t result, double guess, int64_t from) {
    int64_t below = from, above = s->high;
    if (guess - 2 > (double)below && guess - 2 < (double)above &&
        wanted(p, c, (int64_t)guess - 2) < result)
        below = (int64_t)guess - 2;
    if (guess + 2 < (double)above && guess + 2 > (double)below &&
        wanted(p, c, (int64_t)guess + 2) >= result)
        above = (int64_t)guess + 2;
    return search_step(p, c, result, below, above);
}

/* Steps i to i + LANES - 1 by their guesses, rounded up; true when all are sure. */
static bool guess_steps(struct steps *s, int32_t i, double advance, double guesses[LANES]) {
    static const double offsets[LANES] = {0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5};
    double near[LANES], least;
    for (int k = 0; k < LANES; k++) {
        double result = s->first + i + offsets[k]; /* less a half */
        guesses[k] = (result - (result > 0 ? advance : -advance)) * s->pitch;
        double up = guesses[k] + 0.5 + ROUND - ROUND, above = up - guesses[k];
        s->at[i + k] = (int32_t)up;
        near[k] = above < 1 - above ? above : 1 - above;
    }
    least = near[0];
    for (int k = 1; k < LANES; k++)
        least = near[k] < least ? near[k] : least;
    return least > 1.0 / 4096;
}

static bool find_steps(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c,
                       struct steps *s) {
    s->low = c->low + c->bias;
    s->high = c->high + c->bias;
    if (s->low < INT32_MIN || s->high > INT32_MAX || c->low < INT32_MIN || c->high > INT32_MAX)
        return false;
    s->first = wanted(p, c, s->low);
    s->last = wanted(p, c, s->high);
    s->count = s->last - s->first;
    if (s->count > STEPS_MAX)
        return false;
    double advance = double_advance(p, c);
    bool hold = guesses_hold(p, c);
    s->pitch = 1 / factor_of(c);
    for (int32_t i = 0; i < s->count; i += LANES) {
        double guesses[LANES];
        if (guess_steps(s, i, advance, guesses) && hold)
            continue;
        for (int32_t k = i; k < i + LANES && k < s->count; k++) {
            int64_t from = k == 0 ? s->low : s->at[k - 1] - INT64_C(1);
            s->at[k] = (int32_t)settle_step(p, c, s, s->first + k + 1, guesses[k - i], from);
        }
    }
    return true;
}

/* ---- the polygon ---- */

/*
 * Results that do not occur, because they would begin before the range or after it, have to stay
 * there: a limit on one side each, unless the clamp is that limit.
 */
static void straighten(const struct tenon_pair_problem *p, struct steps *s) {
    int32_t middle = s->count / 2;
    double origin = (double)s->at[middle] - middle * s->pitch;
    for (int32_t i = 0; i < s->count; i++)
        s->above[i] = (float)(s->at[i] - (origin + i * s->pitch));
    s->below_range = s->first == p->out_low ? FAR : (float)((double)s->low - (origin - s->pitch));
    s->beyond_range = s->last == p->out_high
                          ? -FAR
                          : (float)((double)s->high + 1 - (origin + s->count * s->pitch));
    s->least = s->below_range;
    s->most = s->beyond_range;
    for (int32_t i = 0; i < s->count; i++) {
        s->least = s->above[i] < s->least ? s->above[i] : s->least;
        s->most = s->above[i] > s->most ? s->above[i] : s->most;
    }
}

/* All within `band` of the lowest or highest. */
static void gather_critical(struct steps *s, double band) {
    float low = (float)(s->least + band), high = (float)(s->most - band);
    int32_t count = 0;
    for (int32_t i = 0; i < s->count; i++) {
        s->critical_index[count] = (float)(i - s->count / 2);
        s->critical_above[count] = s->above[i];
        count += s->above[i] <= low || s->above[i] >= high;
    }
    s->critical_count = count;
}

/* How wide the polygon is along the offset when the pitch is larger by `tilt`; negative: outside.
 */
static double width_at(const struct steps *s, double tilt) {
    float step = (float)tilt;
    float least = s->below_range + (float)(s->count / 2 + 1) * step;
    float most = s->beyond_range - (float)(s->count - s->count / 2) * step;
    for (int32_t i = 0; i < s->critical_count; i++) {
        float x = s->critical_above[i] - s->critical_index[i] * step;
        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    return 1.0 + (double)least - (double)most;
}

/* The width is concave in the tilt: thirds find the widest place. */
static double widest_tilt(const struct steps *s, double limit) {
    double low = -limit, high = limit;
    for (int i = 0; i < CLIMBS; i++) {
        double a = low + (high - low) / 3, b = high - (high - low) / 3;
        if (width_at(s, a) < width_at(s, b))
            low = a;
        else
            high = b;
    }
    return (low + high) / 2;
}

/* How far the tilt may go from `inside` towards `limit` while the width is enough. A step of tilt
 * takes at most one per index from the width; from there doubling, then halving. */
static double farthest_tilt(const struct steps *s, double inside, double limit, double enough) {
    double step = copysign((width_at(s, inside) - enough) / s->count, limit), outside;
    do {
        outside = inside + step;
        if (fabs(outside) >= fabs(limit))
            outside = limit;
        if (width_at(s, outside) <= enough)
            break;
        inside = outside;
        step *= 2;
    } while (inside != limit);
    for (int i = 0; inside != limit && i < HALVINGS; i++) {
        double middle = (inside + outside) / 2;
        if (width_at(s, middle) > enough)
            inside = middle;
        else
            outside = middle;
    }
    return inside;
}

struct extent {
    double least, most; /* tilts */
    bool impossible;    /* whatever the width */
};

/* False when the polygon is nowhere wider than `enough`. */
static bool find_extent(struct steps *s, double enough, struct extent *out) {
    const double float_error = 1.0 / 65536;
    double width = 1.0 + (double)s->least - (double)s->most, inside = 0;
    double limit = fmin(s->pitch / 64, 4.0 / (s->count + 1));
    *out = (struct extent){0};
    if (width > enough) {
        /* A tilt by less than band / count changes no difference by more than the band. */
        double band = 4 * (width - enough) + 1.0 / 16;
        gather_critical(s, band);
        limit = fmin(limit, band / s->count);
    } else if (enough > 0) {
        return false;
    } else {
        gather_critical(s, 2.0 * STEPS_MAX);
        inside = widest_tilt(s, limit);
        double widest = width_at(s, inside);
        out->impossible = widest < -float_error;
        if (widest <= 0)
            return false;
    }
    out->least = farthest_tilt(s, inside, -limit, enough);
    out->most = farthest_tilt(s, inside, limit, enough);
    return true;
}

/* ---- shifts ---- */

struct attempt {
    const struct tenon_pair_problem *problem;
    const struct tenon_pair_channel *channel;
    struct steps *steps;
    struct tenon_pair_shifts shifts;
    enum tenon_pair_mode mode;
};

static int64_t first_limit(const struct tenon_pair_problem *p, double factor, uint32_t shift) {
    double reach = fmax(abs(p->out_low - p->center), abs(p->out_high - p->center)) + 2;
    double limit = floor(factor * power(31 + (int)shift) / reach);
    return limit < 1 ? 1 : limit > OPERAND_MAX ? OPERAND_MAX : (int64_t)limit;
}

/* A channel that is always the same. */
static bool is_constant(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c) {
    int64_t low = c->low + c->bias, high = c->high + c->bias;
    return low >= INT32_MIN && high <= INT32_MAX && wanted(p, c, low) == wanted(p, c, high);
}

/* What is added to the accumulator altogether. */
static double addend_of(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c) {
    return (double)c->bias - p->center / factor_of(c);
}

static double first_addend(double addend, uint32_t shift) {
    return nearbyint(addend * power(-(int)shift));
}

/* What the first addend of a constant channel should reach: beyond all accumulators. */
static double reach_of(const struct tenon_pair_channel *c) {
    return 1.25 * fmax(fabs((double)c->low), fabs((double)c->high));
}

static uint32_t first_add_shift(const struct tenon_pair_problem *p) {
    uint32_t shift = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct tenon_pair_channel *c = &p->channels[i];
        double addend = is_constant(p, c) ? reach_of(c) : addend_of(p, c);
        while (shift < ADD_SHIFT_MAX && fabs(first_addend(addend, shift)) > OPERAND_MAX)
            shift++;
    }
    return shift;
}

static double post_factor(const struct tenon_pair_shifts *s) {
    return s->post * power(-(int)s->post_shift);
}

/* The shifts that suit every channel when the first multiplication shifts by `mul1`, and the second
 * by `less` less than it could. */
static void choose_shifts(const struct tenon_pair_problem *p, uint32_t mul1, int less,
                          struct tenon_pair_shifts *s) {
    double post = post_factor(s);
    double add2_max = 0;
    int second = SHIFT_MAX;
    s->mul1 = mul1;
    s->add1 = first_add_shift(p);
    double rest = ldexp(0.5, (int)s->add1) + 1;
    for (uint32_t i = 0; i < p->count; i++) {
        double factor = factor_of(&p->channels[i]);
        if (is_constant(p, &p->channels[i]))
            continue;
        double first = (double)first_limit(p, factor, mul1);
        add2_max = fmax(add2_max, rest * ldexp(first, -(int)mul1));
        int fits = ilogb(OPERAND_MAX * first * post / factor) - (int)mul1;
        second = fits < second ? fits : second;
    }
    s->mul2 = second < less ? 0 : (uint32_t)(second - less);
    s->add2 = 0;
    while (ldexp(add2_max, -(int)s->add2) > OPERAND_MAX)
        s->add2++;
}

/* ---- proof ---- */

static int32_t computed(const struct attempt *a, const struct tenon_pair_operands *o, int64_t x) {
    int32_t value = tenon_pair_apply(&a->shifts, o, x - a->channel->bias);
    int64_t centered = (int64_t)value + a->problem->center;
    centered = centered < a->problem->out_low ? a->problem->out_low : centered;
    return (int32_t)(centered > a->problem->out_high ? a->problem->out_high : centered);
}

/* Whether the two agree within `slack` (0 or 1) on the whole range. */
static bool agree(const struct attempt *a, const struct tenon_pair_operands *o, int32_t slack) {
    const struct steps *s = a->steps;
    if (abs(computed(a, o, s->low) - s->first) > slack ||
        abs(computed(a, o, s->high) - s->last) > slack)
        return false;
    for (int32_t i = 0; i < s->count; i++) {
        int32_t above = s->first + i + 1;
        if (computed(a, o, s->at[i]) < above - slack ||
            computed(a, o, s->at[i] - INT64_C(1)) > above - 1 + slack)
            return false;
    }
    return true;
}

/* The smallest y that `factor` and `shift` take to at least `result`. Exact in double: the quotient
 * of integers below 2^53 is no nearer to an integer than 1 / factor. */
static int64_t least_for(int64_t factor, uint32_t shift, int64_t result) {
    double half = power((int)shift - 1);
    double edge = (double)result * power((int)shift) - half;
    if (shift == 0)
        edge = (double)result;
    /* Half away from zero: for results up to 0 the tie belongs to the value below. */
    return (int64_t)(result > 0 || shift == 0 ? ceil(edge / (double)factor)
                                              : floor(edge / (double)factor) + 1);
}

/* The result of the first multiplication, before it is saturated. */
static int64_t first_product(const struct attempt *a, const struct tenon_pair_operands *o,
                             int64_t x) {
    int64_t sum = x - a->channel->bias + o->add1 * (INT64_C(1) << a->shifts.add1);
    return tenon_shift_half_away(sum * o->mul1, a->shifts.mul1);
}

/* The smallest sum after it that gives `result`. */
static int64_t least_sum(const struct attempt *a, const struct tenon_pair_operands *o,
                         int32_t result) {
    int64_t wanted_post = (int64_t)result - a->problem->center;
    if (a->shifts.post_shift != 0)
        wanted_post = least_for(a->shifts.post, a->shifts.post_shift, wanted_post);
    return least_for(o->mul2, a->shifts.mul2, wanted_post);
}

/* What may be added to y, as an interval, so that step i is at its place. */
static void narrow(const struct attempt *a, const struct tenon_pair_operands *o, int32_t i,
                   int64_t *low, int64_t *high) {
    int64_t least = least_sum(a, o, a->steps->first + i + 1), at = a->steps->at[i];
    int64_t from = least - first_product(a, o, at);
    int64_t to = least - 1 - first_product(a, o, at - 1);
    *low = from > *low ? from : *low;
    *high = to < *high ? to : *high;
}

static bool is_32_bits(int64_t x) {
    return x >= INT32_MIN && x <= INT32_MAX;
}

/* Whether nothing saturates at the outermost steps, and so at none: then what was said of steps
 * holds, and between them since everything is monotone. */
static bool steps_hold(const struct attempt *a, const struct tenon_pair_operands *o) {
    const int64_t ends[] = {a->steps->at[0] - INT64_C(1), a->steps->at[a->steps->count - 1]};
    for (int i = 0; i < 2; i++) {
        int64_t y = first_product(a, o, ends[i]);
        int64_t sum = y + o->add2 * (INT64_C(1) << a->shifts.add2);
        if (!is_32_bits(y) || !is_32_bits(tenon_shift_half_away(sum * o->mul2, a->shifts.mul2)))
            return false;
    }
    return computed(a, o, a->steps->low) == a->steps->first &&
           computed(a, o, a->steps->high) == a->steps->last;
}

/* What is to be added to the accumulator when a step takes `pitch`: the middle one is at its place.
 */
static double addend_for(const struct attempt *a, double pitch) {
    const struct steps *s = a->steps;
    int32_t middle = s->count / 2, result = s->first + middle + 1 - a->problem->center;
    return (double)a->channel->bias - (s->at[middle] - 0.5) + (result - 0.5) * pitch;
}

/* False: it does not fit. */
static bool set_first_addend(const struct attempt *a, double pitch, struct tenon_pair_operands *o) {
    double add1 = first_addend(addend_for(a, pitch), a->shifts.add1);
    o->add1 = (int16_t)add1;
    return fabs(add1) <= OPERAND_MAX;
}

/* Whether an add2 makes the pair exact. The outermost steps say no soonest. */
static bool try_pair(const struct attempt *a, struct tenon_pair_operands *o) {
    const struct steps *s = a->steps;
    int64_t low = INT32_MIN, high = INT32_MAX;
    int32_t count = s->count;
    if (s->first != a->problem->out_low)
        low = least_sum(a, o, s->first) - first_product(a, o, s->low);
    if (s->last != a->problem->out_high)
        high = least_sum(a, o, s->last + 1) - 1 - first_product(a, o, s->high);
    for (int32_t i = 0; i < count && low <= high; i++)
        narrow(a, o, i % 2 == 0 ? count - 1 - i / 2 : i / 2, &low, &high);
    if (low > high)
        return false;
    int64_t unit = INT64_C(1) << a->shifts.add2;
    int64_t value = tenon_shift_half_away(low + (high - low) / 2, a->shifts.add2);
    if (value < INT16_MIN || value > INT16_MAX || value * unit < low || value * unit > high)
        return false;
    o->add2 = (int16_t)value;
    return steps_hold(a, o);
}

/* ---- search ---- */

/* Products that will do, and the one in the middle. */
struct products {
    double least, most, middle;
};

/* How far the best partner of a first multiplier misses the middle. Adding and subtracting rounds
 * to a whole number, and unlike a conversion it can be done to several at once. */
TENON_ALWAYS_INLINE double miss_of(const struct products *p, double first) {
    const double round = 6755399441055744.0; /* 1.5 * 2^52 */
    return fabs((p->middle / first + round - round) * first - p->middle);
}

static bool is_product(const struct products *p, int32_t first) {
    double second = nearbyint(p->middle / first), product = second * first;
    return product >= p->least && product <= p->most && second <= OPERAND_MAX;
}

/* The next first multiplier from `first` down to `last` that has a partner; less than last: none.
 */
static int32_t next_first(const struct products *p, int32_t first, int32_t last) {
    static const double offsets[LANES] = {0, 1, 2, 3, 4, 5, 6, 7};
    double enough = (p->most - p->least) / 2 * (1 + 1e-9);
    for (; first - BLOCK >= last; first -= BLOCK) {
        double best[LANES], least;
        for (int k = 0; k < LANES; k++)
            best[k] = miss_of(p, first - offsets[k]);
        for (int i = LANES; i < BLOCK; i += LANES)
            for (int k = 0; k < LANES; k++) {
                double miss = miss_of(p, first - i - offsets[k]);
                best[k] = miss < best[k] ? miss : best[k];
            }
        least = best[0];
        for (int k = 1; k < LANES; k++)
            least = best[k] < least ? best[k] : least;
        if (least <= enough)
            break;
    }
    while (first >= last && !is_product(p, first))
        first--;
    return first;
}

/*
 * Pairs whose product is in the extent, from the largest first multiplier down. Of the multiples of
 * m one in m / (most - least) is in it: where that gives dozens of pairs, and other shifts would
 * give others, deciding does not look for them.
 */
static bool search_pairs(const struct attempt *a, const struct extent *extent, bool sure,
                         struct tenon_pair_operands *out) {
    const struct steps *s = a->steps;
    double one = power((int)(a->shifts.mul1 + a->shifts.mul2)) / post_factor(&a->shifts);
    struct products p = {one / (s->pitch + extent->most), one / (s->pitch + extent->least), 0};
    p.middle = (p.least + p.most) / 2;
    int32_t last = (int32_t)fmax(1, ceil(p.least / OPERAND_MAX));
    int32_t first = (int32_t)first_limit(a->problem, 1 / s->pitch, a->shifts.mul1);
    if (sure && last < (first + 1) / 2)
        last = (first + 1) / 2; /* the margin is for these */
    if (sure && (!set_first_addend(a, s->pitch + extent->least, out) ||
                 !set_first_addend(a, s->pitch + extent->most, out)))
        return false;
    if (sure && (p.most - p.least) * log((double)first / last) > MANY)
        return true;
    for (int tries = 0; tries < TRIES; tries++, first--) {
        first = next_first(&p, first, last);
        if (first < last)
            return false;
        struct tenon_pair_operands o = *out;
        o.mul1 = (int16_t)first;
        o.mul2 = (int16_t)nearbyint(p.middle / first);
        double pitch = one / ((double)o.mul1 * o.mul2);
        if (sure || (set_first_addend(a, pitch, &o) && try_pair(a, &o))) {
            *out = o;
            return true;
        }
    }
    return false;
}

/* The pair with the best product, if it is within 1 everywhere. */
static bool settle_for_nearest(const struct attempt *a, double rest,
                               struct tenon_pair_operands *o) {
    double factor = factor_of(a->channel), best = INFINITY;
    double product =
        ldexp(factor, (int)(a->shifts.mul1 + a->shifts.mul2)) / post_factor(&a->shifts);
    int64_t m = first_limit(a->problem, factor, a->shifts.mul1);
    for (; m >= 1; m--) {
        double second = nearbyint(product / (double)m);
        if (second > OPERAND_MAX)
            break;
        double error = fabs((double)m * second / product - 1);
        if (error >= best)
            continue;
        best = error;
        o->mul1 = (int16_t)m;
        o->mul2 = (int16_t)second;
    }
    double add2 = ldexp(rest * o->mul1, -(int)(a->shifts.mul1 + a->shifts.add2));
    o->add2 = (int16_t)nearbyint(fmin(fmax(add2, INT16_MIN), INT16_MAX));
    return agree(a, o, 1);
}

/*
 * A channel that is always the same. Its own factor may be far from what the shifts suit: it is
 * enough that the sum comes near the constant for all accumulators, or stays beyond a limit.
 */
static bool solve_constant(const struct attempt *a, struct tenon_pair_operands *o) {
    static const int16_t factors[] = {OPERAND_MAX, 1 << 11, 1 << 7, 1 << 3, 1};
    const struct tenon_pair_shifts *s = &a->shifts;
    double value = a->steps->first - a->problem->center;
    double middle = ((double)a->channel->low + (double)a->channel->high) / 2;
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
        for (size_t k = 0; k < sizeof(factors) / sizeof(factors[0]); k++) {
            double y = ldexp(value, (int)s->mul2) / (post_factor(s) * factors[k]);
            double sum = ldexp(y, (int)s->mul1) / factors[i] - middle;
            double add1 = nearbyint(ldexp(sum, -(int)s->add1));
            *o = (struct tenon_pair_operands){.mul1 = factors[i], .mul2 = factors[k]};
            o->add1 = (int16_t)fmin(fmax(add1, -OPERAND_MAX), OPERAND_MAX);
            if (agree(a, o, 0))
                return true;
        }
    *o = (struct tenon_pair_operands){OPERAND_MAX, OPERAND_MAX, OPERAND_MAX, OPERAND_MAX};
    if (a->steps->first == a->problem->out_low)
        o->add1 = o->add2 = -OPERAND_MAX;
    return agree(a, o, 0);
}

enum outcome { EXACT, WITHIN_ONE, WRONG, IMPOSSIBLE };

/* First where rounding between the multiplications surely does no harm, then anywhere. */
static enum outcome search_exact(const struct attempt *a, struct tenon_pair_operands *out) {
    double first = (double)first_limit(a->problem, 1 / a->steps->pitch, a->shifts.mul1);
    double unit = power((int)a->shifts.mul1 + 1) / first;
    double post = post_factor(&a->shifts) * a->steps->pitch;
    double margins[] = {
        unit * (3 + power((int)a->shifts.add2)) + (a->shifts.post_shift != 0 ? 2 * post : 0), 0};
    for (int i = 0; i < 2; i++) {
        struct extent extent;
        bool sure = a->mode == TENON_PAIR_DECIDE && i == 0;
        if (find_extent(a->steps, margins[i], &extent) && search_pairs(a, &extent, sure, out))
            return EXACT;
        if (extent.impossible)
            return IMPOSSIBLE;
    }
    return WRONG;
}

static enum outcome solve_channel(const struct tenon_pair_problem *p,
                                  const struct tenon_pair_shifts *shifts, uint32_t index,
                                  enum tenon_pair_mode mode, struct tenon_pair_operands *out) {
    struct steps steps;
    struct attempt a = {.problem = p,
                        .channel = &p->channels[index],
                        .steps = &steps,
                        .shifts = *shifts,
                        .mode = mode};
    *out = (struct tenon_pair_operands){0};
    if (!find_steps(p, a.channel, &steps))
        return WRONG;
    if (steps.count == 0)
        return solve_constant(&a, out) ? EXACT : WRONG;
    double addend = addend_of(p, a.channel), add1 = first_addend(addend, shifts->add1);
    double rest = addend - ldexp(add1, (int)shifts->add1);
    straighten(p, &steps);
    enum outcome outcome = search_exact(&a, out);
    if (outcome == EXACT || mode != TENON_PAIR_NEAR)
        return outcome;
    out->add1 = (int16_t)add1;
    return fabs(add1) <= OPERAND_MAX && settle_for_nearest(&a, rest, out) ? WITHIN_ONE : WRONG;
}

/* Channels in turn from `start` on: where other shifts failed, these may as well. */
static bool solve_shift(const struct tenon_pair_problem *p, uint32_t mul1, int less, uint32_t post,
                        uint32_t start, enum tenon_pair_mode mode,
                        struct tenon_pair_operands *operands, struct tenon_pair_solution *out) {
    *out = (struct tenon_pair_solution){
        .shifts = {.post = post, .post_shift = post == 1 ? 0 : POST_SHIFT}};
    choose_shifts(p, mul1, less, &out->shifts);
    for (uint32_t n = 0; n < p->count; n++) {
        uint32_t i = start + n < p->count ? start + n : start + n - p->count;
        enum outcome outcome = solve_channel(p, &out->shifts, i, mode, &operands[i]);
        if (outcome != EXACT && out->inexact++ == 0)
            out->first_inexact = i;
        out->impossible = out->impossible || outcome == IMPOSSIBLE;
        if (outcome == WRONG || (outcome != EXACT && mode != TENON_PAIR_NEAR))
            return false;
    }
    return true;
}

/*
 * The first shift at which the largest multiplier just fills 32 bits, for the channel with the
 * least factor: with less the multiplier has fewer bits, with more the result of the multiplication
 * has.
 */
static int first_shift(const struct tenon_pair_problem *p) {
    double least = INFINITY;
    double reach = fmax(abs(p->out_low - p->center), abs(p->out_high - p->center)) + 2;
    for (uint32_t i = 0; i < p->count; i++)
        if (!is_constant(p, &p->channels[i]))
            least = fmin(least, factor_of(&p->channels[i]));
    int shift = isinf(least) ? 0 : ilogb(OPERAND_MAX * reach / least) - 30;
    return shift < 0 ? 0 : shift > FIRST_SHIFT_MAX ? FIRST_SHIFT_MAX : shift;
}

/* Few channels with factors far apart have few products near them: other units for the result of
 * the second multiplication give others. */
static bool solve_post(const struct tenon_pair_problem *p, uint32_t start, int shift,
                       enum tenon_pair_mode mode, struct tenon_pair_operands *operands,
                       struct tenon_pair_solution *out) {
    for (uint32_t post = POST_LEAST; p->may_post && post <= OPERAND_MAX && !out->impossible;
         post += POST_STEP)
        for (int nearer = 0; nearer < 3; nearer++) {
            uint32_t mul1 = (uint32_t)(nearer < shift ? shift - nearer : 0);
            if (solve_shift(p, mul1, 0, post, start, mode, operands, out))
                return true;
            start = out->first_inexact;
        }
    return false;
}

bool tenon_pair_solve(const struct tenon_pair_problem *problem, enum tenon_pair_mode mode,
                      struct tenon_pair_operands *operands, struct tenon_pair_solution *out) {
    static const int8_t around[] = {0, -1, 1, -2, 2, -3, 3, 4};
    enum tenon_pair_mode exact = mode == TENON_PAIR_DECIDE ? mode : TENON_PAIR_EXACT;
    /* Many channels that do not fit together had better be cut in two: few shifts are tried. */
    bool many = problem->count > MANY_CHANNELS;
    int shift = first_shift(problem), less_max = many ? 0 : LESS_MAX;
    size_t around_count = many ? 3 : sizeof(around);
    uint32_t start = 0;
    *out = (struct tenon_pair_solution){0};
    if (problem->out_high - problem->out_low >= STEPS_MAX)
        return false;
    for (int less = 0; less <= less_max && !out->impossible; less++)
        for (size_t i = 0; i < around_count && !out->impossible; i++) {
            int mul1 = shift + around[i];
            if (mul1 < 0)
                continue;
            if (solve_shift(problem, (uint32_t)mul1, less, 1, start, exact, operands, out))
                return true;
            start = out->first_inexact;
        }
    if (!many && solve_post(problem, start, shift, exact, operands, out))
        return true;
    return mode == TENON_PAIR_NEAR &&
           solve_shift(problem, (uint32_t)shift, 0, 1, 0, mode, operands, out);
}
