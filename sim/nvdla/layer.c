/*
 * A convolution's registers in CDMA, CSC, CMAC and CACC: each block has its own copy of the shape,
 * and none compares it with the others'. Here they are read once, and compared.
 */
#include "device.h"

enum { BANK_MAX = 32, SURFACE_WIDTH_MAX = 4096 };

static bool check_same(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                       uint32_t value, uint32_t expected, const char *what) {
    if (value == expected)
        return true;
    return tenon_nv_fault(sim, NV_RULE_SHAPE_MATCH, block, offset, "%s is %u, elsewhere %u", what,
                          value, expected);
}

/* MISC_CFG of CDMA and CSC has two precisions, that of CMAC and CACC one. */
static bool check_mode(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset) {
    uint32_t misc = nv_get(sim, block, offset);
    bool two = block == NV_CDMA || block == NV_CSC;
    if ((misc & 1) != 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, block, offset, "there is no Winograd mode");
    if (nv_bits(misc, 13, 12) != 0 || (two && nv_bits(misc, 9, 8) != 0))
        return tenon_nv_fault(sim, NV_RULE_PRECISION, block, offset, "the precision is not int8");
    return true;
}

static bool check_modes(struct tenon_nvdla_sim *sim) {
    if (!check_mode(sim, NV_CDMA, NV_CDMA_D_MISC_CFG) ||
        !check_mode(sim, NV_CSC, NV_CSC_D_MISC_CFG) ||
        !check_mode(sim, NV_CMAC_A, NV_CMAC_A_D_MISC_CFG) ||
        !check_mode(sim, NV_CMAC_B, NV_CMAC_B_D_MISC_CFG) ||
        !check_mode(sim, NV_CACC, NV_CACC_D_MISC_CFG))
        return false;
    if ((nv_get(sim, NV_CDMA, NV_CDMA_D_DATAIN_FORMAT) & 1) != 0)
        return tenon_nv_fault(sim, NV_RULE_MODEL_LIMIT, NV_CDMA, NV_CDMA_D_DATAIN_FORMAT,
                              "input of pixels is not modelled");
    if ((nv_get(sim, NV_CSC, NV_CSC_D_DATAIN_FORMAT) & 1) != 0)
        return tenon_nv_fault(sim, NV_RULE_MODEL_LIMIT, NV_CSC, NV_CSC_D_DATAIN_FORMAT,
                              "input of pixels is not modelled");
    if ((nv_get(sim, NV_CDMA, NV_CDMA_D_WEIGHT_FORMAT) & 1) != 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, NV_CDMA, NV_CDMA_D_WEIGHT_FORMAT,
                              "there is no weight compression");
    if ((nv_get(sim, NV_CSC, NV_CSC_D_WEIGHT_FORMAT) & 1) != 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, NV_CSC, NV_CSC_D_WEIGHT_FORMAT,
                              "there is no weight compression");
    if (nv_get(sim, NV_CDMA, NV_CDMA_D_BATCH_NUMBER) != 0)
        return tenon_nv_fault(sim, NV_RULE_UNIT_ABSENT, NV_CDMA, NV_CDMA_D_BATCH_NUMBER,
                              "there are no batches");
    return true;
}

static void read_cdma(const struct tenon_nvdla_sim *sim, struct nv_layer *layer) {
    uint32_t size = nv_get(sim, NV_CDMA, NV_CDMA_D_DATAIN_SIZE_0);
    uint32_t map = nv_get(sim, NV_CDMA, NV_CDMA_D_DAIN_MAP);
    uint32_t misc = nv_get(sim, NV_CDMA, NV_CDMA_D_MISC_CFG);
    uint32_t convert = nv_get(sim, NV_CDMA, NV_CDMA_D_CVT_CFG);
    layer->width = nv_bits(size, 12, 0) + 1;
    layer->fetch_height = nv_bits(size, 28, 16) + 1;
    layer->channels = nv_get(sim, NV_CDMA, NV_CDMA_D_DATAIN_SIZE_1) + 1;
    layer->surfaces = nv_surfaces(layer->channels);
    layer->slice_entries = nv_get(sim, NV_CDMA, NV_CDMA_D_ENTRY_PER_SLICE) + 1;
    layer->reuse_data = nv_bits(misc, 16, 16);
    layer->reuse_weights = nv_bits(misc, 20, 20);
    layer->keep_data = nv_bits(misc, 24, 24);
    layer->keep_weights = nv_bits(misc, 28, 28);
    layer->kernel_bytes = nv_get(sim, NV_CDMA, NV_CDMA_D_WEIGHT_SIZE_0) + 1;
    layer->kernels = nv_get(sim, NV_CDMA, NV_CDMA_D_WEIGHT_SIZE_1) + 1;
    layer->weight_address =
        nv_get_address(sim, NV_CDMA, NV_CDMA_D_WEIGHT_ADDR_HIGH, NV_CDMA_D_WEIGHT_ADDR_LOW);
    layer->banks = nv_get(sim, NV_CDMA, NV_CDMA_D_BANK);
    layer->convert = (convert & 1) != 0;
    layer->convert_shift = (uint8_t)nv_bits(convert, 9, 4);
    layer->convert_offset = (int16_t)nv_get(sim, NV_CDMA, NV_CDMA_D_CVT_OFFSET);
    layer->convert_scale = (int16_t)nv_get(sim, NV_CDMA, NV_CDMA_D_CVT_SCALE);
    layer->packed_pixel = layer->width == 1 && layer->fetch_height == 1 && nv_bits(map, 16, 16);
    layer->input = (struct nv_cube){
        .block = NV_CDMA,
        .address_offset = NV_CDMA_D_DAIN_ADDR_LOW_0,
        .line_offset = NV_CDMA_D_LINE_STRIDE,
        .surface_offset = NV_CDMA_D_SURF_STRIDE,
        .base = nv_get_address(sim, NV_CDMA, NV_CDMA_D_DAIN_ADDR_HIGH_0, NV_CDMA_D_DAIN_ADDR_LOW_0),
        .line_stride = nv_get(sim, NV_CDMA, NV_CDMA_D_LINE_STRIDE),
        .surface_stride = nv_get(sim, NV_CDMA, NV_CDMA_D_SURF_STRIDE),
        .width = layer->width,
        .height = layer->fetch_height,
        .channels = layer->channels,
        .element_bytes = 1,
    };
    if (layer->packed_pixel)
        layer->input.surface_stride = NV_LANES;
}

static void read_csc(const struct tenon_nvdla_sim *sim, struct nv_layer *layer) {
    uint32_t kernel = nv_get(sim, NV_CSC, NV_CSC_D_WEIGHT_SIZE_EXT_0);
    uint32_t stride = nv_get(sim, NV_CSC, NV_CSC_D_CONV_STRIDE_EXT);
    uint32_t dilation = nv_get(sim, NV_CSC, NV_CSC_D_DILATION_EXT);
    uint32_t pad = nv_get(sim, NV_CSC, NV_CSC_D_ZERO_PADDING);
    uint32_t out = nv_get(sim, NV_CSC, NV_CSC_D_DATAOUT_SIZE_0);
    layer->height = nv_bits(nv_get(sim, NV_CSC, NV_CSC_D_DATAIN_SIZE_EXT_0), 28, 16) + 1;
    layer->kernel_width = nv_bits(kernel, 4, 0) + 1;
    layer->kernel_height = nv_bits(kernel, 20, 16) + 1;
    layer->stride_x = nv_bits(stride, 2, 0) + 1;
    layer->stride_y = nv_bits(stride, 18, 16) + 1;
    layer->dilation_x = nv_bits(dilation, 4, 0) + 1;
    layer->dilation_y = nv_bits(dilation, 20, 16) + 1;
    layer->pad_left = nv_bits(pad, 4, 0);
    layer->pad_top = nv_bits(pad, 20, 16);
    layer->pad_value = (int8_t)nv_get(sim, NV_CSC, NV_CSC_D_ZERO_PADDING_VALUE);
    layer->out_width = nv_bits(out, 12, 0) + 1;
    layer->out_height = nv_bits(out, 28, 16) + 1;
    layer->release = nv_get(sim, NV_CSC, NV_CSC_D_RELEASE) + 1;
    layer->csc_weight_bytes = nv_get(sim, NV_CSC, NV_CSC_D_WEIGHT_BYTES);
    layer->clip = nv_get(sim, NV_CACC, NV_CACC_D_CLIP_CFG);
}

static bool check_shape(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint32_t in = nv_get(sim, NV_CSC, NV_CSC_D_DATAIN_SIZE_EXT_0);
    uint32_t weights = nv_get(sim, NV_CSC, NV_CSC_D_WEIGHT_SIZE_EXT_1);
    uint32_t out = nv_get(sim, NV_CACC, NV_CACC_D_DATAOUT_SIZE_0);
    uint32_t atomics = nv_get(sim, NV_CSC, NV_CSC_D_ATOMICS) + 1;
    uint32_t bytes = layer->kernel_width * layer->kernel_height * layer->channels;
    if (!check_same(sim, NV_CSC, NV_CSC_D_DATAIN_SIZE_EXT_0, nv_bits(in, 12, 0) + 1, layer->width,
                    "the input's width") ||
        !check_same(sim, NV_CSC, NV_CSC_D_DATAIN_SIZE_EXT_1,
                    nv_get(sim, NV_CSC, NV_CSC_D_DATAIN_SIZE_EXT_1) + 1, layer->channels,
                    "the number of channels") ||
        !check_same(sim, NV_CSC, NV_CSC_D_WEIGHT_SIZE_EXT_1, nv_bits(weights, 12, 0) + 1,
                    layer->channels, "the kernels' number of channels") ||
        !check_same(sim, NV_CSC, NV_CSC_D_WEIGHT_SIZE_EXT_1, nv_bits(weights, 28, 16) + 1,
                    layer->kernels, "the number of kernels") ||
        !check_same(sim, NV_CSC, NV_CSC_D_DATAOUT_SIZE_1,
                    nv_get(sim, NV_CSC, NV_CSC_D_DATAOUT_SIZE_1) + 1, layer->kernels,
                    "the output's number of channels") ||
        !check_same(sim, NV_CACC, NV_CACC_D_DATAOUT_SIZE_0, nv_bits(out, 12, 0) + 1,
                    layer->out_width, "the output's width") ||
        !check_same(sim, NV_CACC, NV_CACC_D_DATAOUT_SIZE_0, nv_bits(out, 28, 16) + 1,
                    layer->out_height, "the output's height") ||
        !check_same(sim, NV_CACC, NV_CACC_D_DATAOUT_SIZE_1,
                    nv_get(sim, NV_CACC, NV_CACC_D_DATAOUT_SIZE_1) + 1, layer->kernels,
                    "the output's number of channels"))
        return false;
    if (atomics != layer->out_width * layer->out_height)
        return tenon_nv_fault(sim, NV_RULE_CONV_ATOMICS, NV_CSC, NV_CSC_D_ATOMICS,
                              "the output is %u x %u", layer->out_width, layer->out_height);
    if (layer->kernel_bytes != bytes)
        return tenon_nv_fault(sim, NV_RULE_CONV_KERNEL_BYTES, NV_CDMA, NV_CDMA_D_WEIGHT_SIZE_0,
                              "a kernel has %u bytes", bytes);
    return true;
}

/* The windows of the outputs end where CDMA's registers say that the padding ends. */
static bool check_output(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint32_t pad = nv_get(sim, NV_CDMA, NV_CDMA_D_ZERO_PADDING);
    uint32_t need_x =
        (layer->out_width - 1) * layer->stride_x + (layer->kernel_width - 1) * layer->dilation_x;
    uint32_t need_y =
        (layer->out_height - 1) * layer->stride_y + (layer->kernel_height - 1) * layer->dilation_y;
    if (need_x >= layer->width + layer->pad_left + nv_bits(pad, 13, 8))
        return tenon_nv_fault(sim, NV_RULE_CONV_OUTPUT, NV_CSC, NV_CSC_D_DATAOUT_SIZE_0,
                              "the last output of a line needs column %u of %u", need_x,
                              layer->width + layer->pad_left + nv_bits(pad, 13, 8));
    if (need_y >= layer->height + layer->pad_top + nv_bits(pad, 29, 24))
        return tenon_nv_fault(sim, NV_RULE_CONV_OUTPUT, NV_CSC, NV_CSC_D_DATAOUT_SIZE_0,
                              "the last line of outputs needs line %u of %u", need_y,
                              layer->height + layer->pad_top + nv_bits(pad, 29, 24));
    return true;
}

static bool check_buffer(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint32_t banks = nv_bits(layer->banks, 4, 0) + 1 + nv_bits(layer->banks, 20, 16) + 1;
    uint32_t entries = layer->surfaces * layer->width;
    if (banks > BANK_MAX)
        return tenon_nv_fault(sim, NV_RULE_CBUF_BANKS, NV_CDMA, NV_CDMA_D_BANK, "%u banks of %d",
                              banks, BANK_MAX);
    if (nv_get(sim, NV_CSC, NV_CSC_D_BANK) != layer->banks)
        return tenon_nv_fault(sim, NV_RULE_CBUF_BANKS, NV_CSC, NV_CSC_D_BANK, "CDMA has 0x%x",
                              layer->banks);
    if (layer->slice_entries != entries)
        return tenon_nv_fault(sim, NV_RULE_CBUF_SLICE, NV_CDMA, NV_CDMA_D_ENTRY_PER_SLICE,
                              "a slice has %u entries", entries);
    if (nv_get(sim, NV_CSC, NV_CSC_D_ENTRY_PER_SLICE) + 1 != entries)
        return tenon_nv_fault(sim, NV_RULE_CBUF_SLICE, NV_CSC, NV_CSC_D_ENTRY_PER_SLICE,
                              "a slice has %u entries", entries);
    /* CSC_dl adds the low 12 bits of the width per surface (c_bias_add). */
    if (layer->surfaces > 1 && layer->width >= SURFACE_WIDTH_MAX)
        return tenon_nv_fault(sim, NV_RULE_CBUF_SURFACE_WIDTH, NV_CSC, NV_CSC_D_DATAIN_SIZE_EXT_0,
                              "%u surfaces are %u wide", layer->surfaces, layer->width);
    return true;
}

static bool check_release(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    uint32_t both = 0x11110000; /* reuse and skip, of data and of weights */
    uint32_t cdma = nv_get(sim, NV_CDMA, NV_CDMA_D_MISC_CFG) & both;
    uint32_t csc = nv_get(sim, NV_CSC, NV_CSC_D_MISC_CFG) & both;
    if (cdma != csc)
        return tenon_nv_fault(sim, NV_RULE_CONV_REUSE, NV_CSC, NV_CSC_D_MISC_CFG,
                              "CDMA reuses and keeps 0x%x, CSC 0x%x", cdma, csc);
    if (layer->release > layer->height)
        return tenon_nv_fault(sim, NV_RULE_CONV_RELEASE, NV_CSC, NV_CSC_D_RELEASE,
                              "the input has %u slices", layer->height);
    return true;
}

/* CDMA_dc fetches the lines of a grain as one run of atoms. */
static bool check_packed(struct tenon_nvdla_sim *sim, const struct nv_layer *layer) {
    bool packed = (nv_get(sim, NV_CDMA, NV_CDMA_D_DAIN_MAP) & 1) != 0;
    if (!packed || nv_get(sim, NV_CDMA, NV_CDMA_D_FETCH_GRAIN) == 0 ||
        layer->input.line_stride == layer->width * NV_LANES)
        return true;
    return tenon_nv_fault(sim, NV_RULE_MEMORY_PACKED, NV_CDMA, NV_CDMA_D_LINE_STRIDE,
                          "a line has %u bytes", layer->width * NV_LANES);
}

bool tenon_nv_layer_read(struct tenon_nvdla_sim *sim, struct nv_layer *layer) {
    *layer = (struct nv_layer){0};
    read_cdma(sim, layer);
    read_csc(sim, layer);
    uint32_t bytes = nv_get(sim, NV_CDMA, NV_CDMA_D_WEIGHT_BYTES);
    layer->cdma_weight_entries = bytes / sim->config->cbuf_entry_bytes;
    if (!check_modes(sim) || !check_shape(sim, layer) || !check_output(sim, layer) ||
        !check_buffer(sim, layer) || !check_release(sim, layer))
        return false;
    if (layer->weight_address % sim->config->atom_bytes != 0)
        return tenon_nv_fault(sim, NV_RULE_MEMORY_ALIGNMENT, NV_CDMA, NV_CDMA_D_WEIGHT_ADDR_LOW,
                              "not a multiple of %u", sim->config->atom_bytes);
    uint64_t needed = (uint64_t)layer->kernel_bytes * layer->kernels;
    if (bytes % sim->config->cbuf_entry_bytes != 0 || bytes < needed)
        return tenon_nv_fault(sim, NV_RULE_CBUF_WEIGHT_MISSING, NV_CDMA, NV_CDMA_D_WEIGHT_BYTES,
                              "the kernels have %llu bytes, an entry %u",
                              (unsigned long long)needed, sim->config->cbuf_entry_bytes);
    return check_packed(sim, layer) && tenon_nv_cube_check(sim, &layer->input, false);
}
