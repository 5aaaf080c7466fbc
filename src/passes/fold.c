/* See fold.h. */
#include "passes/fold.h"

enum { BLOCK_MAX = 1 << 12 };

static int64_t kernel_of(const struct tenon_fold_axis *a, int64_t shift) {
    int64_t last = (int64_t)(a->outputs - 1) * a->stride + (int64_t)(a->taps - 1) * a->dilation;
    return (last + shift) / a->block + 1;
}

/*
 * With `before` elements in front of the input, `pad` of them are missing: pad - before is
 * pad_before blocks less `shift`. Either no element is put in front, or as many as make whole
 * blocks; the first where the kernel does not grow by it.
 */
static bool fold_axis(struct tenon_fold_axis *a, int32_t pad) {
    int64_t block = (int64_t)a->outputs * a->stride;
    if (block > BLOCK_MAX)
        return false;
    a->block = (int32_t)block;
    a->shift = (a->block - pad % a->block) % a->block;
    if (kernel_of(a, a->shift) > kernel_of(a, 0)) {
        a->shift = 0;
        a->before = pad % a->block;
    }
    int64_t kernel = kernel_of(a, a->shift);
    a->out_blocks = (a->out + a->outputs - 1) / a->outputs;
    a->pad_before = (pad - a->before + a->shift) / a->block;
    if (kernel > INT32_MAX)
        return false;
    /* Where all windows lie in the padding, one more block is read and its result cut. */
    if (a->out_blocks + kernel <= (int64_t)a->pad_before + 1)
        a->out_blocks = (int32_t)(a->pad_before + 2 - kernel);
    int64_t needed = a->out_blocks - 1 + kernel - a->pad_before;
    int64_t there = ((int64_t)a->before + a->size + block - 1) / block;
    int64_t blocks = there < needed ? there : needed;
    if (blocks * block > INT32_MAX)
        return false;
    a->kernel = (int32_t)kernel;
    a->blocks = (int32_t)blocks;
    a->pad_after = (int32_t)(needed - blocks);
    a->new_stride = a->new_dilation = 1;
    return true;
}

static void keep_axis(struct tenon_fold_axis *a, int32_t pad_before, int32_t pad_after) {
    a->new_stride = a->stride;
    a->new_dilation = a->dilation;
    a->outputs = a->block = a->dilation = 1;
    a->blocks = a->size;
    a->kernel = a->taps;
    a->out_blocks = a->out;
    a->pad_before = pad_before;
    a->pad_after = pad_after;
}

static bool plan_axis(struct tenon_fold_axis *a, int32_t pad_before, int32_t pad_after) {
    if (a->outputs > 0)
        return fold_axis(a, pad_before);
    keep_axis(a, pad_before, pad_after);
    return true;
}

bool tenon_fold_plan(struct tenon_fold *fold, const struct tenon_conv *conv,
                     const int32_t outputs[2]) {
    const struct tenon_window *w = &conv->window;
    fold->axes[0] = (struct tenon_fold_axis){.size = w->in_h,
                                             .out = w->out_h,
                                             .taps = w->k_h,
                                             .stride = w->stride_h,
                                             .dilation = w->dilation_h,
                                             .outputs = outputs[0]};
    fold->axes[1] = (struct tenon_fold_axis){.size = w->in_w,
                                             .out = w->out_w,
                                             .taps = w->k_w,
                                             .stride = w->stride_w,
                                             .dilation = w->dilation_w,
                                             .outputs = outputs[1]};
    if (!plan_axis(&fold->axes[0], w->pad_top, w->pad_bottom) ||
        !plan_axis(&fold->axes[1], w->pad_left, w->pad_right))
        return false;
    const struct tenon_fold_axis *y = &fold->axes[0], *x = &fold->axes[1];
    double picture = (double)w->batches * y->blocks * y->block * x->blocks * x->block * w->in_c;
    double result =
        (double)w->batches * y->out_blocks * y->outputs * x->out_blocks * x->outputs * conv->out_c;
    return tenon_filters_fit((double)conv->out_c * y->outputs * x->outputs, y->kernel, x->kernel,
                             (double)conv->k_c * y->block * x->block) &&
           picture < TENON_MAX_ELEMENTS && result < TENON_MAX_ELEMENTS;
}

/* The weights of filter `from` as those of new filter `to`, output (ky, kx) of a block. */
static void place_filter(struct tenon_filters *filters, const struct tenon_fold *fold,
                         const struct tenon_conv *conv, int32_t to, int32_t from, int32_t ky,
                         int32_t kx) {
    const struct tenon_fold_axis *y = &fold->axes[0], *x = &fold->axes[1];
    for (int32_t ty = 0; ty < y->taps; ty++)
        for (int32_t tx = 0; tx < x->taps; tx++) {
            int32_t at_y = ky * y->stride + ty * y->dilation + y->shift;
            int32_t at_x = kx * x->stride + tx * x->dilation + x->shift;
            int32_t phase = at_y % y->block * x->block + at_x % x->block;
            for (int32_t i = 0; i < conv->k_c; i++)
                tenon_filters_set(filters, to, at_y / y->block, at_x / x->block,
                                  phase * conv->k_c + i, tenon_conv_weight(conv, from, ty, tx, i));
        }
}

/* New channels are (group, row in block, column in block, filter of the group). */
static bool make_filters(struct tenon_filters *filters, const struct tenon_fold *fold,
                         struct tenon_rewriter *rw, const struct tenon_conv *conv) {
    const struct tenon_fold_axis *y = &fold->axes[0], *x = &fold->axes[1];
    const int32_t area = y->outputs * x->outputs, part = conv->out_c / conv->groups;
    const int32_t shape[4] = {conv->out_c * area, y->kernel, x->kernel,
                              conv->k_c * y->block * x->block};
    int32_t *from = tenon_filters_from(rw, shape[0]);
    for (int32_t j = 0; from != NULL && j < shape[0]; j++)
        from[j] = j / (area * part) * part + j % part;
    if (!tenon_filters_init(filters, rw, &conv->weights, shape, from))
        return false;
    for (int32_t j = 0; j < shape[0]; j++) {
        int32_t pixel = j / part % area;
        place_filter(filters, fold, conv, j, from[j], pixel / x->outputs, pixel % x->outputs);
    }
    return true;
}

void tenon_fold_apply(const struct tenon_fold *fold, struct tenon_rewriter *rw, uint32_t id,
                      const struct tenon_conv *conv) {
    const struct tenon_fold_axis *y = &fold->axes[0], *x = &fold->axes[1];
    struct tenon_filters filters;
    if (!tenon_rewrite_replace(rw, id) || !make_filters(&filters, fold, rw, conv))
        return;
    const struct tenon_attrs geometry = {
        .stride = {2, {y->new_stride, x->new_stride}},
        .dilation = {2, {y->new_dilation, x->new_dilation}},
        .pad = {4, {y->pad_before, x->pad_before, y->pad_after, x->pad_after}},
    };
    const int32_t block[2] = {y->block, x->block}, outputs[2] = {y->outputs, x->outputs};
    const int32_t first[2] = {-y->before, -x->before}, none[2] = {0, 0};
    const int32_t framed[2] = {y->blocks * y->block, x->blocks * x->block};
    const int32_t count[2] = {y->out, x->out};
    uint32_t picture = tenon_rewrite_frame(rw, conv->node.inputs[0], first, framed);
    picture = tenon_rewrite_to_depth(rw, picture, block, conv->groups);
    picture = tenon_filters_apply(&filters, rw, &conv->node, picture, &geometry);
    picture = tenon_rewrite_to_space(rw, picture, outputs, conv->groups);
    tenon_rewrite_finish(rw, tenon_rewrite_frame(rw, picture, none, count));
}
