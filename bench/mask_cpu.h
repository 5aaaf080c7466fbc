/* Hiding instruction sets from this process: the environment variable TENON_BENCH_CPU=avx2 or
 * avx-vnni. */
#ifndef BENCH_MASK_CPU_H
#define BENCH_MASK_CPU_H

#include <stdbool.h>

/* False when hiding was asked for and this machine cannot do it (no CPUID faulting). */
bool bench_cpu_is_as_asked(void);

#endif
