/* See nvdla_machine.h. Registers by name, so that a program reads as in the hardware's documents.
 */
#include "support/nvdla_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const all_blocks[] = {"CDMA", "CSC",      "CMAC_A", "CMAC_B",
                                         "CACC", "SDP_RDMA", "SDP",    "PDP_RDMA",
                                         "PDP",  "CDP_RDMA", "CDP",    NULL};
const char *const nvdla_conv_blocks[] = {"CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC", "SDP", NULL};
const char *const nvdla_sdp_blocks[] = {"SDP_RDMA", "SDP", NULL};
const char *const nvdla_pdp_blocks[] = {"PDP_RDMA", "PDP", NULL};
const char *const nvdla_cdp_blocks[] = {"CDP_RDMA", "CDP", NULL};

const struct nvdla_conv nvdla_conv_small = {
    .width = 6,
    .height = 5,
    .channels = 8,
    .kernels = 8,
    .kernel_width = 3,
    .kernel_height = 3,
    .stride = 1,
    .dilation = 1,
    .pad_left = 1,
    .pad_top = 1,
    .pad_right = 1,
    .pad_bottom = 1,
    .pad_value = -5,
    .data_banks = 1,
    .weight_banks = 1,
    .input = NVDLA_INPUT,
    .weights = NVDLA_WEIGHTS,
    .output = NVDLA_OUTPUT,
    .cvt_shift = 8,
};

bool nvdla_machine_init(struct nvdla_machine *machine) {
    uint32_t seed = 1;
    *machine = (struct nvdla_machine){
        .sim = tenon_nvdla_sim_create(tenon_nvdla_sim_config_find("nv_small")),
        .ram = calloc(1, NVDLA_RAM_BYTES),
        .rom = calloc(1, NVDLA_ROM_BYTES),
    };
    if (machine->sim == NULL || machine->ram == NULL || machine->rom == NULL)
        return false;
    for (uint32_t i = 0; i < NVDLA_ROM_BYTES; i++) {
        seed = seed * 1664525 + 1013904223;
        machine->ram[i] = (uint8_t)(seed >> 24);
        machine->rom[i] = (uint8_t)(seed >> 16);
    }
    const struct tenon_nvdla_sim_window windows[] = {
        {NVDLA_RAM, NVDLA_RAM_BYTES, machine->ram, true},
        {NVDLA_ROM, NVDLA_ROM_BYTES, machine->rom, false},
    };
    return tenon_nvdla_sim_set_windows(machine->sim, windows, 2);
}

void nvdla_machine_finish(struct nvdla_machine *machine) {
    tenon_nvdla_sim_destroy(machine->sim);
    free(machine->ram);
    free(machine->rom);
}

void nvdla_machine_reset(struct nvdla_machine *machine) {
    tenon_nvdla_sim_reset(machine->sim);
    memset(machine->group, 0, sizeof(machine->group));
}

uint32_t nvdla_address(const char *name) {
    uint32_t address;
    if (tenon_nvdla_sim_register_find(tenon_nvdla_sim_config_find("nv_small"), name, &address))
        return address;
    printf("there is no register %s\n", name);
    abort();
}

void nvdla_set(struct nvdla_machine *machine, const char *name, uint32_t value) {
    tenon_nvdla_sim_write(machine->sim, nvdla_address(name), value);
}

uint32_t nvdla_get(struct nvdla_machine *machine, const char *name) {
    return tenon_nvdla_sim_read(machine->sim, nvdla_address(name));
}

static void set_of(struct nvdla_machine *machine, const char *block, const char *reg,
                   uint32_t value) {
    char name[64];
    snprintf(name, sizeof(name), "%s.%s", block, reg);
    nvdla_set(machine, name, value);
}

static unsigned index_of(const char *block) {
    unsigned i = 0;
    while (strcmp(all_blocks[i], block) != 0)
        i++;
    return i;
}

void nvdla_point(struct nvdla_machine *machine, const char *const *blocks) {
    for (; *blocks != NULL; blocks++)
        set_of(machine, *blocks, "S_POINTER", machine->group[index_of(*blocks)]);
}

void nvdla_enable(struct nvdla_machine *machine, const char *const *blocks) {
    for (; *blocks != NULL; blocks++) {
        set_of(machine, *blocks, "D_OP_ENABLE", 1);
        machine->group[index_of(*blocks)] ^= 1;
    }
}

/* ---- programs ---- */

static uint32_t pair(uint32_t low, uint32_t high) {
    return low | high << 16;
}

uint32_t nvdla_conv_out_width(const struct nvdla_conv *c) {
    return (c->width + c->pad_left + c->pad_right - (c->kernel_width - 1) * c->dilation - 1) /
               c->stride +
           1;
}

/* Of the slices in the buffer: those that were kept come first. */
uint32_t nvdla_conv_out_height(const struct nvdla_conv *c) {
    return (c->height + c->kept_slices + c->pad_top + c->pad_bottom -
            (c->kernel_height - 1) * c->dilation - 1) /
               c->stride +
           1;
}

static uint32_t surfaces_of(uint32_t channels) {
    return (channels + 7) / 8;
}

static uint32_t weight_bytes_of(const struct nvdla_conv *c) {
    uint32_t bytes = c->kernels * c->kernel_width * c->kernel_height * c->channels;
    return c->weight_bytes != 0 ? c->weight_bytes : (bytes + 7) / 8 * 8;
}

static void program_cdma(struct nvdla_machine *m, const struct nvdla_conv *c) {
    nvdla_set(m, "CDMA.D_MISC_CFG", c->misc);
    nvdla_set(m, "CDMA.D_DATAIN_FORMAT", 0);
    nvdla_set(m, "CDMA.D_DATAIN_SIZE_0", pair(c->width - 1, c->height - 1));
    nvdla_set(m, "CDMA.D_DATAIN_SIZE_1", c->channels - 1);
    nvdla_set(m, "CDMA.D_DAIN_ADDR_LOW_0", c->input);
    nvdla_set(m, "CDMA.D_LINE_STRIDE", c->width * 8);
    nvdla_set(m, "CDMA.D_SURF_STRIDE", c->width * c->height * 8);
    nvdla_set(m, "CDMA.D_ENTRY_PER_SLICE", surfaces_of(c->channels) * c->width - 1);
    nvdla_set(m, "CDMA.D_WEIGHT_SIZE_0", c->kernel_width * c->kernel_height * c->channels - 1);
    nvdla_set(m, "CDMA.D_WEIGHT_SIZE_1", c->kernels - 1);
    nvdla_set(m, "CDMA.D_WEIGHT_ADDR_LOW", c->weights);
    nvdla_set(m, "CDMA.D_WEIGHT_BYTES", weight_bytes_of(c));
    nvdla_set(m, "CDMA.D_ZERO_PADDING",
              pair(c->pad_left | c->pad_right << 8, c->pad_top | c->pad_bottom << 8));
    nvdla_set(m, "CDMA.D_BANK", pair(c->data_banks - 1, c->weight_banks - 1));
}

static void program_csc(struct nvdla_machine *m, const struct nvdla_conv *c) {
    uint32_t ow = nvdla_conv_out_width(c), oh = nvdla_conv_out_height(c);
    uint32_t slices = c->height + c->kept_slices;
    nvdla_set(m, "CSC.D_MISC_CFG", c->misc);
    nvdla_set(m, "CSC.D_DATAIN_SIZE_EXT_0", pair(c->width - 1, slices - 1));
    nvdla_set(m, "CSC.D_DATAIN_SIZE_EXT_1", c->channels - 1);
    nvdla_set(m, "CSC.D_ENTRY_PER_SLICE", surfaces_of(c->channels) * c->width - 1);
    nvdla_set(m, "CSC.D_WEIGHT_SIZE_EXT_0", pair(c->kernel_width - 1, c->kernel_height - 1));
    nvdla_set(m, "CSC.D_WEIGHT_SIZE_EXT_1", pair(c->channels - 1, c->kernels - 1));
    nvdla_set(m, "CSC.D_WEIGHT_BYTES", weight_bytes_of(c));
    nvdla_set(m, "CSC.D_DATAOUT_SIZE_0", pair(ow - 1, oh - 1));
    nvdla_set(m, "CSC.D_DATAOUT_SIZE_1", c->kernels - 1);
    nvdla_set(m, "CSC.D_ATOMICS", ow * oh - 1);
    nvdla_set(m, "CSC.D_RELEASE", (c->release != 0 ? c->release : slices) - 1);
    nvdla_set(m, "CSC.D_CONV_STRIDE_EXT", pair(c->stride - 1, c->stride - 1));
    nvdla_set(m, "CSC.D_DILATION_EXT", pair(c->dilation - 1, c->dilation - 1));
    nvdla_set(m, "CSC.D_ZERO_PADDING", pair(c->pad_left, c->pad_top));
    nvdla_set(m, "CSC.D_ZERO_PADDING_VALUE", (uint8_t)c->pad_value);
    nvdla_set(m, "CSC.D_BANK", pair(c->data_banks - 1, c->weight_banks - 1));
    nvdla_set(m, "CMAC_A.D_MISC_CFG", 0);
    nvdla_set(m, "CMAC_B.D_MISC_CFG", 0);
    nvdla_set(m, "CACC.D_MISC_CFG", 0);
    nvdla_set(m, "CACC.D_DATAOUT_SIZE_0", pair(ow - 1, oh - 1));
    nvdla_set(m, "CACC.D_DATAOUT_SIZE_1", c->kernels - 1);
}

static void program_output(struct nvdla_machine *m, uint32_t width, uint32_t height,
                           uint32_t channels, uint32_t address, bool flying) {
    nvdla_set(m, "SDP.D_DATA_CUBE_WIDTH", width - 1);
    nvdla_set(m, "SDP.D_DATA_CUBE_HEIGHT", height - 1);
    nvdla_set(m, "SDP.D_DATA_CUBE_CHANNEL", channels - 1);
    nvdla_set(m, "SDP.D_DST_BASE_ADDR_LOW", address);
    nvdla_set(m, "SDP.D_DST_LINE_STRIDE", width * 8);
    nvdla_set(m, "SDP.D_DST_SURFACE_STRIDE", width * height * 8);
    nvdla_set(m, "SDP.D_DP_BS_CFG", 1);
    nvdla_set(m, "SDP.D_DP_BN_CFG", 1);
    nvdla_set(m, "SDP.D_DP_EW_CFG", 1);
    nvdla_set(m, "SDP.D_FEATURE_MODE_CFG", flying);
    nvdla_set(m, "SDP.D_CVT_SCALE", 1);
}

void nvdla_program_conv(struct nvdla_machine *m, const struct nvdla_conv *c) {
    nvdla_point(m, nvdla_conv_blocks);
    program_cdma(m, c);
    program_csc(m, c);
    program_output(m, nvdla_conv_out_width(c), nvdla_conv_out_height(c), c->kernels, c->output,
                   true);
    nvdla_set(m, "SDP.D_CVT_SHIFT", c->cvt_shift);
}

enum { WIDTH = 6, HEIGHT = 5, CHANNELS = 16 };

void nvdla_program_sdp(struct nvdla_machine *m) {
    nvdla_point(m, nvdla_sdp_blocks);
    nvdla_set(m, "SDP_RDMA.D_DATA_CUBE_WIDTH", WIDTH - 1);
    nvdla_set(m, "SDP_RDMA.D_DATA_CUBE_HEIGHT", HEIGHT - 1);
    nvdla_set(m, "SDP_RDMA.D_DATA_CUBE_CHANNEL", CHANNELS - 1);
    nvdla_set(m, "SDP_RDMA.D_SRC_BASE_ADDR_LOW", NVDLA_INPUT);
    nvdla_set(m, "SDP_RDMA.D_SRC_LINE_STRIDE", WIDTH * 8);
    nvdla_set(m, "SDP_RDMA.D_SRC_SURFACE_STRIDE", WIDTH * HEIGHT * 8);
    nvdla_set(m, "SDP_RDMA.D_FEATURE_MODE_CFG", 0);
    program_output(m, WIDTH, HEIGHT, CHANNELS, NVDLA_OUTPUT, false);
}

void nvdla_program_pdp(struct nvdla_machine *m) {
    nvdla_point(m, nvdla_pdp_blocks);
    nvdla_set(m, "PDP_RDMA.D_DATA_CUBE_IN_WIDTH", WIDTH - 1);
    nvdla_set(m, "PDP_RDMA.D_DATA_CUBE_IN_HEIGHT", HEIGHT - 1);
    nvdla_set(m, "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL", CHANNELS - 1);
    nvdla_set(m, "PDP_RDMA.D_FLYING_MODE", 1);
    nvdla_set(m, "PDP_RDMA.D_SRC_BASE_ADDR_LOW", NVDLA_INPUT);
    nvdla_set(m, "PDP_RDMA.D_SRC_LINE_STRIDE", WIDTH * 8);
    nvdla_set(m, "PDP_RDMA.D_SRC_SURFACE_STRIDE", WIDTH * HEIGHT * 8);
    nvdla_set(m, "PDP.D_DATA_CUBE_IN_WIDTH", WIDTH - 1);
    nvdla_set(m, "PDP.D_DATA_CUBE_IN_HEIGHT", HEIGHT - 1);
    nvdla_set(m, "PDP.D_DATA_CUBE_IN_CHANNEL", CHANNELS - 1);
    nvdla_set(m, "PDP.D_DATA_CUBE_OUT_WIDTH", WIDTH - 2);
    nvdla_set(m, "PDP.D_DATA_CUBE_OUT_HEIGHT", HEIGHT - 2);
    nvdla_set(m, "PDP.D_DATA_CUBE_OUT_CHANNEL", CHANNELS - 1);
    nvdla_set(m, "PDP.D_OPERATION_MODE_CFG", 0x11);
    nvdla_set(m, "PDP.D_POOLING_KERNEL_CFG", 0x0101);
    nvdla_set(m, "PDP.D_DST_BASE_ADDR_LOW", NVDLA_OUTPUT);
    nvdla_set(m, "PDP.D_DST_LINE_STRIDE", (WIDTH - 1) * 8);
    nvdla_set(m, "PDP.D_DST_SURFACE_STRIDE", (WIDTH - 1) * (HEIGHT - 1) * 8);
}

void nvdla_program_cdp(struct nvdla_machine *m) {
    nvdla_point(m, nvdla_cdp_blocks);
    nvdla_set(m, "CDP_RDMA.D_DATA_CUBE_WIDTH", WIDTH - 1);
    nvdla_set(m, "CDP_RDMA.D_DATA_CUBE_HEIGHT", HEIGHT - 1);
    nvdla_set(m, "CDP_RDMA.D_DATA_CUBE_CHANNEL", CHANNELS - 1);
    nvdla_set(m, "CDP_RDMA.D_SRC_BASE_ADDR_LOW", NVDLA_INPUT);
    nvdla_set(m, "CDP_RDMA.D_SRC_LINE_STRIDE", WIDTH * 8);
    nvdla_set(m, "CDP_RDMA.D_SRC_SURFACE_STRIDE", WIDTH * HEIGHT * 8);
    nvdla_set(m, "CDP.D_DATA_FORMAT", 0);
    nvdla_set(m, "CDP.D_DST_BASE_ADDR_LOW", NVDLA_OUTPUT);
    nvdla_set(m, "CDP.D_DST_LINE_STRIDE", WIDTH * 8);
    nvdla_set(m, "CDP.D_DST_SURFACE_STRIDE", WIDTH * HEIGHT * 8);
}

/* ---- what a convolution is ---- */

static const uint8_t *memory_at(const struct nvdla_machine *m, uint32_t address) {
    return address >= NVDLA_ROM ? m->rom + (address - NVDLA_ROM) : m->ram + (address - NVDLA_RAM);
}

/* Kept slices lie in memory before the input, in a cube of one surface. */
static int input_at(const struct nvdla_machine *m, const struct nvdla_conv *c, int64_t y, int64_t x,
                    uint32_t channel) {
    y -= c->kept_slices;
    if (y < -(int64_t)c->kept_slices || y >= c->height || x < 0 || x >= c->width)
        return c->pad_value;
    int64_t offset = ((int64_t)(channel / 8) * c->height + y) * c->width * 8 + x * 8 + channel % 8;
    return (int8_t)memory_at(m, c->input)[offset];
}

/* Groups of 8 kernels; in them blocks of 8 channels, then the position, the kernel, the channel. */
static int weight_at(const struct nvdla_machine *m, const struct nvdla_conv *c, uint32_t kernel,
                     uint32_t r, uint32_t s, uint32_t channel) {
    uint32_t area = c->kernel_width * c->kernel_height, block = channel / 8;
    uint32_t in_group = c->kernels - kernel / 8 * 8, lanes = c->channels - block * 8;
    in_group = in_group < 8 ? in_group : 8;
    lanes = lanes < 8 ? lanes : 8;
    uint32_t offset = kernel / 8 * 8 * area * c->channels + block * 8 * area * in_group +
                      ((r * c->kernel_width + s) * in_group + kernel % 8) * lanes + channel % 8;
    return (int8_t)memory_at(m, c->weights)[offset];
}

static int shifted(int sum, uint32_t shift) {
    int half = shift == 0 ? 0 : 1 << (shift - 1);
    int value = sum >= 0 ? (sum + half) >> shift : -((-sum + half) >> shift);
    return value > 127 ? 127 : value < -128 ? -128 : value;
}

static int output_at(const struct nvdla_machine *m, const struct nvdla_conv *c, uint32_t y,
                     uint32_t x, uint32_t kernel) {
    int sum = 0;
    for (uint32_t r = 0; r < c->kernel_height; r++)
        for (uint32_t s = 0; s < c->kernel_width; s++)
            for (uint32_t channel = 0; channel < c->channels; channel++)
                sum += input_at(m, c, (int64_t)y * c->stride - c->pad_top + r * c->dilation,
                                (int64_t)x * c->stride - c->pad_left + s * c->dilation, channel) *
                       weight_at(m, c, kernel, r, s, channel);
    return shifted(sum, c->cvt_shift);
}

bool nvdla_conv_is_right(const struct nvdla_machine *m, const struct nvdla_conv *c) {
    uint32_t ow = nvdla_conv_out_width(c), oh = nvdla_conv_out_height(c);
    for (uint32_t k = 0; k < c->kernels; k++)
        for (uint32_t y = 0; y < oh; y++)
            for (uint32_t x = 0; x < ow; x++) {
                uint32_t offset = ((k / 8 * oh + y) * ow + x) * 8 + k % 8;
                if ((int8_t)memory_at(m, c->output)[offset] != output_at(m, c, y, x, k))
                    return false;
            }
    return true;
}
