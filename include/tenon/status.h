/*
 * Status: what every fallible function of Tenon returns, and where the reason is told.
 *
 * A function that can fail returns an enum tenon_status and takes a `struct tenon_error *` as its
 * last parameter. The error structure is the caller's memory, nothing in it needs freeing, NULL is
 * allowed. It is written only on failure: with the status, the source position that noticed, and a
 * message that says what is wrong and, where there is something to do about it, what to do.
 * Nothing in Tenon aborts or exits on any input.
 */
#ifndef TENON_STATUS_H
#define TENON_STATUS_H

#include <tenon/base.h>

TENON_BEGIN_DECLS

enum tenon_status {
    TENON_OK = 0,
    TENON_ERROR_INVALID_ARGUMENT, /* the call itself is wrong: index, size, option, state */
    TENON_ERROR_OUT_OF_MEMORY,
    TENON_ERROR_IO,           /* a file or descriptor could not be read or written */
    TENON_ERROR_BAD_MODEL,    /* the model file is malformed: see its diagnostics */
    TENON_ERROR_BAD_IMAGE,    /* the compiled program is malformed */
    TENON_ERROR_UNSUPPORTED,  /* well-formed, but not supported (operator, type, shape) */
    TENON_ERROR_INCOMPATIBLE, /* the compiled program does not fit this device: recompile */
    TENON_ERROR_NOT_FOUND,    /* no such device, file, tensor */
    TENON_ERROR_BUSY,         /* the object is in use by a job in flight */
    TENON_ERROR_TIMEOUT,      /* a deadline or a wait ran out */
    TENON_ERROR_CANCELLED,    /* the job was cancelled before it finished */
    TENON_ERROR_DEVICE_LOST,  /* the device stopped answering; resubmit on a new session */
    TENON_ERROR_LIMIT,        /* a limit or quota was reached (bytes, jobs, diagnostics) */
    TENON_ERROR_FALLBACK,     /* no_fallback was asked for and a node would fall back */
    TENON_STATUS_COUNT
};

/* Size is part of the ABI. */
struct tenon_error {
    enum tenon_status status;
    int32_t line;     /* source line in Tenon that noticed */
    const char *file; /* source file in Tenon that noticed; static storage */
    char message[496];
};

/* Short name of a status, for example "bad model"; never NULL. Static storage. */
TENON_API const char *tenon_status_name(enum tenon_status status);

TENON_END_DECLS

#endif
