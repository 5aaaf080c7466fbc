/* Helpers that several families of operators share; each is described in kernel.h. */
#include "op/kernel.h"

#include <math.h>
#include <string.h>

enum tenon_status tenon_set_shape(const struct tenon_op_call *call, uint32_t output,
                                  const struct tenon_shape *shape, struct tenon_error *error) {
    struct tenon_desc *desc = call->outputs[output].desc;
    size_t count;
    if (!tenon_shape_elements(shape, &count))
        return tenon_fail(error, TENON_ERROR_LIMIT, "output %u has too many elements", output);
    if (desc->shape.rank == TENON_RANK_UNKNOWN) {
        desc->shape = *shape;
        return TENON_OK;
    }
    if (tenon_shape_equal(&desc->shape, shape))
        return TENON_OK;
    char want[TENON_SHAPE_TEXT_BYTES], have[TENON_SHAPE_TEXT_BYTES];
    return tenon_fail(error, TENON_ERROR_BAD_MODEL, "output %u is %s where the operator gives %s",
                      output, tenon_shape_text(&desc->shape, have), tenon_shape_text(shape, want));
}

enum tenon_status tenon_require_type(const struct tenon_desc *desc, uint32_t mask, const char *what,
                                     struct tenon_error *error) {
    if ((mask >> desc->type & 1) != 0)
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "%s of type %s is not supported", what,
                      tenon_type_text(desc->type));
}

enum tenon_status tenon_require_per_tensor(const struct tenon_desc *desc, const char *what,
                                           struct tenon_error *error) {
    if (desc->quant.count == 1)
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%s has %u scales where one is needed", what,
                      desc->quant.count);
}

static enum tenon_status require_quantized(const struct tenon_desc *desc, const char *what,
                                           struct tenon_error *error) {
    enum tenon_status status = tenon_require_per_tensor(desc, what, error);
    if (status == TENON_OK && desc->type == TENON_TYPE_I16 && tenon_desc_zero_point(desc) != 0)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                          "%s is i16 with a zero point other than 0", what);
    return status;
}

enum tenon_status tenon_require_quantized(const struct tenon_op_call *call, uint32_t inputs,
                                          struct tenon_error *error) {
    static const char *const names[] = {"the input", "the second input"};
    enum tenon_status status = require_quantized(tenon_out(call, 0), "the output", error);
    for (uint32_t i = 0; status == TENON_OK && i < inputs; i++)
        status = require_quantized(tenon_in(call, i), names[i < 2 ? i : 1], error);
    return status;
}

enum tenon_status tenon_require_rank(const struct tenon_desc *desc, int rank, const char *what,
                                     struct tenon_error *error) {
    if (desc->shape.rank == rank)
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%s has rank %u where %d is needed", what,
                      desc->shape.rank, rank);
}

/* zero point + round(value / scale), kept inside int32. */
static int32_t quantize_bound(const struct tenon_desc *output, float value) {
    float steps = roundf(value / tenon_desc_scale(output));
    if (!(fabsf(steps) < 1e9f))
        return value < 0 ? INT32_MIN / 2 : INT32_MAX / 2;
    return tenon_desc_zero_point(output) + (int32_t)steps;
}

void tenon_activation_range(enum tenon_activation activation, const struct tenon_desc *output,
                            int32_t *low, int32_t *high) {
    int32_t type_low = tenon_type_min(output->type), type_high = tenon_type_max(output->type);
    float real_low, real_high;
    tenon_activation_range_f32(activation, &real_low, &real_high);
    *low = isinf(real_low) ? type_low : quantize_bound(output, real_low);
    *high = isinf(real_high) ? type_high : quantize_bound(output, real_high);
    *low = *low < type_low ? type_low : *low;
    *high = *high > type_high ? type_high : *high;
}

void tenon_activation_range_f32(enum tenon_activation activation, float *low, float *high) {
    *low = -INFINITY;
    *high = INFINITY;
    switch (activation) {
    case TENON_ACTIVATION_RELU:
        *low = 0;
        break;
    case TENON_ACTIVATION_RELU_N1_TO_1:
        *low = -1;
        *high = 1;
        break;
    case TENON_ACTIVATION_RELU6:
        *low = 0;
        *high = 6;
        break;
    case TENON_ACTIVATION_NONE:
    case TENON_ACTIVATION_TANH:
    case TENON_ACTIVATION_COUNT:
        break;
    }
}

static bool list_within(const struct tenon_list *list, int32_t count, int32_t low) {
    if (list->count != count)
        return false;
    for (int32_t i = 0; i < count; i++)
        if (list->values[i] < low || list->values[i] > 1 << 24)
            return false;
    return true;
}

/* Output size along one axis; 0 when the window does not fit. */
static int64_t window_count(int64_t size, int64_t before, int64_t after, int64_t kernel,
                            int64_t dilation, int64_t stride) {
    int64_t room = size + before + after - ((kernel - 1) * dilation + 1);
    return room < 0 ? 0 : room / stride + 1;
}

enum tenon_status tenon_window_init(struct tenon_window *w, const struct tenon_attrs *attrs,
                                    const struct tenon_shape *input, int32_t k_h, int32_t k_w,
                                    struct tenon_error *error) {
    if (!list_within(&attrs->stride, 2, 1))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "stride must be two numbers of at least 1");
    if (attrs->dilation.count != 0 && !list_within(&attrs->dilation, 2, 1))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "dilation must be two numbers of at least 1");
    if (attrs->pad.count != 0 && !list_within(&attrs->pad, 4, 0))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "padding must be four numbers, none negative");
    if (k_h < 1 || k_w < 1 || k_h > 1 << 24 || k_w > 1 << 24)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the window is %d x %d", k_h, k_w);
    for (int i = 0; i < 4; i++)
        if (input->dims[i] < 1)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "the input has a dimension of size 0");
    const int32_t *pad = attrs->pad.values;
    bool padded = attrs->pad.count != 0, dilated = attrs->dilation.count != 0;
    *w = (struct tenon_window){
        .batches = input->dims[0],
        .in_h = input->dims[1],
        .in_w = input->dims[2],
        .in_c = input->dims[3],
        .k_h = k_h,
        .k_w = k_w,
        .stride_h = attrs->stride.values[0],
        .stride_w = attrs->stride.values[1],
        .dilation_h = dilated ? attrs->dilation.values[0] : 1,
        .dilation_w = dilated ? attrs->dilation.values[1] : 1,
        .pad_top = padded ? pad[0] : 0,
        .pad_left = padded ? pad[1] : 0,
        .pad_bottom = padded ? pad[2] : 0,
        .pad_right = padded ? pad[3] : 0,
    };
    int64_t out_h =
        window_count(w->in_h, w->pad_top, w->pad_bottom, k_h, w->dilation_h, w->stride_h);
    int64_t out_w =
        window_count(w->in_w, w->pad_left, w->pad_right, k_w, w->dilation_w, w->stride_w);
    if (out_h < 1 || out_w < 1 || out_h > INT32_MAX || out_w > INT32_MAX)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a window of %d x %d gives no output", k_h,
                          k_w);
    w->out_h = (int32_t)out_h;
    w->out_w = (int32_t)out_w;
    return TENON_OK;
}

double tenon_product_scale(const struct tenon_desc *input, const struct tenon_desc *weights,
                           const struct tenon_desc *output, uint32_t channel, bool float_product) {
    float in = tenon_desc_scale(input), out = tenon_desc_scale(output);
    float w = weights->quant.scale[weights->quant.count > 1 ? channel : 0];
    if (float_product && weights->quant.count == 1) {
        float product = in * w;
        return (double)product / (double)out;
    }
    return (double)in * (double)w / (double)out;
}

static void quantize_symmetric(const float *values, size_t count, int8_t *out, float *scale) {
    float range = 0;
    for (size_t i = 0; i < count; i++)
        range = fmaxf(range, fabsf(values[i]));
    if (!(range > 0) || isinf(range)) {
        memset(out, 0, count);
        *scale = 1;
        return;
    }
    *scale = range / 127;
    float inverse = 127 / range;
    for (size_t i = 0; i < count; i++) {
        float value = roundf(values[i] * inverse);
        out[i] = (int8_t)(value < -127 ? -127 : value > 127 ? 127 : value == value ? value : 0);
    }
}

static void quantize_asymmetric(const float *values, size_t count, int8_t *out, float *scale,
                                int32_t *zero_point) {
    float low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    if (low == high || isinf(low) || isinf(high)) {
        memset(out, 0, count);
        *scale = 1;
        return;
    }
    double step = ((double)high - (double)low) / 255;
    double from_low = -128 - (double)low / step, from_high = 127 - (double)high / step;
    double error_low = 128 + fabs((double)low / step), error_high = 127 + fabs((double)high / step);
    double zero = error_low < error_high ? from_low : from_high;
    *zero_point = zero <= -128 ? -128 : zero >= 127 ? 127 : (int32_t)round(zero);
    *scale = (float)step;
    float inverse = 1.0f / *scale;
    for (size_t i = 0; i < count; i++) {
        float value = roundf((float)*zero_point + values[i] * inverse);
        out[i] = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value == value ? value : 0);
    }
}

void tenon_quantize_dynamic(const float *values, size_t count, bool asymmetric, int8_t *out,
                            float *scale, int32_t *zero_point) {
    *zero_point = 0;
    if (asymmetric)
        quantize_asymmetric(values, count, out, scale, zero_point);
    else
        quantize_symmetric(values, count, out, scale);
}

bool tenon_broadcast_shape(const struct tenon_shape *a, const struct tenon_shape *b,
                           struct tenon_shape *out) {
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < out->rank; i++) {
        int ai = i - (out->rank - a->rank), bi = i - (out->rank - b->rank);
        int32_t da = ai < 0 ? 1 : a->dims[ai], db = bi < 0 ? 1 : b->dims[bi];
        if (da != db && da != 1 && db != 1)
            return false;
        out->dims[i] = da == 1 ? db : da;
    }
    return true;
}

void tenon_broadcast_init(struct tenon_broadcast *b, const struct tenon_shape *result,
                          const struct tenon_shape *const *operands, int count) {
    b->rank = result->rank;
    memcpy(b->dims, result->dims, sizeof(b->dims));
    for (int k = 0; k < count; k++) {
        size_t stride = 1;
        int shift = result->rank - operands[k]->rank;
        for (int i = result->rank - 1; i >= 0; i--) {
            int32_t size = i < shift ? 1 : operands[k]->dims[i - shift];
            b->strides[k][i] = size == 1 ? 0 : stride;
            stride *= (size_t)size;
        }
    }
}

void tenon_broadcast_next(const struct tenon_broadcast *b, int32_t *index, size_t *offsets,
                          int count) {
    for (int i = b->rank - 1; i >= 0; i--) {
        for (int k = 0; k < count; k++)
            offsets[k] += b->strides[k][i];
        if (++index[i] < b->dims[i])
            return;
        for (int k = 0; k < count; k++)
            offsets[k] -= b->strides[k][i] * (size_t)b->dims[i];
        index[i] = 0;
    }
}
