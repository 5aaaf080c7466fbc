/* Filling in struct tenon_error, and the names of the statuses. */
#include "util/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_texts[TENON_STATUS_COUNT] = {
    [TENON_OK] = "ok",
    [TENON_ERROR_INVALID_ARGUMENT] = "invalid argument",
    [TENON_ERROR_OUT_OF_MEMORY] = "out of memory",
    [TENON_ERROR_IO] = "input/output error",
    [TENON_ERROR_BAD_MODEL] = "bad model",
    [TENON_ERROR_BAD_IMAGE] = "bad program image",
    [TENON_ERROR_UNSUPPORTED] = "unsupported",
    [TENON_ERROR_INCOMPATIBLE] = "incompatible",
    [TENON_ERROR_NOT_FOUND] = "not found",
    [TENON_ERROR_BUSY] = "busy",
    [TENON_ERROR_TIMEOUT] = "timeout",
    [TENON_ERROR_CANCELLED] = "cancelled",
    [TENON_ERROR_DEVICE_LOST] = "device lost",
    [TENON_ERROR_LIMIT] = "limit reached",
    [TENON_ERROR_FALLBACK] = "fallback refused",
};

const char *tenon_status_text(enum tenon_status status) {
    if ((unsigned)status >= TENON_STATUS_COUNT)
        return "unknown status";
    return status_texts[status];
}

enum tenon_status tenon_fail_at(const char *file, int line, struct tenon_error *error,
                                enum tenon_status status, const char *format, ...) {
    if (error == NULL)
        return status;
    error->status = status;
    error->file = file;
    error->line = line;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return status;
}

enum tenon_status tenon_error_prefix(struct tenon_error *error, enum tenon_status status,
                                     const char *format, ...) {
    if (error == NULL)
        return status;
    char rest[sizeof(error->message)];
    memcpy(rest, error->message, sizeof(rest));
    va_list args;
    va_start(args, format);
    int length = vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    const int room = (int)sizeof(error->message) - 1 - length - (int)strlen(": ");
    if (length >= 0 && room > 0)
        sprintf(error->message + length, ": %.*s", room, rest);
    return status;
}

void tenon_assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "tenon: %s:%d: broken promise: %s\n", file, line, condition);
    abort();
}
