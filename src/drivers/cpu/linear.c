/*
 * The kernels linear_i8 and linear_f32: conv_2d and fully_connected. Work is cut into tiles of
 * output pixels, whose rows of input stay in the first cache, and, where there are too few tiles
 * for the threads, into ranges of panels.
 */
#include "drivers/cpu/kernels.h"
#include "drivers/cpu/window.h"
#include "util/checked.h"

enum {
    TILE_BYTES = 24 << 10,
    FLOAT_TILE_BYTES = 144 << 10,
    TILE_ROWS_MAX = 96,
    GRAIN_MACS = 100000
};

struct linear {
    struct tenon_rows rows;
    const struct tenon_isa_kernels *isa;
    struct tenon_linear_i8 i8;
    struct tenon_float_params f32;
    bool is_float;
    uint8_t flip; /* 0x80 to turn the type of the activations into the kernel's */
    bool wides;   /* there are wide quads */
    uint32_t panels;
    size_t tile_rows, tiles;
    size_t ranges;        /* of panels, per tile */
    size_t channel_bytes; /* of an output pixel's channels */
    size_t lane_bytes;    /* of a panel's channels */
    size_t grain;
    size_t tile_bytes; /* of the rows of a tile */
};

static enum tenon_status read_i8(struct linear *l, const struct tenon_cpu_call *call,
                                 struct tenon_arena *arena, struct tenon_error *error) {
    struct tenon_linear_params *params = &l->i8.params;
    const struct tenon_desc *in = &call->operands[0].desc;
    const struct tenon_cpu_isa_info *info = tenon_cpu_isa_get(l->isa->isa);
    if (!tenon_linear_params_read(call->params, params) || params->lanes != info->lanes ||
        params->quads * (size_t)TENON_QUAD != l->rows.row_bytes)
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
    return TENON_OK;
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
static void cut(struct linear *l) {
    size_t step = l->isa->linear_rows, row_bytes = l->rows.row_bytes * (l->wides ? 3 : 1);
    size_t rows = (l->is_float ? FLOAT_TILE_BYTES : TILE_BYTES) / row_bytes / step * step;
    rows = rows < step ? step : rows;
    rows = rows > TILE_ROWS_MAX ? TILE_ROWS_MAX : rows;
    size_t pixels = l->rows.pixel_count;
    size_t count = (pixels + rows - 1) / rows; /* of tiles, of about the same size */
    l->tile_rows = count < 2 ? pixels : (pixels + count * step - 1) / (count * step) * step;
    l->tiles = (pixels + l->tile_rows - 1) / l->tile_rows;
    l->ranges = l->tiles >= 16 ? 1 : (l->panels + 3) / 4;
    l->tile_bytes = tenon_align_up(l->tile_rows * l->rows.row_bytes, TENON_CPU_ALIGNMENT);
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
    size_t count;
};

static struct rows rows_of(const struct linear *l, void *workspace) {
    struct rows rows = {.narrow = workspace};
    rows.wide = (const uint16_t **)(rows.narrow + l->rows.pieces * l->tile_rows);
    rows.bytes = (uint8_t *)(rows.wide + l->tile_rows);
    rows.words = (uint16_t *)(rows.bytes + l->tile_bytes);
    for (size_t r = 0; r < l->tile_rows; r++)
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

static void load_rows(const struct job *job, size_t tile, struct rows *rows) {
    const struct linear *l = job->linear;
    size_t first = tile * l->tile_rows, left = l->rows.pixel_count - first;
    rows->count = left < l->tile_rows ? left : l->tile_rows;
    tenon_rows_get(&l->rows, job->run->op.inputs[0].data, first, rows->count, rows->bytes,
                   rows->narrow);
    stage(l, rows);
}

static void run_item(const struct job *job, size_t tile, size_t range, const struct rows *rows) {
    const struct linear *l = job->linear;
    uint32_t begin = (uint32_t)(l->panels * range / l->ranges);
    uint32_t end = (uint32_t)(l->panels * (range + 1) / l->ranges);
    uint8_t *out = (uint8_t *)job->run->op.outputs[0].data + tile * l->tile_rows * l->channel_bytes;
    if (l->is_float)
        l->isa->linear_f32(&l->f32, (const float *const *)rows->narrow, l->rows.pieces, rows->count,
                           begin, end, (float *)out);
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
        run_item(job, tile, item % l->ranges, &rows);
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
