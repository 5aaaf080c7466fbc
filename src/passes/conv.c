/* See conv.h. */
#include "passes/conv.h"

#include <string.h>

bool tenon_linear_weights_read(struct tenon_rewriter *rw, const struct tenon_node *node,
                               struct tenon_linear_weights *weights) {
    uint32_t bias = node->input_count > 2 ? node->inputs[2] : TENON_ID_NONE;
    const struct tenon_desc *in = tenon_rewrite_desc(rw, node->inputs[0]);
    if (in->type == TENON_TYPE_F32 || !tenon_rewrite_is_constant(rw, node->inputs[1]) ||
        (bias != TENON_ID_NONE && !tenon_rewrite_is_constant(rw, bias)))
        return false;
    *weights = (struct tenon_linear_weights){
        .desc = *tenon_rewrite_desc(rw, node->inputs[1]),
        .data = tenon_rewrite_data(rw, node->inputs[1]),
    };
    if (bias != TENON_ID_NONE) {
        weights->bias_desc = *tenon_rewrite_desc(rw, bias);
        weights->bias = tenon_rewrite_data(rw, bias);
    }
    return rw->status == TENON_OK;
}

bool tenon_conv_read(struct tenon_rewriter *rw, uint32_t id, struct tenon_conv *conv) {
    const struct tenon_node *node = &rw->graph->nodes[id];
    *conv = (struct tenon_conv){.node = *node, .depthwise = node->op == TENON_OP_DEPTHWISE_CONV_2D};
    if ((node->op != TENON_OP_CONV_2D && !conv->depthwise) ||
        !tenon_linear_weights_read(rw, node, &conv->weights))
        return false;
    const int32_t *w = conv->weights.desc.shape.dims;
    if (tenon_window_init(&conv->window, &node->attrs,
                          &tenon_rewrite_desc(rw, node->inputs[0])->shape, w[1], w[2],
                          NULL) != TENON_OK)
        return false;
    conv->out_c = conv->depthwise ? w[3] : w[0];
    conv->k_c = conv->depthwise ? 1 : w[3];
    conv->groups = conv->window.in_c / conv->k_c;
    return true;
}

static int32_t weight_at(const struct tenon_linear_weights *weights, size_t i) {
    if (weights->desc.type == TENON_TYPE_I4)
        return tenon_load_i4(weights->data, i);
    if (weights->desc.type == TENON_TYPE_U8)
        return ((const uint8_t *)weights->data)[i] - tenon_desc_zero_point(&weights->desc);
    return ((const int8_t *)weights->data)[i];
}

int32_t tenon_conv_weight(const struct tenon_conv *conv, int32_t o, int32_t y, int32_t x,
                          int32_t i) {
    size_t tap = (size_t)y * (size_t)conv->window.k_w + (size_t)x;
    size_t taps = (size_t)conv->window.k_h * (size_t)conv->window.k_w;
    size_t at = conv->depthwise ? tap * (size_t)conv->out_c + (size_t)o
                                : ((size_t)o * taps + tap) * (size_t)conv->k_c + (size_t)i;
    return weight_at(&conv->weights, at);
}

int32_t *tenon_filters_from(struct tenon_rewriter *rw, int32_t count) {
    return tenon_rewrite_scratch(rw, (size_t)count, sizeof(int32_t));
}

/* The description of new weights. Its scales are scratch: the graph copies them. */
static bool describe(struct tenon_rewriter *rw, const struct tenon_linear_weights *weights,
                     const int32_t shape[4], const int32_t *from, struct tenon_desc *out) {
    const struct tenon_quant *quant = &weights->desc.quant;
    *out = tenon_desc_reshaped(&weights->desc, shape[0], shape[1], shape[2], shape[3]);
    if (out->type == TENON_TYPE_I4)
        out->type = TENON_TYPE_I8;
    out->quant.axis = 0;
    if (quant->count <= 1)
        return true;
    size_t count = (size_t)shape[0];
    float *scale = tenon_rewrite_scratch(rw, count, sizeof(*scale));
    int32_t *zero = tenon_rewrite_scratch(rw, count, sizeof(*zero));
    if (scale == NULL || zero == NULL)
        return false;
    for (size_t j = 0; j < count; j++) {
        scale[j] = quant->scale[from[j]];
        zero[j] = quant->zero_point[from[j]];
    }
    out->quant = (struct tenon_quant){(uint32_t)count, 0, scale, zero};
    return true;
}

/* Whatever quantization a bias carries says nothing that the weights' does not. */
static uint32_t new_bias(struct tenon_rewriter *rw, const struct tenon_linear_weights *weights,
                         int32_t count, const int32_t *from) {
    uint32_t id = TENON_ID_NONE, like = rw->graph->nodes[rw->at].outputs[0];
    if (weights->bias_desc.type == TENON_TYPE_NONE)
        return id;
    const struct tenon_desc desc = {.type = weights->bias_desc.type,
                                    .shape = {.rank = 1, .dims = {count}}};
    size_t element = tenon_type_bit_count(desc.type) / 8;
    uint8_t *data = tenon_rewrite_constant(rw, like, "bias", &desc, &id);
    for (int32_t j = 0; data != NULL && j < count; j++)
        memcpy(data + (size_t)j * element,
               (const uint8_t *)weights->bias + (size_t)from[j] * element, element);
    return id;
}

bool tenon_filters_init(struct tenon_filters *f, struct tenon_rewriter *rw,
                        const struct tenon_linear_weights *weights, const int32_t shape[4],
                        const int32_t *from) {
    struct tenon_desc desc;
    uint32_t like = rw->graph->nodes[rw->at].outputs[0];
    if (rw->status != TENON_OK || !describe(rw, weights, shape, from, &desc))
        return false;
    *f = (struct tenon_filters){.out_c = shape[0],
                                .k_h = shape[1],
                                .k_w = shape[2],
                                .k_c = shape[3],
                                .zero_point = tenon_desc_zero_point(&desc)};
    f->data = tenon_rewrite_constant(rw, like, "weights", &desc, &f->weights);
    if (f->data != NULL)
        memset(f->data, (uint8_t)f->zero_point, tenon_desc_size(&desc));
    f->bias = new_bias(rw, weights, shape[0], from);
    return rw->status == TENON_OK;
}

uint32_t tenon_filters_apply(const struct tenon_filters *f, struct tenon_rewriter *rw,
                             const struct tenon_node *node, uint32_t x,
                             const struct tenon_attrs *geometry) {
    const struct tenon_desc out = tenon_rewrite_desc_of(rw, node->outputs[0]);
    const uint32_t inputs[] = {x, f->weights, f->bias};
    struct tenon_attrs attrs = *geometry;
    attrs.activation = node->attrs.activation;
    return tenon_rewrite_result(rw, TENON_OP_CONV_2D, &attrs, inputs,
                                f->bias != TENON_ID_NONE ? 3 : 2, &out);
}

struct tenon_attrs tenon_window_attrs(const struct tenon_window *w) {
    return (struct tenon_attrs){
        .stride = {2, {w->stride_h, w->stride_w}},
        .dilation = {2, {w->dilation_h, w->dilation_w}},
        .pad = {4, {w->pad_top, w->pad_left, w->pad_bottom, w->pad_right}},
    };
}
