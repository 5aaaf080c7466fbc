/*
 * What is measured: Tenon and its peers behind one interface. Peers are libraries that are opened
 * when they are asked for, so bench/ builds without them; the few declarations of their C
 * interfaces that it needs stand where they are used.
 *
 * Inputs and outputs are those of the .tflite file, bytes in its own types and layout (NHWC):
 * an engine that wants them otherwise converts outside of run().
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tenon_model;

struct engine_setup {
    const char *path;    /* the model, or what the engine reads in its place */
    const char *library; /* of a peer */
    uint32_t threads;
    bool layers;                     /* that layers() or profile() will be called */
    const struct tenon_model *model; /* NULL unless the engine wants it */
};

/* A node of the model that multiplies. */
struct engine_layer {
    const char *op, *kernel; /* kernel: of Tenon, else "-" */
    uint64_t macs;
    double ns;
};

enum { ENGINE_PATH_BYTES = 1024 };

struct engine {
    const char *name;
    bool wants_model; /* opened by Tenon's front end, which costs no time in a run */
    /* Each returns false after complain(). */
    bool (*open)(const struct engine_setup *setup, void **out);
    bool (*set_input)(void *self, const void *data, size_t size_bytes);
    bool (*run)(void *self);
    /* The first output; *size_bytes is the capacity of `data`, then what was written. */
    bool (*get_output)(void *self, void *data, size_t *size_bytes);
    /* Median time of each node over `rounds` runs, in the order of the model; NULL: not told. */
    bool (*layers)(void *self, uint32_t rounds, struct engine_layer *out, size_t capacity,
                   size_t *count);
    /* The same from a library's own profiler: runs, and names the file that it wrote. */
    bool (*profile)(void *self, uint32_t rounds, char path[ENGINE_PATH_BYTES]);
    void (*close)(void *self);
};

extern const struct engine engine_tenon, engine_tenon_f32, engine_onnxruntime,
    engine_onnxruntime_precise, engine_tflite, engine_tflite_xnnpack, engine_xnnpack;

/* Prints "tenon-bench: …" and returns false. */
__attribute__((format(printf, 1, 2))) bool complain(const char *format, ...);
/* dlopen, and dlsym of each named entry into the table; false after complain(). */
struct engine_symbol {
    const char *name;
    void *entry; /* address of a function pointer */
};
bool engine_load(const char *library, const struct engine_symbol *symbols, size_t count);
uint64_t clock_ns(void);
uint64_t clock_cpu_ns(void);                    /* of all threads of this process */
double median_of(double *values, size_t count); /* sorts */

#endif
