/* mmap for reading; temporary file and rename for writing. */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

static mode_t default_mode(void) {
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

enum tenon_status tenon_file_replace(const char *path, const void *data, size_t size,
                                     struct tenon_error *error) {
    size_t length = strlen(path);
    char *temporary = malloc(length + sizeof(".XXXXXX"));
    if (temporary == NULL)
        return tenon_fail_memory(error);
    memcpy(temporary, path, length);
    memcpy(temporary + length, ".XXXXXX", sizeof(".XXXXXX"));

    enum tenon_status status = TENON_OK;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        status = tenon_fail(error, TENON_ERROR_IO, "%s: cannot create: %s", path, strerror(errno));
        free(temporary);
        return status;
    }
    bool ok = fchmod(fd, default_mode()) == 0 && write_all(fd, data, size) && fsync(fd) == 0;
    int reason = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    if (ok && rename(temporary, path) != 0) {
        ok = false;
        reason = errno;
    }
    if (!ok) {
        unlink(temporary);
        status = tenon_fail(error, TENON_ERROR_IO, "%s: cannot write: %s", path, strerror(reason));
    }
    free(temporary);
    return status;
}
