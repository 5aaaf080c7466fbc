/*
 * linear_f32 and depthwise_f32 over the operations of a vector.h (type vf, LANES x f32, and
 * FLOAT_ROWS). Products of a channel are added to its bias, in the order of the weights.
 */
#include <math.h>

#include "drivers/cpu/isa.h"
#include "drivers/cpu/isa/partial.h"

enum { FLOAT_PIXELS = 4 }; /* of a depthwise convolution, at once */

struct float_range {
    vf low, high;
};

TENON_ALWAYS_INLINE vf vf_clamp(vf x, const struct float_range *range) {
    return vf_min(vf_max(x, range->low), range->high);
}

/*
 * Tiles of rows x panels whose sums fit the registers: FLOAT_ROWS x 2, FEW_ROWS x 3; and one row of
 * many panels, which is bound by reading the weights.
 */
enum { FEW_ROWS = FLOAT_ROWS * 2 / 3, ROW_PANELS = 6, BLOCK_PRODUCTS = 320 };

/* A block of products: `pieces` of the rows, of `length` elements from `offset`. */
struct float_tile {
    const float *const *rows[FLOAT_ROWS];
    float *out[FLOAT_ROWS];
    const uint8_t *bias, *weights; /* of the first panel */
    size_t panel_bytes;            /* to the next one */
    size_t pieces, offset, length;
    size_t ahead; /* from the weights to those that are wanted next */
    struct float_range range;
    bool first; /* of the blocks: the others are added to what is in `out` */
};

TENON_ALWAYS_INLINE void multiply_float_tile(const struct float_tile *t, int rows, int panels) {
    vf acc[FLOAT_ROWS * 2];
    const uint8_t *at[ROW_PANELS];
    TENON_UNROLL for (int p = 0; p < panels; p++) at[p] = t->weights + (size_t)p * t->panel_bytes;
    TENON_UNROLL for (int i = 0; i < rows * panels; i++) acc[i] =
        t->first ? vf_load(t->bias + (size_t)(i % panels) * t->panel_bytes)
                 : vf_load(t->out[i / panels] + i % panels * LANES);
    for (size_t piece = 0; piece < t->pieces; piece++) {
        const float *in[FLOAT_ROWS];
        TENON_UNROLL for (int r = 0; r < rows; r++) in[r] = t->rows[r][piece] + t->offset;
        for (size_t k = 0; k < t->length; k++) {
            vf w[ROW_PANELS];
            if (panels > 1) /* else there are no others */
                __builtin_prefetch(at[0] + t->ahead, 0, 2);
            TENON_UNROLL for (int p = 0; p < panels; p++) {
                w[p] = vf_load(at[p]);
                at[p] += LANES * sizeof(float);
            }
            TENON_UNROLL for (int r = 0; r < rows; r++) {
                vf a = vf_dup(in[r][k]);
                TENON_UNROLL for (int p = 0; p < panels; p++) acc[r * panels + p] =
                    vf_multiply_add(acc[r * panels + p], a, w[p]);
            }
        }
    }
    TENON_UNROLL for (int i = 0; i < rows * panels; i++)
        vf_store(t->out[i / panels] + i % panels * LANES, vf_clamp(acc[i], &t->range));
}

/* Functions of their own: inlined into one they share its registers, and spill. */
#define FLOAT_TILE(name, rows, panels)                            \
    static TENON_NOINLINE void name(const struct float_tile *t) { \
        multiply_float_tile(t, rows, panels);                     \
    }
FLOAT_TILE(float_tile_many, FLOAT_ROWS, 2)
FLOAT_TILE(float_tile_few_1, FEW_ROWS, 1)
FLOAT_TILE(float_tile_few_2, FEW_ROWS, 2)
FLOAT_TILE(float_tile_few_3, FEW_ROWS, 3)
FLOAT_TILE(float_tile_one, 1, ROW_PANELS)
#undef FLOAT_TILE

/* Rows of the next tile. It may have fewer: then the last one is computed repeatedly. */
static size_t float_tile_rows(size_t left, size_t panels) {
    if (panels > 3)
        return 1;
    bool few = panels != 2 || left <= FEW_ROWS || (left > FLOAT_ROWS && left <= 2 * FEW_ROWS);
    return few ? FEW_ROWS : FLOAT_ROWS;
}

static void run_float_tile(const struct float_tile *t, size_t rows, size_t panels) {
    static void (*const few[])(const struct float_tile *) = {float_tile_few_1, float_tile_few_2,
                                                             float_tile_few_3};
    if (rows == 1)
        float_tile_one(t);
    else if (rows == FLOAT_ROWS)
        float_tile_many(t);
    else
        few[panels - 1](t);
}

/* Some panels of the output. */
struct float_part {
    const float *const *rows;
    size_t pieces, count;
    float *out;
    size_t out_channels, panels, channels;
};

static TENON_NOINLINE void run_float_block(struct float_tile *t, const struct float_part *part,
                                           size_t first_piece) {
    float edge[FLOAT_ROWS * 2 * LANES];
    size_t width = part->panels * LANES, step;
    bool partial = part->channels < width;
    for (size_t first = 0; first < part->count; first += step) {
        size_t left = part->count - first, rows = float_tile_rows(left, part->panels);
        step = left < rows ? left : rows;
        for (size_t r = 0; r < rows; r++) {
            size_t row = first + (r < step ? r : step - 1);
            t->rows[r] = part->rows + row * part->pieces + first_piece;
            t->out[r] = partial ? edge + r * width : part->out + row * part->out_channels;
        }
        run_float_tile(t, rows, part->panels);
        for (size_t r = 0; partial && r < step; r++)
            memcpy(part->out + (first + r) * part->out_channels, edge + r * width,
                   part->channels * sizeof(float));
    }
}

/* Block by block, so that the weights of one stay in the first cache for all rows. */
static void run_float_part(const struct tenon_float_params *params, const uint8_t *panel,
                           const struct float_part *part) {
    bool whole = part->count <= FLOAT_ROWS || part->channels < part->panels * LANES;
    size_t piece = params->products / part->pieces,
           most = whole ? params->products : BLOCK_PRODUCTS;
    size_t blocks = part->pieces == 1 ? (piece + most - 1) / most : 1; /* of a piece */
    size_t length = (piece + blocks - 1) / blocks, step = most > piece ? most / piece : 1;
    struct float_tile t = {.bias = panel,
                           .weights = panel + LANES * sizeof(float),
                           .panel_bytes = ((size_t)params->products + 1) * LANES * sizeof(float)};
    for (size_t i = 0; i < part->pieces; i += t.pieces)
        for (t.offset = 0; t.offset < piece; t.offset += t.length) {
            size_t left = part->pieces - i;
            t.pieces = left < step ? left : step;
            t.length = piece - t.offset < length ? piece - t.offset : length;
            bool last = i + t.pieces == part->pieces && t.offset + t.length == piece;
            size_t bytes = t.pieces * t.length * LANES * sizeof(float);
            t.ahead = last ? bytes + (part->panels - 1) * t.panel_bytes : bytes;
            t.range.low = vf_dup(last ? params->low : -INFINITY);
            t.range.high = vf_dup(last ? params->high : INFINITY);
            t.first = i + t.offset == 0;
            run_float_block(&t, part, i);
            t.weights += bytes;
        }
}

static void linear_f32(const struct tenon_float_params *params, const float *const *rows,
                       size_t pieces, size_t row_count, uint32_t begin, uint32_t end, float *out) {
    struct float_part part = {
        .rows = rows, .pieces = pieces, .count = row_count, .out_channels = params->channels};
    for (uint32_t first = begin; first < end; first += (uint32_t)part.panels) {
        size_t left = end - first, channels = params->channels - (size_t)first * LANES;
        part.panels = row_count == 1 && left >= ROW_PANELS ? ROW_PANELS : left <= 3 ? left : 2;
        part.channels = channels < part.panels * LANES ? channels : part.panels * LANES;
        part.out = out + (size_t)first * LANES;
        run_float_part(params, tenon_float_panel(params, first), &part);
    }
}

/* A panel's channels of FLOAT_PIXELS neighbours that see rows of three columns, `step` apart. Each
 * column is loaded once for all pixels that see it. */
TENON_ALWAYS_INLINE void depthwise_float_pixels(const struct tenon_depthwise_f32 *d,
                                                const float *const *columns, size_t pitch, int step,
                                                const uint8_t *panel, float *out, size_t at) {
    enum { TAPS = 3 };
    struct float_range range = {vf_dup(d->params.low), vf_dup(d->params.high)};
    vf sums[FLOAT_PIXELS], bias = vf_load(panel);
    TENON_UNROLL for (int p = 0; p < FLOAT_PIXELS; p++) sums[p] = bias;
    for (size_t y = 0; y < d->k_h; y++, columns += pitch) {
        vf weights[TAPS];
        TENON_UNROLL for (int k = 0; k < TAPS; k++) weights[k] =
            vf_load(panel += LANES * sizeof(float));
        TENON_UNROLL for (int x = 0; x < TAPS + (FLOAT_PIXELS - 1) * step; x++) {
            vf column = vf_load(columns[x] + at);
            TENON_UNROLL for (int p = 0; p < FLOAT_PIXELS; p++) {
                int k = x - p * step;
                if (k >= 0 && k < TAPS)
                    sums[p] = vf_multiply_add(sums[p], column, weights[k]);
            }
        }
    }
    TENON_UNROLL for (int p = 0; p < FLOAT_PIXELS; p++)
        vf_store(out + (size_t)p * d->params.channels + at, vf_clamp(sums[p], &range));
}

/* Any window, one pixel, a panel of `count` channels. */
static void depthwise_float_any(const struct tenon_depthwise_f32 *d, const float *const *columns,
                                size_t pitch, const uint8_t *panel, float *out, size_t at,
                                uint32_t count) {
    struct float_range range = {vf_dup(d->params.low), vf_dup(d->params.high)};
    vf sum = vf_load(panel);
    for (size_t y = 0; y < d->k_h; y++, columns += pitch)
        for (size_t k = 0; k < d->k_w; k++) {
            vf x = count < LANES ? vf_load_some(columns[k] + at, count) : vf_load(columns[k] + at);
            sum = vf_multiply_add(sum, x, vf_load(panel += LANES * sizeof(float)));
        }
    vf y = vf_clamp(sum, &range);
    if (count < LANES)
        vf_store_some(out + at, y, count);
    else
        vf_store(out + at, y);
}

static void depthwise_float_panels(const struct tenon_depthwise_f32 *d, const float *const *columns,
                                   size_t pitch, size_t pixels, uint32_t begin, uint32_t end,
                                   float *out) {
    for (uint32_t i = begin; i < end; i++) {
        const uint8_t *panel = tenon_float_panel(&d->params, i);
        size_t at = (size_t)i * LANES;
        uint32_t left = d->params.channels - (uint32_t)at;
        if (pixels == 1 || left < LANES)
            for (size_t p = 0; p < pixels; p++)
                depthwise_float_any(d, columns + p * d->step, pitch, panel,
                                    out + p * d->params.channels, at, left < LANES ? left : LANES);
        else if (d->step == 1)
            depthwise_float_pixels(d, columns, pitch, 1, panel, out, at);
        else
            depthwise_float_pixels(d, columns, pitch, 2, panel, out, at);
    }
}

/* Pixel by pixel, whose channels lie one after the other; but no more panels at once than leave
 * their weights in the first cache. */
static void depthwise_f32(const struct tenon_depthwise_f32 *d, const float *const *columns,
                          size_t pixel_count, float *out) {
    enum { PANELS = 256 / LANES };
    bool several = d->k_w == 3 && d->step <= 2 && pixel_count >= FLOAT_PIXELS;
    size_t pixels = several ? FLOAT_PIXELS : 1, pitch = (pixel_count - 1) * d->step + d->k_w;
    for (uint32_t begin = 0; begin < d->params.panels; begin += PANELS) {
        uint32_t left = d->params.panels - begin, end = begin + (left < PANELS ? left : PANELS);
        for (size_t i = 0; i < pixel_count; i += pixels) {
            /* The last pixels once more, with those left over. */
            size_t first = i + pixels <= pixel_count ? i : pixel_count - pixels;
            depthwise_float_panels(d, columns + first * d->step, pitch, pixels, begin, end,
                                   out + first * d->params.channels);
        }
    }
}

extern const struct tenon_float_kernels ISA_FLOATS;

const struct tenon_float_kernels ISA_FLOATS = {
    .linear_f32 = linear_f32,
    .depthwise_f32 = depthwise_f32,
};
