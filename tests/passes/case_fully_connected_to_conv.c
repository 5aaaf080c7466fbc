/* fully-connected-to-conv: rows of any number, scales per tensor and per channel. */
#include "passes/established.h"

static void generate(struct generator *g) {
    uint32_t input = gen_input_picture(g, gen_chance(g, 5) ? TENON_TYPE_F32 : gen_type(g));
    uint32_t result = gen_fully_connected(g, input, 0);
    gen_disturb(g, result);
    if (gen_chance(g, 50))
        gen_fully_connected(g, result, 0);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)g;
    (void)graph;
    return node->op == TENON_OP_FULLY_CONNECTED ? "a fully connected layer is left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_fully_connected_to_conv = {"fully-connected-to-conv", generate, 80,
                                                       broken};
