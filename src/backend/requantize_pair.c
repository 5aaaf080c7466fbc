/*
 * The search for operands; see requantize_pair.h. The first multiplier is chosen as large as 32
 * bits of intermediate result allow, the second then has 15 significant bits; among some hundred
 * first multipliers there is nearly always one whose best partner hits the wanted product to 2^-30
 * and better. The addends take the bias: its high part before the first multiplication, what is
 * left after it. Nudging the second addend moves all steps by less than an accumulator, which
 * decides ties.
 */
#include "backend/requantize_pair.h"

#include <math.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 512,
    CANDIDATES = 6,  /* best partners that are tried out */
    FIRST_MAX = 512, /* first multipliers that are looked at */
    OPERAND_MAX = INT16_MAX,
    SHIFT_MAX = 45, /* results and steps times 2^shift stay below 2^53 */
    ADD_SHIFT_MAX = 31,
    LESS_MAX = 2,
};

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
    return (int32_t)saturate32(tenon_shift_half_away(y * o->mul2, shifts->mul2));
}

/* ---- what is wanted ---- */

/* Where the wanted function steps: at[i] is the smallest a + bias that gives first + i + 1. */
struct steps {
    int32_t first, last; /* results at the ends of the range */
    int64_t low, high;   /* the range of a + bias */
    int32_t count;
    int64_t at[STEPS_MAX];
};

static int32_t wanted(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c,
                      int64_t x) {
    int64_t value;
    if (c->divisor != 0)
        value = (x > 0 ? x + c->divisor / 2 : x - c->divisor / 2) / c->divisor;
    else
        value = tenon_requantize((int32_t)x, &c->multiplier, p->rounding);
    return (int32_t)(value < p->out_low ? p->out_low : value > p->out_high ? p->out_high : value);
}

static double factor_of(const struct tenon_pair_channel *c) {
    if (c->divisor != 0)
        return 1.0 / c->divisor;
    return ldexp((double)c->multiplier.multiplier, c->multiplier.shift - 31);
}

/* Halving finds each step in any monotone function; the factor gives a bracket to start from. */
static int64_t find_step(const struct tenon_pair_problem *p, const struct tenon_pair_channel *c,
                         const struct steps *s, int32_t result, int64_t from) {
    double guess = ceil((result - 0.5) / factor_of(c));
    int64_t below = from, above = s->high; /* wanted(below) < result <= wanted(above) */
    if (guess - 2 > (double)below && guess - 2 < (double)above &&
        wanted(p, c, (int64_t)guess - 2) < result)
        below = (int64_t)guess - 2;
    if (guess + 2 < (double)above && guess + 2 > (double)below &&
        wanted(p, c, (int64_t)guess + 2) >= result)
        above = (int64_t)guess + 2;
    while (above - below > 1) {
        int64_t middle = below + (above - below) / 2;
        if (wanted(p, c, middle) < result)
            below = middle;
        else
            above = middle;
    }
    return above;
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
    int64_t from = s->low;
    for (int32_t i = 0; i < s->count; i++) {
        s->at[i] = find_step(p, c, s, s->first + i + 1, from);
        from = s->at[i] - 1;
    }
    return true;
}

/* ---- proof ---- */

struct attempt {
    const struct tenon_pair_problem *problem;
    const struct tenon_pair_channel *channel;
    const struct steps *steps;
    struct tenon_pair_shifts shifts;
};

static int32_t computed(const struct attempt *a, const struct tenon_pair_operands *o, int64_t x) {
    int32_t value = tenon_pair_apply(&a->shifts, o, x - a->channel->bias);
    return tenon_clamp_i32(value, a->problem->out_low, a->problem->out_high);
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
            computed(a, o, s->at[i] - 1) > above - 1 + slack)
            return false;
    }
    return true;
}

/* ---- search ---- */

static int64_t first_limit(const struct tenon_pair_problem *p, double factor, uint32_t shift) {
    double reach = fmax(abs(p->out_low), abs(p->out_high)) + 2;
    double limit = floor(ldexp(factor, 31 + (int)shift) / reach);
    return limit < 1 ? 1 : limit > OPERAND_MAX ? OPERAND_MAX : (int64_t)limit;
}

/* The part of the bias that the first addend cannot hold. */
static int64_t bias_rest(int64_t bias, uint32_t shift, int16_t *add1) {
    int64_t high = tenon_shift_half_away(bias, shift);
    *add1 = (int16_t)high;
    return bias - high * (INT64_C(1) << shift);
}

static uint32_t first_add_shift(const struct tenon_pair_problem *p) {
    uint32_t shift = 0;
    for (uint32_t i = 0; i < p->count; i++)
        while (shift < ADD_SHIFT_MAX &&
               llabs(tenon_shift_half_away(p->channels[i].bias, shift)) > OPERAND_MAX)
            shift++;
    return shift;
}

/* The shifts that suit every channel when the first multiplication shifts by `mul1`, and the second
 * by `less` less than it could. */
static void choose_shifts(const struct tenon_pair_problem *p, uint32_t mul1, int less,
                          struct tenon_pair_shifts *s) {
    double add2_max = 0;
    int second = SHIFT_MAX;
    s->mul1 = mul1;
    s->add1 = first_add_shift(p);
    for (uint32_t i = 0; i < p->count; i++) {
        double factor = factor_of(&p->channels[i]);
        if (factor == 0)
            continue;
        int16_t add1;
        double first = (double)first_limit(p, factor, mul1);
        double rest = (double)bias_rest(p->channels[i].bias, s->add1, &add1);
        add2_max = fmax(add2_max, (fabs(rest) + 1) * ldexp(first, -(int)mul1));
        int fits = (int)floor(log2(OPERAND_MAX * first / factor)) - (int)mul1;
        second = fits < second ? fits : second;
    }
    s->mul2 = second < less ? 0 : (uint32_t)(second - less);
    s->add2 = 0;
    while (ldexp(add2_max, -(int)s->add2) > OPERAND_MAX)
        s->add2++;
}

/* The smallest y whose second multiplication gives at least `result`. Exact in double: the
 * quotient of integers below 2^53 is no nearer to an integer than 1 / mul2. */
static int64_t least_for(const struct attempt *a, int16_t mul2, int32_t result) {
    double half = ldexp(0.5, (int)a->shifts.mul2);
    double edge = ldexp(result, (int)a->shifts.mul2) - half;
    /* Half away from zero: for results up to 0 the tie belongs to the value below. */
    return (int64_t)(result > 0 ? ceil(edge / mul2) : floor(edge / mul2) + 1);
}

/* What may be added to y, as an interval, so that step i is at its place. */
static void narrow(const struct attempt *a, const struct tenon_pair_operands *o, int32_t i,
                   int64_t *low, int64_t *high) {
    int64_t offset = o->add1 * (INT64_C(1) << a->shifts.add1) - a->channel->bias;
    int64_t at = (a->steps->at[i] + offset) * o->mul1;
    int64_t least = least_for(a, o->mul2, a->steps->first + i + 1);
    int64_t from = least - tenon_shift_half_away(at, a->shifts.mul1);
    int64_t to = least - 1 - tenon_shift_half_away(at - o->mul1, a->shifts.mul1);
    *low = from > *low ? from : *low;
    *high = to < *high ? to : *high;
}

/* Whether an add2 makes the pair exact. The outermost steps say no soonest. */
static bool try_pair(const struct attempt *a, struct tenon_pair_operands *o) {
    int64_t low = INT32_MIN, high = INT32_MAX;
    int32_t count = a->steps->count;
    for (int32_t i = 0; i < count && low <= high; i++)
        narrow(a, o, i % 2 == 0 ? count - 1 - i / 2 : i / 2, &low, &high);
    if (low > high)
        return false;
    int64_t unit = INT64_C(1) << a->shifts.add2;
    int64_t value = tenon_shift_half_away(low + (high - low) / 2, a->shifts.add2);
    if (count == 0) /* always the same result: what the bias wants */
        value = 0;
    if (count != 0 && (value * unit < low || value * unit > high))
        return false;
    o->add2 = (int16_t)tenon_clamp_i32((int32_t)value, INT16_MIN, INT16_MAX);
    return agree(a, o, 0);
}

/* Goes through pairs whose product is near `factor`, from the largest first multiplier down. */
static bool search_pairs(const struct attempt *a, double factor, struct tenon_pair_operands *out,
                         struct tenon_pair_operands *nearest) {
    double product = ldexp(factor, (int)(a->shifts.mul1 + a->shifts.mul2)), best = 1;
    /* The drift over all steps is to stay below an accumulator or so; add2 takes the offset. */
    double count = fmax(a->steps->count - 1, 0);
    double tolerance = count == 0 ? 1 : 8 * factor / (count * count);
    for (int64_t m = first_limit(a->problem, factor, a->shifts.mul1); m >= 1; m--) {
        double second = nearbyint(product / (double)m);
        if (second > OPERAND_MAX)
            break;
        double error = fabs((double)m * second / product - 1);
        if (error >= tolerance && error >= best)
            continue;
        struct tenon_pair_operands o = *out;
        o.mul1 = (int16_t)m;
        o.mul2 = (int16_t)second;
        if (error < best)
            *nearest = o;
        best = error < best ? error : best;
        if (error < tolerance && try_pair(a, &o)) {
            *out = o;
            return true;
        }
    }
    return false;
}

/* The pair with the best product, if it is within 1 everywhere. */
static bool settle_for_nearest(const struct attempt *a, int64_t rest,
                               struct tenon_pair_operands *o) {
    double add2 = ldexp((double)rest * o->mul1, -(int)(a->shifts.mul1 + a->shifts.add2));
    o->add2 = (int16_t)tenon_clamp_i32((int32_t)nearbyint(add2), INT16_MIN, INT16_MAX);
    return agree(a, o, 1);
}

enum outcome { EXACT, WITHIN_ONE, WRONG };

static enum outcome solve_channel(const struct tenon_pair_problem *p,
                                  const struct tenon_pair_shifts *shifts, uint32_t index,
                                  struct tenon_pair_operands *out) {
    struct steps steps;
    struct attempt a = {
        .problem = p, .channel = &p->channels[index], .steps = &steps, .shifts = *shifts};
    struct tenon_pair_operands nearest = {0};
    double factor = factor_of(a.channel);
    *out = (struct tenon_pair_operands){0};
    if (!find_steps(p, a.channel, &steps))
        return WRONG;
    if (factor == 0)
        return agree(&a, out, 0) ? EXACT : WRONG;
    int64_t rest = bias_rest(a.channel->bias, shifts->add1, &out->add1);
    if (search_pairs(&a, factor, out, &nearest))
        return EXACT;
    nearest.add1 = out->add1;
    *out = nearest;
    return settle_for_nearest(&a, rest, out) ? WITHIN_ONE : WRONG;
}

static bool solve_shift(const struct tenon_pair_problem *p, uint32_t mul1, int less, bool exact,
                        struct tenon_pair_operands *operands, struct tenon_pair_solution *out) {
    *out = (struct tenon_pair_solution){.operands = operands};
    choose_shifts(p, mul1, less, &out->shifts);
    for (uint32_t i = 0; i < p->count; i++) {
        enum outcome outcome = solve_channel(p, &out->shifts, i, &operands[i]);
        if (outcome != EXACT && out->inexact++ == 0)
            out->first_inexact = i;
        if (outcome == WRONG || (outcome == WITHIN_ONE && exact))
            return false;
    }
    return true;
}

bool tenon_pair_solve(const struct tenon_pair_problem *problem, bool exact,
                      struct tenon_pair_operands *operands, struct tenon_pair_solution *out) {
    static const uint8_t first_shifts[] = {4, 2, 6, 0, 8, 10, 12, 14, 5, 3, 1, 7, 9, 11, 13};
    if (problem->out_high - problem->out_low >= STEPS_MAX)
        return false;
    for (int less = 0; less <= LESS_MAX; less++)
        for (size_t i = 0; i < sizeof(first_shifts); i++)
            if (solve_shift(problem, first_shifts[i], less, true, operands, out))
                return true;
    return !exact && solve_shift(problem, first_shifts[0], 0, false, operands, out);
}
