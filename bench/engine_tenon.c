/*
 * Tenon itself, by its public interface: from a model (compiled in the process) or a saved program.
 * The second form rounds as ONNX Runtime and XNNPACK do, to see whether they differ by more than
 * the rule of rounding.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

#include "engine.h"

struct tenon_engine {
    struct tenon_instance *instance;
    struct tenon_program *program;
    struct tenon_session *session;
    struct tenon_queue *queue;
    struct tenon_fence *fence;
};

static bool is_program(const char *path) {
    char magic[8] = "";
    FILE *file = fopen(path, "rbe");
    size_t got = file != NULL ? fread(magic, 1, sizeof(magic), file) : 0;
    if (file != NULL)
        fclose(file);
    return got == sizeof(magic) && memcmp(magic, "TENONIMG", sizeof(magic)) == 0;
}

static enum tenon_status load(const char *path, enum tenon_rounding rounding,
                              struct tenon_program **out, struct tenon_error *error) {
    if (is_program(path))
        return tenon_program_open(path, out, error);
    const struct tenon_model_options options = {.size = sizeof(options), .rounding = rounding};
    struct tenon_model *model;
    enum tenon_status status = tenon_model_open(path, &options, &model, error);
    if (status == TENON_OK)
        status = tenon_compile(model, NULL, out, error);
    tenon_model_destroy(model);
    return status;
}

static void tenon_finish(void *engine) {
    struct tenon_engine *self = engine;
    tenon_queue_destroy(self->queue);
    tenon_fence_unref(self->fence);
    tenon_session_destroy(self->session);
    tenon_program_unref(self->program);
    tenon_instance_destroy(self->instance);
    free(self);
}

static bool open_rounded(const struct engine_setup *setup, enum tenon_rounding rounding,
                         void **out) {
    const struct tenon_instance_options instance = {.size = sizeof(instance),
                                                    .cpu_threads = setup->threads};
    const struct tenon_session_options session = {.size = sizeof(session),
                                                  .profile = setup->layers};
    struct tenon_error error = {.message = "out of memory"};
    struct tenon_engine *self = calloc(1, sizeof(*self));
    *out = self;
    if (self != NULL && load(setup->path, rounding, &self->program, &error) == TENON_OK &&
        tenon_instance_create(&instance, &self->instance, &error) == TENON_OK &&
        tenon_session_create(self->instance, self->program, &session, &self->session, &error) ==
            TENON_OK &&
        tenon_fence_create(self->instance, &self->fence, &error) == TENON_OK &&
        tenon_queue_create(self->instance, NULL, &self->queue, &error) == TENON_OK)
        return true;
    return complain("%s: %s", setup->path, error.message);
}

static bool tenon_engine_open(const struct engine_setup *setup, void **out) {
    return open_rounded(setup, TENON_ROUNDING_NONE, out);
}

static bool open_f32(const struct engine_setup *setup, void **out) {
    return open_rounded(setup, TENON_ROUNDING_F32, out);
}

static bool set_input(void *engine, const void *data, size_t size_bytes) {
    struct tenon_engine *self = engine;
    struct tenon_tensor_info info;
    if (tenon_program_input(self->program, 0, &info) != TENON_OK || info.size_bytes != size_bytes)
        return complain("an input of %zu bytes does not fit", size_bytes);
    memcpy(tenon_session_input_data(self->session, 0), data, size_bytes);
    return true;
}

static bool run(void *engine) {
    struct tenon_engine *self = engine;
    struct tenon_error error = {.message = "the fence is held"};
    struct tenon_fence *const signals[] = {self->fence};
    const struct tenon_job job = {
        .size = sizeof(job), .session = self->session, .signals = signals, .signal_count = 1};
    tenon_queue_wait_idle(self->queue);
    if (tenon_fence_reset(self->fence) == TENON_OK &&
        tenon_queue_run(self->queue, &job, &error) == TENON_OK)
        return true;
    return complain("run: %s", error.message);
}

static bool get_output(void *engine, void *data, size_t *size_bytes) {
    struct tenon_engine *self = engine;
    struct tenon_tensor_info info;
    if (tenon_program_output(self->program, 0, &info) != TENON_OK || info.size_bytes > *size_bytes)
        return complain("no output, or too large");
    *size_bytes = info.size_bytes;
    memcpy(data, tenon_session_output_data(self->session, 0), info.size_bytes);
    return true;
}

static bool measure_layer(struct tenon_engine *self, uint32_t node, uint32_t rounds,
                          double *samples, struct engine_layer *out) {
    struct tenon_placement placement;
    if (tenon_program_placement(self->program, node, &placement) != TENON_OK)
        return complain("node %u has no placement", node);
    *out = (struct engine_layer){.op = placement.op,
                                 .kernel = placement.kernel,
                                 .macs = placement.macs,
                                 .ns = median_of(samples + (size_t)node * rounds, rounds)};
    return true;
}

static bool layers(void *engine, uint32_t rounds, struct engine_layer *out, size_t capacity,
                   size_t *count) {
    struct tenon_engine *self = engine;
    uint32_t nodes = tenon_program_node_count(self->program);
    double *samples = calloc((size_t)nodes * rounds + 1, sizeof(*samples));
    if (samples == NULL || nodes > capacity) {
        free(samples);
        return complain("too many nodes");
    }
    bool good = true;
    for (uint32_t round = 0; round < rounds && good; round++) {
        good = run(self);
        for (uint32_t n = 0; n < nodes && good; n++) {
            struct tenon_node_profile profile;
            good = tenon_session_profile(self->session, n, &profile) == TENON_OK ||
                   complain("no profile; set TENON_BENCH_LAYERS");
            samples[(size_t)n * rounds + round] = good ? (double)profile.duration_ns : 0;
        }
    }
    for (uint32_t n = 0; n < nodes && good; n++)
        good = measure_layer(self, n, rounds, samples, &out[n]);
    *count = nodes;
    free(samples);
    return good;
}

const struct engine engine_tenon = {.name = "tenon",
                                    .open = tenon_engine_open,
                                    .set_input = set_input,
                                    .run = run,
                                    .get_output = get_output,
                                    .layers = layers,
                                    .close = tenon_finish};

const struct engine engine_tenon_f32 = {.name = "tenon-f32",
                                        .open = open_f32,
                                        .set_input = set_input,
                                        .run = run,
                                        .get_output = get_output,
                                        .layers = layers,
                                        .close = tenon_finish};
