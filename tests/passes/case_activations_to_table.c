/* activations-to-table: every function, of any scales and zero points. */
#include "passes/established.h"

static const enum tenon_op ops[] = {TENON_OP_LOGISTIC, TENON_OP_TANH,       TENON_OP_ELU,
                                    TENON_OP_GELU,     TENON_OP_EXP,        TENON_OP_HARD_SWISH,
                                    TENON_OP_ABS,      TENON_OP_LEAKY_RELU, TENON_OP_LOG,
                                    TENON_OP_SQRT,     TENON_OP_RSQRT};

static uint32_t gen_prelu(struct generator *g, uint32_t x) {
    struct tenon_desc slope = gen_desc(g, gen_desc_of(g, x)->type, 1, 1, 1, 1);
    const uint32_t operands[] = {x, gen_constant(g, &slope)};
    return gen_node(g, TENON_OP_PRELU, NULL, operands, 2, gen_desc_of(g, x));
}

static uint32_t gen_function(struct generator *g, uint32_t x) {
    uint32_t draw = gen_below(g, TENON_COUNT_OF(ops) + 1);
    const struct tenon_desc *in = gen_desc_of(g, x);
    if (draw == TENON_COUNT_OF(ops))
        return gen_prelu(g, x);
    /* Roots of negative numbers fail. */
    if ((ops[draw] == TENON_OP_SQRT || ops[draw] == TENON_OP_RSQRT) &&
        (in->type == TENON_TYPE_F32 || tenon_desc_zero_point(in) != tenon_type_min(in->type)))
        return TENON_ID_NONE;
    return gen_unary(g, ops[draw], x);
}

static void generate(struct generator *g) {
    g->capabilities.lut_entries = gen_chance(g, 90) ? 256 : 0;
    enum tenon_type type = gen_chance(g, 10) ? TENON_TYPE_F32 : gen_type(g);
    uint32_t input = gen_input_picture(g, type), result = gen_function(g, input);
    gen_disturb(g, result);
    gen_function(g, result != TENON_ID_NONE ? result : input);
}

static const char *rule(const struct generator *g, const struct tenon_graph *graph,
                        const struct tenon_node *node) {
    bool narrow = graph->tensors[node->inputs[0]].desc.type != TENON_TYPE_I16;
    bool left = node->op == TENON_OP_PRELU;
    for (size_t i = 0; i < TENON_COUNT_OF(ops); i++)
        left |= node->op == ops[i];
    return narrow && left && g->capabilities.lut_entries != 0 ? "a function is left" : NULL;
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    return established(g, after, rule);
}

const struct pass_case case_activations_to_table = {
    .pass = "activations-to-table",
    .generate = generate,
    .floor_percent = 50,
    .broken = broken,
};
