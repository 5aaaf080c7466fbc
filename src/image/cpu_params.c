/*
 * Readers of the parameters of CPU kernels. Layout of linear_i8 and depthwise_i8: a header of
 * eleven words, the byte offsets of the blocks, the blocks; each block starts on 64 bytes with four
 * words of its own and the arrays of tenon_requantize_arrays.
 */
#include "image/cpu_params.h"

#include "util/checked.h"

enum {
    BLOCK_WORDS_BYTES = 16,
    LANES_MAX = 16,
    STAGED_CHANNELS_MAX = 16,
    SHIFT_LEFT_MAX = 30,
    SHIFT_RIGHT_MAX = 31,
    CENTER_MAX = 512,
    COUNT_MAX = 1 << 26 /* of quads of a panel */
};

size_t tenon_params_block_header(uint32_t channels) {
    return tenon_align_up(BLOCK_WORDS_BYTES +
                              (size_t)channels * TENON_REQUANTIZE_ARRAYS * sizeof(int32_t),
                          TENON_PARAMS_ALIGNMENT);
}

static uint32_t word(const uint8_t *bytes, size_t index) {
    return tenon_load_le32(bytes + index * sizeof(uint32_t));
}

static bool lanes_ok(uint32_t lanes) {
    return lanes == 4 || lanes == 8 || lanes == LANES_MAX;
}

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}

static void arrays_get(const uint8_t *block, uint32_t channels,
                       struct tenon_requantize_arrays *out) {
    const uint8_t *at = block + BLOCK_WORDS_BYTES;
    size_t bytes = channels * sizeof(int32_t);
    *out = (struct tenon_requantize_arrays){
        at, at + bytes, at + 2 * bytes, at + 3 * bytes, at + 4 * bytes, at + 5 * bytes};
}

/* Without right_only, which the blocks tell. */
static struct tenon_requantize_proof proof_of(const uint8_t *header) {
    uint32_t flags = word(header, 8);
    return (struct tenon_requantize_proof){
        .in_32_bits = (flags & TENON_PROOF_IN_32_BITS) != 0,
        .no_ties = (flags & TENON_PROOF_NO_TIES) != 0,
        .right_only = true,
    };
}

/* Checks the arrays; takes right_only away where it is not so. */
static bool arrays_ok(const struct tenon_requantize_arrays *arrays, uint32_t channels,
                      bool *right_only) {
    for (uint32_t i = 0; i < channels; i++) {
        uint32_t right = word(arrays->right, i);
        *right_only &= right >= 1 && right <= 30;
        if ((int32_t)word(arrays->multiplier, i) < 0 || word(arrays->left, i) > SHIFT_LEFT_MAX ||
            right > SHIFT_RIGHT_MAX || (word(arrays->left, i) != 0 && right != 0))
            return false;
    }
    return true;
}

/* Header words: lanes, channels, blocks, quads or taps, depth, low, high, zero point, flags,
 * center. */
static bool header_ok(struct tenon_span bytes, uint32_t channels_per_lane) {
    if (!tenon_span_has(bytes, 0, TENON_PARAMS_HEADER_BYTES))
        return false;
    uint32_t lanes = word(bytes.data, 0), channels = word(bytes.data, 1);
    uint32_t blocks = word(bytes.data, 2), products = word(bytes.data, 3);
    if (!lanes_ok(lanes) || channels == 0 || channels > INT32_MAX || products == 0 ||
        products > INT32_MAX / 64 || blocks != divide_up(channels, lanes * channels_per_lane))
        return false;
    return tenon_span_has(bytes, TENON_PARAMS_HEADER_BYTES, (size_t)blocks * sizeof(uint32_t));
}

/* Elements are i8 or u8. */
static bool range_ok(int32_t low, int32_t high, int32_t zero_point, int32_t center) {
    return INT8_MIN <= low && low <= high && high <= UINT8_MAX && INT8_MIN <= zero_point &&
           zero_point <= UINT8_MAX && -CENTER_MAX <= center && center <= CENTER_MAX;
}

/* The bytes of a block from its offset on; empty when it does not start inside. */
static struct tenon_span block_at(struct tenon_span bytes, uint32_t index) {
    size_t offset = word(bytes.data + TENON_PARAMS_HEADER_BYTES, index);
    if (offset > bytes.size || offset % TENON_PARAMS_ALIGNMENT != 0)
        return (struct tenon_span){NULL, 0};
    return (struct tenon_span){bytes.data + offset, bytes.size - offset};
}

/* ---- linear_i8 ---- */

struct tenon_linear_segments tenon_linear_segments_of(uint32_t k_h, uint32_t row_products,
                                                      bool dilated) {
    bool gathered = dilated || (k_h > 1 && row_products < TENON_QUAD / 2);
    struct tenon_linear_segments segments = {.gathered = gathered, .count = gathered ? 1 : k_h};
    segments.products = gathered ? k_h * row_products : row_products;
    segments.quads = divide_up(segments.products, TENON_QUAD);
    return segments;
}

static size_t panel_weight_bytes(const struct tenon_linear_params *params,
                                 const struct tenon_linear_panel *panel) {
    size_t narrow = (size_t)panel->groups * params->depth + panel->singles;
    return (narrow + panel->wides) * params->lanes * TENON_QUAD;
}

static size_t panel_quad_count(const struct tenon_linear_params *params,
                               const struct tenon_linear_panel *panel) {
    return (size_t)panel->groups * params->depth + panel->singles + panel->wides;
}

static void panel_at(const struct tenon_linear_params *params, const uint8_t *block,
                     struct tenon_linear_panel *out) {
    arrays_get(block, params->lanes, &out->after);
    out->groups = word(block, 0);
    out->singles = word(block, 1);
    out->wides = word(block, 2);
    out->fused = (enum tenon_fused)word(block, 3);
    out->weights = block + tenon_params_block_header(params->lanes);
    out->quads = out->weights + panel_weight_bytes(params, out);
}

void tenon_linear_panel_get(const struct tenon_linear_params *params, uint32_t index,
                            struct tenon_linear_panel *out) {
    panel_at(params, params->bytes + word(params->bytes + TENON_PARAMS_HEADER_BYTES, index), out);
}

static bool quads_ok(const struct tenon_linear_params *params,
                     const struct tenon_linear_panel *panel) {
    size_t count = panel_quad_count(params, panel);
    for (size_t i = 0; i < count; i++)
        if (tenon_load_le16(panel->quads + i * sizeof(uint16_t)) >= params->quads)
            return false;
    return true;
}

static bool panel_ok(struct tenon_linear_params *params, struct tenon_span block) {
    size_t header = tenon_params_block_header(params->lanes);
    if (block.size < header)
        return false;
    struct tenon_linear_panel panel;
    panel_at(params, block.data, &panel);
    if (panel.groups > COUNT_MAX || panel.singles > COUNT_MAX || panel.wides > COUNT_MAX)
        return false;
    size_t weights = panel_weight_bytes(params, &panel);
    size_t quads = panel_quad_count(params, &panel) * sizeof(uint16_t);
    if (block.size - header < weights || block.size - header - weights < quads)
        return false;
    return word(block.data, 3) <= TENON_FUSED_SYMMETRIC && quads_ok(params, &panel) &&
           arrays_ok(&panel.after, params->lanes, &params->proof.right_only);
}

bool tenon_linear_params_read(struct tenon_span bytes, struct tenon_linear_params *out) {
    if (!header_ok(bytes, 1))
        return false;
    const uint8_t *data = bytes.data;
    *out = (struct tenon_linear_params){
        .lanes = word(data, 0),
        .channels = word(data, 1),
        .panels = word(data, 2),
        .quads = word(data, 3),
        .depth = word(data, 4),
        .low = (int32_t)word(data, 5),
        .high = (int32_t)word(data, 6),
        .zero_point = (int32_t)word(data, 7),
        .center = (int32_t)word(data, 9),
        .proof = proof_of(data),
        .bytes = data,
    };
    if (out->depth != 2 && out->depth != TENON_DEPTH_MAX)
        return false;
    if (!range_ok(out->low, out->high, out->zero_point, out->center))
        return false;
    for (uint32_t i = 0; i < out->panels; i++)
        if (!panel_ok(out, block_at(bytes, i)))
            return false;
    return true;
}

/* ---- depthwise_i8 ---- */

uint32_t tenon_depthwise_channel(uint32_t lanes, uint32_t position) {
    uint32_t vector = position / lanes, part = position % lanes / 4, element = position % 4;
    return 16 * part + 4 * vector + element;
}

/* Pixels of more bytes are read faster where they are than they are staged. */
uint32_t tenon_depthwise_pixels(uint32_t lanes, uint32_t channels) {
    return channels <= STAGED_CHANNELS_MAX && channels < 4 * lanes ? 4 * lanes / channels : 1;
}

static void depthwise_at(const struct tenon_depthwise_params *params, const uint8_t *block,
                         struct tenon_depthwise_block *out) {
    uint32_t channels = params->lanes * 4;
    arrays_get(block, channels, &out->after);
    out->first = word(block, 0);
    out->step_count = word(block, 1);
    out->fused = (enum tenon_fused)word(block, 3);
    out->weights = block + tenon_params_block_header(channels);
    out->steps = out->weights + (size_t)out->step_count * params->step_bytes;
}

void tenon_depthwise_block_get(const struct tenon_depthwise_params *params, uint32_t index,
                               struct tenon_depthwise_block *out) {
    depthwise_at(params, params->bytes + word(params->bytes + TENON_PARAMS_HEADER_BYTES, index),
                 out);
}

static bool block_ok(struct tenon_depthwise_params *params, struct tenon_span bytes) {
    uint32_t channels = params->lanes * 4;
    size_t header = tenon_params_block_header(channels);
    if (bytes.size < header)
        return false;
    if (word(bytes.data, 1) > (bytes.size - header) / (params->step_bytes + sizeof(uint32_t)))
        return false;
    struct tenon_depthwise_block block;
    depthwise_at(params, bytes.data, &block);
    /* A block lies inside of the channels, or is the only one. */
    bool inside = params->channels >= channels ? block.first <= params->channels - channels
                                               : block.first == 0;
    return inside && word(bytes.data, 3) <= TENON_FUSED_SYMMETRIC &&
           arrays_ok(&block.after, channels, &params->proof.right_only);
}

bool tenon_depthwise_params_read(struct tenon_span bytes, struct tenon_depthwise_params *out) {
    if (!header_ok(bytes, 4))
        return false;
    const uint8_t *data = bytes.data;
    *out = (struct tenon_depthwise_params){
        .lanes = word(data, 0),
        .channels = word(data, 1),
        .blocks = word(data, 2),
        .taps = word(data, 3),
        .depth = word(data, 4),
        .low = (int32_t)word(data, 5),
        .high = (int32_t)word(data, 6),
        .zero_point = (int32_t)word(data, 7),
        .center = (int32_t)word(data, 9),
        .proof = proof_of(data),
        .bytes = data,
        .magnitudes = (word(data, 8) & TENON_WEIGHTS_MAGNITUDES) != 0,
    };
    out->step_bytes = out->lanes * 16 * (out->magnitudes ? 2 : 1);
    if (out->depth != 3 && out->depth != TENON_QUAD)
        return false;
    if (!range_ok(out->low, out->high, out->zero_point, out->center))
        return false;
    for (uint32_t i = 0; i < out->blocks; i++)
        if (!block_ok(out, block_at(bytes, i)))
            return false;
    return true;
}

/* ---- floats ---- */

bool tenon_float_params_read(struct tenon_span bytes, struct tenon_float_params *out) {
    if (!header_ok(bytes, 1))
        return false;
    *out = (struct tenon_float_params){
        .lanes = word(bytes.data, 0),
        .channels = word(bytes.data, 1),
        .panels = word(bytes.data, 2),
        .products = word(bytes.data, 3),
        .low = tenon_load_f32(bytes.data + 5 * sizeof(uint32_t)),
        .high = tenon_load_f32(bytes.data + 6 * sizeof(uint32_t)),
        .panel_bytes = bytes.data + TENON_PARAMS_HEADER_BYTES,
    };
    size_t panel, all;
    return tenon_mul_size(((size_t)out->products + 1) * out->lanes, sizeof(float), &panel) &&
           tenon_mul_size(panel, out->panels, &all) &&
           tenon_span_has(bytes, TENON_PARAMS_HEADER_BYTES, all);
}

/* ---- pool_8, mean ---- */

bool tenon_mean_params_read(struct tenon_span bytes, struct tenon_mean_params *out) {
    if (bytes.size != TENON_MEAN_PARAMS_BYTES)
        return false;
    *out = (struct tenon_mean_params){
        .multiplier = (int32_t)word(bytes.data, 0),
        .right = (int32_t)word(bytes.data, 1),
        .add = (int64_t)((uint64_t)word(bytes.data, 3) << 32 | word(bytes.data, 2)),
        .of_magnitude = word(bytes.data, 4) != 0,
    };
    return out->multiplier >= 0 && out->right >= 0 && out->right <= 30 &&
           out->add > -(INT64_C(1) << 62) && out->add < INT64_C(1) << 62;
}

/* ---- binary_8 ---- */

static bool factor_ok(int32_t factor) {
    return factor > -(1 << TENON_SUM_FACTOR_BITS) && factor < 1 << TENON_SUM_FACTOR_BITS;
}

bool tenon_sum_params_read(struct tenon_span bytes, struct tenon_sum_params *out) {
    if (bytes.size != TENON_SUM_PARAMS_BYTES)
        return false;
    *out = (struct tenon_sum_params){
        .factor_a = (int32_t)word(bytes.data, 0),
        .factor_b = (int32_t)word(bytes.data, 1),
        .add = (int32_t)word(bytes.data, 2),
        .zero = (int32_t)word(bytes.data, 3),
        .shift = word(bytes.data, 4),
        .exception_count = word(bytes.data, 5),
    };
    for (size_t i = 0; i < TENON_SUM_EXCEPTIONS; i++) {
        const uint8_t *at = bytes.data + (6 + i) * sizeof(uint32_t);
        out->exceptions[i] = (struct tenon_sum_exception){at[0], at[1], at[2]};
    }
    return out->exception_count <= TENON_SUM_EXCEPTIONS && factor_ok(out->factor_a) &&
           factor_ok(out->factor_b) && out->shift >= TENON_SUM_SHIFT_MIN &&
           out->shift <= TENON_SUM_SHIFT_MAX && out->add >= 0 && out->add < 1 << out->shift &&
           out->zero > INT16_MIN && out->zero < INT16_MAX;
}
