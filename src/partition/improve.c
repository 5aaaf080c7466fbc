/* Targets and order together: see improve.h. */
#include "partition/improve.h"

#include <string.h>

#include "partition/schedule.h"

/* Steps of about a nanosecond each that the local search may take: some milliseconds. */
#define WORK_MAX (UINT64_C(1) << 21)
enum { ROUNDS_MAX = 8 };

struct improving {
    struct tenon_assign_problem *problem;
    struct tenon_scheduler scheduler;
    uint32_t *order; /* the problem's own */
    uint32_t *labels, *trial, *trial_order;
    uint64_t total, work;
};

static uint32_t node_count(const struct improving *im) {
    return im->problem->node_count;
}

static bool is_possible(const struct improving *im, uint32_t node, uint32_t label) {
    const struct tenon_assign_problem *p = im->problem;
    return p->time_ns[(size_t)node * p->label_count + label] < TENON_ASSIGN_IMPOSSIBLE;
}

/* Keeps labels and order when, with their best order, they cost less than what is kept. */
static bool accept(struct improving *im, const uint32_t *labels) {
    uint32_t nodes = node_count(im), *order = im->order;
    im->work += 16 * (uint64_t)nodes * im->problem->label_count;
    tenon_scheduler_run(&im->scheduler, labels, im->trial_order);
    im->problem->order = im->trial_order;
    uint64_t total = tenon_assign_total(im->problem, labels);
    im->problem->order = order;
    if (total >= im->total)
        return false;
    im->total = total;
    memcpy(order, im->trial_order, nodes * sizeof(*order));
    if (labels != im->labels)
        memcpy(im->labels, labels, nodes * sizeof(*im->labels));
    return true;
}

/* The best targets for the order, then the best order for the targets, while that gains. */
static bool take_turns(struct improving *im, struct tenon_assign_proof *proof) {
    for (int round = 0; round < ROUNDS_MAX; round++) {
        memcpy(im->trial, im->labels, node_count(im) * sizeof(*im->trial));
        if (!tenon_assign_solve(im->problem, im->trial, proof))
            return false;
        uint64_t solved = tenon_assign_total(im->problem, im->trial);
        bool better = solved < im->total;
        if (better) {
            im->total = solved;
            memcpy(im->labels, im->trial, node_count(im) * sizeof(*im->trial));
        }
        if (im->problem->label_count < 2 || !accept(im, im->labels))
            break;
    }
    return true;
}

/* ---- local search ---- */

static bool may_go_on(const struct improving *im) {
    return im->work < WORK_MAX;
}

/* A trial begins with what is kept; `nodes` that can, move to `label`. */
static bool try_move(struct improving *im, const uint32_t *nodes, uint32_t count, uint32_t label) {
    bool changed = false;
    memcpy(im->trial, im->labels, node_count(im) * sizeof(*im->trial));
    for (uint32_t i = 0; i < count; i++)
        if (im->trial[nodes[i]] != label && is_possible(im, nodes[i], label)) {
            im->trial[nodes[i]] = label;
            changed = true;
        }
    return changed && accept(im, im->trial);
}

static bool move_nodes(struct improving *im) {
    bool better = false;
    for (uint32_t n = 0; n < node_count(im) && may_go_on(im); n++)
        for (uint32_t label = 0; label < im->problem->label_count; label++)
            better |= try_move(im, &n, 1, label);
    return better;
}

/* Runs of neighbours in the order: whole parts, and what lies between two of them. */
static bool move_runs(struct improving *im, uint32_t length) {
    bool better = false;
    for (uint32_t i = 0; i + length <= node_count(im) && may_go_on(im); i++)
        for (uint32_t label = 0; label < im->problem->label_count; label++)
            better |= try_move(im, im->order + i, length, label);
    return better;
}

static bool move_parts(struct improving *im) {
    bool better = false;
    for (uint32_t i = 0, next; i < node_count(im) && may_go_on(im); i = next) {
        uint32_t of = im->labels[im->order[i]];
        for (next = i + 1; next < node_count(im) && im->labels[im->order[next]] == of; next++)
            ;
        for (uint32_t label = 0; label < im->problem->label_count; label++)
            better |= try_move(im, im->order + i, next - i, label);
    }
    return better;
}

/* A node with all that read what it makes. */
static bool move_nets(struct improving *im) {
    bool better = false;
    for (uint32_t i = 0; i < im->problem->net_count && may_go_on(im); i++) {
        const struct tenon_net *net = &im->problem->nets[i];
        for (uint32_t label = 0; label < im->problem->label_count; label++) {
            memcpy(im->trial, im->labels, node_count(im) * sizeof(*im->trial));
            if (net->producer != TENON_ASSIGN_NONE && is_possible(im, net->producer, label))
                im->trial[net->producer] = label;
            for (uint32_t k = 0; k < net->reader_count; k++)
                if (is_possible(im, net->readers[k], label))
                    im->trial[net->readers[k]] = label;
            better |= accept(im, im->trial);
        }
    }
    return better;
}

static bool search(struct improving *im) {
    bool better = false, again = true;
    while (again && may_go_on(im)) {
        again = move_parts(im);
        again |= move_nodes(im);
        again |= move_nets(im);
        for (uint32_t length = 2; length <= 4; length++)
            again |= move_runs(im, length);
        better |= again;
    }
    return better;
}

/* ---- starts ---- */

static bool settle(struct improving *im, struct tenon_assign_proof *proof) {
    if (!take_turns(im, proof))
        return false;
    for (int round = 0; round < ROUNDS_MAX && im->problem->label_count > 1 && search(im); round++)
        if (!take_turns(im, proof))
            return false;
    return true;
}

/* `label` wherever it is possible; what was kept elsewhere. */
static void prefer(struct improving *im, uint32_t label) {
    for (uint32_t n = 0; n < node_count(im); n++)
        if (is_possible(im, n, label))
            im->labels[n] = label;
}

/* The best when submissions cost nothing, from the graph's own order. */
static bool ignore_submissions(struct improving *im) {
    static const uint64_t nothing[TENON_ASSIGN_LABELS_MAX];
    const uint64_t *submit_ns = im->problem->submit_ns;
    struct tenon_assign_proof ignored;
    im->problem->submit_ns = nothing;
    bool ok = tenon_assign_solve(im->problem, im->labels, &ignored);
    im->problem->submit_ns = submit_ns;
    return ok;
}

/* Each start settles on its own; the best is kept. The first is what the caller gave. */
static bool settle_from_all(struct improving *im, struct tenon_assign_proof *proof,
                            uint32_t *best_labels, uint32_t *best_order) {
    uint32_t nodes = node_count(im), starts = im->problem->label_count + 2;
    uint64_t best = UINT64_MAX;
    for (uint32_t start = 0; start < starts && (start == 0 || may_go_on(im)); start++) {
        struct tenon_assign_proof found;
        if (start == 1 && !ignore_submissions(im))
            return false;
        if (start >= 2)
            prefer(im, start - 2);
        im->total = TENON_ASSIGN_IMPOSSIBLE;
        accept(im, im->labels);
        if (!settle(im, &found))
            return false;
        if (im->total < best) {
            best = im->total;
            *proof = found;
            memcpy(best_labels, im->labels, nodes * sizeof(*best_labels));
            memcpy(best_order, im->order, nodes * sizeof(*best_order));
        }
        if (im->problem->label_count < 2)
            break;
    }
    memcpy(im->labels, best_labels, nodes * sizeof(*best_labels));
    memcpy(im->order, best_order, nodes * sizeof(*best_order));
    return true;
}

bool tenon_partition_improve(const struct tenon_graph *graph, struct tenon_cost_model *model,
                             uint32_t *labels, struct tenon_assign_proof *proof) {
    struct improving im = {.problem = &model->problem, .order = model->order, .labels = labels};
    struct tenon_arena arena;
    size_t nodes = graph->node_count;
    tenon_arena_init(&arena, 0);
    im.trial = tenon_arena_alloc_array(&arena, nodes, sizeof(*im.trial));
    im.trial_order = tenon_arena_alloc_array(&arena, nodes, sizeof(*im.trial_order));
    uint32_t *best_labels = tenon_arena_alloc_array(&arena, nodes, sizeof(*best_labels));
    uint32_t *best_order = tenon_arena_alloc_array(&arena, nodes, sizeof(*best_order));
    bool ok = im.trial != NULL && im.trial_order != NULL && best_labels != NULL &&
              best_order != NULL &&
              tenon_scheduler_init(&im.scheduler, graph, im.problem, &arena) &&
              settle_from_all(&im, proof, best_labels, best_order);
    tenon_arena_finish(&arena);
    return ok;
}
