/* The kernel depthwise_f32, over tiles of rows of output pixels. */
#include <string.h>

#include "drivers/cpu/kernels.h"
#include "drivers/cpu/window.h"

enum { TILE_POINTERS = 1024, GRAIN_MACS = 50000 };

struct depthwise {
    struct tenon_rows rows;
    const struct tenon_isa_kernels *isa;
    struct tenon_depthwise_f32 f32;
    size_t row_tiles, tile_pixels, grain; /* tiles of a row */
};

static enum tenon_status read_f32(struct depthwise *d, const struct tenon_cpu_call *call,
                                  struct tenon_error *error) {
    struct tenon_float_params *params = &d->f32.params;
    const struct tenon_window *w = &d->rows.window;
    d->f32.k_h = (size_t)w->k_h;
    d->f32.k_w = (size_t)w->k_w;
    d->f32.step = tenon_rows_column_step(&d->rows);
    if (!tenon_float_params_read(call->params, params) ||
        params->lanes != tenon_cpu_isa_get(d->isa->isa)->lanes ||
        params->products != d->f32.k_h * d->f32.k_w || params->channels != (uint32_t)w->in_c)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE,
                          "parameters of depthwise_f32 are malformed");
    return TENON_OK;
}

static enum tenon_status prepare(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *out = &call->operands[call->input_count].desc;
    struct depthwise *d = tenon_arena_alloc(arena, sizeof(*d));
    if (d == NULL)
        return tenon_fail_memory(error);
    if (call->op != TENON_OP_DEPTHWISE_CONV_2D || call->operands[0].desc.type != TENON_TYPE_F32)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a depthwise kernel for another operator");
    d->isa = isa;
    enum tenon_status status = tenon_rows_init(&d->rows, call, error);
    if (status == TENON_OK)
        status = read_f32(d, call, error);
    if (status != TENON_OK)
        return status;
    if (d->rows.pixel_count * d->rows.pixel_bytes != tenon_desc_size(out) ||
        d->rows.pixel_count == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a depthwise kernel of another output");
    size_t taps = d->f32.params.products, width = (size_t)d->rows.window.out_w;
    d->tile_pixels = TILE_POINTERS / taps + 1;
    d->row_tiles = (width + d->tile_pixels - 1) / d->tile_pixels;
    d->tile_pixels = (width + d->row_tiles - 1) / d->row_tiles;
    d->grain = GRAIN_MACS / (d->tile_pixels * taps * d->rows.pixel_bytes) + 1;
    plan->state = d;
    plan->workspace_bytes = d->tile_pixels * taps * sizeof(void *) + d->rows.pixel_bytes;
    return TENON_OK;
}

struct job {
    const struct tenon_kernel_run *run;
    const struct depthwise *depthwise;
};

static void run_tiles(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct job *job = user;
    const struct depthwise *d = job->depthwise;
    const uint8_t **columns = tenon_kernel_workspace(job->run, worker);
    uint8_t *padding = (uint8_t *)(columns + d->tile_pixels * d->f32.params.products);
    size_t width = (size_t)d->rows.window.out_w;
    memset(padding, d->rows.padding, d->rows.pixel_bytes);
    for (size_t tile = begin; tile < end; tile++) {
        size_t x = tile % d->row_tiles * d->tile_pixels, left = width - x;
        size_t count = left < d->tile_pixels ? left : d->tile_pixels;
        size_t first = tile / d->row_tiles * width + x;
        uint8_t *out = (uint8_t *)job->run->op.outputs[0].data + first * d->rows.pixel_bytes;
        tenon_rows_get_columns(&d->rows, job->run->op.inputs[0].data, first, count, padding,
                               columns);
        d->isa->floats->depthwise_f32(&d->f32, (const float *const *)columns, count, (float *)out);
    }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    (void)error;
    struct job job = {r, r->state};
    const struct depthwise *d = job.depthwise;
    size_t rows = (size_t)d->rows.window.batches * (size_t)d->rows.window.out_h;
    tenon_pool_run(r->pool, rows * d->row_tiles, d->grain, run_tiles, &job);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_depthwise_f32 = {"depthwise_f32", true, 6, prepare, run};
