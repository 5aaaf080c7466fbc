/*
 * Hides instruction sets from this process, Tenon and peers alike: with TENON_BENCH_CPU=avx2 it
 * sees a processor without AVX-512, AVX-VNNI and AMX, which is what a Zen 3 or Haswell has; with
 * TENON_BENCH_CPU=avx-vnni one that has AVX-VNNI of these. Every library then takes the path that
 * it would take there, by its own decision.
 *
 * Linux lets a process on Intel processors with CPUID faulting turn CPUID into a SIGSEGV
 * (arch_prctl(2), ARCH_SET_CPUID); the handler answers in its place. The setting is inherited by
 * threads and lost at exec. It is made from .preinit_array, before the constructors of any library
 * ask for the processor.
 */
#include "mask_cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    SET_CPUID = 0x1012, /* ARCH_SET_CPUID of asm/prctl.h */
    CPUID_BYTES = 2,    /* 0f a2 */
    FEATURES = 7,       /* leaf "structured extended features" */
    STATE = 0xd,        /* leaf "extended state" */
};

/* Bits of leaf 7, Intel SDM volume 2, CPUID: what came with AVX-512 or later. */
static const uint32_t hidden_7_0_ebx = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 |
                                       1u << 28 | 1u << 30 | 1u << 31; /* AVX-512 F … VL */
static const uint32_t hidden_7_0_ecx = 1u << 1 | 1u << 6 | 1u << 8 | 1u << 11 | 1u << 12 |
                                       1u << 14; /* VBMI, VBMI2, GFNI, VNNI, BITALG, VPOPCNTDQ */
static const uint32_t hidden_7_0_edx = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 |
                                       1u << 24 | 1u << 25; /* 4VNNIW … AMX, AVX512-FP16 */
static const uint32_t visible_state = 7;                    /* x87, SSE, AVX */
static const uint32_t avx_vnni_bit = 1u << 4;               /* of leaf 7, subleaf 1, eax */

static int set_cpuid(int allowed) {
    return (int)syscall(SYS_arch_prctl, SET_CPUID, allowed);
}

static void answer(uint32_t leaf, uint32_t subleaf, bool avx_vnni, uint32_t r[4]) {
    __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
    if (leaf == FEATURES && subleaf == 0) {
        r[1] &= ~hidden_7_0_ebx;
        r[2] &= ~hidden_7_0_ecx;
        r[3] &= ~hidden_7_0_edx;
    } else if (leaf == FEATURES) {
        uint32_t visible = subleaf == 1 && avx_vnni ? r[0] & avx_vnni_bit : 0;
        memset(r, 0, 4 * sizeof(r[0])); /* AVX512-BF16, AVX-IFMA, AMX-FP16, … */
        r[0] = visible;
    } else if (leaf == STATE && subleaf == 0) {
        r[0] &= visible_state;
    }
}

static void emulate(int signal, void *context, bool avx_vnni) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)(uintptr_t)registers[REG_RIP];
    if (code[0] != 0x0f || code[1] != 0xa2) { /* a real fault: die of it when it repeats */
        struct sigaction fatal = {.sa_handler = SIG_DFL};
        sigaction(signal, &fatal, NULL);
        return;
    }
    uint32_t r[4];
    set_cpuid(1);
    answer((uint32_t)registers[REG_RAX], (uint32_t)registers[REG_RCX], avx_vnni, r);
    set_cpuid(0);
    registers[REG_RAX] = r[0];
    registers[REG_RBX] = r[1];
    registers[REG_RCX] = r[2];
    registers[REG_RDX] = r[3];
    registers[REG_RIP] += CPUID_BYTES;
}

static void on_fault_avx2(int signal, siginfo_t *info, void *context) {
    (void)info;
    emulate(signal, context, false);
}

static void on_fault_avx_vnni(int signal, siginfo_t *info, void *context) {
    (void)info;
    emulate(signal, context, true);
}

static void mask(int argc, char **argv, char **environment) {
    (void)argc;
    (void)argv;
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    for (char **e = environment; *e != NULL; e++) {
        if (strcmp(*e, "TENON_BENCH_CPU=avx2") == 0)
            action.sa_sigaction = on_fault_avx2;
        else if (strcmp(*e, "TENON_BENCH_CPU=avx-vnni") == 0)
            action.sa_sigaction = on_fault_avx_vnni;
    }
    if (action.sa_sigaction == NULL)
        return;
    sigaction(SIGSEGV, &action, NULL);
    set_cpuid(0);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const before_libraries)(int, char **, char **) = mask;

bool bench_cpu_is_as_asked(void) {
    const char *asked = getenv("TENON_BENCH_CPU");
    bool hides = asked != NULL && (strcmp(asked, "avx2") == 0 || strcmp(asked, "avx-vnni") == 0);
    uint32_t a, b = 0, c, d;
    if (hides)
        __cpuid_count(FEATURES, 0, a, b, c, d);
    return (b & 1u << 16) == 0;
}
#else
bool bench_cpu_is_as_asked(void) {
    return true;
}
#endif
