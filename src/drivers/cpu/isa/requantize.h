/*
 * Requantization of vectors of sums, over the operations of a vector.h: sums become rows of bytes.
 * The forms (enum tenon_form, isa.h) are different ways to compute the same integers:
 *
 * double, as it is written:
 *   high = (x << left) * q / 2^31, rounded half up
 *   y = high / 2^right, rounded half away from zero: half is added, less 1 where high is negative
 * HIGH: with right >= 1 and x >= 0 that is (x * q + 2^(30 + right) + 2^30) >> (31 + right): of the
 *   64-bit sum only the high half is taken and shifted by right - 1. Where y < 0 becomes the zero
 *   point anyway (an activation), also for x < 0. The single rule is the same without 2^30.
 * SYMMETRIC: HIGH of |x|, with the sign of x: where the first rounding has no tie (the compiler
 *   proves it: backends/cpu/overflow.h), the double rule is symmetric.
 * FUSED, FUSED_SYMMETRIC: floats, where the compiler proves that they give the same (enum
 *   tenon_fused, image/cpu_params.h).
 *
 * Where vectors are plain C, vector.h defines PLAIN_C: double as it is written, or any rule
 * element by element, are enough.
 */
#include <string.h>

#include "drivers/cpu/isa.h"
#include "op/numerics.h"

struct factors {
    vi multiplier;
    vi left, right, half, shifts; /* double as it is written; shifts: all ones where right != 0 */
#ifndef PLAIN_C
    vw_factors wide; /* the multiplier for 64-bit products */
    vw add;          /* of HIGH; its shift is `right` too */
    vf real, offset;
#endif
};

TENON_ALWAYS_INLINE void factors_derive(struct factors *f) {
    f->half = vi_shift_right_logical(vi_shift_left(vi_dup(1), f->right), vi_dup(1));
    f->shifts = vi_sign(vi_sub(vi_dup(0), f->right));
}

/* A factor that all elements have, for the double rule. */
TENON_ALWAYS_INLINE void factors_dup(struct factors *f, const struct tenon_multiplier *m) {
    f->multiplier = vi_dup(m->multiplier);
    f->left = vi_dup(m->shift > 0 ? m->shift : 0);
    f->right = vi_dup(m->shift > 0 ? 0 : -m->shift);
    factors_derive(f);
}

/* The factors of elements [at, at + LANES). */
static void factors_load(struct factors *f, const struct tenon_requantize_arrays *arrays, size_t at,
                         enum tenon_form form) {
    at *= sizeof(int32_t);
    f->multiplier = vi_load(arrays->multiplier + at);
    f->left = vi_load(arrays->left + at);
    f->right = vi_load(arrays->right + at);
    if (form == TENON_FORM_DOUBLE)
        factors_derive(f);
#ifndef PLAIN_C
    f->real = vf_load(arrays->real + at);
    f->offset = vf_load(arrays->offset + at);
    if (form != TENON_FORM_HIGH && form != TENON_FORM_HIGH_SINGLE && form != TENON_FORM_SYMMETRIC)
        return;
    vi halves = vi_shift_left(vi_dup(1), f->right);
    if (form != TENON_FORM_HIGH_SINGLE)
        halves = vi_add(halves, vi_dup(1));
    f->wide = vw_factor(f->multiplier);
    f->add = vi_multiply_wide(halves, vw_factor(vi_dup(1 << 30)));
    f->right = vi_sub(f->right, vi_dup(1));
#endif
}

TENON_ALWAYS_INLINE vi scale_double(const struct factors *f, vi x) {
    vi high = vi_high_multiply(vi_shift_left(x, f->left), f->multiplier);
    vi below = vi_and(vi_sign(high), f->shifts);
    return vi_shift_right(vi_add(vi_add(high, f->half), below), f->right);
}

#ifndef PLAIN_C
TENON_ALWAYS_INLINE vi scale_high(const struct factors *f, vi x) {
    return vi_shift_right(vw_high(vw_add(vi_multiply_wide(x, f->wide), f->add)), f->right);
}
#endif

TENON_ALWAYS_INLINE vi scale(enum tenon_form form, const struct factors *f, vi x) {
#ifndef PLAIN_C
    if (form == TENON_FORM_HIGH || form == TENON_FORM_HIGH_SINGLE)
        return scale_high(f, x);
    if (form == TENON_FORM_SYMMETRIC)
        return vi_negate_as(scale_high(f, vi_abs(x)), x);
    if (form == TENON_FORM_FUSED)
        return vi_scale(x, f->real, f->offset);
    if (form == TENON_FORM_FUSED_SYMMETRIC)
        return vi_scale(x, f->real, vf_with_sign(f->offset, x));
#endif
    (void)form;
    return scale_double(f, x);
}

/* Any rule, element by element, for what no form was proven. */
static void scale_plain(const struct tenon_requantize_arrays *arrays, size_t at,
                        enum tenon_rounding rounding, int32_t *sums) {
    for (size_t i = 0; i < LANES; i++) {
        size_t offset = (at + i) * sizeof(int32_t);
        struct tenon_multiplier m = {
            .multiplier = (int32_t)tenon_load_le32(arrays->multiplier + offset),
            .shift = (int32_t)(tenon_load_le32(arrays->left + offset) -
                               tenon_load_le32(arrays->right + offset)),
            .real = tenon_load_f32(arrays->real + offset),
        };
        sums[i] = tenon_requantize(sums[i], &m, rounding);
    }
}

/* What makes bytes of scaled sums. Elements are i8 where flip is 0x80. */
struct range {
    int32_t zero_point;
    vb low, high, flip;
};

static struct range range_of(const struct tenon_output_range *range, int32_t center) {
    return (struct range){
        .zero_point = range->zero_point + range->flip + center,
        .low = vb_dup((uint8_t)(range->low + range->flip)),
        .high = vb_dup((uint8_t)(range->high + range->flip)),
        .flip = vb_dup(range->flip),
    };
}

/* The form of vectors that were proven alike, or else the layer's. */
TENON_ALWAYS_INLINE enum tenon_form form_of(enum tenon_fused fused, enum tenon_form form) {
#ifdef PLAIN_C
    (void)fused;
    return form == TENON_FORM_HIGH || form == TENON_FORM_SYMMETRIC ? TENON_FORM_DOUBLE : form;
#else
    return fused == TENON_FUSED_SHIFTED     ? TENON_FORM_FUSED
           : fused == TENON_FUSED_SYMMETRIC ? TENON_FORM_FUSED_SYMMETRIC
                                            : form;
#endif
}

/* In the order that interleaving took. */
TENON_ALWAYS_INLINE vb to_bytes(const struct range *range, const vi y[4]) {
    vb bytes = vb_narrow(y, range->zero_point);
    return vb_xor(vb_min(vb_max(bytes, range->low), range->high), range->flip);
}

/* ---- rows of one or two panels of sums ---- */

enum { SUMS_STRIDE = 2 * LANES };

struct row_finish {
    const struct tenon_linear_i8 *linear;
    const struct tenon_linear_panel *panels;
    uint32_t panel_count, channels; /* channels <= SUMS_STRIDE */
    enum tenon_form form;
    struct range range;
    struct factors factors[2];
};

TENON_ALWAYS_INLINE void finish_rows_as(enum tenon_form form, const struct row_finish *f,
                                        const int32_t *sums, size_t rows, uint8_t *out,
                                        size_t stride) {
    const struct factors *a = &f->factors[0], *b = &f->factors[1];
    struct range range = f->range;
    bool scaled = form == TENON_FORM_PLAIN;
    for (size_t r = 0; r < rows; r += 2, sums += 2 * SUMS_STRIDE, out += 2 * stride) {
        vi y[4];
        TENON_UNROLL for (int i = 0; i < 4; i++) {
            y[i] = vi_load(sums + i * LANES);
            y[i] = scaled ? y[i] : scale(form, i % 2 == 0 ? a : b, y[i]);
        }
        vb bytes = vb_untangle(to_bytes(&range, y));
        bool two = r + 1 < rows;
        if (two && f->channels == SUMS_STRIDE) {
            vb_store_halves(out, out + stride, bytes);
            continue;
        }
        uint8_t both[2 * SUMS_STRIDE];
        vb_store(both, bytes);
        memcpy(out, both, f->channels);
        if (two)
            memcpy(out + stride, both + SUMS_STRIDE, f->channels);
    }
}

static void scale_rows_plain(const struct row_finish *f, int32_t *sums, size_t rows) {
    for (size_t r = 0; r < rows; r++)
        for (uint32_t p = 0; p < f->panel_count; p++)
            scale_plain(&f->panels[p].after, 0, f->linear->rounding,
                        sums + r * SUMS_STRIDE + p * LANES);
}

/* sums: [rows + 1][SUMS_STRIDE]; row r of the output is at out + r * stride. */
static void finish_rows(const struct row_finish *f, int32_t *sums, size_t rows, uint8_t *out,
                        size_t stride) {
#ifndef PLAIN_C
    if (f->form == TENON_FORM_HIGH || f->form == TENON_FORM_HIGH_SINGLE) {
        finish_rows_as(TENON_FORM_HIGH, f, sums, rows, out, stride);
        return;
    }
    if (f->form == TENON_FORM_SYMMETRIC) {
        finish_rows_as(TENON_FORM_SYMMETRIC, f, sums, rows, out, stride);
        return;
    }
    if (f->form == TENON_FORM_FUSED) {
        finish_rows_as(TENON_FORM_FUSED, f, sums, rows, out, stride);
        return;
    }
    if (f->form == TENON_FORM_FUSED_SYMMETRIC) {
        finish_rows_as(TENON_FORM_FUSED_SYMMETRIC, f, sums, rows, out, stride);
        return;
    }
#endif
    if (f->form == TENON_FORM_DOUBLE) {
        finish_rows_as(TENON_FORM_DOUBLE, f, sums, rows, out, stride);
        return;
    }
    scale_rows_plain(f, sums, rows);
    finish_rows_as(TENON_FORM_PLAIN, f, sums, rows, out, stride);
}
