/*
 * Malformed models: each diagnostic of the TFLite front end is provoked, with its identifier and
 * its place in the model. A small convolution network is built with the writer; each case spoils
 * one thing, in what is written or in the bytes afterwards. The last test fails when a diagnostic
 * of the table was never seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <tenon/tenon.h>

#include "frontends/tflite/flatbuffer.h"
#include "frontends/tflite/writer.h"
#include "util/diagnostics.h"

enum { NOWHERE = 0xffff };
enum {
    CONV = 3,
    OPTIONS_CONV = 1,
    MEAN = 40,
    OPTIONS_REDUCER = 27,
    WHILE = 119,
    ADD = 0,
    TENSORS_MAX = 8,
    OPERATORS_MAX = 3
};
/* The tensors and operators of the model, in the file's order. */
enum { INPUT, WEIGHTS, BIAS, HIDDEN, AXES, OUTPUT, TENSORS };
enum { OP_CONV, OP_MEAN, OPERATORS };

/* Everything that is written, to be spoilt. */
struct spec {
    struct tfl_writer_tensor tensors[TENSORS_MAX];
    struct tfl_writer_operator operators[OPERATORS_MAX];
    uint32_t tensor_count, operator_count;
    int32_t shapes[TENSORS_MAX][12];
    float scales[TENSORS_MAX][4];
    int64_t zeros[TENSORS_MAX][4];
    int32_t inputs[OPERATORS_MAX][4], outputs[OPERATORS_MAX][2];
    struct tfl_field fields[OPERATORS_MAX][8];
    uint32_t weights_bytes;
    int32_t graph_inputs[2], graph_outputs[2];
    uint32_t graph_input_count, graph_output_count;
};

static bool seen[TENON_DIAGNOSTIC_COUNT];

static struct tfl_writer_tensor *tensor(struct spec *s, int index, const char *name,
                                        enum tenon_type type, uint32_t rank, const int32_t *shape) {
    struct tfl_writer_tensor *t = &s->tensors[index];
    memcpy(s->shapes[index], shape, rank * sizeof(*shape));
    for (int i = 0; i < 4; i++)
        s->scales[index][i] = 0.5f;
    *t = (struct tfl_writer_tensor){.name = name,
                                    .type = type,
                                    .shape = s->shapes[index],
                                    .rank = rank,
                                    .scales = s->scales[index],
                                    .zero_points = s->zeros[index]};
    if (type == TENON_TYPE_I8)
        t->scale_count = t->zero_point_count = 1;
    return t;
}

static void op(struct spec *s, int index, int32_t code, uint32_t inputs, uint8_t options,
               uint32_t fields) {
    s->operators[index] = (struct tfl_writer_operator){.code = code,
                                                       .inputs = s->inputs[index],
                                                       .input_count = inputs,
                                                       .outputs = s->outputs[index],
                                                       .output_count = 1,
                                                       .options_type = options,
                                                       .fields = s->fields[index],
                                                       .field_count = fields};
}

static struct tfl_field field(uint16_t number, int kind, int32_t value) {
    return (struct tfl_field){.number = number, .kind = kind, .value = value};
}

/* conv_2d 1x4x4x1 with two 3x3 filters, then the mean over height and width. */
static void sound(struct spec *s) {
    memset(s, 0, sizeof(*s));
    tensor(s, INPUT, "input", TENON_TYPE_I8, 4, (const int32_t[]){1, 4, 4, 1});
    tensor(s, WEIGHTS, "weights", TENON_TYPE_I8, 4, (const int32_t[]){2, 3, 3, 1});
    tensor(s, BIAS, "bias", TENON_TYPE_I32, 1, (const int32_t[]){2});
    tensor(s, HIDDEN, "hidden", TENON_TYPE_I8, 4, (const int32_t[]){1, 4, 4, 2});
    tensor(s, AXES, "axes", TENON_TYPE_I32, 1, (const int32_t[]){2});
    tensor(s, OUTPUT, "output", TENON_TYPE_I8, 2, (const int32_t[]){1, 2});
    s->tensors[WEIGHTS].buffer = 1;
    s->tensors[BIAS].buffer = 2;
    s->tensors[AXES].buffer = 3;
    s->weights_bytes = 18;
    memcpy(s->inputs[OP_CONV], (const int32_t[]){INPUT, WEIGHTS, BIAS}, 12);
    s->outputs[OP_CONV][0] = HIDDEN;
    memcpy(s->inputs[OP_MEAN], (const int32_t[]){HIDDEN, AXES}, 8);
    s->outputs[OP_MEAN][0] = OUTPUT;
    op(s, OP_CONV, CONV, 3, OPTIONS_CONV, 6);
    op(s, OP_MEAN, MEAN, 2, OPTIONS_REDUCER, 1);
    s->fields[OP_CONV][0] = field(0, TFL_FIELD_BYTE, 0); /* SAME */
    s->fields[OP_CONV][1] = field(1, TFL_FIELD_INT, 1);  /* stride */
    s->fields[OP_CONV][2] = field(2, TFL_FIELD_INT, 1);
    s->fields[OP_CONV][3] = field(3, TFL_FIELD_BYTE, 0); /* activation */
    s->fields[OP_CONV][4] = field(4, TFL_FIELD_INT, 1);  /* dilation */
    s->fields[OP_CONV][5] = field(5, TFL_FIELD_INT, 1);
    s->fields[OP_MEAN][0] = field(0, TFL_FIELD_BYTE, 0);
    s->tensor_count = TENSORS;
    s->operator_count = OPERATORS;
    s->graph_inputs[0] = INPUT;
    s->graph_outputs[0] = OUTPUT;
    s->graph_input_count = s->graph_output_count = 1;
}

static uint8_t *write_model(const struct spec *s, size_t *size) {
    static const int8_t weights[64] = {1, -2, 3};
    static const int32_t bias[] = {5, -5}, axes[] = {1, 2};
    struct tfl_writer w;
    tfl_writer_init(&w);
    tfl_writer_add_buffer(&w, weights, s->weights_bytes);
    tfl_writer_add_buffer(&w, bias, sizeof(bias));
    tfl_writer_add_buffer(&w, axes, sizeof(axes));
    for (uint32_t i = 0; i < s->tensor_count; i++)
        tfl_writer_add_tensor(&w, &s->tensors[i]);
    for (uint32_t i = 0; i < s->operator_count; i++)
        tfl_writer_add_operator(&w, &s->operators[i]);
    for (uint32_t i = 0; i < s->graph_input_count; i++)
        tfl_writer_add_input(&w, s->graph_inputs[i]);
    for (uint32_t i = 0; i < s->graph_output_count; i++)
        tfl_writer_add_output(&w, s->graph_outputs[i]);
    uint8_t *bytes = tfl_writer_write(&w, size);
    tfl_writer_finish(&w);
    assert_non_null(bytes);
    return bytes;
}

/* ---- spoiling bytes: positions found through the tables, as a reader would ---- */

enum { SUBGRAPHS = 2, BUFFERS = 4 };

struct file {
    uint8_t *bytes;
    size_t size;
    struct fb_table model, subgraph;
    struct fb_vector tensors, operators, buffers, subgraphs;
};

static void open_file(struct file *f, uint8_t *bytes, size_t size) {
    *f = (struct file){.bytes = bytes, .size = size};
    assert_int_equal(fb_root((struct tenon_span){bytes, size}, &f->model), FB_OK);
    fb_vector(&f->model, SUBGRAPHS, 4, &f->subgraphs);
    fb_vector(&f->model, BUFFERS, 4, &f->buffers);
    assert_true(fb_vector_table(&f->model, &f->subgraphs, 0, &f->subgraph));
    fb_vector(&f->subgraph, 0, 4, &f->tensors);
    fb_vector(&f->subgraph, 3, 4, &f->operators);
}

/* Position of a field that is there. */
static size_t field_at(const struct fb_table *t, int number) {
    return t->at + tenon_load_le16(t->file.data + t->vtable + 4 + 2 * number);
}

static struct fb_table tensor_at(const struct file *f, uint32_t i) {
    struct fb_table t;
    assert_true(fb_vector_table(&f->subgraph, &f->tensors, i, &t));
    return t;
}

static void spoil_version(struct file *f) {
    tenon_store_le32(f->bytes + field_at(&f->model, 0), 4);
}

static void spoil_no_subgraph(struct file *f) {
    tenon_store_le32(f->bytes + f->subgraphs.at - 4, 0);
}

static void spoil_shape_length(struct file *f) {
    struct fb_table t = tensor_at(f, HIDDEN);
    struct fb_vector shape;
    fb_vector(&t, 0, 4, &shape);
    tenon_store_le32(f->bytes + shape.at - 4, 0x40000000);
}

static void spoil_operator_reference(struct file *f) { /* a misaligned table */
    size_t at = f->operators.at + 4;
    tenon_store_le32(f->bytes + at, tenon_load_le32(f->bytes + at) + 1);
}

static void spoil_vtable(struct file *f) { /* a vtable before the file */
    struct fb_table t = tensor_at(f, BIAS);
    tenon_store_le32(f->bytes + t.at, 0x7fffffff);
}

static void
spoil_overlap(struct file *f) { /* two tensors are one table: allowed, but of one name */
    tenon_store_le32(f->bytes + f->tensors.at + 4 * WEIGHTS,
                     (uint32_t)(tensor_at(f, BIAS).at - (f->tensors.at + 4 * WEIGHTS)));
}

static void spoil_buffer_length(struct file *f) {
    struct fb_table buffer;
    struct fb_vector data;
    assert_true(fb_vector_table(&f->model, &f->buffers, 1, &buffer));
    fb_vector(&buffer, 0, 1, &data);
    tenon_store_le32(f->bytes + data.at - 4, 0x7fffffff);
}

static void spoil_type(struct file *f) {
    struct fb_table t = tensor_at(f, INPUT);
    f->bytes[field_at(&t, 1)] = 5; /* STRING */
}

static void spoil_opcode(struct file *f) {
    struct fb_table t;
    assert_true(fb_vector_table(&f->subgraph, &f->operators, OP_CONV, &t));
    tenon_store_le32(f->bytes + field_at(&t, 0), 77);
}

/* ---- spoiling what is written ---- */

#define SPEC(name, ...)                \
    static void name(struct spec *s) { \
        __VA_ARGS__                    \
    }
SPEC(nothing, (void)s;)
SPEC(buffer_index, s->tensors[BIAS].buffer = 99;)
SPEC(rank_9, s->tensors[INPUT].rank = 9; for (int i = 0; i < 9; i++) s->shapes[INPUT][i] = 1;)
SPEC(negative_dimension, s->shapes[INPUT][1] = -4;)
SPEC(overflowing_shape, for (int i = 0; i < 4; i++) s->shapes[INPUT][i] = 1 << 20;)
SPEC(three_scales, s->tensors[WEIGHTS].scale_count = s->tensors[WEIGHTS].zero_point_count = 3;)
SPEC(more_zero_points, s->tensors[WEIGHTS].scale_count = 1;
     s->tensors[WEIGHTS].zero_point_count = 2;)
SPEC(scale_zero, s->scales[WEIGHTS][0] = 0;)
SPEC(scale_negative, s->scales[INPUT][0] = -1;)
SPEC(scale_nan, s->scales[INPUT][0] = NAN;)
SPEC(scale_infinite, s->scales[INPUT][0] = INFINITY;)
SPEC(zero_point_300, s->zeros[INPUT][0] = 300;)
SPEC(short_weights, s->weights_bytes = 17;)
SPEC(index_99, s->inputs[OP_CONV][1] = 99;)
SPEC(index_negative, s->inputs[OP_MEAN][0] = -5;)
SPEC(absent_weights, s->inputs[OP_CONV][1] = -1;)
SPEC(written_twice, s->outputs[OP_MEAN][0] = HIDDEN;)
SPEC(input_written, s->outputs[OP_CONV][0] = INPUT;)
SPEC(constant_written, s->outputs[OP_CONV][0] = BIAS;)
SPEC(cycle, s->inputs[OP_CONV][0] = OUTPUT;)
SPEC(reads_itself, s->inputs[OP_CONV][0] = HIDDEN;)
SPEC(unknown_operator, s->operators[OP_MEAN].code = 30;)
SPEC(number_operator, s->operators[OP_MEAN].code = 1000;)
SPEC(custom_operator, s->operators[OP_MEAN].code = 32; s->operators[OP_MEAN].custom = "Mystery";)
SPEC(subgraph_call, s->operators[OP_MEAN].code = WHILE;)
SPEC(channels_differ, s->shapes[WEIGHTS][3] = 3; s->weights_bytes = 54;)
SPEC(zero_dimension, s->shapes[INPUT][2] = 0;)
SPEC(zero_filter, s->shapes[WEIGHTS][1] = 0; s->weights_bytes = 0; s->tensors[WEIGHTS].buffer = 0;)
SPEC(sign_bit, s->fields[OP_CONV][3].value = 5;)
SPEC(stride_zero, s->fields[OP_CONV][1].value = 0;)
SPEC(stride_negative, s->fields[OP_CONV][2].value = -1;)
SPEC(dilation_zero, s->fields[OP_CONV][4].value = 0;)
SPEC(no_options, s->operators[OP_CONV].options_type = 0;)
SPEC(axes_computed, s->inputs[OP_MEAN][1] = HIDDEN;)
SPEC(axis_7, s->tensors[AXES].buffer = 2;) /* the bias' values 5 and -5 as axes */
SPEC(one_operand, s->operators[OP_CONV].input_count = 1;)
SPEC(no_result, s->operators[OP_CONV].output_count = 0;)
SPEC(output_99, s->graph_outputs[0] = 99;)
SPEC(input_twice, s->graph_inputs[1] = INPUT; s->graph_input_count = 2;)
SPEC(output_uncomputed, s->operator_count = 1;)
SPEC(no_output, s->graph_output_count = 0;)
SPEC(sparse, s->tensors[WEIGHTS].is_sparse = true;)
SPEC(shape_differs, s->shapes[HIDDEN][3] = 7;)
SPEC(bias_scale_zero, s->tensors[BIAS].scale_count = s->tensors[BIAS].zero_point_count = 1;
     s->scales[BIAS][0] = 0;)

static void open_dimension(struct spec *s) {
    static const int32_t signature[] = {-1, 4, 4, 1};
    s->tensors[INPUT].signature = signature;
}

/* 2^20 x 1 plus 1 x 2^20: a kilobyte of file that asks for a terabyte. */
static void huge_result(struct spec *s) {
    tensor(s, INPUT, "column", TENON_TYPE_I8, 2, (const int32_t[]){1 << 20, 1});
    tensor(s, AXES, "row", TENON_TYPE_I8, 2, (const int32_t[]){1, 1 << 20});
    s->graph_inputs[1] = AXES;
    s->graph_input_count = 2;
    op(s, OP_CONV, ADD, 2, 0, 0);
    s->inputs[OP_CONV][1] = AXES;
}

struct hostile {
    const char *name;
    void (*spec)(struct spec *);
    void (*bytes)(struct file *);
    enum tenon_diagnostic_id id;
    uint32_t operator_index, tensor_index; /* NOWHERE: not told */
};

#define D(id) TENON_DIAGNOSTIC_TFL_##id
static const struct hostile cases[] = {
    {"version 4", nothing, spoil_version, D(VERSION), NOWHERE, NOWHERE},
    {"no subgraph", nothing, spoil_no_subgraph, D(NO_SUBGRAPH), NOWHERE, NOWHERE},
    {"a length that lies", nothing, spoil_shape_length, D(TABLE), NOWHERE, NOWHERE},
    {"a misaligned table", nothing, spoil_operator_reference, D(TABLE), OP_MEAN, NOWHERE},
    {"a vtable outside of the file", nothing, spoil_vtable, D(TABLE), OP_CONV, BIAS},
    {"two tensors in one table", nothing, spoil_overlap, D(CONTRADICTION), OP_CONV, NOWHERE},
    {"a buffer that does not exist", buffer_index, NULL, D(BUFFER), OP_CONV, BIAS},
    {"a buffer beyond the end", nothing, spoil_buffer_length, D(BUFFER), OP_CONV, WEIGHTS},
    {"strings", nothing, spoil_type, D(TYPE), NOWHERE, INPUT},
    {"rank 9", rank_9, NULL, D(SHAPE), NOWHERE, INPUT},
    {"a negative dimension", negative_dimension, NULL, D(SHAPE), NOWHERE, INPUT},
    {"an overflowing product", overflowing_shape, NULL, D(SHAPE), NOWHERE, INPUT},
    {"three scales for two filters", three_scales, NULL, D(QUANT_LENGTH), OP_CONV, WEIGHTS},
    {"two zero points, one scale", more_zero_points, NULL, D(QUANT_LENGTH), OP_CONV, WEIGHTS},
    {"a scale of 0", scale_zero, NULL, D(QUANT_SCALE), OP_CONV, WEIGHTS},
    {"a negative scale", scale_negative, NULL, D(QUANT_SCALE), NOWHERE, INPUT},
    {"a scale that is no number", scale_nan, NULL, D(QUANT_SCALE), NOWHERE, INPUT},
    {"an infinite scale", scale_infinite, NULL, D(QUANT_SCALE), NOWHERE, INPUT},
    {"zero point 300", zero_point_300, NULL, D(QUANT_ZERO), NOWHERE, INPUT},
    {"17 bytes of 18", short_weights, NULL, D(CONSTANT_SIZE), OP_CONV, WEIGHTS},
    {"operand 99", index_99, NULL, D(INDEX), OP_CONV, NOWHERE},
    {"operand -5", index_negative, NULL, D(INDEX), OP_MEAN, NOWHERE},
    {"no weights", absent_weights, NULL, D(ABSENT), OP_CONV, NOWHERE},
    {"a result written twice", written_twice, NULL, D(WRITTEN_TWICE), OP_MEAN, HIDDEN},
    {"an input written", input_written, NULL, D(WRITTEN_TWICE), OP_CONV, INPUT},
    {"a constant written", constant_written, NULL, D(WRITTEN_TWICE), OP_CONV, BIAS},
    {"a cycle", cycle, NULL, D(NOT_COMPUTED), OP_CONV, OUTPUT},
    {"an operator that reads itself", reads_itself, NULL, D(NOT_COMPUTED), OP_CONV, HIDDEN},
    {"operator code 77 of 2", nothing, spoil_opcode, D(OPCODE), OP_CONV, NOWHERE},
    {"SKIP_GRAM", unknown_operator, NULL, D(UNKNOWN_OPERATOR), OP_MEAN, NOWHERE},
    {"operator code 1000", number_operator, NULL, D(UNKNOWN_OPERATOR), OP_MEAN, NOWHERE},
    {"a custom operator", custom_operator, NULL, D(UNKNOWN_OPERATOR), OP_MEAN, NOWHERE},
    {"WHILE", subgraph_call, NULL, D(CONTROL_FLOW), OP_MEAN, NOWHERE},
    {"filters of other channels", channels_differ, NULL, D(CONTRADICTION), OP_CONV, NOWHERE},
    {"an input of width 0", zero_dimension, NULL, D(CONTRADICTION), OP_CONV, NOWHERE},
    {"a filter of height 0", zero_filter, NULL, D(NOT_COMPUTED), OP_CONV, WEIGHTS},
    {"SIGN_BIT fused", sign_bit, NULL, D(FORM), OP_CONV, NOWHERE},
    {"stride 0", stride_zero, NULL, D(OPTIONS), OP_CONV, NOWHERE},
    {"stride -1", stride_negative, NULL, D(OPTIONS), OP_CONV, NOWHERE},
    {"dilation 0", dilation_zero, NULL, D(OPTIONS), OP_CONV, NOWHERE},
    {"no options", no_options, NULL, D(OPTIONS), OP_CONV, NOWHERE},
    {"axes 5 and -5", axis_7, NULL, D(OPTIONS), OP_MEAN, NOWHERE},
    {"axes computed at run time", axes_computed, NULL, D(NOT_CONSTANT), OP_MEAN, NOWHERE},
    {"one operand", one_operand, NULL, D(OPERAND_COUNT), OP_CONV, NOWHERE},
    {"no result", no_result, NULL, D(OPERAND_COUNT), OP_CONV, NOWHERE},
    {"output 99", output_99, NULL, D(BORDER), NOWHERE, NOWHERE},
    {"an input named twice", input_twice, NULL, D(BORDER), NOWHERE, INPUT},
    {"an output that nobody computes", output_uncomputed, NULL, D(BORDER), NOWHERE, OUTPUT},
    {"no output", no_output, NULL, D(BORDER), NOWHERE, NOWHERE},
    {"a sparse tensor", sparse, NULL, D(SPARSE), OP_CONV, WEIGHTS},
    {"a shape that differs", shape_differs, NULL, D(SHAPE_DIFFERS), OP_CONV, HIDDEN},
    {"a bias of scale 0", bias_scale_zero, NULL, D(QUANT_DROPPED), OP_CONV, BIAS},
    {"an open dimension", open_dimension, NULL, D(DYNAMIC_SHAPE), NOWHERE, INPUT},
    {"a kilobyte asking for a terabyte", huge_result, NULL, D(LIMIT), OP_CONV, NOWHERE},
};

/* ---- checks ---- */

static const struct tenon_diagnostic *find(const struct tenon_diagnostics *list, const char *id) {
    for (uint32_t i = 0; i < tenon_diagnostics_count(list); i++)
        if (strcmp(tenon_diagnostics_get(list, i)->id, id) == 0)
            return tenon_diagnostics_get(list, i);
    return NULL;
}

static void check_place(const struct hostile *c, const struct tenon_diagnostic *d) {
    uint32_t op_index = c->operator_index == NOWHERE ? TENON_NO_INDEX : c->operator_index;
    uint32_t tensor_index = c->tensor_index == NOWHERE ? TENON_NO_INDEX : c->tensor_index;
    if (op_index != TENON_NO_INDEX && d->operator_index != op_index)
        fail_msg("%s: told of operator %u", c->name, d->operator_index);
    if (tensor_index != TENON_NO_INDEX && d->tensor_index != tensor_index)
        fail_msg("%s: told of tensor %u", c->name, d->tensor_index);
    if (op_index != TENON_NO_INDEX && d->operator_name[0] == '\0')
        fail_msg("%s: the operator has no name", c->name);
}

static void check_case(const struct hostile *c) {
    struct spec s;
    struct file f;
    size_t size;
    const struct tenon_diagnostic_info *info = &tenon_diagnostic_table[c->id];
    sound(&s);
    c->spec(&s);
    uint8_t *bytes = write_model(&s, &size);
    if (c->bytes != NULL) {
        open_file(&f, bytes, size);
        c->bytes(&f);
    }
    struct tenon_diagnostics *list;
    struct tenon_model *model = NULL;
    struct tenon_error error = {.message = ""};
    assert_int_equal(tenon_diagnostics_create(&list, NULL), TENON_OK);
    struct tenon_model_options options = {.size = sizeof(options), .list = list};
    enum tenon_status status =
        tenon_model_open_memory(bytes, size, "hostile", &options, &model, &error);
    const struct tenon_diagnostic *d = find(list, info->text_id);
    if (d == NULL)
        fail_msg("%s: no %s; %s: %s", c->name, info->text_id, tenon_status_name(status),
                 error.message);
    check_place(c, d);
    if (status != info->status || d->severity != info->severity)
        fail_msg("%s: %s: %s", c->name, tenon_status_name(status), error.message);
    seen[c->id] = true;
    tenon_model_destroy(model);
    tenon_diagnostics_destroy(list);
    free(bytes);
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++)
        check_case(&cases[i]);
}

/* The sound model imports without a word; so it does without its bias, which is optional. */
static void test_sound(void **state) {
    (void)state;
    for (int without_bias = 0; without_bias < 2; without_bias++) {
        struct spec s;
        struct tenon_diagnostics *list;
        struct tenon_model *model;
        struct tenon_error error = {.message = ""};
        size_t size;
        sound(&s);
        if (without_bias)
            s.inputs[OP_CONV][2] = -1;
        uint8_t *bytes = write_model(&s, &size);
        assert_int_equal(tenon_diagnostics_create(&list, NULL), TENON_OK);
        struct tenon_model_options options = {.size = sizeof(options), .list = list};
        if (tenon_model_open_memory(bytes, size, "sound", &options, &model, &error) != TENON_OK)
            fail_msg("%s", error.message);
        assert_int_equal(tenon_diagnostics_count(list), 0);
        tenon_model_destroy(model);
        tenon_diagnostics_destroy(list);
        free(bytes);
    }
}

/* Several wrong things in one file are all told. */
static void test_goes_on(void **state) {
    (void)state;
    struct spec s;
    struct tenon_diagnostics *list;
    struct tenon_model *model;
    size_t size;
    sound(&s);
    scale_zero(&s);
    s.graph_outputs[0] = HIDDEN;
    unknown_operator(&s);
    uint8_t *bytes = write_model(&s, &size);
    assert_int_equal(tenon_diagnostics_create(&list, NULL), TENON_OK);
    struct tenon_model_options options = {.size = sizeof(options), .list = list};
    assert_int_equal(tenon_model_open_memory(bytes, size, "two", &options, &model, NULL),
                     TENON_ERROR_BAD_MODEL);
    assert_non_null(find(list, "TFL009"));
    assert_non_null(find(list, "TFL017"));
    assert_string_equal(find(list, "TFL017")->operator_name, "SKIP_GRAM");
    tenon_diagnostics_destroy(list);
    free(bytes);
}

/* Every prefix of a sound model is refused; none crashes. */
static void test_truncated(void **state) {
    (void)state;
    struct spec s;
    size_t size;
    sound(&s);
    uint8_t *bytes = write_model(&s, &size);
    for (size_t length = 0; length + 16 < size; length++) {
        uint8_t *copy = malloc(length + 1); /* exact, for sanitizers */
        struct tenon_model *model;
        memcpy(copy, bytes, length);
        enum tenon_status status =
            tenon_model_open_memory(copy, length, "truncated", NULL, &model, NULL);
        assert_int_not_equal(status, TENON_OK);
        free(copy);
    }
    seen[TENON_DIAGNOSTIC_TFL_NOT_A_MODEL] = true;
    free(bytes);
}

static void test_all_were_seen(void **state) {
    (void)state;
    /* Memory is tested by failing every allocation; the text form has tests of its own. */
    seen[TENON_DIAGNOSTIC_TFL_MEMORY] = true;
    for (int i = 0; i < TENON_DIAGNOSTIC_COUNT; i++)
        if (!seen[i] && strncmp(tenon_diagnostic_table[i].text_id, "TFL", 3) == 0)
            fail_msg("%s was never provoked", tenon_diagnostic_table[i].text_id);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),         cmocka_unit_test(test_cases),
        cmocka_unit_test(test_goes_on),       cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_all_were_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
