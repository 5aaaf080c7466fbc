/* CDP: local response normalization. Not modelled yet: an operation is refused. */
#include "device.h"
bool tenon_nv_cdp_run(struct tenon_nvdla_sim *sim) {
    return tenon_nv_fault(sim, NV_RULE_MODEL_LIMIT, NV_CDP, NV_CDP_D_OP_ENABLE,
                          "CDP is not modelled");
}
void tenon_nv_cdp_lut_write(struct tenon_nvdla_sim *sim, uint32_t value) {
    (void)sim;
    (void)value;
}
uint32_t tenon_nv_cdp_lut_read(struct tenon_nvdla_sim *sim) {
    (void)sim;
    return 0;
}
