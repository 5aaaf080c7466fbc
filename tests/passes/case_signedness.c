/* unsigned-to-signed and back: chains of every operator that takes 8 bits, branches included. */
#include "passes/generator.h"

static uint32_t gen_average_pool(struct generator *g, uint32_t input) {
    return gen_pool(g, TENON_OP_AVERAGE_POOL_2D, input);
}

static uint32_t gen_other(struct generator *g, uint32_t input) {
    static const enum tenon_op ops[] = {TENON_OP_DEQUANTIZE, TENON_OP_REVERSE, TENON_OP_SOFTMAX,
                                        TENON_OP_ABS, TENON_OP_RELU_N1_TO_1};
    enum tenon_op op = ops[gen_below(g, TENON_COUNT_OF(ops))];
    const struct tenon_desc real = {.type = TENON_TYPE_F32};
    const struct tenon_attrs last = {.axes = {1, {gen_desc_of(g, input)->shape.rank - 1}}};
    if (op == TENON_OP_DEQUANTIZE)
        return gen_node(g, op, NULL, &input, 1, &real);
    if (op == TENON_OP_REVERSE)
        return gen_node(g, op, &last, &input, 1, gen_desc_of(g, input));
    if (op != TENON_OP_SOFTMAX)
        return gen_unary(g, op, input);
    const struct tenon_attrs attrs = {.beta = 1};
    static const float scale = 1.0f / 256;
    struct tenon_desc out = *gen_desc_of(g, input);
    int32_t zero = tenon_type_min(out.type);
    out.quant.scale = &scale;
    out.quant.zero_point = &zero;
    return gen_node(g, op, &attrs, &input, 1, &out);
}

/* To the other type or to another scale. */
static uint32_t gen_requantize(struct generator *g, uint32_t input) {
    enum tenon_type type = gen_chance(g, 50) ? TENON_TYPE_I8 : TENON_TYPE_U8;
    struct tenon_desc out = gen_desc(g, type, 1, 1, 1, 1);
    return gen_node(g, TENON_OP_QUANTIZE, NULL, &input, 1, &out);
}

static uint32_t gen_step(struct generator *g, uint32_t input) {
    switch (gen_below(g, 8)) {
    case 0:
        return gen_average_pool(g, input);
    case 1:
        return gen_transpose_conv(g, input);
    case 2:
        return gen_other(g, input);
    case 3:
        return gen_requantize(g, input);
    case 4:
        return gen_move(g, input);
    default:
        return gen_any(g, input);
    }
}

/* A picture of the type, or of floats that are quantized. */
static uint32_t gen_first(struct generator *g, enum tenon_type type) {
    if (gen_chance(g, 85))
        return gen_input_picture(g, type);
    uint32_t x = gen_input_picture(g, TENON_TYPE_F32);
    struct tenon_desc out = gen_desc(g, type, 1, 1, 1, 1);
    *(float *)(uintptr_t)out.quant.scale *= 8;
    return gen_node(g, TENON_OP_QUANTIZE, NULL, &x, 1, &out);
}

static void generate(struct generator *g, enum tenon_type type) {
    uint32_t at = gen_first(g, type);
    for (int i = gen_range(g, 2, 4); i > 0; i--) {
        uint32_t next = gen_step(g, at);
        if (gen_chance(g, 20))
            gen_step(g, at);
        gen_disturb(g, next);
        if (next != TENON_ID_NONE && gen_desc_of(g, next)->type != TENON_TYPE_F32)
            at = next;
    }
}

static void generate_unsigned(struct generator *g) {
    generate(g, TENON_TYPE_U8);
}

static void generate_signed(struct generator *g) {
    generate(g, TENON_TYPE_I8);
}

/* u8 <-> i8 with one scale: a border's forth and back in a row would be two copies for nothing. */
static bool is_border(const struct tenon_graph *graph, const struct tenon_node *node) {
    const struct tenon_desc *in = &graph->tensors[node->inputs[0]].desc;
    const struct tenon_desc *out = &graph->tensors[node->outputs[0]].desc;
    int32_t apart = tenon_desc_zero_point(in) - tenon_desc_zero_point(out);
    return node->op == TENON_OP_QUANTIZE && tenon_desc_scale(in) == tenon_desc_scale(out) &&
           ((in->type == TENON_TYPE_U8 && out->type == TENON_TYPE_I8 && apart == 128) ||
            (in->type == TENON_TYPE_I8 && out->type == TENON_TYPE_U8 && apart == -128));
}

static const char *broken(const struct generator *g, const struct tenon_graph *after) {
    (void)g;
    for (uint32_t n = 0; n < after->node_count; n++) {
        const struct tenon_node *node = &after->nodes[n];
        if (!is_border(after, node))
            continue;
        uint32_t producer = after->tensors[node->inputs[0]].producer;
        bool is_output = false;
        for (uint32_t i = 0; i < after->output_count; i++)
            is_output |= after->outputs[i] == node->outputs[0];
        if (!is_output && producer != TENON_ID_NONE && is_border(after, &after->nodes[producer]))
            return "a border leads forth and back";
    }
    return NULL;
}

const struct pass_case case_unsigned_to_signed = {
    .pass = "unsigned-to-signed",
    .generate = generate_unsigned,
    .floor_percent = 80,
    .broken = broken,
};
const struct pass_case case_signed_to_unsigned = {
    .pass = "signed-to-unsigned",
    .generate = generate_signed,
    .floor_percent = 80,
    .broken = broken,
};
