/*
 * The loops of products of bytes, and the row of the instruction set whose kernels.c includes this
 * after a vector.h: ISA is its number, ISA_KERNELS the row's name, ISA_FLOATS and ISA_ELEMENTS
 * those of a float.h and an elements.h, its own or another instruction set's.
 */
#include "drivers/cpu/isa/linear_i8.h"

#include "drivers/cpu/isa/depthwise_i8.h"

#include "drivers/cpu/isa/stage.h"

extern const struct tenon_float_kernels ISA_FLOATS;
extern const struct tenon_element_kernels ISA_ELEMENTS;
extern const struct tenon_isa_kernels ISA_KERNELS;

const struct tenon_isa_kernels ISA_KERNELS = {
    .isa = ISA,
    .floats = &ISA_FLOATS,
    .elements = &ISA_ELEMENTS,
    .linear_rows = LINEAR_ROWS,
    .linear_i8 = linear_i8,
    .stage_8 = stage_8,
    .depthwise_i8 = depthwise_i8,
};
