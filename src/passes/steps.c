/* See steps.h. */
#include "passes/steps.h"

#include <string.h>

bool tenon_rewrite_replace(struct tenon_rewriter *rw, uint32_t node) {
    if (!tenon_rewrite_begin(rw, node))
        return false;
    tenon_rewrite_remove(rw, node);
    return true;
}

void tenon_rewrite_finish(struct tenon_rewriter *rw, uint32_t result) {
    if (rw->status != TENON_OK)
        return;
    struct tenon_graph *graph = rw->graph;
    uint32_t node = graph->tensors[result].producer, old = graph->nodes[rw->at].outputs[0];
    const struct tenon_desc *is = &graph->tensors[result].desc, *was = &graph->tensors[old].desc;
    tenon_assert(is->type == was->type && tenon_shape_equal(&is->shape, &was->shape));
    (void)is;
    (void)was;
    graph->nodes[node].outputs[0] = old;
    graph->tensors[old].producer = node;
    graph->tensors[result].producer = TENON_ID_NONE;
}

struct tenon_desc tenon_rewrite_desc_of(const struct tenon_rewriter *rw, uint32_t tensor) {
    return rw->status == TENON_OK ? rw->graph->tensors[tensor].desc : (struct tenon_desc){0};
}

uint32_t tenon_rewrite_result(struct tenon_rewriter *rw, enum tenon_op op,
                              const struct tenon_attrs *attrs, const uint32_t *inputs,
                              uint32_t input_count, const struct tenon_desc *desc) {
    if (rw->status != TENON_OK)
        return TENON_ID_NONE;
    struct tenon_desc out = *desc;
    out.shape = (struct tenon_shape){.rank = TENON_RANK_UNKNOWN};
    uint32_t like = rw->graph->nodes[rw->at].outputs[0];
    uint32_t id = tenon_rewrite_tensor(rw, like, tenon_op_get_info(op)->name, &out);
    tenon_rewrite_add(rw, op, attrs, inputs, input_count, &id, 1);
    return rw->status == TENON_OK ? id : TENON_ID_NONE;
}

static uint32_t move(struct tenon_rewriter *rw, enum tenon_op op, uint32_t x,
                     const struct tenon_attrs *attrs) {
    const struct tenon_desc desc = tenon_rewrite_desc_of(rw, x);
    return tenon_rewrite_result(rw, op, attrs, &x, 1, &desc);
}

uint32_t tenon_rewrite_reshape(struct tenon_rewriter *rw, uint32_t x,
                               const struct tenon_shape *shape) {
    struct tenon_attrs attrs = {.shape = {.count = shape->rank}};
    memcpy(attrs.shape.values, shape->dims, sizeof(shape->dims));
    return move(rw, TENON_OP_RESHAPE, x, &attrs);
}

uint32_t tenon_rewrite_transpose(struct tenon_rewriter *rw, uint32_t x,
                                 const struct tenon_list *perm) {
    const struct tenon_attrs attrs = {.perm = *perm};
    return move(rw, TENON_OP_TRANSPOSE, x, &attrs);
}

uint32_t tenon_rewrite_block(struct tenon_rewriter *rw, enum tenon_op op, uint32_t x,
                             int32_t block) {
    const struct tenon_attrs attrs = {.block = {.count = 1, .values = {block}}};
    return move(rw, op, x, &attrs);
}

static int32_t at_least_0(int32_t x) {
    return x < 0 ? 0 : x;
}

uint32_t tenon_rewrite_frame(struct tenon_rewriter *rw, uint32_t x, const int32_t first[2],
                             const int32_t count[2]) {
    const struct tenon_shape shape = tenon_rewrite_desc_of(rw, x).shape;
    struct tenon_attrs cut = {.begin = {.count = 4}, .count = {.count = 4}};
    struct tenon_attrs pad = {.paddings = {.count = 8}};
    bool cuts = false, pads = false;
    memcpy(cut.count.values, shape.dims, sizeof(shape.dims));
    for (int i = 0; i < 2; i++) {
        int32_t before = at_least_0(-first[i]), size = shape.dims[i + 1];
        int32_t after = at_least_0(first[i] + count[i] - size);
        cut.begin.values[i + 1] = at_least_0(first[i]);
        cut.count.values[i + 1] = count[i] - before - after;
        pad.paddings.values[2 * i + 2] = before;
        pad.paddings.values[2 * i + 3] = after;
        cuts |= cut.count.values[i + 1] != size;
        pads |= before + after != 0;
    }
    if (cuts)
        x = move(rw, TENON_OP_SLICE, x, &cut);
    return pads ? move(rw, TENON_OP_PAD, x, &pad) : x;
}

/* Through (batch, y, row in block, x, column in block, group, channel). */
uint32_t tenon_rewrite_to_depth(struct tenon_rewriter *rw, uint32_t x, const int32_t block[2],
                                int32_t groups) {
    if (block[0] * block[1] == 1)
        return x;
    const struct tenon_shape s = tenon_rewrite_desc_of(rw, x).shape;
    const int32_t h = s.dims[1] / block[0], w = s.dims[2] / block[1], c = s.dims[3] / groups;
    const struct tenon_shape deep = {.rank = 4,
                                     .dims = {s.dims[0], h, w, s.dims[3] * block[0] * block[1]}};
    if (groups == 1 && block[0] == block[1])
        return tenon_rewrite_block(rw, TENON_OP_SPACE_TO_DEPTH, x, block[0]);
    if (groups == 1 && block[0] == 1)
        return tenon_rewrite_reshape(rw, x, &deep);
    const struct tenon_shape apart = {.rank = 7,
                                      .dims = {s.dims[0], h, block[0], w, block[1], groups, c}};
    const struct tenon_list perm = {7, {0, 1, 3, 5, 2, 4, 6}};
    x = tenon_rewrite_reshape(rw, x, &apart);
    x = tenon_rewrite_transpose(rw, x, &perm);
    return tenon_rewrite_reshape(rw, x, &deep);
}

uint32_t tenon_rewrite_to_space(struct tenon_rewriter *rw, uint32_t x, const int32_t block[2],
                                int32_t groups) {
    if (block[0] * block[1] == 1)
        return x;
    const struct tenon_shape s = tenon_rewrite_desc_of(rw, x).shape;
    const int32_t area = block[0] * block[1], c = s.dims[3] / (groups * area);
    const struct tenon_shape wide = {
        .rank = 4, .dims = {s.dims[0], s.dims[1] * block[0], s.dims[2] * block[1], groups * c}};
    if (groups == 1 && block[0] == block[1])
        return tenon_rewrite_block(rw, TENON_OP_DEPTH_TO_SPACE, x, block[0]);
    if (groups == 1 && block[0] == 1)
        return tenon_rewrite_reshape(rw, x, &wide);
    const struct tenon_shape apart = {
        .rank = 7, .dims = {s.dims[0], s.dims[1], s.dims[2], groups, block[0], block[1], c}};
    const struct tenon_list perm = {7, {0, 1, 4, 2, 5, 3, 6}};
    x = tenon_rewrite_reshape(rw, x, &apart);
    x = tenon_rewrite_transpose(rw, x, &perm);
    return tenon_rewrite_reshape(rw, x, &wide);
}
