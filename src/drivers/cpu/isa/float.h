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

/* A panel's channels of `pixels` pixels of `taps` taps, both known to the compiler. */
TENON_ALWAYS_INLINE void depthwise_float_pixels(const struct tenon_float_params *params,
                                                const float *const *pixel_taps, int pixels,
                                                size_t taps, const vf *weights, vf bias, float *out,
                                                size_t at) {
    struct float_range range = {vf_dup(params->low), vf_dup(params->high)};
    vf sums[FLOAT_PIXELS];
    TENON_UNROLL for (int p = 0; p < pixels; p++) sums[p] = vf_dup(0);
    TENON_UNROLL for (size_t k = 0; k < taps; k++) {
        TENON_UNROLL for (int p = 0; p < pixels; p++) sums[p] =
            vf_multiply_add(sums[p], vf_load(pixel_taps[(size_t)p * taps + k] + at), weights[k]);
    }
    TENON_UNROLL for (int p = 0; p < pixels; p++)
        vf_store(out + (size_t)p * params->channels + at, vf_finish(sums[p], bias, &range));
}

/* A whole panel of a 3x3 window: its weights stay in registers. */
static void depthwise_float_3x3(const struct tenon_float_params *params, const float *const *taps,
                                size_t pixel_count, const uint8_t *panel, float *out, size_t at) {
    enum { TAPS = 9 };
    vf weights[TAPS], bias = vf_load(panel);
    TENON_UNROLL for (size_t k = 0; k < TAPS; k++) weights[k] =
        vf_load(panel + (k + 1) * LANES * sizeof(float));
    size_t i = 0;
    for (; i + FLOAT_PIXELS <= pixel_count; i += FLOAT_PIXELS)
        depthwise_float_pixels(params, taps + i * TAPS, FLOAT_PIXELS, TAPS, weights, bias,
                               out + i * params->channels, at);
    for (; i < pixel_count; i++)
        depthwise_float_pixels(params, taps + i * TAPS, 1, TAPS, weights, bias,
                               out + i * params->channels, at);
}

/* Any window, and a panel of `count` channels. */
static void depthwise_float_any(const struct tenon_float_params *params, const float *const *taps,
                                size_t pixel_count, const uint8_t *panel, float *out, size_t at,
                                uint32_t count) {
    struct float_range range = {vf_dup(params->low), vf_dup(params->high)};
    for (size_t i = 0; i < pixel_count; i++) {
        vf sum = vf_dup(0);
        for (size_t k = 0; k < params->products; k++) {
            const float *tap = taps[i * params->products + k] + at;
            vf x = count < LANES ? vf_load_some(tap, count) : vf_load(tap);
            sum = vf_multiply_add(sum, x, vf_load(panel + (k + 1) * LANES * sizeof(float)));
        }
        vf y = vf_finish(sum, vf_load(panel), &range);
        if (count < LANES)
            vf_store_some(out + i * params->channels + at, y, count);
        else
            vf_store(out + i * params->channels + at, y);
    }
}

static void depthwise_f32(const struct tenon_float_params *params, const float *const *taps,
                          size_t pixel_count, float *out) {
    for (uint32_t panel = 0; panel < params->panels; panel++) {
        const uint8_t *weights = tenon_float_panel(params, panel);
        size_t at = (size_t)panel * LANES;
        uint32_t left = params->channels - (uint32_t)at;
        if (params->products == 9 && left >= LANES)
            depthwise_float_3x3(params, taps, pixel_count, weights, out, at);
        else
            depthwise_float_any(params, taps, pixel_count, weights, out, at,
                                left < LANES ? left : LANES);
    }
}
