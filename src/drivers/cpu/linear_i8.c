/*
 * The kernel linear_i8: 8-bit conv_2d and fully_connected. Work is cut into tiles of output pixels,
 * whose rows of input stay in the first cache, and, where weights are many or tiles too few for the
 * threads, into ranges of panels.
 *
 * Rows are wanted in the type that the instruction set multiplies and, for wide quads, in the other
 * one: one of the two is what the input holds, the other one is staged.
 */
#include "drivers/cpu/kernels.h"
#include "drivers/cpu/strip.h"
#include "drivers/cpu/window.h"
#include "util/checked.h"

enum {
    TILE_BYTES = 24 << 10,
    TILE_ROWS_MAX = 96,
    STRIP_ROWS_MAX = 256,
    GRAIN_MACS = 100000,
    /* Threads share the outputs, in whole cache lines, unless weights are so many that each thread
     * had better read only some of them. */
    SHARED_WEIGHT_BYTES = 128 << 10,
    TILES_WANTED = 4
};

struct linear {
    struct tenon_rows rows;
    const struct tenon_isa_kernels *isa;
    struct tenon_linear_i8 i8;
    bool flip;  /* the kernel multiplies another type than the input's */
    bool wides; /* there are wide quads */
    bool in_strips;
    struct tenon_strips strips;
    size_t tile_rows, tiles; /* tile_rows: at most */
    size_t tile_bytes;       /* of the rows of a tile */
    size_t ranges;           /* of panels, per tile */
    size_t grain;
};

static struct tenon_linear_segments segments_of(const struct tenon_window *w) {
    bool dilated = w->dilation_h != 1 || w->dilation_w != 1;
    return tenon_linear_segments_of((uint32_t)w->k_h, (uint32_t)w->k_w * (uint32_t)w->in_c,
                                    dilated);
}

/* Makes numbers of quads offsets into a row. */
static bool resolve_quads(struct linear *l, struct tenon_linear_panel *panel,
                          struct tenon_arena *arena) {
    const struct tenon_linear_segments *s = &l->i8.segments;
    size_t count =
        (size_t)panel->groups * l->i8.params.depth + panel->singles + (size_t)panel->wides;
    uint8_t *offsets = tenon_arena_alloc_array(arena, count, sizeof(uint16_t));
    if (offsets == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t quad = tenon_load_le16(panel->quads + i * sizeof(uint16_t));
        size_t offset = quad / s->quads * l->i8.pitch + quad % s->quads * TENON_QUAD;
        tenon_store_le16(offsets + i * sizeof(uint16_t), (uint16_t)(offset / TENON_QUAD));
    }
    panel->quads = offsets;
    return true;
}

static size_t at_most(size_t x, size_t most) {
    return x < most ? x : most;
}

/* Copies of the activations. */
static size_t copies(const struct linear *l) {
    return l->wides ? 2 : 1;
}

static bool weights_are_shared(const struct linear *l) {
    const struct tenon_linear_params *params = &l->i8.params;
    return (size_t)params->channels * params->quads * TENON_QUAD <= SHARED_WEIGHT_BYTES;
}

/* Of a tile, so that there are some for each thread. */
static size_t pixels_wanted(const struct linear *l) {
    const struct tenon_linear_params *params = &l->i8.params;
    size_t pixels = l->rows.pixel_count;
    size_t tiles = pixels * params->channels * params->quads * TENON_QUAD / GRAIN_MACS;
    if (!weights_are_shared(l) || tiles < 2)
        return pixels;
    tiles = at_most(tiles, TILES_WANTED);
    return (pixels + tiles - 1) / tiles;
}

/* Cuts the output into strips; the input is then seen through them. */
static enum tenon_status cut_strips(struct linear *l, const struct tenon_desc *in,
                                    struct tenon_arena *arena, struct tenon_error *error) {
    struct tenon_strips *strips = &l->strips;
    strips->padding = (uint8_t)tenon_desc_zero_point(in);
    tenon_strips_init(strips, &l->rows.window, l->rows.pixel_bytes, TILE_BYTES / copies(l),
                      at_most(pixels_wanted(l), STRIP_ROWS_MAX));
    if (strips->bytes / TENON_QUAD > UINT16_MAX)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a window too large for linear_i8");
    l->i8.pitch = strips->pitch;
    l->tile_rows = (size_t)strips->tile_h * (size_t)strips->tile_w;
    l->tiles = tenon_strips_count(strips);
    l->tile_bytes = strips->bytes + TENON_QUAD; /* the last quad may end behind it */
    for (uint32_t i = 0; i < l->i8.params.panels; i++)
        if (!resolve_quads(l, &l->i8.panels[i], arena))
            return tenon_fail_memory(error);
    return TENON_OK;
}

static void cut_rows(struct linear *l) {
    size_t step = l->isa->linear_rows, pixels = l->rows.pixel_count;
    size_t rows = TILE_BYTES / (l->rows.row_bytes * copies(l)) / step * step;
    rows = at_most(rows < step ? step : rows, TILE_ROWS_MAX);
    rows = at_most(rows, pixels_wanted(l));
    size_t count = (pixels + rows - 1) / rows; /* of tiles, of about the same size */
    l->tile_rows = count < 2 ? pixels : (pixels + count * step - 1) / (count * step) * step;
    l->tiles = (pixels + l->tile_rows - 1) / l->tile_rows;
    l->tile_bytes = l->tile_rows * l->rows.row_bytes;
}

static enum tenon_status cut(struct linear *l, const struct tenon_desc *in,
                             struct tenon_arena *arena, struct tenon_error *error) {
    const struct tenon_window *w = &l->rows.window;
    const struct tenon_linear_params *params = &l->i8.params;
    enum tenon_status status = TENON_OK;
    bool in_order = l->rows.direct && w->stride_h == 1 && w->stride_w == 1;
    l->in_strips = !in_order && !l->i8.segments.gathered;
    if (l->in_strips)
        status = cut_strips(l, in, arena, error);
    else
        cut_rows(l);
    l->tile_bytes = tenon_align_up(l->tile_bytes, TENON_CPU_ALIGNMENT);
    bool enough = l->tiles >= 16 || (l->tiles > 1 && weights_are_shared(l));
    l->ranges = enough ? 1 : (params->panels + 3) / 4;
    size_t macs = l->tile_rows * params->quads * TENON_QUAD * (params->channels / l->ranges + 1);
    l->grain = GRAIN_MACS / (macs + 1) + 1;
    return status;
}

static enum tenon_status read_params(struct linear *l, const struct tenon_cpu_call *call,
                                     struct tenon_arena *arena, struct tenon_error *error) {
    struct tenon_linear_params *params = &l->i8.params;
    const struct tenon_cpu_isa_info *info = tenon_cpu_isa_get(l->isa->isa);
    l->i8.segments = segments_of(&l->rows.window);
    if (!tenon_linear_params_read(call->params, params) || params->lanes != info->lanes ||
        params->quads != l->i8.segments.count * l->i8.segments.quads)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "parameters of linear_i8 are malformed");
    l->i8.panels = tenon_arena_alloc_array(arena, params->panels, sizeof(*l->i8.panels));
    if (l->i8.panels == NULL)
        return tenon_fail_memory(error);
    for (uint32_t i = 0; i < params->panels; i++) {
        struct tenon_linear_panel *panel = &l->i8.panels[i];
        tenon_linear_panel_get(params, i, panel);
        bool in_order = panel->groups == 0 && panel->wides == 0 && panel->singles >= params->quads;
        if (!info->adds_in_16_bits && !in_order)
            return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "panels of another instruction set");
        l->wides |= panel->wides != 0;
    }
    l->i8.rounding = call->rounding;
    l->i8.range = tenon_output_range_of(call, params->low, params->high, params->zero_point);
    l->i8.form = tenon_form_choose(&params->proof, &l->i8.range, call->rounding);
    l->flip = tenon_activation_flip(call->operands[0].desc.type, info) != 0;
    return TENON_OK;
}

static enum tenon_status prepare(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *in = &call->operands[0].desc;
    const struct tenon_desc *out = &call->operands[call->input_count].desc;
    struct linear *l = tenon_arena_alloc(arena, sizeof(*l));
    if (l == NULL)
        return tenon_fail_memory(error);
    if (!tenon_is_linear(call->op) || (TENON_TYPES_QUANTIZED8 >> in->type & 1) == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "linear_i8 for another operator");
    l->isa = isa;
    enum tenon_status status = tenon_rows_init(&l->rows, call, error);
    if (status == TENON_OK)
        status = read_params(l, call, arena, error);
    if (status != TENON_OK)
        return status;
    size_t pixels = l->rows.pixel_count;
    if (pixels * l->i8.params.channels != tenon_desc_size(out) || pixels == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "linear_i8 of another output");
    status = cut(l, in, arena, error);
    plan->state = l;
    plan->workspace_bytes = 2 * (l->tile_rows * sizeof(void *) + l->tile_bytes);
    return status;
}

/* The rows of a tile, in a thread's working memory: as the input has them, and with their sign
 * bits flipped. */
struct tile {
    const uint8_t **same, **flipped;
    uint8_t *same_bytes, *flipped_bytes;
    size_t first, count; /* outputs */
};

static struct tile tile_in(const struct linear *l, void *workspace) {
    struct tile tile = {.same = workspace};
    tile.flipped = tile.same + l->tile_rows;
    tile.same_bytes = (uint8_t *)(tile.flipped + l->tile_rows);
    tile.flipped_bytes = tile.same_bytes + l->tile_bytes;
    return tile;
}

/* Rows that follow each other are flipped all at once. */
static void flip_rows(const struct linear *l, struct tile *tile) {
    size_t bytes = l->rows.row_bytes;
    if (tile->same[tile->count - 1] == tile->same[0] + (tile->count - 1) * bytes)
        l->isa->stage_8(tile->same[0], tile->count * bytes, 0x80, tile->flipped_bytes);
    else
        for (size_t r = 0; r < tile->count; r++)
            l->isa->stage_8(tile->same[r], bytes, 0x80, tile->flipped_bytes + r * bytes);
    for (size_t r = 0; r < tile->count; r++)
        tile->flipped[r] = tile->flipped_bytes + r * bytes;
}

static void load_rows(const struct linear *l, const uint8_t *input, size_t index,
                      struct tile *tile) {
    tile->first = index * l->tile_rows;
    tile->count = at_most(l->tile_rows, l->rows.pixel_count - tile->first);
    tenon_rows_get(&l->rows, input, tile->first, tile->count, tile->same_bytes, tile->same);
    if (l->flip || l->wides)
        flip_rows(l, tile);
}

static void load_strip(const struct linear *l, const uint8_t *input, size_t index,
                       struct tile *tile) {
    const struct tenon_strips *s = &l->strips;
    struct tenon_strip_tile part = tenon_strips_tile(s, index);
    size_t row = (size_t)part.batch * (size_t)s->window.out_h + (size_t)part.y;
    tile->first = row * (size_t)s->window.out_w + (size_t)part.x;
    tile->count = (size_t)part.h * (size_t)part.w;
    if (!l->flip || l->wides)
        tenon_strips_stage(s, &part, l->isa, input, 0, tile->same_bytes, tile->same);
    if (l->flip || l->wides)
        tenon_strips_stage(s, &part, l->isa, input, 0x80, tile->flipped_bytes, tile->flipped);
}

static void run_items(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct linear *l = run->state;
    const uint8_t *input = run->op.inputs[0].data;
    uint8_t *out = run->op.outputs[0].data;
    size_t loaded = SIZE_MAX, panels = l->i8.params.panels;
    struct tile tile = tile_in(l, tenon_kernel_workspace(run, worker));
    for (size_t item = begin; item < end; item++) {
        size_t index = item / l->ranges, range = item % l->ranges;
        if (index != loaded)
            (l->in_strips ? load_strip : load_rows)(l, input, index, &tile);
        loaded = index;
        l->isa->linear_i8(
            &l->i8, l->flip ? tile.flipped : tile.same, l->flip ? tile.same : tile.flipped,
            tile.count, (uint32_t)(panels * range / l->ranges),
            (uint32_t)(panels * (range + 1) / l->ranges), out + tile.first * l->i8.params.channels);
    }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    const struct linear *l = r->state;
    (void)error;
    tenon_pool_run(r->pool, l->tiles * l->ranges, l->grain, run_items, (void *)r);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_linear_i8 = {"linear_i8", true, 6, prepare, run};
