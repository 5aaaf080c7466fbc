/*
 * TensorFlow Lite by its C interface (tensorflow/lite/c/c_api.h), with its own kernels or with
 * XNNPACK as its delegate (tensorflow/lite/delegates/xnnpack/xnnpack_delegate.h), which is how
 * XNNPACK is met in practice. It reads the same .tflite file.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum { DELEGATE_SIGNED = 1, DELEGATE_UNSIGNED = 2 }; /* TFLITE_XNNPACK_DELEGATE_FLAG_QS8, _QU8 */

/* TfLiteXNNPackDelegateOptions, with room for what later versions add; all zero by default. */
struct delegate_options {
    int32_t threads;
    uint32_t flags;
    void *reserved[14];
};

struct tflite_api {
    void *(*model_create)(const char *path);
    void *(*options_create)(void);
    void (*set_threads)(void *options, int32_t threads);
    void (*add_delegate)(void *options, void *delegate);
    void *(*interpreter_create)(const void *model, const void *options);
    int (*allocate)(void *interpreter);
    void *(*input)(const void *interpreter, int32_t index);
    const void *(*output)(const void *interpreter, int32_t index);
    int (*invoke)(void *interpreter);
    size_t (*byte_size)(const void *tensor);
    void *(*data)(const void *tensor);
    void *(*delegate_create)(const struct delegate_options *options);
};

struct tflite_engine {
    struct tflite_api api;
    void *interpreter;
};

static bool load_api(struct tflite_api *api, const char *library) {
    const struct engine_symbol symbols[] = {
        {"TfLiteModelCreateFromFile", &api->model_create},
        {"TfLiteInterpreterOptionsCreate", &api->options_create},
        {"TfLiteInterpreterOptionsSetNumThreads", &api->set_threads},
        {"TfLiteInterpreterOptionsAddDelegate", &api->add_delegate},
        {"TfLiteInterpreterCreate", &api->interpreter_create},
        {"TfLiteInterpreterAllocateTensors", &api->allocate},
        {"TfLiteInterpreterGetInputTensor", &api->input},
        {"TfLiteInterpreterGetOutputTensor", &api->output},
        {"TfLiteInterpreterInvoke", &api->invoke},
        {"TfLiteTensorByteSize", &api->byte_size},
        {"TfLiteTensorData", &api->data},
        {"TfLiteXNNPackDelegateCreate", &api->delegate_create},
    };
    return engine_load(library, symbols, sizeof(symbols) / sizeof(symbols[0]));
}

static bool open_with(const struct engine_setup *setup, bool xnnpack, void **out) {
    struct tflite_engine *self = calloc(1, sizeof(*self));
    *out = self;
    if (self == NULL || !load_api(&self->api, setup->library))
        return self != NULL || complain("out of memory");
    void *model = self->api.model_create(setup->path);
    void *options = self->api.options_create();
    if (model == NULL || options == NULL)
        return complain("TFLite does not read %s", setup->path);
    self->api.set_threads(options, (int32_t)setup->threads);
    const struct delegate_options delegate = {.threads = (int32_t)setup->threads,
                                              .flags = DELEGATE_SIGNED | DELEGATE_UNSIGNED};
    if (xnnpack)
        self->api.add_delegate(options, self->api.delegate_create(&delegate));
    self->interpreter = self->api.interpreter_create(model, options);
    if (self->interpreter == NULL || self->api.allocate(self->interpreter) != 0)
        return complain("TFLite does not take %s", setup->path);
    return true;
}

static bool open_plain(const struct engine_setup *setup, void **out) {
    return open_with(setup, false, out);
}

static bool open_xnnpack(const struct engine_setup *setup, void **out) {
    return open_with(setup, true, out);
}

static bool set_input(void *engine, const void *data, size_t size_bytes) {
    struct tflite_engine *self = engine;
    void *input = self->api.input(self->interpreter, 0);
    if (self->api.byte_size(input) != size_bytes)
        return complain("an input of %zu bytes does not fit", size_bytes);
    memcpy(self->api.data(input), data, size_bytes);
    return true;
}

static bool run(void *engine) {
    struct tflite_engine *self = engine;
    return self->api.invoke(self->interpreter) == 0 || complain("TFLite: run failed");
}

static bool get_output(void *engine, void *data, size_t *size_bytes) {
    struct tflite_engine *self = engine;
    const void *output = self->api.output(self->interpreter, 0);
    if (self->api.byte_size(output) > *size_bytes)
        return complain("the output is too large");
    *size_bytes = self->api.byte_size(output);
    memcpy(data, self->api.data(output), *size_bytes);
    return true;
}

const struct engine engine_tflite = {.name = "tflite",
                                     .open = open_plain,
                                     .set_input = set_input,
                                     .run = run,
                                     .get_output = get_output,
                                     .close = free};

const struct engine engine_tflite_xnnpack = {.name = "tflite-xnnpack",
                                             .open = open_xnnpack,
                                             .set_input = set_input,
                                             .run = run,
                                             .get_output = get_output,
                                             .close = free};
