/*
 * Builders of operators that move data or reduce it: constant operands (shapes, axes, paddings)
 * become attributes, negative axes and masks are resolved.
 */
#include "frontends/tflite/import.h"

#include <string.h>

static void list_from_shape(const struct tenon_shape *shape, struct tenon_list *out) {
    *out = (struct tenon_list){.count = shape->rank};
    for (int i = 0; i < shape->rank; i++)
        out->values[i] = shape->dims[i];
}

/* A wanted shape with at most one -1, made to hold as many elements as the input. */
static bool resolve_shape(struct tfl_operator *op, struct tenon_list *shape) {
    int64_t elements = (int64_t)tenon_desc_element_count(tfl_input_desc(op, 0)), known = 1;
    int open = -1;
    if (shape->count > TENON_MAX_RANK)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_SHAPE, "rank %d is above %d", shape->count,
                               TENON_MAX_RANK);
    for (int i = 0; i < shape->count; i++) {
        if (shape->values[i] == -1 && open < 0)
            open = i;
        else if (shape->values[i] < 0)
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_SHAPE, "dimension %d",
                                   shape->values[i]);
        else if (__builtin_mul_overflow(known, (int64_t)shape->values[i], &known))
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_SHAPE, "too many elements");
    }
    if (open >= 0) {
        if (known == 0 || elements % known != 0)
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                                   "%lld elements do not fill the shape", (long long)elements);
        shape->values[open] = (int32_t)(elements / known);
    }
    return true;
}

static bool options_shape(struct tfl_operator *op, struct tenon_list *out) {
    struct fb_vector vector;
    if (!op->has_options || fb_vector(&op->options, 0, 4, &vector) != FB_OK ||
        vector.count > TENON_LIST_MAX)
        return false;
    *out = (struct tenon_list){.count = (int32_t)vector.count};
    for (uint32_t i = 0; i < vector.count; i++)
        out->values[i] = fb_vector_i32(&op->options, &vector, i);
    return true;
}

/* The shape comes from the operand, else from the options, else from the file's output tensor. */
bool tfl_build_reshape(struct tfl_operator *op) {
    struct tenon_shape told;
    bool found = false;
    if (tfl_is_constant(op, 1)) {
        if (!tfl_constant_list(op, 1, &op->attrs.shape))
            return false;
        found = true;
    } else if (op->input_count < 2) {
        found = options_shape(op, &op->attrs.shape);
    }
    if (!found) {
        if (!tfl_declared_shape(op, 0, &told))
            return false;
        list_from_shape(&told, &op->attrs.shape);
    }
    return resolve_shape(op, &op->attrs.shape) && tfl_emit(op, 1);
}

bool tfl_build_squeeze(struct tfl_operator *op) {
    const struct tenon_shape *in = &tfl_input_desc(op, 0)->shape;
    struct tenon_list axes = {0};
    bool drop[TENON_MAX_RANK] = {false};
    bool all = !options_shape(op, &axes) || axes.count == 0;
    for (int i = 0; i < axes.count; i++) {
        int32_t axis;
        if (!tfl_axis(op, axes.values[i], in->rank, &axis))
            return false;
        if (in->dims[axis] != 1)
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                                   "axis %d of size %d is squeezed", axis, in->dims[axis]);
        drop[axis] = true;
    }
    for (int i = 0; i < in->rank; i++)
        if (!(all ? in->dims[i] == 1 : drop[i]))
            op->attrs.shape.values[op->attrs.shape.count++] = in->dims[i];
    return tfl_emit(op, 1);
}

bool tfl_build_expand_dims(struct tfl_operator *op) {
    const struct tenon_shape *in = &tfl_input_desc(op, 0)->shape;
    struct tenon_list axis;
    int32_t at;
    if (!tfl_constant_list(op, 1, &axis))
        return false;
    if (axis.count != 1 || in->rank >= TENON_MAX_RANK)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION, "one axis is needed");
    if (!tfl_axis(op, axis.values[0], in->rank + 1, &at))
        return false;
    op->attrs.shape.count = in->rank + 1;
    for (int i = 0; i <= in->rank; i++)
        op->attrs.shape.values[i] = i < at ? in->dims[i] : i == at ? 1 : in->dims[i - 1];
    return tfl_emit(op, 1);
}

bool tfl_build_transpose(struct tfl_operator *op) {
    int32_t rank = tfl_input_desc(op, 0)->shape.rank;
    if (!tfl_constant_list(op, 1, &op->attrs.perm))
        return false;
    for (int i = 0; i < op->attrs.perm.count; i++)
        if (!tfl_axis(op, op->attrs.perm.values[i], rank, &op->attrs.perm.values[i]))
            return false;
    return tfl_emit(op, 1);
}

bool tfl_build_pad(struct tfl_operator *op) {
    if (!tfl_constant_list(op, 1, &op->attrs.paddings))
        return false;
    uint32_t operands[] = {op->inputs[0], op->input_count > 2 ? op->inputs[2] : TENON_ID_NONE};
    return tfl_emit_node(op, TENON_OP_PAD, operands, 2, op->outputs, op->output_count);
}

bool tfl_build_mirror_pad(struct tfl_operator *op) {
    op->attrs.symmetric = tfl_option_u8(op, 0, 0) == 1;
    return tfl_constant_list(op, 1, &op->attrs.paddings) && tfl_emit(op, 1);
}

bool tfl_build_concatenation(struct tfl_operator *op) {
    int32_t rank = tfl_input_desc(op, 0)->shape.rank;
    return tfl_axis(op, tfl_option_i32(op, 0, 0), rank, &op->attrs.axis) &&
           tfl_option_activation(op, 1) && tfl_emit(op, op->input_count);
}

bool tfl_build_pack(struct tfl_operator *op) {
    int32_t rank = tfl_input_desc(op, 0)->shape.rank;
    return tfl_axis(op, tfl_option_i32(op, 1, 0), rank + 1, &op->attrs.axis) &&
           tfl_emit(op, op->input_count);
}

bool tfl_build_unpack(struct tfl_operator *op) {
    int32_t rank = tfl_input_desc(op, 0)->shape.rank;
    return tfl_axis(op, tfl_option_i32(op, 1, 0), rank, &op->attrs.axis) && tfl_emit(op, 1);
}

/* A constant operand of one integer, as an axis of input `of`. */
static bool axis_operand(struct tfl_operator *op, uint32_t i, uint32_t of, int32_t *out) {
    struct tenon_list list;
    if (!tfl_constant_list(op, i, &list))
        return false;
    if (list.count != 1)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION, "one axis is needed");
    return tfl_axis(op, list.values[0], tfl_input_desc(op, of)->shape.rank, out);
}

bool tfl_build_split(struct tfl_operator *op) {
    uint32_t data = op->inputs[1];
    return axis_operand(op, 0, 1, &op->attrs.axis) &&
           tfl_emit_node(op, TENON_OP_SPLIT, &data, 1, op->outputs, op->output_count);
}

bool tfl_build_split_v(struct tfl_operator *op) {
    const struct tenon_shape in = tfl_input_desc(op, 0)->shape;
    struct tenon_list sizes;
    if (!axis_operand(op, 2, 0, &op->attrs.axis) || !tfl_constant_list(op, 1, &sizes))
        return false;
    if ((uint32_t)sizes.count != op->output_count)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION, "%d sizes for %u outputs",
                               sizes.count, op->output_count);
    int64_t rest = in.dims[op->attrs.axis];
    for (int i = 0; i < sizes.count; i++)
        rest -= sizes.values[i] == -1 ? 0 : sizes.values[i];
    for (int i = 0; i < sizes.count; i++) {
        struct tenon_shape *shape = &op->import->graph->tensors[op->outputs[i]].desc.shape;
        *shape = in;
        shape->dims[op->attrs.axis] = sizes.values[i] == -1 ? (int32_t)rest : sizes.values[i];
    }
    return tfl_emit(op, 1);
}

bool tfl_build_slice(struct tfl_operator *op) {
    const struct tenon_shape *in = &tfl_input_desc(op, 0)->shape;
    struct tenon_list *begin = &op->attrs.begin, *count = &op->attrs.count;
    if (!tfl_constant_list(op, 1, begin) || !tfl_constant_list(op, 2, count))
        return false;
    if (begin->count != in->rank || count->count != in->rank)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                               "begin and size need one number per axis");
    for (int i = 0; i < in->rank; i++)
        if (count->values[i] == -1) /* all that is left */
            count->values[i] = in->dims[i] - begin->values[i];
    return tfl_emit(op, 1);
}

static int64_t clamp_i64(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* One axis of a strided slice: where it begins, and how many elements it takes. */
static void slice_axis(int64_t size, int64_t begin, int64_t end, int64_t step, bool open_begin,
                       bool open_end, int32_t *first, int32_t *count) {
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    begin = open_begin ? (step > 0 ? 0 : size - 1)
                       : clamp_i64(begin < 0 ? begin + size : begin, low, high);
    end = open_end ? (step > 0 ? size : -1) : clamp_i64(end < 0 ? end + size : end, low, high);
    int64_t span = step > 0 ? end - begin : begin - end, stride = step > 0 ? step : -step;
    *count = span <= 0 ? 0 : (int32_t)((span + stride - 1) / stride);
    *first = *count == 0 ? 0 : (int32_t)begin;
}

struct slice_spec {
    struct tenon_list begin, end, step;
    int32_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask;
    bool offset; /* ends are counted from the beginnings */
};

/* Inserts the axes that an ellipsis stands for, as open ranges. */
static bool expand_ellipsis(struct tfl_operator *op, struct slice_spec *spec, int32_t rank) {
    int32_t count = spec->begin.count, at = count;
    for (int i = 0; i < count; i++)
        if ((spec->ellipsis_mask >> i & 1) != 0)
            at = i;
    int32_t missing = rank - (at < count ? count - 1 : count);
    if (missing < 0)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                               "more axes than the input has");
    struct slice_spec from = *spec;
    spec->begin_mask = spec->end_mask = spec->shrink_mask = 0;
    for (int i = 0; i < rank; i++) {
        int source = i < at ? i : i < at + missing ? -1 : i - missing + (at < count ? 1 : 0);
        spec->begin.values[i] = source < 0 ? 0 : from.begin.values[source];
        spec->end.values[i] = source < 0 ? 0 : from.end.values[source];
        spec->step.values[i] = source < 0 ? 1 : from.step.values[source];
        bool open = source < 0;
        spec->begin_mask |= (open || (from.begin_mask >> source & 1) != 0) ? 1 << i : 0;
        spec->end_mask |= (open || (from.end_mask >> source & 1) != 0) ? 1 << i : 0;
        spec->shrink_mask |= !open && (from.shrink_mask >> source & 1) != 0 ? 1 << i : 0;
    }
    return true;
}

static bool slice_one_axis(struct tfl_operator *op, const struct slice_spec *spec, int i,
                           int32_t size) {
    int64_t begin = spec->begin.values[i], end = spec->end.values[i], step = spec->step.values[i];
    if (step == 0)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION, "a stride of 0");
    if (spec->offset)
        end += begin;
    if ((spec->shrink_mask >> i & 1) != 0) {
        int64_t at = (spec->begin_mask >> i & 1) != 0 ? 0 : begin < 0 ? begin + size : begin;
        if (at < 0 || at >= size)
            return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                                   "element %lld of an axis of %d", (long long)begin, size);
        op->attrs.axes.values[op->attrs.axes.count++] = i;
        op->attrs.begin.values[i] = (int32_t)at;
        op->attrs.count.values[i] = 1;
        op->attrs.step.values[i] = 1;
        return true;
    }
    op->attrs.step.values[i] = (int32_t)step;
    slice_axis(size, begin, end, step, (spec->begin_mask >> i & 1) != 0,
               (spec->end_mask >> i & 1) != 0, &op->attrs.begin.values[i],
               &op->attrs.count.values[i]);
    return true;
}

bool tfl_build_strided_slice(struct tfl_operator *op) {
    const struct tenon_shape in = tfl_input_desc(op, 0)->shape;
    struct slice_spec spec = {
        .begin_mask = tfl_option_i32(op, 0, 0),
        .end_mask = tfl_option_i32(op, 1, 0),
        .ellipsis_mask = tfl_option_i32(op, 2, 0),
        .new_axis_mask = tfl_option_i32(op, 3, 0),
        .shrink_mask = tfl_option_i32(op, 4, 0),
        .offset = tfl_option_u8(op, 5, 0) != 0,
    };
    if (!tfl_constant_list(op, 1, &spec.begin) || !tfl_constant_list(op, 2, &spec.end) ||
        !tfl_constant_list(op, 3, &spec.step))
        return false;
    if (spec.new_axis_mask != 0)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_FORM, "a new axis");
    if (spec.end.count != spec.begin.count || spec.step.count != spec.begin.count ||
        spec.begin.count > TENON_MAX_RANK)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION,
                               "begin, end and strides differ in length");
    if (!expand_ellipsis(op, &spec, in.rank))
        return false;
    op->attrs.begin.count = op->attrs.count.count = op->attrs.step.count = in.rank;
    for (int i = 0; i < in.rank; i++)
        if (!slice_one_axis(op, &spec, i, in.dims[i]))
            return false;
    return tfl_emit(op, 1);
}

/* Axes of a constant operand, made non-negative, sorted and unique. */
static bool axes_operand(struct tfl_operator *op, uint32_t i) {
    int32_t rank = tfl_input_desc(op, 0)->shape.rank, axis;
    bool seen[TENON_MAX_RANK] = {false};
    struct tenon_list list;
    if (!tfl_constant_list(op, i, &list))
        return false;
    for (int k = 0; k < list.count; k++) {
        if (!tfl_axis(op, list.values[k], rank, &axis))
            return false;
        seen[axis] = true;
    }
    for (int k = 0; k < rank; k++)
        if (seen[k])
            op->attrs.axes.values[op->attrs.axes.count++] = k;
    return true;
}

bool tfl_build_reduce(struct tfl_operator *op) {
    op->attrs.keep_dims = tfl_option_u8(op, 0, 0) != 0;
    return axes_operand(op, 1) && tfl_emit(op, 1);
}

bool tfl_build_reverse(struct tfl_operator *op) {
    return axes_operand(op, 1) && tfl_emit(op, 1);
}

bool tfl_build_arg(struct tfl_operator *op) {
    return axis_operand(op, 1, 0, &op->attrs.axis) && tfl_emit(op, 1);
}

bool tfl_build_cumsum(struct tfl_operator *op) {
    op->attrs.exclusive = tfl_option_u8(op, 0, 0) != 0;
    op->attrs.reverse = tfl_option_u8(op, 1, 0) != 0;
    return axis_operand(op, 1, 0, &op->attrs.axis) && tfl_emit(op, 1);
}

bool tfl_build_topk(struct tfl_operator *op) {
    struct tenon_list k;
    if (!tfl_constant_list(op, 1, &k))
        return false;
    if (k.count != 1)
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_CONTRADICTION, "one number k is needed");
    op->attrs.k = k.values[0];
    return tfl_emit(op, 1);
}

static bool build_resize(struct tfl_operator *op, int first_field) {
    op->attrs.align_corners = tfl_option_u8(op, first_field, 0) != 0;
    op->attrs.half_pixel_centers = tfl_option_u8(op, first_field + 1, 0) != 0;
    return tfl_constant_list(op, 1, &op->attrs.shape) && tfl_emit(op, 1);
}

bool tfl_build_resize_bilinear(struct tfl_operator *op) {
    return build_resize(op, 2); /* after two deprecated sizes */
}

bool tfl_build_resize_nearest(struct tfl_operator *op) {
    return build_resize(op, 0);
}

bool tfl_build_block(struct tfl_operator *op) {
    op->attrs.block = (struct tenon_list){.count = 1, .values = {tfl_option_i32(op, 0, 0)}};
    return tfl_emit(op, 1);
}

bool tfl_build_batch_space(struct tfl_operator *op) {
    return tfl_constant_list(op, 1, &op->attrs.block) &&
           tfl_constant_list(op, 2, &op->attrs.paddings) && tfl_emit(op, 1);
}

bool tfl_build_gather(struct tfl_operator *op) {
    int32_t rank = tfl_input_desc(op, 0)->shape.rank;
    int32_t index_rank = tfl_input_desc(op, 1)->shape.rank;
    int32_t batch_dims = tfl_option_i32(op, 1, 0);
    op->attrs.batch_dims = batch_dims < 0 ? batch_dims + index_rank : batch_dims;
    return tfl_axis(op, tfl_option_i32(op, 0, 0), rank, &op->attrs.axis) && tfl_emit(op, 2);
}

/* SELECT with a condition of rank 1 chooses whole slices of axis 0: reshape it to n x 1 x …. */
bool tfl_build_select(struct tfl_operator *op) {
    const struct tenon_shape condition = tfl_input_desc(op, 0)->shape;
    const struct tenon_shape values = tfl_input_desc(op, 1)->shape;
    if (condition.rank != 1 || values.rank < 2)
        return tfl_emit(op, 3);
    uint32_t operands[3] = {0, op->inputs[1], op->inputs[2]};
    op->attrs.shape.count = values.rank;
    for (int i = 0; i < values.rank; i++)
        op->attrs.shape.values[i] = i == 0 ? condition.dims[0] : 1;
    if (!tfl_new_tensor(op, op->inputs[0], &operands[0]) ||
        !tfl_emit_node(op, TENON_OP_RESHAPE, op->inputs, 1, operands, 1))
        return false;
    op->attrs = (struct tenon_attrs){0};
    return tfl_emit_node(op, TENON_OP_SELECT, operands, 3, op->outputs, op->output_count);
}

bool tfl_build_fill(struct tfl_operator *op) {
    return tfl_constant_list(op, 0, &op->attrs.shape) &&
           tfl_emit_node(op, TENON_OP_FILL, &op->inputs[1], 1, op->outputs, op->output_count);
}

bool tfl_build_tile(struct tfl_operator *op) {
    return tfl_constant_list(op, 1, &op->attrs.multiples) && tfl_emit(op, 1);
}

bool tfl_build_broadcast_to(struct tfl_operator *op) {
    return tfl_constant_list(op, 1, &op->attrs.shape) && tfl_emit(op, 1);
}
