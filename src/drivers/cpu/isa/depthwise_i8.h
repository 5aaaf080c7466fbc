/*
 * depthwise_i8 over the operations of a vector.h, included after linear_i8.h. A block is four
 * vectors of bytes wide; the bytes of four taps are interleaved, so that each 32-bit lane has the
 * four taps of one channel, and multiplied with weights that were packed in the same order. Packing
 * the results to bytes is the inverse of interleaving: channels come out in their own order.
 */
enum { BLOCK_CHANNELS = 4 * LANES };

struct pixels {
    const struct tenon_depthwise_i8 *depthwise;
    const struct tenon_depthwise_block *block;
    struct factors factors[4];
    struct range range;
    uint32_t channels; /* of the block */
};

/* Bytes of the block's channels at one tap. */
TENON_ALWAYS_INLINE vb load_tap(const uint8_t *row, uint32_t channels, vb flip) {
    vb bytes = channels < BLOCK_CHANNELS ? vb_load_some(row, channels) : vb_load(row);
    return vb_xor(bytes, flip);
}

TENON_ALWAYS_INLINE void multiply_steps(const struct pixels *p, const uint8_t *const *taps,
                                        bool some, vb flip, vi acc[4]) {
    const struct tenon_depthwise_block *block = p->block;
    uint32_t channels = some ? p->channels : BLOCK_CHANNELS;
    for (size_t step = 0; step < block->step_count; step++) {
        const uint8_t *tap = block->taps + step * 4 * sizeof(uint32_t);
        const int8_t *weights = block->weights + step * 4 * BLOCK_CHANNELS;
        vb bytes[4];
        vi quads[4];
        TENON_UNROLL for (size_t k = 0; k < 4; k++) bytes[k] = load_tap(
            taps[tenon_load_le32(tap + k * sizeof(uint32_t))] + block->first, channels, flip);
        vb_interleave(bytes, quads);
        TENON_UNROLL for (size_t v = 0; v < 4; v++) acc[v] =
            vi_dot(acc[v], quads[v], vi_load(weights + v * BLOCK_CHANNELS));
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

TENON_ALWAYS_INLINE void compute_pixel(enum tenon_form form, const struct pixels *p,
                                       const uint8_t *const *taps, bool some, uint8_t *out) {
    vi acc[4];
    TENON_UNROLL for (size_t v = 0; v < 4; v++) acc[v] =
        vi_load(p->block->after.bias + v * LANES * sizeof(int32_t));
    multiply_steps(p, taps, some, vb_dup(p->depthwise->flip), acc);
    if (form == TENON_FORM_PLAIN)
        scale_pixel_plain(p, acc);
    else
        TENON_UNROLL for (size_t v = 0; v < 4; v++) acc[v] = scale(form, &p->factors[v], acc[v]);
    vb bytes = to_bytes(&p->range, acc);
    if (some)
        vb_store_some(out, bytes, p->channels);
    else
        vb_store(out, bytes);
}

TENON_ALWAYS_INLINE void compute_pixels_as(enum tenon_form form, const struct pixels *p,
                                           const uint8_t *const *taps, size_t count, uint8_t *out) {
    const struct tenon_depthwise_params *params = &p->depthwise->params;
    bool some = params->channels < BLOCK_CHANNELS;
    for (size_t i = 0; i < count; i++, out += params->channels, taps += params->taps) {
        if (some)
            compute_pixel(form, p, taps, true, out);
        else
            compute_pixel(form, p, taps, false, out);
    }
}

static void compute_pixels(const struct pixels *p, const uint8_t *const *taps, size_t count,
                           uint8_t *out) {
    switch (p->depthwise->form) {
    case TENON_FORM_HIGH:
    case TENON_FORM_HIGH_SINGLE:
        compute_pixels_as(TENON_FORM_HIGH, p, taps, count, out);
        return;
    case TENON_FORM_SYMMETRIC:
        compute_pixels_as(TENON_FORM_SYMMETRIC, p, taps, count, out);
        return;
    case TENON_FORM_DOUBLE:
        compute_pixels_as(TENON_FORM_DOUBLE, p, taps, count, out);
        return;
    case TENON_FORM_F32:
        compute_pixels_as(TENON_FORM_F32, p, taps, count, out);
        return;
    case TENON_FORM_PLAIN:
        break;
    }
    compute_pixels_as(TENON_FORM_PLAIN, p, taps, count, out);
}

static void depthwise_i8(const struct tenon_depthwise_i8 *depthwise, const uint8_t *const *taps,
                         size_t pixel_count, uint8_t *out) {
    const struct tenon_depthwise_params *params = &depthwise->params;
    struct pixels p = {.depthwise = depthwise, .range = range_of(&depthwise->range)};
    p.channels = params->channels < BLOCK_CHANNELS ? params->channels : BLOCK_CHANNELS;
    for (uint32_t b = 0; b < params->blocks; b++) {
        p.block = &depthwise->blocks[b];
        for (size_t v = 0; v < 4; v++)
            factors_load(&p.factors[v], &p.block->after, v * LANES, depthwise->form);
        compute_pixels(&p, taps, pixel_count, out + p.block->first);
    }
}
