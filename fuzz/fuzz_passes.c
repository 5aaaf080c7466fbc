/*
 * Any graph as IR text through every pass, each on a copy of its own: a graph that the verifier
 * takes must come out as one, and a pass may fail only for lack of memory. The targets' numbers are
 * drawn from the text's length.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/text.h"
#include "passes/pass.h"
#include "run_small.h"

enum { ARENA_BYTES = 1 << 26, NODES_MAX = 64, ELEMENTS_MAX = 1 << 12, REWRITES_MAX = 256 };

/* Rewrites of a small graph are small too, so that memory and time tell of a pass gone wrong. */
static bool is_small(const struct tenon_graph *graph) {
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (tenon_desc_element_count(&graph->tensors[i].desc) > ELEMENTS_MAX)
            return false;
    return graph->node_count <= NODES_MAX;
}

static void run(const struct tenon_pass *pass, const struct tenon_graph *graph,
                const struct tenon_capabilities *capabilities) {
    struct tenon_arena arena;
    struct tenon_graph copy;
    struct tenon_error error;
    struct tenon_pass_tally tally = {.limit = REWRITES_MAX};
    tenon_arena_init(&arena, ARENA_BYTES);
    if (tenon_graph_clone(graph, &arena, &copy)) {
        enum tenon_status status = tenon_pass_run(pass, &copy, capabilities, &tally, &error);
        if (status != TENON_ERROR_OUT_OF_MEMORY &&
            (status != TENON_OK || tenon_graph_verify(&copy, &error) != TENON_OK))
            abort(); /* the pass broke the graph */
    }
    tenon_arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tenon_arena arena;
    struct tenon_graph graph;
    int draw = (int)(size % 8);
    const struct tenon_capabilities capabilities = {.channel_atom = 1 << draw % 4,
                                                    .stride_max = 1 + draw / 4,
                                                    .kernel_max = 2 + draw % 2,
                                                    .dilation_max = 1,
                                                    .lut_entries = 256,
                                                    .lossy_scales = draw == 7};
    if (size < 8 || memcmp(data, "tenon 1\n", 8) != 0)
        return 0;
    tenon_arena_init(&arena, ARENA_BYTES);
    if (tenon_ir_parse((struct tenon_span){data, size}, &arena, &graph, NULL) == TENON_OK &&
        is_small(&graph))
        for (int i = 0; tenon_passes[i] != NULL; i++)
            run(tenon_passes[i], &graph, &capabilities);
    tenon_arena_finish(&arena);
    return 0;
}
