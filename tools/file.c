/* Reading a file whole; writing a folder of files all or not at all. See file.h. */
#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "report.h"

enum { READ_MAX = 1 << 30, READ_FIRST = 1 << 16 };

/* Grows as it reads, so that a pipe or /dev/stdin serves as well as a file. */
static int read_stream(FILE *file, uint8_t **data, size_t *size) {
    size_t room = 0;
    for (;;) {
        if (*size == room) {
            if (room >= READ_MAX)
                return EFBIG;
            room = room == 0 ? READ_FIRST : 2 * room;
            uint8_t *grown = realloc(*data, room);
            if (grown == NULL)
                return ENOMEM;
            *data = grown;
        }
        size_t got = fread(*data + *size, 1, room - *size, file);
        *size += got;
        if (got == 0)
            return ferror(file) ? (errno != 0 ? errno : EIO) : 0;
    }
}

bool file_read(const char *path, uint8_t **data, size_t *size) {
    *data = NULL;
    *size = 0;
    FILE *file = fopen(path, "rb");
    int problem = file != NULL ? read_stream(file, data, size) : errno;
    if (file != NULL)
        fclose(file);
    if (problem == 0)
        return true;
    tool_complain(EXIT_ENVIRONMENT, "%s: %s", path, strerror(problem));
    free(*data);
    *data = NULL;
    return false;
}

bool file_set_begin(struct file_set *set, const char *folder) {
    *set = (struct file_set){.folder = strdup(folder)};
    if (set->folder == NULL) {
        tool_complain_memory();
        return false;
    }
    set->made_folder = mkdir(folder, 0777) == 0;
    if (set->made_folder || errno == EEXIST)
        return true;
    tool_complain(EXIT_ENVIRONMENT, "cannot make the folder %s: %s", folder, strerror(errno));
    return false;
}

enum { PATH_BYTES = 4096 };

static bool path_of(const struct file_set *set, const char *name, bool temporary,
                    char path[PATH_BYTES]) {
    int n = temporary
                ? snprintf(path, PATH_BYTES, "%s/.%s.%ld.tmp", set->folder, name, (long)getpid())
                : snprintf(path, PATH_BYTES, "%s/%s", set->folder, name);
    return n > 0 && n < PATH_BYTES;
}

static bool add_name(struct file_set *set, const char *name) {
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 16 : 2 * set->capacity;
        void *grown = realloc(set->names, capacity * sizeof(*set->names));
        if (grown == NULL)
            return false;
        set->names = grown;
        set->capacity = capacity;
    }
    snprintf(set->names[set->count++], sizeof(*set->names), "%s", name);
    return true;
}

FILE *file_set_open(struct file_set *set, const char *name) {
    char path[PATH_BYTES];
    errno = path_of(set, name, true, path) ? 0 : ENAMETOOLONG;
    FILE *file = NULL;
    if (errno == 0 && add_name(set, name))
        file = fopen(path, "wbx");
    if (file == NULL)
        tool_complain(EXIT_ENVIRONMENT, "cannot write %s/%s: %s", set->folder, name,
                      strerror(errno));
    return file;
}

bool file_set_close(struct file_set *set, FILE *file) {
    bool ok = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;
    int problem = errno;
    ok &= fclose(file) == 0;
    if (!ok)
        tool_complain(EXIT_ENVIRONMENT, "cannot write into %s: %s", set->folder, strerror(problem));
    return ok;
}

bool file_set_write(struct file_set *set, const char *name, const void *head, size_t head_size,
                    const void *data, size_t size) {
    FILE *file = file_set_open(set, name);
    if (file == NULL)
        return false;
    if (head_size > 0)
        fwrite(head, 1, head_size, file);
    fwrite(data, 1, size, file);
    return file_set_close(set, file);
}

bool file_set_commit(struct file_set *set) {
    char from[PATH_BYTES], to[PATH_BYTES];
    for (size_t i = 0; i < set->count; i++) {
        if (path_of(set, set->names[i], true, from) && path_of(set, set->names[i], false, to) &&
            rename(from, to) == 0)
            continue;
        tool_complain(EXIT_ENVIRONMENT, "cannot write %s/%s: %s", set->folder, set->names[i],
                      strerror(errno));
        return false;
    }
    set->committed = true;
    return true;
}

void file_set_finish(struct file_set *set) {
    char path[PATH_BYTES];
    for (size_t i = 0; i < set->count && !set->committed; i++)
        if (path_of(set, set->names[i], true, path))
            unlink(path);
    if (set->made_folder && !set->committed)
        rmdir(set->folder);
    free(set->names);
    free(set->folder);
    *set = (struct file_set){0};
}
