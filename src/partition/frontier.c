/*
 * Dynamic programming over the order. Between two nodes, what matters of the past is: the label of
 * the last node, and of each net that is still to be read the label of its producer and which
 * labels it has entered already. Of all assignments that agree in this only the cheapest is kept.
 */
#include "partition/assign.h"

#include <string.h>

enum {
    SLOTS = 15,         /* nets that can be open at once */
    LABELS_MAX = 4,     /* a net's state fits a byte: producer's label or host, labels entered */
    STATES_MAX = 4096,  /* after each node */
    BUCKETS = 8192,     /* a power of two above STATES_MAX */
    TRACE_MAX = 1 << 20 /* states of all steps together */
};
#define NO_TRACE UINT32_MAX

/* nets[slot]: 0 when free, else 1 + producer's label (K for host) + (K + 1) * entered labels. */
struct key {
    uint8_t nets[SLOTS];
    uint8_t label; /* of the last node */
};

struct state {
    struct key key;
    uint32_t sum; /* of labels, for ties */
    uint32_t trace;
    uint64_t cost;
};

/* How a state came to be. */
struct trace {
    uint32_t before; /* another trace */
    uint32_t label;
};

struct frontier {
    const struct tenon_assign_problem *problem;
    struct state *states, *next; /* STATES_MAX each */
    uint32_t state_count, next_count;
    uint32_t *buckets;
    struct trace *traces;
    uint32_t trace_count;
    uint8_t *slot_of; /* per net; SLOTS when closed */
    uint32_t *unread; /* per net: readers that are still to come */
    uint32_t used;    /* slots, as bits */
    bool overflow;
};

static uint32_t hash_of(const struct key *key) {
    uint64_t a, b;
    memcpy(&a, key, sizeof(a));
    memcpy(&b, (const char *)key + sizeof(a), sizeof(b));
    return (uint32_t)((a * UINT64_C(0x9e3779b97f4a7c15) ^ b * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 40);
}

/* Keeps the cheaper of two states with one key. */
static void offer(struct frontier *f, const struct state *state) {
    uint32_t bucket = hash_of(&state->key) % BUCKETS;
    for (; f->buckets[bucket] != 0; bucket = (bucket + 1) % BUCKETS) {
        struct state *old = &f->next[f->buckets[bucket] - 1];
        if (memcmp(&old->key, &state->key, sizeof(old->key)) != 0)
            continue;
        if (state->cost < old->cost || (state->cost == old->cost && state->sum < old->sum))
            *old = *state;
        return;
    }
    if (f->next_count == STATES_MAX) {
        f->overflow = true;
        return;
    }
    f->next[f->next_count] = *state;
    f->buckets[bucket] = ++f->next_count;
}

static uint8_t encode(const struct frontier *f, uint32_t from, uint32_t entered) {
    return (uint8_t)(1 + from + (f->problem->label_count + 1) * entered);
}

/* A reader with label `to` of an open net. */
static uint64_t read_net(const struct frontier *f, const struct tenon_net *net, uint8_t *code,
                         uint32_t to) {
    uint32_t host = f->problem->label_count;
    uint32_t from = (*code - 1u) % (host + 1), entered = (*code - 1u) / (host + 1);
    if (to == from || (entered >> to & 1) != 0)
        return 0;
    *code = encode(f, from, entered | 1u << to);
    bool first = entered == 0 && from != host && !net->leaves;
    return net->enter_ns[to] + (first ? net->leave_ns[from] : 0);
}

/* The state after `node` took `label`, apart from nets that close or open. */
static void extend(struct frontier *f, const struct state *before, uint32_t node, uint32_t label) {
    const struct tenon_assign_problem *p = f->problem;
    struct state state = *before;
    state.key.label = (uint8_t)label;
    state.sum += label;
    state.cost += p->time_ns[(size_t)node * p->label_count + label];
    if (before->key.label != label)
        state.cost += p->submit_ns[label];
    for (uint32_t i = p->nets_at[node]; i < p->nets_at[node + 1]; i++) {
        uint32_t id = p->nets_of_nodes[i];
        const struct tenon_net *net = &p->nets[id];
        if (net->producer == node) {
            if (net->leaves)
                state.cost += net->leave_ns[label];
            if (f->slot_of[id] != SLOTS)
                state.key.nets[f->slot_of[id]] = encode(f, label, 0);
            continue;
        }
        uint8_t *code = &state.key.nets[f->slot_of[id]];
        if (*code == 0)
            *code = encode(f, p->label_count, 0);
        state.cost += read_net(f, net, code, label);
        if (f->unread[id] == 1)
            *code = 0;
    }
    offer(f, &state);
}

/* Gives slots to the nets that open at the node. */
static void open_nets(struct frontier *f, uint32_t node) {
    const struct tenon_assign_problem *p = f->problem;
    for (uint32_t i = p->nets_at[node]; i < p->nets_at[node + 1]; i++) {
        uint32_t id = p->nets_of_nodes[i], slot = 0;
        if (f->slot_of[id] != SLOTS || p->nets[id].reader_count == 0)
            continue;
        while (slot < SLOTS && (f->used >> slot & 1) != 0)
            slot++;
        if (slot == SLOTS) {
            f->overflow = true;
            return;
        }
        f->slot_of[id] = (uint8_t)slot;
        f->used |= 1u << slot;
    }
}

static void close_nets(struct frontier *f, uint32_t node) {
    const struct tenon_assign_problem *p = f->problem;
    for (uint32_t i = p->nets_at[node]; i < p->nets_at[node + 1]; i++) {
        uint32_t id = p->nets_of_nodes[i];
        if (p->nets[id].producer == node || --f->unread[id] != 0)
            continue;
        f->used &= ~(1u << f->slot_of[id]);
        f->slot_of[id] = SLOTS;
    }
}

static void note_traces(struct frontier *f) {
    if (f->trace_count + f->next_count > TRACE_MAX) {
        f->overflow = true;
        return;
    }
    for (uint32_t i = 0; i < f->next_count; i++) {
        f->traces[f->trace_count] = (struct trace){f->next[i].trace, f->next[i].key.label};
        f->next[i].trace = f->trace_count++;
    }
}

static void step(struct frontier *f, uint32_t node) {
    const struct tenon_assign_problem *p = f->problem;
    open_nets(f, node);
    memset(f->buckets, 0, BUCKETS * sizeof(*f->buckets));
    f->next_count = 0;
    for (uint32_t i = 0; !f->overflow && i < f->state_count; i++)
        for (uint32_t label = 0; label < p->label_count; label++)
            if (p->time_ns[(size_t)node * p->label_count + label] < TENON_ASSIGN_IMPOSSIBLE)
                extend(f, &f->states[i], node, label);
    close_nets(f, node);
    note_traces(f);
    struct state *swap = f->states;
    f->states = f->next;
    f->state_count = f->next_count;
    f->next = swap;
}

static bool init(struct frontier *f, struct tenon_arena *arena) {
    const struct tenon_assign_problem *p = f->problem;
    f->states = tenon_arena_alloc_array(arena, STATES_MAX, sizeof(*f->states));
    f->next = tenon_arena_alloc_array(arena, STATES_MAX, sizeof(*f->next));
    f->buckets = tenon_arena_alloc_array(arena, BUCKETS, sizeof(*f->buckets));
    uint64_t traces = (uint64_t)STATES_MAX * p->node_count;
    f->traces =
        tenon_arena_alloc_array(arena, traces < TRACE_MAX ? traces : TRACE_MAX, sizeof(*f->traces));
    f->slot_of = tenon_arena_alloc_array(arena, p->net_count, sizeof(*f->slot_of));
    f->unread = tenon_arena_alloc_array(arena, p->net_count, sizeof(*f->unread));
    if (f->states == NULL || f->next == NULL || f->buckets == NULL || f->traces == NULL ||
        f->slot_of == NULL || f->unread == NULL)
        return false;
    for (uint32_t i = 0; i < p->net_count; i++) {
        f->slot_of[i] = SLOTS;
        f->unread[i] = p->nets[i].reader_count;
    }
    f->state_count = 1;
    f->states[0] = (struct state){.key = {.label = UINT8_MAX}, .trace = NO_TRACE};
    return true;
}

enum tenon_assign_result tenon_assign_frontier(const struct tenon_assign_problem *problem,
                                               struct tenon_arena *arena, uint32_t *labels) {
    struct frontier f = {.problem = problem};
    if (problem->label_count > LABELS_MAX)
        return TENON_ASSIGN_GAVE_UP;
    if (!init(&f, arena))
        return TENON_ASSIGN_NO_MEMORY;
    for (uint32_t place = 0; place < problem->node_count && !f.overflow; place++)
        step(&f, problem->order[place]);
    if (f.overflow || f.state_count == 0)
        return TENON_ASSIGN_GAVE_UP;
    const struct state *best = &f.states[0];
    for (uint32_t i = 1; i < f.state_count; i++)
        if (f.states[i].cost < best->cost ||
            (f.states[i].cost == best->cost && f.states[i].sum < best->sum))
            best = &f.states[i];
    uint32_t trace = best->trace;
    for (uint32_t place = problem->node_count; place-- > 0; trace = f.traces[trace].before)
        labels[problem->order[place]] = f.traces[trace].label;
    return TENON_ASSIGN_DONE;
}
