/*
 * The result of a quantized add is a step function of S = SA[a] + SB[b], both operands brought to
 * one scale, and nearly so of X = factor_a * a + factor_b * b + add, with X close to λ * S: from
 * the tables and the thresholds T[v], the least S whose result reaches v, follows how far the step
 * of X, U[v], can be away from where the step of S is,
 *
 *   X - U[v] = λ * (S - T[v]) + e
 *   e = (factor_a * a - λ * SA[a]) + (factor_b * b - λ * SB[b]) - (U[v] - add - λ * T[v])
 *
 * with e in [low, high] over all a, b, v. S >= T[v] means X - U[v] >= low; S < T[v], which is S <=
 * T[v] - 1, means X - U[v] <= high - λ. So only pairs with X - U[v] in [low, -1] or [0, high - λ]
 * can differ, and those that a change of `add` moves into it: one cheap pass finds their rows. The
 * rule tells which `add` puts each on its side of the step. The few that none suits are exceptions.
 */
#include "backends/cpu/pair_sum.h"

#include <math.h>

enum { ELEMENTS = 256, NEAR_THRESHOLD = 2, SLACK_BITS = 16, PAIRS_MAX = 64 };

struct proof {
    const struct tenon_pair *pair;
    const struct tenon_sum_params *sum;
    int32_t flip; /* 128 where elements are i8 */
    double step;  /* λ */
    int32_t scaled_a[ELEMENTS], scaled_b[ELEMENTS];
};

/* Interval of reals. */
struct reach {
    double low, high;
};

static int32_t flip_of(const struct tenon_pair *pair) {
    return pair->type == TENON_TYPE_I8 ? 128 : 0;
}

static double factor_of(const struct tenon_pair *pair, const struct tenon_multiplier *m) {
    return pair->rounding == TENON_ROUNDING_F32 ? (double)m->real
                                                : ldexp((double)m->multiplier, m->shift - 31);
}

uint8_t tenon_pair_sum(const struct tenon_pair *pair, const struct tenon_sum_params *sum, uint8_t a,
                       uint8_t b) {
    int64_t x = (int64_t)sum->factor_a * a + (int64_t)sum->factor_b * b + sum->add;
    int32_t value = (int32_t)(x >> sum->shift) + sum->zero, flip = flip_of(pair);
    value = tenon_clamp_i32(value, pair->low + flip, pair->high + flip);
    for (uint32_t i = 0; i < sum->exception_count; i++)
        if (a == sum->exceptions[i].a && b == sum->exceptions[i].b)
            value += sum->exceptions[i].delta;
    return (uint8_t)value;
}

static uint8_t by_rule(const struct tenon_pair *pair, int32_t a, int32_t b) {
    int32_t flip = flip_of(pair);
    return (uint8_t)(tenon_pair_combine(pair, a - flip, b - flip) + flip);
}

/* False where the factors leave what vectors compute: see struct tenon_sum_params. */
static bool choose(const struct tenon_pair *pair, double stretch, struct tenon_sum_params *out) {
    double unit = ldexp(factor_of(pair, &pair->out), pair->left_shift) * stretch;
    double a = unit * factor_of(pair, &pair->a), b = unit * factor_of(pair, &pair->b);
    int exponent, flip = flip_of(pair);
    out->exception_count = 0;
    if (!(a > 0 && b > 0 && a + b < TENON_SUM_GAIN_MAX))
        return false;
    frexp(a > b ? a : b, &exponent);
    int shift = TENON_SUM_FACTOR_BITS - exponent < TENON_SUM_SHIFT_MAX
                    ? TENON_SUM_FACTOR_BITS - exponent
                    : TENON_SUM_SHIFT_MAX;
    out->shift = (uint32_t)shift;
    out->factor_a = (int32_t)llround(ldexp(a, shift));
    out->factor_b = (int32_t)llround(ldexp(pair->op == TENON_OP_SUB ? -b : b, shift));
    int64_t add = (((int64_t)pair->zero_out + flip) * 2 + 1) * (INT64_C(1) << (shift - 1)) -
                  (int64_t)out->factor_a * (pair->zero_a + flip) -
                  (int64_t)out->factor_b * (pair->zero_b + flip);
    out->zero = (int32_t)(add >> shift);
    out->add = (int32_t)(add & ((INT64_C(1) << shift) - 1));
    return out->zero > INT16_MIN + 1 && out->zero < INT16_MAX - 1;
}

/* The operands at the common scale; false where their sums leave what the rule has to bear. */
static bool scale_operands(struct proof *proof) {
    const struct tenon_pair *p = proof->pair;
    int32_t sign = p->op == TENON_OP_SUB ? -1 : 1;
    if (p->a.shift > 0 || p->b.shift > 0 || p->out.shift > 0)
        return false;
    for (int32_t i = 0; i < ELEMENTS; i++) {
        int32_t a = (i - proof->flip - p->zero_a) * (1 << p->left_shift);
        int32_t b = (i - proof->flip - p->zero_b) * (1 << p->left_shift);
        proof->scaled_a[i] = tenon_requantize(a, &p->a, p->rounding);
        proof->scaled_b[i] = sign * tenon_requantize(b, &p->b, p->rounding);
    }
    return true;
}

static int32_t result_of(const struct proof *proof, int32_t scaled) {
    const struct tenon_pair *p = proof->pair;
    int32_t raw = tenon_requantize(scaled, &p->out, p->rounding);
    return tenon_clamp_i32(raw + p->zero_out, p->low, p->high);
}

/* The least sum in (below, reached] whose result is v or more; `below` has less, `reached` not. */
static int32_t threshold(const struct proof *proof, int32_t v, int32_t below, int32_t reached) {
    double middle = (v - proof->pair->zero_out - 0.5) / factor_of(proof->pair, &proof->pair->out);
    if (middle - NEAR_THRESHOLD > below && middle + NEAR_THRESHOLD < reached) {
        int32_t near = (int32_t)floor(middle);
        if (result_of(proof, near + NEAR_THRESHOLD) >= v)
            reached = near + NEAR_THRESHOLD;
        if (result_of(proof, near - NEAR_THRESHOLD) < v)
            below = near - NEAR_THRESHOLD;
    }
    while (reached - below > 1) {
        int32_t middle_sum = below + (reached - below) / 2;
        if (result_of(proof, middle_sum) >= v)
            reached = middle_sum;
        else
            below = middle_sum;
    }
    return reached;
}

static void include(struct reach *reach, double x) {
    reach->low = x < reach->low ? x : reach->low;
    reach->high = x > reach->high ? x : reach->high;
}

static struct reach reach_of(const struct proof *proof, int32_t factor, const int32_t *scaled) {
    struct reach reach = {INFINITY, -INFINITY};
    for (int32_t i = 0; i < ELEMENTS; i++)
        include(&reach, (double)factor * i - proof->step * scaled[i]);
    return reach;
}

/* Of U[v] - add - λ * T[v], over the results that occur but the least. */
static struct reach threshold_reach(const struct proof *proof, int32_t least, int32_t most) {
    struct reach reach = {INFINITY, -INFINITY};
    int32_t below = least, low = result_of(proof, least), high = result_of(proof, most);
    for (int32_t v = low + 1; v <= high; v++) {
        int32_t reached = threshold(proof, v, below, most);
        double step = ldexp(v + proof->flip - proof->sum->zero, (int)proof->sum->shift);
        include(&reach, step - proof->sum->add - proof->step * reached);
        below = reached - 1;
    }
    return reach;
}

/* Whether a row has pairs with X - U[v] in [first, first + width]: steps U are 2^shift apart. */
static bool row_is_near(const struct tenon_sum_params *sum, int32_t a, const uint32_t *products_b,
                        int64_t first, uint32_t width) {
    uint32_t mask = (UINT32_C(1) << sum->shift) - 1, found = 0;
    uint32_t x =
        (uint32_t)sum->factor_a * (uint32_t)a + (uint32_t)sum->add - (uint32_t)(uint64_t)first;
    for (int32_t b = 0; b < ELEMENTS; b++)
        found |= ((x + products_b[b]) & mask) - (width + 1); /* negative */
    return found >> 31 != 0;
}

/* Pairs near a step: to be on the right side of it, `add` has to be at least `needed`, or below. */
struct near_pair {
    int32_t a, b;
    int64_t needed;
    bool reached;
};

struct near_pairs {
    struct reach reach; /* of X - U[v] */
    size_t count;       /* of pairs[] the first ones */
    struct near_pair pairs[PAIRS_MAX];
    int64_t low, high; /* what suits all of them */
};

static void gather_row(const struct proof *proof, int32_t a, struct near_pairs *near) {
    const struct tenon_sum_params *sum = proof->sum;
    int64_t step = INT64_C(1) << sum->shift;
    for (int32_t b = 0; b < ELEMENTS; b++) {
        int64_t x = (int64_t)sum->factor_a * a + (int64_t)sum->factor_b * b;
        int64_t index = (x + sum->add + step / 2) >> sum->shift, needed = index * step - x;
        int64_t v = index + sum->zero - proof->flip;
        double distance = (double)(sum->add - needed);
        if (distance < near->reach.low || distance > near->reach.high || v <= proof->pair->low ||
            v > proof->pair->high)
            continue;
        bool reached = by_rule(proof->pair, a, b) >= v + proof->flip;
        if (reached)
            near->low = needed > near->low ? needed : near->low;
        else
            near->high = needed <= near->high ? needed - 1 : near->high;
        if (near->count < PAIRS_MAX)
            near->pairs[near->count] = (struct near_pair){a, b, needed, reached};
        near->count++;
    }
}

/* The least and the largest result agree: between them, both are monotonous. */
static bool corners_hold(const struct proof *proof) {
    int32_t first_b = proof->sum->factor_b < 0 ? ELEMENTS - 1 : 0, last_b = ELEMENTS - 1 - first_b;
    uint8_t first = tenon_pair_sum(proof->pair, proof->sum, 0, (uint8_t)first_b);
    uint8_t last = tenon_pair_sum(proof->pair, proof->sum, ELEMENTS - 1, (uint8_t)last_b);
    return first == by_rule(proof->pair, 0, first_b) &&
           last == by_rule(proof->pair, ELEMENTS - 1, last_b);
}

/* Where X - U[v] is when a pair can differ, and `slack` more to both sides. */
static struct reach near_steps(struct proof *proof, double slack) {
    const struct tenon_sum_params *sum = proof->sum;
    int32_t first_b = sum->factor_b < 0 ? ELEMENTS - 1 : 0, last_b = ELEMENTS - 1 - first_b;
    int32_t least = proof->scaled_a[0] + proof->scaled_b[first_b];
    int32_t most = proof->scaled_a[ELEMENTS - 1] + proof->scaled_b[last_b];
    proof->step = ldexp(factor_of(proof->pair, &proof->pair->out), (int)sum->shift);
    struct reach a = reach_of(proof, sum->factor_a, proof->scaled_a);
    struct reach b = reach_of(proof, sum->factor_b, proof->scaled_b);
    struct reach t = threshold_reach(proof, least, most);
    double low = fmin(a.low + b.low - t.high, 0);
    double high = fmax(a.high + b.high - t.low - proof->step, -1);
    if (t.low > t.high) /* one result only */
        low = high = 0;
    return (struct reach){floor(low) - 1 - slack, ceil(high) + 1 + slack}; /* 1: of rounding */
}

static size_t count_wrong(const struct near_pairs *near, int64_t add) {
    size_t wrong = 0;
    for (size_t i = 0; i < near->count; i++)
        wrong += (add >= near->pairs[i].needed) != near->pairs[i].reached;
    return wrong;
}

/* The `add` with which the fewest pairs are wrong. */
static int64_t best_add(const struct near_pairs *near, int64_t add) {
    int64_t best = add;
    for (size_t i = 0; i < near->count; i++) {
        int64_t other = near->pairs[i].needed - !near->pairs[i].reached;
        if (count_wrong(near, other) < count_wrong(near, best))
            best = other;
    }
    return best;
}

static void set_add(struct tenon_sum_params *sum, int64_t add) {
    sum->zero += (int32_t)(add >> sum->shift);
    sum->add = (int32_t)(add & ((INT64_C(1) << sum->shift) - 1));
}

/* The pairs that are wrong still become exceptions; false where they are too many. */
static bool except(const struct proof *proof, struct tenon_sum_params *sum,
                   const struct near_pairs *near) {
    if (near->count > PAIRS_MAX)
        return false;
    int64_t add = best_add(near, sum->add);
    if (count_wrong(near, add) > TENON_SUM_EXCEPTIONS)
        return false;
    set_add(sum, add);
    for (size_t i = 0; i < near->count; i++) {
        const struct near_pair *pair = &near->pairs[i];
        uint8_t a = (uint8_t)pair->a, b = (uint8_t)pair->b;
        if ((add >= pair->needed) == pair->reached)
            continue;
        uint8_t delta =
            (uint8_t)(by_rule(proof->pair, a, b) - tenon_pair_sum(proof->pair, sum, a, b));
        sum->exceptions[sum->exception_count++] = (struct tenon_sum_exception){a, b, delta};
    }
    return true;
}

/* Moves `add` by `slack` at most so that all pairs near a step, but some exceptions, are on the
 * rule's side of it. */
static bool fit(struct proof *proof, struct tenon_sum_params *sum) {
    int64_t slack = INT64_C(1) << (sum->shift - SLACK_BITS);
    struct near_pairs near = {.reach = near_steps(proof, (double)slack),
                              .low = sum->add - slack,
                              .high = sum->add + slack};
    double width = near.reach.high - near.reach.low;
    if (width >= ldexp(1, (int)sum->shift - 2))
        return false;
    uint32_t products_b[ELEMENTS];
    for (uint32_t i = 0; i < ELEMENTS; i++)
        products_b[i] = (uint32_t)sum->factor_b * i;
    for (int32_t i = 0; i < ELEMENTS && (near.low <= near.high || near.count <= PAIRS_MAX); i++)
        if (row_is_near(sum, i, products_b, (int64_t)near.reach.low, (uint32_t)width))
            gather_row(proof, i, &near);
    if (near.low > near.high)
        return except(proof, sum, &near) && corners_hold(proof);
    set_add(sum, sum->add < near.low ? near.low : sum->add > near.high ? near.high : sum->add);
    return corners_hold(proof);
}

bool tenon_pair_sum_find(const struct tenon_pair *pair, struct tenon_sum_params *out) {
    /* Stretched a little, halves are rounded away from zero. */
    static const double stretches[] = {1, 1 + 0x1p-24, 1 + 0x1p-20};
    struct proof proof = {.pair = pair, .sum = out, .flip = flip_of(pair)};
    if (!scale_operands(&proof))
        return false;
    for (size_t i = 0; i < TENON_COUNT_OF(stretches); i++)
        if (choose(pair, stretches[i], out) && fit(&proof, out))
            return true;
    return false;
}
