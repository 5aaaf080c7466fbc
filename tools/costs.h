/*
 * Measured times of operators in a file: what `tenon calibrate` writes and --costs reads. JSON:
 *
 *     {"tenon_costs": 1, "costs": [
 *         {"target": "cpu", "operation": "conv_2d i8 1x8x8x16, … ", "ns": 5120},
 *         {"target": "cpu", "operation": "conv_2d", "ratio": 0.31}, …]}
 *
 * The fields are those of struct tenon_measured_cost.
 */
#ifndef TOOLS_COSTS_H
#define TOOLS_COSTS_H

#include <jansson.h>
#include <tenon/compile.h>

struct costs {
    json_t *root; /* owns the texts */
    struct tenon_measured_cost *items;
    uint32_t count;
};

/* path NULL gives none. Prints what is wrong and returns the exit status. */
int costs_read(const char *path, struct costs *out);
void costs_finish(struct costs *costs);

/* NULL when memory ran out. */
json_t *costs_json(const struct tenon_measured_cost *items, uint32_t count);

#endif
