/*
 * SDP's arithmetic, a line at a time: vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_X_int_{alu,mul,trt,relu}.v
 * and NV_NVDLA_SDP_HLS_C_int.v. Compiled for speed.
 */
#include "device.h"

/* An operand of 16 bits, shifted, saturated to 32. */
static int32_t widen(int16_t operand, uint32_t shift) {
    if (shift > 31 && operand != 0)
        return operand < 0 ? INT32_MIN : INT32_MAX;
    return (int32_t)nv_saturate((int64_t)operand * ((int64_t)1 << (shift & 31)), 32);
}

TENON_ALWAYS_INLINE int64_t alu(uint32_t algorithm, int64_t x, int64_t operand) {
    if (algorithm == NV_ALU_MAX)
        return x > operand ? x : operand;
    if (algorithm == NV_ALU_MIN)
        return x < operand ? x : operand;
    return x + operand;
}

/* 32 bits in and out; 33 between ALU and multiplier, 49 behind it. */
TENON_ALWAYS_INLINE int32_t element(const struct nv_stage *stage, int64_t x, int64_t alu_operand,
                                    int64_t mul_operand) {
    if (!stage->alu_bypass)
        x = alu(stage->algorithm, x, alu_operand);
    if (!stage->mul_bypass && stage->prelu && x >= 0)
        x = nv_wrap(x, 32); /* not multiplied, not shifted, the 33rd bit lost */
    else                    /* the shift works without the multiplier, too */
        x = nv_saturate(
            nv_round_shift(stage->mul_bypass ? x : x * mul_operand, stage->mul_shift, 49), 32);
    return (int32_t)(!stage->relu_bypass && x < 0 ? 0 : x);
}

void tenon_nv_sdp_stage(const struct nv_stage *stage, const struct nv_operands *operands,
                        int32_t *restrict line, uint32_t width) {
    const struct nv_stage s = *stage;
    int32_t wide[NV_LANES], mul[NV_LANES];
    for (uint32_t i = 0; i < NV_LANES; i++) {
        wide[i] = widen(operands->alu[i], s.alu_shift);
        mul[i] = operands->mul[i];
    }
    for (uint32_t x = 0; x < width; x++, line += NV_LANES)
        for (uint32_t i = 0; i < NV_LANES; i++)
            line[i] = element(&s, line[i], wide[i], mul[i]);
}

void tenon_nv_sdp_convert(const struct nv_sdp *sdp, const int32_t *restrict in,
                          int8_t *restrict out, uint32_t count) {
    int64_t offset = sdp->cvt_offset, scale = sdp->cvt_scale;
    uint32_t shift = sdp->cvt_shift;
    for (uint32_t i = 0; i < count; i++) {
        int64_t value = nv_round_shift((in[i] - offset) * scale, shift, 49);
        out[i] = (int8_t)nv_saturate(value, 8); /* 17 bits between change nothing */
    }
}
