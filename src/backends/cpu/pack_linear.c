/*
 * linear_i8: panels of as many output channels as a vector has 32-bit lanes. Where the instruction
 * set adds products in 16 bits, each panel's quads are arranged (arrange.c) so that no sum can
 * overflow there.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/arrange.h"
#include "backends/cpu/overflow.h"
#include "backends/cpu/pack.h"
#include "image/cpu_params.h"
#include "op/kernel.h"

enum { SAMPLED_PANELS = 2, LANES_MAX = 16 };

struct linear {
    const struct tenon_packing *packing;
    const struct tenon_op_call *call;
    const struct tenon_cpu_isa_info *isa;
    struct tenon_channels channels;
    struct tenon_linear_segments segments;
    size_t first_stride; /* between channels' first weights */
    size_t stride;       /* between weights of a channel */
    uint32_t quads, panels, depth;
    bool one_row;     /* of output: reading its weights takes longer than multiplying them */
    int16_t *weights; /* [lanes][quads * 4] of one panel */
    struct tenon_arrangement arrangement;
};

/* What pads the segments is left as it is. */
static void load_channel(const struct linear *l, size_t c, int16_t *out) {
    const struct tenon_linear_segments *s = &l->segments;
    for (uint32_t i = 0; i < s->count; i++)
        tenon_pack_load(l->call, c * l->first_stride + (size_t)i * s->products * l->stride,
                        l->stride, s->products, out + (size_t)i * s->quads * TENON_QUAD);
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

static int16_t *lane_quad(const struct linear *l, uint32_t lane, uint32_t quad) {
    return l->weights + ((size_t)lane * l->quads + quad) * TENON_QUAD;
}

/* What fits i8. */
static int16_t narrow_part(int16_t w) {
    return w > INT8_MAX ? INT8_MAX : w < INT8_MIN ? INT8_MIN : w;
}

/* ---- quads that are added in 32 bits: what fits i8, then what is left ---- */

/* Takes what fits i8 of a quad of all lanes. Returns whether something was there; *rest is set when
 * something is left. */
static bool take_narrow(const struct linear *l, uint32_t quad, int8_t *kept, bool *rest) {
    bool any = false, left = false;
    for (uint32_t lane = 0; lane < l->isa->lanes; lane++) {
        int16_t *at = lane_quad(l, lane, quad);
        for (int i = 0; i < TENON_QUAD; i++, kept++) {
            *kept = (int8_t)narrow_part(at[i]);
            any |= at[i] != 0;
            left |= at[i] != *kept;
            at[i] = (int16_t)(at[i] - *kept);
        }
    }
    *rest |= left;
    return any;
}

/* All quads in order, then the rests. Returns the number of quads. */
static uint32_t write_in_order(const struct linear *l, struct tenon_strbuf *weights,
                               struct tenon_strbuf *quads) {
    int8_t kept[LANES_MAX * TENON_QUAD];
    uint32_t count = 0;
    bool rest = true;
    for (bool first = true; rest; first = false) {
        rest = false;
        for (uint32_t quad = 0; quad < l->quads; quad++) {
            if (!take_narrow(l, quad, kept, &rest) && !first)
                continue;
            tenon_strbuf_append(weights, kept, (size_t)l->isa->lanes * TENON_QUAD);
            tenon_strbuf_append_le16(quads, (uint16_t)quad);
            count++;
        }
    }
    return count;
}

/* ---- quads that are added in 16 bits ---- */

/* What fits i8; two lanes at once. */
static uint8_t *write_narrow(const int16_t *weights, size_t row, uint8_t *to) {
    typedef int8_t narrow TENON_VECTOR(2 * TENON_QUAD);
    for (int lane = 0; lane < TENON_ARRANGED_LANES; lane += 2, weights += 2 * row) {
        const narrow bytes =
            __builtin_convertvector(tenon_two_quads(weights, weights + row), narrow);
        memcpy(to, &bytes, sizeof(bytes));
        to += sizeof(bytes);
    }
    return to;
}

/* A part of a wide quad that fits i8, and takes it away. */
static uint8_t *write_part(int16_t *weights, size_t row, uint8_t *to) {
    for (int lane = 0; lane < TENON_ARRANGED_LANES; lane++, weights += row)
        for (int i = 0; i < TENON_QUAD; i++) {
            int16_t part = narrow_part(weights[i]);
            weights[i] = (int16_t)(weights[i] - part);
            *to++ = (uint8_t)part;
        }
    return to;
}

/* Of a wide quad; its weights go beyond i8 only where u8 had an extreme zero point. */
static uint32_t parts_of(const struct linear *l, uint32_t quad) {
    uint32_t parts = 1;
    tenon_weights beyond = {0};
    for (uint32_t lane = 0; lane < TENON_ARRANGED_LANES; lane += 2) {
        tenon_weights w = tenon_two_quads(lane_quad(l, lane, quad), lane_quad(l, lane + 1, quad));
        beyond |= (w > INT8_MAX) | (w < INT8_MIN);
    }
    const tenon_weights none = {0};
    if (memcmp(&beyond, &none, sizeof(none)) == 0)
        return 1;
    for (uint32_t lane = 0; lane < TENON_ARRANGED_LANES; lane++)
        for (int i = 0; i < TENON_QUAD; i++) {
            int16_t w = lane_quad(l, lane, quad)[i];
            uint32_t own = 1;
            for (; w != narrow_part(w); own++)
                w = (int16_t)(w - narrow_part(w));
            parts = own > parts ? own : parts;
        }
    return parts;
}

/* Makes the bias what magnitudes want: see image/cpu_params.h. Returns the number of wide parts. */
static uint32_t fold_wides(struct linear *l, uint32_t panel) {
    const struct tenon_arrangement *a = &l->arrangement;
    typedef int32_t pairs TENON_VECTOR(16);
    typedef uint32_t unsigned_pairs TENON_VECTOR(16);
    unsigned_pairs sums[TENON_ARRANGED_LANES / 2] = {0}; /* of two lanes each */
    uint32_t narrow = l->quads - a->wides, parts = 0;
    for (uint32_t n = narrow; n < l->quads; n++) {
        parts += parts_of(l, a->order[n]);
        for (uint32_t lane = 0; lane < TENON_ARRANGED_LANES; lane += 2) {
            tenon_weights w = tenon_two_quads(lane_quad(l, lane, a->order[n]),
                                              lane_quad(l, lane + 1, a->order[n]));
            pairs wanted = (pairs)(w * 128 - (w & (w < 0))); /* of 255 and less: 16 bits */
            sums[lane / 2] +=
                (unsigned_pairs)((wanted >> 16) + ((pairs)((unsigned_pairs)wanted << 16) >> 16));
        }
    }
    for (uint32_t lane = 0; lane < TENON_ARRANGED_LANES; lane++) {
        int32_t c = (int32_t)(panel * TENON_ARRANGED_LANES + lane);
        if (c < l->channels.count)
            l->channels.bias[c] =
                (int32_t)((uint32_t)l->channels.bias[c] + sums[lane / 2][lane % 2 * 2] +
                          sums[lane / 2][lane % 2 * 2 + 1]);
    }
    return parts;
}

/* The weights, then the quads that they multiply. */
static void write_arranged(struct linear *l, uint32_t parts) {
    const struct tenon_arrangement *a = &l->arrangement;
    uint32_t narrow = l->quads - a->wides;
    size_t row = (size_t)l->quads * TENON_QUAD, quad_bytes = TENON_ARRANGED_LANES * TENON_QUAD;
    size_t count = (size_t)narrow + parts;
    uint8_t *to = tenon_strbuf_extend(l->packing->out, count * (quad_bytes + sizeof(uint16_t)));
    if (to == NULL)
        return;
    uint8_t *numbers = to + count * quad_bytes;
    for (uint32_t n = 0; n < l->quads; n++) {
        int16_t *weights = l->weights + (size_t)a->order[n] * TENON_QUAD;
        uint32_t times = n < narrow ? 1 : parts_of(l, a->order[n]);
        for (; times != 0; times--, numbers += sizeof(uint16_t)) {
            to = times == 1 ? write_narrow(weights, row, to) : write_part(weights, row, to);
            tenon_store_le16(numbers, (uint16_t)a->order[n]);
        }
    }
}

/* The depth whose arrangement of some panels takes the fewest instructions. */
static uint32_t choose_depth(struct linear *l) {
    uint64_t cost[TENON_DEPTH_MAX + 1] = {0};
    uint32_t best = 2, step = l->panels / SAMPLED_PANELS + 1;
    if (l->one_row)
        return best;
    for (uint32_t panel = 0; panel < l->panels; panel += step) {
        load_panel(l, panel);
        tenon_arrange_weights(&l->arrangement, l->weights);
        for (uint32_t depth = 2; depth <= TENON_DEPTH_MAX; depth *= 2) {
            tenon_arrange(&l->arrangement, depth);
            cost[depth] += tenon_arrangement_cost(&l->arrangement, depth);
        }
    }
    for (uint32_t depth = 2; depth <= TENON_DEPTH_MAX; depth *= 2)
        best = cost[depth] < cost[best] ? depth : best;
    return best;
}

static void write_panel(struct linear *l, size_t base, size_t offsets, uint32_t panel,
                        struct tenon_strbuf *weights, struct tenon_strbuf *quads) {
    struct tenon_strbuf *out = l->packing->out;
    int32_t channel_of[LANES_MAX];
    uint32_t words[3] = {0};
    for (uint32_t i = 0; i < l->isa->lanes; i++) {
        int32_t c = (int32_t)(panel * l->isa->lanes + i);
        channel_of[i] = c < l->channels.count ? c : -1;
    }
    weights->size = quads->size = 0;
    load_panel(l, panel);
    if (l->isa->adds_in_16_bits) {
        tenon_arrange_weights(&l->arrangement, l->weights);
        tenon_arrange(&l->arrangement, l->one_row ? 1 : l->depth);
        words[0] = l->arrangement.groups;
        words[1] = l->arrangement.singles;
        words[2] = fold_wides(l, panel);
    } else {
        words[1] = write_in_order(l, weights, quads);
    }
    tenon_pack_block(l->packing, &l->channels, base, offsets, panel, words, channel_of,
                     l->isa->lanes);
    if (l->isa->adds_in_16_bits)
        write_arranged(l, words[2]);
    tenon_strbuf_append(out, weights->data, weights->size);
    tenon_strbuf_append(out, quads->data, quads->size);
    out->failed |= weights->failed || quads->failed;
}

static void write_panels(struct linear *l) {
    struct tenon_strbuf weights, quads;
    size_t base = l->packing->out->size;
    tenon_strbuf_init(&weights);
    tenon_strbuf_init(&quads);
    l->depth = l->isa->adds_in_16_bits ? choose_depth(l) : 2;
    size_t offsets = tenon_pack_header(l->packing, &l->channels, l->panels, l->quads, l->depth);
    for (uint32_t panel = 0; panel < l->panels; panel++)
        write_panel(l, base, offsets, panel, &weights, &quads);
    tenon_strbuf_finish(&weights);
    tenon_strbuf_finish(&quads);
}

static bool is_dilated(const struct tenon_op_call *call) {
    const struct tenon_list *dilation = &call->attrs->dilation;
    return dilation->count != 0 && (dilation->values[0] != 1 || dilation->values[1] != 1);
}

/* Output channels, and where their weights stand. A depthwise convolution of one channel is a
 * convolution whose weights are transposed. */
static bool linear_init(struct linear *l) {
    const struct tenon_desc *in = tenon_in(l->call, 0), *weights = tenon_in(l->call, 1);
    const int32_t *dims = weights->shape.dims;
    size_t count = tenon_desc_element_count(weights);
    bool last = l->call->op == TENON_OP_DEPTHWISE_CONV_2D;
    bool grouped = l->call->op == TENON_OP_CONV_2D && dims[3] != in->shape.dims[3];
    bool single = in->shape.dims[3] == 1;
    if (grouped || (last && !single) || count > INT32_MAX / 64)
        return false;
    l->channels.count = last ? dims[3] : dims[0];
    size_t products = count / (size_t)l->channels.count;
    l->one_row = tenon_desc_element_count(tenon_out(l->call, 0)) == (size_t)l->channels.count;
    uint32_t k_h = l->call->op == TENON_OP_FULLY_CONNECTED ? 1 : (uint32_t)dims[1];
    l->segments = tenon_linear_segments_of(k_h, (uint32_t)(products / k_h), is_dilated(l->call));
    l->first_stride = last ? 1 : products;
    l->stride = last ? (size_t)l->channels.count : 1;
    l->quads = l->segments.count * l->segments.quads;
    l->panels = ((uint32_t)l->channels.count + l->isa->lanes - 1) / l->isa->lanes;
    return l->quads <= UINT16_MAX; /* which is how they are numbered */
}

bool tenon_pack_linear_i8(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    struct linear l = {.packing = packing, .call = call, .isa = tenon_cpu_isa_get(packing->isa)};
    if (!tenon_pack_constant(call) || !linear_init(&l))
        return false;
    l.weights = calloc((size_t)l.quads * TENON_QUAD * l.isa->lanes, sizeof(*l.weights));
    if (l.weights == NULL || !tenon_arrangement_init(&l.arrangement, l.quads) ||
        !tenon_channels_init(&l.channels, packing, call, l.channels.count)) {
        packing->out->failed = true;
    } else {
        for (int32_t c = 0; c < l.channels.count; c++) {
            load_channel(&l, (size_t)c, l.weights);
            tenon_channels_fold(&l.channels, c, l.weights, (size_t)l.quads * TENON_QUAD);
        }
        write_panels(&l);
    }
    free(l.weights);
    tenon_arrangement_finish(&l.arrangement);
    return true;
}
