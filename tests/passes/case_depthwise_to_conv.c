/* depthwise-to-conv: with and without a channel atom, one to three outputs a channel. */
#include "passes/established.h"

static void generate(struct generator *g) {
    const struct gen_window window = {.packed_weights = true};
    g->capabilities.channel_atom = gen_chance(g, 30) ? 0 : gen_range(g, 1, 8);
    uint32_t input = gen_input_picture(g, gen_chance(g, 5) ? TENON_TYPE_F32 : gen_type(g));
    uint32_t result = gen_depthwise(g, input, &window);
    gen_disturb(g, result);
    if (gen_chance(g, 40))
        gen_depthwise(g, result, NULL);
    if (gen_chance(g, 20))
        gen_conv(g, result, 0, NULL);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)g;
    (void)graph;
    return node->op == TENON_OP_DEPTHWISE_CONV_2D ? "a depthwise convolution is left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_depthwise_to_conv = {
    .pass = "depthwise-to-conv",
    .generate = generate,
    .floor_percent = 60,
    .broken = broken,
};
