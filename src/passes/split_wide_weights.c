/*
 * split-wide-weights: weights of u8 whose distance from their zero point leaves [-128, 127] are
 * brought into it, for targets that multiply 8 signed bits. What is too much goes to copies of the
 * input channels:
 *
 *     conv_2d (x, w)
 *     conv_2d (concatenation (slices of x.., x), [w1.., w0])       w1 + w0 = w, each within 8 bits
 *
 *     depthwise_conv_2d (x, w), blocks of channels
 *     concatenation (depthwise_conv_2d (slice of x, w), conv_2d (concatenation (slice, slice), w'),
 *                    ...)
 *
 * Slices are blocks of the target's channel atom, only those in which some filter is too wide; they
 * come before x, so that each begins at a multiple of the atom (a last, narrower one is padded with
 * channels of the zero point). A weight of 255 over its zero point needs two copies.
 * Of a depthwise convolution only the blocks with wide weights become dense, diagonal ones; with a
 * channel multiplier it becomes one.
 *
 * Requires: constant u8 weights; no groups. Exact: the same products in another order.
 * Establishes: every such convolution has weights within [zero point - 128, zero point + 127].
 */
#include <string.h>

#include "passes/pass.h"

enum { LOW = -128, HIGH = 127, COPIES_MAX = 2 };

struct split {
    struct tenon_rewriter *rw;
    struct tenon_node node;
    const uint8_t *weights;
    int32_t zero, h, w, in_c, out_c; /* of the weights: out_c filters of h * w * in_c */
    int32_t atom;
};

/* The part of a centred weight that copy `copy` carries: 0 is x itself. */
static int32_t part_of(int32_t centred, int32_t copy) {
    for (int32_t i = 0; i < copy; i++)
        centred -= centred < LOW ? LOW : centred > HIGH ? HIGH : centred;
    return centred < LOW ? LOW : centred > HIGH ? HIGH : centred;
}

/* Fills up to `channels` channels with the zero point. */
static uint32_t widen(struct tenon_rewriter *rw, uint32_t tensor, int32_t channels) {
    if (tensor == TENON_ID_NONE)
        return tensor;
    struct tenon_desc desc = *tenon_rewrite_desc(rw, tensor);
    const int32_t more = channels - desc.shape.dims[3];
    desc.shape.dims[3] = channels;
    const struct tenon_attrs attrs = {.paddings = {8, {0, 0, 0, 0, 0, 0, 0, more}}};
    if (more == 0)
        return tensor;
    return tenon_rewrite_add_unary(rw, TENON_OP_PAD, &attrs, tensor, "wide", &desc);
}

/* ---- conv_2d ---- */

static int32_t centred_at(const struct split *s, size_t filter_tap, int32_t channel) {
    return s->weights[filter_tap * (size_t)s->in_c + (size_t)channel] - s->zero;
}

/* The least and the greatest weight of each input channel. False after a failure. */
static bool find_ranges(const struct split *s, uint8_t **low, uint8_t **high) {
    size_t taps = (size_t)s->out_c * (size_t)s->h * (size_t)s->w, channels = (size_t)s->in_c;
    uint8_t *lows = tenon_rewrite_scratch(s->rw, channels, 1);
    uint8_t *highs = tenon_rewrite_scratch(s->rw, channels, 1);
    *low = lows;
    *high = highs;
    if (lows == NULL || highs == NULL)
        return false;
    memset(lows, 0xff, channels);
    memset(highs, 0, channels);
    const uint8_t *at = s->weights;
    for (size_t t = 0; t < taps; t++, at += channels)
        for (size_t c = 0; c < channels; c++) {
            lows[c] = at[c] < lows[c] ? at[c] : lows[c];
            highs[c] = at[c] > highs[c] ? at[c] : highs[c];
        }
    return true;
}

/* One piece of the new input: channels of x, by `width` that it takes, with a copy's weights. */
struct piece {
    int32_t first, count, width, copy;
};

static uint32_t find_pieces(const struct split *s, struct piece *pieces) {
    uint32_t count = 0;
    uint8_t *low, *high;
    if (!find_ranges(s, &low, &high))
        return 0;
    for (int32_t copy = COPIES_MAX; copy > 0; copy--)
        for (int32_t c = 0; c < s->in_c; c += s->atom) {
            int32_t n = s->in_c - c < s->atom ? s->in_c - c : s->atom;
            bool needed = false; /* what the copies before it cannot carry */
            for (int32_t i = c; i < c + n; i++)
                needed |= low[i] - s->zero < copy * LOW || high[i] - s->zero > copy * HIGH;
            if (needed)
                pieces[count++] = (struct piece){c, n, s->atom, copy};
        }
    pieces[count++] = (struct piece){0, s->in_c, s->in_c, 0};
    return count;
}

static uint32_t gather_input(const struct split *s, const struct piece *pieces, uint32_t count,
                             int32_t width) {
    struct tenon_rewriter *rw = s->rw;
    uint32_t x = s->node.inputs[0];
    uint32_t *parts = tenon_rewrite_scratch(rw, count, sizeof(*parts));
    for (uint32_t i = 0; parts != NULL && i < count; i++)
        parts[i] = widen(rw, tenon_rewrite_slice(rw, x, pieces[i].first, pieces[i].count),
                         pieces[i].width);
    struct tenon_desc desc = *tenon_rewrite_desc(rw, x);
    const struct tenon_attrs attrs = {.axis = 3};
    desc.shape.dims[3] = width;
    uint32_t out = tenon_rewrite_tensor(rw, x, "copies", &desc);
    tenon_rewrite_add(rw, TENON_OP_CONCATENATION, &attrs, parts, count, &out, 1);
    return out;
}

static uint32_t gather_weights(const struct split *s, const struct piece *pieces, uint32_t count,
                               int32_t width) {
    uint32_t id, old = s->node.inputs[1];
    struct tenon_desc desc = *tenon_rewrite_desc(s->rw, old);
    desc.shape.dims[3] = width;
    uint8_t *to = tenon_rewrite_constant(s->rw, old, "split", &desc, &id);
    size_t taps = (size_t)s->out_c * (size_t)s->h * (size_t)s->w;
    if (to == NULL)
        return id;
    memset(to, s->zero, tenon_desc_size(&desc));
    for (size_t t = 0; t < taps; t++, to += width) {
        uint8_t *at = to;
        for (uint32_t i = 0; i < count; at += pieces[i++].width)
            for (int32_t c = 0; c < pieces[i].count; c++)
                at[c] = (uint8_t)(s->zero +
                                  part_of(centred_at(s, t, pieces[i].first + c), pieces[i].copy));
    }
    return id;
}

static void split_conv(const struct split *s, uint32_t id) {
    struct tenon_rewriter *rw = s->rw;
    size_t blocks = (size_t)(s->in_c / s->atom) + 1;
    struct piece *pieces = tenon_rewrite_scratch(rw, COPIES_MAX * blocks + 1, sizeof(*pieces));
    uint32_t count = pieces != NULL ? find_pieces(s, pieces) : 0;
    if (count <= 1 || !tenon_rewrite_begin(rw, id))
        return;
    int32_t width = 0;
    for (uint32_t i = 0; i < count; i++)
        width += pieces[i].width;
    const uint32_t inputs[] = {gather_input(s, pieces, count, width),
                               gather_weights(s, pieces, count, width), s->node.inputs[2]};
    tenon_rewrite_remove(rw, id);
    tenon_rewrite_add(rw, TENON_OP_CONV_2D, &s->node.attrs, inputs, s->node.input_count,
                      s->node.outputs, 1);
}

/* ---- depthwise_conv_2d: in_c is 1, filters are channels, taps lie h * w * channels ---- */

static bool is_wide_block(const struct split *s, int32_t first, int32_t count) {
    for (int32_t t = 0; t < s->h * s->w; t++)
        for (int32_t c = first; c < first + count; c++)
            if (part_of(s->weights[t * s->out_c + c] - s->zero, 1) != 0)
                return true;
    return false;
}

/* The channels [first, first + count) with the same answer to is_wide_block; a wide run is a block.
 */
static int32_t run_length(const struct split *s, int32_t first, bool *wide) {
    int32_t end = first;
    while (end < s->out_c) {
        int32_t n = s->out_c - end < s->atom ? s->out_c - end : s->atom;
        bool block_wide = is_wide_block(s, end, n);
        if (end != first && (block_wide || *wide))
            break;
        *wide = block_wide;
        end += n;
    }
    return end - first;
}

/* The filters of channels [first, first + count) as dense ones over `in_c` channels. */
static uint32_t dense_weights(const struct split *s, int32_t first, int32_t count, int32_t in_c) {
    uint32_t id, old = s->node.inputs[1];
    struct tenon_desc desc = *tenon_rewrite_desc(s->rw, old);
    desc.shape = (struct tenon_shape){.rank = 4, .dims = {count, s->h, s->w, in_c}};
    desc.quant.axis = 0;
    uint8_t *to = tenon_rewrite_constant(s->rw, old, "dense", &desc, &id);
    if (to == NULL)
        return id;
    memset(to, s->zero, tenon_desc_size(&desc));
    int32_t taps = s->h * s->w, each = count / in_c;
    for (int32_t c = 0; c < count; c++)
        for (int32_t t = 0; t < taps; t++)
            to[(c * taps + t) * in_c + c / each] = s->weights[t * s->out_c + first + c];
    return id;
}

/* Output channels [first, first + count) as a node of its own. */
static uint32_t add_run(const struct split *s, int32_t first, int32_t count, bool wide) {
    struct tenon_rewriter *rw = s->rw;
    const struct tenon_node *node = &s->node;
    int32_t each = s->out_c / tenon_rewrite_desc(rw, node->inputs[0])->shape.dims[3];
    struct tenon_desc desc = *tenon_rewrite_desc(rw, node->outputs[0]);
    desc.shape.dims[3] = count;
    const uint32_t inputs[] = {tenon_rewrite_slice(rw, node->inputs[0], first / each, count / each),
                               wide ? dense_weights(s, first, count, count / each)
                                    : tenon_rewrite_cut(rw, node->inputs[1], 3, first, count),
                               node->input_count > 2
                                   ? tenon_rewrite_cut(rw, node->inputs[2], 0, first, count)
                                   : TENON_ID_NONE};
    uint32_t out = count == s->out_c ? node->outputs[0]
                                     : tenon_rewrite_tensor(rw, node->outputs[0], "part", &desc);
    tenon_rewrite_add(rw, wide ? TENON_OP_CONV_2D : TENON_OP_DEPTHWISE_CONV_2D, &node->attrs,
                      inputs, 3, &out, 1);
    return out;
}

static void split_depthwise(struct split *s, uint32_t id) {
    struct tenon_rewriter *rw = s->rw;
    const struct tenon_attrs attrs = {.axis = 3};
    if (!is_wide_block(s, 0, s->out_c))
        return;
    uint32_t count = 0;
    uint32_t *parts = tenon_rewrite_scratch(rw, (size_t)s->out_c, sizeof(*parts));
    if (parts == NULL || !tenon_rewrite_begin(rw, id))
        return;
    tenon_rewrite_remove(rw, id);
    for (int32_t at = 0; at < s->out_c;) {
        bool wide = false;
        int32_t length = run_length(s, at, &wide);
        parts[count++] = add_run(s, at, length, wide);
        at += length;
    }
    if (count > 1)
        tenon_rewrite_add(rw, TENON_OP_CONCATENATION, &attrs, parts, count, s->node.outputs, 1);
}

/* The convolutions that this adds are visited too: dense ones of a depthwise one are split then. */
static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct split s = {.rw = rw, .node = rw->graph->nodes[id]};
    bool depthwise = s.node.op == TENON_OP_DEPTHWISE_CONV_2D;
    if (!depthwise && s.node.op != TENON_OP_CONV_2D)
        return;
    const struct tenon_desc *weights = tenon_rewrite_desc(rw, s.node.inputs[1]);
    int32_t channels = tenon_rewrite_desc(rw, s.node.inputs[0])->shape.dims[3];
    if (weights->type != TENON_TYPE_U8 || !tenon_rewrite_is_constant(rw, s.node.inputs[1]))
        return;
    if (depthwise && s.node.input_count > 2 && s.node.inputs[2] != TENON_ID_NONE &&
        !tenon_rewrite_is_constant(rw, s.node.inputs[2]))
        return;
    s.weights = rw->graph->tensors[s.node.inputs[1]].data;
    s.zero = tenon_desc_zero_point(weights);
    s.h = weights->shape.dims[1];
    s.w = weights->shape.dims[2];
    s.in_c = depthwise ? 1 : weights->shape.dims[3];
    s.out_c = weights->shape.dims[depthwise ? 3 : 0];
    s.atom = rw->capabilities->channel_atom > 0 ? rw->capabilities->channel_atom : 1;
    if (depthwise && s.out_c != channels) /* a block of outputs has no whole block of inputs */
        s.atom = s.out_c;
    if (depthwise)
        split_depthwise(&s, id);
    else if (s.in_c == channels)
        split_conv(&s, id);
}

const struct tenon_pass tenon_pass_split_wide_weights = {
    .name = "split-wide-weights",
    .purpose = "u8 weights further than 8 signed bits from their zero point, on copied channels",
    .visit = visit,
};
