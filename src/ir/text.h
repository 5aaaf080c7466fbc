/*
 * The text form of a graph (docs/ir.md). It is complete: parse(print(g)) equals g.
 *
 *     tenon 1
 *     graph "name" "description"
 *     %0 "input" = input i8 1x49x10x1 scale [0.58] zero [83] axis 0
 *     %1 "w" = constant i8 64x10x4x1 scale [0.01, 0.02] zero [0, 0] axis 0 hex 00ff…
 *     %3 "out" i8 1x25x5x64 scale [0.1] zero [-128] axis 0 = conv_2d "out" double (%0, %1, %2) {…}
 *     inputs %0
 *     outputs %3
 */
#ifndef TENON_IR_TEXT_H
#define TENON_IR_TEXT_H

#include "ir/graph.h"
#include "util/strbuf.h"

/* Appends to buf; check buf->failed afterwards. */
void tenon_ir_print(const struct tenon_graph *graph, struct tenon_strbuf *buf);
/* Only the attributes of a node: "stride=[2,2], activation=relu". */
void tenon_ir_print_attrs(const struct tenon_node *node, struct tenon_strbuf *buf);

/*
 * Parses untrusted text into a graph in `arena` and verifies it.
 * Errors: BAD_MODEL with "line:column: ", OUT_OF_MEMORY, LIMIT, UNSUPPORTED.
 */
TENON_NODISCARD enum tenon_status tenon_ir_parse(struct tenon_span text, struct tenon_arena *arena,
                                                 struct tenon_graph *graph,
                                                 struct tenon_error *error);

#endif
