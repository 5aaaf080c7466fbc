/* The list of diagnostics, its table of identifiers, and the one function that reports. */
#include "util/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/status.h"

enum { KEPT_MAX = 256, MESSAGE_BYTES = 384 };

struct tenon_diagnostics {
    struct tenon_arena arena;
    uint32_t count, dropped;
    struct tenon_diagnostic items[KEPT_MAX];
};

const struct tenon_diagnostic_info tenon_diagnostic_table[TENON_DIAGNOSTIC_COUNT] = {
#define TENON_DIAGNOSTIC(id, text, level, result, what) \
    [TENON_DIAGNOSTIC_##                                \
        id] = {.text_id = text, .severity = level, .status = result, .summary = what},
#include "util/diagnostics.def"
#undef TENON_DIAGNOSTIC
};

enum tenon_status tenon_diagnostics_create(struct tenon_diagnostics **out,
                                           struct tenon_error *error) {
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return tenon_fail_memory(error);
    tenon_arena_init(&(*out)->arena, 0);
    return TENON_OK;
}

void tenon_diagnostics_destroy(struct tenon_diagnostics *list) {
    if (list == NULL)
        return;
    tenon_arena_finish(&list->arena);
    free(list);
}

uint32_t tenon_diagnostics_count(const struct tenon_diagnostics *list) {
    return list->count;
}

uint32_t tenon_diagnostics_dropped(const struct tenon_diagnostics *list) {
    return list->dropped;
}

const struct tenon_diagnostic *tenon_diagnostics_get(const struct tenon_diagnostics *list,
                                                     uint32_t index) {
    return index < list->count ? &list->items[index] : NULL;
}

static const char *keep(struct tenon_diagnostics *list, const char *text) {
    char *copy = text != NULL ? tenon_arena_string(&list->arena, text, strlen(text)) : NULL;
    return copy != NULL ? copy : "";
}

static void add(struct tenon_diagnostics *list, const struct tenon_diagnostic_info *info,
                const struct tenon_model_place *place, const char *message) {
    if (list->count == KEPT_MAX) {
        list->dropped++;
        return;
    }
    list->items[list->count++] = (struct tenon_diagnostic){
        .id = info->text_id,
        .severity = info->severity,
        .message = keep(list, message),
        .offset = place->offset,
        .operator_index = place->operator_index,
        .tensor_index = place->tensor_index,
        .operator_name = keep(list, place->operator_name),
        .tensor_name = keep(list, place->tensor_name),
    };
}

/* "TFL014: operator 3 (CONV_2D): tensor 5 'w': message (at byte 1234)" */
static void fill_error(struct tenon_error *error, const struct tenon_diagnostic_info *info,
                       const struct tenon_model_place *place, const char *message) {
    char where[200] = "", byte[40] = "";
    size_t used = 0;
    if (place->operator_index != TENON_NO_INDEX)
        used =
            (size_t)snprintf(where, sizeof(where), "operator %u (%.60s): ", place->operator_index,
                             place->operator_name != NULL ? place->operator_name : "?");
    if (place->tensor_index != TENON_NO_INDEX && used < sizeof(where))
        snprintf(where + used, sizeof(where) - used, "tensor %u '%.80s': ", place->tensor_index,
                 place->tensor_name != NULL ? place->tensor_name : "");
    if (place->offset != TENON_NO_OFFSET)
        snprintf(byte, sizeof(byte), " (at byte %llu)", (unsigned long long)place->offset);
    tenon_fail(error, info->status, "%s: %s%s%s", info->text_id, where, message, byte);
}

enum tenon_status tenon_diagnose(struct tenon_diagnostics *list, struct tenon_error *error,
                                 enum tenon_diagnostic_id id, const struct tenon_model_place *place,
                                 const char *format, ...) {
    const struct tenon_diagnostic_info *info = &tenon_diagnostic_table[id];
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (list != NULL)
        add(list, info, place, message);
    if (error != NULL && error->status == TENON_OK && info->severity == TENON_SEVERITY_ERROR)
        fill_error(error, info, place, message);
    return info->status;
}
