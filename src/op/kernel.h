/*
 * What shape rules and reference kernels of several families share: reading a call, setting an
 * output's shape, quantized and float activation ranges, padding geometry, requantization per
 * channel, walking broadcast shapes.
 */
#ifndef TENON_OP_KERNEL_H
#define TENON_OP_KERNEL_H

#include "op/numerics.h"
#include "op/op.h"

/* ---- operands of a call ---- */

static inline const struct tenon_desc *tenon_in(const struct tenon_op_call *call, uint32_t i) {
    return i < call->input_count ? call->inputs[i].desc : NULL;
}

static inline const struct tenon_desc *tenon_out(const struct tenon_op_call *call, uint32_t i) {
    return call->outputs[i].desc;
}

static inline const void *tenon_in_data(const struct tenon_op_call *call, uint32_t i) {
    return i < call->input_count ? call->inputs[i].data : NULL;
}

/* Sets an unknown shape, or checks a known one: BAD_MODEL when it differs. */
TENON_NODISCARD enum tenon_status tenon_set_shape(const struct tenon_op_call *call, uint32_t output,
                                                  const struct tenon_shape *shape,
                                                  struct tenon_error *error);

/* UNSUPPORTED unless the type is one of `mask` (bits 1 << type). `what`: "input 0". */
TENON_NODISCARD enum tenon_status tenon_require_type(const struct tenon_desc *desc, uint32_t mask,
                                                     const char *what, struct tenon_error *error);
/* BAD_MODEL unless the description is quantized with one scale. */
TENON_NODISCARD enum tenon_status tenon_require_per_tensor(const struct tenon_desc *desc,
                                                           const char *what,
                                                           struct tenon_error *error);
/* That of the first `inputs` inputs and output 0; UNSUPPORTED when i16 of them has a zero point
 * other than 0, which TFLite's kernels of 16 bits take no notice of. */
TENON_NODISCARD enum tenon_status tenon_require_quantized(const struct tenon_op_call *call,
                                                          uint32_t inputs,
                                                          struct tenon_error *error);
TENON_NODISCARD enum tenon_status tenon_require_rank(const struct tenon_desc *desc, int rank,
                                                     const char *what, struct tenon_error *error);

#define TENON_TYPE_BIT(name) (UINT32_C(1) << TENON_TYPE_##name)
#define TENON_TYPES_QUANTIZED8 (TENON_TYPE_BIT(I8) | TENON_TYPE_BIT(U8))

/* Whether elements are integers that stand for real values. */
static inline bool tenon_is_quantized(const struct tenon_desc *desc) {
    return desc->quant.count != 0 && tenon_type_is_integer(desc->type);
}

/* Kernels cut their scratch memory into pieces of this alignment. */
#define TENON_SCRATCH_ALIGN 64

/* ---- activations ---- */

/* TFLite CalculateActivationRangeQuantized (kernel_util.cc). */
void tenon_activation_range(enum tenon_activation activation, const struct tenon_desc *output,
                            int32_t *low, int32_t *high);
void tenon_activation_range_f32(enum tenon_activation activation, float *low, float *high);

static inline float tenon_clamp_f32(float x, float low, float high) {
    /* The order of min and max decides what becomes of a NaN: as TFLite's std::min(std::max(x,
     * low), high), which keeps it. */
    float above = x < low ? low : x;
    return high < above ? high : above;
}

/* ---- windows: convolutions and pooling, NHWC ---- */

struct tenon_window {
    int32_t batches, in_h, in_w, in_c, out_h, out_w;
    int32_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
};

/* Reads and checks stride, dilation, pad for a k_h x k_w window over the NHWC input and computes
 * the output's height and width. */
TENON_NODISCARD enum tenon_status tenon_window_init(struct tenon_window *window,
                                                    const struct tenon_attrs *attrs,
                                                    const struct tenon_shape *input, int32_t k_h,
                                                    int32_t k_w, struct tenon_error *error);

/* ---- requantization of accumulators ---- */

/*
 * The factor of output channel c of a product of input and weights. Convolutions take it in double
 * from the float32 scales; `float_product` (fully connected and uint8 weights per tensor) forms
 * s_in * s_w in float32 first, as TFLite's GetQuantizedConvolutionMultipler.
 */
double tenon_product_scale(const struct tenon_desc *input, const struct tenon_desc *weights,
                           const struct tenon_desc *output, uint32_t channel, bool float_product);

/* The sizes before, of and after axes that are reduced, where they are adjacent and the last axis
 * is not among them; false elsewhere, and where there is nothing to reduce. */
bool tenon_reduced_block(const struct tenon_shape *shape, const struct tenon_list *axes,
                         int32_t sizes[3]);
/* The factor of the mean of n quantized elements: TFLite's, with 1/n folded in (reduce.c). */
struct tenon_multiplier tenon_mean_multiplier(const struct tenon_desc *in,
                                              const struct tenon_desc *out, int64_t n);

/* The exponentials in softmax of 8-bit elements, without integer bits: of the differences -0, -1 …
 * from the largest. Their sums have TENON_SOFTMAX_SUM_BITS integer bits. */
enum { TENON_SOFTMAX_DIFFERENCES = 256, TENON_SOFTMAX_SUM_BITS = 12 };
void tenon_softmax_exps(const struct tenon_desc *in, float beta,
                        int32_t exps[TENON_SOFTMAX_DIFFERENCES]);

/* Dynamic range: quantizes `count` floats to int8 and tells scale and zero point. TFLite
 * PortableSymmetricQuantizeFloats and PortableAsymmetricQuantizeFloats. */
void tenon_quantize_dynamic(const float *values, size_t count, bool asymmetric, int8_t *out,
                            float *scale, int32_t *zero_point);

/* Element i of packed 4-bit integers. */
static inline int8_t tenon_load_i4(const uint8_t *data, size_t i) {
    uint8_t byte = data[i / 2];
    return (int8_t)((int8_t)((i & 1) != 0 ? byte & 0xf0 : byte << 4) >> 4);
}

/* ---- broadcasting ---- */

/* Strides, in elements, of an operand seen in the shape of the result: 0 along broadcast axes. */
struct tenon_broadcast {
    uint8_t rank;
    int32_t dims[TENON_MAX_RANK];
    size_t strides[3][TENON_MAX_RANK];
};

/* The common shape of two; false when they do not broadcast (right-aligned, 1 stretches). */
TENON_NODISCARD bool tenon_broadcast_shape(const struct tenon_shape *a, const struct tenon_shape *b,
                                           struct tenon_shape *out);
/* For up to 3 operands that broadcast to `result`. */
void tenon_broadcast_init(struct tenon_broadcast *b, const struct tenon_shape *result,
                          const struct tenon_shape *const *operands, int count);
/* Advances `index` (rank elements, zeroed at the start) and the operands' element offsets. */
void tenon_broadcast_next(const struct tenon_broadcast *b, int32_t *index, size_t *offsets,
                          int count);

#endif
