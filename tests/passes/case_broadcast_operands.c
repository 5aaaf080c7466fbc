/* broadcast-operands: constants and pictures of another shape than the result's. */
#include "passes/established.h"

static const enum tenon_op ops[] = {TENON_OP_ADD, TENON_OP_SUB, TENON_OP_MUL, TENON_OP_MINIMUM,
                                    TENON_OP_MAXIMUM};

static enum tenon_op draw(struct generator *g) {
    return ops[gen_below(g, TENON_COUNT_OF(ops))];
}

/* A picture with some axes of size 1. */
static uint32_t gen_narrow(struct generator *g, uint32_t like) {
    struct tenon_desc desc = *gen_desc_of(g, like);
    for (int i = 0; i < 4; i++)
        if (gen_chance(g, 50))
            desc.shape.dims[i] = 1;
    return gen_input(g, &desc);
}

static uint32_t gen_prelu(struct generator *g, uint32_t x) {
    struct tenon_desc slope = gen_desc(g, gen_desc_of(g, x)->type, 1, 1, 1, 1);
    if (slope.type == TENON_TYPE_I16)
        slope.type = TENON_TYPE_I8;
    slope.shape.dims[3] = gen_desc_of(g, x)->shape.dims[3];
    const uint32_t operands[] = {x, gen_constant(g, &slope)};
    return gen_node(g, TENON_OP_PRELU, NULL, operands, 2, gen_desc_of(g, x));
}

static void generate(struct generator *g) {
    uint32_t x = gen_input_picture(g, gen_chance(g, 15) ? TENON_TYPE_F32 : gen_type(g));
    uint32_t narrow = gen_narrow(g, x);
    uint32_t result =
        gen_chance(g, 50) ? gen_binary(g, draw(g), x, narrow) : gen_binary_constant(g, draw(g), x);
    gen_disturb(g, result);
    gen_binary(g, draw(g), narrow, result);
    gen_prelu(g, x);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    (void)g;
    if (node->input_count != 2 || node->op == TENON_OP_CONCATENATION)
        return NULL;
    for (uint32_t i = 0; i < 2; i++)
        if (!tenon_shape_equal(&graph->tensors[node->inputs[i]].desc.shape,
                               &graph->tensors[node->outputs[0]].desc.shape))
            return "an operand is left to stretch";
    return NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_broadcast_operands = {
    .pass = "broadcast-operands",
    .generate = generate,
    .floor_percent = 60,
    .broken = broken,
};
