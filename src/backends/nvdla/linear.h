/* Plans of convolutions, which pooling uses as well. */
#ifndef TENON_BACKENDS_NVDLA_LINEAR_H
#define TENON_BACKENDS_NVDLA_LINEAR_H

#include "backend/requantize_pair.h"
#include "backends/nvdla/lower.h"

/* What fields of registers can say. */
enum {
    KERNEL_MAX = 32,
    STRIDE_MAX = 8,
    DILATION_MAX = 32,
    PAD_MAX = 31,
    KERNEL_BYTES_MAX = 1 << 18,
    ENTRIES_MAX = 1 << 14,
    LINES_MAX = 4096,         /* of one layer's input: CSC's D_RELEASE has 12 bits */
    SURFACE_WIDTH_MAX = 4096, /* of several surfaces: NV_NVDLA_CDMA_dc.v counts 12 bits */
};

enum nvdla_linear_kind { NVDLA_CONV, NVDLA_DEPTHWISE };

/* Kernels [first, first + kernels) over input channels [in_first, in_first + in_channels). */
struct nvdla_run {
    int32_t first, kernels, in_first, in_channels;
    struct tenon_pair_shifts shifts;
    bool impossible;                  /* to be exact, with whatever shifts */
    uint32_t tile_rows, tile_columns; /* of output */
    uint32_t data_banks, weight_banks;
};

struct nvdla_linear {
    enum nvdla_linear_kind kind;
    struct tenon_window window;
    int32_t out_c, kernel_c;
    const int8_t *weights; /* NULL: all 1, depthwise */
    bool float_product;
    int32_t divisor; /* not 0: an average, the result is the sum divided by this */
    bool half_up;    /* of the average */
    const struct tenon_multiplier *multiplier; /* of all channels; NULL: from the scales */
    int32_t zero_in, zero_out, low, high;
    bool relu, clamp; /* clamp: a layer of its own follows */
    struct tenon_pair_channel *channels;
    struct tenon_pair_operands *operands;
    struct nvdla_run *runs;
    uint32_t run_count;
};

/* Strides of a single output and dilations of a single tap do not matter: they become 1. */
void tenon_nvdla_window_settle(struct tenon_window *w);
/* Given kind, window, channels, weights, zero points and divisor: plans the rest. */
bool tenon_nvdla_linear_finish(struct nvdla_node *node, struct nvdla_linear *l);

/* Cuts a run, given its channels, in as few tiles as CBUF allows. False: it does not. */
bool tenon_nvdla_plan_tiles(const struct nvdla_config *config, const struct nvdla_linear *l,
                            struct nvdla_run *run);
/* The longest of multiplication, SDP and memory traffic, for each of its layers. */
uint64_t tenon_nvdla_run_cycles(const struct nvdla_config *config, const struct nvdla_linear *l,
                                const struct nvdla_run *run);

#endif
