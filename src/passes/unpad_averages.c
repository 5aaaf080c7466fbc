/*
 * Averages whose windows hang over the edge divide by the number of elements that are inside. Each
 * set of windows that are cut alike becomes an average without padding over its part of the
 * picture:
 *
 *     y = average_pool_2d(x) {window=[3, 3], pad=[1, 1, 1, 1]}                       x 1x8x8x4
 *     y = concatenation(                                                 rows of the result
 *             concatenation(pool(x[0..2, 0..2]), pool(x[0..2, 0..8]), pool(x[0..2, 6..8])),
 *             concatenation(pool(x[0..8, 0..2]), pool(x[0..8, 0..8]), pool(x[0..8, 6..8])),
 *             concatenation(pool(x[6..8, 0..2]), pool(x[6..8, 0..8]), pool(x[6..8, 6..8])))
 *
 * where pool(x[6..8, 0..8]) has a window of 2 x 3.
 *
 * Requires: rank 4. Establishes: no padding of average_pool_2d, unless an edge cuts windows in more
 * than seven ways. Exact: the same elements are summed in the same order and divided by the same
 * number, floats too.
 */
#include "passes/steps.h"

enum { GROUPS_MAX = 15 };

/* Outputs of one axis whose windows are alike: whole ones, or one that is cut. */
struct group {
    int32_t outputs, first, rows, window, stride; /* first, rows: of the input */
};

struct axis {
    struct group groups[GROUPS_MAX];
    int32_t count;
};

/* False: too many ways to be cut. */
static bool group_outputs(struct axis *a, int32_t size, int32_t out, int32_t window, int32_t stride,
                          int32_t pad) {
    a->count = 0;
    for (int32_t o = 0; o < out; o++) {
        int64_t at = (int64_t)o * stride - pad, past = at + window;
        int32_t first = (int32_t)(at < 0 ? 0 : at), end = (int32_t)(past > size ? size : past);
        struct group *last = a->count > 0 ? &a->groups[a->count - 1] : NULL;
        if (last != NULL && end - first == window && last->window == window) {
            last->outputs++;
            last->stride = stride;
            last->rows = end - last->first;
            continue;
        }
        if (a->count == GROUPS_MAX)
            return false;
        a->groups[a->count++] = (struct group){1, first, end - first, end - first, 1};
    }
    return true;
}

static uint32_t pool(struct tenon_rewriter *rw, const struct tenon_node *node,
                     const struct group *y, const struct group *x) {
    const struct tenon_desc out = tenon_rewrite_desc_of(rw, node->outputs[0]);
    const int32_t first[2] = {y->first, x->first}, count[2] = {y->rows, x->rows};
    const struct tenon_attrs attrs = {.stride = {2, {y->stride, x->stride}},
                                      .window = {2, {y->window, x->window}},
                                      .activation = node->attrs.activation};
    uint32_t part = tenon_rewrite_frame(rw, node->inputs[0], first, count);
    return tenon_rewrite_result(rw, TENON_OP_AVERAGE_POOL_2D, &attrs, &part, 1, &out);
}

static uint32_t join(struct tenon_rewriter *rw, const uint32_t *parts, int32_t count,
                     int32_t axis) {
    const struct tenon_attrs attrs = {.axis = axis};
    const struct tenon_desc desc = tenon_rewrite_desc_of(rw, parts[0]);
    if (count == 1)
        return parts[0];
    return tenon_rewrite_result(rw, TENON_OP_CONCATENATION, &attrs, parts, (uint32_t)count, &desc);
}

static void rewrite(struct tenon_rewriter *rw, const struct tenon_node *node, const struct axis *y,
                    const struct axis *x) {
    uint32_t rows[GROUPS_MAX], columns[GROUPS_MAX];
    for (int32_t i = 0; i < y->count; i++) {
        for (int32_t k = 0; k < x->count; k++)
            columns[k] = pool(rw, node, &y->groups[i], &x->groups[k]);
        rows[i] = join(rw, columns, x->count, 2);
    }
    tenon_rewrite_finish(rw, join(rw, rows, y->count, 1));
}

static void visit(struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_node node = rw->graph->nodes[id];
    if (node.op != TENON_OP_AVERAGE_POOL_2D)
        return;
    const struct tenon_attrs *attrs = &node.attrs;
    const int32_t *pad = attrs->pad.values;
    const struct tenon_desc *out = tenon_rewrite_desc(rw, node.outputs[0]);
    const int32_t *in = tenon_rewrite_desc(rw, node.inputs[0])->shape.dims;
    struct axis y, x;
    if ((pad[0] | pad[1] | pad[2] | pad[3]) == 0 || out->quant.count > 1 ||
        !group_outputs(&y, in[1], out->shape.dims[1], attrs->window.values[0],
                       attrs->stride.values[0], pad[0]) ||
        !group_outputs(&x, in[2], out->shape.dims[2], attrs->window.values[1],
                       attrs->stride.values[1], pad[1]) ||
        !tenon_rewrite_replace(rw, id))
        return;
    rewrite(rw, &node, &y, &x);
}

const struct tenon_pass tenon_pass_unpad_averages = {
    .name = "unpad-averages",
    .purpose = "averages that hang over the edge: one without padding for each way to be cut",
    .visit = visit,
};
