/*
 * Builders of operators that compute: convolutions, products, pooling, normalization, recurrence.
 * They turn TFLite's options into attributes; SAME and VALID become explicit paddings.
 */
#include "frontends/tflite/import.h"

enum { PADDING_SAME, PADDING_VALID };

bool tfl_build_plain(struct tfl_operator *op) {
    return tfl_emit(op, op->input_count);
}

bool tfl_build_activated(struct tfl_operator *op) {
    return tfl_option_activation(op, 0) && tfl_emit(op, op->input_count);
}

static void set_pair(struct tenon_list *list, int32_t h, int32_t w) {
    *list = (struct tenon_list){.count = 2, .values = {h, w}};
}

/* SAME: as many outputs as ceil(size / stride), the odd element of padding goes behind. */
static void pad_axis(int32_t padding, int64_t size, int64_t kernel, int64_t dilation,
                     int64_t stride, int32_t *before, int32_t *after) {
    int64_t reach = (kernel - 1) * dilation + 1, out = (size + stride - 1) / stride;
    int64_t total = (out - 1) * stride + reach - size;
    if (padding != PADDING_SAME || total < 0)
        total = 0;
    *before = (int32_t)(total / 2);
    *after = (int32_t)(total - total / 2);
}

/* Reads strides and padding common to convolutions and pooling. */
static bool window_attrs(struct tfl_operator *op, int32_t k_h, int32_t k_w, int32_t dilation_h,
                         int32_t dilation_w) {
    const struct tenon_desc *in = tfl_input_desc(op, 0);
    int32_t padding = tfl_option_u8(op, 0, PADDING_SAME);
    int32_t stride_w = tfl_option_i32(op, 1, 0), stride_h = tfl_option_i32(op, 2, 0);
    if (!op->has_options)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPTIONS, "options are missing");
    if (in->shape.rank != 4)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                               "the input has rank %u, not 4", in->shape.rank);
    if (padding != PADDING_SAME && padding != PADDING_VALID)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPTIONS, "padding %d", padding);
    const int32_t values[] = {stride_h, stride_w, dilation_h, dilation_w, k_h, k_w};
    for (size_t i = 0; i < TENON_COUNT_OF(values); i++)
        if (values[i] < 1 || values[i] > 1 << 24)
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPTIONS,
                                   "stride %dx%d, dilation %dx%d, window %dx%d: each is at least 1",
                                   stride_h, stride_w, dilation_h, dilation_w, k_h, k_w);
    struct tenon_list *pad = &op->attrs.pad;
    pad->count = 4;
    pad_axis(padding, in->shape.dims[1], k_h, dilation_h, stride_h, &pad->values[0],
             &pad->values[2]);
    pad_axis(padding, in->shape.dims[2], k_w, dilation_w, stride_w, &pad->values[1],
             &pad->values[3]);
    set_pair(&op->attrs.stride, stride_h, stride_w);
    return true;
}

static bool conv_attrs(struct tfl_operator *op, int activation, int dilation) {
    const struct tenon_desc *weights = tfl_input_desc(op, 1);
    int32_t dilation_w = tfl_option_i32(op, dilation, 1);
    int32_t dilation_h = tfl_option_i32(op, dilation + 1, 1);
    if (weights->shape.rank != 4)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION, "weights of rank %u, not 4",
                               weights->shape.rank);
    set_pair(&op->attrs.dilation, dilation_h, dilation_w);
    return window_attrs(op, weights->shape.dims[1], weights->shape.dims[2], dilation_h,
                        dilation_w) &&
           tfl_option_activation(op, activation);
}

bool tfl_build_conv(struct tfl_operator *op) {
    return conv_attrs(op, 3, 4) && tfl_emit(op, op->input_count);
}

bool tfl_build_depthwise(struct tfl_operator *op) {
    return conv_attrs(op, 4, 5) && tfl_emit(op, op->input_count);
}

bool tfl_build_pool(struct tfl_operator *op) {
    int32_t w = tfl_option_i32(op, 3, 0), h = tfl_option_i32(op, 4, 0);
    set_pair(&op->attrs.window, h, w);
    return window_attrs(op, h, w, 1, 1) && tfl_option_activation(op, 5) && tfl_emit(op, 1);
}

/* TFLite's operands: output shape, weights, input, bias. */
bool tfl_build_transpose_conv(struct tfl_operator *op) {
    const struct tenon_desc *weights = tfl_input_desc(op, 1), *in = tfl_input_desc(op, 2);
    int32_t padding = tfl_option_u8(op, 0, PADDING_SAME);
    int32_t stride_w = tfl_option_i32(op, 1, 0), stride_h = tfl_option_i32(op, 2, 0);
    struct tenon_shape told;
    if (stride_h < 1 || stride_w < 1 || stride_h > 1 << 24 || stride_w > 1 << 24)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPTIONS, "stride %dx%d", stride_h,
                               stride_w);
    if (weights->shape.rank != 4 || in->shape.rank != 4)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                               "input and weights need rank 4");
    if (tfl_is_constant(op, 0)) {
        if (!tfl_constant_list(op, 0, &op->attrs.shape))
            return false;
    } else {
        if (!tfl_declared_shape(op, 0, &told))
            return false;
        op->attrs.shape.count = told.rank;
        for (int i = 0; i < told.rank; i++)
            op->attrs.shape.values[i] = told.dims[i];
    }
    if (op->attrs.shape.count != 4)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                               "the output's shape needs rank 4");
    /* Padding is that of the convolution from the output back to the input. */
    struct tenon_list *pad = &op->attrs.pad;
    pad->count = 4;
    pad_axis(padding, op->attrs.shape.values[1], weights->shape.dims[1], 1, stride_h,
             &pad->values[0], &pad->values[2]);
    pad_axis(padding, op->attrs.shape.values[2], weights->shape.dims[2], 1, stride_w,
             &pad->values[1], &pad->values[3]);
    set_pair(&op->attrs.stride, stride_h, stride_w);
    uint32_t operands[] = {op->inputs[2], op->inputs[1],
                           op->input_count > 3 ? op->inputs[3] : TENON_ID_NONE};
    return tfl_option_activation(op, 3) &&
           tfl_emit_node(op, op->row->op, operands, 3, op->outputs, op->output_count);
}

bool tfl_build_fully_connected(struct tfl_operator *op) {
    if (tfl_option_u8(op, 1, 0) != 0)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_FORM, "shuffled weights");
    op->attrs.keep_dims = tfl_option_u8(op, 2, 0) != 0;
    op->attrs.asymmetric = tfl_option_u8(op, 3, 0) != 0;
    return tfl_option_activation(op, 0) && tfl_emit(op, op->input_count);
}

bool tfl_build_batch_matmul(struct tfl_operator *op) {
    op->attrs.adj_x = tfl_option_u8(op, 0, 0) != 0;
    op->attrs.adj_y = tfl_option_u8(op, 1, 0) != 0;
    op->attrs.asymmetric = tfl_option_u8(op, 2, 0) != 0;
    return tfl_emit(op, 2);
}

bool tfl_build_softmax(struct tfl_operator *op) {
    op->attrs.beta = tfl_option_f32(op, 0, 0);
    return tfl_emit(op, 1);
}

bool tfl_build_lrn(struct tfl_operator *op) {
    op->attrs.radius = tfl_option_i32(op, 0, 0);
    op->attrs.bias = tfl_option_f32(op, 1, 0);
    op->attrs.alpha = tfl_option_f32(op, 2, 0);
    op->attrs.beta = tfl_option_f32(op, 3, 0);
    return tfl_emit(op, 1);
}

bool tfl_build_leaky_relu(struct tfl_operator *op) {
    op->attrs.alpha = tfl_option_f32(op, 0, 0);
    return tfl_emit(op, 1);
}

bool tfl_build_gelu(struct tfl_operator *op) {
    op->attrs.approximate = tfl_option_u8(op, 0, 0) != 0;
    return tfl_emit(op, 1);
}

/* The fifth intermediate tensor carries the quantization of the hidden state. */
static void hidden_quantization(struct tfl_operator *op) {
    enum { OPERATOR_INTERMEDIATES = 8, HIDDEN = 4 };
    struct tfl_import *import = op->import;
    struct fb_vector vector;
    if (fb_vector(&op->table, OPERATOR_INTERMEDIATES, 4, &vector) != FB_OK ||
        vector.count <= HIDDEN)
        return;
    int32_t index = fb_vector_i32(&op->table, &vector, HIDDEN);
    if (index < 0 || (uint32_t)index >= import->tensors.count ||
        !tfl_import_tensor(import, (uint32_t)index, NULL))
        return;
    const struct tenon_desc *desc = &import->graph->tensors[import->ids[index]].desc;
    op->attrs.hidden_scale = desc->quant.count != 0 ? desc->quant.scale[0] : 0;
    op->attrs.hidden_zero_point = tenon_desc_zero_point(desc);
}

bool tfl_build_lstm(struct tfl_operator *op) {
    op->attrs.cell_clip = tfl_option_f32(op, 1, 0);
    op->attrs.projection_clip = tfl_option_f32(op, 2, 0);
    op->attrs.time_major = tfl_option_u8(op, 3, 0) != 0;
    op->attrs.asymmetric = tfl_option_u8(op, 4, 0) != 0;
    if (tfl_option_u8(op, 5, 0) != 0)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_FORM, "diagonal recurrent tensors");
    hidden_quantization(op);
    return tfl_option_activation(op, 0) && tfl_emit(op, op->input_count);
}

bool tfl_build_svdf(struct tfl_operator *op) {
    op->attrs.rank = tfl_option_i32(op, 0, 0);
    op->attrs.asymmetric = tfl_option_u8(op, 2, 0) != 0;
    return tfl_option_activation(op, 1) && tfl_emit(op, op->input_count);
}
