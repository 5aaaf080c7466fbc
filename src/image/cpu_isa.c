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

#define BIT(isa) (1U << TENON_CPU_##isa)

#if defined(__x86_64__)
/* Registers that the system saves: XCR0. */
static uint32_t saved_state(void) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has_all(uint32_t word, uint32_t bits) {
    return (word & bits) == bits;
}

/*
 * Intel's Software Developer's Manual, volume 2A, CPUID: where XSAVE is (leaf 1), there are leaves
 * up to 0xd. Not __builtin_cpu_supports, which asks for a dozen leaves before main in each library:
 * some tens of microseconds each under a hypervisor.
 */
uint32_t tenon_cpu_isas_present(void) {
    enum { FMA_OSXSAVE_AVX = 1 << 12 | 1 << 27 | 1 << 28, YMM = 6, ZMM = 0xe6 };
    enum {
        AVX2 = 1 << 5,
        AVX512_F_BW = 1 << 16 | 1 << 30,
        AVX512_VNNI = 1 << 11,
        AVX_VNNI = 1 << 4
    };
    const uint32_t avx512_vl = UINT32_C(1) << 31;
    uint32_t a, b, c, d, last, isas = BIT(PORTABLE);
    __cpuid(1, a, b, c, d);
    uint32_t state = has_all(c, FMA_OSXSAVE_AVX) ? saved_state() : 0;
    if (!has_all(state, YMM))
        return isas;
    __cpuid_count(7, 0, last, b, c, d);
    if ((b & AVX2) == 0)
        return isas;
    if (has_all(b, AVX512_F_BW | avx512_vl) && (c & AVX512_VNNI) != 0 && has_all(state, ZMM))
        isas |= BIT(AVX512);
    a = 0;
    if (last >= 1)
        __cpuid_count(7, 1, a, b, c, d);
    return isas | BIT(AVX2) | ((a & AVX_VNNI) != 0 ? BIT(AVX_VNNI) : 0);
}
#elif defined(__aarch64__)
uint32_t tenon_cpu_isas_present(void) {
    bool dot = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
    return BIT(PORTABLE) | BIT(NEON) | (dot ? BIT(NEON_DOT) : 0);
}
#else
uint32_t tenon_cpu_isas_present(void) {
    return BIT(PORTABLE);
}
#endif

static const struct tenon_cpu_isa_info rows[TENON_CPU_ISA_COUNT] = {
    [TENON_CPU_PORTABLE] = {.name = "portable", .needs = "", .lanes = 4},
    [TENON_CPU_AVX2] = {.name = "avx2", .needs = "avx2 fma", .lanes = 8, .adds_in_16_bits = true},
    [TENON_CPU_AVX_VNNI] = {.name = "avx-vnni", .needs = "avx2 fma avxvnni", .lanes = 8},
    [TENON_CPU_AVX512] = {.name = "avx512", .needs = "avx512bw avx512vl avx512vnni", .lanes = 16},
    [TENON_CPU_NEON] = {.name = "neon", .needs = "asimd", .lanes = 4, .signed_products = true},
    [TENON_CPU_NEON_DOT] = {.name = "neon-dot",
                            .needs = "asimd asimddp",
                            .lanes = 4,
                            .signed_products = true},
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

uint32_t tenon_cpu_isas_usable(void) {
    const char *newest = getenv("TENON_CPU");
    uint32_t isas = tenon_cpu_isas_present();
    if (newest == NULL)
        return isas;
    return isas & ((UINT32_C(2) << tenon_cpu_isa_parse(newest)) - 1);
}

enum tenon_cpu_isa tenon_cpu_isa_best(uint32_t isas) {
    enum tenon_cpu_isa isa = TENON_CPU_ISA_COUNT - 1;
    while (isa > TENON_CPU_PORTABLE && (isas >> isa & 1) == 0)
        isa--;
    return isa;
}
