/*
 * The caller posts a range under a new number. A worker that sees it enters: it says so, looks
 * again whether the range is still open, and takes chunks of its own share, then of the others'.
 * The caller, when nothing is left to take, closes the range unless all have entered, and waits for
 * those inside to leave: nobody waits for a worker that has not woken up. Workers look for the next
 * range a short while before they sleep: operators follow each other within microseconds.
 *
 * A line of memory costs a hundred nanoseconds to go from one core to the other, so that what the
 * caller writes, what a worker writes, and the shares, are in lines of their own.
 */
#include "drivers/cpu/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    THREADS_MAX = 256,
    CHUNKS_PER_THREAD = 4,
    SPINS = 4000,
    SPINS_BEFORE_YIELD = 2000,
    LINE_BYTES = 64
};

struct worker {
    /* Number of the range * 2^32 + next item of the share; of an older range: none is taken. */
    alignas(LINE_BYTES) atomic_uint_fast64_t next;
    alignas(LINE_BYTES) _Atomic uint32_t entered; /* the range that the worker may look at */
    _Atomic uint32_t left;                        /* the one that it looks at no longer */
    alignas(LINE_BYTES) struct tenon_pool *pool;
    uint32_t index;
    pthread_t thread;
};

struct tenon_pool {
    /* The range: written while nobody is inside. */
    alignas(LINE_BYTES) atomic_uint_fast64_t posted; /* its number * 2, and 1 while it is open */
    tenon_pool_fn *fn;
    void *user;
    size_t count, chunk;
    alignas(LINE_BYTES) pthread_mutex_t turn; /* held by the caller whose range runs */
    pthread_mutex_t lock;
    pthread_cond_t woken;
    atomic_uint sleepers;
    atomic_bool stopping;
    uint32_t number;  /* of the last range */
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

/* The next chunk of a share; false when none is left. */
static bool take(struct tenon_pool *pool, uint32_t owner, uint32_t number, size_t *begin,
                 size_t *end) {
    atomic_uint_fast64_t *next = &pool->workers[owner].next;
    size_t share_end = tenon_pool_share_end(pool->threads, owner, pool->count);
    uint64_t seen = atomic_load(next);
    do {
        bool first = seen >> 32 != number;
        *begin = !first       ? (uint32_t)seen
                 : owner == 0 ? 0
                              : tenon_pool_share_end(pool->threads, owner - 1, pool->count);
        if (*begin >= share_end)
            return false;
        *end = share_end - *begin < pool->chunk ? share_end : *begin + pool->chunk;
    } while (!atomic_compare_exchange_weak(next, &seen, (uint64_t)number << 32 | *end));
    return true;
}

static void work(struct tenon_pool *pool, uint32_t index, uint32_t number) {
    size_t begin, end;
    for (uint32_t i = 0; i < pool->threads; i++)
        while (take(pool, (index + i) % pool->threads, number, &begin, &end))
            pool->fn(pool->user, begin, end, index);
}

static bool is_new(uint64_t posted, uint32_t last) {
    return posted % 2 != 0 && posted / 2 != last;
}

static void sleep_until_posted(struct tenon_pool *pool, uint32_t last) {
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!is_new(atomic_load(&pool->posted), last) && !atomic_load(&pool->stopping))
        pthread_cond_wait(&pool->woken, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *user) {
    struct worker *worker = user;
    struct tenon_pool *pool = worker->pool;
    uint32_t idle = 0, last = 0;
    for (; !atomic_load(&pool->stopping); relax()) {
        uint64_t posted = atomic_load(&pool->posted);
        if (is_new(posted, last)) {
            last = (uint32_t)(posted / 2);
            atomic_exchange(&worker->entered, last);
            if (atomic_load(&pool->posted) == posted) /* it stays so until this worker leaves */
                work(pool, worker->index, last);
            atomic_store(&worker->left, last);
            idle = 0;
        } else if (++idle > SPINS) {
            sleep_until_posted(pool, last);
            idle = 0;
        }
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
    size_t bytes = sizeof(struct tenon_pool) + count * sizeof(struct worker);
    struct tenon_pool *pool = aligned_alloc(LINE_BYTES, bytes);
    *out = NULL;
    if (pool == NULL)
        return tenon_fail_memory(error);
    memset(pool, 0, bytes);
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->woken, NULL);
    pool->threads = 1;
    for (uint32_t i = 1; i < count; i++) {
        struct worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->index = i;
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
    pthread_cond_broadcast(&pool->woken);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 1; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->woken);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

uint32_t tenon_pool_threads(const struct tenon_pool *pool) {
    return pool->threads;
}

/* Under a new number; when they begin again, shares of old ranges must not be taken for new ones.
 */
static uint32_t post(struct tenon_pool *pool) {
    if (++pool->number == 0) {
        for (uint32_t i = 0; i < pool->threads; i++) {
            atomic_store(&pool->workers[i].next, 0);
            atomic_store(&pool->workers[i].entered, 0);
        }
        pool->number = 1;
    }
    atomic_store(&pool->posted, (uint64_t)pool->number * 2 + 1);
    if (atomic_load(&pool->sleepers) != 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->woken);
        pthread_mutex_unlock(&pool->lock);
    }
    return pool->number;
}

static void wait_for_workers(struct tenon_pool *pool, uint32_t number) {
    bool all = true;
    for (uint32_t i = 1; i < pool->threads; i++)
        all &= atomic_load(&pool->workers[i].entered) == number;
    if (!all)
        atomic_store(&pool->posted, (uint64_t)number * 2);
    for (uint32_t i = 1; i < pool->threads; i++) {
        struct worker *worker = &pool->workers[i];
        if (atomic_load(&worker->entered) != number)
            continue;
        for (uint32_t spins = 0; atomic_load(&worker->left) != number; spins++) {
            relax();
            if (spins > SPINS_BEFORE_YIELD)
                sched_yield();
        }
    }
}

void tenon_pool_run(struct tenon_pool *pool, size_t count, size_t grain, tenon_pool_fn *fn,
                    void *user) {
    if (count == 0)
        return;
    size_t chunk = count / ((size_t)pool->threads * CHUNKS_PER_THREAD);
    if (chunk < grain)
        chunk = grain;
    if (pool->threads == 1 || count <= chunk || count > UINT32_MAX) {
        fn(user, 0, count, 0);
        return;
    }
    pthread_mutex_lock(&pool->turn);
    pool->fn = fn;
    pool->user = user;
    pool->count = count;
    pool->chunk = chunk;
    uint32_t number = post(pool);
    work(pool, 0, number);
    wait_for_workers(pool, number);
    pthread_mutex_unlock(&pool->turn);
}
