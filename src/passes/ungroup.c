/* See ungroup.h. */
#include "passes/ungroup.h"

/* Groups [first, first + count) of the convolution. */
struct block {
    int32_t first, count;
};

static bool make_filters(struct tenon_filters *filters, struct tenon_rewriter *rw,
                         const struct tenon_conv *conv, const struct block *block) {
    const int32_t part = conv->out_c / conv->groups, k_c = conv->k_c;
    const struct tenon_window *w = &conv->window;
    const int32_t shape[4] = {block->count * part, w->k_h, w->k_w, block->count * k_c};
    int32_t *from = tenon_filters_from(rw, shape[0]);
    for (int32_t j = 0; from != NULL && j < shape[0]; j++)
        from[j] = block->first * part + j;
    if (!tenon_filters_init(filters, rw, &conv->weights, shape, from))
        return false;
    for (int32_t j = 0; j < shape[0]; j++)
        for (int32_t y = 0; y < w->k_h; y++)
            for (int32_t x = 0; x < w->k_w; x++)
                for (int32_t i = 0; i < k_c; i++)
                    tenon_filters_set(filters, j, y, x, j / part * k_c + i,
                                      tenon_conv_weight(conv, from[j], y, x, i));
    return true;
}

static uint32_t convolve(struct tenon_rewriter *rw, const struct tenon_conv *conv,
                         const struct block *block, uint32_t x) {
    const struct tenon_attrs geometry = tenon_window_attrs(&conv->window);
    struct tenon_filters filters;
    if (!make_filters(&filters, rw, conv, block))
        return TENON_ID_NONE;
    return tenon_filters_apply(&filters, rw, &conv->node, x, &geometry);
}

static struct block block_of(const struct tenon_conv *conv, int32_t per, int32_t i) {
    int32_t left = conv->groups - i * per;
    return (struct block){i * per, left < per ? left : per};
}

/* The input's channels of each block. */
static void split(struct tenon_rewriter *rw, const struct tenon_conv *conv, int32_t per,
                  uint32_t *parts, int32_t count) {
    const struct tenon_desc in = tenon_rewrite_desc_of(rw, conv->node.inputs[0]);
    const struct tenon_attrs attrs = {.axis = 3};
    for (int32_t i = 0; i < count; i++) {
        struct tenon_desc desc = in;
        desc.shape.dims[3] = block_of(conv, per, i).count * conv->k_c;
        parts[i] = tenon_rewrite_tensor(rw, conv->node.outputs[0], "split", &desc);
    }
    tenon_rewrite_add(rw, TENON_OP_SPLIT, &attrs, conv->node.inputs, 1, parts, (uint32_t)count);
}

static uint32_t by_blocks(struct tenon_rewriter *rw, const struct tenon_conv *conv, int32_t per) {
    const int32_t count = (conv->groups + per - 1) / per;
    const struct tenon_desc out = tenon_rewrite_desc_of(rw, conv->node.outputs[0]);
    const struct tenon_attrs attrs = {.axis = 3};
    uint32_t *parts = tenon_rewrite_scratch(rw, (size_t)count, sizeof(*parts));
    if (parts == NULL)
        return TENON_ID_NONE;
    split(rw, conv, per, parts, count);
    for (int32_t i = 0; i < count; i++) {
        const struct block block = block_of(conv, per, i);
        parts[i] = convolve(rw, conv, &block, parts[i]);
    }
    return tenon_rewrite_result(rw, TENON_OP_CONCATENATION, &attrs, parts, (uint32_t)count, &out);
}

void tenon_ungroup(struct tenon_rewriter *rw, uint32_t id, const struct tenon_conv *conv,
                   int32_t channel_atom) {
    int32_t per = channel_atom == 0 ? conv->groups : channel_atom / conv->k_c;
    per = per < 1 ? 1 : per > conv->groups ? conv->groups : per;
    if (!tenon_filters_fit((double)per * conv->out_c / conv->groups, conv->window.k_h,
                           conv->window.k_w, (double)per * conv->k_c) ||
        !tenon_rewrite_replace(rw, id))
        return;
    if (per < conv->groups) {
        tenon_rewrite_finish(rw, by_blocks(rw, conv, per));
        return;
    }
    const struct block all = {0, conv->groups};
    tenon_rewrite_finish(rw, convolve(rw, conv, &all, conv->node.inputs[0]));
}
