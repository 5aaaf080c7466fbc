/*
 * The rows of input that output pixels see: of a convolution, one row of all products per pixel,
 * where it lies in the input or gathered; of a depthwise convolution, one row of channels per tap.
 * Pixels are counted through batch, height and width.
 */
#ifndef TENON_DRIVERS_CPU_WINDOW_H
#define TENON_DRIVERS_CPU_WINDOW_H

#include "image/cpu_code.h"
#include "op/kernel.h"

struct tenon_rows {
    struct tenon_window window;
    size_t pixel_count;
    size_t pixel_bytes; /* of the input: all channels */
    size_t row_bytes;   /* of a gathered row: rounded up to whole quads */
    uint8_t padding;    /* every byte of an element in the padding */
    bool direct;        /* rows lie in the input: nothing to gather */
    size_t pieces;      /* of a row, of one size each: those of a window's rows, or 1 */
};

/* Of a call of conv_2d, depthwise_conv_2d or fully_connected that the operator table accepted. */
TENON_NODISCARD enum tenon_status tenon_rows_init(struct tenon_rows *rows,
                                                  const struct tenon_cpu_call *call,
                                                  struct tenon_error *error);
/* Points out[i * pieces + p] to piece p of the row of pixel first + i; `gathered` has
 * count * row_bytes. */
void tenon_rows_get(const struct tenon_rows *rows, const uint8_t *input, size_t first, size_t count,
                    uint8_t *gathered, const uint8_t **out);
/* How many columns of the input a pixel's window starts after its neighbour's: of those in the
 * lists of tenon_rows_get_columns, where windows that overlap share them. */
size_t tenon_rows_column_step(const struct tenon_rows *rows);
/* Pixels [first, first + count) of one row of the output: points out[y * n + i * step + x], where
 * n = (count - 1) * step + k_w, to the channels that pixel first + i sees at row y and column x of
 * the window: `padding` has pixel_bytes. */
void tenon_rows_get_columns(const struct tenon_rows *rows, const uint8_t *input, size_t first,
                            size_t count, const uint8_t *padding, const uint8_t **out);

#endif
