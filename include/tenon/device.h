/*
 * Instance and device: the root object, and what programs run on.
 *
 * An instance finds the devices once, when it is created. Devices belong to the instance. Both may
 * be used from several threads at once. Destroy sessions, queues, buffers and fences first.
 */
#ifndef TENON_DEVICE_H
#define TENON_DEVICE_H

#include <tenon/program.h>
#include <tenon/status.h>

TENON_BEGIN_DECLS

struct tenon_instance;
struct tenon_device;

struct tenon_instance_options {
    size_t size;          /* sizeof(struct tenon_instance_options) */
    uint32_t cpu_threads; /* threads of the CPU device; 0 means one per online processor */
};

/* options may be NULL. On failure *out is NULL. Errors: OUT_OF_MEMORY, IO. */
TENON_API enum tenon_status tenon_instance_create(const struct tenon_instance_options *options,
                                                  struct tenon_instance **out,
                                                  struct tenon_error *error);
TENON_API void tenon_instance_destroy(struct tenon_instance *instance); /* NULL is fine */

TENON_API uint32_t tenon_instance_device_count(const struct tenon_instance *instance);
/* NULL when the index is out of range. */
TENON_API struct tenon_device *tenon_instance_device(struct tenon_instance *instance,
                                                     uint32_t index);
/* By name, for example "cpu"; NULL when there is none. */
TENON_API struct tenon_device *tenon_instance_find_device(struct tenon_instance *instance,
                                                          const char *name);

struct tenon_device_info {
    const char *name;        /* "cpu", "reference" */
    const char *driver;      /* "cpu" */
    const char *description; /* for people */
    const char *features;    /* for example "avx2 fma avx512vnni"; "" when none */
    const char *target;      /* what to compile for it: "cpu"; "nvdla:nv_small" of "sim:nvdla" */
    bool simulated;          /* a model in software: times are not those of silicon */
    uint32_t thread_count;
};
TENON_API void tenon_device_get_info(const struct tenon_device *device,
                                     struct tenon_device_info *out);

enum tenon_compatibility {
    TENON_COMPATIBILITY_OPTIMAL,     /* runs as well as a fresh compile would */
    TENON_COMPATIBILITY_RECOMPILE,   /* does not run here, or slower: compile the model again */
    TENON_COMPATIBILITY_UNSUPPORTED, /* for another device or another major version */
};
/* Whether the parts of `program` that name this device run on it. */
TENON_API enum tenon_compatibility tenon_device_compatibility(struct tenon_device *device,
                                                              const struct tenon_program *program);

TENON_END_DECLS

#endif
