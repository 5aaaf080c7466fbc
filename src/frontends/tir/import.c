/* The front end of Tenon's own text form (docs/ir.md). */
#include <string.h>

#include "frontends/frontend.h"
#include "ir/text.h"
#include "util/status.h"

static const char first_line[] = "tenon 1\n";

static bool tir_recognizes(struct tenon_span bytes) {
    size_t size = sizeof(first_line) - 1;
    return bytes.size >= size && memcmp(bytes.data, first_line, size) == 0;
}

static enum tenon_diagnostic_id id_of(enum tenon_status status) {
    if (status == TENON_ERROR_UNSUPPORTED)
        return TENON_DIAGNOSTIC_TIR_UNSUPPORTED;
    return status == TENON_ERROR_BAD_MODEL ? TENON_DIAGNOSTIC_TIR_SYNTAX
                                           : TENON_DIAGNOSTIC_TIR_LIMIT;
}

static enum tenon_status tir_import(struct tenon_span bytes, struct tenon_graph *graph,
                                    struct tenon_diagnostics *list, struct tenon_error *error) {
    struct tenon_error own = {.message = ""}, told = {.status = TENON_OK};
    struct tenon_model_place place = TENON_MODEL_PLACE_NONE;
    enum tenon_status status = tenon_ir_parse(bytes, graph->arena, graph, &own);
    if (status == TENON_OK)
        return TENON_OK;
    if (status == TENON_ERROR_OUT_OF_MEMORY) {
        told = own;
        told.status = status;
    } else {
        status = tenon_diagnose(list, &told, id_of(status), &place, "%s", own.message);
    }
    if (error != NULL)
        *error = told;
    return status;
}

const struct tenon_frontend tenon_frontend_tir = {
    .name = "tir",
    .recognizes = tir_recognizes,
    .import = tir_import,
};
