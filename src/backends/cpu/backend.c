/*
 * The CPU backend: a part becomes a flat list of kernel calls with planned memory. The target
 * "reference" calls the operator table's reference kernels only, the target "cpu" the fastest
 * kernels there are for each node; both give the same integers.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/planner.h"
#include "backends/cpu/lower.h"
#include "ir/view.h"
#include "util/checked.h"

enum { DATA_ALIGNMENT = 64, NOT_PLANNED = -1, RELEASE_BYTES = 1 << 18 };

/* Where a tensor of the graph is while its part runs. */
struct location {
    enum tenon_cpu_place place;
    uint64_t offset; /* as in struct tenon_cpu_operand; of SCRATCH: plan item */
    bool known;
    bool local; /* a result that does not leave the part */
};

struct lowering {
    const struct tenon_target *target;
    enum tenon_cpu_isa isa;
    const struct tenon_part *part;
    const struct tenon_graph *graph;
    struct tenon_arena *arena;
    struct location *locations; /* per tensor of the graph */
    uint32_t *last_use;         /* per tensor: step of the part, of results inside the part */
    struct tenon_views views;   /* last uses of a base are those of all that is in it */
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
        l->locations[part->writes[i]] = (struct location){TENON_CPU_WRITE, i, true, false};
    for (uint32_t i = 0; i < part->read_count; i++) /* variables are both: they are read places */
        l->locations[part->reads[i]] = (struct location){TENON_CPU_READ, i, true, false};
}

/* Operands are dense and aligned. What is on the border is somebody else's memory: only its start
 * has a name here. The reference kernels run one by one, whatever they do. */
static bool is_view(const void *user, const struct tenon_graph *graph, uint32_t tensor,
                    const struct tenon_view *view) {
    const struct lowering *l = user;
    const struct tenon_desc *desc = &graph->tensors[tensor].desc;
    const struct location *base = &l->locations[view->base];
    int64_t at = view->offset * (int64_t)(tenon_type_bit_count(desc->type) / 8);
    return strcmp(l->target->name, "reference") != 0 && l->locations[tensor].local &&
           tenon_view_is_dense(view, &desc->shape) && at % TENON_CPU_ALIGNMENT == 0 &&
           (base->local || (base->known && at == 0));
}

static bool find_views(struct lowering *l) {
    for (uint32_t step = 0; step < l->part->node_count; step++) {
        const struct tenon_node *node = node_at(l, step);
        for (uint32_t i = 0; i < node->output_count; i++)
            l->locations[node->outputs[i]].local = !l->locations[node->outputs[i]].known;
    }
    return tenon_views_find(&l->views, l->graph, is_view, l, l->arena);
}

static void use(struct lowering *l, uint32_t tensor, uint32_t step) {
    if (tensor != TENON_ID_NONE)
        l->last_use[l->views.tensors[tensor].base] = step;
}

static void find_last_uses(struct lowering *l) {
    for (uint32_t step = 0; step < l->part->node_count; step++) {
        const struct tenon_node *node = node_at(l, step);
        for (uint32_t i = 0; i < node->output_count; i++)
            use(l, node->outputs[i], step);
        for (uint32_t i = 0; i < node->input_count; i++)
            use(l, node->inputs[i], step);
    }
}

/* Constants go to DATA once, however many nodes use them. */
static void locate_constant(struct lowering *l, uint32_t id) {
    const struct tenon_tensor *tensor = &l->graph->tensors[id];
    struct tenon_strbuf *data = l->out->data;
    tenon_strbuf_align(data, DATA_ALIGNMENT);
    l->locations[id] =
        (struct location){TENON_CPU_DATA, data->size - l->out->data_base, true, false};
    tenon_strbuf_append(data, tensor->data, tenon_desc_size(&tensor->desc));
}

/* The plan item that an output can take over from input 0, which is all of it, or NOT_PLANNED. */
static int64_t item_in_place(const struct lowering *l, const struct tenon_node *node,
                             uint32_t step) {
    const struct tenon_tensor *tensors = l->graph->tensors;
    uint32_t in = node->inputs[0], out = node->outputs[0];
    if (!tenon_op_get_info(node->op)->in_place || in == TENON_ID_NONE)
        return NOT_PLANNED;
    uint32_t base = l->views.tensors[in].base;
    const struct location *location = &l->locations[base];
    if (location->place != TENON_CPU_SCRATCH || !location->known || l->last_use[base] != step ||
        tenon_desc_size(&tensors[in].desc) != tenon_desc_size(&tensors[base].desc) ||
        tenon_desc_size(&tensors[in].desc) != tenon_desc_size(&tensors[out].desc))
        return NOT_PLANNED;
    return (int64_t)location->offset;
}

/* `in_place` is an item that the tensor may take over, or NOT_PLANNED. */
static void locate_result(struct lowering *l, uint32_t id, int64_t in_place, uint32_t step) {
    if (l->locations[id].known)
        return;
    int64_t item = in_place;
    if (item == NOT_PLANNED) {
        item = l->item_count++;
        l->items[item].first = step;
        l->items[item].size_bytes = tenon_desc_size(&l->graph->tensors[id].desc);
    }
    if (l->last_use[id] > l->items[item].last)
        l->items[item].last = l->last_use[id];
    l->locations[id] = (struct location){TENON_CPU_SCRATCH, (uint64_t)item, true, true};
}

/* An output, or what it is a part of. */
static void locate_output(struct lowering *l, const struct tenon_node *node, uint32_t output,
                          uint32_t step) {
    uint32_t id = node->outputs[output], base = l->views.tensors[id].base;
    bool whole = output == 0 && base == id;
    locate_result(l, base, whole ? item_in_place(l, node, step) : NOT_PLANNED, step);
}

static void set_operand(struct lowering *l, uint32_t id, struct tenon_cpu_operand *out) {
    if (id == TENON_ID_NONE)
        return;
    const struct location *location = &l->locations[l->views.tensors[id].base];
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
    struct tenon_cpu_call *call = &l->code.calls[l->code.call_count];
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
    if (!tenon_cpu_select_kernel(l->target, l->isa, &op, l->arena, l->out, call))
        return tenon_fail_memory(error);
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t id = node->inputs[i];
        if (id == TENON_ID_NONE)
            continue;
        if (call->operands[i].place == TENON_CPU_PACKED) { /* the kernel reads its parameters */
            call->operands[i].desc = l->graph->tensors[id].desc;
            continue;
        }
        if (l->graph->tensors[id].kind == TENON_TENSOR_CONSTANT && !l->locations[id].known)
            locate_constant(l, id);
        set_operand(l, id, &call->operands[i]);
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        locate_output(l, node, i, step);
        set_operand(l, node->outputs[i], &call->operands[node->input_count + i]);
    }
    l->scratch_items[l->code.call_count++] = l->item_count;
    l->items[l->item_count++] =
        (struct tenon_plan_item){.size_bytes = call->scratch_bytes, .first = step, .last = step};
    l->out->kernels[step] = call->kernel;
    release_read_constants(l);
    return TENON_OK;
}

/* Bytes between the start of the memory that a tensor is in and its own. */
static uint64_t bytes_before(const struct lowering *l, uint32_t tensor) {
    const struct tenon_desc *desc = &l->graph->tensors[tensor].desc;
    return (uint64_t)l->views.tensors[tensor].offset * (tenon_type_bit_count(desc->type) / 8);
}

/* Turns plan items into offsets. */
static void resolve_plan(struct lowering *l) {
    for (uint32_t c = 0; c < l->code.call_count; c++) {
        struct tenon_cpu_call *call = &l->code.calls[c];
        const struct tenon_node *node = node_at(l, call->node);
        for (uint32_t i = 0; i < call->input_count + call->output_count; i++) {
            struct tenon_cpu_operand *operand = &call->operands[i];
            if (operand->place == TENON_CPU_SCRATCH)
                operand->offset =
                    l->items[operand->offset].offset +
                    bytes_before(l, i < node->input_count ? node->inputs[i]
                                                          : node->outputs[i - node->input_count]);
        }
        call->scratch_offset = l->items[l->scratch_items[c]].offset;
    }
}

static enum tenon_status cpu_compile(const struct tenon_target *target,
                                     const struct tenon_part *part, struct tenon_arena *arena,
                                     struct tenon_code *out, struct tenon_error *error) {
    struct lowering l = {.target = target,
                         .isa = tenon_cpu_target_isa(target),
                         .part = part,
                         .graph = part->graph,
                         .arena = arena,
                         .out = out};
    if (!allocate(&l))
        return tenon_fail_memory(error);
    locate_border(&l);
    if (!find_views(&l))
        return tenon_fail_memory(error);
    find_last_uses(&l);
    for (uint32_t step = 0; step < part->node_count; step++) {
        enum tenon_status status = TENON_OK;
        if (l.views.idle[part->nodes[step]])
            out->kernels[step] = "view";
        else
            status = lower_node(&l, step, error);
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
