/*
 * Adding to a diagnostics list. Every diagnostic has a row in diagnostics.def with its stable id;
 * the reader of a format names the row and the place in the model.
 */
#ifndef TENON_UTIL_DIAGNOSTICS_H
#define TENON_UTIL_DIAGNOSTICS_H

#include <tenon/diagnostics.h>

#include "util/attr.h"

enum tenon_diagnostic_id {
#define TENON_DIAGNOSTIC(id, text_id, severity, status, summary) TENON_DIAGNOSTIC_##id,
#include "util/diagnostics.def"
#undef TENON_DIAGNOSTIC
    TENON_DIAGNOSTIC_COUNT
};

struct tenon_diagnostic_info {
    const char *text_id; /* "TFL001" */
    enum tenon_severity severity;
    enum tenon_status status; /* what the import returns because of it */
    const char *summary;      /* for docs/diagnostics.md */
};
extern const struct tenon_diagnostic_info tenon_diagnostic_table[TENON_DIAGNOSTIC_COUNT];

/* Where in the model. Fields that are not known keep their TENON_NO_… value. */
struct tenon_model_place {
    uint64_t offset;
    uint32_t operator_index, tensor_index;
    const char *operator_name, *tensor_name; /* NULL when unknown; copied */
};
#define TENON_MODEL_PLACE_NONE                                    \
    ((struct tenon_model_place){.offset = TENON_NO_OFFSET,        \
                                .operator_index = TENON_NO_INDEX, \
                                .tensor_index = TENON_NO_INDEX})

/*
 * Reports. list and error may be NULL. `error` is filled when it is the first of severity ERROR
 * since error->status was TENON_OK: "TFL014: operator 3 (CONV_2D): stride is 0 (at byte 1234)".
 * Returns the row's status.
 */
enum tenon_status tenon_diagnose(struct tenon_diagnostics *list, struct tenon_error *error,
                                 enum tenon_diagnostic_id id, const struct tenon_model_place *place,
                                 const char *format, ...) TENON_PRINTF(5, 6);

#endif
