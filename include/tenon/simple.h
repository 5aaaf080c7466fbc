/*
 * The five-call form: open, set input, invoke, get output, close. Built on the other headers only;
 * part of libtenon. One network is used by one thread at a time.
 */
#ifndef TENON_SIMPLE_H
#define TENON_SIMPLE_H

#include <tenon/status.h>
#include <tenon/tensor.h>

TENON_BEGIN_DECLS

struct tenon_network;

struct tenon_network_options {
    size_t size;         /* sizeof(struct tenon_network_options) */
    const char *devices; /* comma-separated, in order of preference; NULL means "cpu" */
    uint32_t threads;    /* 0 means one per online processor */
    bool no_fallback;
};

/* Opens a .tflite model, a .tir text or a saved program. options may be NULL. */
TENON_API enum tenon_status tenon_open(const char *path,
                                       const struct tenon_network_options *options,
                                       struct tenon_network **out, struct tenon_error *error);
/* Copies exactly the input's size. Errors: INVALID_ARGUMENT (index or size). */
TENON_API enum tenon_status tenon_set_input(struct tenon_network *network, uint32_t index,
                                            const void *data, size_t size_bytes,
                                            struct tenon_error *error);
/* Runs and waits. */
TENON_API enum tenon_status tenon_invoke(struct tenon_network *network, struct tenon_error *error);
/* Copies exactly the output's size. Errors: INVALID_ARGUMENT (index or size). */
TENON_API enum tenon_status tenon_get_output(struct tenon_network *network, uint32_t index,
                                             void *data, size_t size_bytes,
                                             struct tenon_error *error);
TENON_API void tenon_close(struct tenon_network *network); /* NULL is fine */

/* Shapes, types and counts of what was opened; lives as long as the network. */
struct tenon_program;
TENON_API const struct tenon_program *tenon_network_program(const struct tenon_network *network);

TENON_END_DECLS

#endif
