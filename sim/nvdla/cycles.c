/*
 * How long an operation takes: estimates, calibrated with the RTL (docs/sim-nvdla.md has the
 * figures). CSC works in stripes of 16 outputs and 8 channels; SDP takes an element a cycle.
 */
#include "device.h"

enum {
    STRIPE = 16,       /* outputs: twice ATOMIC_K, NV_NVDLA_CSC_sg.v */
    STRIPE_MIN = 8,    /* cycles; loading 8 kernels takes as many */
    OVERHEAD = 200,    /* registers to first word, last word to interrupt */
    SDP_NUMERATOR = 3, /* of SDP's cycles per element: 1.5 */
    SDP_DENOMINATOR = 2,
};

void tenon_nv_account(struct tenon_nvdla_sim *sim, const struct tenon_nvdla_sim_operation *what) {
    sim->stats.operations[what->kind]++;
    sim->stats.cycles += what->cycles;
    sim->stats.macs += what->macs;
    if (sim->observe != NULL)
        sim->observe(sim->observe_user, what);
}

static uint64_t max(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

uint64_t tenon_nv_cycles_stream(uint64_t elements) {
    return OVERHEAD + elements * SDP_NUMERATOR / SDP_DENOMINATOR;
}

uint64_t tenon_nv_cycles_conv(const struct nv_layer *layer) {
    uint64_t outputs = (uint64_t)layer->out_width * layer->out_height;
    uint64_t groups = nv_surfaces(layer->kernels);
    uint64_t taps = (uint64_t)layer->surfaces * layer->kernel_width * layer->kernel_height;
    uint64_t rest = outputs % STRIPE;
    uint64_t stripes = outputs - rest + (rest != 0 ? max(rest, STRIPE_MIN) : 0);
    uint64_t mac = groups * taps * stripes;
    uint64_t sdp = groups * NV_LANES * outputs * SDP_NUMERATOR / SDP_DENOMINATOR;
    uint64_t fetch = (uint64_t)layer->slice_entries * layer->fetch_height +
                     (layer->reuse_weights ? 0 : layer->kernel_bytes); /* of the first group */
    return OVERHEAD + fetch + max(mac, sdp);
}
