/*
 * Packing of constants into the parameters of kernels (image/cpu_params.h). Each function appends
 * to `out` when the call is one for which the kernel exists, and says whether it did; running out
 * of memory is remembered by `out`.
 */
#ifndef TENON_BACKENDS_CPU_PACK_H
#define TENON_BACKENDS_CPU_PACK_H

#include "image/cpu_isa.h"
#include "image/cpu_params.h"
#include "op/numerics.h"
#include "op/op.h"
#include "util/arena.h"
#include "util/strbuf.h"

struct tenon_code;

struct tenon_packing {
    enum tenon_cpu_isa isa;
    struct tenon_arena *arena; /* of this call */
    struct tenon_strbuf *out;
    const struct tenon_code *code; /* whose data `out` is */
};

bool tenon_pack_linear_i8(const struct tenon_packing *packing, const struct tenon_op_call *call);
bool tenon_pack_depthwise_i8(const struct tenon_packing *packing, const struct tenon_op_call *call);
/* conv_2d, fully_connected, depthwise_conv_2d. */
bool tenon_pack_f32(const struct tenon_packing *packing, const struct tenon_op_call *call);
/* Any function of one 8-bit element: its table. */
bool tenon_pack_lookup_8(const struct tenon_packing *packing, const struct tenon_op_call *call);
/* Operands of one shape: the proven sum, or nothing. */
bool tenon_pack_binary_8(const struct tenon_packing *packing, const struct tenon_op_call *call);
/* The mean of adjacent axes before the last one: what was proven of 8 bits; nothing of floats. */
bool tenon_pack_mean_8(const struct tenon_packing *packing, const struct tenon_op_call *call);
bool tenon_pack_mean_f32(const struct tenon_packing *packing, const struct tenon_op_call *call);
/* Nothing to pack: a result of 8 bits. */
bool tenon_pack_softmax_8(const struct tenon_packing *packing, const struct tenon_op_call *call);
/* Nothing to pack: operands of one shape; a window small enough for 32-bit sums. */
bool tenon_pack_binary(const struct tenon_packing *packing, const struct tenon_op_call *call);
bool tenon_pack_pool(const struct tenon_packing *packing, const struct tenon_op_call *call);

/* ---- shared by the files that pack ---- */

/* What follows the sums of 8-bit channels, and what the zero points ask of the bias. */
struct tenon_channels {
    int32_t count;
    struct tenon_multiplier *multipliers;
    int32_t *bias; /* with the activations' zero point folded in; wraps like the sums do */
    int64_t zero;  /* of the activations, as the kernel sees them */
    int32_t low, high, zero_point;
    int32_t center;
    enum tenon_fused fused; /* of the channels for which offsets are not NAN */
    float *factors, *offsets;
    bool in_32_bits, no_ties; /* see struct tenon_requantize_proof */
    bool magnitudes;          /* of weights: depthwise_i8 */
};

/* Arena memory; false when it ran out. The bias of every channel has to be folded afterwards. */
bool tenon_channels_init(struct tenon_channels *channels, const struct tenon_packing *packing,
                         const struct tenon_op_call *call, int32_t count);
/* Folds the activations' zero point into the bias of channel c; `weights` are all of its own,
 * without their zero point. */
void tenon_channels_fold(struct tenon_channels *channels, int32_t c, const int16_t *weights,
                         size_t products);
/* Weights `first`, first + stride, … as i16 without their zero point. */
void tenon_pack_load(const struct tenon_op_call *call, size_t first, size_t stride, size_t count,
                     int16_t *out);
/* Header; returns where the offsets of the blocks start. */
size_t tenon_pack_header(const struct tenon_packing *packing, const struct tenon_channels *channels,
                         uint32_t blocks, uint32_t products, uint32_t depth);
/* Starts a block: its offset, its three words, the arrays of `count` channels which `channel_of`
 * lists (-1: none). */
void tenon_pack_block(const struct tenon_packing *packing, const struct tenon_channels *channels,
                      size_t base, size_t offsets, uint32_t block, const uint32_t words[3],
                      const int32_t *channel_of, uint32_t count);

/* Whether weights (input 1) and bias (input 2, optional) are constants. */
bool tenon_pack_constant(const struct tenon_op_call *call);

#endif
