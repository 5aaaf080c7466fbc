/* The instance finds the devices of every driver; names for statuses and types. */
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"

const char *tenon_version(void) {
    return "0.1.0";
}

const char *tenon_status_name(enum tenon_status status) {
    return tenon_status_text(status);
}

const char *tenon_type_name(enum tenon_type type) {
    return tenon_type_text(type);
}

uint32_t tenon_type_bits(enum tenon_type type) {
    return tenon_type_bit_count(type);
}

static enum tenon_status open_driver(struct tenon_instance *instance,
                                     const struct tenon_driver *driver,
                                     const struct tenon_driver_options *options,
                                     struct tenon_error *error) {
    for (uint32_t i = 0; i < driver->device_max; i++) {
        if (instance->device_count == TENON_DEVICES_MAX)
            return TENON_OK;
        struct tenon_device *device = &instance->devices[instance->device_count];
        enum tenon_status status = driver->open(i, options, &device->info, error);
        if (status == TENON_ERROR_NOT_FOUND)
            continue;
        if (status != TENON_OK)
            return status;
        if (device->info.target == NULL)
            device->info.target = device->info.name;
        device->driver = driver;
        instance->device_count++;
    }
    return TENON_OK;
}

enum tenon_status tenon_instance_create(const struct tenon_instance_options *options,
                                        struct tenon_instance **out, struct tenon_error *error) {
    struct tenon_driver_options driver_options = {0};
    *out = NULL;
    if (options != NULL && options->size >= sizeof(*options))
        driver_options.cpu_threads = options->cpu_threads;
    else if (options != NULL)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "options.size is %zu, not %zu",
                          options->size, sizeof(*options));
    struct tenon_instance *instance = calloc(1, sizeof(*instance));
    if (instance == NULL)
        return tenon_fail_memory(error);
    enum tenon_status status = TENON_OK;
    for (int i = 0; status == TENON_OK && tenon_drivers[i] != NULL; i++)
        status = open_driver(instance, tenon_drivers[i], &driver_options, error);
    if (status != TENON_OK) {
        tenon_instance_destroy(instance);
        return status;
    }
    *out = instance;
    return TENON_OK;
}

void tenon_instance_destroy(struct tenon_instance *instance) {
    if (instance == NULL)
        return;
    for (uint32_t i = 0; i < instance->device_count; i++)
        instance->devices[i].driver->close(instance->devices[i].info.state);
    free(instance);
}

uint32_t tenon_instance_device_count(const struct tenon_instance *instance) {
    return instance->device_count;
}

struct tenon_device *tenon_instance_device(struct tenon_instance *instance, uint32_t index) {
    return index < instance->device_count ? &instance->devices[index] : NULL;
}

struct tenon_device *tenon_instance_find_device(struct tenon_instance *instance, const char *name) {
    for (uint32_t i = 0; i < instance->device_count; i++)
        if (strcmp(instance->devices[i].info.name, name) == 0)
            return &instance->devices[i];
    return NULL;
}

void tenon_device_get_info(const struct tenon_device *device, struct tenon_device_info *out) {
    *out = (struct tenon_device_info){
        .name = device->info.name,
        .driver = device->driver->name,
        .description = device->info.description,
        .features = device->info.features,
        .target = device->info.target,
        .simulated = device->info.simulated,
        .thread_count = device->info.thread_count,
    };
}

enum tenon_compatibility tenon_device_compatibility(struct tenon_device *device,
                                                    const struct tenon_program *program) {
    enum tenon_compatibility worst = TENON_COMPATIBILITY_OPTIMAL;
    for (uint32_t i = 0; i < program->image.part_count; i++) {
        const struct tenon_image_part *part = &program->image.parts[i];
        if (strcmp(part->target, device->info.target) != 0)
            continue;
        enum tenon_compatibility answer = device->driver->compatibility(device->info.state, part);
        if (answer > worst)
            worst = answer;
    }
    return worst;
}
