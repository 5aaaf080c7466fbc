/* Files: mapping one for reading, and replacing one so that no reader sees half of it. */
#ifndef TENON_UTIL_FILE_H
#define TENON_UTIL_FILE_H

#include "util/span.h"
#include "util/status.h"

struct tenon_mapping {
    struct tenon_span bytes; /* data NULL when empty */
};

/* Maps the whole regular file read-only. Errors: NOT_FOUND, IO, OUT_OF_MEMORY. */
TENON_NODISCARD enum tenon_status tenon_mapping_open(struct tenon_mapping *mapping,
                                                     const char *path, struct tenon_error *error);
void tenon_mapping_close(struct tenon_mapping *mapping);
/* Tells the kernel that the mapped pages are not needed for now. */
void tenon_mapping_release_pages(const struct tenon_mapping *mapping);
/* Gives memory that will be written its pages at once, which is cheaper than one by one. */
void tenon_memory_populate(void *data, size_t size);

/*
 * Writes a temporary file beside `path`, syncs it, renames it over `path`; of a symbolic link, over
 * the file that it leads to. What is there and no file, a pipe or device, is written into.
 * Errors: IO, OUT_OF_MEMORY.
 */
TENON_NODISCARD enum tenon_status tenon_file_replace(const char *path, const void *data,
                                                     size_t size, struct tenon_error *error);

#endif
