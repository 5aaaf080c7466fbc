/*
 * PDP: pooling, line by line, of lines that SDP hands over or that PDP_RDMA reads. Elements that
 * padding adds do not take part in a maximum or minimum; in an average each counts as the register
 * of so many padded elements says. Arithmetic: NV_NVDLA_PDP_CORE_cal1d.v and _cal2d.v.
 */
#include <string.h>

#include "device.h"

enum { AVERAGE, MAX, MIN };
enum { LINE_BITS = 11, AREA_BITS = 14, LINES_OF_BUFFER = 128 };

/* ---- arithmetic ---- */

/* (value * recip) >> 16, half away from zero; `in` bits and 17, of which 16 less remain. The
 * carry of a positive value goes into the sign: 127.5 becomes -128. */
static int32_t divide(int32_t value, uint32_t recip, uint32_t in, uint32_t out) {
    int64_t product = nv_wrap((int64_t)value * recip, in + 17);
    if (product < 0)
        return (int32_t)nv_wrap(nv_round_shift(product, 16, 64), out);
    int64_t whole = product >> 16 & (((int64_t)1 << (out - 1)) - 1);
    return (int32_t)nv_wrap(whole + (product >> 15 & 1), out);
}

struct window {
    uint32_t x0, x1, y0, y1; /* in the input, x1 and y1 behind the last */
};

static struct window window_of(const struct nv_pdp *pdp, uint32_t oy, uint32_t ox) {
    int64_t x = (int64_t)ox * pdp->stride_x - pdp->pad_left;
    int64_t y = (int64_t)oy * pdp->stride_y - pdp->pad_top;
    int64_t x1 = x + pdp->kernel_width, y1 = y + pdp->kernel_height;
    return (struct window){
        .x0 = (uint32_t)(x < 0 ? 0 : x),
        .x1 = (uint32_t)(x1 < pdp->source.width ? x1 : pdp->source.width),
        .y0 = (uint32_t)(y < 0 ? 0 : y),
        .y1 = (uint32_t)(y1 < pdp->source.height ? y1 : pdp->source.height),
    };
}

static const int8_t *line_at(const struct tenon_nvdla_sim *sim, uint32_t y) {
    return sim->pool_lines + (size_t)(y % NV_POOL_LINES) * NV_DIMENSION_MAX * NV_LANES;
}

static int8_t average(const struct tenon_nvdla_sim *sim, const struct nv_pdp *pdp,
                      const struct window *w, uint32_t lane) {
    int32_t sum = 0;
    int32_t padding = pdp->pad_value[pdp->kernel_width - (w->x1 - w->x0)];
    for (uint32_t y = w->y0; y < w->y1; y++) {
        int32_t line = (int32_t)nv_wrap(padding, LINE_BITS);
        for (uint32_t x = w->x0; x < w->x1; x++)
            line += line_at(sim, y)[x * NV_LANES + lane];
        sum += (int32_t)nv_wrap(line, LINE_BITS);
    }
    padding = pdp->pad_value[pdp->kernel_height - (w->y1 - w->y0)];
    sum += (int32_t)nv_wrap(padding * (int32_t)pdp->kernel_width, AREA_BITS);
    int32_t line = divide(sum, pdp->recip_width, AREA_BITS, LINE_BITS);
    return (int8_t)divide(line, pdp->recip_height, LINE_BITS, 8);
}

static int8_t extreme(const struct tenon_nvdla_sim *sim, bool max, const struct window *w,
                      uint32_t lane) {
    int8_t best = line_at(sim, w->y0)[w->x0 * NV_LANES + lane];
    for (uint32_t y = w->y0; y < w->y1; y++)
        for (uint32_t x = w->x0; x < w->x1; x++) {
            int8_t value = line_at(sim, y)[x * NV_LANES + lane];
            if (max ? value > best : value < best)
                best = value;
        }
    return best;
}

/* ---- lines ---- */

static bool write_line(struct tenon_nvdla_sim *sim, const struct nv_pdp *pdp, uint32_t surface,
                       uint32_t oy) {
    uint8_t *to = tenon_nv_write(sim, NV_PDP, NV_PDP_D_DST_BASE_ADDR_LOW,
                                 tenon_nv_cube_line(&pdp->target, surface, oy),
                                 (uint64_t)pdp->target.width * NV_LANES);
    if (to == NULL || !tenon_nv_go_on(sim, NV_PDP))
        return false;
    for (uint32_t ox = 0; ox < pdp->target.width; ox++) {
        struct window w = window_of(pdp, oy, ox);
        for (uint32_t lane = 0; lane < NV_LANES; lane++)
            to[ox * NV_LANES + lane] =
                (uint8_t)(pdp->method == AVERAGE ? average(sim, pdp, &w, lane)
                                                 : extreme(sim, pdp->method == MAX, &w, lane));
    }
    return true;
}

/* The lines of output that the line `y` completes. */
bool tenon_nv_pdp_line(struct tenon_nvdla_sim *sim, struct nv_pdp *pdp, uint32_t surface,
                       uint32_t y, const int8_t *in) {
    memcpy(sim->pool_lines + (size_t)(y % NV_POOL_LINES) * NV_DIMENSION_MAX * NV_LANES, in,
           (size_t)pdp->source.width * NV_LANES);
    for (uint32_t oy = y / pdp->stride_y > NV_POOL_LINES ? y / pdp->stride_y - NV_POOL_LINES : 0;
         oy < pdp->target.height; oy++) {
        struct window w = window_of(pdp, oy, 0);
        if (w.y0 > y)
            break;
        if (w.y1 == y + 1 && !write_line(sim, pdp, surface, oy))
            return false;
    }
    return true;
}

/* ---- registers ---- */

static void read_registers(const struct tenon_nvdla_sim *sim, struct nv_pdp *pdp) {
    uint32_t kernel = nv_get(sim, NV_PDP, NV_PDP_D_POOLING_KERNEL_CFG);
    uint32_t pad = nv_get(sim, NV_PDP, NV_PDP_D_POOLING_PADDING_CFG);
    *pdp = (struct nv_pdp){
        .method = nv_bits(nv_get(sim, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG), 1, 0),
        .kernel_width = nv_bits(kernel, 3, 0) + 1,
        .kernel_height = nv_bits(kernel, 11, 8) + 1,
        .stride_x = nv_bits(kernel, 19, 16) + 1,
        .stride_y = nv_bits(kernel, 23, 20) + 1,
        .pad_left = nv_bits(pad, 2, 0),
        .pad_top = nv_bits(pad, 6, 4),
        .recip_width = nv_get(sim, NV_PDP, NV_PDP_D_RECIP_KERNEL_WIDTH),
        .recip_height = nv_get(sim, NV_PDP, NV_PDP_D_RECIP_KERNEL_HEIGHT),
    };
    for (uint32_t i = 1; i < NV_POOL_LINES; i++)
        pdp->pad_value[i] = (int32_t)nv_wrap(
            nv_get(sim, NV_PDP, NV_PDP_D_POOLING_PADDING_VALUE_1_CFG + (i - 1) * 4), 19);
    pdp->source = (struct nv_cube){
        .block = NV_PDP_RDMA,
        .address_offset = NV_PDP_RDMA_D_SRC_BASE_ADDR_LOW,
        .line_offset = NV_PDP_RDMA_D_SRC_LINE_STRIDE,
        .surface_offset = NV_PDP_RDMA_D_SRC_SURFACE_STRIDE,
        .base = nv_get_address(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_SRC_BASE_ADDR_HIGH,
                               NV_PDP_RDMA_D_SRC_BASE_ADDR_LOW),
        .line_stride = nv_get(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_SRC_LINE_STRIDE),
        .surface_stride = nv_get(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_SRC_SURFACE_STRIDE),
        .width = nv_get(sim, NV_PDP, NV_PDP_D_DATA_CUBE_IN_WIDTH) + 1,
        .height = nv_get(sim, NV_PDP, NV_PDP_D_DATA_CUBE_IN_HEIGHT) + 1,
        .channels = nv_get(sim, NV_PDP, NV_PDP_D_DATA_CUBE_IN_CHANNEL) + 1,
        .element_bytes = 1,
    };
    pdp->target = (struct nv_cube){
        .block = NV_PDP,
        .address_offset = NV_PDP_D_DST_BASE_ADDR_LOW,
        .line_offset = NV_PDP_D_DST_LINE_STRIDE,
        .surface_offset = NV_PDP_D_DST_SURFACE_STRIDE,
        .base =
            nv_get_address(sim, NV_PDP, NV_PDP_D_DST_BASE_ADDR_HIGH, NV_PDP_D_DST_BASE_ADDR_LOW),
        .line_stride = nv_get(sim, NV_PDP, NV_PDP_D_DST_LINE_STRIDE),
        .surface_stride = nv_get(sim, NV_PDP, NV_PDP_D_DST_SURFACE_STRIDE),
        .width = nv_get(sim, NV_PDP, NV_PDP_D_DATA_CUBE_OUT_WIDTH) + 1,
        .height = nv_get(sim, NV_PDP, NV_PDP_D_DATA_CUBE_OUT_HEIGHT) + 1,
        .channels = nv_get(sim, NV_PDP, NV_PDP_D_DATA_CUBE_OUT_CHANNEL) + 1,
        .element_bytes = 1,
    };
}

static bool check_kernel(struct tenon_nvdla_sim *sim, const struct nv_pdp *pdp) {
    if (pdp->method > MIN)
        return tenon_nv_fault(sim, NV_RULE_PDP_METHOD, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG,
                              "method 3 does not exist");
    if (nv_get(sim, NV_PDP, NV_PDP_D_DATA_FORMAT) != 0)
        return tenon_nv_fault(sim, NV_RULE_PRECISION, NV_PDP, NV_PDP_D_DATA_FORMAT,
                              "the precision is not int8");
    if (pdp->kernel_width > NV_POOL_LINES || pdp->kernel_height > NV_POOL_LINES)
        return tenon_nv_fault(sim, NV_RULE_PDP_KERNEL, NV_PDP, NV_PDP_D_POOLING_KERNEL_CFG,
                              "the window is %u x %u", pdp->kernel_height, pdp->kernel_width);
    return true;
}

/* One direction: the windows fill the padded input, and each has an element that is no padding. */
static bool check_windows(struct tenon_nvdla_sim *sim, uint32_t offset, uint32_t in, uint32_t out,
                          uint32_t kernel, uint32_t stride, uint32_t before, uint32_t after) {
    uint32_t padded = in + before + after;
    uint32_t fit = padded < kernel ? 0 : (padded - kernel) / stride + 1;
    if (fit != out)
        return tenon_nv_fault(sim, NV_RULE_PDP_OUTPUT, NV_PDP, offset, "%u windows fit, not %u",
                              fit, out);
    if (before >= kernel || (out - 1) * stride >= in + before)
        return tenon_nv_fault(sim, NV_RULE_PDP_KERNEL, NV_PDP, NV_PDP_D_POOLING_PADDING_CFG,
                              "a window has only padding");
    return true;
}

/* How many outputs of a line the buffer holds: NV_NVDLA_PDP_CORE_cal2d.v, bank_merge_num. */
static uint32_t width_max(const struct nv_pdp *pdp) {
    uint32_t lines = pdp->stride_y >= pdp->kernel_height
                         ? 1
                         : (pdp->kernel_height + pdp->stride_y - 1) / pdp->stride_y;
    uint32_t banks = lines == 1 ? 8 : lines == 2 ? 4 : lines <= 4 ? 2 : 1;
    return LINES_OF_BUFFER / 8 * banks;
}

static bool check_width(struct tenon_nvdla_sim *sim, const struct nv_pdp *pdp, uint32_t offset,
                        uint32_t width) {
    if (width <= width_max(pdp))
        return true;
    return tenon_nv_fault(sim, NV_RULE_PDP_WIDTH, NV_PDP, offset,
                          "a line of %u outputs, the buffer has room for %u", width,
                          width_max(pdp));
}

/* Splits of a line: first, middle ones, last. They give the same result as a line. */
struct split {
    uint32_t first, last, middle;
};

static struct split read_split(uint32_t value) {
    return (struct split){nv_bits(value, 9, 0) + 1, nv_bits(value, 19, 10) + 1,
                          nv_bits(value, 29, 20) + 1};
}

static bool check_split(struct tenon_nvdla_sim *sim, const struct nv_pdp *pdp, uint32_t splits,
                        uint32_t pad_right) {
    struct split in = read_split(nv_get(sim, NV_PDP, NV_PDP_D_PARTIAL_WIDTH_IN));
    struct split out = read_split(nv_get(sim, NV_PDP, NV_PDP_D_PARTIAL_WIDTH_OUT));
    uint32_t rest = splits - 2;
    if (in.first + rest * in.middle + in.last != pdp->source.width ||
        in.first + pdp->pad_left != (out.first - 1) * pdp->stride_x + pdp->kernel_width ||
        (rest != 0 && in.middle != out.middle * pdp->stride_x) ||
        in.last + pad_right < out.last * pdp->stride_x)
        return tenon_nv_fault(sim, NV_RULE_PDP_SPLIT, NV_PDP, NV_PDP_D_PARTIAL_WIDTH_IN,
                              "%u splits of %u, %u and %u columns", splits, in.first, in.middle,
                              in.last);
    if (out.first + rest * out.middle + out.last != pdp->target.width)
        return tenon_nv_fault(sim, NV_RULE_PDP_SPLIT, NV_PDP, NV_PDP_D_PARTIAL_WIDTH_OUT,
                              "%u splits of %u, %u and %u outputs", splits, out.first, out.middle,
                              out.last);
    uint32_t widest = out.first > out.last ? out.first : out.last;
    if (rest != 0 && out.middle > widest)
        widest = out.middle;
    return check_width(sim, pdp, NV_PDP_D_PARTIAL_WIDTH_OUT, widest);
}

static bool check_shape(struct tenon_nvdla_sim *sim, const struct nv_pdp *pdp) {
    uint32_t pad = nv_get(sim, NV_PDP, NV_PDP_D_POOLING_PADDING_CFG);
    uint32_t splits = nv_bits(nv_get(sim, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG), 15, 8) + 1;
    uint32_t pad_right = nv_bits(pad, 10, 8), pad_bottom = nv_bits(pad, 14, 12);
    if (pdp->source.channels != pdp->target.channels)
        return tenon_nv_fault(sim, NV_RULE_PDP_OUTPUT, NV_PDP, NV_PDP_D_DATA_CUBE_OUT_CHANNEL,
                              "the input has %u channels", pdp->source.channels);
    if (!check_windows(sim, NV_PDP_D_DATA_CUBE_OUT_WIDTH, pdp->source.width, pdp->target.width,
                       pdp->kernel_width, pdp->stride_x, pdp->pad_left, pad_right) ||
        !check_windows(sim, NV_PDP_D_DATA_CUBE_OUT_HEIGHT, pdp->source.height, pdp->target.height,
                       pdp->kernel_height, pdp->stride_y, pdp->pad_top, pad_bottom))
        return false;
    return splits > 1 ? check_split(sim, pdp, splits, pad_right)
                      : check_width(sim, pdp, NV_PDP_D_DATA_CUBE_OUT_WIDTH, pdp->target.width);
}

static bool check_rdma_value(struct tenon_nvdla_sim *sim, uint32_t offset, uint32_t value,
                             uint32_t expected) {
    if (value == expected)
        return true;
    return tenon_nv_fault(sim, NV_RULE_PDP_MATCH, NV_PDP_RDMA, offset, "PDP has 0x%x", expected);
}

static bool check_rdma(struct tenon_nvdla_sim *sim) {
    static const struct {
        uint32_t rdma, pdp;
    } same[] = {
        {NV_PDP_RDMA_D_DATA_CUBE_IN_WIDTH, NV_PDP_D_DATA_CUBE_IN_WIDTH},
        {NV_PDP_RDMA_D_DATA_CUBE_IN_HEIGHT, NV_PDP_D_DATA_CUBE_IN_HEIGHT},
        {NV_PDP_RDMA_D_DATA_CUBE_IN_CHANNEL, NV_PDP_D_DATA_CUBE_IN_CHANNEL},
        {NV_PDP_RDMA_D_DATA_FORMAT, NV_PDP_D_DATA_FORMAT},
    };
    for (size_t i = 0; i < TENON_COUNT_OF(same); i++)
        if (!check_rdma_value(sim, same[i].rdma, nv_get(sim, NV_PDP_RDMA, same[i].rdma),
                              nv_get(sim, NV_PDP, same[i].pdp)))
            return false;
    uint32_t kernel = nv_get(sim, NV_PDP, NV_PDP_D_POOLING_KERNEL_CFG);
    uint32_t mode = nv_get(sim, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG);
    uint32_t splits = nv_bits(mode, 15, 8);
    return check_rdma_value(sim, NV_PDP_RDMA_D_FLYING_MODE,
                            nv_get(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_FLYING_MODE), 1) &&
           check_rdma_value(sim, NV_PDP_RDMA_D_OPERATION_MODE_CFG,
                            nv_get(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_OPERATION_MODE_CFG), splits) &&
           (splits == 0 ||
            (check_rdma_value(sim, NV_PDP_RDMA_D_POOLING_KERNEL_CFG,
                              nv_get(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_POOLING_KERNEL_CFG),
                              nv_bits(kernel, 3, 0) | nv_bits(kernel, 19, 16) << 4) &&
             check_rdma_value(sim, NV_PDP_RDMA_D_PARTIAL_WIDTH_IN,
                              nv_get(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_PARTIAL_WIDTH_IN),
                              nv_get(sim, NV_PDP, NV_PDP_D_PARTIAL_WIDTH_IN))));
}

bool tenon_nv_pdp_begin(struct tenon_nvdla_sim *sim, struct nv_pdp *pdp, bool flying) {
    uint32_t mode = nv_get(sim, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG);
    read_registers(sim, pdp);
    if (nv_bits(mode, 4, 4) == flying)
        return tenon_nv_fault(sim, NV_RULE_PDP_MATCH, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG,
                              "SDP's output goes to %s", flying ? "PDP" : "memory");
    if (flying && nv_bits(mode, 15, 8) != 0)
        return tenon_nv_fault(sim, NV_RULE_PDP_SPLIT, NV_PDP, NV_PDP_D_OPERATION_MODE_CFG,
                              "lines from SDP cannot be split");
    if (!check_kernel(sim, pdp) || !check_shape(sim, pdp))
        return false;
    if (!flying && (!check_rdma(sim) || !tenon_nv_cube_check(sim, &pdp->source, false)))
        return false;
    return tenon_nv_cube_check(sim, &pdp->target, true);
}

/* Of the lines of output that the last line of input completes, all but the first come after it. */
static uint64_t flushed_elements(const struct nv_pdp *pdp) {
    uint32_t lines = 0;
    while (lines + 1 < pdp->target.height &&
           window_of(pdp, pdp->target.height - 2 - lines, 0).y1 == pdp->source.height)
        lines++;
    return (uint64_t)lines * pdp->target.width * NV_LANES;
}

bool tenon_nv_pdp_run(struct tenon_nvdla_sim *sim) {
    struct nv_pdp pdp;
    struct nv_footprint footprint;
    if (!tenon_nv_pdp_begin(sim, &pdp, false))
        return false;
    tenon_nv_footprint_begin(sim, &footprint, TENON_NVDLA_SIM_PDP);
    tenon_nv_footprint_cube(sim, &footprint, &pdp.source, false);
    tenon_nv_footprint_cube(sim, &footprint, &pdp.target, true);
    if (!tenon_nv_footprint_check(sim, &footprint))
        return false;
    uint64_t bytes = (uint64_t)pdp.source.width * NV_LANES;
    for (uint32_t surface = 0; surface < nv_surfaces(pdp.source.channels); surface++)
        for (uint32_t y = 0; y < pdp.source.height; y++) {
            const uint8_t *from = tenon_nv_read(sim, NV_PDP_RDMA, NV_PDP_RDMA_D_SRC_BASE_ADDR_LOW,
                                                tenon_nv_cube_line(&pdp.source, surface, y), bytes);
            if (from == NULL || !tenon_nv_pdp_line(sim, &pdp, surface, y, (const int8_t *)from))
                return false;
        }
    uint64_t elements = bytes * pdp.source.height * nv_surfaces(pdp.source.channels);
    tenon_nv_account(sim, &(struct tenon_nvdla_sim_operation){
                              .kind = TENON_NVDLA_SIM_PDP,
                              .width = pdp.target.width,
                              .height = pdp.target.height,
                              .channels = pdp.target.channels,
                              .cycles = tenon_nv_cycles_pdp(elements, flushed_elements(&pdp)),
                          });
    tenon_nv_finish(sim, NV_PDP_RDMA);
    tenon_nv_finish_interrupt(sim, NV_PDP, NV_INTERRUPT_PDP);
    return true;
}
