/*
 * Weights are scaled per output channel so that the largest magnitude becomes 127; activations so
 * that the range seen in calibration fills int8; biases are in units of input scale times weight
 * scale. ReLU6 is fused and needs no operator of its own.
 */
#include "quantize.h"

#include <math.h>
#include <stdio.h>

#include "frontends/tflite/writer.h"

enum { MAX_WEIGHTS = 8192, MAX_CHANNELS = 96 };
enum {
    CODE_AVERAGE_POOL = 1,
    CODE_CONV = 3,
    CODE_DEPTHWISE = 4,
    CODE_DENSE = 9,
    CODE_RESHAPE = 22,
    CODE_SOFTMAX = 25
};
enum {
    OPTIONS_CONV = 1,
    OPTIONS_DEPTHWISE = 2,
    OPTIONS_POOL = 5,
    OPTIONS_DENSE = 8,
    OPTIONS_SOFTMAX = 9,
    OPTIONS_RESHAPE = 17
};
enum { SAME = 0, VALID = 1, RELU6 = 3 };

/* Scale and zero point of an int8 activation. */
struct scale {
    float scale;
    int64_t zero_point;
};

/* What the layers write to, one after the other. */
struct model {
    struct tfl_writer writer;
    struct scale scale; /* of the last tensor */
    int32_t last;       /* its index */
};

void ranges_observe(struct ranges *ranges, const struct network *network) {
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        const struct layer *l = &network->layers[i];
        int count = l->out_size * l->out_size * l->out_channels;
        for (int k = 0; k < count; k++) {
            ranges->low[i] = fminf(ranges->low[i], l->output[k]);
            ranges->high[i] = fmaxf(ranges->high[i], l->output[k]);
        }
    }
}

static struct scale fit(float low, float high) {
    float scale = (high - low) / 255;
    if (!(scale > 0))
        scale = 1;
    return (struct scale){scale, (int64_t)lrintf(-128 - low / scale)};
}

static int32_t add_activation(struct model *m, const char *name, const int32_t *shape,
                              uint32_t rank, struct scale scale) {
    struct tfl_writer_tensor tensor = {.name = name,
                                       .type = TENON_TYPE_I8,
                                       .shape = shape,
                                       .rank = rank,
                                       .scales = &scale.scale,
                                       .scale_count = 1,
                                       .zero_points = &scale.zero_point,
                                       .zero_point_count = 1};
    return (int32_t)tfl_writer_add_tensor(&m->writer, &tensor);
}

/* Position of weight i of channel c in the network's own layout, and in the file's. */
static int source_index(const struct layer *l, int c, int i) {
    return i * l->out_channels + c; /* taps, then channel, for every kind */
}

static int file_index(const struct layer *l, int taps, int c, int i) {
    return l->kind == LAYER_DEPTHWISE ? i * l->out_channels + c : c * taps + i;
}

static void quantize_weights(const struct layer *l, int taps, int8_t *out, float *scales) {
    for (int c = 0; c < l->out_channels; c++) {
        float largest = 1e-6f;
        for (int i = 0; i < taps; i++)
            largest = fmaxf(largest, fabsf(l->weights[source_index(l, c, i)]));
        scales[c] = largest / 127;
        for (int i = 0; i < taps; i++)
            out[file_index(l, taps, c, i)] =
                (int8_t)lrintf(l->weights[source_index(l, c, i)] / scales[c]);
    }
}

static int32_t add_weights(struct model *m, const struct layer *l, const char *name,
                           float *scales) {
    static int8_t weights[MAX_WEIGHTS];
    static const int64_t zeros[MAX_CHANNELS];
    int taps = l->weight_count / l->out_channels;
    quantize_weights(l, taps, weights, scales);
    bool depthwise = l->kind == LAYER_DEPTHWISE, dense = l->kind == LAYER_DENSE;
    int32_t conv_shape[] = {l->out_channels, l->kernel, l->kernel, l->in_channels};
    int32_t depthwise_shape[] = {1, l->kernel, l->kernel, l->out_channels};
    int32_t dense_shape[] = {l->out_channels, l->in_channels};
    struct tfl_writer_tensor tensor = {
        .name = name,
        .type = TENON_TYPE_I8,
        .shape = depthwise ? depthwise_shape
                 : dense   ? dense_shape
                           : conv_shape,
        .rank = dense ? 2 : 4,
        .buffer = tfl_writer_add_buffer(&m->writer, weights, (uint32_t)l->weight_count),
        .scales = scales,
        .scale_count = (uint32_t)l->out_channels,
        .zero_points = zeros,
        .zero_point_count = (uint32_t)l->out_channels,
        .axis = depthwise ? 3 : 0,
    };
    return (int32_t)tfl_writer_add_tensor(&m->writer, &tensor);
}

static int32_t add_bias(struct model *m, const struct layer *l, const char *name,
                        const float *weight_scales) {
    static const int64_t zeros[MAX_CHANNELS];
    int32_t bias[MAX_CHANNELS];
    float scales[MAX_CHANNELS];
    for (int c = 0; c < l->out_channels; c++) {
        scales[c] = m->scale.scale * weight_scales[c];
        bias[c] = (int32_t)lrintf(l->bias[c] / scales[c]);
    }
    int32_t shape[] = {l->out_channels};
    struct tfl_writer_tensor tensor = {
        .name = name,
        .type = TENON_TYPE_I32,
        .shape = shape,
        .rank = 1,
        .buffer = tfl_writer_add_buffer(&m->writer, bias, (uint32_t)l->out_channels * 4),
        .scales = scales,
        .scale_count = (uint32_t)l->out_channels,
        .zero_points = zeros,
        .zero_point_count = (uint32_t)l->out_channels,
    };
    return (int32_t)tfl_writer_add_tensor(&m->writer, &tensor);
}

static struct tfl_field byte_field(uint16_t number, int32_t value) {
    return (struct tfl_field){.number = number, .kind = TFL_FIELD_BYTE, .value = value};
}

static struct tfl_field int_field(uint16_t number, int32_t value) {
    return (struct tfl_field){.number = number, .kind = TFL_FIELD_INT, .value = value};
}

static void add_operator(struct model *m, int32_t code, const int32_t *inputs, uint32_t count,
                         int32_t output, uint8_t options, const struct tfl_field *fields,
                         uint32_t field_count) {
    struct tfl_writer_operator op = {.code = code,
                                     .inputs = inputs,
                                     .input_count = count,
                                     .outputs = &output,
                                     .output_count = 1,
                                     .options_type = options,
                                     .fields = fields,
                                     .field_count = field_count};
    tfl_writer_add_operator(&m->writer, &op);
    m->last = output;
}

/* A convolution, depthwise or dense layer with its weights and bias. */
static void add_linear(struct model *m, const struct layer *l, int index, struct scale scale) {
    char name[48];
    float scales[MAX_CHANNELS];
    int32_t shape[] = {1, l->out_size, l->out_size, l->out_channels};
    int32_t dense_shape[] = {1, l->out_channels};
    bool dense = l->kind == LAYER_DENSE;
    snprintf(name, sizeof(name), "layer%d/weights", index);
    int32_t weights = add_weights(m, l, name, scales);
    snprintf(name, sizeof(name), "layer%d/bias", index);
    int32_t inputs[] = {m->last, weights, add_bias(m, l, name, scales)};
    snprintf(name, sizeof(name), "layer%d/%s", index, dense ? "logits" : "relu6");
    int32_t output = add_activation(m, name, dense ? dense_shape : shape, dense ? 2 : 4, scale);
    const struct tfl_field conv[] = {byte_field(0, SAME), int_field(1, l->stride),
                                     int_field(2, l->stride), byte_field(3, RELU6)};
    const struct tfl_field depthwise[] = {byte_field(0, SAME), int_field(1, l->stride),
                                          int_field(2, l->stride), int_field(3, 1),
                                          byte_field(4, RELU6)};
    if (dense)
        add_operator(m, CODE_DENSE, inputs, 3, output, OPTIONS_DENSE, NULL, 0);
    else if (l->kind == LAYER_DEPTHWISE)
        add_operator(m, CODE_DEPTHWISE, inputs, 3, output, OPTIONS_DEPTHWISE, depthwise, 5);
    else
        add_operator(m, CODE_CONV, inputs, 3, output, OPTIONS_CONV, conv, 4);
    m->scale = scale;
}

/* The average over the picture, which keeps its quantization, then a row of channels. */
static void add_pool(struct model *m, const struct layer *l) {
    const struct tfl_field fields[] = {byte_field(0, VALID), int_field(1, 1), int_field(2, 1),
                                       int_field(3, l->in_size), int_field(4, l->in_size)};
    int32_t pooled[] = {1, 1, 1, l->out_channels}, row[] = {1, l->out_channels}, two[] = {2};
    int32_t output = add_activation(m, "pool", pooled, 4, m->scale);
    add_operator(m, CODE_AVERAGE_POOL, &m->last, 1, output, OPTIONS_POOL, fields, 5);
    struct tfl_writer_tensor shape = {.name = "row_shape",
                                      .type = TENON_TYPE_I32,
                                      .shape = two,
                                      .rank = 1,
                                      .buffer =
                                          tfl_writer_add_buffer(&m->writer, row, sizeof(row))};
    int32_t inputs[] = {m->last, (int32_t)tfl_writer_add_tensor(&m->writer, &shape)};
    output = add_activation(m, "row", row, 2, m->scale);
    add_operator(m, CODE_RESHAPE, inputs, 2, output, OPTIONS_RESHAPE, NULL, 0);
}

static void add_softmax(struct model *m) {
    int32_t shape[] = {1, DRAW_CLASSES};
    struct scale scale = {1.0f / 256, -128}; /* what TFLite demands of a softmax */
    const struct tfl_field beta = {.number = 0, .kind = TFL_FIELD_FLOAT, .real = 1.0f};
    int32_t output = add_activation(m, "scores", shape, 2, scale);
    add_operator(m, CODE_SOFTMAX, &m->last, 1, output, OPTIONS_SOFTMAX, &beta, 1);
}

void *quantize_to_tflite(const struct network *network, const struct ranges *ranges, size_t *size) {
    struct model m = {.scale = {1.0f / 255, -128}}; /* a pixel p is the int8 p - 128 */
    int32_t input[] = {1, NETWORK_SIZE, NETWORK_SIZE, 1};
    tfl_writer_init(&m.writer);
    m.writer.description = "digits and shapes, drawn, trained and quantized by Tenon's example";
    m.last = add_activation(&m, "picture", input, 4, m.scale);
    tfl_writer_add_input(&m.writer, m.last);
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        const struct layer *l = &network->layers[i];
        if (l->kind == LAYER_POOL)
            add_pool(&m, l);
        else
            add_linear(&m, l, i, fit(ranges->low[i], ranges->high[i]));
    }
    add_softmax(&m);
    tfl_writer_add_output(&m.writer, m.last);
    void *bytes = tfl_writer_write(&m.writer, size);
    tfl_writer_finish(&m.writer);
    return bytes;
}
