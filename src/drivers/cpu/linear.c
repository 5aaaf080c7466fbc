/*
 * The kernels linear_i8 and linear_f32: conv_2d and fully_connected. Work is cut into tiles of
 * output pixels, whose rows of input stay in the first cache, and, where there are too few tiles
 * for the threads, into ranges of panels.
 */
#include "drivers/cpu/kernels.h"
#include "drivers/cpu/strip.h"
#include "drivers/cpu/window.h"
#include "util/checked.h"

enum {
    TILE_BYTES = 24 << 10,
    TILE_ROWS_MAX = 96,
    FLOAT_TILE_BYTES = 256 << 10,
    FLOAT_TILE_ROWS_MAX = 64,
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
    struct tenon_float_params f32;
    bool is_float;
    uint8_t flip; /* 0x80 to turn the type of the activations into the kernel's */
    bool wides;   /* there are wide quads */
    bool in_strips;
    struct tenon_strips strips;
    uint32_t panels;
    size_t tile_rows, tiles; /* tile_rows: at most */
    size_t ranges;           /* of panels, per tile */
    size_t channel_bytes;    /* of an output pixel's channels */
    size_t lane_bytes;       /* of a panel's channels */
    size_t grain;
    size_t tile_bytes; /* of the rows of a tile */
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
    uint8_t *offsets = tenon_arena_alloc_array(arena, count, sizeof(uint32_t));
    if (offsets == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t quad = tenon_load_le32(panel->quads + i * sizeof(uint32_t)) / TENON_QUAD;
        size_t offset = quad / s->quads * l->i8.pitch + quad % s->quads * TENON_QUAD;
        tenon_store_le32(offsets + i * sizeof(uint32_t), (uint32_t)offset);
    }
    panel->quads = offsets;
    return true;
}

static size_t at_most(size_t x, size_t most) {
    return x < most ? x : most;
}

static bool weights_are_shared(const struct linear *l) {
    return l->panels * l->lane_bytes * l->rows.row_bytes <= SHARED_WEIGHT_BYTES;
}

/* Of a tile, so that there are some for each thread. */
static size_t pixels_wanted(const struct linear *l) {
    size_t pixels = l->rows.pixel_count;
    size_t tiles = pixels * l->rows.row_bytes * l->channel_bytes / GRAIN_MACS;
    if (!weights_are_shared(l) || tiles < 2)
        return pixels;
    tiles = at_most(tiles, TILES_WANTED);
    return (pixels + tiles - 1) / tiles;
}

/* Cuts the output into strips; the input is then seen through them. */
static enum tenon_status cut_strips(struct linear *l, const struct tenon_desc *in,
                                    struct tenon_arena *arena, struct tenon_error *error) {
    struct tenon_strips *strips = &l->strips;
    const struct tenon_window *w = &l->rows.window;
    bool in_order = l->rows.direct && w->stride_h == 1 && w->stride_w == 1;
    l->in_strips = !in_order && !l->i8.segments.gathered;
    if (!l->in_strips)
        return TENON_OK;
    strips->padding = (uint8_t)tenon_desc_zero_point(in);
    strips->flip = l->flip;
    tenon_strips_init(strips, w, l->rows.pixel_bytes, TILE_BYTES / (l->wides ? 3 : 1),
                      at_most(pixels_wanted(l), STRIP_ROWS_MAX));
    l->i8.pitch = strips->pitch;
    if (strips->bytes > INT32_MAX)
        return tenon_fail(error, TENON_ERROR_LIMIT, "a window of more than 2 GiB");
    for (uint32_t i = 0; i < l->panels; i++)
        if (!resolve_quads(l, &l->i8.panels[i], arena))
            return tenon_fail_memory(error);
    return TENON_OK;
}

static enum tenon_status read_i8(struct linear *l, const struct tenon_cpu_call *call,
                                 struct tenon_arena *arena, struct tenon_error *error) {
    struct tenon_linear_params *params = &l->i8.params;
    const struct tenon_desc *in = &call->operands[0].desc;
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
    l->flip = tenon_activation_flip(in->type, info);
    l->panels = params->panels;
    l->channel_bytes = params->channels;
    l->lane_bytes = params->lanes;
    return cut_strips(l, in, arena, error);
}

static enum tenon_status read_f32(struct linear *l, const struct tenon_cpu_call *call,
                                  struct tenon_error *error) {
    struct tenon_float_params *params = &l->f32;
    if (!tenon_float_params_read(call->params, params) ||
        params->lanes != tenon_cpu_isa_get(l->isa->isa)->lanes ||
        params->products * sizeof(float) != l->rows.row_bytes)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "parameters of linear_f32 are malformed");
    if (!l->rows.direct && l->rows.window.dilation_w == 1)
        l->rows.pieces = (size_t)l->rows.window.k_h;
    l->panels = params->panels;
    l->channel_bytes = params->channels * sizeof(float);
    l->lane_bytes = params->lanes * sizeof(float);
    return TENON_OK;
}

/* How the work is cut. */
static void cut_rows(struct linear *l) {
    size_t step = l->isa->linear_rows, row_bytes = l->rows.row_bytes * (l->wides ? 3 : 1);
    size_t rows = TILE_BYTES / row_bytes / step * step;
    rows = at_most(rows < step ? step : rows, TILE_ROWS_MAX);
    rows = at_most(rows, pixels_wanted(l));
    size_t pixels = l->rows.pixel_count;
    size_t count = (pixels + rows - 1) / rows; /* of tiles, of about the same size */
    l->tile_rows = count < 2 ? pixels : (pixels + count * step - 1) / (count * step) * step;
    l->tiles = (pixels + l->tile_rows - 1) / l->tile_rows;
    l->tile_bytes = l->tile_rows * l->rows.row_bytes;
}

/* Tiles of floats that are multiples of most tiles of registers. The blocks of weights are read
 * again for each. */
static void cut_floats(struct linear *l) {
    size_t rows = FLOAT_TILE_BYTES / l->rows.row_bytes, pixels = l->rows.pixel_count;
    rows = rows > FLOAT_TILE_ROWS_MAX ? FLOAT_TILE_ROWS_MAX : rows == 0 ? 1 : rows;
    l->tile_rows = rows < pixels ? rows : pixels;
    l->tiles = (pixels + l->tile_rows - 1) / l->tile_rows;
    l->tile_bytes = l->tile_rows * l->rows.row_bytes;
}

/* Of floats: an even number, of an even number of panels each. */
static size_t ranges_of(const struct linear *l) {
    if (l->tiles >= 16 || (l->tiles > 1 && !l->is_float && weights_are_shared(l)))
        return 1;
    if (!l->is_float)
        return (l->panels + 3) / 4;
    size_t ranges = l->panels / (l->panels >= 24 ? 6 : 2);
    return ranges >= 4 ? ranges / 4 * 4 : ranges >= 2 ? 2 : 1;
}

static void cut(struct linear *l) {
    if (l->in_strips) {
        l->tile_rows = (size_t)l->strips.tile_h * (size_t)l->strips.tile_w;
        l->tiles = tenon_strips_count(&l->strips);
        l->tile_bytes = l->strips.bytes + TENON_QUAD; /* the last quad may end behind it */
    } else if (l->is_float) {
        cut_floats(l);
    } else {
        cut_rows(l);
    }
    l->tile_bytes = tenon_align_up(l->tile_bytes, TENON_CPU_ALIGNMENT);
    l->ranges = ranges_of(l);
    size_t item_macs = l->tile_rows * l->rows.row_bytes * (l->channel_bytes / l->ranges + 1);
    l->grain = GRAIN_MACS / (item_macs + 1) + 1;
}

static enum tenon_status prepare(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *out = &call->operands[call->input_count].desc;
    struct linear *l = tenon_arena_alloc(arena, sizeof(*l));
    if (l == NULL)
        return tenon_fail_memory(error);
    bool linear_op = call->op == TENON_OP_CONV_2D || call->op == TENON_OP_FULLY_CONNECTED ||
                     call->op == TENON_OP_DEPTHWISE_CONV_2D;
    if (!linear_op)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a linear kernel for another operator");
    l->isa = isa;
    l->is_float = call->operands[0].desc.type == TENON_TYPE_F32;
    enum tenon_status status = tenon_rows_init(&l->rows, call, error);
    if (status == TENON_OK)
        status = l->is_float ? read_f32(l, call, error) : read_i8(l, call, arena, error);
    if (status != TENON_OK)
        return status;
    if (l->rows.pixel_count * l->channel_bytes != tenon_desc_size(out))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a linear kernel of another output");
    if (l->rows.pixel_count == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a linear kernel of an empty output");
    cut(l);
    plan->state = l;
    plan->workspace_bytes =
        (1 + l->rows.pieces) * l->tile_rows * sizeof(void *) + 3 * l->tile_bytes;
    return TENON_OK;
}

struct job {
    const struct tenon_kernel_run *run;
    const struct linear *linear;
};

/* The rows of a tile, in a thread's working memory. */
struct rows {
    const uint8_t **narrow;
    const uint16_t **wide;
    uint8_t *bytes;
    uint16_t *words;
    size_t first, count; /* outputs */
};

static struct rows rows_of(const struct linear *l, void *workspace) {
    struct rows rows = {.narrow = workspace};
    rows.wide = (const uint16_t **)(rows.narrow + l->rows.pieces * l->tile_rows);
    rows.bytes = (uint8_t *)(rows.wide + l->tile_rows);
    rows.words = (uint16_t *)(rows.bytes + l->tile_bytes);
    for (size_t r = 0; r < l->tile_rows && !l->in_strips; r++)
        rows.wide[r] = rows.words + r * l->rows.row_bytes;
    return rows;
}

/* Rows that follow each other are staged all at once. */
static void stage(const struct linear *l, struct rows *rows) {
    size_t bytes = l->rows.row_bytes;
    uint16_t *words = l->wides ? rows->words : NULL;
    uint8_t *flipped = l->flip != 0 ? rows->bytes : NULL;
    if (flipped == NULL && words == NULL)
        return;
    if (rows->narrow[rows->count - 1] == rows->narrow[0] + (rows->count - 1) * bytes) {
        l->isa->stage_8(rows->narrow[0], rows->count * bytes, l->flip, flipped, words);
    } else {
        for (size_t r = 0; r < rows->count; r++)
            l->isa->stage_8(rows->narrow[r], bytes, l->flip,
                            flipped != NULL ? flipped + r * bytes : NULL,
                            words != NULL ? words + r * bytes : NULL);
    }
    for (size_t r = 0; flipped != NULL && r < rows->count; r++)
        rows->narrow[r] = flipped + r * bytes;
}

static void load_strip(const struct linear *l, const uint8_t *input, size_t index,
                       struct rows *rows) {
    const struct tenon_strips *s = &l->strips;
    struct tenon_strip_tile tile = tenon_strips_tile(s, index);
    size_t row = (size_t)tile.batch * (size_t)s->window.out_h + (size_t)tile.y;
    rows->first = row * (size_t)s->window.out_w + (size_t)tile.x;
    rows->count = (size_t)tile.h * (size_t)tile.w;
    tenon_strips_stage(s, &tile, l->isa, input, rows->bytes, l->wides ? rows->words : NULL);
    tenon_strips_point(s, &tile, rows->bytes, rows->words, rows->narrow, rows->wide);
}

static void load_rows(const struct job *job, size_t tile, struct rows *rows) {
    const struct linear *l = job->linear;
    const uint8_t *input = job->run->op.inputs[0].data;
    if (l->in_strips) {
        load_strip(l, input, tile, rows);
        return;
    }
    size_t left = l->rows.pixel_count - tile * l->tile_rows;
    rows->first = tile * l->tile_rows;
    rows->count = left < l->tile_rows ? left : l->tile_rows;
    tenon_rows_get(&l->rows, input, rows->first, rows->count, rows->bytes, rows->narrow);
    stage(l, rows);
}

static void run_item(const struct job *job, size_t range, const struct rows *rows) {
    const struct linear *l = job->linear;
    uint32_t begin = (uint32_t)(l->panels * range / l->ranges);
    uint32_t end = (uint32_t)(l->panels * (range + 1) / l->ranges);
    uint8_t *out = (uint8_t *)job->run->op.outputs[0].data + rows->first * l->channel_bytes;
    if (l->is_float)
        l->isa->floats->linear_f32(&l->f32, (const float *const *)rows->narrow, l->rows.pieces,
                                   rows->count, begin, end, (float *)out);
    else
        l->isa->linear_i8(&l->i8, rows->narrow, rows->wide, rows->count, begin, end, out);
}

static void run_items(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct job *job = user;
    const struct linear *l = job->linear;
    struct rows rows = rows_of(l, tenon_kernel_workspace(job->run, worker));
    size_t loaded = SIZE_MAX;
    for (size_t item = begin; item < end; item++) {
        size_t tile = item / l->ranges;
        if (tile != loaded)
            load_rows(job, tile, &rows);
        loaded = tile;
        run_item(job, item % l->ranges, &rows);
    }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    (void)error;
    struct job job = {r, r->state};
    tenon_pool_run(r->pool, job.linear->tiles * job.linear->ranges, job.linear->grain, run_items,
                   &job);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_linear_i8 = {"linear_i8", true, 6, prepare, run};
const struct tenon_kernel tenon_kernel_linear_f32 = {"linear_f32", true, 6, prepare, run};
