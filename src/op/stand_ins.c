/* Temporary weak stand-ins; deleted once every family is written. */
#include "op/rules.h"
__attribute__((weak)) enum tenon_status tenon_infer_conv_2d(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_depthwise(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_transpose_conv(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_infer_fully_connected(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_batch_matmul(const struct tenon_op_call *call,
                                                                 struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_pool(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_lstm(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_svdf(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_softmax(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_infer_l2_normalization(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_lrn(const struct tenon_op_call *call,
                                                        struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_activation(const struct tenon_op_call *call,
                                                               struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_prelu(const struct tenon_op_call *call,
                                                          struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_binary(const struct tenon_op_call *call,
                                                           struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_compare(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_select(const struct tenon_op_call *call,
                                                           struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_unary(const struct tenon_op_call *call,
                                                          struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_quantize(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_dequantize(const struct tenon_op_call *call,
                                                               struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_cast(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_reduce(const struct tenon_op_call *call,
                                                           struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_arg(const struct tenon_op_call *call,
                                                        struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_cumsum(const struct tenon_op_call *call,
                                                           struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_topk(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_reshape(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_shape(const struct tenon_op_call *call,
                                                          struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_fill(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_tile(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_broadcast_to(const struct tenon_op_call *call,
                                                                 struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_concatenation(const struct tenon_op_call *call,
                                                                  struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_split(const struct tenon_op_call *call,
                                                          struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_pack(const struct tenon_op_call *call,
                                                         struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_unpack(const struct tenon_op_call *call,
                                                           struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_slice(const struct tenon_op_call *call,
                                                          struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_strided_slice(const struct tenon_op_call *call,
                                                                  struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_transpose(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_reverse(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_pad(const struct tenon_op_call *call,
                                                        struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_mirror_pad(const struct tenon_op_call *call,
                                                               struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_depth_to_space(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_space_to_depth(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_batch_to_space(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_space_to_batch(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_gather(const struct tenon_op_call *call,
                                                           struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_gather_nd(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_resize(const struct tenon_op_call *call,
                                                           struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_infer_detection(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_conv_2d(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_depthwise(const struct tenon_op_call *call,
                                                                  struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_transpose_conv(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_fully_connected(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_batch_matmul(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_average_pool(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_max_pool(const struct tenon_op_call *call,
                                                                 struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_l2_pool(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_lstm(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_svdf(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_softmax(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_log_softmax(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_l2_normalization(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_lrn(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_relu(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_leaky_relu(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_prelu(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_elu(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_hard_swish(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_gelu(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_logistic(const struct tenon_op_call *call,
                                                                 struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_tanh(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_add(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_sub(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_mul(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_div(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_minimum(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_maximum(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_squared_difference(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_compare(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_logical(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_select(const struct tenon_op_call *call,
                                                               struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_unary(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_quantize(const struct tenon_op_call *call,
                                                                 struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_dequantize(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_cast(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_mean(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_sum(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_reduce_extreme(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_arg(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_cumsum(const struct tenon_op_call *call,
                                                               struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_topk(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_copy(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_shape(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_fill(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_tile(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_broadcast_to(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_concatenation(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_split(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_pack(const struct tenon_op_call *call,
                                                             struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_unpack(const struct tenon_op_call *call,
                                                               struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_slice(const struct tenon_op_call *call,
                                                              struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_strided_slice(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_transpose(const struct tenon_op_call *call,
                                                                  struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_reverse(const struct tenon_op_call *call,
                                                                struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_pad(const struct tenon_op_call *call,
                                                            struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_mirror_pad(const struct tenon_op_call *call,
                                                                   struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_depth_to_space(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_space_to_depth(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_batch_to_space(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_space_to_batch(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_gather(const struct tenon_op_call *call,
                                                               struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_gather_nd(const struct tenon_op_call *call,
                                                                  struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_resize_bilinear(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status
tenon_reference_resize_nearest(const struct tenon_op_call *call, struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) enum tenon_status tenon_reference_detection(const struct tenon_op_call *call,
                                                                  struct tenon_error *error) {
    (void)call;
    return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "not written yet");
}
__attribute__((weak)) size_t tenon_scratch_conv_2d(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_depthwise(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_transpose_conv(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_fully_connected(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_batch_matmul(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_lstm(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_svdf(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_reduce(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_topk(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) size_t tenon_scratch_detection(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) uint64_t tenon_macs_conv_2d(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) uint64_t tenon_macs_depthwise(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) uint64_t tenon_macs_transpose_conv(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) uint64_t tenon_macs_fully_connected(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) uint64_t tenon_macs_batch_matmul(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) uint64_t tenon_macs_lstm(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
__attribute__((weak)) uint64_t tenon_macs_svdf(const struct tenon_op_call *call) {
    (void)call;
    return 0;
}
