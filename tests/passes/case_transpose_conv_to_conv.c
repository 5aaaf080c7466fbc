/* transpose-conv-to-conv: any strides and paddings, shapes that fit and others. */
#include "passes/established.h"

static void generate(struct generator *g) {
    struct tenon_desc desc =
        gen_desc(g, gen_chance(g, 5) ? TENON_TYPE_F32 : gen_type(g), gen_chance(g, 15) ? 2 : 1,
                 gen_size(g, 6), gen_size(g, 6), gen_size(g, 5));
    uint32_t input = gen_input(g, &desc);
    uint32_t result = gen_transpose_conv(g, input);
    gen_disturb(g, result);
    if (gen_chance(g, 20))
        gen_any(g, result);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)g;
    (void)graph;
    return node->op == TENON_OP_TRANSPOSE_CONV_2D ? "a transposed convolution is left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_transpose_conv_to_conv = {
    .pass = "transpose-conv-to-conv",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
