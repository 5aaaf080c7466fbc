/* The loops of isa/ over the operations of this instruction set. */
#include "drivers/cpu/portable/vector.h"

#define ISA TENON_CPU_PORTABLE
#define ISA_KERNELS tenon_isa_portable
#define ISA_FLOATS tenon_floats_portable
#define ISA_ELEMENTS tenon_elements_portable
#include "drivers/cpu/isa/float.h"
#include "drivers/cpu/isa/kernels.h"

#include "drivers/cpu/isa/elements.h"
