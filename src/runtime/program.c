/* Programs: an image in memory, mapped or owned, read once. */
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"
#include "util/checked.h"

static void program_destroy(struct tenon_program *program) {
    tenon_arena_finish(&program->arena);
    tenon_mapping_close(&program->mapping);
    free(program->owned);
    free(program);
}

/* Reads the image of a program whose bytes are set; publishes or destroys it. */
static enum tenon_status publish(struct tenon_program *program, struct tenon_program **out,
                                 struct tenon_error *error) {
    atomic_init(&program->refs, 1);
    tenon_arena_init(&program->arena, 0);
    enum tenon_status status =
        tenon_image_read(program->bytes, &program->arena, &program->image, error);
    if (status == TENON_OK)
        *out = program;
    else
        program_destroy(program);
    return status;
}

enum tenon_status tenon_program_open(const char *path, struct tenon_program **out,
                                     struct tenon_error *error) {
    *out = NULL;
    struct tenon_program *program = calloc(1, sizeof(*program));
    if (program == NULL)
        return tenon_fail_memory(error);
    enum tenon_status status = tenon_mapping_open(&program->mapping, path, error);
    if (status != TENON_OK) {
        free(program);
        return status;
    }
    program->bytes = program->mapping.bytes;
    status = publish(program, out, error);
    return status == TENON_OK ? status : tenon_error_prefix(error, status, "%s", path);
}

enum tenon_status tenon_program_adopt(void *block, size_t offset, size_t size,
                                      struct tenon_program **out, struct tenon_error *error) {
    *out = NULL;
    struct tenon_program *program = calloc(1, sizeof(*program));
    if (program == NULL) {
        free(block);
        return tenon_fail_memory(error);
    }
    program->owned = block;
    program->bytes = (struct tenon_span){(const uint8_t *)block + offset, size};
    return publish(program, out, error);
}

enum tenon_status tenon_program_open_memory(const void *data, size_t size,
                                            struct tenon_program **out, struct tenon_error *error) {
    *out = NULL;
    size_t room = (size / TENON_IMAGE_ALIGNMENT + 1) * TENON_IMAGE_ALIGNMENT;
    void *copy = size <= PTRDIFF_MAX ? aligned_alloc(TENON_IMAGE_ALIGNMENT, room) : NULL;
    if (copy == NULL)
        return tenon_fail_memory(error);
    memcpy(copy, data, size);
    return tenon_program_adopt(copy, 0, size, out, error);
}

enum tenon_status tenon_program_save(const struct tenon_program *program, const char *path,
                                     struct tenon_error *error) {
    return tenon_file_replace(path, program->bytes.data, program->bytes.size, error);
}

const void *tenon_program_data(const struct tenon_program *program, size_t *size) {
    *size = program->bytes.size;
    return program->bytes.data;
}

struct tenon_program *tenon_program_ref(struct tenon_program *program) {
    atomic_fetch_add(&program->refs, 1);
    return program;
}

void tenon_program_unref(struct tenon_program *program) {
    if (program != NULL && atomic_fetch_sub(&program->refs, 1) == 1)
        program_destroy(program);
}

uint32_t tenon_program_input_count(const struct tenon_program *program) {
    return program->image.input_count;
}

uint32_t tenon_program_output_count(const struct tenon_program *program) {
    return program->image.output_count;
}

static enum tenon_status describe(const struct tenon_program *program, const uint32_t *edges,
                                  uint32_t count, uint32_t index, struct tenon_tensor_info *out) {
    if (index >= count)
        return TENON_ERROR_INVALID_ARGUMENT;
    const struct tenon_image_edge *edge = &program->image.edges[edges[index]];
    *out = (struct tenon_tensor_info){
        .name = edge->name,
        .type = edge->desc.type,
        .rank = edge->desc.shape.rank,
        .size_bytes = edge->size_bytes,
        .scale_count = edge->desc.quant.count,
        .axis = edge->desc.quant.axis,
        .scales = edge->desc.quant.scale,
        .zero_points = edge->desc.quant.zero_point,
    };
    memcpy(out->dims, edge->desc.shape.dims, sizeof(out->dims));
    return TENON_OK;
}

enum tenon_status tenon_program_input(const struct tenon_program *program, uint32_t index,
                                      struct tenon_tensor_info *out) {
    return describe(program, program->image.inputs, program->image.input_count, index, out);
}

enum tenon_status tenon_program_output(const struct tenon_program *program, uint32_t index,
                                       struct tenon_tensor_info *out) {
    return describe(program, program->image.outputs, program->image.output_count, index, out);
}

uint32_t tenon_program_node_count(const struct tenon_program *program) {
    return program->image.node_count;
}

enum tenon_status tenon_program_placement(const struct tenon_program *program, uint32_t index,
                                          struct tenon_placement *out) {
    if (index >= program->image.node_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    const struct tenon_image_node *node = &program->image.nodes[index];
    *out = (struct tenon_placement){
        .node = node->name,
        .op = node->op,
        .device = program->image.parts[node->part].target,
        .kernel = node->kernel,
        .reason = node->reason,
        .macs = node->macs,
    };
    return TENON_OK;
}

uint32_t tenon_program_part_count(const struct tenon_program *program) {
    return program->image.part_count;
}

enum tenon_status tenon_program_part(const struct tenon_program *program, uint32_t index,
                                     struct tenon_program_part *out) {
    if (index >= program->image.part_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    const struct tenon_image_part *part = &program->image.parts[index];
    *out = (struct tenon_program_part){
        .target = part->target,
        .compatibility = part->compatibility,
        .code_bytes = part->code.size,
        .constant_bytes = part->data.size,
        .scratch_bytes = (size_t)part->scratch_bytes,
    };
    for (uint32_t i = 0; i < program->image.node_count; i++)
        out->node_count += program->image.nodes[i].part == index;
    return TENON_OK;
}

void tenon_program_get_memory(const struct tenon_program *program,
                              struct tenon_program_memory *out) {
    *out = (struct tenon_program_memory){.image_bytes = program->bytes.size};
    for (uint32_t i = 0; i < program->image.part_count; i++) {
        const struct tenon_image_part *part = &program->image.parts[i];
        out->constant_bytes += part->data.size;
        if (part->scratch_bytes > out->scratch_bytes)
            out->scratch_bytes = (size_t)part->scratch_bytes;
    }
    for (uint32_t i = 0; i < program->image.edge_count; i++) {
        const struct tenon_image_edge *edge = &program->image.edges[i];
        if ((edge->kind == TENON_EDGE_VARIABLE || edge->kind == TENON_EDGE_BETWEEN) &&
            !tenon_add_size(out->scratch_bytes, edge->size_bytes, &out->scratch_bytes))
            out->scratch_bytes = SIZE_MAX;
    }
}
