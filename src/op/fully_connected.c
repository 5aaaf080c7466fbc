/*
 * fully_connected: the input is seen as rows of as many elements as the weights have inputs;
 * weights OI, bias O. Sources: TFLite reference/fully_connected.h, integer_ops/fully_connected.h,
 * kernels/ fully_connected.cc (dynamic range: bias first, then the scaled sum).
 */
#include "op/linear.h"
#include "op/rules.h"
#include "util/checked.h"

#include <string.h>

struct dense {
    size_t rows, inputs;
    int32_t outputs;
};

static enum tenon_status dense_init(struct dense *d, const struct tenon_op_call *call,
                                    struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *weights = tenon_in(call, 1);
    enum tenon_status status = tenon_require_rank(weights, 2, "weights", error);
    if (status != TENON_OK)
        return status;
    size_t count = tenon_desc_element_count(in);
    d->outputs = weights->shape.dims[0];
    d->inputs = (size_t)weights->shape.dims[1];
    if (d->outputs < 1 || d->inputs < 1 || count % d->inputs != 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "%zu input elements are no rows of %zu, as the weights need", count,
                          d->inputs);
    d->rows = count / d->inputs;
    return TENON_OK;
}

enum tenon_status tenon_infer_fully_connected(const struct tenon_op_call *call,
                                              struct tenon_error *error) {
    struct dense d;
    enum tenon_linear_kind kind;
    enum tenon_status status = dense_init(&d, call, error);
    if (status == TENON_OK)
        status = tenon_linear_check(call, d.outputs, 0, &kind, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_shape *in = &tenon_in(call, 0)->shape;
    struct tenon_shape shape = {.rank = 2, .dims = {(int32_t)d.rows, d.outputs}};
    if (call->attrs->keep_dims != 0) {
        if (in->rank < 1 || in->dims[in->rank - 1] != (int32_t)d.inputs)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "keep_dims needs an input whose last dimension is %zu", d.inputs);
        shape = *in;
        shape.dims[shape.rank - 1] = d.outputs;
    }
    const struct tenon_shape *known = &tenon_out(call, 0)->shape;
    size_t elements;
    /* Files write the result with more or fewer axes of size 1: only the elements count. */
    if (known->rank != TENON_RANK_UNKNOWN && tenon_shape_elements(known, &elements) &&
        elements == d.rows * (size_t)d.outputs)
        return TENON_OK;
    return tenon_set_shape(call, 0, &shape, error);
}

/* Scratch: multipliers, all rows of the input and one of the weights as i16; a quantized row, and
 * how each row was quantized. */
struct layout {
    size_t rows, filter, dynamics, quantized, total;
};

static struct layout scratch_layout(const struct tenon_op_call *call, const struct dense *d) {
    struct layout layout;
    size_t element = sizeof(int16_t);
    layout.rows =
        tenon_align_up((size_t)d->outputs * sizeof(struct tenon_multiplier), TENON_SCRATCH_ALIGN);
    layout.filter =
        layout.rows + tenon_align_up(d->rows * d->inputs * element, TENON_SCRATCH_ALIGN);
    layout.dynamics = layout.filter + tenon_align_up(d->inputs * element, TENON_SCRATCH_ALIGN);
    layout.quantized = layout.dynamics;
    layout.total = layout.dynamics;
    if (tenon_linear_kind(call) == TENON_LINEAR_FLOAT)
        layout.total = 0;
    if (tenon_linear_kind(call) == TENON_LINEAR_DYNAMIC) {
        layout.quantized += d->rows * sizeof(struct tenon_dynamic);
        layout.total = layout.quantized + d->inputs;
    }
    return layout;
}

size_t tenon_scratch_fully_connected(const struct tenon_op_call *call) {
    struct dense d;
    return dense_init(&d, call, NULL) == TENON_OK ? scratch_layout(call, &d).total : 0;
}

uint64_t tenon_macs_fully_connected(const struct tenon_op_call *call) {
    struct dense d;
    if (dense_init(&d, call, NULL) != TENON_OK)
        return 0;
    return (uint64_t)d.rows * (uint64_t)d.outputs * d.inputs;
}

/* One row of weights as i16 without the zero point. */
static void load_filter(const struct tenon_op_call *call, const struct dense *d, int32_t output,
                        int16_t *out) {
    const struct tenon_desc *weights = tenon_in(call, 1);
    const uint8_t *data = tenon_in_data(call, 1);
    size_t first = (size_t)output * d->inputs;
    int32_t zero = tenon_desc_zero_point(weights);
    for (size_t i = 0; i < d->inputs; i++) {
        if (weights->type == TENON_TYPE_I4)
            out[i] = tenon_load_i4(data, first + i);
        else if (weights->type == TENON_TYPE_U8)
            out[i] = (int16_t)(data[first + i] - zero);
        else
            out[i] = (int8_t)data[first + i];
    }
}

void tenon_fully_connected_integer(const struct tenon_op_call *call,
                                   const struct tenon_epilogue *epilogue) {
    struct dense d;
    if (dense_init(&d, call, NULL) != TENON_OK)
        return;
    struct layout layout = scratch_layout(call, &d);
    int16_t *rows = (void *)((char *)call->scratch + layout.rows);
    int16_t *filter = (void *)((char *)call->scratch + layout.filter);
    bool wide = tenon_in(call, 0)->type == TENON_TYPE_I16;
    tenon_linear_load_input(call, 0, d.rows * d.inputs, rows);
    for (int32_t c = 0; c < d.outputs; c++) {
        load_filter(call, &d, c, filter);
        for (size_t r = 0; r < d.rows; r++)
            tenon_epilogue_store(epilogue,
                                 tenon_dot_i16(rows + r * d.inputs, filter, d.inputs, wide), c,
                                 call->outputs[0].data, r * (size_t)d.outputs + (size_t)c);
    }
}

static void dense_f32(const struct tenon_op_call *call, const struct dense *d) {
    const float *in = tenon_in_data(call, 0), *weights = tenon_in_data(call, 1);
    const float *bias = tenon_in_data(call, 2);
    float low, high, *out = call->outputs[0].data;
    tenon_activation_range_f32((enum tenon_activation)call->attrs->activation, &low, &high);
    for (size_t r = 0; r < d->rows; r++, in += d->inputs)
        for (int32_t c = 0; c < d->outputs; c++) {
            float sum = 0;
            for (size_t i = 0; i < d->inputs; i++)
                sum += in[i] * weights[(size_t)c * d->inputs + i];
            *out++ = tenon_clamp_f32(sum + (bias != NULL ? bias[c] : 0.0f), low, high);
        }
}

static void quantize_rows(const struct tenon_op_call *call, const struct dense *d,
                          const struct layout *layout) {
    const float *in = tenon_in_data(call, 0);
    int16_t *row = (void *)((char *)call->scratch + layout->rows);
    int8_t *quantized = (int8_t *)call->scratch + layout->quantized;
    struct tenon_dynamic *dynamics = (void *)((char *)call->scratch + layout->dynamics);
    for (size_t r = 0; r < d->rows; r++, in += d->inputs, row += d->inputs) {
        tenon_quantize_dynamic(in, d->inputs, call->attrs->asymmetric != 0, quantized,
                               &dynamics[r].scale, &dynamics[r].zero_point);
        for (size_t i = 0; i < d->inputs; i++)
            row[i] = (int16_t)(quantized[i] - dynamics[r].zero_point);
    }
}

static void dense_dynamic(const struct tenon_op_call *call, const struct dense *d) {
    struct layout layout = scratch_layout(call, d);
    const int16_t *rows = (const void *)((char *)call->scratch + layout.rows);
    int16_t *filter = (void *)((char *)call->scratch + layout.filter);
    const struct tenon_dynamic *dynamics = (const void *)((char *)call->scratch + layout.dynamics);
    const float *bias = tenon_in_data(call, 2);
    float low, high, *out = call->outputs[0].data;
    tenon_activation_range_f32((enum tenon_activation)call->attrs->activation, &low, &high);
    quantize_rows(call, d, &layout);
    for (int32_t c = 0; c < d->outputs; c++) {
        float weight_scale = tenon_dynamic_weight_scale(tenon_in(call, 1), c);
        load_filter(call, d, c, filter);
        for (size_t r = 0; r < d->rows; r++) {
            float sum =
                (float)(int32_t)tenon_dot_i16(rows + r * d->inputs, filter, d->inputs, false);
            float real = (bias != NULL ? bias[c] : 0.0f) + sum * (dynamics[r].scale * weight_scale);
            out[r * (size_t)d->outputs + (size_t)c] = tenon_clamp_f32(real, low, high);
        }
    }
}

enum tenon_status tenon_reference_fully_connected(const struct tenon_op_call *call,
                                                  struct tenon_error *error) {
    struct dense d;
    struct tenon_epilogue epilogue;
    enum tenon_status status = dense_init(&d, call, error);
    if (status != TENON_OK)
        return status;
    switch (tenon_linear_kind(call)) {
    case TENON_LINEAR_FLOAT:
        dense_f32(call, &d);
        break;
    case TENON_LINEAR_INTEGER:
        tenon_epilogue_derive(&epilogue, call, d.outputs, true, call->scratch);
        tenon_fully_connected_integer(call, &epilogue);
        break;
    case TENON_LINEAR_DYNAMIC:
        dense_dynamic(call, &d);
        break;
    }
    return TENON_OK;
}
