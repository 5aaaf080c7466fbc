/* Files written all or none; see output.h. */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "report.h"

static bool write_file(const char *path, const char *mode, const void *data, size_t size) {
    FILE *file = fopen(path, mode);
    if (file == NULL)
        return false;
    bool ok = fwrite(data, 1, size, file) == size && fflush(file) == 0;
    int problem = errno;
    ok &= fclose(file) == 0;
    if (!ok && problem != 0)
        errno = problem;
    return ok;
}

static bool is_special(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static bool complain(const char *path) {
    tool_complain(EXIT_ENVIRONMENT, "cannot write %s: %s", path, strerror(errno));
    return false;
}

bool outputs_add(struct outputs *outputs, const char *path, const void *data, size_t size) {
    if (strcmp(path, "-") == 0)
        return fwrite(data, 1, size, stdout) == size || complain("the answer");
    if (is_special(path)) /* a device, a pipe; a folder fails */
        return write_file(path, "wb", data, size) || complain(path);
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    char *temporary = outputs->items[outputs->count].temporary;
    int length = snprintf(temporary, OUTPUT_PATH_BYTES, "%.*s.%s.%ld.tmp", folder, path,
                          path + folder, (long)getpid());
    errno = ENAMETOOLONG;
    if (outputs->count == OUTPUTS_MAX || length >= OUTPUT_PATH_BYTES)
        return complain(path);
    if (!write_file(temporary, "wbx", data, size)) {
        complain(path);
        if (errno != EEXIST)
            unlink(temporary);
        return false;
    }
    outputs->items[outputs->count++].path = path;
    return true;
}

bool outputs_commit(struct outputs *outputs) {
    for (size_t i = 0; i < outputs->count; i++)
        if (rename(outputs->items[i].temporary, outputs->items[i].path) != 0)
            return complain(outputs->items[i].path);
    outputs->committed = true;
    return true;
}

void outputs_finish(struct outputs *outputs) {
    for (size_t i = 0; i < outputs->count && !outputs->committed; i++)
        unlink(outputs->items[i].temporary);
    outputs->count = 0;
}
