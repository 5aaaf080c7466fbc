/* What the files of the CPU backend share. */
#ifndef TENON_BACKENDS_CPU_LOWER_H
#define TENON_BACKENDS_CPU_LOWER_H

#include "backend/backend.h"
#include "image/cpu_code.h"

/*
 * Chooses the kernel of a call whose operands are set and, if the kernel wants parameters, appends
 * them to `out->data` (aligned) and sets params_offset and params.size. Sets kernel and
 * scratch_bytes. False: out of memory (the buffer's flag).
 */
bool tenon_cpu_select_kernel(const struct tenon_target *target, const struct tenon_op_call *op,
                             struct tenon_code *out, struct tenon_cpu_call *call);

/* Compatibility ids, told by the backend and understood by the driver. */
#define TENON_CPU_ID_REFERENCE "reference-1"
#define TENON_CPU_ID_PORTABLE "cpu-1"

#endif
