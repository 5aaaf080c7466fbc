/*
 * linear_i8 over the operations of a vector.h, included after it. A tile is ROWS rows by one or two
 * panels of channels, held in registers: each quad of activations is broadcast and multiplied with
 * the panels' vectors of weights.
 *
 * vector.h defines LANES, LINEAR_ROWS, struct-free types vi (LANES x i32) and the functions used
 * here. PAIRS_16 is defined where products are added in 16 bits first (type vs).
 */
#include "drivers/cpu/isa.h"
#include "drivers/cpu/isa/requantize.h"

struct tile {
    const struct tenon_linear_i8 *linear;
    const struct tenon_linear_panel *panels;
    const uint8_t *const *rows;
    uint8_t *const *out;
    uint32_t channels; /* of the last panel */
    struct range range;
    struct requantizer after[2]; /* of each panel */
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

TENON_ALWAYS_INLINE vi finish(const struct tile *t, int p, vi sum) {
    const struct tenon_linear_i8 *linear = t->linear;
    return linear->vector_rounding
               ? requantize(&t->after[p], sum)
               : requantize_plain(&t->panels[p].after, 0, linear->rounding, &t->range, sum);
}

TENON_ALWAYS_INLINE void finish_tile(const struct tile *t, int rows, int panels, vi acc[][2]) {
    bool partial = t->channels < LANES;
    TENON_UNROLL for (int r = 0; r < rows; r++) {
        vi y = finish(t, 0, acc[r][0]);
        if (panels == 2 && !partial) {
            vi_store_bytes_of_two(t->out[r], y, finish(t, 1, acc[r][1]));
            continue;
        }
        if (panels == 1 && partial)
            store_some(t->out[r], y, t->channels);
        else
            vi_store_bytes(t->out[r], y);
        if (panels == 2)
            store_some(t->out[r] + LANES, finish(t, 1, acc[r][1]), t->channels);
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
    finish_tile(t, rows, panels, acc);
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

/* Full tiles, and single rows where a tile would mostly compute nothing. */
static void tile_of_many(const struct tile *t, bool two) {
    multiply_panels(t, LINEAR_ROWS, two);
}

static void tile_of_one(const struct tile *t, bool two) {
    multiply_panels(t, 1, two);
}

/* Rows [first, first + LINEAR_ROWS) of the output, the last one again where there are fewer. */
static void run_rows(struct tile *tile, const uint8_t *const *rows, size_t count, uint8_t *out,
                     bool two) {
    const uint8_t *in_rows[LINEAR_ROWS];
    uint8_t *out_rows[LINEAR_ROWS];
    size_t channels = tile->linear->params.channels;
    struct tile t = *tile; /* which points to arrays of this function */
    t.out = out_rows;
    for (size_t first = 0; first < count;) {
        size_t left = count - first;
        size_t step = left >= LINEAR_ROWS ? LINEAR_ROWS : left > 2 ? left : 1;
        for (size_t r = 0; r < LINEAR_ROWS; r++) {
            size_t row = first + (r < step ? r : step - 1);
            in_rows[r] = rows[row];
            out_rows[r] = out + row * channels;
        }
        t.rows = in_rows;
        if (step == 1)
            tile_of_one(&t, two);
        else
            tile_of_many(&t, two);
        first += step;
    }
}

static void linear_i8(const struct tenon_linear_i8 *linear, const uint8_t *const *rows,
                      size_t row_count, uint32_t begin, uint32_t end, uint8_t *out) {
    const struct tenon_linear_params *params = &linear->params;
    struct tile t = {.linear = linear, .range = {params->low, params->high, params->zero_point}};
    for (uint32_t panel = begin; panel < end;) {
        bool two = end - panel >= 2;
        uint32_t last = panel + two, left = params->channels - last * LANES;
        t.panels = &linear->panels[panel];
        for (int p = 0; p <= two; p++)
            requantizer_load(&t.after[p], &t.panels[p].after, 0, &t.range);
        t.channels = left < LANES ? left : LANES;
        run_rows(&t, rows, row_count, out + panel * LANES, two);
        panel = last + 1;
    }
}
