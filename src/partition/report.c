/*
 * The partition report of <tenon/report.h>: copied out of the partition, since the compilation's
 * arena goes. Nodes are told in execution order.
 */
#include <tenon/report.h>

#include <stdlib.h>
#include <string.h>

#include "partition/partition.h"

struct tenon_report {
    struct tenon_arena arena;
    struct tenon_report_plan plan;
    struct tenon_report_target *targets;
    struct tenon_report_node *nodes;
    struct tenon_report_option *options; /* [node * target_count + target] */
    struct tenon_report_edge *edges;
    const char **notes;
    uint32_t note_count;
};

struct reporting {
    const struct tenon_graph *graph;
    const struct tenon_partition_request *request;
    const struct tenon_partition *partition;
    struct tenon_report *report;
    uint32_t *place_of; /* per node of the graph: its row */
    uint32_t *labels;   /* per node of the graph */
};

static const char *copy(struct reporting *r, const char *text) {
    return tenon_arena_string(&r->report->arena, text, strlen(text));
}

static bool copies(const struct reporting *r, uint32_t target) {
    return tenon_backend_find(r->request->cost.targets[target].name)->transfer_ns != NULL;
}

static void fill_options(struct reporting *r, uint32_t row, uint32_t node, bool *ok) {
    uint32_t targets = r->report->plan.target_count;
    for (uint32_t i = 0; i < targets; i++) {
        const struct tenon_candidate *c =
            &r->partition->model.candidates[(size_t)node * targets + i];
        struct tenon_report_option *option = &r->report->options[(size_t)row * targets + i];
        *option = (struct tenon_report_option){
            .supported = c->supported,
            .reason = copy(r, c->reason),
            .measured = c->measured,
            .within_1 = c->within_1,
            .estimated_ns = c->supported ? c->time_ns : TENON_REPORT_NEVER,
            .more_ns = c->more_ns,
        };
        *ok &= option->reason != NULL;
    }
}

static bool fill_nodes(struct reporting *r) {
    const struct tenon_assign_problem *problem = &r->partition->model.problem;
    bool ok = true;
    for (uint32_t part = 0, row = 0; part < r->partition->part_count; part++)
        for (uint32_t k = 0; k < r->partition->parts[part].node_count; k++, row++) {
            uint32_t n = r->partition->parts[part].nodes[k], target = r->labels[n];
            const struct tenon_candidate *chosen =
                &r->partition->model.candidates[(size_t)n * problem->label_count + target];
            struct tenon_report_node *node = &r->report->nodes[row];
            *node = (struct tenon_report_node){
                .name = copy(r, r->graph->nodes[n].name),
                .op = tenon_op_get_info(r->graph->nodes[n].op)->name,
                .operation = copy(r, r->partition->model.operations[n]),
                .target = target,
                .part = part,
                .estimated_ns = chosen->time_ns,
                .measured = chosen->measured,
                .within_1 = chosen->within_1,
                .macs = tenon_graph_node_macs(r->graph, n),
            };
            ok = ok && node->name != NULL && node->operation != NULL;
            fill_options(r, row, n, &ok);
        }
    return ok;
}

/* A copy to a target is for the first of its readers there, the copy back for the producer. */
static void count_bytes(struct reporting *r, const struct tenon_net *net, uint64_t bytes) {
    uint32_t entered = 0;
    bool host = net->producer == TENON_ASSIGN_NONE, crosses = net->leaves;
    uint32_t from = host ? TENON_ASSIGN_NONE : r->labels[net->producer];
    for (uint32_t i = 0; i < net->reader_count; i++) {
        uint32_t to = r->labels[net->readers[i]];
        if (to == from || (entered >> to & 1) != 0)
            continue;
        entered |= UINT32_C(1) << to;
        crosses = true;
        if (copies(r, to))
            r->report->nodes[r->place_of[net->readers[i]]].bytes_in += bytes;
    }
    if (crosses && !host && copies(r, from))
        r->report->nodes[r->place_of[net->producer]].bytes_out += bytes;
}

static void add_edge(struct reporting *r, uint32_t from, uint32_t to, const char *tensor,
                     uint64_t bytes) {
    bool crosses;
    if (from == TENON_ID_NONE || to == TENON_ID_NONE)
        crosses = copies(r, r->labels[from == TENON_ID_NONE ? to : from]);
    else
        crosses = r->labels[from] != r->labels[to];
    r->report->edges[r->report->plan.edge_count++] = (struct tenon_report_edge){
        .from = from == TENON_ID_NONE ? TENON_REPORT_BORDER : r->place_of[from],
        .to = to == TENON_ID_NONE ? TENON_REPORT_BORDER : r->place_of[to],
        .tensor = tensor,
        .bytes = bytes,
        .crosses = crosses,
    };
}

static bool fill_edges(struct reporting *r) {
    const struct tenon_cost_model *model = &r->partition->model;
    size_t count = 0;
    for (uint32_t i = 0; i < model->problem.net_count; i++)
        count += (size_t)model->problem.nets[i].reader_count + 1;
    r->report->edges = tenon_arena_alloc_array(&r->report->arena, count, sizeof(*r->report->edges));
    if (r->report->edges == NULL)
        return false;
    for (uint32_t i = 0; i < model->problem.net_count; i++) {
        const struct tenon_net *net = &model->problem.nets[i];
        const struct tenon_tensor *tensor = &r->graph->tensors[model->net_tensors[i]];
        uint64_t bytes = tenon_desc_size(&tensor->desc);
        const char *name = copy(r, tensor->name);
        if (name == NULL)
            return false;
        count_bytes(r, net, bytes);
        for (uint32_t k = 0; k < net->reader_count; k++)
            add_edge(r, net->producer, net->readers[k], name, bytes);
        if (net->leaves && net->producer != TENON_ASSIGN_NONE)
            add_edge(r, net->producer, TENON_ID_NONE, name, bytes);
    }
    return true;
}

/* What the model would cost on one target alone. */
static uint64_t cost_alone(struct reporting *r, uint32_t target) {
    for (uint32_t n = 0; n < r->graph->node_count; n++)
        r->labels[n] = target;
    uint64_t total = tenon_assign_total(&r->partition->model.problem, r->labels);
    return total < TENON_ASSIGN_IMPOSSIBLE ? total : TENON_REPORT_NEVER;
}

/* Overwrites labels: comes last. */
static bool fill_targets(struct reporting *r) {
    struct tenon_report *report = r->report;
    for (uint32_t i = 0; i < report->plan.target_count; i++) {
        struct tenon_report_target *target = &report->targets[i];
        const char *name = r->request->cost.targets[i].name;
        *target = (struct tenon_report_target){.name = copy(r, name),
                                               .is_host = tenon_backend_find(name)->is_host};
        if (target->name == NULL)
            return false;
        for (uint32_t n = 0; n < report->plan.node_count; n++)
            if (report->nodes[n].target == i) {
                target->node_count++;
                target->estimated_ns += report->nodes[n].estimated_ns;
                target->bytes_in += report->nodes[n].bytes_in;
                target->bytes_out += report->nodes[n].bytes_out;
                target->macs += report->nodes[n].macs;
            }
        for (uint32_t p = 0; p < r->partition->part_count; p++)
            target->part_count += r->partition->targets[p] == i;
        target->alone_ns = cost_alone(r, i);
    }
    return true;
}

static void fill_plan(struct reporting *r) {
    struct tenon_report_plan *plan = &r->report->plan;
    const struct tenon_assign_problem *problem = &r->partition->model.problem;
    *plan = (struct tenon_report_plan){
        .target_count = problem->label_count,
        .node_count = problem->node_count,
        .part_count = r->partition->part_count,
        .estimated_ns = r->partition->total_ns,
        .planning_ns = r->partition->planning_ns,
        .method = r->partition->proof.method,
        .optimal = r->partition->proof.optimal,
    };
    for (uint32_t i = 0; i < r->partition->part_count; i++)
        plan->submit_ns += problem->submit_ns[r->partition->targets[i]];
    for (uint32_t i = 0; i < problem->net_count; i++)
        plan->transfer_ns += tenon_assign_net_cost(problem, &problem->nets[i], r->labels);
}

static bool fill(struct reporting *r) {
    struct tenon_arena *arena = &r->report->arena;
    struct tenon_report *report = r->report;
    uint32_t nodes = r->graph->node_count;
    r->labels = tenon_arena_alloc_array(arena, nodes, sizeof(*r->labels));
    r->place_of = tenon_arena_alloc_array(arena, nodes, sizeof(*r->place_of));
    if (r->labels == NULL || r->place_of == NULL)
        return false;
    for (uint32_t i = 0; i < nodes; i++) {
        r->labels[i] = r->partition->choices[i].target;
        r->place_of[r->partition->model.order[i]] = i;
    }
    fill_plan(r);
    uint32_t targets = report->plan.target_count;
    report->targets = tenon_arena_alloc_array(arena, targets, sizeof(*report->targets));
    report->nodes = tenon_arena_alloc_array(arena, nodes, sizeof(*report->nodes));
    report->options =
        tenon_arena_alloc_array(arena, (size_t)nodes * targets, sizeof(*report->options));
    return report->targets != NULL && report->nodes != NULL && report->options != NULL &&
           fill_nodes(r) && fill_edges(r) && fill_targets(r);
}

struct tenon_report *tenon_partition_report(const struct tenon_graph *graph,
                                            const struct tenon_partition_request *request,
                                            const struct tenon_partition *partition) {
    struct tenon_report *report = calloc(1, sizeof(*report));
    if (report == NULL)
        return NULL;
    tenon_arena_init(&report->arena, 0);
    struct reporting r = {
        .graph = graph, .request = request, .partition = partition, .report = report};
    if (!fill(&r)) {
        tenon_report_destroy(report);
        return NULL;
    }
    return report;
}

bool tenon_report_add_notes(struct tenon_report *report, const char *lines) {
    uint32_t count = 0;
    for (const char *at = lines; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    report->notes = tenon_arena_alloc_array(&report->arena, count, sizeof(*report->notes));
    for (const char *end; report->notes != NULL && (end = strchr(lines, '\n')) != NULL;
         lines = end + 1) {
        const char *note = tenon_arena_string(&report->arena, lines, (size_t)(end - lines));
        report->notes[report->note_count++] = note;
        if (note == NULL)
            return false;
    }
    return report->notes != NULL;
}

const char *tenon_report_get_note(const struct tenon_report *report, uint32_t index) {
    return index < report->note_count ? report->notes[index] : NULL;
}

void tenon_report_destroy(struct tenon_report *report) {
    if (report == NULL)
        return;
    tenon_arena_finish(&report->arena);
    free(report);
}

void tenon_report_get_plan(const struct tenon_report *report, struct tenon_report_plan *out) {
    *out = report->plan;
}

enum tenon_status tenon_report_get_target(const struct tenon_report *report, uint32_t index,
                                          struct tenon_report_target *out) {
    if (index >= report->plan.target_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    *out = report->targets[index];
    return TENON_OK;
}

enum tenon_status tenon_report_get_node(const struct tenon_report *report, uint32_t index,
                                        struct tenon_report_node *out) {
    if (index >= report->plan.node_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    *out = report->nodes[index];
    return TENON_OK;
}

enum tenon_status tenon_report_get_option(const struct tenon_report *report, uint32_t node,
                                          uint32_t target, struct tenon_report_option *out) {
    if (node >= report->plan.node_count || target >= report->plan.target_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    *out = report->options[(size_t)node * report->plan.target_count + target];
    return TENON_OK;
}

enum tenon_status tenon_report_get_edge(const struct tenon_report *report, uint32_t index,
                                        struct tenon_report_edge *out) {
    if (index >= report->plan.edge_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    *out = report->edges[index];
    return TENON_OK;
}
