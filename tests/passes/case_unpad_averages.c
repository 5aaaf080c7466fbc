/* unpad-averages: windows of all sizes, paddings and strides; floats too. */
#include "passes/established.h"

static void generate(struct generator *g) {
    const struct gen_window window = {.kernel_max = 7, .dilation_max = 1};
    enum tenon_type type = gen_chance(g, 20) ? TENON_TYPE_F32 : gen_type(g);
    struct tenon_desc desc = gen_desc(g, type, gen_chance(g, 15) ? 2 : 1, gen_size(g, 12),
                                      gen_size(g, 12), gen_size(g, 4));
    uint32_t input = gen_input(g, &desc);
    for (int i = 0; i < 3; i++)
        gen_disturb(g, gen_pool_within(g, TENON_OP_AVERAGE_POOL_2D, input, &window));
    gen_pool_within(g, TENON_OP_MAX_POOL_2D, input, &window);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    const int32_t *pad = node->attrs.pad.values;
    (void)g;
    (void)graph;
    return node->op == TENON_OP_AVERAGE_POOL_2D && (pad[0] | pad[1] | pad[2] | pad[3]) != 0
               ? "padding is left"
               : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_unpad_averages = {
    .pass = "unpad-averages",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
