/*
 * Pooling over windows of NHWC pictures; only elements inside the picture count. Sources: TFLite
 * reference/pooling.h, integer_ops/pooling.h.
 */
#include "op/kernel.h"
#include "op/rules.h"

#include <math.h>

enum tenon_status tenon_infer_pool(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    uint32_t types = TENON_TYPE_BIT(F32);
    if (call->op != TENON_OP_L2_POOL_2D)
        types |= TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16);
    enum tenon_status status = tenon_require_type(in, types, "the input", error);
    if (status == TENON_OK && out->type != in->type)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "input and output differ in type");
    if (status == TENON_OK)
        status = tenon_require_rank(in, 4, "the input", error);
    if (status != TENON_OK)
        return status;
    const struct tenon_list *window = &call->attrs->window;
    if (window->count != 2)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the window needs two sizes");
    if (call->attrs->activation == TENON_ACTIVATION_TANH)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a fused tanh");
    if (call->attrs->activation != TENON_ACTIVATION_NONE && in->type != TENON_TYPE_F32)
        status = tenon_require_per_tensor(out, "the output", error);
    struct tenon_window w;
    if (status == TENON_OK)
        status = tenon_window_init(&w, call->attrs, &in->shape, window->values[0],
                                   window->values[1], error);
    if (status != TENON_OK)
        return status;
    /* Every window must hold at least one element of the picture. */
    if (w.dilation_h != 1 || w.dilation_w != 1 || w.pad_top >= w.k_h || w.pad_left >= w.k_w ||
        (int64_t)(w.out_h - 1) * w.stride_h - w.pad_top >= w.in_h ||
        (int64_t)(w.out_w - 1) * w.stride_w - w.pad_left >= w.in_w)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a pooling window lies in the padding");
    struct tenon_shape shape = {.rank = 4, .dims = {w.batches, w.out_h, w.out_w, w.in_c}};
    return tenon_set_shape(call, 0, &shape, error);
}

/* The part of a window that is inside the picture. */
struct region {
    int32_t top, left, bottom, right;
    int32_t count;
};

static struct region region_of(const struct tenon_window *w, int32_t oy, int32_t ox) {
    int64_t y = (int64_t)oy * w->stride_h - w->pad_top;
    int64_t x = (int64_t)ox * w->stride_w - w->pad_left;
    int64_t bottom = y + w->k_h, right = x + w->k_w;
    struct region r = {
        .top = (int32_t)(y < 0 ? 0 : y),
        .left = (int32_t)(x < 0 ? 0 : x),
        .bottom = (int32_t)(bottom > w->in_h ? w->in_h : bottom),
        .right = (int32_t)(right > w->in_w ? w->in_w : right),
    };
    r.count = (r.bottom - r.top) * (r.right - r.left);
    return r;
}

static size_t element(const struct tenon_window *w, int32_t b, int32_t y, int32_t x, int32_t c) {
    return (((size_t)b * (size_t)w->in_h + (size_t)y) * (size_t)w->in_w + (size_t)x) *
               (size_t)w->in_c +
           (size_t)c;
}

static int32_t load(const struct tenon_desc *desc, const void *data, size_t i) {
    if (desc->type == TENON_TYPE_I8)
        return ((const int8_t *)data)[i];
    if (desc->type == TENON_TYPE_U8)
        return ((const uint8_t *)data)[i];
    return ((const int16_t *)data)[i];
}

static void store(const struct tenon_desc *desc, void *data, size_t i, int32_t value) {
    if (desc->type == TENON_TYPE_I16)
        ((int16_t *)data)[i] = (int16_t)value;
    else
        ((uint8_t *)data)[i] = (uint8_t)value;
}

/* What is done with the elements of a window: one accumulation for integers, one for floats. */
enum pool_kind { POOL_AVERAGE, POOL_MAX, POOL_L2 };

static int32_t pool_integer(const struct tenon_op_call *call, const struct tenon_window *w,
                            const struct region *r, int32_t b, int32_t c, enum pool_kind kind) {
    const struct tenon_desc *in = tenon_in(call, 0);
    const void *data = tenon_in_data(call, 0);
    int64_t sum = 0;
    int32_t largest = tenon_type_min(in->type);
    for (int32_t y = r->top; y < r->bottom; y++)
        for (int32_t x = r->left; x < r->right; x++) {
            int32_t value = load(in, data, element(w, b, y, x, c));
            sum += value;
            largest = value > largest ? value : largest;
        }
    if (kind == POOL_MAX)
        return largest;
    /* Half away from zero. */
    int64_t half = r->count / 2;
    return (int32_t)((sum > 0 ? sum + half : sum - half) / r->count);
}

static float pool_float(const struct tenon_op_call *call, const struct tenon_window *w,
                        const struct region *r, int32_t b, int32_t c, enum pool_kind kind) {
    const float *data = tenon_in_data(call, 0);
    float sum = 0, largest = -3.402823466e38f;
    for (int32_t y = r->top; y < r->bottom; y++)
        for (int32_t x = r->left; x < r->right; x++) {
            float value = data[element(w, b, y, x, c)];
            sum += kind == POOL_L2 ? value * value : value;
            largest = largest < value ? value : largest;
        }
    if (kind == POOL_MAX)
        return largest;
    float mean = sum / (float)r->count;
    return kind == POOL_L2 ? sqrtf(mean) : mean;
}

static void pool(const struct tenon_op_call *call, enum pool_kind kind) {
    const struct tenon_list *window = &call->attrs->window;
    const struct tenon_desc *out = tenon_out(call, 0);
    struct tenon_window w;
    if (tenon_window_init(&w, call->attrs, &tenon_in(call, 0)->shape, window->values[0],
                          window->values[1], NULL) != TENON_OK)
        return;
    enum tenon_activation activation = (enum tenon_activation)call->attrs->activation;
    int32_t low, high;
    float low_f32, high_f32;
    tenon_activation_range(activation, out, &low, &high);
    tenon_activation_range_f32(activation, &low_f32, &high_f32);
    size_t at = 0;
    for (int32_t b = 0; b < w.batches; b++)
        for (int32_t oy = 0; oy < w.out_h; oy++)
            for (int32_t ox = 0; ox < w.out_w; ox++) {
                struct region r = region_of(&w, oy, ox);
                for (int32_t c = 0; c < w.in_c; c++, at++) {
                    if (out->type == TENON_TYPE_F32)
                        ((float *)call->outputs[0].data)[at] = tenon_clamp_f32(
                            pool_float(call, &w, &r, b, c, kind), low_f32, high_f32);
                    else
                        store(out, call->outputs[0].data, at,
                              tenon_clamp_i32(pool_integer(call, &w, &r, b, c, kind), low, high));
                }
            }
}

enum tenon_status tenon_reference_average_pool(const struct tenon_op_call *call,
                                               struct tenon_error *error) {
    (void)error;
    pool(call, POOL_AVERAGE);
    return TENON_OK;
}

enum tenon_status tenon_reference_max_pool(const struct tenon_op_call *call,
                                           struct tenon_error *error) {
    (void)error;
    pool(call, POOL_MAX);
    return TENON_OK;
}

enum tenon_status tenon_reference_l2_pool(const struct tenon_op_call *call,
                                          struct tenon_error *error) {
    (void)error;
    pool(call, POOL_L2);
    return TENON_OK;
}
