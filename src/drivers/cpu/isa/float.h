/*
 * linear_f32 and depthwise_f32 over the operations of a vector.h (type vf, LANES x f32, and
 * FLOAT_ROWS). Products of a channel are added in the order of the weights, the bias at the end.
 */
enum { FLOAT_PIXELS = 4 }; /* of a depthwise convolution, at once */

struct float_range {
    vf low, high;
};

TENON_ALWAYS_INLINE vf vf_finish(vf sum, vf bias, const struct float_range *range) {
    return vf_min(vf_max(vf_add(sum, bias), range->low), range->high);
}

TENON_ALWAYS_INLINE void vf_store_some(float *out, vf y, uint32_t count) {
    float values[LANES];
    vf_store(values, y);
    memcpy(out, values, count * sizeof(*values));
}

struct float_tile {
    const struct tenon_float_params *params;
    const float *const *const *rows; /* per row: its pieces */
    float *const *out;
    size_t pieces, piece;     /* elements of one */
    uint32_t panel, channels; /* of the last panel */
};

TENON_ALWAYS_INLINE void multiply_float_tile(const struct float_tile *t, int rows, int panels) {
    vf acc[FLOAT_ROWS][2];
    const uint8_t *weights[2];
    struct float_range range = {vf_dup(t->params->low), vf_dup(t->params->high)};
    TENON_UNROLL for (int p = 0; p < panels; p++) {
        weights[p] = tenon_float_panel(t->params, t->panel + (uint32_t)p);
        TENON_UNROLL for (int r = 0; r < rows; r++) acc[r][p] = vf_dup(0);
    }
    const uint8_t *at[2] = {weights[0], panels == 2 ? weights[1] : NULL};
    for (size_t piece = 0; piece < t->pieces; piece++) {
        const float *in[FLOAT_ROWS];
        TENON_UNROLL for (int r = 0; r < rows; r++) in[r] = t->rows[r][piece];
        for (size_t k = 0; k < t->piece; k++) {
            vf w[2];
            TENON_UNROLL for (int p = 0; p < panels; p++) w[p] =
                vf_load(at[p] += LANES * sizeof(float));
            TENON_UNROLL for (int r = 0; r < rows; r++) {
                vf a = vf_dup(in[r][k]);
                TENON_UNROLL for (int p = 0; p < panels; p++) acc[r][p] =
                    vf_multiply_add(acc[r][p], a, w[p]);
            }
        }
    }
    TENON_UNROLL for (int p = 0; p < panels; p++) {
        vf bias = vf_load(weights[p]);
        bool partial = p == panels - 1 && t->channels < LANES;
        TENON_UNROLL for (int r = 0; r < rows; r++) {
            vf y = vf_finish(acc[r][p], bias, &range);
            if (partial)
                vf_store_some(t->out[r] + p * LANES, y, t->channels);
            else
                vf_store(t->out[r] + p * LANES, y);
        }
    }
}

static void float_tile_of_many(const struct float_tile *t, bool two) {
    two ? multiply_float_tile(t, FLOAT_ROWS, 2) : multiply_float_tile(t, FLOAT_ROWS, 1);
}

static void float_tile_of_one(const struct float_tile *t, bool two) {
    two ? multiply_float_tile(t, 1, 2) : multiply_float_tile(t, 1, 1);
}

/* As run_rows of linear_i8.h. */
static void run_float_rows(struct float_tile t, const float *const *rows, size_t count, float *out,
                           bool two) {
    const float *const *in_rows[FLOAT_ROWS];
    float *out_rows[FLOAT_ROWS];
    size_t channels = t.params->channels;
    t.rows = in_rows;
    t.out = out_rows;
    for (size_t first = 0; first < count;) {
        size_t left = count - first;
        size_t step = left >= FLOAT_ROWS ? FLOAT_ROWS : left > 2 ? left : 1;
        for (size_t r = 0; r < FLOAT_ROWS; r++) {
            size_t row = first + (r < step ? r : step - 1);
            in_rows[r] = rows + row * t.pieces;
            out_rows[r] = out + row * channels;
        }
        if (step == 1)
            float_tile_of_one(&t, two);
        else
            float_tile_of_many(&t, two);
        first += step;
    }
}

static void linear_f32(const struct tenon_float_params *params, const float *const *rows,
                       size_t pieces, size_t row_count, uint32_t begin, uint32_t end, float *out) {
    struct float_tile t = {.params = params, .pieces = pieces, .piece = params->products / pieces};
    for (t.panel = begin; t.panel < end;) {
        bool two = end - t.panel >= 2;
        uint32_t last = t.panel + two, left = params->channels - last * LANES;
        t.channels = left < LANES ? left : LANES;
        run_float_rows(t, rows, row_count, out + t.panel * LANES, two);
        t.panel = last + 1;
    }
}

TENON_ALWAYS_INLINE vf vf_load_some(const float *at, uint32_t count) {
    float values[LANES] = {0};
    memcpy(values, at, count * sizeof(*values));
    return vf_load(values);
}

/* A panel's channels of FLOAT_PIXELS neighbours that see rows of three columns, `step` apart. Each
 * column is loaded once for all pixels that see it. */
TENON_ALWAYS_INLINE void depthwise_float_pixels(const struct tenon_depthwise_f32 *d,
                                                const float *const *columns, size_t pitch, int step,
                                                const uint8_t *panel, float *out, size_t at) {
    enum { TAPS = 3 };
    struct float_range range = {vf_dup(d->params.low), vf_dup(d->params.high)};
    vf sums[FLOAT_PIXELS], bias = vf_load(panel);
    TENON_UNROLL for (int p = 0; p < FLOAT_PIXELS; p++) sums[p] = vf_dup(0);
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
        vf_store(out + (size_t)p * d->params.channels + at, vf_finish(sums[p], bias, &range));
}

/* Any window, one pixel, a panel of `count` channels. */
static void depthwise_float_any(const struct tenon_depthwise_f32 *d, const float *const *columns,
                                size_t pitch, const uint8_t *panel, float *out, size_t at,
                                uint32_t count) {
    struct float_range range = {vf_dup(d->params.low), vf_dup(d->params.high)};
    vf sum = vf_dup(0), bias = vf_load(panel);
    for (size_t y = 0; y < d->k_h; y++, columns += pitch)
        for (size_t k = 0; k < d->k_w; k++) {
            vf x = count < LANES ? vf_load_some(columns[k] + at, count) : vf_load(columns[k] + at);
            sum = vf_multiply_add(sum, x, vf_load(panel += LANES * sizeof(float)));
        }
    vf y = vf_finish(sum, bias, &range);
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
