/*
 * Every allocation fails once: the n-th for n = 1, 2, … until all of it succeeds, through import,
 * compile, save, load, session and run. Each failure must be told as out of memory, and nothing may
 * leak (the count of live blocks) or crash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <tenon/tenon.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);

/* Counted with atomics: the queue's thread allocates nothing, and that is checked too. */
static long countdown = -1; /* allocations until the failing one; below 0: none fails */
static long live;

static int fails(void) {
    return __atomic_load_n(&countdown, __ATOMIC_SEQ_CST) >= 0 &&
           __atomic_sub_fetch(&countdown, 1, __ATOMIC_SEQ_CST) == 0;
}

static void *count(void *memory) {
    if (memory != NULL)
        __atomic_add_fetch(&live, 1, __ATOMIC_SEQ_CST);
    return memory;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size) {
    return fails() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size) {
    if (fails())
        return NULL;
    void *memory = __real_realloc(old, size);
    return old == NULL ? count(memory) : memory;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : count(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *memory) {
    if (memory != NULL)
        __atomic_sub_fetch(&live, 1, __ATOMIC_SEQ_CST);
    __real_free(memory);
}

/* The explicit form: model, program, a copy loaded from its bytes, session, queue, fence, job. */
struct objects {
    struct tenon_diagnostics *list;
    struct tenon_model *model;
    struct tenon_program *program, *copy;
    struct tenon_instance *instance;
    struct tenon_session *session;
    struct tenon_buffer *buffer;
    struct tenon_queue *queue;
    struct tenon_fence *fence;
};

static enum tenon_status load(struct objects *o, const char *path, struct tenon_error *error) {
    enum tenon_status status = tenon_diagnostics_create(&o->list, error);
    struct tenon_model_options options = {.size = sizeof(options), .list = o->list};
    if (status == TENON_OK)
        status = tenon_model_open(path, &options, &o->model, error);
    if (status == TENON_OK)
        status = tenon_compile(o->model, NULL, &o->program, error);
    if (status != TENON_OK)
        return status;
    size_t size;
    const void *bytes = tenon_program_data(o->program, &size);
    return tenon_program_open_memory(bytes, size, &o->copy, error);
}

static enum tenon_status prepare(struct objects *o, struct tenon_error *error) {
    struct tenon_instance_options options = {.size = sizeof(options), .cpu_threads = 2};
    struct tenon_session_options profiled = {.size = sizeof(profiled), .profile = true};
    struct tenon_tensor_info info;
    enum tenon_status status = tenon_instance_create(&options, &o->instance, error);
    if (status == TENON_OK)
        status = tenon_session_create(o->instance, o->copy, &profiled, &o->session, error);
    if (status == TENON_OK)
        status = tenon_program_input(o->copy, 0, &info);
    if (status == TENON_OK)
        status = tenon_buffer_create(o->instance, info.size_bytes, &o->buffer, error);
    if (status == TENON_OK)
        status = tenon_session_bind_input(o->session, 0, o->buffer, 0, error);
    if (status == TENON_OK)
        status = tenon_queue_create(o->instance, NULL, &o->queue, error);
    if (status == TENON_OK)
        status = tenon_fence_create(o->instance, &o->fence, error);
    return status;
}

static enum tenon_status run(struct objects *o, struct tenon_error *error) {
    struct tenon_fence *const signals[] = {o->fence};
    struct tenon_job job = {
        .size = sizeof(job), .session = o->session, .signals = signals, .signal_count = 1};
    long before = __atomic_load_n(&live, __ATOMIC_SEQ_CST);
    enum tenon_status status = tenon_queue_submit(o->queue, &job, error);
    if (status == TENON_OK)
        status = tenon_fence_wait(o->fence, TENON_WAIT_FOREVER, error);
    assert_int_equal(live, before); /* submit and wait allocate nothing */
    return status;
}

static void release(struct objects *o) {
    tenon_queue_destroy(o->queue);
    tenon_fence_unref(o->fence);
    tenon_session_destroy(o->session);
    tenon_buffer_unref(o->buffer);
    tenon_instance_destroy(o->instance);
    tenon_program_unref(o->copy);
    tenon_program_unref(o->program);
    tenon_model_destroy(o->model);
    tenon_diagnostics_destroy(o->list);
}

static enum tenon_status everything(const char *path, long failing, struct tenon_error *error) {
    struct objects objects = {0};
    __atomic_store_n(&countdown, failing, __ATOMIC_SEQ_CST);
    enum tenon_status status = load(&objects, path, error);
    if (status == TENON_OK)
        status = prepare(&objects, error);
    if (status == TENON_OK)
        status = run(&objects, error);
    __atomic_store_n(&countdown, -1, __ATOMIC_SEQ_CST);
    release(&objects);
    return status;
}

static void sweep(const char *relative) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", getenv("TENON_SOURCE"), relative);
    long before = live, n = 1;
    for (;; n++) {
        struct tenon_error error = {.message = ""};
        enum tenon_status status = everything(path, n, &error);
        if (live != before)
            fail_msg("allocation %ld: %ld blocks are lost (%s)", n, live - before, error.message);
        if (status == TENON_OK)
            break;
        if (status != TENON_ERROR_OUT_OF_MEMORY)
            fail_msg("allocation %ld: %s: %s", n, tenon_status_name(status), error.message);
        assert_true(n < 100000);
    }
    printf("%s: %ld allocations, each failed once\n", relative, n - 1);
    assert_true(n > 20);
}

static void test_model(void **state) {
    (void)state;
    sweep("examples/shapes/shapes.tflite");
}

static void test_text(void **state) {
    (void)state;
    sweep("fuzz/seeds/ir_text/small.tir");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
