/*
 * Inside of the model: registers, the convolution buffer, faults. Public parts: nvdla.h.
 */
#ifndef TENON_SIM_NVDLA_DEVICE_H
#define TENON_SIM_NVDLA_DEVICE_H

#include "nvdla.h"

#include "util/attr.h"

enum nv_block {
    NV_GLB,
    NV_MCIF,
    NV_CDMA,
    NV_CSC,
    NV_CMAC_A,
    NV_CMAC_B,
    NV_CACC,
    NV_SDP_RDMA,
    NV_SDP,
    NV_PDP_RDMA,
    NV_PDP,
    NV_CDP_RDMA,
    NV_CDP,
    NV_BLOCK_COUNT
};

/* Byte offsets of registers in their block: NV_CDMA_D_BANK … */
enum {
#define REGISTER(block, offset, name, mask, reset) NV_##block##_##name = offset,
#include "registers.def"
#undef REGISTER
};

enum nv_rule {
#define RULE(name, id, text) NV_RULE_##name,
#include "rules.def"
#undef RULE
    NV_RULE_COUNT
};

/* Bits of GLB's interrupt registers; the second group's is the next one. */
enum {
    NV_INTERRUPT_SDP = 0,
    NV_INTERRUPT_CDP = 2,
    NV_INTERRUPT_PDP = 4,
    NV_INTERRUPT_CDMA_DATA = 16,
    NV_INTERRUPT_CDMA_WEIGHT = 18,
    NV_INTERRUPT_CACC = 20
};

enum {
    NV_REGISTER_WORDS = 64,
    NV_LANES = 8, /* of an atom, of a MAC operation's channels and of its kernels */
    NV_DIMENSION_MAX = 8192,
    NV_POOL_LINES = 8, /* of PDP's window */
    NV_LUT_LE_ENTRIES = 65,
    NV_LUT_LO_ENTRIES = 257
};

struct nv_block_state {
    uint32_t regs[2][NV_REGISTER_WORDS]; /* S_ registers are in the first */
    bool enabled[2];
    uint64_t enabled_at[2]; /* how many operations of the device were done then */
    uint8_t producer, consumer;
    uint32_t operations; /* completed since reset */
};

/* The part of the convolution buffer that holds data, or weights: a ring of entries. */
struct nv_ring {
    uint32_t base, capacity; /* in entries of the buffer */
    uint32_t write, read;    /* positions of CDMA and CSC, below capacity */
    uint32_t valid;          /* entries between them that are not given back */
};

/* What the last layer left in the buffer, and with which registers. */
struct nv_kept {
    uint32_t banks; /* D_BANK; reset state is a value that no register has */
    uint32_t slices, slice_entries;
    bool all_slices; /* SKIP_DATA_RLS: CDMA fetches nothing when they are reused */
    bool weights;    /* SKIP_WEIGHT_RLS */
    uint32_t weight_entries, kernels, kernel_bytes;
    uint32_t fetched, used; /* entries of weights, for messages */
};

/* What an operation reads and writes, see race.c: lines of surfaces. */
struct nv_extent {
    uint64_t base, bytes, line_stride, surface_stride; /* bytes: of a line */
    uint32_t lines, surfaces;
};
struct nv_footprint_part {
    struct nv_extent extent;
    enum nv_block block;
    uint32_t offset; /* of the address register */
    bool write;
    uint64_t enabled_at;
};
enum { NV_FOOTPRINT_PARTS = 6, NV_HISTORY = 32 };
struct nv_footprint {
    enum tenon_nvdla_sim_operation_kind engine;
    uint64_t done; /* its number among the operations of the device */
    struct nv_footprint_part parts[NV_FOOTPRINT_PARTS];
    uint32_t count;
};

struct tenon_nvdla_sim {
    const struct tenon_nvdla_sim_config *config;
    struct tenon_nvdla_sim_window windows[TENON_NVDLA_SIM_WINDOW_MAX];
    size_t window_count;

    struct nv_block_state blocks[NV_BLOCK_COUNT];
    uint32_t interrupt_status;

    uint64_t operations_done;
    struct nv_footprint history[NV_HISTORY]; /* of the last operations */

    uint8_t *cbuf;
    struct nv_ring data_ring, weight_ring;
    struct nv_kept kept;

    /* Scratch of conv.c. */
    int16_t *input;     /* the layer's part of the buffer, in order */
    int16_t *weights;   /* of a group of kernels */
    int16_t *window;    /* the input of one output */
    int32_t *line;      /* of a surface, on its way to SDP */
    int8_t *out_line;   /* the same, leaving SDP */
    int8_t *pool_lines; /* the last lines that came into PDP */
    int16_t lut_le[NV_LUT_LE_ENTRIES], lut_lo[NV_LUT_LO_ENTRIES];

    bool faulted;
    struct tenon_nvdla_sim_fault fault;
    struct tenon_nvdla_sim_stats stats;
    void (*observe)(void *user, const struct tenon_nvdla_sim_operation *operation);
    void *observe_user;
    bool (*stop)(void *user);
    void *stop_user;
};

static inline uint32_t nv_bits(uint32_t value, unsigned high, unsigned low) {
    return value >> low & (uint32_t)(((uint64_t)1 << (high - low + 1)) - 1);
}

/* A register of the group that the block executes; of S_ registers, their value. */
static inline uint32_t nv_get(const struct tenon_nvdla_sim *sim, enum nv_block block,
                              uint32_t offset) {
    return sim->blocks[block].regs[sim->blocks[block].consumer][offset / 4];
}

static inline bool nv_ready(const struct tenon_nvdla_sim *sim, enum nv_block block) {
    return sim->blocks[block].enabled[sim->blocks[block].consumer];
}

static inline uint64_t nv_get_address(const struct tenon_nvdla_sim *sim, enum nv_block block,
                                      uint32_t high, uint32_t low) {
    return (uint64_t)nv_get(sim, block, high) << 32 | nv_get(sim, block, low);
}

/* fault.c. Stops the model; the first fault stays. Returns false. */
bool tenon_nv_fault(struct tenon_nvdla_sim *sim, enum nv_rule rule, enum nv_block block,
                    uint32_t offset, const char *format, ...) TENON_PRINTF(5, 6);

/* nvdla.c: false, and a fault, when the user's limit is reached. */
bool tenon_nv_go_on(struct tenon_nvdla_sim *sim, enum nv_block block);

/* registers.c */
const char *tenon_nv_block_name(enum nv_block block);
uint32_t tenon_nv_block_base(const struct tenon_nvdla_sim_config *config, enum nv_block block);
/* NULL: there is none. */
const char *tenon_nv_register_name(enum nv_block block, uint32_t offset);
void tenon_nv_registers_reset(struct tenon_nvdla_sim *sim);
/* The block has finished its group: the other group is next. */
void tenon_nv_finish(struct tenon_nvdla_sim *sim, enum nv_block block);
/* The same, with the interrupt of the group. */
void tenon_nv_finish_interrupt(struct tenon_nvdla_sim *sim, enum nv_block block, unsigned bit);

/* memory.c: `bytes` bytes of device memory, NULL and a fault that names the block's address
 * register `offset` when they are not all there. */
const uint8_t *tenon_nv_read(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                             uint64_t address, uint64_t bytes);
uint8_t *tenon_nv_write(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                        uint64_t address, uint64_t bytes);

/* A feature cube in memory: element (c, y, x) at base + c/8*surface + y*line + x*8 + c%8. */
struct nv_cube {
    enum nv_block block; /* for faults */
    uint32_t address_offset, line_offset, surface_offset;
    uint64_t base, line_stride, surface_stride;
    uint32_t width, height, channels;
    uint32_t element_bytes; /* 1, or of operands 2 or 4 */
};

/* Alignment; of a cube that is written, overlap. */
bool tenon_nv_cube_check(struct tenon_nvdla_sim *sim, const struct nv_cube *cube, bool written);
/* A cube of one pixel is dense whatever the strides say: SDP, SDP_RDMA. */
void tenon_nv_cube_pack_pixel(struct nv_cube *cube);
uint64_t tenon_nv_cube_line(const struct nv_cube *cube, uint32_t surface, uint32_t y);

static inline uint32_t nv_surfaces(uint32_t channels) {
    return (channels + NV_LANES - 1) / NV_LANES;
}

/* race.c: collect what an operation accesses, then check and keep it. */
void tenon_nv_footprint_begin(const struct tenon_nvdla_sim *sim, struct nv_footprint *footprint,
                              enum tenon_nvdla_sim_operation_kind engine);
void tenon_nv_footprint_cube(const struct tenon_nvdla_sim *sim, struct nv_footprint *footprint,
                             const struct nv_cube *cube, bool write);
void tenon_nv_footprint_bytes(const struct tenon_nvdla_sim *sim, struct nv_footprint *footprint,
                              enum nv_block block, uint32_t offset, uint64_t base, uint64_t bytes);
bool tenon_nv_footprint_check(struct tenon_nvdla_sim *sim, const struct nv_footprint *footprint);

/* cbuf.c */
void tenon_nv_cbuf_reset(struct tenon_nvdla_sim *sim);
/* The banks of a layer: a ring whose banks change starts anew. */
void tenon_nv_cbuf_banks(struct tenon_nvdla_sim *sim, uint32_t banks);
uint32_t tenon_nv_ring_free(const struct nv_ring *ring);
void tenon_nv_ring_put(struct nv_ring *ring, uint32_t entries);
void tenon_nv_ring_release(struct nv_ring *ring, uint32_t entries);
/* The entry `index` entries behind CDMA's position, and behind CSC's. */
uint8_t *tenon_nv_ring_write(struct tenon_nvdla_sim *sim, const struct nv_ring *ring,
                             uint32_t index);
const uint8_t *tenon_nv_ring_read(const struct tenon_nvdla_sim *sim, const struct nv_ring *ring,
                                  uint32_t index);

/* layer.c: a convolution's registers. */
struct nv_layer {
    uint32_t banks;
    uint32_t width, height, channels; /* of the input in the buffer */
    uint32_t fetch_height;            /* that CDMA brings; the others are kept */
    uint32_t slice_entries, surfaces; /* surfaces: blocks of 8 channels */
    uint32_t kernel_width, kernel_height, kernels;
    uint32_t stride_x, stride_y, dilation_x, dilation_y, pad_left, pad_top;
    int16_t pad_value;
    uint32_t out_width, out_height;
    uint32_t release;
    bool reuse_data, reuse_weights, keep_data, keep_weights;
    uint32_t kernel_bytes, cdma_weight_entries, csc_weight_bytes;
    uint32_t clip;
    bool convert;
    int16_t convert_offset, convert_scale;
    uint8_t convert_shift;
    struct nv_cube input;
    bool packed_pixel; /* one pixel, its channels in a row */
    uint64_t weight_address;
};
/* Reads and checks. */
bool tenon_nv_layer_read(struct tenon_nvdla_sim *sim, struct nv_layer *layer);

/* sdp.c */
struct nv_stage { /* BS or BN */
    bool bypass, alu_bypass, mul_bypass, prelu, relu_bypass;
    uint8_t algorithm, alu_shift, mul_shift;
    int16_t alu, mul; /* of registers */
    bool alu_memory, mul_memory, per_element, two_bytes;
    struct nv_cube operands;
};
struct nv_pdp {
    struct nv_cube source, target;
    uint32_t method, kernel_width, kernel_height, stride_x, stride_y;
    uint32_t pad_left, pad_top;
    uint32_t recip_width, recip_height;
    int32_t pad_value[NV_POOL_LINES]; /* of so many padded elements */
};
struct nv_sdp {
    bool flying, to_pdp, uses_rdma;
    struct nv_cube source, target;
    struct nv_stage stages[2];
    int32_t cvt_offset;
    int16_t cvt_scale;
    uint8_t cvt_shift;
    struct nv_pdp pdp;
};
/* Reads the registers of SDP, SDP_RDMA and, behind them, PDP, and checks them. */
bool tenon_nv_sdp_begin(struct tenon_nvdla_sim *sim, struct nv_sdp *sdp);
/* Takes a line of a surface, from sim->line; lines in order, surface by surface. */
bool tenon_nv_sdp_line(struct tenon_nvdla_sim *sim, struct nv_sdp *sdp, uint32_t surface,
                       uint32_t y);
/* What it accesses. */
void tenon_nv_sdp_footprint(const struct tenon_nvdla_sim *sim, const struct nv_sdp *sdp,
                            struct nv_footprint *footprint);
/* Ends the operations of SDP, SDP_RDMA and PDP. */
void tenon_nv_sdp_end(struct tenon_nvdla_sim *sim, const struct nv_sdp *sdp);
/* Whether SDP's enabled group takes something from memory. */
bool tenon_nv_sdp_needs_rdma(const struct tenon_nvdla_sim *sim);
bool tenon_nv_sdp_run(struct tenon_nvdla_sim *sim);

/* sdp_element.c */
struct nv_operands {
    int16_t alu[NV_LANES], mul[NV_LANES];
};
enum { NV_ALU_MAX, NV_ALU_MIN, NV_ALU_SUM };
/* `width` atoms. */
void tenon_nv_sdp_stage(const struct nv_stage *stage, const struct nv_operands *operands,
                        int32_t *restrict line, uint32_t width);
void tenon_nv_sdp_convert(const struct nv_sdp *sdp, const int32_t *restrict in,
                          int8_t *restrict out, uint32_t count);

/* pdp.c */
bool tenon_nv_pdp_begin(struct tenon_nvdla_sim *sim, struct nv_pdp *pdp, bool flying);
bool tenon_nv_pdp_line(struct tenon_nvdla_sim *sim, struct nv_pdp *pdp, uint32_t surface,
                       uint32_t y, const int8_t *in);
bool tenon_nv_pdp_run(struct tenon_nvdla_sim *sim);

/* cdp.c */
bool tenon_nv_cdp_run(struct tenon_nvdla_sim *sim);
void tenon_nv_cdp_lut_write(struct tenon_nvdla_sim *sim, uint32_t value);
uint32_t tenon_nv_cdp_lut_read(struct tenon_nvdla_sim *sim);

/* conv.c */
bool tenon_nv_conv_run(struct tenon_nvdla_sim *sim);
int32_t tenon_nv_cacc_round(int64_t sum, uint32_t clip);

/* cycles.c */
void tenon_nv_account(struct tenon_nvdla_sim *sim, const struct tenon_nvdla_sim_operation *what);
/* `fetched`: whether CDMA brings the data; `stages`: how many of BS and BN work. */
uint64_t tenon_nv_cycles_conv(const struct nv_layer *layer, bool fetched, uint32_t stages);
uint64_t tenon_nv_cycles_sdp(uint64_t elements);
uint64_t tenon_nv_cycles_pdp(uint64_t elements, uint64_t flushed);

/* Round half away from zero; a shift of `width` and more gives 0, as the hardware's shifters of
 * values of that width do (vmod/vlibs/NV_NVDLA_HLS_shiftrightsu.v). */
static inline int64_t nv_round_shift(int64_t value, uint32_t shift, uint32_t width) {
    if (shift == 0)
        return value;
    if (shift >= width)
        return 0;
    return (value + ((int64_t)1 << (shift - 1)) + (value >> 63)) >> shift;
}

static inline int64_t nv_saturate(int64_t value, uint32_t bits) {
    int64_t max = ((int64_t)1 << (bits - 1)) - 1;
    return value > max ? max : value < -max - 1 ? -max - 1 : value;
}

/* The low bits of a value, as a signed number. */
static inline int64_t nv_wrap(int64_t value, uint32_t bits) {
    uint64_t low = (uint64_t)value << (64 - bits);
    return (int64_t)low >> (64 - bits);
}

#endif
