/* The loops of isa/ over the operations of AVX2, with products of four bytes added by one
 * instruction (vpdpbusd): avx2/vector.h, compiled with AVX-VNNI. */
#include "drivers/cpu/avx2/vector.h"

#define ISA TENON_CPU_AVX_VNNI
#define ISA_KERNELS tenon_isa_avx_vnni
#define ISA_FLOATS tenon_floats_avx2
#define ISA_ELEMENTS tenon_elements_avx2
#include "drivers/cpu/isa/kernels.h"
