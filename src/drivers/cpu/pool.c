/*
 * Workers sleep on a condition variable until a range is posted. Chunks are handed out under the
 * same lock: a chunk is tens of microseconds of work, so the lock is not felt.
 */
#include "drivers/cpu/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 256, CHUNKS_PER_THREAD = 4 };

struct worker {
    struct tenon_pool *pool;
    uint32_t index;
    pthread_t thread;
};

struct tenon_pool {
    pthread_mutex_t turn; /* held by the caller whose range runs */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t posted, finished;
    tenon_pool_fn *fn;
    void *user;
    size_t next, count, chunk;
    uint32_t running; /* workers inside fn */
    bool stopping;
    uint32_t threads; /* the caller's included */
    struct worker workers[];
};

/* With the lock held: takes chunks until none is left. */
static void work(struct tenon_pool *pool, uint32_t index) {
    pool->running++;
    while (pool->next < pool->count) {
        size_t begin = pool->next;
        size_t end = pool->count - begin > pool->chunk ? begin + pool->chunk : pool->count;
        tenon_pool_fn *fn = pool->fn;
        void *user = pool->user;
        pool->next = end;
        pthread_mutex_unlock(&pool->lock);
        fn(user, begin, end, index);
        pthread_mutex_lock(&pool->lock);
    }
    if (--pool->running == 0)
        pthread_cond_signal(&pool->finished);
}

static void *worker_main(void *user) {
    struct worker *worker = user;
    struct tenon_pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        if (pool->next < pool->count)
            work(pool, worker->index);
        else
            pthread_cond_wait(&pool->posted, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
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
    pthread_cond_init(&pool->finished, NULL);
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
    pool->stopping = true;
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 1; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->finished);
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
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->user = user;
    pool->next = 0;
    pool->count = count;
    pool->chunk = chunk;
    pthread_cond_broadcast(&pool->posted);
    work(pool, 0);
    while (pool->running != 0)
        pthread_cond_wait(&pool->finished, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_unlock(&pool->turn);
}
