/* transpose-conv-to-conv: any strides and paddings, shapes that fit and others. */
#include "passes/established.h"

static uint32_t gen_transpose_conv(struct generator *g, uint32_t x) {
    /* Weights, bias and result of a convolution of the same channels, whose node is left unread. */
    const struct gen_window window = {.packed_weights = true,
                                      .kernel_max = 5,
                                      .stride_max = 1,
                                      .dilation_max = 1,
                                      .no_pad = true,
                                      .groups = 1};
    struct tenon_attrs attrs = {.stride = {2, {gen_range(g, 1, 4), gen_range(g, 1, 4)}},
                                .activation = gen_below(g, 3) == 0 ? TENON_ACTIVATION_RELU : 0};
    uint32_t operands[3];
    struct tenon_desc out;
    if (!gen_linear_operands(g, x, &window, operands, &out))
        return TENON_ID_NONE;
    const int32_t *w = gen_desc_of(g, operands[1])->shape.dims;
    const int32_t *in = gen_desc_of(g, x)->shape.dims;
    if (gen_chance(g, 50))
        attrs.stride.values[1] = attrs.stride.values[0];
    attrs.shape = (struct tenon_list){4, {in[0], 0, 0, w[0]}};
    attrs.pad.count = 4;
    for (int i = 0; i < 2; i++) {
        int32_t whole = (in[i + 1] - 1) * attrs.stride.values[i] + w[i + 1];
        attrs.pad.values[i] = gen_range(g, 0, gen_chance(g, 90) ? w[i + 1] - 1 : w[i + 1] + 3);
        attrs.shape.values[i + 1] = gen_range(g, whole / 2 + 1, whole + 2);
    }
    return gen_node(g, TENON_OP_TRANSPOSE_CONV_2D, &attrs, operands, 3, &out);
}

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
