/*
 * per-channel-to-per-tensor: weights with a scale per output channel, for targets that have one
 * scale per operator.
 *
 *     conv_2d (x, w scale [a, a, 2a, b, b])
 *     concatenation (conv_2d (x, w0 scale [a]), conv_2d (x, w1 scale [b]))
 *
 * Three ways, in this order:
 * 1. Channels whose scales are a power of two apart share the smaller one: weights and bias of the
 *    others are multiplied by that power, where they fit. Exact when the rescaling rounds once
 *    (`single`, `f32`); `double` rounds a second time when it shifts right, so there only while the
 *    factor's shift stays to the left.
 * 2. What is left is cut into runs of one scale, each a convolution of its own. Exact.
 * 3. Instead of 2, when the target allows lossy scales: the weights are requantized to one scale,
 * the smallest at which all fit. The loss is noted per operator.
 *
 * Scaling a channel against the next operator's weights is no fourth way: integers between the two
 * would be rounded elsewhere, and no factor but 1 keeps them.
 *
 * Requires: conv_2d or depthwise_conv_2d of i8, u8 or i16 (1 then only for equal scales) with
 * constant i8 weights and i32 bias. Establishes: such weights have one scale.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/kernel.h"
#include "passes/pass.h"

struct split {
    struct tenon_rewriter *rw;
    struct tenon_node node;
    struct tenon_desc desc; /* of the weights */
    const int8_t *weights;
    const uint8_t *bias; /* NULL: none */
    bool depthwise;
    int32_t out_c, unit; /* a run of less than all channels crosses no multiple of `unit` */
    int32_t each;        /* output channels per input channel (depthwise) or per group */
    size_t taps;
    int32_t *largest; /* |weight| per channel */
};

struct run {
    int32_t first, count;
    float scale;
};

static size_t weight_index(const struct split *s, int32_t channel, size_t tap) {
    return s->depthwise ? tap * (size_t)s->out_c + (size_t)channel
                        : (size_t)channel * s->taps + tap;
}

static int32_t bias_of(const struct split *s, int32_t channel) {
    int32_t value = 0;
    if (s->bias != NULL)
        memcpy(&value, s->bias + 4 * channel, sizeof(value));
    return value;
}

static float scale_of(const struct split *s, int32_t channel) {
    return s->desc.quant.scale[channel];
}

/* ---- which channels share a scale ---- */

/* Whether a channel times 2^shift, with a scale 2^shift smaller, gives the same integers. */
static bool can_shift(const struct split *s, int32_t channel, int shift) {
    enum { TAPS_MAX = 32768, BIAS_MAX = 1 << 30 };
    if (shift == 0)
        return true;
    if (tenon_rewrite_desc(s->rw, s->node.inputs[0])->type == TENON_TYPE_I16)
        return false; /* sums have up to 48 bits */
    int64_t bias = llabs((int64_t)bias_of(s, channel)) << (shift < 31 ? shift : 31);
    if (shift > 7 || s->largest[channel] << shift > 127 || bias > BIAS_MAX || s->taps > TAPS_MAX)
        return false;
    struct tenon_multiplier m = tenon_multiplier_from_double(tenon_product_scale(
        tenon_rewrite_desc(s->rw, s->node.inputs[0]), &s->desc,
        tenon_rewrite_desc(s->rw, s->node.outputs[0]), (uint32_t)channel, false));
    if (m.multiplier == 0 || m.shift - shift < -31 || m.shift >= 30)
        return false;
    bool once = s->node.rounding == TENON_ROUNDING_SINGLE || s->node.rounding == TENON_ROUNDING_F32;
    return once || m.shift - shift >= 0;
}

/* Whether the channels [first, end) can have the scale `base`. */
static bool can_share(const struct split *s, int32_t first, int32_t end, float base) {
    for (int32_t c = first; c < end; c++) {
        int shift;
        float ratio = scale_of(s, c) / base;
        if (frexpf(ratio, &shift) != 0.5f || ldexpf(base, shift - 1) != scale_of(s, c) ||
            shift < 1 || !can_shift(s, c, shift - 1))
            return false;
    }
    return true;
}

static float smaller(float a, float b) {
    return a < b ? a : b;
}

/* The longest run from `first` on. */
static struct run find_run(const struct split *s, int32_t first) {
    struct run run = {first, 1, scale_of(s, first)};
    while (first + run.count < s->out_c && (first + run.count) % s->unit != 0) {
        float base = smaller(run.scale, scale_of(s, first + run.count));
        if (!can_share(s, first, first + run.count + 1, base))
            break;
        run.scale = base;
        run.count++;
    }
    return run;
}

static struct run whole(const struct split *s) {
    struct run run = {0, s->out_c, scale_of(s, 0)};
    for (int32_t c = 1; c < s->out_c; c++)
        run.scale = smaller(run.scale, scale_of(s, c));
    return run;
}

static uint32_t find_runs(const struct split *s, struct run *runs) {
    uint32_t count = 0;
    runs[0] = whole(s);
    if (can_share(s, 0, s->out_c, runs[0].scale))
        return 1;
    for (int32_t at = 0; at < s->out_c; at += runs[count++].count)
        runs[count] = find_run(s, at);
    return count;
}

/* ---- new constants ---- */

/* x * factor, rounded; exact for powers of two that fit. */
static int32_t scaled(int32_t x, double factor, double most) {
    double value = round(x * factor);
    return (int32_t)(value > most ? most : value < -most - 1 ? -most - 1 : value);
}

static double factor_of(const struct split *s, const struct run *run, int32_t channel) {
    return (double)scale_of(s, channel) / (double)run->scale;
}

static uint32_t run_weights(const struct split *s, const struct run *run) {
    static const int32_t zero;
    struct tenon_desc desc = s->desc;
    uint32_t id;
    desc.shape.dims[s->depthwise ? 3 : 0] = run->count;
    desc.quant = (struct tenon_quant){1, 0, &run->scale, &zero};
    int8_t *to = tenon_rewrite_constant(s->rw, s->node.inputs[1], "scaled", &desc, &id);
    for (int32_t c = 0; to != NULL && c < run->count; c++)
        for (size_t t = 0; t < s->taps; t++) {
            size_t at = s->depthwise ? t * (size_t)run->count + (size_t)c : (size_t)c * s->taps + t;
            to[at] = (int8_t)scaled(s->weights[weight_index(s, run->first + c, t)],
                                    factor_of(s, run, run->first + c), 127);
        }
    return id;
}

static uint32_t run_bias(const struct split *s, const struct run *run) {
    static const int32_t zero;
    uint32_t id;
    if (s->bias == NULL)
        return TENON_ID_NONE;
    struct tenon_desc desc = *tenon_rewrite_desc(s->rw, s->node.inputs[2]);
    float scale = tenon_desc_scale(tenon_rewrite_desc(s->rw, s->node.inputs[0])) * run->scale;
    desc.shape = (struct tenon_shape){.rank = 1, .dims = {run->count}};
    if (desc.quant.count != 0)
        desc.quant = (struct tenon_quant){1, 0, &scale, &zero};
    int32_t *to = tenon_rewrite_constant(s->rw, s->node.inputs[2], "scaled", &desc, &id);
    for (int32_t c = 0; to != NULL && c < run->count; c++)
        to[c] = scaled(bias_of(s, run->first + c), factor_of(s, run, run->first + c), INT32_MAX);
    return id;
}

/* ---- new nodes ---- */

static uint32_t run_input(const struct split *s, const struct run *run) {
    uint32_t x = s->node.inputs[0];
    int32_t channels = tenon_rewrite_desc(s->rw, x)->shape.dims[3];
    if (run->count == s->out_c || (!s->depthwise && s->desc.shape.dims[3] == channels))
        return x;
    int32_t part = s->depthwise ? 1 : s->desc.shape.dims[3];
    int32_t parts = s->depthwise && s->each == 1 ? run->count : 1;
    return tenon_rewrite_slice(s->rw, x, run->first / s->each * part, parts * part);
}

static uint32_t add_run(const struct split *s, const struct run *run) {
    struct tenon_rewriter *rw = s->rw;
    uint32_t out = s->node.outputs[0];
    struct tenon_desc desc = *tenon_rewrite_desc(rw, out);
    const uint32_t inputs[] = {run_input(s, run), run_weights(s, run), run_bias(s, run)};
    desc.shape.dims[3] = run->count;
    if (run->count != s->out_c)
        out = tenon_rewrite_tensor(rw, out, "part", &desc);
    tenon_rewrite_add(rw, s->node.op, &s->node.attrs, inputs, 3, &out, 1);
    return out;
}

static void rewrite(const struct split *s, const struct run *runs, uint32_t count) {
    const struct tenon_attrs attrs = {.axis = 3};
    uint32_t *parts = tenon_rewrite_scratch(s->rw, count, sizeof(*parts));
    for (uint32_t i = 0; parts != NULL && i < count; i++)
        parts[i] = add_run(s, &runs[i]);
    if (count > 1)
        tenon_rewrite_add(s->rw, TENON_OP_CONCATENATION, &attrs, parts, count, s->node.outputs, 1);
}

/* ---- one scale at any price ---- */

/* The smallest scale at which every channel fits. */
static struct run lossy_run(const struct split *s) {
    struct run run = {0, s->out_c, 0};
    for (int32_t c = 0; c < s->out_c; c++)
        run.scale = fmaxf(run.scale, scale_of(s, c) * (float)s->largest[c] / 127);
    if (run.scale < 1e-30f) /* all weights are 0 */
        run.scale = scale_of(s, 0);
    return run;
}

static void note_loss(const struct split *s, const struct run *run) {
    double signal = 0, noise = 0, worst = 0;
    for (int32_t c = 0; c < s->out_c; c++)
        for (size_t t = 0; t < s->taps; t++) {
            int32_t w = s->weights[weight_index(s, c, t)];
            double real = (double)scale_of(s, c) * w;
            double error = (double)run->scale * scaled(w, factor_of(s, run, c), 127) - real;
            signal += real * real;
            noise += error * error;
            worst = fmax(worst, fabs(error) / (double)scale_of(s, c));
        }
    tenon_rewrite_note(s->rw,
                       "weights of %d channels on one scale: signal to error %.1f dB, at most %.1f "
                       "steps of a channel's own scale",
                       s->out_c, noise > 0 ? 10 * log10(signal / noise) : 999.0, worst);
}

static bool fill(struct split *s) {
    const struct tenon_rewriter *rw = s->rw;
    s->depthwise = s->node.op == TENON_OP_DEPTHWISE_CONV_2D;
    if (!s->depthwise && s->node.op != TENON_OP_CONV_2D)
        return false;
    uint32_t bias = s->node.input_count > 2 ? s->node.inputs[2] : TENON_ID_NONE;
    const struct tenon_desc *x = tenon_rewrite_desc(rw, s->node.inputs[0]);
    s->desc = *tenon_rewrite_desc(rw, s->node.inputs[1]);
    if (s->desc.quant.count <= 1 || s->desc.type != TENON_TYPE_I8 ||
        (x->type != TENON_TYPE_I8 && x->type != TENON_TYPE_U8 && x->type != TENON_TYPE_I16) ||
        !tenon_rewrite_is_constant(rw, s->node.inputs[1]) ||
        (bias != TENON_ID_NONE && (!tenon_rewrite_is_constant(rw, bias) ||
                                   tenon_rewrite_desc(rw, bias)->type != TENON_TYPE_I32)))
        return false;
    s->weights = (const int8_t *)rw->graph->tensors[s->node.inputs[1]].data;
    s->bias = bias != TENON_ID_NONE ? rw->graph->tensors[bias].data : NULL;
    s->out_c = s->desc.shape.dims[s->depthwise ? 3 : 0];
    s->taps = tenon_desc_element_count(&s->desc) / (size_t)s->out_c;
    int32_t inputs = x->shape.dims[3] / (s->depthwise ? 1 : s->desc.shape.dims[3]);
    s->each = s->out_c / inputs;
    s->unit = inputs == 1 || (s->depthwise && s->each == 1) ? s->out_c : s->each;
    s->largest = tenon_rewrite_scratch(s->rw, (size_t)s->out_c, sizeof(*s->largest));
    for (int32_t c = 0; s->largest != NULL && c < s->out_c; c++)
        for (size_t t = 0; t < s->taps; t++) {
            int32_t w = abs(s->weights[weight_index(s, c, t)]);
            s->largest[c] = w > s->largest[c] ? w : s->largest[c];
        }
    return s->largest != NULL;
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct split s = {.rw = rw, .node = rw->graph->nodes[id]};
    if (!fill(&s))
        return;
    struct run *runs = tenon_rewrite_scratch(rw, (size_t)s.out_c, sizeof(*runs));
    if (runs == NULL)
        return;
    uint32_t count = find_runs(&s, runs);
    bool lossy = count > 1 && rw->capabilities->lossy_scales;
    if (lossy) {
        runs[0] = lossy_run(&s);
        count = 1;
    }
    if (!tenon_rewrite_begin(rw, id))
        return;
    if (lossy)
        note_loss(&s, &runs[0]);
    tenon_rewrite_remove(rw, id);
    rewrite(&s, runs, count);
}

const struct tenon_pass tenon_pass_per_channel_to_per_tensor = {
    .name = "per-channel-to-per-tensor",
    .purpose = "weights with a scale per channel get one: equalised, split, or at a noted loss",
    .visit = visit,
};
