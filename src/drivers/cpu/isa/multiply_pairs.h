/*
 * Sums of a tile of rows, panel by panel, where products of u8 and i8 are added in pairs in 16
 * bits: every panel says which quads can be added there (image/cpu_params.h). A quad of activations
 * is broadcast for one vector of weights only: loads are cheaper than registers here.
 *
 * vector.h defines type vs (2 * LANES x i16) besides.
 */
/* Where a panel's weights and quads are read. */
struct cursor {
    const uint8_t *weights, *quads;
};

/* Its offset in a row. */
TENON_ALWAYS_INLINE size_t next_quad(struct cursor *at) {
    size_t number = tenon_load_le16(at->quads);
    at->quads += sizeof(uint16_t);
    return number * TENON_QUAD;
}

TENON_ALWAYS_INLINE void multiply_groups(const struct tile *t, uint32_t count, struct cursor *at,
                                         int rows, int depth, vi acc[]) {
    for (uint32_t group = 0; group < count; group++) {
        vi w[TENON_DEPTH_MAX];
        size_t offsets[TENON_DEPTH_MAX];
        TENON_UNROLL for (int d = 0; d < depth; d++) {
            w[d] = vi_load(at->weights + d * LANES * TENON_QUAD);
            offsets[d] = next_quad(at);
        }
        at->weights += depth * LANES * TENON_QUAD;
        TENON_UNROLL for (int d = 0; d < depth; d += 2)
            __builtin_prefetch(at->weights + AHEAD_BYTES + d * LANES * TENON_QUAD);
        TENON_UNROLL for (int r = 0; r < rows; r++) {
            vs sum = vs_pairs(vi_broadcast_quad(t->rows[r] + offsets[0]), w[0]);
            TENON_UNROLL for (int d = 1; d < depth; d++) sum =
                vs_add(sum, vs_pairs(vi_broadcast_quad(t->rows[r] + offsets[d]), w[d]));
            acc[r] = vi_add(acc[r], vs_widen(sum));
        }
    }
}

/* Magnitudes of weights times activations as i8, complemented where the weight is negative: the
 * bias makes up for the 1 (image/cpu_params.h). */
TENON_ALWAYS_INLINE void multiply_wides(const struct tile *t, uint32_t count, struct cursor *at,
                                        int rows, vi acc[]) {
    for (uint32_t i = 0; i < count; i++) {
        vi w = vi_load(at->weights), magnitudes = vb_abs(w), negative = vb_negative(w);
        size_t offset = next_quad(at);
        at->weights += LANES * TENON_QUAD;
        __builtin_prefetch(at->weights + AHEAD_BYTES);
        TENON_UNROLL for (int r = 0; r < rows; r++) {
            vi a = vi_xor(vi_broadcast_quad(t->signed_rows[r] + offset), negative);
            acc[r] = vi_add(acc[r], vs_widen(vs_pairs(magnitudes, a)));
        }
    }
}

TENON_ALWAYS_INLINE void multiply_panel(const struct tile *t, uint32_t p, int rows) {
    const struct tenon_linear_panel *panel = &t->panels[p];
    struct cursor at = {panel->weights, panel->quads};
    vi acc[LINEAR_ROWS], bias = vi_load(panel->after.bias);
    TENON_UNROLL for (int r = 0; r < rows; r++) acc[r] = bias;
    if (t->linear->params.depth == 2)
        multiply_groups(t, panel->groups, &at, rows, 2, acc);
    else
        multiply_groups(t, panel->groups, &at, rows, TENON_DEPTH_MAX, acc);
    multiply_groups(t, panel->singles, &at, rows, 1, acc);
    multiply_wides(t, panel->wides, &at, rows, acc);
    TENON_UNROLL for (int r = 0; r < rows; r++)
        vi_store(t->sums + r * SUMS_STRIDE + p * LANES, acc[r]);
}

static void multiply_tile_of_many(const struct tile *t) {
    for (uint32_t p = 0; p < t->panel_count; p++)
        multiply_panel(t, p, LINEAR_ROWS);
}

static void multiply_tile_of_half(const struct tile *t) {
    for (uint32_t p = 0; p < t->panel_count; p++)
        multiply_panel(t, p, LINEAR_ROWS / 2);
}

static void multiply_tile_of_one(const struct tile *t) {
    for (uint32_t p = 0; p < t->panel_count; p++)
        multiply_panel(t, p, 1);
}
