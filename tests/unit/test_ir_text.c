/*
 * The text form, there and back: random graphs and all models that are present are printed, read
 * and compared field by field, also where the locale writes a decimal comma.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/frontend.h"
#include "ir/text.h"
#include "support/same_graph.h"
#include "util/file.h"

/* ---- random graphs ---- */

static uint32_t seed;

static uint32_t dice(uint32_t sides) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (uint32_t)((uint64_t)seed * sides >> 32);
}

/* Any positive finite float, subnormal ones too. */
static float random_scale(void) {
    uint32_t bits = 1 + dice(0x7f7fffff);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Pieces that mean something elsewhere in the text, so that a reader must not mistake them. */
static const char *random_name(void) {
    static const char *const pieces[] = {"a",    "%7 ",  "\"", "\\",     ",",  "\n",   "\t",
                                         "\x7f", "\x01", "é",  "inputs", "= ", "\\22", "["};
    static char name[64];
    name[0] = '\0';
    for (uint32_t i = dice(6); i > 0; i--)
        strcat(name, pieces[dice(TENON_COUNT_OF(pieces))]);
    return name;
}

struct random_quant {
    float scale[8];
    int32_t zero[8];
};

static struct tenon_desc random_desc(struct random_quant *room) {
    struct tenon_desc desc = {
        dice(2) ? TENON_TYPE_I8 : TENON_TYPE_F32,
        {4, {1, (int32_t)(1 + dice(4)), (int32_t)(1 + dice(4)), (int32_t)(1 + dice(4))}},
        {0, 0, room->scale, room->zero}};
    for (int i = 0; i < 8; i++) {
        room->scale[i] = random_scale();
        room->zero[i] = (int32_t)dice(256) - 128;
    }
    if (desc.type == TENON_TYPE_F32)
        return desc;
    desc.quant.axis = (int32_t)dice(4);
    desc.quant.count = dice(4) == 0 ? (uint32_t)desc.shape.dims[desc.quant.axis] : 1;
    return desc;
}

static void random_leaf(struct tenon_graph *graph) {
    static const enum tenon_tensor_kind kinds[] = {TENON_TENSOR_INPUT, TENON_TENSOR_CONSTANT,
                                                   TENON_TENSOR_VARIABLE};
    struct random_quant room;
    struct tenon_desc desc = random_desc(&room);
    enum tenon_tensor_kind kind = graph->tensor_count == 0 ? TENON_TENSOR_INPUT : kinds[dice(3)];
    uint8_t *data = NULL;
    uint32_t id;
    if (kind == TENON_TENSOR_CONSTANT) {
        size_t size = tenon_desc_size(&desc);
        data = tenon_arena_alloc(graph->arena, size);
        assert_non_null(data);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)dice(256);
    }
    assert_true(tenon_graph_add_tensor(graph, random_name(), kind, &desc, data, &id));
}

static struct tenon_list random_pair(uint32_t low) {
    return (struct tenon_list){2, {(int32_t)(low + dice(3)), (int32_t)(low + dice(3))}};
}

/* Attributes that suit an operator often enough. */
static struct tenon_attrs random_attrs(enum tenon_op op) {
    struct tenon_attrs attrs = {0};
    uint64_t mask = tenon_op_get_info(op)->attrs;
#define HAS(member) ((mask & TENON_ATTR_BIT(member)) != 0)
    if (HAS(stride))
        attrs.stride = random_pair(1);
    if (HAS(dilation) && dice(2))
        attrs.dilation = random_pair(1);
    if (HAS(pad) && dice(2))
        attrs.pad = (struct tenon_list){4, {(int32_t)dice(3), 1, (int32_t)dice(2), 0}};
    if (HAS(window))
        attrs.window = random_pair(1);
    if (HAS(activation))
        attrs.activation = (int32_t)dice(4);
    if (HAS(axis))
        attrs.axis = (int32_t)dice(4);
    if (HAS(axes))
        attrs.axes = dice(2) ? (struct tenon_list){2, {(int32_t)dice(3), 3}}
                             : (struct tenon_list){1, {(int32_t)dice(4)}};
    if (HAS(keep_dims))
        attrs.keep_dims = (int32_t)dice(2);
    if (HAS(alpha))
        attrs.alpha = dice(2) ? random_scale() : -random_scale();
    if (HAS(beta))
        attrs.beta = dice(3) ? random_scale() : -0.0f;
    if (HAS(perm))
        attrs.perm = (struct tenon_list){4, {3, 1, 0, 2}};
    if (HAS(multiples))
        attrs.multiples = (struct tenon_list){4, {1, 2, 1, (int32_t)dice(3)}};
    if (HAS(paddings))
        attrs.paddings = (struct tenon_list){8, {0, 1, 2, 0, 0, 0, 1, (int32_t)dice(3)}};
    if (HAS(k))
        attrs.k = 1;
#undef HAS
    return attrs;
}

/* Tries one node; takes its results back when the operator does not want it. */
static void random_node(struct tenon_graph *graph) {
    static const enum tenon_op ops[] = {
        TENON_OP_ADD,        TENON_OP_MUL,     TENON_OP_CONCATENATION,   TENON_OP_PACK,
        TENON_OP_RELU,       TENON_OP_SOFTMAX, TENON_OP_AVERAGE_POOL_2D, TENON_OP_MAX_POOL_2D,
        TENON_OP_LEAKY_RELU, TENON_OP_MEAN,    TENON_OP_REDUCE_MAX,      TENON_OP_TRANSPOSE,
        TENON_OP_TILE,       TENON_OP_PAD,     TENON_OP_CONV_2D,         TENON_OP_DEPTHWISE_CONV_2D,
        TENON_OP_QUANTIZE,   TENON_OP_CAST,    TENON_OP_SPLIT,           TENON_OP_UNPACK,
        TENON_OP_MAXIMUM,    TENON_OP_REVERSE, TENON_OP_SHAPE,           TENON_OP_ARG_MAX};
    enum tenon_op op = ops[dice(TENON_COUNT_OF(ops))];
    const struct tenon_op_info *info = tenon_op_get_info(op);
    uint32_t tensors = graph->tensor_count, inputs[4], outputs[4];
    uint32_t input_count = info->input_min + dice(info->input_max == info->input_min ? 1 : 2);
    uint32_t output_count = info->output_min + (info->output_max > 1 ? dice(3) : 0);
    for (uint32_t i = 0; i < input_count; i++)
        inputs[i] =
            (info->optional_inputs >> i & 1) != 0 && dice(2) ? TENON_ID_NONE : dice(tensors);
    for (uint32_t i = 0; i < output_count; i++) {
        struct random_quant room;
        struct tenon_desc desc = random_desc(&room);
        const struct tenon_tensor *like = &graph->tensors[inputs[0] < tensors ? inputs[0] : 0];
        if (dice(4) != 0)
            desc = like->desc;
        if (op == TENON_OP_SHAPE || op == TENON_OP_ARG_MAX)
            desc = (struct tenon_desc){.type = TENON_TYPE_I32};
        desc.shape.rank = TENON_RANK_UNKNOWN;
        if (desc.quant.count > 1)
            desc.quant.count = 1;
        assert_true(tenon_graph_add_tensor(graph, random_name(), TENON_TENSOR_RESULT, &desc, NULL,
                                           &outputs[i]));
    }
    struct tenon_attrs attrs = random_attrs(op);
    if (tenon_graph_add_node(graph, op, (enum tenon_rounding)dice(4), random_name(), &attrs, inputs,
                             input_count, outputs, output_count, NULL, NULL) != TENON_OK)
        graph->tensor_count = tensors;
}

static void random_border(struct tenon_graph *graph) {
    uint32_t ids[64], count = 0;
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].kind == TENON_TENSOR_INPUT)
            ids[count++] = i;
    assert_true(tenon_graph_set_inputs(graph, ids, count));
    count = dice(5);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = dice(graph->tensor_count);
    assert_true(tenon_graph_set_outputs(graph, ids, count));
}

static void random_graphs_survive_text(void **state) {
    enum { GRAPHS = 3000 };
    unsigned nodes = 0, used[TENON_OP_COUNT] = {0}, distinct = 0;
    (void)state;
    seed = 2463534242u;
    for (int i = 0; i < GRAPHS; i++) {
        struct tenon_arena arena;
        struct tenon_graph graph;
        tenon_arena_init(&arena, 0);
        tenon_graph_init(&graph, &arena);
        for (uint32_t leaves = 1 + dice(5); leaves > 0; leaves--)
            random_leaf(&graph);
        for (uint32_t tries = dice(40); tries > 0 && graph.tensor_count < 50; tries--)
            random_node(&graph);
        random_border(&graph);
        assert_int_equal(tenon_graph_verify(&graph, NULL), TENON_OK);
        assert_survives_text(&graph);
        nodes += graph.node_count;
        for (uint32_t n = 0; n < graph.node_count; n++)
            used[graph.nodes[n].op]++;
        tenon_arena_finish(&arena);
    }
    for (int op = 0; op < TENON_OP_COUNT; op++)
        distinct += used[op] != 0;
    print_message("%d graphs, %u nodes, %u operators\n", GRAPHS, nodes, distinct);
    assert_true(nodes > 3 * GRAPHS && distinct >= 20);
}

/* ---- models ---- */

static unsigned models_read, models_refused;

static void check_model(struct tenon_span bytes) {
    for (int i = 0; tenon_frontends[i] != NULL; i++) {
        struct tenon_arena arena;
        struct tenon_graph graph;
        if (!tenon_frontends[i]->recognizes(bytes))
            continue;
        tenon_arena_init(&arena, 0);
        tenon_graph_init(&graph, &arena);
        if (tenon_frontends[i]->import(bytes, &graph, NULL, NULL) == TENON_OK) {
            assert_survives_text(&graph);
            models_read++;
        } else {
            models_refused++;
        }
        tenon_arena_finish(&arena);
    }
}

static int visit(const char *path, const struct stat *info, int kind, struct FTW *place) {
    struct tenon_mapping mapping;
    size_t size = strlen(path);
    (void)info;
    (void)place;
    if (kind != FTW_F || size < 7 || strcmp(path + size - 7, ".tflite") != 0)
        return 0;
    assert_int_equal(tenon_mapping_open(&mapping, path, NULL), TENON_OK);
    check_model(mapping.bytes);
    tenon_mapping_close(&mapping);
    return 0;
}

static void models_survive_text(void **state) {
    char path[512];
    (void)state;
    snprintf(path, sizeof(path), "%s/examples", getenv("TENON_SOURCE"));
    nftw(path, visit, 16, FTW_PHYS);
    assert_true(models_read >= 1);
    const char *shared = getenv("TENON_SHARED");
    snprintf(path, sizeof(path), "%s/models", shared != NULL ? shared : "");
    if (shared == NULL || nftw(path, visit, 16, FTW_PHYS) != 0) {
        print_message("SKIP: %s is not here: the models of others are not read\n", path);
        return;
    }
    snprintf(path, sizeof(path), "%s/corpora", shared);
    nftw(path, visit, 16, FTW_PHYS);
    print_message("%u models read, %u refused\n", models_read, models_refused);
    assert_true(models_read >= 9);
}

/* ---- locale ---- */

static const char halves[] =
    "tenon 1\ngraph \"\" \"\"\n"
    "%0 \"a\" = input i8 2 scale [0.5, 7.62939453e-06] zero [0, 0] axis 0\n"
    "%2 \"c\" = input f32 2\n"
    "%1 \"b\" f32 2 = leaky_relu \"b\" none (%2) {alpha=0.125}\n"
    "inputs %0, %2\noutputs %1\n";

static void check_points(void) {
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_strbuf text;
    tenon_arena_init(&arena, 0);
    tenon_strbuf_init(&text);
    struct tenon_span span = {(const uint8_t *)halves, strlen(halves)};
    assert_int_equal(tenon_ir_parse(span, &arena, &graph, NULL), TENON_OK);
    assert_true(graph.tensors[0].desc.quant.scale[1] == 0x1p-17f);
    tenon_ir_print(&graph, &text);
    assert_string_equal(text.data, halves);
    tenon_strbuf_finish(&text);
    tenon_arena_finish(&arena);
}

static bool set_comma_locale(const char *folder) {
    char command[256];
    snprintf(command, sizeof(command),
             "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", folder);
    setenv("LOCPATH", folder, 1);
    bool made = system(command) == 0 && setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL;
    unsetenv("LOCPATH");
    return made;
}

static void assert_comma(void) {
    char text[8];
    snprintf(text, sizeof(text), "%.1f", 0.5);
    assert_string_equal(text, "0,5");
}

static void a_decimal_comma_changes_nothing(void **state) {
    char folder[] = "/tmp/tenon-test-ir-XXXXXX", command[64];
    (void)state;
    check_points();
    assert_non_null(mkdtemp(folder));
    bool made = set_comma_locale(folder);
    if (made) {
        assert_comma();
        check_points();
        assert_comma(); /* the thread's locale is as it was */
    }
    setlocale(LC_NUMERIC, "C");
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    if (!made) {
        print_message("SKIP: no locale with a decimal comma (needs localedef and de_DE)\n");
        skip();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_survive_text),
        cmocka_unit_test(models_survive_text),
        cmocka_unit_test(a_decimal_comma_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
