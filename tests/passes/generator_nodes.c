/* Random nodes of the operators that passes rewrite; see generator.h. */
#include <math.h>
#include <string.h>

#include "passes/generator.h"

static int32_t dim(const struct generator *g, uint32_t tensor, int axis) {
    return g->graph.tensors[tensor].desc.shape.dims[axis];
}

static bool is_float(const struct generator *g, uint32_t tensor) {
    return gen_desc_of(g, tensor)->type == TENON_TYPE_F32;
}

/* An output whose scale makes results of `taps` products spread over the type. */
static struct tenon_desc product_desc(struct generator *g, uint32_t input, float weight_scale,
                                      int32_t taps) {
    const struct tenon_desc *in = gen_desc_of(g, input);
    struct tenon_desc out = gen_desc(g, in->type, 1, 1, 1, 1);
    if (out.quant.count == 0 || gen_chance(g, 10)) /* sometimes as it comes */
        return out;
    float spread = in->type == TENON_TYPE_I16 ? 18000.0f * 73.0f / 20000.0f : 73.0f * 73.0f / 60.0f;
    float *scale = (float *)(uintptr_t)out.quant.scale;
    *scale = in->quant.scale[0] * weight_scale * sqrtf((float)taps) * spread *
             ldexpf(1.0f + (float)gen_below(g, 64) / 64, gen_range(g, -1, 1));
    return out;
}

/* Scales per channel for `count` channels of weights on `axis`. */
static void quantize_channels(struct generator *g, struct tenon_desc *desc, int32_t count,
                              int32_t axis) {
    float *scales = tenon_arena_alloc_array(&g->arena, (size_t)count, sizeof(*scales));
    int32_t *zeros = tenon_arena_alloc_array(&g->arena, (size_t)count, sizeof(*zeros));
    if (scales == NULL || zeros == NULL) {
        g->out_of_memory = true;
        return;
    }
    float first = gen_scale(g);
    bool powers = gen_chance(g, 30), few = gen_chance(g, 30);
    for (int32_t i = 0; i < count; i++) {
        scales[i] = powers ? ldexpf(first, gen_range(g, -2, 2)) : gen_scale(g);
        if (few && i >= 2)
            scales[i] = scales[i % 2];
    }
    desc->quant = (struct tenon_quant){(uint32_t)count, axis, scales, zeros};
}

/* Weights for an input of this type. */
static struct tenon_desc weights_desc(struct generator *g, uint32_t input, int32_t o, int32_t h,
                                      int32_t w, int32_t i, int32_t axis,
                                      const struct gen_window *window) {
    enum tenon_type type = gen_desc_of(g, input)->type;
    bool per_tensor = window != NULL && window->per_tensor;
    bool is_unsigned = type == TENON_TYPE_U8 || (window != NULL && window->unsigned_weights);
    if (type == TENON_TYPE_F32)
        return gen_desc(g, type, o, h, w, i);
    struct tenon_desc desc = gen_desc(g, is_unsigned ? TENON_TYPE_U8 : TENON_TYPE_I8, o, h, w, i);
    if (desc.type != TENON_TYPE_I8)
        return desc;
    *(int32_t *)(uintptr_t)desc.quant.zero_point = 0;
    if (window != NULL && window->packed_weights && gen_chance(g, 15))
        desc.type = TENON_TYPE_I4;
    int32_t channels = desc.shape.dims[axis];
    if (!per_tensor && channels > 1 && gen_chance(g, 70))
        quantize_channels(g, &desc, channels, axis);
    return desc;
}

static uint32_t gen_bias(struct generator *g, uint32_t input, int32_t count) {
    struct tenon_desc desc = {.type = is_float(g, input) ? TENON_TYPE_F32 : TENON_TYPE_I32,
                              .shape = {.rank = 1, .dims = {count}}};
    return gen_chance(g, 75) ? gen_constant(g, &desc) : TENON_ID_NONE;
}

/* Sizes of a window; stride, dilation and padding go to attrs. */
static void draw_window(struct generator *g, const struct gen_window *window, uint32_t input,
                        struct tenon_attrs *attrs, int32_t kernel[2]) {
    static const struct gen_window none;
    const struct gen_window *most = window != NULL ? window : &none;
    int32_t stride = most->stride_max != 0 ? most->stride_max : 3;
    int32_t dilation = most->dilation_max != 0 ? most->dilation_max : 3;
    int32_t pad[2] = {0, 0}, after[2] = {0, 0};
    uint32_t kind = most->no_pad ? 0 : gen_below(g, 3); /* VALID, SAME, anything */
    bool square = gen_chance(g, 50);
    for (int i = 0; i < 2; i++) {
        kernel[i] = gen_size(g, most->kernel_max != 0 ? most->kernel_max : 4);
        attrs->stride.values[i] = gen_chance(g, 50) ? 1 : gen_range(g, 1, stride);
        attrs->dilation.values[i] = gen_chance(g, 70) ? 1 : gen_range(g, 1, dilation);
        if (i == 1 && square) {
            kernel[1] = kernel[0];
            attrs->stride.values[1] = attrs->stride.values[0];
            attrs->dilation.values[1] = attrs->dilation.values[0];
        }
        int32_t reach = (kernel[i] - 1) * attrs->dilation.values[i] + 1;
        int32_t size = dim(g, input, 1 + i), step = attrs->stride.values[i];
        int32_t total = ((size + step - 1) / step - 1) * step + reach - size;
        total = total < 0 ? 0 : total;
        pad[i] = kind == 0 ? 0 : kind == 1 ? total / 2 : gen_range(g, 0, reach);
        after[i] = kind == 0 ? 0 : kind == 1 ? total - total / 2 : gen_range(g, 0, reach);
    }
    attrs->stride.count = attrs->dilation.count = 2;
    attrs->pad = (struct tenon_list){4, {pad[0], pad[1], after[0], after[1]}};
}

static int32_t draw_activation(struct generator *g, const struct gen_window *window) {
    if ((window != NULL && window->no_fused) || gen_chance(g, 60))
        return TENON_ACTIVATION_NONE;
    return gen_range(g, TENON_ACTIVATION_RELU, TENON_ACTIVATION_RELU6);
}

static int32_t draw_groups(struct generator *g, int32_t in_c, const struct gen_window *window) {
    if (window != NULL && window->groups != 0)
        return in_c % window->groups == 0 ? window->groups : 1;
    return in_c > 1 && in_c % 2 == 0 && gen_chance(g, 10) ? 2 : 1;
}

/* Weights, bias and the description of the result, for a kernel of this size. */
static void draw_operands(struct generator *g, uint32_t input, int32_t out_c,
                          const struct gen_window *window, const int32_t kernel[2],
                          uint32_t operands[3], struct tenon_desc *out) {
    int32_t in_c = dim(g, input, 3), groups = draw_groups(g, in_c, window);
    out_c = out_c != 0 ? out_c : gen_size(g, 9);
    out_c = (out_c + groups - 1) / groups * groups;
    struct tenon_desc weights =
        weights_desc(g, input, out_c, kernel[0], kernel[1], in_c / groups, 0, window);
    int32_t taps = kernel[0] * kernel[1] * in_c / groups;
    float scale = weights.quant.count != 0 ? weights.quant.scale[0] : 1;
    *out = product_desc(g, input, scale, taps);
    operands[0] = input;
    operands[1] = gen_constant(g, &weights);
    operands[2] = gen_bias(g, input, out_c);
}

bool gen_linear_operands(struct generator *g, uint32_t input, const struct gen_window *window,
                         uint32_t operands[3], struct tenon_desc *out) {
    if (input == TENON_ID_NONE || gen_desc_of(g, input)->shape.rank != 4)
        return false;
    struct tenon_attrs attrs = {0};
    int32_t kernel[2];
    draw_window(g, window, input, &attrs, kernel);
    draw_operands(g, input, 0, window, kernel, operands, out);
    return operands[1] != TENON_ID_NONE;
}

uint32_t gen_conv(struct generator *g, uint32_t input, int32_t out_c,
                  const struct gen_window *window) {
    if (input == TENON_ID_NONE || gen_desc_of(g, input)->shape.rank != 4)
        return TENON_ID_NONE;
    struct tenon_attrs attrs = {0};
    struct tenon_desc out;
    int32_t kernel[2];
    uint32_t operands[3];
    draw_window(g, window, input, &attrs, kernel);
    attrs.activation = draw_activation(g, window);
    draw_operands(g, input, out_c, window, kernel, operands, &out);
    return gen_node(g, TENON_OP_CONV_2D, &attrs, operands, 3, &out);
}

uint32_t gen_depthwise(struct generator *g, uint32_t input, const struct gen_window *window) {
    if (input == TENON_ID_NONE || gen_desc_of(g, input)->shape.rank != 4)
        return TENON_ID_NONE;
    struct tenon_attrs attrs = {0};
    int32_t kernel[2];
    draw_window(g, window, input, &attrs, kernel);
    attrs.activation = draw_activation(g, window);
    int32_t out_c = dim(g, input, 3) * (gen_chance(g, 70) ? 1 : gen_range(g, 1, 3));
    struct tenon_desc weights = weights_desc(g, input, 1, kernel[0], kernel[1], out_c, 3, window);
    float scale = weights.quant.count != 0 ? weights.quant.scale[0] : 1;
    struct tenon_desc out = product_desc(g, input, scale, kernel[0] * kernel[1]);
    uint32_t operands[] = {input, gen_constant(g, &weights), gen_bias(g, input, out_c)};
    return gen_node(g, TENON_OP_DEPTHWISE_CONV_2D, &attrs, operands, 3, &out);
}

uint32_t gen_pool_within(struct generator *g, enum tenon_op op, uint32_t input,
                         const struct gen_window *window) {
    if (input == TENON_ID_NONE || gen_desc_of(g, input)->shape.rank != 4)
        return TENON_ID_NONE;
    struct tenon_attrs attrs = {0};
    int32_t kernel[2];
    draw_window(g, window, input, &attrs, kernel);
    attrs.dilation.count = 0;
    attrs.window = (struct tenon_list){2, {kernel[0], kernel[1]}};
    attrs.activation = draw_activation(g, NULL);
    return gen_node(g, op, &attrs, &input, 1, gen_desc_of(g, input));
}

uint32_t gen_transpose_conv(struct generator *g, uint32_t x) {
    if (x == TENON_ID_NONE || gen_desc_of(g, x)->shape.rank != 4)
        return TENON_ID_NONE;
    /* Weights, bias and result of a convolution of the same channels, whose node is left unread. */
    const struct gen_window window = {.packed_weights = true,
                                      .kernel_max = 5,
                                      .stride_max = 1,
                                      .dilation_max = 1,
                                      .no_pad = true,
                                      .groups = 1};
    struct tenon_attrs attrs = {.stride = {2, {gen_range(g, 1, 4), gen_range(g, 1, 4)}},
                                .activation = gen_below(g, 3) == 0 ? TENON_ACTIVATION_RELU : 0};
    uint32_t operands[3];
    struct tenon_desc out;
    if (!gen_linear_operands(g, x, &window, operands, &out))
        return TENON_ID_NONE;
    const int32_t *w = gen_desc_of(g, operands[1])->shape.dims;
    const int32_t *in = gen_desc_of(g, x)->shape.dims;
    if (gen_chance(g, 50))
        attrs.stride.values[1] = attrs.stride.values[0];
    attrs.shape = (struct tenon_list){4, {in[0], 0, 0, w[0]}};
    attrs.pad.count = 4;
    for (int i = 0; i < 2; i++) {
        int32_t whole = (in[i + 1] - 1) * attrs.stride.values[i] + w[i + 1];
        attrs.pad.values[i] = gen_range(g, 0, gen_chance(g, 90) ? w[i + 1] - 1 : w[i + 1] + 3);
        attrs.shape.values[i + 1] = gen_range(g, whole / 2 + 1, whole + 2);
    }
    return gen_node(g, TENON_OP_TRANSPOSE_CONV_2D, &attrs, operands, 3, &out);
}

uint32_t gen_pool(struct generator *g, enum tenon_op op, uint32_t input) {
    const struct gen_window window = {.dilation_max = 1};
    return gen_pool_within(g, op, input, &window);
}

uint32_t gen_fully_connected(struct generator *g, uint32_t input, int32_t out_c) {
    if (input == TENON_ID_NONE)
        return TENON_ID_NONE;
    const struct tenon_desc *in = gen_desc_of(g, input);
    int32_t in_c = in->shape.dims[in->shape.rank - 1];
    struct tenon_attrs attrs = {.activation = draw_activation(g, NULL),
                                .keep_dims = gen_chance(g, 50)};
    out_c = out_c != 0 ? out_c : gen_size(g, 9);
    const struct gen_window per_tensor = {.per_tensor = true};
    struct tenon_desc weights = weights_desc(g, input, out_c, 1, 1, in_c, 0, &per_tensor);
    weights.shape = (struct tenon_shape){.rank = 2, .dims = {out_c, in_c}};
    float scale = weights.quant.count != 0 ? weights.quant.scale[0] : 1;
    struct tenon_desc out = product_desc(g, input, scale, in_c);
    uint32_t operands[] = {input, gen_constant(g, &weights), gen_bias(g, input, out_c)};
    return gen_node(g, TENON_OP_FULLY_CONNECTED, &attrs, operands, 3, &out);
}

/* Near the input's own scale, or the very quantization of it. */
static struct tenon_desc similar_desc(struct generator *g, uint32_t input) {
    const struct tenon_desc *in = gen_desc_of(g, input);
    if (in->quant.count != 1 || gen_chance(g, 40))
        return *in;
    struct tenon_desc out = gen_desc(g, in->type, 1, 1, 1, 1);
    if (gen_chance(g, 70))
        *(float *)(uintptr_t)out.quant.scale =
            in->quant.scale[0] * (1.0f + (float)gen_range(g, -32, 64) / 64);
    return out;
}

uint32_t gen_unary(struct generator *g, enum tenon_op op, uint32_t input) {
    if (input == TENON_ID_NONE)
        return TENON_ID_NONE;
    struct tenon_attrs attrs = {0};
    if (op == TENON_OP_LEAKY_RELU)
        attrs.alpha = (float)gen_range(g, -8, 32) / 32;
    struct tenon_desc out = similar_desc(g, input);
    return gen_node(g, op, &attrs, &input, 1, &out);
}

uint32_t gen_binary(struct generator *g, enum tenon_op op, uint32_t a, uint32_t b) {
    if (a == TENON_ID_NONE || b == TENON_ID_NONE)
        return TENON_ID_NONE;
    struct tenon_attrs attrs = {0};
    bool fuses = (tenon_op_get_info(op)->attrs & TENON_ATTR_BIT(activation)) != 0;
    attrs.activation = fuses ? draw_activation(g, NULL) : 0;
    struct tenon_desc out = op == TENON_OP_MUL
                                ? product_desc(g, a, tenon_desc_scale(gen_desc_of(g, b)), 1)
                                : similar_desc(g, a);
    const uint32_t operands[] = {a, b};
    return gen_node(g, op, &attrs, operands, 2, &out);
}

uint32_t gen_binary_constant(struct generator *g, enum tenon_op op, uint32_t a) {
    if (a == TENON_ID_NONE)
        return TENON_ID_NONE;
    const struct tenon_desc *in = gen_desc_of(g, a);
    struct tenon_desc desc = gen_desc(g, in->type, 1, 1, 1, 1);
    int32_t channels = in->shape.rank > 0 ? in->shape.dims[in->shape.rank - 1] : 1;
    switch (gen_below(g, 4)) {
    case 0:
        desc.shape = in->shape;
        break;
    case 1:
        break;
    case 2:
        desc.shape.dims[3] = channels;
        break;
    default:
        desc.shape = (struct tenon_shape){.rank = 1, .dims = {channels}};
        break;
    }
    return gen_binary(g, op, a, gen_constant(g, &desc));
}

static uint32_t gen_border(struct generator *g, uint32_t input) {
    struct tenon_attrs attrs = {.paddings.count = 2 * gen_desc_of(g, input)->shape.rank};
    for (int i = 0; i < attrs.paddings.count; i++)
        attrs.paddings.values[i] = gen_chance(g, 40) ? gen_range(g, 0, 2) : 0;
    return gen_node(g, TENON_OP_PAD, &attrs, &input, 1, gen_desc_of(g, input));
}

static uint32_t gen_slice(struct generator *g, uint32_t input) {
    struct tenon_shape shape = gen_desc_of(g, input)->shape;
    struct tenon_attrs attrs = {.begin.count = shape.rank, .count.count = shape.rank};
    for (int i = 0; i < shape.rank; i++) {
        attrs.begin.values[i] = gen_chance(g, 60) ? 0 : gen_range(g, 0, shape.dims[i] - 1);
        attrs.count.values[i] = gen_range(g, 1, shape.dims[i] - attrs.begin.values[i]);
    }
    return gen_node(g, TENON_OP_SLICE, &attrs, &input, 1, gen_desc_of(g, input));
}

static uint32_t gen_flat(struct generator *g, uint32_t input) {
    int32_t count = (int32_t)tenon_desc_element_count(gen_desc_of(g, input));
    struct tenon_attrs attrs = {.shape = {4, {1, 1, 1, count}}};
    return gen_node(g, TENON_OP_RESHAPE, &attrs, &input, 1, gen_desc_of(g, input));
}

uint32_t gen_move(struct generator *g, uint32_t input) {
    if (input == TENON_ID_NONE)
        return TENON_ID_NONE;
    const uint32_t twice[] = {input, input};
    struct tenon_attrs attrs = {.axis = gen_range(g, 0, gen_desc_of(g, input)->shape.rank - 1)};
    switch (gen_below(g, 5)) {
    case 0:
        return gen_border(g, input);
    case 1:
        return gen_slice(g, input);
    case 2:
        return gen_flat(g, input);
    case 3:
        return gen_pool(g, TENON_OP_MAX_POOL_2D, input);
    default:
        return gen_node(g, TENON_OP_CONCATENATION, &attrs, twice, 2, gen_desc_of(g, input));
    }
}

uint32_t gen_any(struct generator *g, uint32_t input) {
    static const enum tenon_op unary[] = {
        TENON_OP_RELU,     TENON_OP_RELU6,      TENON_OP_LOGISTIC,
        TENON_OP_TANH,     TENON_OP_LEAKY_RELU, TENON_OP_HARD_SWISH,
        TENON_OP_QUANTIZE, TENON_OP_ABS,        TENON_OP_SOFTMAX};
    static const enum tenon_op binary[] = {TENON_OP_ADD, TENON_OP_SUB, TENON_OP_MUL,
                                           TENON_OP_MINIMUM, TENON_OP_MAXIMUM};
    switch (gen_below(g, 8)) {
    case 0:
        return gen_conv(g, input, 0, NULL);
    case 1:
        return gen_depthwise(g, input, NULL);
    case 2:
        return gen_pool(g, gen_chance(g, 50) ? TENON_OP_AVERAGE_POOL_2D : TENON_OP_MAX_POOL_2D,
                        input);
    case 3:
        return gen_fully_connected(g, input, 0);
    case 4:
        return gen_binary(g, binary[gen_below(g, TENON_COUNT_OF(binary))], input, input);
    case 5:
        return gen_binary_constant(g, binary[gen_below(g, TENON_COUNT_OF(binary))], input);
    case 6:
        return gen_move(g, input);
    default:
        return gen_unary(g, unary[gen_below(g, TENON_COUNT_OF(unary))], input);
    }
}
