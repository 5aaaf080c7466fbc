/*
 * From operators to hardware layers. Every operator has a row: `plan` says whether a concrete node
 * can be lowered and prepares it, `emit` appends its layers. supports() is plan with the result
 * thrown away, compile is plan and emit: so what was promised is what is done.
 */
#ifndef TENON_BACKENDS_NVDLA_LOWER_H
#define TENON_BACKENDS_NVDLA_LOWER_H

#include "backend/backend.h"
#include "backends/nvdla/layer.h"
#include "op/kernel.h"

/* A tensor as feature cubes, one per picture of the batch, packed and one after the other. */
struct nvdla_shape {
    uint32_t batches, height, width, channels;
};

struct nvdla_tensor {
    bool known;
    uint32_t item;   /* of SCRATCH */
    uint64_t offset; /* in the item */
};

/* What planning a node is given. */
struct nvdla_node {
    const struct nvdla_config *config;
    const struct tenon_target *target;
    const struct tenon_graph *graph;
    uint32_t index;
    struct tenon_op_call call; /* with constants' data */
    struct tenon_arena *arena;
    char *reason;  /* TENON_REASON_BYTES */
    bool decide;   /* only whether: the plan is not emitted */
    bool estimate; /* only the cost is wanted: what is known to be possible is not proved again */
};

struct nvdla_lowering {
    const struct nvdla_config *config;
    const struct tenon_target *target;
    const struct tenon_part *part;
    struct tenon_arena *arena;
    struct tenon_code *out;
    struct nvdla_program program;
    struct nvdla_tensor *tensors; /* per tensor of the graph */
    uint32_t pair_item;           /* room for both operands of the sum at hand */
};

struct nvdla_operator {
    enum tenon_op op;
    /* NULL when the node cannot be lowered: `reason` says why. */
    void *(*plan)(struct nvdla_node *node);
    void (*emit)(struct nvdla_lowering *l, const struct nvdla_node *node, const void *plan);
    uint64_t (*cycles)(const struct nvdla_node *node, const void *plan);
    const char *(*kernel)(const void *plan); /* kind of hardware layers, static */
};

extern const struct nvdla_operator tenon_nvdla_operators[];
const struct nvdla_operator *tenon_nvdla_operator_find(enum tenon_op op);

/* Writes the reason and returns NULL. */
void *tenon_nvdla_refuse(struct nvdla_node *node, const char *format, ...) TENON_PRINTF(2, 3);

/* ---- tensors ---- */

/* False when the tensor has no form as cubes: more than 4 dimensions, or one above 8192. */
bool tenon_nvdla_shape_of(const struct tenon_desc *desc, struct nvdla_shape *out);
/* Bytes of one picture, and of all. */
uint64_t tenon_nvdla_cube_bytes(const struct nvdla_config *config, const struct nvdla_shape *shape);
/* The cube of a picture of a tensor's description and place. */
struct nvdla_cube tenon_nvdla_cube(const struct nvdla_config *config,
                                   const struct nvdla_shape *shape, uint32_t item, uint64_t offset,
                                   uint32_t batch);
/* The cube of a picture of operand i of a node: inputs, or outputs. */
struct nvdla_cube tenon_nvdla_input(const struct nvdla_lowering *l, const struct nvdla_node *node,
                                    uint32_t i, uint32_t batch);
struct nvdla_cube tenon_nvdla_output(const struct nvdla_lowering *l, const struct nvdla_node *node,
                                     uint32_t i, uint32_t batch);
/* A part of a cube: rows, columns and channels (from a multiple of the atom's). */
struct nvdla_cube tenon_nvdla_slice(const struct nvdla_config *config,
                                    const struct nvdla_cube *cube, uint32_t y, uint32_t height,
                                    uint32_t x, uint32_t width, uint32_t c, uint32_t channels);
/* int8, one scale for all, and a shape for cubes; otherwise refuses. */
bool tenon_nvdla_check_tensor(struct nvdla_node *node, const struct tenon_desc *desc,
                              const char *what, struct nvdla_shape *shape);
/* The same for operators that take u8 as well, whose cubes hold i8: see tenon_nvdla_is_view. */
bool tenon_nvdla_check_bytes(struct nvdla_node *node, const struct tenon_desc *desc,
                             const char *what, struct nvdla_shape *shape);

/* ---- what operators share ---- */

/* Copies or clamps a cube by SDP; within the source's place is fine. */
void tenon_nvdla_emit_copy(struct nvdla_lowering *l, const struct nvdla_cube *from,
                           const struct nvdla_cube *to);
void tenon_nvdla_emit_clamp(struct nvdla_lowering *l, const struct nvdla_cube *cube, int32_t low,
                            int32_t high);
uint64_t tenon_nvdla_sdp_cycles(const struct nvdla_config *config, uint64_t elements);

/* ---- families ---- */

void *tenon_nvdla_plan_linear(struct nvdla_node *node);
void tenon_nvdla_emit_linear(struct nvdla_lowering *l, const struct nvdla_node *node,
                             const void *plan);
uint64_t tenon_nvdla_linear_cycles(const struct nvdla_node *node, const void *plan);
const char *tenon_nvdla_linear_kernel(const void *plan);

void *tenon_nvdla_plan_pool(struct nvdla_node *node);
void *tenon_nvdla_plan_mean(struct nvdla_node *node);
void tenon_nvdla_emit_pool(struct nvdla_lowering *l, const struct nvdla_node *node,
                           const void *plan);
uint64_t tenon_nvdla_pool_cycles(const struct nvdla_node *node, const void *plan);
const char *tenon_nvdla_pool_kernel(const void *plan);

void *tenon_nvdla_plan_rescale(struct nvdla_node *node);
void *tenon_nvdla_plan_quantize(struct nvdla_node *node);
void *tenon_nvdla_plan_add(struct nvdla_node *node);
void *tenon_nvdla_plan_extreme(struct nvdla_node *node);
void *tenon_nvdla_plan_multiply(struct nvdla_node *node);
void *tenon_nvdla_plan_leaky(struct nvdla_node *node);
void *tenon_nvdla_plan_prelu(struct nvdla_node *node);
void tenon_nvdla_emit_elementwise(struct nvdla_lowering *l, const struct nvdla_node *node,
                                  const void *plan);
uint64_t tenon_nvdla_elementwise_cycles(const struct nvdla_node *node, const void *plan);
const char *tenon_nvdla_elementwise_kernel(const void *plan);

/* Whether a node that is supported gives its input's bytes another description, nothing more. Cubes
 * of u8 tensors hold their elements with the top bit flipped, as i8: a change between u8 and i8
 * costs nothing. */
bool tenon_nvdla_is_view(const struct tenon_graph *graph, uint32_t index);
/* The exact form of a sum: operands are checked. */
void *tenon_nvdla_plan_sum(struct nvdla_node *node);
void tenon_nvdla_emit_sum(struct nvdla_lowering *l, const struct nvdla_node *node,
                          const void *plan);
uint64_t tenon_nvdla_sum_cycles(const struct nvdla_node *node, const void *plan);

void *tenon_nvdla_plan_reshape(struct nvdla_node *node);
void tenon_nvdla_emit_reshape(struct nvdla_lowering *l, const struct nvdla_node *node,
                              const void *plan);
void *tenon_nvdla_plan_concatenation(struct nvdla_node *node);
void tenon_nvdla_emit_concatenation(struct nvdla_lowering *l, const struct nvdla_node *node,
                                    const void *plan);
void *tenon_nvdla_plan_split(struct nvdla_node *node);
void tenon_nvdla_emit_split(struct nvdla_lowering *l, const struct nvdla_node *node,
                            const void *plan);
void *tenon_nvdla_plan_slice(struct nvdla_node *node);
void tenon_nvdla_emit_slice(struct nvdla_lowering *l, const struct nvdla_node *node,
                            const void *plan);
void *tenon_nvdla_plan_pad(struct nvdla_node *node);
void tenon_nvdla_emit_pad(struct nvdla_lowering *l, const struct nvdla_node *node,
                          const void *plan);
uint64_t tenon_nvdla_copy_cycles(const struct nvdla_node *node, const void *plan);
const char *tenon_nvdla_copy_kernel(const void *plan);
/* Channels before input (output) i of a node, when it is a concatenation (a split) along channels
 * of a single picture; otherwise false. */
bool tenon_nvdla_concatenation_offset(const struct tenon_graph *graph, uint32_t index, uint32_t i,
                                      uint32_t *channels);
bool tenon_nvdla_split_offset(const struct tenon_graph *graph, uint32_t index, uint32_t i,
                              uint32_t *channels);
/* The same for a slice that takes whole pixels' channels. */
bool tenon_nvdla_slice_offset(const struct tenon_graph *graph, uint32_t index, uint32_t *channels);

#endif
