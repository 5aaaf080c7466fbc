/*
 * Element by element over two operands, with broadcasting: arithmetic, minimum and maximum, logic.
 * Quantized forms follow TFLite: add and sub bring both operands to twice the larger scale with a
 * left shift (kernels/add.cc, reference/integer_ops/add.h), mul and squared_difference rescale the
 * product (integer_ops/mul.h, kernels/squared_difference.cc), div is reference/div.h.
 */
#include <math.h>

#include "op/binary.h"
#include "op/fixed_point.h"
#include "op/kernel.h"
#include "op/rules.h"

static bool is_arithmetic(enum tenon_op op) {
    return op == TENON_OP_ADD || op == TENON_OP_SUB || op == TENON_OP_MUL ||
           op == TENON_OP_SQUARED_DIFFERENCE;
}

static uint32_t types_of(enum tenon_op op) {
    uint32_t plain = TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I64);
    if (op == TENON_OP_LOGICAL_AND || op == TENON_OP_LOGICAL_OR)
        return TENON_TYPE_BIT(BOOL);
    if (op == TENON_OP_DIV)
        return TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I32) | TENON_TYPES_QUANTIZED8 |
               TENON_TYPE_BIT(I16);
    if (op == TENON_OP_SQUARED_DIFFERENCE) /* the square of 16 bits does not fit */
        return TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I32) | TENON_TYPE_BIT(I8);
    return plain | TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16);
}

static bool is_small(enum tenon_type type) {
    return type == TENON_TYPE_I8 || type == TENON_TYPE_U8 || type == TENON_TYPE_I16;
}

/* Quantized operands need scales, except where values only compete (minimum, maximum). */
static enum tenon_status check_quantized(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    const struct tenon_desc *a = tenon_in(call, 0), *b = tenon_in(call, 1);
    const struct tenon_desc *out = tenon_out(call, 0);
    if (call->op == TENON_OP_MINIMUM || call->op == TENON_OP_MAXIMUM) {
        if (tenon_quant_equal(&a->quant, &out->quant) && tenon_quant_equal(&b->quant, &out->quant))
            return TENON_OK;
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "operands of different quantization");
    }
    return tenon_require_quantized(call, 2, error);
}

enum tenon_status tenon_infer_binary(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *a = tenon_in(call, 0), *b = tenon_in(call, 1);
    const struct tenon_desc *out = tenon_out(call, 0);
    struct tenon_shape shape;
    if (a->type != b->type || a->type != out->type)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "operands of %s and %s for a result of %s",
                          tenon_type_text(a->type), tenon_type_text(b->type),
                          tenon_type_text(out->type));
    enum tenon_status status = tenon_require_type(a, types_of(call->op), "the input", error);
    if (status != TENON_OK)
        return status;
    if (call->attrs->activation == TENON_ACTIVATION_TANH)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a fused tanh");
    if (is_small(a->type))
        status = check_quantized(call, error);
    if (status != TENON_OK)
        return status;
    if (!tenon_broadcast_shape(&a->shape, &b->shape, &shape)) {
        char left[TENON_SHAPE_TEXT_BYTES], right[TENON_SHAPE_TEXT_BYTES];
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%s and %s do not broadcast",
                          tenon_shape_text(&a->shape, left), tenon_shape_text(&b->shape, right));
    }
    return tenon_set_shape(call, 0, &shape, error);
}

/* ---- one pair of elements ---- */

static void init_sum(struct tenon_pair *p, double a, double b, double out) {
    double twice = 2 * fmax(a, b);
    p->left_shift = p->type == TENON_TYPE_I16 ? 15 : 20;
    p->a = tenon_multiplier_from_double(a / twice);
    p->b = tenon_multiplier_from_double(b / twice);
    p->out = tenon_multiplier_from_double(twice / ((double)(1 << p->left_shift) * out));
}

/* TFLite squared_difference.cc: both to twice the larger scale, shifted left by 7. */
static void init_squared_difference(struct tenon_pair *p, double a, double b, double out) {
    double twice = 2 * fmax(a, b);
    p->left_shift = 7;
    p->a = tenon_multiplier_from_double(a / twice);
    p->b = tenon_multiplier_from_double(b / twice);
    p->out =
        tenon_multiplier_from_double(twice * twice / ((double)(1 << (p->left_shift * 2)) * out));
}

void tenon_pair_init(struct tenon_pair *p, const struct tenon_op_call *call) {
    const struct tenon_desc *a = tenon_in(call, 0), *b = tenon_in(call, 1);
    const struct tenon_desc *out = tenon_out(call, 0);
    float sa = tenon_desc_scale(a), sb = tenon_desc_scale(b), so = tenon_desc_scale(out);
    enum tenon_activation activation = (enum tenon_activation)call->attrs->activation;
    *p = (struct tenon_pair){.op = call->op,
                             .rounding = call->rounding,
                             .type = a->type,
                             .zero_a = tenon_desc_zero_point(a),
                             .zero_b = tenon_desc_zero_point(b),
                             .zero_out = tenon_desc_zero_point(out)};
    tenon_activation_range(activation, out, &p->low, &p->high);
    tenon_activation_range_f32(activation, &p->low_f32, &p->high_f32);
    if (call->op == TENON_OP_SQUARED_DIFFERENCE)
        init_squared_difference(p, (double)sa, (double)sb, (double)so);
    else if (call->op == TENON_OP_MUL)
        p->out = tenon_multiplier_from_double((double)(sa * sb / so));
    else if (call->op == TENON_OP_DIV)
        p->out = tenon_multiplier_from_double((double)(sa / (sb * so)));
    else
        init_sum(p, (double)sa, (double)sb, (double)so);
}

static int32_t scaled(int32_t value, int32_t left_shift, const struct tenon_multiplier *m,
                      enum tenon_rounding rounding) {
    return tenon_requantize((int32_t)((uint32_t)value << left_shift), m, rounding);
}

/* Leading bits that equal the sign, without the sign itself. */
static int32_t headroom_of(int32_t x) {
    uint32_t bits = (uint32_t)(x < 0 ? ~x : x);
    return bits == 0 ? 31 : __builtin_clz(bits) - 1;
}

/* TFLite reference/div.h: a fixed-point reciprocal of the divisor, then two multiplies. b != 0. */
static int32_t quotient(const struct tenon_pair *p, int32_t a, int32_t b) {
    int32_t bits_over_unit, headroom = headroom_of(a);
    int32_t reciprocal = tenon_fixed_reciprocal(b < 0 ? -b : b, 31, &bits_over_unit);
    int32_t unscaled = tenon_doubling_high_multiply((int32_t)((uint32_t)a << headroom),
                                                    b < 0 ? -reciprocal : reciprocal);
    int32_t shift = bits_over_unit + headroom - p->out.shift;
    int32_t product = tenon_doubling_high_multiply(unscaled, p->out.multiplier);
    return shift > 31 ? 0 : tenon_rounding_shift_right(product, shift < 0 ? 0 : shift);
}

int32_t tenon_pair_combine(const struct tenon_pair *p, int32_t a, int32_t b) {
    if (p->op == TENON_OP_MINIMUM)
        return a < b ? a : b;
    if (p->op == TENON_OP_MAXIMUM)
        return a > b ? a : b;
    a -= p->zero_a;
    b -= p->zero_b;
    int32_t raw;
    if (p->op == TENON_OP_MUL) {
        raw = tenon_requantize(a * b, &p->out, p->rounding);
    } else if (p->op == TENON_OP_DIV) {
        raw = quotient(p, a, b);
    } else {
        a = scaled(a, p->left_shift, &p->a, p->rounding);
        b = scaled(b, p->left_shift, &p->b, p->rounding);
        if (p->op == TENON_OP_SQUARED_DIFFERENCE) {
            int32_t difference = a - b;
            raw = tenon_requantize((int32_t)((uint32_t)difference * (uint32_t)difference), &p->out,
                                   p->rounding);
        } else {
            raw = tenon_requantize(p->op == TENON_OP_ADD ? a + b : a - b, &p->out, p->rounding);
        }
    }
    int64_t value = (int64_t)raw + p->zero_out;
    return value < p->low ? p->low : value > p->high ? p->high : (int32_t)value;
}

static float combine_f32(const struct tenon_pair *p, float a, float b) {
    float value = 0;
    if (p->op == TENON_OP_ADD)
        value = a + b;
    else if (p->op == TENON_OP_SUB)
        value = a - b;
    else if (p->op == TENON_OP_MUL)
        value = a * b;
    else if (p->op == TENON_OP_DIV)
        value = a / b;
    else if (p->op == TENON_OP_MINIMUM)
        return a < b ? a : b;
    else if (p->op == TENON_OP_MAXIMUM)
        return a > b ? a : b;
    else
        return (a - b) * (a - b);
    return tenon_clamp_f32(value, p->low_f32, p->high_f32);
}

/* Plain integers of 32 and 64 bits: wrapping arithmetic. */
static int64_t combine_plain(const struct tenon_pair *p, int64_t a, int64_t b) {
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    if (p->op == TENON_OP_ADD)
        return (int64_t)(x + y);
    if (p->op == TENON_OP_SUB)
        return (int64_t)(x - y);
    if (p->op == TENON_OP_MUL)
        return (int64_t)(x * y);
    if (p->op == TENON_OP_DIV)
        return b == -1 ? (int64_t)(0 - x) : a / b;
    if (p->op == TENON_OP_MINIMUM)
        return a < b ? a : b;
    if (p->op == TENON_OP_MAXIMUM)
        return a > b ? a : b;
    if (p->op == TENON_OP_LOGICAL_AND)
        return a != 0 && b != 0;
    if (p->op == TENON_OP_LOGICAL_OR)
        return a != 0 || b != 0;
    return (int64_t)((x - y) * (x - y));
}

static int64_t wrap(enum tenon_type type, int64_t value) {
    return type == TENON_TYPE_I32 ? (int32_t)(uint32_t)(uint64_t)value : value;
}

static int64_t clamp_plain(const struct tenon_pair *p, int64_t value) {
    if (!is_arithmetic(p->op) && p->op != TENON_OP_DIV)
        return value;
    if (p->low_f32 > -INFINITY && value < (int64_t)p->low_f32)
        return (int64_t)p->low_f32;
    return p->high_f32 < INFINITY && value > (int64_t)p->high_f32 ? (int64_t)p->high_f32 : value;
}

static int64_t load(enum tenon_type type, const void *data, size_t i) {
    switch (tenon_type_bit_count(type)) {
    case 8:
        return type == TENON_TYPE_I8 ? ((const int8_t *)data)[i] : ((const uint8_t *)data)[i];
    case 16:
        return ((const int16_t *)data)[i];
    case 32:
        return ((const int32_t *)data)[i];
    default:
        return ((const int64_t *)data)[i];
    }
}

static void store(enum tenon_type type, void *data, size_t i, int64_t value) {
    switch (tenon_type_bit_count(type)) {
    case 8:
        ((uint8_t *)data)[i] = (uint8_t)value;
        break;
    case 16:
        ((int16_t *)data)[i] = (int16_t)value;
        break;
    case 32:
        ((int32_t *)data)[i] = (int32_t)value;
        break;
    default:
        ((int64_t *)data)[i] = value;
        break;
    }
}

/* False: a division by zero. */
static bool one_element(const struct tenon_pair *p, const void *a, size_t ai, const void *b,
                        size_t bi, void *out, size_t i) {
    if (p->type == TENON_TYPE_F32) {
        ((float *)out)[i] = combine_f32(p, ((const float *)a)[ai], ((const float *)b)[bi]);
        return true;
    }
    int64_t x = load(p->type, a, ai), y = load(p->type, b, bi), value;
    if (p->op == TENON_OP_DIV && y == (is_small(p->type) ? p->zero_b : 0))
        return false;
    if (is_small(p->type))
        value = tenon_pair_combine(p, (int32_t)x, (int32_t)y);
    else
        value = clamp_plain(p, wrap(p->type, combine_plain(p, x, y)));
    store(p->type, out, i, value);
    return true;
}

static enum tenon_status run(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_shape *shapes[] = {&tenon_in(call, 0)->shape, &tenon_in(call, 1)->shape};
    struct tenon_broadcast broadcast;
    struct tenon_pair p;
    int32_t index[TENON_MAX_RANK] = {0};
    size_t offsets[2] = {0}, count = tenon_desc_element_count(tenon_out(call, 0));
    tenon_pair_init(&p, call);
    tenon_broadcast_init(&broadcast, &tenon_out(call, 0)->shape, shapes, 2);
    for (size_t i = 0; i < count; i++) {
        if (!one_element(&p, tenon_in_data(call, 0), offsets[0], tenon_in_data(call, 1), offsets[1],
                         call->outputs[0].data, i))
            return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "element %zu divides by zero",
                              i);
        tenon_broadcast_next(&broadcast, index, offsets, 2);
    }
    return TENON_OK;
}

/* One loop for all: the pair knows the operator. */
#define DEFINE_REFERENCE(name)                                                 \
    enum tenon_status tenon_reference_##name(const struct tenon_op_call *call, \
                                             struct tenon_error *error) {      \
        return run(call, error);                                               \
    }
DEFINE_REFERENCE(add)
DEFINE_REFERENCE(sub)
DEFINE_REFERENCE(mul)
DEFINE_REFERENCE(div)
DEFINE_REFERENCE(minimum)
DEFINE_REFERENCE(maximum)
DEFINE_REFERENCE(squared_difference)
DEFINE_REFERENCE(logical)
