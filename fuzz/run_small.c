/* One job through the public API, with a deadline as a second line of defence. */
#include "run_small.h"

enum { SMALL_BYTES = 1 << 14, DEADLINE_NS = 1000000000 };

static bool tensors_are_small(const struct tenon_program *program) {
    struct tenon_program_memory memory;
    struct tenon_tensor_info info;
    tenon_program_get_memory(program, &memory);
    size_t total = memory.scratch_bytes;
    for (uint32_t i = 0; i < tenon_program_input_count(program) && total <= SMALL_BYTES; i++)
        if (tenon_program_input(program, i, &info) == TENON_OK)
            total += info.size_bytes;
    for (uint32_t i = 0; i < tenon_program_output_count(program) && total <= SMALL_BYTES; i++)
        if (tenon_program_output(program, i, &info) == TENON_OK)
            total += info.size_bytes;
    return total <= SMALL_BYTES;
}

static void run_job(struct tenon_instance *instance, struct tenon_session *session) {
    struct tenon_queue *queue = NULL;
    struct tenon_fence *fence = NULL;
    if (tenon_queue_create(instance, NULL, &queue, NULL) == TENON_OK &&
        tenon_fence_create(instance, &fence, NULL) == TENON_OK) {
        struct tenon_fence *const signals[] = {fence};
        struct tenon_job job = {.size = sizeof(job),
                                .session = session,
                                .signals = signals,
                                .signal_count = 1,
                                .deadline_ns = DEADLINE_NS};
        if (tenon_queue_submit(queue, &job, NULL) == TENON_OK)
            tenon_fence_wait(fence, TENON_WAIT_FOREVER, NULL);
    }
    tenon_queue_destroy(queue);
    tenon_fence_unref(fence);
}

void run_small_program(struct tenon_program *program) {
    struct tenon_instance_options options = {.size = sizeof(options), .cpu_threads = 1};
    struct tenon_instance *instance;
    struct tenon_session *session;
    if (!tensors_are_small(program) || tenon_instance_create(&options, &instance, NULL) != TENON_OK)
        return;
    if (tenon_session_create(instance, program, NULL, &session, NULL) == TENON_OK) {
        run_job(instance, session);
        tenon_session_destroy(session);
    }
    tenon_instance_destroy(instance);
}
