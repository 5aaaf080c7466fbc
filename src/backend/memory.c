/*
 * One memory after the other, from fast to slow: plan what may live there, and while that does not
 * fit move on what gains least. See memory.h.
 */
#include "backend/memory.h"

#include <inttypes.h>
#include <stdlib.h>

/* Every eviction plans anew; with more items than this they get places of their own instead. */
enum { ITEMS_SHARED_MAX = 512 };

struct sorter {
    struct tenon_memory_item **here; /* what is planned for the memory at hand */
    struct tenon_plan_item *plans;
    uint32_t count;
};

static void collect(struct sorter *s, struct tenon_memory_item *items, uint32_t count,
                    uint32_t memory) {
    s->count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (items[i].memory == memory)
            s->here[s->count++] = &items[i];
}

/* a gains less by this memory than b. */
static bool gains_less(const struct tenon_memory_item *a, const struct tenon_memory_item *b) {
    long double x = (long double)a->traffic_bytes * (long double)b->plan.size_bytes;
    long double y = (long double)b->traffic_bytes * (long double)a->plan.size_bytes;
    return x < y || (x == y && a->plan.size_bytes > b->plan.size_bytes);
}

static bool together(const struct tenon_plan_item *a, const struct tenon_plan_item *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* Of what sticks out of the memory, and of what lives at the same time as that: the one that gains
 * least. */
static struct tenon_memory_item *choose(const struct sorter *s, uint64_t size_bytes) {
    struct tenon_memory_item *chosen = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        bool out = s->plans[i].offset + s->plans[i].size_bytes > size_bytes;
        for (uint32_t k = 0; out && k < s->count; k++)
            if (together(&s->plans[i], &s->plans[k]) &&
                (chosen == NULL || gains_less(s->here[k], chosen)))
                chosen = s->here[k];
    }
    return chosen;
}

static enum tenon_status plan_here(struct sorter *s, uint64_t alignment, uint64_t *used,
                                   struct tenon_error *error) {
    for (uint32_t i = 0; i < s->count; i++)
        s->plans[i] = s->here[i]->plan;
    return tenon_plan_memory(s->plans, s->count, alignment, used, error);
}

/* Items one behind the other, those that do not fit any more move on. */
static void fill_apart(struct sorter *s, uint64_t size_bytes, uint64_t alignment) {
    uint64_t used = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t size = (s->here[i]->plan.size_bytes + alignment - 1) / alignment * alignment;
        if (size <= size_bytes - used)
            used += size;
        else
            s->here[i]->memory++;
    }
}

static enum tenon_status plan_one(struct sorter *s, const struct tenon_memory *memory,
                                  struct tenon_memory_item *items, uint32_t item_count,
                                  uint32_t index, uint64_t alignment, uint64_t *used,
                                  struct tenon_error *error) {
    collect(s, items, item_count, index);
    if (memory->size_bytes != 0 && s->count > ITEMS_SHARED_MAX) {
        fill_apart(s, memory->size_bytes, alignment);
        collect(s, items, item_count, index);
    }
    for (;;) {
        enum tenon_status status = plan_here(s, alignment, used, error);
        if (status != TENON_OK)
            return status;
        if (memory->size_bytes == 0 || *used <= memory->size_bytes)
            break;
        choose(s, memory->size_bytes)->memory++;
        collect(s, items, item_count, index);
    }
    for (uint32_t i = 0; i < s->count; i++)
        s->here[i]->plan = s->plans[i];
    return TENON_OK;
}

static enum tenon_status check_placed(const struct tenon_memory *memories, uint32_t memory_count,
                                      const struct tenon_memory_item *items, uint32_t item_count,
                                      struct tenon_error *error) {
    for (uint32_t i = 0; i < item_count; i++)
        if (items[i].memory >= memory_count)
            return tenon_fail(error, TENON_ERROR_LIMIT,
                              "%" PRIu64 " bytes do not fit in memory '%s' of %" PRIu64 " bytes",
                              items[i].plan.size_bytes, memories[memory_count - 1].name,
                              memories[memory_count - 1].size_bytes);
    return TENON_OK;
}

enum tenon_status tenon_plan_memories(const struct tenon_memory *memories, uint32_t memory_count,
                                      struct tenon_memory_item *items, uint32_t item_count,
                                      uint64_t alignment, uint64_t *used,
                                      struct tenon_error *error) {
    struct sorter s = {.here =
                           malloc((item_count + (size_t)1) * sizeof(struct tenon_memory_item *)),
                       .plans = malloc((item_count + (size_t)1) * sizeof(*s.plans))};
    enum tenon_status status =
        s.here != NULL && s.plans != NULL ? TENON_OK : tenon_fail_memory(error);
    for (uint32_t i = 0; i < item_count; i++)
        items[i].memory = items[i].first_memory;
    for (uint32_t m = 0; status == TENON_OK && m < memory_count; m++)
        status = plan_one(&s, &memories[m], items, item_count, m, alignment, &used[m], error);
    free(s.here);
    free(s.plans);
    return status == TENON_OK ? check_placed(memories, memory_count, items, item_count, error)
                              : status;
}
