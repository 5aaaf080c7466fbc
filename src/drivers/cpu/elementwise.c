/*
 * Kernels of elements: binary_8 and binary_f32 (add, sub, mul of operands of one shape), and
 * lookup_8 (any function of one 8-bit element: a table of its 256 results, made when the model was
 * compiled).
 */
#include "drivers/cpu/kernels.h"

enum { GRAIN_ELEMENTS = 3000, TABLE_BYTES = 256 };

struct elementwise {
    const struct tenon_isa_kernels *isa;
    struct tenon_binary_8 binary;
    const uint8_t *table;
    bool flips; /* the table is i ^ table[0]: quantizing between u8 and i8 of one scale */
    size_t count;
};

/* The call as the operator table sees it. */
static void describe(const struct tenon_cpu_call *call, struct tenon_operand *operands,
                     struct tenon_op_call *out) {
    for (uint32_t i = 0; i < 3; i++)
        operands[i] = (struct tenon_operand){.desc = &call->operands[i].desc};
    *out = (struct tenon_op_call){
        .op = call->op,
        .rounding = call->rounding,
        .attrs = &call->attrs,
        .input_count = 2,
        .output_count = 1,
        .inputs = operands,
        .outputs = operands + 2,
    };
}

/* Whether no step of the double rule leaves 32 bits: of differences of 8 bits, shifted by 20. */
static bool double_provable(const struct tenon_pair *pair) {
    const int64_t product = 255 * 255, shifted = INT64_C(255) << pair->left_shift;
    if (pair->rounding == TENON_ROUNDING_SINGLE || pair->rounding == TENON_ROUNDING_F32)
        return false;
    if (pair->op == TENON_OP_MUL)
        return tenon_requantize_provable(product, &pair->out);
    return tenon_requantize_provable(shifted, &pair->a) &&
           tenon_requantize_provable(shifted, &pair->b) && pair->a.shift <= 0 &&
           pair->b.shift <= 0 && tenon_requantize_provable(2 * shifted, &pair->out);
}

/* False when there are parameters that are none. */
static bool choose_form(struct tenon_binary_8 *binary, const struct tenon_cpu_call *call) {
    if (call->params.size == 0) {
        binary->form = double_provable(&binary->pair) ? TENON_BINARY_DOUBLE : TENON_BINARY_PLAIN;
        return true;
    }
    binary->form = TENON_BINARY_SUM;
    return call->op != TENON_OP_MUL && tenon_sum_params_read(call->params, &binary->sum);
}

static enum tenon_status prepare_binary(const struct tenon_cpu_call *call,
                                        const struct tenon_isa_kernels *isa,
                                        struct tenon_arena *arena, struct tenon_kernel_plan *plan,
                                        struct tenon_error *error) {
    struct elementwise *e = tenon_arena_alloc(arena, sizeof(*e));
    if (e == NULL)
        return tenon_fail_memory(error);
    bool known = call->op == TENON_OP_ADD || call->op == TENON_OP_SUB || call->op == TENON_OP_MUL;
    if (!known || !tenon_shape_equal(&call->operands[0].desc.shape, &call->operands[1].desc.shape))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a kernel of another call");
    struct tenon_operand operands[3];
    struct tenon_op_call op;
    describe(call, operands, &op);
    tenon_pair_init(&e->binary.pair, &op);
    e->isa = isa;
    e->binary.flip = call->operands[0].desc.type == TENON_TYPE_I8 ? 0x80 : 0;
    if (!choose_form(&e->binary, call))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "parameters of a kernel are malformed");
    e->count = tenon_desc_element_count(&call->operands[0].desc);
    plan->state = e;
    return TENON_OK;
}

static enum tenon_status prepare_binary_8(const struct tenon_cpu_call *call,
                                          const struct tenon_isa_kernels *isa,
                                          struct tenon_arena *arena, struct tenon_kernel_plan *plan,
                                          struct tenon_error *error) {
    if ((TENON_TYPES_QUANTIZED8 >> call->operands[0].desc.type & 1) == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a kernel of another call");
    return prepare_binary(call, isa, arena, plan, error);
}

static enum tenon_status prepare_binary_f32(const struct tenon_cpu_call *call,
                                            const struct tenon_isa_kernels *isa,
                                            struct tenon_arena *arena,
                                            struct tenon_kernel_plan *plan,
                                            struct tenon_error *error) {
    if (call->operands[0].desc.type != TENON_TYPE_F32)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a kernel of another call");
    return prepare_binary(call, isa, arena, plan, error);
}

static bool is_flip(const uint8_t *table) {
    for (int i = 0; i < TABLE_BYTES; i++)
        if (table[i] != (i ^ table[0]))
            return false;
    return true;
}

static enum tenon_status prepare_lookup(const struct tenon_cpu_call *call,
                                        const struct tenon_isa_kernels *isa,
                                        struct tenon_arena *arena, struct tenon_kernel_plan *plan,
                                        struct tenon_error *error) {
    struct elementwise *e = tenon_arena_alloc(arena, sizeof(*e));
    if (e == NULL)
        return tenon_fail_memory(error);
    e->count = tenon_desc_size(&call->operands[0].desc);
    e->table = call->params.data;
    if (call->params.size != TABLE_BYTES || call->input_count != 1 || call->output_count != 1 ||
        tenon_desc_size(&call->operands[1].desc) != e->count)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "parameters of a kernel are malformed");
    e->flips = is_flip(e->table);
    e->isa = isa;
    plan->state = e;
    return TENON_OK;
}

static void run_binary_8(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct elementwise *e = run->state;
    const uint8_t *a = run->op.inputs[0].data, *b = run->op.inputs[1].data;
    (void)worker;
    e->isa->elements->binary_8(&e->binary, a + begin, b + begin, end - begin,
                               (uint8_t *)run->op.outputs[0].data + begin);
}

static void run_binary_f32(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct elementwise *e = run->state;
    const float *a = run->op.inputs[0].data, *b = run->op.inputs[1].data;
    (void)worker;
    e->isa->elements->binary_f32(&e->binary.pair, a + begin, b + begin, end - begin,
                                 (float *)run->op.outputs[0].data + begin);
}

static void run_lookup(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct elementwise *e = run->state;
    const uint8_t *table = e->table;
    const uint8_t *in = run->op.inputs[0].data;
    uint8_t *out = run->op.outputs[0].data;
    (void)worker;
    if (e->flips) {
        e->isa->stage_8(in + begin, end - begin, table[0], out + begin);
        return;
    }
    for (size_t i = begin; i < end; i++)
        out[i] = table[in[i]];
}

static enum tenon_status run_all(const struct tenon_kernel_run *run, tenon_pool_fn *fn) {
    const struct elementwise *e = run->state;
    tenon_pool_run(run->pool, e->count, GRAIN_ELEMENTS, fn, (void *)run);
    return TENON_OK;
}

static enum tenon_status binary_8(const struct tenon_kernel_run *run, struct tenon_error *error) {
    (void)error;
    return run_all(run, run_binary_8);
}

static enum tenon_status binary_f32(const struct tenon_kernel_run *run, struct tenon_error *error) {
    (void)error;
    return run_all(run, run_binary_f32);
}

static enum tenon_status lookup_8(const struct tenon_kernel_run *run, struct tenon_error *error) {
    (void)error;
    return run_all(run, run_lookup);
}

const struct tenon_kernel tenon_kernel_binary_8 = {"binary_8", true, 0, prepare_binary_8, binary_8};
const struct tenon_kernel tenon_kernel_binary_f32 = {"binary_f32", true, 0, prepare_binary_f32,
                                                     binary_f32};
const struct tenon_kernel tenon_kernel_lookup_8 = {"lookup_8", false, 0, prepare_lookup, lookup_8};
