/*
 * What each instruction set implements: the inner loops of the kernels, over whole rows, with
 * everything else decided. One row per instruction set (isa.c); the loops are written once, in
 * isa/, over the vector operations that each set's vector.h defines.
 */
#ifndef TENON_DRIVERS_CPU_ISA_H
#define TENON_DRIVERS_CPU_ISA_H

#include <tenon/tensor.h>

#include "image/cpu_isa.h"
#include "image/cpu_params.h"
#include "op/binary.h"
#include "op/kernel.h"

/* How vectors requantize, see isa/requantize.h. */
enum tenon_form {
    TENON_FORM_PLAIN, /* element by element */
    TENON_FORM_DOUBLE,
    TENON_FORM_HIGH,
    TENON_FORM_HIGH_SINGLE,
    TENON_FORM_SYMMETRIC,
    TENON_FORM_FUSED,
    TENON_FORM_FUSED_SYMMETRIC,
};

/* low, high: of outputs. */
struct tenon_output_range {
    int32_t low, high, zero_point;
    uint8_t flip; /* 0x80 where outputs are i8 */
};

/* Rows of 8-bit activations times panels of weights, requantized. */
struct tenon_linear_i8 {
    struct tenon_linear_params params;
    struct tenon_linear_panel *panels; /* whose quads are offsets into a row, of 4 bytes each */
    struct tenon_linear_segments segments;
    size_t pitch; /* bytes from a segment of a row to the next one */
    struct tenon_output_range range;
    enum tenon_rounding rounding;
    enum tenon_form form;
};

/* Output pixels of 8-bit channels, by blocks of channels and tiles of a row. */
struct tenon_depthwise_i8 {
    struct tenon_depthwise_params params;
    struct tenon_depthwise_block *blocks;
    struct tenon_window window;
    uint32_t quads;         /* of rows of the window */
    const uint32_t **steps; /* per block and step: where its column is in the working memory */
    size_t tile_width;      /* outputs of a tile */
    size_t tile_columns;    /* that they see, of each quad of rows */
    struct tenon_output_range range;
    enum tenon_rounding rounding;
    enum tenon_form form;
    uint8_t flip;
    uint8_t padding; /* after flipping */
};

/* Output pixels of a row. */
struct tenon_depthwise_f32 {
    struct tenon_float_params params;
    size_t k_h, k_w;
    size_t step; /* tenon_rows_column_step */
};

/* How pairs become results: by the rule, one by one; add and sub as a proven sum; by the double
 * rule where it stays within 32 bits. */
enum tenon_binary_form { TENON_BINARY_PLAIN, TENON_BINARY_SUM, TENON_BINARY_DOUBLE };

/* add, sub, mul. */
struct tenon_binary_8 {
    struct tenon_pair pair;
    enum tenon_binary_form form;
    struct tenon_sum_params sum;
    uint8_t flip; /* 0x80 where elements are i8 */
};

/*
 * Averages of 8-bit elements, as the instruction set multiplies them (image/cpu_params.h) after
 * flipping: with sum = 4 * Σ element + bias, (sum * multiplier + add) >> (32 + right), or that of
 * the sum's magnitude with the sum's sign; the range's zero point is added.
 */
struct tenon_average_8 {
    int32_t multiplier, right, bias;
    int64_t add;
    bool of_magnitude;
    uint8_t flip;
    struct tenon_output_range range;
};

struct tenon_average_f32 {
    float low, high;
};

/* Instruction sets that differ in products of bytes only share a row of these. */
struct tenon_float_kernels {
    /* rows[i * pieces + p]: piece p of row i, products / pieces elements. */
    void (*linear_f32)(const struct tenon_float_params *params, const float *const *rows,
                       size_t pieces, size_t row_count, uint32_t begin, uint32_t end, float *out);
    /* columns: see tenon_rows_get_columns. */
    void (*depthwise_f32)(const struct tenon_depthwise_f32 *depthwise, const float *const *columns,
                          size_t pixel_count, float *out);
};

struct tenon_element_kernels {
    void (*binary_8)(const struct tenon_binary_8 *binary, const uint8_t *a, const uint8_t *b,
                     size_t count, uint8_t *out);
    void (*binary_f32)(const struct tenon_pair *pair, const float *a, const float *b, size_t count,
                       float *out);
    /* Per channel over all taps; at least 4 * lanes channels. */
    void (*average_8)(const struct tenon_average_8 *average, const uint8_t *const *taps,
                      size_t tap_count, size_t channels, uint8_t *out);
    void (*max_8)(const struct tenon_output_range *range, const uint8_t *const *taps,
                  size_t tap_count, size_t channels, uint8_t *out);
    void (*average_f32)(const struct tenon_average_f32 *average, const float *const *taps,
                        size_t tap_count, size_t channels, float *out);
};

struct tenon_isa_kernels {
    enum tenon_cpu_isa isa;
    const struct tenon_float_kernels *floats;
    const struct tenon_element_kernels *elements;
    uint32_t linear_rows; /* that are multiplied at once: what row counts should be multiples of */
    /* rows[i] has the segments' quads * 4 bytes, each segment `pitch` after the one before it;
     * signed_rows[i] the same as i8 (where panels have wide quads); row i of the output starts at
     * out + i * channels. Panels [begin, end) only. */
    void (*linear_i8)(const struct tenon_linear_i8 *linear, const uint8_t *const *rows,
                      const uint8_t *const *signed_rows, size_t row_count, uint32_t begin,
                      uint32_t end, uint8_t *out);
    /* to[i] = from[i] ^ flip. */
    void (*stage_8)(const uint8_t *from, size_t count, uint8_t flip, uint8_t *to);
    /* Rows [first_row, first_row + row_count) of the output, counted through the batches; the
     * working memory holds quads * tile_columns * 16 * lanes bytes. */
    void (*depthwise_i8)(const struct tenon_depthwise_i8 *depthwise, const uint8_t *in,
                         uint32_t block, size_t first_row, size_t row_count, void *workspace,
                         uint8_t *out);
};

/* NULL when it is not built. */
const struct tenon_isa_kernels *tenon_isa_find(enum tenon_cpu_isa isa);

#endif
