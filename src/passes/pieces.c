/* Pieces of tensors, which several passes cut; see pass.h. */
#include <string.h>

#include "passes/pass.h"

uint32_t tenon_rewrite_slice(struct tenon_rewriter *rw, uint32_t tensor, int32_t first,
                             int32_t count) {
    if (tensor == TENON_ID_NONE)
        return tensor;
    struct tenon_desc desc = *tenon_rewrite_desc(rw, tensor);
    int32_t axis = desc.shape.rank - 1;
    if (count == desc.shape.dims[axis])
        return tensor;
    struct tenon_attrs attrs = {.begin.count = desc.shape.rank, .count.count = desc.shape.rank};
    desc.shape.dims[axis] = count;
    attrs.begin.values[axis] = first;
    memcpy(attrs.count.values, desc.shape.dims, sizeof(desc.shape.dims));
    return tenon_rewrite_add_unary(rw, TENON_OP_SLICE, &attrs, tensor, "slice", &desc);
}

uint32_t tenon_rewrite_cut(struct tenon_rewriter *rw, uint32_t constant, int axis, int32_t first,
                           int32_t count) {
    if (constant == TENON_ID_NONE)
        return constant;
    struct tenon_desc whole = *tenon_rewrite_desc(rw, constant), desc = whole;
    if (count == whole.shape.dims[axis])
        return constant;
    desc.shape.dims[axis] = count;
    if (whole.quant.count > 1 && whole.quant.axis == axis) {
        desc.quant.count = (uint32_t)count;
        desc.quant.scale += first;
        desc.quant.zero_point += first;
    }
    uint32_t id;
    uint8_t *to = tenon_rewrite_constant(rw, constant, "cut", &desc, &id);
    if (to == NULL)
        return id;
    const uint8_t *from = rw->graph->tensors[constant].data;
    size_t inner = tenon_type_bit_count(whole.type) / 8, outer = 1;
    for (int i = 0; i < whole.shape.rank; i++)
        *(i < axis ? &outer : &inner) *= i == axis ? 1 : (size_t)whole.shape.dims[i];
    size_t row = (size_t)count * inner, step = (size_t)whole.shape.dims[axis] * inner;
    for (size_t i = 0; i < outer; i++)
        memcpy(to + i * row, from + i * step + (size_t)first * inner, row);
    return id;
}
