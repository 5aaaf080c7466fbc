/* What the files of the CPU backend share. */
#ifndef TENON_BACKENDS_CPU_LOWER_H
#define TENON_BACKENDS_CPU_LOWER_H

#include "backend/backend.h"
#include "image/cpu_code.h"
#include "image/cpu_isa.h"

/*
 * Chooses the kernel of a call whose operands are set and, if the kernel wants parameters, appends
 * them to `out->data` (aligned) and sets params_offset and params.size. Sets kernel and
 * scratch_bytes, and the place of operands that the parameters hold. False: out of memory.
 */
bool tenon_cpu_select_kernel(const struct tenon_target *target, enum tenon_cpu_isa isa,
                             const struct tenon_op_call *op, struct tenon_arena *arena,
                             struct tenon_code *out, struct tenon_cpu_call *call);

/* For which instruction set kernels of a target are chosen: asked once, the processor is slow to
 * answer in a virtual machine. */
enum tenon_cpu_isa tenon_cpu_target_isa(const struct tenon_target *target);

/* "reference-7", "cpu-7.avx2": see TENON_CPU_CODE_ID. NULL: out of memory. */
const char *tenon_cpu_compatibility_id(const struct tenon_target *target,
                                       struct tenon_arena *arena);

#endif
