/*
 * Diagnostics: what is wrong with a model, and where in the model.
 *
 * A front end reports every problem it can find, not only the first, into a diagnostics list that
 * the caller owns. Each has a stable identifier ("TFL014") listed in docs/diagnostics.md.
 * A list is not thread-safe; use one per import.
 */
#ifndef TENON_DIAGNOSTICS_H
#define TENON_DIAGNOSTICS_H

#include <tenon/status.h>

TENON_BEGIN_DECLS

enum tenon_severity {
    TENON_SEVERITY_NOTE,
    TENON_SEVERITY_WARNING,
    TENON_SEVERITY_ERROR,
};

#define TENON_NO_INDEX UINT32_MAX
#define TENON_NO_OFFSET UINT64_MAX

/* All pointers live as long as the list. */
struct tenon_diagnostic {
    const char *id; /* stable, for example "TFL014" */
    enum tenon_severity severity;
    const char *message;
    uint64_t offset;           /* byte in the file, or TENON_NO_OFFSET */
    uint32_t operator_index;   /* or TENON_NO_INDEX */
    uint32_t tensor_index;     /* or TENON_NO_INDEX */
    const char *operator_name; /* "" when unknown */
    const char *tensor_name;   /* "" when unknown */
};

struct tenon_diagnostics;

/* Creates an empty list. On failure *out is NULL. Errors: out of memory. */
TENON_API enum tenon_status tenon_diagnostics_create(struct tenon_diagnostics **out,
                                                     struct tenon_error *error);
TENON_API void tenon_diagnostics_destroy(struct tenon_diagnostics *list); /* NULL is fine */

/* Number of diagnostics kept (at most 256; later ones are counted in `dropped`). */
TENON_API uint32_t tenon_diagnostics_count(const struct tenon_diagnostics *list);
TENON_API uint32_t tenon_diagnostics_dropped(const struct tenon_diagnostics *list);
/* NULL when the index is out of range. */
TENON_API const struct tenon_diagnostic *tenon_diagnostics_get(const struct tenon_diagnostics *list,
                                                               uint32_t index);

TENON_END_DECLS

#endif
