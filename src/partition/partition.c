/*
 * Which target gets which node, why no other does, and the parts: each run of nodes of one target;
 * a tensor crosses when another part or the graph's border needs it.
 */
#include "partition/partition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "partition/improve.h"

enum { TIME_TEXT_BYTES = 32 };

struct choosing {
    const struct tenon_graph *graph;
    const struct tenon_partition_request *request;
    struct tenon_arena *arena;
    struct tenon_partition *out;
    uint32_t *labels; /* per node */
};

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static const struct tenon_candidate *candidate_of(const struct tenon_partition *partition,
                                                  uint32_t node, uint32_t target) {
    size_t labels = partition->model.problem.label_count;
    return &partition->model.candidates[node * labels + target];
}

/* ---- what is allowed ---- */

/* Without fallback the host takes nothing that is not listed alone. */
static bool is_allowed(const struct choosing *c, uint32_t target) {
    const struct tenon_cost_request *cost = &c->request->cost;
    if (!c->request->no_fallback || !tenon_backend_find(cost->targets[target].name)->is_host)
        return true;
    for (uint32_t i = 0; i < cost->target_count; i++)
        if (!tenon_backend_find(cost->targets[i].name)->is_host)
            return false;
    return true;
}

static enum tenon_status refuse(const struct choosing *c, uint32_t node,
                                struct tenon_error *error) {
    const struct tenon_node *n = &c->graph->nodes[node];
    const char *op = tenon_op_get_info(n->op)->name, *host = NULL;
    for (uint32_t i = 0; i < c->request->cost.target_count && host == NULL; i++)
        if (candidate_of(c->out, node, i)->supported)
            host = c->request->cost.targets[i].name;
    const char *reason = candidate_of(c->out, node, 0)->reason;
    if (host != NULL)
        return tenon_fail(error, TENON_ERROR_FALLBACK,
                          "node %u (%s '%.80s') would fall back to '%s': %s", node, op, n->name,
                          host, reason);
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "no target takes node %u (%s '%.80s'): %s",
                      node, op, n->name, reason);
}

/* By order: the first target that takes a node, and where the choice begins. */
static enum tenon_status choose_first(struct choosing *c, struct tenon_error *error) {
    struct tenon_assign_problem *problem = &c->out->model.problem;
    uint64_t *times = c->out->model.times;
    for (uint32_t n = 0; n < problem->node_count; n++) {
        c->labels[n] = TENON_ASSIGN_NONE;
        for (uint32_t i = 0; i < problem->label_count; i++) {
            uint64_t *time = &times[(size_t)n * problem->label_count + i];
            if (!is_allowed(c, i))
                *time = TENON_ASSIGN_IMPOSSIBLE;
            else if (*time < TENON_ASSIGN_IMPOSSIBLE && c->labels[n] == TENON_ASSIGN_NONE)
                c->labels[n] = i;
        }
        if (c->labels[n] == TENON_ASSIGN_NONE)
            return refuse(c, n, error);
    }
    return TENON_OK;
}

/* ---- the choice by cost ---- */

static bool fits_solvers(const struct tenon_assign_problem *problem) {
    uint64_t terms = 2 * (uint64_t)problem->node_count;
    for (uint32_t i = 0; i < problem->net_count; i++)
        terms += problem->nets[i].reader_count + UINT64_C(1);
    return terms <= TENON_ASSIGN_TERMS_MAX && problem->node_count > 0;
}

/* ---- why not another ---- */

static const char *time_text(int64_t ns, char text[TIME_TEXT_BYTES]) {
    if (ns < 10000)
        snprintf(text, TIME_TEXT_BYTES, "%" PRId64 " ns", ns);
    else if (ns < 10000000)
        snprintf(text, TIME_TEXT_BYTES, "%.1f us", (double)ns * 1e-3);
    else
        snprintf(text, TIME_TEXT_BYTES, "%.1f ms", (double)ns * 1e-6);
    return text;
}

static const char *reason_of(const struct choosing *c, uint32_t node) {
    const struct tenon_candidate *first = candidate_of(c->out, node, 0);
    const char *name = c->request->cost.targets[0].name;
    char text[TIME_TEXT_BYTES];
    if (c->labels[node] == 0)
        return "";
    if (!first->supported)
        return tenon_arena_printf(c->arena, "%s: %s", name, first->reason);
    return tenon_arena_printf(c->arena, "%s: takes %s more, with its copies", name,
                              time_text(first->more_ns, text));
}

static bool explain(struct choosing *c) {
    struct tenon_assign_problem *problem = &c->out->model.problem;
    uint32_t *place_of = tenon_arena_alloc_array(c->arena, problem->node_count, sizeof(*place_of));
    if (place_of == NULL)
        return false;
    for (uint32_t i = 0; i < problem->node_count; i++)
        place_of[problem->order[i]] = i;
    for (uint32_t n = 0; n < problem->node_count; n++) {
        struct tenon_candidate *candidates =
            &c->out->model.candidates[(size_t)n * problem->label_count];
        for (uint32_t i = 0; i < problem->label_count; i++)
            if (candidates[i].supported && i != c->labels[n])
                candidates[i].more_ns = tenon_assign_change(problem, c->labels, place_of, n, i);
        c->out->choices[n].target = c->labels[n];
        c->out->choices[n].reason = reason_of(c, n);
        if (c->out->choices[n].reason == NULL)
            return false;
    }
    return true;
}

static enum tenon_status choose(struct choosing *c, struct tenon_error *error) {
    struct tenon_partition *out = c->out;
    c->labels = tenon_arena_alloc_array(c->arena, c->graph->node_count, sizeof(*c->labels));
    out->choices = tenon_arena_alloc_array(c->arena, c->graph->node_count, sizeof(*out->choices));
    if (c->labels == NULL || out->choices == NULL)
        return tenon_fail_memory(error);
    enum tenon_status status =
        tenon_cost_model_build(c->graph, &c->request->cost, c->arena, &out->model, error);
    if (status == TENON_OK)
        status = choose_first(c, error);
    if (status != TENON_OK)
        return status;
    out->proof = (struct tenon_assign_proof){"order of targets", false};
    bool by_cost = c->request->rule == TENON_PLACEMENT_BY_COST && fits_solvers(&out->model.problem);
    if ((by_cost && !tenon_partition_improve(c->graph, &out->model, c->labels, &out->proof)) ||
        !explain(c))
        return tenon_fail_memory(error);
    out->total_ns = tenon_assign_total(&out->model.problem, c->labels);
    return TENON_OK;
}

/* ---- parts ---- */

/* State of cutting: which part computes each tensor, and who needs it. */
struct cut {
    const struct tenon_graph *graph;
    struct tenon_arena *arena;
    uint32_t *part_of; /* per node */
    bool *crosses;     /* per tensor: needed outside of the part that computes it */
    uint32_t *listed;  /* per tensor: 1 + last part that lists it */
};

static void find_crossings(struct cut *cut) {
    const struct tenon_graph *graph = cut->graph;
    for (uint32_t n = 0; n < graph->node_count; n++)
        for (uint32_t i = 0; i < graph->nodes[n].input_count; i++) {
            uint32_t id = graph->nodes[n].inputs[i];
            if (id == TENON_ID_NONE || graph->tensors[id].kind != TENON_TENSOR_RESULT)
                continue;
            cut->crosses[id] |= cut->part_of[graph->tensors[id].producer] != cut->part_of[n];
        }
    for (uint32_t i = 0; i < graph->output_count; i++)
        cut->crosses[graph->outputs[i]] = true;
}

/* Lists a tensor once per part. */
static void list_once(struct cut *cut, uint32_t part, uint32_t id, uint32_t *list,
                      uint32_t *count) {
    if (cut->listed[id] == part + 1)
        return;
    cut->listed[id] = part + 1;
    list[(*count)++] = id;
}

static void fill_reads(struct cut *cut, uint32_t index, struct tenon_part *part, uint32_t *reads) {
    for (uint32_t n = 0; n < part->node_count; n++) {
        const struct tenon_node *node = &cut->graph->nodes[part->nodes[n]];
        for (uint32_t i = 0; i < node->input_count; i++) {
            uint32_t id = node->inputs[i];
            if (id == TENON_ID_NONE)
                continue;
            const struct tenon_tensor *tensor = &cut->graph->tensors[id];
            bool inside =
                tensor->kind == TENON_TENSOR_CONSTANT ||
                (tensor->kind == TENON_TENSOR_RESULT && cut->part_of[tensor->producer] == index);
            if (!inside)
                list_once(cut, index, id, reads, &part->read_count);
        }
    }
    part->reads = reads;
}

static void fill_writes(struct cut *cut, struct tenon_part *part, uint32_t *writes) {
    for (uint32_t n = 0; n < part->node_count; n++) {
        const struct tenon_node *node = &cut->graph->nodes[part->nodes[n]];
        for (uint32_t i = 0; i < node->output_count; i++)
            if (cut->crosses[node->outputs[i]])
                writes[part->write_count++] = node->outputs[i];
        for (uint32_t i = 0; i < node->input_count; i++)
            if (tenon_node_mutates(node, i))
                writes[part->write_count++] = node->inputs[i];
    }
    part->writes = writes;
}

static bool fill_part(struct cut *cut, uint32_t index, struct tenon_part *part) {
    size_t reads = 0, writes = 0;
    for (uint32_t n = 0; n < part->node_count; n++) {
        const struct tenon_node *node = &cut->graph->nodes[part->nodes[n]];
        reads += node->input_count;
        writes += (size_t)node->output_count + node->input_count;
    }
    uint32_t *read_list = tenon_arena_alloc_array(cut->arena, reads, sizeof(*read_list));
    uint32_t *write_list = tenon_arena_alloc_array(cut->arena, writes, sizeof(*write_list));
    if (read_list == NULL || write_list == NULL)
        return false;
    fill_reads(cut, index, part, read_list);
    fill_writes(cut, part, write_list);
    return true;
}

static bool make_parts(struct cut *cut, struct tenon_partition *out) {
    const struct tenon_graph *graph = cut->graph;
    const uint32_t *order = out->model.problem.order;
    out->parts = tenon_arena_alloc_array(cut->arena, graph->node_count, sizeof(*out->parts));
    out->targets = tenon_arena_alloc_array(cut->arena, graph->node_count, sizeof(*out->targets));
    if (out->parts == NULL || out->targets == NULL)
        return false;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        uint32_t target = out->choices[order[i]].target;
        if (i == 0 || target != out->targets[out->part_count - 1]) {
            out->targets[out->part_count] = target;
            out->parts[out->part_count++] = (struct tenon_part){.graph = graph, .nodes = order + i};
        }
        cut->part_of[order[i]] = out->part_count - 1;
        out->parts[out->part_count - 1].node_count++;
    }
    find_crossings(cut);
    for (uint32_t i = 0; i < out->part_count; i++)
        if (!fill_part(cut, i, &out->parts[i]))
            return false;
    return true;
}

enum tenon_status tenon_partition_graph(const struct tenon_graph *graph,
                                        const struct tenon_partition_request *request,
                                        struct tenon_arena *arena, struct tenon_partition *out,
                                        struct tenon_error *error) {
    uint64_t start = clock_ns();
    *out = (struct tenon_partition){0};
    struct choosing choosing = {.graph = graph, .request = request, .arena = arena, .out = out};
    enum tenon_status status = choose(&choosing, error);
    if (status != TENON_OK)
        return status;
    struct cut cut = {.graph = graph, .arena = arena};
    cut.part_of = tenon_arena_alloc_array(arena, graph->node_count, sizeof(*cut.part_of));
    cut.crosses = tenon_arena_alloc_array(arena, graph->tensor_count, sizeof(*cut.crosses));
    cut.listed = tenon_arena_alloc_array(arena, graph->tensor_count, sizeof(*cut.listed));
    if (cut.part_of == NULL || cut.crosses == NULL || cut.listed == NULL || !make_parts(&cut, out))
        return tenon_fail_memory(error);
    out->planning_ns = clock_ns() - start;
    return TENON_OK;
}
