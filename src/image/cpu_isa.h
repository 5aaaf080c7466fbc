/*
 * Instruction sets for which the CPU device has kernels: what the compiler packs weights for and
 * what the driver executes. One row each, slowest first (cpu_isa.c). The environment variable
 * TENON_CPU names the newest one to use, in both halves: to test kernels, or to compile for
 * another machine.
 */
#ifndef TENON_IMAGE_CPU_ISA_H
#define TENON_IMAGE_CPU_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tenon_cpu_isa {
    TENON_CPU_PORTABLE,
    TENON_CPU_AVX2,
    TENON_CPU_AVX_VNNI,
    TENON_CPU_AVX512,
    TENON_CPU_NEON,
    TENON_CPU_NEON_DOT,
    TENON_CPU_ISA_COUNT,
};

struct tenon_cpu_isa_info {
    const char *name;
    const char *needs;    /* for people */
    uint32_t lanes;       /* 32-bit elements of a vector: channels of a panel of packed weights */
    bool adds_in_16_bits; /* pairs of products are added in int16, which saturates */
    bool signed_products; /* multiplies i8 by i8, not u8 by i8 */
};

const struct tenon_cpu_isa_info *tenon_cpu_isa_get(enum tenon_cpu_isa isa);
/* Those of this processor: bit i is instruction set i. Asks the processor, which takes its time. */
uint32_t tenon_cpu_isas_present(void);
/* Of these, what is not newer than TENON_CPU allows. */
uint32_t tenon_cpu_isas_usable(void);
/* The newest of them, or the portable one. */
enum tenon_cpu_isa tenon_cpu_isa_best(uint32_t isas);
/* TENON_CPU_ISA_COUNT when there is no such name. */
enum tenon_cpu_isa tenon_cpu_isa_parse(const char *name);

#endif
