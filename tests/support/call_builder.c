/* See call_builder.h. */
#include "support/call_builder.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

void call_builder_init(struct call_builder *builder, enum tenon_op op) {
    memset(builder, 0, sizeof(*builder));
    builder->call = (struct tenon_op_call){.op = op,
                                           .rounding = TENON_ROUNDING_DOUBLE,
                                           .attrs = &builder->attrs,
                                           .inputs = builder->inputs,
                                           .outputs = builder->outputs};
}

void call_builder_finish(struct call_builder *builder) {
    for (uint32_t i = 0; i < builder->call.output_count; i++)
        free(builder->outputs[i].data);
    free(builder->call.scratch);
}

struct tenon_shape call_shape(int rank, int32_t a, int32_t b, int32_t c, int32_t d) {
    return (struct tenon_shape){.rank = (uint8_t)rank, .dims = {a, b, c, d}};
}

struct tenon_list call_list(int count, int32_t a, int32_t b, int32_t c, int32_t d) {
    return (struct tenon_list){.count = count, .values = {a, b, c, d}};
}

static struct tenon_desc *describe(struct call_builder *builder, uint32_t slot,
                                   enum tenon_type type, struct tenon_shape shape, float scale,
                                   int32_t zero_point) {
    builder->scales[slot] = scale;
    builder->zero_points[slot] = zero_point;
    builder->descs[slot] =
        (struct tenon_desc){.type = type,
                            .shape = shape,
                            .quant = {.count = scale != 0,
                                      .scale = &builder->scales[slot],
                                      .zero_point = &builder->zero_points[slot]}};
    return &builder->descs[slot];
}

void call_input(struct call_builder *builder, uint32_t i, enum tenon_type type,
                struct tenon_shape shape, float scale, int32_t zero_point, void *data) {
    builder->inputs[i].desc = describe(builder, i, type, shape, scale, zero_point);
    builder->inputs[i].data = data;
    if (builder->call.input_count <= i)
        builder->call.input_count = i + 1;
}

void call_output(struct call_builder *builder, uint32_t i, enum tenon_type type, float scale,
                 int32_t zero_point) {
    struct tenon_shape unknown = {.rank = TENON_RANK_UNKNOWN};
    builder->outputs[i].desc =
        describe(builder, CALL_INPUTS_MAX + i, type, unknown, scale, zero_point);
    if (builder->call.output_count <= i)
        builder->call.output_count = i + 1;
}

static void *allocate(size_t size) {
    return aligned_alloc(ALIGNMENT, (size + ALIGNMENT) & ~(size_t)(ALIGNMENT - 1));
}

enum tenon_status call_prepare(struct call_builder *builder, struct tenon_error *error) {
    enum tenon_status status = tenon_op_infer(&builder->call, error);
    for (uint32_t i = 0; status == TENON_OK && i < builder->call.output_count; i++) {
        builder->outputs[i].data = allocate(tenon_desc_size(builder->outputs[i].desc));
        if (builder->outputs[i].data == NULL)
            return tenon_fail_memory(error);
    }
    if (status == TENON_OK) {
        builder->call.scratch = allocate(tenon_op_scratch_bytes(&builder->call));
        if (builder->call.scratch == NULL)
            return tenon_fail_memory(error);
    }
    return status;
}
