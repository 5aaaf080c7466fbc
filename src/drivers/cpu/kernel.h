/*
 * A kernel of the CPU driver: executes one call. The table (kernels.c) is searched by the name that
 * the program says, "operation" or "operation.isa"; a kernel refuses what it cannot execute when
 * the program is loaded, and trusts it when it runs.
 */
#ifndef TENON_DRIVERS_CPU_KERNEL_H
#define TENON_DRIVERS_CPU_KERNEL_H

#include "drivers/cpu/isa.h"
#include "drivers/cpu/pool.h"
#include "image/cpu_code.h"

/* What a kernel makes of a call when the program is loaded. */
struct tenon_kernel_plan {
    const void *state;      /* the kernel's own, in the executable's arena */
    size_t workspace_bytes; /* working memory of each thread */
};

struct tenon_kernel_run {
    struct tenon_op_call op; /* with data; packed constants have none */
    const void *state;
    uint8_t *workspace; /* of thread 0; the others' follow */
    size_t workspace_stride;
    struct tenon_pool *pool;
};

static inline void *tenon_kernel_workspace(const struct tenon_kernel_run *run, uint32_t worker) {
    return run->workspace + worker * run->workspace_stride;
}

struct tenon_kernel {
    const char *name;
    bool per_isa;           /* there is one for each instruction set */
    uint32_t packed_inputs; /* bit i: input i may be packed, and is then read from the params */
    /* Checks that a call, whose operands fit the operator table, and its params (untrusted) are
     * what this kernel executes without leaving them; fills the plan, which is zero.
     * Errors: BAD_IMAGE, OUT_OF_MEMORY. */
    enum tenon_status (*prepare)(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error);
    enum tenon_status (*run)(const struct tenon_kernel_run *run, struct tenon_error *error);
};

/* `isa` receives the row of the instruction set that the name ends in, one of `isas`, or else of
 * the newest of these. NULL when there is no such kernel, or it is not for this processor. */
const struct tenon_kernel *tenon_kernel_find(const char *name, uint32_t isas,
                                             const struct tenon_isa_kernels **isa);

#endif
