/*
 * The integer vectors of CMSIS-NN's unit tests against the reference kernels, exactly. Their cases
 * state multipliers and ranges instead of scales and activations, so linear operators run through
 * the forms that take them (op/linear.h); elsewhere a float scale gives the very multiplier.
 *
 * Prints run, passed and unsupported per operator. Exit status 77 (skipped, by name and count)
 * where the data is absent; 1 on any mismatch, or when fewer than all cases pass.
 */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op/linear.h"
#include "op/lstm.h"
#include "support/call_builder.h"

enum { SKIPPED = 77, EXPECTED = 87, TENSORS_MAX = 32, NAME_MAX_BYTES = 128, CHANNELS_MAX = 512 };

/* A case.json and the raw files beside it. */
struct cmsis_case {
    char folder[512], name[NAME_MAX_BYTES];
    json_t *root;
    struct {
        void *data;
        size_t count;
    } tensors[TENSORS_MAX];
    int tensor_count;
};

static bool case_open(struct cmsis_case *c, const char *parent, const char *name) {
    char path[1024];
    memset(c, 0, sizeof(*c));
    snprintf(c->folder, sizeof(c->folder), "%s/%s", parent, name);
    snprintf(c->name, sizeof(c->name), "%.*s", NAME_MAX_BYTES - 1, name);
    snprintf(path, sizeof(path), "%s/case.json", c->folder);
    c->root = json_load_file(path, 0, NULL);
    return c->root != NULL;
}

static void case_close(struct cmsis_case *c) {
    for (int i = 0; i < c->tensor_count; i++)
        free(c->tensors[i].data);
    json_decref(c->root);
}

static json_t *case_define(const struct cmsis_case *c, const char *key) {
    char name[2 * NAME_MAX_BYTES];
    snprintf(name, sizeof(name), "%s_%s", c->name, key);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    return json_object_get(json_object_get(c->root, "defines"), name);
}

static int32_t number_or(const struct cmsis_case *c, const char *key, int32_t absent) {
    json_t *value = case_define(c, key);
    return json_is_integer(value) ? (int32_t)json_integer_value(value) : absent;
}

static int32_t number(const struct cmsis_case *c, const char *key) {
    if (!json_is_integer(case_define(c, key)))
        printf("%s lacks the number %s\n", c->name, key);
    return number_or(c, key, 0);
}

static bool flag(const struct cmsis_case *c, const char *key) {
    json_t *value = case_define(c, key);
    return json_is_string(value) && strcmp(json_string_value(value), "true") == 0;
}

static void *read_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    void *data = malloc(size + 1);
    if (file == NULL || data == NULL || fread(data, 1, size, file) != size) {
        free(data);
        data = NULL;
    }
    if (file != NULL)
        fclose(file);
    return data;
}

static size_t ctype_bytes(const char *ctype) {
    return strcmp(ctype, "int8_t") == 0 ? 1 : strcmp(ctype, "int16_t") == 0 ? 2 : 4;
}

/* A tensor by the ending of its name, or NULL where the case has none. *count may be NULL. */
static void *tensor(struct cmsis_case *c, const char *ending, size_t *count) {
    char name[2 * NAME_MAX_BYTES], path[1024];
    snprintf(name, sizeof(name), "%s_%s", c->name, ending);
    json_t *all = json_object_get(c->root, "tensors"), *row = json_object_get(all, name);
    for (int hops = 0; row == NULL && hops < 3; hops++) {
        json_t *alias = json_object_get(json_object_get(c->root, "aliases"), name);
        if (!json_is_string(alias))
            return NULL;
        snprintf(name, sizeof(name), "%s", json_string_value(alias));
        row = json_object_get(all, name);
    }
    if (row == NULL || c->tensor_count == TENSORS_MAX)
        return NULL;
    size_t elements = (size_t)json_integer_value(json_object_get(row, "count"));
    size_t size = elements * ctype_bytes(json_string_value(json_object_get(row, "ctype")));
    snprintf(path, sizeof(path), "%s/%s", c->folder,
             json_string_value(json_object_get(row, "file")));
    void *data = read_file(path, size);
    c->tensors[c->tensor_count].data = data;
    c->tensors[c->tensor_count++].count = elements;
    if (count != NULL)
        *count = elements;
    return data;
}

static void *tensor_of_two_names(struct cmsis_case *c, const char *a, const char *b) {
    void *data = tensor(c, a, NULL);
    return data != NULL ? data : tensor(c, b, NULL);
}

static struct tenon_multiplier multiplier(int32_t q, int32_t shift) {
    return (struct tenon_multiplier){
        .multiplier = q, .shift = shift, .real = ldexpf((float)q, shift - 31)};
}

static struct tenon_multiplier multiplier_of(const struct cmsis_case *c, const char *q,
                                             const char *shift) {
    return multiplier(number(c, q), number(c, shift));
}

/* The float of which TFLite derives this multiplier, when it has one. */
static float scale_of(const struct cmsis_case *c, int32_t q, int32_t exponent) {
    float scale = ldexpf((float)q, exponent - 31);
    if ((double)scale != ldexp((double)q, exponent - 31))
        printf("%s: no float scale gives the multiplier %d\n", c->name, q);
    return scale;
}

enum outcome { PASSED, MISMATCH, UNSUPPORTED };

static enum outcome failed(const struct cmsis_case *c, enum tenon_status status,
                           const struct tenon_error *error) {
    bool unsupported = status == TENON_ERROR_UNSUPPORTED;
    printf("%s %s: %s\n", unsupported ? "unsupported" : "FAIL", c->name, error->message);
    return unsupported ? UNSUPPORTED : MISMATCH;
}

static enum outcome compare(struct cmsis_case *c, const struct call_builder *b) {
    size_t count = 0;
    const int8_t *got = b->outputs[0].data, *want = tensor(c, "output_ref", &count);
    if (want == NULL)
        want = tensor(c, "output", &count);
    size_t have = tenon_desc_element_count(b->outputs[0].desc);
    if (want == NULL || count != have) {
        printf("FAIL %s: %zu elements, golden %zu\n", c->name, have, count);
        return MISMATCH;
    }
    size_t different = 0, first = 0;
    for (size_t i = 0; i < count; i++)
        if (got[i] != want[i] && different++ == 0)
            first = i;
    if (different == 0)
        return PASSED;
    printf("FAIL %s: %zu of %zu differ, first at %zu: %d, golden %d\n", c->name, different, count,
           first, got[first], want[first]);
    return MISMATCH;
}

static enum outcome run_reference(struct cmsis_case *c, struct call_builder *b) {
    struct tenon_error error = {0};
    enum tenon_status status = call_prepare(b, &error);
    if (status == TENON_OK)
        status = tenon_op_run_reference(&b->call, &error);
    return status == TENON_OK ? compare(c, b) : failed(c, status, &error);
}

typedef void linear_fn(const struct tenon_op_call *call, const struct tenon_epilogue *epilogue);

/* Runs with the multipliers of the case, one per channel or one for all, its range, and its zero
 * point, which one case has outside of the type. */
static enum outcome run_linear(struct cmsis_case *c, struct call_builder *b, linear_fn *run,
                               int32_t channels, const char *range) {
    static struct tenon_multiplier multipliers[CHANNELS_MAX];
    struct tenon_error error = {0};
    char low[64], high[64];
    const int32_t *q = tensor(c, "output_mult", NULL), *shift = tensor(c, "output_shift", NULL);
    for (int32_t i = 0; i < channels; i++)
        multipliers[i] = q != NULL && shift != NULL
                             ? multiplier(q[i], shift[i])
                             : multiplier_of(c, "OUTPUT_MULTIPLIER", "OUTPUT_SHIFT");
    enum tenon_status status = call_prepare(b, &error);
    if (status != TENON_OK)
        return failed(c, status, &error);
    struct tenon_epilogue epilogue;
    tenon_epilogue_init(&epilogue, &b->call, multipliers);
    snprintf(low, sizeof(low), "%s_MIN", range);
    snprintf(high, sizeof(high), "%s_MAX", range);
    epilogue.low = number(c, low);
    epilogue.high = number(c, high);
    epilogue.zero_point = number(c, "OUTPUT_OFFSET");
    run(&b->call, &epilogue);
    return compare(c, b);
}

static bool is_int4(const struct cmsis_case *c) {
    return strstr(c->name, "int4") != NULL;
}

static void add_bias(struct cmsis_case *c, struct call_builder *b, int32_t channels) {
    void *bias = tensor_of_two_names(c, "biases", "bias");
    if (bias != NULL)
        call_input(b, 2, TENON_TYPE_I32, call_shape(1, channels, 0, 0, 0), 0, 0, bias);
}

/* What is left to pad below and to the right. */
static int32_t pad_after(int32_t in, int32_t out, int32_t kernel, int32_t stride, int32_t dilation,
                         int32_t before) {
    int32_t after = (out - 1) * stride + (kernel - 1) * dilation + 1 - in - before;
    return after < 0 ? 0 : after;
}

static void add_window(const struct cmsis_case *c, struct call_builder *b,
                       const char *axis_names[2], const char *pad_names[2]) {
    int32_t pad[2], after[2], stride[2], dilation[2];
    for (int i = 0; i < 2; i++) {
        char filter_key[32], stride_key[32], dilation_key[32], in_key[32], out_key[32];
        snprintf(filter_key, sizeof(filter_key), "FILTER_%s", axis_names[i]);
        snprintf(stride_key, sizeof(stride_key), "STRIDE_%s", axis_names[i]);
        snprintf(dilation_key, sizeof(dilation_key), "DILATION_%s", axis_names[i]);
        snprintf(in_key, sizeof(in_key), "INPUT_%s", i == 0 ? "H" : "W");
        snprintf(out_key, sizeof(out_key), "OUTPUT_%s", i == 0 ? "H" : "W");
        stride[i] = number(c, stride_key);
        dilation[i] = number_or(c, dilation_key, 1);
        pad[i] = number(c, pad_names[i]);
        after[i] = pad_after(number(c, in_key), number(c, out_key), number(c, filter_key),
                             stride[i], dilation[i], pad[i]);
    }
    b->attrs.stride = call_list(2, stride[0], stride[1], 0, 0);
    b->attrs.dilation = call_list(2, dilation[0], dilation[1], 0, 0);
    b->attrs.pad = call_list(4, pad[0], pad[1], after[0], after[1]);
}

static void add_image(struct cmsis_case *c, struct call_builder *b) {
    struct tenon_shape shape = call_shape(4, number(c, "INPUT_BATCHES"), number(c, "INPUT_H"),
                                          number(c, "INPUT_W"), number(c, "IN_CH"));
    call_input(b, 0, TENON_TYPE_I8, shape, 1, -number(c, "INPUT_OFFSET"), tensor(c, "input", NULL));
    call_output(b, 0, TENON_TYPE_I8, 1, 0);
}

static enum outcome run_convolution(struct cmsis_case *c, struct call_builder *b) {
    bool depthwise = case_define(c, "CH_MULT") != NULL;
    int32_t channels = number(c, "OUT_CH"), h = number(c, "FILTER_Y"), w = number(c, "FILTER_X");
    call_builder_init(b, depthwise ? TENON_OP_DEPTHWISE_CONV_2D : TENON_OP_CONV_2D);
    add_image(c, b);
    add_window(c, b, (const char *[]){"Y", "X"}, (const char *[]){"PAD_Y", "PAD_X"});
    struct tenon_shape shape =
        depthwise ? call_shape(4, 1, h, w, channels)
                  : call_shape(4, channels, h, w, number_or(c, "FILTER_CH", number(c, "IN_CH")));
    call_input(b, 1, is_int4(c) ? TENON_TYPE_I4 : TENON_TYPE_I8, shape, 1, 0,
               tensor(c, "weights", NULL));
    add_bias(c, b, channels);
    return run_linear(c, b, depthwise ? tenon_depthwise_integer : tenon_conv_2d_integer, channels,
                      "OUT_ACTIVATION");
}

static enum outcome run_transpose_conv(struct cmsis_case *c, struct call_builder *b) {
    int32_t channels = number(c, "OUT_CH");
    call_builder_init(b, TENON_OP_TRANSPOSE_CONV_2D);
    add_image(c, b);
    b->attrs.stride = call_list(2, number(c, "STRIDE_Y"), number(c, "STRIDE_X"), 0, 0);
    b->attrs.pad = call_list(4, number(c, "PAD_Y"), number(c, "PAD_X"),
                             number(c, "PAD_Y_WITH_OFFSET"), number(c, "PAD_X_WITH_OFFSET"));
    b->attrs.shape = call_list(4, number(c, "INPUT_BATCHES"), number(c, "OUTPUT_H"),
                               number(c, "OUTPUT_W"), channels);
    call_input(
        b, 1, TENON_TYPE_I8,
        call_shape(4, channels, number(c, "FILTER_Y"), number(c, "FILTER_X"), number(c, "IN_CH")),
        1, 0, tensor(c, "weights", NULL));
    add_bias(c, b, channels);
    return run_linear(c, b, tenon_transpose_conv_integer, channels, "OUT_ACTIVATION");
}

static enum outcome run_fully_connected(struct cmsis_case *c, struct call_builder *b) {
    int32_t channels = number(c, "OUT_CH"), depth = number(c, "ACCUMULATION_DEPTH");
    call_builder_init(b, TENON_OP_FULLY_CONNECTED);
    call_input(b, 0, TENON_TYPE_I8, call_shape(2, number(c, "INPUT_BATCHES"), depth, 0, 0), 1,
               -number(c, "INPUT_OFFSET"), tensor(c, "input", NULL));
    call_input(b, 1, is_int4(c) ? TENON_TYPE_I4 : TENON_TYPE_I8,
               call_shape(2, channels, depth, 0, 0), 1, 0, tensor(c, "weights", NULL));
    add_bias(c, b, channels);
    call_output(b, 0, TENON_TYPE_I8, 1, 0);
    return run_linear(c, b, tenon_fully_connected_integer, channels, "OUT_ACTIVATION");
}

static enum outcome run_batch_matmul(struct cmsis_case *c, struct call_builder *b) {
    call_builder_init(b, TENON_OP_BATCH_MATMUL);
    b->attrs.adj_x = number(c, "ADJ_X");
    b->attrs.adj_y = number(c, "ADJ_Y");
    call_input(b, 0, TENON_TYPE_I8,
               call_shape(4, number(c, "LHS_BATCH"), number(c, "LHS_HEIGHT"), number(c, "LHS_ROWS"),
                          number(c, "LHS_COLS")),
               1, -number(c, "LHS_OFFSET"), tensor(c, "lhs_input_tensor", NULL));
    call_input(b, 1, TENON_TYPE_I8,
               call_shape(4, number(c, "RHS_BATCH"), number(c, "RHS_HEIGHT"), number(c, "RHS_ROWS"),
                          number(c, "RHS_COLS")),
               1, -number(c, "RHS_OFFSET"), tensor(c, "rhs_input_tensor", NULL));
    call_output(b, 0, TENON_TYPE_I8, 1, 0);
    return run_linear(c, b, tenon_batch_matmul_integer, 1, "ACTIVATION");
}

/* The ranges are those of no activation and of relu6 at a scale of 1. */
static enum outcome run_pool(struct cmsis_case *c, struct call_builder *b) {
    bool average = strncmp(c->name, "avg", 3) == 0;
    call_builder_init(b, average ? TENON_OP_AVERAGE_POOL_2D : TENON_OP_MAX_POOL_2D);
    call_input(b, 0, TENON_TYPE_I8,
               call_shape(4, number(c, "BATCH_SIZE"), number(c, "INPUT_H"), number(c, "INPUT_W"),
                          number(c, "INPUT_C")),
               1, 0, tensor(c, "input_tensor", NULL));
    call_output(b, 0, TENON_TYPE_I8, 1, 0);
    add_window(c, b, (const char *[]){"H", "W"}, (const char *[]){"PADDING_H", "PADDING_W"});
    b->attrs.dilation.count = 0;
    b->attrs.window = call_list(2, number(c, "FILTER_H"), number(c, "FILTER_W"), 0, 0);
    if (number(c, "ACTIVATION_MIN") == 0 && number(c, "ACTIVATION_MAX") == 6)
        b->attrs.activation = TENON_ACTIVATION_RELU6;
    return run_reference(c, b);
}

static enum outcome run_extreme(struct cmsis_case *c, struct call_builder *b) {
    bool maximum = strncmp(c->name, "maximum", 7) == 0;
    call_builder_init(b, maximum ? TENON_OP_MAXIMUM : TENON_OP_MINIMUM);
    call_input(b, 0, TENON_TYPE_I8,
               call_shape(4, number(c, "BATCH_1"), number(c, "HEIGHT_1"), number(c, "WIDTH_1"),
                          number(c, "CHANNEL_1")),
               1, 0, tensor(c, "input_tensor_1", NULL));
    call_input(b, 1, TENON_TYPE_I8,
               call_shape(4, number(c, "BATCH_2"), number(c, "HEIGHT_2"), number(c, "WIDTH_2"),
                          number(c, "CHANNEL_2")),
               1, 0, tensor(c, "input_tensor_2", NULL));
    call_output(b, 0, TENON_TYPE_I8, 1, 0);
    return run_reference(c, b);
}

static enum outcome run_mul(struct cmsis_case *c, struct call_builder *b) {
    size_t count = 0;
    void *left = tensor(c, "input1", &count), *right = tensor(c, "input2", NULL);
    struct tenon_shape shape = call_shape(1, (int32_t)count, 0, 0, 0);
    float scale = scale_of(c, number(c, "OUTPUT_MULT"), number(c, "OUTPUT_SHIFT"));
    call_builder_init(b, TENON_OP_MUL);
    call_input(b, 0, TENON_TYPE_I8, shape, scale, -number(c, "INPUT1_OFFSET"), left);
    call_input(b, 1, TENON_TYPE_I8, shape, 1, -number(c, "INPUT2_OFFSET"), right);
    call_output(b, 0, TENON_TYPE_I8, 1, number(c, "OUTPUT_OFFSET"));
    return run_reference(c, b);
}

/* TFLite PreprocessSoftmaxScaling: the multiplier is of scale * beta * 2^26. */
static enum outcome run_softmax(struct cmsis_case *c, struct call_builder *b) {
    float scale = scale_of(c, number(c, "INPUT_MULT"), number(c, "INPUT_LEFT_SHIFT") - 26);
    call_builder_init(b, TENON_OP_SOFTMAX);
    b->attrs.beta = 1;
    call_input(b, 0, TENON_TYPE_I8,
               call_shape(2, number(c, "NUM_ROWS"), number(c, "ROW_SIZE"), 0, 0), scale, 0,
               tensor(c, "input", NULL));
    call_output(b, 0, TENON_TYPE_I8, 1.0f / 256, -128);
    return run_reference(c, b);
}

/* The shapes are in the macros of config_data.h that case.json leaves out. */
static enum outcome run_transpose(struct cmsis_case *c, struct call_builder *b) {
    static const struct {
        const char *name;
        uint8_t rank;
        int32_t dims[4], perm[4];
    } rows[] = {
        {"transpose_3dim", 3, {5, 4, 20}, {0, 2, 1}},
        {"transpose_3dim2", 3, {5, 4, 20}, {1, 2, 0}},
        {"transpose_chwn", 4, {5, 4, 12, 17}, {3, 1, 2, 0}},
        {"transpose_matrix", 2, {5, 20}, {1, 0}},
        {"transpose_nchw", 4, {4, 9, 3, 19}, {0, 3, 1, 2}},
        {"transpose_ncwh", 4, {5, 4, 3, 9}, {0, 3, 2, 1}},
    };
    call_builder_init(b, TENON_OP_TRANSPOSE);
    for (size_t i = 0; i < TENON_COUNT_OF(rows); i++) {
        if (strcmp(c->name, rows[i].name) != 0)
            continue;
        const int32_t *d = rows[i].dims, *p = rows[i].perm;
        call_input(b, 0, TENON_TYPE_I8, call_shape(rows[i].rank, d[0], d[1], d[2], d[3]), 1, 0,
                   tensor(c, "input_tensor", NULL));
        b->attrs.perm = call_list(rows[i].rank, p[0], p[1], p[2], p[3]);
    }
    call_output(b, 0, TENON_TYPE_I8, 1, 0);
    return run_reference(c, b);
}

/* A sequence of inputs; the last output counts. */
static enum outcome run_svdf(struct cmsis_case *c, struct call_builder *b) {
    int32_t batches = number(c, "INPUT_BATCHES"), inputs = number(c, "INPUT_SIZE");
    int32_t filters = number(c, "FEATURE_BATCHES"), memory = number(c, "TIME_BATCHES");
    int32_t rank = number(c, "RANK");
    bool narrow = number(c, "IN_ACTIVATION_MAX") == INT8_MAX;
    enum tenon_type state = narrow ? TENON_TYPE_I8 : TENON_TYPE_I16;
    size_t count = 0, step = (size_t)(batches * inputs);
    int8_t *sequence = tensor(c, "input_sequence", &count);
    struct tenon_multiplier feature = multiplier_of(c, "MULTIPLIER_IN", "SHIFT_1");
    struct tenon_multiplier time = multiplier_of(c, "MULTIPLIER_OUT", "SHIFT_2");
    struct tenon_error error = {0};
    call_builder_init(b, TENON_OP_SVDF);
    b->attrs.rank = rank;
    call_input(b, 0, TENON_TYPE_I8, call_shape(2, batches, inputs, 0, 0), 1,
               -number(c, "INPUT_OFFSET"), sequence);
    call_input(b, 1, TENON_TYPE_I8, call_shape(2, filters, inputs, 0, 0), 1, 0,
               tensor(c, "weights_feature", NULL));
    call_input(b, 2, state, call_shape(2, filters, memory, 0, 0), 1, 0,
               tensor(c, "weights_time", NULL));
    call_input(b, 3, TENON_TYPE_I32, call_shape(1, filters / rank, 0, 0, 0), 0, 0,
               tensor(c, "biases", NULL));
    call_input(b, 4, state, call_shape(2, batches, memory * filters, 0, 0), 1, 0,
               tensor(c, "state", NULL));
    call_output(b, 0, TENON_TYPE_I8, 1, number(c, "OUTPUT_OFFSET"));
    enum tenon_status status = call_prepare(b, &error);
    if (status != TENON_OK)
        return failed(c, status, &error);
    for (size_t at = 0; at + step <= count; at += step) {
        b->inputs[0].data = sequence + at;
        tenon_svdf_integer(&b->call, &feature, &time);
    }
    return compare(c, b);
}

static struct tenon_multiplier gate_multiplier(const struct cmsis_case *c, const char *gate,
                                               const char *of) {
    char q[64], shift[64];
    snprintf(q, sizeof(q), "%s_GATE_%s_MULTIPLIER", gate, of);
    snprintf(shift, sizeof(shift), "%s_GATE_%s_SHIFT", gate, of);
    return multiplier_of(c, q, shift);
}

static void add_gate(struct cmsis_case *c, struct call_builder *b, uint32_t gate, const char *name,
                     int32_t inputs, int32_t cells) {
    char weights[64], recurrent[64], bias[64];
    snprintf(weights, sizeof(weights), "%s_gate_input_weights", name);
    snprintf(recurrent, sizeof(recurrent), "%s_gate_hidden_weights", name);
    snprintf(bias, sizeof(bias), "%s_gate_bias", name);
    call_input(b, 1 + gate, TENON_TYPE_I8, call_shape(2, cells, inputs, 0, 0), 1, 0,
               tensor(c, weights, NULL));
    call_input(b, 5 + gate, TENON_TYPE_I8, call_shape(2, cells, cells, 0, 0), 1, 0,
               tensor(c, recurrent, NULL));
    call_input(b, 12 + gate, TENON_TYPE_I32, call_shape(1, cells, 0, 0, 0), 0, 0,
               tensor(c, bias, NULL));
}

static struct tenon_lstm_integer lstm_parameters(const struct cmsis_case *c) {
    static const char *const gates[TENON_LSTM_GATES] = {"INPUT", "FORGET", "CELL", "OUTPUT"};
    struct tenon_lstm_integer p = {
        .forget_cell = multiplier_of(c, "FORGET_TO_CELL_MULTIPLIER", "FORGET_TO_CELL_SHIFT"),
        .input_cell = multiplier_of(c, "INPUT_TO_CELL_MULTIPLIER", "INPUT_TO_CELL_SHIFT"),
        .output = multiplier_of(c, "OUTPUT_MULTIPLIER", "OUTPUT_SHIFT"),
        .cell_power = number(c, "CELL_SCALE_POWER"),
        .cell_clip = number(c, "CELL_CLIP"),
    };
    for (int g = 0; g < TENON_LSTM_GATES; g++) {
        p.input[g] = gate_multiplier(c, gates[g], "INPUT");
        p.hidden[g] = gate_multiplier(c, gates[g], "HIDDEN");
    }
    return p;
}

/* The states start at the real value 0. */
static enum outcome run_lstm(struct cmsis_case *c, struct call_builder *b) {
    static const char *const gates[TENON_LSTM_GATES] = {"input", "forget", "cell", "output"};
    static int8_t hidden[CHANNELS_MAX];
    static int16_t cell[CHANNELS_MAX];
    int32_t batches = number(c, "BATCH_SIZE"), steps = number(c, "TIME_STEPS");
    int32_t inputs = number(c, "INPUT_SIZE"), cells = number(c, "HIDDEN_SIZE");
    int32_t zero = number(c, "OUTPUT_ZERO_POINT");
    struct tenon_error error = {0};
    memset(hidden, zero, sizeof(hidden));
    memset(cell, 0, sizeof(cell));
    call_builder_init(b, TENON_OP_LSTM);
    b->attrs.activation = TENON_ACTIVATION_TANH;
    b->attrs.time_major = flag(c, "TIME_MAJOR");
    call_input(b, 0, TENON_TYPE_I8,
               flag(c, "TIME_MAJOR") ? call_shape(3, steps, batches, inputs, 0)
                                     : call_shape(3, batches, steps, inputs, 0),
               1, -number(c, "INPUT_ZERO_POINT"), tensor(c, "input_tensor", NULL));
    for (uint32_t g = 0; g < TENON_LSTM_GATES; g++)
        add_gate(c, b, g, gates[g], inputs, cells);
    call_input(b, 18, TENON_TYPE_I8, call_shape(2, batches, cells, 0, 0), 1, zero, hidden);
    call_input(b, 19, TENON_TYPE_I16, call_shape(2, batches, cells, 0, 0),
               ldexpf(1, number(c, "CELL_SCALE_POWER")), 0, cell);
    call_output(b, 0, TENON_TYPE_I8, 1, zero);
    b->call.input_count = 24;
    enum tenon_status status = call_prepare(b, &error);
    if (status != TENON_OK)
        return failed(c, status, &error);
    struct tenon_lstm_integer parameters = lstm_parameters(c);
    tenon_lstm_integer(&b->call, &parameters);
    return compare(c, b);
}

typedef enum outcome run_fn(struct cmsis_case *c, struct call_builder *b);

/* By the start of a case's name; the first that fits. */
static const struct family {
    const char *start;
    run_fn *run;
} families[] = {
    {"avgpooling", run_pool},
    {"maxpooling", run_pool},
    {"batch_matmul", run_batch_matmul},
    {"fc_", run_fully_connected},
    {"fully_connected", run_fully_connected},
    {"lstm", run_lstm},
    {"maximum", run_extreme},
    {"minimum", run_extreme},
    {"mul", run_mul},
    {"reverse_transpose_conv", run_transpose_conv},
    {"softmax", run_softmax},
    {"svdf", run_svdf},
    {"transpose_conv", run_transpose_conv},
    {"transpose", run_transpose},
    {"", run_convolution},
};

struct tally {
    int run, passed, unsupported;
};

static void run_case(const char *parent, const char *name, struct tally *tallies) {
    static struct call_builder builder;
    struct cmsis_case c;
    if (!case_open(&c, parent, name)) {
        printf("FAIL %s: no case.json\n", name);
        return;
    }
    size_t f = 0;
    while (strncmp(name, families[f].start, strlen(families[f].start)) != 0)
        f++;
    enum outcome outcome = families[f].run(&c, &builder);
    struct tally *tally = &tallies[builder.call.op];
    tally->run++;
    tally->passed += outcome == PASSED;
    tally->unsupported += outcome == UNSUPPORTED;
    call_builder_finish(&builder);
    case_close(&c);
}

int main(void) {
    static struct tally tallies[TENON_OP_COUNT];
    const char *shared = getenv("TENON_SHARED");
    char parent[256];
    snprintf(parent, sizeof(parent), "%s/corpora/cmsis-nn", shared != NULL ? shared : "");
    DIR *dir = opendir(parent);
    if (dir == NULL) {
        printf("SKIPPED: %d cases of CMSIS-NN: %s is absent\n", EXPECTED, parent);
        return SKIPPED;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            run_case(parent, e->d_name, tallies);
    closedir(dir);
    struct tally total = {0};
    printf("%-20s %5s %6s %11s\n", "operator", "run", "passed", "unsupported");
    for (int op = 0; op < TENON_OP_COUNT; op++) {
        const struct tally *t = &tallies[op];
        if (t->run != 0)
            printf("%-20s %5d %6d %11d\n", tenon_op_table[op].name, t->run, t->passed,
                   t->unsupported);
        total.run += t->run;
        total.passed += t->passed;
        total.unsupported += t->unsupported;
    }
    printf("%-20s %5d %6d %11d\n", "total", total.run, total.passed, total.unsupported);
    return total.passed == total.run && total.run >= EXPECTED ? 0 : 1;
}
