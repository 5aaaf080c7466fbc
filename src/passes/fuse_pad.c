/*
 * fuse-pad: a border of real zeros becomes the padding of the convolution that reads it.
 *
 *     pad {paddings=[0,0,t,b,l,r,0,0]} -> conv_2d {pad=[t',l',b',r']}
 *     conv_2d {pad=[t'+t,l'+l,b'+b,r'+r]}
 *
 * Requires: conv_2d or depthwise_conv_2d; a pad of height and width only, with the zero point as
 * value and the same type and quantization before and after. Other readers keep the pad. Exact: a
 * convolution's padding counts as the input's zero point. Of floats, weights must be finite
 * constants, because 0 times infinity is no 0.
 * Establishes: no such pad before a convolution.
 */
#include <math.h>

#include "passes/pass.h"

enum { PAD_MAX = 1 << 24 }; /* that convolutions take */

static bool is_zero(const struct tenon_tensor *value, const struct tenon_desc *padded) {
    int32_t zero = tenon_desc_zero_point(padded);
    if (value->kind != TENON_TENSOR_CONSTANT)
        return false;
    if (padded->type == TENON_TYPE_I8)
        return (int8_t)value->data[0] == zero;
    if (padded->type == TENON_TYPE_U8)
        return value->data[0] == zero;
    bool all = true; /* i16 has the zero point 0; floats: the bits of 0.0 */
    for (size_t i = 0; i < tenon_desc_size(&value->desc); i++)
        all = all && value->data[i] == 0;
    return all;
}

static bool weights_are_finite(struct tenon_rewriter *rw, uint32_t weights) {
    const struct tenon_desc *desc = tenon_rewrite_desc(rw, weights);
    if (desc->type != TENON_TYPE_F32)
        return true;
    if (!tenon_rewrite_is_constant(rw, weights))
        return false;
    const float *values = tenon_rewrite_data(rw, weights);
    size_t count = tenon_desc_element_count(desc);
    for (size_t i = 0; values != NULL && i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return values != NULL;
}

/* Whether the node only surrounds pictures with zeros. */
static bool is_border(const struct tenon_rewriter *rw, const struct tenon_node *pad) {
    const struct tenon_desc *in = tenon_rewrite_desc(rw, pad->inputs[0]);
    const struct tenon_desc *out = tenon_rewrite_desc(rw, pad->outputs[0]);
    const int32_t *p = pad->attrs.paddings.values;
    if (in->shape.rank != 4 || p[0] != 0 || p[1] != 0 || p[6] != 0 || p[7] != 0)
        return false;
    if (in->type != out->type || !tenon_quant_equal(&in->quant, &out->quant))
        return false;
    return pad->input_count < 2 || pad->inputs[1] == TENON_ID_NONE ||
           is_zero(&rw->graph->tensors[pad->inputs[1]], out);
}

/* {top, left, bottom, right} of both; false when that is too much. */
static bool add_paddings(const struct tenon_list *paddings, struct tenon_list *pad) {
    static const int from[] = {2, 4, 3, 5};
    for (int i = 0; i < 4; i++) {
        int64_t sum = (int64_t)pad->values[i] + paddings->values[from[i]];
        if (sum > PAD_MAX)
            return false;
        pad->values[i] = (int32_t)sum;
    }
    pad->count = 4;
    return true;
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct tenon_node conv = rw->graph->nodes[id];
    if (conv.op != TENON_OP_CONV_2D && conv.op != TENON_OP_DEPTHWISE_CONV_2D)
        return;
    uint32_t producer = tenon_rewrite_producer(rw, conv.inputs[0]);
    if (producer == TENON_ID_NONE || rw->graph->nodes[producer].op != TENON_OP_PAD)
        return;
    const struct tenon_node pad = rw->graph->nodes[producer];
    if (!is_border(rw, &pad) || !weights_are_finite(rw, conv.inputs[1]) ||
        !add_paddings(&pad.attrs.paddings, &conv.attrs.pad) || !tenon_rewrite_begin(rw, id))
        return;
    tenon_rewrite_remove(rw, id);
    conv.inputs[0] = pad.inputs[0];
    tenon_rewrite_add(rw, conv.op, &conv.attrs, conv.inputs, conv.input_count, conv.outputs, 1);
}

const struct tenon_pass tenon_pass_fuse_pad = {
    .name = "fuse-pad",
    .purpose = "a border of zeros becomes the padding of the convolution that reads it",
    .neutral = true,
    .visit = visit,
};
