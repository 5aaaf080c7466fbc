/* dilate-kernels: dilations of up to 5. */
#include "passes/established.h"

static void generate(struct generator *g) {
    const struct gen_window window = {.packed_weights = true, .dilation_max = 5};
    g->capabilities.dilation_max = gen_range(g, 1, 2);
    uint32_t input = gen_input_picture(g, gen_type(g));
    for (int i = 0; i < 4; i++) {
        uint32_t result =
            gen_chance(g, 60) ? gen_conv(g, input, 0, &window) : gen_depthwise(g, input, &window);
        gen_disturb(g, result);
    }
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)graph;
    const int32_t *dilation = node->attrs.dilation.values, most = g->capabilities.dilation_max;
    return is_conv(node) && (dilation[0] > most || dilation[1] > most) ? "a dilation is left"
                                                                       : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_dilate_kernels = {
    .pass = "dilate-kernels",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
