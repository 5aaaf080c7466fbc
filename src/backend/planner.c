/* Greedy-by-size placement; see planner.h. */
#include "backend/planner.h"

#include <stdlib.h>

struct entry {
    struct tenon_plan_item *item;
    uint32_t index; /* for a stable order */
};

static int larger_first(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->item->size_bytes != y->item->size_bytes)
        return x->item->size_bytes > y->item->size_bytes ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static int lower_first(const void *a, const void *b) {
    const struct tenon_plan_item *x = *(struct tenon_plan_item *const *)a;
    const struct tenon_plan_item *y = *(struct tenon_plan_item *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool live_together(const struct tenon_plan_item *a, const struct tenon_plan_item *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest gap between the placed items that live at the same time. */
static uint64_t find_gap(struct tenon_plan_item *item, struct tenon_plan_item **neighbours,
                         uint32_t count) {
    uint64_t at = 0;
    qsort(neighbours, count, sizeof(*neighbours), lower_first);
    for (uint32_t i = 0; i < count; i++) {
        if (neighbours[i]->offset >= at + item->size_bytes)
            break;
        uint64_t end = neighbours[i]->offset + neighbours[i]->size_bytes;
        at = end > at ? end : at;
    }
    return at;
}

static void place_all(struct entry *entries, uint32_t count, struct tenon_plan_item **neighbours,
                      uint64_t *total) {
    qsort(entries, count, sizeof(*entries), larger_first);
    for (uint32_t i = 0; i < count; i++) {
        struct tenon_plan_item *item = entries[i].item;
        uint32_t found = 0;
        for (uint32_t k = 0; k < i; k++)
            if (live_together(item, entries[k].item))
                neighbours[found++] = entries[k].item;
        item->offset = find_gap(item, neighbours, found);
        if (item->offset + item->size_bytes > *total)
            *total = item->offset + item->size_bytes;
    }
}

enum tenon_status tenon_plan_memory(struct tenon_plan_item *items, uint32_t count,
                                    uint64_t alignment, uint64_t *total,
                                    struct tenon_error *error) {
    uint64_t sum = 0;
    *total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t size = items[i].size_bytes;
        if (size > INT64_MAX - alignment)
            return tenon_fail(error, TENON_ERROR_LIMIT, "the plan needs too much memory");
        items[i].size_bytes = (size + alignment - 1) / alignment * alignment;
        items[i].offset = sum;
        sum += items[i].size_bytes;
        if (sum > INT64_MAX)
            return tenon_fail(error, TENON_ERROR_LIMIT, "the plan needs too much memory");
    }
    *total = sum;
    if (count > TENON_PLAN_ITEMS_MAX || count == 0)
        return TENON_OK;
    struct entry *entries = malloc(count * sizeof(*entries));
    struct tenon_plan_item **neighbours = malloc(count * sizeof(struct tenon_plan_item *));
    bool ok = entries != NULL && neighbours != NULL;
    for (uint32_t i = 0; ok && i < count; i++)
        entries[i] = (struct entry){&items[i], i};
    *total = 0;
    if (ok)
        place_all(entries, count, neighbours, total);
    free(entries);
    free(neighbours);
    return ok ? TENON_OK : tenon_fail_memory(error);
}
