/* Which solver for which problem: see tenon_assign_solve in assign.h. */
#include <string.h>

#include "partition/assign.h"

static uint32_t used_labels(const struct tenon_assign_problem *p) {
    uint32_t used = 0;
    for (uint32_t label = 0; label < p->label_count; label++)
        for (uint32_t n = 0; n < p->node_count; n++)
            if (p->time_ns[(size_t)n * p->label_count + label] < TENON_ASSIGN_IMPOSSIBLE) {
                used++;
                break;
            }
    return used;
}

/* `label` wherever it is possible, and the first possible one elsewhere. */
static void start_with(const struct tenon_assign_problem *p, uint32_t label, uint32_t *labels) {
    for (uint32_t n = 0; n < p->node_count; n++) {
        const uint64_t *times = &p->time_ns[(size_t)n * p->label_count];
        labels[n] = label;
        for (uint32_t l = 0; times[labels[n]] >= TENON_ASSIGN_IMPOSSIBLE && l < p->label_count; l++)
            labels[n] = l;
    }
}

/* From `labels` and from a start with each label; the best into `labels`. */
static enum tenon_assign_result expand_from_all(const struct tenon_assign_problem *p,
                                                struct tenon_arena *arena, uint32_t *labels) {
    uint32_t *trial = tenon_arena_alloc_array(arena, p->node_count, sizeof(*trial));
    if (trial == NULL)
        return TENON_ASSIGN_NO_MEMORY;
    enum tenon_assign_result result = tenon_assign_expand(p, arena, labels);
    uint64_t best = tenon_assign_total(p, labels);
    for (uint32_t label = 0; label < p->label_count && result == TENON_ASSIGN_DONE; label++) {
        start_with(p, label, trial);
        result = tenon_assign_expand(p, arena, trial);
        uint64_t total = tenon_assign_total(p, trial);
        if (result == TENON_ASSIGN_NO_MEMORY || total >= best)
            continue;
        best = total;
        memcpy(labels, trial, p->node_count * sizeof(*labels));
    }
    return result;
}

static enum tenon_assign_result solve(const struct tenon_assign_problem *p,
                                      struct tenon_arena *arena, uint32_t *labels,
                                      struct tenon_assign_proof *proof) {
    *proof = (struct tenon_assign_proof){"single target", true};
    if (p->label_count < 2 || used_labels(p) < 2)
        return TENON_ASSIGN_DONE;
    enum tenon_assign_result result;
    if (p->label_count == 2) {
        start_with(p, 0, labels);
        result = tenon_assign_expand(p, arena, labels);
        *proof = (struct tenon_assign_proof){"minimum cut", result == TENON_ASSIGN_DONE};
        return result;
    }
    result = tenon_assign_frontier(p, arena, labels);
    *proof = (struct tenon_assign_proof){"dynamic programming", true};
    if (result != TENON_ASSIGN_GAVE_UP)
        return result;
    *proof = (struct tenon_assign_proof){"alpha-expansion", false};
    return expand_from_all(p, arena, labels);
}

bool tenon_assign_solve(const struct tenon_assign_problem *problem, uint32_t *labels,
                        struct tenon_assign_proof *proof) {
    struct tenon_arena arena;
    tenon_arena_init(&arena, 0);
    enum tenon_assign_result result = solve(problem, &arena, labels, proof);
    tenon_arena_finish(&arena);
    return result != TENON_ASSIGN_NO_MEMORY;
}
