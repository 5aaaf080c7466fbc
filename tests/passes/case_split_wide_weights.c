/* split-wide-weights: u8 convolutions, most channels narrow, some with the widest weights there
 * are. */
#include "passes/generator.h"

/* Brings most weights near the zero point, so that only some channels are wide. */
static void narrow(struct generator *g, uint32_t conv) {
    if (conv == TENON_ID_NONE)
        return;
    const struct tenon_node *node = &g->graph.nodes[g->graph.tensors[conv].producer];
    const struct tenon_desc *weights = gen_desc_of(g, node->inputs[1]);
    uint8_t *data = gen_data(g, node->inputs[1]);
    int32_t zero = tenon_desc_zero_point(weights), channels = weights->shape.dims[3];
    uint32_t keep = gen_below(g, 4);
    for (size_t i = 0; i < tenon_desc_size(weights); i++) {
        int32_t value = zero + gen_range(g, -30, 30);
        if ((i % (size_t)channels) % 4 != keep)
            data[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static void generate(struct generator *g) {
    static const int32_t atoms[] = {0, 1, 2, 4, 8};
    g->capabilities.channel_atom = atoms[gen_below(g, 5)];
    enum tenon_type type = gen_chance(g, 50) ? TENON_TYPE_U8 : TENON_TYPE_I8;
    struct tenon_desc desc =
        gen_desc(g, type, 1, gen_size(g, 6), gen_size(g, 6), gen_range(g, 1, 18));
    uint32_t x = gen_input(g, &desc);
    const struct gen_window window = {.unsigned_weights = true};
    uint32_t y = gen_chance(g, 50) ? gen_conv(g, x, 0, &window) : gen_depthwise(g, x, &window);
    if (gen_chance(g, 60))
        narrow(g, y);
    gen_disturb(g, y);
    if (gen_chance(g, 30)) {
        y = gen_conv(g, y, 0, NULL);
        gen_disturb(g, y);
    }
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    (void)g;
    for (uint32_t n = 0; n < after->node_count; n++) {
        const struct tenon_node *node = &after->nodes[n];
        if (node->op != TENON_OP_CONV_2D && node->op != TENON_OP_DEPTHWISE_CONV_2D)
            continue;
        const struct tenon_tensor *weights = &after->tensors[node->inputs[1]];
        int32_t in_c = after->tensors[node->inputs[0]].desc.shape.dims[3];
        if (weights->desc.type != TENON_TYPE_U8 ||
            (node->op == TENON_OP_CONV_2D && weights->desc.shape.dims[3] != in_c))
            continue;
        for (size_t i = 0; i < tenon_desc_size(&weights->desc); i++) {
            int32_t centred = weights->data[i] - tenon_desc_zero_point(&weights->desc);
            if (centred < -128 || centred > 127)
                return "a weight is wider than 8 bits";
        }
    }
    return NULL;
}

const struct pass_case case_split_wide_weights = {
    .pass = "split-wide-weights",
    .generate = generate,
    .floor_percent = 35,
    .broken = broken,
};
