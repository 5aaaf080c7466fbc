/*
 * Fence: a point in time that a job reaches; waited on, or polled as a file descriptor.
 *
 * A fence starts unsignalled, is signalled once by the job that was submitted with it (with the
 * job's status), and can be reset when no job holds it. Reference-counted, thread-safe.
 */
#ifndef TENON_FENCE_H
#define TENON_FENCE_H

#include <tenon/device.h>

TENON_BEGIN_DECLS

struct tenon_fence;

#define TENON_WAIT_FOREVER UINT64_MAX

/* Errors: OUT_OF_MEMORY, IO (no eventfd to be had). */
TENON_API enum tenon_status tenon_fence_create(struct tenon_instance *instance,
                                               struct tenon_fence **out, struct tenon_error *error);
TENON_API struct tenon_fence *tenon_fence_ref(struct tenon_fence *fence);
TENON_API void tenon_fence_unref(struct tenon_fence *fence); /* NULL is fine */

/*
 * Waits until the fence is signalled. A wait without end may run the job in the calling thread,
 * when nothing keeps it from starting and no other thread has begun it. Returns the status of the
 * job, or TENON_ERROR_TIMEOUT when timeout_ns passed first; `error` then holds the job's reason.
 * Allocates nothing.
 */
TENON_API enum tenon_status tenon_fence_wait(struct tenon_fence *fence, uint64_t timeout_ns,
                                             struct tenon_error *error);
TENON_API bool tenon_fence_is_signalled(const struct tenon_fence *fence);
/* Signals from the application, for jobs that wait on it. Errors: INVALID_ARGUMENT (already). */
TENON_API enum tenon_status tenon_fence_signal(struct tenon_fence *fence);
/* Back to unsignalled. Errors: BUSY while a job in flight will signal it. */
TENON_API enum tenon_status tenon_fence_reset(struct tenon_fence *fence);
/*
 * A descriptor that poll(2) reports readable once the fence is signalled. It belongs to the fence;
 * do not read from it or close it.
 */
TENON_API int tenon_fence_fd(const struct tenon_fence *fence);

TENON_END_DECLS

#endif
