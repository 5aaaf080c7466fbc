/* The register table of NVDLA by symbolic index, and configurations. */
#ifndef TENON_BACKENDS_NVDLA_REGISTERS_H
#define TENON_BACKENDS_NVDLA_REGISTERS_H

#include "backend/register_table.h"

/* Blocks that perform operations; each counts its own, and takes its two register groups in turn.
 * In the order in which a layer's registers are written. */
enum nvdla_block {
    NVDLA_GLB,
    NVDLA_CDMA,
    NVDLA_CSC,
    NVDLA_CMAC_A,
    NVDLA_CMAC_B,
    NVDLA_CACC,
    NVDLA_SDP_RDMA,
    NVDLA_SDP,
    NVDLA_PDP_RDMA,
    NVDLA_PDP,
    NVDLA_BLOCK_COUNT
};

enum nvdla_register {
#define REGISTER(block, name, address, bits) NVDLA_##block##_##name,
#define FIELD(block, reg, name, shift, bits)
#include "backends/nvdla/registers.def"
#undef REGISTER
#undef FIELD
    NVDLA_REGISTER_COUNT
};

enum nvdla_field {
#define REGISTER(block, name, address, bits)
#define FIELD(block, reg, name, shift, bits) NVDLA_##block##_##reg##_##name##_FIELD,
#include "backends/nvdla/registers.def"
#undef REGISTER
#undef FIELD
    NVDLA_FIELD_COUNT
};

extern const struct tenon_register_table tenon_nvdla_registers;
/* The block of each register. */
extern const uint8_t tenon_nvdla_register_blocks[NVDLA_REGISTER_COUNT];

/* What a configuration of the hardware has; a row per target. */
struct nvdla_config {
    const char *name;   /* "nv_small" */
    const char *target; /* "nvdla:nv_small" */
    const char *compatibility;
    uint32_t atom_bytes;    /* of a feature cube; channels of int8 in one atom */
    uint32_t atom_channels; /* input channels of one multiplication cycle */
    uint32_t atom_kernels;  /* kernels that are computed at the same time */
    uint32_t cbuf_banks, cbuf_bank_entries, cbuf_entry_bytes;
    uint32_t pooling_lines_width; /* widest output of PDP with one line buffer */
    uint32_t clock_mhz;           /* for estimates */
    uint32_t sdp_layer_cycles;    /* of SDP or PDP alone, and one for each element */
    uint32_t bus_bytes;           /* of memory traffic in a cycle */
};

extern const struct nvdla_config tenon_nvdla_configs[];
/* NULL when no configuration has this target. */
const struct nvdla_config *tenon_nvdla_config_find(const char *target);

#endif
