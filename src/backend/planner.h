/*
 * Assigns places in one block of memory to things that live for a while, so that things which do
 * not live at the same time share it. Greedy by size: the largest is placed first, each at the
 * lowest offset where it fits (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
 * Inference", 2020: within a few percent of the lower bound on real networks).
 */
#ifndef TENON_BACKEND_PLANNER_H
#define TENON_BACKEND_PLANNER_H

#include "util/status.h"

struct tenon_plan_item {
    uint64_t size_bytes;
    uint32_t first, last; /* steps during which it lives, both included */
    uint64_t offset;      /* result; a multiple of the alignment */
};

/* With more items than this each gets memory of its own: planning stays quick on hostile graphs. */
#define TENON_PLAN_ITEMS_MAX 8192

/* `total` receives the size of the block. Errors: OUT_OF_MEMORY, LIMIT (sizes overflow). */
TENON_NODISCARD enum tenon_status tenon_plan_memory(struct tenon_plan_item *items, uint32_t count,
                                                    uint64_t alignment, uint64_t *total,
                                                    struct tenon_error *error);

#endif
