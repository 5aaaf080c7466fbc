/*
 * How well programs use the hardware, by the cycles of the functional model, which are calibrated
 * with the RTL (docs/sim-nvdla.md); and how well the backend's estimates, by which graphs are cut,
 * agree with them. Weights are random: time does not depend on them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "nvdla/machine.h"
#include "nvdla/random_node.h"

enum { MAC_PER_CYCLE = 64, NODES_MAX = 64 };

struct network {
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_strbuf data;
    struct tenon_code code;
    uint64_t seed;
    uint32_t last; /* tensor */
};

static uint32_t add_tensor(struct network *n, enum tenon_tensor_kind kind, struct tenon_shape shape,
                           const void *data) {
    const float scale = 6.0f / 255; /* as networks have it: ReLU6 is what 8 bits hold */
    const int32_t zero = kind == TENON_TENSOR_CONSTANT ? 0 : -128;
    const struct tenon_desc desc = {.type = TENON_TYPE_I8,
                                    .shape = shape,
                                    .quant = {.count = 1, .scale = &scale, .zero_point = &zero}};
    uint32_t id = 0;
    assert_true(tenon_graph_add_tensor(&n->graph, "t", kind, &desc, data, &id));
    return id;
}

static void begin(struct network *n, int32_t size, int32_t channels) {
    tenon_arena_init(&n->arena, 0);
    tenon_graph_init(&n->graph, &n->arena);
    tenon_strbuf_init(&n->data);
    tenon_strbuf_init(&n->code.code);
    n->seed = 5;
    n->last = add_tensor(n, TENON_TENSOR_INPUT,
                         (struct tenon_shape){.rank = 4, .dims = {1, size, size, channels}}, NULL);
    assert_true(tenon_graph_set_inputs(&n->graph, &n->last, 1));
}

static void add_node(struct network *n, enum tenon_op op, const struct tenon_attrs *attrs,
                     uint32_t weights) {
    struct tenon_error error;
    const uint32_t inputs[] = {n->last, weights};
    n->last =
        add_tensor(n, TENON_TENSOR_RESULT, (struct tenon_shape){.rank = TENON_RANK_UNKNOWN}, NULL);
    assert_int_equal(tenon_graph_add_node(&n->graph, op, TENON_ROUNDING_SINGLE, "n", attrs, inputs,
                                          weights != TENON_ID_NONE ? 2 : 1, &n->last, 1, NULL,
                                          &error),
                     TENON_OK);
}

/* SAME padding, ReLU6. */
static void convolve(struct network *n, bool depthwise, int32_t channels, int32_t kernel,
                     int32_t stride) {
    const struct tenon_shape *in = &n->graph.tensors[n->last].desc.shape;
    int32_t depth = depthwise ? 1 : in->dims[3], out = (in->dims[1] + stride - 1) / stride;
    int32_t pad = (out - 1) * stride + kernel - in->dims[1];
    pad = pad < 0 ? 0 : pad;
    size_t count = (size_t)channels * (size_t)(kernel * kernel * depth);
    int8_t *data = tenon_arena_alloc(&n->arena, count);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = (int8_t)((int32_t)random_below(&n->seed, 255) - 127);
    struct tenon_shape shape = {.rank = 4, .dims = {channels, kernel, kernel, depth}};
    if (depthwise)
        shape = (struct tenon_shape){.rank = 4, .dims = {1, kernel, kernel, channels}};
    const struct tenon_attrs attrs = {
        .stride = {2, {stride, stride}},
        .dilation = {2, {1, 1}},
        .pad = {4, {pad / 2, pad / 2, pad - pad / 2, pad - pad / 2}},
        .activation = TENON_ACTIVATION_RELU6,
    };
    add_node(n, depthwise ? TENON_OP_DEPTHWISE_CONV_2D : TENON_OP_CONV_2D, &attrs,
             add_tensor(n, TENON_TENSOR_CONSTANT, shape, data));
}

static void average(struct network *n, int32_t size) {
    const struct tenon_attrs attrs = {
        .stride = {2, {1, 1}}, .pad = {.count = 4}, .window = {2, {size, size}}};
    add_node(n, TENON_OP_AVERAGE_POOL_2D, &attrs, TENON_ID_NONE);
}

/* Compiles all of it and runs it; *estimate is the backend's, in cycles at 1 GHz. */
static struct machine_result finish(struct network *n, uint64_t *estimate) {
    const struct tenon_backend *backend = tenon_backend_find("nvdla:nv_small");
    const struct tenon_target target = {.name = "nvdla:nv_small"};
    uint32_t nodes[NODES_MAX];
    char reason[TENON_REASON_BYTES];
    struct tenon_error error = {.message = ""};
    struct tenon_nvdla_code code;
    struct machine_result result;
    *estimate = 0;
    for (uint32_t i = 0; i < n->graph.node_count; i++) {
        nodes[i] = i;
        assert_true(backend->supports(&target, &n->graph, i, reason));
        *estimate += backend->cost_ns(&target, &n->graph, i);
    }
    const struct tenon_part part = {.graph = &n->graph,
                                    .nodes = nodes,
                                    .node_count = n->graph.node_count,
                                    .reads = n->graph.inputs,
                                    .read_count = 1,
                                    .writes = &n->last,
                                    .write_count = 1};
    n->code.data = &n->data;
    assert_int_equal(backend->compile(&target, &part, &n->arena, &n->code, &error), TENON_OK);
    struct tenon_span data = {(const uint8_t *)n->data.data, n->data.size};
    assert_int_equal(tenon_nvdla_code_read(
                         (struct tenon_span){(const uint8_t *)n->code.code.data, n->code.code.size},
                         data.size, &n->arena, &code, &error),
                     TENON_OK);
    uint8_t *in =
        tenon_arena_alloc(&n->arena, tenon_desc_size(&n->graph.tensors[n->graph.inputs[0]].desc));
    uint8_t *out = tenon_arena_alloc(&n->arena, tenon_desc_size(&n->graph.tensors[n->last].desc));
    assert_true(in != NULL && out != NULL);
    if (!machine_run(&code, data, (const uint8_t *const *)&in, &out, &result))
        fail_msg("%s", result.message);
    tenon_strbuf_finish(&n->code.code);
    tenon_strbuf_finish(&n->data);
    tenon_arena_finish(&n->arena);
    return result;
}

static void check_estimate(uint64_t estimate, uint64_t cycles, uint32_t percent) {
    uint64_t apart = estimate > cycles ? estimate - cycles : cycles - estimate;
    assert_true(apart * 100 <= cycles * percent);
}

/* 3x3 of 64 to 64 channels: 90 % of what 64 multipliers can do. */
static void test_dense(void **state) {
    (void)state;
    static const int32_t sizes[] = {14, 28, 56};
    for (size_t i = 0; i < TENON_COUNT_OF(sizes); i++) {
        struct network n = {0};
        uint64_t estimate;
        begin(&n, sizes[i], 64);
        convolve(&n, false, 64, 3, 1);
        uint64_t macs = tenon_graph_node_macs(&n.graph, 0);
        struct machine_result result = finish(&n, &estimate);
        print_message("3x3 of 64 to 64 channels, %dx%d: %llu cycles, %.1f %% of 64 MAC/cycle, "
                      "estimate %llu\n",
                      sizes[i], sizes[i], (unsigned long long)result.cycles,
                      100.0 * (double)macs / (double)(MAC_PER_CYCLE * result.cycles),
                      (unsigned long long)estimate);
        assert_true(macs * 100 >= 90 * MAC_PER_CYCLE * result.cycles);
        check_estimate(estimate, result.cycles, 5);
    }
}

/* MobileNet V1, a quarter of the channels, for pictures of 96x96. */
static void test_mobilenet(void **state) {
    (void)state;
    static const int32_t layers[][2] = {{16, 1},  {32, 2},  {32, 1},  {64, 2},  {64, 1},
                                        {128, 2}, {128, 1}, {128, 1}, {128, 1}, {128, 1},
                                        {128, 1}, {256, 2}, {256, 1}};
    struct network n = {0};
    uint64_t estimate;
    begin(&n, 96, 3);
    convolve(&n, false, 8, 3, 2);
    for (size_t i = 0; i < TENON_COUNT_OF(layers); i++) {
        convolve(&n, true, n.graph.tensors[n.last].desc.shape.dims[3], 3, layers[i][1]);
        convolve(&n, false, layers[i][0], 1, 1);
    }
    average(&n, 3);
    convolve(&n, false, 2, 1, 1);
    struct machine_result result = finish(&n, &estimate);
    print_message("MobileNet V1 0.25 96x96: %llu cycles, estimate %llu\n",
                  (unsigned long long)result.cycles, (unsigned long long)estimate);
    assert_true(result.cycles <= 510000);
    check_estimate(estimate, result.cycles, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_mobilenet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
