/*
 * Every kernel of the CPU device, with every instruction set that this processor has, on random
 * operators, against the reference kernels: integers bit for bit, floats within the error of sums
 * taken in another order. And the splitting of weights for sums in 16 bits, against the definition.
 *
 * TENON_CPU_CASES: cases per kernel and instruction set (default 120). TENON_CPU_ISA and
 * TENON_CPU_KERNEL: one instruction set, one kernel only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/tenon.h>

#include "backends/cpu/overflow.h"
#include "image/cpu_isa.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "support/random.h"

enum { CASES_DEFAULT = 120, TENSORS = 4 };

static uint64_t random_state;

static uint32_t random_u32(void) {
    return random_next(&random_state);
}

static int32_t between(int32_t low, int32_t high) {
    return low + (int32_t)(random_u32() % (uint32_t)(high - low + 1));
}

static bool chance(uint32_t one_in) {
    return random_u32() % one_in == 0;
}

static float random_scale(void) {
    float scale = ldexpf(1.0f + (float)random_u32() * 0x1p-32f, between(-9, 0));
    return chance(4) ? ldexpf(1, between(-9, 0)) : scale; /* powers of two round at the half */
}

/* ---- one operator ---- */

/* A graph of one node: inputs and constants by `count`, one output. */
struct one {
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_attrs attrs;
    uint32_t ids[TENSORS], count;
    void *input[2];
    uint32_t input_count;
};

static void one_init(struct one *o) {
    memset(o, 0, sizeof(*o));
    tenon_arena_init(&o->arena, 0);
    tenon_graph_init(&o->graph, &o->arena);
}

static void one_finish(struct one *o) {
    tenon_arena_finish(&o->arena);
}

/* Elements that reach the bounds often; and small ones, whose products can be added in 16 bits, up
 * to the bound itself: 64 + 64, or 32 four times. */
static void fill(const struct tenon_desc *desc, void *data) {
    size_t count = tenon_desc_element_count(desc);
    uint32_t style = random_u32() % 6;
    int32_t reach = 8 << random_u32() % 4;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)random_u32();
        if (style == 0)
            byte = chance(2) ? 0x7f : 0x80;
        else if (style == 1)
            byte = chance(2) ? 0 : 0xff;
        else if (style == 3)
            byte = (uint8_t)between(-reach, reach);
        else if (style == 4)
            byte = (uint8_t)(chance(3) ? -reach : reach);
        if (desc->type == TENON_TYPE_F32)
            ((float *)data)[i] = (float)between(-1000, 1000) / 256;
        else if (desc->type == TENON_TYPE_I32)
            ((int32_t *)data)[i] = between(-100000, 100000);
        else
            ((uint8_t *)data)[i] = byte;
    }
}

static struct tenon_desc describe(struct one *o, enum tenon_type type, int rank, int32_t a,
                                  int32_t b, int32_t c, int32_t d) {
    struct tenon_desc desc = {.type = type, .shape = {(uint8_t)rank, {a, b, c, d}}};
    float *scale = tenon_arena_alloc(&o->arena, sizeof(*scale));
    int32_t *zero = tenon_arena_alloc(&o->arena, sizeof(*zero));
    if (type == TENON_TYPE_I8 || type == TENON_TYPE_U8) {
        *scale = random_scale();
        *zero = chance(3) ? (chance(2) ? tenon_type_min(type) : tenon_type_max(type))
                          : between(tenon_type_min(type), tenon_type_max(type));
        desc.quant = (struct tenon_quant){1, 0, scale, zero};
    }
    return desc;
}

static void add_tensor(struct one *o, enum tenon_tensor_kind kind, const struct tenon_desc *desc) {
    void *data = NULL;
    if (kind != TENON_TENSOR_RESULT) {
        data = tenon_arena_alloc(&o->arena, tenon_desc_size(desc));
        fill(desc, data);
    }
    if (kind == TENON_TENSOR_INPUT)
        o->input[o->input_count++] = data;
    assert_true(tenon_graph_add_tensor(&o->graph, "t", kind, desc,
                                       kind == TENON_TENSOR_CONSTANT ? data : NULL,
                                       &o->ids[o->count]));
    o->count++;
}

/* Closes the graph over its node: the last tensor is the output. False: not a valid operator. */
static bool close_graph(struct one *o, enum tenon_op op, enum tenon_rounding rounding) {
    struct tenon_error error = {.message = ""};
    uint32_t last = o->count - 1;
    if (tenon_graph_add_node(&o->graph, op, rounding, "n", &o->attrs, o->ids, last, &o->ids[last],
                             1, NULL, &error) != TENON_OK)
        return false;
    uint32_t inputs[2] = {o->ids[0], o->ids[1]};
    return tenon_graph_set_inputs(&o->graph, inputs, o->input_count) &&
           tenon_graph_set_outputs(&o->graph, &o->ids[last], 1) &&
           tenon_graph_verify(&o->graph, &error) == TENON_OK;
}

static struct tenon_list pair_list(int32_t a, int32_t b) {
    return (struct tenon_list){2, {a, b}};
}

static void random_window(struct one *o, int32_t k_h, int32_t k_w, bool dilate) {
    o->attrs.stride = pair_list(between(1, 3), between(1, 3));
    o->attrs.dilation = dilate ? pair_list(between(1, 2), between(1, 2)) : pair_list(1, 1);
    o->attrs.pad = (struct tenon_list){
        4, {between(0, k_h - 1), between(0, k_w - 1), between(0, k_h - 1), between(0, k_w - 1)}};
    o->attrs.activation = between(TENON_ACTIVATION_NONE, TENON_ACTIVATION_RELU6);
}

static enum tenon_rounding random_rounding(void) {
    static const enum tenon_rounding rules[] = {TENON_ROUNDING_DOUBLE, TENON_ROUNDING_DOUBLE,
                                                TENON_ROUNDING_DOUBLE, TENON_ROUNDING_SINGLE,
                                                TENON_ROUNDING_F32};
    return rules[random_u32() % TENON_COUNT_OF(rules)];
}

static int32_t random_channels(void) {
    static const int32_t common[] = {1, 3, 4, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65, 80};
    return common[random_u32() % TENON_COUNT_OF(common)];
}

/* i8 weights, often with a scale per channel; u8 weights with a zero point. */
static struct tenon_desc random_weights(struct one *o, bool u8, int rank, const int32_t dims[4],
                                        int32_t axis) {
    struct tenon_desc desc =
        describe(o, u8 ? TENON_TYPE_U8 : TENON_TYPE_I8, rank, dims[0], dims[1], dims[2], dims[3]);
    uint32_t count = u8 || chance(3) ? 1 : (uint32_t)dims[axis];
    float *scale = tenon_arena_alloc_array(&o->arena, count, sizeof(*scale));
    int32_t *zero = tenon_arena_alloc_array(&o->arena, count, sizeof(*zero));
    for (uint32_t i = 0; i < count; i++) {
        scale[i] = random_scale();
        zero[i] = u8 ? desc.quant.zero_point[0] : 0;
    }
    desc.quant = (struct tenon_quant){count, count > 1 ? axis : 0, scale, zero};
    return desc;
}

/* The rest of a linear operator: weights, bias, output. */
static bool finish_linear(struct one *o, enum tenon_op op, enum tenon_type type, int rank,
                          const int32_t dims[4], int32_t axis) {
    bool real = type == TENON_TYPE_F32;
    struct tenon_desc weights =
        real ? describe(o, TENON_TYPE_F32, rank, dims[0], dims[1], dims[2], dims[3])
             : random_weights(o, type == TENON_TYPE_U8, rank, dims, axis);
    struct tenon_desc bias = describe(o, real ? type : TENON_TYPE_I32, 1, dims[axis], 0, 0, 0);
    struct tenon_desc out = describe(o, type, 0, 0, 0, 0, 0);
    out.shape.rank = TENON_RANK_UNKNOWN;
    add_tensor(o, TENON_TENSOR_CONSTANT, &weights);
    if (!chance(4))
        add_tensor(o, TENON_TENSOR_CONSTANT, &bias);
    add_tensor(o, TENON_TENSOR_RESULT, &out);
    return close_graph(o, op, real ? TENON_ROUNDING_NONE : random_rounding());
}

static bool make_conv(struct one *o, enum tenon_type type) {
    int32_t k_h = between(1, 4), k_w = between(1, 4), in_c = random_channels();
    if (chance(2))
        k_h = k_w = 1;
    struct tenon_desc in = describe(o, type, 4, between(1, 2), between(1, 9), between(1, 9), in_c);
    int32_t dims[4] = {random_channels(), k_h, k_w, in_c};
    add_tensor(o, TENON_TENSOR_INPUT, &in);
    random_window(o, k_h, k_w, true);
    return finish_linear(o, TENON_OP_CONV_2D, type, 4, dims, 0);
}

static bool make_dense(struct one *o, enum tenon_type type) {
    /* Several blocks of products, and a row of many panels. */
    int32_t inputs = chance(8) ? between(300, 1400) : between(1, 150);
    int32_t rows = chance(4) ? 1 : between(1, 20), outputs = random_channels();
    struct tenon_desc in = describe(o, type, 2, rows, inputs, 0, 0);
    int32_t dims[4] = {chance(8) ? between(90, 210) : outputs, inputs, 0, 0};
    add_tensor(o, TENON_TENSOR_INPUT, &in);
    return finish_linear(o, TENON_OP_FULLY_CONNECTED, type, 2, dims, 0);
}

static bool make_depthwise_of(struct one *o, enum tenon_type type, int32_t channels) {
    int32_t k_h = between(1, 5), k_w = between(1, 5);
    int32_t in_h = between(1, chance(4) ? 40 : 9), in_w = between(1, chance(4) ? 40 : 9);
    if (chance(32)) /* several tiles of a row */
        in_w = between(100, 260);
    struct tenon_desc in = describe(o, type, 4, between(1, 2), in_h, in_w, channels);
    int32_t multiplier = channels == 1 ? between(1, 20) : 1;
    int32_t dims[4] = {1, k_h, k_w, channels * multiplier};
    add_tensor(o, TENON_TENSOR_INPUT, &in);
    random_window(o, k_h, k_w, true);
    return finish_linear(o, TENON_OP_DEPTHWISE_CONV_2D, type, 4, dims, 3);
}

static bool make_depthwise(struct one *o, enum tenon_type type) {
    int32_t channels = chance(32) ? between(250, 600) : random_channels();
    return make_depthwise_of(o, type, channels);
}

/* Few channels: a block holds several pixels. */
static bool make_narrow_depthwise(struct one *o, enum tenon_type type) {
    return make_depthwise_of(o, type, chance(2) ? 8 << random_u32() % 3 : between(2, 24));
}

/* The quantization of an add of MobileNet V2, of which one pair is no proven sum. */
static void make_exceptional(struct tenon_desc *desc[3]) {
    static const float scales[] = {0.189869151f, 0.169904917f, 0.187549546f};
    static const int32_t zeros[] = {-6, -31, -14};
    for (int i = 0; i < 3; i++) {
        *(float *)desc[i]->quant.scale = scales[i];
        *(int32_t *)desc[i]->quant.zero_point =
            zeros[i] + (desc[i]->type == TENON_TYPE_U8 ? 128 : 0);
    }
}

/* All pairs of bytes, or a few. */
static bool make_binary(struct one *o, enum tenon_type type) {
    static const enum tenon_op ops[] = {TENON_OP_ADD, TENON_OP_SUB, TENON_OP_MUL};
    bool all = type != TENON_TYPE_F32 && chance(12);
    int32_t h = all ? 256 : between(1, 12), w = all ? 4 : 3, c = all ? 64 : random_channels();
    struct tenon_desc a = describe(o, type, 3, h, w, c, 0), b = describe(o, type, 3, h, w, c, 0);
    struct tenon_desc out = describe(o, type, 3, h, w, c, 0);
    bool exceptional = all && chance(2);
    if (exceptional)
        make_exceptional((struct tenon_desc *[]){&a, &b, &out});
    add_tensor(o, TENON_TENSOR_INPUT, &a);
    add_tensor(o, !all && chance(4) ? TENON_TENSOR_CONSTANT : TENON_TENSOR_INPUT, &b);
    for (int i = 0; all && i < 1 << 16; i++) {
        ((uint8_t *)o->input[0])[i] = (uint8_t)(i >> 8);
        ((uint8_t *)o->input[1])[i] = (uint8_t)i;
    }
    add_tensor(o, TENON_TENSOR_RESULT, &out);
    o->attrs.activation = between(TENON_ACTIVATION_NONE, TENON_ACTIVATION_RELU6);
    return close_graph(o, exceptional ? TENON_OP_ADD : ops[random_u32() % 3],
                       type == TENON_TYPE_F32 ? TENON_ROUNDING_NONE : random_rounding());
}

/* Rows of up to some hundred classes; steep ones have small results only but for one. */
static bool make_softmax(struct one *o, enum tenon_type type) {
    struct tenon_desc in =
        describe(o, type, 2, between(1, 4), chance(2) ? between(1, 12) : between(13, 400), 0, 0);
    struct tenon_desc out = describe(o, type, 2, in.shape.dims[0], in.shape.dims[1], 0, 0);
    *(float *)out.quant.scale = 1.0f / 256;
    *(int32_t *)out.quant.zero_point = tenon_type_min(type);
    add_tensor(o, TENON_TENSOR_INPUT, &in);
    add_tensor(o, TENON_TENSOR_RESULT, &out);
    o->attrs.beta = chance(3) ? 0.25f : 1;
    return close_graph(o, TENON_OP_SOFTMAX, TENON_ROUNDING_NONE);
}

/* Of adjacent axes before the last. A mean of one element must not grow by 2 or more. */
static bool make_mean(struct one *o, enum tenon_type type) {
    int32_t channels = chance(8) ? between(500, 800) : random_channels();
    struct tenon_desc in =
        describe(o, type, 4, between(1, 3), between(1, 9), between(1, 9), channels);
    struct tenon_desc out = describe(o, type, 0, 0, 0, 0, 0);
    int32_t first = between(0, 2), last = between(first, 2);
    out.shape.rank = TENON_RANK_UNKNOWN;
    if (type != TENON_TYPE_F32)
        *(float *)out.quant.scale =
            *in.quant.scale * (chance(3) ? 1 : 0.6f + (float)between(0, 1000) / 500);
    add_tensor(o, TENON_TENSOR_INPUT, &in);
    add_tensor(o, TENON_TENSOR_RESULT, &out);
    for (int32_t axis = first; axis <= last; axis++)
        o->attrs.axes.values[o->attrs.axes.count++] = axis;
    o->attrs.keep_dims = chance(2);
    return close_graph(o, TENON_OP_MEAN,
                       type == TENON_TYPE_F32 ? TENON_ROUNDING_NONE : random_rounding());
}

static bool make_pool(struct one *o, enum tenon_type type) {
    int32_t k_h = between(1, 4), k_w = between(1, 4);
    struct tenon_desc in =
        describe(o, type, 4, between(1, 2), between(1, 9), between(1, 9), random_channels());
    struct tenon_desc out = in;
    out.shape.rank = TENON_RANK_UNKNOWN;
    add_tensor(o, TENON_TENSOR_INPUT, &in);
    add_tensor(o, TENON_TENSOR_RESULT, &out);
    random_window(o, k_h, k_w, false);
    o->attrs.window = pair_list(k_h, k_w);
    bool average = type == TENON_TYPE_F32 || chance(2);
    return close_graph(o, average ? TENON_OP_AVERAGE_POOL_2D : TENON_OP_MAX_POOL_2D,
                       TENON_ROUNDING_NONE);
}

static bool make_unary(struct one *o, enum tenon_type type) {
    static const enum tenon_op ops[] = {TENON_OP_RELU,     TENON_OP_RELU6,      TENON_OP_LEAKY_RELU,
                                        TENON_OP_LOGISTIC, TENON_OP_HARD_SWISH, TENON_OP_QUANTIZE,
                                        TENON_OP_ABS};
    struct tenon_desc in = describe(o, type, 2, between(16, 40), between(16, 40), 0, 0);
    struct tenon_desc out = describe(o, type, 2, in.shape.dims[0], in.shape.dims[1], 0, 0);
    enum tenon_op op = ops[random_u32() % TENON_COUNT_OF(ops)];
    if (op == TENON_OP_QUANTIZE && chance(2)) { /* of one scale, between i8 and u8 */
        bool i8 = type == TENON_TYPE_I8;
        out.type = i8 ? TENON_TYPE_U8 : TENON_TYPE_I8;
        *(float *)out.quant.scale = *in.quant.scale;
        *(int32_t *)out.quant.zero_point = *in.quant.zero_point + (i8 ? 128 : -128);
    }
    add_tensor(o, TENON_TENSOR_INPUT, &in);
    add_tensor(o, TENON_TENSOR_RESULT, &out);
    o->attrs.alpha = 0.3f;
    return close_graph(o, op, random_rounding());
}

/* ---- running and comparing ---- */

struct machine {
    struct tenon_instance *instance;
    struct tenon_queue *queue;
    struct tenon_fence *fence;
};

static void fail_case(const struct one *o, const char *what, const char *message) {
    struct tenon_strbuf text;
    tenon_strbuf_init(&text);
    tenon_ir_print(&o->graph, &text);
    print_error("%s\n", text.data);
    tenon_strbuf_finish(&text);
    fail_msg("%s: %s", what, message);
}

static void compare(const struct one *o, const char *kernel, const void *got, const void *wanted) {
    const struct tenon_desc *desc = &o->graph.tensors[o->ids[o->count - 1]].desc;
    size_t count = tenon_desc_element_count(desc);
    char text[128];
    for (size_t i = 0; i < count; i++) {
        if (desc->type == TENON_TYPE_F32) {
            float a = ((const float *)got)[i], b = ((const float *)wanted)[i];
            if (fabsf(a - b) <= 1e-4f * (1 + fabsf(b)))
                continue;
            snprintf(text, sizeof(text), "element %zu is %g, not %g", i, (double)a, (double)b);
            fail_case(o, kernel, text);
        }
        uint8_t a = ((const uint8_t *)got)[i], b = ((const uint8_t *)wanted)[i];
        if (a == b)
            continue;
        snprintf(text, sizeof(text), "element %zu is byte %u, not %u", i, a, b);
        fail_case(o, kernel, text);
    }
}

static struct tenon_program *compile(const struct one *o) {
    struct tenon_error error = {.message = ""};
    struct tenon_strbuf text;
    struct tenon_model *model;
    struct tenon_program *program = NULL;
    tenon_strbuf_init(&text);
    tenon_ir_print(&o->graph, &text);
    assert_false(text.failed);
    if (tenon_model_open_memory(text.data, text.size, "case", NULL, &model, &error) != TENON_OK ||
        tenon_compile(model, NULL, &program, &error) != TENON_OK)
        fail_case(o, "compile", error.message);
    tenon_model_destroy(model);
    tenon_strbuf_finish(&text);
    return program;
}

/* Compiles, tells the kernel, runs, compares. */
static void check_one(const struct machine *machine, const struct one *o, char *kernel,
                      size_t kernel_size) {
    struct tenon_error error = {.message = ""};
    struct tenon_session *session;
    struct tenon_program *program = compile(o);
    if (tenon_session_create(machine->instance, program, NULL, &session, &error) != TENON_OK)
        fail_case(o, "load", error.message);
    struct tenon_placement placement;
    assert_int_equal(tenon_program_placement(program, 0, &placement), TENON_OK);
    snprintf(kernel, kernel_size, "%s", placement.kernel);
    const void *inputs[2] = {o->input[0], o->input[1]};
    for (uint32_t i = 0; i < o->input_count; i++)
        memcpy(tenon_session_input_data(session, i), inputs[i],
               tenon_desc_size(&o->graph.tensors[o->graph.inputs[i]].desc));
    struct tenon_job job = {
        .size = sizeof(job), .session = session, .signals = &machine->fence, .signal_count = 1};
    if (tenon_fence_reset(machine->fence) != TENON_OK ||
        tenon_queue_submit(machine->queue, &job, &error) != TENON_OK ||
        tenon_fence_wait(machine->fence, UINT64_MAX, &error) != TENON_OK)
        fail_case(o, "run", error.message);
    tenon_queue_wait_idle(machine->queue);
    void *wanted = malloc(tenon_desc_size(&o->graph.tensors[o->ids[o->count - 1]].desc) + 1);
    assert_non_null(wanted);
    assert_int_equal(tenon_graph_evaluate(&o->graph, inputs, &wanted, &error), TENON_OK);
    compare(o, kernel, tenon_session_output_data(session, 0), wanted);
    free(wanted);
    tenon_session_destroy(session);
    tenon_program_unref(program);
}

typedef bool make_fn(struct one *o, enum tenon_type type);

static int cases_wanted(void) {
    const char *text = getenv("TENON_CPU_CASES");
    return text != NULL ? atoi(text) : CASES_DEFAULT;
}

static bool is_wanted(const char *variable, const char *name) {
    const char *only = getenv(variable);
    return only == NULL || strcmp(only, name) == 0;
}

/* Most cases must have been taken by the kernel, or the test proves nothing. */
static void check_many(const struct machine *machine, const char *isa, const char *kernel,
                       make_fn *make, enum tenon_type type) {
    int wanted = cases_wanted(), done = 0, taken = 0;
    if (!is_wanted("TENON_CPU_KERNEL", kernel))
        return;
    for (int tries = 0; done < wanted && tries < 20 * wanted; tries++) {
        struct one o;
        char name[64];
        one_init(&o);
        if (make(&o, type)) {
            check_one(machine, &o, name, sizeof(name));
            taken += strncmp(name, kernel, strlen(kernel)) == 0;
            done++;
        }
        one_finish(&o);
    }
    print_message("%-9s %-14s %-4s %d cases, %d by the kernel\n", isa, kernel,
                  tenon_type_name(type), done, taken);
    assert_int_equal(done, wanted);
    assert_true(taken * 10 >= done * 8);
}

static void test_kernels(void **state) {
    struct tenon_error error = {.message = ""};
    struct tenon_instance_options options = {.size = sizeof(options), .cpu_threads = 2};
    struct machine machine;
    (void)state;
    assert_int_equal(tenon_instance_create(&options, &machine.instance, &error), TENON_OK);
    assert_int_equal(tenon_queue_create(machine.instance, NULL, &machine.queue, &error), TENON_OK);
    assert_int_equal(tenon_fence_create(machine.instance, &machine.fence, &error), TENON_OK);
    random_state = UINT64_C(88172645463325252);
    for (enum tenon_cpu_isa isa = 0; isa < TENON_CPU_ISA_COUNT; isa++) {
        const char *name = tenon_cpu_isa_get(isa)->name;
        if (!is_wanted("TENON_CPU_ISA", name))
            continue;
        if ((tenon_cpu_isas_present() >> isa & 1) == 0) {
            print_message("SKIP %s: this processor does not have it\n", name);
            continue;
        }
        setenv("TENON_CPU", name, 1);
        for (enum tenon_type type = TENON_TYPE_I8; type <= TENON_TYPE_U8; type++) {
            check_many(&machine, name, "linear_i8", make_conv, type);
            check_many(&machine, name, "linear_i8", make_dense, type);
            check_many(&machine, name, "depthwise_i8", make_depthwise, type);
            check_many(&machine, name, "depthwise_i8", make_narrow_depthwise, type);
            check_many(&machine, name, "binary_8", make_binary, type);
            check_many(&machine, name, "pool_8", make_pool, type);
            check_many(&machine, name, "pool_8", make_mean, type);
            check_many(&machine, name, "softmax_8", make_softmax, type);
            check_many(&machine, name, "lookup_8", make_unary, type);
        }
        check_many(&machine, name, "linear_f32", make_conv, TENON_TYPE_F32);
        check_many(&machine, name, "linear_f32", make_dense, TENON_TYPE_F32);
        check_many(&machine, name, "depthwise_f32", make_depthwise, TENON_TYPE_F32);
        check_many(&machine, name, "binary_f32", make_binary, TENON_TYPE_F32);
        check_many(&machine, name, "pool_f32", make_pool, TENON_TYPE_F32);
        check_many(&machine, name, "pool_f32", make_mean, TENON_TYPE_F32);
    }
    unsetenv("TENON_CPU");
    tenon_fence_unref(machine.fence);
    tenon_queue_destroy(machine.queue);
    tenon_instance_destroy(machine.instance);
}

/* ---- no overflow in 16 bits ---- */

static void test_split_column(void **state) {
    int32_t lowest = 0;
    int whole = 0;
    (void)state;
    random_state = 7;
    for (int n = 0; n < 200000; n++) {
        int16_t weights[4] = {0}, rest[4];
        int16_t kept[4];
        bool in_16_bits = chance(2);
        int32_t reach = chance(2) ? 255 : 127;
        for (int i = 0; i < (in_16_bits ? 3 : 4); i++) /* adversarial: large, of one sign */
            weights[i] = (int16_t)(chance(2) ? reach : between(-reach, reach));
        for (int i = 0; i < 4 && n % 2 == 0; i++)
            weights[i] = (int16_t)-weights[i];
        tenon_split_column(weights, in_16_bits, kept, rest);
        whole += (rest[0] | rest[1] | rest[2] | rest[3]) == 0;
        for (int i = 0; i < 4; i++) {
            int32_t middle = in_16_bits && i == 1 ? kept[3] : 0;
            if (!in_16_bits || i < 3)
                assert_int_equal(kept[i] + middle + rest[i], weights[i]);
            assert_true(abs(rest[i]) <= abs(weights[i]));
        }
        for (int pair = 0; in_16_bits && pair < 4; pair += 2) {
            int32_t sum = abs(kept[pair]) + abs(kept[pair + 1]);
            assert_true(abs(kept[pair]) <= UINT8_MAX && abs(kept[pair + 1]) <= UINT8_MAX);
            assert_true(sum * INT8_MAX <= INT16_MAX && sum * INT8_MIN >= INT16_MIN);
            lowest = sum * INT8_MIN < lowest ? sum * INT8_MIN : lowest;
        }
        for (int i = 0; !in_16_bits && i < 4; i++)
            assert_true(kept[i] >= INT8_MIN && kept[i] <= INT8_MAX);
    }
    /* The bound is reached: the test would see a larger one overflow. */
    assert_int_equal(lowest, INT16_MIN);
    assert_true(whole > 1000);
}

/* ---- symmetric rounding ---- */

static int32_t scaled(int64_t x, const struct tenon_multiplier *m) {
    return tenon_requantize((int32_t)x, m, TENON_ROUNDING_DOUBLE);
}

/* The largest bound for which the rule is said to be symmetric. */
static int64_t symmetric_until(const struct tenon_multiplier *m) {
    int64_t below = 0, above = INT64_C(1) << 31;
    while (above - below > 1) {
        int64_t middle = (below + above) / 2;
        if (tenon_requantize_symmetric(middle, m))
            below = middle;
        else
            above = middle;
    }
    return below;
}

/* Up to the bound the rule is symmetric, and right after it, where there is an end, it is not:
 * factors with many zero bits reach ties early. */
static void test_symmetric(void **state) {
    int ended = 0;
    (void)state;
    random_state = 11;
    for (int n = 0; n < 3000; n++) {
        int twos = between(0, 30), right = between(1, 12);
        int64_t q = (int64_t)(((UINT32_C(1) << 30 | random_u32() >> 2) >> twos | 1)) << twos;
        struct tenon_multiplier m = {.multiplier = (int32_t)q, .shift = -right};
        int64_t until = symmetric_until(&m), limit = INT64_C(1) << 30;
        for (int i = 0; i < 200; i++) {
            int64_t x = i < 40 ? until - i : (int64_t)random_u32() % (until + 1);
            if (x >= 0 && x < limit && scaled(x, &m) < 512)
                assert_int_equal(scaled(-x, &m), -scaled(x, &m));
        }
        if (until + 1 >= limit)
            continue;
        ended++;
        assert_int_equal(scaled(-(until + 1), &m), 1 - scaled(until + 1, &m));
    }
    assert_true(ended > 1000);
}

/* ---- quads that are added in 16 bits ---- */

/* What a 16-bit sum of `count` quads reaches with the worst activations: 255 where a weight has the
 * wanted sign, 0 elsewhere. */
static int32_t worst_sum(int16_t (*quads)[4], int count, int pair, int sign) {
    int32_t sum = 0;
    for (int i = 0; i < count; i++)
        for (int k = 2 * pair; k < 2 * pair + 2; k++)
            sum += quads[i][k] * sign > 0 ? 255 * quads[i][k] : 0;
    return sum;
}

static void fill_quad(int16_t quad[4], int32_t reach) {
    for (int k = 0; k < 4; k++)
        quad[k] = (int16_t)(chance(3) ? (chance(2) ? reach : -reach) : between(-reach, reach));
}

/* Groups grow while the proof allows it: whatever the activations, no sum leaves 16 bits, and the
 * worst activations reach the bound. */
static void test_groups(void **state) {
    int32_t highest = 0, lowest = 0;
    int refused = 0;
    (void)state;
    random_state = 5;
    for (int n = 0; n < 200000; n++) {
        int16_t quads[4][4];
        uint64_t sum = 0;
        int count = 0, bound = 16 << random_u32() % 5;
        for (int i = 0; i < 4; i++) {
            fill_quad(quads[count], bound);
            uint64_t reach[2];
            bool alone = tenon_quads_reach(quads[count], quads[count], reach);
            assert_true(reach[0] == reach[1]);
            if (!alone || !tenon_reach_fits(sum, reach[0])) {
                refused++;
                continue;
            }
            sum += reach[0];
            count++;
        }
        for (int pair = 0; pair < 2; pair++) {
            int32_t most = worst_sum(quads, count, pair, 1);
            int32_t least = worst_sum(quads, count, pair, -1);
            assert_true(most <= INT16_MAX && least >= INT16_MIN);
            highest = most > highest ? most : highest;
            lowest = least < lowest ? least : lowest;
        }
    }
    assert_int_equal(highest, 255 * TENON_SUM_MAX_16);
    assert_int_equal(lowest, -255 * TENON_SUM_MAX_16);
    assert_true(refused > 1000);
}

/* A refused quad really overflows: with one more, the worst activations leave 16 bits. */
static void test_refused_quads_overflow(void **state) {
    int16_t positive[4] = {64, 65, 0, 0}, negative[4] = {0, 0, -65, -64};
    int16_t most[4] = {64, 64, -64, -64}, beyond[4] = {0, 0, 0, 128};
    uint64_t reach[2];
    (void)state;
    assert_true(tenon_quads_reach(most, most, reach));
    for (int i = 0; i < 4; i++) /* above and below of the first pair, then of the second */
        assert_int_equal(tenon_reach_fits(reach[1], UINT64_C(1) << 16 * i), i == 1 || i == 2);
    assert_false(tenon_quads_reach(positive, most, reach));
    assert_true(worst_sum(&positive, 1, 0, 1) > INT16_MAX);
    assert_false(tenon_quads_reach(most, negative, reach));
    assert_true(worst_sum(&negative, 1, 1, -1) < INT16_MIN);
    assert_false(tenon_quads_reach(beyond, most, reach));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_column), cmocka_unit_test(test_symmetric),
        cmocka_unit_test(test_groups),       cmocka_unit_test(test_refused_quads_overflow),
        cmocka_unit_test(test_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
