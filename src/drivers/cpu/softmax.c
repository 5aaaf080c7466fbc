/* The kernel softmax_8: exponentials of the 256 differences from the largest element are computed
 * when the program is loaded; a row then takes table lookups. Cut into rows. */
#include "drivers/cpu/kernels.h"
#include "op/fixed_point.h"

enum { DIFFERENCES = TENON_SOFTMAX_DIFFERENCES, GRAIN_BYTES = 8192, FEW = 64 };

struct softmax {
    int32_t exps[DIFFERENCES];  /* of -index, without integer bits */
    int32_t parts[DIFFERENCES]; /* of sums, with TENON_SOFTMAX_SUM_BITS integer bits */
    bool falling;               /* they never rise with the difference */
    size_t depth, rows;
    uint8_t flip; /* 0x80 where elements are i8 */
};

static enum tenon_status prepare(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *in = &call->operands[0].desc, *out = &call->operands[1].desc;
    struct softmax *s = tenon_arena_alloc(arena, sizeof(*s));
    (void)isa;
    if (s == NULL)
        return tenon_fail_memory(error);
    if (call->op != TENON_OP_SOFTMAX || (TENON_TYPES_QUANTIZED8 >> in->type & 1) == 0 ||
        out->type != in->type)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a kernel of another call");
    tenon_softmax_exps(in, call->attrs.beta, s->exps);
    s->falling = true;
    for (int d = 1; d < DIFFERENCES; d++)
        s->falling &= s->exps[d] <= s->exps[d - 1];
    for (int d = 0; d < DIFFERENCES; d++)
        s->parts[d] = tenon_rounding_shift_right(s->exps[d], TENON_SOFTMAX_SUM_BITS);
    s->flip = in->type == TENON_TYPE_I8 ? 0x80 : 0;
    s->depth = (size_t)in->shape.dims[in->shape.rank - 1];
    s->rows = tenon_desc_element_count(in) / s->depth;
    plan->state = s;
    return TENON_OK;
}

/* What results are computed of. */
struct scale {
    int32_t multiplier, shift;
};

static struct scale scale_of(const struct softmax *s, const uint8_t *in, uint32_t largest) {
    int64_t sum = 0;
    int32_t over_unit;
    for (size_t i = 0; i < s->depth; i++)
        sum += s->parts[largest - (in[i] ^ s->flip)];
    int32_t multiplier = tenon_fixed_reciprocal(sum > INT32_MAX ? INT32_MAX : (int32_t)sum,
                                                TENON_SOFTMAX_SUM_BITS, &over_unit);
    return (struct scale){multiplier, over_unit + 31 - 8};
}

static uint8_t result_of(const struct softmax *s, const struct scale *scale, uint32_t difference) {
    if (scale->shift > 31)
        return s->flip;
    int32_t product = tenon_doubling_high_multiply(scale->multiplier, s->exps[difference]);
    int32_t value = tenon_rounding_shift_right(product, scale->shift < 0 ? 0 : scale->shift);
    return (uint8_t)tenon_clamp_i32(value, 0, UINT8_MAX) ^ s->flip;
}

/* All results up to that of the largest difference, each once. */
static void fill_results(const struct softmax *s, const struct scale *scale, uint32_t differences,
                         uint8_t *results) {
    bool least = false; /* so are all that follow */
    for (uint32_t d = 0; d < differences; d++) {
        results[d] = least ? s->flip : result_of(s, scale, d);
        least = s->falling && results[d] == s->flip;
    }
}

static void run_row(const struct softmax *s, const uint8_t *in, uint8_t *out) {
    uint32_t largest = 0, flip = s->flip;
    for (size_t i = 0; i < s->depth; i++)
        largest = (in[i] ^ flip) > largest ? in[i] ^ flip : largest;
    struct scale scale = scale_of(s, in, largest);
    uint8_t results[DIFFERENCES];
    if (s->depth >= FEW)
        fill_results(s, &scale, largest + 1, results);
    for (size_t i = 0; i < s->depth; i++) {
        uint32_t difference = largest - (in[i] ^ flip);
        out[i] = s->depth >= FEW ? results[difference] : result_of(s, &scale, difference);
    }
}

static void run_rows(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct softmax *s = run->state;
    (void)worker;
    for (size_t row = begin; row < end; row++)
        run_row(s, (const uint8_t *)run->op.inputs[0].data + row * s->depth,
                (uint8_t *)run->op.outputs[0].data + row * s->depth);
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    const struct softmax *s = r->state;
    (void)error;
    tenon_pool_run(r->pool, s->rows, GRAIN_BYTES / s->depth + 1, run_rows, (void *)r);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_softmax_8 = {"softmax_8", false, 0, prepare, run};
