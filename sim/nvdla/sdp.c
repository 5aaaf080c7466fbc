/*
 * SDP: bias and batch normalization (BS, BN), then the converter to 8 bits; its input comes from
 * CACC or from memory, its output goes to memory or to PDP. Arithmetic: sdp_element.c.
 */
#include <string.h>

#include "device.h"

/* ---- operands from memory ---- */

static int16_t read_number(const uint8_t *at, bool two_bytes) {
    return two_bytes ? (int16_t)(at[0] | at[1] << 8) : (int8_t)at[0];
}

/* Of one atom: {alu, mul} interleaved when both come from memory. */
static void unpack_operands(const struct nv_stage *stage, const uint8_t *from,
                            struct nv_operands *out) {
    uint32_t step = stage->two_bytes ? 2 : 1;
    bool both = stage->alu_memory && stage->mul_memory;
    for (uint32_t lane = 0; lane < NV_LANES; lane++) {
        const uint8_t *at = from + lane * stage->operands.element_bytes;
        if (stage->alu_memory)
            out->alu[lane] = read_number(at, stage->two_bytes);
        if (stage->mul_memory)
            out->mul[lane] = read_number(both ? at + step : at, stage->two_bytes);
    }
}

static bool from_memory(const struct nv_stage *stage) {
    return !stage->bypass && (stage->alu_memory || stage->mul_memory);
}

/* The operands of a line: NULL in *from when they are registers or of the channel. */
static bool begin_operands(struct tenon_nvdla_sim *sim, const struct nv_stage *stage,
                           uint32_t surface, uint32_t y, const uint8_t **from,
                           struct nv_operands *out) {
    const struct nv_cube *cube = &stage->operands;
    uint32_t atom = NV_LANES * cube->element_bytes;
    for (uint32_t lane = 0; lane < NV_LANES; lane++) {
        out->alu[lane] = stage->alu;
        out->mul[lane] = stage->mul;
    }
    *from = NULL;
    if (!from_memory(stage))
        return true;
    uint64_t address = stage->per_element ? tenon_nv_cube_line(cube, surface, y)
                                          : cube->base + (uint64_t)surface * atom;
    const uint8_t *at = tenon_nv_read(sim, cube->block, cube->address_offset, address,
                                      stage->per_element ? (uint64_t)cube->width * atom : atom);
    if (at == NULL)
        return false;
    if (stage->per_element)
        *from = at;
    else
        unpack_operands(stage, at, out);
    return true;
}

/* ---- a line ---- */

static bool stage_line(struct tenon_nvdla_sim *sim, const struct nv_stage *stage, uint32_t width,
                       uint32_t surface, uint32_t y) {
    const uint8_t *from;
    struct nv_operands operands;
    if (stage->bypass)
        return true;
    if (!begin_operands(sim, stage, surface, y, &from, &operands))
        return false;
    if (from == NULL) {
        tenon_nv_sdp_stage(stage, &operands, sim->line, width);
        return true;
    }
    for (uint32_t x = 0; x < width; x++) {
        unpack_operands(stage, from + (size_t)x * NV_LANES * stage->operands.element_bytes,
                        &operands);
        tenon_nv_sdp_stage(stage, &operands, sim->line + x * NV_LANES, 1);
    }
    return true;
}

bool tenon_nv_sdp_line(struct tenon_nvdla_sim *sim, struct nv_sdp *sdp, uint32_t surface,
                       uint32_t y) {
    uint32_t count = sdp->target.width * NV_LANES;
    if (!tenon_nv_go_on(sim, NV_SDP))
        return false;
    for (int i = 0; i < 2; i++)
        if (!stage_line(sim, &sdp->stages[i], sdp->target.width, surface, y))
            return false;
    tenon_nv_sdp_convert(sdp, sim->line, sim->out_line, count);
    if (sdp->to_pdp)
        return tenon_nv_pdp_line(sim, &sdp->pdp, surface, y, sim->out_line);
    uint8_t *to = tenon_nv_write(sim, NV_SDP, NV_SDP_D_DST_BASE_ADDR_LOW,
                                 tenon_nv_cube_line(&sdp->target, surface, y), count);
    if (to == NULL)
        return false;
    memcpy(to, sim->out_line, count);
    return true;
}

/* ---- registers ---- */

/* The registers of a stage, of SDP and of SDP_RDMA. */
struct stage_registers {
    uint32_t cfg, alu_cfg, alu_value, mul_cfg, mul_value;
    uint32_t dma_cfg, address_low, address_high, line_stride, surface_stride;
};
static const struct stage_registers stage_registers[2] = {
    {NV_SDP_D_DP_BS_CFG, NV_SDP_D_DP_BS_ALU_CFG, NV_SDP_D_DP_BS_ALU_SRC_VALUE,
     NV_SDP_D_DP_BS_MUL_CFG, NV_SDP_D_DP_BS_MUL_SRC_VALUE, NV_SDP_RDMA_D_BRDMA_CFG,
     NV_SDP_RDMA_D_BS_BASE_ADDR_LOW, NV_SDP_RDMA_D_BS_BASE_ADDR_HIGH, NV_SDP_RDMA_D_BS_LINE_STRIDE,
     NV_SDP_RDMA_D_BS_SURFACE_STRIDE},
    {NV_SDP_D_DP_BN_CFG, NV_SDP_D_DP_BN_ALU_CFG, NV_SDP_D_DP_BN_ALU_SRC_VALUE,
     NV_SDP_D_DP_BN_MUL_CFG, NV_SDP_D_DP_BN_MUL_SRC_VALUE, NV_SDP_RDMA_D_NRDMA_CFG,
     NV_SDP_RDMA_D_BN_BASE_ADDR_LOW, NV_SDP_RDMA_D_BN_BASE_ADDR_HIGH, NV_SDP_RDMA_D_BN_LINE_STRIDE,
     NV_SDP_RDMA_D_BN_SURFACE_STRIDE},
};

static void read_stage(const struct tenon_nvdla_sim *sim, const struct stage_registers *regs,
                       struct nv_stage *stage) {
    uint32_t cfg = nv_get(sim, NV_SDP, regs->cfg);
    uint32_t alu_cfg = nv_get(sim, NV_SDP, regs->alu_cfg);
    uint32_t mul_cfg = nv_get(sim, NV_SDP, regs->mul_cfg);
    stage->bypass = nv_bits(cfg, 0, 0);
    stage->alu_bypass = nv_bits(cfg, 1, 1);
    stage->algorithm = (uint8_t)nv_bits(cfg, 3, 2);
    stage->mul_bypass = nv_bits(cfg, 4, 4);
    stage->prelu = nv_bits(cfg, 5, 5);
    stage->relu_bypass = nv_bits(cfg, 6, 6);
    stage->alu_shift = (uint8_t)nv_bits(alu_cfg, 13, 8);
    stage->mul_shift = (uint8_t)nv_bits(mul_cfg, 13, 8); /* 8 bits, of which 6 are used */
    stage->alu_memory = !stage->alu_bypass && nv_bits(alu_cfg, 0, 0);
    stage->mul_memory = !stage->mul_bypass && nv_bits(mul_cfg, 0, 0);
    stage->alu = (int16_t)nv_get(sim, NV_SDP, regs->alu_value);
    stage->mul = (int16_t)nv_get(sim, NV_SDP, regs->mul_value);
}

static bool read_operands(struct tenon_nvdla_sim *sim, const struct stage_registers *regs,
                          const struct nv_sdp *sdp, struct nv_stage *stage) {
    uint32_t dma = nv_get(sim, NV_SDP_RDMA, regs->dma_cfg);
    uint32_t use = nv_bits(dma, 2, 1); /* 0: mul, 1: alu, 2: both */
    bool both = stage->alu_memory && stage->mul_memory;
    if (nv_bits(dma, 0, 0) || use != (both ? 2u : stage->alu_memory ? 1u : 0u))
        return tenon_nv_fault(sim, NV_RULE_SDP_OPERAND, NV_SDP_RDMA, regs->dma_cfg,
                              "SDP takes%s%s from memory", stage->alu_memory ? " ALU" : "",
                              stage->mul_memory ? " MUL" : "");
    stage->two_bytes = nv_bits(dma, 3, 3);
    stage->per_element = nv_bits(dma, 4, 4);
    stage->operands = (struct nv_cube){
        .block = NV_SDP_RDMA,
        .address_offset = regs->address_low,
        .line_offset = regs->line_stride,
        .surface_offset = regs->surface_stride,
        .base = nv_get_address(sim, NV_SDP_RDMA, regs->address_high, regs->address_low),
        .line_stride = nv_get(sim, NV_SDP_RDMA, regs->line_stride),
        .surface_stride = nv_get(sim, NV_SDP_RDMA, regs->surface_stride),
        .width = sdp->target.width,
        .height = sdp->target.height,
        .channels = sdp->target.channels,
        .element_bytes = (stage->two_bytes ? 2 : 1) * (both ? 2 : 1),
    };
    tenon_nv_cube_pack_pixel(&stage->operands);
    if (!stage->per_element) /* the strides are not looked at */
        stage->operands.line_stride = stage->operands.surface_stride = 0;
    return tenon_nv_cube_check(sim, &stage->operands, false);
}

/* What is fetched and not used stays in the way of the next operation. */
static bool check_unused(struct tenon_nvdla_sim *sim, const struct nv_sdp *sdp) {
    for (int i = 0; i < 2; i++) {
        uint32_t offset = stage_registers[i].dma_cfg;
        if (!from_memory(&sdp->stages[i]) && (nv_get(sim, NV_SDP_RDMA, offset) & 1) == 0)
            return tenon_nv_fault(sim, NV_RULE_SDP_OPERAND, NV_SDP_RDMA, offset,
                                  "SDP takes nothing from memory");
    }
    if ((nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_ERDMA_CFG) & 1) == 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, NV_SDP_RDMA, NV_SDP_RDMA_D_ERDMA_CFG,
                              "there is no element-wise unit");
    return true;
}

static struct nv_cube target_of(const struct tenon_nvdla_sim *sim) {
    struct nv_cube cube = {
        .block = NV_SDP,
        .address_offset = NV_SDP_D_DST_BASE_ADDR_LOW,
        .line_offset = NV_SDP_D_DST_LINE_STRIDE,
        .surface_offset = NV_SDP_D_DST_SURFACE_STRIDE,
        .base =
            nv_get_address(sim, NV_SDP, NV_SDP_D_DST_BASE_ADDR_HIGH, NV_SDP_D_DST_BASE_ADDR_LOW),
        .line_stride = nv_get(sim, NV_SDP, NV_SDP_D_DST_LINE_STRIDE),
        .surface_stride = nv_get(sim, NV_SDP, NV_SDP_D_DST_SURFACE_STRIDE),
        .width = nv_get(sim, NV_SDP, NV_SDP_D_DATA_CUBE_WIDTH) + 1,
        .height = nv_get(sim, NV_SDP, NV_SDP_D_DATA_CUBE_HEIGHT) + 1,
        .channels = nv_get(sim, NV_SDP, NV_SDP_D_DATA_CUBE_CHANNEL) + 1,
        .element_bytes = 1,
    };
    tenon_nv_cube_pack_pixel(&cube);
    return cube;
}

static struct nv_cube source_of(const struct tenon_nvdla_sim *sim) {
    struct nv_cube cube = {
        .block = NV_SDP_RDMA,
        .address_offset = NV_SDP_RDMA_D_SRC_BASE_ADDR_LOW,
        .line_offset = NV_SDP_RDMA_D_SRC_LINE_STRIDE,
        .surface_offset = NV_SDP_RDMA_D_SRC_SURFACE_STRIDE,
        .base = nv_get_address(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_SRC_BASE_ADDR_HIGH,
                               NV_SDP_RDMA_D_SRC_BASE_ADDR_LOW),
        .line_stride = nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_SRC_LINE_STRIDE),
        .surface_stride = nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_SRC_SURFACE_STRIDE),
        .width = nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_DATA_CUBE_WIDTH) + 1,
        .height = nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_DATA_CUBE_HEIGHT) + 1,
        .channels = nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_DATA_CUBE_CHANNEL) + 1,
        .element_bytes = 1,
    };
    tenon_nv_cube_pack_pixel(&cube);
    return cube;
}

static bool check_features(struct tenon_nvdla_sim *sim, const struct nv_sdp *sdp) {
    uint32_t mode = nv_get(sim, NV_SDP, NV_SDP_D_FEATURE_MODE_CFG);
    if (nv_bits(mode, 2, 2) || nv_bits(mode, 12, 8) != 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, NV_SDP, NV_SDP_D_FEATURE_MODE_CFG,
                              "there is no Winograd mode and there are no batches");
    if (!sim->config->has_sdp_ew && (nv_get(sim, NV_SDP, NV_SDP_D_DP_EW_CFG) & 1) == 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, NV_SDP, NV_SDP_D_DP_EW_CFG,
                              "there is no element-wise unit");
    if (nv_get(sim, NV_SDP, NV_SDP_D_DATA_FORMAT) != 0)
        return tenon_nv_fault(sim, NV_RULE_PRECISION, NV_SDP, NV_SDP_D_DATA_FORMAT,
                              "the precision is not int8");
    for (int i = 0; i < 2; i++)
        if (!sdp->stages[i].bypass && !sdp->stages[i].alu_bypass &&
            sdp->stages[i].algorithm > NV_ALU_SUM)
            return tenon_nv_fault(sim, NV_RULE_SDP_ALGO, NV_SDP, stage_registers[i].cfg,
                                  "algorithm 3 is of the element-wise unit");
    return true;
}

static bool check_rdma(struct tenon_nvdla_sim *sim, const struct nv_sdp *sdp) {
    uint32_t mode = nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_FEATURE_MODE_CFG);
    const struct nv_cube *a = &sdp->source, *b = &sdp->target;
    if (nv_bits(mode, 0, 0) != sdp->flying)
        return tenon_nv_fault(sim, NV_RULE_SDP_RDMA_MATCH, NV_SDP_RDMA,
                              NV_SDP_RDMA_D_FEATURE_MODE_CFG, "SDP %s CACC",
                              sdp->flying ? "takes its input from" : "does not wait for");
    if (nv_bits(mode, 1, 1) || nv_bits(mode, 12, 8) != 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, NV_SDP_RDMA, NV_SDP_RDMA_D_FEATURE_MODE_CFG,
                              "there is no Winograd mode and there are no batches");
    if (nv_bits(mode, 7, 2) != 0)
        return tenon_nv_fault(sim, NV_RULE_PRECISION, NV_SDP_RDMA, NV_SDP_RDMA_D_FEATURE_MODE_CFG,
                              "the precision is not int8");
    if (a->width != b->width || a->height != b->height || a->channels != b->channels)
        return tenon_nv_fault(sim, NV_RULE_SDP_RDMA_MATCH, NV_SDP_RDMA,
                              NV_SDP_RDMA_D_DATA_CUBE_WIDTH, "%u x %u x %u, SDP has %u x %u x %u",
                              a->height, a->width, a->channels, b->height, b->width, b->channels);
    return check_unused(sim, sdp) && (sdp->flying || tenon_nv_cube_check(sim, a, false));
}

static bool begin_output(struct tenon_nvdla_sim *sim, struct nv_sdp *sdp) {
    const struct nv_cube *in = &sdp->pdp.source, *out = &sdp->target;
    if (!sdp->to_pdp)
        return tenon_nv_cube_check(sim, out, true);
    if (!tenon_nv_pdp_begin(sim, &sdp->pdp, true))
        return false;
    if (in->width != out->width || in->height != out->height || in->channels != out->channels)
        return tenon_nv_fault(sim, NV_RULE_PDP_MATCH, NV_PDP, NV_PDP_D_DATA_CUBE_IN_WIDTH,
                              "%u x %u x %u, SDP has %u x %u x %u", in->height, in->width,
                              in->channels, out->height, out->width, out->channels);
    return true;
}

/* SDP_RDMA's enabled group: else it is for an operation of SDP to come. */
static bool fetches_nothing(const struct tenon_nvdla_sim *sim) {
    return (nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_FEATURE_MODE_CFG) &
            nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_BRDMA_CFG) &
            nv_get(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_NRDMA_CFG) & 1) != 0;
}

bool tenon_nv_sdp_begin(struct tenon_nvdla_sim *sim, struct nv_sdp *sdp) {
    uint32_t mode = nv_get(sim, NV_SDP, NV_SDP_D_FEATURE_MODE_CFG);
    *sdp = (struct nv_sdp){
        .flying = nv_bits(mode, 0, 0),
        .to_pdp = nv_bits(mode, 1, 1),
        .target = target_of(sim),
        .source = source_of(sim),
        .cvt_offset = (int32_t)nv_get(sim, NV_SDP, NV_SDP_D_CVT_OFFSET),
        .cvt_scale = (int16_t)nv_get(sim, NV_SDP, NV_SDP_D_CVT_SCALE),
        .cvt_shift = (uint8_t)nv_get(sim, NV_SDP, NV_SDP_D_CVT_SHIFT),
    };
    for (int i = 0; i < 2; i++)
        read_stage(sim, &stage_registers[i], &sdp->stages[i]);
    sdp->uses_rdma = !sdp->flying || from_memory(&sdp->stages[0]) || from_memory(&sdp->stages[1]);
    if (!check_features(sim, sdp))
        return false;
    if (!sdp->uses_rdma && nv_ready(sim, NV_SDP_RDMA) && fetches_nothing(sim))
        return tenon_nv_fault(sim, NV_RULE_SDP_RDMA_IDLE, NV_SDP_RDMA, NV_SDP_RDMA_D_OP_ENABLE,
                              "there is nothing to fetch");
    if (sdp->uses_rdma && !check_rdma(sim, sdp))
        return false;
    for (int i = 0; i < 2; i++)
        if (from_memory(&sdp->stages[i]) &&
            !read_operands(sim, &stage_registers[i], sdp, &sdp->stages[i]))
            return false;
    return begin_output(sim, sdp);
}

bool tenon_nv_sdp_needs_rdma(const struct tenon_nvdla_sim *sim) {
    struct nv_stage stage;
    if ((nv_get(sim, NV_SDP, NV_SDP_D_FEATURE_MODE_CFG) & 1) == 0)
        return true;
    for (int i = 0; i < 2; i++) {
        read_stage(sim, &stage_registers[i], &stage);
        if (from_memory(&stage))
            return true;
    }
    return false;
}

void tenon_nv_sdp_footprint(const struct tenon_nvdla_sim *sim, const struct nv_sdp *sdp,
                            struct nv_footprint *footprint) {
    if (!sdp->flying)
        tenon_nv_footprint_cube(sim, footprint, &sdp->source, false);
    for (int i = 0; i < 2; i++) {
        const struct nv_stage *stage = &sdp->stages[i];
        if (from_memory(stage) && stage->per_element)
            tenon_nv_footprint_cube(sim, footprint, &stage->operands, false);
        else if (from_memory(stage))
            tenon_nv_footprint_bytes(sim, footprint, NV_SDP_RDMA, stage->operands.address_offset,
                                     stage->operands.base,
                                     (uint64_t)nv_surfaces(stage->operands.channels) * NV_LANES *
                                         stage->operands.element_bytes);
    }
    tenon_nv_footprint_cube(sim, footprint, sdp->to_pdp ? &sdp->pdp.target : &sdp->target, true);
}

void tenon_nv_sdp_end(struct tenon_nvdla_sim *sim, const struct nv_sdp *sdp) {
    if (sdp->uses_rdma)
        tenon_nv_finish(sim, NV_SDP_RDMA);
    tenon_nv_finish_interrupt(sim, NV_SDP, NV_INTERRUPT_SDP);
    if (sdp->to_pdp)
        tenon_nv_finish_interrupt(sim, NV_PDP, NV_INTERRUPT_PDP);
}

bool tenon_nv_sdp_run(struct tenon_nvdla_sim *sim) {
    struct nv_sdp sdp;
    struct nv_footprint footprint;
    if (!tenon_nv_sdp_begin(sim, &sdp))
        return false;
    tenon_nv_footprint_begin(sim, &footprint, TENON_NVDLA_SIM_SDP);
    tenon_nv_sdp_footprint(sim, &sdp, &footprint);
    if (!tenon_nv_footprint_check(sim, &footprint))
        return false;
    uint32_t count = sdp.source.width * NV_LANES;
    for (uint32_t surface = 0; surface < nv_surfaces(sdp.source.channels); surface++)
        for (uint32_t y = 0; y < sdp.source.height; y++) {
            const uint8_t *from = tenon_nv_read(sim, NV_SDP_RDMA, NV_SDP_RDMA_D_SRC_BASE_ADDR_LOW,
                                                tenon_nv_cube_line(&sdp.source, surface, y), count);
            if (from == NULL)
                return false;
            for (uint32_t i = 0; i < count; i++)
                sim->line[i] = (int8_t)from[i];
            if (!tenon_nv_sdp_line(sim, &sdp, surface, y))
                return false;
        }
    uint64_t elements = (uint64_t)count * sdp.source.height * nv_surfaces(sdp.source.channels);
    tenon_nv_account(sim, &(struct tenon_nvdla_sim_operation){
                              .kind = TENON_NVDLA_SIM_SDP,
                              .width = sdp.target.width,
                              .height = sdp.target.height,
                              .channels = sdp.target.channels,
                              .cycles = tenon_nv_cycles_sdp(elements),
                          });
    tenon_nv_sdp_end(sim, &sdp);
    return true;
}
