/* A chain of blocks, each filled from the front; large requests get a block of their own. */
#include "util/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/checked.h"

enum { ALIGNMENT = 16, BLOCK_BYTES = 64 * 1024 };

struct tenon_arena_block {
    struct tenon_arena_block *next;
    size_t used, capacity;
    _Alignas(ALIGNMENT) unsigned char data[];
};

void tenon_arena_init(struct tenon_arena *arena, size_t limit_bytes) {
    *arena = (struct tenon_arena){
        .limit_bytes = limit_bytes != 0 ? limit_bytes : TENON_ARENA_DEFAULT_LIMIT,
    };
}

void tenon_arena_finish(struct tenon_arena *arena) {
    struct tenon_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct tenon_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

static struct tenon_arena_block *add_block(struct tenon_arena *arena, size_t size) {
    size_t capacity = size > BLOCK_BYTES / 4 ? size : BLOCK_BYTES;
    size_t bytes;
    if (!tenon_add_size(capacity, sizeof(struct tenon_arena_block), &bytes))
        return NULL;
    struct tenon_arena_block *block = calloc(1, bytes);
    if (block == NULL)
        return NULL;
    block->capacity = capacity;
    /* A block made for one large request goes behind the one that still has room. */
    if (capacity != BLOCK_BYTES && arena->blocks != NULL) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *tenon_arena_alloc(struct tenon_arena *arena, size_t size) {
    size_t needed;
    if (!tenon_align_size(size != 0 ? size : 1, ALIGNMENT, &needed) ||
        needed > arena->limit_bytes || arena->used_bytes > arena->limit_bytes - needed)
        return NULL;
    struct tenon_arena_block *block = arena->blocks;
    if (block == NULL || block->capacity - block->used < needed) {
        block = add_block(arena, needed);
        if (block == NULL)
            return NULL;
    }
    void *result = block->data + block->used;
    block->used += needed;
    arena->used_bytes += needed;
    return result;
}

void *tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (!tenon_mul_size(count, size, &bytes))
        return NULL;
    return tenon_arena_alloc(arena, bytes);
}

void *tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size) {
    void *copy = tenon_arena_alloc(arena, size);
    if (copy != NULL && size != 0)
        memcpy(copy, data, size);
    return copy;
}

char *tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size) {
    size_t bytes;
    if (!tenon_add_size(size, 1, &bytes))
        return NULL;
    char *copy = tenon_arena_alloc(arena, bytes);
    if (copy != NULL && size != 0)
        memcpy(copy, data, size);
    return copy;
}

char *tenon_arena_printf(struct tenon_arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : tenon_arena_alloc(arena, (size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
