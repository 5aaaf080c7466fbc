/* The thread pool of the CPU driver: every item once, by the right workers, whoever calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "drivers/cpu/pool.h"

enum { ITEMS_MAX = 3000, THREADS = 4, CALLERS = 3, ROUNDS = 300 };

struct work {
    atomic_uint done[ITEMS_MAX];
    atomic_uint busy[THREADS]; /* calls that a worker index is in */
    atomic_bool wrong;
    uint32_t threads;
    size_t count, grain;
};

static bool ends_share(const struct work *w, size_t end) {
    bool ends = false;
    for (uint32_t i = 0; i < w->threads; i++)
        ends |= end == tenon_pool_share_end(w->threads, i, w->count);
    return ends;
}

static void count_items(void *user, size_t begin, size_t end, uint32_t worker) {
    struct work *w = user;
    if (worker >= w->threads || begin >= end || end > w->count ||
        (end - begin < w->grain && !ends_share(w, end)) ||
        atomic_fetch_add(&w->busy[worker], 1) != 0)
        atomic_store(&w->wrong, true);
    for (size_t i = begin; i < end; i++)
        atomic_fetch_add(&w->done[i], 1);
    if (worker < w->threads)
        atomic_fetch_sub(&w->busy[worker], 1);
}

static struct tenon_pool *create(uint32_t threads) {
    struct tenon_error error = {.message = ""};
    struct tenon_pool *pool;
    assert_int_equal(tenon_pool_create(threads, &pool, &error), TENON_OK);
    assert_int_equal(tenon_pool_threads(pool), threads);
    return pool;
}

static bool run_once(struct tenon_pool *pool, struct work *w, size_t count, size_t grain) {
    memset(w, 0, sizeof(*w));
    w->threads = tenon_pool_threads(pool);
    w->count = count;
    w->grain = grain;
    tenon_pool_run(pool, count, grain, count_items, w);
    for (size_t i = 0; i < ITEMS_MAX; i++)
        if (atomic_load(&w->done[i]) != (i < count))
            return false;
    return !atomic_load(&w->wrong);
}

static void test_every_item_once(void **state) {
    static struct work w;
    static const size_t counts[] = {0, 1, 2, 3, 7, 64, 1000, ITEMS_MAX};
    (void)state;
    for (uint32_t threads = 1; threads <= THREADS; threads++) {
        struct tenon_pool *pool = create(threads);
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
            for (size_t grain = 1; grain < 200; grain = grain * 5 + 1)
                assert_true(run_once(pool, &w, counts[c], grain));
        tenon_pool_destroy(pool);
    }
}

/* Ranges after a rest, when the workers sleep, and ranges without one. */
static void test_after_sleep(void **state) {
    static struct work w;
    struct tenon_pool *pool = create(THREADS);
    (void)state;
    for (int i = 0; i < 20; i++) {
        usleep(3000);
        for (int k = 0; k < 20; k++)
            assert_true(run_once(pool, &w, 100, 1));
    }
    tenon_pool_destroy(pool);
}

struct caller {
    struct tenon_pool *pool;
    bool ok;
};

static void *call_often(void *user) {
    struct caller *caller = user;
    struct work *w = malloc(sizeof(*w));
    caller->ok = w != NULL;
    for (size_t i = 0; i < ROUNDS && caller->ok; i++)
        caller->ok = run_once(caller->pool, w, i, 1 + i % 3);
    free(w);
    return NULL;
}

static void test_several_callers(void **state) {
    struct tenon_pool *pool = create(THREADS);
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    (void)state;
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.pool = pool};
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CALLERS; i++)
        assert_true(callers[i].ok);
    tenon_pool_destroy(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),
        cmocka_unit_test(test_after_sleep),
        cmocka_unit_test(test_several_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
