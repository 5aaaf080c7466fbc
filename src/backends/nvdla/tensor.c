/*
 * Tensors as feature cubes, and the layers that only move or clamp them. A tensor is N pictures of
 * H x W pixels of C channels; with fewer than four dimensions the missing leading ones are 1, so
 * that [N, C] is a line of N pixels and a matrix product is a 1x1 convolution over it.
 */
#include <stdarg.h>
#include <stdio.h>

#include "backends/nvdla/lower.h"

void *tenon_nvdla_refuse(struct nvdla_node *node, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(node->reason, TENON_REASON_BYTES, format, args);
    va_end(args);
    return NULL;
}

bool tenon_nvdla_shape_of(const struct tenon_desc *desc, struct nvdla_shape *out) {
    uint32_t dims[4] = {1, 1, 1, 1};
    int rank = desc->shape.rank;
    if (rank > 4)
        return false;
    for (int i = 0; i < rank; i++) {
        int32_t dim = desc->shape.dims[i];
        if (dim < 1 || dim > TENON_NVDLA_DIMENSION_MAX)
            return false;
        dims[4 - rank + i] = (uint32_t)dim;
    }
    *out = (struct nvdla_shape){dims[0], dims[1], dims[2], dims[3]};
    return true;
}

static uint32_t surfaces_of(const struct nvdla_config *config, uint32_t channels) {
    return (channels + config->atom_bytes - 1) / config->atom_bytes;
}

uint64_t tenon_nvdla_cube_bytes(const struct nvdla_config *config,
                                const struct nvdla_shape *shape) {
    uint64_t pixels = (uint64_t)shape->height * shape->width;
    return pixels * surfaces_of(config, shape->channels) * config->atom_bytes;
}

struct nvdla_cube tenon_nvdla_cube(const struct nvdla_config *config,
                                   const struct nvdla_shape *shape, uint32_t item, uint64_t offset,
                                   uint32_t batch) {
    return (struct nvdla_cube){
        .place = TENON_NVDLA_SCRATCH,
        .item = item,
        .offset = offset + batch * tenon_nvdla_cube_bytes(config, shape),
        .width = shape->width,
        .height = shape->height,
        .channels = shape->channels,
        .line_stride = shape->width * config->atom_bytes,
        .surface_stride = shape->height * shape->width * config->atom_bytes,
    };
}

static struct nvdla_cube cube_of(const struct nvdla_lowering *l, uint32_t tensor, uint32_t batch) {
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)tenon_nvdla_shape_of(&l->part->graph->tensors[tensor].desc, &shape);
    return tenon_nvdla_cube(l->config, &shape, l->tensors[tensor].item, l->tensors[tensor].offset,
                            batch);
}

struct nvdla_cube tenon_nvdla_input(const struct nvdla_lowering *l, const struct nvdla_node *node,
                                    uint32_t i, uint32_t batch) {
    return cube_of(l, node->graph->nodes[node->index].inputs[i], batch);
}

struct nvdla_cube tenon_nvdla_output(const struct nvdla_lowering *l, const struct nvdla_node *node,
                                     uint32_t i, uint32_t batch) {
    return cube_of(l, node->graph->nodes[node->index].outputs[i], batch);
}

struct nvdla_cube tenon_nvdla_slice(const struct nvdla_config *config,
                                    const struct nvdla_cube *cube, uint32_t y, uint32_t height,
                                    uint32_t x, uint32_t width, uint32_t c, uint32_t channels) {
    struct nvdla_cube slice = *cube;
    slice.offset += (uint64_t)(c / config->atom_bytes) * cube->surface_stride +
                    (uint64_t)y * cube->line_stride + (uint64_t)x * config->atom_bytes;
    slice.height = height;
    slice.width = width;
    slice.channels = channels;
    /* SDP takes surfaces of a single pixel as packed: with one surface the strides do not matter.
     */
    if (height == 1 && width == 1 && channels <= config->atom_bytes)
        slice.line_stride = slice.surface_stride = config->atom_bytes;
    return slice;
}

bool tenon_nvdla_check_tensor(struct nvdla_node *node, const struct tenon_desc *desc,
                              const char *what, struct nvdla_shape *shape) {
    if (desc->type == TENON_TYPE_I8)
        return tenon_nvdla_check_bytes(node, desc, what, shape);
    return tenon_nvdla_refuse(node, "%s is %s: only i8 is computed", what,
                              tenon_type_text(desc->type));
}

bool tenon_nvdla_check_bytes(struct nvdla_node *node, const struct tenon_desc *desc,
                             const char *what, struct nvdla_shape *shape) {
    char text[TENON_SHAPE_TEXT_BYTES];
    if (desc->type != TENON_TYPE_I8 && desc->type != TENON_TYPE_U8) {
        tenon_nvdla_refuse(node, "%s is %s: only 8 bits are moved", what,
                           tenon_type_text(desc->type));
        return false;
    }
    if (desc->quant.count > 1) {
        tenon_nvdla_refuse(node, "%s has a scale per channel", what);
        return false;
    }
    if (!tenon_nvdla_shape_of(desc, shape)) {
        tenon_nvdla_refuse(node, "%s of %s: at most 4 dimensions, each 1 to %d", what,
                           tenon_shape_text(&desc->shape, text), TENON_NVDLA_DIMENSION_MAX);
        return false;
    }
    /* Addresses and strides are 32 bits; a surface's stride in CACC is 24. */
    if ((uint64_t)shape->height * shape->width * node->config->atom_bytes >= 1u << 24 ||
        tenon_nvdla_cube_bytes(node->config, shape) * shape->batches > INT32_MAX) {
        tenon_nvdla_refuse(node, "%s of %s is too large", what,
                           tenon_shape_text(&desc->shape, text));
        return false;
    }
    return true;
}

/* ---- copying and clamping ---- */

/* SDP takes the surfaces of a single pixel as packed. */
static bool is_packed(const struct nvdla_config *config, const struct nvdla_cube *cube) {
    return cube->width > 1 || cube->height > 1 || cube->surface_stride == config->atom_bytes;
}

void tenon_nvdla_emit_copy(struct nvdla_lowering *l, const struct nvdla_cube *from,
                           const struct nvdla_cube *to) {
    uint32_t atom = l->config->atom_bytes;
    uint32_t step = is_packed(l->config, from) && is_packed(l->config, to) ? to->channels : atom;
    for (uint32_t c = 0; c < to->channels; c += step) {
        uint32_t left = to->channels - c, channels = left < step ? left : step;
        const struct nvdla_cube source =
            tenon_nvdla_slice(l->config, from, 0, from->height, 0, from->width, c, channels);
        const struct nvdla_sdp sdp = {
            .cvt_scale = 1,
            .dest = tenon_nvdla_slice(l->config, to, 0, to->height, 0, to->width, c, channels)};
        tenon_nvdla_program_sdp(&l->program, &sdp, &source);
    }
}

void tenon_nvdla_emit_clamp(struct nvdla_lowering *l, const struct nvdla_cube *cube, int32_t low,
                            int32_t high) {
    const struct nvdla_sdp sdp = {
        .bs = {.alu = NVDLA_ALU_MAX, .alu_value = (int16_t)low},
        .bn = {.alu = NVDLA_ALU_MIN, .alu_value = (int16_t)high},
        .cvt_scale = 1,
        .dest = *cube,
    };
    tenon_nvdla_program_sdp(&l->program, &sdp, cube);
}

uint64_t tenon_nvdla_sdp_cycles(const struct nvdla_config *config, uint64_t elements) {
    return config->sdp_layer_cycles + elements;
}
