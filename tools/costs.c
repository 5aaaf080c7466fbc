/* Measured times in a file; see costs.h. */
#include "costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "report.h"

enum { COSTS_VERSION = 1 };

static bool read_item(const json_t *json, struct tenon_measured_cost *out) {
    const json_t *ns = json_object_get(json, "ns"), *ratio = json_object_get(json, "ratio");
    *out = (struct tenon_measured_cost){
        .target = json_string_value(json_object_get(json, "target")),
        .operation = json_string_value(json_object_get(json, "operation")),
    };
    if (out->target == NULL || out->operation == NULL || (ns == NULL) == (ratio == NULL))
        return false;
    if (ns != NULL) {
        out->ns = (uint64_t)json_integer_value(ns);
        return json_is_integer(ns) && json_integer_value(ns) >= 0;
    }
    out->ratio = json_number_value(ratio);
    return json_is_number(ratio) && isfinite(out->ratio) && out->ratio > 0;
}

static int read_items(const char *path, struct costs *out) {
    const json_t *list = json_object_get(out->root, "costs");
    if (json_integer_value(json_object_get(out->root, "tenon_costs")) != COSTS_VERSION ||
        !json_is_array(list))
        return tool_complain(EXIT_BAD_INPUT,
                             "%s is no file of measured costs that this version of Tenon reads; "
                             "`tenon calibrate` writes one",
                             path);
    out->items = calloc(json_array_size(list) + 1, sizeof(*out->items));
    if (out->items == NULL)
        return tool_complain_memory();
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_item(json_array_get(list, i), &out->items[out->count++]))
            return tool_complain(EXIT_BAD_INPUT,
                                 "%s: cost %zu has no target, no operation, or not one of ns "
                                 "(from 0) and ratio (above 0)",
                                 path, i);
    return EXIT_OK;
}

int costs_read(const char *path, struct costs *out) {
    json_error_t error;
    *out = (struct costs){0};
    if (path == NULL)
        return EXIT_OK;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return tool_complain(EXIT_ENVIRONMENT, "%s: cannot open it", path);
    out->root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    if (out->root == NULL)
        return tool_complain(EXIT_BAD_INPUT, "%s:%d:%d: %s", path, error.line, error.column,
                             error.text);
    return read_items(path, out);
}

void costs_finish(struct costs *costs) {
    json_decref(costs->root);
    free(costs->items);
    *costs = (struct costs){0};
}

json_t *costs_json(const struct tenon_measured_cost *items, uint32_t count) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_t *item = json_pack("{s:s, s:o}", "target", items[i].target, "operation",
                                 tool_json_text(items[i].operation));
        if (item != NULL && items[i].ratio > 0)
            tool_json_set(&item, "ratio", json_real(items[i].ratio));
        else if (item != NULL)
            tool_json_set(&item, "ns", json_integer((json_int_t)items[i].ns));
        tool_json_append(&list, item);
    }
    return json_pack("{s:i, s:o}", "tenon_costs", COSTS_VERSION, "costs", list);
}
