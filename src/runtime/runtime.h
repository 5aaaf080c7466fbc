/* The runtime's objects as its own files see them. */
#ifndef TENON_RUNTIME_RUNTIME_H
#define TENON_RUNTIME_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>
#include <tenon/runtime.h>

#include "runtime/driver.h"
#include "util/file.h"

struct tenon_device {
    const struct tenon_driver *driver;
    struct tenon_driver_device info;
};

enum { TENON_DEVICES_MAX = 32 };

struct tenon_instance {
    struct tenon_device devices[TENON_DEVICES_MAX];
    uint32_t device_count;
};

struct tenon_program {
    atomic_uint refs;
    struct tenon_mapping mapping; /* of a file; or */
    void *owned;                  /* malloc'd bytes */
    struct tenon_span bytes;
    struct tenon_arena arena;
    struct tenon_image image;
};

struct tenon_buffer {
    atomic_uint refs;
    uint8_t *data;
    size_t size_bytes;
    enum { TENON_BUFFER_OWNED, TENON_BUFFER_HOST, TENON_BUFFER_MAPPED } kind;
};

struct tenon_queue;

struct tenon_fence {
    atomic_uint refs;
    int fd; /* eventfd: readable while signalled */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool signalled;
    bool armed;                /* a job in flight will signal it */
    struct tenon_queue *queue; /* which holds that job */
    struct tenon_error error;
};

/* For the queue: a fence that a job will signal. False when another job will, or it is signalled.
 */
bool tenon_fence_arm(struct tenon_fence *fence, struct tenon_queue *queue);
void tenon_fence_disarm(struct tenon_fence *fence);
/* error->status TENON_OK: success. */
void tenon_fence_complete(struct tenon_fence *fence, const struct tenon_error *error);
/* As tenon_fence_wait, but until a point of CLOCK_MONOTONIC; 0 is never. */
enum tenon_status tenon_fence_wait_until(struct tenon_fence *fence, uint64_t until_ns,
                                         struct tenon_error *error);
uint64_t tenon_now_ns(void);

/* For a fence, with its lock held: takes over the next job when it will signal this fence and may
 * start now. Then the caller must run it, without the fence's lock. */
bool tenon_queue_claim(struct tenon_queue *queue, const struct tenon_fence *fence);
void tenon_queue_run_claimed(struct tenon_queue *queue);

/* For the queue: a session takes one job at a time. */
bool tenon_session_begin(struct tenon_session *session);
enum tenon_status tenon_session_execute(struct tenon_session *session, uint64_t deadline_ns,
                                        struct tenon_error *error);
void tenon_session_end(struct tenon_session *session);

#endif
