/*
 * Files: one read whole, and a set of files that is written all or not at all.
 */
#ifndef TOOLS_FILE_H
#define TOOLS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Reads the whole file; prints why not. *data is to be freed, and never NULL after success. */
bool file_read(const char *path, uint8_t **data, size_t *size);

/*
 * Files of one folder, written under temporary names and renamed together by file_set_commit.
 * file_set_finish removes what was not committed, and the folder when this set made it.
 */
struct file_set {
    char *folder;
    bool made_folder, committed;
    char (*names)[64];
    size_t count, capacity;
};

/* Each prints what failed and returns false. */
bool file_set_begin(struct file_set *set, const char *folder);
/* A stream for folder/name, to be closed by file_set_close. */
FILE *file_set_open(struct file_set *set, const char *name);
bool file_set_close(struct file_set *set, FILE *file);
bool file_set_write(struct file_set *set, const char *name, const void *head, size_t head_size,
                    const void *data, size_t size);
bool file_set_commit(struct file_set *set);
void file_set_finish(struct file_set *set);

#endif
