/*
 * ONNX Runtime, by its C interface: a table of functions whose order never changes (the header
 * onnxruntime_c_api.h says so, and its implementation asserts the positions of a few). Only the
 * entries that are called are declared here, by position.
 *
 * It runs the ONNX twin of the model: NCHW, uint8 where the .tflite has int8 (its faster path), so
 * input and output are rearranged, outside of what is measured. "precise" asks for kernels that do
 * not saturate in 16 bits (session.x64quantprecision, onnxruntime_session_options_config_keys.h).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

#include "engine.h"

enum { /* positions in struct OrtApi */
       GET_ERROR_MESSAGE = 2,
       CREATE_ENV = 3,
       CREATE_SESSION = 7,
       RUN = 9,
       CREATE_SESSION_OPTIONS = 10,
       ENABLE_PROFILING = 14,
       SET_OPTIMIZATION_LEVEL = 23,
       SET_INTRA_OP_THREADS = 24,
       SESSION_GET_OUTPUT_NAME = 37,
       CREATE_TENSOR_WITH_DATA = 49,
       GET_TENSOR_MUTABLE_DATA = 51,
       CREATE_CPU_MEMORY_INFO = 69,
       GET_DEFAULT_ALLOCATOR = 78,
       SESSION_END_PROFILING = 110,
       ADD_SESSION_CONFIG_ENTRY = 130,

       API_VERSION = 13,     /* of these entries; newer libraries serve it */
       LOG_ERRORS = 3,       /* ORT_LOGGING_LEVEL_ERROR */
       OPTIMIZE_ALL = 99,    /* ORT_ENABLE_ALL */
       ELEMENT_FLOAT = 1,    /* ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT */
       ELEMENT_UINT8 = 2,    /* …_UINT8 */
       DEVICE_ALLOCATOR = 0, /* OrtDeviceAllocator */
       MEMORY_DEFAULT = 0,   /* OrtMemTypeDefault */
};

typedef void (*entry)(void);

struct ort_base {
    const entry *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
};

struct ort_engine {
    const entry *api;
    void *env, *options, *session, *memory, *allocator;
    void *input, *output; /* OrtValue */
    char *output_name;
    const struct tenon_model *model;
    struct tenon_tensor_info in, out;
    uint8_t *data; /* of the input, as the twin wants it */
};

/* Each call returns NULL or a status with a message. */
static bool good(const struct ort_engine *self, void *status, const char *what) {
    if (status == NULL)
        return true;
    const char *(*message)(const void *) =
        (const char *(*)(const void *))self->api[GET_ERROR_MESSAGE];
    return complain("ONNX Runtime, %s: %s", what, message(status));
}

#define CALL(self, position, types, ...) \
    good(self, ((void *(*)types)(self)->api[position])(__VA_ARGS__), #position)

static bool load_api(struct ort_engine *self, const char *library) {
    const struct ort_base *(*get_base)(void);
    const struct engine_symbol symbols[] = {{"OrtGetApiBase", &get_base}};
    if (!engine_load(library, symbols, 1))
        return false;
    self->api = get_base()->get_api(API_VERSION);
    return self->api != NULL || complain("%s does not serve version %d", library, API_VERSION);
}

static bool set_options(struct ort_engine *self, const struct engine_setup *setup, bool precise) {
    return CALL(self, CREATE_SESSION_OPTIONS, (void **), &self->options) &&
           (!setup->layers || CALL(self, ENABLE_PROFILING, (void *, const char *), self->options,
                                   "tenon-bench-profile")) &&
           CALL(self, SET_OPTIMIZATION_LEVEL, (void *, int), self->options, OPTIMIZE_ALL) &&
           CALL(self, SET_INTRA_OP_THREADS, (void *, int), self->options, (int)setup->threads) &&
           (!precise || CALL(self, ADD_SESSION_CONFIG_ENTRY, (void *, const char *, const char *),
                             self->options, "session.x64quantprecision", "1"));
}

static bool create_session(struct ort_engine *self, const char *path) {
    return CALL(self, CREATE_ENV, (int, const char *, void **), LOG_ERRORS, "bench", &self->env) &&
           CALL(self, CREATE_SESSION, (void *, const char *, void *, void **), self->env, path,
                self->options, &self->session);
}

/* Channels of an image; the rank that stays as it is has one. */
static size_t channels_of(const struct tenon_tensor_info *info) {
    return info->rank == 4 ? (size_t)info->dims[3] : 1;
}

static bool create_input(struct ort_engine *self) {
    int64_t shape[TENON_MAX_RANK] = {0};
    for (uint32_t i = 0; i < self->in.rank; i++)
        shape[i] = self->in.dims[i];
    if (self->in.rank == 4) { /* NHWC to NCHW */
        shape[1] = self->in.dims[3];
        shape[2] = self->in.dims[1];
        shape[3] = self->in.dims[2];
    }
    self->data = calloc(1, self->in.size_bytes);
    return (self->data != NULL || complain("out of memory")) &&
           CALL(self, CREATE_CPU_MEMORY_INFO, (int, int, void **), DEVICE_ALLOCATOR, MEMORY_DEFAULT,
                &self->memory) &&
           CALL(self, CREATE_TENSOR_WITH_DATA,
                (void *, void *, size_t, const int64_t *, size_t, int, void **), self->memory,
                self->data, self->in.size_bytes, shape, (size_t)self->in.rank,
                self->in.type == TENON_TYPE_F32 ? ELEMENT_FLOAT : ELEMENT_UINT8, &self->input) &&
           CALL(self, GET_DEFAULT_ALLOCATOR, (void **), &self->allocator) &&
           CALL(self, SESSION_GET_OUTPUT_NAME, (void *, size_t, void *, char **), self->session,
                (size_t)0, self->allocator, &self->output_name);
}

static bool open_session(const struct engine_setup *setup, bool precise, void **out) {
    struct ort_engine *self = calloc(1, sizeof(*self));
    *out = self;
    if (self == NULL)
        return complain("out of memory");
    self->model = setup->model;
    return (tenon_model_input(self->model, 0, &self->in) == TENON_OK &&
            tenon_model_output(self->model, 0, &self->out) == TENON_OK) &&
           load_api(self, setup->library) && set_options(self, setup, precise) &&
           create_session(self, setup->path) && create_input(self);
}

static bool open_fast(const struct engine_setup *setup, void **out) {
    return open_session(setup, false, out);
}

static bool open_precise(const struct engine_setup *setup, void **out) {
    return open_session(setup, true, out);
}

static bool set_input(void *engine, const void *data, size_t size_bytes) {
    struct ort_engine *self = engine;
    size_t channels = channels_of(&self->in), size = self->in.type == TENON_TYPE_F32 ? 4 : 1;
    size_t pixels = size_bytes / channels / size;
    if (size_bytes != self->in.size_bytes)
        return complain("an input of %zu bytes does not fit", size_bytes);
    const uint8_t *from = data;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            memcpy(self->data + (c * pixels + p) * size, from + (p * channels + c) * size, size);
    for (size_t i = 0; i < size_bytes && self->in.type == TENON_TYPE_I8; i++)
        self->data[i] ^= 0x80;
    return true;
}

static bool run(void *engine) {
    struct ort_engine *self = engine;
    const char *const inputs[] = {"input0"}, *const outputs[] = {self->output_name};
    const void *const values[] = {self->input};
    return CALL(self, RUN,
                (void *, const void *, const char *const *, const void *const *, size_t,
                 const char *const *, size_t, void **),
                self->session, NULL, inputs, values, (size_t)1, outputs, (size_t)1, &self->output);
}

static bool get_output(void *engine, void *data, size_t *size_bytes) {
    struct ort_engine *self = engine;
    void *from;
    if (self->out.size_bytes > *size_bytes ||
        !CALL(self, GET_TENSOR_MUTABLE_DATA, (void *, void **), self->output, &from))
        return complain("no output, or too large");
    *size_bytes = self->out.size_bytes;
    memcpy(data, from, self->out.size_bytes);
    for (size_t i = 0; i < *size_bytes && self->out.type == TENON_TYPE_I8; i++)
        ((uint8_t *)data)[i] ^= 0x80;
    return true;
}

static bool profile(void *engine, uint32_t rounds, char path[ENGINE_PATH_BYTES]) {
    struct ort_engine *self = engine;
    char *name;
    for (uint32_t i = 0; i < rounds; i++)
        if (!run(self))
            return false;
    if (!CALL(self, SESSION_END_PROFILING, (void *, void *, char **), self->session,
              self->allocator, &name))
        return false;
    return snprintf(path, ENGINE_PATH_BYTES, "%s", name) < ENGINE_PATH_BYTES;
}

/* What the library holds is released with the process. */
static void finish(void *engine) {
    struct ort_engine *self = engine;
    free(self->data);
    free(self);
}

const struct engine engine_onnxruntime = {.name = "onnxruntime",
                                          .wants_model = true,
                                          .open = open_fast,
                                          .set_input = set_input,
                                          .run = run,
                                          .get_output = get_output,
                                          .profile = profile,
                                          .close = finish};

const struct engine engine_onnxruntime_precise = {.name = "onnxruntime-precise",
                                                  .wants_model = true,
                                                  .open = open_precise,
                                                  .set_input = set_input,
                                                  .run = run,
                                                  .get_output = get_output,
                                                  .profile = profile,
                                                  .close = finish};
