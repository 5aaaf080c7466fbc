/*
 * Arena: memory that is given back all at once. Everything of one compilation lives in one arena.
 * An arena has a limit, so that a hostile file cannot make it grow without bound.
 */
#ifndef TENON_UTIL_ARENA_H
#define TENON_UTIL_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"

struct tenon_arena_block;

struct tenon_arena {
    struct tenon_arena_block *blocks; /* newest first */
    size_t used_bytes;                /* of all blocks */
    size_t limit_bytes;
};

#define TENON_ARENA_DEFAULT_LIMIT ((size_t)1 << 32)

/* limit_bytes 0 means the default. Allocates nothing. */
void tenon_arena_init(struct tenon_arena *arena, size_t limit_bytes);
void tenon_arena_finish(struct tenon_arena *arena);

/* Zeroed memory aligned to 16 bytes; NULL when memory or the limit ran out. size 0 gives a valid
 * pointer. */
TENON_NODISCARD void *tenon_arena_alloc(struct tenon_arena *arena, size_t size);
/* count * size, with the product checked. */
TENON_NODISCARD void *tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size);
TENON_NODISCARD void *tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size);
/* Copies `size` bytes and terminates them. */
TENON_NODISCARD char *tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size);
TENON_NODISCARD char *tenon_arena_printf(struct tenon_arena *arena, const char *format, ...)
    TENON_PRINTF(2, 3);

#endif
