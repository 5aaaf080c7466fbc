/*
 * A small convolution network in float32 and its training by Adam: forward, backward, update. NHWC,
 * one picture at a time; weights are [filter y][filter x][input channel][output channel], depthwise
 * ones [filter y][filter x][channel].
 */
#ifndef TENON_EXAMPLE_NETWORK_H
#define TENON_EXAMPLE_NETWORK_H

#include <stdint.h>

#include "draw.h"

enum { NETWORK_SIZE = 32, NETWORK_LAYERS = 11 };

enum layer_kind {
    LAYER_CONV,      /* 3x3 or 1x1, SAME padding, ReLU6 */
    LAYER_DEPTHWISE, /* 3x3, SAME padding, ReLU6 */
    LAYER_POOL,      /* average over the whole picture */
    LAYER_DENSE,     /* no activation: logits */
};

struct layer {
    enum layer_kind kind;
    int kernel, stride;
    int in_size, in_channels, out_size, out_channels; /* square pictures */
    int weight_count;
    float *weights, *bias; /* and, for the update: gradients and Adam's two moments of each */
    float *weight_gradients, *bias_gradients;
    float *weight_moments[2], *bias_moments[2];
    float *output, *output_gradients;
};

struct network {
    struct layer layers[NETWORK_LAYERS];
    int steps; /* of Adam */
};

/* False when memory ran out; network_finish is fine then too. */
int network_init(struct network *network, uint64_t seed);
void network_finish(struct network *network);

/* input: NETWORK_SIZE^2 values in 0..1. Returns the DRAW_CLASSES logits. */
const float *network_forward(struct network *network, const float *input);
/* Adds the gradients of the cross entropy of `label` after a forward pass; returns the loss. */
float network_backward(struct network *network, const float *input, int label);
/* Updates by the mean of the gradients of `count` pictures and clears them. */
void network_update(struct network *network, int count, float rate);

/* The padding before the first row or column (TFLite's SAME). */
int layer_pad(const struct layer *layer);

#endif
