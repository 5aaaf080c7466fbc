/*
 * Named memories: a target's SRAM, its external memory … each with a budget. Things that live for a
 * while go to the fastest memory that still has room for them while they live; inside of each
 * memory the planner lets them share places.
 */
#ifndef TENON_BACKEND_MEMORY_H
#define TENON_BACKEND_MEMORY_H

#include "backend/planner.h"

struct tenon_memory {
    const char *name;
    uint64_t size_bytes; /* 0: as much as is needed */
};

struct tenon_memory_item {
    struct tenon_plan_item plan; /* its offset is in the memory below */
    uint64_t traffic_bytes;      /* read and written: what a faster memory would serve */
    uint32_t first_memory;       /* index of the fastest one that it may live in */
    uint32_t memory;             /* result */
};

/*
 * `memories` are ordered from fast to slow. Where not all fits, what has the least traffic per byte
 * moves on to the next memory. `used` receives the bytes of each. Errors: LIMIT (an item fits
 * in none, or sizes overflow), OUT_OF_MEMORY.
 */
TENON_NODISCARD enum tenon_status tenon_plan_memories(const struct tenon_memory *memories,
                                                      uint32_t memory_count,
                                                      struct tenon_memory_item *items,
                                                      uint32_t item_count, uint64_t alignment,
                                                      uint64_t *used, struct tenon_error *error);

#endif
