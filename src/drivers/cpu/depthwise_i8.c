/*
 * The kernel depthwise_i8: 8-bit depthwise convolutions, one block of channels and a range of
 * output rows at a time.
 */
#include "drivers/cpu/kernels.h"
#include "util/checked.h"

enum { GRAIN_MACS = 50000, COLUMNS_BYTES = 16 << 10 };

struct depthwise {
    const struct tenon_isa_kernels *isa;
    struct tenon_depthwise_i8 i8;
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
            *columns++ = (uint32_t)(step / k_w * d->tile_columns + step % k_w * dilation);
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
    i8->tile_width = width < (size_t)w->out_w ? width : (size_t)w->out_w;
    i8->tile_columns = (i8->tile_width - 1) * stride + span;
    size_t row_macs = (size_t)w->out_w * i8->params.taps * i8->params.lanes * 4;
    d->rows = (size_t)w->batches * (size_t)w->out_h;
    d->rows_per_item = GRAIN_MACS / (row_macs + 1) + 1;
    d->ranges = (d->rows + d->rows_per_item - 1) / d->rows_per_item;
    return i8->tile_columns <= UINT32_MAX / i8->quads;
}

static enum tenon_status read_params(struct depthwise *d, const struct tenon_cpu_call *call,
                                     struct tenon_arena *arena, struct tenon_error *error) {
    struct tenon_depthwise_i8 *i8 = &d->i8;
    struct tenon_depthwise_params *params = &i8->params;
    const struct tenon_window *w = &i8->window;
    const struct tenon_desc *in = &call->operands[0].desc;
    const struct tenon_cpu_isa_info *info = tenon_cpu_isa_get(d->isa->isa);
    if (!tenon_depthwise_params_read(call->params, params) || params->lanes != info->lanes ||
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
    i8->flip = tenon_activation_flip(in->type, info);
    i8->padding = (uint8_t)tenon_desc_zero_point(in) ^ i8->flip;
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
    if (status == TENON_OK)
        status = read_params(d, call, arena, error);
    if (status != TENON_OK)
        return status;
    const struct tenon_window *w = &d->i8.window;
    if (d->rows * (size_t)w->out_w * (size_t)w->in_c != tenon_desc_size(out) || d->rows == 0 ||
        w->out_w == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a depthwise kernel of another output");
    plan->state = d;
    plan->workspace_bytes = d->i8.quads * d->i8.tile_columns * 16 * d->i8.params.lanes;
    return TENON_OK;
}

static void run_items(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct depthwise *d = run->state;
    size_t blocks = d->i8.params.blocks; /* in turn: a thread keeps to rows, as other kernels do */
    for (size_t item = begin; item < end; item++) {
        size_t first = item / blocks * d->rows_per_item, left = d->rows - first;
        d->isa->depthwise_i8(&d->i8, run->op.inputs[0].data, (uint32_t)(item % blocks), first,
                             left < d->rows_per_item ? left : d->rows_per_item,
                             tenon_kernel_workspace(run, worker), run->op.outputs[0].data);
    }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    const struct depthwise *d = r->state;
    (void)error;
    tenon_pool_run(r->pool, d->i8.params.blocks * d->ranges, 1, run_items, (void *)r);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_depthwise_i8 = {"depthwise_i8", true, 6, prepare, run};
