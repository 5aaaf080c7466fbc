/*
 * Parameters that CPU kernels find in DATA: packed weights and what is done to the sums. The CPU
 * backend writes them; the readers here do not trust them. All integers are little-endian; weights
 * and tables of a block follow each other so that a kernel walks memory forwards.
 *
 * Sums of 8-bit convolutions are taken over u = activation as u8 (i8 with its sign bit flipped; on
 * instruction sets with signed products the other way round), with every zero point folded into the
 * bias: sum = bias + Σ u * w. Weights outside of i8 are split into parts that multiply the same
 * activations one after the other. On instruction sets that add products of u8 and i8 in 16 bits,
 * only those are taken which provably do not overflow there (backends/cpu/overflow.h). Of the
 * others, and in depthwise_i8 of all, magnitudes |w| are multiplied with v = activation as i8, or
 * with its complement -v - 1 where w is negative: the bias has w * 128, and |w| where w is
 * negative.
 */
#ifndef TENON_IMAGE_CPU_PARAMS_H
#define TENON_IMAGE_CPU_PARAMS_H

#include "util/span.h"

/* What follows the sum of each channel; arrays of `channels` elements each, in this order. */
struct tenon_requantize_arrays {
    const uint8_t *bias;       /* i32 */
    const uint8_t *multiplier; /* i32 */
    const uint8_t *left;       /* i32: shift before, 0 … 30 */
    const uint8_t *right;      /* i32: rounding shift after, 0 … 31 */
    const uint8_t *real;       /* f32: the factor itself */
    const uint8_t *offset;     /* f32: of enum tenon_fused */
};

/* What is known of all channels' sums and factors. */
struct tenon_requantize_proof {
    bool in_32_bits; /* no intermediate of the double rule overflows 32 bits */
    bool no_ties;    /* of the double rule's first rounding, and its shifts are right_only */
    bool right_only; /* every shift is one to the right by 1 … 30 */
};

/*
 * Whether float(sum) * real + offset, fused and rounded half to even, gives the rule's result for
 * all channels of a vector (backends/cpu/fused.h proves it).
 */
enum tenon_fused {
    TENON_FUSED_NONE,
    TENON_FUSED_SHIFTED,   /* the result less `center` */
    TENON_FUSED_SYMMETRIC, /* with the sum's sign given to the offset */
};

/* Flags of the header word. */
enum { TENON_PROOF_IN_32_BITS = 1, TENON_PROOF_NO_TIES = 2, TENON_WEIGHTS_MAGNITUDES = 4 };

enum {
    TENON_PARAMS_ALIGNMENT = 64,
    TENON_PARAMS_HEADER_BYTES = 64,
    TENON_REQUANTIZE_ARRAYS = 6, /* of 4 bytes an element */
    TENON_QUAD = 4,              /* activations that are multiplied at once */
    TENON_DEPTH_MAX = 4,         /* quads of a group, which are added in 16 bits */
};

/* ---- linear_i8: conv_2d and fully_connected; panels of `lanes` output channels ---- */

/*
 * Products of a channel stand in segments, which are padded to whole quads: the rows of the window,
 * whose pixels follow each other in the input. Windows that are dilated, or so narrow that padding
 * would more than double them, are gathered into one segment.
 */
struct tenon_linear_segments {
    bool gathered;
    uint32_t count;
    uint32_t products, quads; /* of each */
};

struct tenon_linear_segments tenon_linear_segments_of(uint32_t k_h, uint32_t row_products,
                                                      bool dilated);

struct tenon_linear_params {
    uint32_t lanes, channels, panels;
    uint32_t quads; /* of all segments */
    uint32_t depth; /* quads of a group: 2 or 4 */
    int32_t low, high, zero_point;
    int32_t center; /* see enum tenon_fused */
    struct tenon_requantize_proof proof;
    const uint8_t *bytes; /* of all */
};

/*
 * The quads of activations that a panel multiplies, in the order of `quads` and `weights`: first
 * groups of `depth` quads, then single ones, then wide ones, which need magnitudes. Where the
 * instruction set does not add in 16 bits there are only single quads, the first of which are all
 * quads in their order.
 */
struct tenon_linear_panel {
    struct tenon_requantize_arrays after;
    uint32_t groups, singles, wides;
    enum tenon_fused fused;
    const uint8_t *weights; /* i8 [groups * depth + singles + wides][lanes][4] */
    const uint8_t *quads;   /* u16: numbers of the quads */
};

/* False when something is not as it must be. */
TENON_NODISCARD bool tenon_linear_params_read(struct tenon_span bytes,
                                              struct tenon_linear_params *out);
/* Of params that were read. */
void tenon_linear_panel_get(const struct tenon_linear_params *params, uint32_t index,
                            struct tenon_linear_panel *out);
/* Bytes in front of the weights of a block of `channels`. */
size_t tenon_params_block_header(uint32_t channels);

/* ---- depthwise_i8: blocks of 4 * lanes channels ---- */

/*
 * The window's rows are taken `depth` at a time: 4, or 3, of which the middle one is multiplied
 * twice (rows 0, 1, 2, 1). A step multiplies such a quad of rows at one column of the window:
 * number quad * columns of the window + column.
 *
 * Channels of a block stand in the order in which interleaving four rows of bytes leaves them:
 * vector i of the four, 128-bit part p, element j of it is channel 16 p + 4 i + j. The last block
 * overlaps the one before it where the channels are no multiple.
 *
 * Where products are added in 16 bits, a step's weights are magnitudes, followed by bytes of all
 * ones where the weight is negative: as ~a = -a - 1, |w| * (a ^ ones) is w * a - |w| of an
 * activation as i8, with what is missing in the bias. Pairs of magnitudes add up to no more than
 * 256.
 *
 * Where a block holds the channels of several pixels, it does: those of tenon_depthwise_pixels
 * neighbours in a row, one after the other, are the channels of the parameters.
 */
struct tenon_depthwise_params {
    uint32_t lanes, channels, blocks, taps, depth;
    int32_t low, high, zero_point;
    int32_t center; /* see enum tenon_fused */
    struct tenon_requantize_proof proof;
    bool magnitudes;
    uint32_t step_bytes; /* weights of a step */
    const uint8_t *bytes;
};

struct tenon_depthwise_block {
    struct tenon_requantize_arrays after;
    uint32_t first; /* channel */
    uint32_t step_count;
    enum tenon_fused fused;
    const uint8_t *weights; /* [step_count]{ [4 vectors][lanes][4 rows], and where so, signs } */
    const uint8_t *steps;   /* [step_count] u32 */
};

TENON_NODISCARD bool tenon_depthwise_params_read(struct tenon_span bytes,
                                                 struct tenon_depthwise_params *out);
void tenon_depthwise_block_get(const struct tenon_depthwise_params *params, uint32_t index,
                               struct tenon_depthwise_block *out);
/* Neighbouring outputs that a block holds of so many channels, which are not 0. */
uint32_t tenon_depthwise_pixels(uint32_t lanes, uint32_t channels);
/* Channel of a block that stands at `position` of its 4 * lanes. */
uint32_t tenon_depthwise_channel(uint32_t lanes, uint32_t position);

/* ---- linear_f32 and depthwise_f32: [panels]{ bias[lanes], weights[products][lanes] } ---- */

struct tenon_float_params {
    uint32_t lanes, channels, panels, products;
    float low, high;
    const uint8_t *panel_bytes;
};

TENON_NODISCARD bool tenon_float_params_read(struct tenon_span bytes,
                                             struct tenon_float_params *out);
static inline const uint8_t *tenon_float_panel(const struct tenon_float_params *params,
                                               uint32_t index) {
    size_t bytes = ((size_t)params->products + 1) * params->lanes * sizeof(float);
    return params->panel_bytes + index * bytes;
}

/* ---- pool_8, mean: five words ---- */

/* With sum = Σ (element - zero point): (4 * multiplier * sum + add) >> (32 + right), or the same of
 * the sum's magnitude, with the sum's sign; and the zero point added. */
struct tenon_mean_params {
    int32_t multiplier; /* not negative */
    int32_t right;      /* 0 … 30 */
    int64_t add;        /* below 2^62 */
    bool of_magnitude;
};

enum { TENON_MEAN_PARAMS_BYTES = 20, TENON_MEAN_COUNT_MAX = 1 << 16 };

TENON_NODISCARD bool tenon_mean_params_read(struct tenon_span bytes, struct tenon_mean_params *out);

/* ---- binary_8, add and sub: ten words, or nothing ---- */

/*
 * With elements as u8 (i8 with its sign bit flipped) the result is
 * ((factor_a * a + factor_b * b + add) >> shift) + zero, clamped. Vectors take the factors in two
 * parts, of which the lower has 15 bits. To the results of some pairs something is added.
 */
struct tenon_sum_exception {
    uint8_t a, b, delta;
};

enum { TENON_SUM_EXCEPTIONS = 4 };

struct tenon_sum_params {
    int32_t factor_a, factor_b; /* below 2^29 */
    int32_t add;                /* of 0 … 2^shift - 1 */
    int32_t zero;               /* of 16 bits */
    uint32_t shift;             /* 16 … 30 */
    uint32_t exception_count;
    struct tenon_sum_exception exceptions[TENON_SUM_EXCEPTIONS];
};

enum {
    TENON_SUM_PARAMS_BYTES = 40,
    TENON_SUM_SHIFT_MIN = 16,
    TENON_SUM_SHIFT_MAX = 30,
    TENON_SUM_FACTOR_BITS = 29,
    TENON_SUM_LOW_BITS = 15,
    TENON_SUM_GAIN_MAX = 128 /* of both factors, before zero is added: sums fit 16 bits */
};

TENON_NODISCARD bool tenon_sum_params_read(struct tenon_span bytes, struct tenon_sum_params *out);

#endif
