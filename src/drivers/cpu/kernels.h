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

/* Whether vectors may requantize: only the double rule is written for them. */
static inline bool tenon_vector_rounding(bool provable, enum tenon_rounding rounding) {
    return provable && (rounding == TENON_ROUNDING_DOUBLE || rounding == TENON_ROUNDING_NONE);
}

/* What turns activations into the type that the instruction set multiplies: image/cpu_params.h. */
static inline uint8_t tenon_activation_flip(enum tenon_type type,
                                            const struct tenon_cpu_isa_info *isa) {
    return (type == TENON_TYPE_I8) == isa->signed_products ? 0 : 0x80;
}

#endif
