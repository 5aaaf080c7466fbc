/*
 * linear_i8 over the operations of a vector.h, included after it. A tile is ROWS rows by one or two
 * panels of channels, held in registers: each quad of activations is broadcast and multiplied with
 * the panels' vectors of weights.
 *
 * vector.h defines LANES, LINEAR_ROWS, struct-free types vi (LANES x i32) and the functions used
 * here. PAIRS_16 is defined where products are added in 16 bits first (type vs).
 */
#include "drivers/cpu/isa/requantize.h"

enum { CHUNK_ROWS = 48 }; /* whose sums are held until they are requantized */

struct tile {
    const struct tenon_linear_i8 *linear;
    const struct tenon_linear_panel *panels;
    const uint8_t *const *rows;
    int32_t *sums; /* [LINEAR_ROWS][SUMS_STRIDE] */
};

TENON_ALWAYS_INLINE vi quad_at(const uint8_t *row, size_t quad, vi flip) {
    return vi_xor(vi_broadcast_quad(row + quad * TENON_QUAD), flip);
}

#ifdef PAIRS_16
/* `depth` quads from `quad` on, added in 16 bits. */
TENON_ALWAYS_INLINE void multiply_group(const struct tile *t, size_t quad, vi flip, int rows,
                                        int panels, int depth, vi acc[][2]) {
    vi w[2][TENON_DEPTH_MAX];
    TENON_UNROLL for (int p = 0; p < panels; p++) TENON_UNROLL for (int d = 0; d < depth; d++)
        w[p][d] = vi_load(t->panels[p].weights + (quad + (size_t)d) * LANES * TENON_QUAD);
    TENON_UNROLL for (int r = 0; r < rows; r++) {
        vs sums[2];
        TENON_UNROLL for (int d = 0; d < depth; d++) {
            vi a = quad_at(t->rows[r], quad + (size_t)d, flip);
            TENON_UNROLL for (int p = 0; p < panels; p++) {
                vs products = vs_pairs(a, w[p][d]);
                sums[p] = d == 0 ? products : vs_add(sums[p], products);
            }
        }
        TENON_UNROLL for (int p = 0; p < panels; p++) acc[r][p] =
            vi_add(acc[r][p], vs_widen(sums[p]));
    }
}
#endif

TENON_ALWAYS_INLINE void multiply_quad(const struct tile *t, size_t quad, vi flip, int rows,
                                       int panels, vi acc[][2]) {
    vi w[2];
    TENON_UNROLL for (int p = 0; p < panels; p++) w[p] =
        vi_load(t->panels[p].weights + quad * LANES * TENON_QUAD);
    TENON_UNROLL for (int r = 0; r < rows; r++) {
        vi a = quad_at(t->rows[r], quad, flip);
        TENON_UNROLL for (int p = 0; p < panels; p++) acc[r][p] = vi_dot(acc[r][p], a, w[p]);
    }
}

/* What did not fit the main weights of panel p. */
TENON_ALWAYS_INLINE void multiply_extras(const struct tile *t, int p, vi flip, int rows,
                                         vi acc[][2]) {
    const struct tenon_linear_panel *panel = &t->panels[p];
    for (size_t i = 0; i < panel->extra_count; i++) {
        size_t quad = tenon_load_le32(panel->extra_quad + i * sizeof(uint32_t));
        vi w = vi_load(panel->extra + i * LANES * TENON_QUAD);
        TENON_UNROLL for (int r = 0; r < rows; r++) acc[r][p] =
            vi_dot(acc[r][p], quad_at(t->rows[r], quad, flip), w);
    }
}

TENON_ALWAYS_INLINE void multiply_tile(const struct tile *t, int rows, int panels, int depth) {
    vi acc[LINEAR_ROWS][2], flip = vi_dup_byte(t->linear->flip);
    size_t quads = t->linear->params.quads, quad = 0;
    TENON_UNROLL for (int p = 0; p < panels; p++) {
        vi bias = vi_load(t->panels[p].after.bias);
        TENON_UNROLL for (int r = 0; r < rows; r++) acc[r][p] = bias;
    }
#ifdef PAIRS_16
    for (; depth > 1 && quad + (size_t)depth <= quads; quad += (size_t)depth)
        multiply_group(t, quad, flip, rows, panels, depth, acc);
#else
    (void)depth;
#endif
    for (; quad < quads; quad++)
        multiply_quad(t, quad, flip, rows, panels, acc);
    TENON_UNROLL for (int p = 0; p < panels; p++) multiply_extras(t, p, flip, rows, acc);
    TENON_UNROLL for (int r = 0; r < rows; r++) TENON_UNROLL for (int p = 0; p < panels; p++)
        vi_store(t->sums + r * SUMS_STRIDE + p * LANES, acc[r][p]);
}

TENON_ALWAYS_INLINE void multiply_panels(const struct tile *t, int rows, bool two) {
#ifdef PAIRS_16
    uint32_t depth = t->linear->params.depth;
    if (depth == 4)
        two ? multiply_tile(t, rows, 2, 4) : multiply_tile(t, rows, 1, 4);
    else if (depth == 2)
        two ? multiply_tile(t, rows, 2, 2) : multiply_tile(t, rows, 1, 2);
    else
#endif
        two ? multiply_tile(t, rows, 2, 1) : multiply_tile(t, rows, 1, 1);
}

static void tile_of_many(const struct tile *t, bool two) {
    multiply_panels(t, LINEAR_ROWS, two);
}

static void tile_of_half(const struct tile *t, bool two) {
    multiply_panels(t, LINEAR_ROWS / 2, two);
}

static void tile_of_one(const struct tile *t, bool two) {
    multiply_panels(t, 1, two);
}

/* Sums of rows; the last tile computes its last row again where there are fewer. */
static void multiply_rows(struct tile t, const uint8_t *const *rows, size_t count, bool two) {
    const uint8_t *in_rows[LINEAR_ROWS];
    for (size_t first = 0; first < count; first += LINEAR_ROWS) {
        size_t left = count - first;
        t.rows = rows + first;
        if (left < LINEAR_ROWS) {
            for (size_t r = 0; r < LINEAR_ROWS; r++)
                in_rows[r] = rows[first + (r < left ? r : left - 1)];
            t.rows = in_rows;
        }
        if (left == 1)
            tile_of_one(&t, two);
        else if (left <= LINEAR_ROWS / 2)
            tile_of_half(&t, two);
        else
            tile_of_many(&t, two);
        t.sums += LINEAR_ROWS * SUMS_STRIDE;
    }
}

static void linear_i8(const struct tenon_linear_i8 *linear, const uint8_t *const *rows,
                      size_t row_count, uint32_t begin, uint32_t end, uint8_t *out) {
    const struct tenon_linear_params *params = &linear->params;
    int32_t sums[(CHUNK_ROWS + 1) * SUMS_STRIDE] = {0};
    struct tile tile = {.linear = linear, .sums = sums};
    struct row_finish f = {.linear = linear, .range = range_of(&linear->range)};
    for (uint32_t panel = begin; panel < end; panel += f.panel_count) {
        uint32_t left = params->channels - panel * LANES;
        f.panel_count = end - panel >= 2 ? 2 : 1;
        f.channels = left < f.panel_count * LANES ? left : f.panel_count * LANES;
        f.panels = tile.panels = &linear->panels[panel];
        for (uint32_t p = 0; p < f.panel_count; p++)
            factors_load(&f.factors[p], &f.panels[p].after, 0, linear->form);
        for (size_t first = 0; first < row_count; first += CHUNK_ROWS) {
            size_t count = row_count - first < CHUNK_ROWS ? row_count - first : CHUNK_ROWS;
            multiply_rows(tile, rows + first, count, f.panel_count == 2);
            finish_rows(&f, sums, count, out + panel * LANES + first * params->channels,
                        params->channels);
        }
    }
}
