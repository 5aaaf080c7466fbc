/*
 * Pooling. PDP takes maxima, and those averages that its two roundings provably get right; other
 * averages, and means over a picture, are convolutions with weights of 1. PDP keeps unfinished
 * lines of output in a buffer, which limits their width: wider outputs are cut in columns.
 */
#include "backends/nvdla/linear.h"

enum {
    POOL_KERNEL_MAX = 8,
    POOL_STRIDE_MAX = 16,
    POOL_PAD_MAX = 7,
    RECIP_ONE = 1 << 16,
    SUM_LOW = -1024, /* the 11 bits between PDP's two multiplications */
    SUM_HIGH = 1023,
};

struct pool {
    struct nvdla_linear *linear; /* NULL: PDP */
    struct tenon_window window;
    enum nvdla_pooling method;
    uint32_t recip_width, recip_height, tile_columns;
    int32_t low, high;
    bool clamp;
};

/* ---- averages ---- */

static int64_t multiply_recip(int64_t x, uint32_t recip) {
    return tenon_shift_half_away(x * recip, 16);
}

/* Half away from zero, or, what that is for u8 when everything is 128 less, half up. */
static int32_t average(int32_t sum, int32_t count, bool half_up) {
    if (half_up)
        return (sum + count / 2 + 128 * count) / count - 128;
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* Whether PDP divides every sum of `count` elements by their number. */
static bool divides(uint32_t recip_width, uint32_t recip_height, int32_t count, bool half_up) {
    for (int32_t sum = -128 * count; sum <= 127 * count; sum++) {
        int64_t partial = multiply_recip(sum, recip_width);
        if (partial < SUM_LOW || partial > SUM_HIGH ||
            multiply_recip(partial, recip_height) != average(sum, count, half_up))
            return false;
    }
    return true;
}

static uint32_t recip_of(int32_t n) {
    return (uint32_t)((RECIP_ONE + n / 2) / n);
}

static bool find_recips(struct pool *pool, bool half_up) {
    int32_t wide = pool->window.k_w, high = pool->window.k_h;
    const uint32_t pairs[][2] = {{RECIP_ONE, recip_of(wide * high)},
                                 {recip_of(wide), recip_of(high)}};
    for (int i = 0; i < 2; i++)
        if (divides(pairs[i][0], pairs[i][1], wide * high, half_up)) {
            pool->recip_width = pairs[i][0];
            pool->recip_height = pairs[i][1];
            return true;
        }
    return false;
}

static void *plan_as_convolution(struct nvdla_node *node, struct pool *pool, bool half_up) {
    struct nvdla_linear *l = tenon_arena_alloc(node->arena, sizeof(*l));
    if (l == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    l->kind = NVDLA_DEPTHWISE;
    l->window = pool->window;
    l->out_c = pool->window.in_c;
    l->kernel_c = 1;
    l->divisor = pool->window.k_h * pool->window.k_w;
    l->half_up = half_up;
    pool->linear = l;
    return tenon_nvdla_linear_finish(node, l) ? pool : NULL;
}

/* ---- PDP ---- */

static bool pdp_takes(const struct tenon_window *w) {
    return w->k_h <= POOL_KERNEL_MAX && w->k_w <= POOL_KERNEL_MAX &&
           w->stride_h <= POOL_STRIDE_MAX && w->stride_w <= POOL_STRIDE_MAX &&
           w->pad_top <= POOL_PAD_MAX && w->pad_left <= POOL_PAD_MAX &&
           w->pad_bottom <= POOL_PAD_MAX && w->pad_right <= POOL_PAD_MAX;
}

/* Lines of output that a line of input contributes to, at most: 1, 2, 4 or 8 line buffers are
 * joined, and the width that fits shrinks accordingly (NV_NVDLA_PDP_CORE_cal2d.v). */
static uint32_t widest_output(const struct nvdla_config *config, const struct tenon_window *w) {
    int32_t stride = w->stride_h < 4 ? w->stride_h : 4;
    int32_t lines = w->stride_h >= w->k_h ? 1 : (w->k_h + stride - 1) / stride;
    return config->pooling_lines_width / (lines <= 1 ? 1 : lines == 2 ? 2 : lines <= 4 ? 4 : 8);
}

static bool has_padding(const struct tenon_window *w) {
    return w->pad_top != 0 || w->pad_left != 0 || w->pad_bottom != 0 || w->pad_right != 0;
}

void *tenon_nvdla_plan_pool(struct nvdla_node *node) {
    struct nvdla_shape in, out;
    struct tenon_error error;
    const struct tenon_list *window = &node->call.attrs->window;
    struct pool *pool = tenon_arena_alloc(node->arena, sizeof(*pool));
    if (pool == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!tenon_nvdla_check_bytes(node, tenon_in(&node->call, 0), "the input", &in) ||
        !tenon_nvdla_check_bytes(node, tenon_out(&node->call, 0), "the output", &out))
        return NULL;
    if (tenon_window_init(&pool->window, node->call.attrs, &tenon_in(&node->call, 0)->shape,
                          window->values[0], window->values[1], &error) != TENON_OK)
        return tenon_nvdla_refuse(node, "the window: %.100s", error.message);
    tenon_nvdla_window_settle(&pool->window);
    tenon_activation_range((enum tenon_activation)node->call.attrs->activation,
                           tenon_out(&node->call, 0), &pool->low, &pool->high);
    bool half_up = tenon_out(&node->call, 0)->type == TENON_TYPE_U8;
    if (half_up) { /* cubes hold i8 */
        pool->low -= 128;
        pool->high -= 128;
    }
    pool->clamp = pool->low > -128 || pool->high < 127;
    pool->tile_columns = widest_output(node->config, &pool->window);
    pool->method = NVDLA_POOL_MAX;
    bool takes = pdp_takes(&pool->window);
    if (node->call.op == TENON_OP_MAX_POOL_2D)
        return takes ? pool
                     : tenon_nvdla_refuse(node,
                                          "a window of %dx%d, stride %dx%d: PDP takes 8x8, "
                                          "stride 16 and padding 7 at most",
                                          pool->window.k_h, pool->window.k_w, pool->window.stride_h,
                                          pool->window.stride_w);
    pool->method = NVDLA_POOL_AVERAGE;
    if (has_padding(&pool->window))
        return tenon_nvdla_refuse(node, "an average with padding, which PDP would count");
    return takes && find_recips(pool, half_up) ? pool : plan_as_convolution(node, pool, half_up);
}

/* ---- means over pictures ---- */

static bool is_over_pixels(const struct tenon_op_call *call) {
    const struct tenon_list *axes = &call->attrs->axes;
    return tenon_in(call, 0)->shape.rank == 4 && axes->count == 2 && axes->values[0] == 1 &&
           axes->values[1] == 2;
}

/* TFLite's multiplier of a mean (reference/reduce.h): the division goes into the integer. */
static struct tenon_multiplier mean_multiplier(const struct tenon_op_call *call, int64_t n) {
    struct tenon_multiplier m = tenon_multiplier_from_double(
        (double)tenon_desc_scale(tenon_in(call, 0)) / (double)tenon_desc_scale(tenon_out(call, 0)));
    int shift = 63 - __builtin_clzll((unsigned long long)n);
    shift = shift > 31 + m.shift ? 31 + m.shift : shift;
    m.multiplier = (int32_t)(((int64_t)m.multiplier << shift) / n);
    m.shift -= shift;
    m.real /= (float)n;
    return m;
}

static void set_mean_window(struct tenon_window *w, const struct nvdla_shape *in) {
    *w = (struct tenon_window){
        .batches = (int32_t)in->batches,
        .in_h = (int32_t)in->height,
        .in_w = (int32_t)in->width,
        .in_c = (int32_t)in->channels,
        .out_h = 1,
        .out_w = 1,
        .k_h = (int32_t)in->height,
        .k_w = (int32_t)in->width,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
    };
}

void *tenon_nvdla_plan_mean(struct nvdla_node *node) {
    struct nvdla_shape in, out;
    struct pool *pool = tenon_arena_alloc(node->arena, sizeof(*pool));
    struct nvdla_linear *l = tenon_arena_alloc(node->arena, sizeof(*l));
    struct tenon_multiplier *multiplier = tenon_arena_alloc(node->arena, sizeof(*multiplier));
    if (pool == NULL || l == NULL || multiplier == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!tenon_nvdla_check_tensor(node, tenon_in(&node->call, 0), "the input", &in) ||
        !tenon_nvdla_check_tensor(node, tenon_out(&node->call, 0), "the output", &out))
        return NULL;
    if (!is_over_pixels(&node->call) || (in.batches != 1 && !node->call.attrs->keep_dims))
        return tenon_nvdla_refuse(node, "a mean over other than height and width");
    set_mean_window(&l->window, &in);
    *multiplier = mean_multiplier(&node->call, (int64_t)in.height * in.width);
    l->kind = NVDLA_DEPTHWISE;
    l->out_c = l->window.in_c;
    l->kernel_c = 1;
    l->multiplier = multiplier;
    l->zero_in = tenon_desc_zero_point(tenon_in(&node->call, 0));
    l->zero_out = tenon_desc_zero_point(tenon_out(&node->call, 0));
    pool->linear = l;
    return tenon_nvdla_linear_finish(node, l) ? pool : NULL;
}

/* ---- emission ---- */

struct span {
    uint32_t first, count, before, after;
};

/* The lines that output lines [first, first + count) see, and how many of padding around them. */
static struct span span_of(uint32_t first, uint32_t count, int32_t stride, int32_t pad,
                           int32_t kernel, int32_t in) {
    int64_t from = (int64_t)first * stride - pad;
    int64_t to = (int64_t)(first + count - 1) * stride - pad + kernel;
    struct span s = {.first = from < 0 ? 0 : (uint32_t)from,
                     .before = from < 0 ? (uint32_t)-from : 0,
                     .after = to > in ? (uint32_t)(to - in) : 0};
    s.count = (uint32_t)((to > in ? in : to) - s.first);
    return s;
}

static void emit_columns(struct nvdla_lowering *l, const struct pool *pool,
                         const struct nvdla_cube *in, const struct nvdla_cube *out, uint32_t first,
                         uint32_t count) {
    const struct tenon_window *w = &pool->window;
    struct span y = span_of(0, out->height, w->stride_h, w->pad_top, w->k_h, w->in_h);
    struct span x = span_of(first, count, w->stride_w, w->pad_left, w->k_w, w->in_w);
    const struct nvdla_pdp pdp = {
        .method = pool->method,
        .source =
            tenon_nvdla_slice(l->config, in, y.first, y.count, x.first, x.count, 0, in->channels),
        .dest = tenon_nvdla_slice(l->config, out, 0, out->height, first, count, 0, out->channels),
        .kernel_height = (uint32_t)w->k_h,
        .kernel_width = (uint32_t)w->k_w,
        .stride_y = (uint32_t)w->stride_h,
        .stride_x = (uint32_t)w->stride_w,
        .pad_top = y.before,
        .pad_left = x.before,
        .pad_bottom = y.after,
        .pad_right = x.after,
        .pad_value = pool->method == NVDLA_POOL_MAX ? -128 : 0,
        .recip_width = pool->recip_width,
        .recip_height = pool->recip_height,
    };
    tenon_nvdla_program_pdp(&l->program, &pdp);
}

void tenon_nvdla_emit_pool(struct nvdla_lowering *l, const struct nvdla_node *node,
                           const void *plan) {
    const struct pool *pool = plan;
    if (pool->linear != NULL) {
        tenon_nvdla_emit_linear(l, node, pool->linear);
        return;
    }
    for (uint32_t b = 0; b < (uint32_t)pool->window.batches; b++) {
        struct nvdla_cube in = tenon_nvdla_input(l, node, 0, b);
        struct nvdla_cube out = tenon_nvdla_output(l, node, 0, b);
        for (uint32_t x = 0; x < out.width; x += pool->tile_columns) {
            uint32_t left = out.width - x;
            emit_columns(l, pool, &in, &out, x,
                         left < pool->tile_columns ? left : pool->tile_columns);
        }
        if (pool->clamp)
            tenon_nvdla_emit_clamp(l, &out, pool->low, pool->high);
    }
}

uint64_t tenon_nvdla_pool_cycles(const struct nvdla_node *node, const void *plan) {
    const struct pool *pool = plan;
    if (pool->linear != NULL)
        return tenon_nvdla_linear_cycles(node, pool->linear);
    uint64_t layers = ((uint64_t)pool->window.out_w + pool->tile_columns - 1) / pool->tile_columns;
    uint64_t elements = tenon_desc_element_count(tenon_in(&node->call, 0));
    return (uint32_t)pool->window.batches * layers * node->config->sdp_layer_cycles + elements;
}

const char *tenon_nvdla_pool_kernel(const void *plan) {
    const struct pool *pool = plan;
    if (pool->linear != NULL)
        return tenon_nvdla_linear_kernel(pool->linear);
    return pool->clamp ? "pdp, sdp" : "pdp";
}
