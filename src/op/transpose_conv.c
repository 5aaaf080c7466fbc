/*
 * transpose_conv_2d: input NHWC, weights OHWI, bias O; the gradient of a convolution whose input
 * has the shape of the result. Each output pixel gathers the input pixels that reach it, row by row
 * and channel by channel: the order in which TFLite's scattering loops add to it. Sources: TFLite
 * reference/transpose_conv.h, integer_ops/transpose_conv.h.
 */
#include "op/linear.h"
#include "op/rules.h"
#include "util/checked.h"

#include <string.h>

struct transposed {
    struct tenon_window window; /* of the convolution from the result back to the input */
    int32_t in_h, in_w, in_c, out_c;
    size_t taps;
};

/* A(shape), or the smallest result that holds every input pixel's window. */
static enum tenon_status result_shape(const struct tenon_op_call *call, struct tenon_shape *shape,
                                      struct tenon_error *error) {
    const struct tenon_attrs *attrs = call->attrs;
    const int32_t *in = tenon_in(call, 0)->shape.dims, *weights = tenon_in(call, 1)->shape.dims;
    *shape = (struct tenon_shape){.rank = 4, .dims = {in[0], 0, 0, weights[0]}};
    if (attrs->shape.count != 0) {
        const int32_t *want = attrs->shape.values;
        if (attrs->shape.count != 4 || want[0] != in[0] || want[3] != weights[0])
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "the shape of the result must be batch %d x … x %d channels", in[0],
                              weights[0]);
        shape->dims[1] = want[1];
        shape->dims[2] = want[2];
        return TENON_OK;
    }
    if (attrs->stride.count != 2 || (attrs->pad.count != 0 && attrs->pad.count != 4))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "two strides and four paddings are needed");
    for (int i = 0; i < 2; i++) {
        int64_t size = ((int64_t)in[i + 1] - 1) * attrs->stride.values[i] + weights[i + 1];
        if (attrs->pad.count == 4)
            size -= (int64_t)attrs->pad.values[i] + attrs->pad.values[i + 2];
        if (size < 1 || size > INT32_MAX)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the result has no size");
        shape->dims[i + 1] = (int32_t)size;
    }
    return TENON_OK;
}

static enum tenon_status transposed_init(struct transposed *t, const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *weights = tenon_in(call, 1);
    struct tenon_shape shape;
    enum tenon_status status = tenon_require_rank(in, 4, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_rank(weights, 4, "weights", error);
    if (status != TENON_OK)
        return status;
    const int32_t *w = weights->shape.dims, *i = in->shape.dims;
    if (i[0] < 1 || i[1] < 1 || i[2] < 1 || i[3] < 1 || w[0] < 1 || w[3] != i[3])
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "%d filters of %d channels over an input of %d", w[0], w[3], i[3]);
    status = result_shape(call, &shape, error);
    if (status == TENON_OK)
        status = tenon_window_init(&t->window, call->attrs, &shape, w[1], w[2], error);
    if (status != TENON_OK)
        return status;
    if (t->window.dilation_h != 1 || t->window.dilation_w != 1)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a dilated transposed convolution");
    t->in_h = i[1];
    t->in_w = i[2];
    t->in_c = i[3];
    t->out_c = w[0];
    t->taps = (size_t)w[1] * (size_t)w[2];
    return TENON_OK;
}

enum tenon_status tenon_infer_transpose_conv(const struct tenon_op_call *call,
                                             struct tenon_error *error) {
    struct transposed t;
    enum tenon_linear_kind kind;
    enum tenon_status status = transposed_init(&t, call, error);
    if (status == TENON_OK)
        status = tenon_linear_check(call, t.out_c, 0, &kind, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_window *w = &t.window;
    struct tenon_shape shape = {.rank = 4, .dims = {w->batches, w->in_h, w->in_w, t.out_c}};
    return tenon_set_shape(call, 0, &shape, error);
}

/* Scratch: multipliers, weights as i16 or f32, sums of one pixel, one input pixel as i16, the
 * quantized input of a batch. */
struct layout {
    size_t weights, sums, pixel, quantized, total;
};

static struct layout scratch_layout(const struct tenon_op_call *call, const struct transposed *t) {
    struct layout layout;
    size_t out_c = (size_t)t->out_c, in_c = (size_t)t->in_c;
    enum tenon_linear_kind kind = tenon_linear_kind(call);
    size_t element = kind == TENON_LINEAR_FLOAT ? sizeof(float) : sizeof(int16_t);
    layout.weights = tenon_align_up(out_c * sizeof(struct tenon_multiplier), TENON_SCRATCH_ALIGN);
    layout.sums =
        layout.weights + tenon_align_up(out_c * t->taps * in_c * element, TENON_SCRATCH_ALIGN);
    layout.pixel = layout.sums + tenon_align_up(out_c * sizeof(int64_t), TENON_SCRATCH_ALIGN);
    layout.quantized = layout.pixel + tenon_align_up(in_c * sizeof(int16_t), TENON_SCRATCH_ALIGN);
    layout.total = layout.quantized;
    if (kind == TENON_LINEAR_DYNAMIC)
        layout.total += (size_t)t->in_h * (size_t)t->in_w * in_c;
    return layout;
}

size_t tenon_scratch_transpose_conv(const struct tenon_op_call *call) {
    struct transposed t;
    return transposed_init(&t, call, NULL) == TENON_OK ? scratch_layout(call, &t).total : 0;
}

uint64_t tenon_macs_transpose_conv(const struct tenon_op_call *call) {
    struct transposed t;
    if (transposed_init(&t, call, NULL) != TENON_OK)
        return 0;
    return (uint64_t)tenon_desc_element_count(tenon_in(call, 0)) * t.taps * (uint64_t)t.out_c;
}

/* What a pixel's sums are made of. */
struct work {
    const struct tenon_op_call *call;
    const struct transposed *t;
    const void *weights; /* f32: tap, input channel, output channel; i16: as in the model */
    int16_t *pixel;
    void *sums;
    struct tenon_dynamic dynamic;
};

/* Adds what the input pixel whose first element is `input` gives through a tap. */
typedef void accumulate_fn(const struct work *work, size_t input, size_t tap);

static void accumulate_f32(const struct work *work, size_t input, size_t tap) {
    const struct transposed *t = work->t;
    const float *in = (const float *)tenon_in_data(work->call, 0) + input;
    const float *weights = work->weights;
    weights += tap * (size_t)t->in_c * (size_t)t->out_c;
    float *restrict sums = work->sums;
    for (int32_t i = 0; i < t->in_c; i++, weights += t->out_c)
        for (int32_t c = 0; c < t->out_c; c++)
            sums[c] += in[i] * weights[c];
}

static const int16_t *filter_of(const struct work *work, int32_t channel, size_t tap) {
    const struct transposed *t = work->t;
    return (const int16_t *)work->weights + ((size_t)channel * t->taps + tap) * (size_t)t->in_c;
}

static void accumulate_integer(const struct work *work, size_t input, size_t tap) {
    size_t in_c = (size_t)work->t->in_c;
    bool wide = tenon_in(work->call, 0)->type == TENON_TYPE_I16;
    int64_t *sums = work->sums;
    tenon_linear_load_input(work->call, input, in_c, work->pixel);
    for (int32_t c = 0; c < work->t->out_c; c++)
        sums[c] += tenon_dot_i16(work->pixel, filter_of(work, c, tap), in_c, wide);
}

/* TFLite scales every product on its own. */
static void accumulate_dynamic(const struct work *work, size_t input, size_t tap) {
    float *sums = work->sums;
    tenon_linear_load_input(work->call, input, (size_t)work->t->in_c, work->pixel);
    for (int32_t c = 0; c < work->t->out_c; c++) {
        const int16_t *filter = filter_of(work, c, tap);
        float scale = tenon_dynamic_weight_scale(tenon_in(work->call, 1), c);
        for (int32_t i = 0; i < work->t->in_c; i++)
            sums[c] += (float)(work->pixel[i] * filter[i]) * scale * work->dynamic.scale;
    }
}

/* Input positions [first, end) along one axis whose windows reach the padded output position. */
struct range {
    int32_t first, end;
};

static struct range inputs_of(int64_t padded, int32_t kernel, int32_t stride, int32_t size) {
    int64_t first = padded < kernel ? 0 : (padded - kernel) / stride + 1;
    int64_t last = padded / stride;
    struct range range = {(int32_t)(first < size ? first : size),
                          (int32_t)(last < size ? last + 1 : size)};
    return range;
}

static void sum_pixel(const struct work *work, int32_t b, int32_t oy, int32_t ox,
                      accumulate_fn *accumulate) {
    const struct transposed *t = work->t;
    const struct tenon_window *w = &t->window;
    int64_t y = (int64_t)oy + w->pad_top, x = (int64_t)ox + w->pad_left;
    struct range rows = inputs_of(y, w->k_h, w->stride_h, t->in_h);
    struct range columns = inputs_of(x, w->k_w, w->stride_w, t->in_w);
    memset(work->sums, 0, (size_t)t->out_c * sizeof(int64_t));
    for (int32_t iy = rows.first; iy < rows.end; iy++)
        for (int32_t ix = columns.first; ix < columns.end; ix++) {
            size_t row = ((size_t)b * (size_t)t->in_h + (size_t)iy) * (size_t)t->in_w;
            int64_t ky = y - (int64_t)iy * w->stride_h, kx = x - (int64_t)ix * w->stride_w;
            accumulate(work, (row + (size_t)ix) * (size_t)t->in_c, (size_t)(ky * w->k_w + kx));
        }
}

void tenon_transpose_conv_integer(const struct tenon_op_call *call,
                                  const struct tenon_epilogue *epilogue) {
    struct transposed t;
    if (transposed_init(&t, call, NULL) != TENON_OK)
        return;
    struct layout layout = scratch_layout(call, &t);
    int16_t *weights = (void *)((char *)call->scratch + layout.weights);
    int64_t *sums = (void *)((char *)call->scratch + layout.sums);
    struct work work = {.call = call,
                        .t = &t,
                        .weights = weights,
                        .pixel = (void *)((char *)call->scratch + layout.pixel),
                        .sums = sums};
    tenon_linear_load_weights(call, (size_t)t.out_c * t.taps * (size_t)t.in_c, weights);
    size_t at = 0;
    for (int32_t b = 0; b < t.window.batches; b++)
        for (int32_t oy = 0; oy < t.window.in_h; oy++)
            for (int32_t ox = 0; ox < t.window.in_w; ox++) {
                sum_pixel(&work, b, oy, ox, accumulate_integer);
                for (int32_t c = 0; c < t.out_c; c++)
                    tenon_epilogue_store(epilogue, sums[c], c, call->outputs[0].data, at++);
            }
}

/* One batch of floats; `input_batch` is its place in the data that `accumulate` reads. */
static void batch_f32(const struct work *work, const struct tenon_op_call *call, int32_t b,
                      int32_t input_batch, accumulate_fn *accumulate) {
    const struct transposed *t = work->t;
    const float *bias = tenon_in_data(call, 2), *sums = work->sums;
    float low, high, *out = call->outputs[0].data;
    out += (size_t)b * (size_t)t->window.in_h * (size_t)t->window.in_w * (size_t)t->out_c;
    tenon_activation_range_f32((enum tenon_activation)call->attrs->activation, &low, &high);
    for (int32_t oy = 0; oy < t->window.in_h; oy++)
        for (int32_t ox = 0; ox < t->window.in_w; ox++) {
            sum_pixel(work, input_batch, oy, ox, accumulate);
            for (int32_t c = 0; c < t->out_c; c++)
                *out++ = tenon_clamp_f32(bias != NULL ? sums[c] + bias[c] : sums[c], low, high);
        }
}

static void transposed_f32(const struct tenon_op_call *call, const struct transposed *t,
                           const struct layout *layout) {
    float *weights = (void *)((char *)call->scratch + layout->weights);
    struct work work = {
        .call = call, .t = t, .weights = weights, .sums = (char *)call->scratch + layout->sums};
    tenon_linear_transpose_f32(tenon_in_data(call, 1), t->taps * (size_t)t->in_c, t->out_c,
                               weights);
    for (int32_t b = 0; b < t->window.batches; b++)
        batch_f32(&work, call, b, b, accumulate_f32);
}

/* TFLite EvalHybrid: every batch quantized asymmetrically. */
static void transposed_dynamic(const struct tenon_op_call *call, const struct transposed *t,
                               const struct layout *layout) {
    size_t count = (size_t)t->in_h * (size_t)t->in_w * (size_t)t->in_c;
    int8_t *quantized = (int8_t *)call->scratch + layout->quantized;
    int16_t *weights = (void *)((char *)call->scratch + layout->weights);
    struct tenon_dynamic_input input;
    tenon_linear_load_weights(call, (size_t)t->out_c * t->taps * (size_t)t->in_c, weights);
    for (int32_t b = 0; b < t->window.batches; b++) {
        tenon_dynamic_input_init(&input, call, (size_t)b * count, count, true, quantized);
        struct work work = {.call = &input.call,
                            .t = t,
                            .weights = weights,
                            .pixel = (void *)((char *)call->scratch + layout->pixel),
                            .sums = (char *)call->scratch + layout->sums,
                            .dynamic = input.dynamic};
        batch_f32(&work, call, b, 0, accumulate_dynamic);
    }
}

enum tenon_status tenon_reference_transpose_conv(const struct tenon_op_call *call,
                                                 struct tenon_error *error) {
    struct transposed t;
    struct tenon_epilogue epilogue;
    enum tenon_status status = transposed_init(&t, call, error);
    if (status != TENON_OK)
        return status;
    struct layout layout = scratch_layout(call, &t);
    switch (tenon_linear_kind(call)) {
    case TENON_LINEAR_FLOAT:
        transposed_f32(call, &t, &layout);
        break;
    case TENON_LINEAR_INTEGER:
        tenon_epilogue_derive(&epilogue, call, t.out_c, false, call->scratch);
        tenon_transpose_conv_integer(call, &epilogue);
        break;
    case TENON_LINEAR_DYNAMIC:
        transposed_dynamic(call, &t, &layout);
        break;
    }
    return TENON_OK;
}
