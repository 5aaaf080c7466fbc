/*
 * Linear, pooling and recurrent operators on calls that are right and then spoilt at random: infer
 * refuses, or the reference kernel stays within operands of exactly their size. Bytes behind every
 * operand and the scratch memory are watched here; sanitized builds see reads as well. The numbers
 * come from a fixed generator, so a failure comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/call_builder.h"

enum { ROUNDS = 4000, GUARD_BYTES = 64, GUARD = 0xa5, LARGEST_BYTES = 1 << 18 };

static uint64_t seed = 20240229;
static struct call_builder b;

static uint32_t next(uint32_t bound) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % bound);
}

static int32_t size(void) {
    return 1 + (int32_t)next(5);
}

static enum tenon_type activation_type(void) {
    static const enum tenon_type types[] = {TENON_TYPE_F32, TENON_TYPE_I8, TENON_TYPE_U8,
                                            TENON_TYPE_I16};
    return types[next(4)];
}

static float scale_for(enum tenon_type type) {
    return type == TENON_TYPE_F32 ? 0 : 0.001f * (float)(1 + next(1000));
}

static int32_t zero_for(enum tenon_type type) {
    return type == TENON_TYPE_I8 || type == TENON_TYPE_U8 ? (int32_t)next(100) : 0;
}

static void add_input(uint32_t i, enum tenon_type type, struct tenon_shape shape, bool zero_point) {
    call_input(&b, i, type, shape, scale_for(type), zero_point ? zero_for(type) : 0, NULL);
}

/* Weights and bias that go with input 0. */
static void add_weights(struct tenon_shape shape, int32_t channels) {
    enum tenon_type in = b.descs[0].type, type = TENON_TYPE_I8;
    if (in == TENON_TYPE_F32 && next(2) == 0)
        type = TENON_TYPE_F32;
    else if (in == TENON_TYPE_U8)
        type = TENON_TYPE_U8;
    else if (next(3) == 0)
        type = TENON_TYPE_I4;
    add_input(1, type, shape, type == TENON_TYPE_U8);
    if (next(2) == 0)
        return;
    enum tenon_type bias = in == TENON_TYPE_F32                   ? TENON_TYPE_F32
                           : in == TENON_TYPE_I16 && next(2) == 0 ? TENON_TYPE_I64
                                                                  : TENON_TYPE_I32;
    call_input(&b, 2, bias, call_shape(1, channels, 0, 0, 0), 0, 0, NULL);
}

static void random_window(void) {
    b.attrs.stride = call_list(2, size(), size(), 0, 0);
    if (next(3) == 0)
        b.attrs.dilation = call_list(2, 1 + (int32_t)next(2), 1 + (int32_t)next(2), 0, 0);
    if (next(2) == 0)
        b.attrs.pad =
            call_list(4, (int32_t)next(3), (int32_t)next(3), (int32_t)next(3), (int32_t)next(3));
    b.attrs.activation = (int32_t)next(TENON_ACTIVATION_TANH);
}

static void random_convolution(void) {
    int32_t groups = 1 + (int32_t)next(2), depth = size(), channels = groups * size();
    bool depthwise = b.call.op == TENON_OP_DEPTHWISE_CONV_2D;
    if (b.call.op == TENON_OP_TRANSPOSE_CONV_2D)
        groups = 1;
    add_input(0, activation_type(), call_shape(4, size(), size(), size(), groups * depth), true);
    add_weights(depthwise ? call_shape(4, 1, size(), size(), groups * depth * 2)
                          : call_shape(4, channels, size(), size(), depth),
                depthwise ? groups * depth * 2 : channels);
    random_window();
    if (b.call.op == TENON_OP_TRANSPOSE_CONV_2D) {
        b.attrs.dilation.count = 0;
        if (next(2) == 0)
            b.attrs.shape =
                call_list(4, b.descs[0].shape.dims[0], size() * 3, size() * 3, channels);
    }
}

static void random_fully_connected(void) {
    int32_t depth = size(), channels = size();
    add_input(0, activation_type(), call_shape(3, size(), size(), depth, 0), true);
    add_weights(call_shape(2, channels, depth, 0, 0), channels);
    b.attrs.asymmetric = (int32_t)next(2);
    b.attrs.keep_dims = (int32_t)next(2);
}

static void random_batch_matmul(void) {
    int32_t m = size(), n = size(), k = size(), batch = size();
    enum tenon_type type = activation_type();
    b.attrs.adj_x = (int32_t)next(2);
    b.attrs.adj_y = (int32_t)next(2);
    b.attrs.asymmetric = (int32_t)next(2);
    add_input(0, type, call_shape(4, batch, 2, b.attrs.adj_x ? k : m, b.attrs.adj_x ? m : k), true);
    if (type == TENON_TYPE_F32 && next(2) == 0)
        add_input(1, TENON_TYPE_I8,
                  call_shape(2, b.attrs.adj_y ? n : k, b.attrs.adj_y ? k : n, 0, 0), false);
    else
        add_input(1, type, call_shape(2, b.attrs.adj_y ? n : k, b.attrs.adj_y ? k : n, 0, 0), true);
}

static void random_pool(void) {
    bool float_only = b.call.op == TENON_OP_L2_POOL_2D && next(8) != 0;
    add_input(0, float_only ? TENON_TYPE_F32 : activation_type(),
              call_shape(4, size(), 2 + size(), 2 + size(), size()), true);
    b.attrs.window = call_list(2, 1 + (int32_t)next(3), 1 + (int32_t)next(3), 0, 0);
    random_window();
    b.attrs.dilation.count = 0;
}

static void random_svdf(void) {
    bool integer = next(2) == 0;
    int32_t batches = size(), inputs = size(), units = size(), rank = size(), memory = size();
    enum tenon_type type = integer ? TENON_TYPE_I8 : TENON_TYPE_F32;
    enum tenon_type state = integer && next(2) == 0 ? TENON_TYPE_I16 : type;
    b.attrs.rank = rank;
    b.attrs.activation = (int32_t)next(TENON_ACTIVATION_COUNT);
    add_input(0, type, call_shape(2, batches, inputs, 0, 0), true);
    add_input(1, type, call_shape(2, units * rank, inputs, 0, 0), false);
    add_input(2, state, call_shape(2, units * rank, memory, 0, 0), false);
    if (next(2) == 0)
        call_input(&b, 3, integer ? TENON_TYPE_I32 : TENON_TYPE_F32, call_shape(1, units, 0, 0, 0),
                   0, 0, NULL);
    add_input(4, state, call_shape(2, batches, memory * units * rank, 0, 0), true);
}

static void add_lstm_vectors(enum tenon_type type, uint32_t first, uint32_t count, int32_t cells) {
    for (uint32_t i = first; i < first + count; i++)
        call_input(&b, i, type, call_shape(1, cells, 0, 0, 0), 0, 0, NULL);
}

static void random_lstm(void) {
    bool integer = next(2) == 0, projected = !integer && next(2) == 0;
    int32_t batches = size(), steps = size(), inputs = size(), cells = size();
    int32_t outputs = projected ? size() : cells;
    enum tenon_type type = integer ? TENON_TYPE_I8 : TENON_TYPE_F32;
    b.attrs.activation = TENON_ACTIVATION_TANH;
    b.attrs.time_major = (int32_t)next(2);
    b.attrs.cell_clip = (float)next(2);
    add_input(0, type,
              b.attrs.time_major ? call_shape(3, steps, batches, inputs, 0)
                                 : call_shape(3, batches, steps, inputs, 0),
              true);
    for (uint32_t g = 0; g < 4; g++) {
        add_input(1 + g, type, call_shape(2, cells, inputs, 0, 0), false);
        add_input(5 + g, type, call_shape(2, cells, outputs, 0, 0), false);
    }
    add_lstm_vectors(integer ? TENON_TYPE_I32 : TENON_TYPE_F32, 12, 4, cells);
    if (projected)
        add_input(16, type, call_shape(2, outputs, cells, 0, 0), false);
    if (!integer && next(2) == 0)
        add_lstm_vectors(type, 9, 3, cells);
    if (!integer && next(2) == 0)
        add_lstm_vectors(type, 20, 4, cells);
    add_input(18, type, call_shape(2, batches, outputs, 0, 0), true);
    call_input(&b, 19, integer ? TENON_TYPE_I16 : TENON_TYPE_F32,
               call_shape(2, batches, cells, 0, 0), integer ? 0x1p-12f : 0, 0, NULL);
}

static const struct {
    enum tenon_op op;
    void (*make)(void);
} families[] = {
    {TENON_OP_CONV_2D, random_convolution},
    {TENON_OP_DEPTHWISE_CONV_2D, random_convolution},
    {TENON_OP_TRANSPOSE_CONV_2D, random_convolution},
    {TENON_OP_FULLY_CONNECTED, random_fully_connected},
    {TENON_OP_BATCH_MATMUL, random_batch_matmul},
    {TENON_OP_AVERAGE_POOL_2D, random_pool},
    {TENON_OP_MAX_POOL_2D, random_pool},
    {TENON_OP_L2_POOL_2D, random_pool},
    {TENON_OP_SVDF, random_svdf},
    {TENON_OP_LSTM, random_lstm},
};

static int32_t hostile(void) {
    static const int32_t values[] = {-1, 0, 1, 2, 7, 100, 1 << 24, INT32_MAX, INT32_MIN};
    return values[next(TENON_COUNT_OF(values))];
}

static void spoil(void) {
    struct tenon_list *lists[] = {&b.attrs.stride, &b.attrs.dilation, &b.attrs.pad, &b.attrs.window,
                                  &b.attrs.shape};
    uint32_t slot = next(4) == 0 ? CALL_INPUTS_MAX : next(b.call.input_count);
    struct tenon_list *list = lists[next(TENON_COUNT_OF(lists))];
    struct tenon_desc *desc = &b.descs[slot];
    switch (next(8)) {
    case 0:
        list->values[next(4)] = hostile();
        break;
    case 1:
        list->count = (int32_t)next(6);
        break;
    case 2:
        desc->shape.dims[next(4)] = hostile();
        break;
    case 3:
        desc->shape.rank = (uint8_t)next(6);
        break;
    case 4:
        desc->type = (enum tenon_type)next(TENON_TYPE_COUNT);
        break;
    case 5:
        desc->quant.count = next(2);
        b.zero_points[slot] = hostile();
        break;
    case 6:
        b.inputs[next(b.call.input_count)].desc = NULL;
        break;
    default:
        b.attrs.rank = hostile();
        b.attrs.activation = hostile();
        break;
    }
}

static uint8_t *guarded(size_t bytes, bool fill) {
    uint8_t *data = aligned_alloc(64, (bytes + GUARD_BYTES + 63) & ~(size_t)63);
    assert_non_null(data);
    for (size_t i = 0; fill && i < bytes; i++)
        data[i] = (uint8_t)next(256);
    memset(data + bytes, GUARD, GUARD_BYTES);
    return data;
}

static void check_guard(const uint8_t *data, size_t bytes, const char *what) {
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (data[bytes + i] != GUARD)
            fail_msg("%s writes %zu bytes behind %s", tenon_op_table[b.call.op].name, i + 1, what);
}

static bool is_small(void) {
    bool small = tenon_desc_size(b.outputs[0].desc) < LARGEST_BYTES &&
                 tenon_op_scratch_bytes(&b.call) < LARGEST_BYTES &&
                 tenon_op_macs(&b.call) < LARGEST_BYTES;
    for (uint32_t i = 0; i < b.call.input_count; i++)
        small = small &&
                (b.inputs[i].desc == NULL || tenon_desc_size(b.inputs[i].desc) < LARGEST_BYTES);
    return small;
}

static void run_guarded(void) {
    size_t scratch = tenon_op_scratch_bytes(&b.call), out = tenon_desc_size(b.outputs[0].desc);
    for (uint32_t i = 0; i < b.call.input_count; i++)
        if (b.inputs[i].desc != NULL)
            b.inputs[i].data = guarded(tenon_desc_size(b.inputs[i].desc), true);
    b.outputs[0].data = guarded(out, false);
    b.call.scratch = guarded(scratch, false);
    assert_int_equal(tenon_op_run_reference(&b.call, NULL), TENON_OK);
    check_guard(b.outputs[0].data, out, "the output");
    check_guard(b.call.scratch, scratch, "the scratch memory");
    for (uint32_t i = 0; i < b.call.input_count; i++) {
        if (b.inputs[i].desc == NULL)
            continue;
        check_guard(b.inputs[i].data, tenon_desc_size(b.inputs[i].desc), "an input");
        free(b.inputs[i].data);
    }
    call_builder_finish(&b);
}

static void test_hostile_calls(void **state) {
    (void)state;
    for (size_t f = 0; f < TENON_COUNT_OF(families); f++) {
        int run = 0, refused = 0;
        for (int i = 0; i < ROUNDS; i++) {
            call_builder_init(&b, families[f].op);
            b.call.rounding = (enum tenon_rounding)next(4);
            families[f].make();
            enum tenon_type type = b.descs[0].type;
            call_output(&b, 0, type, scale_for(type), zero_for(type));
            for (uint32_t n = next(3); n > 0; n--)
                spoil();
            if (tenon_op_infer(&b.call, NULL) != TENON_OK) {
                refused++;
            } else if (is_small()) {
                run_guarded();
                run++;
            }
        }
        if (run < ROUNDS / 20 || refused < ROUNDS / 20)
            fail_msg("%s: %d run and %d refused show little", tenon_op_table[families[f].op].name,
                     run, refused);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
