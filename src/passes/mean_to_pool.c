/*
 * Means over the rows and columns of a picture become one window of pooling:
 *
 *     y = mean(x) {axes=[1, 2]}                                                x 1x7x7x64
 *     y = reshape(average_pool_2d(x) {window=[7, 7]})
 *
 * mean scales the distance of the sum from the zero point by the node's rule; average_pool_2d
 * divides the sum of the integers as they stand, half away from zero. Both are compared for every
 * sum there can be (proof.h). Where they differ, as they must where the scales do, a depthwise
 * convolution with equal weights is tried in the same way (average.h); else the node stays.
 *
 * Requires: i8, u8 or i16, rank 4. Establishes nothing: it depends. Exact, by proof.
 */
#include "passes/average.h"

struct mean {
    struct tenon_average average;
    struct tenon_rescale rescale; /* of a sum of integers as they stand */
};

static int32_t mean_of(const void *context, int64_t sum) {
    const struct mean *m = context; /* the average is its first member */
    return tenon_rescale_at(&m->rescale, sum);
}

static bool has(const struct tenon_list *axes, int32_t axis) {
    for (int32_t i = 0; i < axes->count; i++)
        if (axes->values[i] == axis)
            return true;
    return false;
}

static bool read(struct tenon_rewriter *rw, uint32_t id, struct mean *m) {
    struct tenon_average *a = &m->average;
    a->node = rw->graph->nodes[id];
    const struct tenon_list *axes = &a->node.attrs.axes;
    if (a->node.op != TENON_OP_MEAN)
        return false;
    a->in = *tenon_rewrite_desc(rw, a->node.inputs[0]);
    a->out = *tenon_rewrite_desc(rw, a->node.outputs[0]);
    const int32_t *dims = a->in.shape.dims;
    if ((a->in.type != TENON_TYPE_I8 && a->in.type != TENON_TYPE_U8 &&
         a->in.type != TENON_TYPE_I16) ||
        a->in.shape.rank != 4 || axes->count == 0 || has(axes, 0) || has(axes, 3) ||
        tenon_desc_element_count(&a->in) == 0)
        return false;
    a->window = (struct tenon_window){.k_h = has(axes, 1) ? dims[1] : 1,
                                      .k_w = has(axes, 2) ? dims[2] : 1,
                                      .in_c = dims[3],
                                      .stride_h = 1,
                                      .stride_w = 1};
    a->count = a->window.k_h * a->window.k_w;
    a->largest = 1;
    a->low = tenon_type_min(a->out.type);
    a->high = tenon_type_max(a->out.type);
    m->rescale = tenon_rescale_to(&a->out, 1, &a->node);
    m->rescale.multiplier = tenon_mean_multiplier(&a->in, &a->out, a->count);
    m->rescale.offset = -(int64_t)a->count * tenon_desc_zero_point(&a->in);
    return tenon_rescale_rises(&m->rescale, (int64_t)a->count << 15);
}

static bool pools(const struct mean *m) {
    const struct tenon_average *a = &m->average;
    return tenon_rescale_is(&m->rescale, tenon_average_pooled, a,
                            (int64_t)a->count * tenon_type_min(a->in.type),
                            (int64_t)a->count * tenon_type_max(a->in.type));
}

static uint32_t pool(struct tenon_rewriter *rw, const struct tenon_average *a) {
    const struct tenon_attrs attrs = {.stride = {2, {1, 1}},
                                      .window = {2, {a->window.k_h, a->window.k_w}}};
    return tenon_rewrite_result(rw, TENON_OP_AVERAGE_POOL_2D, &attrs, a->node.inputs, 1, &a->out);
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    struct mean m;
    struct tenon_average_weights weights;
    if (!read(rw, id, &m))
        return;
    bool pooled = pools(&m);
    if ((!pooled && !tenon_average_find(&m.average, mean_of, false, &weights)) ||
        !tenon_rewrite_replace(rw, id))
        return;
    uint32_t x = pooled ? pool(rw, &m.average) : tenon_average_apply(rw, &m.average, &weights);
    if (m.average.node.attrs.keep_dims == 0)
        x = tenon_rewrite_reshape(rw, x, &m.average.out.shape);
    tenon_rewrite_finish(rw, x);
}

const struct tenon_pass tenon_pass_mean_to_pool = {
    .name = "mean-to-pool",
    .purpose = "means over a picture as a pool, or as a depthwise convolution, where exact",
    .visit = visit,
};
