/* See window.h. */
#include "drivers/cpu/window.h"

#include <string.h>

#include "image/cpu_params.h"
#include "util/checked.h"

/* A fully connected layer is a 1x1 convolution over a column of pixels. */
static void init_dense(struct tenon_rows *rows, const struct tenon_cpu_call *call) {
    const struct tenon_desc *in = &call->operands[0].desc;
    int32_t inputs = call->operands[1].desc.shape.dims[1];
    int32_t count = (int32_t)(tenon_desc_element_count(in) / (size_t)inputs);
    rows->window = (struct tenon_window){
        .batches = 1,
        .in_h = count,
        .in_w = 1,
        .in_c = inputs,
        .out_h = count,
        .out_w = 1,
        .k_h = 1,
        .k_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
    };
}

enum tenon_status tenon_rows_init(struct tenon_rows *rows, const struct tenon_cpu_call *call,
                                  struct tenon_error *error) {
    const struct tenon_desc *in = &call->operands[0].desc, *weights = &call->operands[1].desc;
    struct tenon_window *w = &rows->window;
    if (call->op == TENON_OP_FULLY_CONNECTED) {
        init_dense(rows, call);
    } else {
        enum tenon_status status = tenon_window_init(
            w, &call->attrs, &in->shape, weights->shape.dims[1], weights->shape.dims[2], error);
        if (status != TENON_OK)
            return status;
    }
    size_t element = in->type == TENON_TYPE_F32 ? sizeof(float) : 1;
    rows->pixel_count = (size_t)w->batches * (size_t)w->out_h * (size_t)w->out_w;
    rows->pixel_bytes = (size_t)w->in_c * element;
    size_t products = (size_t)w->k_h * (size_t)w->k_w * (size_t)w->in_c;
    rows->row_bytes = tenon_align_up(products * element, TENON_QUAD);
    rows->padding = element == 1 ? (uint8_t)tenon_desc_zero_point(in) : 0;
    bool padded = w->pad_top != 0 || w->pad_left != 0 || w->pad_bottom != 0 || w->pad_right != 0;
    rows->direct = w->k_h == 1 && w->k_w == 1 && !padded && rows->pixel_bytes % TENON_QUAD == 0;
    rows->pieces = 1;
    return TENON_OK;
}

/* Where an output pixel's window starts in the input. */
struct place {
    const uint8_t *batch;
    int32_t out_y, out_x;
    int64_t y, x;
};

static struct place place_of(const struct tenon_rows *rows, const uint8_t *input, size_t pixel) {
    const struct tenon_window *w = &rows->window;
    size_t out_w = (size_t)w->out_w, out_h = (size_t)w->out_h;
    struct place place = {
        .batch =
            input + pixel / (out_w * out_h) * (size_t)w->in_h * (size_t)w->in_w * rows->pixel_bytes,
        .out_y = (int32_t)(pixel / out_w % out_h),
        .out_x = (int32_t)(pixel % out_w),
    };
    place.y = (int64_t)place.out_y * w->stride_h - w->pad_top;
    place.x = (int64_t)place.out_x * w->stride_w - w->pad_left;
    return place;
}

/* By `count` pixels of the row of the output, at most to the first one of the next row. */
static void place_advance(const struct tenon_rows *rows, struct place *place, int32_t count) {
    const struct tenon_window *w = &rows->window;
    place->x += (int64_t)count * w->stride_w;
    place->out_x += count;
    if (place->out_x < w->out_w)
        return;
    place->out_x = 0;
    place->x = -(int64_t)w->pad_left;
    place->y += w->stride_h;
    if (++place->out_y < w->out_h)
        return;
    place->out_y = 0;
    place->y = -(int64_t)w->pad_top;
    place->batch += (size_t)w->in_h * (size_t)w->in_w * rows->pixel_bytes;
}

static const uint8_t *pixel_at(const struct tenon_rows *rows, const uint8_t *batch, int64_t y,
                               int64_t x) {
    return batch + (size_t)(y * rows->window.in_w + x) * rows->pixel_bytes;
}

/* memcpy for the few bytes that taps of few channels have. */
static void copy(uint8_t *to, const uint8_t *from, size_t size) {
    if (size > 16 || size < 4) {
        memcpy(to, from, size);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    }
}

/* Copies the taps of one row of the window; those outside of the input are padding. */
static uint8_t *gather_taps(const struct tenon_rows *rows, const struct place *place, int64_t y,
                            uint8_t *to) {
    const struct tenon_window *w = &rows->window;
    size_t bytes = rows->pixel_bytes;
    if (y < 0 || y >= w->in_h) {
        memset(to, rows->padding, (size_t)w->k_w * bytes);
        return to + (size_t)w->k_w * bytes;
    }
    bool inside = place->x >= 0 && place->x + w->k_w <= w->in_w;
    if (inside && w->dilation_w == 1) {
        copy(to, pixel_at(rows, place->batch, y, place->x), (size_t)w->k_w * bytes);
        return to + (size_t)w->k_w * bytes;
    }
    for (int32_t k = 0; k < w->k_w; k++, to += bytes) {
        int64_t x = place->x + (int64_t)k * w->dilation_w;
        if (x >= 0 && x < w->in_w)
            copy(to, pixel_at(rows, place->batch, y, x), bytes);
        else
            memset(to, rows->padding, bytes);
    }
    return to;
}

static void gather(const struct tenon_rows *rows, const struct place *place, uint8_t *to) {
    const struct tenon_window *w = &rows->window;
    uint8_t *end = to + rows->row_bytes;
    for (int32_t k = 0; k < w->k_h; k++)
        to = gather_taps(rows, place, place->y + (int64_t)k * w->dilation_h, to);
    memset(to, 0, (size_t)(end - to));
}

/* Of the next pixels of the row of the output, how many have their pieces in the input's columns.
 */
static int32_t count_inside(const struct tenon_rows *rows, const struct place *place) {
    const struct tenon_window *w = &rows->window;
    int32_t left = w->out_w - place->out_x;
    if (rows->direct)
        return left;
    if (rows->pieces == 1 || place->x < 0 || place->x + w->k_w > w->in_w)
        return 0;
    int64_t inside = (w->in_w - w->k_w - place->x) / w->stride_w + 1;
    return inside < left ? (int32_t)inside : left;
}

/* Points to the pieces of pixels that lie in the input's columns: in the input, or padding. */
static void point_inside(const struct tenon_rows *rows, const struct place *place, size_t count,
                         const uint8_t *padding, const uint8_t **out) {
    const struct tenon_window *w = &rows->window;
    for (size_t p = 0; p < rows->pieces; p++) {
        int64_t y = place->y + (int64_t)p * w->dilation_h;
        bool inside = y >= 0 && y < w->in_h;
        const uint8_t *from = inside ? pixel_at(rows, place->batch, y, place->x) : padding;
        size_t step = inside ? (size_t)w->stride_w * rows->pixel_bytes : 0;
        for (size_t i = 0; i < count; i++)
            out[i * rows->pieces + p] = from + i * step;
    }
}

void tenon_rows_get(const struct tenon_rows *rows, const uint8_t *input, size_t first, size_t count,
                    uint8_t *gathered, const uint8_t **out) {
    struct place place = place_of(rows, input, first);
    size_t piece_bytes = rows->row_bytes / rows->pieces;
    const uint8_t *padding = NULL;
    while (count != 0) {
        size_t inside = (size_t)count_inside(rows, &place), step = inside < count ? inside : count;
        if (inside == 0) {
            gather(rows, &place, gathered);
            for (size_t p = 0; p < rows->pieces; p++)
                out[p] = gathered + p * piece_bytes;
            gathered += rows->row_bytes;
            step = 1;
        } else {
            if (padding == NULL && !rows->direct) { /* there is room: these are not gathered */
                padding = memset(gathered, rows->padding, piece_bytes);
                gathered += piece_bytes;
            }
            point_inside(rows, &place, step, padding, out);
        }
        out += step * rows->pieces;
        place_advance(rows, &place, (int32_t)step);
        count -= step;
    }
}

size_t tenon_rows_column_step(const struct tenon_rows *rows) {
    const struct tenon_window *w = &rows->window;
    return (size_t)(w->dilation_w == 1 && w->stride_w < w->k_w ? w->stride_w : w->k_w);
}

/* `count` neighbours of a row of the input from x on, or padding. */
static const uint8_t **point_neighbours(const struct tenon_rows *rows, const uint8_t *row,
                                        int64_t x, int64_t count, const uint8_t *padding,
                                        const uint8_t **out) {
    int64_t end = x + count, in_w = row != NULL ? rows->window.in_w : 0;
    for (; x < end && x < 0; x++)
        *out++ = padding;
    for (; x < end && x < in_w; x++)
        *out++ = row + (size_t)x * rows->pixel_bytes;
    for (; x < end; x++)
        *out++ = padding;
    return out;
}

void tenon_rows_get_columns(const struct tenon_rows *rows, const uint8_t *input, size_t first,
                            size_t count, const uint8_t *padding, const uint8_t **out) {
    const struct tenon_window *w = &rows->window;
    struct place place = place_of(rows, input, first);
    bool shared = tenon_rows_column_step(rows) != (size_t)w->k_w;
    for (int32_t ky = 0; ky < w->k_h; ky++) {
        int64_t y = place.y + (int64_t)ky * w->dilation_h, x = place.x;
        const uint8_t *row = y >= 0 && y < w->in_h ? pixel_at(rows, place.batch, y, 0) : NULL;
        if (shared) {
            int64_t columns = (int64_t)(count - 1) * w->stride_w + w->k_w;
            out = point_neighbours(rows, row, x, columns, padding, out);
            continue;
        }
        for (size_t i = 0; i < count; i++, x += w->stride_w)
            for (int32_t kx = 0; kx < w->k_w; kx++)
                out = point_neighbours(rows, row, x + (int64_t)kx * w->dilation_w, 1, padding, out);
    }
}
