/*
 * Tenon's explicit API in one program: a model is compiled (or a saved program loaded), a session
 * bound to buffers, a job submitted to a queue, and its fence polled as a file descriptor.
 *
 *     tutorial MODEL.tflite | PROGRAM.tnn
 *
 * The inputs are filled with a ramp of bytes; the first elements of each output are printed.
 * Build: cc tutorial.c $(pkg-config --cflags --libs tenon)
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

enum { MAX_TENSORS = 16, TIMEOUT_MS = 10000 };

/* Everything that has to be released; each destroy function takes NULL. */
struct tutorial {
    struct tenon_instance *instance;
    struct tenon_program *program;
    struct tenon_session *session;
    struct tenon_queue *queue;
    struct tenon_fence *done;
    struct tenon_buffer *inputs[MAX_TENSORS], *outputs[MAX_TENSORS];
};

/* 1. A model becomes a program. A saved program skips this: only libtenon-runtime is needed. */
static enum tenon_status load_program(struct tutorial *t, const char *path,
                                      struct tenon_error *error) {
    if (strstr(path, ".tnn") != NULL)
        return tenon_program_open(path, &t->program, error);

    struct tenon_model *model;
    enum tenon_status status = tenon_model_open(path, NULL, &model, error);
    if (status != TENON_OK)
        return status;
    /* Targets in order of preference; what the first cannot run goes to the next. */
    const char *targets[] = {"cpu"};
    struct tenon_compile_options options = {
        .size = sizeof(options), .targets = targets, .target_count = 1};
    status = tenon_compile(model, &options, &t->program, error);
    tenon_model_destroy(model); /* the program does not need it any more */
    return status;
}

/* 2. No fallback is silent: the program says where each node runs, and why not elsewhere. */
static void print_placement(const struct tenon_program *program) {
    for (uint32_t i = 0; i < tenon_program_node_count(program); i++) {
        struct tenon_placement p;
        tenon_program_placement(program, i, &p);
        printf("node %2u %-20s on %s (%s)%s%s\n", i, p.op, p.device, p.kernel,
               p.reason[0] != '\0' ? ": " : "", p.reason);
    }
}

/* 3. A buffer per input and output. Applications with memory of their own (a camera's dma-buf, an
 * array) wrap it with tenon_buffer_import_dmabuf or tenon_buffer_create_host instead. */
static enum tenon_status bind_buffers(struct tutorial *t, struct tenon_error *error) {
    struct tenon_tensor_info info;
    enum tenon_status status = TENON_OK;
    uint32_t inputs = tenon_program_input_count(t->program);
    uint32_t outputs = tenon_program_output_count(t->program);
    if (inputs > MAX_TENSORS || outputs > MAX_TENSORS)
        return TENON_ERROR_LIMIT;
    for (uint32_t i = 0; status == TENON_OK && i < inputs; i++) {
        tenon_program_input(t->program, i, &info);
        status = tenon_buffer_create(t->instance, info.size_bytes, &t->inputs[i], error);
        if (status == TENON_OK)
            status = tenon_session_bind_input(t->session, i, t->inputs[i], 0, error);
        for (size_t k = 0; status == TENON_OK && k < info.size_bytes; k++)
            ((uint8_t *)tenon_buffer_data(t->inputs[i]))[k] = (uint8_t)(k % 64);
    }
    for (uint32_t i = 0; status == TENON_OK && i < outputs; i++) {
        tenon_program_output(t->program, i, &info);
        status = tenon_buffer_create(t->instance, info.size_bytes, &t->outputs[i], error);
        if (status == TENON_OK)
            status = tenon_session_bind_output(t->session, i, t->outputs[i], 0, error);
    }
    return status;
}

/* 4. submit returns at once; the fence is a descriptor that any event loop can poll. */
static enum tenon_status run(struct tutorial *t, struct tenon_error *error) {
    struct tenon_fence *const signals[] = {t->done};
    struct tenon_job job = {
        .size = sizeof(job), .session = t->session, .signals = signals, .signal_count = 1};
    enum tenon_status status = tenon_queue_submit(t->queue, &job, error);
    if (status != TENON_OK)
        return status;
    struct pollfd fd = {.fd = tenon_fence_fd(t->done), .events = POLLIN};
    if (poll(&fd, 1, TIMEOUT_MS) != 1)
        return TENON_ERROR_TIMEOUT;
    return tenon_fence_wait(t->done, 0, error); /* signalled: gives the job's own status */
}

/* 5. A quantized element q stands for scale * (q - zero point). */
static void print_outputs(struct tutorial *t) {
    struct tenon_tensor_info info;
    for (uint32_t i = 0; i < tenon_program_output_count(t->program); i++) {
        tenon_program_output(t->program, i, &info);
        const void *data = tenon_buffer_data(t->outputs[i]);
        float scale = info.scale_count != 0 ? info.scales[0] : 1;
        int32_t zero = info.scale_count != 0 ? info.zero_points[0] : 0;
        size_t count = info.size_bytes * 8 / tenon_type_bits(info.type);
        printf("%s (%s):", info.name, tenon_type_name(info.type));
        for (size_t k = 0; k < count && k < 8; k++) {
            if (info.type == TENON_TYPE_F32)
                printf(" %g", (double)((const float *)data)[k]);
            else if (info.type == TENON_TYPE_I8)
                printf(" %g", (double)(scale * (float)(((const int8_t *)data)[k] - zero)));
            else
                printf(" %g", (double)(scale * (float)(((const uint8_t *)data)[k] - zero)));
        }
        printf("\n");
    }
}

static enum tenon_status tutorial(struct tutorial *t, const char *path, struct tenon_error *error) {
    enum tenon_status status = tenon_instance_create(NULL, &t->instance, error);
    if (status == TENON_OK)
        status = load_program(t, path, error);
    if (status == TENON_OK)
        status = tenon_session_create(t->instance, t->program, NULL, &t->session, error);
    if (status == TENON_OK)
        status = tenon_queue_create(t->instance, NULL, &t->queue, error);
    if (status == TENON_OK)
        status = tenon_fence_create(t->instance, &t->done, error);
    if (status == TENON_OK)
        status = bind_buffers(t, error);
    if (status == TENON_OK)
        print_placement(t->program);
    if (status == TENON_OK)
        status = run(t, error);
    if (status == TENON_OK)
        print_outputs(t);
    return status;
}

/* 6. Queue first: it finishes the jobs in flight. */
static void release(struct tutorial *t) {
    tenon_queue_destroy(t->queue);
    tenon_fence_unref(t->done);
    tenon_session_destroy(t->session);
    for (int i = 0; i < MAX_TENSORS; i++) {
        tenon_buffer_unref(t->inputs[i]);
        tenon_buffer_unref(t->outputs[i]);
    }
    tenon_program_unref(t->program);
    tenon_instance_destroy(t->instance);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: tutorial MODEL.tflite | PROGRAM.tnn\n");
        return 3;
    }
    struct tutorial t = {0};
    struct tenon_error error = {.message = ""};
    enum tenon_status status = tutorial(&t, argv[1], &error);
    if (status != TENON_OK)
        fprintf(stderr, "%s: %s\n", tenon_status_name(status), error.message);
    release(&t);
    return status == TENON_OK ? 0 : 2;
}
