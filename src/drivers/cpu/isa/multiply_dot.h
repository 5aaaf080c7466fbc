/*
 * Sums of a tile of rows by one or two panels of channels, held in registers: each quad of
 * activations is broadcast and multiplied with the panels' vectors of weights, four products at
 * once. Panels have only single quads: all of them in their order, and then what did not fit i8.
 */
TENON_ALWAYS_INLINE void multiply_quad(const struct tile *t, size_t quad, size_t offset, int rows,
                                       int panels, vi acc[][2]) {
    vi w[2];
    TENON_UNROLL for (int p = 0; p < panels; p++) {
        const uint8_t *weights = t->panels[p].weights + quad * LANES * TENON_QUAD;
        w[p] = vi_load(weights);
        __builtin_prefetch(weights + AHEAD_BYTES);
    }
    TENON_UNROLL for (int r = 0; r < rows; r++) {
        vi a = vi_broadcast_quad(t->rows[r] + offset);
        TENON_UNROLL for (int p = 0; p < panels; p++) acc[r][p] = vi_dot(acc[r][p], a, w[p]);
    }
}

TENON_ALWAYS_INLINE void multiply_rests(const struct tile *t, int p, int rows, vi acc[][2]) {
    const struct tenon_linear_panel *panel = &t->panels[p];
    for (size_t i = t->linear->params.quads; i < panel->singles; i++) {
        size_t offset = tenon_load_le16(panel->quads + i * sizeof(uint16_t)) * TENON_QUAD;
        vi w = vi_load(panel->weights + i * LANES * TENON_QUAD);
        TENON_UNROLL for (int r = 0; r < rows; r++) acc[r][p] =
            vi_dot(acc[r][p], vi_broadcast_quad(t->rows[r] + offset), w);
    }
}

TENON_ALWAYS_INLINE void multiply_tile(const struct tile *t, int rows, int panels) {
    vi acc[LINEAR_ROWS][2];
    const struct tenon_linear_segments segments = t->linear->segments;
    TENON_UNROLL for (int p = 0; p < panels; p++) {
        vi bias = vi_load(t->panels[p].after.bias);
        TENON_UNROLL for (int r = 0; r < rows; r++) acc[r][p] = bias;
    }
    size_t quad = 0, pitch = t->linear->pitch;
    for (size_t s = 0; s < segments.count; s++)
        for (size_t q = 0; q < segments.quads; q++)
            multiply_quad(t, quad++, s * pitch + q * TENON_QUAD, rows, panels, acc);
    TENON_UNROLL for (int p = 0; p < panels; p++) multiply_rests(t, p, rows, acc);
    TENON_UNROLL for (int r = 0; r < rows; r++) TENON_UNROLL for (int p = 0; p < panels; p++)
        vi_store(t->sums + r * SUMS_STRIDE + p * LANES, acc[r][p]);
}

static void multiply_tile_of_many(const struct tile *t) {
    t->panel_count == 2 ? multiply_tile(t, LINEAR_ROWS, 2) : multiply_tile(t, LINEAR_ROWS, 1);
}

static void multiply_tile_of_half(const struct tile *t) {
    t->panel_count == 2 ? multiply_tile(t, LINEAR_ROWS / 2, 2)
                        : multiply_tile(t, LINEAR_ROWS / 2, 1);
}

static void multiply_tile_of_one(const struct tile *t) {
    t->panel_count == 2 ? multiply_tile(t, 1, 2) : multiply_tile(t, 1, 1);
}
