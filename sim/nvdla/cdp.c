/*
 * CDP: normalization across channels. The squares of an element and its neighbours in the channel
 * dimension are summed, the sum goes through two tables (LE: 65 entries, exponential or linear; LO:
 * 257 entries, linear) with interpolation, the result is multiplied with the element. Arithmetic:
 * vmod/nvdla/cdp/NV_NVDLA_CDP_DP_{sum,LUT_CTRL_unit,lut,intp,INTP_unit,MUL_unit}.v and
 * vmod/vlibs/HLS_cdp_{icvt,ocvt}.v.
 */
#include "device.h"

enum { SUM_BITS = 22, NEIGHBOURS_MAX = 4, LE_LAST = 64, LO_LAST = 256 };

/* ---- tables ---- */

/* The address is kept in S_LUT_ACCESS_CFG and goes up to the end of the table. */
static int16_t *access_lut(struct tenon_nvdla_sim *sim, bool write) {
    uint32_t *cfg = &sim->blocks[NV_CDP].regs[0][NV_CDP_S_LUT_ACCESS_CFG / 4];
    uint32_t index = nv_bits(*cfg, 9, 0);
    bool lo = nv_bits(*cfg, 16, 16);
    uint32_t last = lo ? LO_LAST : LE_LAST;
    if (nv_bits(*cfg, 17, 17) != write)
        return NULL;
    if (index != last)
        *cfg = (*cfg & ~0x3ffu) | ((index + 1) & 0x3ff);
    if (index > last)
        return NULL;
    return lo ? &sim->lut_lo[index] : &sim->lut_le[index];
}

void tenon_nv_cdp_lut_write(struct tenon_nvdla_sim *sim, uint32_t value) {
    int16_t *entry = access_lut(sim, true);
    if (entry != NULL)
        *entry = (int16_t)value;
}

uint32_t tenon_nv_cdp_lut_read(struct tenon_nvdla_sim *sim) {
    const int16_t *entry = access_lut(sim, false);
    return entry != NULL ? (uint16_t)*entry : 0;
}

/* ---- registers ---- */

struct table {
    const int16_t *entries;
    uint32_t last;
    bool exponential;
    int32_t index_offset;
    uint32_t index_select;
    int64_t start, end;
    int32_t under_scale, over_scale, under_shift, over_shift;
};

struct cdp {
    struct nv_cube source, target;
    uint32_t neighbours; /* to each side */
    bool no_sum, no_product, prefer_lo_both, prefer_lo_over, prefer_lo_under;
    int32_t in_offset, in_scale, out_offset, out_scale;
    uint32_t in_shift, out_shift;
    struct table le, lo;
};

static int64_t read_38(const struct tenon_nvdla_sim *sim, uint32_t high, uint32_t low) {
    return nv_wrap((int64_t)nv_get_address(sim, NV_CDP, high, low), 38);
}

static void read_slopes(struct table *table, uint32_t scale, uint32_t shift) {
    table->under_scale = (int16_t)scale;
    table->over_scale = (int16_t)(scale >> 16);
    table->under_shift = (int32_t)nv_wrap(shift, 5);
    table->over_shift = (int32_t)nv_wrap(shift >> 5, 5);
}

static void read_tables(const struct tenon_nvdla_sim *sim, struct cdp *cdp) {
    uint32_t cfg = nv_get(sim, NV_CDP, NV_CDP_S_LUT_CFG);
    uint32_t info = nv_get(sim, NV_CDP, NV_CDP_S_LUT_INFO);
    cdp->prefer_lo_under = nv_bits(cfg, 4, 4);
    cdp->prefer_lo_over = nv_bits(cfg, 5, 5);
    cdp->prefer_lo_both = nv_bits(cfg, 6, 6);
    cdp->le = (struct table){
        .entries = sim->lut_le,
        .last = LE_LAST,
        .exponential = !nv_bits(cfg, 0, 0),
        .index_offset = (int8_t)info,
        .index_select = nv_bits(info, 13, 8),
        .start = read_38(sim, NV_CDP_S_LUT_LE_START_HIGH, NV_CDP_S_LUT_LE_START_LOW),
        .end = read_38(sim, NV_CDP_S_LUT_LE_END_HIGH, NV_CDP_S_LUT_LE_END_LOW),
    };
    cdp->lo = (struct table){
        .entries = sim->lut_lo,
        .last = LO_LAST,
        .index_select = nv_bits(info, 21, 16),
        .start = read_38(sim, NV_CDP_S_LUT_LO_START_HIGH, NV_CDP_S_LUT_LO_START_LOW),
        .end = read_38(sim, NV_CDP_S_LUT_LO_END_HIGH, NV_CDP_S_LUT_LO_END_LOW),
    };
    read_slopes(&cdp->le, nv_get(sim, NV_CDP, NV_CDP_S_LUT_LE_SLOPE_SCALE),
                nv_get(sim, NV_CDP, NV_CDP_S_LUT_LE_SLOPE_SHIFT));
    read_slopes(&cdp->lo, nv_get(sim, NV_CDP, NV_CDP_S_LUT_LO_SLOPE_SCALE),
                nv_get(sim, NV_CDP, NV_CDP_S_LUT_LO_SLOPE_SHIFT));
}

static void read_cubes(const struct tenon_nvdla_sim *sim, struct cdp *cdp) {
    cdp->source = (struct nv_cube){
        .block = NV_CDP_RDMA,
        .address_offset = NV_CDP_RDMA_D_SRC_BASE_ADDR_LOW,
        .line_offset = NV_CDP_RDMA_D_SRC_LINE_STRIDE,
        .surface_offset = NV_CDP_RDMA_D_SRC_SURFACE_STRIDE,
        .base = nv_get_address(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_SRC_BASE_ADDR_HIGH,
                               NV_CDP_RDMA_D_SRC_BASE_ADDR_LOW),
        .line_stride = nv_get(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_SRC_LINE_STRIDE),
        .surface_stride = nv_get(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_SRC_SURFACE_STRIDE),
        .width = nv_get(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_DATA_CUBE_WIDTH) + 1,
        .height = nv_get(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_DATA_CUBE_HEIGHT) + 1,
        .channels = nv_get(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_DATA_CUBE_CHANNEL) + 1,
        .element_bytes = 1,
    };
    cdp->target = cdp->source;
    cdp->target.block = NV_CDP;
    cdp->target.address_offset = NV_CDP_D_DST_BASE_ADDR_LOW;
    cdp->target.line_offset = NV_CDP_D_DST_LINE_STRIDE;
    cdp->target.surface_offset = NV_CDP_D_DST_SURFACE_STRIDE;
    cdp->target.base =
        nv_get_address(sim, NV_CDP, NV_CDP_D_DST_BASE_ADDR_HIGH, NV_CDP_D_DST_BASE_ADDR_LOW);
    cdp->target.line_stride = nv_get(sim, NV_CDP, NV_CDP_D_DST_LINE_STRIDE);
    cdp->target.surface_stride = nv_get(sim, NV_CDP, NV_CDP_D_DST_SURFACE_STRIDE);
}

static bool begin(struct tenon_nvdla_sim *sim, struct cdp *cdp) {
    uint32_t bypass = nv_get(sim, NV_CDP, NV_CDP_D_FUNC_BYPASS);
    *cdp = (struct cdp){
        .neighbours = nv_get(sim, NV_CDP, NV_CDP_D_LRN_CFG) + 1,
        .no_sum = nv_bits(bypass, 0, 0),
        .no_product = nv_bits(bypass, 1, 1),
        .in_offset = (int8_t)nv_get(sim, NV_CDP, NV_CDP_D_DATIN_OFFSET),
        .in_scale = (int16_t)nv_get(sim, NV_CDP, NV_CDP_D_DATIN_SCALE),
        .in_shift = nv_get(sim, NV_CDP, NV_CDP_D_DATIN_SHIFTER),
        .out_offset = (int32_t)nv_wrap(nv_get(sim, NV_CDP, NV_CDP_D_DATOUT_OFFSET), 25),
        .out_scale = (int16_t)nv_get(sim, NV_CDP, NV_CDP_D_DATOUT_SCALE),
        .out_shift = nv_get(sim, NV_CDP, NV_CDP_D_DATOUT_SHIFTER),
    };
    read_tables(sim, cdp);
    read_cubes(sim, cdp);
    if (nv_get(sim, NV_CDP, NV_CDP_D_DATA_FORMAT) != 0)
        return tenon_nv_fault(sim, NV_RULE_PRECISION, NV_CDP, NV_CDP_D_DATA_FORMAT,
                              "the precision is not int8");
    if (nv_get(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_DATA_FORMAT) != 0)
        return tenon_nv_fault(sim, NV_RULE_PRECISION, NV_CDP_RDMA, NV_CDP_RDMA_D_DATA_FORMAT,
                              "the precision is not int8");
    return tenon_nv_cube_check(sim, &cdp->source, false) &&
           tenon_nv_cube_check(sim, &cdp->target, true);
}

/* ---- arithmetic ---- */

static int32_t convert_in(const struct cdp *cdp, int8_t x) {
    int64_t product = nv_wrap(x - cdp->in_offset, 9) * cdp->in_scale;
    return (int32_t)nv_saturate(nv_round_shift(product, cdp->in_shift, 25), 9);
}

struct lookup {
    bool under, over;
    uint32_t index, fraction; /* 16 bits behind the point */
};

/* `offset` * 2^-select: the integer part and 16 bits of the fraction. */
static void scale_index(struct lookup *found, const struct table *table, uint64_t offset) {
    uint32_t select = table->index_select;
    uint64_t whole, fraction = 0;
    if (select & 32) { /* negative: to the left */
        uint32_t left = 64 - select;
        whole = offset << left;
    } else {
        whole = offset >> select;
        fraction = (offset << 32 >> select) & 0xffffffff;
    }
    found->over = whole >= table->last;
    found->index = found->over ? table->last : (uint32_t)whole;
    found->fraction = (uint32_t)(fraction >> 16);
}

static void log_index(struct lookup *found, const struct table *table, uint64_t offset) {
    int32_t log = 63 - __builtin_clzll(offset);
    int32_t index = log - table->index_offset;
    found->under = index < 0;
    found->over = index >= (int32_t)table->last;
    found->index = found->under ? 0 : found->over ? table->last : (uint32_t)index;
    /* What is below the first one, 16 bits. */
    found->fraction = (uint32_t)(offset << (63 - log) << 1 >> 48);
}

static struct lookup look_up(const struct table *table, int64_t sum) {
    struct lookup found = {0};
    int64_t start = nv_wrap(table->start, SUM_BITS);
    uint64_t offset = (uint64_t)(sum - start) & (((uint64_t)1 << SUM_BITS) - 1);
    if (sum <= start || offset == 0)
        found.under = true;
    else if (table->exponential)
        log_index(&found, table, offset);
    else
        scale_index(&found, table, offset);
    return found;
}

/* y0 + ((x1 - x0) * scale >> shift), to 16 bits; a negative shift goes to the left. */
static int32_t interpolate(int32_t y0, int64_t x0, int64_t x1, int32_t scale, int32_t shift) {
    int64_t product = (x1 - x0) * scale;
    if (shift >= 0) {
        product = nv_round_shift(product, (uint32_t)shift, 64);
    } else {
        int64_t limit = INT64_MAX >> (1 - shift);
        product = product > limit    ? INT64_MAX / 2
                  : product < -limit ? INT64_MIN / 2
                                     : product * ((int64_t)1 << -shift);
    }
    return (int32_t)nv_saturate(product + y0, 16);
}

static int32_t value_of(const struct table *table, const struct lookup *found, int64_t sum) {
    const int16_t *entries = table->entries;
    if (found->under) {
        int64_t low = table->start;
        if (table->exponential && table->index_offset >= 0)
            low = nv_wrap(low + (table->index_offset < 39 ? (int64_t)1 << table->index_offset : 0),
                          39);
        return interpolate(entries[0], low, sum, table->under_scale, table->under_shift);
    }
    if (found->over)
        return interpolate(entries[table->last], table->end, sum, table->over_scale,
                           table->over_shift);
    return interpolate(entries[found->index], entries[found->index], entries[found->index + 1],
                       (int32_t)found->fraction, 16);
}

static int32_t through_tables(const struct cdp *cdp, int64_t sum) {
    struct lookup le = look_up(&cdp->le, sum), lo = look_up(&cdp->lo, sum);
    bool le_hit = !le.under && !le.over, lo_hit = !lo.under && !lo.over, use_lo;
    if (le_hit != lo_hit)
        use_lo = lo_hit;
    else if (le.under && lo.under)
        use_lo = cdp->prefer_lo_under;
    else if (le.over && lo.over)
        use_lo = cdp->prefer_lo_over;
    else
        use_lo = cdp->prefer_lo_both;
    return use_lo ? value_of(&cdp->lo, &lo, sum) : value_of(&cdp->le, &le, sum);
}

/* `x` has the neighbours at both sides. */
static int8_t element(const struct cdp *cdp, const int32_t *x) {
    int64_t sum = *x;
    if (!cdp->no_sum) {
        sum = 0;
        for (int64_t i = -(int64_t)cdp->neighbours; i <= (int64_t)cdp->neighbours; i++)
            sum += (int64_t)x[i] * x[i];
    }
    int64_t y = through_tables(cdp, sum);
    if (!cdp->no_product)
        y *= *x;
    int64_t product = (y - cdp->out_offset) * cdp->out_scale;
    return (int8_t)nv_saturate(nv_round_shift(product, cdp->out_shift, 42), 8);
}

/* ---- lines ---- */

/* The atoms before, at and behind the one of a surface; outside of the cube there are zeros. */
static bool line_of_surface(struct tenon_nvdla_sim *sim, const struct cdp *cdp, uint32_t surface,
                            uint32_t y) {
    const uint8_t *from[3] = {NULL, NULL, NULL};
    uint64_t bytes = (uint64_t)cdp->source.width * NV_LANES;
    for (uint32_t i = 0; i < 3; i++) {
        if (surface + i == 0 || surface + i > nv_surfaces(cdp->source.channels))
            continue;
        from[i] = tenon_nv_read(sim, NV_CDP_RDMA, NV_CDP_RDMA_D_SRC_BASE_ADDR_LOW,
                                tenon_nv_cube_line(&cdp->source, surface + i - 1, y), bytes);
        if (from[i] == NULL)
            return false;
    }
    uint8_t *to = tenon_nv_write(sim, NV_CDP, NV_CDP_D_DST_BASE_ADDR_LOW,
                                 tenon_nv_cube_line(&cdp->target, surface, y), bytes);
    if (to == NULL || !tenon_nv_go_on(sim, NV_CDP))
        return false;
    for (uint32_t x = 0; x < cdp->source.width; x++) {
        int32_t values[3 * NV_LANES] = {0};
        for (uint32_t i = 0; i < 3 * NV_LANES; i++)
            if (from[i / NV_LANES] != NULL)
                values[i] =
                    convert_in(cdp, (int8_t)from[i / NV_LANES][x * NV_LANES + i % NV_LANES]);
        for (uint32_t lane = 0; lane < NV_LANES; lane++)
            to[x * NV_LANES + lane] = (uint8_t)element(cdp, values + NV_LANES + lane);
    }
    return true;
}

bool tenon_nv_cdp_run(struct tenon_nvdla_sim *sim) {
    struct cdp cdp;
    struct nv_footprint footprint;
    if (!begin(sim, &cdp))
        return false;
    tenon_nv_footprint_begin(sim, &footprint, TENON_NVDLA_SIM_CDP);
    tenon_nv_footprint_cube(sim, &footprint, &cdp.source, false);
    tenon_nv_footprint_cube(sim, &footprint, &cdp.target, true);
    if (!tenon_nv_footprint_check(sim, &footprint))
        return false;
    uint32_t surfaces = nv_surfaces(cdp.source.channels);
    for (uint32_t y = 0; y < cdp.source.height; y++)
        for (uint32_t surface = 0; surface < surfaces; surface++)
            if (!line_of_surface(sim, &cdp, surface, y))
                return false;
    tenon_nv_account(sim,
                     &(struct tenon_nvdla_sim_operation){
                         .kind = TENON_NVDLA_SIM_CDP,
                         .width = cdp.target.width,
                         .height = cdp.target.height,
                         .channels = cdp.target.channels,
                         .cycles = tenon_nv_cycles_sdp((uint64_t)cdp.source.width *
                                                       cdp.source.height * surfaces * NV_LANES),
                     });
    tenon_nv_finish(sim, NV_CDP_RDMA);
    tenon_nv_finish_interrupt(sim, NV_CDP, NV_INTERRUPT_CDP);
    return true;
}
