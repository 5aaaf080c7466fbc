/* The loops of isa/ over the operations of AVX2, with products of four bytes added by one
 * instruction (vpdpbusd): avx2/vector.h, compiled with AVX-VNNI. */
#include "drivers/cpu/avx2/vector.h"

#include "drivers/cpu/isa/linear_i8.h"

#include "drivers/cpu/isa/depthwise_i8.h"
#include "drivers/cpu/isa/float.h"

#include "drivers/cpu/isa/elementwise.h"

#include "drivers/cpu/isa/pool.h"

#include "drivers/cpu/isa/stage.h"

extern const struct tenon_isa_kernels tenon_isa_avx_vnni;

const struct tenon_isa_kernels tenon_isa_avx_vnni = {
    .isa = TENON_CPU_AVX_VNNI,
    .linear_rows = LINEAR_ROWS,
    .linear_i8 = linear_i8,
    .stage_8 = stage_8,
    .depthwise_i8 = depthwise_i8,
    .linear_f32 = linear_f32,
    .depthwise_f32 = depthwise_f32,
    .binary_8 = binary_8,
    .binary_f32 = binary_f32,
    .sum_8 = sum_8,
    .max_8 = max_8,
};
