/*
 * All loops but those of float.h, and the row of the instruction set whose kernels.c includes this
 * last, after a vector.h: ISA is its number, ISA_KERNELS the row's name, ISA_FLOATS that of a
 * float.h, its own or another instruction set's.
 */
#include "drivers/cpu/isa/linear_i8.h"

#include "drivers/cpu/isa/depthwise_i8.h"

#include "drivers/cpu/isa/partial.h"

#include "drivers/cpu/isa/elementwise.h"

#include "drivers/cpu/isa/pool.h"

#include "drivers/cpu/isa/stage.h"

extern const struct tenon_float_kernels ISA_FLOATS;
extern const struct tenon_isa_kernels ISA_KERNELS;

const struct tenon_isa_kernels ISA_KERNELS = {
    .isa = ISA,
    .floats = &ISA_FLOATS,
    .linear_rows = LINEAR_ROWS,
    .linear_i8 = linear_i8,
    .stage_8 = stage_8,
    .depthwise_i8 = depthwise_i8,
    .binary_8 = binary_8,
    .binary_f32 = binary_f32,
    .average_8 = average_8,
    .max_8 = max_8,
    .average_f32 = average_f32,
};
