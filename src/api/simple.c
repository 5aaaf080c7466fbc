/* The five-call form, over the public headers only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

#include "util/status.h"

enum { DEVICES_MAX = 16 };

struct tenon_network {
    struct tenon_instance *instance;
    struct tenon_program *program;
    struct tenon_session *session;
    struct tenon_queue *queue;
    struct tenon_fence *fence;
};

/* Cuts "a,b" in place into names. Returns how many, 0 when there are too many. */
static uint32_t split_names(char *text, const char **names) {
    uint32_t count = 0;
    for (char *rest = text, *name; (name = strsep(&rest, ",")) != NULL;) {
        if (count == DEVICES_MAX || *name == '\0')
            return 0;
        names[count++] = name;
    }
    return count;
}

static enum tenon_status compile_model(const char *path,
                                       const struct tenon_network_options *options,
                                       struct tenon_program **out, struct tenon_error *error) {
    char names_text[256] = "cpu";
    const char *names[DEVICES_MAX];
    if (options->devices != NULL)
        snprintf(names_text, sizeof(names_text), "%s", options->devices);
    struct tenon_compile_options compile = {.size = sizeof(compile),
                                            .targets = names,
                                            .target_count = split_names(names_text, names),
                                            .no_fallback = options->no_fallback};
    if (compile.target_count == 0)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "bad list of devices '%.100s'",
                          options->devices);
    struct tenon_model *model;
    enum tenon_status status = tenon_model_open(path, NULL, &model, error);
    if (status != TENON_OK)
        return status;
    status = tenon_compile(model, &compile, out, error);
    tenon_model_destroy(model);
    return status;
}

/* A saved program, else a model. */
static enum tenon_status load(const char *path, const struct tenon_network_options *options,
                              struct tenon_program **out, struct tenon_error *error) {
    char magic[8] = "";
    FILE *file = fopen(path, "rbe");
    size_t got = file != NULL ? fread(magic, 1, sizeof(magic), file) : 0;
    if (file != NULL)
        fclose(file);
    if (got == sizeof(magic) && memcmp(magic, "TENONIMG", sizeof(magic)) == 0)
        return tenon_program_open(path, out, error);
    return compile_model(path, options, out, error);
}

static enum tenon_status open_network(struct tenon_network *network, const char *path,
                                      const struct tenon_network_options *options,
                                      struct tenon_error *error) {
    struct tenon_instance_options instance = {.size = sizeof(instance),
                                              .cpu_threads = options->threads};
    enum tenon_status status = load(path, options, &network->program, error);
    if (status == TENON_OK)
        status = tenon_instance_create(&instance, &network->instance, error);
    if (status == TENON_OK)
        status = tenon_session_create(network->instance, network->program, NULL, &network->session,
                                      error);
    if (status == TENON_OK)
        status = tenon_fence_create(network->instance, &network->fence, error);
    if (status == TENON_OK)
        status = tenon_queue_create(network->instance, NULL, &network->queue, error);
    return status;
}

enum tenon_status tenon_open(const char *path, const struct tenon_network_options *options,
                             struct tenon_network **out, struct tenon_error *error) {
    static const struct tenon_network_options defaults = {.size = sizeof(defaults)};
    *out = NULL;
    if (options == NULL)
        options = &defaults;
    if (options->size < sizeof(*options))
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "options.size is %zu, not %zu",
                          options->size, sizeof(*options));
    struct tenon_network *network = calloc(1, sizeof(*network));
    if (network == NULL)
        return tenon_fail_memory(error);
    enum tenon_status status = open_network(network, path, options, error);
    if (status == TENON_OK)
        *out = network;
    else
        tenon_close(network);
    return status;
}

void tenon_close(struct tenon_network *network) {
    if (network == NULL)
        return;
    tenon_queue_destroy(network->queue);
    tenon_fence_unref(network->fence);
    tenon_session_destroy(network->session);
    tenon_program_unref(network->program);
    tenon_instance_destroy(network->instance);
    free(network);
}

static enum tenon_status check_size(const char *what, uint32_t index, enum tenon_status found,
                                    size_t have, size_t want, struct tenon_error *error) {
    if (found != TENON_OK)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "there is no %s %u", what, index);
    if (have != want)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "%s %u has %zu bytes, not %zu", what,
                          index, want, have);
    return TENON_OK;
}

enum tenon_status tenon_set_input(struct tenon_network *network, uint32_t index, const void *data,
                                  size_t size_bytes, struct tenon_error *error) {
    struct tenon_tensor_info info = {0};
    enum tenon_status found = tenon_program_input(network->program, index, &info);
    enum tenon_status status =
        check_size("input", index, found, size_bytes, info.size_bytes, error);
    if (status == TENON_OK && size_bytes != 0)
        memcpy(tenon_session_input_data(network->session, index), data, size_bytes);
    return status;
}

enum tenon_status tenon_invoke(struct tenon_network *network, struct tenon_error *error) {
    struct tenon_fence *const signals[] = {network->fence};
    struct tenon_job job = {
        .size = sizeof(job), .session = network->session, .signals = signals, .signal_count = 1};
    enum tenon_status status = tenon_fence_reset(network->fence);
    if (status == TENON_OK)
        status = tenon_queue_run(network->queue, &job, error);
    return status;
}

enum tenon_status tenon_get_output(struct tenon_network *network, uint32_t index, void *data,
                                   size_t size_bytes, struct tenon_error *error) {
    struct tenon_tensor_info info = {0};
    enum tenon_status found = tenon_program_output(network->program, index, &info);
    enum tenon_status status =
        check_size("output", index, found, size_bytes, info.size_bytes, error);
    if (status == TENON_OK && size_bytes != 0)
        memcpy(data, tenon_session_output_data(network->session, index), size_bytes);
    return status;
}

const struct tenon_program *tenon_network_program(const struct tenon_network *network) {
    return network->program;
}
