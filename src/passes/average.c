/* See average.h. */
#include "passes/average.h"

int32_t tenon_average_pooled(const void *context, int64_t sum) {
    const struct tenon_average *a = context;
    int64_t half = a->count / 2;
    return tenon_clamp_i32((int32_t)((sum > 0 ? sum + half : sum - half) / a->count), a->low,
                           a->high);
}

static bool is_exact(const struct tenon_average *a, const struct tenon_average_weights *c,
                     tenon_result_fn *result) {
    const int32_t zero = 0;
    const struct tenon_desc weights = {.type = TENON_TYPE_I8, .quant = {1, 0, &c->scale, &zero}};
    struct tenon_rescale r = tenon_rescale_to(
        &a->out, tenon_product_scale(&a->in, &weights, &a->out, 0, false), &a->node);
    int64_t low = (int64_t)a->count * tenon_type_min(a->in.type);
    int64_t high = (int64_t)a->count * tenon_type_max(a->in.type);
    r.factor = c->weight;
    r.offset = c->bias - (int64_t)c->weight * a->count * tenon_desc_zero_point(&a->in);
    return tenon_rescale_rises(&r, -low > high ? -low : high) &&
           tenon_rescale_is(&r, result, a, low, high);
}

/* Large weights make the first of two roundings finer, and leave room for a nudge of halves. */
bool tenon_average_find(const struct tenon_average *a, tenon_result_fn *result, bool raw,
                        struct tenon_average_weights *c) {
    static const int32_t limits[] = {1, 64, 127}, nudges[] = {0, 1, -1}; /* in halves */
    int64_t shift = raw ? tenon_desc_zero_point(&a->in) - tenon_desc_zero_point(&a->out) : 0;
    double gain = raw ? (double)tenon_desc_scale(&a->out) / (double)tenon_desc_scale(&a->in) : 1.0;
    if ((a->in.type != TENON_TYPE_I8 && a->in.type != TENON_TYPE_U8) || a->count >= 1 << 15)
        return false;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            c->weight = limits[i] < 127 / a->largest ? limits[i] : 127 / a->largest;
            int64_t whole = (int64_t)c->weight * a->count;
            c->bias = (int32_t)(whole * shift) + nudges[k] * (c->weight / 2);
            c->scale = (float)(gain / (double)whole);
            if (c->scale > 0 && c->scale < 3e38f && is_exact(a, c, result))
                return true;
        }
    return false;
}

void tenon_average_constants(struct tenon_rewriter *rw, const struct tenon_average *a,
                             const struct tenon_average_weights *c, const int32_t *shares,
                             int32_t rows, uint32_t *filters, uint32_t *bias) {
    const struct tenon_window *w = &a->window;
    const uint32_t like = a->node.outputs[0];
    const int32_t zero = 0, channels = w->in_c * rows, taps = w->k_h * w->k_w;
    const struct tenon_desc desc = {.type = TENON_TYPE_I8,
                                    .shape = {4, {1, w->k_h, w->k_w, channels}},
                                    .quant = {1, 0, &c->scale, &zero}};
    const struct tenon_desc bias_desc = {.type = TENON_TYPE_I32,
                                         .shape = {.rank = 1, .dims = {channels}}};
    int8_t *weights = tenon_rewrite_constant(rw, like, "weights", &desc, filters);
    int32_t *biases = tenon_rewrite_constant(rw, like, "bias", &bias_desc, bias);
    if (weights == NULL || biases == NULL)
        return;
    for (int32_t t = 0; t < taps; t++)
        for (int32_t j = 0; j < channels; j++)
            *weights++ = (int8_t)(c->weight * shares[j % rows * taps + t]);
    for (int32_t j = 0; j < channels; j++)
        biases[j] = c->bias;
}

uint32_t tenon_average_apply(struct tenon_rewriter *rw, const struct tenon_average *a,
                             const struct tenon_average_weights *c) {
    const struct tenon_window *w = &a->window;
    uint32_t inputs[3] = {a->node.inputs[0], TENON_ID_NONE, TENON_ID_NONE};
    int32_t *shares = tenon_rewrite_scratch(rw, (size_t)a->count, sizeof(*shares));
    for (int32_t i = 0; shares != NULL && i < a->count; i++)
        shares[i] = 1;
    if (shares != NULL)
        tenon_average_constants(rw, a, c, shares, 1, &inputs[1], &inputs[2]);
    const struct tenon_attrs attrs = {.stride = {2, {w->stride_h, w->stride_w}},
                                      .dilation = {2, {1, 1}},
                                      .activation = a->node.attrs.activation};
    return tenon_rewrite_result(rw, TENON_OP_DEPTHWISE_CONV_2D, &attrs, inputs, 3, &a->out);
}
