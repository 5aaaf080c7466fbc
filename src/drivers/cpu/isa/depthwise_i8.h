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
    struct requantizer after[4];
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

TENON_ALWAYS_INLINE void compute_pixel(const struct pixels *p, const uint8_t *const *taps,
                                       bool some, uint8_t *out) {
    const struct tenon_depthwise_i8 *depthwise = p->depthwise;
    vi acc[4];
    TENON_UNROLL for (size_t v = 0; v < 4; v++) acc[v] =
        vi_load(p->block->after.bias + v * LANES * sizeof(int32_t));
    multiply_steps(p, taps, some, vb_dup(depthwise->flip), acc);
    if (depthwise->vector_rounding)
        TENON_UNROLL for (size_t v = 0; v < 4; v++) acc[v] = requantize(&p->after[v], acc[v]);
    else
        for (size_t v = 0; v < 4; v++)
            acc[v] = requantize_plain(&p->block->after, v * LANES, depthwise->rounding, &p->range,
                                      acc[v]);
    vb bytes = vb_pack(acc);
    if (some)
        vb_store_some(out, bytes, p->channels);
    else
        vb_store(out, bytes);
}

static void depthwise_i8(const struct tenon_depthwise_i8 *depthwise, const uint8_t *const *taps,
                         size_t pixel_count, uint8_t *out) {
    const struct tenon_depthwise_params *params = &depthwise->params;
    struct pixels p = {.depthwise = depthwise,
                       .range = {params->low, params->high, params->zero_point}};
    bool some = params->channels < BLOCK_CHANNELS;
    p.channels = some ? params->channels : BLOCK_CHANNELS;
    for (uint32_t b = 0; b < params->blocks; b++) {
        p.block = &depthwise->blocks[b];
        for (size_t v = 0; v < 4; v++)
            requantizer_load(&p.after[v], &p.block->after, v * LANES, &p.range);
        uint8_t *to = out + p.block->first;
        for (size_t i = 0; i < pixel_count; i++, to += params->channels) {
            if (some)
                compute_pixel(&p, taps + i * params->taps, true, to);
            else
                compute_pixel(&p, taps + i * params->taps, false, to);
        }
    }
}
