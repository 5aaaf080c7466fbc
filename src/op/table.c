/* The operator table itself, and the entries that check what every operator has in common. */
#include "op/op.h"

#include <stddef.h>
#include <string.h>

#include "op/rules.h"

#define RANGE(min, max) min, max
#define A(member) TENON_ATTR_BIT(member)
#define F(infer_fn, reference_fn, scratch_fn, macs_fn, inplace)                                    \
    .infer = infer_fn, .reference = reference_fn, .scratch_bytes = scratch_fn, .macs = macs_fn,    \
    .in_place = inplace
#define SET_INPUTS(min, max) .input_min = min, .input_max = max
#define SET_OUTPUTS(min, max) .output_min = min, .output_max = max
#define EXPAND(macro, ...) macro(__VA_ARGS__)

const struct tenon_op_info tenon_op_table[TENON_OP_COUNT] = {
#define TENON_OP(id, op_name, inputs, outputs, optional, mutated, attributes, functions)           \
    [TENON_OP_##id] = {.name = op_name,                                                            \
                       EXPAND(SET_INPUTS, inputs),                                                 \
                       EXPAND(SET_OUTPUTS, outputs),                                               \
                       .optional_inputs = (optional),                                              \
                       .mutated_inputs = (mutated),                                                \
                       .attrs = (attributes),                                                      \
                       functions},
#include "op/ops.def"
#undef TENON_OP
};

const struct tenon_attr_info tenon_attr_table[TENON_ATTR_COUNT] = {
#define TENON_ATTR(member, ctype, attr_kind)                                                       \
    [TENON_ATTR_INDEX_##member] = {                                                                \
        .name = #member, .kind = attr_kind, .offset = offsetof(struct tenon_attrs, member)},
#include "op/attrs.def"
#undef TENON_ATTR
};
