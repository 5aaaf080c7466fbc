/* Buffers: owned, the application's, or mapped from a descriptor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/runtime.h"
#include "util/checked.h"

enum { BUFFER_ALIGNMENT = 64 };

static enum tenon_status create(uint8_t *data, size_t size, int kind, struct tenon_buffer **out,
                                struct tenon_error *error) {
    struct tenon_buffer *buffer = calloc(1, sizeof(*buffer));
    if (buffer == NULL)
        return tenon_fail_memory(error);
    atomic_init(&buffer->refs, 1);
    buffer->data = data;
    buffer->size_bytes = size;
    buffer->kind = kind;
    *out = buffer;
    return TENON_OK;
}

enum tenon_status tenon_buffer_create(struct tenon_instance *instance, size_t size_bytes,
                                      struct tenon_buffer **out, struct tenon_error *error) {
    (void)instance;
    *out = NULL;
    size_t room;
    if (size_bytes == 0)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "a buffer of 0 bytes");
    uint8_t *data = tenon_align_size(size_bytes, BUFFER_ALIGNMENT, &room)
                        ? aligned_alloc(BUFFER_ALIGNMENT, room)
                        : NULL;
    if (data == NULL)
        return tenon_fail_memory(error);
    memset(data, 0, room);
    enum tenon_status status = create(data, size_bytes, TENON_BUFFER_OWNED, out, error);
    if (status != TENON_OK)
        free(data);
    return status;
}

enum tenon_status tenon_buffer_create_host(struct tenon_instance *instance, void *data,
                                           size_t size_bytes, struct tenon_buffer **out,
                                           struct tenon_error *error) {
    (void)instance;
    *out = NULL;
    if (data == NULL || size_bytes == 0)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "host memory of 0 bytes");
    return create(data, size_bytes, TENON_BUFFER_HOST, out, error);
}

enum tenon_status tenon_buffer_import_dmabuf(struct tenon_instance *instance, int fd,
                                             size_t size_bytes, struct tenon_buffer **out,
                                             struct tenon_error *error) {
    (void)instance;
    *out = NULL;
    if (size_bytes == 0)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "a buffer of 0 bytes");
    /* The mapping keeps the memory alive: the descriptor itself is not needed afterwards. */
    void *data = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return tenon_fail(error, TENON_ERROR_IO, "cannot map descriptor %d: %s", fd,
                          strerror(errno));
    enum tenon_status status = create(data, size_bytes, TENON_BUFFER_MAPPED, out, error);
    if (status != TENON_OK)
        munmap(data, size_bytes);
    return status;
}

struct tenon_buffer *tenon_buffer_ref(struct tenon_buffer *buffer) {
    atomic_fetch_add(&buffer->refs, 1);
    return buffer;
}

void tenon_buffer_unref(struct tenon_buffer *buffer) {
    if (buffer == NULL || atomic_fetch_sub(&buffer->refs, 1) != 1)
        return;
    if (buffer->kind == TENON_BUFFER_OWNED)
        free(buffer->data);
    else if (buffer->kind == TENON_BUFFER_MAPPED)
        munmap(buffer->data, buffer->size_bytes);
    free(buffer);
}

void *tenon_buffer_data(struct tenon_buffer *buffer) {
    return buffer->data;
}

size_t tenon_buffer_size(const struct tenon_buffer *buffer) {
    return buffer->size_bytes;
}
