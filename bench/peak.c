/*
 * The measured limit that GMAC/s of layers are held against: loops of nothing but the instructions
 * of an inner product, on registers, with enough independent sums to hide their latency. Written in
 * assembly, so that no compiler has a say; each sequence is one step of a dot product.
 */
#include "peak.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "engine.h"

#if defined(__x86_64__)
#include <cpuid.h>

enum { CHAINS = 6, ROUNDS = 200000, TRIES = 7 };

/* Six chains: sums in registers 0-5, temporaries 6-11, operands 13-14, ones in 15. */
#define SIX(step) step(0, 6) step(1, 7) step(2, 8) step(3, 9) step(4, 10) step(5, 11)
#define BODY(kind, step)                                                                           \
    static void kind##_loop(void) {                                                                \
        for (uint32_t i = 0; i < ROUNDS; i++)                                                      \
            __asm__ volatile(SIX(step) SIX(step)::                                                 \
                                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", \
                                   "xmm8", "xmm9", "xmm10", "xmm11");                              \
    }

#define IN_16_BITS(sum, t)                                                                      \
    "vpmaddubsw %%ymm13, %%ymm14, %%ymm" #t "\n\tvpaddw %%ymm" #t ", %%ymm" #sum ", %%ymm" #sum \
    "\n\t"
#define WIDENED(sum, t)                                                                   \
    "vpmaddubsw %%ymm13, %%ymm14, %%ymm" #t "\n\tvpmaddwd %%ymm" #t ", %%ymm15, %%ymm" #t \
    "\n\tvpaddd %%ymm" #t ", %%ymm" #sum ", %%ymm" #sum "\n\t"
#define EXACT(sum, t)                                                                              \
    "vpmaddwd %%ymm13, %%ymm14, %%ymm" #t "\n\tvpaddd %%ymm" #t ", %%ymm" #sum ", %%ymm" #sum "\n" \
    "\t"
/* Two sums each: a chain of one instruction needs more of them to hide four cycles. */
#define FMA(sum, t) \
    "vfmadd231ps %%ymm13, %%ymm14, %%ymm" #sum "\n\tvfmadd231ps %%ymm13, %%ymm14, %%ymm" #t "\n\t"
#define DOT(sum, t) \
    "vpdpbusd %%zmm13, %%zmm14, %%zmm" #sum "\n\tvpdpbusd %%zmm13, %%zmm14, %%zmm" #t "\n\t"
#define DOT_256(sum, t)                             \
    "%{vex%} vpdpbusd %%ymm13, %%ymm14, %%ymm" #sum \
    "\n\t%{vex%} vpdpbusd %%ymm13, %%ymm14, %%ymm" #t "\n\t"
#define FMA_512(sum, t) \
    "vfmadd231ps %%zmm13, %%zmm14, %%zmm" #sum "\n\tvfmadd231ps %%zmm13, %%zmm14, %%zmm" #t "\n\t"

BODY(in_16_bits, IN_16_BITS)
BODY(widened, WIDENED)
BODY(exact, EXACT)
BODY(fma, FMA)
BODY(dot_256, DOT_256)
BODY(dot_512, DOT)
BODY(fma_512, FMA_512)

/* CPUID leaf 7: Intel's Software Developer's Manual, volume 2A. Not __builtin_cpu_supports, whose
 * dozen leaves every start of this program would wait for. */
static bool has_avx2(void) {
    unsigned a, b = 0, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 5 & 1) != 0;
}

static bool has_avx_vnni(void) {
    unsigned a = 0, b, c, d;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1) != 0;
}

static bool has_avx512(void) {
    unsigned a, b = 0, c = 0, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 16 & 1) != 0 && (c >> 11 & 1) != 0;
}

static const struct {
    const char *name, *text;
    void (*loop)(void);
    uint32_t macs; /* of one step of one chain */
    bool (*usable)(void);
} kinds[] = {
    {"maddubs16", "vpmaddubsw + vpaddw: pairs and sums of u8 x s8 in 16 bits, which saturate",
     in_16_bits_loop, 32, has_avx2},
    {"maddubs", "vpmaddubsw + vpmaddwd + vpaddd: pairs in 16 bits, widened each time", widened_loop,
     32, has_avx2},
    {"maddwd", "vpmaddwd + vpaddd: 16-bit operands, exact", exact_loop, 16, has_avx2},
    {"fma", "vfmadd231ps: fp32", fma_loop, 16, has_avx2},
    {"vnni256", "vpdpbusd, 256 bits: u8 x s8, exact", dot_256_loop, 64, has_avx_vnni},
    {"vnni512", "vpdpbusd, 512 bits: u8 x s8, exact", dot_512_loop, 128, has_avx512},
    {"fma512", "vfmadd231ps, 512 bits: fp32", fma_512_loop, 32, has_avx512},
};

static double best_gmacs(size_t kind) {
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        uint64_t begin = clock_ns();
        kinds[kind].loop();
        double ns = (double)(clock_ns() - begin);
        double rate = 2.0 * CHAINS * ROUNDS * kinds[kind].macs / ns;
        best = rate > best ? rate : best;
    }
    return best;
}

bool peak_print(void) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].usable())
            printf("%s %.1f %s\n", kinds[i].name, best_gmacs(i), kinds[i].text);
    return true;
}

#else

bool peak_print(void) {
    return complain("the limit of this architecture is not measured yet");
}

#endif
