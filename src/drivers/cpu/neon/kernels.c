/* The loops of isa/ over the operations of this instruction set. */
#include "drivers/cpu/neon/vector.h"

#define ISA TENON_CPU_NEON
#define ISA_KERNELS tenon_isa_neon
#define ISA_FLOATS tenon_floats_neon
#define ISA_ELEMENTS tenon_elements_neon
#include "drivers/cpu/isa/float.h"
#include "drivers/cpu/isa/kernels.h"

#include "drivers/cpu/isa/elements.h"
