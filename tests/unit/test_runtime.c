/*
 * The runtime through its public API: bindings, fences as descriptors, waits across queues,
 * deadlines, busy sessions, saved programs, many sessions at once, state that lives from job to
 * job.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <tenon/tenon.h>
#include <unistd.h>

enum { BYTES = 16, MS = 1000000 };

/* y = x + x in int8 with scale 1 everywhere: the answer is known without Tenon. Its second output
 * is its input, its third the first output again. */
static const char doubling[] =
    "tenon 1\n"
    "graph \"doubling\" \"\"\n"
    "%0 \"x\" = input i8 16 scale [1] zero [0] axis 0\n"
    "%1 \"y\" i8 16 scale [1] zero [0] axis 0 = add \"add\" double (%0, %0) {}\n"
    "inputs %0\n"
    "outputs %1, %0, %1\n";

struct fixture {
    struct tenon_instance *instance;
    struct tenon_program *program;
    struct tenon_session *session;
    struct tenon_queue *queue;
    struct tenon_fence *fence;
};

static void ok(enum tenon_status status, const struct tenon_error *error) {
    if (status != TENON_OK)
        fail_msg("%s: %s", tenon_status_name(status), error->message);
}

static struct tenon_program *compile(const char *text) {
    struct tenon_error error = {.message = ""};
    struct tenon_model *model;
    struct tenon_program *program;
    ok(tenon_model_open_memory(text, strlen(text), "test", NULL, &model, &error), &error);
    ok(tenon_compile(model, NULL, &program, &error), &error);
    tenon_model_destroy(model);
    return program;
}

static int setup(void **state) {
    static struct fixture f;
    struct tenon_error error = {.message = ""};
    struct tenon_instance_options options = {.size = sizeof(options), .cpu_threads = 2};
    ok(tenon_instance_create(&options, &f.instance, &error), &error);
    f.program = compile(doubling);
    ok(tenon_session_create(f.instance, f.program, NULL, &f.session, &error), &error);
    ok(tenon_queue_create(f.instance, NULL, &f.queue, &error), &error);
    ok(tenon_fence_create(f.instance, &f.fence, &error), &error);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    tenon_queue_destroy(f->queue);
    tenon_fence_unref(f->fence);
    tenon_session_destroy(f->session);
    tenon_program_unref(f->program);
    tenon_instance_destroy(f->instance);
    return 0;
}

static enum tenon_status submit(struct tenon_queue *queue, struct tenon_session *session,
                                struct tenon_fence *wait, struct tenon_fence *signal,
                                uint64_t deadline_ns) {
    struct tenon_job job = {.size = sizeof(job),
                            .session = session,
                            .waits = &wait,
                            .wait_count = wait != NULL,
                            .signals = &signal,
                            .signal_count = signal != NULL,
                            .deadline_ns = deadline_ns};
    return tenon_queue_submit(queue, &job, NULL);
}

static bool is_readable(const struct tenon_fence *fence) {
    struct pollfd fd = {.fd = tenon_fence_fd(fence), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void test_own_memory_and_copies(void **state) {
    struct fixture *f = *state;
    int8_t *in = tenon_session_input_data(f->session, 0);
    for (int i = 0; i < BYTES; i++)
        in[i] = (int8_t)(i * 16 - 128); /* saturates at both ends */
    assert_int_equal(submit(f->queue, f->session, NULL, f->fence, 0), TENON_OK);
    assert_int_equal(tenon_fence_wait(f->fence, TENON_WAIT_FOREVER, NULL), TENON_OK);
    const int8_t *sum = tenon_session_output_data(f->session, 0);
    const int8_t *same = tenon_session_output_data(f->session, 1);
    const int8_t *again = tenon_session_output_data(f->session, 2);
    for (int i = 0; i < BYTES; i++) {
        int twice = 2 * in[i];
        assert_int_equal(sum[i], twice < -128 ? -128 : twice > 127 ? 127 : twice);
        assert_int_equal(same[i], in[i]);
        assert_int_equal(again[i], sum[i]);
    }
    assert_ptr_not_equal(same, in);
    assert_ptr_not_equal(again, sum);
    assert_null(tenon_session_output_data(f->session, 3));
    assert_null(tenon_session_input_data(f->session, 1));
}

static void test_bindings(void **state) {
    struct fixture *f = *state;
    struct tenon_error error = {.message = ""};
    int8_t memory[BYTES + 4] = {0};
    struct tenon_buffer *host, *own, *small;
    int fd = memfd_create("tenon-test", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 4096), 0);
    struct tenon_buffer *mapped;
    ok(tenon_buffer_import_dmabuf(f->instance, fd, 4096, &mapped, &error), &error);
    close(fd); /* the mapping keeps the memory */
    ok(tenon_buffer_create_host(f->instance, memory, sizeof(memory), &host, &error), &error);
    ok(tenon_buffer_create(f->instance, BYTES, &own, &error), &error);
    ok(tenon_buffer_create(f->instance, BYTES - 1, &small, &error), &error);
    assert_int_equal(tenon_session_bind_input(f->session, 0, small, 0, &error),
                     TENON_ERROR_INVALID_ARGUMENT);
    tenon_buffer_unref(small);
    assert_int_equal(tenon_buffer_create(f->instance, 0, &small, &error),
                     TENON_ERROR_INVALID_ARGUMENT);
    ok(tenon_session_bind_input(f->session, 0, host, 3, &error), &error);
    ok(tenon_session_bind_output(f->session, 0, mapped, 64, &error), &error);
    ok(tenon_session_bind_output(f->session, 1, own, 0, &error), &error);
    assert_int_equal(tenon_session_bind_input(f->session, 0, host, 5, &error),
                     TENON_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tenon_session_bind_input(f->session, 1, host, 0, &error),
                     TENON_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tenon_session_bind_output(f->session, 9, host, 0, &error),
                     TENON_ERROR_INVALID_ARGUMENT);
    memset(memory, 21, sizeof(memory));
    assert_int_equal(submit(f->queue, f->session, NULL, f->fence, 0), TENON_OK);
    assert_int_equal(tenon_fence_wait(f->fence, TENON_WAIT_FOREVER, NULL), TENON_OK);
    assert_int_equal(((int8_t *)tenon_buffer_data(mapped))[64 + BYTES - 1], 42);
    assert_int_equal(((int8_t *)tenon_buffer_data(mapped))[64 + BYTES], 0);
    assert_int_equal(((int8_t *)tenon_buffer_data(own))[0], 21);
    tenon_buffer_unref(mapped);
    tenon_buffer_unref(host);
    tenon_buffer_unref(own);
}

static void test_fence_states(void **state) {
    struct fixture *f = *state;
    assert_false(is_readable(f->fence));
    assert_int_equal(tenon_fence_wait(f->fence, 2 * MS, NULL), TENON_ERROR_TIMEOUT);
    assert_int_equal(tenon_fence_signal(f->fence), TENON_OK);
    assert_int_equal(tenon_fence_signal(f->fence), TENON_ERROR_INVALID_ARGUMENT);
    assert_true(is_readable(f->fence));
    assert_int_equal(submit(f->queue, f->session, NULL, f->fence, 0), TENON_ERROR_BUSY);
    assert_int_equal(tenon_fence_reset(f->fence), TENON_OK);
    assert_false(is_readable(f->fence));
    assert_false(tenon_fence_is_signalled(f->fence));
}

/* In the calling thread, or behind other jobs. */
static void test_run(void **state) {
    struct fixture *f = *state;
    struct tenon_error error = {.message = ""};
    struct tenon_fence *gate;
    struct tenon_session *second;
    struct tenon_job job = {
        .size = sizeof(job), .session = f->session, .signals = &f->fence, .signal_count = 1};
    memset(tenon_session_input_data(f->session, 0), 5, BYTES);
    ok(tenon_queue_run(f->queue, &job, &error), &error);
    assert_true(tenon_fence_is_signalled(f->fence));
    assert_int_equal(*(int8_t *)tenon_session_output_data(f->session, 0), 10);
    assert_int_equal(tenon_queue_run(f->queue, &job, NULL), TENON_ERROR_BUSY);
    ok(tenon_fence_reset(f->fence), &error);
    job.signal_count = 0;
    assert_int_equal(tenon_queue_run(f->queue, &job, NULL), TENON_ERROR_INVALID_ARGUMENT);
    job.signal_count = 1;
    /* One that waits for a gate is in front. */
    ok(tenon_fence_create(f->instance, &gate, &error), &error);
    ok(tenon_session_create(f->instance, f->program, NULL, &second, &error), &error);
    assert_int_equal(submit(f->queue, second, gate, NULL, 0), TENON_OK);
    ok(tenon_fence_signal(gate), &error);
    memset(tenon_session_input_data(f->session, 0), 6, BYTES);
    ok(tenon_queue_run(f->queue, &job, &error), &error);
    assert_int_equal(*(int8_t *)tenon_session_output_data(f->session, 0), 12);
    /* Its own deadline. */
    ok(tenon_fence_reset(f->fence), &error);
    job.deadline_ns = 1;
    assert_int_equal(tenon_queue_run(f->queue, &job, &error), TENON_ERROR_TIMEOUT);
    tenon_queue_wait_idle(f->queue);
    tenon_session_destroy(second);
    tenon_fence_unref(gate);
}

static void test_waiting_and_busy(void **state) {
    struct fixture *f = *state;
    struct tenon_error error = {.message = ""};
    struct tenon_fence *gate;
    ok(tenon_fence_create(f->instance, &gate, &error), &error);
    assert_int_equal(submit(f->queue, f->session, gate, f->fence, 0), TENON_OK);
    assert_int_equal(tenon_fence_wait(f->fence, 5 * MS, NULL), TENON_ERROR_TIMEOUT);
    /* In flight: no second job, no new binding, no reset of what it will signal. */
    assert_int_equal(submit(f->queue, f->session, NULL, NULL, 0), TENON_ERROR_BUSY);
    assert_int_equal(tenon_session_reset(f->session, &error), TENON_ERROR_BUSY);
    assert_int_equal(tenon_fence_reset(f->fence), TENON_ERROR_BUSY);
    assert_int_equal(tenon_fence_signal(f->fence), TENON_ERROR_INVALID_ARGUMENT);
    tenon_fence_signal(gate);
    assert_int_equal(tenon_fence_wait(f->fence, TENON_WAIT_FOREVER, &error), TENON_OK);
    assert_true(is_readable(f->fence));
    tenon_fence_unref(gate);
}

static void test_deadline_and_failed_wait(void **state) {
    struct fixture *f = *state;
    struct tenon_error error = {.message = ""};
    struct tenon_fence *never, *after;
    struct tenon_session *second;
    ok(tenon_fence_create(f->instance, &never, &error), &error);
    ok(tenon_fence_create(f->instance, &after, &error), &error);
    ok(tenon_session_create(f->instance, f->program, NULL, &second, &error), &error);
    /* The first job's deadline passes while it waits; the second waits for the first and is
     * cancelled; the session can then be used again. */
    assert_int_equal(submit(f->queue, f->session, never, f->fence, 5 * MS), TENON_OK);
    assert_int_equal(submit(f->queue, second, f->fence, after, 0), TENON_OK);
    assert_int_equal(tenon_fence_wait(f->fence, TENON_WAIT_FOREVER, &error), TENON_ERROR_TIMEOUT);
    assert_int_equal(tenon_fence_wait(after, TENON_WAIT_FOREVER, &error), TENON_ERROR_CANCELLED);
    tenon_queue_wait_idle(f->queue);
    assert_int_equal(tenon_fence_reset(f->fence), TENON_OK);
    assert_int_equal(submit(f->queue, f->session, NULL, f->fence, 0), TENON_OK);
    assert_int_equal(tenon_fence_wait(f->fence, TENON_WAIT_FOREVER, &error), TENON_OK);
    tenon_session_destroy(second);
    tenon_fence_unref(never);
    tenon_fence_unref(after);
}

static void test_queue_limits(void **state) {
    struct fixture *f = *state;
    struct tenon_error error = {.message = ""};
    struct tenon_queue_options options = {.size = sizeof(options), .depth = 2};
    struct tenon_queue *queue;
    struct tenon_fence *gate;
    struct tenon_session *sessions[3];
    ok(tenon_queue_create(f->instance, &options, &queue, &error), &error);
    ok(tenon_fence_create(f->instance, &gate, &error), &error);
    for (int i = 0; i < 3; i++)
        ok(tenon_session_create(f->instance, f->program, NULL, &sessions[i], &error), &error);
    assert_int_equal(submit(queue, sessions[0], gate, NULL, 0), TENON_OK);
    assert_int_equal(submit(queue, sessions[1], NULL, f->fence, 0), TENON_OK);
    assert_int_equal(submit(queue, sessions[2], NULL, NULL, 0), TENON_ERROR_LIMIT);
    /* Destroying the queue ends what waits for a fence that nobody signals, and runs the rest. */
    tenon_queue_destroy(queue);
    assert_int_equal(tenon_fence_wait(f->fence, 0, NULL), TENON_OK);
    for (int i = 0; i < 3; i++)
        tenon_session_destroy(sessions[i]);
    tenon_fence_unref(gate);
}

static void test_saved_program(void **state) {
    struct fixture *f = *state;
    struct tenon_error error = {.message = ""};
    struct tenon_program *loaded;
    struct tenon_tensor_info info;
    struct tenon_placement placement;
    char path[] = "/tmp/tenon-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    ok(tenon_program_save(f->program, path, &error), &error);
    ok(tenon_program_open(path, &loaded, &error), &error);
    unlink(path); /* mapped: it may go */
    assert_int_equal(tenon_program_input_count(loaded), 1);
    assert_int_equal(tenon_program_output_count(loaded), 3);
    ok(tenon_program_input(loaded, 0, &info), &error);
    assert_string_equal(info.name, "x");
    assert_int_equal(info.type, TENON_TYPE_I8);
    assert_int_equal(info.size_bytes, BYTES);
    ok(tenon_program_placement(loaded, 0, &placement), &error);
    assert_string_equal(placement.device, "cpu");
    struct tenon_device *device = tenon_instance_find_device(f->instance, "cpu");
    assert_int_equal(tenon_device_compatibility(device, loaded), TENON_COMPATIBILITY_OPTIMAL);
    tenon_program_unref(loaded);
    assert_int_equal(tenon_program_open("/nonexistent/x.tnn", &loaded, &error),
                     TENON_ERROR_NOT_FOUND);
    assert_int_equal(tenon_program_open_memory("TENONIMG", 8, &loaded, &error),
                     TENON_ERROR_BAD_IMAGE);
}

/* SVDF's state: the same input gives another output until the session is reset. Weights and input
 * are 1, memory 2: TFLite's definition gives 1, then 2, then 2. */
static void test_variables(void **state) {
    struct fixture *f = *state;
    struct tenon_error error = {.message = ""};
    static const char text[] =
        "tenon 1\n"
        "graph \"svdf\" \"\"\n"
        "%0 \"x\" = input f32 1x1\n"
        "%1 \"feature\" = constant f32 1x1 hex 0000803f\n"
        "%2 \"time\" = constant f32 1x2 hex 0000803f0000803f\n"
        "%3 \"state\" = variable f32 1x2\n"
        "%4 \"y\" f32 1x1 = svdf \"svdf\" none (%0, %1, %2, _, %3) {rank=1}\n"
        "inputs %0\n"
        "outputs %4\n";
    static const float expected[] = {1, 2, 2};
    struct tenon_program *program = compile(text);
    struct tenon_session *session;
    ok(tenon_session_create(f->instance, program, NULL, &session, &error), &error);
    *(float *)tenon_session_input_data(session, 0) = 1;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            tenon_fence_reset(f->fence);
            assert_int_equal(submit(f->queue, session, NULL, f->fence, 0), TENON_OK);
            assert_int_equal(tenon_fence_wait(f->fence, TENON_WAIT_FOREVER, &error), TENON_OK);
            assert_true(*(float *)tenon_session_output_data(session, 0) == expected[i]);
        }
        ok(tenon_session_reset(session, &error), &error);
    }
    tenon_session_destroy(session);
    tenon_program_unref(program);
}

/* Several threads, each with queue, sessions and fences of its own, share instance and program. */
static void *hammer(void *user) {
    struct fixture *f = user;
    struct tenon_queue *queue;
    struct tenon_session *sessions[2];
    struct tenon_fence *fences[2];
    intptr_t wrong = 0;
    if (tenon_queue_create(f->instance, NULL, &queue, NULL) != TENON_OK)
        return (void *)1;
    for (int i = 0; i < 2; i++) {
        wrong += tenon_session_create(f->instance, f->program, NULL, &sessions[i], NULL) != 0;
        wrong += tenon_fence_create(f->instance, &fences[i], NULL) != 0;
    }
    for (int round = 0; wrong == 0 && round < 200; round++) {
        int i = round % 2;
        tenon_fence_wait(fences[1 - i], round > 0 ? TENON_WAIT_FOREVER : 0, NULL);
        tenon_fence_reset(fences[i]);
        memset(tenon_session_input_data(sessions[i], 0), round % 60, BYTES);
        wrong += submit(queue, sessions[i], NULL, fences[i], 0) != TENON_OK;
        wrong += tenon_fence_wait(fences[i], TENON_WAIT_FOREVER, NULL) != TENON_OK;
        wrong += *(int8_t *)tenon_session_output_data(sessions[i], 0) != 2 * (round % 60);
    }
    tenon_queue_destroy(queue);
    for (int i = 0; i < 2; i++) {
        tenon_session_destroy(sessions[i]);
        tenon_fence_unref(fences[i]);
    }
    return (void *)wrong;
}

/* The same on one queue: who waits may run the job at the head, which may be another's. */
static void *hammer_shared(void *user) {
    struct fixture *f = user;
    struct tenon_session *session;
    struct tenon_fence *fence;
    intptr_t wrong = 0;
    wrong += tenon_session_create(f->instance, f->program, NULL, &session, NULL) != 0;
    wrong += tenon_fence_create(f->instance, &fence, NULL) != 0;
    const struct tenon_job job = {
        .size = sizeof(job), .session = session, .signals = &fence, .signal_count = 1};
    for (int round = 0; wrong == 0 && round < 200; round++) {
        memset(tenon_session_input_data(session, 0), round % 60, BYTES);
        if (round % 3 == 0)
            wrong += tenon_queue_run(f->queue, &job, NULL) != TENON_OK;
        else
            wrong += tenon_queue_submit(f->queue, &job, NULL) != TENON_OK;
        wrong += tenon_fence_wait(fence, TENON_WAIT_FOREVER, NULL) != TENON_OK;
        wrong += *(int8_t *)tenon_session_output_data(session, 0) != 2 * (round % 60);
        wrong += tenon_fence_reset(fence) != TENON_OK;
    }
    tenon_session_destroy(session);
    tenon_fence_unref(fence);
    return (void *)wrong;
}

static void run_threads(void *(*body)(void *), void *user) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, body, user), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

static void test_threads(void **state) {
    run_threads(hammer, *state);
    run_threads(hammer_shared, *state);
}

static void test_simple(void **state) {
    (void)state;
    struct tenon_error error = {.message = ""};
    struct tenon_network *network;
    char path[] = "/tmp/tenon-test-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, doubling, sizeof(doubling) - 1), (ssize_t)sizeof(doubling) - 1);
    close(fd);
    struct tenon_network_options options = {.size = sizeof(options), .devices = "reference,cpu"};
    ok(tenon_open(path, &options, &network, &error), &error);
    unlink(path);
    int8_t in[BYTES], out[BYTES];
    memset(in, -9, sizeof(in));
    assert_int_equal(tenon_set_input(network, 0, in, BYTES - 1, &error),
                     TENON_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tenon_set_input(network, 1, in, BYTES, &error), TENON_ERROR_INVALID_ARGUMENT);
    ok(tenon_set_input(network, 0, in, BYTES, &error), &error);
    ok(tenon_invoke(network, &error), &error);
    ok(tenon_invoke(network, &error), &error);
    ok(tenon_get_output(network, 0, out, BYTES, &error), &error);
    assert_int_equal(out[BYTES - 1], -18);
    tenon_close(network);
    options.devices = "npu";
    assert_int_equal(tenon_open("/dev/null", &options, &network, &error), TENON_ERROR_IO);
    assert_int_equal(tenon_open("/nonexistent", NULL, &network, &error), TENON_ERROR_NOT_FOUND);
    tenon_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_own_memory_and_copies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bindings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fence_states, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_and_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline_and_failed_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_saved_program, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
        cmocka_unit_test(test_simple),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
