/* The loops of isa/ over the operations of this instruction set. */
#include "drivers/cpu/avx2/vector.h"

#include "drivers/cpu/isa/linear_i8.h"

#include "drivers/cpu/isa/depthwise_i8.h"
#include "drivers/cpu/isa/float.h"

extern const struct tenon_isa_kernels tenon_isa_avx2;

const struct tenon_isa_kernels tenon_isa_avx2 = {
    .isa = TENON_CPU_AVX2,
    .linear_i8 = linear_i8,
    .depthwise_i8 = depthwise_i8,
    .linear_f32 = linear_f32,
    .depthwise_f32 = depthwise_f32,
};
