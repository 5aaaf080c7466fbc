/*
 * The null backend: the smallest one that really works, to be cloned (docs/adding-a-backend.md).
 * Its device, a model in drivers/null, has memory of its own and one instruction: map bytes
 * through a table of 256. That is every element-wise operator with one operand of 8 bits. The steps
 * are numbered as in the document.
 */
#include "backend/backend.h"
#include "backend/planner.h"
#include "image/null_code.h"

#include <stdio.h>

enum { TABLE_ALIGNMENT = 64 };

/* Step 1: what the device can do. A promise about the concrete node, with a reason for people. */

static bool is_map(enum tenon_op op) {
    static const enum tenon_op maps[] = {
        TENON_OP_RELU,       TENON_OP_RELU6, TENON_OP_RELU_N1_TO_1, TENON_OP_RELU_0_TO_1,
        TENON_OP_LEAKY_RELU, TENON_OP_ELU,   TENON_OP_HARD_SWISH,   TENON_OP_GELU,
        TENON_OP_LOGISTIC,   TENON_OP_TANH,  TENON_OP_QUANTIZE,
    };
    for (size_t i = 0; i < TENON_COUNT_OF(maps); i++)
        if (maps[i] == op)
            return true;
    return false;
}

static bool is_byte(const struct tenon_desc *desc) {
    return (desc->type == TENON_TYPE_I8 || desc->type == TENON_TYPE_U8) && desc->quant.count == 1;
}

static bool null_supports(const struct tenon_target *target, const struct tenon_graph *graph,
                          uint32_t node, char *reason) {
    const struct tenon_node *n = &graph->nodes[node];
    (void)target;
    if (!is_map(n->op)) {
        snprintf(reason, TENON_REASON_BYTES, "%s is no map of single elements",
                 tenon_op_get_info(n->op)->name);
        return false;
    }
    const struct tenon_desc *in = &graph->tensors[n->inputs[0]].desc;
    const struct tenon_desc *out = &graph->tensors[n->outputs[0]].desc;
    if (!is_byte(in) || !is_byte(out)) {
        snprintf(reason, TENON_REASON_BYTES, "maps 8 bits with one scale, not %s to %s",
                 tenon_type_text(in->type), tenon_type_text(out->type));
        return false;
    }
    if (graph->tensors[n->inputs[0]].kind == TENON_TENSOR_CONSTANT) {
        snprintf(reason, TENON_REASON_BYTES, "the operand is a constant");
        return false;
    }
    return true;
}

/* Step 2: what it costs. From the device's data sheet, in nanoseconds; the partitioner weighs it
 * against other targets, so it need not be exact but must be honest. */

static uint64_t null_cost_ns(const struct tenon_target *target, const struct tenon_graph *graph,
                             uint32_t node) {
    enum { BYTES_PER_NS = 16, COMMAND_NS = 100 };
    (void)target;
    return COMMAND_NS +
           tenon_desc_size(&graph->tensors[graph->nodes[node].outputs[0]].desc) / BYTES_PER_NS;
}

static uint64_t null_transfer_ns(const struct tenon_target *target, const struct tenon_desc *desc,
                                 bool in) {
    enum { BYTES_PER_NS = 4, COPY_NS = 200 };
    (void)target;
    (void)in;
    return COPY_NS + tenon_desc_size(desc) / BYTES_PER_NS;
}

static uint64_t null_submit_ns(const struct tenon_target *target) {
    (void)target;
    return 1000;
}

/* Step 3: compile. Place every tensor of the part, emit commands, put constants into DATA. */

struct lowering {
    const struct tenon_part *part;
    struct tenon_arena *arena;
    struct tenon_code *out;
    struct tenon_null_operand *operands; /* per tensor of the graph; of SCRATCH: plan item */
    struct tenon_plan_item *items;       /* at most one per node */
    uint32_t item_count;
    struct tenon_null_code code;
};

static const struct tenon_node *node_at(const struct lowering *l, uint32_t step) {
    return &l->part->graph->nodes[l->part->nodes[step]];
}

static bool allocate(struct lowering *l) {
    uint32_t tensors = l->part->graph->tensor_count, nodes = l->part->node_count;
    l->operands = tenon_arena_alloc_array(l->arena, tensors, sizeof(*l->operands));
    l->items = tenon_arena_alloc_array(l->arena, nodes, sizeof(*l->items));
    l->code.commands = tenon_arena_alloc_array(l->arena, nodes, sizeof(*l->code.commands));
    l->out->kernels = tenon_arena_alloc_array(l->arena, nodes, sizeof(*l->out->kernels));
    return l->operands != NULL && l->items != NULL && l->code.commands != NULL &&
           l->out->kernels != NULL;
}

/* The border has its places; what stays inside gets scratch for as long as it is read. */
static void place_tensors(struct lowering *l) {
    for (uint32_t step = 0; step < l->part->node_count; step++) {
        const struct tenon_node *node = node_at(l, step);
        l->items[step] = (struct tenon_plan_item){.first = step, .last = step};
        l->operands[node->outputs[0]] = (struct tenon_null_operand){TENON_NULL_SCRATCH, step};
    }
    for (uint32_t i = 0; i < l->part->read_count; i++)
        l->operands[l->part->reads[i]] = (struct tenon_null_operand){TENON_NULL_READ, i};
    for (uint32_t i = 0; i < l->part->write_count; i++)
        l->operands[l->part->writes[i]] = (struct tenon_null_operand){TENON_NULL_WRITE, i};
    for (uint32_t step = 0; step < l->part->node_count; step++) {
        const struct tenon_node *node = node_at(l, step);
        const struct tenon_null_operand *from = &l->operands[node->inputs[0]];
        const struct tenon_null_operand *to = &l->operands[node->outputs[0]];
        if (from->place == TENON_NULL_SCRATCH)
            l->items[from->offset].last = step;
        if (to->place == TENON_NULL_SCRATCH)
            l->items[step].size_bytes =
                tenon_desc_size(&l->part->graph->tensors[node->outputs[0]].desc);
    }
}

/* The reference kernel says what becomes of each of the 256 bytes: nothing to get wrong. */
static enum tenon_status append_table(struct lowering *l, uint32_t node,
                                      struct tenon_error *error) {
    uint8_t bytes[TENON_NULL_TABLE_BYTES], table[TENON_NULL_TABLE_BYTES];
    struct tenon_operand operands[2];
    struct tenon_op_call call;
    tenon_graph_node_call(l->part->graph, node, NULL, operands, &call);
    struct tenon_desc in = *operands[0].desc, out = *operands[1].desc;
    in.shape = (struct tenon_shape){.rank = 1, .dims = {TENON_NULL_TABLE_BYTES}};
    out.shape = in.shape;
    for (int i = 0; i < TENON_NULL_TABLE_BYTES; i++)
        bytes[i] = (uint8_t)i;
    operands[0] = (struct tenon_operand){.desc = &in, .data = bytes};
    operands[1] = (struct tenon_operand){.desc = &out, .data = table};
    enum tenon_status status = tenon_op_run_reference(&call, error);
    if (status == TENON_OK)
        tenon_strbuf_append(l->out->data, table, sizeof(table));
    return status;
}

static enum tenon_status emit(struct lowering *l, uint32_t step, struct tenon_error *error) {
    const struct tenon_node *node = node_at(l, step);
    tenon_strbuf_align(l->out->data, TABLE_ALIGNMENT);
    l->code.commands[step] = (struct tenon_null_command){
        .node = tenon_part_row(l->part, step),
        .size_bytes = (uint32_t)tenon_desc_size(&l->part->graph->tensors[node->outputs[0]].desc),
        .table = (uint32_t)(l->out->data->size - l->out->data_base),
        .from = l->operands[node->inputs[0]],
        .to = l->operands[node->outputs[0]],
    };
    l->out->kernels[step] = "map";
    return append_table(l, l->part->nodes[step], error);
}

static void resolve(const struct lowering *l, struct tenon_null_operand *operand) {
    if (operand->place == TENON_NULL_SCRATCH)
        operand->offset = (uint32_t)l->items[operand->offset].offset;
}

static enum tenon_status null_compile(const struct tenon_target *target,
                                      const struct tenon_part *part, struct tenon_arena *arena,
                                      struct tenon_code *out, struct tenon_error *error) {
    struct lowering l = {.part = part, .arena = arena, .out = out};
    (void)target;
    if (!allocate(&l))
        return tenon_fail_memory(error);
    place_tensors(&l);
    l.code.command_count = part->node_count;
    enum tenon_status status =
        tenon_plan_memory(l.items, part->node_count, TABLE_ALIGNMENT, &l.code.scratch_bytes, error);
    if (status == TENON_OK && l.code.scratch_bytes > UINT32_MAX)
        status = tenon_fail(error, TENON_ERROR_LIMIT, "more scratch than 32 bits address");
    for (uint32_t step = 0; status == TENON_OK && step < part->node_count; step++) {
        status = emit(&l, step, error);
        resolve(&l, &l.code.commands[step].from);
        resolve(&l, &l.code.commands[step].to);
    }
    if (status != TENON_OK)
        return status;
    out->scratch_bytes = l.code.scratch_bytes;
    out->compatibility = TENON_NULL_ID;
    tenon_null_code_write(&l.code, &out->code);
    return out->code.failed || out->data->failed ? tenon_fail_memory(error) : TENON_OK;
}

/* Step 4: disassemble. What compile emits, a line per command; you will live in this listing. */

static enum tenon_status null_disassemble(struct tenon_span code, struct tenon_span data,
                                          struct tenon_strbuf *out, struct tenon_error *error) {
    static const char *const places[TENON_NULL_PLACE_COUNT] = {"read", "write", "scratch"};
    struct tenon_arena arena;
    struct tenon_null_code read = {0};
    tenon_arena_init(&arena, 0);
    enum tenon_status status = tenon_null_code_read(code, data, &arena, &read, error);
    for (uint32_t i = 0; status == TENON_OK && i < read.command_count; i++) {
        const struct tenon_null_command *c = &read.commands[i];
        tenon_strbuf_printf(out, "%4u map %u bytes %s+%u -> %s+%u table data+%u\n", c->node,
                            c->size_bytes, places[c->from.place], c->from.offset,
                            places[c->to.place], c->to.offset, c->table);
    }
    tenon_arena_finish(&arena);
    return status;
}

/* Step 5: the contract. One target here; a family of chips has several, told apart by `target`. */

static const char *const targets[] = {"null", NULL};

const struct tenon_backend tenon_backend_null = {
    .abi_version = TENON_BACKEND_ABI,
    .name = "null",
    .targets = targets,
    .supports = null_supports,
    .cost_ns = null_cost_ns,
    .transfer_ns = null_transfer_ns,
    .submit_ns = null_submit_ns,
    .compile = null_compile,
    .disassemble = null_disassemble,
};
