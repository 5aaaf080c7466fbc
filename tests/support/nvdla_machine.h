/*
 * The functional model of NVDLA with memory, and register programs written by hand: a convolution,
 * SDP, PDP and CDP from memory. Expected results are computed here, the plain way.
 */
#ifndef TENON_TESTS_SUPPORT_NVDLA_MACHINE_H
#define TENON_TESTS_SUPPORT_NVDLA_MACHINE_H

#include "sim/nvdla/nvdla.h"

enum {
    NVDLA_RAM = 0x10000000,
    NVDLA_RAM_BYTES = 1 << 20,
    NVDLA_ROM = 0x20000000, /* read-only */
    NVDLA_ROM_BYTES = 1 << 20,
    NVDLA_INPUT = NVDLA_RAM,
    NVDLA_OUTPUT = NVDLA_RAM + NVDLA_RAM_BYTES / 2,
    NVDLA_WEIGHTS = NVDLA_ROM,
};

struct nvdla_machine {
    struct tenon_nvdla_sim *sim;
    uint8_t *ram, *rom;
    unsigned group[16]; /* per block: the next group to program */
};

/* False: out of memory. Memory holds varied bytes. */
bool nvdla_machine_init(struct nvdla_machine *machine);
void nvdla_machine_finish(struct nvdla_machine *machine);
/* Resets the device; memory stays. */
void nvdla_machine_reset(struct nvdla_machine *machine);

uint32_t nvdla_address(const char *name);
void nvdla_set(struct nvdla_machine *machine, const char *name, uint32_t value);
uint32_t nvdla_get(struct nvdla_machine *machine, const char *name);
/* S_POINTER of each block of a list ending with NULL, and then OP_ENABLE. */
void nvdla_point(struct nvdla_machine *machine, const char *const *blocks);
void nvdla_enable(struct nvdla_machine *machine, const char *const *blocks);

struct nvdla_conv {
    uint32_t width, height, channels, kernels, kernel_width, kernel_height;
    uint32_t stride, dilation, pad_left, pad_top, pad_right, pad_bottom;
    int8_t pad_value;
    uint32_t data_banks, weight_banks;
    uint32_t weight_bytes; /* 0: as many as are needed, rounded up to 8 */
    uint32_t input, weights, output;
    uint32_t cvt_shift;
    uint32_t misc;        /* of CDMA and CSC: what is reused and kept */
    uint32_t kept_slices; /* in the buffer before */
    uint32_t release;     /* 0: all */
};
/* 8 -> 8 channels, 3 x 3 on 6 x 5. */
extern const struct nvdla_conv nvdla_conv_small;
extern const char *const nvdla_conv_blocks[],
    *const nvdla_sdp_blocks[], *const nvdla_pdp_blocks[], *const nvdla_cdp_blocks[];

uint32_t nvdla_conv_out_width(const struct nvdla_conv *conv);
uint32_t nvdla_conv_out_height(const struct nvdla_conv *conv);
/* All registers but OP_ENABLE. */
void nvdla_program_conv(struct nvdla_machine *machine, const struct nvdla_conv *conv);
/* A 6 x 5 x 16 cube through SDP, through PDP (2 x 2, maximum), through CDP. */
void nvdla_program_sdp(struct nvdla_machine *machine);
void nvdla_program_pdp(struct nvdla_machine *machine);
void nvdla_program_cdp(struct nvdla_machine *machine);
/* Whether the output in memory is the convolution's, the sums shifted by cvt_shift. */
bool nvdla_conv_is_right(const struct nvdla_machine *machine, const struct nvdla_conv *conv);

#endif
