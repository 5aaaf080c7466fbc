/*
 * Alpha-expansion. A move asks of each node whose label is not alpha: keep (the source's side of
 * the cut) or change (the sink's side)? Nodes that have alpha stand with the sink from the start.
 *
 * A net's terms are of two forms, with z a vertex of its own:
 *   "p keeps and any of Q changes":  p -> z with the cost, z -> q without limit
 *   "p changes and any of Q keeps":  z -> p with the cost, q -> z without limit
 * where p may be source or sink when it is known.
 */
#include "partition/assign.h"
#include "partition/flow.h"

#define NO_LIMIT TENON_ASSIGN_IMPOSSIBLE

/* Edges looked at in one move: some tenths of a second. Beyond it, what was found so far counts. */
#define WORK_MAX (UINT64_C(1) << 26)
enum { SWEEPS_MAX = 16 };

struct move {
    const struct tenon_assign_problem *problem;
    struct tenon_flow flow;
    uint32_t *labels;
    uint32_t *vertex; /* per node */
    int64_t *weight;  /* per node: what changing costs more than keeping, of terms of one node */
    uint32_t alpha;
};

static bool is_fixed(const struct move *m, uint32_t node) {
    return m->labels[node] == m->alpha;
}

static void when_kept(struct move *m, uint32_t node, uint64_t cost) {
    m->weight[node] -= (int64_t)cost;
}

static void when_changed(struct move *m, uint32_t node, uint64_t cost) {
    m->weight[node] += (int64_t)cost;
}

/* "p keeps and any reader changes"; readers that have alpha count as changed. */
static void add_if_any_changes(struct move *m, uint32_t p, const struct tenon_net *net,
                               uint64_t cost) {
    uint32_t z = tenon_flow_add_vertex(&m->flow);
    tenon_flow_add_edge(&m->flow, p, z, cost);
    for (uint32_t i = 0; i < net->reader_count; i++)
        tenon_flow_add_edge(&m->flow, z, m->vertex[net->readers[i]], NO_LIMIT);
}

/* "p changes and any reader with label `of` (NONE: any label but alpha) keeps" */
static void add_if_any_keeps(struct move *m, uint32_t p, const struct tenon_net *net, uint32_t of,
                             uint64_t cost) {
    uint32_t z = tenon_flow_add_vertex(&m->flow);
    tenon_flow_add_edge(&m->flow, z, p, cost);
    for (uint32_t i = 0; i < net->reader_count; i++)
        if (!is_fixed(m, net->readers[i]) &&
            (of == TENON_ASSIGN_NONE || m->labels[net->readers[i]] == of))
            tenon_flow_add_edge(&m->flow, m->vertex[net->readers[i]], z, NO_LIMIT);
}

/* The times, and the submission at the borders of neighbours in the order. */
static void add_node(struct move *m, uint32_t place) {
    const struct tenon_assign_problem *p = m->problem;
    const uint64_t *submit = p->submit_ns;
    uint32_t v = p->order[place], to = m->labels[v], alpha = m->alpha;
    const uint64_t *times = &p->time_ns[(size_t)v * p->label_count];
    if (!is_fixed(m, v)) {
        when_kept(m, v, times[to]);
        when_changed(m, v, times[alpha]);
    }
    if (place == 0) {
        if (!is_fixed(m, v)) {
            when_kept(m, v, submit[to]);
            when_changed(m, v, submit[alpha]);
        }
        return;
    }
    uint32_t u = p->order[place - 1], from = m->labels[u];
    if (is_fixed(m, u)) {
        if (!is_fixed(m, v))
            when_kept(m, v, submit[to]);
    } else if (is_fixed(m, v)) {
        when_kept(m, u, submit[alpha]);
    } else {
        /* keep, keep: border; keep, change: submit alpha; change, keep: submit to; else nothing. */
        uint64_t both_keep = from != to ? submit[to] : 0;
        when_changed(m, u, submit[to] - both_keep);
        when_kept(m, v, submit[to]);
        tenon_flow_add_edge(&m->flow, m->vertex[u], m->vertex[v],
                            submit[alpha] + submit[to] - both_keep);
    }
}

/* What entering label `to`, not alpha, costs when a reader keeps it. */
static void add_entering_kept(struct move *m, const struct tenon_net *net, uint32_t to) {
    bool from_same = net->producer != TENON_ASSIGN_NONE && m->labels[net->producer] == to;
    uint32_t p = from_same ? m->vertex[net->producer] : TENON_FLOW_SINK;
    add_if_any_keeps(m, p, net, to, net->enter_ns[to]);
}

static bool any_fixed(const struct move *m, const struct tenon_net *net) {
    for (uint32_t i = 0; i < net->reader_count; i++)
        if (is_fixed(m, net->readers[i]))
            return true;
    return false;
}

static void add_entering_alpha(struct move *m, const struct tenon_net *net) {
    uint64_t cost = net->enter_ns[m->alpha];
    bool from_host = net->producer == TENON_ASSIGN_NONE;
    if (!from_host && is_fixed(m, net->producer))
        return;
    if (!any_fixed(m, net))
        add_if_any_changes(m, from_host ? TENON_FLOW_SOURCE : m->vertex[net->producer], net, cost);
    else if (!from_host)
        when_kept(m, net->producer, cost);
}

static bool all_read_by(const struct move *m, const struct tenon_net *net, uint32_t label) {
    for (uint32_t i = 0; i < net->reader_count; i++)
        if (m->labels[net->readers[i]] != label)
            return false;
    return true;
}

static void add_leaving(struct move *m, const struct tenon_net *net) {
    if (net->producer == TENON_ASSIGN_NONE)
        return;
    uint32_t node = net->producer, from = m->labels[node];
    bool fixed = is_fixed(m, node);
    if (net->leaves) {
        if (!fixed) {
            when_kept(m, node, net->leave_ns[from]);
            when_changed(m, node, net->leave_ns[m->alpha]);
        }
        return;
    }
    add_if_any_keeps(m, fixed ? TENON_FLOW_SINK : m->vertex[node], net, TENON_ASSIGN_NONE,
                     net->leave_ns[m->alpha]);
    if (fixed)
        return;
    if (all_read_by(m, net, from))
        add_if_any_changes(m, m->vertex[node], net, net->leave_ns[from]);
    else
        when_kept(m, node, net->leave_ns[from]);
}

static void add_net(struct move *m, const struct tenon_net *net) {
    uint32_t done = 0; /* labels, as bits */
    if (net->reader_count == 0 && !net->leaves)
        return;
    for (uint32_t i = 0; i < net->reader_count; i++) {
        uint32_t to = m->labels[net->readers[i]];
        if (to == m->alpha || (done >> to & 1) != 0)
            continue;
        done |= UINT32_C(1) << to;
        add_entering_kept(m, net, to);
    }
    if (net->reader_count != 0)
        add_entering_alpha(m, net);
    add_leaving(m, net);
}

static void build(struct move *m) {
    const struct tenon_assign_problem *p = m->problem;
    tenon_flow_clear(&m->flow);
    for (uint32_t n = 0; n < p->node_count; n++) {
        m->weight[n] = 0;
        m->vertex[n] = is_fixed(m, n) ? TENON_FLOW_SINK : tenon_flow_add_vertex(&m->flow);
    }
    for (uint32_t place = 0; place < p->node_count; place++)
        add_node(m, place);
    for (uint32_t i = 0; i < p->net_count; i++)
        add_net(m, &p->nets[i]);
    for (uint32_t n = 0; n < p->node_count; n++)
        if (m->weight[n] > 0)
            tenon_flow_add_edge(&m->flow, TENON_FLOW_SOURCE, m->vertex[n], (uint64_t)m->weight[n]);
        else
            tenon_flow_add_edge(&m->flow, m->vertex[n], TENON_FLOW_SINK, (uint64_t)-m->weight[n]);
}

/* The best change to one label. Sets *moved when a node changed. */
static bool expand(struct move *m, bool *moved) {
    *moved = false;
    build(m);
    if (!tenon_flow_maximize(&m->flow, WORK_MAX))
        return false;
    for (uint32_t n = 0; n < m->problem->node_count; n++)
        if (!is_fixed(m, n) && tenon_flow_is_sink_side(&m->flow, m->vertex[n])) {
            m->labels[n] = m->alpha;
            *moved = true;
        }
    return true;
}

static bool init(struct move *m, struct tenon_arena *arena) {
    const struct tenon_assign_problem *p = m->problem;
    uint32_t vertices = p->node_count, edges = 3 * p->node_count;
    for (uint32_t i = 0; i < p->net_count; i++) {
        vertices += p->label_count + 3;
        edges += 4 * p->nets[i].reader_count + p->label_count + 3;
    }
    m->vertex = tenon_arena_alloc_array(arena, p->node_count, sizeof(*m->vertex));
    m->weight = tenon_arena_alloc_array(arena, p->node_count, sizeof(*m->weight));
    return m->vertex != NULL && m->weight != NULL &&
           tenon_flow_init(&m->flow, arena, vertices, edges);
}

enum tenon_assign_result tenon_assign_expand(const struct tenon_assign_problem *problem,
                                             struct tenon_arena *arena, uint32_t *labels) {
    struct move m = {.problem = problem, .labels = labels};
    if (!init(&m, arena))
        return TENON_ASSIGN_NO_MEMORY;
    uint32_t idle = 0; /* moves in a row that changed nothing */
    for (uint32_t i = 0; i < SWEEPS_MAX * problem->label_count; i++) {
        bool moved;
        m.alpha = i % problem->label_count;
        if (!expand(&m, &moved))
            return TENON_ASSIGN_GAVE_UP;
        idle = moved ? 1 : idle + 1;
        if (idle >= problem->label_count)
            return TENON_ASSIGN_DONE;
    }
    return TENON_ASSIGN_GAVE_UP;
}
