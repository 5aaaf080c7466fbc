/*
 * Slices and pads. A slice of whole atoms of channels is an address; other slices are copies, and a
 * pad is one behind the filling of the result.
 */
#include <string.h>

#include "backends/nvdla/lower.h"

/* Attributes by axis of a cube: pictures, lines, columns, channels. */
static void spread(const int32_t *values, int rank, int stride, int32_t missing, int32_t out[4]) {
    for (int i = 0; i < 4; i++)
        out[i] = i < 4 - rank ? missing : values[(i - (4 - rank)) * stride];
}

/* ---- slices ---- */

void *tenon_nvdla_plan_slice(struct nvdla_node *node) {
    const struct tenon_op_call *call = &node->call;
    struct nvdla_shape in, out;
    int32_t begin[4];
    if (!tenon_nvdla_check_bytes(node, tenon_in(call, 0), "the input", &in) ||
        !tenon_nvdla_check_bytes(node, tenon_out(call, 0), "the output", &out))
        return NULL;
    spread(call->attrs->begin.values, tenon_in(call, 0)->shape.rank, 1, 0, begin);
    if (in.batches != out.batches)
        return tenon_nvdla_refuse(node, "a slice of pictures");
    if (begin[3] % (int32_t)node->config->atom_bytes != 0)
        return tenon_nvdla_refuse(node, "channels from %d on: not a multiple of %u", begin[3],
                                  node->config->atom_bytes);
    return node;
}

bool tenon_nvdla_slice_offset(const struct tenon_graph *graph, uint32_t index, uint32_t *channels) {
    const struct tenon_node *node = &graph->nodes[index];
    const struct tenon_desc *from = &graph->tensors[node->inputs[0]].desc;
    struct nvdla_shape in, out;
    int32_t begin[4];
    if (node->op != TENON_OP_SLICE || !tenon_nvdla_shape_of(from, &in) ||
        !tenon_nvdla_shape_of(&graph->tensors[node->outputs[0]].desc, &out))
        return false;
    spread(node->attrs.begin.values, from->shape.rank, 1, 0, begin);
    *channels = (uint32_t)begin[3];
    return in.batches == 1 && in.height == out.height && in.width == out.width;
}

void tenon_nvdla_emit_slice(struct nvdla_lowering *l, const struct nvdla_node *node,
                            const void *plan) {
    const struct tenon_op_call *call = &node->call;
    struct nvdla_shape shape = {1, 1, 1, 1};
    int32_t begin[4];
    (void)plan;
    (void)tenon_nvdla_shape_of(tenon_out(call, 0), &shape);
    spread(call->attrs->begin.values, tenon_in(call, 0)->shape.rank, 1, 0, begin);
    for (uint32_t b = 0; b < shape.batches; b++) {
        struct nvdla_cube in = tenon_nvdla_input(l, node, 0, b);
        struct nvdla_cube out = tenon_nvdla_output(l, node, 0, b);
        const struct nvdla_cube from =
            tenon_nvdla_slice(l->config, &in, (uint32_t)begin[1], out.height, (uint32_t)begin[2],
                              out.width, (uint32_t)begin[3], out.channels);
        if (from.item != out.item || from.offset != out.offset)
            tenon_nvdla_emit_copy(l, &from, &out);
    }
}

/* ---- pads ---- */

struct pad {
    uint32_t before[4]; /* by axis of a cube */
    int16_t value;
    bool masked; /* the input's last atom has lanes that are filled */
};

void *tenon_nvdla_plan_pad(struct nvdla_node *node) {
    const struct tenon_op_call *call = &node->call;
    const struct tenon_desc *desc = tenon_out(call, 0);
    struct nvdla_shape in, out;
    struct pad *pad = tenon_arena_alloc(node->arena, sizeof(*pad));
    int32_t before[4], value = tenon_desc_zero_point(desc);
    if (pad == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!tenon_nvdla_check_bytes(node, tenon_in(call, 0), "the input", &in) ||
        !tenon_nvdla_check_bytes(node, desc, "the output", &out))
        return NULL;
    if (in.batches != out.batches)
        return tenon_nvdla_refuse(node, "a pad of pictures");
    spread(call->attrs->paddings.values, desc->shape.rank, 2, 0, before);
    if (before[3] % (int32_t)node->config->atom_bytes != 0)
        return tenon_nvdla_refuse(node, "%d channels before: not a multiple of %u", before[3],
                                  node->config->atom_bytes);
    for (int i = 0; i < 4; i++)
        pad->before[i] = (uint32_t)before[i];
    if (call->input_count > 1 && call->inputs[1].desc != NULL) {
        if (call->inputs[1].data == NULL)
            return tenon_nvdla_refuse(node, "the value is not constant");
        uint8_t byte = *(const uint8_t *)call->inputs[1].data;
        value = desc->type == TENON_TYPE_U8 ? byte : (int8_t)byte;
    }
    /* Cubes of u8 hold i8. */
    pad->value = (int16_t)(desc->type == TENON_TYPE_U8 ? value - 128 : value);
    pad->masked = in.channels % node->config->atom_bytes != 0 &&
                  (uint32_t)before[3] + in.channels < out.channels;
    return pad;
}

/* Every element becomes the value; what is read does not matter. */
static void fill(struct nvdla_lowering *l, const struct nvdla_cube *cube, int16_t value) {
    const struct nvdla_sdp sdp = {
        .bs = {.mul = true, .mul_value = 0},
        .bn = {.alu = NVDLA_ALU_ADD, .alu_value = value},
        .cvt_scale = 1,
        .dest = *cube,
    };
    tenon_nvdla_program_sdp(&l->program, &sdp, cube);
}

/* {add, mul} per lane of one atom: lanes below `lanes` stay, the others become the value. */
static uint64_t append_mask(struct nvdla_lowering *l, uint32_t lanes, int16_t value) {
    struct tenon_strbuf *data = l->out->data;
    tenon_strbuf_align(data, TENON_NVDLA_REGION_ALIGNMENT);
    uint64_t offset = data->size - l->out->data_base;
    for (uint32_t i = 0; i < l->config->atom_bytes; i++)
        tenon_strbuf_append_le16(data, i < lanes ? 1 : 0);
    for (uint32_t i = 0; i < l->config->atom_bytes; i++)
        tenon_strbuf_append_le16(data, (uint16_t)(i < lanes ? 0 : value));
    return offset;
}

/* The last, partial atom of the input. */
static void copy_masked(struct nvdla_lowering *l, const struct pad *pad,
                        const struct nvdla_cube *from, const struct nvdla_cube *to) {
    uint32_t atom = l->config->atom_bytes, whole = from->channels / atom * atom;
    uint64_t mask = append_mask(l, from->channels - whole, pad->value);
    const struct nvdla_cube source =
        tenon_nvdla_slice(l->config, from, 0, from->height, 0, from->width, whole, atom);
    const struct nvdla_sdp sdp = {
        .bs = {.mul = true, .mul_source = NVDLA_OPERAND_CHANNEL, .channel_offset = mask},
        .bn = {.alu = NVDLA_ALU_ADD,
               .alu_source = NVDLA_OPERAND_CHANNEL,
               .channel_offset = mask + 2 * (uint64_t)atom},
        .cvt_scale = 1,
        .dest = tenon_nvdla_slice(l->config, to, 0, to->height, 0, to->width, whole, atom),
    };
    tenon_nvdla_program_sdp(&l->program, &sdp, &source);
}

void tenon_nvdla_emit_pad(struct nvdla_lowering *l, const struct nvdla_node *node,
                          const void *plan) {
    const struct pad *pad = plan;
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)tenon_nvdla_shape_of(tenon_out(&node->call, 0), &shape);
    for (uint32_t b = 0; b < shape.batches; b++) {
        struct nvdla_cube in = tenon_nvdla_input(l, node, 0, b);
        struct nvdla_cube out = tenon_nvdla_output(l, node, 0, b);
        const struct nvdla_cube to =
            tenon_nvdla_slice(l->config, &out, pad->before[1], in.height, pad->before[2], in.width,
                              pad->before[3], in.channels);
        fill(l, &out, pad->value);
        if (pad->masked)
            copy_masked(l, pad, &in, &to);
        uint32_t atom = l->config->atom_bytes;
        uint32_t rest = pad->masked ? in.channels / atom * atom : in.channels;
        if (rest != 0) {
            const struct nvdla_cube from =
                tenon_nvdla_slice(l->config, &in, 0, in.height, 0, in.width, 0, rest);
            const struct nvdla_cube whole =
                tenon_nvdla_slice(l->config, &to, 0, in.height, 0, in.width, 0, rest);
            tenon_nvdla_emit_copy(l, &from, &whole);
        }
    }
}
