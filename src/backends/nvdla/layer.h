/*
 * Hardware layers: what one operation of NVDLA's pipelines is told, and the program that they are
 * appended to. Nothing here knows of graphs. Sources: nvdla/sw kmd/firmware (order of programming),
 * nvdla/hw spec and traces (meaning of fields), docs/nvdla.md.
 */
#ifndef TENON_BACKENDS_NVDLA_LAYER_H
#define TENON_BACKENDS_NVDLA_LAYER_H

#include "backends/nvdla/registers.h"
#include "image/nvdla_code.h"

/* A feature cube, or a rectangle of one: [surface][height][width][atom]. */
struct nvdla_cube {
    uint8_t place;   /* enum tenon_nvdla_place */
    uint64_t offset; /* until memory is planned: in the item `item` */
    uint32_t item;   /* of SCRATCH */
    uint32_t width, height, channels;
    uint32_t line_stride, surface_stride;
};

enum nvdla_alu { NVDLA_ALU_NONE, NVDLA_ALU_ADD, NVDLA_ALU_MIN, NVDLA_ALU_MAX };
enum nvdla_operand { NVDLA_OPERAND_VALUE, NVDLA_OPERAND_CHANNEL, NVDLA_OPERAND_ELEMENT };

/* BS or BN: (x alu operand << alu_shift) * operand >> mul_shift, then ReLU. All zero: bypassed. */
struct nvdla_stage {
    enum nvdla_alu alu;
    bool mul, prelu, relu;
    uint32_t alu_shift, mul_shift;
    enum nvdla_operand alu_source, mul_source;
    int16_t alu_value, mul_value;
    uint64_t channel_offset;    /* CHANNEL: in DATA, {alu, mul} or one of them as int16 each */
    struct nvdla_cube elements; /* ELEMENT: int8, one of the two */
};

struct nvdla_sdp {
    struct nvdla_stage bs, bn;
    int32_t cvt_offset;
    int16_t cvt_scale;
    uint32_t cvt_shift;
    struct nvdla_cube dest;
};

struct nvdla_conv {
    struct nvdla_cube source;
    uint64_t weights_offset; /* in DATA */
    uint32_t weight_bytes;   /* of all kernels, as they are */
    uint32_t kernels, kernel_height, kernel_width;
    uint32_t stride_y, stride_x, dilation_y, dilation_x;
    uint32_t pad_top, pad_left, pad_bottom, pad_right;
    int8_t pad_value;
    uint32_t data_banks, weight_banks;
    struct nvdla_sdp sdp; /* width and height of its dest are those of the convolution */
};

enum nvdla_pooling { NVDLA_POOL_AVERAGE, NVDLA_POOL_MAX, NVDLA_POOL_MIN };

struct nvdla_pdp {
    enum nvdla_pooling method;
    struct nvdla_cube source, dest;
    uint32_t kernel_height, kernel_width, stride_y, stride_x;
    uint32_t pad_top, pad_left, pad_bottom, pad_right;
    int32_t pad_value;
    uint32_t recip_width, recip_height; /* 16 bits after the point */
};

/* What is being written. Offsets into SCRATCH are plan items' until tenon_nvdla_program_place. */
struct nvdla_program {
    const struct nvdla_config *config;
    struct tenon_arena *arena;
    struct tenon_nvdla_command *commands;
    uint32_t *items; /* per command: the plan item of a SCRATCH offset */
    uint32_t command_count, command_capacity;
    struct tenon_nvdla_move *moves;
    uint32_t *move_items;
    uint32_t move_count, move_capacity;
    uint32_t operations[NVDLA_BLOCK_COUNT]; /* performed so far: its low bit is the group */
    bool failed;                            /* out of memory */
};

void tenon_nvdla_program_init(struct nvdla_program *program, const struct nvdla_config *config,
                              struct tenon_arena *arena);
/* The following is done for node `node` of the part. */
void tenon_nvdla_program_node(struct nvdla_program *program, uint32_t node);
/* move->cube_offset is in plan item `item`. */
void tenon_nvdla_program_move(struct nvdla_program *program, enum tenon_nvdla_command_kind kind,
                              const struct tenon_nvdla_move *move, uint32_t item);
void tenon_nvdla_program_conv(struct nvdla_program *program, const struct nvdla_conv *conv);
/* SDP alone, from memory to memory. */
void tenon_nvdla_program_sdp(struct nvdla_program *program, const struct nvdla_sdp *sdp,
                             const struct nvdla_cube *source);
void tenon_nvdla_program_pdp(struct nvdla_program *program, const struct nvdla_pdp *pdp);
/* Adds the offset of each plan item to what refers to it. */
void tenon_nvdla_program_place(struct nvdla_program *program, const uint64_t *item_offsets);

/* Bytes that CDMA and CSC are told: whole entries of CBUF. (The documents and NVIDIA's kernel
 * driver say 128; on nv_small that shifts the next layer's weights.) */
uint32_t tenon_nvdla_weight_bytes(const struct nvdla_config *config, uint32_t bytes);
/* CBUF entries of one line of a cube, and banks of a number of entries. */
uint32_t tenon_nvdla_slice_entries(const struct nvdla_config *config, uint32_t width,
                                   uint32_t channels);
uint32_t tenon_nvdla_banks(const struct nvdla_config *config, uint64_t entries);

#endif
