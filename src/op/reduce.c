/*
 * Reductions over axes: mean, sum, reduce_max, reduce_min. Elements are taken in the order of the
 * input. Sources: TFLite kernels/reduce.cc and reference/reduce.h (QuantizedMeanOrSum: the mean's
 * 1/n is folded into the multiplier). For int8 sums TFLite's reference registration reads the bytes
 * as uint8; TFLite Micro, and this file, read them as they are.
 */
#include "op/move.h"
#include "op/rules.h"

#include <float.h>
#include <math.h>

static bool is_narrow(enum tenon_type type) {
    return type == TENON_TYPE_I8 || type == TENON_TYPE_U8 || type == TENON_TYPE_I16;
}

/* What the reduced axes leave; `kept` has them as 1. */
static void reduced_shapes(const struct tenon_shape *in, uint32_t mask, struct tenon_shape *kept,
                           struct tenon_shape *dropped) {
    *kept = *in;
    *dropped = (struct tenon_shape){0};
    for (int i = 0; i < in->rank; i++) {
        if ((mask >> i & 1) != 0)
            kept->dims[i] = 1;
        else
            dropped->dims[dropped->rank++] = in->dims[i];
    }
}

static enum tenon_status require_quant(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    if (call->op == TENON_OP_REDUCE_MAX || call->op == TENON_OP_REDUCE_MIN) {
        if (in->quant.count <= 1 && out->quant.count <= 1 &&
            tenon_desc_scale(in) == tenon_desc_scale(out) &&
            tenon_desc_zero_point(in) == tenon_desc_zero_point(out))
            return TENON_OK;
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                          "input and output differ in scale or zero point");
    }
    return tenon_require_quantized(call, 1, error);
}

enum tenon_status tenon_infer_reduce(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    uint32_t mask, types = TENON_TYPE_BIT(F32) | TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16) |
                           TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64);
    struct tenon_shape kept, dropped;
    enum tenon_status status = tenon_require_type(in, types, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK && is_narrow(in->type))
        status = require_quant(call, error);
    if (status == TENON_OK)
        status = tenon_axes_mask(&call->attrs->axes, in->shape.rank, &mask, error);
    if (status != TENON_OK)
        return status;
    reduced_shapes(&in->shape, mask, &kept, &dropped);
    return tenon_set_shape(call, 0, call->attrs->keep_dims ? &kept : &dropped, error);
}

/* Integers are summed up in 64 bits. */
size_t tenon_scratch_reduce(const struct tenon_op_call *call) {
    return tenon_in(call, 0)->type == TENON_TYPE_F32
               ? 0
               : tenon_desc_element_count(tenon_out(call, 0)) * sizeof(int64_t);
}

/* A walk over the input, a line of its last axis at a time, that knows where the line's results
 * are. */
struct walk {
    struct tenon_broadcast axes; /* all but the last */
    int32_t index[TENON_MAX_RANK];
    size_t line; /* elements of a line */
    size_t step; /* from an element's result to the next one's: 0 where the line has one */
    size_t to;   /* result of the line's first element */
    size_t inputs, outputs;
    int64_t reduced;   /* input elements per output element */
    bool whole_tensor; /* every axis is reduced */
};

static void walk_init(struct walk *walk, const struct tenon_op_call *call) {
    const struct tenon_list *axes = &call->attrs->axes;
    const struct tenon_shape *operands[1];
    struct tenon_shape lines = tenon_in(call, 0)->shape, kept = lines;
    const int last = lines.rank - 1;
    *walk = (struct walk){.line = 1, .reduced = 1, .whole_tensor = axes->count == lines.rank};
    for (int i = 0; i < axes->count; i++) {
        walk->reduced *= lines.dims[axes->values[i]];
        kept.dims[axes->values[i]] = 1;
    }
    walk->inputs = tenon_desc_element_count(tenon_in(call, 0));
    walk->outputs = tenon_desc_element_count(tenon_out(call, 0));
    if (last >= 0) {
        walk->line = (size_t)lines.dims[last];
        walk->step = kept.dims[last] == lines.dims[last];
        lines.dims[last] = 1;
    }
    operands[0] = &kept;
    tenon_broadcast_init(&walk->axes, &lines, operands, 1);
}

static void walk_next(struct walk *walk) {
    tenon_broadcast_next(&walk->axes, walk->index, &walk->to, 1);
}

static void sum_f32(struct walk *walk, const float *in, float *out) {
    for (size_t i = 0; i < walk->outputs; i++)
        out[i] = 0;
    for (size_t i = 0; i < walk->inputs; i += walk->line, walk_next(walk))
        for (size_t k = 0; k < walk->line; k++)
            out[walk->to + k * walk->step] += in[i + k];
}

static void sum_line(const struct walk *walk, const void *in, enum tenon_type type, size_t first,
                     int64_t *sums) {
    for (size_t k = 0; k < walk->line; k++) {
        int64_t *sum = &sums[k * walk->step];
        int64_t value = type == TENON_TYPE_I8   ? ((const int8_t *)in)[first + k]
                        : type == TENON_TYPE_U8 ? ((const uint8_t *)in)[first + k]
                                                : tenon_load_integer(type, in, first + k);
        *sum = (int64_t)((uint64_t)*sum + (uint64_t)value); /* may wrap */
    }
}

static void sum_integer(struct walk *walk, const struct tenon_op_call *call, int64_t *sums) {
    for (size_t i = 0; i < walk->outputs; i++)
        sums[i] = 0;
    for (size_t i = 0; i < walk->inputs; i += walk->line, walk_next(walk))
        sum_line(walk, tenon_in_data(call, 0), tenon_in(call, 0)->type, i, &sums[walk->to]);
}

static struct tenon_multiplier sum_multiplier(const struct tenon_desc *in,
                                              const struct tenon_desc *out) {
    return tenon_multiplier_from_double((double)tenon_desc_scale(in) /
                                        (double)tenon_desc_scale(out));
}

bool tenon_reduced_block(const struct tenon_shape *shape, const struct tenon_list *axes,
                         int32_t sizes[3]) {
    uint32_t mask = 0;
    int part = 0;
    for (int i = 0; i < axes->count; i++)
        mask |= UINT32_C(1) << axes->values[i];
    sizes[0] = sizes[1] = sizes[2] = 1;
    for (int i = 0; i < shape->rank; i++) {
        bool reduced = (mask >> i & 1) != 0;
        part += reduced != (part == 1);
        if (part > 2 || shape->dims[i] == 0 ||
            __builtin_mul_overflow(sizes[part], shape->dims[i], &sizes[part]))
            return false;
    }
    return part == 2;
}

/* The shift stays within [-31, 31]. */
struct tenon_multiplier tenon_mean_multiplier(const struct tenon_desc *in,
                                              const struct tenon_desc *out, int64_t n) {
    struct tenon_multiplier m = sum_multiplier(in, out);
    int shift = 63 - __builtin_clzll((unsigned long long)n);
    shift = shift > 31 + m.shift ? 31 + m.shift : shift;
    m.multiplier = (int32_t)(((int64_t)m.multiplier << shift) / n);
    m.shift -= shift;
    m.real /= (float)n;
    return m;
}

static void store_rescaled(const struct tenon_op_call *call, const struct walk *walk,
                           const int64_t *sums, bool mean) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    struct tenon_multiplier m =
        mean ? tenon_mean_multiplier(in, out, walk->reduced) : sum_multiplier(in, out);
    int64_t zero = tenon_desc_zero_point(in) * walk->reduced;
    for (size_t i = 0; i < walk->outputs; i++) {
        int32_t sum = (int32_t)(uint32_t)(uint64_t)(sums[i] - zero); /* TFLite sums in int32 */
        int64_t value =
            (int64_t)tenon_requantize(sum, &m, call->rounding) + tenon_desc_zero_point(out);
        int32_t low = tenon_type_min(out->type), high = tenon_type_max(out->type);
        tenon_store_integer(out->type, call->outputs[0].data, i,
                            value < low    ? low
                            : value > high ? high
                                           : value);
    }
}

/* The mean of nothing is NaN, or 0 of integers. */
static void mean_f32(struct walk *walk, const float *in, float *out) {
    sum_f32(walk, in, out);
    for (size_t i = 0; i < walk->outputs; i++)
        out[i] = walk->inputs == 0 ? NAN : out[i] / (float)walk->reduced;
}

enum tenon_status tenon_reference_mean(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    (void)error;
    struct walk walk;
    int64_t *sums = call->scratch;
    enum tenon_type type = tenon_in(call, 0)->type;
    walk_init(&walk, call);
    if (type == TENON_TYPE_F32) {
        mean_f32(&walk, tenon_in_data(call, 0), call->outputs[0].data);
        return TENON_OK;
    }
    sum_integer(&walk, call, sums);
    if (is_narrow(type) && walk.inputs != 0) {
        store_rescaled(call, &walk, sums, true);
        return TENON_OK;
    }
    for (size_t i = 0; i < walk.outputs; i++)
        tenon_store_integer(type, call->outputs[0].data, i,
                            walk.inputs == 0 ? 0 : sums[i] / walk.reduced);
    return TENON_OK;
}

enum tenon_status tenon_reference_sum(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)error;
    struct walk walk;
    int64_t *sums = call->scratch;
    enum tenon_type type = tenon_in(call, 0)->type;
    walk_init(&walk, call);
    if (type == TENON_TYPE_F32) {
        sum_f32(&walk, tenon_in_data(call, 0), call->outputs[0].data);
        return TENON_OK;
    }
    sum_integer(&walk, call, sums);
    if (is_narrow(type) && walk.inputs != 0) {
        store_rescaled(call, &walk, sums, false);
        return TENON_OK;
    }
    for (size_t i = 0; i < walk.outputs; i++)
        tenon_store_integer(type, call->outputs[0].data, i, sums[i]);
    return TENON_OK;
}

/* A NaN replaces nothing, and nothing replaces it where it comes first in a whole tensor. */
static void extreme_f32(struct walk *walk, bool largest, const float *in, float *out) {
    for (size_t i = 0; i < walk->outputs; i++)
        out[i] = largest ? -FLT_MAX : FLT_MAX;
    if (walk->whole_tensor && walk->inputs != 0)
        out[0] = in[0];
    for (size_t i = 0; i < walk->inputs; i += walk->line, walk_next(walk))
        for (size_t k = 0; k < walk->line; k++) {
            float *best = &out[walk->to + k * walk->step];
            if (largest ? in[i + k] > *best : in[i + k] < *best)
                *best = in[i + k];
        }
}

static int64_t lowest(enum tenon_type type) {
    return type == TENON_TYPE_I64 ? INT64_MIN : tenon_type_min(type);
}

static int64_t highest(enum tenon_type type) {
    return type == TENON_TYPE_I64 ? INT64_MAX : tenon_type_max(type);
}

static void extreme_integer(struct walk *walk, bool largest, const struct tenon_op_call *call) {
    enum tenon_type type = tenon_in(call, 0)->type;
    const void *in = tenon_in_data(call, 0);
    void *out = call->outputs[0].data;
    for (size_t i = 0; i < walk->outputs; i++)
        tenon_store_integer(type, out, i, largest ? lowest(type) : highest(type));
    for (size_t i = 0; i < walk->inputs; i += walk->line, walk_next(walk))
        for (size_t k = 0; k < walk->line; k++) {
            size_t to = walk->to + k * walk->step;
            int64_t value = tenon_load_integer(type, in, i + k);
            int64_t best = tenon_load_integer(type, out, to);
            if (largest ? value > best : value < best)
                tenon_store_integer(type, out, to, value);
        }
}

enum tenon_status tenon_reference_reduce_extreme(const struct tenon_op_call *call,
                                                 struct tenon_error *error) {
    (void)error;
    struct walk walk;
    bool largest = call->op == TENON_OP_REDUCE_MAX;
    walk_init(&walk, call);
    if (tenon_in(call, 0)->type == TENON_TYPE_F32)
        extreme_f32(&walk, largest, tenon_in_data(call, 0), call->outputs[0].data);
    else
        extreme_integer(&walk, largest, call);
    return TENON_OK;
}
