/*
 * The CPU backend: a part becomes a flat list of kernel calls with planned memory. The target
 * "reference" calls the operator table's reference kernels only, the target "cpu" the fastest
 * kernels there are for each node; both give the same integers.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/planner.h"
#include "backends/cpu/lower.h"
#include "util/checked.h"

enum { DATA_ALIGNMENT = 64, NOT_PLANNED = -1, RELEASE_BYTES = 1 << 20 };

/* Where a tensor of the graph is while its part runs. */
struct location {
    enum tenon_cpu_place place;
    uint64_t offset; /* as in struct tenon_cpu_operand; of SCRATCH: plan item */
    bool known;
};

struct lowering {
    const struct tenon_target *target;
    const struct tenon_part *part;
    const struct tenon_graph *graph;
    struct tenon_arena *arena;
    struct location *locations; /* per tensor of the graph */
    uint32_t *last_use;         /* per tensor: step of the part, of results inside the part */
    struct tenon_plan_item *items;
    uint32_t item_count;
    uint32_t *scratch_items; /* per call: the item of its working memory */
    struct tenon_cpu_code code;
    struct tenon_code *out;
    size_t released; /* size of the data when pages of constants were last given back */
};

static const struct tenon_node *node_at(const struct lowering *l, uint32_t step) {
    return &l->graph->nodes[l->part->nodes[step]];
}

static bool allocate(struct lowering *l) {
    struct tenon_arena *arena = l->arena;
    uint32_t tensors = l->graph->tensor_count, nodes = l->part->node_count;
    l->locations = tenon_arena_alloc_array(arena, tensors, sizeof(*l->locations));
    l->last_use = tenon_arena_alloc_array(arena, tensors, sizeof(*l->last_use));
    l->items = tenon_arena_alloc_array(arena, (size_t)tensors + nodes, sizeof(*l->items));
    l->scratch_items = tenon_arena_alloc_array(arena, nodes, sizeof(*l->scratch_items));
    l->code.calls = tenon_arena_alloc_array(arena, nodes, sizeof(*l->code.calls));
    l->out->kernels = tenon_arena_alloc_array(arena, nodes, sizeof(*l->out->kernels));
    return l->locations != NULL && l->last_use != NULL && l->items != NULL &&
           l->scratch_items != NULL && l->code.calls != NULL && l->out->kernels != NULL;
}

static void locate_border(struct lowering *l) {
    const struct tenon_part *part = l->part;
    for (uint32_t i = 0; i < part->write_count; i++)
        l->locations[part->writes[i]] = (struct location){TENON_CPU_WRITE, i, true};
    for (uint32_t i = 0; i < part->read_count; i++) /* variables are both: they are read places */
        l->locations[part->reads[i]] = (struct location){TENON_CPU_READ, i, true};
}

static void find_last_uses(struct lowering *l) {
    for (uint32_t step = 0; step < l->part->node_count; step++) {
        const struct tenon_node *node = node_at(l, step);
        for (uint32_t i = 0; i < node->output_count; i++)
            l->last_use[node->outputs[i]] = step;
        for (uint32_t i = 0; i < node->input_count; i++)
            if (node->inputs[i] != TENON_ID_NONE)
                l->last_use[node->inputs[i]] = step;
    }
}

/* Constants go to DATA once, however many nodes use them. */
static void locate_constant(struct lowering *l, uint32_t id) {
    const struct tenon_tensor *tensor = &l->graph->tensors[id];
    struct tenon_strbuf *data = l->out->data;
    tenon_strbuf_align(data, DATA_ALIGNMENT);
    l->locations[id] = (struct location){TENON_CPU_DATA, data->size - l->out->data_base, true};
    tenon_strbuf_append(data, tensor->data, tenon_desc_size(&tensor->desc));
}

/* The plan item that an output can take over from input 0, or NOT_PLANNED. */
static int64_t item_in_place(const struct lowering *l, const struct tenon_node *node,
                             uint32_t step) {
    if (!tenon_op_get_info(node->op)->in_place || node->inputs[0] == TENON_ID_NONE)
        return NOT_PLANNED;
    uint32_t in = node->inputs[0], out = node->outputs[0];
    const struct location *location = &l->locations[in];
    if (location->place != TENON_CPU_SCRATCH || !location->known || l->last_use[in] != step ||
        tenon_desc_size(&l->graph->tensors[in].desc) !=
            tenon_desc_size(&l->graph->tensors[out].desc))
        return NOT_PLANNED;
    return (int64_t)location->offset;
}

static void locate_result(struct lowering *l, const struct tenon_node *node, uint32_t output,
                          uint32_t step) {
    uint32_t id = node->outputs[output];
    if (l->locations[id].known)
        return;
    int64_t item = output == 0 ? item_in_place(l, node, step) : NOT_PLANNED;
    if (item == NOT_PLANNED) {
        item = l->item_count++;
        l->items[item].first = step;
        l->items[item].size_bytes = tenon_desc_size(&l->graph->tensors[id].desc);
    }
    if (l->last_use[id] > l->items[item].last)
        l->items[item].last = l->last_use[id];
    l->locations[id] = (struct location){TENON_CPU_SCRATCH, (uint64_t)item, true};
}

static void set_operand(struct lowering *l, uint32_t id, struct tenon_cpu_operand *out) {
    if (id == TENON_ID_NONE)
        return;
    const struct location *location = &l->locations[id];
    *out = (struct tenon_cpu_operand){
        .place = location->place,
        .offset = location->offset,
        .desc = l->graph->tensors[id].desc,
    };
}

/* Constants are read once, one after the other: what was copied need not stay in memory. */
static void release_read_constants(struct lowering *l) {
    if (l->out->release_constants == NULL || l->out->data->size - l->released < RELEASE_BYTES)
        return;
    l->out->release_constants(l->out->user);
    l->released = l->out->data->size;
}

static enum tenon_status lower_node(struct lowering *l, uint32_t step, struct tenon_error *error) {
    const struct tenon_node *node = node_at(l, step);
    struct tenon_cpu_call *call = &l->code.calls[step];
    size_t count = (size_t)node->input_count + node->output_count;
    struct tenon_operand *operands = tenon_arena_alloc_array(l->arena, count, sizeof(*operands));
    *call = (struct tenon_cpu_call){
        .op = node->op,
        .rounding = node->rounding,
        .attrs = node->attrs,
        .node = step,
        .input_count = node->input_count,
        .output_count = node->output_count,
        .operands = tenon_arena_alloc_array(l->arena, count, sizeof(*call->operands)),
    };
    if (operands == NULL || call->operands == NULL)
        return tenon_fail_memory(error);
    struct tenon_op_call op;
    tenon_graph_node_call(l->graph, l->part->nodes[step], NULL, operands, &op);
    if (!tenon_cpu_select_kernel(l->target, &op, l->arena, l->out, call))
        return tenon_fail_memory(error);
    bool packed = call->params.size != 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t id = node->inputs[i];
        if (id == TENON_ID_NONE)
            continue;
        bool constant = l->graph->tensors[id].kind == TENON_TENSOR_CONSTANT;
        if (constant && packed) /* the kernel reads its parameters instead */
            call->operands[i] = (struct tenon_cpu_operand){.place = TENON_CPU_PACKED,
                                                           .desc = l->graph->tensors[id].desc};
        else if (constant && !l->locations[id].known)
            locate_constant(l, id);
        if (!constant || !packed)
            set_operand(l, id, &call->operands[i]);
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        locate_result(l, node, i, step);
        set_operand(l, node->outputs[i], &call->operands[node->input_count + i]);
    }
    l->scratch_items[step] = l->item_count;
    l->items[l->item_count++] =
        (struct tenon_plan_item){.size_bytes = call->scratch_bytes, .first = step, .last = step};
    l->out->kernels[step] = call->kernel;
    release_read_constants(l);
    return TENON_OK;
}

/* Turns plan items into offsets. */
static void resolve_plan(struct lowering *l) {
    for (uint32_t step = 0; step < l->code.call_count; step++) {
        struct tenon_cpu_call *call = &l->code.calls[step];
        for (uint32_t i = 0; i < call->input_count + call->output_count; i++)
            if (call->operands[i].place == TENON_CPU_SCRATCH)
                call->operands[i].offset = l->items[call->operands[i].offset].offset;
        call->scratch_offset = l->items[l->scratch_items[step]].offset;
    }
}

static enum tenon_status cpu_compile(const struct tenon_target *target,
                                     const struct tenon_part *part, struct tenon_arena *arena,
                                     struct tenon_code *out, struct tenon_error *error) {
    struct lowering l = {
        .target = target, .part = part, .graph = part->graph, .arena = arena, .out = out};
    if (!allocate(&l))
        return tenon_fail_memory(error);
    locate_border(&l);
    find_last_uses(&l);
    l.code.call_count = part->node_count;
    for (uint32_t step = 0; step < part->node_count; step++) {
        enum tenon_status status = lower_node(&l, step, error);
        if (status != TENON_OK)
            return status;
    }
    enum tenon_status status =
        tenon_plan_memory(l.items, l.item_count, DATA_ALIGNMENT, &l.code.scratch_bytes, error);
    if (status != TENON_OK)
        return status;
    resolve_plan(&l);
    out->scratch_bytes = l.code.scratch_bytes;
    out->compatibility = tenon_cpu_compatibility_id(target, arena);
    if (out->compatibility == NULL)
        return tenon_fail_memory(error);
    tenon_cpu_code_write(&l.code, &out->code);
    return out->code.failed || out->data->failed ? tenon_fail_memory(error) : TENON_OK;
}

static bool cpu_supports(const struct tenon_target *target, const struct tenon_graph *graph,
                         uint32_t node, char *reason) {
    (void)target;
    (void)graph;
    (void)node;
    reason[0] = '\0'; /* whatever the operator table can infer, it can execute */
    return true;
}

/* A roofline with round numbers of a small application processor. */
static uint64_t cpu_cost_ns(const struct tenon_target *target, const struct tenon_graph *graph,
                            uint32_t node) {
    enum { MACS_PER_NS = 8, REFERENCE_MACS_PER_NS = 1, BYTES_PER_NS = 4, CALL_NS = 500 };
    uint64_t bytes = 0, macs = tenon_graph_node_macs(graph, node);
    const struct tenon_node *n = &graph->nodes[node];
    for (uint32_t i = 0; i < n->input_count; i++)
        if (n->inputs[i] != TENON_ID_NONE)
            bytes += tenon_desc_size(&graph->tensors[n->inputs[i]].desc);
    for (uint32_t i = 0; i < n->output_count; i++)
        bytes += tenon_desc_size(&graph->tensors[n->outputs[i]].desc);
    bool reference = strcmp(target->name, "reference") == 0;
    uint64_t compute = macs / (reference ? REFERENCE_MACS_PER_NS : MACS_PER_NS);
    uint64_t memory = bytes / BYTES_PER_NS;
    return CALL_NS + (compute > memory ? compute : memory);
}

static enum tenon_status cpu_disassemble(struct tenon_span code, struct tenon_span data,
                                         struct tenon_strbuf *out, struct tenon_error *error) {
    static const char *const places[] = {"-", "read", "write", "data", "scratch", "packed"};
    struct tenon_arena arena;
    struct tenon_cpu_code read;
    tenon_arena_init(&arena, 0);
    enum tenon_status status = tenon_cpu_code_read(code, data, &arena, &read, error);
    for (uint32_t i = 0; status == TENON_OK && i < read.call_count; i++) {
        const struct tenon_cpu_call *call = &read.calls[i];
        tenon_strbuf_printf(out, "%4u %s %s", i, tenon_op_get_info(call->op)->name, call->kernel);
        for (uint32_t k = 0; k < call->input_count + call->output_count; k++)
            tenon_strbuf_printf(out, "%s%s+%llu", k == call->input_count ? " -> " : " ",
                                places[call->operands[k].place],
                                (unsigned long long)call->operands[k].offset);
        tenon_strbuf_puts(out, "\n");
    }
    tenon_arena_finish(&arena);
    return status;
}

static const char *const targets[] = {"cpu", "reference", NULL};

const struct tenon_backend tenon_backend_cpu = {
    .abi_version = TENON_BACKEND_ABI,
    .name = "cpu",
    .targets = targets,
    .supports = cpu_supports,
    .cost_ns = cpu_cost_ns,
    .is_host = true,
    .compile = cpu_compile,
    .disassemble = cpu_disassemble,
};
