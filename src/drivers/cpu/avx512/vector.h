/* AVX-512 with VNNI: sixteen lanes; vpdpbusd adds four products of u8 and i8 in 32 bits. */
#ifndef TENON_DRIVERS_CPU_AVX512_VECTOR_H
#define TENON_DRIVERS_CPU_AVX512_VECTOR_H

#include <immintrin.h>
#include <string.h>

#include "util/attr.h"
#include "util/span.h"

enum { LANES = 16, LINEAR_ROWS = 12, FLOAT_ROWS = 12 };

typedef __m512i vi;
typedef __m512i vb;
typedef __m512 vf;

TENON_ALWAYS_INLINE vi vi_load(const void *from) {
    return _mm512_loadu_si512(from);
}
TENON_ALWAYS_INLINE void vi_store(void *to, vi x) {
    _mm512_storeu_si512(to, x);
}
TENON_ALWAYS_INLINE vi vi_dup(int32_t x) {
    return _mm512_set1_epi32(x);
}
TENON_ALWAYS_INLINE vi vi_dup_byte(uint8_t x) {
    return _mm512_set1_epi8((char)x);
}
TENON_ALWAYS_INLINE vi vi_broadcast_quad(const uint8_t *from) {
    int32_t quad;
    memcpy(&quad, from, sizeof(quad));
    return _mm512_set1_epi32(quad);
}
TENON_ALWAYS_INLINE vi vi_add(vi a, vi b) {
    return _mm512_add_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_sub(vi a, vi b) {
    return _mm512_sub_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_and(vi a, vi b) {
    return _mm512_and_si512(a, b);
}
TENON_ALWAYS_INLINE vi vi_xor(vi a, vi b) {
    return _mm512_xor_si512(a, b);
}
TENON_ALWAYS_INLINE vi vi_min(vi a, vi b) {
    return _mm512_min_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_max(vi a, vi b) {
    return _mm512_max_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_shift_left(vi x, vi by) {
    return _mm512_sllv_epi32(x, by);
}
TENON_ALWAYS_INLINE vi vi_shift_right(vi x, vi by) {
    return _mm512_srav_epi32(x, by);
}
TENON_ALWAYS_INLINE vi vi_shift_right_logical(vi x, vi by) {
    return _mm512_srlv_epi32(x, by);
}
/* All ones where x is negative. */
TENON_ALWAYS_INLINE vi vi_sign(vi x) {
    return _mm512_srai_epi32(x, 31);
}
/* a * b / 2^31, rounded half up. */
TENON_ALWAYS_INLINE vi vi_high_multiply(vi a, vi b) {
    const vi half = _mm512_set1_epi64(INT64_C(1) << 30);
    vi even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
    vi odd = _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    odd = _mm512_add_epi64(odd, half);
    return _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
}
/* Products of 64 bits, and factors for them: of the even and of the odd lanes. */
typedef struct {
    __m512i even, odd;
} vw;

typedef vw vw_factors;

TENON_ALWAYS_INLINE vw_factors vw_factor(vi x) {
    return (vw){x, _mm512_shuffle_epi32(x, (_MM_PERM_ENUM)0xf5)};
}
TENON_ALWAYS_INLINE vw vi_multiply_wide(vi a, vw_factors b) {
    return (vw){_mm512_mul_epi32(a, b.even),
                _mm512_mul_epi32(_mm512_shuffle_epi32(a, (_MM_PERM_ENUM)0xf5), b.odd)};
}
TENON_ALWAYS_INLINE vw vw_dup(int64_t x) {
    const __m512i all = _mm512_set1_epi64(x);
    return (vw){all, all};
}
TENON_ALWAYS_INLINE vw vw_add(vw a, vw b) {
    return (vw){_mm512_add_epi64(a.even, b.even), _mm512_add_epi64(a.odd, b.odd)};
}
TENON_ALWAYS_INLINE vi vw_high(vw x) {
    return _mm512_mask_blend_epi32(0xaaaa, _mm512_shuffle_epi32(x.even, (_MM_PERM_ENUM)0xf5),
                                   x.odd);
}
TENON_ALWAYS_INLINE vi vi_abs(vi x) {
    return _mm512_abs_epi32(x);
}
/* -x where sign is negative. */
TENON_ALWAYS_INLINE vi vi_negate_as(vi x, vi sign) {
    __mmask16 negative = _mm512_cmplt_epi32_mask(sign, _mm512_setzero_si512());
    return _mm512_mask_sub_epi32(x, negative, _mm512_setzero_si512(), x);
}
/* float(x) * factor + offset, half to even. */
TENON_ALWAYS_INLINE vi vi_scale(vi x, vf factor, vf offset) {
    return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(x), factor, offset));
}
/* x, which is not negative, or -x where `sign` is. */
TENON_ALWAYS_INLINE vf vf_with_sign(vf x, vi sign) {
    const vi highest = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(
        _mm512_or_si512(_mm512_castps_si512(x), _mm512_and_si512(sign, highest)));
}
/* The two products of 16 bits of each lane. */
TENON_ALWAYS_INLINE vi vs_dot(vi a, vi b) {
    return _mm512_madd_epi16(a, b);
}
/* acc + the four products of each lane. */
TENON_ALWAYS_INLINE vi vi_dot(vi acc, vi u8, vi i8) {
    return _mm512_dpbusd_epi32(acc, u8, i8);
}
TENON_ALWAYS_INLINE vi vi_multiply(vi a, vi b) {
    return _mm512_mullo_epi32(a, b);
}
/* LANES bytes, each to a lane. */
TENON_ALWAYS_INLINE vi vi_widen(const uint8_t *from) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)from));
}
/* The low byte of each lane. */
TENON_ALWAYS_INLINE void vi_store_bytes(uint8_t *to, vi x) {
    _mm_storeu_si128((void *)to, _mm512_cvtepi32_epi8(x));
}
TENON_ALWAYS_INLINE vb vb_load(const uint8_t *from) {
    return _mm512_loadu_si512(from);
}
TENON_ALWAYS_INLINE __mmask64 vb_mask(uint32_t count) {
    return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}
TENON_ALWAYS_INLINE vb vb_load_some(const uint8_t *from, uint32_t count) {
    return _mm512_maskz_loadu_epi8(vb_mask(count), from);
}
TENON_ALWAYS_INLINE vb vb_dup(uint8_t x) {
    return _mm512_set1_epi8((char)x);
}
TENON_ALWAYS_INLINE vb vb_xor(vb a, vb b) {
    return _mm512_xor_si512(a, b);
}
TENON_ALWAYS_INLINE vb vb_and(vb a, vb b) {
    return _mm512_and_si512(a, b);
}
TENON_ALWAYS_INLINE vb vb_add(vb a, vb b) {
    return _mm512_add_epi8(a, b);
}
/* All ones where they are the same. */
TENON_ALWAYS_INLINE vb vb_equal(vb a, vb b) {
    return _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(a, b));
}
TENON_ALWAYS_INLINE vb vb_min(vb a, vb b) {
    return _mm512_min_epu8(a, b);
}
TENON_ALWAYS_INLINE vb vb_max(vb a, vb b) {
    return _mm512_max_epu8(a, b);
}
TENON_ALWAYS_INLINE void vb_store(uint8_t *to, vb x) {
    _mm512_storeu_si512(to, x);
}
TENON_ALWAYS_INLINE void vb_store_some(uint8_t *to, vb x, uint32_t count) {
    _mm512_mask_storeu_epi8(to, vb_mask(count), x);
}
/* See image/cpu_params.h for the order. */
TENON_ALWAYS_INLINE void vb_interleave(const vb in[4], vi out[4]) {
    vi low01 = _mm512_unpacklo_epi8(in[0], in[1]), high01 = _mm512_unpackhi_epi8(in[0], in[1]);
    vi low23 = _mm512_unpacklo_epi8(in[2], in[3]), high23 = _mm512_unpackhi_epi8(in[2], in[3]);
    out[0] = _mm512_unpacklo_epi16(low01, low23);
    out[1] = _mm512_unpackhi_epi16(low01, low23);
    out[2] = _mm512_unpacklo_epi16(high01, high23);
    out[3] = _mm512_unpackhi_epi16(high01, high23);
}
/* in + zero_point, saturated to u8, in the order that interleaving took; |zero_point| < 2^15. */
TENON_ALWAYS_INLINE vb vb_narrow(const vi in[4], int32_t zero_point) {
    const vi zero = _mm512_set1_epi16((short)zero_point);
    vi first = _mm512_adds_epi16(_mm512_packs_epi32(in[0], in[1]), zero);
    vi second = _mm512_adds_epi16(_mm512_packs_epi32(in[2], in[3]), zero);
    return _mm512_packus_epi16(first, second);
}
/* From the order that interleaving took: the bytes of in[0], then those of in[1] … */
TENON_ALWAYS_INLINE vb vb_untangle(vb x) {
    const vi order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, x);
}
TENON_ALWAYS_INLINE void vb_store_halves(uint8_t *first, uint8_t *second, vb x) {
    _mm256_storeu_si256((void *)first, _mm512_castsi512_si256(x));
    _mm256_storeu_si256((void *)second, _mm512_extracti64x4_epi64(x, 1));
}

TENON_ALWAYS_INLINE vf vf_load(const void *from) {
    return _mm512_loadu_ps(from);
}
TENON_ALWAYS_INLINE void vf_store(float *to, vf x) {
    _mm512_storeu_ps(to, x);
}
TENON_ALWAYS_INLINE vf vf_dup(float x) {
    return _mm512_set1_ps(x);
}
TENON_ALWAYS_INLINE vf vf_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}
/* The second operand where one is NaN: activations keep it. */
TENON_ALWAYS_INLINE vf vf_min(vf a, vf b) {
    return _mm512_min_ps(b, a);
}
TENON_ALWAYS_INLINE vf vf_max(vf a, vf b) {
    return _mm512_max_ps(b, a);
}
TENON_ALWAYS_INLINE vf vf_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}
TENON_ALWAYS_INLINE vf vf_multiply(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}
TENON_ALWAYS_INLINE vf vf_divide(vf a, vf b) {
    return _mm512_div_ps(a, b);
}
TENON_ALWAYS_INLINE vf vf_multiply_add(vf acc, vf a, vf b) {
    return _mm512_fmadd_ps(a, b, acc);
}

#endif
