/* dilation-to-batch: dilations of up to 5, most without a stride. */
#include "passes/established.h"

static void generate(struct generator *g) {
    const struct gen_window window = {
        .packed_weights = true, .dilation_max = 5, .stride_max = gen_chance(g, 80) ? 1 : 3};
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
    const int32_t *dilation = node->attrs.dilation.values, *stride = node->attrs.stride.values;
    const int32_t most = g->capabilities.dilation_max;
    /* One strided axis that is dilated keeps the other from it. */
    bool strided = (dilation[0] > most && stride[0] > 1) || (dilation[1] > most && stride[1] > 1);
    return is_conv(node) && !strided && (dilation[0] > most || dilation[1] > most)
               ? "a dilation is left"
               : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_dilation_to_batch = {
    .pass = "dilation-to-batch",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
