/*
 * Several files that are written all or not at all, wherever they are.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

enum { OUTPUTS_MAX = 72, OUTPUT_PATH_BYTES = 4096 };

struct outputs {
    struct {
        const char *path;
        char temporary[OUTPUT_PATH_BYTES]; /* "" of what is no plain file: written at once */
    } items[OUTPUTS_MAX];
    size_t count;
    bool committed;
};

/*
 * Writes under a temporary name beside `path` ("-": stdout); outputs_commit renames them all,
 * outputs_finish removes what was not committed. Each prints what failed and returns false.
 */
bool outputs_add(struct outputs *outputs, const char *path, const void *data, size_t size);
bool outputs_commit(struct outputs *outputs);
void outputs_finish(struct outputs *outputs);

#endif
