/*
 * The part of XNNPACK's C interface that engine_xnnpack.c calls, as Debian 12's libxnnpack-dev
 * (of February 2022) documents it in xnnpack.h. Statuses are 0 when all is well.
 */
#ifndef BENCH_XNNPACK_API_H
#define BENCH_XNNPACK_API_H

#include <stddef.h>
#include <stdint.h>

enum {
    XNN_EXTERNAL_INPUT = 1,
    XNN_EXTERNAL_OUTPUT = 2,
    XNN_EXTRA_BYTES = 16, /* may be read behind a tensor */

    XNN_FP32 = 1,
    XNN_QINT8 = 3,
    XNN_QUINT8 = 4,
    XNN_QINT32 = 5,
    XNN_QCINT8 = 6,
    XNN_QCINT32 = 7,
};
#define XNN_INVALID_VALUE UINT32_MAX

struct xnn_external {
    uint32_t id;
    void *data;
};

struct xnn_api {
    int (*initialize)(const void *allocator);
    void *(*pool_create)(size_t threads); /* libpthreadpool */
    int (*create_subgraph)(uint32_t externals, uint32_t flags, void **out);
    int (*define_tensor)(void *graph, int type, size_t rank, const size_t *dims, const void *data,
                         uint32_t external, uint32_t flags, uint32_t *out);
    int (*define_quantized)(void *graph, int type, int32_t zero_point, float scale, size_t rank,
                            const size_t *dims, const void *data, uint32_t external, uint32_t flags,
                            uint32_t *out);
    int (*define_channelwise)(void *graph, int type, const float *scales, size_t rank, size_t axis,
                              const size_t *dims, const void *data, uint32_t external,
                              uint32_t flags, uint32_t *out);
    int (*define_convolution)(void *graph, uint32_t top, uint32_t right, uint32_t bottom,
                              uint32_t left, uint32_t kernel_height, uint32_t kernel_width,
                              uint32_t stride_height, uint32_t stride_width,
                              uint32_t dilation_height, uint32_t dilation_width, uint32_t groups,
                              size_t group_inputs, size_t group_outputs, float min, float max,
                              uint32_t input, uint32_t filter, uint32_t bias, uint32_t output,
                              uint32_t flags);
    int (*define_depthwise)(void *graph, uint32_t top, uint32_t right, uint32_t bottom,
                            uint32_t left, uint32_t kernel_height, uint32_t kernel_width,
                            uint32_t stride_height, uint32_t stride_width, uint32_t dilation_height,
                            uint32_t dilation_width, uint32_t multiplier, size_t channels,
                            float min, float max, uint32_t input, uint32_t filter, uint32_t bias,
                            uint32_t output, uint32_t flags);
    int (*define_fully_connected)(void *graph, float min, float max, uint32_t input,
                                  uint32_t filter, uint32_t bias, uint32_t output, uint32_t flags);
    int (*define_global_average)(void *graph, float min, float max, uint32_t input, uint32_t output,
                                 uint32_t flags);
    int (*define_add)(void *graph, float min, float max, uint32_t a, uint32_t b, uint32_t output,
                      uint32_t flags);
    int (*define_softmax)(void *graph, uint32_t input, uint32_t output, uint32_t flags);
    int (*create_runtime)(void *graph, void *pool, uint32_t flags, void **out);
    int (*setup_runtime)(void *runtime, size_t count, const struct xnn_external *externals);
    int (*invoke_runtime)(void *runtime);
    int (*delete_runtime)(void *runtime);
    int (*delete_subgraph)(void *graph);
    int (*create_softmax_u8)(size_t channels, size_t input_stride, size_t output_stride,
                             float input_scale, uint8_t output_zero_point, float output_scale,
                             uint32_t flags, void **out);
    int (*setup_softmax_u8)(void *op, size_t batch, const uint8_t *input, uint8_t *output,
                            void *pool);
    int (*run_operator)(void *op, void *pool);
};

#endif
