/* The wrapped allocations of arenas; see failing.h. */
#include "passes/failing.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/arena.h"

void *__real_tenon_arena_alloc(struct tenon_arena *arena, size_t size);
void *__real_tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size);
void *__real_tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size);
char *__real_tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size);
void *__wrap_tenon_arena_alloc(struct tenon_arena *arena, size_t size);
void *__wrap_tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size);
void *__wrap_tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size);
char *__wrap_tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size);
char *__wrap_tenon_arena_printf(struct tenon_arena *arena, const char *format, ...)
    TENON_PRINTF(2, 3);

static long countdown;

void failing_set(long n) {
    countdown = n;
}

static int fails(void) {
    return countdown > 0 && --countdown == 0;
}

void *__wrap_tenon_arena_alloc(struct tenon_arena *arena, size_t size) {
    return fails() ? NULL : __real_tenon_arena_alloc(arena, size);
}

void *__wrap_tenon_arena_alloc_array(struct tenon_arena *arena, size_t count, size_t size) {
    return fails() ? NULL : __real_tenon_arena_alloc_array(arena, count, size);
}

void *__wrap_tenon_arena_copy(struct tenon_arena *arena, const void *data, size_t size) {
    return fails() ? NULL : __real_tenon_arena_copy(arena, data, size);
}

char *__wrap_tenon_arena_string(struct tenon_arena *arena, const char *data, size_t size) {
    return fails() ? NULL : __real_tenon_arena_string(arena, data, size);
}

char *__wrap_tenon_arena_printf(struct tenon_arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args); /* networks have names of any length */
    va_end(args);
    char *text = fails() || size < 0 ? NULL : __real_tenon_arena_alloc(arena, (size_t)size + 1);
    va_start(args, format);
    if (text != NULL)
        vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}
