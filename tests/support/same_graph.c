/* Equality of graphs, and the round trip through text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/text.h"
#include "support/same_graph.h"

static void assert_same_desc(const struct tenon_desc *a, const struct tenon_desc *b) {
    assert_int_equal(a->type, b->type);
    assert_true(tenon_shape_equal(&a->shape, &b->shape));
    assert_int_equal(a->quant.count, b->quant.count);
    assert_int_equal(a->quant.axis, b->quant.axis);
    if (a->quant.count == 0)
        return;
    assert_memory_equal(a->quant.scale, b->quant.scale, a->quant.count * sizeof(float));
    assert_memory_equal(a->quant.zero_point, b->quant.zero_point, a->quant.count * sizeof(int32_t));
}

static void assert_same_ids(const uint32_t *a, uint32_t a_count, const uint32_t *b,
                            uint32_t b_count) {
    assert_int_equal(a_count, b_count);
    for (uint32_t i = 0; i < a_count; i++)
        assert_int_equal(a[i], b[i]);
}

static void assert_same_tensor(const struct tenon_tensor *a, const struct tenon_tensor *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->producer, b->producer);
    assert_same_desc(&a->desc, &b->desc);
    if (a->kind == TENON_TENSOR_CONSTANT)
        assert_memory_equal(a->data, b->data, tenon_desc_size(&a->desc));
}

static void assert_same_node(const struct tenon_node *a, const struct tenon_node *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->rounding, b->rounding);
    assert_memory_equal(&a->attrs, &b->attrs, sizeof(a->attrs));
    assert_same_ids(a->inputs, a->input_count, b->inputs, b->input_count);
    assert_same_ids(a->outputs, a->output_count, b->outputs, b->output_count);
}

void assert_same_graph(const struct tenon_graph *a, const struct tenon_graph *b) {
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->description, b->description);
    assert_int_equal(a->tensor_count, b->tensor_count);
    assert_int_equal(a->node_count, b->node_count);
    for (uint32_t i = 0; i < a->tensor_count; i++)
        assert_same_tensor(&a->tensors[i], &b->tensors[i]);
    for (uint32_t i = 0; i < a->node_count; i++)
        assert_same_node(&a->nodes[i], &b->nodes[i]);
    assert_same_ids(a->inputs, a->input_count, b->inputs, b->input_count);
    assert_same_ids(a->outputs, a->output_count, b->outputs, b->output_count);
}

void assert_survives_text(const struct tenon_graph *graph) {
    struct tenon_strbuf text;
    struct tenon_arena arena;
    struct tenon_graph back;
    struct tenon_error error = {0};
    tenon_strbuf_init(&text);
    tenon_arena_init(&arena, 0);
    tenon_ir_print(graph, &text);
    assert_false(text.failed);
    enum tenon_status status = tenon_ir_parse(
        (struct tenon_span){(const uint8_t *)text.data, text.size}, &arena, &back, &error);
    if (status != TENON_OK)
        fail_msg("%s\n%.4000s", error.message, text.data);
    assert_same_graph(graph, &back);
    tenon_arena_finish(&arena);
    tenon_strbuf_finish(&text);
}
