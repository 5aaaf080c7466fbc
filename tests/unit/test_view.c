/*
 * Views: in random graphs of nodes that move elements, each tensor's elements are those of its base
 * where its view says; and programs of the CPU, which leaves out what views make idle, compute the
 * same bytes as the reference kernels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tenon/tenon.h>

#include "ir/eval.h"
#include "ir/text.h"
#include "ir/view.h"
#include "passes/generator.h"

enum { GRAPHS = 3000, PROGRAMS = 400, STEPS = 8 };

/* ---- random graphs ---- */

static uint32_t any_tensor(struct generator *g) {
    return gen_below(g, g->graph.tensor_count);
}

static uint32_t add(struct generator *g, enum tenon_op op, const struct tenon_attrs *attrs,
                    const uint32_t *inputs, uint32_t count) {
    return gen_node(g, op, attrs, inputs, count, gen_desc_of(g, inputs[0]));
}

/* Along an axis, now and then the first of what is longer than 1. */
static int32_t draw_axis(struct generator *g, const struct tenon_shape *shape) {
    int32_t axis = 0;
    while (axis + 1 < shape->rank && shape->dims[axis] == 1)
        axis++;
    return gen_chance(g, 50) ? axis : gen_range(g, 0, shape->rank - 1);
}

static void add_split(struct generator *g, uint32_t x) {
    const struct tenon_desc in = *gen_desc_of(g, x);
    struct tenon_attrs attrs = {.axis = draw_axis(g, &in.shape)};
    uint32_t outputs[3];
    struct tenon_error error;
    int32_t left = in.shape.dims[attrs.axis];
    uint32_t count = left < 3 ? 1 : 1 + gen_below(g, 3);
    for (uint32_t i = 0; i < count; i++) {
        struct tenon_desc desc = in;
        int32_t rest = (int32_t)(count - i - 1);
        desc.shape.dims[attrs.axis] = rest == 0 ? left : gen_range(g, 1, left - rest);
        left -= desc.shape.dims[attrs.axis];
        assert_true(tenon_graph_add_tensor(&g->graph, "part", TENON_TENSOR_RESULT, &desc, NULL,
                                           &outputs[i]));
    }
    assert_int_equal(tenon_graph_add_node(&g->graph, TENON_OP_SPLIT, TENON_ROUNDING_NONE, "split",
                                          &attrs, &x, 1, outputs, count, NULL, &error),
                     TENON_OK);
}

static void add_unpack(struct generator *g, uint32_t x) {
    const struct tenon_desc in = *gen_desc_of(g, x);
    struct tenon_attrs attrs = {.axis = draw_axis(g, &in.shape)};
    uint32_t outputs[4], count = (uint32_t)in.shape.dims[attrs.axis];
    struct tenon_error error;
    struct tenon_desc desc = in;
    if (count > 4 || in.shape.rank < 2)
        return;
    desc.shape.rank = TENON_RANK_UNKNOWN;
    for (uint32_t i = 0; i < count; i++)
        assert_true(tenon_graph_add_tensor(&g->graph, "part", TENON_TENSOR_RESULT, &desc, NULL,
                                           &outputs[i]));
    assert_int_equal(tenon_graph_add_node(&g->graph, TENON_OP_UNPACK, TENON_ROUNDING_NONE, "unpack",
                                          &attrs, &x, 1, outputs, count, NULL, &error),
                     TENON_OK);
}

static void add_slice(struct generator *g, uint32_t x) {
    const struct tenon_shape shape = gen_desc_of(g, x)->shape;
    bool strided = gen_chance(g, 50);
    struct tenon_attrs attrs = {.begin.count = shape.rank, .count.count = shape.rank};
    attrs.step.count = strided ? shape.rank : 0;
    for (int i = 0; i < shape.rank; i++) {
        int32_t step = strided && gen_chance(g, 30) ? (gen_chance(g, 50) ? 2 : -1) : 1;
        int32_t begin = gen_range(g, 0, shape.dims[i] - 1);
        int32_t room = step > 0 ? (shape.dims[i] - 1 - begin) / step : begin;
        attrs.begin.values[i] = gen_chance(g, 50) && step == 1 ? 0 : begin;
        attrs.count.values[i] = gen_range(g, 1, room + 1);
        attrs.step.values[i] = step;
        if (strided && shape.rank > 1 && gen_chance(g, 20) && attrs.axes.count + 1 < shape.rank) {
            attrs.count.values[i] = 1;
            attrs.axes.values[attrs.axes.count++] = i;
        }
    }
    add(g, strided ? TENON_OP_STRIDED_SLICE : TENON_OP_SLICE, &attrs, &x, 1);
}

static void add_reshape(struct generator *g, uint32_t x) {
    const struct tenon_shape shape = gen_desc_of(g, x)->shape;
    struct tenon_attrs attrs = {.shape.count = 2};
    attrs.shape.values[0] = shape.dims[0];
    attrs.shape.values[1] =
        (int32_t)tenon_desc_element_count(gen_desc_of(g, x)) / attrs.shape.values[0];
    if (gen_chance(g, 30)) {
        attrs.shape.count = 3;
        attrs.shape.values[2] = attrs.shape.values[1];
        attrs.shape.values[1] = 1;
    }
    add(g, TENON_OP_RESHAPE, &attrs, &x, 1);
}

static void add_turn(struct generator *g, uint32_t x) {
    const struct tenon_shape shape = gen_desc_of(g, x)->shape;
    struct tenon_attrs attrs = {0};
    if (gen_chance(g, 40)) {
        attrs.axes = (struct tenon_list){1, {gen_range(g, 0, shape.rank - 1)}};
        add(g, TENON_OP_REVERSE, &attrs, &x, 1);
        return;
    }
    attrs.perm.count = shape.rank;
    for (int i = 0; i < shape.rank; i++) { /* inside out */
        int k = gen_range(g, 0, i);
        attrs.perm.values[i] = attrs.perm.values[k];
        attrs.perm.values[k] = i;
    }
    add(g, TENON_OP_TRANSPOSE, &attrs, &x, 1);
}

static void add_broadcast(struct generator *g, uint32_t x) {
    const struct tenon_shape shape = gen_desc_of(g, x)->shape;
    struct tenon_attrs attrs = {.shape = {shape.rank + 1, {gen_range(g, 1, 2)}}};
    if (shape.rank > 4 || tenon_desc_element_count(gen_desc_of(g, x)) > 1000)
        return;
    for (int i = 0; i < shape.rank; i++)
        attrs.shape.values[i + 1] = shape.dims[i] == 1 ? gen_range(g, 1, 3) : shape.dims[i];
    add(g, TENON_OP_BROADCAST_TO, &attrs, &x, 1);
}

/* Joined with itself computed once more, or with the last tensor, if the shapes suit. */
static void add_joint(struct generator *g, uint32_t x) {
    const struct tenon_shape shape = gen_desc_of(g, x)->shape;
    struct tenon_attrs attrs = {.axis = draw_axis(g, &shape)};
    uint32_t inputs[3] = {x, g->graph.tensor_count - 1, any_tensor(g)};
    if (tenon_desc_element_count(gen_desc_of(g, x)) > 4000)
        return;
    if (gen_chance(g, 60))
        inputs[1] = add(g, TENON_OP_RELU, NULL, &x, 1);
    uint32_t count = gen_chance(g, 70) ? 2 : 3;
    if (inputs[1] != TENON_ID_NONE)
        add(g, gen_chance(g, 70) ? TENON_OP_CONCATENATION : TENON_OP_PACK, &attrs, inputs, count);
}

static void add_step(struct generator *g) {
    uint32_t x = gen_chance(g, 60) ? g->graph.tensor_count - 1 : any_tensor(g);
    if (gen_desc_of(g, x)->shape.rank == 0)
        return;
    switch (gen_below(g, 10)) {
    case 0:
        add_split(g, x);
        break;
    case 1:
        add_unpack(g, x);
        break;
    case 2:
        add_slice(g, x);
        break;
    case 3:
        add_reshape(g, x);
        break;
    case 4:
        add_turn(g, x);
        break;
    case 5:
        add_broadcast(g, x);
        break;
    case 6:
    case 7:
        add(g, TENON_OP_RELU, NULL, &x, 1);
        break;
    default:
        add_joint(g, x);
        break;
    }
}

/* Rows of 64 bytes as often as not, so that the CPU can address them. */
static void make_graph(struct generator *g, uint64_t seed) {
    gen_begin(g, seed);
    struct tenon_desc desc = gen_desc(g, gen_chance(g, 70) ? TENON_TYPE_I8 : TENON_TYPE_F32,
                                      gen_range(g, 1, 3), gen_range(g, 1, 3), gen_range(g, 1, 3),
                                      gen_chance(g, 60) ? 64 : gen_range(g, 1, 5));
    assert_int_not_equal(gen_input(g, &desc), TENON_ID_NONE);
    for (int i = 0; i < STEPS; i++)
        add_step(g);
}

/* ---- what a view says ---- */

struct rule {
    uint32_t percent;
    uint64_t salt;
    uint32_t asked, allowed;
};

/* Any view, or some at random, but always the same for one tensor. */
static bool allow(const void *user, const struct tenon_graph *graph, uint32_t tensor,
                  const struct tenon_view *view) {
    const struct rule *rule = user;
    (void)graph;
    (void)view;
    return (rule->salt * (tensor + 1) * UINT64_C(2654435761) >> 16) % 100 < rule->percent;
}

static void check_elements(const struct tenon_graph *graph, uint32_t tensor,
                           const struct tenon_view *view, const uint8_t *data,
                           const uint8_t *base) {
    const struct tenon_desc *desc = &graph->tensors[tensor].desc;
    size_t element = tenon_type_bit_count(desc->type) / 8, count = tenon_desc_element_count(desc);
    int64_t whole = (int64_t)tenon_desc_element_count(&graph->tensors[view->base].desc);
    int32_t index[TENON_MAX_RANK] = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t at = view->offset;
        for (int k = 0; k < desc->shape.rank; k++)
            at += index[k] * view->strides[k];
        assert_true(at >= 0 && at < whole);
        assert_memory_equal(data + i * element, base + (size_t)at * element, element);
        for (int k = desc->shape.rank - 1; k >= 0 && ++index[k] == desc->shape.dims[k]; k--)
            index[k] = 0;
    }
}

/* Results that nobody but their own node is left to write must be in their places without it. */
static void check_idle(const struct tenon_graph *graph, const struct tenon_views *views) {
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const struct tenon_node *node = &graph->nodes[n];
        for (uint32_t o = 0; views->idle[n] && o < node->output_count; o++)
            for (uint32_t i = 0; i < node->input_count; i++)
                assert_int_equal(views->tensors[node->outputs[o]].base,
                                 views->tensors[node->inputs[i]].base);
    }
}

static void test_elements(void **state) {
    (void)state;
    uint32_t shared = 0, idle = 0;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        struct generator g;
        make_graph(&g, seed);
        uint32_t count = g.graph.tensor_count;
        for (uint32_t t = 0; t < count; t++) /* all are told */
            if (g.graph.tensors[t].kind == TENON_TENSOR_RESULT)
                g.graph.outputs[g.graph.output_count++] = t;
        assert_true(tenon_graph_set_inputs(&g.graph, g.inputs, g.input_count));
        uint8_t **data = tenon_arena_alloc_array(&g.arena, count, sizeof(*data));
        void **outputs = tenon_arena_alloc_array(&g.arena, count, sizeof(*outputs));
        assert_true(data != NULL && outputs != NULL);
        for (uint32_t t = 0; t < count; t++)
            assert_non_null(
                data[t] = tenon_arena_alloc(&g.arena, tenon_desc_size(&g.graph.tensors[t].desc)));
        for (uint32_t i = 0; i < g.graph.output_count; i++)
            outputs[i] = data[g.graph.outputs[i]];
        gen_fill(&g, &g.graph.tensors[0].desc, data[0]);
        const void *inputs[] = {data[0]};
        struct tenon_error error;
        assert_int_equal(tenon_graph_evaluate(&g.graph, inputs, outputs, &error), TENON_OK);
        const struct rule rule = {seed % 3 == 0 ? 100 : 70, seed, 0, 0};
        struct tenon_views views;
        assert_true(tenon_views_find(&views, &g.graph, allow, &rule, &g.arena));
        for (uint32_t t = 0; t < count; t++) {
            const struct tenon_view *view = &views.tensors[t];
            assert_int_equal(views.tensors[view->base].base, view->base);
            check_elements(&g.graph, t, view, data[t], data[view->base]);
            shared += view->base != t;
        }
        check_idle(&g.graph, &views);
        for (uint32_t n = 0; n < g.graph.node_count; n++)
            idle += views.idle[n];
        gen_finish(&g);
    }
    print_message("%d graphs: %u tensors in others, %u nodes idle\n", GRAPHS, shared, idle);
    assert_true(shared > 3 * GRAPHS && idle > 2 * GRAPHS);
}

/* ---- the CPU ---- */

static struct tenon_network *open_text(const struct tenon_graph *graph) {
    struct tenon_network *network;
    struct tenon_error error = {.message = ""};
    struct tenon_strbuf text;
    char path[] = "/tmp/tenon-view-XXXXXX.tir";
    tenon_strbuf_init(&text);
    tenon_ir_print(graph, &text);
    int fd = mkstemps(path, 4);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    assert_true(file != NULL && fwrite(text.data, 1, text.size, file) == text.size);
    fclose(file);
    if (tenon_open(path, NULL, &network, &error) != TENON_OK)
        fail_msg("%s\n%s", error.message, text.data);
    remove(path);
    tenon_strbuf_finish(&text);
    return network;
}

static uint32_t count_views(const struct tenon_network *network) {
    const struct tenon_program *program = tenon_network_program(network);
    struct tenon_placement placement;
    uint32_t count = 0;
    for (uint32_t i = 0; tenon_program_placement(program, i, &placement) == TENON_OK; i++)
        count += strcmp(placement.kernel, "view") == 0;
    return count;
}

static void check_program(struct generator *g, uint32_t *views) {
    struct tenon_error error = {.message = ""};
    struct tenon_graph *graph = &g->graph;
    size_t size = tenon_desc_size(&graph->tensors[graph->inputs[0]].desc);
    void *input = tenon_arena_alloc(&g->arena, size);
    void **outputs = tenon_arena_alloc_array(&g->arena, graph->output_count, sizeof(*outputs));
    assert_true(input != NULL && outputs != NULL);
    gen_fill(g, &graph->tensors[graph->inputs[0]].desc, input);
    for (uint32_t i = 0; i < graph->output_count; i++)
        assert_non_null(outputs[i] = tenon_arena_alloc(
                            &g->arena, tenon_desc_size(&graph->tensors[graph->outputs[i]].desc)));
    const void *inputs[] = {input};
    assert_int_equal(tenon_graph_evaluate(graph, inputs, outputs, &error), TENON_OK);
    struct tenon_network *network = open_text(graph);
    *views += count_views(network);
    assert_int_equal(tenon_set_input(network, 0, input, size, &error), TENON_OK);
    assert_int_equal(tenon_invoke(network, &error), TENON_OK);
    for (uint32_t i = 0; i < graph->output_count; i++) {
        size_t bytes = tenon_desc_size(&graph->tensors[graph->outputs[i]].desc);
        void *got = tenon_arena_alloc(&g->arena, bytes);
        assert_non_null(got);
        assert_int_equal(tenon_get_output(network, i, got, bytes, &error), TENON_OK);
        assert_memory_equal(got, outputs[i], bytes);
    }
    tenon_close(network);
}

static void test_programs(void **state) {
    (void)state;
    uint32_t views = 0;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        struct generator g;
        make_graph(&g, seed);
        assert_true(gen_end(&g));
        if (g.graph.node_count != 0)
            check_program(&g, &views);
        gen_finish(&g);
    }
    print_message("%d programs the same, %u nodes were views\n", PROGRAMS, views);
    assert_true(views > PROGRAMS / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_programs),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
