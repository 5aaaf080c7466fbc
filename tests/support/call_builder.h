/*
 * One call of an operator, put together operand by operand for the runners of third-party vectors.
 * The builder owns descriptions, quantization and what it allocates; operand data is borrowed.
 */
#ifndef TESTS_CALL_BUILDER_H
#define TESTS_CALL_BUILDER_H

#include "op/op.h"

enum { CALL_INPUTS_MAX = 32, CALL_OUTPUTS_MAX = 4 };

struct call_builder {
    struct tenon_op_call call;
    struct tenon_attrs attrs;
    struct tenon_operand inputs[CALL_INPUTS_MAX], outputs[CALL_OUTPUTS_MAX];
    struct tenon_desc descs[CALL_INPUTS_MAX + CALL_OUTPUTS_MAX];
    float scales[CALL_INPUTS_MAX + CALL_OUTPUTS_MAX];
    int32_t zero_points[CALL_INPUTS_MAX + CALL_OUTPUTS_MAX];
};

void call_builder_init(struct call_builder *builder, enum tenon_op op);
/* Frees output data and scratch. */
void call_builder_finish(struct call_builder *builder);

struct tenon_shape call_shape(int rank, int32_t a, int32_t b, int32_t c, int32_t d);
struct tenon_list call_list(int count, int32_t a, int32_t b, int32_t c, int32_t d);

/* Operand i becomes present; those between the last one and it are absent. Scale 0: not quantized.
 */
void call_input(struct call_builder *builder, uint32_t i, enum tenon_type type,
                struct tenon_shape shape, float scale, int32_t zero_point, void *data);
/* The shape is inferred. */
void call_output(struct call_builder *builder, uint32_t i, enum tenon_type type, float scale,
                 int32_t zero_point);
/* Infers and allocates outputs and scratch. */
enum tenon_status call_prepare(struct call_builder *builder, struct tenon_error *error);

#endif
