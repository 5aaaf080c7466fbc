/*
 * Bilinear resizing to twice or four times the size becomes a convolution. The pixels that one
 * input pixel becomes are weighted averages of its neighbourhood, each with weights of its own:
 *
 *     y = resize_bilinear(x) {shape=[16, 16], half_pixel_centers=true}                x 1x8x8x3
 *     y = to_space(depthwise_conv_2d(mirror_pad(x), w, b))       w 1x3x3x12: four results a channel
 *
 * to_space is reshape, transpose, reshape. Beyond the edge the edge is repeated, as resizing does.
 * The average is rounded in another way than a convolution rounds: weights, scale and bias are
 * tried until every sum gives the same integer (average.h). For i8 that is so with single rounding,
 * or with a zero point of 0; otherwise halves on both sides of 0 are in the way, and the node
 * stays.
 *
 * Requires: 8 bits, factors of 1, 2 or 4, corners not aligned. Establishes nothing: it depends.
 * Exact, by proof.
 */
#include "passes/average.h"

enum { FACTOR_MAX = 4, TAPS_MAX = 3 };

/* Along one axis: shares[p] are those of the taps in the p-th of `factor` output pixels. */
struct axis {
    int32_t factor, taps, before, after, whole;
    int32_t shares[FACTOR_MAX][TAPS_MAX];
};

/* Output pixel p of a block lies (2 p + 1 - factor) / (2 factor) input pixels from its middle, or
 * p / factor from its start. */
static void axis_init(struct axis *a, int32_t factor, bool half_pixel) {
    *a = (struct axis){.factor = factor, .taps = 1, .whole = 1, .shares = {{1}}};
    if (factor == 1)
        return;
    a->before = half_pixel ? 1 : 0;
    a->after = 1;
    a->taps = 1 + a->before + a->after;
    a->whole = half_pixel ? 2 * factor : factor;
    for (int32_t p = 0; p < factor; p++) {
        int32_t at = half_pixel ? 2 * p + 1 - factor : p; /* of `whole` */
        int32_t low = a->before - (at < 0 ? 1 : 0), past = at < 0 ? at + a->whole : at;
        for (int32_t t = 0; t < a->taps; t++)
            a->shares[p][t] = t == low ? a->whole - past : t == low + 1 ? past : 0;
    }
}

struct resize {
    struct tenon_average average;
    struct axis y, x;
};

/* As TFLite rounds: half away from zero, but up for u8, which is never negative, and in i8 where it
 * is built with single rounding. */
static int32_t blended(const void *context, int64_t sum) {
    const struct tenon_average *a = context;
    int64_t half = a->count / 2;
    if (a->in.type == TENON_TYPE_I8 && a->node.rounding == TENON_ROUNDING_SINGLE) {
        int64_t up = sum + half, quotient = up / a->count;
        return (int32_t)(quotient - (up % a->count < 0 ? 1 : 0));
    }
    return (int32_t)((sum > 0 ? sum + half : sum - half) / a->count);
}

static int32_t factor_of(int32_t in, int32_t out) {
    return out == in ? 1 : out == 2 * (int64_t)in ? 2 : out == 4 * (int64_t)in ? 4 : 0;
}

static int32_t largest_of(const struct axis *a) {
    int32_t largest = 0;
    for (int32_t p = 0; p < a->factor; p++)
        for (int32_t t = 0; t < a->taps; t++)
            largest = a->shares[p][t] > largest ? a->shares[p][t] : largest;
    return largest;
}

static bool read(struct tenon_rewriter *rw, uint32_t id, struct resize *r) {
    struct tenon_average *a = &r->average;
    a->node = rw->graph->nodes[id];
    if (a->node.op != TENON_OP_RESIZE_BILINEAR || a->node.attrs.align_corners != 0)
        return false;
    a->in = *tenon_rewrite_desc(rw, a->node.inputs[0]);
    a->out = *tenon_rewrite_desc(rw, a->node.outputs[0]);
    const int32_t *in = a->in.shape.dims, *out = a->out.shape.dims;
    int32_t fy = factor_of(in[1], out[1]), fx = factor_of(in[2], out[2]);
    if (fy * fx < 2 || a->in.quant.count != 1 || a->out.quant.count != 1 || in[0] < 1 || in[3] < 1)
        return false;
    axis_init(&r->y, fy, a->node.attrs.half_pixel_centers != 0);
    axis_init(&r->x, fx, a->node.attrs.half_pixel_centers != 0);
    a->window = (struct tenon_window){.k_h = r->y.taps, .k_w = r->x.taps, .in_c = in[3]};
    a->count = r->y.whole * r->x.whole;
    a->largest = largest_of(&r->y) * largest_of(&r->x);
    a->low = tenon_type_min(a->out.type);
    a->high = tenon_type_max(a->out.type);
    return true;
}

/* One row for each pixel of a block. */
static void list_shares(const struct resize *r, int32_t *shares) {
    for (int32_t py = 0; py < r->y.factor; py++)
        for (int32_t px = 0; px < r->x.factor; px++)
            for (int32_t ty = 0; ty < r->y.taps; ty++)
                for (int32_t tx = 0; tx < r->x.taps; tx++)
                    *shares++ = r->y.shares[py][ty] * r->x.shares[px][tx];
}

static void rewrite(struct tenon_rewriter *rw, const struct resize *r,
                    const struct tenon_average_weights *weights) {
    const struct tenon_average *a = &r->average;
    const struct tenon_attrs edge = {
        .paddings = {8, {0, 0, r->y.before, r->y.after, r->x.before, r->x.after, 0, 0}},
        .symmetric = 1};
    const struct tenon_attrs plain = {.stride = {2, {1, 1}}, .dilation = {2, {1, 1}}};
    const int32_t block[2] = {r->y.factor, r->x.factor};
    int32_t shares[FACTOR_MAX * FACTOR_MAX * TAPS_MAX * TAPS_MAX];
    uint32_t inputs[3] = {TENON_ID_NONE, TENON_ID_NONE, TENON_ID_NONE};
    list_shares(r, shares);
    inputs[0] = tenon_rewrite_result(rw, TENON_OP_MIRROR_PAD, &edge, a->node.inputs, 1, &a->in);
    tenon_average_constants(rw, a, weights, shares, block[0] * block[1], &inputs[1], &inputs[2]);
    uint32_t x = tenon_rewrite_result(rw, TENON_OP_DEPTHWISE_CONV_2D, &plain, inputs, 3, &a->out);
    tenon_rewrite_finish(rw, tenon_rewrite_to_space(rw, x, block, a->window.in_c));
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct resize r;
    struct tenon_average_weights weights;
    if (read(rw, id, &r) && tenon_average_find(&r.average, blended, true, &weights) &&
        tenon_rewrite_replace(rw, id))
        rewrite(rw, &r, &weights);
}

const struct tenon_pass tenon_pass_resize_bilinear_to_depthwise = {
    .name = "resize-bilinear-to-depthwise",
    .purpose = "bilinear resizing to two or four times the size, where exact: depthwise, in blocks",
    .visit = visit,
};
