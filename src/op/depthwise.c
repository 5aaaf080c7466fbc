/*
 * depthwise_conv_2d: input NHWC, weights 1HWC', bias C', where C' = C * multiplier and output
 * channel c reads input channel c / multiplier. Sources: TFLite reference/depthwiseconv_float.h,
 * depthwiseconv_uint8.h, integer_ops/depthwise_conv.h.
 */
#include "op/linear.h"
#include "op/rules.h"

#include <string.h>

#include "util/checked.h"

struct depthwise {
    struct tenon_window window;
    int32_t out_c, multiplier;
    size_t taps;
};

static enum tenon_status depthwise_init(struct depthwise *d, const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *weights = tenon_in(call, 1);
    enum tenon_status status = tenon_require_rank(in, 4, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_rank(weights, 4, "weights", error);
    if (status == TENON_OK)
        status = tenon_window_init(&d->window, call->attrs, &in->shape, weights->shape.dims[1],
                                   weights->shape.dims[2], error);
    if (status != TENON_OK)
        return status;
    d->out_c = weights->shape.dims[3];
    if (weights->shape.dims[0] != 1 || d->out_c < 1 || d->out_c % d->window.in_c != 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "depthwise weights %d x … x %d over %d input channels",
                          weights->shape.dims[0], d->out_c, d->window.in_c);
    d->multiplier = d->out_c / d->window.in_c;
    d->taps = (size_t)d->window.k_h * (size_t)d->window.k_w;
    return TENON_OK;
}

enum tenon_status tenon_infer_depthwise(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    struct depthwise d;
    enum tenon_linear_kind kind;
    enum tenon_status status = depthwise_init(&d, call, error);
    if (status == TENON_OK)
        status = tenon_linear_check(call, d.out_c, 3, &kind, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_window *w = &d.window;
    struct tenon_shape shape = {.rank = 4, .dims = {w->batches, w->out_h, w->out_w, d.out_c}};
    return tenon_set_shape(call, 0, &shape, error);
}

/* Scratch: multipliers, weights as i16, sums of one pixel, one input pixel as i16, the quantized
 * input of a batch. */
struct layout {
    size_t weights, sums, pixel, quantized, total;
};

static struct layout scratch_layout(const struct tenon_op_call *call, const struct depthwise *d) {
    struct layout layout;
    size_t out_c = (size_t)d->out_c, in_c = (size_t)d->window.in_c;
    layout.weights = tenon_align_up(out_c * sizeof(struct tenon_multiplier), TENON_SCRATCH_ALIGN);
    layout.sums =
        layout.weights + tenon_align_up(out_c * d->taps * sizeof(int16_t), TENON_SCRATCH_ALIGN);
    layout.pixel = layout.sums + tenon_align_up(out_c * sizeof(int64_t), TENON_SCRATCH_ALIGN);
    layout.quantized = layout.pixel + tenon_align_up(in_c * sizeof(int16_t), TENON_SCRATCH_ALIGN);
    layout.total = layout.quantized;
    if (tenon_linear_kind(call) == TENON_LINEAR_DYNAMIC)
        layout.total += tenon_desc_element_count(tenon_in(call, 0)) / (size_t)d->window.batches;
    return layout;
}

size_t tenon_scratch_depthwise(const struct tenon_op_call *call) {
    struct depthwise d;
    return depthwise_init(&d, call, NULL) == TENON_OK ? scratch_layout(call, &d).total : 0;
}

uint64_t tenon_macs_depthwise(const struct tenon_op_call *call) {
    struct depthwise d;
    if (depthwise_init(&d, call, NULL) != TENON_OK)
        return 0;
    return (uint64_t)tenon_desc_element_count(tenon_out(call, 0)) * d.taps;
}

static int64_t pixel_offset(const struct depthwise *d, int32_t b, int32_t oy, int32_t ox,
                            int32_t ky, int32_t kx) {
    const struct tenon_window *w = &d->window;
    int64_t y = (int64_t)oy * w->stride_h + (int64_t)ky * w->dilation_h - w->pad_top;
    int64_t x = (int64_t)ox * w->stride_w + (int64_t)kx * w->dilation_w - w->pad_left;
    if (y < 0 || y >= w->in_h || x < 0 || x >= w->in_w)
        return -1;
    return (((int64_t)b * w->in_h + y) * w->in_w + x) * w->in_c;
}

static void accumulate(const struct depthwise *d, const int16_t *pixel, const int16_t *weights,
                       int64_t *sums) {
    if (d->multiplier == 1) {
        for (int32_t c = 0; c < d->out_c; c++)
            sums[c] += pixel[c] * weights[c];
        return;
    }
    for (int32_t i = 0, c = 0; i < d->window.in_c; i++)
        for (int32_t m = 0; m < d->multiplier; m++, c++)
            sums[c] += pixel[i] * weights[c];
}

/* The sums of all channels of one output pixel. */
static void sum_pixel(const struct tenon_op_call *call, const struct depthwise *d,
                      const struct layout *layout, int32_t b, int32_t oy, int32_t ox,
                      const int16_t *weights, int64_t *sums) {
    int16_t *pixel = (void *)((char *)call->scratch + layout->pixel);
    memset(sums, 0, (size_t)d->out_c * sizeof(*sums));
    for (int32_t ky = 0; ky < d->window.k_h; ky++)
        for (int32_t kx = 0; kx < d->window.k_w; kx++, weights += d->out_c) {
            int64_t at = pixel_offset(d, b, oy, ox, ky, kx);
            if (at < 0)
                continue;
            tenon_linear_load_input(call, (size_t)at, (size_t)d->window.in_c, pixel);
            accumulate(d, pixel, weights, sums);
        }
}

void tenon_depthwise_integer(const struct tenon_op_call *call,
                             const struct tenon_epilogue *epilogue) {
    struct depthwise d;
    if (depthwise_init(&d, call, NULL) != TENON_OK)
        return;
    struct layout layout = scratch_layout(call, &d);
    int16_t *weights = (void *)((char *)call->scratch + layout.weights);
    int64_t *sums = (void *)((char *)call->scratch + layout.sums);
    tenon_linear_load_weights(call, (size_t)d.out_c * d.taps, weights);
    size_t at = 0;
    for (int32_t b = 0; b < d.window.batches; b++)
        for (int32_t oy = 0; oy < d.window.out_h; oy++)
            for (int32_t ox = 0; ox < d.window.out_w; ox++) {
                sum_pixel(call, &d, &layout, b, oy, ox, weights, sums);
                for (int32_t c = 0; c < d.out_c; c++)
                    tenon_epilogue_store(epilogue, sums[c], c, call->outputs[0].data, at++);
            }
}

static void pixel_f32(const struct tenon_op_call *call, const struct depthwise *d, int32_t b,
                      int32_t oy, int32_t ox, float *out) {
    const float *input = tenon_in_data(call, 0), *weights = tenon_in_data(call, 1);
    memset(out, 0, (size_t)d->out_c * sizeof(*out));
    for (int32_t ky = 0; ky < d->window.k_h; ky++)
        for (int32_t kx = 0; kx < d->window.k_w; kx++, weights += d->out_c) {
            int64_t at = pixel_offset(d, b, oy, ox, ky, kx);
            for (int32_t c = 0; at >= 0 && c < d->out_c; c++)
                out[c] += input[at + c / d->multiplier] * weights[c];
        }
}

static void depthwise_f32(const struct tenon_op_call *call, const struct depthwise *d) {
    const float *bias = tenon_in_data(call, 2);
    float low, high, *out = call->outputs[0].data;
    tenon_activation_range_f32((enum tenon_activation)call->attrs->activation, &low, &high);
    for (int32_t b = 0; b < d->window.batches; b++)
        for (int32_t oy = 0; oy < d->window.out_h; oy++)
            for (int32_t ox = 0; ox < d->window.out_w; ox++, out += d->out_c) {
                pixel_f32(call, d, b, oy, ox, out);
                for (int32_t c = 0; c < d->out_c; c++)
                    out[c] = tenon_clamp_f32(out[c] + (bias != NULL ? bias[c] : 0.0f), low, high);
            }
}

static void dynamic_batch(const struct tenon_dynamic_input *input, const struct depthwise *d,
                          const struct layout *layout, float *out) {
    const struct tenon_op_call *call = &input->call;
    const float *bias = tenon_in_data(call, 2);
    const int16_t *weights = (const void *)((char *)call->scratch + layout->weights);
    int64_t *sums = (void *)((char *)call->scratch + layout->sums);
    float low, high;
    tenon_activation_range_f32((enum tenon_activation)call->attrs->activation, &low, &high);
    for (int32_t oy = 0; oy < d->window.out_h; oy++)
        for (int32_t ox = 0; ox < d->window.out_w; ox++) {
            sum_pixel(call, d, layout, 0, oy, ox, weights, sums);
            for (int32_t c = 0; c < d->out_c; c++) {
                /* Unlike conv_2d, TFLite forms the product of the scales first. */
                float scale =
                    tenon_dynamic_weight_scale(tenon_in(call, 1), c) * input->dynamic.scale;
                float real = (float)(int32_t)sums[c] * scale;
                *out++ = tenon_clamp_f32(bias != NULL ? real + bias[c] : real, low, high);
            }
        }
}

/* TFLite EvalHybridPerChannel: every batch quantized asymmetrically. */
static void depthwise_dynamic(const struct tenon_op_call *call, const struct depthwise *d,
                              const struct layout *layout) {
    const struct tenon_window *w = &d->window;
    size_t count = tenon_desc_element_count(tenon_in(call, 0)) / (size_t)w->batches;
    size_t results = (size_t)w->out_h * (size_t)w->out_w * (size_t)d->out_c;
    int8_t *quantized = (int8_t *)call->scratch + layout->quantized;
    struct tenon_dynamic_input input;
    tenon_linear_load_weights(call, (size_t)d->out_c * d->taps,
                              (void *)((char *)call->scratch + layout->weights));
    for (int32_t b = 0; b < w->batches; b++) {
        tenon_dynamic_input_init(&input, call, (size_t)b * count, count, true, quantized);
        dynamic_batch(&input, d, layout, (float *)call->outputs[0].data + (size_t)b * results);
    }
}

enum tenon_status tenon_reference_depthwise(const struct tenon_op_call *call,
                                            struct tenon_error *error) {
    struct depthwise d;
    struct tenon_epilogue epilogue;
    enum tenon_status status = depthwise_init(&d, call, error);
    if (status != TENON_OK)
        return status;
    struct layout layout = scratch_layout(call, &d);
    switch (tenon_linear_kind(call)) {
    case TENON_LINEAR_FLOAT:
        depthwise_f32(call, &d);
        break;
    case TENON_LINEAR_INTEGER:
        tenon_epilogue_derive(&epilogue, call, d.out_c, false, call->scratch);
        tenon_depthwise_integer(call, &epilogue);
        break;
    case TENON_LINEAR_DYNAMIC:
        depthwise_dynamic(call, &d, &layout);
        break;
    }
    return TENON_OK;
}
