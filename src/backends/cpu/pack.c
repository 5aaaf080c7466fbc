/* What the packings of 8-bit operators share: channels, header, head of a block. */
#include "backends/cpu/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backends/cpu/fused.h"
#include "backends/cpu/overflow.h"
#include "op/linear.h"

enum { FOLDED = 1 << 16 }; /* weights, of at most 255 */

bool tenon_pack_constant(const struct tenon_op_call *call) {
    bool has_bias = call->input_count > 2 && call->inputs[2].desc != NULL;
    return call->inputs[1].data != NULL && (!has_bias || call->inputs[2].data != NULL);
}

/* The input's zero point as the kernel sees it: see image/cpu_params.h. */
static int32_t zero_as_seen(const struct tenon_packing *packing, const struct tenon_desc *in) {
    int32_t as_u8 = tenon_desc_zero_point(in) + (in->type == TENON_TYPE_I8 ? 128 : 0);
    return tenon_cpu_isa_get(packing->isa)->signed_products ? as_u8 - 128 : as_u8;
}

static bool same_multiplier(const struct tenon_multiplier *a, const struct tenon_multiplier *b) {
    return a->multiplier == b->multiplier && a->shift == b->shift && a->real == b->real;
}

/* The portable kernels do not use it. */
static void find_fused(struct tenon_channels *channels, const struct tenon_packing *packing,
                       enum tenon_rounding rounding) {
    struct tenon_fused_rule rule;
    tenon_fused_rule_init(&rule, rounding, channels->low, channels->high, channels->zero_point);
    channels->center = rule.center;
    channels->fused = rule.kind;
    if (packing->isa == TENON_CPU_PORTABLE)
        channels->fused = TENON_FUSED_NONE;
    for (int32_t c = 0; c < channels->count; c++) {
        const struct tenon_multiplier *m = &channels->multipliers[c];
        if (c != 0 && same_multiplier(m, m - 1)) {
            channels->factors[c] = channels->factors[c - 1];
            channels->offsets[c] = channels->offsets[c - 1];
        } else if (channels->fused == TENON_FUSED_NONE ||
                   !tenon_fused_find(&rule, m, &channels->factors[c], &channels->offsets[c])) {
            channels->offsets[c] = NAN;
        }
    }
}

bool tenon_channels_init(struct tenon_channels *channels, const struct tenon_packing *packing,
                         const struct tenon_op_call *call, int32_t count) {
    struct tenon_epilogue epilogue;
    channels->count = count;
    channels->multipliers =
        tenon_arena_alloc_array(packing->arena, (size_t)count, sizeof(*channels->multipliers));
    channels->bias =
        tenon_arena_alloc_array(packing->arena, (size_t)count, sizeof(*channels->bias));
    channels->factors =
        tenon_arena_alloc_array(packing->arena, (size_t)count, sizeof(*channels->factors));
    channels->offsets =
        tenon_arena_alloc_array(packing->arena, (size_t)count, sizeof(*channels->offsets));
    if (channels->multipliers == NULL || channels->bias == NULL || channels->factors == NULL ||
        channels->offsets == NULL)
        return false;
    tenon_epilogue_derive(&epilogue, call, count, call->op == TENON_OP_FULLY_CONNECTED,
                          channels->multipliers);
    if (epilogue.bias != NULL)
        memcpy(channels->bias, epilogue.bias, (size_t)count * sizeof(int32_t));
    channels->low = epilogue.low;
    channels->high = epilogue.high;
    channels->zero_point = epilogue.zero_point;
    channels->in_32_bits = channels->no_ties = true;
    channels->magnitudes = false;
    channels->zero = zero_as_seen(packing, tenon_in(call, 0));
    find_fused(channels, packing, call->rounding);
    return true;
}

void tenon_channels_fold(struct tenon_channels *channels, int32_t c, const int16_t *weights,
                         size_t products) {
    int64_t sum = 0, magnitude = 0, bias = channels->bias[c];
    for (size_t begin = 0; begin < products; begin += FOLDED) {
        size_t end = products - begin > FOLDED ? begin + FOLDED : products;
        int32_t part = 0, size = 0; /* which vectors take faster than 64 bits */
        for (size_t k = begin; k < end; k++) {
            part += weights[k];
            size += abs(weights[k]);
        }
        sum += part;
        magnitude += size;
    }
    channels->bias[c] = (int32_t)(uint32_t)(uint64_t)(bias - channels->zero * sum);
    int64_t bound = llabs(bias) + UINT8_MAX * magnitude;
    struct tenon_multiplier *m = &channels->multipliers[c];
    if (m->multiplier == 0) /* any shift will do */
        m->shift = -1;
    channels->in_32_bits &= tenon_requantize_provable(bound, m);
    channels->no_ties &= m->shift < 0 && m->shift >= -30 && tenon_requantize_symmetric(bound, m);
}

void tenon_pack_load(const struct tenon_op_call *call, size_t first, size_t stride, size_t count,
                     int16_t *out) {
    const struct tenon_desc *weights = tenon_in(call, 1);
    const uint8_t *data = tenon_in_data(call, 1);
    if (weights->type == TENON_TYPE_I4) {
        for (size_t i = 0; i < count; i++)
            out[i] = tenon_load_i4(data, first + i * stride);
    } else if (weights->type == TENON_TYPE_U8) {
        int16_t zero = (int16_t)tenon_desc_zero_point(weights);
        for (size_t i = 0; i < count; i++)
            out[i] = (int16_t)(data[first + i * stride] - zero);
    } else {
        for (size_t i = 0; i < count; i++)
            out[i] = (int8_t)data[first + i * stride];
    }
}

size_t tenon_pack_header(const struct tenon_packing *packing, const struct tenon_channels *channels,
                         uint32_t blocks, uint32_t products, uint32_t depth) {
    struct tenon_strbuf *out = packing->out;
    size_t start = out->size;
    tenon_strbuf_append_le32(out, tenon_cpu_isa_get(packing->isa)->lanes);
    tenon_strbuf_append_le32(out, (uint32_t)channels->count);
    tenon_strbuf_append_le32(out, blocks);
    tenon_strbuf_append_le32(out, products);
    tenon_strbuf_append_le32(out, depth);
    tenon_strbuf_append_le32(out, (uint32_t)channels->low);
    tenon_strbuf_append_le32(out, (uint32_t)channels->high);
    tenon_strbuf_append_le32(out, (uint32_t)channels->zero_point);
    tenon_strbuf_append_le32(out, (channels->in_32_bits ? TENON_PROOF_IN_32_BITS : 0) |
                                      (channels->no_ties ? TENON_PROOF_NO_TIES : 0) |
                                      (channels->magnitudes ? TENON_WEIGHTS_MAGNITUDES : 0));
    tenon_strbuf_append_le32(out, (uint32_t)channels->center);
    while (!out->failed && out->size < start + TENON_PARAMS_HEADER_BYTES)
        tenon_strbuf_append_u8(out, 0);
    size_t offsets = out->size;
    for (uint32_t i = 0; i < blocks; i++)
        tenon_strbuf_append_le32(out, 0);
    return offsets;
}

enum { BLOCK_MAX = 64 /* channels */, RELEASE_BYTES = 1 << 18 };

/* One array of a block: a word of each channel. */
enum array { BIAS, MULTIPLIER, LEFT, RIGHT, REAL, OFFSET, ARRAYS };

/* Of the channels of a block, which are computed alike. */
static enum tenon_fused block_fused(const struct tenon_channels *channels,
                                    const int32_t *channel_of, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (channel_of[i] >= 0 && isnan(channels->offsets[channel_of[i]]))
            return TENON_FUSED_NONE;
    return channels->fused;
}

static uint32_t value_of(const struct tenon_channels *channels, enum tenon_fused fused, int32_t c,
                         enum array array) {
    if (c < 0) /* whose factor is 0, with any shift */
        return array == RIGHT;
    const struct tenon_multiplier *m = &channels->multipliers[c];
    switch (array) {
    case BIAS:
        return (uint32_t)channels->bias[c];
    case MULTIPLIER:
        return (uint32_t)m->multiplier;
    case LEFT:
        return m->shift > 0 ? (uint32_t)m->shift : 0;
    case RIGHT:
        return m->shift > 0 ? 0 : (uint32_t)-m->shift;
    case REAL:
        return tenon_f32_bits(fused != TENON_FUSED_NONE ? channels->factors[c] : m->real);
    case OFFSET:
    case ARRAYS:
        break;
    }
    return fused != TENON_FUSED_NONE ? tenon_f32_bits(channels->offsets[c]) : 0;
}

/* Whenever so much of the parameters was made of constants, these need not stay in memory. */
static void release_constants(const struct tenon_code *code, size_t before, size_t now) {
    if (code->release_constants != NULL && before / RELEASE_BYTES != now / RELEASE_BYTES)
        code->release_constants(code->user);
}

void tenon_pack_block(const struct tenon_packing *packing, const struct tenon_channels *channels,
                      size_t base, size_t offsets, uint32_t block, const uint32_t words[3],
                      const int32_t *channel_of, uint32_t count) {
    struct tenon_strbuf *out = packing->out;
    tenon_strbuf_align(out, TENON_PARAMS_ALIGNMENT);
    if (out->failed)
        return;
    size_t start = out->size;
    uint8_t *offset = (uint8_t *)out->data + offsets + block * sizeof(uint32_t);
    if (block != 0)
        release_constants(packing->code, base + tenon_load_le32(offset - sizeof(uint32_t)), start);
    tenon_store_le32(offset, (uint32_t)(start - base));
    for (int i = 0; i < 3; i++)
        tenon_strbuf_append_le32(out, words[i]);
    enum tenon_fused fused = block_fused(channels, channel_of, count);
    tenon_strbuf_append_le32(out, fused);
    for (enum array array = BIAS; array < ARRAYS; array++) {
        uint8_t values[BLOCK_MAX * sizeof(uint32_t)];
        for (uint32_t i = 0; i < count; i++)
            tenon_store_le32(values + i * sizeof(uint32_t),
                             value_of(channels, fused, channel_of[i], array));
        tenon_strbuf_append(out, values, count * sizeof(uint32_t));
    }
    tenon_strbuf_align(out, TENON_PARAMS_ALIGNMENT);
}
