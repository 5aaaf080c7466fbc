/*
 * linear_i8: panels of as many output channels as a vector has 32-bit lanes. Where the instruction
 * set adds products in 16 bits, the depth (how many quads of products stay in 16 bits before they
 * are widened) is chosen by counting on some panels what each depth costs: deeper is cheaper, but
 * more weights have to be split so that no sum can overflow.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/overflow.h"
#include "backends/cpu/pack.h"
#include "image/cpu_params.h"
#include "op/kernel.h"

enum { SAMPLED_PANELS = 3, LANES_MAX = 16 };

struct linear {
    const struct tenon_packing *packing;
    const struct tenon_op_call *call;
    const struct tenon_cpu_isa_info *isa;
    struct tenon_channels channels;
    size_t products;     /* of a channel */
    size_t first_stride; /* between channels' first weights */
    size_t stride;       /* between weights of a channel */
    uint32_t quads, panels, depth;
    int16_t *weights; /* [lanes][quads * 4] of one panel; what is left of them while packing */
    int8_t *kept;     /* [quads][lanes][4] */
};

static void load_channel(const struct linear *l, size_t c, int16_t *out) {
    tenon_pack_load(l->call, c * l->first_stride, l->stride, l->products, out);
}

/* Loads the weights of a panel; lanes without a channel are zero. */
static void load_panel(const struct linear *l, uint32_t panel) {
    size_t row = (size_t)l->quads * TENON_QUAD;
    memset(l->weights, 0, l->isa->lanes * row * sizeof(*l->weights));
    for (uint32_t i = 0; i < l->isa->lanes; i++) {
        size_t c = (size_t)panel * l->isa->lanes + i;
        if (c < (size_t)l->channels.count)
            load_channel(l, c, l->weights + i * row);
    }
}

/* Whether the weights at one pair of `depth` quads need no splitting. */
static bool pair_fits(const struct linear *l, const int16_t *pair, uint32_t depth) {
    int32_t above = 0, below = 0, most = 0, least = 0;
    for (uint32_t d = 0; d < depth; d++, pair += TENON_QUAD)
        for (int i = 0; i < 2; i++) {
            int32_t w = pair[i];
            above += w > 0 ? w : 0;
            below -= w < 0 ? w : 0;
            most = w > most ? w : most;
            least = w < least ? w : least;
        }
    bool narrow = most <= INT8_MAX && least >= INT8_MIN;
    return narrow &&
           (!l->isa->adds_in_16_bits || (above <= TENON_SUM_MAX_16 && below <= TENON_SUM_MAX_16));
}

static void move_pair(const struct linear *l, int16_t *pair, uint32_t depth, int8_t *kept) {
    for (uint32_t d = 0; d < depth; d++) {
        kept[0] = (int8_t)pair[0];
        kept[1] = (int8_t)pair[1];
        pair[0] = pair[1] = 0;
        pair += TENON_QUAD;
        kept += (size_t)l->isa->lanes * TENON_QUAD;
    }
}

static bool split_pair(const struct linear *l, int16_t *pair, uint32_t depth, int8_t *kept) {
    int16_t in[2 * TENON_DEPTH_MAX];
    int8_t out[2 * TENON_DEPTH_MAX];
    for (uint32_t d = 0; d < depth; d++)
        memcpy(in + 2 * d, pair + d * TENON_QUAD, 2 * sizeof(*in));
    bool all = tenon_split_weights(in, 2 * (size_t)depth, l->isa->adds_in_16_bits, out, in);
    for (uint32_t d = 0; d < depth; d++) {
        memcpy(pair + d * TENON_QUAD, in + 2 * d, 2 * sizeof(*in));
        memcpy(kept + (size_t)d * l->isa->lanes * TENON_QUAD, out + 2 * d, 2);
    }
    return all;
}

/* Splits the weights of one lane in quads [first, first + depth): those that stand at the same
 * place (first or second pair) of each quad are added in the same 16 bits. True: nothing left. */
static bool split_lane(const struct linear *l, uint32_t lane, uint32_t first, uint32_t depth,
                       int8_t *kept) {
    int16_t *row = l->weights + ((size_t)lane * l->quads + first) * TENON_QUAD;
    bool all = true;
    for (uint32_t pair = 0; pair < TENON_QUAD; pair += 2) {
        if (pair_fits(l, row + pair, depth))
            move_pair(l, row + pair, depth, kept + pair);
        else
            all &= split_pair(l, row + pair, depth, kept + pair);
    }
    return all;
}

/* Moves what fits of a group of quads from `weights` to `kept`; true when nothing is left. */
static bool split_group(const struct linear *l, uint32_t first, uint32_t depth, int8_t *kept) {
    bool all = true;
    for (uint32_t lane = 0; lane < l->isa->lanes; lane++)
        all &= split_lane(l, lane, first, depth, kept + lane * TENON_QUAD);
    return all;
}

static bool is_left(const struct linear *l, uint32_t quad) {
    for (uint32_t lane = 0; lane < l->isa->lanes; lane++) {
        const int16_t *at = l->weights + ((size_t)lane * l->quads + quad) * TENON_QUAD;
        if ((at[0] | at[1] | at[2] | at[3]) != 0)
            return true;
    }
    return false;
}

/* Splits a loaded panel: main weights to `kept`, extras to `extra` and their quads to
 * `extra_quads`, which may be NULL to count only. Returns the number of extras. */
static uint32_t split_panel(const struct linear *l, uint32_t depth, struct tenon_strbuf *extra,
                            struct tenon_strbuf *extra_quads) {
    int8_t kept[LANES_MAX * TENON_QUAD];
    size_t quad_bytes = (size_t)l->isa->lanes * TENON_QUAD;
    uint32_t count = 0;
    for (uint32_t first = 0; first < l->quads; first += depth) {
        /* What is left over of the quads at the end is added quad by quad, which needs less. */
        uint32_t group = l->quads - first < depth ? l->quads - first : depth;
        if (split_group(l, first, group, l->kept + first * quad_bytes))
            continue;
        for (uint32_t quad = first; quad < first + group; quad++)
            while (is_left(l, quad)) {
                split_group(l, quad, 1, kept);
                count++;
                if (extra == NULL)
                    continue;
                tenon_strbuf_append(extra, kept, quad_bytes);
                tenon_strbuf_append_le32(extra_quads, quad);
            }
    }
    return count;
}

/* Multiply instructions: one per quad and one more to widen each group. */
static uint64_t cost_of(const struct linear *l, uint32_t depth) {
    uint64_t cost = 0;
    uint32_t step = l->panels / SAMPLED_PANELS + 1;
    for (uint32_t panel = 0; panel < l->panels; panel += step) {
        load_panel(l, panel);
        cost += l->quads + (l->quads + depth - 1) / depth;
        cost += 2 * (uint64_t)split_panel(l, depth, NULL, NULL);
    }
    return cost;
}

static uint32_t choose_depth(const struct linear *l) {
    uint32_t best = 1;
    uint64_t least = UINT64_MAX;
    for (uint32_t depth = 1; l->isa->adds_in_16_bits && depth <= TENON_DEPTH_MAX; depth *= 2) {
        uint64_t cost = cost_of(l, depth);
        if (cost < least)
            best = depth;
        least = cost < least ? cost : least;
    }
    return best;
}

static void write_panel(const struct linear *l, size_t base, size_t offsets, uint32_t panel,
                        struct tenon_strbuf *extra, struct tenon_strbuf *extra_quads) {
    struct tenon_strbuf *out = l->packing->out;
    int32_t channel_of[LANES_MAX];
    for (uint32_t i = 0; i < l->isa->lanes; i++) {
        int32_t c = (int32_t)(panel * l->isa->lanes + i);
        channel_of[i] = c < l->channels.count ? c : -1;
    }
    extra->size = extra_quads->size = 0;
    load_panel(l, panel);
    uint32_t words[2] = {split_panel(l, l->depth, extra, extra_quads), 0};
    tenon_pack_block(l->packing, &l->channels, base, offsets, panel, words, channel_of,
                     l->isa->lanes);
    tenon_strbuf_append(out, l->kept, (size_t)l->quads * l->isa->lanes * TENON_QUAD);
    tenon_strbuf_append(out, extra->data, extra->size);
    tenon_strbuf_append(out, extra_quads->data, extra_quads->size);
    out->failed |= extra->failed || extra_quads->failed;
}

static void write_panels(struct linear *l) {
    struct tenon_strbuf extra, extra_quads;
    size_t base = l->packing->out->size;
    tenon_strbuf_init(&extra);
    tenon_strbuf_init(&extra_quads);
    l->depth = choose_depth(l);
    size_t offsets = tenon_pack_header(l->packing, &l->channels, l->panels, l->quads, l->depth);
    for (uint32_t panel = 0; panel < l->panels; panel++)
        write_panel(l, base, offsets, panel, &extra, &extra_quads);
    tenon_strbuf_finish(&extra);
    tenon_strbuf_finish(&extra_quads);
}

/* Output channels, and where their weights stand. A depthwise convolution of one channel is a
 * convolution whose weights are transposed. */
static bool linear_init(struct linear *l) {
    const struct tenon_desc *in = tenon_in(l->call, 0), *weights = tenon_in(l->call, 1);
    const int32_t *dims = weights->shape.dims;
    size_t count = tenon_desc_element_count(weights);
    bool last = l->call->op == TENON_OP_DEPTHWISE_CONV_2D;
    bool grouped = l->call->op == TENON_OP_CONV_2D && dims[3] != in->shape.dims[3];
    if (grouped || (last && in->shape.dims[3] != 1) || count > INT32_MAX / 64)
        return false;
    l->channels.count = last ? dims[3] : dims[0];
    l->products = count / (size_t)l->channels.count;
    l->first_stride = last ? 1 : l->products;
    l->stride = last ? (size_t)l->channels.count : 1;
    l->quads = (uint32_t)((l->products + TENON_QUAD - 1) / TENON_QUAD);
    l->panels = ((uint32_t)l->channels.count + l->isa->lanes - 1) / l->isa->lanes;
    return true;
}

bool tenon_pack_linear_i8(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    struct linear l = {.packing = packing, .call = call, .isa = tenon_cpu_isa_get(packing->isa)};
    if (!tenon_pack_constant(call) || !linear_init(&l))
        return false;
    size_t panel = (size_t)l.quads * TENON_QUAD * l.isa->lanes;
    l.weights = malloc(panel * sizeof(*l.weights));
    l.kept = malloc(panel);
    if (l.weights == NULL || l.kept == NULL ||
        !tenon_channels_init(&l.channels, packing, call, l.channels.count)) {
        packing->out->failed = true;
    } else {
        for (int32_t c = 0; c < l.channels.count; c++) {
            load_channel(&l, (size_t)c, l.weights);
            tenon_channels_fold(&l.channels, c, l.weights, l.products);
        }
        write_panels(&l);
    }
    free(l.weights);
    free(l.kept);
    return true;
}
