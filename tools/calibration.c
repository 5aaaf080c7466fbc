/* Graphs of common operators; see calibration.h. */
#include "calibration.h"

#include <stdbool.h>
#include <stdio.h>

/* All operators read the same picture; all results are outputs. */
struct set {
    FILE *to;
    int size, channels; /* of the picture */
    int tensors;
    int results[32], result_count;
};

static const char quantized[] = "scale [0.05] zero [3] axis 0";

/* Bytes that are neither all alike nor large, so that no kernel is luckier than with a model. */
static int constant(struct set *s, const char *type, int a, int b, int c, int d, const char *quant,
                    int element_bytes) {
    int count = a * b * c * d, id = s->tensors++;
    fprintf(s->to, "%%%d \"w%d\" = constant %s ", id, id, type);
    if (b * c * d > 1)
        fprintf(s->to, "%dx%dx%dx%d ", a, b, c, d);
    else
        fprintf(s->to, "%d ", a);
    fprintf(s->to, "%s hex ", quant);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < element_bytes; k++)
            fprintf(s->to, "%02x", k == 0 ? (i * 37 + 11) % 100 : 0);
    fputc('\n', s->to);
    return id;
}

/* `operands` as "%0, %1"; `shape` of the result. */
static void node(struct set *s, const char *op, const char *rounding, const char *operands, int h,
                 int w, int c, const char *attributes) {
    int id = s->tensors++;
    fprintf(s->to, "%%%d \"t%d\" i8 1x%dx%dx%d %s = %s \"%s\" %s (%s) {%s}\n", id, id, h, w, c,
            quantized, op, op, rounding, operands, attributes);
    s->results[s->result_count++] = id;
}

static void window(struct set *s, const char *op, int kernel, int stride, int out_c) {
    char operands[64], attributes[128];
    bool depthwise = out_c == 0;
    int out = (s->size + stride - 1) / stride;
    int total = (out - 1) * stride + kernel - s->size, before = total / 2;
    int weights = depthwise ? constant(s, "i8", 1, kernel, kernel, s->channels,
                                       "scale [0.01] zero [0] axis 0", 1)
                            : constant(s, "i8", out_c, kernel, kernel, s->channels,
                                       "scale [0.01] zero [0] axis 0", 1);
    int bias = constant(s, "i32", depthwise ? s->channels : out_c, 1, 1, 1,
                        "scale [0.0005] zero [0] axis 0", 4);
    snprintf(operands, sizeof(operands), "%%0, %%%d, %%%d", weights, bias);
    snprintf(attributes, sizeof(attributes),
             "stride=[%d,%d], dilation=[1,1], pad=[%d,%d,%d,%d], activation=none", stride, stride,
             before, before, total - before, total - before);
    node(s, op, "double", operands, out, out, depthwise ? s->channels : out_c, attributes);
}

static void pool(struct set *s, const char *op, int size) {
    char attributes[128];
    snprintf(attributes, sizeof(attributes),
             "stride=[%d,%d], pad=[0,0,0,0], window=[%d,%d], activation=none", size, size, size,
             size);
    node(s, op, "none", "%0", s->size / size, s->size / size, s->channels, attributes);
}

static void operators(struct set *s) {
    char text[128];
    int n = s->size, c = s->channels;
    window(s, "conv_2d", 1, 1, c);
    window(s, "conv_2d", 3, 1, c);
    window(s, "conv_2d", 3, 2, c);
    window(s, "depthwise_conv_2d", 3, 1, 0);
    window(s, "depthwise_conv_2d", 3, 2, 0);
    pool(s, "average_pool_2d", n);
    pool(s, "average_pool_2d", 2);
    pool(s, "max_pool_2d", 2);
    node(s, "add", "double", "%0, %0", n, n, c, "activation=none");
    node(s, "sub", "double", "%0, %0", n, n, c, "activation=none");
    node(s, "mul", "double", "%0, %0", n, n, c, "activation=none");
    node(s, "relu6", "double", "%0", n, n, c, "");
    node(s, "leaky_relu", "double", "%0", n, n, c, "alpha=0.1");
    node(s, "hard_swish", "double", "%0", n, n, c, "");
    node(s, "concatenation", "double", "%0, %0", n, n, 2 * c, "axis=3, activation=none");
    node(s, "pad", "none", "%0", n + 2, n + 2, c, "paddings=[0,0,1,1,1,1,0,0]");
    snprintf(text, sizeof(text), "shape=[%d,%d]", 2 * n, 2 * n);
    node(s, "resize_nearest_neighbor", "none", "%0", 2 * n, 2 * n, c, text);
    node(s, "resize_bilinear", "none", "%0", 2 * n, 2 * n, c, text);
}

char *calibration_text(unsigned index, size_t *size) {
    static const int sizes[CALIBRATION_COUNT] = {7, 14, 28, 56};
    static const int channels[CALIBRATION_COUNT] = {256, 128, 64, 32};
    char *text = NULL;
    struct set s = {.to = open_memstream(&text, size),
                    .size = sizes[index],
                    .channels = channels[index],
                    .tensors = 1};
    if (s.to == NULL)
        return NULL;
    fprintf(s.to,
            "tenon 1\ngraph \"operators at %dx%dx%d\" \"\"\n%%0 \"x\" = input i8 1x%dx%dx%d %s\n",
            s.size, s.size, s.channels, s.size, s.size, s.channels, quantized);
    operators(&s);
    fprintf(s.to, "inputs %%0\noutputs ");
    for (int i = 0; i < s.result_count; i++)
        fprintf(s.to, "%s%%%d", i > 0 ? ", " : "", s.results[i]);
    fputc('\n', s.to);
    if (fclose(s.to) == 0)
        return text;
    return NULL;
}
