/*
 * Tables of real functions. 8-bit elements have 256 results; 16-bit elements have 512 intervals of
 * 128 values, between whose ends the result is interpolated. Source of the definition: TFLite
 * kernels/internal/common.h, LUTPopulate and LUTLookup; where the real result leaves C undefined
 * there, as it is too large for an integer, it saturates here.
 */
#ifndef TENON_OP_LOOKUP_H
#define TENON_OP_LOOKUP_H

#include "op/op.h"

/* Runs an i8, u8 or i16 call through the table of a function of the dequantized input. */
void tenon_run_table(const struct tenon_op_call *call,
                     float (*function)(const struct tenon_op_call *call, float x));

enum { TENON_LOOKUP_INTERVALS = 512 };

struct tenon_lookup {
    int16_t ends[TENON_LOOKUP_INTERVALS + 1];
};

/* What a table of 16 bits is made of. `single`: every step of its making is rounded to float32, and
 * so must be the function's result. */
struct tenon_lookup_source {
    double (*function)(const void *context, double x);
    const void *context;
    double in_scale, out_scale;
    int32_t in_zero, out_zero;
    bool single;
};

void tenon_lookup_init(struct tenon_lookup *table, const struct tenon_lookup_source *source);

static inline int16_t tenon_lookup_get(const struct tenon_lookup *table, int16_t x) {
    int32_t at = x + 32768, i = at >> 7;
    int32_t slope = (int16_t)(table->ends[i + 1] - table->ends[i]);
    return (int16_t)(table->ends[i] + ((slope * (at & 127) + 64) >> 7));
}

#endif
