/* The loops of isa/ over the operations of this instruction set. */
#include "drivers/cpu/avx512/vector.h"

#define ISA TENON_CPU_AVX512
#define ISA_KERNELS tenon_isa_avx512
#define ISA_FLOATS tenon_floats_avx512
#define ISA_ELEMENTS tenon_elements_avx512
#include "drivers/cpu/isa/float.h"
#include "drivers/cpu/isa/kernels.h"

#include "drivers/cpu/isa/elements.h"
