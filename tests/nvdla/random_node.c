/*
 * See random_node.h. A seed is a node: a failing one is made again from its number.
 */
#include "nvdla/random_node.h"

#include <math.h>
#include <string.h>

struct making {
    uint64_t seed;
    struct tenon_arena *arena;
    struct tenon_graph *graph;
    struct tenon_attrs attrs;
    uint32_t inputs[8], outputs[4];
    uint32_t input_count, output_count;
    uint32_t graph_inputs;
    enum tenon_type type; /* of activations */
    bool failed;
};

uint32_t random_below(uint64_t *seed, uint32_t limit) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*seed >> 33) % limit);
}

static int32_t between(struct making *m, int32_t low, int32_t high) {
    return low + (int32_t)random_below(&m->seed, (uint32_t)(high - low + 1));
}

static double real_between(struct making *m, double low, double high) {
    return low + (high - low) * random_below(&m->seed, 1u << 30) / (1u << 30);
}

/* Mostly inside, sometimes at the ends. */
static int32_t zero_point(struct making *m) {
    static const int32_t special[] = {-128, 127, 0, -1};
    uint32_t which = random_below(&m->seed, 8);
    return which < 4 ? special[which] : between(m, -128, 127);
}

static float scale(struct making *m) {
    double value = exp2(real_between(m, -9, -2));
    return (float)(random_below(&m->seed, 8) == 0 ? exp2(floor(log2(value))) : value);
}

/* ---- tensors ---- */

static uint32_t add(struct making *m, enum tenon_tensor_kind kind, enum tenon_type type,
                    struct tenon_shape shape, const struct tenon_quant *quant, const void *data) {
    const struct tenon_desc desc = {.type = type, .shape = shape, .quant = *quant};
    uint32_t id = 0;
    if (!tenon_graph_add_tensor(m->graph, "t", kind, &desc, data, &id))
        m->failed = true;
    return id;
}

static uint32_t add_single(struct making *m, enum tenon_tensor_kind kind, enum tenon_type type,
                           struct tenon_shape shape, float scale_of, int32_t zero) {
    const struct tenon_quant quant = {.count = 1, .scale = &scale_of, .zero_point = &zero};
    return add(m, kind, type, shape, &quant, NULL);
}

static int32_t shifted(const struct making *m, int32_t zero) {
    return m->type == TENON_TYPE_U8 ? zero + 128 : zero;
}

static void input(struct making *m, struct tenon_shape shape, float scale_of, int32_t zero) {
    m->inputs[m->input_count++] =
        add_single(m, TENON_TENSOR_INPUT, m->type, shape, scale_of, shifted(m, zero));
    m->graph_inputs = m->input_count;
}

static void output(struct making *m, float scale_of, int32_t zero) {
    struct tenon_shape unknown = {.rank = TENON_RANK_UNKNOWN};
    m->outputs[m->output_count++] =
        add_single(m, TENON_TENSOR_RESULT, m->type, unknown, scale_of, shifted(m, zero));
}

static struct tenon_shape shape_of(int rank, int32_t a, int32_t b, int32_t c, int32_t d) {
    return (struct tenon_shape){.rank = (uint8_t)rank, .dims = {a, b, c, d}};
}

static struct tenon_list pair_of(int32_t a, int32_t b) {
    return (struct tenon_list){.count = 2, .values = {a, b}};
}

/* Near what registers can say: 8192 in one direction. */
static struct tenon_shape extreme_picture(struct making *m) {
    int32_t longest = between(m, 4000, 8193), high = 1, wide = 1, channels = between(m, 1, 20);
    switch (random_below(&m->seed, 3)) {
    case 0:
        high = longest;
        break;
    case 1:
        wide = longest;
        break;
    default:
        channels = longest;
        break;
    }
    return shape_of(4, 1, high, wide, channels);
}

static struct tenon_shape picture(struct making *m) {
    if (random_below(&m->seed, 40) == 0)
        return extreme_picture(m);
    int32_t batches = random_below(&m->seed, 8) == 0 ? 2 : 1;
    int32_t high = between(m, 1, 18), wide = between(m, 1, 18), channels = between(m, 1, 40);
    if (random_below(&m->seed, 6) == 0)
        wide = between(m, 1, 200);
    if (random_below(&m->seed, 6) == 0)
        channels = between(m, 1, 600);
    if (random_below(&m->seed, 3) == 0)
        channels = (channels + 7) / 8 * 8;
    while ((int64_t)high * wide * channels > 60000)
        high = high > 1 ? high / 2 : 1, channels = channels > 8 ? channels / 2 : channels;
    return shape_of(4, batches, high, wide, channels);
}

/* ---- linear operators ---- */

/* Scales within a factor of 8 of each other, sometimes far apart; `axis` of the weights. */
static void weight_scales(struct making *m, int32_t count, int32_t axis, struct tenon_quant *q) {
    float *scales = tenon_arena_alloc_array(m->arena, (size_t)count, sizeof(*scales));
    int32_t *zeros = tenon_arena_alloc_array(m->arena, (size_t)count, sizeof(*zeros));
    double common = scale(m), spread = random_below(&m->seed, 10) == 0 ? 10 : 3;
    if (scales == NULL || zeros == NULL) {
        m->failed = true;
        return;
    }
    for (int32_t i = 0; i < count; i++)
        scales[i] = (float)(common * exp2(-real_between(m, 0, spread)));
    if (count > 1 && random_below(&m->seed, 16) == 0)
        scales[0] = (float)(common * exp2(-20));
    *q = (struct tenon_quant){
        .count = (uint32_t)count, .axis = axis, .scale = scales, .zero_point = zeros};
}

static void *weights(struct making *m, size_t count, int32_t zero) {
    int8_t *data = tenon_arena_alloc(m->arena, count);
    int32_t reach = random_below(&m->seed, 4) == 0 ? 127 : between(m, 1, 127);
    if (data == NULL) {
        m->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        data[i] = (int8_t)(between(m, -reach, reach) + zero);
    if (random_below(&m->seed, 16) == 0)
        memset(data, zero, count);
    return data;
}

static void bias(struct making *m, int32_t count, double reach) {
    int32_t *data = tenon_arena_alloc_array(m->arena, (size_t)count, sizeof(*data));
    const struct tenon_quant none = {0};
    if (data == NULL) {
        m->failed = true;
        return;
    }
    for (int32_t i = 0; i < count; i++)
        data[i] = (int32_t)real_between(m, -reach, reach);
    m->inputs[m->input_count++] =
        add(m, TENON_TENSOR_CONSTANT, TENON_TYPE_I32, shape_of(1, count, 0, 0, 0), &none, data);
}

/* Weights, mostly a bias, and an output whose scale suits sums of `taps` products. */
static void linear_operands(struct making *m, struct tenon_shape shape, int32_t channels,
                            int32_t axis, int32_t taps) {
    struct tenon_quant quant = {0};
    float in_scale = m->graph->tensors[m->inputs[0]].desc.quant.scale[0];
    bool each = random_below(&m->seed, 4) != 0;
    weight_scales(m, each ? channels : 1, axis, &quant);
    if (m->failed)
        return;
    size_t count = 1;
    for (int i = 0; i < shape.rank; i++)
        count *= (size_t)shape.dims[i];
    /* Weights of u8 have a zero point. */
    int32_t zero = between(m, 100, 150);
    bool is_u8 = quant.count == 1 && random_below(&m->seed, 2) == 0;
    if (is_u8)
        quant.zero_point = &zero;
    m->inputs[m->input_count++] =
        add(m, TENON_TENSOR_CONSTANT, is_u8 ? TENON_TYPE_U8 : TENON_TYPE_I8, shape, &quant,
            weights(m, count, is_u8 ? zero : 0));
    double sum = 5000 * sqrt(taps);
    if (random_below(&m->seed, 8) != 0)
        bias(m, channels, random_below(&m->seed, 12) == 0 ? 1e6 : sum);
    double product = (double)in_scale * quant.scale[quant.count / 2];
    output(m, (float)(product * sum * exp2(real_between(m, -2, 2)) / 128), zero_point(m));
    m->attrs.activation = between(m, 0, 3);
}

static void window(struct making *m, const struct tenon_shape *in, int32_t k_h, int32_t k_w) {
    int32_t dilation_h = random_below(&m->seed, 5) == 0 ? between(m, 1, 4) : 1;
    int32_t dilation_w = random_below(&m->seed, 5) == 0 ? between(m, 1, 4) : 1;
    int32_t high = (k_h - 1) * dilation_h + 1, wide = (k_w - 1) * dilation_w + 1;
    bool padded = random_below(&m->seed, 2) == 0;
    m->attrs.stride = pair_of(between(m, 1, random_below(&m->seed, 5) == 0 ? 8 : 2),
                              between(m, 1, random_below(&m->seed, 5) == 0 ? 8 : 2));
    m->attrs.dilation = pair_of(dilation_h, dilation_w);
    m->attrs.pad = (struct tenon_list){.count = 4};
    for (int i = 0; i < 4; i++)
        m->attrs.pad.values[i] = padded ? between(m, 0, i % 2 == 0 ? high : wide) : 0;
    int32_t missing_h = high - in->dims[1], missing_w = wide - in->dims[2];
    if (missing_h > 0) {
        m->attrs.pad.values[0] = missing_h / 2;
        m->attrs.pad.values[2] = missing_h - missing_h / 2;
    }
    if (missing_w > 0) {
        m->attrs.pad.values[1] = missing_w / 2;
        m->attrs.pad.values[3] = missing_w - missing_w / 2;
    }
}

static enum tenon_op make_conv(struct making *m, bool depthwise) {
    struct tenon_shape in = picture(m);
    int32_t k_h = between(m, 1, 5), k_w = between(m, 1, 5), channels = in.dims[3];
    if (random_below(&m->seed, 2) == 0)
        k_w = k_h = random_below(&m->seed, 2) == 0 ? 1 : 3;
    if (random_below(&m->seed, 20) == 0)
        k_w = between(m, 1, 33);
    input(m, in, scale(m), zero_point(m));
    window(m, &in, k_h, k_w);
    if (depthwise) {
        int32_t out = channels * (random_below(&m->seed, 4) == 0 ? between(m, 2, 3) : 1);
        linear_operands(m, shape_of(4, 1, k_h, k_w, out), out, 3, k_h * k_w);
        return TENON_OP_DEPTHWISE_CONV_2D;
    }
    int32_t out = between(m, 1, 40), group = channels;
    if (random_below(&m->seed, 6) == 0)
        out = between(m, 1, 300);
    if (random_below(&m->seed, 5) == 0 && channels % 2 == 0) {
        group = channels / 2;
        out = 2 * (out / 2 + 1);
    }
    linear_operands(m, shape_of(4, out, k_h, k_w, group), out, 0, k_h * k_w * group);
    return TENON_OP_CONV_2D;
}

static enum tenon_op make_fully_connected(struct making *m) {
    int32_t rows = random_below(&m->seed, 2) == 0 ? 1 : between(m, 1, 20);
    int32_t depth = between(m, 1, random_below(&m->seed, 4) == 0 ? 3000 : 300);
    int32_t out = between(m, 1, 120);
    if (random_below(&m->seed, 3) == 0) {
        input(m, shape_of(4, 1, 1, rows, depth), scale(m), zero_point(m));
        m->attrs.keep_dims = true;
    } else {
        input(m, shape_of(2, rows, depth, 0, 0), scale(m), zero_point(m));
    }
    linear_operands(m, shape_of(2, out, depth, 0, 0), out, 0, depth);
    return TENON_OP_FULLY_CONNECTED;
}

/* ---- others ---- */

static enum tenon_op make_pool(struct making *m) {
    struct tenon_shape in = picture(m);
    float in_scale = scale(m);
    int32_t zero = zero_point(m), reach = random_below(&m->seed, 6) == 0 ? 9 : 4;
    int32_t k_h = between(m, 1, reach), k_w = between(m, 1, reach);
    k_h = k_h > in.dims[1] ? in.dims[1] : k_h;
    k_w = k_w > in.dims[2] ? in.dims[2] : k_w;
    input(m, in, in_scale, zero);
    output(m, in_scale, zero);
    window(m, &in, k_h, k_w);
    m->attrs.dilation = (struct tenon_list){0};
    m->attrs.window = pair_of(k_h, k_w);
    bool average = random_below(&m->seed, 2) == 0;
    for (int i = 0; i < 4; i++)
        if (m->attrs.pad.values[i] >= (i % 2 == 0 ? k_h : k_w) || average)
            m->attrs.pad.values[i] = 0;
    m->attrs.activation = random_below(&m->seed, 3) == 0 ? between(m, 0, 3) : 0;
    return average ? TENON_OP_AVERAGE_POOL_2D : TENON_OP_MAX_POOL_2D;
}

static enum tenon_op make_mean(struct making *m) {
    struct tenon_shape in = picture(m);
    input(m, in, scale(m), zero_point(m));
    output(m, scale(m), zero_point(m));
    m->attrs.axes = pair_of(1, 2);
    m->attrs.keep_dims = (int32_t)random_below(&m->seed, 2);
    return TENON_OP_MEAN;
}

static enum tenon_op make_binary(struct making *m) {
    static const enum tenon_op ops[] = {TENON_OP_ADD, TENON_OP_ADD,     TENON_OP_SUB,
                                        TENON_OP_MUL, TENON_OP_MAXIMUM, TENON_OP_MINIMUM};
    struct tenon_shape in = picture(m);
    enum tenon_op op = ops[random_below(&m->seed, TENON_COUNT_OF(ops))];
    float a = scale(m), b = (float)(a * exp2(real_between(m, -3, 3)));
    if (random_below(&m->seed, 4) == 0)
        b = a;
    int32_t zero = zero_point(m);
    bool same = op == TENON_OP_MAXIMUM || op == TENON_OP_MINIMUM;
    input(m, in, a, zero);
    input(m, in, same ? a : b, same ? zero : zero_point(m));
    double sum = op == TENON_OP_MUL ? 100.0 * a * b : hypot(a, b);
    output(m, same ? a : (float)(sum * exp2(real_between(m, -1, 1))), same ? zero : zero_point(m));
    if (!same)
        m->attrs.activation = between(m, 0, 3);
    return op;
}

/* One slope, one per channel, or, which is not for NVDLA, one per column. */
static enum tenon_op make_prelu(struct making *m) {
    struct tenon_shape in = picture(m);
    float a = scale(m);
    bool single = random_below(&m->seed, 4) == 0, columns = random_below(&m->seed, 8) == 0;
    int32_t channels = single ? 1 : in.dims[3], wide = columns ? in.dims[2] : 1;
    const float steepness = (float)(exp2(real_between(m, -4, 1)) / 128);
    const int32_t zero = random_below(&m->seed, 3) == 0 ? zero_point(m) : 0;
    const struct tenon_quant quant = {.count = 1, .scale = &steepness, .zero_point = &zero};
    input(m, in, a, zero_point(m));
    m->inputs[m->input_count++] =
        add(m, TENON_TENSOR_CONSTANT, TENON_TYPE_I8, shape_of(3, 1, wide, channels, 0), &quant,
            weights(m, (size_t)wide * (size_t)channels, 0));
    output(m, (float)(a * exp2(real_between(m, -1, 1))), zero_point(m));
    return TENON_OP_PRELU;
}

static enum tenon_op make_unary(struct making *m) {
    static const enum tenon_op ops[] = {TENON_OP_QUANTIZE, TENON_OP_RELU, TENON_OP_RELU6,
                                        TENON_OP_RELU_N1_TO_1, TENON_OP_LEAKY_RELU};
    struct tenon_shape in = picture(m);
    float a = scale(m);
    input(m, in, a, zero_point(m));
    output(m, (float)(a * exp2(real_between(m, -1, 1))), zero_point(m));
    m->attrs.alpha = (float)real_between(m, -1, 2);
    enum tenon_op op = ops[random_below(&m->seed, TENON_COUNT_OF(ops))];
    if (op != TENON_OP_LEAKY_RELU)
        m->attrs.alpha = 0;
    return op;
}

static enum tenon_op make_concatenation(struct making *m) {
    struct tenon_shape in = picture(m);
    float a = scale(m);
    int32_t zero = zero_point(m), axis = between(m, 1, 3);
    for (int i = between(m, 1, 4); i > 0; i--) {
        in.dims[axis] = between(m, 1, 20);
        if (random_below(&m->seed, 3) != 0)
            in.dims[axis] = (in.dims[axis] + 7) / 8 * 8;
        input(m, in, a, zero);
    }
    output(m, a, zero);
    m->attrs.axis = axis;
    return TENON_OP_CONCATENATION;
}

static enum tenon_op make_split(struct making *m) {
    struct tenon_shape in = picture(m);
    float a = scale(m);
    int32_t zero = zero_point(m), axis = between(m, 1, 3), parts = between(m, 1, 4);
    int32_t each = between(m, 1, 12);
    if (random_below(&m->seed, 3) != 0)
        each = (each + 7) / 8 * 8;
    in.dims[axis] = parts * each;
    input(m, in, a, zero);
    for (int i = 0; i < parts; i++)
        output(m, a, zero);
    m->attrs.axis = axis;
    return TENON_OP_SPLIT;
}

static enum tenon_op make_slice(struct making *m) {
    struct tenon_shape in = picture(m);
    float a = scale(m);
    int32_t zero = zero_point(m);
    input(m, in, a, zero);
    output(m, a, zero);
    m->attrs.begin.count = m->attrs.count.count = 4;
    for (int i = 0; i < 4; i++) {
        int32_t begin = random_below(&m->seed, 2) == 0 ? 0 : between(m, 0, in.dims[i] - 1);
        begin -= i == 3 && random_below(&m->seed, 4) != 0 ? begin % 8 : 0;
        begin = i == 0 ? 0 : begin;
        m->attrs.begin.values[i] = begin;
        m->attrs.count.values[i] = i == 0 ? in.dims[0] : between(m, 1, in.dims[i] - begin);
    }
    return TENON_OP_SLICE;
}

static enum tenon_op make_pad(struct making *m) {
    struct tenon_shape in = picture(m);
    float a = scale(m);
    int32_t zero = zero_point(m);
    input(m, in, a, zero);
    output(m, a, zero);
    m->attrs.paddings.count = 8;
    for (int i = 2; i < 8; i++)
        m->attrs.paddings.values[i] = random_below(&m->seed, 2) == 0 ? 0 : between(m, 0, 9);
    if (random_below(&m->seed, 4) != 0)
        m->attrs.paddings.values[6] -= m->attrs.paddings.values[6] % 8;
    return TENON_OP_PAD;
}

static enum tenon_op make_reshape(struct making *m) {
    struct tenon_shape in = picture(m);
    float a = scale(m);
    int32_t zero = zero_point(m), b = in.dims[0], h = in.dims[1], w = in.dims[2], c = in.dims[3];
    input(m, in, a, zero);
    output(m, a, zero);
    const int32_t shapes[][4] = {
        {b, h * w, 1, c}, {b, 1, h * w, c}, {b, 1, 1, h * w * c}, {b, w, h, c}, {b, h, w * c, 1}};
    m->attrs.shape.count = 4;
    memcpy(m->attrs.shape.values, shapes[random_below(&m->seed, TENON_COUNT_OF(shapes))],
           sizeof(shapes[0]));
    return TENON_OP_RESHAPE;
}

static enum tenon_op make(struct making *m, enum random_family family) {
    switch (family) {
    case RANDOM_CONV:
        return make_conv(m, false);
    case RANDOM_DEPTHWISE:
        return make_conv(m, true);
    case RANDOM_FULLY_CONNECTED:
        return make_fully_connected(m);
    case RANDOM_POOL:
        return make_pool(m);
    case RANDOM_MEAN:
        return make_mean(m);
    case RANDOM_BINARY:
        return make_binary(m);
    case RANDOM_UNARY:
        return make_unary(m);
    case RANDOM_PRELU:
        return make_prelu(m);
    case RANDOM_MOVE:
    case RANDOM_FAMILY_COUNT:
        break;
    }
    switch (random_below(&m->seed, 5)) {
    case 0:
        return make_concatenation(m);
    case 1:
        return make_split(m);
    case 2:
        return make_slice(m);
    case 3:
        return make_pad(m);
    default:
        return make_reshape(m);
    }
}

bool random_node(uint64_t seed, enum random_family family, struct tenon_arena *arena,
                 struct tenon_graph *graph) {
    static const enum tenon_rounding rules[] = {TENON_ROUNDING_SINGLE, TENON_ROUNDING_SINGLE,
                                                TENON_ROUNDING_DOUBLE, TENON_ROUNDING_F32};
    struct making m = {.type = TENON_TYPE_I8,
                       .seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
                       .arena = arena,
                       .graph = graph};
    struct tenon_error error;
    tenon_graph_init(graph, arena);
    (void)random_below(&m.seed, 2);
    if ((family == RANDOM_POOL || family == RANDOM_MOVE) && random_below(&m.seed, 4) == 0)
        m.type = TENON_TYPE_U8;
    enum tenon_op op = make(&m, family);
    bool quantized = family != RANDOM_MOVE;
    enum tenon_rounding rule = rules[random_below(&m.seed, TENON_COUNT_OF(rules))];
    if (m.failed || tenon_graph_add_node(graph, op, quantized ? rule : TENON_ROUNDING_NONE, "n",
                                         &m.attrs, m.inputs, m.input_count, m.outputs,
                                         m.output_count, NULL, &error) != TENON_OK)
        return false;
    return tenon_graph_set_inputs(graph, m.inputs, m.graph_inputs) &&
           tenon_graph_set_outputs(graph, m.outputs, m.output_count) &&
           tenon_graph_verify(graph, &error) == TENON_OK;
}
