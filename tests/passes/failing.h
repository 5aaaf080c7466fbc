/* Allocations of arenas that fail when a test says so: the linker wraps them (meson.build). */
#ifndef TESTS_PASSES_FAILING_H
#define TESTS_PASSES_FAILING_H

/* The n-th allocation from now on fails, n >= 1; 0: none. */
void failing_set(long n);

#endif
