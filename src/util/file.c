/*
 * mmap for reading; temporary file and rename for writing, so that who has the old file mapped
 * keeps it whole, and who opens the name finds the old or the new file, never a part of one.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_ATTEMPTS = 100, TEMPORARY_BYTES = 48 };

static enum tenon_status map_descriptor(struct tenon_mapping *mapping, int fd, const char *path,
                                        struct tenon_error *error) {
    struct stat info;
    if (fstat(fd, &info) != 0)
        return tenon_fail(error, TENON_ERROR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return tenon_fail(error, TENON_ERROR_IO, "%s: not a regular file", path);
    mapping->bytes = (struct tenon_span){0};
    if (info.st_size == 0)
        return TENON_OK;
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return tenon_fail(error, TENON_ERROR_IO, "%s: cannot map: %s", path, strerror(errno));
    mapping->bytes = (struct tenon_span){.data = data, .size = (size_t)info.st_size};
    return TENON_OK;
}

enum tenon_status tenon_mapping_open(struct tenon_mapping *mapping, const char *path,
                                     struct tenon_error *error) {
    /* O_NONBLOCK: opening a FIFO must not hang; map_descriptor then refuses it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum tenon_status status = errno == ENOENT ? TENON_ERROR_NOT_FOUND : TENON_ERROR_IO;
        return tenon_fail(error, status, "%s: %s", path, strerror(errno));
    }
    enum tenon_status status = map_descriptor(mapping, fd, path, error);
    close(fd);
    return status;
}

void tenon_mapping_close(struct tenon_mapping *mapping) {
    if (mapping->bytes.data != NULL)
        munmap((void *)mapping->bytes.data, mapping->bytes.size);
    mapping->bytes = (struct tenon_span){0};
}

void tenon_mapping_release_pages(const struct tenon_mapping *mapping) {
    if (mapping->bytes.data != NULL)
        madvise((void *)mapping->bytes.data, mapping->bytes.size, MADV_DONTNEED);
}

void tenon_memory_populate(void *data, size_t size) {
#ifdef MADV_POPULATE_WRITE
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)data + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)data + size) & ~(page - 1);
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_POPULATE_WRITE); /* older kernels do not know it */
#else
    (void)data;
    (void)size;
#endif
}

static bool write_all(int fd, const char *data, size_t size) {
    while (size != 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

/* A new file beside `path`, with the mode that the process's mask gives; `name` has room for the
 * path and TEMPORARY_BYTES more. */
static int create_temporary(const char *path, char *name) {
    for (unsigned attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        sprintf(name, "%s.%ld.%u.tmp", path, (long)getpid(), attempt);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Writes and closes. 0, or what went wrong. */
static int fill_file(int fd, const void *data, size_t size, bool sync) {
    int reason = 0;
    if (!write_all(fd, data, size) || (sync && fsync(fd) != 0))
        reason = errno;
    if (close(fd) != 0 && reason == 0)
        reason = errno;
    return reason;
}

static int write_in_place(const char *path, const void *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? errno : fill_file(fd, data, size, false);
}

static int write_and_rename(const char *path, const void *data, size_t size) {
    char *name = malloc(strlen(path) + TEMPORARY_BYTES);
    if (name == NULL)
        return ENOMEM;
    int fd = create_temporary(path, name);
    int reason = fd < 0 ? errno : fill_file(fd, data, size, true);
    if (reason == 0 && rename(name, path) != 0)
        reason = errno;
    if (reason != 0 && fd >= 0)
        unlink(name);
    free(name);
    return reason;
}

enum tenon_status tenon_file_replace(const char *path, const void *data, size_t size,
                                     struct tenon_error *error) {
    struct stat info;
    bool exists = stat(path, &info) == 0;
    int reason;
    if (exists && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        reason = write_in_place(path, data, size);
    } else {
        char *target = exists ? realpath(path, NULL) : NULL;
        reason = write_and_rename(target != NULL ? target : path, data, size);
        free(target);
    }
    if (reason == 0)
        return TENON_OK;
    return tenon_fail(error, reason == ENOMEM ? TENON_ERROR_OUT_OF_MEMORY : TENON_ERROR_IO,
                      "%s: cannot write: %s", path, strerror(reason));
}
