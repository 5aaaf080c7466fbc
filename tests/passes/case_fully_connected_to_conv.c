/* fully-connected-to-conv: rows of any number, scales per tensor and per channel. */
#include "passes/established.h"

/* The same layer with sums that lie half way between results, where scales show their last bit. */
static void gen_halves(struct generator *g, uint32_t layer) {
    if (layer == TENON_ID_NONE || gen_desc_of(g, layer)->quant.count != 1)
        return;
    const struct tenon_node node = g->graph.nodes[g->graph.tensors[layer].producer];
    struct tenon_desc out = *gen_desc_of(g, layer);
    float scale = gen_desc_of(g, node.inputs[0])->quant.scale[0] *
                  gen_desc_of(g, node.inputs[1])->quant.scale[0] * (float)(2 << gen_below(g, 6));
    out.quant.scale = &scale;
    gen_node(g, node.op, &node.attrs, node.inputs, node.input_count, &out);
}

static void generate(struct generator *g) {
    uint32_t input = gen_input_picture(g, gen_chance(g, 5) ? TENON_TYPE_F32 : gen_type(g));
    uint32_t result = gen_fully_connected(g, input, 0);
    gen_disturb(g, result);
    gen_halves(g, result);
    if (gen_chance(g, 50))
        gen_fully_connected(g, result, 0);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)g;
    (void)graph;
    return node->op == TENON_OP_FULLY_CONNECTED ? "a fully connected layer is left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_fully_connected_to_conv = {
    .pass = "fully-connected-to-conv",
    .generate = generate,
    .floor_percent = 80,
    .broken = broken,
};
