/* fold-zero-point: linear operators of 8 bits, padded and not. */
#include "passes/generator.h"

static void generate(struct generator *g) {
    enum tenon_type type = gen_chance(g, 60) ? TENON_TYPE_I8 : TENON_TYPE_U8;
    const struct gen_window window = {.unsigned_weights = gen_chance(g, 20)};
    uint32_t x = gen_input_picture(g, type);
    uint32_t kind = gen_below(g, 3);
    uint32_t y = kind == 0   ? gen_conv(g, x, 0, &window)
                 : kind == 1 ? gen_depthwise(g, x, &window)
                             : gen_fully_connected(g, x, 0);
    gen_disturb(g, y);
    if (gen_chance(g, 40))
        gen_disturb(g, gen_conv(g, y, 0, NULL));
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    (void)g;
    for (uint32_t n = 0; n < after->node_count; n++) {
        enum tenon_op op = after->nodes[n].op;
        const struct tenon_desc *x = &after->tensors[after->nodes[n].inputs[0]].desc;
        if ((op == TENON_OP_CONV_2D || op == TENON_OP_DEPTHWISE_CONV_2D ||
             op == TENON_OP_FULLY_CONNECTED) &&
            tenon_desc_zero_point(x) != 0)
            return "an input has a zero point";
    }
    return NULL;
}

const struct pass_case case_fold_zero_point = {
    .pass = "fold-zero-point",
    .generate = generate,
    .floor_percent = 70,
    .broken = broken,
};
