/* The cost of an assignment: see assign.h. Every solver is measured by tenon_assign_total. */
#include "partition/assign.h"

uint64_t tenon_assign_net_cost(const struct tenon_assign_problem *problem,
                               const struct tenon_net *net, const uint32_t *labels) {
    const uint32_t host = problem->label_count;
    uint32_t from = net->producer == TENON_ASSIGN_NONE ? host : labels[net->producer];
    uint32_t entered = 0; /* labels, as bits */
    uint64_t cost = 0;
    bool crosses = net->leaves;
    for (uint32_t i = 0; i < net->reader_count; i++) {
        uint32_t to = labels[net->readers[i]];
        if (to == from || (entered >> to & 1) != 0)
            continue;
        entered |= UINT32_C(1) << to;
        crosses = true;
        cost += net->enter_ns[to];
    }
    return crosses && from != host ? cost + net->leave_ns[from] : cost;
}

static uint64_t submit_cost(const struct tenon_assign_problem *problem, const uint32_t *labels,
                            uint32_t place) {
    uint32_t label = labels[problem->order[place]];
    bool begins = place == 0 || labels[problem->order[place - 1]] != label;
    return begins ? problem->submit_ns[label] : 0;
}

uint64_t tenon_assign_total(const struct tenon_assign_problem *problem, const uint32_t *labels) {
    uint64_t total = 0;
    for (uint32_t n = 0; n < problem->node_count; n++) {
        uint64_t time = problem->time_ns[(size_t)n * problem->label_count + labels[n]];
        if (time >= TENON_ASSIGN_IMPOSSIBLE)
            return TENON_ASSIGN_IMPOSSIBLE;
        total += time + submit_cost(problem, labels, n);
    }
    for (uint32_t i = 0; i < problem->net_count; i++)
        total += tenon_assign_net_cost(problem, &problem->nets[i], labels);
    return total;
}

/* All terms that one node's label is part of. */
static uint64_t cost_around(const struct tenon_assign_problem *problem, const uint32_t *labels,
                            uint32_t node, uint32_t place) {
    uint64_t cost = problem->time_ns[(size_t)node * problem->label_count + labels[node]] +
                    submit_cost(problem, labels, place);
    if (place + 1 < problem->node_count)
        cost += submit_cost(problem, labels, place + 1);
    for (uint32_t i = problem->nets_at[node]; i < problem->nets_at[node + 1]; i++)
        cost += tenon_assign_net_cost(problem, &problem->nets[problem->nets_of_nodes[i]], labels);
    return cost;
}

int64_t tenon_assign_change(const struct tenon_assign_problem *problem, uint32_t *labels,
                            const uint32_t *place_of, uint32_t node, uint32_t label) {
    uint32_t before = labels[node];
    uint64_t cost = cost_around(problem, labels, node, place_of[node]);
    labels[node] = label;
    uint64_t changed = cost_around(problem, labels, node, place_of[node]);
    labels[node] = before;
    return (int64_t)(changed - cost);
}

/* A node is in a net once: a reader never makes what it reads. */
static void count_nets(const struct tenon_assign_problem *problem, uint32_t *at) {
    for (uint32_t i = 0; i < problem->net_count; i++) {
        const struct tenon_net *net = &problem->nets[i];
        if (net->producer != TENON_ASSIGN_NONE)
            at[net->producer + 1]++;
        for (uint32_t r = 0; r < net->reader_count; r++)
            at[net->readers[r] + 1]++;
    }
    for (uint32_t n = 0; n < problem->node_count; n++)
        at[n + 1] += at[n];
}

bool tenon_assign_index(struct tenon_assign_problem *problem, struct tenon_arena *arena) {
    uint32_t *at = tenon_arena_alloc_array(arena, (size_t)problem->node_count + 1, sizeof(*at));
    uint32_t *next = tenon_arena_alloc_array(arena, problem->node_count, sizeof(*next));
    if (at == NULL || next == NULL)
        return false;
    count_nets(problem, at);
    uint32_t *of = tenon_arena_alloc_array(arena, at[problem->node_count], sizeof(*of));
    if (of == NULL)
        return false;
    for (uint32_t n = 0; n < problem->node_count; n++)
        next[n] = at[n];
    for (uint32_t i = 0; i < problem->net_count; i++) {
        const struct tenon_net *net = &problem->nets[i];
        if (net->producer != TENON_ASSIGN_NONE)
            of[next[net->producer]++] = i;
        for (uint32_t r = 0; r < net->reader_count; r++)
            of[next[net->readers[r]]++] = i;
    }
    problem->nets_at = at;
    problem->nets_of_nodes = of;
    return true;
}
