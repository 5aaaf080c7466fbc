/*
 * conv_2d: input NHWC, weights OHWI, bias O. Fewer weight channels than input channels are groups.
 * For each output pixel the window's input is gathered once ("patch", with zeros for padding, that
 * is the input's zero point), then multiplied with each filter. Sources: TFLite
 * reference/conv.h, reference/integer_ops/conv.h (integer and float), kernels/conv.cc (dynamic).
 */
#include "op/linear.h"
#include "op/rules.h"
#include "util/checked.h"

#include <string.h>

struct conv {
    struct tenon_window window;
    int32_t out_c, k_c, groups; /* k_c: input channels of one filter */
    size_t taps;                /* k_h * k_w * k_c */
};

static enum tenon_status conv_init(struct conv *conv, const struct tenon_op_call *call,
                                   struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *weights = tenon_in(call, 1);
    enum tenon_status status = tenon_require_rank(in, 4, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_rank(weights, 4, "weights", error);
    if (status == TENON_OK)
        status = tenon_window_init(&conv->window, call->attrs, &in->shape, weights->shape.dims[1],
                                   weights->shape.dims[2], error);
    if (status != TENON_OK)
        return status;
    conv->out_c = weights->shape.dims[0];
    conv->k_c = weights->shape.dims[3];
    if (conv->out_c < 1 || conv->k_c < 1 || conv->window.in_c % conv->k_c != 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "%d filters of %d channels over an input of %d", conv->out_c, conv->k_c,
                          conv->window.in_c);
    conv->groups = conv->window.in_c / conv->k_c;
    if (conv->out_c % conv->groups != 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%d filters in %d groups", conv->out_c,
                          conv->groups);
    conv->taps = (size_t)conv->window.k_h * (size_t)conv->window.k_w * (size_t)conv->k_c;
    return TENON_OK;
}

enum tenon_status tenon_infer_conv_2d(const struct tenon_op_call *call, struct tenon_error *error) {
    struct conv conv;
    enum tenon_linear_kind kind;
    enum tenon_status status = conv_init(&conv, call, error);
    if (status == TENON_OK)
        status = tenon_linear_check(call, conv.out_c, 0, &kind, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_window *w = &conv.window;
    struct tenon_shape shape = {.rank = 4, .dims = {w->batches, w->out_h, w->out_w, conv.out_c}};
    return tenon_set_shape(call, 0, &shape, error);
}

/* Scratch: multipliers, weights and patch as i16 or f32, the quantized input of a batch. */
struct layout {
    size_t weights, patch, quantized, total;
};

static struct layout scratch_layout(const struct tenon_op_call *call, const struct conv *conv) {
    struct layout layout;
    size_t element =
        tenon_linear_kind(call) == TENON_LINEAR_FLOAT ? sizeof(float) : sizeof(int16_t);
    size_t input = tenon_desc_element_count(tenon_in(call, 0)) / (size_t)conv->window.batches;
    layout.weights =
        tenon_align_up((size_t)conv->out_c * sizeof(struct tenon_multiplier), TENON_SCRATCH_ALIGN);
    layout.patch = layout.weights +
                   tenon_align_up((size_t)conv->out_c * conv->taps * element, TENON_SCRATCH_ALIGN);
    layout.quantized = layout.patch + tenon_align_up(conv->taps * element, TENON_SCRATCH_ALIGN);
    layout.total = layout.quantized;
    if (tenon_linear_kind(call) == TENON_LINEAR_DYNAMIC)
        layout.total += input;
    return layout;
}

size_t tenon_scratch_conv_2d(const struct tenon_op_call *call) {
    struct conv conv;
    return conv_init(&conv, call, NULL) == TENON_OK ? scratch_layout(call, &conv).total : 0;
}

uint64_t tenon_macs_conv_2d(const struct tenon_op_call *call) {
    struct conv conv;
    if (conv_init(&conv, call, NULL) != TENON_OK)
        return 0;
    return (uint64_t)tenon_desc_element_count(tenon_out(call, 0)) * conv.taps;
}

/* The input row position of a tap, or -1 in the padding. */
static int64_t input_position(int32_t out, int32_t tap, int32_t stride, int32_t dilation,
                              int32_t pad, int32_t size) {
    int64_t at = (int64_t)out * stride + (int64_t)tap * dilation - pad;
    return at < 0 || at >= size ? -1 : at;
}

/* Element index of the input of each tap's first channel, or -1. */
static int64_t tap_offset(const struct conv *conv, int32_t b, int32_t oy, int32_t ox, int32_t ky,
                          int32_t kx, int32_t group) {
    const struct tenon_window *w = &conv->window;
    int64_t y = input_position(oy, ky, w->stride_h, w->dilation_h, w->pad_top, w->in_h);
    int64_t x = input_position(ox, kx, w->stride_w, w->dilation_w, w->pad_left, w->in_w);
    if (y < 0 || x < 0)
        return -1;
    return (((int64_t)b * w->in_h + y) * w->in_w + x) * w->in_c + (int64_t)group * conv->k_c;
}

static void gather_i16(const struct tenon_op_call *call, const struct conv *conv, int32_t b,
                       int32_t oy, int32_t ox, int32_t group, int16_t *patch) {
    for (int32_t ky = 0; ky < conv->window.k_h; ky++) {
        for (int32_t kx = 0; kx < conv->window.k_w; kx++, patch += conv->k_c) {
            int64_t at = tap_offset(conv, b, oy, ox, ky, kx, group);
            if (at < 0)
                memset(patch, 0, (size_t)conv->k_c * sizeof(*patch));
            else
                tenon_linear_load_input(call, (size_t)at, (size_t)conv->k_c, patch);
        }
    }
}

void tenon_conv_2d_integer(const struct tenon_op_call *call,
                           const struct tenon_epilogue *epilogue) {
    struct conv conv;
    if (conv_init(&conv, call, NULL) != TENON_OK)
        return;
    struct layout layout = scratch_layout(call, &conv);
    int16_t *weights = (void *)((char *)call->scratch + layout.weights);
    int16_t *patch = (void *)((char *)call->scratch + layout.patch);
    tenon_linear_load_weights(call, (size_t)conv.out_c * conv.taps, weights);
    bool wide = tenon_in(call, 0)->type == TENON_TYPE_I16;
    int32_t per_group = conv.out_c / conv.groups;
    size_t at = 0;
    for (int32_t b = 0; b < conv.window.batches; b++)
        for (int32_t oy = 0; oy < conv.window.out_h; oy++)
            for (int32_t ox = 0; ox < conv.window.out_w; ox++)
                for (int32_t c = 0; c < conv.out_c; c++, at++) {
                    if (c % per_group == 0)
                        gather_i16(call, &conv, b, oy, ox, c / per_group, patch);
                    int64_t sum =
                        tenon_dot_i16(patch, weights + (size_t)c * conv.taps, conv.taps, wide);
                    tenon_epilogue_store(epilogue, sum, c, call->outputs[0].data, at);
                }
}

static void accumulate_f32(const float *restrict weights, float x, int32_t channels,
                           float *restrict sums) {
    for (int32_t c = 0; c < channels; c++)
        sums[c] += x * weights[c];
}

static void pixel_f32(const struct tenon_op_call *call, const struct conv *conv, int32_t b,
                      int32_t oy, int32_t ox, const float *weights, float *out) {
    const float *input = tenon_in_data(call, 0);
    int32_t per_group = conv->out_c / conv->groups;
    memset(out, 0, (size_t)conv->out_c * sizeof(*out));
    for (int32_t ky = 0; ky < conv->window.k_h; ky++)
        for (int32_t kx = 0; kx < conv->window.k_w; kx++)
            for (int32_t g = 0; g < conv->groups; g++) {
                int64_t at = tap_offset(conv, b, oy, ox, ky, kx, g);
                size_t k = ((size_t)ky * (size_t)conv->window.k_w + (size_t)kx) * (size_t)conv->k_c;
                for (int32_t i = 0; at >= 0 && i < conv->k_c; i++)
                    accumulate_f32(weights + (k + (size_t)i) * (size_t)conv->out_c + g * per_group,
                                   input[at + i], per_group, out + g * per_group);
            }
}

static void conv_f32(const struct tenon_op_call *call, const struct conv *conv, float *weights) {
    const float *bias = tenon_in_data(call, 2);
    float low, high, *out = call->outputs[0].data;
    tenon_activation_range_f32((enum tenon_activation)call->attrs->activation, &low, &high);
    tenon_linear_transpose_f32(tenon_in_data(call, 1), conv->taps, conv->out_c, weights);
    for (int32_t b = 0; b < conv->window.batches; b++)
        for (int32_t oy = 0; oy < conv->window.out_h; oy++)
            for (int32_t ox = 0; ox < conv->window.out_w; ox++, out += conv->out_c) {
                pixel_f32(call, conv, b, oy, ox, weights, out);
                for (int32_t c = 0; c < conv->out_c; c++)
                    out[c] = tenon_clamp_f32(out[c] + (bias != NULL ? bias[c] : 0.0f), low, high);
            }
}

static bool scales_differ(const struct tenon_quant *quant) {
    for (uint32_t i = 1; i < quant->count; i++)
        if (quant->scale[i] != quant->scale[0])
            return true;
    return false;
}

/* One quantized batch. Per channel, TFLite forms (sum * weight scale) * input scale; with one
 * scale, sum * (input scale * weight scale). */
static void conv_dynamic_batch(const struct tenon_dynamic_input *input, const struct conv *conv,
                               const int16_t *weights, int16_t *patch, bool per_channel,
                               float *out) {
    const float *bias = tenon_in_data(&input->call, 2);
    float low, high, step = input->dynamic.scale;
    tenon_activation_range_f32((enum tenon_activation)input->call.attrs->activation, &low, &high);
    int32_t per_group = conv->out_c / conv->groups;
    for (int32_t oy = 0; oy < conv->window.out_h; oy++)
        for (int32_t ox = 0; ox < conv->window.out_w; ox++)
            for (int32_t c = 0; c < conv->out_c; c++, out++) {
                if (c % per_group == 0)
                    gather_i16(&input->call, conv, 0, oy, ox, c / per_group, patch);
                float sum = (float)(int32_t)tenon_dot_i16(patch, weights + (size_t)c * conv->taps,
                                                          conv->taps, false);
                float scale = tenon_dynamic_weight_scale(tenon_in(&input->call, 1), c);
                float real = per_channel ? sum * scale * step : sum * (step * scale);
                *out = tenon_clamp_f32(bias != NULL ? real + bias[c] : real, low, high);
            }
}

static void conv_dynamic(const struct tenon_op_call *call, const struct conv *conv,
                         const struct layout *layout) {
    const struct tenon_window *w = &conv->window;
    /* TFLite has no grouped form with one scale. */
    bool per_channel = scales_differ(&tenon_in(call, 1)->quant) || conv->groups != 1;
    size_t count = tenon_desc_element_count(tenon_in(call, 0)) / (size_t)w->batches;
    size_t results = (size_t)w->out_h * (size_t)w->out_w * (size_t)conv->out_c;
    int8_t *quantized = (int8_t *)call->scratch + layout->quantized;
    int16_t *weights = (void *)((char *)call->scratch + layout->weights);
    int16_t *patch = (void *)((char *)call->scratch + layout->patch);
    struct tenon_dynamic_input input;
    tenon_linear_load_weights(call, (size_t)conv->out_c * conv->taps, weights);
    for (int32_t b = 0; b < w->batches; b++) {
        tenon_dynamic_input_init(&input, call, (size_t)b * count, count, per_channel, quantized);
        conv_dynamic_batch(&input, conv, weights, patch, per_channel,
                           (float *)call->outputs[0].data + (size_t)b * results);
    }
}

enum tenon_status tenon_reference_conv_2d(const struct tenon_op_call *call,
                                          struct tenon_error *error) {
    struct conv conv;
    struct tenon_epilogue epilogue;
    enum tenon_status status = conv_init(&conv, call, error);
    if (status != TENON_OK)
        return status;
    struct layout layout = scratch_layout(call, &conv);
    switch (tenon_linear_kind(call)) {
    case TENON_LINEAR_FLOAT:
        conv_f32(call, &conv, (void *)((char *)call->scratch + layout.weights));
        break;
    case TENON_LINEAR_INTEGER:
        tenon_epilogue_derive(&epilogue, call, conv.out_c, false, call->scratch);
        tenon_conv_2d_integer(call, &epilogue);
        break;
    case TENON_LINEAR_DYNAMIC:
        conv_dynamic(call, &conv, &layout);
        break;
    }
    return TENON_OK;
}
