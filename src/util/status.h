/*
 * Raising and passing on errors inside Tenon. A function that fails does it with tenon_fail, which
 * fills the caller's struct tenon_error with this file and line, and returns the status:
 *
 *     if (rank > TENON_MAX_RANK)
 *         return tenon_fail(error, TENON_ERROR_LIMIT, "rank %u is above %u", rank, TENON_MAX_RANK);
 *
 * A function that only passes a failure on returns the status as it is: the innermost reason wins.
 */
#ifndef TENON_UTIL_STATUS_H
#define TENON_UTIL_STATUS_H

#include <tenon/status.h>

#include "util/attr.h"

enum tenon_status tenon_fail_at(const char *file, int line, struct tenon_error *error,
                                enum tenon_status status, const char *format, ...)
    TENON_PRINTF(5, 6);

#define tenon_fail(error, status, ...) tenon_fail_at(__FILE__, __LINE__, error, status, __VA_ARGS__)

#define tenon_fail_memory(error) \
    tenon_fail_at(__FILE__, __LINE__, error, TENON_ERROR_OUT_OF_MEMORY, "out of memory")

/* Puts "context: " before the message of an error on its way up; returns error's status. */
enum tenon_status tenon_error_prefix(struct tenon_error *error, enum tenon_status status,
                                     const char *format, ...) TENON_PRINTF(3, 4);

const char *tenon_status_text(enum tenon_status status);

/* A broken promise of the programmer, never of an input. */
#ifdef NDEBUG
#define tenon_assert(condition) ((void)sizeof(!(condition)))
#else
#define tenon_assert(condition) \
    ((condition) ? (void)0 : tenon_assert_failed(#condition, __FILE__, __LINE__))
#endif
void tenon_assert_failed(const char *condition, const char *file, int line)
    __attribute__((noreturn));

#endif
