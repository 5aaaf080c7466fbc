/* Strided copies, element access and sorting of indices, described in move.h. */
#include "op/move.h"

#include <string.h>

static void copy_run(uint8_t *to, const uint8_t *from, size_t size) {
    switch (size) { /* constant sizes become plain loads and stores */
    case 1:
        *to = *from;
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    default:
        memcpy(to, from, size);
    }
}

/* Leaves out the innermost axes that are dense on both sides; returns the elements they hold. */
static int64_t fold_dense_axes(const struct tenon_move *move, int *rank) {
    int64_t run = 1;
    for (; *rank > 0; --*rank) {
        int i = *rank - 1;
        bool dense = move->to_stride[i] == run && move->from_stride[i] == run;
        if (!dense && move->dims[i] != 1)
            break;
        run *= move->dims[i];
    }
    return run;
}

void tenon_move_run(const struct tenon_move *move, void *to, const void *from) {
    for (int i = 0; i < move->rank; i++)
        if (move->dims[i] <= 0)
            return;
    int rank = move->rank;
    size_t run = (size_t)fold_dense_axes(move, &rank) * move->element;
    int64_t element = (int64_t)move->element, to_at = move->to_at, from_at = move->from_at;
    int32_t index[TENON_MAX_RANK] = {0};
    for (;;) {
        copy_run((uint8_t *)to + to_at * element, (const uint8_t *)from + from_at * element, run);
        int i = rank - 1;
        for (; i >= 0; i--) {
            to_at += move->to_stride[i];
            from_at += move->from_stride[i];
            if (++index[i] < move->dims[i])
                break;
            to_at -= move->to_stride[i] * move->dims[i];
            from_at -= move->from_stride[i] * move->dims[i];
            index[i] = 0;
        }
        if (i < 0)
            return;
    }
}

void tenon_move_swap(struct tenon_move *move) {
    struct tenon_move old = *move;
    move->to_at = old.from_at;
    move->from_at = old.to_at;
    memcpy(move->to_stride, old.from_stride, sizeof(move->to_stride));
    memcpy(move->from_stride, old.to_stride, sizeof(move->from_stride));
}

void tenon_dense_strides(const struct tenon_shape *shape, int64_t strides[TENON_MAX_RANK]) {
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape->dims[i] != 0 ? shape->dims[i] : 1; /* an empty tensor has no element */
    }
}

size_t tenon_axes_elements(const struct tenon_shape *shape, int first, int last) {
    size_t count = 1;
    for (int i = first; i < last; i++)
        count *= (size_t)shape->dims[i];
    return count;
}

void tenon_fill_elements(void *to, size_t count, const void *value, size_t element) {
    for (size_t i = 0; i < count; i++)
        copy_run((uint8_t *)to + i * element, value, element);
}

void tenon_zero_element(const struct tenon_desc *desc, uint8_t value[8]) {
    int64_t zero = tenon_type_is_integer(desc->type) ? tenon_desc_zero_point(desc) : 0;
    for (int i = 0; i < 8; i++)
        value[i] = (uint8_t)((uint64_t)zero >> (8 * i));
}

enum tenon_status tenon_require_movable(const struct tenon_op_call *call, uint32_t input,
                                        uint32_t output, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, input), *out = tenon_out(call, output);
    if (in->type != out->type)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input %u is %s, output %u is %s", input,
                          tenon_type_text(in->type), output, tenon_type_text(out->type));
    if (tenon_element_bytes(in) == 0)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "elements of type %s are not moved",
                          tenon_type_text(in->type));
    return TENON_OK;
}

enum tenon_status tenon_require_axis(int32_t axis, int rank, struct tenon_error *error) {
    if (axis >= 0 && axis < rank)
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_BAD_MODEL, "axis %d of a tensor of rank %d", axis, rank);
}

enum tenon_status tenon_axes_mask(const struct tenon_list *axes, int rank, uint32_t *mask,
                                  struct tenon_error *error) {
    *mask = 0;
    for (int i = 0; i < axes->count; i++) {
        enum tenon_status status = tenon_require_axis(axes->values[i], rank, error);
        if (status != TENON_OK)
            return status;
        if (i > 0 && axes->values[i] <= axes->values[i - 1])
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "axes are not ascending");
        *mask |= UINT32_C(1) << axes->values[i];
    }
    return TENON_OK;
}

enum tenon_status tenon_shape_from_list(const struct tenon_list *list, struct tenon_shape *shape,
                                        struct tenon_error *error) {
    size_t count;
    *shape = (struct tenon_shape){0};
    if (list->count > TENON_MAX_RANK)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a shape of rank %d", list->count);
    shape->rank = (uint8_t)list->count;
    memcpy(shape->dims, list->values, sizeof(shape->dims));
    if (tenon_shape_elements(shape, &count))
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                      "a shape with a bad dimension or too many "
                      "elements");
}

int64_t tenon_load_integer(enum tenon_type type, const void *data, size_t i) {
    switch (tenon_type_bit_count(type)) {
    case 8:
        return type == TENON_TYPE_I8 ? ((const int8_t *)data)[i] : ((const uint8_t *)data)[i];
    case 16:
        return type == TENON_TYPE_I16 ? ((const int16_t *)data)[i] : ((const uint16_t *)data)[i];
    case 32:
        return type == TENON_TYPE_I32 ? ((const int32_t *)data)[i]
                                      : (int64_t)((const uint32_t *)data)[i];
    default:
        return ((const int64_t *)data)[i];
    }
}

void tenon_store_integer(enum tenon_type type, void *data, size_t i, int64_t value) {
    switch (tenon_type_bit_count(type)) {
    case 8:
        ((uint8_t *)data)[i] = (uint8_t)value;
        break;
    case 16:
        ((uint16_t *)data)[i] = (uint16_t)value;
        break;
    case 32:
        ((uint32_t *)data)[i] = (uint32_t)value;
        break;
    default:
        ((int64_t *)data)[i] = value;
    }
}

/* Heap sort: the heap's root is the index that belongs last. */
static void sift_down(int32_t *heap, size_t root, size_t count, tenon_before_fn *before,
                      const void *context) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && before(context, heap[child], heap[child + 1]))
            child++;
        if (!before(context, heap[root], heap[child]))
            return;
        int32_t moved = heap[root];
        heap[root] = heap[child];
        heap[child] = moved;
    }
}

void tenon_sort_indices(int32_t *indices, size_t count, tenon_before_fn *before,
                        const void *context) {
    for (size_t i = count / 2; i-- > 0;)
        sift_down(indices, i, count, before, context);
    for (size_t end = count; end-- > 1;) {
        int32_t last = indices[0];
        indices[0] = indices[end];
        indices[end] = last;
        sift_down(indices, 0, end, before, context);
    }
}
