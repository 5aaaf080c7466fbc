/*
 * Runs a fuzz target over files, without a fuzzer: seeds and found cases are replayed by every
 * `meson test`.
 *
 *     replay FOLDER
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "run_small.h"

/* A copy of exactly the file's size, so that a sanitizer sees every read beyond its end. */
static int replay(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        return 1;
    }
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    int ok = data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (ok)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return ok ? 0 : 1;
}

int main(int argc, char **argv) {
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int count = 0, failed = 0;
    if (folder == NULL) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 3;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        failed += replay(path);
        count++;
    }
    closedir(folder);
    printf("%d files replayed\n", count);
    return failed != 0 || count == 0;
}
