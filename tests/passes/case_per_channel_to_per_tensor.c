/* per-channel-to-per-tensor: scales that are equal, powers of two apart, and anything. */
#include <math.h>

#include "passes/generator.h"

/* Makes weights and scales alike enough that the ways of the pass meet. */
static void prepare(struct generator *g, uint32_t conv) {
    if (conv == TENON_ID_NONE)
        return;
    const struct tenon_node *node = &g->graph.nodes[g->graph.tensors[conv].producer];
    const struct tenon_desc *weights = gen_desc_of(g, node->inputs[1]);
    int8_t *data = gen_data(g, node->inputs[1]);
    float *scales = (float *)(uintptr_t)weights->quant.scale;
    int32_t divisor = gen_chance(g, 30) ? 1 : gen_range(g, 2, 16);
    bool powers = gen_chance(g, 70);
    for (size_t i = 0; i < tenon_desc_size(weights) && weights->type == TENON_TYPE_I8; i++)
        data[i] = (int8_t)(data[i] / divisor);
    for (uint32_t c = 1; powers && c < weights->quant.count; c++)
        if (gen_chance(g, 70))
            scales[c] = ldexpf(scales[c - 1], gen_range(g, -1, 1));
    if (gen_chance(g, 20)) /* a factor above 1 */
        *(float *)(uintptr_t)gen_desc_of(g, conv)->quant.scale /= 64;
}

static void generate(struct generator *g) {
    enum tenon_type type = gen_chance(g, 80) ? TENON_TYPE_I8 : gen_type(g);
    uint32_t x = gen_input_picture(g, type);
    uint32_t y = gen_chance(g, 60) ? gen_conv(g, x, 0, NULL) : gen_depthwise(g, x, NULL);
    prepare(g, y);
    gen_disturb(g, y);
    if (gen_chance(g, 40)) {
        y = gen_conv(g, y, 0, NULL);
        prepare(g, y);
        gen_disturb(g, y);
    }
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    (void)g;
    for (uint32_t n = 0; n < after->node_count; n++) {
        enum tenon_op op = after->nodes[n].op;
        if (op != TENON_OP_CONV_2D && op != TENON_OP_DEPTHWISE_CONV_2D)
            continue;
        if (after->tensors[after->nodes[n].inputs[1]].desc.quant.count > 1)
            return "weights have more than one scale";
    }
    return NULL;
}

const struct pass_case case_per_channel_to_per_tensor = {
    .pass = "per-channel-to-per-tensor",
    .generate = generate,
    .floor_percent = 40,
    .broken = broken,
};

/* One convolution whose scales are within a factor of 4, as networks have them. */
static void generate_lossy(struct generator *g) {
    g->capabilities.lossy_scales = true;
    uint32_t x = gen_input_picture(g, TENON_TYPE_I8);
    uint32_t y = gen_chance(g, 60) ? gen_conv(g, x, 0, NULL) : gen_depthwise(g, x, NULL);
    if (y == TENON_ID_NONE)
        return;
    const struct tenon_node *node = &g->graph.nodes[g->graph.tensors[y].producer];
    const struct tenon_quant *quant = &gen_desc_of(g, node->inputs[1])->quant;
    float *scales = (float *)(uintptr_t)quant->scale;
    for (uint32_t c = 1; c < quant->count; c++)
        scales[c] = scales[0] * (0.5f + (float)gen_below(g, 1000) / 667);
}

const struct pass_case case_per_channel_to_per_tensor_lossy = {
    .pass = "per-channel-to-per-tensor.lossy",
    .generate = generate_lossy,
    .floor_percent = 25,
    .broken = broken,
    .mean_most = 1.0,
};
