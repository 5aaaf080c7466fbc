/*
 * The model: its memory, and which hardware layer is next. A layer is executed at once, as soon as
 * every block that takes part in it is enabled.
 */
#include <stdlib.h>
#include <string.h>

#include "device.h"

static const struct tenon_nvdla_sim_config configs[] = {
    {
        .name = "nv_small",
        .atom_bytes = 8,
        .cbuf_banks = 32,
        .cbuf_bank_entries = 512,
        .cbuf_entry_bytes = 8,
        .glb_base = 0x1000,
    },
};

/* Of a group that fits into 31 banks: blocks of 8 channels of all kernels, and of one. */
enum {
    RING_ENTRIES = 31 * 512,
    KERNEL_AREA_MAX = 32 * 32,
    WEIGHT_BLOCKS = RING_ENTRIES + NV_LANES * KERNEL_AREA_MAX,
};

const struct tenon_nvdla_sim_config *tenon_nvdla_sim_config_find(const char *name) {
    for (size_t i = 0; i < TENON_COUNT_OF(configs); i++)
        if (strcmp(configs[i].name, name) == 0)
            return &configs[i];
    return NULL;
}

struct tenon_nvdla_sim *tenon_nvdla_sim_create(const struct tenon_nvdla_sim_config *config) {
    struct tenon_nvdla_sim *sim = calloc(1, sizeof(*sim));
    if (sim == NULL)
        return NULL;
    size_t line = (size_t)NV_DIMENSION_MAX * NV_LANES;
    size_t entries = (size_t)config->cbuf_banks * config->cbuf_bank_entries;
    sim->config = config;
    sim->cbuf = calloc(entries, config->cbuf_entry_bytes);
    sim->input = calloc(entries * NV_LANES, sizeof(*sim->input));
    sim->weights = calloc((size_t)WEIGHT_BLOCKS * NV_LANES, sizeof(*sim->weights));
    sim->window = calloc((size_t)WEIGHT_BLOCKS * NV_LANES, sizeof(*sim->window));
    sim->line = calloc(line, sizeof(*sim->line));
    sim->out_line = calloc(line, 1);
    sim->pool_lines = calloc(line, NV_POOL_LINES);
    if (sim->cbuf == NULL || sim->input == NULL || sim->weights == NULL || sim->window == NULL ||
        sim->line == NULL || sim->out_line == NULL || sim->pool_lines == NULL) {
        tenon_nvdla_sim_destroy(sim);
        return NULL;
    }
    tenon_nvdla_sim_reset(sim);
    return sim;
}

void tenon_nvdla_sim_destroy(struct tenon_nvdla_sim *sim) {
    if (sim == NULL)
        return;
    free(sim->cbuf);
    free(sim->input);
    free(sim->weights);
    free(sim->window);
    free(sim->line);
    free(sim->out_line);
    free(sim->pool_lines);
    free(sim);
}

void tenon_nvdla_sim_reset(struct tenon_nvdla_sim *sim) {
    tenon_nv_registers_reset(sim);
    tenon_nv_cbuf_reset(sim);
    /* CDMA clears the buffer after reset: S_CBUF_FLUSH_STATUS. */
    memset(sim->cbuf, 0,
           (size_t)sim->config->cbuf_banks * sim->config->cbuf_bank_entries *
               sim->config->cbuf_entry_bytes);
    sim->operations_done = 0;
    sim->faulted = false;
}

void tenon_nvdla_sim_set_observer(
    struct tenon_nvdla_sim *sim,
    void (*observe)(void *user, const struct tenon_nvdla_sim_operation *operation), void *user) {
    sim->observe = observe;
    sim->observe_user = user;
}

void tenon_nvdla_sim_set_limit(struct tenon_nvdla_sim *sim, bool (*stop)(void *user), void *user) {
    sim->stop = stop;
    sim->stop_user = user;
}

bool tenon_nv_go_on(struct tenon_nvdla_sim *sim, enum nv_block block) {
    if (sim->stop == NULL || !sim->stop(sim->stop_user))
        return true;
    return tenon_nv_fault(sim, NV_RULE_MODEL_STOPPED, block, UINT32_MAX,
                          "the time for this job is over");
}

const struct tenon_nvdla_sim_stats *tenon_nvdla_sim_stats(const struct tenon_nvdla_sim *sim) {
    return &sim->stats;
}

/* ---- what is next ---- */

static bool sdp_flies(const struct tenon_nvdla_sim *sim) {
    return (nv_get(sim, NV_SDP, NV_SDP_D_FEATURE_MODE_CFG) & 1) != 0;
}

/* The blocks that SDP's enabled group needs besides SDP, as bits. */
static uint32_t sdp_needs(const struct tenon_nvdla_sim *sim) {
    uint32_t needs = 0;
    if (sdp_flies(sim))
        needs |= 1u << NV_CDMA | 1u << NV_CSC | 1u << NV_CMAC_A | 1u << NV_CMAC_B | 1u << NV_CACC;
    if (tenon_nv_sdp_needs_rdma(sim))
        needs |= 1u << NV_SDP_RDMA;
    if (nv_bits(nv_get(sim, NV_SDP, NV_SDP_D_FEATURE_MODE_CFG), 1, 1))
        needs |= 1u << NV_PDP;
    return needs;
}

static bool pdp_flies(const struct tenon_nvdla_sim *sim) {
    return nv_bits(nv_get(sim, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG), 4, 4) == 0;
}

static uint32_t needs_of(const struct tenon_nvdla_sim *sim, enum nv_block block) {
    if (block == NV_SDP)
        return sdp_needs(sim);
    if (block == NV_PDP)
        return pdp_flies(sim) ? 1u << NV_SDP : 1u << NV_PDP_RDMA;
    if (block == NV_CDP)
        return 1u << NV_CDP_RDMA;
    return 0;
}

static bool all_ready(const struct tenon_nvdla_sim *sim, uint32_t blocks) {
    for (enum nv_block b = 0; b < NV_BLOCK_COUNT; b++)
        if ((blocks >> b & 1) != 0 && !nv_ready(sim, b))
            return false;
    return true;
}

static bool can_run(const struct tenon_nvdla_sim *sim, enum nv_block block) {
    return nv_ready(sim, block) && all_ready(sim, needs_of(sim, block));
}

static bool any_enabled(const struct tenon_nvdla_sim *sim) {
    for (enum nv_block b = 0; b < NV_BLOCK_COUNT; b++)
        if (sim->blocks[b].enabled[0] || sim->blocks[b].enabled[1])
            return true;
    return false;
}

static enum tenon_nvdla_sim_state state_of(const struct tenon_nvdla_sim *sim) {
    if (sim->faulted)
        return TENON_NVDLA_SIM_FAULT;
    return any_enabled(sim) ? TENON_NVDLA_SIM_BLOCKED : TENON_NVDLA_SIM_IDLE;
}

enum tenon_nvdla_sim_state tenon_nvdla_sim_step(struct tenon_nvdla_sim *sim, bool *did) {
    *did = false;
    if (sim->faulted)
        return TENON_NVDLA_SIM_FAULT;
    if (can_run(sim, NV_SDP))
        *did = sdp_flies(sim) ? tenon_nv_conv_run(sim) : tenon_nv_sdp_run(sim);
    else if (!pdp_flies(sim) && can_run(sim, NV_PDP))
        *did = tenon_nv_pdp_run(sim);
    else if (can_run(sim, NV_CDP))
        *did = tenon_nv_cdp_run(sim);
    return state_of(sim);
}

enum tenon_nvdla_sim_state tenon_nvdla_sim_run(struct tenon_nvdla_sim *sim) {
    bool did;
    enum tenon_nvdla_sim_state state;
    do
        state = tenon_nvdla_sim_step(sim, &did);
    while (did);
    return state;
}

void tenon_nvdla_sim_explain(const struct tenon_nvdla_sim *sim, struct tenon_strbuf *out) {
    for (enum nv_block b = 0; b < NV_BLOCK_COUNT; b++) {
        const struct nv_block_state *state = &sim->blocks[b];
        if (!state->enabled[0] && !state->enabled[1])
            continue;
        if (!nv_ready(sim, b)) {
            tenon_strbuf_printf(out, "%s waits for group %u, group %u is enabled. ",
                                tenon_nv_block_name(b), state->consumer, state->consumer ^ 1u);
            continue;
        }
        tenon_strbuf_printf(out, "%s operation %u is enabled", tenon_nv_block_name(b),
                            state->operations);
        uint32_t needs = needs_of(sim, b);
        for (enum nv_block n = 0; n < NV_BLOCK_COUNT; n++)
            if ((needs >> n & 1) != 0 && !nv_ready(sim, n))
                tenon_strbuf_printf(out, ", waits for group %u of %s", sim->blocks[n].consumer,
                                    tenon_nv_block_name(n));
        tenon_strbuf_puts(out, ". ");
    }
}
