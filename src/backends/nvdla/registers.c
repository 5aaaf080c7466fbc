/*
 * The tables: registers, their fields, and the configurations. nv_large and nv_full have the same
 * registers and more of everything else; a row each, when they are targets.
 */
#include "backends/nvdla/registers.h"

#include <string.h>

static const struct tenon_register registers[] = {
#define REGISTER(block, name, address, bits) {#block, #name, address, bits},
#define FIELD(block, reg, name, shift, bits)
#include "backends/nvdla/registers.def"
#undef REGISTER
#undef FIELD
};

static const struct tenon_register_field fields[] = {
#define REGISTER(block, name, address, bits)
#define FIELD(block, reg, name, shift, bits) {NVDLA_##block##_##reg, shift, bits, #name},
#include "backends/nvdla/registers.def"
#undef REGISTER
#undef FIELD
};

const struct tenon_register_table tenon_nvdla_registers = {registers, fields, NVDLA_REGISTER_COUNT,
                                                           NVDLA_FIELD_COUNT};

const uint8_t tenon_nvdla_register_blocks[] = {
#define REGISTER(block, name, address, bits) NVDLA_##block,
#define FIELD(block, reg, name, shift, bits)
#include "backends/nvdla/registers.def"
#undef REGISTER
#undef FIELD
};

const struct nvdla_config tenon_nvdla_configs[] = {
    {
        .name = "nv_small",
        .target = "nvdla:nv_small",
        .compatibility = "nvdla-nv_small-1",
        .atom_bytes = 8,
        .atom_channels = 8,
        .atom_kernels = 8,
        .cbuf_banks = 32,
        .cbuf_bank_entries = 512,
        .cbuf_entry_bytes = 8,
        .pooling_lines_width = 128,
        .clock_mhz = 1000,
        .sdp_layer_cycles = 130,
        .bus_bytes = 8,
    },
    {.name = NULL},
};

const struct nvdla_config *tenon_nvdla_config_find(const char *target) {
    for (const struct nvdla_config *c = tenon_nvdla_configs; c->name != NULL; c++)
        if (strcmp(c->target, target) == 0)
            return c;
    return NULL;
}
