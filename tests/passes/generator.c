/* Random numbers, tensors and the frame of random graphs; see generator.h. */
#include "passes/generator.h"

#include <math.h>
#include <string.h>

/* ---- numbers ---- */

/* splitmix64 (Steele, Lea, Flood 2014): good enough from consecutive seeds. */
static uint64_t next(struct generator *g) {
    uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t gen_below(struct generator *g, uint32_t count) {
    return (uint32_t)((next(g) >> 32) * count >> 32);
}

int32_t gen_range(struct generator *g, int32_t low, int32_t high) {
    return low + (int32_t)gen_below(g, (uint32_t)(high - low + 1));
}

bool gen_chance(struct generator *g, unsigned percent) {
    return gen_below(g, 100) < percent;
}

int32_t gen_size(struct generator *g, int32_t most) {
    if (gen_chance(g, 15))
        return 1;
    return gen_range(g, 1, gen_chance(g, 50) && most > 4 ? 4 : most);
}

float gen_scale(struct generator *g) {
    float power = ldexpf(1.0f, -gen_range(g, 4, 9));
    switch (gen_below(g, 4)) {
    case 0:
        return power;
    case 1: /* its neighbours in float32 */
        return nextafterf(power, gen_chance(g, 50) ? 0.0f : 1.0f);
    default:
        return power * (1.0f + (float)gen_below(g, 1 << 20) / (float)(1 << 20));
    }
}

int32_t gen_zero_point(struct generator *g, enum tenon_type type) {
    if (type != TENON_TYPE_I8 && type != TENON_TYPE_U8)
        return 0;
    int32_t low = tenon_type_min(type), high = tenon_type_max(type);
    switch (gen_below(g, 4)) {
    case 0:
        return gen_chance(g, 50) ? low : high;
    case 1:
        return type == TENON_TYPE_I8 ? 0 : 128;
    default:
        return gen_range(g, low, high);
    }
}

enum tenon_type gen_type(struct generator *g) {
    uint32_t draw = gen_below(g, 10);
    return draw < 6 ? TENON_TYPE_I8 : draw < 9 ? TENON_TYPE_U8 : TENON_TYPE_I16;
}

enum tenon_rounding gen_rounding(struct generator *g) {
    uint32_t draw = gen_below(g, 10);
    return draw < 6 ? TENON_ROUNDING_DOUBLE : draw < 9 ? TENON_ROUNDING_SINGLE : TENON_ROUNDING_F32;
}

static void fill_f32(struct generator *g, float *out, size_t count) {
    bool zeros = g->rough_floats && gen_chance(g, 15);
    for (size_t i = 0; zeros && i < count; i++)
        out[i] = gen_chance(g, 50) ? 0.0f : -0.0f;
    if (zeros)
        return;
    for (size_t i = 0; i < count; i++)
        out[i] = g->rough_floats ? (float)gen_range(g, -0xffffff, 0xffffff) * 0x1p-22f
                                 : (float)gen_range(g, -16, 16) / 2;
}

void gen_fill(struct generator *g, const struct tenon_desc *desc, void *data) {
    size_t count = tenon_desc_element_count(desc), size = tenon_desc_size(desc);
    uint8_t *bytes = data;
    if (desc->type == TENON_TYPE_F32) {
        fill_f32(g, data, count);
        return;
    }
    if (desc->type == TENON_TYPE_I32) { /* of a bias */
        for (size_t i = 0; i < count; i++)
            ((int32_t *)data)[i] = gen_range(g, -4000, 4000);
        return;
    }
    uint32_t kind = gen_below(g, 8);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next(g);
    for (size_t i = 0; kind == 0 && i < size; i++) /* -128 and 127, or 0 and 255 */
        bytes[i] = (uint8_t)((bytes[i] & 1 ? 0xff : 0) ^ (desc->type == TENON_TYPE_I8 ? 0x80 : 0));
}

/* ---- tensors ---- */

static void *alloc(struct generator *g, size_t size) {
    void *data = tenon_arena_alloc(&g->arena, size);
    if (data == NULL)
        g->out_of_memory = true;
    return data;
}

static void quantize(struct generator *g, struct tenon_desc *desc) {
    float *scale = alloc(g, sizeof(*scale));
    int32_t *zero_point = alloc(g, sizeof(*zero_point));
    if (scale == NULL || zero_point == NULL)
        return;
    *scale = gen_scale(g);
    *zero_point = gen_zero_point(g, desc->type);
    desc->quant = (struct tenon_quant){1, 0, scale, zero_point};
}

struct tenon_desc gen_desc(struct generator *g, enum tenon_type type, int32_t n, int32_t h,
                           int32_t w, int32_t c) {
    struct tenon_desc desc = {.type = type, .shape = {.rank = 4, .dims = {n, h, w, c}}};
    if (type != TENON_TYPE_F32 && type != TENON_TYPE_I32)
        quantize(g, &desc);
    return desc;
}

static uint32_t add_tensor(struct generator *g, enum tenon_tensor_kind kind,
                           const struct tenon_desc *desc, const void *data) {
    uint32_t id = TENON_ID_NONE;
    char name[16] = "t";
    for (uint32_t n = g->graph.tensor_count, at = 1; at < 12; at++, n /= 10) {
        name[at] = (char)('0' + n % 10);
        if (n < 10)
            break;
    }
    if (g->out_of_memory || !tenon_graph_add_tensor(&g->graph, name, kind, desc, data, &id))
        g->out_of_memory = true;
    return id;
}

uint32_t gen_input(struct generator *g, const struct tenon_desc *desc) {
    if (g->input_count == TENON_COUNT_OF(g->inputs))
        return TENON_ID_NONE;
    uint32_t id = add_tensor(g, TENON_TENSOR_INPUT, desc, NULL);
    if (id != TENON_ID_NONE)
        g->inputs[g->input_count++] = id;
    return id;
}

uint32_t gen_constant(struct generator *g, const struct tenon_desc *desc) {
    void *data = alloc(g, tenon_desc_size(desc));
    if (data == NULL)
        return TENON_ID_NONE;
    gen_fill(g, desc, data);
    return add_tensor(g, TENON_TENSOR_CONSTANT, desc, data);
}

void *gen_data(struct generator *g, uint32_t constant) {
    /* The bytes are this generator's own. */
    return (void *)(uintptr_t)g->graph.tensors[constant].data;
}

const struct tenon_desc *gen_desc_of(const struct generator *g, uint32_t tensor) {
    return &g->graph.tensors[tensor].desc;
}

uint32_t gen_input_picture(struct generator *g, enum tenon_type type) {
    int32_t n = gen_chance(g, 15) ? 2 : 1;
    struct tenon_desc desc = gen_desc(g, type, n, gen_size(g, 9), gen_size(g, 9), gen_size(g, 9));
    return gen_input(g, &desc);
}

uint32_t gen_node(struct generator *g, enum tenon_op op, const struct tenon_attrs *attrs,
                  const uint32_t *inputs, uint32_t count, const struct tenon_desc *out) {
    static const struct tenon_attrs none;
    struct tenon_desc desc = *out;
    struct tenon_error error;
    desc.shape.rank = TENON_RANK_UNKNOWN;
    uint32_t tensors = g->graph.tensor_count;
    uint32_t id = add_tensor(g, TENON_TENSOR_RESULT, &desc, NULL);
    if (id == TENON_ID_NONE)
        return id;
    enum tenon_rounding rounding = out->quant.count != 0 ? gen_rounding(g) : TENON_ROUNDING_NONE;
    enum tenon_status status =
        tenon_graph_add_node(&g->graph, op, rounding, tenon_op_get_info(op)->name,
                             attrs != NULL ? attrs : &none, inputs, count, &id, 1, NULL, &error);
    if (status == TENON_OK)
        return id;
    g->out_of_memory |= status == TENON_ERROR_OUT_OF_MEMORY;
    g->graph.tensor_count = tensors;
    return TENON_ID_NONE;
}

void gen_disturb(struct generator *g, uint32_t tensor) {
    if (tensor == TENON_ID_NONE)
        return;
    if (gen_chance(g, 10))
        gen_any(g, tensor);
    struct tenon_graph *graph = &g->graph;
    if (gen_chance(g, 10) && graph->output_count < 16)
        graph->outputs[graph->output_count++] = tensor;
}

/* ---- the frame ---- */

void gen_begin(struct generator *g, uint64_t seed) {
    *g = (struct generator){.state = seed};
    tenon_arena_init(&g->arena, 0);
    tenon_graph_init(&g->graph, &g->arena);
    g->graph.outputs = alloc(g, 256 * sizeof(*g->graph.outputs));
}

bool gen_end(struct generator *g) {
    struct tenon_graph *graph = &g->graph;
    uint32_t *uses = alloc(g, (graph->tensor_count + 1) * sizeof(*uses));
    if (g->out_of_memory)
        return false;
    tenon_graph_count_uses(graph, uses);
    for (uint32_t i = 0; i < graph->tensor_count && graph->output_count < 256; i++)
        if (graph->tensors[i].kind == TENON_TENSOR_RESULT && uses[i] == 0)
            graph->outputs[graph->output_count++] = i;
    return tenon_graph_set_inputs(graph, g->inputs, g->input_count);
}

void gen_finish(struct generator *g) {
    tenon_arena_finish(&g->arena);
}
