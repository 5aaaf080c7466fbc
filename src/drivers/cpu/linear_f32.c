/*
 * The kernel linear_f32: conv_2d and fully_connected of floats. Work is cut into tiles of output
 * pixels and, where there are too few tiles for the threads, into ranges of panels.
 */
#include "drivers/cpu/kernels.h"
#include "drivers/cpu/window.h"

enum { TILE_BYTES = 256 << 10, TILE_ROWS_MAX = 64, GRAIN_MACS = 100000 };

struct linear {
    struct tenon_rows rows;
    const struct tenon_isa_kernels *isa;
    struct tenon_float_params params;
    size_t tile_rows, tiles;
    size_t ranges; /* of panels, per tile */
    size_t grain;
};

/* An even number, of an even number of panels each. */
static size_t ranges_of(const struct linear *l) {
    if (l->tiles >= 16)
        return 1;
    size_t panels = l->params.panels, ranges = panels / (panels >= 24 ? 6 : 2);
    return ranges >= 4 ? ranges / 4 * 4 : ranges >= 2 ? 2 : 1;
}

/* Tiles that are multiples of most tiles of registers. The blocks of weights are read again for
 * each. */
static void cut(struct linear *l) {
    size_t rows = TILE_BYTES / l->rows.row_bytes, pixels = l->rows.pixel_count;
    rows = rows > TILE_ROWS_MAX ? TILE_ROWS_MAX : rows == 0 ? 1 : rows;
    l->tile_rows = rows < pixels ? rows : pixels;
    l->tiles = (pixels + l->tile_rows - 1) / l->tile_rows;
    l->ranges = ranges_of(l);
    size_t item_macs = l->tile_rows * l->params.products * (l->params.channels / l->ranges + 1);
    l->grain = GRAIN_MACS / (item_macs + 1) + 1;
}

static enum tenon_status read_params(struct linear *l, const struct tenon_cpu_call *call,
                                     struct tenon_error *error) {
    struct tenon_float_params *params = &l->params;
    if (!tenon_float_params_read(call->params, params) ||
        params->lanes != tenon_cpu_isa_get(l->isa->isa)->lanes ||
        params->products * sizeof(float) != l->rows.row_bytes)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "parameters of linear_f32 are malformed");
    if (!l->rows.direct && l->rows.window.dilation_w == 1)
        l->rows.pieces = (size_t)l->rows.window.k_h;
    return TENON_OK;
}

static enum tenon_status prepare(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *out = &call->operands[call->input_count].desc;
    struct linear *l = tenon_arena_alloc(arena, sizeof(*l));
    if (l == NULL)
        return tenon_fail_memory(error);
    if (!tenon_is_linear(call->op) || call->operands[0].desc.type != TENON_TYPE_F32)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "linear_f32 for another operator");
    l->isa = isa;
    enum tenon_status status = tenon_rows_init(&l->rows, call, error);
    if (status == TENON_OK)
        status = read_params(l, call, error);
    if (status != TENON_OK)
        return status;
    size_t pixels = l->rows.pixel_count;
    if (pixels * l->params.channels * sizeof(float) != tenon_desc_size(out) || pixels == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "linear_f32 of another output");
    cut(l);
    plan->state = l;
    plan->workspace_bytes = l->tile_rows * (l->rows.pieces * sizeof(void *) + l->rows.row_bytes);
    return TENON_OK;
}

static void run_items(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct linear *l = run->state;
    const uint8_t *input = run->op.inputs[0].data;
    float *out = run->op.outputs[0].data;
    const uint8_t **rows = tenon_kernel_workspace(run, worker);
    uint8_t *gathered = (uint8_t *)(rows + l->rows.pieces * l->tile_rows);
    size_t loaded = SIZE_MAX, panels = l->params.panels;
    for (size_t item = begin; item < end; item++) {
        size_t tile = item / l->ranges, range = item % l->ranges, first = tile * l->tile_rows;
        size_t left = l->rows.pixel_count - first;
        size_t count = left < l->tile_rows ? left : l->tile_rows;
        if (tile != loaded)
            tenon_rows_get(&l->rows, input, first, count, gathered, rows);
        loaded = tile;
        l->isa->floats->linear_f32(&l->params, (const float *const *)rows, l->rows.pieces, count,
                                   (uint32_t)(panels * range / l->ranges),
                                   (uint32_t)(panels * (range + 1) / l->ranges),
                                   out + first * l->params.channels);
    }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    const struct linear *l = r->state;
    (void)error;
    tenon_pool_run(r->pool, l->tiles * l->ranges, l->grain, run_items, (void *)r);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_linear_f32 = {"linear_f32", true, 6, prepare, run};
