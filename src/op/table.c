/* The operator table itself, and the entries that check what every operator has in common. */
#include "op/op.h"

#include <stddef.h>
#include <string.h>

#include "op/rules.h"

#define RANGE(min, max) min, max
#define A(member) TENON_ATTR_BIT(member)
#define F(infer_fn, reference_fn, scratch_fn, macs_fn, inplace)                                 \
    .infer = infer_fn, .reference = reference_fn, .scratch_bytes = scratch_fn, .macs = macs_fn, \
    .in_place = inplace
#define SET_INPUTS(min, max) .input_min = min, .input_max = max
#define SET_OUTPUTS(min, max) .output_min = min, .output_max = max
#define EXPAND(macro, ...) macro(__VA_ARGS__)

const struct tenon_op_info tenon_op_table[TENON_OP_COUNT] = {
#define TENON_OP(id, op_name, inputs, outputs, optional, mutated, attributes, functions) \
    [TENON_OP_##id] = {.name = op_name,                                                  \
                       EXPAND(SET_INPUTS, inputs),                                       \
                       EXPAND(SET_OUTPUTS, outputs),                                     \
                       .optional_inputs = (optional),                                    \
                       .mutated_inputs = (mutated),                                      \
                       .attrs = (attributes),                                            \
                       functions},
#include "op/ops.def"
#undef TENON_OP
};

const struct tenon_attr_info tenon_attr_table[TENON_ATTR_COUNT] = {
#define TENON_ATTR(member, ctype, attr_kind) \
    [TENON_ATTR_INDEX_##member] = {          \
        .name = #member, .kind = attr_kind, .offset = offsetof(struct tenon_attrs, member)},
#include "op/attrs.def"
#undef TENON_ATTR
};

const char *tenon_activation_text(enum tenon_activation activation) {
    static const char *const names[TENON_ACTIVATION_COUNT] = {
        [TENON_ACTIVATION_NONE] = "none",
        [TENON_ACTIVATION_RELU] = "relu",
        [TENON_ACTIVATION_RELU_N1_TO_1] = "relu_n1_to_1",
        [TENON_ACTIVATION_RELU6] = "relu6",
        [TENON_ACTIVATION_TANH] = "tanh",
    };
    return (unsigned)activation < TENON_ACTIVATION_COUNT ? names[activation] : "unknown";
}

enum tenon_op tenon_op_parse(const char *name, size_t size) {
    for (int i = 0; i < TENON_OP_COUNT; i++)
        if (strlen(tenon_op_table[i].name) == size &&
            memcmp(tenon_op_table[i].name, name, size) == 0)
            return (enum tenon_op)i;
    return TENON_OP_COUNT;
}

static enum tenon_status check_operand(const struct tenon_operand *operand, const char *what,
                                       uint32_t i, bool may_be_unknown, struct tenon_error *error) {
    const struct tenon_desc *desc = operand->desc;
    size_t bytes;
    if (tenon_type_bit_count(desc->type) == 0)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%s %u has no element type", what, i);
    bool unknown = desc->shape.rank == TENON_RANK_UNKNOWN;
    if (unknown && !may_be_unknown)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%s %u has no shape", what, i);
    if (!unknown && !tenon_desc_bytes(desc, &bytes))
        return tenon_fail(error, TENON_ERROR_LIMIT, "%s %u has too many elements or a bad shape",
                          what, i);
    enum tenon_status status = tenon_desc_check_quant(desc, error);
    return status == TENON_OK ? status : tenon_error_prefix(error, status, "%s %u", what, i);
}

static enum tenon_status check_operands(const struct tenon_op_call *call, bool inferred,
                                        struct tenon_error *error) {
    const struct tenon_op_info *info = &tenon_op_table[call->op];
    for (uint32_t i = 0; i < call->input_count; i++) {
        if (call->inputs[i].desc == NULL) {
            if (i >= 32 || (info->optional_inputs >> i & 1) == 0)
                return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input %u is absent", i);
            continue;
        }
        enum tenon_status status = check_operand(&call->inputs[i], "input", i, false, error);
        if (status != TENON_OK)
            return status;
    }
    for (uint32_t i = 0; i < call->output_count; i++) {
        if (call->outputs[i].desc == NULL)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "output %u is absent", i);
        enum tenon_status status = check_operand(&call->outputs[i], "output", i, !inferred, error);
        if (status != TENON_OK)
            return status;
    }
    return TENON_OK;
}

static bool in_range(uint32_t count, uint8_t min, uint8_t max) {
    return count >= min && (max == UINT8_MAX || count <= max);
}

static enum tenon_status check_attrs(const struct tenon_op_call *call, struct tenon_error *error) {
    for (int i = 0; i < TENON_ATTR_COUNT; i++) {
        const struct tenon_attr_info *attr = &tenon_attr_table[i];
        if (attr->kind != TENON_ATTR_LIST)
            continue;
        const struct tenon_list *list = (const void *)((const char *)call->attrs + attr->offset);
        if (list->count < 0 || list->count > TENON_LIST_MAX)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL, "attribute %s has %d values",
                              attr->name, list->count);
    }
    if ((uint32_t)call->attrs->activation >= TENON_ACTIVATION_COUNT)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "unknown activation %d",
                          call->attrs->activation);
    return TENON_OK;
}

enum tenon_status tenon_op_infer(const struct tenon_op_call *call, struct tenon_error *error) {
    if ((unsigned)call->op >= TENON_OP_COUNT)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "no operator %d", (int)call->op);
    if ((unsigned)call->rounding > TENON_ROUNDING_F32)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "no rounding rule %d", (int)call->rounding);
    const struct tenon_op_info *info = &tenon_op_table[call->op];
    if (!in_range(call->input_count, info->input_min, info->input_max))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%u inputs, %s takes %u to %u",
                          call->input_count, info->name, info->input_min, info->input_max);
    if (!in_range(call->output_count, info->output_min, info->output_max))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%u outputs, %s gives %u to %u",
                          call->output_count, info->name, info->output_min, info->output_max);
    enum tenon_status status = check_attrs(call, error);
    if (status == TENON_OK)
        status = check_operands(call, false, error);
    if (status == TENON_OK)
        status = info->infer(call, error);
    return status == TENON_OK ? check_operands(call, true, error) : status;
}

size_t tenon_op_scratch_bytes(const struct tenon_op_call *call) {
    const struct tenon_op_info *info = &tenon_op_table[call->op];
    return info->scratch_bytes != NULL ? info->scratch_bytes(call) : 0;
}

uint64_t tenon_op_macs(const struct tenon_op_call *call) {
    const struct tenon_op_info *info = &tenon_op_table[call->op];
    return info->macs != NULL ? info->macs(call) : 0;
}

enum tenon_status tenon_op_run_reference(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    return tenon_op_table[call->op].reference(call, error);
}
