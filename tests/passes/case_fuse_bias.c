/* fuse-bias and fuse-batch-norm: sums and products of constants behind linear operators of floats.
 */
#include "passes/generator.h"

static uint32_t gen_linear(struct generator *g, uint32_t x) {
    const struct gen_window window = {.no_fused = gen_chance(g, 85)};
    uint32_t kind = gen_below(g, 4);
    if (kind == 0)
        return gen_depthwise(g, x, &window);
    return kind == 1 ? gen_fully_connected(g, x, 0) : gen_conv(g, x, 0, &window);
}

/* Takes the bias away, or makes it 0. */
static void clear_bias(struct generator *g, uint32_t linear) {
    if (linear == TENON_ID_NONE)
        return;
    const struct tenon_node *node = &g->graph.nodes[g->graph.tensors[linear].producer];
    uint8_t *bytes = node->inputs[2] != TENON_ID_NONE ? gen_data(g, node->inputs[2]) : NULL;
    size_t size = bytes != NULL ? tenon_desc_size(gen_desc_of(g, node->inputs[2])) : 0;
    for (size_t i = 0; i < size; i++)
        bytes[i] = 0;
}

/* A constant that suits, mostly; on either side. */
static uint32_t gen_step(struct generator *g, enum tenon_op op, uint32_t x) {
    if (x == TENON_ID_NONE || gen_chance(g, 20))
        return gen_binary_constant(g, op, x);
    const struct tenon_shape *shape = &gen_desc_of(g, x)->shape;
    struct tenon_desc desc = {.type = gen_desc_of(g, x)->type, .shape.rank = 1};
    if (desc.type != TENON_TYPE_F32)
        return gen_binary_constant(g, op, x);
    desc.shape.dims[0] = gen_chance(g, 20) ? 1 : shape->dims[shape->rank - 1];
    uint32_t constant = gen_constant(g, &desc);
    return gen_chance(g, 70) ? gen_binary(g, op, x, constant) : gen_binary(g, op, constant, x);
}

static void generate(struct generator *g) {
    g->rough_floats = true;
    uint32_t x = gen_input_picture(g, gen_chance(g, 90) ? TENON_TYPE_F32 : TENON_TYPE_I8);
    uint32_t y = gen_linear(g, x);
    if (gen_chance(g, 70))
        clear_bias(g, y);
    if (gen_chance(g, 10))
        gen_disturb(g, y);
    y = gen_step(g, gen_chance(g, 70) ? TENON_OP_ADD : TENON_OP_SUB, y);
    gen_disturb(g, y);
    if (gen_chance(g, 30))
        gen_any(g, y);
}

static void generate_batch_norm(struct generator *g) {
    g->rough_floats = true;
    uint32_t y = gen_linear(g, gen_input_picture(g, TENON_TYPE_F32));
    y = gen_step(g, TENON_OP_MUL, y);
    gen_disturb(g, y);
    gen_step(g, TENON_OP_ADD, y);
}

const struct pass_case case_fuse_bias = {
    .pass = "fuse-bias",
    .generate = generate,
    .floor_percent = 35,
};
/* In units of 2^-23 of the tensor's largest element. */
const struct pass_case case_fuse_batch_norm = {
    .pass = "fuse-batch-norm",
    .generate = generate_batch_norm,
    .floor_percent = 50,
    .mean_most = 1.0,
};
