/*
 * Which kernel executes a node on the CPU: the first row for its operator and input type whose
 * packing takes it, or else the operator table's reference kernel.
 */
#include "backends/cpu/lower.h"
#include "backends/cpu/pack.h"
#include "op/kernel.h"

#include <string.h>

typedef bool pack_fn(const struct tenon_packing *packing, const struct tenon_op_call *call);

struct row {
    enum tenon_op op;
    uint32_t types; /* of input 0 */
    const char *kernel;
    bool per_isa;         /* "kernel.isa" */
    bool packs_constants; /* after input 0: they are in the parameters, nowhere else */
    pack_fn *pack;
};

/* Integer forms of 8 bits, or floats throughout. */
#define INTEGERS TENON_TYPES_QUANTIZED8
#define FLOATS TENON_TYPE_BIT(F32)

#define LOOKUP(op) \
    { TENON_OP_##op, INTEGERS, "lookup_8", false, false, tenon_pack_lookup_8 }

static const struct row rows[] = {
    {TENON_OP_CONV_2D, INTEGERS, "linear_i8", true, true, tenon_pack_linear_i8},
    {TENON_OP_FULLY_CONNECTED, INTEGERS, "linear_i8", true, true, tenon_pack_linear_i8},
    {TENON_OP_DEPTHWISE_CONV_2D, INTEGERS, "depthwise_i8", true, true, tenon_pack_depthwise_i8},
    {TENON_OP_DEPTHWISE_CONV_2D, INTEGERS, "linear_i8", true, true, tenon_pack_linear_i8},
    {TENON_OP_CONV_2D, FLOATS, "linear_f32", true, true, tenon_pack_f32},
    {TENON_OP_FULLY_CONNECTED, FLOATS, "linear_f32", true, true, tenon_pack_f32},
    {TENON_OP_DEPTHWISE_CONV_2D, FLOATS, "depthwise_f32", true, true, tenon_pack_f32},
    {TENON_OP_ADD, INTEGERS, "binary_8", true, false, tenon_pack_binary_8},
    {TENON_OP_SUB, INTEGERS, "binary_8", true, false, tenon_pack_binary_8},
    {TENON_OP_MUL, INTEGERS, "binary_8", true, false, tenon_pack_binary_8},
    {TENON_OP_ADD, FLOATS, "binary_f32", true, false, tenon_pack_binary},
    {TENON_OP_SUB, FLOATS, "binary_f32", true, false, tenon_pack_binary},
    {TENON_OP_MUL, FLOATS, "binary_f32", true, false, tenon_pack_binary},
    {TENON_OP_AVERAGE_POOL_2D, INTEGERS, "pool_8", true, false, tenon_pack_pool},
    {TENON_OP_MAX_POOL_2D, INTEGERS, "pool_8", true, false, tenon_pack_pool},
    {TENON_OP_AVERAGE_POOL_2D, FLOATS, "pool_f32", true, false, tenon_pack_pool},
    {TENON_OP_MEAN, INTEGERS, "pool_8", true, false, tenon_pack_mean_8},
    {TENON_OP_MEAN, FLOATS, "pool_f32", true, false, tenon_pack_mean_f32},
    {TENON_OP_SOFTMAX, INTEGERS, "softmax_8", false, false, tenon_pack_softmax_8},
    LOOKUP(RELU),
    LOOKUP(RELU6),
    LOOKUP(RELU_N1_TO_1),
    LOOKUP(RELU_0_TO_1),
    LOOKUP(LEAKY_RELU),
    LOOKUP(ELU),
    LOOKUP(HARD_SWISH),
    LOOKUP(GELU),
    LOOKUP(LOGISTIC),
    LOOKUP(TANH),
    LOOKUP(ABS),
    LOOKUP(NEG),
    LOOKUP(EXP),
    LOOKUP(LOG),
    LOOKUP(SQRT),
    LOOKUP(RSQRT),
    LOOKUP(SQUARE),
    LOOKUP(QUANTIZE),
};

enum tenon_cpu_isa tenon_cpu_target_isa(const struct tenon_target *target) {
    if (!target->portable)
        return tenon_cpu_isa_best(tenon_cpu_isas_usable());
    /* Every aarch64 processor has NEON. */
    return tenon_cpu_isa_best(tenon_cpu_isas_usable() & (1U << TENON_CPU_NEON));
}

static bool is_reference(const struct tenon_target *target) {
    return strcmp(target->name, "reference") == 0;
}

const char *tenon_cpu_compatibility_id(const struct tenon_target *target,
                                       struct tenon_arena *arena) {
    if (is_reference(target))
        return "reference-" TENON_CPU_CODE_ID;
    return tenon_arena_printf(arena, "cpu-" TENON_CPU_CODE_ID ".%s",
                              tenon_cpu_isa_get(tenon_cpu_target_isa(target))->name);
}

/* Appends parameters; false when the row does not take the call. */
static bool pack(const struct row *row, enum tenon_cpu_isa isa, const struct tenon_op_call *op,
                 struct tenon_code *out, struct tenon_cpu_call *call) {
    struct tenon_arena scratch;
    struct tenon_packing packing = {.isa = isa, .arena = &scratch, .out = out->data, .code = out};
    tenon_strbuf_align(out->data, TENON_CPU_ALIGNMENT);
    size_t start = out->data->size;
    tenon_arena_init(&scratch, 0);
    bool packed = row->pack(&packing, op);
    tenon_arena_finish(&scratch);
    if (!packed)
        return false;
    call->params_offset = start - out->data_base;
    call->params.size = out->data->size - start;
    for (uint32_t i = 1; row->packs_constants && i < op->input_count; i++)
        if (op->inputs[i].data != NULL)
            call->operands[i].place = TENON_CPU_PACKED;
    return true;
}

bool tenon_cpu_select_kernel(const struct tenon_target *target, enum tenon_cpu_isa isa,
                             const struct tenon_op_call *op, struct tenon_arena *arena,
                             struct tenon_code *out, struct tenon_cpu_call *call) {
    const struct tenon_desc *in = tenon_in(op, 0);
    for (size_t i = 0; !is_reference(target) && i < TENON_COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        if (row->op != op->op || in == NULL || (row->types >> in->type & 1) == 0 ||
            !pack(row, isa, op, out, call))
            continue;
        call->kernel = row->per_isa ? tenon_arena_printf(arena, "%s.%s", row->kernel,
                                                         tenon_cpu_isa_get(isa)->name)
                                    : row->kernel;
        return call->kernel != NULL && !out->data->failed;
    }
    call->kernel = "reference";
    call->scratch_bytes = tenon_op_scratch_bytes(op);
    return !out->data->failed;
}
