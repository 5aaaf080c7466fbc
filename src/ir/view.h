/*
 * Tensors that need no memory of their own, because the node that makes or joins them only moves
 * elements: slices, splits and reshapes are views of what they read, and what a concatenation or
 * reshape reads can be written into its result in the first place. Nodes of which nothing is left
 * to do are told; planners give them no code.
 *
 * Which views a target can address is its own matter, so it is asked about each.
 */
#ifndef TENON_IR_VIEW_H
#define TENON_IR_VIEW_H

#include "ir/graph.h"

/* Element (i0, i1, …) of a tensor is element offset + sum(i * stride) of the dense base. */
struct tenon_view {
    uint32_t base; /* the tensor itself: it has memory of its own */
    int64_t offset;
    int64_t
        strides[TENON_MAX_RANK]; /* 0 where a broadcast repeats, negative where it is reversed */
};

struct tenon_views {
    struct tenon_view *tensors; /* per tensor */
    bool *idle;                 /* per node: its results are in their places without it */
};

/*
 * Whether `tensor` may be `view`, which is not asked again when what is its base now becomes a view
 * itself: views of views that are allowed must be allowed. Bases are results, inputs or constants,
 * never variables; memory lives from the first to the last use of all that is in it.
 */
typedef bool tenon_view_accept_fn(const void *user, const struct tenon_graph *graph,
                                  uint32_t tensor, const struct tenon_view *view);

/* Arrays are of the arena. False: out of memory. */
TENON_NODISCARD bool tenon_views_find(struct tenon_views *views, const struct tenon_graph *graph,
                                      tenon_view_accept_fn *accept, const void *user,
                                      struct tenon_arena *arena);

/* Whether elements of this shape follow one another without gaps. */
bool tenon_view_is_dense(const struct tenon_view *view, const struct tenon_shape *shape);

#endif
