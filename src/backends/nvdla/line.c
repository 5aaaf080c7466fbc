/*
 * The search for two factors and an offset that take intervals of whole numbers to results. Where
 * result k begins may lie anywhere in its interval; the line through all intervals gives pitch and
 * offset; a pair of factors near the pitch is looked for; and both ends of every interval are
 * computed as the hardware does, which proves all numbers since it is monotone.
 */
#include "backends/nvdla/line.h"

#include <math.h>

#include "backend/requantize_pair.h"

enum {
    Z_BITS = 31,
    SCALE_SHIFT_MAX = 45,
    MUL_LEAST = 1 << 13,
    CLIMBS = 60,
    HALVINGS = 20,
};

int32_t tenon_nvdla_factors_apply(const struct nvdla_factors *f, int64_t s) {
    int64_t z = tenon_shift_half_away(s * f->mul, f->mul_shift);
    z = f->relu && z < 0 ? 0 : z;
    z = tenon_shift_half_away((z - f->offset) * f->scale, f->scale_shift);
    return (int32_t)(z < -128 ? -128 : z > 127 ? 127 : z);
}

/* Lowest and highest offset of the line, if a result took `pitch`; returns what is between. */
static double width_at(const struct nvdla_line *l, double pitch, double *low, double *high) {
    *low = -INFINITY;
    *high = INFINITY;
    for (int32_t i = 0; i < l->high - l->low; i++) {
        double line = (l->low + i + 0.5) * pitch;
        double from = (double)l->under[i] - line, to = (double)l->at[i] - line;
        *low = from > *low ? from : *low;
        *high = to < *high ? to : *high;
    }
    return *high - *low;
}

static double farthest(const struct nvdla_line *l, double inside, double outside) {
    double low, high;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (inside + outside) / 2;
        if (width_at(l, middle, &low, &high) > 0)
            inside = middle;
        else
            outside = middle;
    }
    return inside;
}

/* The width is concave in the pitch: thirds find the widest place. */
static bool find_pitches(const struct nvdla_line *l, double guess, double *least, double *most) {
    double from = guess * 0.98, to = guess * 1.02, low, high;
    for (int i = 0; i < CLIMBS; i++) {
        double a = from + (to - from) / 3, b = to - (to - from) / 3;
        if (width_at(l, a, &low, &high) < width_at(l, b, &low, &high))
            from = a;
        else
            to = b;
    }
    double inside = (from + to) / 2;
    if (width_at(l, inside, &low, &high) <= 0)
        return false;
    *least = farthest(l, inside, guess * 0.98);
    *most = farthest(l, inside, guess * 1.02);
    return true;
}

static int32_t result_of(const struct nvdla_line *l, const struct nvdla_factors *f, int64_t s) {
    int32_t value = tenon_nvdla_factors_apply(f, s);
    return tenon_clamp_i32(value, l->clamp_low, l->clamp_high);
}

static bool proves(const struct nvdla_line *l, const struct nvdla_factors *f) {
    for (int32_t i = 0; i < l->high - l->low; i++)
        if (result_of(l, f, l->at[i]) <= l->low + i || result_of(l, f, l->under[i]) > l->low + i)
            return false;
    return result_of(l, f, l->first) == l->low && result_of(l, f, l->last) == l->high;
}

static bool set_offset(const struct nvdla_line *l, double pitch, struct nvdla_factors *f) {
    double low, high;
    if (width_at(l, pitch, &low, &high) <= 0)
        return false;
    double offset = nearbyint(ldexp((low + high) / 2 * f->mul, -(int)f->mul_shift));
    f->offset = (int32_t)offset;
    return fabs(offset) < INT32_MAX;
}

/* So that z fills its bits. */
static uint32_t mul_shift_for(const struct nvdla_line *l) {
    double reach = fmax(fabs((double)l->first), fabs((double)l->last)) + 1;
    int shift = ilogb(reach * INT16_MAX) + 1 - (Z_BITS - 1);
    return shift < 0 ? 0 : (uint32_t)shift;
}

bool tenon_nvdla_line_solve(const struct nvdla_line *l, double pitch, struct nvdla_factors *out) {
    double least, most;
    if (l->high == l->low || !find_pitches(l, pitch, &least, &most))
        return false;
    *out = (struct nvdla_factors){.mul_shift = mul_shift_for(l), .relu = l->relu};
    /* 1 / pitch = mul * scale >> (mul_shift + scale_shift), both factors of 15 bits. */
    int shift = 29 + ilogb(least) - (int)out->mul_shift;
    out->scale_shift = (uint32_t)(shift < 0                 ? 0
                                  : shift > SCALE_SHIFT_MAX ? SCALE_SHIFT_MAX
                                                            : shift);
    double one = ldexp(1, (int)(out->mul_shift + out->scale_shift));
    for (int32_t m = INT16_MAX; m >= MUL_LEAST; m--) {
        double scale = nearbyint(2 * one / ((least + most) * m)), at = one / (scale * m);
        if (scale < 1 || scale > INT16_MAX || at < least || at > most)
            continue;
        out->mul = (int16_t)m;
        out->scale = (int16_t)scale;
        if (set_offset(l, at, out) && proves(l, out))
            return true;
    }
    return false;
}
