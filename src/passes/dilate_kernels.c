/*
 * Convolutions of a dilation above what the target has get larger kernels, with zeros between the
 * weights:
 *
 *     y = conv_2d(x, w) {dilation=[3, 3]}                                    w 16x3x3x8
 *     y = conv_2d(x, w')                                                     w' 16x7x7x8
 *
 * The products are many more; dilation-to-batch has none to spare where there is no stride.
 *
 * Requires: integers, constant weights and bias. Establishes: no dilation of conv_2d and
 * depthwise_conv_2d above capabilities.dilation_max. Exact.
 */
#include <string.h>

#include "passes/conv.h"

enum { KERNEL_MAX = 255 };

/* Weights (a, y, x, b) of either operator, with y * step[0] and x * step[1] where y and x were. */
static uint32_t spread(struct tenon_rewriter *rw, const struct tenon_conv *conv,
                       const int32_t step[2]) {
    const struct tenon_desc old = conv->weights.desc;
    const int32_t *s = old.shape.dims;
    struct tenon_desc desc =
        tenon_desc_reshaped(&old, s[0], (s[1] - 1) * step[0] + 1, (s[2] - 1) * step[1] + 1, s[3]);
    desc.type = old.type == TENON_TYPE_I4 ? TENON_TYPE_I8 : old.type;
    uint32_t weights;
    uint8_t *data = tenon_rewrite_constant(rw, conv->node.inputs[1], "dilated", &desc, &weights);
    if (data == NULL)
        return TENON_ID_NONE;
    memset(data, (uint8_t)tenon_desc_zero_point(&desc), tenon_desc_size(&desc));
    const int32_t *to = desc.shape.dims;
    size_t from = 0, run = (size_t)s[3];
    for (int32_t a = 0; a < s[0]; a++)
        for (int32_t y = 0; y < s[1]; y++)
            for (int32_t x = 0; x < s[2]; x++)
                for (size_t i = 0; i < run; i++, from++) {
                    size_t row = (size_t)a * (size_t)to[1] + (size_t)(y * step[0]);
                    size_t at = (row * (size_t)to[2] + (size_t)(x * step[1])) * run + i;
                    data[at] = old.type == TENON_TYPE_I4
                                   ? (uint8_t)tenon_load_i4(conv->weights.data, from)
                                   : ((const uint8_t *)conv->weights.data)[from];
                }
    return weights;
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const int32_t most = rw->capabilities->dilation_max;
    struct tenon_conv conv;
    if (most == 0 || !tenon_conv_read(rw, id, &conv))
        return;
    const struct tenon_window *w = &conv.window;
    const int32_t step[2] = {w->dilation_h > most ? w->dilation_h : 1,
                             w->dilation_w > most ? w->dilation_w : 1};
    if ((step[0] == 1 && step[1] == 1) || (int64_t)(w->k_h - 1) * step[0] >= KERNEL_MAX ||
        (int64_t)(w->k_w - 1) * step[1] >= KERNEL_MAX ||
        !tenon_filters_fit(conv.out_c, (w->k_h - 1) * step[0] + 1, (w->k_w - 1) * step[1] + 1,
                           conv.k_c) ||
        !tenon_rewrite_replace(rw, id))
        return;
    struct tenon_attrs attrs = conv.node.attrs;
    attrs.dilation = (struct tenon_list){2, {w->dilation_h / step[0], w->dilation_w / step[1]}};
    const uint32_t inputs[] = {conv.node.inputs[0], spread(rw, &conv, step),
                               conv.node.input_count > 2 ? conv.node.inputs[2] : TENON_ID_NONE};
    tenon_rewrite_add(rw, conv.node.op, &attrs, inputs, conv.node.input_count, conv.node.outputs,
                      1);
}

const struct tenon_pass tenon_pass_dilate_kernels = {
    .name = "dilate-kernels",
    .purpose = "dilations the target lacks: larger kernels with zeros between the weights",
    .visit = visit,
};
