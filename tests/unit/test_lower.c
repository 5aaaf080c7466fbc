/*
 * Parts that are cut out of a graph and lowered by the passes a target asks for: the border stays,
 * nodes know the rows they came from, and support is that of what a node becomes. The targets are
 * this test's own: its table of backends takes the place of the generated one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ir/text.h"
#include "partition/lower.h"

/* Takes convolutions and nothing else; what one costs is its output's bytes. */
static bool supports(const struct tenon_target *target, const struct tenon_graph *graph,
                     uint32_t node, char *reason) {
    (void)target;
    snprintf(reason, TENON_REASON_BYTES, "no convolution");
    return graph->nodes[node].op == TENON_OP_CONV_2D;
}

static uint64_t cost_ns(const struct tenon_target *target, const struct tenon_graph *graph,
                        uint32_t node) {
    (void)target;
    return tenon_desc_size(&graph->tensors[graph->nodes[node].outputs[0]].desc);
}

static const struct tenon_capabilities *fusing(const struct tenon_target *target) {
    static const char *const passes[] = {"fuse-pad", NULL};
    static const struct tenon_capabilities capabilities = {.passes = passes};
    return strcmp(target->name, "fusing") == 0 ? &capabilities : NULL;
}

static const char *const targets[] = {"plain", "fusing", NULL};
static const struct tenon_backend backend = {.abi_version = TENON_BACKEND_ABI,
                                             .name = "test",
                                             .targets = targets,
                                             .capabilities = fusing,
                                             .supports = supports,
                                             .cost_ns = cost_ns};
const struct tenon_backend *const tenon_backends[] = {&backend, NULL};

static const char model[] =
    "tenon 1\n"
    "graph \"m\" \"\"\n"
    "%0 \"x\" = input i8 1x4x4x2 scale [0.5] zero [3] axis 0\n"
    "%1 \"w\" = constant i8 2x3x3x2 scale [0.25] zero [0] axis 0 hex "
    "010203040506070801020304050607080102030405060708010203040506070801020304\n"
    "%2 \"p\" i8 1x6x6x2 scale [0.5] zero [3] axis 0 = pad \"p\" none (%0) "
    "{paddings=[0,0,1,1,1,1,0,0]}\n"
    "%3 \"c\" i8 1x4x4x2 scale [1] zero [0] axis 0 = conv_2d \"c\" double (%2, %1) "
    "{stride=[1,1], dilation=[1,1], pad=[0,0,0,0], activation=none}\n"
    "%4 \"d\" i8 1x4x4x2 scale [1] zero [0] axis 0 = relu \"d\" double (%3) {}\n"
    "inputs %0\n"
    "outputs %4\n";

struct fixture {
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_lowering lowering;
};

static void set_up(struct fixture *f) {
    struct tenon_error error = {.message = ""};
    tenon_arena_init(&f->arena, 0);
    if (tenon_ir_parse((struct tenon_span){(const uint8_t *)model, strlen(model)}, &f->arena,
                       &f->graph, &error) != TENON_OK)
        fail_msg("%s", error.message);
    assert_true(tenon_lowering_init(&f->lowering, &f->graph, &f->arena));
}

static void a_part_is_cut_and_lowered(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f);
    const uint32_t nodes[] = {0, 1}, reads[] = {0}, writes[] = {3};
    const struct tenon_part part = {.graph = &f.graph,
                                    .nodes = nodes,
                                    .node_count = 2,
                                    .reads = reads,
                                    .read_count = 1,
                                    .writes = writes,
                                    .write_count = 1};
    struct tenon_part out;
    const struct tenon_target plain = {.name = "plain"}, target = {.name = "fusing"};
    assert_int_equal(tenon_lower_part(&f.lowering, &plain, &part, NULL, &f.arena, &out, NULL),
                     TENON_OK);
    assert_ptr_equal(out.graph, part.graph);
    assert_ptr_equal(out.nodes, part.nodes);
    for (int again = 0; again < 2; again++) { /* nothing of a cut is left behind */
        assert_int_equal(tenon_lower_part(&f.lowering, &target, &part, NULL, &f.arena, &out, NULL),
                         TENON_OK);
        assert_int_equal(tenon_graph_verify(out.graph, NULL), TENON_OK);
        assert_int_equal(out.node_count, 1);
        const struct tenon_node *conv = &out.graph->nodes[out.nodes[0]];
        assert_int_equal(conv->op, TENON_OP_CONV_2D);
        assert_int_equal(conv->source, 1);
        assert_int_equal(tenon_part_row(&out, 0), 1);
        assert_int_equal(conv->attrs.pad.values[0], 1);
        assert_string_equal(out.graph->tensors[out.reads[0]].name, "x");
        assert_string_equal(out.graph->tensors[out.writes[0]].name, "c");
        assert_int_equal(out.read_count, 1);
        assert_int_equal(out.write_count, 1);
    }
    struct tenon_pass_debug skip = {.skip = (const char *const[]){"fuse-pad"}, .skip_count = 1};
    assert_int_equal(tenon_lower_part(&f.lowering, &target, &part, &skip, &f.arena, &out, NULL),
                     TENON_OK);
    assert_int_equal(out.node_count, 2);
    assert_int_equal(tenon_part_row(&out, 0), 0);
    tenon_arena_finish(&f.arena);
}

static void support_is_that_of_what_a_node_becomes(void **state) {
    (void)state;
    struct fixture f;
    struct tenon_support support;
    set_up(&f);
    const struct tenon_target target = {.name = "fusing"};
    assert_int_equal(tenon_lower_supports(&f.lowering, &target, 1, NULL, &support, NULL), TENON_OK);
    assert_true(support.supported);
    assert_int_equal(support.ns, 32);
    assert_int_equal(tenon_lower_supports(&f.lowering, &target, 2, NULL, &support, NULL), TENON_OK);
    assert_false(support.supported);
    assert_string_equal(support.reason, "no convolution");
    tenon_arena_finish(&f.arena);
}

/* An output that is an input, or another output, gets a node that writes it. */
static void every_write_is_written(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f);
    const uint32_t nodes[] = {1}, reads[] = {2}, writes[] = {2, 3, 3};
    const struct tenon_part part = {.graph = &f.graph,
                                    .nodes = nodes,
                                    .node_count = 1,
                                    .reads = reads,
                                    .read_count = 1,
                                    .writes = writes,
                                    .write_count = 3};
    struct tenon_part out;
    const struct tenon_target target = {.name = "fusing"};
    assert_int_equal(tenon_lower_part(&f.lowering, &target, &part, NULL, &f.arena, &out, NULL),
                     TENON_OK);
    assert_int_equal(tenon_graph_verify(out.graph, NULL), TENON_OK);
    assert_int_equal(out.node_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(out.graph->tensors[out.writes[i]].kind, TENON_TENSOR_RESULT);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(out.writes[i], out.writes[k]);
        assert_int_equal(tenon_part_row(&out, i), 0);
    }
    tenon_arena_finish(&f.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_cut_and_lowered),
        cmocka_unit_test(support_is_that_of_what_a_node_becomes),
        cmocka_unit_test(every_write_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
