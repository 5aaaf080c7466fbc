/*
 * Encoding of hardware layers: fields of registers are collected, then written block by block in
 * the table's order into the group that is the block's turn; then the blocks are enabled, consumers
 * first, and the program waits for the layer's interrupts.
 */
#include "backends/nvdla/layer.h"

#include <string.h>

enum { RAM_MC = 1, DMA_ALU = 1, DMA_BOTH = 2, FLYING = 1, PDP_FROM_MEMORY = 1 };

void tenon_nvdla_program_init(struct nvdla_program *program, const struct nvdla_config *config,
                              struct tenon_arena *arena) {
    *program = (struct nvdla_program){.config = config, .arena = arena};
}

/* ---- growing ---- */

/* Doubled arrays; the old ones stay in the arena, in sum no larger than the last. */
static bool grow(struct tenon_arena *arena, void **array, uint32_t count, uint32_t capacity,
                 size_t size) {
    void *larger = tenon_arena_alloc_array(arena, capacity, size);
    if (larger != NULL && count != 0)
        memcpy(larger, *array, count * size);
    *array = larger;
    return larger != NULL;
}

static void append(struct nvdla_program *p, const struct tenon_nvdla_command *command,
                   uint32_t item) {
    if (p->failed)
        return;
    if (p->command_count == p->command_capacity) {
        uint32_t capacity = p->command_capacity == 0 ? 256 : 2 * p->command_capacity;
        void *commands = p->commands, *items = p->items;
        p->failed = capacity < p->command_capacity ||
                    !grow(p->arena, &commands, p->command_count, capacity, sizeof(*p->commands)) ||
                    !grow(p->arena, &items, p->command_count, capacity, sizeof(*p->items));
        if (p->failed)
            return;
        p->commands = commands;
        p->items = items;
        p->command_capacity = capacity;
    }
    p->items[p->command_count] = item;
    p->commands[p->command_count++] = *command;
}

void tenon_nvdla_program_move(struct nvdla_program *p, enum tenon_nvdla_command_kind kind,
                              const struct tenon_nvdla_move *move, uint32_t item) {
    if (p->move_count == p->move_capacity && !p->failed) {
        uint32_t capacity = p->move_capacity == 0 ? 16 : 2 * p->move_capacity;
        void *moves = p->moves, *items = p->move_items;
        p->failed = capacity < p->move_capacity ||
                    !grow(p->arena, &moves, p->move_count, capacity, sizeof(*p->moves)) ||
                    !grow(p->arena, &items, p->move_count, capacity, sizeof(*p->move_items));
        if (p->failed)
            return;
        p->moves = moves;
        p->move_items = items;
        p->move_capacity = capacity;
    }
    if (p->failed)
        return;
    p->moves[p->move_count] = *move;
    p->move_items[p->move_count] = item;
    append(p, &(struct tenon_nvdla_command){.kind = (uint8_t)kind, .value = p->move_count++}, 0);
}

void tenon_nvdla_program_node(struct nvdla_program *p, uint32_t node) {
    append(p, &(struct tenon_nvdla_command){.kind = TENON_NVDLA_NODE, .value = node}, 0);
}

void tenon_nvdla_program_place(struct nvdla_program *p, const uint64_t *item_offsets) {
    for (uint32_t i = 0; i < p->command_count; i++)
        if (p->commands[i].kind == TENON_NVDLA_WRITE && p->commands[i].place == TENON_NVDLA_SCRATCH)
            p->commands[i].value += (uint32_t)item_offsets[p->items[i]];
    for (uint32_t i = 0; i < p->move_count; i++)
        p->moves[i].cube_offset += item_offsets[p->move_items[i]];
}

/* ---- register images ---- */

struct image {
    struct {
        uint32_t value, item;
        uint8_t place;
        bool high;
    } registers[NVDLA_REGISTER_COUNT];
};

static void put(struct image *image, enum nvdla_register reg, uint32_t value) {
    tenon_assert((value & ~tenon_bit_mask(tenon_nvdla_registers.registers[reg].bits)) == 0);
    image->registers[reg].value = value;
}

static void put_field(struct image *image, enum nvdla_field field, uint32_t value) {
    const struct tenon_register_field *f = &tenon_nvdla_registers.fields[field];
    tenon_assert((value & ~tenon_bit_mask(f->bits)) == 0);
    image->registers[f->reg].value |= value << f->shift;
}

#define PUT(block, name, value) put(image, NVDLA_##block##_##name, (uint32_t)(value))
#define PUT_FIELD(block, name, field, value) \
    put_field(image, NVDLA_##block##_##name##_##field##_FIELD, (uint32_t)(value))

static void put_address(struct image *image, enum nvdla_register low, enum nvdla_register high,
                        const struct nvdla_cube *cube) {
    for (int i = 0; i < 2; i++) {
        enum nvdla_register reg = i == 0 ? low : high;
        image->registers[reg].value = (uint32_t)cube->offset;
        image->registers[reg].item = cube->item;
        image->registers[reg].place = cube->place;
        image->registers[reg].high = i == 1 && cube->place != TENON_NVDLA_NONE;
    }
}

static struct nvdla_cube in_data(uint64_t offset) {
    return (struct nvdla_cube){.place = TENON_NVDLA_DATA, .offset = offset};
}

/* ---- the program of one layer ---- */

static uint32_t group_of(const struct nvdla_program *p, enum nvdla_block block) {
    return p->operations[block] & 1;
}

static void write_register(struct nvdla_program *p, enum nvdla_register reg, uint32_t value) {
    append(p,
           &(struct tenon_nvdla_command){.kind = TENON_NVDLA_WRITE,
                                         .address = tenon_nvdla_registers.registers[reg].address,
                                         .value = value},
           0);
}

/* S_POINTER, then the block's registers but for D_OP_ENABLE. */
static void write_block(struct nvdla_program *p, const struct image *image,
                        enum nvdla_block block) {
    for (uint32_t i = 0; i < NVDLA_REGISTER_COUNT; i++) {
        const struct tenon_register *reg = &tenon_nvdla_registers.registers[i];
        if (tenon_nvdla_register_blocks[i] != block || strcmp(reg->name, "D_OP_ENABLE") == 0)
            continue;
        if (strcmp(reg->name, "S_POINTER") == 0) {
            write_register(p, (enum nvdla_register)i, group_of(p, block));
        } else if (reg->name[0] == 'D') {
            append(p,
                   &(struct tenon_nvdla_command){.kind = TENON_NVDLA_WRITE,
                                                 .place = image->registers[i].place,
                                                 .high = image->registers[i].high,
                                                 .address = reg->address,
                                                 .value = image->registers[i].value},
                   image->registers[i].item);
        }
    }
}

static void enable(struct nvdla_program *p, enum nvdla_register op_enable) {
    write_register(p, op_enable, 1);
    p->operations[tenon_nvdla_register_blocks[op_enable]]++;
}

/* Bit of the block's done interrupt; odd operations have the next one. */
static uint32_t done_bit(const struct nvdla_program *p, enum nvdla_block block,
                         enum nvdla_field first) {
    return UINT32_C(1) << (tenon_nvdla_registers.fields[first].shift + group_of(p, block));
}

#define DONE(p, block, name) done_bit(p, NVDLA_##block, NVDLA_GLB_S_INTR_STATUS_##name##0_FIELD)

static void wait_for(struct nvdla_program *p, uint32_t mask) {
    uint32_t address = tenon_nvdla_registers.registers[NVDLA_GLB_S_INTR_STATUS].address;
    append(
        p,
        &(struct tenon_nvdla_command){.kind = TENON_NVDLA_WAIT, .address = address, .mask = mask},
        0);
}

/* ---- SDP ---- */

static bool is_used(const struct nvdla_stage *s) {
    return s->alu != NVDLA_ALU_NONE || s->mul || s->relu;
}

static bool reads_alu(const struct nvdla_stage *s) {
    return s->alu != NVDLA_ALU_NONE && s->alu_source != NVDLA_OPERAND_VALUE;
}

static bool reads_mul(const struct nvdla_stage *s) {
    return s->mul && s->mul_source != NVDLA_OPERAND_VALUE;
}

static bool reads_memory(const struct nvdla_stage *s) {
    return reads_alu(s) || reads_mul(s);
}

/* D_DP_BS_CFG and D_DP_BN_CFG have the same fields: this is BS's. */
static uint32_t stage_config(const struct nvdla_stage *s) {
    enum { MAX, MIN, SUM };
    static const uint8_t algorithms[] = {SUM, SUM, MIN, MAX};
    uint32_t config = is_used(s) ? 0 : 1;
    config |= s->alu == NVDLA_ALU_NONE ? 1u << 1 : 0;
    config |= (uint32_t)algorithms[s->alu] << 2;
    config |= s->mul ? 0 : 1u << 4;
    config |= s->prelu ? 1u << 5 : 0;
    config |= s->relu ? 0 : 1u << 6;
    return config;
}

static void put_bs(struct image *image, const struct nvdla_stage *s) {
    PUT(SDP, D_DP_BS_CFG, stage_config(s));
    PUT_FIELD(SDP, D_DP_BS_ALU_CFG, BS_ALU_SRC, reads_alu(s));
    PUT_FIELD(SDP, D_DP_BS_ALU_CFG, BS_ALU_SHIFT_VALUE, s->alu_shift);
    PUT(SDP, D_DP_BS_ALU_SRC_VALUE, (uint16_t)s->alu_value);
    PUT_FIELD(SDP, D_DP_BS_MUL_CFG, BS_MUL_SRC, reads_mul(s));
    PUT_FIELD(SDP, D_DP_BS_MUL_CFG, BS_MUL_SHIFT_VALUE, s->mul_shift);
    PUT(SDP, D_DP_BS_MUL_SRC_VALUE, (uint16_t)s->mul_value);
}

static void put_bn(struct image *image, const struct nvdla_stage *s) {
    PUT(SDP, D_DP_BN_CFG, stage_config(s));
    PUT_FIELD(SDP, D_DP_BN_ALU_CFG, BN_ALU_SRC, reads_alu(s));
    PUT_FIELD(SDP, D_DP_BN_ALU_CFG, BN_ALU_SHIFT_VALUE, s->alu_shift);
    PUT(SDP, D_DP_BN_ALU_SRC_VALUE, (uint16_t)s->alu_value);
    PUT_FIELD(SDP, D_DP_BN_MUL_CFG, BN_MUL_SRC, reads_mul(s));
    PUT_FIELD(SDP, D_DP_BN_MUL_CFG, BN_MUL_SHIFT_VALUE, s->mul_shift);
    PUT(SDP, D_DP_BN_MUL_SRC_VALUE, (uint16_t)s->mul_value);
}

/* What a stage's read DMA is told; D_BRDMA_CFG and D_NRDMA_CFG have the same fields. */
struct reader {
    uint32_t config;
    struct nvdla_cube cube;
};

static struct reader reader_of(const struct nvdla_program *p, const struct nvdla_stage *s) {
    enum { DISABLE = 1, USE_SHIFT = 1, TWO_BYTES = 1 << 3, PER_ELEMENT = 1 << 4, MC = 1 << 5 };
    bool alu = reads_alu(s), mul = reads_mul(s);
    struct reader r = {.config = MC | DISABLE};
    if (!reads_memory(s))
        return r;
    r.config = MC | (uint32_t)(alu && mul ? DMA_BOTH : alu ? DMA_ALU : 0) << USE_SHIFT;
    if ((alu ? s->alu_source : s->mul_source) == NVDLA_OPERAND_ELEMENT) {
        r.config |= PER_ELEMENT;
        r.cube = s->elements;
        return r;
    }
    uint32_t bytes = p->config->atom_bytes * (alu && mul ? 4 : 2);
    r.config |= TWO_BYTES;
    r.cube = in_data(s->channel_offset);
    r.cube.line_stride = r.cube.surface_stride = bytes;
    return r;
}

static void put_rdma(struct image *image, const struct nvdla_program *p,
                     const struct nvdla_sdp *sdp, const struct nvdla_cube *source) {
    struct reader bs = reader_of(p, &sdp->bs), bn = reader_of(p, &sdp->bn);
    PUT(SDP_RDMA, D_DATA_CUBE_WIDTH, sdp->dest.width - 1);
    PUT(SDP_RDMA, D_DATA_CUBE_HEIGHT, sdp->dest.height - 1);
    PUT(SDP_RDMA, D_DATA_CUBE_CHANNEL, sdp->dest.channels - 1);
    PUT(SDP_RDMA, D_BRDMA_CFG, bs.config);
    PUT(SDP_RDMA, D_BS_LINE_STRIDE, bs.cube.line_stride);
    PUT(SDP_RDMA, D_BS_SURFACE_STRIDE, bs.cube.surface_stride);
    put_address(image, NVDLA_SDP_RDMA_D_BS_BASE_ADDR_LOW, NVDLA_SDP_RDMA_D_BS_BASE_ADDR_HIGH,
                &bs.cube);
    PUT(SDP_RDMA, D_NRDMA_CFG, bn.config);
    PUT(SDP_RDMA, D_BN_LINE_STRIDE, bn.cube.line_stride);
    PUT(SDP_RDMA, D_BN_SURFACE_STRIDE, bn.cube.surface_stride);
    put_address(image, NVDLA_SDP_RDMA_D_BN_BASE_ADDR_LOW, NVDLA_SDP_RDMA_D_BN_BASE_ADDR_HIGH,
                &bn.cube);
    PUT_FIELD(SDP_RDMA, D_ERDMA_CFG, ERDMA_DISABLE, 1);
    PUT_FIELD(SDP_RDMA, D_ERDMA_CFG, ERDMA_RAM_TYPE, RAM_MC);
    PUT(SDP_RDMA, D_SRC_DMA_CFG, RAM_MC);
    if (source == NULL) {
        PUT_FIELD(SDP_RDMA, D_FEATURE_MODE_CFG, FLYING_MODE, FLYING);
        return;
    }
    PUT(SDP_RDMA, D_SRC_LINE_STRIDE, source->line_stride);
    PUT(SDP_RDMA, D_SRC_SURFACE_STRIDE, source->surface_stride);
    put_address(image, NVDLA_SDP_RDMA_D_SRC_BASE_ADDR_LOW, NVDLA_SDP_RDMA_D_SRC_BASE_ADDR_HIGH,
                source);
}

static void put_sdp(struct image *image, const struct nvdla_sdp *sdp, bool flying) {
    PUT(SDP, D_DATA_CUBE_WIDTH, sdp->dest.width - 1);
    PUT(SDP, D_DATA_CUBE_HEIGHT, sdp->dest.height - 1);
    PUT(SDP, D_DATA_CUBE_CHANNEL, sdp->dest.channels - 1);
    PUT(SDP, D_DST_LINE_STRIDE, sdp->dest.line_stride);
    PUT(SDP, D_DST_SURFACE_STRIDE, sdp->dest.surface_stride);
    put_address(image, NVDLA_SDP_D_DST_BASE_ADDR_LOW, NVDLA_SDP_D_DST_BASE_ADDR_HIGH, &sdp->dest);
    put_bs(image, &sdp->bs);
    put_bn(image, &sdp->bn);
    PUT_FIELD(SDP, D_DP_EW_CFG, EW_BYPASS, 1);
    PUT_FIELD(SDP, D_DP_EW_CFG, EW_ALU_BYPASS, 1);
    PUT_FIELD(SDP, D_DP_EW_CFG, EW_MUL_BYPASS, 1);
    PUT_FIELD(SDP, D_DP_EW_CFG, EW_LUT_BYPASS, 1);
    PUT_FIELD(SDP, D_FEATURE_MODE_CFG, FLYING_MODE, flying);
    PUT(SDP, D_DST_DMA_CFG, RAM_MC);
    PUT(SDP, D_CVT_OFFSET, sdp->cvt_offset);
    PUT(SDP, D_CVT_SCALE, (uint16_t)sdp->cvt_scale);
    PUT(SDP, D_CVT_SHIFT, sdp->cvt_shift);
}

void tenon_nvdla_program_sdp(struct nvdla_program *p, const struct nvdla_sdp *sdp,
                             const struct nvdla_cube *source) {
    struct image registers = {0};
    put_sdp(&registers, sdp, false);
    put_rdma(&registers, p, sdp, source);
    write_block(p, &registers, NVDLA_SDP_RDMA);
    write_block(p, &registers, NVDLA_SDP);
    uint32_t done = DONE(p, SDP, SDP_DONE);
    enable(p, NVDLA_SDP_D_OP_ENABLE);
    enable(p, NVDLA_SDP_RDMA_D_OP_ENABLE);
    wait_for(p, done);
}

/* ---- convolution ---- */

uint32_t tenon_nvdla_weight_bytes(const struct nvdla_config *config, uint32_t bytes) {
    return (bytes + config->cbuf_entry_bytes - 1) / config->cbuf_entry_bytes *
           config->cbuf_entry_bytes;
}

uint32_t tenon_nvdla_slice_entries(const struct nvdla_config *config, uint32_t width,
                                   uint32_t channels) {
    uint32_t atoms = (channels + config->atom_channels - 1) / config->atom_channels;
    uint32_t per_entry = config->cbuf_entry_bytes / config->atom_bytes;
    return (atoms * width + per_entry - 1) / per_entry;
}

uint32_t tenon_nvdla_banks(const struct nvdla_config *config, uint64_t entries) {
    uint64_t banks = (entries + config->cbuf_bank_entries - 1) / config->cbuf_bank_entries;
    return banks > UINT32_MAX ? UINT32_MAX : (uint32_t)banks;
}

static void put_cdma(struct image *image, const struct nvdla_program *p,
                     const struct nvdla_conv *c) {
    const struct nvdla_cube *in = &c->source;
    const struct nvdla_cube weights = in_data(c->weights_offset);
    uint32_t atom = p->config->atom_bytes;
    PUT_FIELD(CDMA, D_DATAIN_SIZE_0, DATAIN_WIDTH, in->width - 1);
    PUT_FIELD(CDMA, D_DATAIN_SIZE_0, DATAIN_HEIGHT, in->height - 1);
    PUT(CDMA, D_DATAIN_SIZE_1, in->channels - 1);
    PUT_FIELD(CDMA, D_DATAIN_SIZE_EXT_0, DATAIN_WIDTH_EXT, in->width - 1);
    PUT_FIELD(CDMA, D_DATAIN_SIZE_EXT_0, DATAIN_HEIGHT_EXT, in->height - 1);
    PUT(CDMA, D_DAIN_RAM_TYPE, RAM_MC);
    put_address(image, NVDLA_CDMA_D_DAIN_ADDR_LOW_0, NVDLA_CDMA_D_DAIN_ADDR_HIGH_0, in);
    PUT(CDMA, D_LINE_STRIDE, in->line_stride);
    PUT(CDMA, D_SURF_STRIDE, in->surface_stride);
    PUT_FIELD(CDMA, D_DAIN_MAP, LINE_PACKED, in->line_stride == in->width * atom);
    PUT_FIELD(CDMA, D_DAIN_MAP, SURF_PACKED,
              in->surface_stride == (uint64_t)in->width * in->height * atom);
    PUT(CDMA, D_ENTRY_PER_SLICE, tenon_nvdla_slice_entries(p->config, in->width, in->channels) - 1);
    PUT(CDMA, D_WEIGHT_SIZE_0, c->kernel_height * c->kernel_width * in->channels - 1);
    PUT(CDMA, D_WEIGHT_SIZE_1, c->kernels - 1);
    PUT(CDMA, D_WEIGHT_RAM_TYPE, RAM_MC);
    put_address(image, NVDLA_CDMA_D_WEIGHT_ADDR_LOW, NVDLA_CDMA_D_WEIGHT_ADDR_HIGH, &weights);
    PUT(CDMA, D_WEIGHT_BYTES, tenon_nvdla_weight_bytes(p->config, c->weight_bytes));
    PUT(CDMA, D_CVT_SCALE, 1);
    PUT_FIELD(CDMA, D_CONV_STRIDE, CONV_X_STRIDE, c->stride_x - 1);
    PUT_FIELD(CDMA, D_CONV_STRIDE, CONV_Y_STRIDE, c->stride_y - 1);
    PUT_FIELD(CDMA, D_ZERO_PADDING, PAD_LEFT, c->pad_left);
    PUT_FIELD(CDMA, D_ZERO_PADDING, PAD_RIGHT, c->pad_right);
    PUT_FIELD(CDMA, D_ZERO_PADDING, PAD_TOP, c->pad_top);
    PUT_FIELD(CDMA, D_ZERO_PADDING, PAD_BOTTOM, c->pad_bottom);
    PUT(CDMA, D_ZERO_PADDING_VALUE, (uint16_t)(int16_t)c->pad_value);
    PUT_FIELD(CDMA, D_BANK, DATA_BANK, c->data_banks - 1);
    PUT_FIELD(CDMA, D_BANK, WEIGHT_BANK, c->weight_banks - 1);
}

static void put_csc(struct image *image, const struct nvdla_program *p,
                    const struct nvdla_conv *c) {
    const struct nvdla_cube *in = &c->source, *out = &c->sdp.dest;
    PUT_FIELD(CSC, D_DATAIN_SIZE_EXT_0, DATAIN_WIDTH_EXT, in->width - 1);
    PUT_FIELD(CSC, D_DATAIN_SIZE_EXT_0, DATAIN_HEIGHT_EXT, in->height - 1);
    PUT(CSC, D_DATAIN_SIZE_EXT_1, in->channels - 1);
    PUT(CSC, D_ENTRY_PER_SLICE, tenon_nvdla_slice_entries(p->config, in->width, in->channels) - 1);
    PUT_FIELD(CSC, D_WEIGHT_SIZE_EXT_0, WEIGHT_WIDTH_EXT, c->kernel_width - 1);
    PUT_FIELD(CSC, D_WEIGHT_SIZE_EXT_0, WEIGHT_HEIGHT_EXT, c->kernel_height - 1);
    PUT_FIELD(CSC, D_WEIGHT_SIZE_EXT_1, WEIGHT_CHANNEL_EXT, in->channels - 1);
    PUT_FIELD(CSC, D_WEIGHT_SIZE_EXT_1, WEIGHT_KERNEL, c->kernels - 1);
    PUT(CSC, D_WEIGHT_BYTES, tenon_nvdla_weight_bytes(p->config, c->weight_bytes));
    PUT_FIELD(CSC, D_DATAOUT_SIZE_0, DATAOUT_WIDTH, out->width - 1);
    PUT_FIELD(CSC, D_DATAOUT_SIZE_0, DATAOUT_HEIGHT, out->height - 1);
    PUT(CSC, D_DATAOUT_SIZE_1, out->channels - 1);
    PUT(CSC, D_ATOMICS, out->width * out->height - 1);
    PUT(CSC, D_RELEASE, in->height - 1);
    PUT_FIELD(CSC, D_CONV_STRIDE_EXT, CONV_X_STRIDE_EXT, c->stride_x - 1);
    PUT_FIELD(CSC, D_CONV_STRIDE_EXT, CONV_Y_STRIDE_EXT, c->stride_y - 1);
    PUT_FIELD(CSC, D_DILATION_EXT, X_DILATION_EXT, c->dilation_x - 1);
    PUT_FIELD(CSC, D_DILATION_EXT, Y_DILATION_EXT, c->dilation_y - 1);
    PUT_FIELD(CSC, D_ZERO_PADDING, PAD_LEFT, c->pad_left);
    PUT_FIELD(CSC, D_ZERO_PADDING, PAD_TOP, c->pad_top);
    PUT(CSC, D_ZERO_PADDING_VALUE, (uint16_t)(int16_t)c->pad_value);
    PUT_FIELD(CSC, D_BANK, DATA_BANK, c->data_banks - 1);
    PUT_FIELD(CSC, D_BANK, WEIGHT_BANK, c->weight_banks - 1);
}

static void put_cacc(struct image *image, const struct nvdla_conv *c) {
    const struct nvdla_cube *out = &c->sdp.dest;
    bool single = out->width == 1 && out->height == 1;
    PUT_FIELD(CACC, D_DATAOUT_SIZE_0, DATAOUT_WIDTH, out->width - 1);
    PUT_FIELD(CACC, D_DATAOUT_SIZE_0, DATAOUT_HEIGHT, out->height - 1);
    PUT(CACC, D_DATAOUT_SIZE_1, out->channels - 1);
    image->registers[NVDLA_CACC_D_DATAOUT_ADDR].value = (uint32_t)out->offset;
    image->registers[NVDLA_CACC_D_DATAOUT_ADDR].item = out->item;
    image->registers[NVDLA_CACC_D_DATAOUT_ADDR].place = out->place;
    PUT(CACC, D_LINE_STRIDE, out->line_stride);
    PUT(CACC, D_SURF_STRIDE, out->surface_stride);
    PUT_FIELD(CACC, D_DATAOUT_MAP, LINE_PACKED, single);
    PUT_FIELD(CACC, D_DATAOUT_MAP, SURF_PACKED, single);
}

void tenon_nvdla_program_conv(struct nvdla_program *p, const struct nvdla_conv *conv) {
    struct image registers = {0};
    bool rdma = reads_memory(&conv->sdp.bs) || reads_memory(&conv->sdp.bn);
    put_cdma(&registers, p, conv);
    put_csc(&registers, p, conv);
    put_cacc(&registers, conv);
    put_sdp(&registers, &conv->sdp, true);
    put_rdma(&registers, p, &conv->sdp, NULL);
    for (enum nvdla_block b = NVDLA_CDMA; b <= NVDLA_SDP; b++)
        if (b != NVDLA_SDP_RDMA || rdma)
            write_block(p, &registers, b);
    const struct tenon_register *flush =
        &tenon_nvdla_registers.registers[NVDLA_CDMA_S_CBUF_FLUSH_STATUS];
    append(p,
           &(struct tenon_nvdla_command){
               .kind = TENON_NVDLA_POLL, .address = flush->address, .value = 1, .mask = 1},
           0);
    uint32_t done = DONE(p, SDP, SDP_DONE) | DONE(p, CACC, CACC_DONE) |
                    DONE(p, CDMA, CDMA_DAT_DONE) | DONE(p, CDMA, CDMA_WT_DONE);
    enable(p, NVDLA_CACC_D_OP_ENABLE);
    enable(p, NVDLA_CMAC_A_D_OP_ENABLE);
    enable(p, NVDLA_CMAC_B_D_OP_ENABLE);
    enable(p, NVDLA_CSC_D_OP_ENABLE);
    enable(p, NVDLA_CDMA_D_OP_ENABLE);
    enable(p, NVDLA_SDP_D_OP_ENABLE);
    if (rdma)
        enable(p, NVDLA_SDP_RDMA_D_OP_ENABLE);
    wait_for(p, done);
}

/* ---- pooling ---- */

static void put_pdp_rdma(struct image *image, const struct nvdla_pdp *pdp) {
    const struct nvdla_cube *in = &pdp->source;
    PUT(PDP_RDMA, D_DATA_CUBE_IN_WIDTH, in->width - 1);
    PUT(PDP_RDMA, D_DATA_CUBE_IN_HEIGHT, in->height - 1);
    PUT(PDP_RDMA, D_DATA_CUBE_IN_CHANNEL, in->channels - 1);
    PUT(PDP_RDMA, D_FLYING_MODE, PDP_FROM_MEMORY);
    put_address(image, NVDLA_PDP_RDMA_D_SRC_BASE_ADDR_LOW, NVDLA_PDP_RDMA_D_SRC_BASE_ADDR_HIGH, in);
    PUT(PDP_RDMA, D_SRC_LINE_STRIDE, in->line_stride);
    PUT(PDP_RDMA, D_SRC_SURFACE_STRIDE, in->surface_stride);
    PUT(PDP_RDMA, D_SRC_RAM_CFG, RAM_MC);
    PUT_FIELD(PDP_RDMA, D_POOLING_KERNEL_CFG, KERNEL_WIDTH, pdp->kernel_width - 1);
    PUT_FIELD(PDP_RDMA, D_POOLING_KERNEL_CFG, KERNEL_STRIDE_WIDTH, pdp->stride_x - 1);
    PUT(PDP_RDMA, D_POOLING_PADDING_CFG, pdp->pad_left);
}

static void put_pdp(struct image *image, const struct nvdla_pdp *pdp) {
    const struct nvdla_cube *in = &pdp->source, *out = &pdp->dest;
    PUT(PDP, D_DATA_CUBE_IN_WIDTH, in->width - 1);
    PUT(PDP, D_DATA_CUBE_IN_HEIGHT, in->height - 1);
    PUT(PDP, D_DATA_CUBE_IN_CHANNEL, in->channels - 1);
    PUT(PDP, D_DATA_CUBE_OUT_WIDTH, out->width - 1);
    PUT(PDP, D_DATA_CUBE_OUT_HEIGHT, out->height - 1);
    PUT(PDP, D_DATA_CUBE_OUT_CHANNEL, out->channels - 1);
    PUT_FIELD(PDP, D_OPERATION_MODE_CFG, POOLING_METHOD, pdp->method);
    PUT_FIELD(PDP, D_OPERATION_MODE_CFG, FLYING_MODE, PDP_FROM_MEMORY);
    PUT_FIELD(PDP, D_POOLING_KERNEL_CFG, KERNEL_WIDTH, pdp->kernel_width - 1);
    PUT_FIELD(PDP, D_POOLING_KERNEL_CFG, KERNEL_HEIGHT, pdp->kernel_height - 1);
    PUT_FIELD(PDP, D_POOLING_KERNEL_CFG, KERNEL_STRIDE_WIDTH, pdp->stride_x - 1);
    PUT_FIELD(PDP, D_POOLING_KERNEL_CFG, KERNEL_STRIDE_HEIGHT, pdp->stride_y - 1);
    PUT(PDP, D_RECIP_KERNEL_WIDTH, pdp->recip_width);
    PUT(PDP, D_RECIP_KERNEL_HEIGHT, pdp->recip_height);
    PUT_FIELD(PDP, D_POOLING_PADDING_CFG, PAD_LEFT, pdp->pad_left);
    PUT_FIELD(PDP, D_POOLING_PADDING_CFG, PAD_TOP, pdp->pad_top);
    PUT_FIELD(PDP, D_POOLING_PADDING_CFG, PAD_RIGHT, pdp->pad_right);
    PUT_FIELD(PDP, D_POOLING_PADDING_CFG, PAD_BOTTOM, pdp->pad_bottom);
    /* Value n is what n elements of padding in a row add up to; for a maximum any is the same. */
    for (uint32_t i = 0; i < 7; i++) {
        int32_t times = pdp->method == NVDLA_POOL_AVERAGE ? (int32_t)i + 1 : 1;
        put(image, (enum nvdla_register)(NVDLA_PDP_D_POOLING_PADDING_VALUE_1_CFG + i),
            (uint32_t)(times * pdp->pad_value) & tenon_bit_mask(19));
    }
    put_address(image, NVDLA_PDP_D_SRC_BASE_ADDR_LOW, NVDLA_PDP_D_SRC_BASE_ADDR_HIGH, in);
    PUT(PDP, D_SRC_LINE_STRIDE, in->line_stride);
    PUT(PDP, D_SRC_SURFACE_STRIDE, in->surface_stride);
    put_address(image, NVDLA_PDP_D_DST_BASE_ADDR_LOW, NVDLA_PDP_D_DST_BASE_ADDR_HIGH, out);
    PUT(PDP, D_DST_LINE_STRIDE, out->line_stride);
    PUT(PDP, D_DST_SURFACE_STRIDE, out->surface_stride);
    PUT(PDP, D_DST_RAM_CFG, RAM_MC);
}

void tenon_nvdla_program_pdp(struct nvdla_program *p, const struct nvdla_pdp *pdp) {
    struct image registers = {0};
    put_pdp_rdma(&registers, pdp);
    put_pdp(&registers, pdp);
    write_block(p, &registers, NVDLA_PDP_RDMA);
    write_block(p, &registers, NVDLA_PDP);
    uint32_t done = DONE(p, PDP, PDP_DONE);
    enable(p, NVDLA_PDP_D_OP_ENABLE);
    enable(p, NVDLA_PDP_RDMA_D_OP_ENABLE);
    wait_for(p, done);
}
