/*
 * A range is open while its caller works on it. Workers that enter while it is open take chunks of
 * their own share, then of the others'; the caller closes it and waits for those inside to leave,
 * so nobody waits for a worker that has not woken up. Workers look for the next range a short while
 * before they sleep: operators follow each other within microseconds.
 */
#include "drivers/cpu/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    THREADS_MAX = 256,
    CHUNKS_PER_THREAD = 4,
    SPINS = 4000,
    SPINS_BEFORE_YIELD = 2000,
    LINE_BYTES = 64
};

/* What is left of a thread's share of the range; each on a cache line of its own. */
struct share {
    atomic_size_t next;
    size_t end;
    uint8_t pad[LINE_BYTES - 2 * sizeof(size_t)];
};

struct worker {
    struct share share;
    struct tenon_pool *pool;
    uint32_t index;
    pthread_t thread;
};

struct tenon_pool {
    pthread_mutex_t turn; /* held by the caller whose range runs */
    tenon_pool_fn *fn;    /* the range: written while it is closed and nobody is inside */
    void *user;
    size_t chunk;
    atomic_bool open;
    atomic_uint inside; /* workers that may look at the range */
    pthread_mutex_t lock;
    pthread_cond_t posted;
    atomic_uint sleepers;
    atomic_bool stopping;
    uint32_t threads; /* the caller's included */
    struct worker workers[];
};

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

size_t tenon_pool_share_end(uint32_t threads, uint32_t index, size_t count) {
    return count / threads * (index + 1) + count % threads * (index + 1) / threads;
}

/* Takes chunks until none is left: of its own share, then of the others'. */
static void work(struct tenon_pool *pool, uint32_t index) {
    for (uint32_t i = 0; i < pool->threads; i++) {
        struct share *share = &pool->workers[(index + i) % pool->threads].share;
        while (atomic_load(&share->next) < share->end) {
            size_t begin = atomic_fetch_add(&share->next, pool->chunk);
            if (begin >= share->end)
                break;
            size_t left = share->end - begin;
            pool->fn(pool->user, begin, begin + (left < pool->chunk ? left : pool->chunk), index);
        }
    }
}

/* Contiguous shares, the same for the same count: what a thread wrote it is likely to read next. */
static void divide(struct tenon_pool *pool, size_t count) {
    size_t end = 0;
    for (uint32_t i = 0; i < pool->threads; i++) {
        struct share *share = &pool->workers[i].share;
        atomic_store(&share->next, end);
        share->end = end = tenon_pool_share_end(pool->threads, i, count);
    }
}

static void sleep_until_posted(struct tenon_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!atomic_load(&pool->open) && !atomic_load(&pool->stopping))
        pthread_cond_wait(&pool->posted, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

/* Looks at the range; false when there was none. */
static bool try_work(struct tenon_pool *pool, uint32_t index) {
    if (!atomic_load(&pool->open))
        return false;
    atomic_fetch_add(&pool->inside, 1);
    bool open = atomic_load(&pool->open); /* now it stays what it is until this thread leaves */
    if (open)
        work(pool, index);
    atomic_fetch_sub(&pool->inside, 1);
    return open;
}

static void *worker_main(void *user) {
    struct worker *worker = user;
    struct tenon_pool *pool = worker->pool;
    uint32_t idle = 0;
    while (!atomic_load(&pool->stopping)) {
        idle = try_work(pool, worker->index) ? 0 : idle + 1;
        if (idle > SPINS) {
            sleep_until_posted(pool);
            idle = 0;
        }
        relax();
    }
    return NULL;
}

static uint32_t thread_count(uint32_t wanted) {
    long online = wanted != 0 ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > THREADS_MAX ? THREADS_MAX : (uint32_t)online;
}

enum tenon_status tenon_pool_create(uint32_t threads, struct tenon_pool **out,
                                    struct tenon_error *error) {
    uint32_t count = thread_count(threads);
    struct tenon_pool *pool = calloc(1, sizeof(*pool) + count * sizeof(pool->workers[0]));
    *out = NULL;
    if (pool == NULL)
        return tenon_fail_memory(error);
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->posted, NULL);
    pool->threads = 1;
    for (uint32_t i = 1; i < count; i++) {
        struct worker *worker = &pool->workers[i];
        *worker = (struct worker){.pool = pool, .index = i};
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            tenon_pool_destroy(pool);
            return tenon_fail(error, TENON_ERROR_LIMIT, "cannot start %u threads", count);
        }
        pool->threads++;
    }
    *out = pool;
    return TENON_OK;
}

void tenon_pool_destroy(struct tenon_pool *pool) {
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->stopping, true);
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 1; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->posted);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

uint32_t tenon_pool_threads(const struct tenon_pool *pool) {
    return pool->threads;
}

void tenon_pool_run(struct tenon_pool *pool, size_t count, size_t grain, tenon_pool_fn *fn,
                    void *user) {
    if (count == 0)
        return;
    size_t chunk = count / ((size_t)pool->threads * CHUNKS_PER_THREAD);
    if (chunk < grain)
        chunk = grain;
    if (pool->threads == 1 || count <= chunk) {
        fn(user, 0, count, 0);
        return;
    }
    pthread_mutex_lock(&pool->turn);
    pool->fn = fn;
    pool->user = user;
    pool->chunk = chunk;
    divide(pool, count);
    atomic_store(&pool->open, true);
    if (atomic_load(&pool->sleepers) != 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->posted);
        pthread_mutex_unlock(&pool->lock);
    }
    work(pool, 0);
    atomic_store(&pool->open, false);
    for (uint32_t spins = 0; atomic_load(&pool->inside) != 0; spins++) {
        relax();
        if (spins > SPINS_BEFORE_YIELD)
            sched_yield();
    }
    pthread_mutex_unlock(&pool->turn);
}
