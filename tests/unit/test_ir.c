/*
 * The IR: building, what the verifier refuses, the page docs/ir.md, errors in the text. The worked
 * example is the very text of that page, where its results are worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/eval.h"
#include "ir/text.h"
#include "support/same_graph.h"
#include "util/file.h"

static struct tenon_mapping page; /* docs/ir.md */

static int open_page(void **state) {
    char path[512];
    (void)state;
    snprintf(path, sizeof(path), "%s/docs/ir.md", getenv("TENON_SOURCE"));
    return tenon_mapping_open(&page, path, NULL) != TENON_OK;
}

static int close_page(void **state) {
    (void)state;
    tenon_mapping_close(&page);
    return 0;
}

/* The block between "```tenon" and "```". */
static struct tenon_span worked_text(void) {
    static const char from[] = "```tenon\n", to[] = "```";
    const uint8_t *start = memmem(page.bytes.data, page.bytes.size, from, strlen(from));
    assert_non_null(start);
    start += strlen(from);
    const uint8_t *end =
        memmem(start, page.bytes.size - (size_t)(start - page.bytes.data), to, strlen(to));
    assert_non_null(end);
    return (struct tenon_span){start, (size_t)(end - start)};
}

static struct tenon_span span_of(const char *text) {
    return (struct tenon_span){(const uint8_t *)text, strlen(text)};
}

/* ---- the page ---- */

static void the_worked_example_works(void **state) {
    static const int8_t picture[] = {1, 3, -1, -3};
    static const int8_t first[] = {-123, -120, -126, -128}, second[] = {-128, -124, -128, -128};
    const void *const inputs[] = {picture};
    int8_t results[2][4];
    void *const outputs[] = {results[0], results[1]};
    struct tenon_span text = worked_text();
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_strbuf printed;
    (void)state;
    tenon_arena_init(&arena, 0);
    assert_int_equal(tenon_ir_parse(text, &arena, &graph, NULL), TENON_OK);
    tenon_strbuf_init(&printed);
    tenon_ir_print(&graph, &printed);
    assert_int_equal(printed.size, text.size);
    assert_memory_equal(printed.data, text.data, text.size);
    assert_int_equal(tenon_graph_evaluate(&graph, inputs, outputs, NULL), TENON_OK);
    assert_memory_equal(results[0], first, sizeof(first));
    assert_memory_equal(results[1], second, sizeof(second));
    assert_survives_text(&graph);
    tenon_strbuf_finish(&printed);
    tenon_arena_finish(&arena);
}

static const char *row_of(const char *name) {
    char start[80];
    snprintf(start, sizeof(start), "\n| `%s` |", name);
    return memmem(page.bytes.data, page.bytes.size, start, strlen(start));
}

/* Each operator has a row that names its attributes and no other; each attribute has a row. */
static void the_page_lists_every_operator_and_attribute(void **state) {
    (void)state;
    for (int op = 0; op < TENON_OP_COUNT; op++) {
        const struct tenon_op_info *info = tenon_op_get_info((enum tenon_op)op);
        const char *row = row_of(info->name);
        if (row == NULL)
            fail_msg("docs/ir.md has no row of %s", info->name);
        size_t size = strcspn(row + 1, "\n") + 1;
        for (int i = 0; i < TENON_ATTR_COUNT; i++) {
            char quoted[80];
            snprintf(quoted, sizeof(quoted), "`%s`", tenon_attr_table[i].name);
            const char *operands = memchr(row + 4, '|', size - 4);
            bool listed =
                memmem(operands, size - (size_t)(operands - row), quoted, strlen(quoted)) != NULL;
            if (listed != ((info->attrs >> i & 1) != 0))
                fail_msg("docs/ir.md, %s: %s", info->name, tenon_attr_table[i].name);
        }
    }
    for (int i = 0; i < TENON_ATTR_COUNT; i++)
        if (row_of(tenon_attr_table[i].name) == NULL)
            fail_msg("docs/ir.md has no row of attribute %s", tenon_attr_table[i].name);
}

/* ---- building ---- */

static const struct tenon_desc plain = {TENON_TYPE_F32, {2, {3, 4}}, {0, 0, NULL, NULL}};
static const struct tenon_desc unknown = {
    TENON_TYPE_F32, {TENON_RANK_UNKNOWN, {0}}, {0, 0, NULL, NULL}};

static uint32_t add_tensor(struct tenon_graph *graph, enum tenon_tensor_kind kind,
                           const struct tenon_desc *desc) {
    uint32_t id;
    assert_true(tenon_graph_add_tensor(graph, "t", kind, desc, NULL, &id));
    return id;
}

static enum tenon_status add_node(struct tenon_graph *graph, enum tenon_op op,
                                  const uint32_t *inputs, uint32_t input_count,
                                  const uint32_t *outputs, uint32_t output_count) {
    const struct tenon_attrs attrs = {0};
    return tenon_graph_add_node(graph, op, TENON_ROUNDING_NONE, "n", &attrs, inputs, input_count,
                                outputs, output_count, NULL, NULL);
}

static void building_refuses_bad_ids_and_changes_nothing(void **state) {
    struct tenon_arena arena;
    struct tenon_graph graph;
    (void)state;
    tenon_arena_init(&arena, 0);
    tenon_graph_init(&graph, &arena);
    uint32_t in = add_tensor(&graph, TENON_TENSOR_INPUT, &plain);
    uint32_t out = add_tensor(&graph, TENON_TENSOR_RESULT, &unknown);
    uint32_t later = add_tensor(&graph, TENON_TENSOR_RESULT, &unknown);
    const uint32_t twice[] = {in, in}, none[] = {77, in}, early[] = {later, in};
    const uint32_t absent[] = {TENON_ID_NONE, in}, both[] = {out, out}, input[] = {in},
                   far[] = {78};
    assert_int_equal(add_node(&graph, TENON_OP_ADD, none, 2, &out, 1), TENON_ERROR_BAD_MODEL);
    assert_int_equal(add_node(&graph, TENON_OP_ADD, early, 2, &out, 1), TENON_ERROR_BAD_MODEL);
    assert_int_equal(add_node(&graph, TENON_OP_ADD, absent, 2, &out, 1), TENON_ERROR_BAD_MODEL);
    assert_int_equal(add_node(&graph, TENON_OP_ADD, twice, 2, input, 1), TENON_ERROR_BAD_MODEL);
    assert_int_equal(add_node(&graph, TENON_OP_ADD, twice, 2, far, 1), TENON_ERROR_BAD_MODEL);
    assert_int_equal(add_node(&graph, TENON_OP_TOPK, twice, 1, both, 2), TENON_ERROR_BAD_MODEL);
    assert_int_equal(add_node(&graph, TENON_OP_ADD, twice, 1, &out, 1), TENON_ERROR_BAD_MODEL);
    assert_int_equal(add_node(&graph, TENON_OP_COUNT, twice, 2, &out, 1), TENON_ERROR_BAD_MODEL);
    assert_int_equal(graph.node_count, 0);
    assert_int_equal(graph.tensors[out].producer, TENON_ID_NONE);
    assert_int_equal(graph.tensors[later].producer, TENON_ID_NONE);
    assert_int_equal(add_node(&graph, TENON_OP_ADD, twice, 2, &out, 1), TENON_OK);
    assert_int_equal(graph.tensors[out].producer, 0);
    assert_true(tenon_shape_equal(&graph.tensors[out].desc.shape, &plain.shape)); /* inferred */
    assert_int_equal(add_node(&graph, TENON_OP_ADD, twice, 2, &out, 1), TENON_ERROR_BAD_MODEL);
    tenon_arena_finish(&arena);
}

static void building_tells_that_memory_ran_out(void **state) {
    unsigned refused = 0;
    (void)state;
    for (size_t limit = 16; limit < 40000; limit += 16) {
        struct tenon_arena arena;
        struct tenon_graph graph;
        struct tenon_error error = {0};
        tenon_arena_init(&arena, limit);
        enum tenon_status status = tenon_ir_parse(worked_text(), &arena, &graph, &error);
        assert_true(status == TENON_OK || status == TENON_ERROR_OUT_OF_MEMORY);
        assert_int_equal(status, error.status);
        refused += status != TENON_OK;
        tenon_arena_finish(&arena);
    }
    assert_in_range(refused, 20, 40000 / 16 - 1);
}

static void uses_are_counted_and_clones_are_equal(void **state) {
    struct tenon_arena arena, other;
    struct tenon_graph graph, copy;
    uint32_t uses[6];
    (void)state;
    tenon_arena_init(&arena, 0);
    tenon_arena_init(&other, 0);
    assert_int_equal(tenon_ir_parse(worked_text(), &arena, &graph, NULL), TENON_OK);
    tenon_graph_count_uses(&graph, uses);
    for (int i = 0; i < 6; i++)
        assert_int_equal(uses[i], 1);
    assert_int_equal(tenon_graph_node_macs(&graph, 0), 2 * 2 * 2); /* 4 places, 2 channels of 1 */
    assert_int_equal(tenon_graph_node_macs(&graph, 1), 0);
    assert_true(tenon_graph_clone(&graph, &other, &copy));
    assert_same_graph(&graph, &copy);
    tenon_arena_finish(&arena);
    assert_int_equal(tenon_graph_verify(&copy, NULL), TENON_OK); /* names and lists are its own */
    tenon_arena_finish(&other);
}

/* ---- what the verifier refuses ---- */

static const float no_scale = 0, nan_scale = NAN, one_scale = 1;
static const int32_t zero = 0, far_zero = 200;

static void break_input_kind(struct tenon_graph *g) {
    g->tensors[0].kind = TENON_TENSOR_VARIABLE;
}
static void break_input_id(struct tenon_graph *g) {
    g->inputs[0] = 6;
}
static void break_input_twice(struct tenon_graph *g) {
    static uint32_t twice[2];
    g->inputs = twice;
    g->input_count = 2;
}
static void break_input_unlisted(struct tenon_graph *g) {
    g->input_count = 0;
}
static void break_output_id(struct tenon_graph *g) {
    g->outputs[1] = 6;
}
static void break_dimension(struct tenon_graph *g) {
    g->tensors[0].desc.shape.dims[1] = -2;
}
static void break_rank(struct tenon_graph *g) {
    g->tensors[0].desc.shape.rank = TENON_RANK_UNKNOWN;
}
static void break_element_count(struct tenon_graph *g) {
    g->tensors[0].desc.shape.dims[1] = g->tensors[0].desc.shape.dims[2] = 0x10000;
}
static void break_type(struct tenon_graph *g) {
    g->tensors[0].desc.type = TENON_TYPE_NONE;
}
static void break_scale(struct tenon_graph *g) {
    g->tensors[0].desc.quant.scale = &no_scale;
}
static void break_scale_nan(struct tenon_graph *g) {
    g->tensors[4].desc.quant.scale = &nan_scale;
}
static void break_zero_point(struct tenon_graph *g) {
    g->tensors[0].desc.quant.zero_point = &far_zero;
}
static void break_axis(struct tenon_graph *g) {
    g->tensors[1].desc.quant.axis = 1;
}
static void break_scale_count(struct tenon_graph *g) {
    g->tensors[1].desc.quant = (struct tenon_quant){1, 0, &one_scale, &zero};
    g->tensors[1].desc.quant.count = 3;
}
static void break_constant(struct tenon_graph *g) {
    g->tensors[1].data = NULL;
}
static void break_producer(struct tenon_graph *g) {
    g->tensors[3].producer = TENON_ID_NONE;
}
static void break_producer_range(struct tenon_graph *g) {
    g->tensors[3].producer = 2;
}
static void break_producer_of_constant(struct tenon_graph *g) {
    g->tensors[1].producer = 0;
}
static void break_order(struct tenon_graph *g) {
    struct tenon_node first = g->nodes[0];
    g->nodes[0] = g->nodes[1];
    g->nodes[1] = first;
    g->tensors[3].producer = 1;
    g->tensors[4].producer = g->tensors[5].producer = 0;
}
static void break_operand(struct tenon_graph *g) {
    g->nodes[0].inputs[2] = 6;
}
static void break_required_operand(struct tenon_graph *g) {
    g->nodes[0].inputs[1] = TENON_ID_NONE;
}
static void break_result(struct tenon_graph *g) {
    g->nodes[1].outputs[1] = 3;
}
static void break_result_id(struct tenon_graph *g) {
    g->nodes[1].outputs[1] = 6;
}
static void break_operator(struct tenon_graph *g) {
    g->nodes[1].op = TENON_OP_COUNT;
}
static void break_rounding(struct tenon_graph *g) {
    g->nodes[0].rounding = (enum tenon_rounding)4;
}
static void break_attribute(struct tenon_graph *g) {
    g->nodes[0].attrs.stride.values[0] = 0;
}
static void break_list(struct tenon_graph *g) {
    g->nodes[0].attrs.pad.count = TENON_LIST_MAX + 1;
}
static void break_activation(struct tenon_graph *g) {
    g->nodes[0].attrs.activation = -1;
}
static void break_shape(struct tenon_graph *g) {
    g->tensors[5].desc.shape.dims[3] = 2;
}
static void break_operand_count(struct tenon_graph *g) {
    g->nodes[0].input_count = 1;
}

static void every_promise_is_checked(void **state) {
    static const struct {
        void (*break_it)(struct tenon_graph *graph);
        const char *complaint;
    } cases[] = {
        {break_input_kind, "graph input 0 is no input tensor"},
        {break_input_id, "graph input 0 is no input tensor"},
        {break_input_twice, "graph input 1, 'picture', is there a second time"},
        {break_input_unlisted, "tensor 0 'picture' is an input that the graph does not list"},
        {break_output_id, "graph output 1 names no tensor"},
        {break_dimension, "tensor 0 'picture' has no valid shape or type"},
        {break_rank, "tensor 0 'picture' has no valid shape or type"},
        {break_element_count, "tensor 0 'picture' has no valid shape or type"},
        {break_type, "tensor 0 'picture' has no valid shape or type"},
        {break_scale, "tensor 0 'picture': the scale is 0"},
        {break_scale_nan, "tensor 4 'first': the scale is "},
        {break_zero_point, "tensor 0 'picture': the zero point 200 is outside of the type i8"},
        {break_axis, "tensor 1 'weights': 2 scales fit no dimension 1"},
        {break_scale_count, "tensor 1 'weights': 3 scales fit no dimension 0"},
        {break_constant, "constant 1 'weights' has no data"},
        {break_producer, "no node computes tensor 3 'both'"},
        {break_producer_range, "no node computes tensor 3 'both'"},
        {break_producer_of_constant, "tensor 1 'weights' is no result of a node"},
        {break_order, "node 0 (split 'halves'): input 0, 'both', is computed later"},
        {break_operand, "node 0 (conv_2d 'conv'): input 2 names no tensor"},
        {break_required_operand, "node 0 (conv_2d 'conv'): input 1 is absent"},
        {break_result, "node 1 (split 'halves'): output 1 is not this node's"},
        {break_result_id, "node 1 (split 'halves'): output 1 is not this node's"},
        {break_operator, "node 1 has no operator"},
        {break_rounding, "node 0 (conv_2d 'conv'): no rounding rule 4"},
        {break_attribute, "node 0 (conv_2d 'conv'): stride must be"},
        {break_list, "node 0 (conv_2d 'conv'): attribute pad has 17 values"},
        {break_activation, "node 0 (conv_2d 'conv'): unknown activation -1"},
        {break_shape, "node 1 (split 'halves'): "},
        {break_operand_count, "node 0 (conv_2d 'conv'): 1 inputs, conv_2d takes 2 to 3"},
    };
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++) {
        struct tenon_arena arena;
        struct tenon_graph graph;
        struct tenon_error error = {0};
        tenon_arena_init(&arena, 0);
        assert_int_equal(tenon_ir_parse(worked_text(), &arena, &graph, NULL), TENON_OK);
        cases[i].break_it(&graph);
        assert_int_equal(tenon_graph_verify(&graph, &error), TENON_ERROR_BAD_MODEL);
        if (strncmp(error.message, cases[i].complaint, strlen(cases[i].complaint)) != 0)
            fail_msg("case %zu: '%s' where '%s' was expected", i, error.message,
                     cases[i].complaint);
        tenon_arena_finish(&arena);
    }
}

/* ---- errors in the text ---- */

/* The worked example with the first `from` replaced. */
static char *edited(const char *from, const char *to) {
    struct tenon_span text = worked_text();
    const uint8_t *at = memmem(text.data, text.size, from, strlen(from));
    char *out = malloc(text.size + strlen(to) + 1);
    assert_non_null(at);
    assert_non_null(out);
    size_t before = (size_t)(at - text.data), after = text.size - before - strlen(from);
    memcpy(out, text.data, before);
    memcpy(out + before, to, strlen(to));
    memcpy(out + before + strlen(to), at + strlen(from), after);
    out[before + strlen(to) + after] = '\0';
    return out;
}

static void text_errors_have_line_and_column(void **state) {
    static const struct {
        const char *from, *to, *complaint;
    } cases[] = {
        {"tenon 1", "tenon 2", "1:1: the text does not start with"},
        {"graph ", "grape ", "2:1: the graph's name is missing"},
        {"\"worked\"", "worked", "2:7: a quoted name is missing"},
        {"\"worked\"", "\"worked", "2:16: a quoted name is missing"},
        {"channel\"", "channel", "2:17: a quoted name has no end"},
        {"worked", "\\0g", "2:9: a backslash needs two hexadecimal digits"},
        {"worked", "\\00", "2:9: a backslash needs two hexadecimal digits"},
        {"%0 ", "0 ", "3:1: the graph's inputs are missing"},
        {"%0 ", "%6 ", "3:2: a number is out of range"},
        {"%1 ", "%0 ", "4:1: a tensor is defined twice"},
        {"= input", "= output", "3:16: input, constant, variable or a result is missing"},
        {"i8 1x2x2x1", "i9 1x2x2x1", "3:22: an element type is missing"},
        {"1x2x2x1", "1x2x2x", "3:32: a number is missing"},
        {"1x2x2x1", "1x1x1x1x1x1x1x1x1", "3:41: a rank above 8"},
        {"1x2x2x1", "1x99999x99999", "3:25: a shape with too many elements"},
        {"1x2x2x1", "1x-2x2x1", "3:27: a number is out of range"},
        {"1x2x2x1", "1x99999999999999999999", "3:27: a number is out of range"},
        {"[0.5]", "[]", "3:40: a real number is missing"},
        {"[0.5]", "[0,5]", "3:53: too few zero points"},
        {"[0.5]", "[0.5.5]", "3:40: a real number is missing"},
        {"zero [-1]", "[-1]", "3:43: zero points are missing"},
        {" axis 0", " axes 0", "3:53: the axis is missing"},
        {" axis 0", " axis 9", "3:60: a number is out of range"},
        {" axis 0\n", " axis 0 %\n", "3:62: something stands behind the end"},
        {"hex 0302", "0302", "4:73: the constant has no data"},
        {"hex 0302", "hex 03", "4:79: the constant has too few bytes"},
        {"hex 0302", "hex 0G02", "4:77: the constant has too few bytes, or"},
        {"hex 0302", "hex 030201", "4:81: something stands behind the end"},
        {"%3 \"both\" i8", "%3 \"both\"", "6:11: an element type is missing"},
        {"= conv_2d", "conv_2d", "6:54: an operator is missing"},
        {"= conv_2d", "= conv_7d", "6:56: an unknown operator"},
        {"\"conv\" double", "\"conv\" triple", "6:71: a rounding rule"},
        {"(%0, %1, %2)", "%0, %1, %2)", "6:78: operands are missing"},
        {"(%0, %1, %2)", "(%0, %5, %2)", "6:83: a tensor that is not defined above"},
        {"(%0, %1, %2)", "(%0, %1, %2", "6:90: operands have no end"},
        {"(%0, %1, %2)", "(%0, _, %2)", "6:56: input 1 is absent"},
        {"{stride", "stride", "6:91: attributes are missing"},
        {"{stride", "{beta", "6:92: the operator has no such attribute"},
        {"dilation=", "stride=", "6:106: the operator has no such attribute"},
        {"[1,1], dilation", "1, dilation", "6:99: a list is missing"},
        {"[1,1], dilation", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1], dilation",
         "6:132: a list is too long"},
        {"activation=relu", "activation=rely", "6:148: an unknown activation"},
        {"stride=[1,1]", "stride=[0,1]", "6:56: stride must be"},
        {"relu}", "relu", "6:152: attributes have no end"},
        {"%5 \"second\"", "%5 second", "7:57: a number is out of range"},
        {"%5 \"second\"", "%4 \"second\"", "7:56: a tensor is defined twice"},
        {"inputs %0", "inputs %0, %0", "graph input 1, 'picture', is there a second time"},
        {"inputs %0", "inputs %1", "graph input 0 is no input tensor"},
        {"inputs %0", "inputs", "tensor 0 'picture' is an input that"},
        {"inputs %0", "inputs %0 %0", "8:11: a comma is missing"},
        {"outputs %4", "%4", "9:1: the graph's outputs are missing"},
        {"outputs %4", "outputs %9", "9:10: a number is out of range"},
        {"%4, %5\n", "%4, %5\n\n", "10:1: something stands behind the outputs"},
    };
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++) {
        char *text = edited(cases[i].from, cases[i].to);
        struct tenon_arena arena;
        struct tenon_graph graph;
        struct tenon_error error = {0};
        tenon_arena_init(&arena, 0);
        assert_int_equal(tenon_ir_parse(span_of(text), &arena, &graph, &error),
                         TENON_ERROR_BAD_MODEL);
        if (strncmp(error.message, cases[i].complaint, strlen(cases[i].complaint)) != 0) {
            print_error("%s -> %s: '%s' where '%s' was expected\n", cases[i].from, cases[i].to,
                        error.message, cases[i].complaint);
            wrong++;
        }
        tenon_arena_finish(&arena);
        free(text);
    }
    assert_int_equal(wrong, 0);
}

/* Every prefix, and every byte replaced by each of a few: an error, or a graph that prints. */
static void damaged_text_is_refused_or_read(void **state) {
    static const char replacements[] = {'0', '9', '"', '%', ',', '\n', ' ', '-', 0, (char)0xff};
    struct tenon_span whole = worked_text();
    char *text = malloc(whole.size);
    (void)state;
    assert_non_null(text);
    memcpy(text, whole.data, whole.size);
    for (size_t at = 0; at < whole.size; at++) {
        for (size_t k = 0; k <= sizeof(replacements); k++) {
            struct tenon_arena arena;
            struct tenon_graph graph;
            char kept = text[at];
            struct tenon_span span = {(const uint8_t *)text, whole.size};
            if (k == sizeof(replacements))
                span.size = at;
            else
                text[at] = replacements[k];
            tenon_arena_init(&arena, 1 << 20);
            enum tenon_status status = tenon_ir_parse(span, &arena, &graph, NULL);
            if (status == TENON_OK)
                assert_survives_text(&graph);
            assert_true(status == TENON_OK || span.size != at || at != whole.size);
            tenon_arena_finish(&arena);
            text[at] = kept;
        }
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_works),
        cmocka_unit_test(the_page_lists_every_operator_and_attribute),
        cmocka_unit_test(building_refuses_bad_ids_and_changes_nothing),
        cmocka_unit_test(building_tells_that_memory_ran_out),
        cmocka_unit_test(uses_are_counted_and_clones_are_equal),
        cmocka_unit_test(every_promise_is_checked),
        cmocka_unit_test(text_errors_have_line_and_column),
        cmocka_unit_test(damaged_text_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, open_page, close_page);
}
