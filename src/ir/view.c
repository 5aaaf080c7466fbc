/*
 * See view.h. Two walks over the nodes: from the last to the first, what is read by a concatenation
 * is placed in its result, which may have been placed already; then from the first to the last,
 * what is cut out of a tensor becomes a view of it, wherever that is by then.
 */
#include "ir/view.h"

struct finder {
    const struct tenon_graph *graph;
    struct tenon_views *views;
    tenon_view_accept_fn *accept;
    const void *user;
};

static const struct tenon_desc *desc_of(const struct finder *f, uint32_t tensor) {
    return &f->graph->tensors[tensor].desc;
}

static void dense(struct tenon_view *view, const struct tenon_shape *shape) {
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        view->strides[i] = stride;
        stride *= shape->dims[i];
    }
}

bool tenon_view_is_dense(const struct tenon_view *view, const struct tenon_shape *shape) {
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        if (shape->dims[i] != 1 && view->strides[i] != stride)
            return false;
        stride *= shape->dims[i];
    }
    return true;
}

static bool has_own_memory(const struct finder *f, uint32_t tensor) {
    return f->views->tensors[tensor].base == tensor;
}

static bool is_accepted(const struct finder *f, uint32_t tensor, const struct tenon_view *view) {
    return f->accept(f->user, f->graph, tensor, view);
}

/* ---- placed where they are read ---- */

/* Cut out rather than computed: a view of where it comes from. */
static bool is_cut(enum tenon_op op) {
    return op == TENON_OP_SPLIT || op == TENON_OP_SLICE || op == TENON_OP_STRIDED_SLICE ||
           op == TENON_OP_UNPACK || op == TENON_OP_TRANSPOSE || op == TENON_OP_REVERSE ||
           op == TENON_OP_BROADCAST_TO;
}

static bool can_be_placed(const struct finder *f, uint32_t tensor) {
    const struct tenon_tensor *t = &f->graph->tensors[tensor];
    return t->kind == TENON_TENSOR_RESULT && has_own_memory(f, tensor) &&
           !is_cut(f->graph->nodes[t->producer].op);
}

static bool is_joint(enum tenon_op op) {
    return op == TENON_OP_CONCATENATION || op == TENON_OP_PACK;
}

/* Where input i lies in the result; `at` is how far the inputs before it reach along the axis. */
static struct tenon_view part_of(const struct finder *f, const struct tenon_node *node, uint32_t i,
                                 int32_t *at) {
    const struct tenon_view *whole = &f->views->tensors[node->outputs[0]];
    const struct tenon_shape *shape = &desc_of(f, node->inputs[i])->shape;
    int axis = node->attrs.axis;
    struct tenon_view view = *whole;
    view.offset += *at * whole->strides[axis];
    *at += 1;
    if (node->op == TENON_OP_CONCATENATION)
        *at += shape->dims[axis] - 1;
    else /* pack: the axis is new */
        for (int k = axis; k < shape->rank; k++)
            view.strides[k] = whole->strides[k + 1];
    return view;
}

static bool is_listed_before(const struct tenon_node *node, uint32_t i) {
    for (uint32_t k = 0; k < i; k++)
        if (node->inputs[k] == node->inputs[i])
            return true;
    return false;
}

/* Bytes are moved as they are: u8 concatenations may change scales. */
static bool joins_bytes(const struct finder *f, const struct tenon_node *node) {
    for (uint32_t i = 0; i < node->input_count; i++)
        if (!tenon_quant_equal(&desc_of(f, node->inputs[i])->quant,
                               &desc_of(f, node->outputs[0])->quant))
            return false;
    return true;
}

/* All inputs, or none. */
static void place_inputs(struct finder *f, uint32_t index) {
    const struct tenon_node *node = &f->graph->nodes[index];
    int32_t at = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct tenon_view view = part_of(f, node, i, &at);
        if (!can_be_placed(f, node->inputs[i]) || is_listed_before(node, i) ||
            !is_accepted(f, node->inputs[i], &view))
            return;
    }
    if (!joins_bytes(f, node))
        return;
    at = 0;
    for (uint32_t i = 0; i < node->input_count; i++)
        f->views->tensors[node->inputs[i]] = part_of(f, node, i, &at);
    f->views->idle[index] = true;
}

/* The same elements under another shape, on either side of a reshape. */
static bool reshape(struct finder *f, uint32_t from, uint32_t to) {
    struct tenon_view view = f->views->tensors[from];
    if (!tenon_view_is_dense(&view, &desc_of(f, from)->shape))
        return false;
    dense(&view, &desc_of(f, to)->shape);
    if (!is_accepted(f, to, &view))
        return false;
    f->views->tensors[to] = view;
    return true;
}

/* What is reshaped is placed where its result is. */
static void place_reshaped(struct finder *f, uint32_t index) {
    const struct tenon_node *node = &f->graph->nodes[index];
    if (can_be_placed(f, node->inputs[0]))
        f->views->idle[index] = reshape(f, node->outputs[0], node->inputs[0]);
}

/* ---- cut out of what they come from ---- */

static void cut_slice(const struct tenon_node *node, int rank, const struct tenon_view *whole,
                      struct tenon_view *view) {
    bool strided = node->op == TENON_OP_STRIDED_SLICE;
    int kept = 0, dropped = 0;
    for (int i = 0; i < rank; i++) {
        view->offset += node->attrs.begin.values[i] * whole->strides[i];
        if (strided && dropped < node->attrs.axes.count && node->attrs.axes.values[dropped] == i)
            dropped++;
        else
            view->strides[kept++] = whole->strides[i] * (strided ? node->attrs.step.values[i] : 1);
    }
}

static void cut_reversed(const struct finder *f, const struct tenon_node *node,
                         struct tenon_view *view) {
    const int32_t *dims = desc_of(f, node->inputs[0])->shape.dims;
    for (int i = 0; i < node->attrs.axes.count; i++) {
        int axis = node->attrs.axes.values[i];
        view->offset += (dims[axis] - 1) * view->strides[axis];
        view->strides[axis] = -view->strides[axis];
    }
}

static void cut_repeated(const struct tenon_shape *in, const struct tenon_shape *out,
                         const struct tenon_view *whole, struct tenon_view *view) {
    for (int i = 0; i < out->rank; i++) {
        int from = i - (out->rank - in->rank);
        view->strides[i] = from < 0 || in->dims[from] == 1 ? 0 : whole->strides[from];
    }
}

/* Output o as part of the input; `at` as above, for splits. */
static struct tenon_view cut_of(const struct finder *f, const struct tenon_node *node, uint32_t o,
                                int32_t *at) {
    const struct tenon_view whole = f->views->tensors[node->inputs[0]];
    const struct tenon_shape *in = &desc_of(f, node->inputs[0])->shape;
    const struct tenon_shape *out = &desc_of(f, node->outputs[o])->shape;
    struct tenon_view view = whole;
    int axis = node->attrs.axis;
    if (node->op == TENON_OP_SPLIT) {
        view.offset += *at * whole.strides[axis];
        *at += out->dims[axis];
    } else if (node->op == TENON_OP_UNPACK) {
        view.offset += *at * whole.strides[axis];
        *at += 1;
        for (int k = axis; k < out->rank; k++)
            view.strides[k] = whole.strides[k + 1];
    } else if (node->op == TENON_OP_TRANSPOSE) {
        for (int k = 0; k < out->rank; k++)
            view.strides[k] = whole.strides[node->attrs.perm.values[k]];
    } else if (node->op == TENON_OP_REVERSE) {
        cut_reversed(f, node, &view);
    } else if (node->op == TENON_OP_BROADCAST_TO) {
        cut_repeated(in, out, &whole, &view);
    } else {
        cut_slice(node, in->rank, &whole, &view);
    }
    return view;
}

static bool can_be_cut(const struct finder *f, const struct tenon_node *node) {
    for (uint32_t o = 0; o < node->output_count; o++)
        if (!has_own_memory(f, node->outputs[o]))
            return false;
    return f->graph->tensors[f->views->tensors[node->inputs[0]].base].kind != TENON_TENSOR_VARIABLE;
}

/* All outputs, or none. */
static void cut_outputs(struct finder *f, uint32_t index) {
    const struct tenon_node *node = &f->graph->nodes[index];
    int32_t at = 0;
    if (!can_be_cut(f, node))
        return;
    if (node->op == TENON_OP_RESHAPE) {
        f->views->idle[index] = reshape(f, node->inputs[0], node->outputs[0]);
        return;
    }
    for (uint32_t o = 0; o < node->output_count; o++) {
        struct tenon_view view = cut_of(f, node, o, &at);
        if (!is_accepted(f, node->outputs[o], &view))
            return;
    }
    at = 0;
    for (uint32_t o = 0; o < node->output_count; o++)
        f->views->tensors[node->outputs[o]] = cut_of(f, node, o, &at);
    f->views->idle[index] = true;
}

static bool moves_elements(const struct finder *f, const struct tenon_node *node) {
    const struct tenon_desc *desc = desc_of(f, node->outputs[0]);
    return tenon_type_bit_count(desc->type) >= 8 && tenon_desc_element_count(desc) != 0;
}

bool tenon_views_find(struct tenon_views *views, const struct tenon_graph *graph,
                      tenon_view_accept_fn *accept, const void *user, struct tenon_arena *arena) {
    struct finder f = {graph, views, accept, user};
    views->tensors = tenon_arena_alloc_array(arena, graph->tensor_count, sizeof(*views->tensors));
    views->idle = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*views->idle));
    if (views->tensors == NULL || views->idle == NULL)
        return false;
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        views->tensors[t].base = t;
        dense(&views->tensors[t], &graph->tensors[t].desc.shape);
    }
    for (uint32_t n = graph->node_count; n-- > 0;) {
        const struct tenon_node *node = &graph->nodes[n];
        if (moves_elements(&f, node) && is_joint(node->op))
            place_inputs(&f, n);
        else if (moves_elements(&f, node) && node->op == TENON_OP_RESHAPE)
            place_reshaped(&f, n);
    }
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const struct tenon_node *node = &graph->nodes[n];
        if (moves_elements(&f, node) && !views->idle[n] &&
            (is_cut(node->op) || node->op == TENON_OP_RESHAPE))
            cut_outputs(&f, n);
    }
    return true;
}
