/*
 * A kernel of the CPU driver: executes one call. The table (kernels.c) is searched by the name that
 * the program says; a kernel refuses what it cannot execute when the program is loaded, and trusts
 * it when it runs.
 */
#ifndef TENON_DRIVERS_CPU_KERNEL_H
#define TENON_DRIVERS_CPU_KERNEL_H

#include "drivers/cpu/pool.h"
#include "image/cpu_code.h"

struct tenon_kernel_run {
    struct tenon_op_call op; /* with data; packed constants have none */
    const uint8_t *params;
    size_t params_bytes;
    size_t scratch_bytes;
    struct tenon_pool *pool;
};

struct tenon_kernel {
    const char *name;
    uint64_t features; /* bits of enum tenon_cpu_feature that it needs */
    /* Whether a call, whose operands fit the operator table, and its params are what this kernel
     * executes without leaving them. Errors: BAD_IMAGE. */
    enum tenon_status (*check)(const struct tenon_cpu_call *call, uint32_t threads,
                               struct tenon_error *error);
    enum tenon_status (*run)(const struct tenon_kernel_run *run, struct tenon_error *error);
};

/* NULL when there is no such kernel. */
const struct tenon_kernel *tenon_kernel_find(const char *name);

#endif
