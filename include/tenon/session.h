/*
 * Session: one in-flight use of a program: its bindings, scratch memory and stateful variables.
 *
 * Everything is allocated when it is created. A session runs one job at a time; use several
 * sessions to have several in flight. Not thread-safe, except that jobs run elsewhere.
 */
#ifndef TENON_SESSION_H
#define TENON_SESSION_H

#include <tenon/buffer.h>
#include <tenon/program.h>

TENON_BEGIN_DECLS

struct tenon_session;

struct tenon_session_options {
    size_t size;  /* sizeof(struct tenon_session_options) */
    bool profile; /* measure each node; see tenon_session_profile */
};

/*
 * Takes its own reference to the program. Finds the devices that the program names in `instance`.
 * options may be NULL. On failure *out is NULL.
 * Errors: NOT_FOUND (a device), INCOMPATIBLE, BAD_IMAGE, OUT_OF_MEMORY.
 */
TENON_API enum tenon_status tenon_session_create(struct tenon_instance *instance,
                                                 struct tenon_program *program,
                                                 const struct tenon_session_options *options,
                                                 struct tenon_session **out,
                                                 struct tenon_error *error);
/* Waits for a job in flight first. NULL is fine. */
TENON_API void tenon_session_destroy(struct tenon_session *session);

/*
 * Binds `buffer` at `offset` to an input or output; the session keeps a reference. What is not
 * bound has memory of the session's own (tenon_session_input_data, tenon_session_output_data).
 * Errors: INVALID_ARGUMENT (index, or the tensor does not fit), BUSY (a job is in flight).
 */
TENON_API enum tenon_status tenon_session_bind_input(struct tenon_session *session, uint32_t index,
                                                     struct tenon_buffer *buffer, size_t offset,
                                                     struct tenon_error *error);
TENON_API enum tenon_status tenon_session_bind_output(struct tenon_session *session, uint32_t index,
                                                      struct tenon_buffer *buffer, size_t offset,
                                                      struct tenon_error *error);
/* Where the job reads or writes now; NULL when the index is out of range. */
TENON_API void *tenon_session_input_data(struct tenon_session *session, uint32_t index);
TENON_API void *tenon_session_output_data(struct tenon_session *session, uint32_t index);

/* Stateful variables back to their initial values. Errors: BUSY. */
TENON_API enum tenon_status tenon_session_reset(struct tenon_session *session,
                                                struct tenon_error *error);

/* What the last finished job spent on a node of the program. Errors: INVALID_ARGUMENT. */
struct tenon_node_profile {
    uint64_t start_ns; /* from the start of the job */
    uint64_t duration_ns;
};
TENON_API enum tenon_status tenon_session_profile(const struct tenon_session *session,
                                                  uint32_t node, struct tenon_node_profile *out);

TENON_END_DECLS

#endif
