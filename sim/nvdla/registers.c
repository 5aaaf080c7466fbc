/*
 * The register files: names, addresses, the two groups of each block and their parity. A block's
 * S_ registers are shared by the groups. The group that software writes is S_POINTER.PRODUCER; the
 * block executes its groups in turn and clears OP_ENABLE when an operation is done.
 */
#include <stdio.h>
#include <string.h>

#include "device.h"

static const char *const block_names[NV_BLOCK_COUNT] = {
    "GLB",      "MCIF", "CDMA",     "CSC", "CMAC_A",   "CMAC_B", "CACC",
    "SDP_RDMA", "SDP",  "PDP_RDMA", "PDP", "CDP_RDMA", "CDP"};

/* 4 KiB each; GLB's place is in the configuration. */
static const uint32_t block_bases[NV_BLOCK_COUNT] = {0,      0x2000, 0x3000, 0x4000, 0x5000,
                                                     0x6000, 0x7000, 0x8000, 0x9000, 0xa000,
                                                     0xb000, 0xc000, 0xd000};

enum { BLOCK_BYTES = 0x1000 };

/* Rows in the order of the list; names in one block of characters, so that nothing is relocated. */
enum {
#define REGISTER(block, offset, name, mask, reset) ROW_##block##_##name,
#include "registers.def"
#undef REGISTER
    ROW_COUNT
};

static const struct names {
#define REGISTER(block, offset, name, mask, reset) char block##_##name[sizeof(#name)];
#include "registers.def"
#undef REGISTER
} names = {
#define REGISTER(block, offset, name, mask, reset) #name,
#include "registers.def"
#undef REGISTER
};

static const struct row {
    uint32_t mask, reset;
    uint16_t name; /* offset in names */
    bool shared, enable;
} rows[ROW_COUNT] = {
#define REGISTER(block, offset, name, mask, reset)                         \
    {mask, reset, offsetof(struct names, block##_##name), #name[0] == 'S', \
     sizeof(#name) == sizeof("D_OP_ENABLE") && #name[2] == 'O' && #name[3] == 'P'},
#include "registers.def"
#undef REGISTER
};

/* One more than the row of each word of each block; 0: none. */
static const uint16_t places[NV_BLOCK_COUNT][NV_REGISTER_WORDS] = {
#define REGISTER(block, offset, name, mask, reset) \
    [NV_##block][(offset) / 4] = ROW_##block##_##name + 1,
#include "registers.def"
#undef REGISTER
};

static const struct row *row_of(enum nv_block block, uint32_t offset) {
    if (offset % 4 != 0 || offset / 4 >= NV_REGISTER_WORDS || places[block][offset / 4] == 0)
        return NULL;
    return &rows[places[block][offset / 4] - 1];
}

static const char *name_of(const struct row *row) {
    return (const char *)&names + row->name;
}

const char *tenon_nv_register_name(enum nv_block block, uint32_t offset) {
    const struct row *row = row_of(block, offset);
    return row != NULL ? name_of(row) : NULL;
}

const char *tenon_nv_block_name(enum nv_block block) {
    return block_names[block];
}

uint32_t tenon_nv_block_base(const struct tenon_nvdla_sim_config *config, enum nv_block block) {
    return block == NV_GLB ? config->glb_base : block_bases[block];
}

void tenon_nv_registers_reset(struct tenon_nvdla_sim *sim) {
    for (enum nv_block b = 0; b < NV_BLOCK_COUNT; b++) {
        memset(&sim->blocks[b], 0, sizeof(sim->blocks[b]));
        for (uint32_t i = 0; i < NV_REGISTER_WORDS; i++) {
            const struct row *row = row_of(b, i * 4);
            sim->blocks[b].regs[0][i] = sim->blocks[b].regs[1][i] = row != NULL ? row->reset : 0;
        }
    }
    sim->interrupt_status = 0;
}

static bool find(struct tenon_nvdla_sim *sim, uint32_t address, enum nv_block *block,
                 const struct row **reg) {
    for (enum nv_block b = 0; b < NV_BLOCK_COUNT; b++) {
        uint32_t base = tenon_nv_block_base(sim->config, b);
        if (address < base || address - base >= BLOCK_BYTES)
            continue;
        *block = b;
        *reg = row_of(b, address - base);
        if (*reg != NULL)
            return true;
    }
    return tenon_nv_fault(sim, NV_RULE_CSB_ADDRESS, NV_GLB, UINT32_MAX,
                          "there is no register at 0x%x", address);
}

static void write_glb(struct tenon_nvdla_sim *sim, uint32_t offset, uint32_t value) {
    if (offset == NV_GLB_S_INTR_STATUS)
        sim->interrupt_status &= ~value;
    else if (offset == NV_GLB_S_INTR_SET)
        sim->interrupt_status |= value;
    else
        sim->blocks[NV_GLB].regs[0][offset / 4] = value;
}

static void write_shared(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                         uint32_t value) {
    struct nv_block_state *state = &sim->blocks[block];
    state->regs[0][offset / 4] = state->regs[1][offset / 4] = value;
    if (offset == NV_CDMA_S_POINTER) /* 4 in every block */
        state->producer = value & 1;
    if (block == NV_CDP && offset == NV_CDP_S_LUT_ACCESS_DATA)
        tenon_nv_cdp_lut_write(sim, value);
}

static void write_group(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                        const struct row *reg, uint32_t value) {
    struct nv_block_state *state = &sim->blocks[block];
    uint8_t group = state->producer;
    if (state->enabled[group] && reg->mask != 0) {
        if (reg->enable)
            (void)tenon_nv_fault(sim, NV_RULE_CSB_POINTER, block, offset,
                                 "group %u is enabled already", group);
        else
            (void)tenon_nv_fault(sim, NV_RULE_CSB_BUSY_GROUP, block, offset,
                                 "group %u is enabled and waits or runs", group);
        return;
    }
    if (reg->mask != 0)
        state->regs[group][offset / 4] = value;
    if (reg->enable) {
        state->enabled[group] = value & 1;
        state->enabled_at[group] = sim->operations_done;
    }
}

void tenon_nvdla_sim_write(struct tenon_nvdla_sim *sim, uint32_t address, uint32_t value) {
    enum nv_block block;
    const struct row *reg;
    sim->stats.register_writes++;
    if (sim->faulted || !find(sim, address, &block, &reg))
        return;
    uint32_t offset = address - tenon_nv_block_base(sim->config, block);
    value &= reg->mask;
    if (block == NV_GLB)
        write_glb(sim, offset, value);
    else if (reg->shared)
        write_shared(sim, block, offset, value);
    else
        write_group(sim, block, offset, reg, value);
}

/* 0 idle, 1 running, 2 enabled behind the other group. */
static uint32_t group_status(const struct nv_block_state *state, uint8_t group) {
    if (!state->enabled[group])
        return 0;
    return state->consumer == group ? 1 : 2;
}

uint32_t tenon_nvdla_sim_read(struct tenon_nvdla_sim *sim, uint32_t address) {
    enum nv_block block;
    const struct row *reg;
    sim->stats.register_reads++;
    if (sim->faulted || !find(sim, address, &block, &reg))
        return 0;
    uint32_t offset = address - tenon_nv_block_base(sim->config, block);
    const struct nv_block_state *state = &sim->blocks[block];
    if (block == NV_GLB)
        return offset == NV_GLB_S_INTR_STATUS || offset == NV_GLB_S_INTR_SET
                   ? sim->interrupt_status
                   : state->regs[0][offset / 4];
    if (offset == NV_CDMA_S_STATUS)
        return group_status(state, 0) | group_status(state, 1) << 16;
    if (offset == NV_CDMA_S_POINTER)
        return state->producer | (uint32_t)state->consumer << 16;
    if (block == NV_CDMA && offset == NV_CDMA_S_CBUF_FLUSH_STATUS)
        return 1; /* the buffer is cleared by reset */
    if (block == NV_CDP && offset == NV_CDP_S_LUT_ACCESS_DATA)
        return tenon_nv_cdp_lut_read(sim);
    return state->regs[reg->shared ? 0 : state->producer][offset / 4];
}

void tenon_nv_finish(struct tenon_nvdla_sim *sim, enum nv_block block) {
    struct nv_block_state *state = &sim->blocks[block];
    for (uint32_t i = 0; i < NV_REGISTER_WORDS; i++)
        if (places[block][i] != 0 && rows[places[block][i] - 1].enable)
            state->regs[state->consumer][i] = 0;
    state->enabled[state->consumer] = false;
    state->consumer ^= 1;
    state->operations++;
}

void tenon_nv_finish_interrupt(struct tenon_nvdla_sim *sim, enum nv_block block, unsigned bit) {
    sim->interrupt_status |= 1u << (bit + sim->blocks[block].consumer);
    tenon_nv_finish(sim, block);
}

uint32_t tenon_nvdla_sim_interrupts(const struct tenon_nvdla_sim *sim) {
    return sim->interrupt_status & ~sim->blocks[NV_GLB].regs[0][NV_GLB_S_INTR_MASK / 4];
}

/* Whether `name` is "BLOCK.REGISTER", with or without the traces' NVDLA_ and _0. */
static bool matches(const char *name, const char *block, const char *reg) {
    if (strncmp(name, "NVDLA_", 6) == 0)
        name += 6;
    size_t length = strlen(block);
    if (strncmp(name, block, length) != 0 || name[length] != '.')
        return false;
    name += length + 1;
    length = strlen(reg);
    return strncmp(name, reg, length) == 0 &&
           (name[length] == '\0' || strcmp(name + length, "_0") == 0);
}

bool tenon_nvdla_sim_register_find(const struct tenon_nvdla_sim_config *config, const char *name,
                                   uint32_t *address) {
    for (enum nv_block b = 0; b < NV_BLOCK_COUNT; b++)
        for (uint32_t i = 0; i < NV_REGISTER_WORDS; i++)
            if (places[b][i] != 0 &&
                matches(name, block_names[b], name_of(&rows[places[b][i] - 1]))) {
                *address = tenon_nv_block_base(config, b) + i * 4;
                return true;
            }
    return false;
}
