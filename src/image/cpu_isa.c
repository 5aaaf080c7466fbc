/* The rows of cpu_isa.h, and how each is recognised. */
#include "image/cpu_isa.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static bool always(void) {
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* CPUID leaf 7, which AVX2 is told in too, subleaf 1: Intel's Software Developer's Manual, volume
 * 2A. */
static bool has_avx_vnni(void) {
    if (!has_avx2())
        return false;
    unsigned a, b, c, d;
    __cpuid_count(7, 1, a, b, c, d);
    return (a >> 4 & 1) != 0;
}

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}
#else
#define has_avx2 never
#define has_avx_vnni never
#define has_avx512 never
#endif

#if defined(__aarch64__)
static bool has_dot(void) {
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}
#define has_neon always
#else
#define has_neon never
#define has_dot never
#endif

static inline bool never(void) {
    return false;
}

static const struct tenon_cpu_isa_info rows[TENON_CPU_ISA_COUNT] = {
    [TENON_CPU_PORTABLE] = {.name = "portable", .needs = "", .lanes = 4, .present = always},
    [TENON_CPU_AVX2] = {.name = "avx2",
                        .needs = "avx2 fma",
                        .lanes = 8,
                        .adds_in_16_bits = true,
                        .present = has_avx2},
    [TENON_CPU_AVX_VNNI] = {.name = "avx-vnni",
                            .needs = "avx2 fma avxvnni",
                            .lanes = 8,
                            .present = has_avx_vnni},
    [TENON_CPU_AVX512] = {.name = "avx512",
                          .needs = "avx512bw avx512vl avx512vnni",
                          .lanes = 16,
                          .present = has_avx512},
    [TENON_CPU_NEON] = {.name = "neon",
                        .needs = "asimd",
                        .lanes = 4,
                        .signed_products = true,
                        .present = has_neon},
    [TENON_CPU_NEON_DOT] = {.name = "neon-dot",
                            .needs = "asimd asimddp",
                            .lanes = 4,
                            .signed_products = true,
                            .present = has_dot},
};

const struct tenon_cpu_isa_info *tenon_cpu_isa_get(enum tenon_cpu_isa isa) {
    return &rows[isa];
}

enum tenon_cpu_isa tenon_cpu_isa_parse(const char *name) {
    enum tenon_cpu_isa isa = TENON_CPU_PORTABLE;
    while (isa < TENON_CPU_ISA_COUNT && strcmp(rows[isa].name, name) != 0)
        isa++;
    return isa;
}

bool tenon_cpu_isa_usable(enum tenon_cpu_isa isa) {
    const char *newest = getenv("TENON_CPU");
    return (newest == NULL || isa <= tenon_cpu_isa_parse(newest)) && rows[isa].present();
}

enum tenon_cpu_isa tenon_cpu_isa_best(void) {
    enum tenon_cpu_isa isa = TENON_CPU_ISA_COUNT - 1;
    while (isa > TENON_CPU_PORTABLE && !tenon_cpu_isa_usable(isa))
        isa--;
    return isa;
}
