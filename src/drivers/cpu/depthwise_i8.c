/*
 * The kernel depthwise_i8: 8-bit depthwise convolutions, one block of channels and a range of
 * output rows at a time.
 *
 * Where a block holds several pixels, rows are staged for the loops as another picture, of one
 * block: for each column of the window, the pixels that a row of outputs sees there, those of a
 * block being the channels of one pixel. Its window has stride 1, and is dilated from one column's
 * pixels to the next one's.
 */
#include "drivers/cpu/kernels.h"
#include "util/checked.h"

#include <string.h>

enum { GRAIN_MACS = 10000, COLUMNS_BYTES = 16 << 10 };

struct depthwise {
    const struct tenon_isa_kernels *isa;
    struct tenon_depthwise_i8 i8; /* its window is that of the staged picture, where one is */
    struct tenon_window window;   /* of the operator */
    uint8_t outside;              /* what pixels outside of the picture hold */
    bool staged, overhangs;       /* overhangs: a row of outputs does not fill its last block */
    size_t columns_bytes, staged_bytes; /* of the working memory, in which outputs come last */
    size_t rows, rows_per_item, ranges; /* output rows of all batches; ranges: per block */
};

/* Where each step's column stands: its row of columns, then its place in the window. */
static bool resolve_steps(struct tenon_depthwise_i8 *d, struct tenon_arena *arena) {
    uint32_t k_w = (uint32_t)d->window.k_w, dilation = (uint32_t)d->window.dilation_w;
    size_t count = 0;
    for (uint32_t b = 0; b < d->params.blocks; b++)
        count += d->blocks[b].step_count;
    uint32_t *columns = tenon_arena_alloc_array(arena, count, sizeof(*columns));
    d->steps = tenon_arena_alloc_array(arena, d->params.blocks, sizeof(*d->steps));
    if (columns == NULL || d->steps == NULL)
        return false;
    for (uint32_t b = 0; b < d->params.blocks; b++) {
        d->steps[b] = columns;
        for (uint32_t s = 0; s < d->blocks[b].step_count; s++) {
            uint32_t step = tenon_load_le32(d->blocks[b].steps + s * sizeof(uint32_t));
            *columns++ = (uint32_t)((step / k_w * d->tile_columns + step % k_w * dilation) *
                                    (16 * d->params.lanes));
        }
    }
    return true;
}

static bool steps_ok(const struct tenon_depthwise_i8 *d) {
    uint32_t count = d->quads * (uint32_t)d->window.k_w;
    for (uint32_t b = 0; b < d->params.blocks; b++)
        for (uint32_t s = 0; s < d->blocks[b].step_count; s++)
            if (tenon_load_le32(d->blocks[b].steps + s * sizeof(uint32_t)) >= count)
                return false;
    return true;
}

/* How a row of outputs is cut, so that the columns that a tile sees stay in the first cache. */
static bool cut(struct depthwise *d) {
    struct tenon_depthwise_i8 *i8 = &d->i8;
    const struct tenon_window *w = &i8->window;
    size_t column_bytes = 16 * (size_t)i8->params.lanes * i8->quads;
    size_t span = (size_t)(w->k_w - 1) * (size_t)w->dilation_w + 1;
    size_t fitting = COLUMNS_BYTES / column_bytes, stride = (size_t)w->stride_w;
    size_t width = fitting > span ? (fitting - span) / stride + 1 : 1;
    i8->tile_width = width < (size_t)w->out_w && !d->staged ? width : (size_t)w->out_w;
    i8->tile_columns = (i8->tile_width - 1) * stride + span;
    size_t row_macs = (size_t)w->out_w * i8->params.taps * i8->params.lanes * 4;
    d->rows = (size_t)w->batches * (size_t)w->out_h;
    d->rows_per_item = GRAIN_MACS / (row_macs + 1) + 1;
    d->ranges = (d->rows + d->rows_per_item - 1) / d->rows_per_item;
    return i8->tile_columns <= UINT32_MAX / column_bytes;
}

/* Makes the loops' window that of the staged picture. */
static bool stage_window(struct depthwise *d) {
    struct tenon_window *w = &d->i8.window;
    uint32_t lanes = tenon_cpu_isa_get(d->isa->isa)->lanes;
    int32_t pixels = (int32_t)tenon_depthwise_pixels(lanes, (uint32_t)w->in_c);
    d->window = *w;
    d->staged = pixels > 1;
    if (!d->staged)
        return true;
    d->overhangs = w->out_w % pixels != 0;
    w->out_w = w->out_w / pixels + d->overhangs;
    w->in_c *= pixels;
    w->stride_w = 1;
    w->dilation_w = w->out_w;
    w->pad_left = 0;
    return !__builtin_mul_overflow(w->out_w, w->k_w, &w->in_w);
}

static bool size_workspace(struct depthwise *d, size_t *bytes) {
    const struct tenon_window *w = &d->i8.window;
    size_t stride = (size_t)w->stride_h, out_bytes;
    size_t seen =
        (d->rows_per_item - 1) * stride + (size_t)(w->k_h - 1) * (size_t)w->dilation_h + 1;
    seen = seen < (size_t)w->in_h ? seen : (size_t)w->in_h;
    d->columns_bytes = d->i8.quads * d->i8.tile_columns * 16 * d->i8.params.lanes;
    *bytes = d->columns_bytes;
    if (!d->staged)
        return true;
    return tenon_mul_size(seen, (size_t)w->in_w * (size_t)w->in_c, &d->staged_bytes) &&
           tenon_mul_size(d->rows_per_item, (size_t)w->out_w * (size_t)w->in_c, &out_bytes) &&
           tenon_add_size(*bytes, d->staged_bytes, bytes) &&
           tenon_add_size(*bytes, d->overhangs ? out_bytes : 0, bytes);
}

static enum tenon_status read_params(struct depthwise *d, const struct tenon_cpu_call *call,
                                     struct tenon_arena *arena, struct tenon_error *error) {
    struct tenon_depthwise_i8 *i8 = &d->i8;
    struct tenon_depthwise_params *params = &i8->params;
    const struct tenon_window *w = &i8->window;
    const struct tenon_desc *in = &call->operands[0].desc;
    const struct tenon_cpu_isa_info *info = tenon_cpu_isa_get(d->isa->isa);
    if (!tenon_depthwise_params_read(call->params, params) || params->lanes != info->lanes ||
        params->magnitudes != info->adds_in_16_bits ||
        params->taps != (size_t)w->k_h * (size_t)w->k_w || params->channels != (uint32_t)w->in_c)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "parameters of depthwise_i8 are malformed");
    i8->quads = ((uint32_t)w->k_h + params->depth - 1) / params->depth;
    i8->blocks = tenon_arena_alloc_array(arena, params->blocks, sizeof(*i8->blocks));
    if (i8->blocks == NULL)
        return tenon_fail_memory(error);
    for (uint32_t i = 0; i < params->blocks; i++)
        tenon_depthwise_block_get(params, i, &i8->blocks[i]);
    if (!steps_ok(i8) || !cut(d))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "steps of depthwise_i8 are malformed");
    i8->rounding = call->rounding;
    i8->range = tenon_output_range_of(call, params->low, params->high, params->zero_point);
    i8->form = tenon_form_choose(&params->proof, &i8->range, call->rounding);
    i8->flip = tenon_activation_flip(in->type, info) ^ (info->adds_in_16_bits ? 0x80 : 0);
    d->outside = (uint8_t)tenon_desc_zero_point(in);
    i8->padding = d->outside ^ i8->flip;
    return resolve_steps(i8, arena) ? TENON_OK : tenon_fail_memory(error);
}

static enum tenon_status prepare(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *in = &call->operands[0].desc, *weights = &call->operands[1].desc;
    const struct tenon_desc *out = &call->operands[call->input_count].desc;
    struct depthwise *d = tenon_arena_alloc(arena, sizeof(*d));
    if (d == NULL)
        return tenon_fail_memory(error);
    if (call->op != TENON_OP_DEPTHWISE_CONV_2D || (TENON_TYPES_QUANTIZED8 >> in->type & 1) == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a depthwise kernel for another operator");
    d->isa = isa;
    enum tenon_status status =
        tenon_window_init(&d->i8.window, &call->attrs, &in->shape, weights->shape.dims[1],
                          weights->shape.dims[2], error);
    if (status == TENON_OK && !stage_window(d))
        status = tenon_fail_memory(error);
    if (status == TENON_OK)
        status = read_params(d, call, arena, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_window *w = &d->window;
    if (d->rows * (size_t)w->out_w * (size_t)w->in_c != tenon_desc_size(out) || d->rows == 0 ||
        w->out_w == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a depthwise kernel of another output");
    plan->state = d;
    return size_workspace(d, &plan->workspace_bytes) ? TENON_OK : tenon_fail_memory(error);
}

/* ---- staging ---- */

TENON_ALWAYS_INLINE void copy_every(uint8_t *to, const uint8_t *from, size_t count, size_t bytes,
                                    size_t step) {
    for (size_t i = 0; i < count; i++, to += bytes, from += step)
        memcpy(to, from, bytes);
}

static void copy_pixels(uint8_t *to, const uint8_t *from, size_t count, size_t bytes, size_t step) {
    if (step == bytes)
        memcpy(to, from, count * bytes);
    else if (bytes == 8)
        copy_every(to, from, count, 8, step);
    else if (bytes == 16)
        copy_every(to, from, count, 16, step);
    else
        copy_every(to, from, count, bytes, step);
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* The pixels of a row that outputs see at each column of the window. */
static uint8_t *stage_row(const struct depthwise *d, const uint8_t *row, uint8_t *to) {
    const struct tenon_window *w = &d->window;
    size_t bytes = (size_t)w->in_c, whole = (size_t)d->i8.window.out_w * (size_t)d->i8.window.in_c;
    for (int32_t k = 0; k < w->k_w; k++, to += whole) {
        int64_t x = (int64_t)k * w->dilation_w - w->pad_left, stride = w->stride_w;
        size_t begin = (size_t)clamp((stride - 1 - x) / stride, 0, w->out_w);
        size_t end = (size_t)clamp((w->in_w + stride - 1 - x) / stride, (int64_t)begin, w->out_w);
        memset(to, d->outside, begin * bytes);
        if (begin < end)
            copy_pixels(to + begin * bytes, row + (size_t)(x + (int64_t)begin * stride) * bytes,
                        end - begin, bytes, (size_t)stride * bytes);
        memset(to + end * bytes, d->outside, whole - end * bytes);
    }
    return to;
}

/* `count` rows of outputs of one picture, from `first` on. */
static void run_staged(const struct depthwise *d, const uint8_t *picture, int32_t first,
                       int32_t count, uint8_t *workspace, uint8_t *out) {
    const struct tenon_window *w = &d->window;
    size_t in_bytes = (size_t)w->in_w * (size_t)w->in_c,
           out_bytes = (size_t)w->out_w * (size_t)w->in_c;
    int64_t top = (int64_t)first * w->stride_h - w->pad_top;
    int64_t bottom =
        top + (int64_t)(count - 1) * w->stride_h + (int64_t)(w->k_h - 1) * w->dilation_h;
    int64_t begin = clamp(top, 0, w->in_h), end = clamp(bottom + 1, 0, w->in_h);
    struct tenon_depthwise_i8 i8 = d->i8;
    i8.window.batches = 1;
    i8.window.pad_top = (int32_t)(begin - top);
    i8.window.in_h = (int32_t)(end - begin);
    i8.window.out_h = count;
    uint8_t *staged = workspace + d->columns_bytes, *to = staged;
    uint8_t *outputs = d->overhangs ? staged + d->staged_bytes : out;
    for (int64_t y = begin; y < end; y++)
        to = stage_row(d, picture + (size_t)y * in_bytes, to);
    d->isa->depthwise_i8(&i8, staged, 0, 0, (size_t)count, workspace, outputs);
    size_t whole = (size_t)i8.window.out_w * (size_t)i8.window.in_c;
    for (int32_t y = 0; y < count && d->overhangs; y++)
        memcpy(out + (size_t)y * out_bytes, outputs + (size_t)y * whole, out_bytes);
}

/* Picture by picture. */
static void stage(const struct depthwise *d, const uint8_t *in, size_t first, size_t count,
                  uint8_t *workspace, uint8_t *out) {
    const struct tenon_window *w = &d->window;
    size_t picture_bytes = (size_t)w->in_h * (size_t)w->in_w * (size_t)w->in_c;
    for (size_t end = first + count, next; first < end; first = next) {
        size_t batch = first / (size_t)w->out_h, stop = (batch + 1) * (size_t)w->out_h;
        next = stop < end ? stop : end;
        run_staged(d, in + batch * picture_bytes, (int32_t)(first % (size_t)w->out_h),
                   (int32_t)(next - first), workspace,
                   out + first * (size_t)w->out_w * (size_t)w->in_c);
    }
}

static void run_items(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct depthwise *d = run->state;
    size_t blocks = d->i8.params.blocks; /* in turn: a thread keeps to rows, as other kernels do */
    for (size_t item = begin; item < end; item++) {
        size_t first = item / blocks * d->rows_per_item, left = d->rows - first;
        size_t count = left < d->rows_per_item ? left : d->rows_per_item;
        const uint8_t *in = run->op.inputs[0].data;
        uint8_t *out = run->op.outputs[0].data, *workspace = tenon_kernel_workspace(run, worker);
        if (d->staged)
            stage(d, in, first, count, workspace, out);
        else
            d->isa->depthwise_i8(&d->i8, in, (uint32_t)(item % blocks), first, count, workspace,
                                 out);
    }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    const struct depthwise *d = r->state;
    (void)error;
    tenon_pool_run(r->pool, d->i8.params.blocks * d->ranges, 1, run_items, (void *)r);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_depthwise_i8 = {"depthwise_i8", true, 6, prepare, run};
