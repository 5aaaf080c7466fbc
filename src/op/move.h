/*
 * Moving elements whatever they mean: strided copies between two tensors, element loads and stores
 * by type, and what the shape rules of data movement have in common. Reductions use the loads.
 */
#ifndef TENON_OP_MOVE_H
#define TENON_OP_MOVE_H

#include "op/kernel.h"

/*
 * Copies a box of elements: element (i0, i1, …) with i < dims goes from offset from_at + sum(i *
 * from_stride) to to_at + sum(i * to_stride). Offsets and strides count elements; strides may be 0
 * (broadcast) or negative (reverse).
 */
struct tenon_move {
    size_t element; /* bytes */
    int rank;
    int32_t dims[TENON_MAX_RANK];
    int64_t to_at, from_at;
    int64_t to_stride[TENON_MAX_RANK], from_stride[TENON_MAX_RANK];
};

void tenon_move_run(const struct tenon_move *move, void *to, const void *from);
/* The same box with source and destination exchanged. */
void tenon_move_swap(struct tenon_move *move);

/* Strides of a dense tensor, in elements. */
void tenon_dense_strides(const struct tenon_shape *shape, int64_t strides[TENON_MAX_RANK]);
/* The number of elements of axes first … last - 1. */
size_t tenon_axes_elements(const struct tenon_shape *shape, int first, int last);

static inline size_t tenon_element_bytes(const struct tenon_desc *desc) {
    return tenon_type_bit_count(desc->type) / 8;
}

/* Writes `count` copies of the element at `value`. */
void tenon_fill_elements(void *to, size_t count, const void *value, size_t element);
/* The element that stands for real 0. */
void tenon_zero_element(const struct tenon_desc *desc, uint8_t value[8]);

/* BAD_MODEL unless input `input` and output `output` have one element type, UNSUPPORTED when its
 * elements share bytes. */
TENON_NODISCARD enum tenon_status tenon_require_movable(const struct tenon_op_call *call,
                                                        uint32_t input, uint32_t output,
                                                        struct tenon_error *error);
/* BAD_MODEL unless 0 <= axis < rank. */
TENON_NODISCARD enum tenon_status tenon_require_axis(int32_t axis, int rank,
                                                     struct tenon_error *error);
/* Axes as a bit mask; BAD_MODEL unless they are below rank, ascending and unique. */
TENON_NODISCARD enum tenon_status tenon_axes_mask(const struct tenon_list *axes, int rank,
                                                  uint32_t *mask, struct tenon_error *error);
/* A list as a shape; BAD_MODEL when it is none. */
TENON_NODISCARD enum tenon_status tenon_shape_from_list(const struct tenon_list *list,
                                                        struct tenon_shape *shape,
                                                        struct tenon_error *error);

/* Integer element i of 8 bits or more; bool counts as an integer. */
int64_t tenon_load_integer(enum tenon_type type, const void *data, size_t i);
/* Stores the low bits. */
void tenon_store_integer(enum tenon_type type, void *data, size_t i, int64_t value);

/*
 * Sorts `count` indices so that before(context, a, b) holds for neighbours. In place, no
 * recursion; equal elements are the callback's to order (by index, for a stable result).
 */
typedef bool tenon_before_fn(const void *context, int32_t a, int32_t b);
void tenon_sort_indices(int32_t *indices, size_t count, tenon_before_fn *before,
                        const void *context);

#endif
