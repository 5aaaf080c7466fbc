/*
 * The part of an input that a tile of output pixels sees, with its padding: each of its pixels
 * once, so that windows overlap in it, where gathering would copy a pixel for every window that
 * sees it. For windows without dilation.
 */
#ifndef TENON_DRIVERS_CPU_STRIP_H
#define TENON_DRIVERS_CPU_STRIP_H

#include "drivers/cpu/isa.h"

struct tenon_strips {
    struct tenon_window window;
    size_t pixel_bytes; /* of the input: all channels */
    uint8_t padding;
    /* Outputs of a tile: whole rows of one picture, or a part of one row. */
    int32_t tile_h, tile_w;
    int32_t down, across; /* tiles of a picture */
    size_t pixels, pitch; /* of a row of a strip: pitch in bytes, of whole quads */
    size_t bytes;         /* of a strip */
};

/* The outputs of a tile. */
struct tenon_strip_tile {
    int32_t batch, y, x, h, w;
};

/* Tiles whose strips have about bytes_max bytes and up to pixels_max outputs, but at least one. */
void tenon_strips_init(struct tenon_strips *strips, const struct tenon_window *window,
                       size_t pixel_bytes, size_t bytes_max, size_t pixels_max);
size_t tenon_strips_count(const struct tenon_strips *strips);
struct tenon_strip_tile tenon_strips_tile(const struct tenon_strips *strips, size_t index);
/* Copies what the tile sees, every byte ^ flip, and points to where the window of each output
 * starts. */
void tenon_strips_stage(const struct tenon_strips *strips, const struct tenon_strip_tile *tile,
                        const struct tenon_isa_kernels *isa, const uint8_t *input, uint8_t flip,
                        uint8_t *bytes, const uint8_t **windows);

#endif
