/*
 * A convolution: CDMA fills the buffer, CSC reads it, CMAC multiplies, CACC sums, rounds and hands
 * over to SDP, a surface of 8 kernels after the other.
 *
 * The sum of a layer that fits into the buffer is below 2^31 (at most 126,976 products of 2^14), so
 * that CACC's saturation at 34 bits (NV_NVDLA_CACC_CALC_int8.v) cannot be reached.
 */
#include <string.h>

#include "device.h"

/* ---- CDMA ---- */

static void convert_entry(const struct nv_layer *layer, uint8_t *entry) {
    for (uint32_t i = 0; i < NV_LANES; i++) {
        int64_t product =
            (int64_t)((int8_t)entry[i] - layer->convert_offset) * layer->convert_scale;
        /* 17 bits, then 8: NV_NVDLA_CDMA_CVT_cell.v */
        int64_t rounded = nv_saturate(nv_round_shift(product, layer->convert_shift, 34), 17);
        entry[i] = (uint8_t)nv_saturate(rounded, 8);
    }
}

static bool fetch_line(struct tenon_nvdla_sim *sim, const struct nv_layer *layer, uint32_t y,
                       uint32_t surface) {
    const uint8_t *from =
        tenon_nv_read(sim, NV_CDMA, NV_CDMA_D_DAIN_ADDR_LOW_0,
                      tenon_nv_cube_line(&layer->input, surface, y), layer->width * NV_LANES);
    if (from == NULL)
        return false;
    uint32_t index = y * layer->slice_entries + surface * layer->width;
    for (uint32_t x = 0; x < layer->width; x++) {
        uint8_t *entry = tenon_nv_ring_write(sim, &sim->data_ring, index + x);
        memcpy(entry, from + x * NV_LANES, NV_LANES);
        if (layer->convert)
            convert_entry(layer, entry);
    }
    return true;
}

static bool fetch_data(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint64_t entries = (uint64_t)layer->slice_entries * layer->fetch_height;
    if (entries > tenon_nv_ring_free(&sim->data_ring))
        return tenon_nv_fault(sim, NV_RULE_CBUF_DATA_SPACE, NV_CDMA, NV_CDMA_D_BANK,
                              "the input needs %llu entries, %u are free",
                              (unsigned long long)entries, tenon_nv_ring_free(&sim->data_ring));
    for (uint32_t y = 0; y < layer->fetch_height; y++)
        for (uint32_t s = 0; s < layer->surfaces; s++)
            if (!fetch_line(sim, layer, y, s))
                return false;
    tenon_nv_ring_put(&sim->data_ring, (uint32_t)entries);
    return true;
}

/* Entries of a group that CDMA announces at once: all of what is left with the last. */
static uint32_t group_entries(const struct nv_layer *layer, uint32_t group) {
    uint32_t groups = nv_surfaces(layer->kernels);
    return group + 1 < groups ? layer->kernel_bytes
                              : layer->cdma_weight_entries - group * layer->kernel_bytes;
}

static bool fetch_weights(struct tenon_nvdla_sim *sim, const struct nv_layer *layer,
                          uint32_t group) {
    uint32_t entries = group_entries(layer, group);
    if (entries > tenon_nv_ring_free(&sim->weight_ring))
        return tenon_nv_fault(sim, NV_RULE_CBUF_WEIGHT_SPACE, NV_CDMA, NV_CDMA_D_BANK,
                              "kernels from %u on need %u entries, %u are free", group * NV_LANES,
                              entries, tenon_nv_ring_free(&sim->weight_ring));
    uint64_t address = layer->weight_address + (uint64_t)group * layer->kernel_bytes * NV_LANES;
    const uint8_t *from = tenon_nv_read(sim, NV_CDMA, NV_CDMA_D_WEIGHT_ADDR_LOW, address,
                                        (uint64_t)entries * NV_LANES);
    if (from == NULL)
        return false;
    for (uint32_t i = 0; i < entries; i++)
        memcpy(tenon_nv_ring_write(sim, &sim->weight_ring, i), from + (size_t)i * NV_LANES,
               NV_LANES);
    tenon_nv_ring_put(&sim->weight_ring, entries);
    return true;
}

/* ---- what stays from layer to layer ---- */

static bool begin_data(struct tenon_nvdla_sim *sim, const struct nv_layer *layer,
                       const struct nv_kept *before) {
    if (layer->reuse_data) {
        if (sim->kept.slices == 0 || before->slice_entries != layer->slice_entries)
            return tenon_nv_fault(sim, NV_RULE_CONV_REUSE, NV_CDMA, NV_CDMA_D_MISC_CFG,
                                  "the layer before left %u slices of %u entries, this one has %u",
                                  sim->kept.slices, before->slice_entries, layer->slice_entries);
    } else {
        tenon_nv_ring_release(&sim->data_ring, before->slices * before->slice_entries);
        sim->kept.slices = 0;
        sim->kept.all_slices = false;
    }
    uint32_t fetched = sim->kept.all_slices ? 0 : layer->fetch_height;
    if (layer->height != sim->kept.slices + fetched)
        return tenon_nv_fault(sim, NV_RULE_CBUF_DATA_MISSING, NV_CSC, NV_CSC_D_DATAIN_SIZE_EXT_0,
                              "%u slices are kept and %u are fetched", sim->kept.slices, fetched);
    return fetched == 0 || fetch_data(sim, layer);
}

static void end_data(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint32_t release = layer->keep_data ? 0 : layer->release;
    tenon_nv_ring_release(&sim->data_ring, release * layer->slice_entries);
    sim->kept.slices = layer->height - release;
    sim->kept.slice_entries = layer->slice_entries;
    sim->kept.all_slices = layer->keep_data;
}

static bool begin_weights(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    struct nv_kept *kept = &sim->kept;
    if (layer->reuse_weights) {
        if (!kept->weights || kept->kernels != layer->kernels ||
            kept->kernel_bytes != layer->kernel_bytes)
            return tenon_nv_fault(sim, NV_RULE_CONV_REUSE, NV_CDMA, NV_CDMA_D_MISC_CFG,
                                  "the layer before left no such weights");
        return true;
    }
    if (kept->weights)
        tenon_nv_ring_release(&sim->weight_ring, kept->weight_entries);
    if (sim->weight_ring.read != sim->weight_ring.write)
        return tenon_nv_fault(sim, NV_RULE_CBUF_WEIGHT_POSITION, NV_CSC, NV_CSC_D_WEIGHT_BYTES,
                              "CDMA writes at entry %u, CSC reads at %u: of the layer before CDMA "
                              "fetched %u entries, CSC used %u",
                              sim->weight_ring.write, sim->weight_ring.read, kept->fetched,
                              kept->used);
    if (!layer->keep_weights)
        return true;
    for (uint32_t group = 0; group < nv_surfaces(layer->kernels); group++)
        if (!fetch_weights(sim, layer, group))
            return false;
    return true;
}

static void end_weights(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint64_t bytes = (uint64_t)layer->kernel_bytes * layer->kernels;
    sim->kept.weights = layer->keep_weights;
    sim->kept.weight_entries = layer->csc_weight_bytes / NV_LANES;
    sim->kept.kernels = layer->kernels;
    sim->kept.kernel_bytes = layer->kernel_bytes;
    sim->kept.fetched = layer->cdma_weight_entries;
    sim->kept.used =
        layer->keep_weights ? sim->kept.weight_entries : (uint32_t)((bytes + NV_LANES - 1) / 8);
}

/* ---- CSC ---- */

static void load_input(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint32_t entries = layer->height * layer->slice_entries;
    for (uint32_t i = 0; i < entries; i++) {
        const uint8_t *entry = tenon_nv_ring_read(sim, &sim->data_ring, i);
        for (uint32_t lane = 0; lane < NV_LANES; lane++)
            sim->input[(size_t)i * NV_LANES + lane] = (int8_t)entry[lane];
    }
}

static uint32_t taps_of(const struct nv_layer *layer) {
    return layer->surfaces * layer->kernel_width * layer->kernel_height;
}

/*
 * The weights of a group: in the buffer, block by block of 8 channels, the position in the kernel,
 * the kernel, the channel; a block that is not full has fewer bytes. In sim->weights: per kernel, a
 * block of 8 channels per tap, with zeros.
 */
static void load_weights(struct tenon_nvdla_sim *sim, const struct nv_layer *layer,
                         uint32_t first_entry, uint32_t kernels) {
    uint32_t taps = taps_of(layer), area = layer->kernel_width * layer->kernel_height;
    uint32_t entry = first_entry, byte = 0;
    const uint8_t *from = NULL;
    memset(sim->weights, 0, (size_t)kernels * taps * NV_LANES * sizeof(*sim->weights));
    for (uint32_t tap = 0; tap < taps; tap++) {
        uint32_t left = layer->channels - tap / area * NV_LANES;
        uint32_t lanes = left < NV_LANES ? left : NV_LANES;
        for (uint32_t k = 0; k < kernels; k++) {
            int16_t *to = sim->weights + ((size_t)k * taps + tap) * NV_LANES;
            for (uint32_t lane = 0; lane < lanes; lane++, byte++) {
                if (byte % NV_LANES == 0)
                    from = tenon_nv_ring_read(sim, &sim->weight_ring, entry++);
                to[lane] = (int8_t)from[byte % NV_LANES];
            }
        }
    }
}

static int16_t *pad(int16_t *to, uint32_t entries, int16_t value) {
    for (uint32_t i = 0; i < entries * NV_LANES; i++)
        to[i] = value;
    return to + entries * NV_LANES;
}

/* One line of the kernel over one surface's line `from`, the first tap at column `x`. */
static int16_t *gather_line(const struct nv_layer *layer, const int16_t *from, int64_t x,
                            int16_t *to) {
    if (layer->dilation_x == 1 && x >= 0 && x + layer->kernel_width <= layer->width) {
        size_t count = (size_t)layer->kernel_width * NV_LANES;
        memcpy(to, from + x * NV_LANES, count * sizeof(*to));
        return to + count;
    }
    for (uint32_t s = 0; s < layer->kernel_width; s++, x += layer->dilation_x) {
        if (x < 0 || x >= layer->width) {
            to = pad(to, 1, layer->pad_value);
        } else {
            memcpy(to, from + x * NV_LANES, NV_LANES * sizeof(*to));
            to += NV_LANES;
        }
    }
    return to;
}

static void gather(struct tenon_nvdla_sim *sim, const struct nv_layer *layer, uint32_t oy,
                   uint32_t ox) {
    int16_t *to = sim->window;
    int64_t x = (int64_t)ox * layer->stride_x - layer->pad_left;
    for (uint32_t surface = 0; surface < layer->surfaces; surface++) {
        int64_t y = (int64_t)oy * layer->stride_y - layer->pad_top;
        for (uint32_t r = 0; r < layer->kernel_height; r++, y += layer->dilation_y) {
            if (y < 0 || y >= layer->height) {
                to = pad(to, layer->kernel_width, layer->pad_value);
                continue;
            }
            size_t entry = (size_t)y * layer->slice_entries + surface * layer->width;
            to = gather_line(layer, sim->input + entry * NV_LANES, x, to);
        }
    }
}

/* ---- CMAC and CACC ---- */

static int32_t dot(const int16_t *restrict a, const int16_t *restrict b, uint32_t count) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* 34 bits and 16 behind the point, of which a shift above 16 loses the last:
 * NV_NVDLA_CACC_CALC_int8.v. */
int32_t tenon_nv_cacc_round(int64_t sum, uint32_t clip) {
    int64_t shifted = (int64_t)((uint64_t)sum << 16) >> clip;
    bool guide = (shifted >> 15 & 1) != 0, stick = (shifted & 0x7fff) != 0;
    int64_t whole = (shifted >> 16) + (guide && (sum >= 0 || stick));
    return (int32_t)nv_saturate(whole, 32);
}

/* The lanes of kernels that are not there are 0. */
static bool run_group(struct tenon_nvdla_sim *sim, const struct nv_layer *layer, struct nv_sdp *sdp,
                      uint32_t group, uint32_t kernels) {
    uint32_t count = taps_of(layer) * NV_LANES;
    for (uint32_t y = 0; y < layer->out_height; y++) {
        memset(sim->line, 0, (size_t)layer->out_width * NV_LANES * sizeof(*sim->line));
        for (uint32_t x = 0; x < layer->out_width; x++) {
            gather(sim, layer, y, x);
            for (uint32_t k = 0; k < kernels; k++)
                sim->line[x * NV_LANES + k] = tenon_nv_cacc_round(
                    dot(sim->window, sim->weights + (size_t)k * count, count), layer->clip);
        }
        if (!tenon_nv_sdp_line(sim, sdp, group, y))
            return false;
    }
    return true;
}

static bool run_groups(struct tenon_nvdla_sim *sim, const struct nv_layer *layer,
                       struct nv_sdp *sdp) {
    bool stream = !layer->reuse_weights && !layer->keep_weights;
    for (uint32_t group = 0; group < nv_surfaces(layer->kernels); group++) {
        uint32_t left = layer->kernels - group * NV_LANES;
        uint32_t kernels = left < NV_LANES ? left : NV_LANES;
        if (stream && !fetch_weights(sim, layer, group))
            return false;
        load_weights(sim, layer, layer->keep_weights ? group * layer->kernel_bytes : 0, kernels);
        if (!layer->keep_weights)
            tenon_nv_ring_release(&sim->weight_ring,
                                  (kernels * layer->kernel_bytes + NV_LANES - 1) / NV_LANES);
        if (!run_group(sim, layer, sdp, group, kernels))
            return false;
    }
    return true;
}

static bool check_sdp(struct tenon_nvdla_sim *sim, const struct nv_layer *layer,
                      const struct nv_cube *out) {
    if (out->width == layer->out_width && out->height == layer->out_height &&
        out->channels == layer->kernels)
        return true;
    return tenon_nv_fault(sim, NV_RULE_SHAPE_MATCH, NV_SDP, NV_SDP_D_DATA_CUBE_WIDTH,
                          "SDP has %u x %u x %u, CACC %u x %u x %u", out->height, out->width,
                          out->channels, layer->out_height, layer->out_width, layer->kernels);
}

static void finish_blocks(struct tenon_nvdla_sim *sim) {
    uint32_t group = sim->blocks[NV_CDMA].consumer;
    sim->interrupt_status |= 1u << (NV_INTERRUPT_CDMA_DATA + group);
    sim->interrupt_status |= 1u << (NV_INTERRUPT_CDMA_WEIGHT + group);
    tenon_nv_finish(sim, NV_CDMA);
    tenon_nv_finish(sim, NV_CSC);
    tenon_nv_finish(sim, NV_CMAC_A);
    tenon_nv_finish(sim, NV_CMAC_B);
    tenon_nv_finish_interrupt(sim, NV_CACC, NV_INTERRUPT_CACC);
}

static bool check_races(struct tenon_nvdla_sim *sim, const struct nv_layer *layer,
                        const struct nv_sdp *sdp) {
    struct nv_footprint footprint;
    tenon_nv_footprint_begin(sim, &footprint, TENON_NVDLA_SIM_CONV);
    if (!layer->reuse_data || !sim->kept.all_slices)
        tenon_nv_footprint_cube(sim, &footprint, &layer->input, false);
    if (!layer->reuse_weights)
        tenon_nv_footprint_bytes(sim, &footprint, NV_CDMA, NV_CDMA_D_WEIGHT_ADDR_LOW,
                                 layer->weight_address,
                                 (uint64_t)layer->cdma_weight_entries * NV_LANES);
    tenon_nv_sdp_footprint(sim, sdp, &footprint);
    return tenon_nv_footprint_check(sim, &footprint);
}

bool tenon_nv_conv_run(struct tenon_nvdla_sim *sim) {
    struct nv_layer layer;
    struct nv_sdp sdp;
    if (!tenon_nv_layer_read(sim, &layer) || !tenon_nv_sdp_begin(sim, &sdp) ||
        !check_sdp(sim, &layer, &sdp.target) || !check_races(sim, &layer, &sdp))
        return false;
    struct nv_kept before = sim->kept;
    uint32_t stages = (uint32_t)!sdp.stages[0].bypass + !sdp.stages[1].bypass;
    tenon_nv_cbuf_banks(sim, layer.banks);
    if (!begin_data(sim, &layer, &before) || !begin_weights(sim, &layer))
        return false;
    bool fetched = !sim->kept.all_slices;
    load_input(sim, &layer);
    if (!run_groups(sim, &layer, &sdp))
        return false;
    end_data(sim, &layer);
    end_weights(sim, &layer);
    uint64_t outputs = (uint64_t)layer.out_width * layer.out_height;
    tenon_nv_account(sim, &(struct tenon_nvdla_sim_operation){
                              .kind = TENON_NVDLA_SIM_CONV,
                              .width = layer.out_width,
                              .height = layer.out_height,
                              .channels = layer.kernels,
                              .macs = outputs * layer.kernels * layer.kernel_bytes,
                              .cycles = tenon_nv_cycles_conv(&layer, fetched, stages),
                          });
    finish_blocks(sim);
    tenon_nv_sdp_end(sim, &sdp);
    return true;
}
