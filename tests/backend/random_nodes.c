/* Drawing nodes for the contract checker; see random_nodes.h. */
#include "backend/random_nodes.h"

#include <string.h>

/* ---- nodes that accelerators compute ---- */

static uint32_t large_picture(struct generator *g) {
    static const int32_t channels[] = {1, 2, 3, 4, 7, 8, 9, 16, 17, 24, 32, 33, 48, 64, 96};
    int32_t h = gen_size(g, 40), w = gen_chance(g, 60) ? h : gen_size(g, 40);
    struct tenon_desc desc = gen_desc(g, gen_type(g), gen_chance(g, 5) ? 2 : 1, h, w,
                                      channels[gen_below(g, TENON_COUNT_OF(channels))]);
    return gen_input(g, &desc);
}

static void add_window(struct generator *g) {
    const struct gen_window window = {.kernel_max = gen_chance(g, 20) ? 12 : 5,
                                      .stride_max = gen_chance(g, 20) ? 9 : 3,
                                      .dilation_max = gen_chance(g, 20) ? 4 : 1,
                                      .per_tensor = gen_chance(g, 30)};
    uint32_t picture = large_picture(g);
    if (gen_chance(g, 60))
        gen_conv(g, picture, gen_chance(g, 30) ? gen_range(g, 1, 80) : 0, &window);
    else
        gen_depthwise(g, picture, &window);
}

static void add_chain(struct generator *g) {
    uint32_t tensor = gen_input_picture(g, gen_type(g));
    for (int32_t i = gen_range(g, 1, 5); i > 0 && tensor != TENON_ID_NONE; i--) {
        uint32_t next = gen_any(g, tensor);
        gen_disturb(g, tensor);
        tensor = next != TENON_ID_NONE ? next : tensor;
    }
}

/* ---- any row of the table ---- */

static struct tenon_desc any_desc(struct generator *g) {
    static const enum tenon_type types[] = {TENON_TYPE_I8,  TENON_TYPE_I8,  TENON_TYPE_U8,
                                            TENON_TYPE_U8,  TENON_TYPE_I16, TENON_TYPE_I32,
                                            TENON_TYPE_F32, TENON_TYPE_F32, TENON_TYPE_BOOL};
    struct tenon_desc desc = gen_desc(g, types[gen_below(g, TENON_COUNT_OF(types))], gen_size(g, 3),
                                      gen_size(g, 9), gen_size(g, 9), gen_size(g, 17));
    if (desc.type == TENON_TYPE_BOOL)
        desc.quant = (struct tenon_quant){0};
    desc.shape.rank = gen_chance(g, 60) ? 4 : (uint8_t)gen_range(g, 1, 4);
    return desc;
}

/* Another operand: as the first, or broadcast, or of a type of its own. */
static struct tenon_desc other_desc(struct generator *g, const struct tenon_desc *first) {
    struct tenon_desc desc = gen_desc(g, first->type, 1, 1, 1, 1);
    if (gen_chance(g, 10))
        return any_desc(g);
    desc.shape = first->shape;
    if (first->quant.count == 0)
        desc.quant = (struct tenon_quant){0};
    for (uint8_t axis = 0; gen_chance(g, 20) && axis < desc.shape.rank; axis++)
        if (gen_chance(g, 50))
            desc.shape.dims[axis] = 1;
    return desc;
}

static struct tenon_list any_list(struct generator *g, int32_t count, int32_t low, int32_t high) {
    struct tenon_list list = {.count = count};
    for (int32_t i = 0; i < count; i++)
        list.values[i] = gen_range(g, low, high);
    return list;
}

static void any_permutation(struct generator *g, int32_t rank, struct tenon_list *list) {
    list->count = rank;
    for (int32_t i = 0; i < rank; i++) {
        int32_t k = gen_range(g, 0, i);
        list->values[i] = list->values[k];
        list->values[k] = i;
    }
}

static void any_block(struct generator *g, const struct tenon_shape *shape,
                      struct tenon_attrs *attrs) {
    for (int32_t i = 0; i < shape->rank; i++) {
        attrs->begin.values[i] = gen_range(g, 0, shape->dims[i] - 1);
        attrs->count.values[i] = gen_range(g, 1, shape->dims[i] - attrs->begin.values[i]);
    }
    attrs->begin.count = attrs->count.count = shape->rank;
}

/* Each attribute something that could suit; most operators look at two or three of them. */
static struct tenon_attrs any_attrs(struct generator *g, enum tenon_op op,
                                    const struct tenon_shape *shape) {
    struct tenon_attrs attrs = {0};
    int32_t rank = shape->rank;
    attrs.stride = any_list(g, 2, 1, 3);
    attrs.dilation = any_list(g, 2, 1, 2);
    attrs.pad = any_list(g, 4, 0, 2);
    attrs.window = any_list(g, 2, 1, 4);
    attrs.activation = gen_chance(g, 50) ? 0 : gen_range(g, 0, TENON_ACTIVATION_RELU6);
    attrs.keep_dims = gen_range(g, 0, 1);
    attrs.axis = gen_range(g, 0, rank - 1);
    attrs.axes = any_list(g, 1, 0, rank - 1);
    if (rank == 4 && gen_chance(g, 50))
        attrs.axes = (struct tenon_list){2, {1, 2}};
    attrs.shape = (struct tenon_list){.count = rank};
    memcpy(attrs.shape.values, shape->dims, (size_t)rank * sizeof(shape->dims[0]));
    if (op == TENON_OP_RESHAPE) /* what it begins with at its end */
        for (int32_t i = 0; i < rank; i++)
            attrs.shape.values[i] = shape->dims[rank - 1 - i];
    if (op == TENON_OP_RESIZE_BILINEAR || op == TENON_OP_RESIZE_NEAREST_NEIGHBOR)
        attrs.shape = any_list(g, 2, 1, 20);
    any_block(g, shape, &attrs);
    attrs.step = any_list(g, rank, 1, 1);
    if (op == TENON_OP_STRIDED_SLICE)
        attrs.axes.count = 0;
    any_permutation(g, rank, &attrs.perm);
    bool spatial = op == TENON_OP_SPACE_TO_BATCH || op == TENON_OP_BATCH_TO_SPACE;
    attrs.paddings = any_list(g, spatial ? 4 : 2 * rank, 0, spatial ? 0 : 2);
    attrs.block = any_list(g, spatial ? 2 : 1, 1, 3);
    attrs.multiples = any_list(g, rank, 1, 2);
    attrs.alpha = (float)gen_range(g, 1, 8) / 8;
    attrs.beta = 1;
    attrs.bias = 1;
    attrs.radius = gen_range(g, 1, 3);
    attrs.k = 1;
    uint64_t mask = tenon_op_get_info(op)->attrs;
    struct tenon_attrs out = {0};
    for (int i = 0; i < TENON_ATTR_COUNT; i++) {
        const struct tenon_attr_info *info = &tenon_attr_table[i];
        size_t size = info->kind == TENON_ATTR_LIST ? sizeof(struct tenon_list) : 4;
        if ((mask >> i & 1) != 0)
            memcpy((char *)&out + info->offset, (char *)&attrs + info->offset, size);
    }
    return out;
}

static void add_row(struct generator *g) {
    enum { OPERANDS_MAX = 3 };
    enum tenon_op op = (enum tenon_op)gen_below(g, TENON_OP_COUNT);
    const struct tenon_op_info *info = tenon_op_get_info(op);
    uint32_t inputs[OPERANDS_MAX], count = info->input_min;
    if (count > OPERANDS_MAX || info->output_min > 1 || info->mutated_inputs != 0)
        return;
    if (info->input_max > count && count < OPERANDS_MAX && gen_chance(g, 40))
        count++;
    struct tenon_desc first = any_desc(g), out = any_desc(g);
    for (uint32_t i = 0; i < count; i++) {
        struct tenon_desc desc = i == 0 ? first : other_desc(g, &first);
        inputs[i] = i > 0 && gen_chance(g, 40) ? gen_constant(g, &desc) : gen_input(g, &desc);
    }
    if (gen_chance(g, 85)) { /* most results have the operand's type, many its scale */
        const struct tenon_desc like = gen_desc(g, first.type, 1, 1, 1, 1);
        out.type = first.type;
        out.quant = gen_chance(g, 40) || first.quant.count == 0 ? first.quant : like.quant;
    }
    struct tenon_attrs attrs = any_attrs(g, op, &first.shape);
    gen_node(g, op, &attrs, inputs, count, &out);
}

void random_nodes_add(struct generator *g) {
    enum { TRIES = 40 };
    uint32_t draw = gen_below(g, 10);
    if (draw < 4)
        add_window(g);
    else if (draw < 7)
        add_chain(g);
    for (int i = 0; g->graph.node_count == 0 && i < TRIES && !g->out_of_memory; i++) {
        g->graph.tensor_count = g->input_count = 0; /* of what was refused */
        add_row(g);
    }
}
