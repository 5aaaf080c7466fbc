/* ungroup-convolutions: groups of one to four channels. */
#include "passes/established.h"

static void generate(struct generator *g) {
    g->capabilities.channel_atom = gen_chance(g, 30) ? 0 : gen_range(g, 1, 8);
    const struct gen_window window = {.packed_weights = true, .groups = gen_range(g, 1, 4)};
    struct tenon_desc desc = gen_desc(g, gen_type(g), gen_chance(g, 15) ? 2 : 1, gen_size(g, 6),
                                      gen_size(g, 6), window.groups * gen_range(g, 1, 4));
    uint32_t input = gen_input(g, &desc);
    uint32_t result = gen_conv(g, input, 0, &window);
    gen_disturb(g, result);
    gen_depthwise(g, result, NULL);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)g;
    bool grouped = node->op == TENON_OP_CONV_2D &&
                   dim_of(graph, node->inputs[0], 3) != dim_of(graph, node->inputs[1], 3);
    /* A block may hold several groups, in zeros: one convolution of it has none. */
    return grouped ? "groups are left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_ungroup_convolutions = {
    .pass = "ungroup-convolutions",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
