/*
 * depthwise_i8 over the operations of a vector.h, included after linear_i8.h. A block is four
 * vectors of bytes wide. For each row of outputs, the rows of input that it sees are interleaved
 * four at a time, once for all places of the window: each 32-bit lane of a column then holds four
 * activations of one channel, one above the other. A step multiplies a column with weights that
 * were packed in the same order. Packing the results to bytes is the inverse of interleaving:
 * channels come out in their own order.
 */
enum { BLOCK_CHANNELS = 4 * LANES, COLUMN_BYTES = 4 * BLOCK_CHANNELS };
#ifdef PLAIN_C
#define UNROLL_8 /* no vectors stay in registers: the loops would only be longer */
#else
#define UNROLL_8 TENON_UNROLL
#endif
#ifdef PAIRS_16
enum { PIXELS = 2, STEP_BYTES = 2 * COLUMN_BYTES };
#else
enum { PIXELS = 1, STEP_BYTES = COLUMN_BYTES };
#endif

struct pixels {
    const struct tenon_depthwise_i8 *depthwise;
    const struct tenon_depthwise_block *block;
    const uint32_t *steps;
    uint8_t *columns;
    struct factors factors[4];
    struct range range;
    uint32_t channels; /* of the block */
    enum tenon_form form;
};

/* ---- columns ---- */

/* Four rows of input, one above the other; where a row is outside, its step is 0. */
struct four_rows {
    const uint8_t *at[4]; /* the block's channels of the picture's first pixel */
    size_t step[4];
};

TENON_ALWAYS_INLINE void interleave_pixels(struct four_rows rows, size_t count, uint32_t channels,
                                           vb flip, uint8_t *to) {
    for (size_t i = 0; i < count; i++, to += COLUMN_BYTES) {
        vb bytes[4];
        vi column[4];
        UNROLL_8 for (int k = 0; k < 4; k++) {
            bytes[k] = channels < BLOCK_CHANNELS ? vb_load_some(rows.at[k], channels)
                                                 : vb_load(rows.at[k]);
            bytes[k] = vb_xor(bytes[k], flip);
            rows.at[k] += rows.step[k];
        }
        vb_interleave(bytes, column);
        UNROLL_8 for (int v = 0; v < 4; v++) vi_store(to + v * BLOCK_CHANNELS, column[v]);
    }
}

/* Columns [first, first + count) of the picture, which may lie outside of it. */
static void interleave_rows(const struct pixels *p, const struct four_rows *rows, int64_t first,
                            size_t count, uint8_t *to) {
    const struct tenon_depthwise_i8 *d = p->depthwise;
    int64_t end = first + (int64_t)count, in_w = d->window.in_w;
    size_t left = first < 0 ? (size_t)-first : 0, right = end > in_w ? (size_t)(end - in_w) : 0;
    left = left < count ? left : count;
    right = right < count - left ? right : count - left;
    size_t inside = count - left - right;
    memset(to, d->padding, left * COLUMN_BYTES);
    to += left * COLUMN_BYTES;
    memset(to + inside * COLUMN_BYTES, d->padding, right * COLUMN_BYTES);
    struct four_rows from = *rows;
    for (int k = 0; k < 4 && first > 0; k++)
        from.at[k] += (size_t)first * from.step[k];
    if (p->channels < BLOCK_CHANNELS)
        interleave_pixels(from, inside, p->channels, vb_dup(d->flip), to);
    else
        interleave_pixels(from, inside, BLOCK_CHANNELS, vb_dup(d->flip), to);
}

/* Rows `quad` * depth and on of the window over an output row whose first is at y. */
static void find_rows(const struct pixels *p, const uint8_t *picture, const uint8_t *padding,
                      int64_t y, uint32_t quad, struct four_rows *out) {
    const struct tenon_depthwise_i8 *d = p->depthwise;
    const struct tenon_window *w = &d->window;
    size_t pixel_bytes = (size_t)w->in_c;
    for (int32_t k = 0; k < 4; k++) {
        int32_t slot = k == 3 && d->params.depth == 3 ? 1 : k; /* see image/cpu_params.h */
        int32_t row = (int32_t)(quad * d->params.depth) + slot;
        int64_t at = y + (int64_t)(row < w->k_h ? row : 0) * w->dilation_h;
        bool inside = at >= 0 && at < w->in_h;
        out->at[k] =
            inside ? picture + (size_t)(at * w->in_w) * pixel_bytes + p->block->first : padding;
        out->step[k] = inside ? pixel_bytes : 0;
    }
}

/* ---- outputs ---- */

#ifdef PAIRS_16
/* acc + activations times weights: see image/cpu_params.h. */
TENON_ALWAYS_INLINE vi multiply_column(vi acc, const uint8_t *column, const uint8_t *weights) {
    vi signs = vi_load(weights + COLUMN_BYTES);
    return vi_add(acc, vs_widen(vs_pairs(vi_load(weights), vi_xor(vi_load(column), signs))));
}
#else
TENON_ALWAYS_INLINE vi multiply_column(vi acc, const uint8_t *column, const uint8_t *weights) {
    return vi_dot(acc, vi_load(column), vi_load(weights));
}
#endif

/* Of PIXELS pixels, whose columns are `apart` bytes apart. */
TENON_ALWAYS_INLINE void multiply_columns(const uint8_t *columns, size_t apart,
                                          const uint32_t *steps, const uint8_t *weights,
                                          uint32_t count, vi acc[PIXELS][4]) {
    for (uint32_t step = 0; step < count; step++, weights += STEP_BYTES) {
        const uint8_t *column = columns + steps[step];
        UNROLL_8 for (int v = 0; v < 4; v++, column += BLOCK_CHANNELS)
            UNROLL_8 for (int i = 0; i < PIXELS; i++) acc[i][v] = multiply_column(
                acc[i][v], column + (size_t)i * apart, weights + v * BLOCK_CHANNELS);
    }
}

static void scale_pixel_plain(const struct pixels *p, vi acc[4]) {
    int32_t sums[BLOCK_CHANNELS];
    for (size_t v = 0; v < 4; v++) {
        vi_store(sums + v * LANES, acc[v]);
        scale_plain(&p->block->after, v * LANES, p->depthwise->rounding, sums + v * LANES);
        acc[v] = vi_load(sums + v * LANES);
    }
}

TENON_ALWAYS_INLINE void compute_pixels_as(enum tenon_form form, const struct pixels *p,
                                           size_t count, uint8_t *out) {
    /* Stores to `out` might be to anything: what the loop needs is loaded before. */
    const struct tenon_window *w = &p->depthwise->window;
    const struct tenon_depthwise_block block = *p->block;
    const size_t step = (size_t)w->stride_w * COLUMN_BYTES, pixel_bytes = (size_t)w->in_c;
    const uint8_t *columns = p->columns;
    const uint32_t *steps = p->steps, channels = p->channels;
    const struct range range = p->range;
    for (size_t i = 0; i < count; i += PIXELS) {
        size_t more = count - i > 1; /* pixels alone are computed twice */
        vi acc[PIXELS][4];
        UNROLL_8 for (size_t v = 0; v < 4; v++) UNROLL_8 for (int k = 0; k < PIXELS; k++)
            acc[k][v] = vi_load(block.after.bias + v * LANES * sizeof(int32_t));
        multiply_columns(columns, more * step, steps, block.weights, block.step_count, acc);
        UNROLL_8 for (int k = 0; k < PIXELS; k++) {
            if (form == TENON_FORM_PLAIN)
                scale_pixel_plain(p, acc[k]);
            else
                UNROLL_8 for (size_t v = 0; v < 4; v++) acc[k][v] =
                    scale(form, &p->factors[v], acc[k][v]);
            vb bytes = to_bytes(&range, acc[k]);
            if (channels < BLOCK_CHANNELS)
                vb_store_some(out + (size_t)k * more * pixel_bytes, bytes, channels);
            else
                vb_store(out + (size_t)k * more * pixel_bytes, bytes);
        }
        columns += PIXELS * step;
        out += PIXELS * pixel_bytes;
    }
}

static void compute_pixels(const struct pixels *p, size_t count, uint8_t *out) {
#ifndef PLAIN_C
    if (p->form == TENON_FORM_HIGH || p->form == TENON_FORM_HIGH_SINGLE) {
        compute_pixels_as(TENON_FORM_HIGH, p, count, out);
        return;
    }
    if (p->form == TENON_FORM_SYMMETRIC) {
        compute_pixels_as(TENON_FORM_SYMMETRIC, p, count, out);
        return;
    }
    if (p->form == TENON_FORM_FUSED) {
        compute_pixels_as(TENON_FORM_FUSED, p, count, out);
        return;
    }
    if (p->form == TENON_FORM_FUSED_SYMMETRIC) {
        compute_pixels_as(TENON_FORM_FUSED_SYMMETRIC, p, count, out);
        return;
    }
#endif
    if (p->form == TENON_FORM_DOUBLE) {
        compute_pixels_as(TENON_FORM_DOUBLE, p, count, out);
        return;
    }
    compute_pixels_as(TENON_FORM_PLAIN, p, count, out);
}

/* One output row, tile by tile. */
static void compute_row(const struct pixels *p, const uint8_t *picture, int64_t y, uint8_t *out) {
    const struct tenon_depthwise_i8 *d = p->depthwise;
    const struct tenon_window *w = &d->window;
    uint8_t padding[BLOCK_CHANNELS];
    memset(padding, d->padding ^ d->flip, sizeof(padding));
    for (size_t x = 0; x < (size_t)w->out_w; x += d->tile_width) {
        size_t left = (size_t)w->out_w - x, count = left < d->tile_width ? left : d->tile_width;
        int64_t first = (int64_t)x * w->stride_w - w->pad_left;
        size_t span = (size_t)(w->k_w - 1) * (size_t)w->dilation_w + 1;
        for (uint32_t quad = 0; quad < d->quads; quad++) {
            struct four_rows rows;
            find_rows(p, picture, padding, y, quad, &rows);
            interleave_rows(p, &rows, first, (count - 1) * (size_t)w->stride_w + span,
                            p->columns + quad * d->tile_columns * COLUMN_BYTES);
        }
        compute_pixels(p, count, out + x * (size_t)w->in_c);
    }
}

static void depthwise_i8(const struct tenon_depthwise_i8 *depthwise, const uint8_t *in,
                         uint32_t block, size_t first_row, size_t row_count, void *workspace,
                         uint8_t *out) {
    const struct tenon_depthwise_params *params = &depthwise->params;
    const struct tenon_window *w = &depthwise->window;
    struct pixels p = {.depthwise = depthwise,
                       .block = &depthwise->blocks[block],
                       .steps = depthwise->steps[block],
                       .columns = workspace};
    p.form = form_of(p.block->fused, depthwise->form);
    p.range = range_of(&depthwise->range, p.form == TENON_FORM_FUSED ? params->center : 0);
    p.channels = params->channels < BLOCK_CHANNELS ? params->channels : BLOCK_CHANNELS;
    for (size_t v = 0; v < 4; v++)
        factors_load(&p.factors[v], &p.block->after, v * LANES, p.form);
    size_t row_bytes = (size_t)w->out_w * (size_t)w->in_c;
    for (size_t row = first_row; row < first_row + row_count; row++) {
        size_t batch = row / (size_t)w->out_h;
        const uint8_t *picture = in + batch * (size_t)w->in_h * (size_t)w->in_w * (size_t)w->in_c;
        int64_t y = (int64_t)(row % (size_t)w->out_h) * w->stride_h - w->pad_top;
        compute_row(&p, picture, y, out + row * row_bytes + p.block->first);
    }
}
