/*
 * Resizing to the nearest neighbour by whole factors becomes data movement. Enlarged, each pixel is
 * a block of itself:
 *
 *     y = resize_nearest_neighbor(x) {shape=[16, 16]}                               x 1x8x8x3
 *     y = depth_to_space(concatenation(x, x, x, x))
 *
 * Different factors go through reshape and transpose instead of depth_to_space. Where every output
 * pixel is so many input pixels after the one before, as when a picture shrinks by whole factors:
 *
 *     y = resize_nearest_neighbor(x) {shape=[4, 4]}                                 x 1x8x8x3
 *     y = strided_slice(x) {begin=[0, 0, 0, 0], step=[1, 2, 2, 1]}
 *
 * Which input pixel an output pixel takes is asked of the reference kernel, along each axis.
 * Others have pixels at uneven distances and stay.
 *
 * Requires: rank 4. Establishes: no such resize_nearest_neighbor. Exact: elements are copied.
 */
#include "passes/steps.h"

enum { FACTOR_MAX = 8 };

/* How the output positions of one axis come from input positions. */
struct axis {
    int32_t in, out, first, step, factor; /* step 0: uneven; factor 0: not enlarged evenly */
};

/* The input position of each output position, by resizing a column of positions. */
static const int32_t *positions(struct tenon_rewriter *rw, const struct tenon_node *node,
                                const struct axis *a) {
    struct tenon_desc in = {.type = TENON_TYPE_I32, .shape = {4, {1, a->in, 1, 1}}};
    struct tenon_desc out = {.type = TENON_TYPE_I32, .shape = {4, {1, a->out, 1, 1}}};
    struct tenon_attrs attrs = node->attrs;
    int32_t *from = tenon_rewrite_scratch(rw, (size_t)a->in, sizeof(*from));
    int32_t *to = tenon_rewrite_scratch(rw, (size_t)a->out, sizeof(*to));
    if (from == NULL || to == NULL)
        return NULL;
    for (int32_t i = 0; i < a->in; i++)
        from[i] = i;
    attrs.shape = (struct tenon_list){2, {a->out, 1}};
    const struct tenon_operand operands[2] = {{&in, from}, {&out, to}};
    const struct tenon_op_call call = {.op = node->op,
                                       .attrs = &attrs,
                                       .input_count = 1,
                                       .output_count = 1,
                                       .inputs = &operands[0],
                                       .outputs = &operands[1]};
    rw->status = tenon_op_infer(&call, rw->error);
    if (rw->status == TENON_OK)
        rw->status = tenon_op_run_reference(&call, rw->error);
    return rw->status == TENON_OK ? to : NULL;
}

static bool read_axis(struct tenon_rewriter *rw, const struct tenon_node *node, int axis,
                      struct axis *a) {
    a->in = tenon_rewrite_desc(rw, node->inputs[0])->shape.dims[axis];
    a->out = tenon_rewrite_desc(rw, node->outputs[0])->shape.dims[axis];
    const int32_t *to = positions(rw, node, a);
    if (to == NULL)
        return false;
    a->first = to[0];
    a->step = a->out > 1 ? to[1] - to[0] : 1;
    a->factor = a->out % a->in == 0 && a->out / a->in <= FACTOR_MAX ? a->out / a->in : 0;
    for (int32_t i = 0; i < a->out; i++) {
        if (to[i] != a->first + i * a->step)
            a->step = 0;
        if (a->factor != 0 && to[i] != i / a->factor)
            a->factor = 0;
    }
    return true;
}

static uint32_t enlarge(struct tenon_rewriter *rw, const struct tenon_node *node, int32_t fy,
                        int32_t fx) {
    const struct tenon_attrs attrs = {.axis = 3};
    const int32_t block[2] = {fy, fx};
    const struct tenon_desc in = tenon_rewrite_desc_of(rw, node->inputs[0]);
    uint32_t copies[FACTOR_MAX * FACTOR_MAX];
    for (int32_t i = 0; i < fy * fx; i++)
        copies[i] = node->inputs[0];
    uint32_t x =
        tenon_rewrite_result(rw, TENON_OP_CONCATENATION, &attrs, copies, (uint32_t)(fy * fx), &in);
    return tenon_rewrite_to_space(rw, x, block, 1);
}

static uint32_t pick(struct tenon_rewriter *rw, const struct tenon_node *node, const struct axis *y,
                     const struct axis *x) {
    const struct tenon_desc in = tenon_rewrite_desc_of(rw, node->inputs[0]);
    const int32_t *dims = in.shape.dims;
    const struct tenon_attrs attrs = {.begin = {4, {0, y->first, x->first, 0}},
                                      .count = {4, {dims[0], y->out, x->out, dims[3]}},
                                      .step = {4, {1, y->step, x->step, 1}}};
    return tenon_rewrite_result(rw, TENON_OP_STRIDED_SLICE, &attrs, node->inputs, 1, &in);
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_node node = rw->graph->nodes[id];
    struct axis y, x;
    if (node.op != TENON_OP_RESIZE_NEAREST_NEIGHBOR || !read_axis(rw, &node, 1, &y) ||
        !read_axis(rw, &node, 2, &x))
        return;
    bool picks = y.step > 0 && x.step > 0;
    bool even =
        y.factor > 0 && x.factor > 0 && tenon_rewrite_desc(rw, node.inputs[0])->quant.count <= 1;
    if ((!picks && !even) || !tenon_rewrite_replace(rw, id))
        return;
    tenon_rewrite_finish(rw,
                         picks ? pick(rw, &node, &y, &x) : enlarge(rw, &node, y.factor, x.factor));
}

const struct tenon_pass tenon_pass_resize_nearest_to_blocks = {
    .name = "resize-nearest-to-blocks",
    .purpose = "nearest neighbours by whole factors: copies laid out in blocks, or a slice",
    .visit = visit,
};
