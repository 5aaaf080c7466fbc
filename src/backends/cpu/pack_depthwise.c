/*
 * depthwise_i8: blocks of four vectors of channels. Each tap of the window is an item of weights
 * (more where they do not fit i8); items are paired so that, on instruction sets that add products
 * in 16 bits, no pair can overflow in any channel of the block, and two pairs make a step.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/overflow.h"
#include "backends/cpu/pack.h"
#include "image/cpu_params.h"
#include "op/kernel.h"

/* PARTS: a weight of 255 is 127 + 127 + 1. */
enum { BLOCK_MAX = 64, NO_ITEM = -1, PARTS = 3 };

struct item {
    uint32_t tap;
    bool paired;
    int8_t weights[BLOCK_MAX]; /* by position in the block */
};

struct depthwise {
    const struct tenon_packing *packing;
    const struct tenon_op_call *call;
    const struct tenon_cpu_isa_info *isa;
    struct tenon_channels channels;
    uint32_t taps, block, blocks;
    struct item *items; /* PARTS per tap */
    int32_t (*steps)[4];
    int16_t *column; /* the weights of one channel */
};

static uint32_t first_channel(const struct depthwise *d, uint32_t block) {
    uint32_t count = (uint32_t)d->channels.count, first = block * d->block;
    return count >= d->block && first > count - d->block ? count - d->block : first;
}

/* Fills the items of a block; returns their number. Part k of a tap's weights stands in row k. */
static uint32_t fill_items(const struct depthwise *d, const int32_t *channel_of) {
    memset(d->items, 0, PARTS * (size_t)d->taps * sizeof(*d->items));
    for (uint32_t i = 0; i < PARTS * d->taps; i++)
        d->items[i].tap = i % d->taps;
    for (uint32_t p = 0; p < d->block; p++) {
        if (channel_of[p] < 0)
            continue;
        tenon_pack_load(d->call, (size_t)channel_of[p], (size_t)d->channels.count, d->taps,
                        d->column);
        for (uint32_t tap = 0; tap < d->taps; tap++) {
            int16_t left = d->column[tap];
            struct item *item = &d->items[tap];
            while (!tenon_split_weights(&left, 1, true, &item->weights[p], &left))
                item += d->taps;
        }
    }
    uint32_t count = d->taps;
    static const int8_t zero[BLOCK_MAX];
    for (uint32_t i = d->taps; i < PARTS * d->taps; i++)
        if (memcmp(d->items[i].weights, zero, d->block) != 0)
            d->items[count++] = d->items[i];
    return count;
}

static bool can_pair(const struct depthwise *d, const struct item *a, const struct item *b) {
    for (uint32_t p = 0; d->isa->adds_in_16_bits && p < d->block; p++) {
        int32_t x = a->weights[p], y = b->weights[p];
        if ((x ^ y) >= 0 && abs(x + y) > TENON_SUM_MAX_16)
            return false;
    }
    return true;
}

/* Pairs the items, first fit, and puts two pairs into each step. Returns the number of steps. */
static uint32_t make_steps(const struct depthwise *d, uint32_t count) {
    uint32_t pairs = 0;
    memset(d->steps, 0xff, PARTS * (size_t)d->taps * sizeof(*d->steps)); /* NO_ITEM */
    for (uint32_t i = 0; i < count; i++) {
        if (d->items[i].paired)
            continue;
        uint32_t other = i + 1;
        while (other < count &&
               (d->items[other].paired || !can_pair(d, &d->items[i], &d->items[other])))
            other++;
        int32_t *pair = d->steps[pairs / 2] + pairs % 2 * 2;
        pair[0] = (int32_t)i;
        if (other < count) {
            pair[1] = (int32_t)other;
            d->items[other].paired = true;
        }
        pairs++;
    }
    return (pairs + 1) / 2;
}

static void write_steps(const struct depthwise *d, uint32_t count) {
    struct tenon_strbuf *out = d->packing->out;
    for (uint32_t s = 0; s < count; s++) {
        int8_t weights[BLOCK_MAX][4] = {{0}};
        for (int k = 0; k < 4; k++)
            for (uint32_t p = 0; d->steps[s][k] != NO_ITEM && p < d->block; p++)
                weights[p][k] = d->items[d->steps[s][k]].weights[p];
        tenon_strbuf_append(out, weights, (size_t)d->block * 4);
    }
    for (uint32_t s = 0; s < count; s++)
        for (int k = 0; k < 4; k++)
            tenon_strbuf_append_le32(out,
                                     d->steps[s][k] == NO_ITEM ? 0 : d->items[d->steps[s][k]].tap);
}

static void write_block(const struct depthwise *d, size_t base, size_t offsets, uint32_t block) {
    int32_t channel_of[BLOCK_MAX];
    uint32_t first = first_channel(d, block);
    for (uint32_t p = 0; p < d->block; p++) {
        int32_t c = (int32_t)(first + tenon_depthwise_channel(d->isa->lanes, p));
        channel_of[p] = c < d->channels.count ? c : -1;
    }
    uint32_t step_count = make_steps(d, fill_items(d, channel_of));
    uint32_t words[3] = {first, step_count};
    tenon_pack_block(d->packing, &d->channels, base, offsets, block, words, channel_of, d->block);
    write_steps(d, step_count);
}

static void write_blocks(struct depthwise *d) {
    size_t base = d->packing->out->size;
    for (int32_t c = 0; c < d->channels.count; c++) {
        tenon_pack_load(d->call, (size_t)c, (size_t)d->channels.count, d->taps, d->column);
        tenon_channels_fold(&d->channels, c, d->column, d->taps);
    }
    size_t offsets = tenon_pack_header(d->packing, &d->channels, d->blocks, d->taps, 1);
    for (uint32_t block = 0; block < d->blocks; block++)
        write_block(d, base, offsets, block);
}

bool tenon_pack_depthwise_i8(const struct tenon_packing *packing,
                             const struct tenon_op_call *call) {
    const int32_t *dims = tenon_in(call, 1)->shape.dims;
    if (!tenon_pack_constant(call) || dims[3] != tenon_in(call, 0)->shape.dims[3])
        return false;
    struct depthwise d = {.packing = packing, .call = call, .isa = tenon_cpu_isa_get(packing->isa)};
    d.taps = (uint32_t)dims[1] * (uint32_t)dims[2];
    d.block = d.isa->lanes * 4;
    d.blocks = ((uint32_t)dims[3] + d.block - 1) / d.block;
    if (d.taps > UINT16_MAX)
        return false;
    d.items = calloc(PARTS * (size_t)d.taps, sizeof(*d.items));
    d.steps = calloc(PARTS * (size_t)d.taps, sizeof(*d.steps));
    d.column = calloc(d.taps, sizeof(*d.column));
    if (d.items == NULL || d.steps == NULL || d.column == NULL ||
        !tenon_channels_init(&d.channels, packing, call, dims[3]))
        packing->out->failed = true;
    else
        write_blocks(&d);
    free(d.items);
    free(d.steps);
    free(d.column);
    return true;
}
