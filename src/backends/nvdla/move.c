/*
 * Operators that only move data. A reshape of planes, a split and a concatenation at whole atoms of
 * channels are addresses: the tensors share memory. Where memory cannot be shared (the border of
 * the part, a tensor concatenated twice), and for concatenation along lines or columns, SDP copies.
 */
#include "backends/nvdla/lower.h"

/* ---- views ---- */

bool tenon_nvdla_is_view(const struct tenon_graph *graph, uint32_t index) {
    const struct tenon_node *n = &graph->nodes[index];
    return n->op == TENON_OP_RESHAPE ||
           (n->op == TENON_OP_QUANTIZE &&
            graph->tensors[n->inputs[0]].desc.type != graph->tensors[n->outputs[0]].desc.type);
}

/* Pixels keep their order when nothing but lines and columns are arranged anew. */
void *tenon_nvdla_plan_reshape(struct nvdla_node *node) {
    struct nvdla_shape in, out;
    if (!tenon_nvdla_check_bytes(node, tenon_in(&node->call, 0), "the input", &in) ||
        !tenon_nvdla_check_bytes(node, tenon_out(&node->call, 0), "the output", &out))
        return NULL;
    bool same = in.channels == out.channels && in.batches == out.batches &&
                in.height * in.width == out.height * out.width;
    /* One pixel of C channels, and C a multiple of the atom, is the same bytes as a column. */
    return same ? node
                : tenon_nvdla_refuse(node, "a reshape that moves data between channels and pixels");
}

/* Cubes of one tensor under the shape of the other. */
static void copy_pictures(struct nvdla_lowering *l, const struct nvdla_node *node) {
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)tenon_nvdla_shape_of(tenon_out(&node->call, 0), &shape);
    for (uint32_t b = 0; b < shape.batches; b++) {
        struct nvdla_cube out = tenon_nvdla_output(l, node, 0, b);
        struct nvdla_cube in = out;
        struct nvdla_cube from = tenon_nvdla_input(l, node, 0, b);
        in.item = from.item;
        in.offset = from.offset;
        tenon_nvdla_emit_copy(l, &in, &out);
    }
}

void tenon_nvdla_emit_reshape(struct nvdla_lowering *l, const struct nvdla_node *node,
                              const void *plan) {
    const struct tenon_node *n = &node->graph->nodes[node->index];
    (void)plan;
    struct nvdla_cube in = tenon_nvdla_input(l, node, 0, 0);
    struct nvdla_cube out = tenon_nvdla_output(l, node, 0, 0);
    if (l->tensors[n->outputs[0]].known && (in.item != out.item || in.offset != out.offset))
        copy_pictures(l, node);
}

/* ---- concatenation ---- */

static int axis_of(const struct tenon_desc *desc, int32_t axis) {
    return 4 - desc->shape.rank + axis; /* 0 pictures, 1 lines, 2 columns, 3 channels */
}

static bool same_quantization(const struct tenon_desc *a, const struct tenon_desc *b) {
    return tenon_desc_scale(a) == tenon_desc_scale(b) &&
           tenon_desc_zero_point(a) == tenon_desc_zero_point(b);
}

void *tenon_nvdla_plan_concatenation(struct nvdla_node *node) {
    const struct tenon_op_call *call = &node->call;
    struct nvdla_shape out, in;
    int axis = axis_of(tenon_out(call, 0), call->attrs->axis);
    if (!tenon_nvdla_check_bytes(node, tenon_out(call, 0), "the output", &out))
        return NULL;
    if (axis == 0)
        return tenon_nvdla_refuse(node, "concatenation of pictures");
    if (call->attrs->activation != TENON_ACTIVATION_NONE)
        return tenon_nvdla_refuse(node, "concatenation with an activation");
    for (uint32_t i = 0; i < call->input_count; i++) {
        if (!tenon_nvdla_check_bytes(node, tenon_in(call, i), "an input", &in))
            return NULL;
        if (!same_quantization(tenon_in(call, i), tenon_out(call, 0)))
            return tenon_nvdla_refuse(node, "input %u has another quantization", i);
        if (axis == 3 && i + 1 < call->input_count && in.channels % node->config->atom_bytes != 0)
            return tenon_nvdla_refuse(node, "%u channels are not a multiple of %u", in.channels,
                                      node->config->atom_bytes);
    }
    return node;
}

static bool is_same_place(const struct nvdla_cube *a, const struct nvdla_cube *b) {
    return a->item == b->item && a->offset == b->offset;
}

void tenon_nvdla_emit_concatenation(struct nvdla_lowering *l, const struct nvdla_node *node,
                                    const void *plan) {
    const struct tenon_op_call *call = &node->call;
    int axis = axis_of(tenon_out(call, 0), call->attrs->axis);
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)plan;
    (void)tenon_nvdla_shape_of(tenon_out(call, 0), &shape);
    for (uint32_t b = 0; b < shape.batches; b++) {
        struct nvdla_cube out = tenon_nvdla_output(l, node, 0, b);
        uint32_t at[3] = {0, 0, 0};
        for (uint32_t i = 0; i < call->input_count; i++) {
            struct nvdla_cube in = tenon_nvdla_input(l, node, i, b);
            struct nvdla_cube to = tenon_nvdla_slice(l->config, &out, at[0], in.height, at[1],
                                                     in.width, at[2], in.channels);
            if (!is_same_place(&in, &to))
                tenon_nvdla_emit_copy(l, &in, &to);
            at[0] += axis == 1 ? in.height : 0;
            at[1] += axis == 2 ? in.width : 0;
            at[2] += axis == 3 ? in.channels : 0;
        }
    }
}

/* Channels before input i of a concatenation along channels; false for other axes and batches. */
bool tenon_nvdla_concatenation_offset(const struct tenon_graph *graph, uint32_t index, uint32_t i,
                                      uint32_t *channels) {
    const struct tenon_node *node = &graph->nodes[index];
    const struct tenon_desc *out = &graph->tensors[node->outputs[0]].desc;
    struct nvdla_shape shape;
    *channels = 0;
    if (node->op != TENON_OP_CONCATENATION || axis_of(out, node->attrs.axis) != 3 ||
        !tenon_nvdla_shape_of(out, &shape) || shape.batches != 1)
        return false;
    for (uint32_t k = 0; k < i; k++) {
        const struct tenon_desc *in = &graph->tensors[node->inputs[k]].desc;
        *channels += (uint32_t)in->shape.dims[in->shape.rank - 1];
    }
    return true;
}

/* ---- split ---- */

void *tenon_nvdla_plan_split(struct nvdla_node *node) {
    const struct tenon_op_call *call = &node->call;
    struct nvdla_shape in, out;
    int axis = axis_of(tenon_in(call, 0), call->attrs->axis);
    if (!tenon_nvdla_check_bytes(node, tenon_in(call, 0), "the input", &in))
        return NULL;
    if (axis == 0)
        return tenon_nvdla_refuse(node, "a split of pictures");
    for (uint32_t i = 0; i < call->output_count; i++) {
        if (!tenon_nvdla_check_bytes(node, tenon_out(call, i), "an output", &out))
            return NULL;
        if (axis == 3 && i + 1 < call->output_count && out.channels % node->config->atom_bytes != 0)
            return tenon_nvdla_refuse(node, "%u channels are not a multiple of %u", out.channels,
                                      node->config->atom_bytes);
    }
    return node;
}

void tenon_nvdla_emit_split(struct nvdla_lowering *l, const struct nvdla_node *node,
                            const void *plan) {
    const struct tenon_op_call *call = &node->call;
    int axis = axis_of(tenon_in(call, 0), call->attrs->axis);
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)plan;
    (void)tenon_nvdla_shape_of(tenon_in(call, 0), &shape);
    for (uint32_t b = 0; b < shape.batches; b++) {
        struct nvdla_cube in = tenon_nvdla_input(l, node, 0, b);
        uint32_t at[3] = {0, 0, 0};
        for (uint32_t i = 0; i < call->output_count; i++) {
            struct nvdla_cube out = tenon_nvdla_output(l, node, i, b);
            struct nvdla_cube from = tenon_nvdla_slice(l->config, &in, at[0], out.height, at[1],
                                                       out.width, at[2], out.channels);
            if (!is_same_place(&from, &out))
                tenon_nvdla_emit_copy(l, &from, &out);
            at[0] += axis == 1 ? out.height : 0;
            at[1] += axis == 2 ? out.width : 0;
            at[2] += axis == 3 ? out.channels : 0;
        }
    }
}

/* As for concatenation: channels before output i. */
bool tenon_nvdla_split_offset(const struct tenon_graph *graph, uint32_t index, uint32_t i,
                              uint32_t *channels) {
    const struct tenon_node *node = &graph->nodes[index];
    const struct tenon_desc *in = &graph->tensors[node->inputs[0]].desc;
    struct nvdla_shape shape;
    *channels = 0;
    if (node->op != TENON_OP_SPLIT || axis_of(in, node->attrs.axis) != 3 ||
        !tenon_nvdla_shape_of(in, &shape) || shape.batches != 1)
        return false;
    for (uint32_t k = 0; k < i; k++) {
        const struct tenon_desc *out = &graph->tensors[node->outputs[k]].desc;
        *channels += (uint32_t)out->shape.dims[out->shape.rank - 1];
    }
    return true;
}

/* ---- cost ---- */

uint64_t tenon_nvdla_copy_cycles(const struct nvdla_node *node, const void *plan) {
    (void)plan;
    return tenon_nvdla_sdp_cycles(node->config,
                                  tenon_desc_element_count(tenon_in(&node->call, 0))) /
           4;
}

const char *tenon_nvdla_copy_kernel(const void *plan) {
    (void)plan;
    return "addresses";
}
