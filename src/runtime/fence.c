/*
 * Fences: state under a mutex for waiters, mirrored in an eventfd for poll(2). The eventfd counts 1
 * while the fence is signalled and is drained by a reset; nobody else reads it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/runtime.h"

enum { NS_PER_S = 1000000000 };

uint64_t tenon_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

enum tenon_status tenon_fence_create(struct tenon_instance *instance, struct tenon_fence **out,
                                     struct tenon_error *error) {
    (void)instance;
    *out = NULL;
    struct tenon_fence *fence = calloc(1, sizeof(*fence));
    if (fence == NULL)
        return tenon_fail_memory(error);
    fence->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fence->fd < 0) {
        free(fence);
        return tenon_fail(error, TENON_ERROR_IO, "no eventfd: %s", strerror(errno));
    }
    atomic_init(&fence->refs, 1);
    pthread_mutex_init(&fence->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fence->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    *out = fence;
    return TENON_OK;
}

struct tenon_fence *tenon_fence_ref(struct tenon_fence *fence) {
    atomic_fetch_add(&fence->refs, 1);
    return fence;
}

void tenon_fence_unref(struct tenon_fence *fence) {
    if (fence == NULL || atomic_fetch_sub(&fence->refs, 1) != 1)
        return;
    close(fence->fd);
    pthread_cond_destroy(&fence->changed);
    pthread_mutex_destroy(&fence->lock);
    free(fence);
}

/* With the lock held. */
static void set_signalled(struct tenon_fence *fence) {
    uint64_t one = 1;
    fence->signalled = true;
    /* Cannot fail: the counter was 0. */
    ssize_t written = write(fence->fd, &one, sizeof(one));
    (void)written;
    pthread_cond_broadcast(&fence->changed);
}

enum tenon_status tenon_fence_wait_until(struct tenon_fence *fence, uint64_t until_ns,
                                         struct tenon_error *error) {
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
                             .tv_nsec = (long)(until_ns % NS_PER_S)};
    int result = 0;
    pthread_mutex_lock(&fence->lock);
    while (!fence->signalled && result != ETIMEDOUT)
        result = until_ns == 0 ? pthread_cond_wait(&fence->changed, &fence->lock)
                               : pthread_cond_timedwait(&fence->changed, &fence->lock, &until);
    bool signalled = fence->signalled;
    struct tenon_error reason = fence->error;
    pthread_mutex_unlock(&fence->lock);
    if (!signalled)
        return tenon_fail(error, TENON_ERROR_TIMEOUT, "the fence was not signalled in time");
    if (reason.status != TENON_OK && error != NULL)
        *error = reason;
    return reason.status;
}

/* Runs the job that will signal the fence, unless it was begun or cannot start yet. */
static void help(struct tenon_fence *fence) {
    pthread_mutex_lock(&fence->lock);
    struct tenon_queue *queue = fence->queue; /* which lives until it has completed the fence */
    bool claimed = queue != NULL && tenon_queue_claim(queue, fence);
    pthread_mutex_unlock(&fence->lock);
    if (claimed)
        tenon_queue_run_claimed(queue);
}

enum tenon_status tenon_fence_wait(struct tenon_fence *fence, uint64_t timeout_ns,
                                   struct tenon_error *error) {
    uint64_t now = tenon_now_ns();
    bool forever = timeout_ns == TENON_WAIT_FOREVER || timeout_ns > INT64_MAX - now;
    if (forever) /* a job may take longer than a timeout */
        help(fence);
    return tenon_fence_wait_until(fence, forever ? 0 : now + timeout_ns, error);
}

bool tenon_fence_is_signalled(const struct tenon_fence *fence) {
    struct tenon_fence *f = (struct tenon_fence *)fence;
    pthread_mutex_lock(&f->lock);
    bool signalled = f->signalled;
    pthread_mutex_unlock(&f->lock);
    return signalled;
}

enum tenon_status tenon_fence_signal(struct tenon_fence *fence) {
    pthread_mutex_lock(&fence->lock);
    bool free_to = !fence->signalled && !fence->armed;
    if (free_to)
        set_signalled(fence);
    pthread_mutex_unlock(&fence->lock);
    return free_to ? TENON_OK : TENON_ERROR_INVALID_ARGUMENT;
}

enum tenon_status tenon_fence_reset(struct tenon_fence *fence) {
    uint64_t count;
    pthread_mutex_lock(&fence->lock);
    bool busy = fence->armed;
    if (!busy && fence->signalled) {
        ssize_t drained = read(fence->fd, &count, sizeof(count));
        (void)drained;
        fence->signalled = false;
        fence->error = (struct tenon_error){0};
    }
    pthread_mutex_unlock(&fence->lock);
    return busy ? TENON_ERROR_BUSY : TENON_OK;
}

int tenon_fence_fd(const struct tenon_fence *fence) {
    return fence->fd;
}

bool tenon_fence_arm(struct tenon_fence *fence, struct tenon_queue *queue) {
    pthread_mutex_lock(&fence->lock);
    bool free_to = !fence->signalled && !fence->armed;
    if (free_to) {
        fence->armed = true;
        fence->queue = queue;
    }
    pthread_mutex_unlock(&fence->lock);
    return free_to;
}

void tenon_fence_disarm(struct tenon_fence *fence) {
    pthread_mutex_lock(&fence->lock);
    fence->armed = false;
    fence->queue = NULL;
    pthread_mutex_unlock(&fence->lock);
}

void tenon_fence_complete(struct tenon_fence *fence, const struct tenon_error *error) {
    pthread_mutex_lock(&fence->lock);
    fence->armed = false;
    fence->queue = NULL;
    fence->error = *error;
    set_signalled(fence);
    pthread_mutex_unlock(&fence->lock);
}
