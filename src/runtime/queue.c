/*
 * A queue is one thread and a ring of jobs allocated when it is created. Jobs start in order; each
 * waits for its wait fences first. Who waits without end for a job that may start but has not been
 * begun runs it himself: handing it to a sleeping thread and being woken up in turn takes longer
 * than a small network. Destroying a queue finishes the jobs that can run; one that
 * still waits for fences which nobody signalled ends with CANCELLED.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"

enum { DEFAULT_DEPTH = 64, DEPTH_MAX = 65536, STOP_POLL_NS = 20000000 };

struct job {
    struct tenon_session *session;
    struct tenon_fence *waits[TENON_MAX_JOB_FENCES];
    struct tenon_fence *signals[TENON_MAX_JOB_FENCES];
    uint32_t wait_count, signal_count;
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
};

struct tenon_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool stopping;
    bool busy;                   /* the job at head has been begun */
    uint32_t head, count, depth; /* the job at head runs until it is taken off */
    uint32_t idle_waiters;
    struct job *jobs;
};

static bool is_stopping(struct tenon_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    bool stopping = queue->stopping;
    pthread_mutex_unlock(&queue->lock);
    return stopping;
}

/* Waits for one fence, in slices so that a stopping queue is noticed. */
static enum tenon_status wait_fence(struct tenon_queue *queue, struct tenon_fence *fence,
                                    uint64_t deadline_ns, struct tenon_error *error) {
    for (;;) {
        uint64_t now = tenon_now_ns(), until = now + STOP_POLL_NS;
        if (deadline_ns != 0 && now >= deadline_ns)
            return tenon_fail(error, TENON_ERROR_TIMEOUT,
                              "the deadline passed while the job waited for a fence");
        if (deadline_ns != 0 && deadline_ns < until)
            until = deadline_ns;
        tenon_fence_wait_until(fence, until, NULL);
        if (tenon_fence_is_signalled(fence)) {
            enum tenon_status status = tenon_fence_wait_until(fence, until, NULL);
            if (status == TENON_OK)
                return TENON_OK;
            return tenon_fail(error, TENON_ERROR_CANCELLED, "what the job waited for failed: %s",
                              tenon_status_text(status));
        }
        if (is_stopping(queue))
            return tenon_fail(error, TENON_ERROR_CANCELLED,
                              "the queue was destroyed while the job waited for a fence");
    }
}

static enum tenon_status run_job(struct tenon_queue *queue, const struct job *job,
                                 struct tenon_error *error) {
    for (uint32_t i = 0; i < job->wait_count; i++) {
        enum tenon_status status = wait_fence(queue, job->waits[i], job->deadline_ns, error);
        if (status != TENON_OK)
            return status;
    }
    if (job->deadline_ns != 0 && tenon_now_ns() >= job->deadline_ns)
        return tenon_fail(error, TENON_ERROR_TIMEOUT, "the deadline passed before the job started");
    return tenon_session_execute(job->session, job->deadline_ns, error);
}

static void finish_job(struct job *job, const struct tenon_error *error) {
    /* The session is free before anyone can learn that the job ended. */
    tenon_session_end(job->session);
    for (uint32_t i = 0; i < job->signal_count; i++) {
        tenon_fence_complete(job->signals[i], error);
        tenon_fence_unref(job->signals[i]);
    }
    for (uint32_t i = 0; i < job->wait_count; i++)
        tenon_fence_unref(job->waits[i]);
}

/* With the lock held and `busy` set: runs the job at head and takes it off. */
static void run_head(struct tenon_queue *queue) {
    struct job job = queue->jobs[queue->head];
    pthread_mutex_unlock(&queue->lock);
    struct tenon_error error = {.status = TENON_OK};
    error.status = run_job(queue, &job, &error);
    finish_job(&job, &error);
    pthread_mutex_lock(&queue->lock);
    queue->head = (queue->head + 1) % queue->depth;
    queue->count--;
    queue->busy = false;
    if (queue->count != 0 || queue->stopping || queue->idle_waiters != 0)
        pthread_cond_broadcast(&queue->changed);
}

static void *queue_main(void *user) {
    struct tenon_queue *queue = user;
    pthread_mutex_lock(&queue->lock);
    while (queue->count != 0 || !queue->stopping) {
        if (queue->count == 0 || queue->busy) {
            pthread_cond_wait(&queue->changed, &queue->lock);
            continue;
        }
        queue->busy = true;
        run_head(queue);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

static bool signals(const struct job *job, const struct tenon_fence *fence) {
    bool found = false;
    for (uint32_t i = 0; i < job->signal_count; i++)
        found |= job->signals[i] == fence;
    return found;
}

bool tenon_queue_claim(struct tenon_queue *queue, const struct tenon_fence *fence) {
    /* A submitter locks the queue before the fence, so this may not wait; and who holds the queue
     * is about to begin the job, or has just ended it. */
    if (pthread_mutex_trylock(&queue->lock) != 0)
        return false;
    const struct job *job = &queue->jobs[queue->head];
    bool claimed = queue->count != 0 && !queue->busy && job->wait_count == 0 && signals(job, fence);
    queue->busy |= claimed;
    pthread_mutex_unlock(&queue->lock);
    return claimed;
}

void tenon_queue_run_claimed(struct tenon_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    run_head(queue);
    pthread_mutex_unlock(&queue->lock);
}

enum tenon_status tenon_queue_create(struct tenon_instance *instance,
                                     const struct tenon_queue_options *options,
                                     struct tenon_queue **out, struct tenon_error *error) {
    (void)instance;
    *out = NULL;
    if (options != NULL && options->size < sizeof(*options))
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "options.size is %zu, not %zu",
                          options->size, sizeof(*options));
    uint32_t depth = options != NULL && options->depth != 0 ? options->depth : DEFAULT_DEPTH;
    if (depth > DEPTH_MAX)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "a depth of %u is above %d", depth,
                          DEPTH_MAX);
    struct tenon_queue *queue = calloc(1, sizeof(*queue));
    struct job *jobs = calloc(depth, sizeof(*jobs));
    if (queue == NULL || jobs == NULL) {
        free(queue);
        free(jobs);
        return tenon_fail_memory(error);
    }
    queue->depth = depth;
    queue->jobs = jobs;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    if (pthread_create(&queue->thread, NULL, queue_main, queue) != 0) {
        pthread_cond_destroy(&queue->changed);
        pthread_mutex_destroy(&queue->lock);
        free(jobs);
        free(queue);
        return tenon_fail(error, TENON_ERROR_LIMIT, "cannot start a thread");
    }
    *out = queue;
    return TENON_OK;
}

void tenon_queue_destroy(struct tenon_queue *queue) {
    if (queue == NULL)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    pthread_join(queue->thread, NULL);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue->jobs);
    free(queue);
}

static enum tenon_status check_job(const struct tenon_job *job, struct tenon_error *error) {
    if (job->size < sizeof(*job) || job->session == NULL)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "a job without size or session");
    if (job->wait_count > TENON_MAX_JOB_FENCES || job->signal_count > TENON_MAX_JOB_FENCES)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "more than %d fences",
                          TENON_MAX_JOB_FENCES);
    return TENON_OK;
}

static bool arm_signals(struct tenon_queue *queue, const struct tenon_job *job) {
    for (uint32_t i = 0; i < job->signal_count; i++) {
        if (tenon_fence_arm(job->signals[i], queue))
            continue;
        while (i-- > 0)
            tenon_fence_disarm(job->signals[i]);
        return false;
    }
    return true;
}

static void append_job(struct tenon_queue *queue, const struct tenon_job *job) {
    struct job *slot = &queue->jobs[(queue->head + queue->count) % queue->depth];
    *slot = (struct job){
        .session = job->session, .wait_count = job->wait_count, .signal_count = job->signal_count};
    if (job->deadline_ns != 0)
        slot->deadline_ns = tenon_now_ns() + job->deadline_ns;
    for (uint32_t i = 0; i < job->wait_count; i++)
        slot->waits[i] = tenon_fence_ref(job->waits[i]);
    for (uint32_t i = 0; i < job->signal_count; i++)
        slot->signals[i] = tenon_fence_ref(job->signals[i]);
    queue->count++;
}

/* With `claimed`: the caller runs the job if it is the only one and may start, and is told so. */
static enum tenon_status enqueue(struct tenon_queue *queue, const struct tenon_job *job,
                                 bool *claimed, struct tenon_error *error) {
    enum tenon_status status = check_job(job, error);
    if (status != TENON_OK)
        return status;
    pthread_mutex_lock(&queue->lock);
    if (queue->count == queue->depth)
        status =
            tenon_fail(error, TENON_ERROR_LIMIT, "the queue holds %u jobs already", queue->depth);
    else if (!tenon_session_begin(job->session))
        status = tenon_fail(error, TENON_ERROR_BUSY, "the session has a job in flight");
    else if (!arm_signals(queue, job)) {
        tenon_session_end(job->session);
        status = tenon_fail(error, TENON_ERROR_BUSY,
                            "a signal fence is signalled already, or another job will signal it");
    } else {
        append_job(queue, job);
        if (claimed != NULL && queue->count == 1 && job->wait_count == 0)
            *claimed = queue->busy = true;
        else
            pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return status;
}

enum tenon_status tenon_queue_submit(struct tenon_queue *queue, const struct tenon_job *job,
                                     struct tenon_error *error) {
    return enqueue(queue, job, NULL, error);
}

enum tenon_status tenon_queue_run(struct tenon_queue *queue, const struct tenon_job *job,
                                  struct tenon_error *error) {
    bool claimed = false;
    if (job->size >= sizeof(*job) && job->signal_count == 0)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "a job to wait for needs a fence");
    enum tenon_status status = enqueue(queue, job, &claimed, error);
    if (status != TENON_OK)
        return status;
    if (claimed)
        tenon_queue_run_claimed(queue);
    return tenon_fence_wait(job->signals[0], TENON_WAIT_FOREVER, error);
}

void tenon_queue_wait_idle(struct tenon_queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->idle_waiters++;
    while (queue->count != 0)
        pthread_cond_wait(&queue->changed, &queue->lock);
    queue->idle_waiters--;
    pthread_mutex_unlock(&queue->lock);
}
