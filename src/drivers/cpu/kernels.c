/* The kernel table, and the kernel that executes everything: the operator table's reference. */
#include "drivers/cpu/kernel.h"

#include <string.h>

static enum tenon_status check_reference(const struct tenon_cpu_call *call, uint32_t threads,
                                         struct tenon_error *error) {
    (void)threads;
    for (uint32_t i = 0; i < call->input_count; i++)
        if (call->operands[i].place == TENON_CPU_PACKED)
            return tenon_fail(error, TENON_ERROR_BAD_IMAGE,
                              "a packed constant where the reference kernel reads it");
    if (call->scratch_bytes < call->reference_scratch_bytes)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "too little scratch memory");
    return TENON_OK;
}

static enum tenon_status run_reference(const struct tenon_kernel_run *run,
                                       struct tenon_error *error) {
    return tenon_op_run_reference(&run->op, error);
}

static const struct tenon_kernel kernels[] = {
    {.name = "reference", .check = check_reference, .run = run_reference},
};

const struct tenon_kernel *tenon_kernel_find(const char *name) {
    for (size_t i = 0; i < TENON_COUNT_OF(kernels); i++)
        if (strcmp(kernels[i].name, name) == 0)
            return &kernels[i];
    return NULL;
}
