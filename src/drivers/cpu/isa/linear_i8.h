/*
 * linear_i8 over the operations of a vector.h, included after it: the sums of a chunk of rows and
 * one or two panels of channels, then their requantization. multiply_rows is that of
 * multiply_dot.h or, where products are added in 16 bits (PAIRS_16), of multiply_pairs.h.
 *
 * vector.h defines LANES, LINEAR_ROWS, vi (LANES x i32), vb (4 * LANES x u8), vf (LANES x f32) and
 * the functions used here.
 */
#include "drivers/cpu/isa/requantize.h"

enum {
    CHUNK_ROWS = 48,   /* whose sums are held until they are requantized */
    AHEAD_BYTES = 4096 /* of weights, which a network's layers push out of the near caches */
};

struct tile {
    const struct tenon_linear_i8 *linear;
    const struct tenon_linear_panel *panels;
    uint32_t panel_count;
    const uint8_t *const *rows;
    const uint8_t *const *signed_rows;
    int32_t *sums; /* [LINEAR_ROWS][SUMS_STRIDE] */
};

#ifdef PAIRS_16
#include "drivers/cpu/isa/multiply_pairs.h"
#else
#include "drivers/cpu/isa/multiply_dot.h"
#endif

/* Sums of rows; the last tile computes its last row again where there are fewer. */
static void multiply_rows(struct tile t, size_t count) {
    const uint8_t *const *rows = t.rows, *last_rows[LINEAR_ROWS];
    const uint8_t *const *signed_rows = t.signed_rows, *last_signed_rows[LINEAR_ROWS];
    for (size_t first = 0; first < count; first += LINEAR_ROWS) {
        size_t left = count - first;
        t.rows = rows + first;
        t.signed_rows = signed_rows + first;
        if (left < LINEAR_ROWS) {
            for (size_t r = 0; r < LINEAR_ROWS; r++) {
                last_rows[r] = t.rows[r < left ? r : left - 1];
                last_signed_rows[r] = t.signed_rows[r < left ? r : left - 1];
            }
            t.rows = last_rows;
            t.signed_rows = last_signed_rows;
        }
        if (left == 1)
            multiply_tile_of_one(&t);
        else if (left <= LINEAR_ROWS / 2)
            multiply_tile_of_half(&t);
        else
            multiply_tile_of_many(&t);
        t.sums += LINEAR_ROWS * SUMS_STRIDE;
    }
}

static void linear_i8(const struct tenon_linear_i8 *linear, const uint8_t *const *rows,
                      const uint8_t *const *signed_rows, size_t row_count, uint32_t begin,
                      uint32_t end, uint8_t *out) {
    const struct tenon_linear_params *params = &linear->params;
    int32_t sums[(CHUNK_ROWS + 1) * SUMS_STRIDE];
    struct tile t = {.linear = linear, .sums = sums};
    struct row_finish f = {.linear = linear};
    for (uint32_t panel = begin; panel < end; panel += f.panel_count) {
        uint32_t left = params->channels - panel * LANES;
        f.panel_count = t.panel_count = end - panel >= 2 ? 2 : 1;
        f.channels = left < f.panel_count * LANES ? left : f.panel_count * LANES;
        f.panels = t.panels = &linear->panels[panel];
        bool alike = f.panels[0].fused == f.panels[f.panel_count - 1].fused;
        f.form = form_of(alike ? f.panels[0].fused : TENON_FUSED_NONE, linear->form);
        f.range = range_of(&linear->range, f.form == TENON_FORM_FUSED ? params->center : 0);
        for (uint32_t p = 0; p < f.panel_count; p++)
            factors_load(&f.factors[p], &f.panels[p].after, 0, f.form);
        for (size_t first = 0; first < row_count; first += CHUNK_ROWS) {
            size_t count = row_count - first < CHUNK_ROWS ? row_count - first : CHUNK_ROWS;
            t.rows = rows + first;
            t.signed_rows = signed_rows + first;
            multiply_rows(t, count);
            memset(sums + count * SUMS_STRIDE, 0, SUMS_STRIDE * sizeof(*sums));
            finish_rows(&f, sums, count, out + panel * LANES + first * params->channels,
                        params->channels);
        }
    }
}
