/*
 * Comparisons, with broadcasting, and select. Quantized operands of different scales are brought to
 * a common one with a left shift of 8 (TFLite kernels/comparisons.cc, reference/comparisons.h); the
 * order of i16 is that of the integers, whatever their scales.
 */
#include <string.h>

#include "op/elementwise.h"
#include "op/kernel.h"
#include "op/rules.h"

enum { LEFT_SHIFT = 8 };

enum tenon_status tenon_infer_compare(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *a = tenon_in(call, 0), *b = tenon_in(call, 1);
    struct tenon_shape shape;
    uint32_t types = TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64) |
                     TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16);
    if (call->op == TENON_OP_EQUAL || call->op == TENON_OP_NOT_EQUAL)
        types |= TENON_TYPE_BIT(BOOL);
    enum tenon_status status = tenon_require_type(a, types, "the input", error);
    if (status == TENON_OK && a->type != b->type)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "operands differ in type");
    if (status == TENON_OK)
        status = tenon_require_type(tenon_out(call, 0), TENON_TYPE_BIT(BOOL), "the output", error);
    if (status == TENON_OK && (a->quant.count > 1 || b->quant.count > 1))
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "operands with scales per channel");
    if (status == TENON_OK && !tenon_broadcast_shape(&a->shape, &b->shape, &shape))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "operands do not broadcast");
    return status == TENON_OK ? tenon_set_shape(call, 0, &shape, error) : status;
}

static bool decide(enum tenon_op op, bool less, bool equal) {
    if (op == TENON_OP_EQUAL)
        return equal;
    if (op == TENON_OP_NOT_EQUAL)
        return !equal;
    if (op == TENON_OP_LESS)
        return less;
    return less || equal; /* less_equal */
}

/* Both sides of a comparison as integers, or as floats. */
struct comparison {
    const struct tenon_op_call *call;
    bool rescale; /* also between equal scales: small ones make neighbours equal, as in TFLite */
    struct tenon_multiplier a, b;
};

static int64_t load(const struct comparison *c, uint32_t side, size_t i) {
    const struct tenon_desc *desc = tenon_in(c->call, side);
    const void *data = tenon_in_data(c->call, side);
    if (desc->type == TENON_TYPE_I64)
        return ((const int64_t *)data)[i];
    if (desc->type == TENON_TYPE_I32)
        return ((const int32_t *)data)[i];
    if (desc->type == TENON_TYPE_BOOL)
        return ((const uint8_t *)data)[i] != 0;
    int32_t value = tenon_load_small(desc, data, i);
    if (!c->rescale)
        return value;
    value = (value - tenon_desc_zero_point(desc)) * (1 << LEFT_SHIFT);
    return tenon_requantize(value, side == 0 ? &c->a : &c->b, c->call->rounding);
}

static bool compare(const struct comparison *c, size_t a, size_t b) {
    const struct tenon_op_call *call = c->call;
    /* greater is less with its sides exchanged; so is greater_equal. */
    bool swapped = call->op == TENON_OP_GREATER || call->op == TENON_OP_GREATER_EQUAL;
    enum tenon_op op = call->op == TENON_OP_GREATER         ? TENON_OP_LESS
                       : call->op == TENON_OP_GREATER_EQUAL ? TENON_OP_LESS_EQUAL
                                                            : call->op;
    if (tenon_in(call, 0)->type == TENON_TYPE_F32) {
        float x = ((const float *)tenon_in_data(call, 0))[a];
        float y = ((const float *)tenon_in_data(call, 1))[b];
        return decide(op, swapped ? y < x : x < y, x == y);
    }
    int64_t x = load(c, 0, a), y = load(c, 1, b);
    return decide(op, swapped ? y < x : x < y, x == y);
}

enum tenon_status tenon_reference_compare(const struct tenon_op_call *call,
                                          struct tenon_error *error) {
    (void)error;
    const struct tenon_desc *a = tenon_in(call, 0), *b = tenon_in(call, 1);
    const struct tenon_shape *shapes[] = {&a->shape, &b->shape};
    struct comparison c = {.call = call};
    bool ordered = call->op != TENON_OP_EQUAL && call->op != TENON_OP_NOT_EQUAL;
    c.rescale =
        a->quant.count == 1 && b->quant.count == 1 && !(ordered && a->type == TENON_TYPE_I16);
    c.a = tenon_multiplier_from_double((double)tenon_desc_scale(a));
    c.b = tenon_multiplier_from_double((double)tenon_desc_scale(b));
    struct tenon_broadcast broadcast;
    int32_t index[TENON_MAX_RANK] = {0};
    size_t offsets[2] = {0}, count = tenon_desc_element_count(tenon_out(call, 0));
    uint8_t *out = call->outputs[0].data;
    tenon_broadcast_init(&broadcast, &tenon_out(call, 0)->shape, shapes, 2);
    for (size_t i = 0; i < count; i++) {
        out[i] = compare(&c, offsets[0], offsets[1]);
        tenon_broadcast_next(&broadcast, index, offsets, 2);
    }
    return TENON_OK;
}

enum tenon_status tenon_infer_select(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *a = tenon_in(call, 1), *b = tenon_in(call, 2);
    struct tenon_shape values, shape;
    enum tenon_status status =
        tenon_require_type(tenon_in(call, 0), TENON_TYPE_BIT(BOOL), "the condition", error);
    if (status == TENON_OK && (a->type != b->type || a->type != tenon_out(call, 0)->type))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "operands differ in type");
    if (status == TENON_OK && a->type == TENON_TYPE_I4)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "elements of 4 bits");
    if (status == TENON_OK && (!tenon_broadcast_shape(&a->shape, &b->shape, &values) ||
                               !tenon_broadcast_shape(&values, &tenon_in(call, 0)->shape, &shape)))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "operands do not broadcast");
    return status == TENON_OK ? tenon_set_shape(call, 0, &shape, error) : status;
}

enum tenon_status tenon_reference_select(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    (void)error;
    const struct tenon_shape *shapes[] = {&tenon_in(call, 0)->shape, &tenon_in(call, 1)->shape,
                                          &tenon_in(call, 2)->shape};
    size_t size = tenon_type_bit_count(tenon_out(call, 0)->type) / 8;
    const uint8_t *condition = tenon_in_data(call, 0);
    struct tenon_broadcast broadcast;
    int32_t index[TENON_MAX_RANK] = {0};
    size_t offsets[3] = {0}, count = tenon_desc_element_count(tenon_out(call, 0));
    tenon_broadcast_init(&broadcast, &tenon_out(call, 0)->shape, shapes, 3);
    for (size_t i = 0; i < count; i++) {
        uint32_t side = condition[offsets[0]] != 0 ? 1 : 2;
        memcpy((char *)call->outputs[0].data + i * size,
               (const char *)tenon_in_data(call, side) + offsets[side] * size, size);
        tenon_broadcast_next(&broadcast, index, offsets, 3);
    }
    return TENON_OK;
}
