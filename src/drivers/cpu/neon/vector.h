/*
 * NEON: four lanes, products of i8 by i8. With the dot product extension four of them are added by
 * one instruction; without it they are multiplied to 16 bits, where one product always fits, and
 * added in pairs.
 */
#ifndef TENON_DRIVERS_CPU_NEON_VECTOR_H
#define TENON_DRIVERS_CPU_NEON_VECTOR_H

#include <arm_neon.h>
#include <string.h>

#include "util/attr.h"
#include "util/span.h"

enum { LANES = 4, LINEAR_ROWS = 8, FLOAT_ROWS = 8 };

typedef int32x4_t vi;
typedef uint8x16_t vb;
typedef float32x4_t vf;

TENON_ALWAYS_INLINE vi vi_load(const void *from) {
    return vreinterpretq_s32_u8(vld1q_u8(from));
}
TENON_ALWAYS_INLINE void vi_store(void *to, vi x) {
    vst1q_u8(to, vreinterpretq_u8_s32(x));
}
TENON_ALWAYS_INLINE vi vi_dup(int32_t x) {
    return vdupq_n_s32(x);
}
TENON_ALWAYS_INLINE vi vi_dup_byte(uint8_t x) {
    return vreinterpretq_s32_u8(vdupq_n_u8(x));
}
TENON_ALWAYS_INLINE vi vi_broadcast_quad(const uint8_t *from) {
    int32_t quad;
    memcpy(&quad, from, sizeof(quad));
    return vdupq_n_s32(quad);
}
TENON_ALWAYS_INLINE vi vi_add(vi a, vi b) {
    return vaddq_s32(a, b);
}
TENON_ALWAYS_INLINE vi vi_sub(vi a, vi b) {
    return vsubq_s32(a, b);
}
TENON_ALWAYS_INLINE vi vi_and(vi a, vi b) {
    return vandq_s32(a, b);
}
TENON_ALWAYS_INLINE vi vi_xor(vi a, vi b) {
    return veorq_s32(a, b);
}
TENON_ALWAYS_INLINE vi vi_min(vi a, vi b) {
    return vminq_s32(a, b);
}
TENON_ALWAYS_INLINE vi vi_max(vi a, vi b) {
    return vmaxq_s32(a, b);
}
TENON_ALWAYS_INLINE vi vi_shift_left(vi x, vi by) {
    return vshlq_s32(x, by);
}
TENON_ALWAYS_INLINE vi vi_shift_right(vi x, vi by) {
    return vshlq_s32(x, vnegq_s32(by));
}
TENON_ALWAYS_INLINE vi vi_shift_right_logical(vi x, vi by) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(x), vnegq_s32(by)));
}
/* All ones where x is negative. */
TENON_ALWAYS_INLINE vi vi_sign(vi x) {
    return vshrq_n_s32(x, 31);
}
/* a * b / 2^31, rounded half up. */
TENON_ALWAYS_INLINE vi vi_high_multiply(vi a, vi b) {
    return vqrdmulhq_s32(a, b);
}
/* Products of 64 bits, and factors for them: of the first and of the last two lanes. */
typedef struct {
    int64x2_t low, high;
} vw;

typedef int32x4_t vw_factors;

TENON_ALWAYS_INLINE vw_factors vw_factor(vi x) {
    return x;
}
TENON_ALWAYS_INLINE vw vi_multiply_wide(vi a, vw_factors b) {
    return (vw){vmull_s32(vget_low_s32(a), vget_low_s32(b)), vmull_high_s32(a, b)};
}
TENON_ALWAYS_INLINE vw vw_dup(int64_t x) {
    return (vw){vdupq_n_s64(x), vdupq_n_s64(x)};
}
TENON_ALWAYS_INLINE vw vw_add(vw a, vw b) {
    return (vw){vaddq_s64(a.low, b.low), vaddq_s64(a.high, b.high)};
}
TENON_ALWAYS_INLINE vi vw_high(vw x) {
    return vuzp2q_s32(vreinterpretq_s32_s64(x.low), vreinterpretq_s32_s64(x.high));
}
TENON_ALWAYS_INLINE vi vi_abs(vi x) {
    return vabsq_s32(x);
}
/* -x where sign is negative. */
TENON_ALWAYS_INLINE vi vi_negate_as(vi x, vi sign) {
    vi negative = vi_sign(sign);
    return vi_sub(vi_xor(x, negative), negative);
}
/* float(x) * factor + offset, half to even. */
TENON_ALWAYS_INLINE vi vi_scale(vi x, vf factor, vf offset) {
    return vcvtnq_s32_f32(vfmaq_f32(offset, vcvtq_f32_s32(x), factor));
}
/* x, which is not negative, or -x where `sign` is. */
TENON_ALWAYS_INLINE vf vf_with_sign(vf x, vi sign) {
    return vbslq_f32(vdupq_n_u32(UINT32_C(1) << 31), vreinterpretq_f32_s32(sign), x);
}
/* The two products of 16 bits of each lane. */
TENON_ALWAYS_INLINE vi vs_dot(vi a, vi b) {
    int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    return vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
}
/* acc + the four products of each lane. */
TENON_ALWAYS_INLINE vi vi_dot(vi acc, vi a, vi b) {
    int8x16_t x = vreinterpretq_s8_s32(a), y = vreinterpretq_s8_s32(b);
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(acc, x, y);
#else
    int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    int32x4_t high = vpaddlq_s16(vmull_high_s8(x, y));
    return vaddq_s32(acc, vpaddq_s32(low, high));
#endif
}
TENON_ALWAYS_INLINE vi vi_multiply(vi a, vi b) {
    return vmulq_s32(a, b);
}
/* LANES bytes, each to a lane. */
TENON_ALWAYS_INLINE vi vi_widen(const uint8_t *from) {
    uint32_t quad;
    memcpy(&quad, from, sizeof(quad));
    uint16x8_t halves = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(quad)));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(halves)));
}
/* The low byte of each lane. */
TENON_ALWAYS_INLINE void vi_store_bytes(uint8_t *to, vi x) {
    int16x4_t half = vmovn_s32(x);
    int8x8_t bytes = vmovn_s16(vcombine_s16(half, half));
    uint32_t quad = vget_lane_u32(vreinterpret_u32_s8(bytes), 0);
    memcpy(to, &quad, sizeof(quad));
}
TENON_ALWAYS_INLINE vb vb_load(const uint8_t *from) {
    return vld1q_u8(from);
}
TENON_ALWAYS_INLINE vb vb_load_some(const uint8_t *from, uint32_t count) {
    uint8_t bytes[4 * LANES] = {0};
    memcpy(bytes, from, count);
    return vld1q_u8(bytes);
}
TENON_ALWAYS_INLINE vb vb_dup(uint8_t x) {
    return vdupq_n_u8(x);
}
TENON_ALWAYS_INLINE vb vb_xor(vb a, vb b) {
    return veorq_u8(a, b);
}
TENON_ALWAYS_INLINE vb vb_and(vb a, vb b) {
    return vandq_u8(a, b);
}
TENON_ALWAYS_INLINE vb vb_add(vb a, vb b) {
    return vaddq_u8(a, b);
}
/* All ones where they are the same. */
TENON_ALWAYS_INLINE vb vb_equal(vb a, vb b) {
    return vceqq_u8(a, b);
}
TENON_ALWAYS_INLINE vb vb_min(vb a, vb b) {
    return vminq_u8(a, b);
}
TENON_ALWAYS_INLINE vb vb_max(vb a, vb b) {
    return vmaxq_u8(a, b);
}
TENON_ALWAYS_INLINE void vb_store(uint8_t *to, vb x) {
    vst1q_u8(to, x);
}
TENON_ALWAYS_INLINE void vb_store_some(uint8_t *to, vb x, uint32_t count) {
    uint8_t bytes[4 * LANES];
    vst1q_u8(bytes, x);
    memcpy(to, bytes, count);
}
TENON_ALWAYS_INLINE vi zip(uint16x8_t x) {
    return vreinterpretq_s32_u16(x);
}
/* See image/cpu_params.h for the order. */
TENON_ALWAYS_INLINE void vb_interleave(const vb in[4], vi out[4]) {
    uint16x8_t low01 = vreinterpretq_u16_u8(vzip1q_u8(in[0], in[1]));
    uint16x8_t high01 = vreinterpretq_u16_u8(vzip2q_u8(in[0], in[1]));
    uint16x8_t low23 = vreinterpretq_u16_u8(vzip1q_u8(in[2], in[3]));
    uint16x8_t high23 = vreinterpretq_u16_u8(vzip2q_u8(in[2], in[3]));
    out[0] = zip(vzip1q_u16(low01, low23));
    out[1] = zip(vzip2q_u16(low01, low23));
    out[2] = zip(vzip1q_u16(high01, high23));
    out[3] = zip(vzip2q_u16(high01, high23));
}
/* in + zero_point, saturated to u8, in the order that interleaving took; |zero_point| < 2^15. */
TENON_ALWAYS_INLINE vb vb_narrow(const vi in[4], int32_t zero_point) {
    const int16x8_t zero = vdupq_n_s16((int16_t)zero_point);
    int16x8_t first = vcombine_s16(vqmovn_s32(in[0]), vqmovn_s32(in[1]));
    int16x8_t second = vcombine_s16(vqmovn_s32(in[2]), vqmovn_s32(in[3]));
    return vcombine_u8(vqmovun_s16(vqaddq_s16(first, zero)), vqmovun_s16(vqaddq_s16(second, zero)));
}
/* From the order that interleaving took: the bytes of in[0], then those of in[1] … */
TENON_ALWAYS_INLINE vb vb_untangle(vb x) {
    return x;
}
TENON_ALWAYS_INLINE void vb_store_halves(uint8_t *first, uint8_t *second, vb x) {
    vst1_u8(first, vget_low_u8(x));
    vst1_u8(second, vget_high_u8(x));
}

TENON_ALWAYS_INLINE vf vf_load(const void *from) {
    return vreinterpretq_f32_u8(vld1q_u8(from));
}
TENON_ALWAYS_INLINE void vf_store(float *to, vf x) {
    vst1q_f32(to, x);
}
TENON_ALWAYS_INLINE vf vf_dup(float x) {
    return vdupq_n_f32(x);
}
TENON_ALWAYS_INLINE vf vf_add(vf a, vf b) {
    return vaddq_f32(a, b);
}
/* NaN where one is NaN: activations keep it. */
TENON_ALWAYS_INLINE vf vf_min(vf a, vf b) {
    return vminq_f32(a, b);
}
TENON_ALWAYS_INLINE vf vf_max(vf a, vf b) {
    return vmaxq_f32(a, b);
}
TENON_ALWAYS_INLINE vf vf_sub(vf a, vf b) {
    return vsubq_f32(a, b);
}
TENON_ALWAYS_INLINE vf vf_multiply(vf a, vf b) {
    return vmulq_f32(a, b);
}
TENON_ALWAYS_INLINE vf vf_divide(vf a, vf b) {
    return vdivq_f32(a, b);
}
TENON_ALWAYS_INLINE vf vf_multiply_add(vf acc, vf a, vf b) {
    return vfmaq_f32(acc, a, b);
}

#endif
