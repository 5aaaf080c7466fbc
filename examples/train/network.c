/*
 * Forward and backward passes with channels innermost, so that compilers vectorise them.
 */
#include "network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum layer_kind kind;
    int kernel, stride, channels;
} plan[NETWORK_LAYERS] = {
    {LAYER_CONV, 3, 2, 16},
    {LAYER_DEPTHWISE, 3, 1, 16},
    {LAYER_CONV, 1, 1, 32},
    {LAYER_DEPTHWISE, 3, 2, 32},
    {LAYER_CONV, 1, 1, 48},
    {LAYER_DEPTHWISE, 3, 1, 48},
    {LAYER_CONV, 1, 1, 64},
    {LAYER_DEPTHWISE, 3, 2, 64},
    {LAYER_CONV, 1, 1, 96},
    {LAYER_POOL, 0, 1, 96},
    {LAYER_DENSE, 1, 1, DRAW_CLASSES},
};

static int output_count(const struct layer *l) {
    return l->out_size * l->out_size * l->out_channels;
}

static int fan_in(const struct layer *l) {
    return l->kernel * l->kernel * (l->kind == LAYER_DEPTHWISE ? 1 : l->in_channels);
}

static float *floats(int count) {
    return calloc((size_t)(count > 0 ? count : 1), sizeof(float));
}

static int init_layer(struct layer *l, struct draw_random *random) {
    l->weight_count = l->kind == LAYER_POOL ? 0 : fan_in(l) * l->out_channels;
    float **arrays[] = {&l->weights, &l->weight_gradients, &l->weight_moments[0],
                        &l->weight_moments[1]};
    float **biases[] = {&l->bias, &l->bias_gradients, &l->bias_moments[0], &l->bias_moments[1]};
    int ok = 1;
    for (int i = 0; i < 4; i++) {
        ok &= (*arrays[i] = floats(l->weight_count)) != NULL;
        ok &= (*biases[i] = floats(l->out_channels)) != NULL;
    }
    ok &= (l->output = floats(output_count(l))) != NULL;
    ok &= (l->output_gradients = floats(output_count(l))) != NULL;
    if (!ok)
        return 0;
    double deviation = sqrt(2.0 / fan_in(l)); /* He et al. 2015 */
    for (int i = 0; i < l->weight_count; i++)
        l->weights[i] = (float)(deviation * draw_normal(random));
    return 1;
}

int network_init(struct network *network, uint64_t seed) {
    memset(network, 0, sizeof(*network));
    struct draw_random random = {seed};
    int size = NETWORK_SIZE, channels = 1;
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        struct layer *l = &network->layers[i];
        l->kind = plan[i].kind;
        l->kernel = plan[i].kernel;
        l->stride = plan[i].stride;
        l->in_size = size;
        l->in_channels = channels;
        l->out_size = size = l->kind == LAYER_POOL ? 1 : (size + l->stride - 1) / l->stride;
        l->out_channels = channels = plan[i].channels;
        if (!init_layer(l, &random))
            return 0;
    }
    return 1;
}

void network_finish(struct network *network) {
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        struct layer *l = &network->layers[i];
        float *arrays[] = {
            l->weights, l->weight_gradients, l->weight_moments[0], l->weight_moments[1],
            l->bias,    l->bias_gradients,   l->bias_moments[0],   l->bias_moments[1],
            l->output,  l->output_gradients};
        for (size_t k = 0; k < sizeof(arrays) / sizeof(arrays[0]); k++)
            free(arrays[k]);
    }
}

int layer_pad(const struct layer *l) {
    int total = (l->out_size - 1) * l->stride + l->kernel - l->in_size;
    return total > 0 ? total / 2 : 0;
}

/* Calls for each tap inside the picture: offsets of the input pixel, weights and output pixel. */
#define FOR_EACH_TAP(l, in, w, out)                                                               \
    for (int oy = 0, pad = layer_pad(l); oy < (l)->out_size; oy++)                                \
        for (int ox = 0; ox < (l)->out_size; ox++)                                                \
            for (int ky = 0, out = (oy * (l)->out_size + ox) * (l)->out_channels;                 \
                 ky < (l)->kernel; ky++)                                                          \
                for (int kx = 0; kx < (l)->kernel; kx++)                                          \
                    for (int iy = oy * (l)->stride + ky - pad, ix = ox * (l)->stride + kx - pad,  \
                             in = (iy * (l)->in_size + ix) * (l)->in_channels,                    \
                             w = (ky * (l)->kernel + kx) * tap_weights(l),                        \
                             once = iy >= 0 && iy < (l)->in_size && ix >= 0 && ix < (l)->in_size; \
                         once; once = 0)

static int tap_weights(const struct layer *l) {
    return l->kind == LAYER_DEPTHWISE ? l->out_channels : l->in_channels * l->out_channels;
}

static void add_scaled(float *restrict to, const float *restrict from, float factor, int count) {
    for (int i = 0; i < count; i++)
        to[i] += factor * from[i];
}

static void add_products(float *restrict to, const float *restrict a, const float *restrict b,
                         int count) {
    for (int i = 0; i < count; i++)
        to[i] += a[i] * b[i];
}

static float dot(const float *restrict a, const float *restrict b, int count) {
    float sum = 0;
    for (int i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static void forward_pool(const struct layer *l, const float *input) {
    int pixels = l->in_size * l->in_size;
    memset(l->output, 0, sizeof(float) * (size_t)l->out_channels);
    for (int i = 0; i < pixels; i++)
        add_scaled(l->output, input + i * l->in_channels, 1.0f / (float)pixels, l->out_channels);
}

static void forward_layer(const struct layer *l, const float *input) {
    if (l->kind == LAYER_POOL) {
        forward_pool(l, input);
        return;
    }
    for (int i = 0; i < l->out_size * l->out_size; i++)
        memcpy(l->output + i * l->out_channels, l->bias, sizeof(float) * (size_t)l->out_channels);
    FOR_EACH_TAP(l, in, w, out) {
        if (l->kind == LAYER_DEPTHWISE)
            add_products(l->output + out, input + in, l->weights + w, l->out_channels);
        else
            for (int c = 0; c < l->in_channels; c++)
                add_scaled(l->output + out, l->weights + w + c * l->out_channels, input[in + c],
                           l->out_channels);
    }
    if (l->kind != LAYER_DENSE)
        for (int i = 0; i < output_count(l); i++)
            l->output[i] = fminf(fmaxf(l->output[i], 0), 6);
}

const float *network_forward(struct network *network, const float *input) {
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        forward_layer(&network->layers[i], input);
        input = network->layers[i].output;
    }
    return input;
}

/* Gradients of weights and, when input_gradients is not NULL, of the input. */
static void backward_layer(struct layer *l, const float *input, float *input_gradients) {
    float *g = l->output_gradients;
    if (input_gradients != NULL)
        memset(input_gradients, 0,
               sizeof(float) * (size_t)(l->in_size * l->in_size * l->in_channels));
    if (l->kind == LAYER_POOL) {
        int pixels = l->in_size * l->in_size;
        for (int i = 0; i < pixels; i++)
            add_scaled(input_gradients + i * l->in_channels, g, 1.0f / (float)pixels,
                       l->in_channels);
        return;
    }
    if (l->kind != LAYER_DENSE)
        for (int i = 0; i < output_count(l); i++)
            g[i] = l->output[i] > 0 && l->output[i] < 6 ? g[i] : 0;
    for (int i = 0; i < l->out_size * l->out_size; i++)
        add_scaled(l->bias_gradients, g + i * l->out_channels, 1, l->out_channels);
    FOR_EACH_TAP(l, in, w, out) {
        if (l->kind == LAYER_DEPTHWISE) {
            add_products(l->weight_gradients + w, input + in, g + out, l->out_channels);
            add_products(input_gradients + in, l->weights + w, g + out, l->out_channels);
            continue;
        }
        for (int c = 0; c < l->in_channels; c++) {
            add_scaled(l->weight_gradients + w + c * l->out_channels, g + out, input[in + c],
                       l->out_channels);
            if (input_gradients != NULL)
                input_gradients[in + c] +=
                    dot(l->weights + w + c * l->out_channels, g + out, l->out_channels);
        }
    }
}

float network_backward(struct network *network, const float *input, int label) {
    struct layer *last = &network->layers[NETWORK_LAYERS - 1];
    float largest = last->output[0], sum = 0;
    for (int i = 1; i < DRAW_CLASSES; i++)
        largest = fmaxf(largest, last->output[i]);
    for (int i = 0; i < DRAW_CLASSES; i++)
        sum += expf(last->output[i] - largest);
    for (int i = 0; i < DRAW_CLASSES; i++)
        last->output_gradients[i] =
            expf(last->output[i] - largest) / sum - (i == label ? 1.0f : 0.0f);
    for (int i = NETWORK_LAYERS - 1; i >= 0; i--) {
        struct layer *before = i > 0 ? &network->layers[i - 1] : NULL;
        backward_layer(&network->layers[i], before != NULL ? before->output : input,
                       before != NULL ? before->output_gradients : NULL);
    }
    return logf(sum) + largest - last->output[label];
}

/* Kingma and Ba 2015, with its usual constants. */
static void adam(float *values, float *gradients, float *const moments[2], int count, float scale,
                 float rate, int step) {
    float correction = rate * sqrtf(1 - powf(0.999f, (float)step)) / (1 - powf(0.9f, (float)step));
    for (int i = 0; i < count; i++) {
        float g = gradients[i] * scale;
        moments[0][i] += 0.1f * (g - moments[0][i]);
        moments[1][i] += 0.001f * (g * g - moments[1][i]);
        values[i] -= correction * moments[0][i] / (sqrtf(moments[1][i]) + 1e-8f);
        gradients[i] = 0;
    }
}

void network_update(struct network *network, int count, float rate) {
    float scale = 1.0f / (float)count;
    network->steps++;
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        struct layer *l = &network->layers[i];
        if (l->kind == LAYER_POOL)
            continue;
        adam(l->weights, l->weight_gradients, l->weight_moments, l->weight_count, scale, rate,
             network->steps);
        adam(l->bias, l->bias_gradients, l->bias_moments, l->out_channels, scale, rate,
             network->steps);
    }
}
