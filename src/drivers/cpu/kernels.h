/* The kernels that kernels.c lists, and what the 8-bit ones share. */
#ifndef TENON_DRIVERS_CPU_KERNELS_H
#define TENON_DRIVERS_CPU_KERNELS_H

#include "drivers/cpu/kernel.h"

extern const struct tenon_kernel tenon_kernel_linear_i8;
extern const struct tenon_kernel tenon_kernel_linear_f32;
extern const struct tenon_kernel tenon_kernel_depthwise_i8;
extern const struct tenon_kernel tenon_kernel_depthwise_f32;
extern const struct tenon_kernel tenon_kernel_binary_8;
extern const struct tenon_kernel tenon_kernel_binary_f32;
extern const struct tenon_kernel tenon_kernel_lookup_8;
extern const struct tenon_kernel tenon_kernel_pool_8;
extern const struct tenon_kernel tenon_kernel_pool_f32;
extern const struct tenon_kernel tenon_kernel_softmax_8;

/* The cheapest form that gives the rule's integers for what was proven of the sums. */
enum tenon_form tenon_form_choose(const struct tenon_requantize_proof *proof,
                                  const struct tenon_output_range *range,
                                  enum tenon_rounding rounding);

static inline bool tenon_is_linear(enum tenon_op op) {
    return op == TENON_OP_CONV_2D || op == TENON_OP_FULLY_CONNECTED ||
           op == TENON_OP_DEPTHWISE_CONV_2D;
}

/* Of a call's only output. */
static inline struct tenon_output_range tenon_output_range_of(const struct tenon_cpu_call *call,
                                                              int32_t low, int32_t high,
                                                              int32_t zero_point) {
    bool i8 = call->operands[call->input_count].desc.type == TENON_TYPE_I8;
    return (struct tenon_output_range){low, high, zero_point, i8 ? 0x80 : 0};
}

/* What turns activations into the type that the instruction set multiplies: image/cpu_params.h. */
static inline uint8_t tenon_activation_flip(enum tenon_type type,
                                            const struct tenon_cpu_isa_info *isa) {
    return (type == TENON_TYPE_I8) == isa->signed_products ? 0 : 0x80;
}

#endif
