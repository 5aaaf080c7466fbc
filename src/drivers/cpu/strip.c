/* See strip.h. */
#include "drivers/cpu/strip.h"

#include <string.h>

#include "util/checked.h"

static int32_t divide_up(int32_t a, int32_t b) {
    return (a - 1) / b + 1;
}

/* Inputs that `count` outputs see in one direction. */
static size_t seen(int32_t count, int32_t stride, int32_t window) {
    return (size_t)(count - 1) * (size_t)stride + (size_t)window;
}

static size_t strip_bytes(const struct tenon_strips *s, int32_t h, int32_t w) {
    return seen(h, s->window.stride_h, s->window.k_h) * seen(w, s->window.stride_w, s->window.k_w) *
           s->pixel_bytes;
}

/* The most outputs in one direction that fit, of parts of about the same size. */
static int32_t even(int32_t outputs, int32_t most) {
    return divide_up(outputs, divide_up(outputs, most < 1 ? 1 : most));
}

void tenon_strips_init(struct tenon_strips *s, const struct tenon_window *window,
                       size_t pixel_bytes, size_t bytes_max, size_t pixels_max) {
    const struct tenon_window *w = window;
    s->window = *window;
    s->pixel_bytes = pixel_bytes;
    int32_t width = w->out_w, height = 1;
    while (width > 1 && (strip_bytes(s, 1, width) > bytes_max || (size_t)width > pixels_max))
        width -= divide_up(width, 2);
    while (width == w->out_w && height < w->out_h &&
           strip_bytes(s, height + 1, width) <= bytes_max &&
           (size_t)(height + 1) * (size_t)width <= pixels_max)
        height++;
    s->tile_w = even(w->out_w, width);
    s->tile_h = even(w->out_h, height);
    s->across = divide_up(w->out_w, s->tile_w);
    s->down = divide_up(w->out_h, s->tile_h);
    s->pixels = seen(s->tile_w, w->stride_w, w->k_w);
    s->pitch = tenon_align_up(s->pixels * pixel_bytes, TENON_QUAD);
    s->bytes = seen(s->tile_h, w->stride_h, w->k_h) * s->pitch;
}

size_t tenon_strips_count(const struct tenon_strips *s) {
    return (size_t)s->window.batches * (size_t)s->down * (size_t)s->across;
}

struct tenon_strip_tile tenon_strips_tile(const struct tenon_strips *s, size_t index) {
    size_t across = (size_t)s->across, down = (size_t)s->down;
    struct tenon_strip_tile tile = {
        .batch = (int32_t)(index / (across * down)),
        .y = (int32_t)(index / across % down) * s->tile_h,
        .x = (int32_t)(index % across) * s->tile_w,
    };
    int32_t below = s->window.out_h - tile.y, right = s->window.out_w - tile.x;
    tile.h = below < s->tile_h ? below : s->tile_h;
    tile.w = right < s->tile_w ? right : s->tile_w;
    return tile;
}

static size_t clamp(int64_t x, size_t high) {
    return x < 0 ? 0 : x > (int64_t)high ? high : (size_t)x;
}

/* A row of a strip: of the picture's row y, from pixel x on, which may lie outside of it. */
static void stage_row(const struct tenon_strips *s, const struct tenon_isa_kernels *isa,
                      const uint8_t *picture, int64_t y, int64_t x, uint8_t flip, uint8_t *to) {
    const struct tenon_window *w = &s->window;
    size_t pixels = s->pixels;
    size_t left = y < 0 || y >= w->in_h ? pixels : clamp(-x, pixels);
    size_t right = clamp(x + (int64_t)pixels - w->in_w, pixels - left);
    size_t before = left * s->pixel_bytes;
    size_t inside = (pixels - left - right) * s->pixel_bytes;
    memset(to, s->padding ^ flip, before);
    if (inside != 0) {
        size_t from = ((size_t)y * (size_t)w->in_w + (size_t)(x + (int64_t)left)) * s->pixel_bytes;
        isa->stage_8(picture + from, inside, flip, to + before);
    }
    memset(to + before + inside, s->padding ^ flip, s->pitch - before - inside);
}

static void point(const struct tenon_strips *s, const struct tenon_strip_tile *tile,
                  const uint8_t *bytes, const uint8_t **windows) {
    const struct tenon_window *w = &s->window;
    size_t across = (size_t)w->stride_w * s->pixel_bytes, down = (size_t)w->stride_h * s->pitch;
    for (int32_t y = 0; y < tile->h; y++)
        for (int32_t x = 0; x < tile->w; x++)
            *windows++ = bytes + (size_t)y * down + (size_t)x * across;
}

void tenon_strips_stage(const struct tenon_strips *s, const struct tenon_strip_tile *tile,
                        const struct tenon_isa_kernels *isa, const uint8_t *input, uint8_t flip,
                        uint8_t *bytes, const uint8_t **windows) {
    const struct tenon_window *w = &s->window;
    const uint8_t *picture =
        input + (size_t)tile->batch * (size_t)w->in_h * (size_t)w->in_w * s->pixel_bytes;
    int64_t y = (int64_t)tile->y * w->stride_h - w->pad_top;
    int64_t x = (int64_t)tile->x * w->stride_w - w->pad_left;
    size_t rows = seen(tile->h, w->stride_h, w->k_h);
    for (size_t r = 0; r < rows; r++)
        stage_row(s, isa, picture, y + (int64_t)r, x, flip, bytes + r * s->pitch);
    point(s, tile, bytes, windows);
}
