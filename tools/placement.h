/* Where the nodes of a program run, and what each took. */
#ifndef TOOLS_PLACEMENT_H
#define TOOLS_PLACEMENT_H

#include <stdio.h>

#include <jansson.h>
#include <tenon/program.h>

/* "cpu: 29 nodes (conv_2d 14, depthwise_conv_2d 13, …)", a line per device. */
void placement_print_summary(const struct tenon_program *program);
/* Each node that did not run where it was wanted, with the reason. Silent when there is none. */
void placement_print_fallbacks(const struct tenon_program *program, FILE *to);
/* Rows of the report; `spent_ns` (per node) may be NULL. */
json_t *placement_json(const struct tenon_program *program, const uint64_t *spent_ns);
/* A table of all nodes with time and share, then of operators. `spent_ns` is per node. */
void placement_print_profile(const struct tenon_program *program, const uint64_t *spent_ns);

#endif
