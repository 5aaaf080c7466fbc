/* The kernel table, and the kernel that executes everything: the operator table's reference. */
#include "drivers/cpu/kernels.h"

#include <string.h>

static enum tenon_status prepare_reference(const struct tenon_cpu_call *call,
                                           const struct tenon_isa_kernels *isa,
                                           struct tenon_arena *arena,
                                           struct tenon_kernel_plan *plan,
                                           struct tenon_error *error) {
    (void)isa;
    (void)arena;
    (void)plan;
    if (call->scratch_bytes < call->reference_scratch_bytes)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "too little scratch memory");
    return TENON_OK;
}

static enum tenon_status run_reference(const struct tenon_kernel_run *run,
                                       struct tenon_error *error) {
    return tenon_op_run_reference(&run->op, error);
}

static const struct tenon_kernel kernel_reference = {"reference", false, 0, prepare_reference,
                                                     run_reference};

enum tenon_form tenon_form_choose(const struct tenon_requantize_proof *proof,
                                  const struct tenon_output_range *range,
                                  enum tenon_rounding rounding) {
    if (!proof->in_32_bits || rounding == TENON_ROUNDING_F32)
        return TENON_FORM_PLAIN;
    if (rounding == TENON_ROUNDING_SINGLE)
        return proof->right_only ? TENON_FORM_HIGH_SINGLE : TENON_FORM_PLAIN;
    if (!proof->right_only)
        return TENON_FORM_DOUBLE;
    if (range->low >= range->zero_point)
        return TENON_FORM_HIGH;
    return proof->no_ties ? TENON_FORM_SYMMETRIC : TENON_FORM_DOUBLE;
}

static const struct tenon_kernel *const kernels[] = {
    &kernel_reference,          &tenon_kernel_linear_i8,     &tenon_kernel_linear_f32,
    &tenon_kernel_depthwise_i8, &tenon_kernel_depthwise_f32, &tenon_kernel_binary_8,
    &tenon_kernel_binary_f32,   &tenon_kernel_lookup_8,      &tenon_kernel_pool_8,
    &tenon_kernel_pool_f32,     &tenon_kernel_softmax_8,
};

const struct tenon_kernel *tenon_kernel_find(const char *name, uint32_t isas,
                                             const struct tenon_isa_kernels **isa) {
    const char *dot = strchr(name, '.');
    size_t length = dot != NULL ? (size_t)(dot - name) : strlen(name);
    enum tenon_cpu_isa set = dot != NULL ? tenon_cpu_isa_parse(dot + 1) : tenon_cpu_isa_best(isas);
    *isa = (isas >> set & 1) != 0 ? tenon_isa_find(set) : NULL;
    if (*isa == NULL)
        return NULL;
    for (size_t i = 0; i < TENON_COUNT_OF(kernels); i++)
        if (strncmp(kernels[i]->name, name, length) == 0 && kernels[i]->name[length] == '\0')
            return kernels[i]->per_isa == (dot != NULL) ? kernels[i] : NULL;
    return NULL;
}
