/*
 * How long an operation takes, from the first OP_ENABLE to the interrupt, with memory that answers
 * after 32 cycles. Structure and figures are those of the RTL in Verilator: a convolution within 5
 * % (1 % on average) of 70 measured layers, SDP and PDP within 1 % (docs/sim-nvdla.md). Times of a
 * convolution are in tenths of a cycle.
 */
#include "device.h"

enum {
    LATENCY = 32, /* of memory; a read at the start and a write's answer at the end */
    CONV_OVERHEAD = 116,
    STAGE_CYCLES = 7, /* of BS, and of BN */
    SDP_OVERHEAD = 127,
    PDP_OVERHEAD = 132,
    STRIPE = 16,      /* outputs: twice ATOMIC_K, NV_NVDLA_CSC_sg.v */
    STRIPE_SHORT = 8, /* and cycles to load the weights of 8 kernels */
    /* CACC's buffer of results holds a stripe; SDP takes 8 cycles for each atom of it. */
    CREDITS = 16,
    TENTHS = 10,
    DELIVERY_GAP = 546, /* tenths: from the last package of a stripe to its first credit */
    MANY_SURFACES = 3   /* CDMA slows down */
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

uint64_t tenon_nv_cycles_sdp(uint64_t elements) {
    return SDP_OVERHEAD + elements;
}

/* `flushed`: elements of the lines of output that come after the last line of input. */
uint64_t tenon_nv_cycles_pdp(uint64_t elements, uint64_t flushed) {
    return PDP_OVERHEAD + elements + flushed;
}

/* ---- convolution ---- */

struct timing {
    uint64_t data, weights; /* atoms to fetch */
    uint64_t loaded;        /* when the data are in the buffer */
    uint64_t packages;      /* of a stripe: blocks of 8 channels, rows and columns of the kernel */
    uint64_t now;
    bool any;
    uint64_t last_stripe, last_credit; /* outputs; begin of their delivery */
};

static uint64_t group_atoms(const struct nv_layer *layer, uint32_t group) {
    uint32_t left = layer->kernels - group * NV_LANES;
    uint64_t kernels = left < NV_LANES ? left : NV_LANES;
    return (kernels * layer->kernel_bytes + NV_LANES - 1) / NV_LANES;
}

/* Data and weights take turns at memory; the first stripe waits for all data and the first group
 * of kernels. */
static void load(const struct nv_layer *layer, struct timing *t) {
    uint64_t first = (t->data + (t->weights != 0 ? group_atoms(layer, 0) : 0)) * TENTHS;
    if (t->weights >= t->data) {
        t->loaded = max(2 * t->data * TENTHS, first);
        return;
    }
    uint64_t rest = (t->data - t->weights) * (layer->surfaces < MANY_SURFACES ? 103 : 132) / 10;
    t->loaded = max(2 * t->weights * TENTHS + rest, first) +
                (layer->surfaces == 1 ? layer->fetch_height * TENTHS : 0);
}

/* When so many atoms of weights are in the buffer. */
static uint64_t weights_ready(const struct timing *t, uint64_t atoms) {
    uint64_t shared = 2 * atoms * TENTHS;
    if (t->weights < t->data)
        return shared < t->loaded ? shared : t->loaded;
    return atoms <= t->data ? shared : 2 * t->data * TENTHS + (atoms - t->data) * 1015 / 100;
}

static void run_stripe(struct timing *t, uint64_t outputs) {
    uint64_t package = max(STRIPE_SHORT, outputs) * TENTHS;
    uint64_t last = t->now + (t->packages - 1) * package, delivered = 0;
    if (t->any) {
        uint64_t atom = NV_LANES * TENTHS;
        uint64_t missing =
            outputs + t->last_stripe > CREDITS ? outputs + t->last_stripe - CREDITS : 0;
        if (missing > 0)
            last = max(last, t->last_credit + DELIVERY_GAP + atom * missing);
        delivered = t->last_credit + atom * t->last_stripe;
    }
    t->last_credit = max(last, delivered);
    t->last_stripe = outputs;
    t->any = true;
    t->now = last + package;
}

/* Stripes of 16 while 32 outputs are left, then what is left, or 8 and what is left. */
static void run_group(struct timing *t, uint64_t outputs) {
    while (outputs > 0) {
        uint64_t stripe = outputs >= 2 * STRIPE ? STRIPE
                          : outputs <= STRIPE   ? outputs
                                                : STRIPE_SHORT;
        run_stripe(t, stripe);
        outputs -= stripe;
    }
}

uint64_t tenon_nv_cycles_conv(const struct nv_layer *layer, bool fetched, uint32_t stages) {
    struct timing t = {
        .data = fetched ? (uint64_t)layer->slice_entries * layer->fetch_height : 0,
        .weights = layer->reuse_weights ? 0 : layer->cdma_weight_entries,
        .packages = (uint64_t)layer->surfaces * layer->kernel_width * layer->kernel_height,
    };
    uint64_t atoms = 0;
    load(layer, &t);
    t.now = t.loaded;
    for (uint32_t group = 0; group < nv_surfaces(layer->kernels); group++) {
        atoms += t.weights != 0 ? group_atoms(layer, group) : 0;
        t.now = max(t.now, weights_ready(&t, atoms));
        run_group(&t, (uint64_t)layer->out_width * layer->out_height);
    }
    uint64_t end = t.last_credit + NV_LANES * t.last_stripe * TENTHS +
                   max(STRIPE_SHORT, t.last_stripe) * TENTHS;
    return end / TENTHS + CONV_OVERHEAD + 2 * LATENCY + (uint64_t)stages * STAGE_CYCLES;
}
