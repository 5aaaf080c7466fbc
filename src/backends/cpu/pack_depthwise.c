/*
 * depthwise_i8: blocks of four vectors of channels. A step multiplies up to four rows of the window
 * at one of its columns (image/cpu_params.h); weights that do not fit the first step of a column,
 * because they leave i8 or, on instruction sets that add products in 16 bits, because their pairs
 * could overflow there, are left for another step of the same column. Where a block holds several
 * pixels, weights are repeated for each.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/overflow.h"
#include "backends/cpu/pack.h"
#include "image/cpu_params.h"
#include "op/kernel.h"

enum { BLOCK_MAX = 64 };

struct depthwise {
    const struct tenon_packing *packing;
    const struct tenon_op_call *call;
    const struct tenon_cpu_isa_info *isa;
    struct tenon_channels channels;
    uint32_t count; /* of channels of all pixels of a block */
    uint32_t k_h, k_w, depth, quads, block, blocks;
    int16_t *weights; /* [block][k_h * k_w]; what is left of them while packing */
    struct tenon_strbuf bytes, steps;
};

static uint32_t first_channel(const struct depthwise *d, uint32_t block) {
    uint32_t first = block * d->block;
    return d->count >= d->block && first > d->count - d->block ? d->count - d->block : first;
}

static void load_channel(const struct depthwise *d, int32_t c, int16_t *out) {
    tenon_pack_load(d->call, (size_t)c, (size_t)d->channels.count, (size_t)d->k_h * d->k_w, out);
}

/* Moves what fits of the weights of one channel in a column to `kept`. Sets `any` when there was
 * something, `left` when something is left. */
static void take(const struct depthwise *d, uint32_t position, uint32_t quad, uint32_t x,
                 int16_t kept[4], bool *any, bool *left) {
    int16_t *taps = d->weights + (size_t)position * d->k_h * d->k_w + x;
    int16_t column[4] = {0}, rest[4];
    for (uint32_t i = 0; i < d->depth && quad * d->depth + i < d->k_h; i++) {
        column[i] = taps[(size_t)(quad * d->depth + i) * d->k_w];
        *any |= column[i] != 0;
    }
    tenon_split_column(column, d->channels.magnitudes, kept, rest);
    for (uint32_t i = 0; i < d->depth && quad * d->depth + i < d->k_h; i++) {
        taps[(size_t)(quad * d->depth + i) * d->k_w] = rest[i];
        *left |= rest[i] != 0;
    }
}

static void write_step(struct depthwise *d, const int16_t *kept) {
    uint8_t bytes[BLOCK_MAX * 4], signs[BLOCK_MAX * 4];
    uint32_t count = d->block * 4;
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)(d->channels.magnitudes ? abs(kept[i]) : kept[i]);
        signs[i] = kept[i] < 0 ? 0xff : 0;
    }
    tenon_strbuf_append(&d->bytes, bytes, count);
    if (d->channels.magnitudes)
        tenon_strbuf_append(&d->bytes, signs, count);
}

/* Appends steps for a column until nothing of it is left. */
static uint32_t write_column(struct depthwise *d, uint32_t quad, uint32_t x) {
    uint32_t count = 0;
    bool left = true;
    while (left) {
        int16_t kept[BLOCK_MAX][4];
        bool any = left = false;
        for (uint32_t p = 0; p < d->block; p++)
            take(d, p, quad, x, kept[p], &any, &left);
        if (!any)
            return count;
        write_step(d, kept[0]);
        tenon_strbuf_append_le32(&d->steps, quad * d->k_w + x);
        count++;
    }
    return count;
}

static void write_block(struct depthwise *d, size_t base, size_t offsets, uint32_t block) {
    struct tenon_strbuf *out = d->packing->out;
    int32_t channel_of[BLOCK_MAX];
    uint32_t words[3] = {first_channel(d, block), 0, 0};
    size_t taps = (size_t)d->k_h * d->k_w;
    d->bytes.size = d->steps.size = 0;
    memset(d->weights, 0, d->block * taps * sizeof(*d->weights));
    for (uint32_t p = 0; p < d->block; p++) {
        uint32_t c = words[0] + tenon_depthwise_channel(d->isa->lanes, p);
        channel_of[p] = c < d->count ? (int32_t)(c % (uint32_t)d->channels.count) : -1;
        if (channel_of[p] >= 0)
            load_channel(d, channel_of[p], d->weights + p * taps);
    }
    for (uint32_t quad = 0; quad < d->quads; quad++)
        for (uint32_t x = 0; x < d->k_w; x++)
            words[1] += write_column(d, quad, x);
    tenon_pack_block(d->packing, &d->channels, base, offsets, block, words, channel_of, d->block);
    tenon_strbuf_append(out, d->bytes.data, d->bytes.size);
    tenon_strbuf_append(out, d->steps.data, d->steps.size);
    out->failed |= d->bytes.failed || d->steps.failed;
}

/* What the products of negative weights with ~activation miss; wraps like the sums do. */
static int32_t add_negative(int32_t bias, const int16_t *weights, size_t taps) {
    uint32_t sum = (uint32_t)bias;
    for (size_t i = 0; i < taps; i++)
        sum += weights[i] < 0 ? (uint32_t)-weights[i] : 0;
    return (int32_t)sum;
}

static void fold_channels(struct depthwise *d) {
    struct tenon_channels *channels = &d->channels;
    size_t taps = (size_t)d->k_h * d->k_w;
    channels->magnitudes = d->isa->adds_in_16_bits;
    channels->zero -= channels->magnitudes ? 128 : 0; /* their activations are i8 */
    for (int32_t c = 0; c < channels->count; c++) {
        load_channel(d, c, d->weights);
        tenon_channels_fold(channels, c, d->weights, taps);
        if (channels->magnitudes)
            channels->bias[c] = add_negative(channels->bias[c], d->weights, taps);
    }
}

static void write_blocks(struct depthwise *d) {
    size_t base = d->packing->out->size, taps = (size_t)d->k_h * d->k_w;
    fold_channels(d);
    struct tenon_channels all = d->channels;
    all.count = (int32_t)d->count;
    size_t offsets = tenon_pack_header(d->packing, &all, d->blocks, (uint32_t)taps, d->depth);
    for (uint32_t block = 0; block < d->blocks; block++)
        write_block(d, base, offsets, block);
}

bool tenon_pack_depthwise_i8(const struct tenon_packing *packing,
                             const struct tenon_op_call *call) {
    const int32_t *dims = tenon_in(call, 1)->shape.dims;
    if (!tenon_pack_constant(call) || dims[3] != tenon_in(call, 0)->shape.dims[3] ||
        (int64_t)dims[1] * dims[2] > UINT16_MAX)
        return false;
    struct depthwise d = {.packing = packing, .call = call, .isa = tenon_cpu_isa_get(packing->isa)};
    d.k_h = (uint32_t)dims[1];
    d.k_w = (uint32_t)dims[2];
    d.depth = d.isa->adds_in_16_bits || d.k_h <= 3 ? 3 : 4;
    d.quads = (d.k_h + d.depth - 1) / d.depth;
    d.block = d.isa->lanes * 4;
    d.count = (uint32_t)dims[3] * tenon_depthwise_pixels(d.isa->lanes, (uint32_t)dims[3]);
    d.blocks = (d.count + d.block - 1) / d.block;
    d.weights = malloc((size_t)d.block * d.k_h * d.k_w * sizeof(*d.weights));
    tenon_strbuf_init(&d.bytes);
    tenon_strbuf_init(&d.steps);
    if (d.weights == NULL || !tenon_channels_init(&d.channels, packing, call, dims[3]))
        packing->out->failed = true;
    else
        write_blocks(&d);
    free(d.weights);
    tenon_strbuf_finish(&d.bytes);
    tenon_strbuf_finish(&d.steps);
    return true;
}
