/*
 * Buffer: memory that jobs read and write: allocated by Tenon, or the application's own.
 *
 * Reference-counted; a session keeps the buffers bound to it. The contents are the application's
 * to guard: do not touch a buffer while a job that uses it is in flight.
 */
#ifndef TENON_BUFFER_H
#define TENON_BUFFER_H

#include <tenon/device.h>

TENON_BEGIN_DECLS

struct tenon_buffer;

/* Allocates zeroed memory, aligned to 64 bytes. Errors: INVALID_ARGUMENT (size 0), OUT_OF_MEMORY.
 */
TENON_API enum tenon_status tenon_buffer_create(struct tenon_instance *instance, size_t size_bytes,
                                                struct tenon_buffer **out,
                                                struct tenon_error *error);
/* Wraps the application's memory, which must outlive the buffer. No alignment is needed. */
TENON_API enum tenon_status tenon_buffer_create_host(struct tenon_instance *instance, void *data,
                                                     size_t size_bytes, struct tenon_buffer **out,
                                                     struct tenon_error *error);
/*
 * Maps a dma-buf (or any descriptor that mmap accepts). The descriptor is duplicated: the caller
 * keeps its own. Errors: IO when it cannot be mapped for reading and writing.
 */
TENON_API enum tenon_status tenon_buffer_import_dmabuf(struct tenon_instance *instance, int fd,
                                                       size_t size_bytes, struct tenon_buffer **out,
                                                       struct tenon_error *error);
TENON_API struct tenon_buffer *tenon_buffer_ref(struct tenon_buffer *buffer);
TENON_API void tenon_buffer_unref(struct tenon_buffer *buffer); /* NULL is fine */

TENON_API void *tenon_buffer_data(struct tenon_buffer *buffer);
TENON_API size_t tenon_buffer_size(const struct tenon_buffer *buffer);

TENON_END_DECLS

#endif
