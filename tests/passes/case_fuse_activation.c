/* fuse-activation: the ReLU family, once and twice, behind what has an activation and what has not.
 */
#include "passes/generator.h"

/* By a constant that is nowhere 0. */
static uint32_t gen_quotient(struct generator *g, uint32_t x) {
    struct tenon_desc desc = gen_desc(g, gen_desc_of(g, x)->type, 1, 1, 1, 1);
    uint32_t constant = gen_constant(g, &desc);
    if (constant == TENON_ID_NONE)
        return constant;
    if (desc.type == TENON_TYPE_F32)
        *(float *)gen_data(g, constant) = 0.75f;
    else
        *(uint8_t *)gen_data(g, constant) = (uint8_t)(tenon_desc_zero_point(&desc) ^ 5);
    return gen_binary(g, TENON_OP_DIV, x, constant);
}

static uint32_t gen_producer(struct generator *g, uint32_t x) {
    switch (gen_below(g, 9)) {
    case 7:
        return gen_transpose_conv(g, x);
    case 8:
        return gen_quotient(g, x);
    case 0:
        return gen_depthwise(g, x, NULL);
    case 1:
        return gen_fully_connected(g, x, 0);
    case 2:
        return gen_pool(g, gen_chance(g, 50) ? TENON_OP_AVERAGE_POOL_2D : TENON_OP_MAX_POOL_2D, x);
    case 3:
        return gen_binary_constant(g, gen_chance(g, 50) ? TENON_OP_ADD : TENON_OP_MUL, x);
    case 4:
        return gen_chance(g, 50) ? gen_any(g, x) : gen_move(g, x);
    default:
        return gen_conv(g, x, 0, NULL);
    }
}

static uint32_t gen_relu(struct generator *g, uint32_t x) {
    static const enum tenon_op ops[] = {TENON_OP_RELU, TENON_OP_RELU6, TENON_OP_RELU_N1_TO_1,
                                        TENON_OP_RELU_0_TO_1};
    enum tenon_op op = ops[gen_below(g, 4)];
    if (x == TENON_ID_NONE || gen_chance(g, 15))
        return gen_unary(g, op, x);
    return gen_node(g, op, NULL, &x, 1, gen_desc_of(g, x));
}

static void generate(struct generator *g) {
    uint32_t x = gen_input_picture(g, gen_chance(g, 25) ? TENON_TYPE_F32 : gen_type(g));
    uint32_t y = gen_producer(g, x);
    if (gen_chance(g, 15))
        gen_disturb(g, y);
    y = gen_relu(g, y);
    gen_disturb(g, y);
    if (gen_chance(g, 40))
        y = gen_relu(g, y);
    if (gen_chance(g, 30))
        gen_any(g, y);
}

const struct pass_case case_fuse_activation = {
    .pass = "fuse-activation",
    .generate = generate,
    .floor_percent = 40,
};
