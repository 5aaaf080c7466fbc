/* Building the assignment problem: see cost.h. */
#include "partition/cost.h"

#include <stdlib.h>
#include <string.h>

#include "ir/text.h"
#include "partition/ask.h"

struct building {
    const struct tenon_graph *graph;
    const struct tenon_cost_request *request;
    struct tenon_arena *arena;
    struct tenon_cost_model *out;
    const struct tenon_measured_cost **measured; /* sorted */
    uint64_t *submits;
    uint32_t *net_of; /* per tensor, or NONE */
};

bool tenon_node_mutates(const struct tenon_node *node, uint32_t input) {
    return input < 32 && (tenon_op_get_info(node->op)->mutated_inputs >> input & 1) != 0;
}

/* ---- what a node's time depends on, as text ---- */

static void append_operand(const struct tenon_graph *graph, uint32_t id, struct tenon_strbuf *buf) {
    char shape[TENON_SHAPE_TEXT_BYTES];
    if (id == TENON_ID_NONE) {
        tenon_strbuf_puts(buf, "_");
        return;
    }
    const struct tenon_tensor *tensor = &graph->tensors[id];
    tenon_strbuf_printf(buf, "%s %s%s", tenon_type_text(tensor->desc.type),
                        tenon_shape_text(&tensor->desc.shape, shape),
                        tensor->kind == TENON_TENSOR_CONSTANT ? " const" : "");
}

const char *tenon_operation_text(const struct tenon_graph *graph, uint32_t index,
                                 struct tenon_arena *arena) {
    const struct tenon_node *node = &graph->nodes[index];
    struct tenon_strbuf buf;
    tenon_strbuf_init(&buf);
    tenon_strbuf_puts(&buf, tenon_op_get_info(node->op)->name);
    for (uint32_t i = 0; i < node->input_count; i++) {
        tenon_strbuf_puts(&buf, i == 0 ? " " : ", ");
        append_operand(graph, node->inputs[i], &buf);
    }
    tenon_strbuf_puts(&buf, " ->");
    for (uint32_t i = 0; i < node->output_count; i++) {
        tenon_strbuf_puts(&buf, i == 0 ? " " : ", ");
        append_operand(graph, node->outputs[i], &buf);
    }
    tenon_strbuf_puts(&buf, "; ");
    tenon_ir_print_attrs(node, &buf);
    const char *text = buf.failed ? NULL : tenon_arena_string(arena, buf.data, buf.size);
    tenon_strbuf_finish(&buf);
    return text;
}

static bool describe_operations(struct building *b) {
    if (!b->request->describe && b->request->measured_count == 0)
        return true;
    const char **operations =
        tenon_arena_alloc_array(b->arena, b->graph->node_count, sizeof(*operations));
    for (uint32_t n = 0; operations != NULL && n < b->graph->node_count; n++) {
        operations[n] = tenon_operation_text(b->graph, n, b->arena);
        if (operations[n] == NULL)
            return false;
    }
    b->out->operations = operations;
    return operations != NULL;
}

/* ---- measured times ---- */

static int compare_keys(const struct tenon_measured_cost *a, const struct tenon_measured_cost *b) {
    int order = strcmp(a->target, b->target);
    return order != 0 ? order : strcmp(a->operation, b->operation);
}

static int by_key(const void *left, const void *right) {
    const struct tenon_measured_cost *const *a = left, *const *b = right;
    int order = compare_keys(*a, *b);
    return order != 0 ? order : *a < *b ? -1 : *a > *b;
}

static bool sort_measured(struct building *b) {
    uint32_t count = b->request->measured_count;
    b->measured = tenon_arena_alloc_array(b->arena, count, sizeof(*b->measured));
    if (b->measured == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        b->measured[i] = &b->request->measured[i];
    if (count > 1)
        qsort(b->measured, count, sizeof(*b->measured), by_key);
    return true;
}

static const struct tenon_measured_cost *find_measured(const struct building *b, const char *target,
                                                       const char *operation) {
    const struct tenon_measured_cost key = {.target = target, .operation = operation};
    uint32_t low = 0, high = b->request->measured_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_keys(b->measured[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < b->request->measured_count && compare_keys(b->measured[low], &key) == 0;
    return found ? b->measured[low] : NULL;
}

static uint64_t clamp_ns(uint64_t ns) {
    return ns < TENON_ASSIGN_NS_MAX ? ns : TENON_ASSIGN_NS_MAX;
}

static uint64_t scale_ns(uint64_t ns, double ratio) {
    double scaled = (double)ns * ratio;
    if (!(scaled > 0))
        return 0;
    return scaled < (double)TENON_ASSIGN_NS_MAX ? (uint64_t)scaled : TENON_ASSIGN_NS_MAX;
}

/* What was measured for this operation, or else for its operator. */
static void apply_measured(const struct building *b, uint32_t node, const char *target,
                           struct tenon_candidate *candidate) {
    if (b->request->measured_count == 0)
        return;
    const struct tenon_measured_cost *found = find_measured(b, target, b->out->operations[node]);
    if (found != NULL) {
        candidate->time_ns = found->ns;
        candidate->measured = true;
        return;
    }
    const char *op = tenon_op_get_info(b->graph->nodes[node].op)->name;
    found = find_measured(b, target, op);
    if (found != NULL) {
        candidate->time_ns = scale_ns(candidate->time_ns, found->ratio);
        candidate->measured = true;
    }
}

/* ---- nodes ---- */

/* State lives in host memory: each node that touches it brings it in, and back if it changes. */
static uint64_t state_ns(const struct tenon_graph *graph, const struct tenon_node *node,
                         const struct tenon_backend *backend, const struct tenon_target *target) {
    uint64_t ns = 0;
    for (uint32_t i = 0; backend->transfer_ns != NULL && i < node->input_count; i++) {
        uint32_t id = node->inputs[i];
        if (id == TENON_ID_NONE || graph->tensors[id].kind != TENON_TENSOR_VARIABLE)
            continue;
        ns += clamp_ns(backend->transfer_ns(target, &graph->tensors[id].desc, true));
        if (tenon_node_mutates(node, i))
            ns += clamp_ns(backend->transfer_ns(target, &graph->tensors[id].desc, false));
        ns = clamp_ns(ns);
    }
    return ns;
}

static bool fill_candidate(struct building *b, uint32_t node, uint32_t label,
                           const struct tenon_answer *answer) {
    const struct tenon_target *target = &b->request->targets[label];
    size_t at = (size_t)node * b->request->target_count + label;
    struct tenon_candidate *candidate = &b->out->candidates[at];
    *candidate = (struct tenon_candidate){.supported = answer->support.supported,
                                          .within_1 = answer->within_1,
                                          .reason = "",
                                          .time_ns = answer->support.ns};
    if (!candidate->supported) {
        b->out->times[at] = TENON_ASSIGN_IMPOSSIBLE;
        candidate->reason =
            tenon_arena_string(b->arena, answer->support.reason, strlen(answer->support.reason));
        return candidate->reason != NULL;
    }
    apply_measured(b, node, target->name, candidate);
    candidate->time_ns = clamp_ns(candidate->time_ns);
    b->out->times[at] =
        clamp_ns(candidate->time_ns + state_ns(b->graph, &b->graph->nodes[node],
                                               tenon_backend_find(target->name), target));
    return true;
}

static enum tenon_status ask_backends(struct building *b, struct tenon_error *error) {
    struct tenon_answer *answers;
    uint32_t targets = b->request->target_count;
    enum tenon_status status = tenon_ask_targets(b->graph, b->request, b->arena, &answers, error);
    if (status != TENON_OK)
        return status;
    for (uint32_t n = 0; n < b->graph->node_count; n++)
        for (uint32_t i = 0; i < targets; i++)
            if (!fill_candidate(b, n, i, &answers[(size_t)n * targets + i]))
                return tenon_fail_memory(error);
    for (uint32_t i = 0; i < targets; i++) {
        const struct tenon_target *target = &b->request->targets[i];
        const struct tenon_backend *backend = tenon_backend_find(target->name);
        b->submits[i] =
            clamp_ns(backend->submit_ns != NULL ? backend->submit_ns(target) : TENON_SUBMIT_NS);
    }
    return TENON_OK;
}

/* ---- nets ---- */

static void count_reader(struct tenon_net *net, uint32_t *readers, uint32_t node) {
    if (net->reader_count == 0 || readers[net->reader_count - 1] != node)
        readers[net->reader_count++] = node;
}

/* Inputs of the graph and results; `reads` has room for as many readers as the tensor has uses. */
static bool add_nets(struct building *b, struct tenon_net *nets, const uint32_t *uses) {
    const struct tenon_graph *graph = b->graph;
    uint32_t labels = b->request->target_count;
    for (uint32_t id = 0; id < graph->tensor_count; id++) {
        const struct tenon_tensor *tensor = &graph->tensors[id];
        b->net_of[id] = TENON_ASSIGN_NONE;
        if (tensor->kind != TENON_TENSOR_INPUT && tensor->kind != TENON_TENSOR_RESULT)
            continue;
        uint64_t *ns = tenon_arena_alloc_array(b->arena, 2 * (size_t)labels, sizeof(*ns));
        uint32_t *readers = tenon_arena_alloc_array(b->arena, uses[id], sizeof(*readers));
        if (ns == NULL || readers == NULL)
            return false;
        for (uint32_t i = 0; i < labels; i++) {
            const struct tenon_target *target = &b->request->targets[i];
            const struct tenon_backend *backend = tenon_backend_find(target->name);
            if (backend->transfer_ns == NULL)
                continue;
            ns[i] = clamp_ns(backend->transfer_ns(target, &tensor->desc, false));
            ns[labels + i] = clamp_ns(backend->transfer_ns(target, &tensor->desc, true));
        }
        b->net_of[id] = b->out->problem.net_count;
        b->out->net_tensors[b->out->problem.net_count] = id;
        nets[b->out->problem.net_count++] = (struct tenon_net){
            .producer = tensor->kind == TENON_TENSOR_RESULT ? tensor->producer : TENON_ASSIGN_NONE,
            .readers = readers,
            .leave_ns = ns,
            .enter_ns = ns + labels};
    }
    return true;
}

static bool build_nets(struct building *b) {
    const struct tenon_graph *graph = b->graph;
    struct tenon_net *nets = tenon_arena_alloc_array(b->arena, graph->tensor_count, sizeof(*nets));
    uint32_t *uses = tenon_arena_alloc_array(b->arena, graph->tensor_count, sizeof(*uses));
    b->net_of = tenon_arena_alloc_array(b->arena, graph->tensor_count, sizeof(*b->net_of));
    b->out->net_tensors =
        tenon_arena_alloc_array(b->arena, graph->tensor_count, sizeof(*b->out->net_tensors));
    if (nets == NULL || uses == NULL || b->net_of == NULL || b->out->net_tensors == NULL)
        return false;
    tenon_graph_count_uses(graph, uses);
    if (!add_nets(b, nets, uses))
        return false;
    for (uint32_t n = 0; n < graph->node_count; n++)
        for (uint32_t i = 0; i < graph->nodes[n].input_count; i++) {
            uint32_t id = graph->nodes[n].inputs[i];
            if (id == TENON_ID_NONE || b->net_of[id] == TENON_ASSIGN_NONE)
                continue;
            struct tenon_net *net = &nets[b->net_of[id]];
            count_reader(net, (uint32_t *)net->readers, n);
        }
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (b->net_of[graph->outputs[i]] != TENON_ASSIGN_NONE)
            nets[b->net_of[graph->outputs[i]]].leaves = true;
    b->out->problem.nets = nets;
    return tenon_assign_index(&b->out->problem, b->arena);
}

enum tenon_status tenon_cost_model_build(const struct tenon_graph *graph,
                                         const struct tenon_cost_request *request,
                                         struct tenon_arena *arena, struct tenon_cost_model *out,
                                         struct tenon_error *error) {
    struct building b = {.graph = graph, .request = request, .arena = arena, .out = out};
    if (request->target_count > TENON_ASSIGN_LABELS_MAX)
        return tenon_fail(error, TENON_ERROR_LIMIT, "%u targets", request->target_count);
    *out = (struct tenon_cost_model){0};
    size_t candidates = (size_t)graph->node_count * request->target_count;
    out->candidates = tenon_arena_alloc_array(arena, candidates, sizeof(*out->candidates));
    out->times = tenon_arena_alloc_array(arena, candidates, sizeof(*out->times));
    b.submits = tenon_arena_alloc_array(arena, request->target_count, sizeof(*b.submits));
    out->order = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*out->order));
    if (out->candidates == NULL || out->times == NULL || b.submits == NULL || out->order == NULL)
        return tenon_fail_memory(error);
    for (uint32_t n = 0; n < graph->node_count; n++)
        out->order[n] = n;
    out->problem = (struct tenon_assign_problem){.node_count = graph->node_count,
                                                 .label_count = request->target_count,
                                                 .time_ns = out->times,
                                                 .submit_ns = b.submits,
                                                 .order = out->order};
    if (!describe_operations(&b) || !sort_measured(&b))
        return tenon_fail_memory(error);
    enum tenon_status status = ask_backends(&b, error);
    if (status == TENON_OK && !build_nets(&b))
        status = tenon_fail_memory(error);
    return status;
}
