/* Which kernel executes a node on the CPU. */
#include "backends/cpu/lower.h"

bool tenon_cpu_select_kernel(const struct tenon_target *target, const struct tenon_op_call *op,
                             struct tenon_code *out, struct tenon_cpu_call *call) {
    (void)target;
    call->kernel = "reference";
    call->scratch_bytes = tenon_op_scratch_bytes(op);
    return !out->data->failed;
}
