/*
 * Requantization by two multipliers of 16 bits, as NVDLA's SDP computes it and register
 * architectures derived from it do. For an accumulator a of channel c:
 *
 *     y   = sat32(round((a + (add1[c] << add1_shift)) * mul1[c] >> mul1_shift))
 *     z   = sat32(round((y + (add2[c] << add2_shift)) * mul2[c] >> mul2_shift))
 *     out = round(z * post >> post_shift)
 *
 * where round is to nearest, half away from zero, and shifts and `post` are common to all channels.
 * What is to be computed is a wide multiplication with one rounding. Both are monotone in a, so
 * they agree on a whole range of accumulators exactly when they step at the same places: at most
 * 255 steps for an 8-bit result. The solver searches operands and proves every channel that way.
 */
#ifndef TENON_BACKEND_REQUANTIZE_PAIR_H
#define TENON_BACKEND_REQUANTIZE_PAIR_H

#include "op/numerics.h"
#include "util/arena.h"
#include "util/status.h"

/* What a channel has to compute: f(a + bias) for accumulators low <= a <= high. */
struct tenon_pair_channel {
    struct tenon_multiplier multiplier; /* f: tenon_requantize under the rule */
    int32_t divisor; /* if not 0, f is division, rounded to nearest, half away from zero */
    bool half_up;    /* or half up */
    int64_t bias, low, high;
};

struct tenon_pair_operands {
    int16_t add1, mul1, add2, mul2;
};

struct tenon_pair_shifts {
    uint32_t add1, mul1, add2, mul2;
    uint32_t post, post_shift; /* 1 and 0 unless the problem lets the solver choose */
};

struct tenon_pair_problem {
    const struct tenon_pair_channel *channels;
    uint32_t count;
    enum tenon_rounding rounding;
    int32_t out_low, out_high; /* both sides are clamped to this range; at most 511 values */
    /* The pair computes what is wanted less this: results near 0 leave more bits for fractions. */
    int32_t center;
    bool may_post; /* another `post` than 1 */
};

struct tenon_pair_solution {
    struct tenon_pair_shifts shifts;
    bool impossible;  /* not for any shifts: two lines of steps that no line passes between */
    uint32_t inexact; /* channels that differ somewhere, by no more than 1 */
    uint32_t first_inexact;
};

enum tenon_pair_mode {
    TENON_PAIR_EXACT,  /* every channel exact, and proved so */
    TENON_PAIR_DECIDE, /* whether EXACT would succeed: several times faster, operands are no use */
    TENON_PAIR_NEAR,   /* exact where that is found, elsewhere within 1 */
};

/*
 * `operands` has room for all channels. False when the mode cannot be had, or a range of
 * accumulators does not fit 32 bits; `impossible` and first_inexact then tell more.
 */
bool tenon_pair_solve(const struct tenon_pair_problem *problem, enum tenon_pair_mode mode,
                      struct tenon_pair_operands *operands, struct tenon_pair_solution *out);

/* The value `out` above, before any clamp, less the problem's center. */
int32_t tenon_pair_apply(const struct tenon_pair_shifts *shifts,
                         const struct tenon_pair_operands *operands, int64_t accumulator);

/* x / 2^shift rounded to nearest, half away from zero; shift 0 to 62. */
int64_t tenon_shift_half_away(int64_t x, uint32_t shift);

#endif
