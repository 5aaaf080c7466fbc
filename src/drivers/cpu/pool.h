/*
 * Thread pool: runs a function over a range, cut into chunks, on the calling thread and the pool's.
 * One range at a time; callers from several queues take turns. Running allocates nothing.
 */
#ifndef TENON_DRIVERS_CPU_POOL_H
#define TENON_DRIVERS_CPU_POOL_H

#include "util/status.h"

struct tenon_pool;

/* Processes items [begin, end). `worker` is in [0, thread count). */
typedef void tenon_pool_fn(void *user, size_t begin, size_t end, uint32_t worker);

/* threads 0: one per online processor. Errors: OUT_OF_MEMORY, LIMIT (threads refused). */
TENON_NODISCARD enum tenon_status tenon_pool_create(uint32_t threads, struct tenon_pool **out,
                                                    struct tenon_error *error);
void tenon_pool_destroy(struct tenon_pool *pool); /* NULL is fine */
uint32_t tenon_pool_threads(const struct tenon_pool *pool);
/* Where the share of thread `index` ends; it begins where the one before ends. */
size_t tenon_pool_share_end(uint32_t threads, uint32_t index, size_t count);
/* Calls fn over [0, count) in chunks of at least `grain`, but for the last of each thread's share;
 * returns when all are done. */
void tenon_pool_run(struct tenon_pool *pool, size_t count, size_t grain, tenon_pool_fn *fn,
                    void *user);

#endif
