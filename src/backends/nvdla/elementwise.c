/*
 * Element-wise operators by SDP alone. One operand of 8 bits has 256 values and two have 65,536
 * pairs: whatever SDP would compute is compared with the reference kernel for every one of them
 * before a node is taken.
 */
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include "backend/requantize_pair.h"
#include "backends/nvdla/line.h"
#include "backends/nvdla/lower.h"
#include "op/binary.h"

enum { VALUES = 256, PAIRS = VALUES * VALUES };

struct elementwise {
    struct nvdla_sdp sdp;        /* without cubes */
    bool view;                   /* nothing is computed */
    const void *sum;             /* not NULL: an exact sum, see add.c */
    bool binary;                 /* reads memory besides the source */
    uint32_t source;             /* which input comes from memory */
    uint32_t bs_input, bn_input; /* which one BS and BN read, where their source is ELEMENT */
    int32_t low, high;           /* a clamp of its own when above -128 or below 127 */
    const int16_t *factors;      /* not NULL: BN's, per channel */
};

/* ---- what the reference kernel says ---- */

/* Runs a node's operator on other operands of the same types and quantization: `count` elements. */
static bool run_reference(struct nvdla_node *node, const int8_t *a, const int8_t *b, int32_t count,
                          int8_t *result) {
    struct tenon_desc descs[3];
    struct tenon_operand inputs[2] = {{&descs[0], (void *)a}, {&descs[1], (void *)b}};
    struct tenon_operand output = {&descs[2], result};
    struct tenon_error error;
    struct tenon_op_call call = node->call;
    for (int i = 0; i < 3; i++) {
        descs[i] = i == 2
                       ? *tenon_out(&node->call, 0)
                       : *tenon_in(&node->call, (uint32_t)i < call.input_count ? (uint32_t)i : 0);
        descs[i].shape = (struct tenon_shape){.rank = 1, .dims = {count}};
    }
    call.inputs = inputs;
    call.outputs = &output;
    return tenon_op_infer(&call, &error) == TENON_OK &&
           tenon_op_run_reference(&call, &error) == TENON_OK;
}

/* ---- what SDP computes ---- */

static int32_t convert(const struct nvdla_sdp *sdp, int64_t x) {
    int64_t y = tenon_shift_half_away((x - sdp->cvt_offset) * sdp->cvt_scale, sdp->cvt_shift);
    return (int32_t)(y < -128 ? -128 : y > 127 ? 127 : y);
}

static int32_t compute(const struct elementwise *e, int32_t a, int32_t b) {
    const struct nvdla_stage *bs = &e->sdp.bs, *bn = &e->sdp.bn;
    const struct tenon_pair_shifts shifts = {.add1 = bs->alu_shift,
                                             .mul1 = bs->mul_shift,
                                             .add2 = bn->alu_shift,
                                             .mul2 = bn->mul_shift,
                                             .post = 1};
    const struct tenon_pair_operands operands = {
        bs->alu_value, bs->mul_value, e->binary ? (int16_t)b : bn->alu_value, bn->mul_value};
    int32_t value = convert(&e->sdp, tenon_pair_apply(&shifts, &operands, a));
    return tenon_clamp_i32(value, e->low, e->high);
}

/* The largest difference from the reference kernel over all operands; -1: it cannot be known. */
static int32_t largest_difference(struct nvdla_node *node, const struct elementwise *e) {
    int32_t count = e->binary ? PAIRS : VALUES, largest = 0;
    int8_t *memory = tenon_arena_alloc(node->arena, 3 * (size_t)count);
    if (memory == NULL)
        return -1;
    int8_t *a = memory, *b = memory + count, *wanted = memory + 2 * (size_t)count;
    for (int32_t i = 0; i < count; i++) {
        a[i] = (int8_t)(i % VALUES - 128);
        b[i] = (int8_t)(i / VALUES - 128);
    }
    if (!run_reference(node, a, b, count, wanted))
        return -1;
    for (int32_t i = 0; i < count; i++) {
        int32_t difference = abs(compute(e, a[i], b[i]) - wanted[i]);
        largest = difference > largest ? difference : largest;
    }
    return largest;
}

static void *accept(struct nvdla_node *node, struct elementwise *e) {
    if (node->estimate)
        return e;
    int32_t difference = largest_difference(node, e);
    int32_t allowed = node->target->numerics == TENON_NUMERICS_WITHIN_1 ? 1 : 0;
    if (difference >= 0 && difference <= allowed)
        return e;
    if (difference == 1)
        return tenon_nvdla_refuse(node, "results would differ by 1 for some operands");
    return tenon_nvdla_refuse(node, "results would differ by %d for some operands", difference);
}

static bool check_operands(struct nvdla_node *node, uint32_t inputs) {
    struct nvdla_shape shape, out;
    if (!tenon_nvdla_check_tensor(node, tenon_out(&node->call, 0), "the output", &out))
        return false;
    for (uint32_t i = 0; i < inputs; i++) {
        if (!tenon_nvdla_check_tensor(node, tenon_in(&node->call, i), "an input", &shape))
            return false;
        if (memcmp(&shape, &out, sizeof(shape)) != 0)
            return tenon_nvdla_refuse(node, "operands of different shapes");
    }
    return true;
}

/* ---- one operand ---- */

/* Rescaling and a clamp: quantize from i8 to i8, and the activations that only clamp. */
void *tenon_nvdla_plan_rescale(struct nvdla_node *node) {
    const struct tenon_desc *in = tenon_in(&node->call, 0), *out = tenon_out(&node->call, 0);
    int32_t zero_in = tenon_desc_zero_point(in), zero_out = tenon_desc_zero_point(out);
    struct elementwise *e = tenon_arena_alloc(node->arena, sizeof(*e));
    struct tenon_pair_operands operands;
    struct tenon_pair_solution solution;
    if (e == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!check_operands(node, 1))
        return NULL;
    const struct tenon_pair_channel channel = {
        .multiplier = tenon_multiplier_from_double((double)tenon_desc_scale(in) /
                                                   (double)tenon_desc_scale(out)),
        .bias = -zero_in,
        .low = -128,
        .high = 127};
    const struct tenon_pair_problem problem = {.channels = &channel,
                                               .count = 1,
                                               .rounding = node->call.rounding,
                                               .out_low = -128 - zero_out,
                                               .out_high = 127 - zero_out,
                                               .center = -zero_out};
    enum tenon_pair_mode mode =
        node->target->numerics == TENON_NUMERICS_EXACT ? TENON_PAIR_EXACT : TENON_PAIR_NEAR;
    if (!tenon_pair_solve(&problem, mode, &operands, &solution))
        return tenon_nvdla_refuse(node, "the rescaling has no exact form");
    *e = (struct elementwise){.sdp = {.bs = {.alu = NVDLA_ALU_ADD,
                                             .mul = true,
                                             .alu_shift = solution.shifts.add1,
                                             .mul_shift = solution.shifts.mul1,
                                             .alu_value = operands.add1,
                                             .mul_value = operands.mul1},
                                      .bn = {.alu = NVDLA_ALU_ADD,
                                             .mul = true,
                                             .alu_shift = solution.shifts.add2,
                                             .mul_shift = solution.shifts.mul2,
                                             .alu_value = operands.add2,
                                             .mul_value = operands.mul2},
                                      .cvt_scale = 1},
                              .low = -128,
                              .high = 127};
    if (node->call.op == TENON_OP_RELU)
        e->low = zero_out;
    else if (node->call.op == TENON_OP_RELU6)
        tenon_activation_range(TENON_ACTIVATION_RELU6, out, &e->low, &e->high);
    else if (node->call.op == TENON_OP_RELU_N1_TO_1)
        tenon_activation_range(TENON_ACTIVATION_RELU_N1_TO_1, out, &e->low, &e->high);
    return accept(node, e);
}

/* Between u8 and i8 of the same scale, with zero points 128 apart, nothing but the top bit differs:
 * see tenon_nvdla_is_view. */
static bool is_flip(const struct tenon_desc *a, const struct tenon_desc *b) {
    int32_t apart = a->type == TENON_TYPE_U8 ? 128 : -128;
    return (a->type == TENON_TYPE_U8 || a->type == TENON_TYPE_I8) &&
           (b->type == TENON_TYPE_U8 || b->type == TENON_TYPE_I8) && a->type != b->type &&
           a->quant.count == 1 && b->quant.count == 1 &&
           tenon_desc_scale(a) == tenon_desc_scale(b) &&
           tenon_desc_zero_point(a) - tenon_desc_zero_point(b) == apart;
}

void *tenon_nvdla_plan_quantize(struct nvdla_node *node) {
    const struct tenon_desc *in = tenon_in(&node->call, 0), *out = tenon_out(&node->call, 0);
    if (in->type == out->type)
        return tenon_nvdla_plan_rescale(node);
    struct nvdla_shape shape;
    struct elementwise *e = tenon_arena_alloc(node->arena, sizeof(*e));
    if (e == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!is_flip(in, out))
        return tenon_nvdla_refuse(node, "%s to %s: only the same scale, zero points 128 apart",
                                  tenon_type_text(in->type), tenon_type_text(out->type));
    const struct tenon_desc *narrow = in->type == TENON_TYPE_I8 ? in : out;
    e->view = true;
    return tenon_nvdla_check_tensor(node, narrow, "the operand", &shape) ? e : NULL;
}

/* ---- addition ---- */

/*
 * BS: (a - zero_a) * mul1, in units where b is shifted by alu_shift; BN adds b and multiplies into
 * units of 2^-FRACTION of the output; CVT takes the zero points and rounds. mul1 and mul2 have 15
 * bits each, which is why some sums near a half go the other way.
 */
static void set_addition(struct nvdla_node *node, struct elementwise *e) {
    enum { FRACTION = 20, ADD_SHIFT_MAX = 21 };
    const struct tenon_desc *a = tenon_in(&node->call, 0), *b = tenon_in(&node->call, 1);
    const struct tenon_desc *out = tenon_out(&node->call, 0);
    double ratio = (double)tenon_desc_scale(a) / (double)tenon_desc_scale(b);
    double gain = (double)tenon_desc_scale(b) / (double)tenon_desc_scale(out);
    int shift = (int)floor(log2(INT16_MAX / ratio));
    shift = shift > ADD_SHIFT_MAX ? ADD_SHIFT_MAX : shift < 0 ? 0 : shift;
    double unit = ldexp(gain, FRACTION - shift); /* of BN's multiplication */
    int mul2_shift = (int)floor(log2(INT16_MAX / unit));
    mul2_shift = mul2_shift < 0 ? 0 : mul2_shift > 60 ? 60 : mul2_shift;
    double mul1 = nearbyint(ldexp(ratio, shift)), mul2 = nearbyint(ldexp(unit, mul2_shift));
    double zero = (double)tenon_desc_zero_point(b) * gain - tenon_desc_zero_point(out);
    e->binary = true;
    e->bn_input = 1;
    e->sdp = (struct nvdla_sdp){
        .bs = {.alu = NVDLA_ALU_ADD,
               .mul = true,
               .alu_value = (int16_t)-tenon_desc_zero_point(a),
               .mul_value = (int16_t)fmin(mul1, INT16_MAX)},
        .bn = {.alu = NVDLA_ALU_ADD,
               .mul = true,
               .alu_source = NVDLA_OPERAND_ELEMENT,
               .alu_shift = (uint32_t)shift,
               .mul_shift = (uint32_t)mul2_shift,
               .mul_value = (int16_t)fmin(mul2, INT16_MAX)},
        .cvt_offset = (int32_t)fmin(fmax(nearbyint(ldexp(zero, FRACTION)), INT32_MIN), INT32_MAX),
        .cvt_scale = 1,
        .cvt_shift = FRACTION,
    };
}

void *tenon_nvdla_plan_add(struct nvdla_node *node) {
    struct elementwise *e = tenon_arena_alloc(node->arena, sizeof(*e));
    if (e == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!check_operands(node, 2))
        return NULL;
    e->sum = tenon_nvdla_plan_sum(node);
    if (e->sum != NULL || node->call.op != TENON_OP_ADD ||
        node->target->numerics == TENON_NUMERICS_EXACT)
        return e->sum != NULL ? e : NULL;
    set_addition(node, e);
    tenon_activation_range((enum tenon_activation)node->call.attrs->activation,
                           tenon_out(&node->call, 0), &e->low, &e->high);
    return accept(node, e);
}

/* ---- the larger, the smaller ---- */

/* Elements are compared as they are: the quantization is one for all. */
void *tenon_nvdla_plan_extreme(struct nvdla_node *node) {
    struct elementwise *e = tenon_arena_alloc(node->arena, sizeof(*e));
    if (e == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!check_operands(node, 2))
        return NULL;
    bool most = node->call.op == TENON_OP_MAXIMUM;
    *e = (struct elementwise){
        .sdp = {.bs = {.alu = most ? NVDLA_ALU_MAX : NVDLA_ALU_MIN,
                       .alu_source = NVDLA_OPERAND_ELEMENT},
                .cvt_scale = 1},
        .binary = true,
        .bs_input = 1,
        .low = -128,
        .high = 127,
    };
    return e;
}

/* ---- products ---- */

/*
 * BS multiplies (x - zero_x) by y as it is; what y's zero point is short of, BN adds: x shifted
 * left where that zero point is a negative power of 2. sums = (x - zero_x) * (y - zero_y) +
 * constant.
 */
struct product {
    struct tenon_pair pair;
    uint32_t x, y; /* inputs */
    int32_t zero_x, zero_y, shift, constant;
};

/* log2(-zero) where that is a whole number; -1 for 0; otherwise false. */
static bool shift_of(int32_t zero, int32_t *shift) {
    *shift = zero == 0 ? -1 : __builtin_ctz((uint32_t)-zero);
    return zero == 0 || (zero < 0 && -zero == 1 << *shift);
}

static bool choose_factors(struct product *p) {
    for (p->y = 0; p->y < 2; p->y++) {
        p->x = 1 - p->y;
        p->zero_x = p->x == 0 ? p->pair.zero_a : p->pair.zero_b;
        p->zero_y = p->y == 0 ? p->pair.zero_a : p->pair.zero_b;
        if (shift_of(p->zero_y, &p->shift)) {
            p->constant = p->shift < 0 ? 0 : p->zero_x * (1 << p->shift);
            return true;
        }
    }
    return false;
}

static int32_t product_result(const struct product *p, int32_t value) {
    int32_t result = tenon_requantize(value, &p->pair.out, p->pair.rounding);
    result = tenon_clamp_i32(result, -1024, 1024) + p->pair.zero_out;
    return tenon_clamp_i32(result, p->pair.low, p->pair.high);
}

/* Where each result begins, asked of every whole number between the outermost products. */
static void find_line(const struct product *p, struct nvdla_line *line) {
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (int32_t x = -128; x <= 127; x += 255)
        for (int32_t y = -128; y <= 127; y += 255) {
            int32_t value = (x - p->zero_x) * (y - p->zero_y);
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
    int32_t now = product_result(p, least);
    *line = (struct nvdla_line){.low = now,
                                .high = product_result(p, most),
                                .first = (int64_t)least + p->constant,
                                .last = (int64_t)most + p->constant,
                                .clamp_low = p->pair.low,
                                .clamp_high = p->pair.high};
    line->relu = p->pair.low > -128 && p->pair.low == p->pair.zero_out && p->constant == 0;
    for (int32_t value = least + 1; now < line->high; value++)
        for (int32_t next = product_result(p, value); now < next; now++) {
            line->under[now - line->low] = (int64_t)value - 1 + p->constant;
            line->at[now - line->low] = (int64_t)value + p->constant;
        }
}

static void set_product(const struct product *p, const struct nvdla_factors *f,
                        struct elementwise *e) {
    e->binary = true;
    e->source = p->x;
    e->bs_input = p->y;
    e->bn_input = p->x;
    e->sdp = (struct nvdla_sdp){
        .bs = {.alu = NVDLA_ALU_ADD,
               .alu_value = (int16_t)-p->zero_x,
               .mul = true,
               .mul_source = NVDLA_OPERAND_ELEMENT},
        .bn = {.mul = true, .mul_value = f->mul, .mul_shift = f->mul_shift, .relu = f->relu},
        .cvt_offset = f->offset,
        .cvt_scale = f->scale,
        .cvt_shift = f->scale_shift,
    };
    if (p->shift >= 0) {
        e->sdp.bn.alu = NVDLA_ALU_ADD;
        e->sdp.bn.alu_source = NVDLA_OPERAND_ELEMENT;
        e->sdp.bn.alu_shift = (uint32_t)p->shift;
    }
}

void *tenon_nvdla_plan_multiply(struct nvdla_node *node) {
    struct elementwise *e = tenon_arena_alloc(node->arena, sizeof(*e));
    struct product p;
    struct nvdla_line line;
    struct nvdla_factors factors = {.mul = 0};
    if (e == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!check_operands(node, 2))
        return NULL;
    tenon_pair_init(&p.pair, &node->call);
    if (!choose_factors(&p))
        return tenon_nvdla_refuse(node,
                                  "zero points %d and %d: one has to be 0 or a negative "
                                  "power of 2",
                                  p.pair.zero_a, p.pair.zero_b);
    if (!node->estimate) {
        double pitch = ldexp(1.0 / p.pair.out.multiplier, 31 - p.pair.out.shift);
        find_line(&p, &line);
        bool solved = tenon_nvdla_line_solve(&line, pitch, &factors);
        if (!solved && node->target->numerics == TENON_NUMERICS_WITHIN_1) {
            p.pair.rounding = TENON_ROUNDING_SINGLE; /* within 1 of the others */
            find_line(&p, &line);
            solved = tenon_nvdla_line_solve(&line, pitch, &factors);
        }
        if (!solved)
            return tenon_nvdla_refuse(node, "the product has no exact form; --numerics within-1 "
                                            "allows differences of 1");
    }
    set_product(&p, &factors, e);
    e->low = factors.relu ? -128 : p.pair.low;
    e->high = p.pair.high;
    return e;
}

/* ---- leaky ReLU and PReLU ---- */

/*
 * BS shifts x - zero_in left; BN, as PReLU, multiplies the negative ones; CVT's factor is that of
 * the positive ones. With 15 bits each, factors next to the right ones and other offsets are tried
 * until all 256 elements are as the reference kernel has them, for every slope that there is.
 */
enum { SLOPE_FRACTION = 14, SLOPE_LIMIT = 256 };

struct slopes {
    uint32_t count;
    int32_t allowed;               /* the largest difference */
    double alpha[VALUES];          /* distinct slopes, */
    int16_t factors[VALUES];       /* what BN multiplies by for them, */
    int8_t wanted[VALUES][VALUES]; /* and what is to come out */
};

static int32_t slope_result(const struct nvdla_sdp *sdp, int16_t factor, int32_t x) {
    int64_t y = (int64_t)(x + sdp->bs.alu_value) * (1 << SLOPE_FRACTION);
    if (y < 0)
        y = tenon_shift_half_away(y * factor, sdp->bn.mul_shift);
    return convert(sdp, y);
}

/* Elements below the zero point, which are multiplied by `factor`, or the others. */
static bool slope_agrees(const struct nvdla_sdp *sdp, const struct slopes *s, uint32_t i,
                         int16_t factor, bool negative) {
    int32_t zero = -sdp->bs.alu_value;
    for (int32_t x = negative ? -128 : zero; x < (negative ? zero : 128); x++)
        if (abs(slope_result(sdp, factor, x) - s->wanted[i][x + 128]) > s->allowed)
            return false;
    return true;
}

/* BN's factor for slope i, when the positive side is right. */
static bool search_factor(const struct nvdla_sdp *sdp, struct slopes *s, uint32_t i) {
    enum { NEAR = 6 };
    double best = nearbyint(ldexp(s->alpha[i], (int)sdp->bn.mul_shift));
    for (int32_t d = 0; d <= 2 * NEAR; d++) {
        double factor = best + (d % 2 == 0 ? -(d / 2) : d / 2 + 1);
        s->factors[i] = (int16_t)fmax(fmin(factor, INT16_MAX), INT16_MIN);
        if (slope_agrees(sdp, s, i, s->factors[i], true))
            return true;
    }
    return false;
}

static bool search_factors(const struct nvdla_sdp *sdp, struct slopes *s) {
    for (uint32_t i = 0; i < s->count; i++)
        if (!search_factor(sdp, s, i))
            return false;
    return true;
}

static bool search_slopes(struct nvdla_sdp *sdp, struct slopes *s, double gain, int32_t zero_out) {
    static const int16_t nudges[] = {0, 16, -16, 128, -128, 512, -512, 2048, -2048};
    enum { NEAR = 8 };
    int shift = SLOPE_FRACTION + 14 - ilogb(gain);
    sdp->cvt_shift = (uint32_t)shift;
    double best = nearbyint(ldexp(gain, shift - SLOPE_FRACTION));
    for (int32_t d = 0; d <= 2 * NEAR; d++)
        for (size_t n = 0; n < TENON_COUNT_OF(nudges); n++) {
            double scale = fmin(best + (d % 2 == 0 ? -(d / 2) : d / 2 + 1), INT16_MAX);
            double offset = nearbyint(-zero_out * ldexp(1, shift) / scale) - nudges[n];
            sdp->cvt_scale = (int16_t)scale;
            sdp->cvt_offset = (int32_t)offset;
            if (fabs(offset) < INT32_MAX && slope_agrees(sdp, s, 0, 0, false) &&
                search_factors(sdp, s))
                return true;
        }
    return false;
}

/* Everything but where BN's factors are. */
static bool plan_slopes(struct nvdla_node *node, struct elementwise *e, struct slopes *s) {
    const struct tenon_desc *in = tenon_in(&node->call, 0), *out = tenon_out(&node->call, 0);
    double gain = (double)tenon_desc_scale(in) / (double)tenon_desc_scale(out);
    double steepest = 1.0 / (1 << 16);
    for (uint32_t i = 0; i < s->count; i++)
        steepest = fmax(steepest, fabs(s->alpha[i]));
    /* Within these limits, and SLOPE_LIMIT, all shifts are those of registers. */
    if (!(gain > 1.0 / 1024 && gain < 1024))
        return tenon_nvdla_refuse(node, "a factor of %g", gain);
    *e = (struct elementwise){
        .sdp = {.bs = {.alu = NVDLA_ALU_ADD,
                       .alu_value = (int16_t)-tenon_desc_zero_point(in),
                       .mul = true,
                       .mul_value = 1 << SLOPE_FRACTION},
                .bn = {.mul = true, .prelu = true, .mul_shift = (uint32_t)(14 - ilogb(steepest))},
                .cvt_scale = 1},
        .low = -128,
        .high = 127,
    };
    if (node->estimate)
        return true;
    bool exact = node->target->numerics == TENON_NUMERICS_EXACT;
    for (s->allowed = 0; s->allowed <= (exact ? 0 : 1); s->allowed++)
        if (search_slopes(&e->sdp, s, gain, tenon_desc_zero_point(out)))
            return true;
    return tenon_nvdla_refuse(node, "no factors of 16 bits give every element%s",
                              exact ? "; --numerics within-1 allows differences of 1" : "");
}

/* `constant` is the slope's element in the operand of slopes, where there is one. */
static bool add_slope(struct nvdla_node *node, struct slopes *s, double alpha, int8_t constant) {
    int8_t inputs[VALUES], constants[VALUES];
    for (int32_t i = 0; i < VALUES; i++)
        inputs[i] = (int8_t)(i - 128);
    memset(constants, constant, sizeof(constants));
    if (!(fabs(alpha) < SLOPE_LIMIT))
        return tenon_nvdla_refuse(node, "a slope of %g", alpha);
    s->alpha[s->count] = alpha;
    return run_reference(node, inputs, constants, VALUES, s->wanted[s->count++]) ||
           tenon_nvdla_refuse(node, "the reference kernel refuses it");
}

void *tenon_nvdla_plan_leaky(struct nvdla_node *node) {
    struct elementwise *e = tenon_arena_alloc(node->arena, sizeof(*e));
    struct slopes *s = tenon_arena_alloc(node->arena, sizeof(*s));
    if (e == NULL || s == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!check_operands(node, 1))
        return NULL;
    if (!add_slope(node, s, (double)node->call.attrs->alpha, 0) || !plan_slopes(node, e, s))
        return NULL;
    e->sdp.bn.mul_value = s->factors[0];
    return e;
}

/* Slopes are told apart by their bytes. */
static bool collect_slopes(struct nvdla_node *node, struct slopes *s, uint32_t channels,
                           uint8_t *which) {
    const struct tenon_desc *desc = tenon_in(&node->call, 1);
    const int8_t *data = tenon_in_data(&node->call, 1);
    int16_t known[VALUES] = {0}; /* 1 + the slope's number */
    for (uint32_t c = 0; c < channels; c++) {
        int16_t *number = &known[data[c] + 128];
        double alpha = (data[c] - tenon_desc_zero_point(desc)) * (double)tenon_desc_scale(desc);
        if (*number == 0 && !add_slope(node, s, alpha, data[c]))
            return false;
        *number = *number == 0 ? (int16_t)s->count : *number;
        which[c] = (uint8_t)(*number - 1);
    }
    return true;
}

void *tenon_nvdla_plan_prelu(struct nvdla_node *node) {
    struct nvdla_shape shape = {1, 1, 1, 1}, of_slopes;
    struct elementwise *e = tenon_arena_alloc(node->arena, sizeof(*e));
    struct slopes *s = tenon_arena_alloc(node->arena, sizeof(*s));
    if (!check_operands(node, 1) ||
        !tenon_nvdla_check_tensor(node, tenon_in(&node->call, 1), "the slope", &of_slopes))
        return NULL;
    if (tenon_in_data(&node->call, 1) == NULL)
        return tenon_nvdla_refuse(node, "the slope is not constant");
    if (of_slopes.batches != 1 || of_slopes.height != 1 || of_slopes.width != 1)
        return tenon_nvdla_refuse(node, "slopes that are not one for all or one per channel");
    (void)tenon_nvdla_shape_of(tenon_out(&node->call, 0), &shape);
    uint8_t *which = tenon_arena_alloc(node->arena, of_slopes.channels);
    int16_t *factors = tenon_arena_alloc_array(node->arena, shape.channels, sizeof(*factors));
    if (e == NULL || s == NULL || which == NULL || factors == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!collect_slopes(node, s, of_slopes.channels, which) || !plan_slopes(node, e, s))
        return NULL;
    for (uint32_t c = 0; c < shape.channels; c++)
        factors[c] = s->factors[which[of_slopes.channels == 1 ? 0 : c]];
    e->sdp.bn.mul_source = NVDLA_OPERAND_CHANNEL;
    e->factors = factors;
    return e;
}

/* Of whole atoms. */
static uint64_t append_factors(struct nvdla_lowering *l, const int16_t *factors,
                               uint32_t channels) {
    struct tenon_strbuf *data = l->out->data;
    size_t atom = 2 * (size_t)l->config->atom_bytes;
    tenon_strbuf_align(data, atom);
    uint64_t offset = data->size - l->out->data_base;
    for (uint32_t c = 0; c < channels; c++)
        tenon_strbuf_append_le16(data, (uint16_t)factors[c]);
    tenon_strbuf_align(data, atom);
    return offset;
}

/* ---- emission ---- */

void tenon_nvdla_emit_elementwise(struct nvdla_lowering *l, const struct nvdla_node *node,
                                  const void *plan) {
    const struct elementwise *e = plan;
    struct nvdla_shape shape = {1, 1, 1, 1};
    if (e->view) {
        tenon_nvdla_emit_reshape(l, node, plan);
        return;
    }
    if (e->sum != NULL) {
        tenon_nvdla_emit_sum(l, node, e->sum);
        return;
    }
    (void)tenon_nvdla_shape_of(tenon_out(&node->call, 0), &shape);
    uint64_t factors = e->factors == NULL ? 0 : append_factors(l, e->factors, shape.channels);
    for (uint32_t b = 0; b < shape.batches; b++) {
        struct nvdla_sdp sdp = e->sdp;
        sdp.bn.channel_offset = factors;
        struct nvdla_cube in = tenon_nvdla_input(l, node, e->source, b);
        sdp.dest = tenon_nvdla_output(l, node, 0, b);
        if (e->binary) {
            sdp.bs.elements = tenon_nvdla_input(l, node, e->bs_input, b);
            sdp.bn.elements = tenon_nvdla_input(l, node, e->bn_input, b);
        }
        tenon_nvdla_program_sdp(&l->program, &sdp, &in);
        if (e->low > -128 || e->high < 127)
            tenon_nvdla_emit_clamp(l, &sdp.dest, e->low, e->high);
    }
}

uint64_t tenon_nvdla_elementwise_cycles(const struct nvdla_node *node, const void *plan) {
    const struct elementwise *e = plan;
    uint64_t elements = tenon_desc_element_count(tenon_out(&node->call, 0));
    if (e->view)
        return 0;
    if (e->sum != NULL)
        return tenon_nvdla_sum_cycles(node, e->sum);
    uint64_t passes = e->low > -128 || e->high < 127 ? 2 : 1;
    return passes * tenon_nvdla_sdp_cycles(node->config, elements);
}

const char *tenon_nvdla_elementwise_kernel(const void *plan) {
    const struct elementwise *e = plan;
    return e->view ? "addresses" : e->sum != NULL ? "conv (sum)" : "sdp";
}
