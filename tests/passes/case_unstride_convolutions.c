/* unstride-convolutions: any stride, kernel, padding and dilation; also of groups and depthwise. */
#include "passes/established.h"

static void generate(struct generator *g) {
    const struct gen_window window = {.packed_weights = true, .kernel_max = 5, .stride_max = 4};
    g->capabilities.stride_max = gen_chance(g, 80) ? 1 : 2;
    uint32_t input = gen_input_picture(g, gen_type(g));
    uint32_t result =
        gen_chance(g, 80) ? gen_conv(g, input, 0, &window) : gen_depthwise(g, input, &window);
    gen_disturb(g, result);
    gen_conv(g, input, 0, &window);
    if (gen_chance(g, 40))
        gen_conv(g, result, 0, &window);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)graph;
    const int32_t *stride = node->attrs.stride.values, most = g->capabilities.stride_max;
    return is_conv(node) && (stride[0] > most || stride[1] > most) ? "a stride is left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_unstride_convolutions = {
    .pass = "unstride-convolutions",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
