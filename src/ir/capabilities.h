/*
 * What a target does natively, and which lowerings it asks for: data that a backend hands out, and
 * that passes read. Passes never know a target by name.
 *
 * All zero means: takes the graph as it is. Every number's zero means: no limit, or not there.
 */
#ifndef TENON_IR_CAPABILITIES_H
#define TENON_IR_CAPABILITIES_H

#include "op/op.h"

struct tenon_capabilities {
    /* Names of the passes to run, NULL-terminated, in any order: they run in pipeline order. NULL:
     * none. */
    const char *const *passes;
    int32_t channel_atom;                         /* channels are computed in blocks of this many */
    int32_t stride_max, kernel_max, dilation_max; /* of a convolution, per axis */
    /* Elements of the lookup table behind a convolution; 256 holds any function of 8 bits. */
    int32_t lut_entries;
    /* Lossy forms, off by default: what a pass then loses, it counts. */
    bool lossy_scales;
};

#endif
