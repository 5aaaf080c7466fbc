/* The row of what goes element by element or over windows without weights, after kernels.h. */
#include "drivers/cpu/isa/partial.h"

#include "drivers/cpu/isa/elementwise.h"

#include "drivers/cpu/isa/pool.h"

const struct tenon_element_kernels ISA_ELEMENTS = {
    .binary_8 = binary_8,
    .binary_f32 = binary_f32,
    .average_8 = average_8,
    .max_8 = max_8,
    .average_f32 = average_f32,
};
