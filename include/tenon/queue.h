/*
 * Queue: jobs in order, executed asynchronously. Thread-safe.
 */
#ifndef TENON_QUEUE_H
#define TENON_QUEUE_H

#include <tenon/fence.h>
#include <tenon/session.h>

TENON_BEGIN_DECLS

struct tenon_queue;

struct tenon_queue_options {
    size_t size;    /* sizeof(struct tenon_queue_options) */
    uint32_t depth; /* jobs that can wait; 0 means 64 */
};

/* options may be NULL. The queue starts one thread. On failure *out is NULL. */
TENON_API enum tenon_status tenon_queue_create(struct tenon_instance *instance,
                                               const struct tenon_queue_options *options,
                                               struct tenon_queue **out, struct tenon_error *error);
/* Finishes the jobs that were submitted, then stops. NULL is fine. */
TENON_API void tenon_queue_destroy(struct tenon_queue *queue);

#define TENON_MAX_JOB_FENCES 8

struct tenon_job {
    size_t size; /* sizeof(struct tenon_job) */
    struct tenon_session *session;
    struct tenon_fence *const *waits;   /* the job starts when all are signalled */
    uint32_t wait_count;                /* at most TENON_MAX_JOB_FENCES */
    struct tenon_fence *const *signals; /* signalled with the job's status when it ends */
    uint32_t signal_count;              /* at most TENON_MAX_JOB_FENCES */
    uint64_t deadline_ns; /* from submission; 0 means none. A job past it ends with TIMEOUT */
};

/*
 * Submits a job and returns at once. The queue keeps references to the fences until the job ends;
 * the session must live until then. A failed wait fence fails the job with CANCELLED.
 * Allocates nothing. Errors: INVALID_ARGUMENT, BUSY (the session has a job in flight, or a signal
 * fence is used already), LIMIT (the queue is full).
 */
TENON_API enum tenon_status tenon_queue_submit(struct tenon_queue *queue,
                                               const struct tenon_job *job,
                                               struct tenon_error *error);
/*
 * Submits a job and waits until it signals the first of its fences; at least one is needed. A queue
 * without other jobs runs it in the calling thread, which saves two handovers. Allocates nothing.
 * Errors: those of tenon_queue_submit, then the job's.
 */
TENON_API enum tenon_status tenon_queue_run(struct tenon_queue *queue, const struct tenon_job *job,
                                            struct tenon_error *error);
/* Waits until every job submitted so far has ended. */
TENON_API void tenon_queue_wait_idle(struct tenon_queue *queue);

TENON_END_DECLS

#endif
