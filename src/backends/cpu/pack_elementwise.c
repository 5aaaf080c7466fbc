/*
 * lookup_8: the table of an operator's results, asked of its reference kernel; binary_8 and
 * pool_8: the sums that were proven; and the conditions of kernels without parameters.
 */
#include <stdlib.h>

#include "backends/cpu/mean_proof.h"
#include "backends/cpu/pack.h"
#include "backends/cpu/pair_sum.h"
#include "op/kernel.h"

enum { TABLE_BYTES = 256 };

/* Runs the reference kernel over all 256 elements. */
static bool fill_table(const struct tenon_op_call *call, uint8_t *table, void *scratch) {
    uint8_t inputs[TABLE_BYTES];
    for (int i = 0; i < TABLE_BYTES; i++)
        inputs[i] = (uint8_t)i;
    struct tenon_desc in = *tenon_in(call, 0), out = *tenon_out(call, 0);
    in.shape = out.shape = (struct tenon_shape){.rank = 1, .dims = {TABLE_BYTES}};
    struct tenon_operand operands[] = {{&in, inputs}, {&out, table}};
    struct tenon_op_call all = *call;
    all.inputs = &operands[0];
    all.outputs = &operands[1];
    all.scratch = scratch;
    return tenon_op_run_reference(&all, NULL) == TENON_OK;
}

bool tenon_pack_lookup_8(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    if (call->input_count != 1 || (TENON_TYPES_QUANTIZED8 >> out->type & 1) == 0 ||
        in->quant.count > 1 || out->quant.count > 1 || tenon_desc_element_count(in) < TABLE_BYTES)
        return false;
    uint8_t table[TABLE_BYTES];
    void *scratch = malloc(tenon_op_scratch_bytes(call) + 1);
    bool ok = scratch != NULL && fill_table(call, table, scratch);
    packing->out->failed |= scratch == NULL;
    free(scratch);
    if (ok)
        tenon_strbuf_append(packing->out, table, sizeof(table));
    return ok;
}

bool tenon_pack_binary(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    (void)packing;
    return tenon_shape_equal(&tenon_in(call, 0)->shape, &tenon_in(call, 1)->shape);
}

bool tenon_pack_binary_8(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    struct tenon_pair pair;
    struct tenon_sum_params sum;
    if (!tenon_pack_binary(packing, call))
        return false;
    tenon_pair_init(&pair, call);
    if (call->op == TENON_OP_MUL || !tenon_pair_sum_find(&pair, &sum))
        return true;
    tenon_strbuf_append_le32(packing->out, (uint32_t)sum.factor_a);
    tenon_strbuf_append_le32(packing->out, (uint32_t)sum.factor_b);
    tenon_strbuf_append_le32(packing->out, (uint32_t)sum.add);
    tenon_strbuf_append_le32(packing->out, (uint32_t)sum.zero);
    tenon_strbuf_append_le32(packing->out, sum.shift);
    tenon_strbuf_append_le32(packing->out, sum.exception_count);
    for (size_t i = 0; i < TENON_SUM_EXCEPTIONS; i++) {
        const struct tenon_sum_exception *e = &sum.exceptions[i];
        bool is = i < sum.exception_count;
        tenon_strbuf_append_le32(packing->out, is ? e->a | e->b << 8 | e->delta << 16 : 0);
    }
    return true;
}

bool tenon_pack_pool(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    (void)packing;
    const int32_t *window = call->attrs->window.values;
    return (int64_t)window[0] * window[1] <= TENON_MEAN_COUNT_MAX;
}

/* Elements that are reduced to one; 0 where the kernels cannot. */
static int32_t mean_count(const struct tenon_op_call *call) {
    int32_t sizes[3];
    return tenon_reduced_block(&tenon_in(call, 0)->shape, &call->attrs->axes, sizes) &&
                   sizes[1] <= TENON_MEAN_COUNT_MAX
               ? sizes[1]
               : 0;
}

bool tenon_pack_mean_8(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    struct tenon_mean_rule rule;
    struct tenon_mean_params params;
    int32_t count = mean_count(call);
    if (count == 0 || out->type != in->type)
        return false;
    tenon_mean_rule_init(&rule, in, out, count, call->rounding);
    if (!tenon_mean_find(&rule, &params))
        return false;
    tenon_strbuf_append_le32(packing->out, (uint32_t)params.multiplier);
    tenon_strbuf_append_le32(packing->out, (uint32_t)params.right);
    tenon_strbuf_append_le32(packing->out, (uint32_t)(uint64_t)params.add);
    tenon_strbuf_append_le32(packing->out, (uint32_t)((uint64_t)params.add >> 32));
    tenon_strbuf_append_le32(packing->out, params.of_magnitude);
    return true;
}

bool tenon_pack_mean_f32(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    (void)packing;
    return mean_count(call) != 0;
}

bool tenon_pack_softmax_8(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    (void)packing;
    return tenon_out(call, 0)->type == tenon_in(call, 0)->type;
}
