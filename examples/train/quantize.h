/*
 * Post-training quantization of the example network: int8 activations per tensor, int8 weights per
 * output channel, int32 bias; and the model file of the result.
 */
#ifndef TENON_EXAMPLE_QUANTIZE_H
#define TENON_EXAMPLE_QUANTIZE_H

#include <stddef.h>

#include "network.h"

/* The range of each layer's output over the calibration pictures. */
struct ranges {
    float low[NETWORK_LAYERS], high[NETWORK_LAYERS];
};

/* Widens the ranges by the outputs of the last forward pass. */
void ranges_observe(struct ranges *ranges, const struct network *network);

/* The .tflite file as malloc'd bytes; NULL when memory ran out. */
void *quantize_to_tflite(const struct network *network, const struct ranges *ranges, size_t *size);

#endif
