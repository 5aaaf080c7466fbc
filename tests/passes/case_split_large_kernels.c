/* split-large-kernels: windows of up to 12 elements, at most 2 to 5 allowed. */
#include "passes/established.h"

static void generate(struct generator *g) {
    const struct gen_window window = {
        .packed_weights = true, .kernel_max = 12, .stride_max = 3, .dilation_max = 1};
    g->capabilities.kernel_max = gen_range(g, 2, 5);
    /* Nine taps, three apart, in two would be weights beyond all measure: those stay. */
    const struct gen_window dilated = {.packed_weights = true,
                                       .kernel_max = 9,
                                       .stride_max = 3,
                                       .dilation_max = g->capabilities.kernel_max == 2 ? 2 : 3};
    struct tenon_desc desc = gen_desc(g, gen_chance(g, 5) ? TENON_TYPE_F32 : gen_type(g), 1,
                                      gen_size(g, 16), gen_size(g, 16), gen_size(g, 4));
    uint32_t input = gen_input(g, &desc), result = input;
    for (int i = 0; i < 3; i++) {
        uint32_t draw = gen_below(g, 10);
        uint32_t next = draw < 5   ? gen_pool_within(g, TENON_OP_MAX_POOL_2D, result, &window)
                        : draw < 8 ? gen_conv(g, result, 0, &dilated)
                                   : gen_depthwise(g, result, &dilated);
        result = next != TENON_ID_NONE ? next : result;
        gen_disturb(g, result);
    }
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    const int32_t *window = node->attrs.window.values, most = g->capabilities.kernel_max;
    bool pools = node->op == TENON_OP_MAX_POOL_2D && (window[0] > most || window[1] > most);
    bool convolves = is_conv(node) && (dim_of(graph, node->inputs[1], 1) > most ||
                                       dim_of(graph, node->inputs[1], 2) > most);
    return pools || convolves ? "a large window is left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_split_large_kernels = {
    .pass = "split-large-kernels",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
