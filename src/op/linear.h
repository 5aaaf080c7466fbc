/*
 * What convolutions, fully connected layers and transposed convolutions have in common: a sum of
 * products, a bias per channel, and what is done to the sum.
 */
#ifndef TENON_OP_LINEAR_H
#define TENON_OP_LINEAR_H

#include "op/kernel.h"

/* How a linear operator computes, told by its element types. */
enum tenon_linear_kind {
    TENON_LINEAR_FLOAT,   /* f32 everything */
    TENON_LINEAR_INTEGER, /* i8, u8 or i16 input and output, i4, i8 or u8 weights */
    TENON_LINEAR_DYNAMIC, /* f32 input and output, i8 or i4 weights: "dynamic range" */
};

/*
 * Checks the types, quantization and sizes of input, weights and bias. `channels` is the number of
 * outputs, `axis` that of per-channel scales in the weights.
 */
TENON_NODISCARD enum tenon_status tenon_linear_check(const struct tenon_op_call *call,
                                                     int32_t channels, int32_t axis,
                                                     enum tenon_linear_kind *kind,
                                                     struct tenon_error *error);
/* The kind of a call that was checked. */
enum tenon_linear_kind tenon_linear_kind(const struct tenon_op_call *call);

/* What is done to an integer sum. */
struct tenon_epilogue {
    const struct tenon_multiplier *multipliers; /* one per channel */
    const void *bias;                           /* i32 or i64 per channel, or NULL */
    bool wide; /* i16 activations without an i32 bias: 64-bit sums, 16-bit multipliers */
    enum tenon_type bias_type;
    enum tenon_type type; /* of the output */
    enum tenon_rounding rounding;
    int32_t zero_point, low, high;
};

void tenon_epilogue_init(struct tenon_epilogue *epilogue, const struct tenon_op_call *call,
                         const struct tenon_multiplier *multipliers);
/* The same with the factors of all channels, which are computed into `multipliers`.
 * `float_product` as for tenon_product_scale. */
void tenon_epilogue_derive(struct tenon_epilogue *epilogue, const struct tenon_op_call *call,
                           int32_t channels, bool float_product,
                           struct tenon_multiplier *multipliers);
/* Adds the bias, rescales, clamps and stores element `index` of the output. */
void tenon_epilogue_store(const struct tenon_epilogue *epilogue, int64_t sum, int32_t channel,
                          void *output, size_t index);

/* Weights as i16 with the zero point taken off; `count` elements. */
void tenon_linear_load_weights(const struct tenon_op_call *call, size_t count, int16_t *out);
/* Input elements [first, first + count) as i16 with the zero point taken off. */
void tenon_linear_load_input(const struct tenon_op_call *call, size_t first, size_t count,
                             int16_t *out);
int64_t tenon_dot_i16(const int16_t *a, const int16_t *b, size_t count, bool wide);

/* Dynamic range: factor and zero point of a quantized batch. */
struct tenon_dynamic {
    float scale;
    int32_t zero_point;
};

/* A batch of a dynamic call as a call whose input 0 is the quantized batch; weights and bias stay.
 * Not to be copied: the call points into it. */
struct tenon_dynamic_input {
    struct tenon_dynamic dynamic;
    float one;
    struct tenon_desc desc;
    struct tenon_operand operands[3];
    struct tenon_op_call call;
};
/* Quantizes input elements [first, first + count) into `quantized`. */
void tenon_dynamic_input_init(struct tenon_dynamic_input *input, const struct tenon_op_call *call,
                              size_t first, size_t count, bool asymmetric, int8_t *quantized);
float tenon_dynamic_weight_scale(const struct tenon_desc *weights, int32_t channel);

/* Weights with output channels innermost, so that sums of several channels run side by side, each
 * in TFLite's order; `taps` elements a channel. */
void tenon_linear_transpose_f32(const float *weights, size_t taps, int32_t channels, float *out);

/* Integer forms with multipliers and range given: the reference kernels derive them from scales and
 * activation; vectors that state them instead are replayed through these. */
void tenon_conv_2d_integer(const struct tenon_op_call *call, const struct tenon_epilogue *epilogue);
void tenon_depthwise_integer(const struct tenon_op_call *call,
                             const struct tenon_epilogue *epilogue);
void tenon_transpose_conv_integer(const struct tenon_op_call *call,
                                  const struct tenon_epilogue *epilogue);
void tenon_fully_connected_integer(const struct tenon_op_call *call,
                                   const struct tenon_epilogue *epilogue);
void tenon_batch_matmul_integer(const struct tenon_op_call *call,
                                const struct tenon_epilogue *epilogue);
void tenon_svdf_integer(const struct tenon_op_call *call, const struct tenon_multiplier *feature,
                        const struct tenon_multiplier *time);

#endif
