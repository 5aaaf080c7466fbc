/*
 * AVX2 with FMA: eight lanes. Products of u8 and i8 are added in pairs in 16 bits (vpmaddubsw),
 * which saturates: the compiler arranges weights so that it never does. With AVX-VNNI vpdpbusd adds
 * four products in 32 bits.
 */
#ifndef TENON_DRIVERS_CPU_AVX2_VECTOR_H
#define TENON_DRIVERS_CPU_AVX2_VECTOR_H

#include <immintrin.h>
#include <string.h>

#include "util/attr.h"
#include "util/span.h"

#ifdef __AVXVNNI__
enum { LANES = 8, LINEAR_ROWS = 6, FLOAT_ROWS = 6 };
#else
enum { LANES = 8, LINEAR_ROWS = 8, FLOAT_ROWS = 6 };
#define PAIRS_16
#endif

typedef __m256i vi;
typedef __m256i vs;
typedef __m256i vb;
typedef __m256 vf;

TENON_ALWAYS_INLINE vi vi_load(const void *from) {
    return _mm256_loadu_si256(from);
}
TENON_ALWAYS_INLINE void vi_store(void *to, vi x) {
    _mm256_storeu_si256(to, x);
}
TENON_ALWAYS_INLINE vi vi_dup(int32_t x) {
    return _mm256_set1_epi32(x);
}
TENON_ALWAYS_INLINE vi vi_dup_byte(uint8_t x) {
    return _mm256_set1_epi8((char)x);
}
TENON_ALWAYS_INLINE vi vi_broadcast_quad(const uint8_t *from) {
    int32_t quad;
    memcpy(&quad, from, sizeof(quad));
    return _mm256_set1_epi32(quad);
}
TENON_ALWAYS_INLINE vi vi_add(vi a, vi b) {
    return _mm256_add_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_sub(vi a, vi b) {
    return _mm256_sub_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_and(vi a, vi b) {
    return _mm256_and_si256(a, b);
}
TENON_ALWAYS_INLINE vi vi_xor(vi a, vi b) {
    return _mm256_xor_si256(a, b);
}
TENON_ALWAYS_INLINE vi vi_min(vi a, vi b) {
    return _mm256_min_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_max(vi a, vi b) {
    return _mm256_max_epi32(a, b);
}
TENON_ALWAYS_INLINE vi vi_shift_left(vi x, vi by) {
    return _mm256_sllv_epi32(x, by);
}
TENON_ALWAYS_INLINE vi vi_shift_right(vi x, vi by) {
    return _mm256_srav_epi32(x, by);
}
TENON_ALWAYS_INLINE vi vi_shift_right_logical(vi x, vi by) {
    return _mm256_srlv_epi32(x, by);
}
/* All ones where x is negative. */
TENON_ALWAYS_INLINE vi vi_sign(vi x) {
    return _mm256_srai_epi32(x, 31);
}
/* a * b / 2^31, rounded half up. */
TENON_ALWAYS_INLINE vi vi_high_multiply(vi a, vi b) {
    const vi half = _mm256_set1_epi64x(INT64_C(1) << 30);
    vi even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
    vi odd = _mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    odd = _mm256_add_epi64(odd, half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
}
/* Products of 64 bits, and factors for them: of the even and of the odd lanes. */
typedef struct {
    __m256i even, odd;
} vw;

typedef vw vw_factors;

TENON_ALWAYS_INLINE vw_factors vw_factor(vi x) {
    return (vw){x, _mm256_shuffle_epi32(x, 0xf5)};
}
TENON_ALWAYS_INLINE vw vi_multiply_wide(vi a, vw_factors b) {
    return (vw){_mm256_mul_epi32(a, b.even),
                _mm256_mul_epi32(_mm256_shuffle_epi32(a, 0xf5), b.odd)};
}
TENON_ALWAYS_INLINE vw vw_dup(int64_t x) {
    const __m256i all = _mm256_set1_epi64x(x);
    return (vw){all, all};
}
TENON_ALWAYS_INLINE vw vw_add(vw a, vw b) {
    return (vw){_mm256_add_epi64(a.even, b.even), _mm256_add_epi64(a.odd, b.odd)};
}
TENON_ALWAYS_INLINE vi vw_high(vw x) {
    return _mm256_blend_epi32(_mm256_shuffle_epi32(x.even, 0xf5), x.odd, 0xaa);
}
TENON_ALWAYS_INLINE vi vi_abs(vi x) {
    return _mm256_abs_epi32(x);
}
/* -x where sign is negative, 0 where it is 0. */
TENON_ALWAYS_INLINE vi vi_negate_as(vi x, vi sign) {
    return _mm256_sign_epi32(x, sign);
}
/* float(x) * factor + offset, half to even. */
TENON_ALWAYS_INLINE vi vi_scale(vi x, vf factor, vf offset) {
    return _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_cvtepi32_ps(x), factor, offset));
}
/* x, which is not negative, or -x where `sign` is. */
TENON_ALWAYS_INLINE vf vf_with_sign(vf x, vi sign) {
    const __m256 highest = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(x, _mm256_and_ps(_mm256_castsi256_ps(sign), highest));
}
TENON_ALWAYS_INLINE vs vs_pairs(vi u8, vi i8) {
    return _mm256_maddubs_epi16(u8, i8);
}
TENON_ALWAYS_INLINE vs vs_add(vs a, vs b) {
    return _mm256_add_epi16(a, b);
}
TENON_ALWAYS_INLINE vi vs_widen(vs x) {
    return _mm256_madd_epi16(x, _mm256_set1_epi16(1));
}
/* The two products of 16 bits of each lane. */
TENON_ALWAYS_INLINE vi vs_dot(vi a, vi b) {
    return _mm256_madd_epi16(a, b);
}
/* acc + the four products of each lane. */
TENON_ALWAYS_INLINE vi vi_dot(vi acc, vi u8, vi i8) {
#ifdef __AVXVNNI__
    return _mm256_dpbusd_avx_epi32(acc, u8, i8);
#else
    return vi_add(acc, vs_widen(vs_pairs(u8, i8)));
#endif
}
TENON_ALWAYS_INLINE vi vi_multiply(vi a, vi b) {
    return _mm256_mullo_epi32(a, b);
}
/* LANES bytes, each to a lane. */
TENON_ALWAYS_INLINE vi vi_widen(const uint8_t *from) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)from));
}
/* The low byte of each lane. */
TENON_ALWAYS_INLINE void vi_store_bytes(uint8_t *to, vi x) {
    const __m256i low =
        _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                         -1, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i bytes = _mm256_shuffle_epi8(x, low);
    __m128i both = _mm_or_si128(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    _mm_storel_epi64((void *)to, both);
}
TENON_ALWAYS_INLINE vb vb_load(const uint8_t *from) {
    return _mm256_loadu_si256((const void *)from);
}
TENON_ALWAYS_INLINE vb vb_load_some(const uint8_t *from, uint32_t count) {
    uint8_t bytes[4 * LANES] = {0};
    memcpy(bytes, from, count);
    return vb_load(bytes);
}
TENON_ALWAYS_INLINE vb vb_dup(uint8_t x) {
    return _mm256_set1_epi8((char)x);
}
TENON_ALWAYS_INLINE vb vb_xor(vb a, vb b) {
    return _mm256_xor_si256(a, b);
}
TENON_ALWAYS_INLINE vb vb_and(vb a, vb b) {
    return _mm256_and_si256(a, b);
}
TENON_ALWAYS_INLINE vb vb_add(vb a, vb b) {
    return _mm256_add_epi8(a, b);
}
/* All ones where they are the same. */
TENON_ALWAYS_INLINE vb vb_equal(vb a, vb b) {
    return _mm256_cmpeq_epi8(a, b);
}
TENON_ALWAYS_INLINE vb vb_min(vb a, vb b) {
    return _mm256_min_epu8(a, b);
}
TENON_ALWAYS_INLINE vb vb_max(vb a, vb b) {
    return _mm256_max_epu8(a, b);
}
TENON_ALWAYS_INLINE void vb_store(uint8_t *to, vb x) {
    _mm256_storeu_si256((void *)to, x);
}
/* Of i8; -128 becomes 128 as u8. */
TENON_ALWAYS_INLINE vb vb_abs(vb x) {
    return _mm256_abs_epi8(x);
}
/* All ones where an i8 is negative. */
TENON_ALWAYS_INLINE vb vb_negative(vb x) {
    return _mm256_cmpgt_epi8(_mm256_setzero_si256(), x);
}
TENON_ALWAYS_INLINE void vb_store_some(uint8_t *to, vb x, uint32_t count) {
    uint8_t bytes[4 * LANES];
    vb_store(bytes, x);
    memcpy(to, bytes, count);
}
/* See image/cpu_params.h for the order. */
TENON_ALWAYS_INLINE void vb_interleave(const vb in[4], vi out[4]) {
    vi low01 = _mm256_unpacklo_epi8(in[0], in[1]), high01 = _mm256_unpackhi_epi8(in[0], in[1]);
    vi low23 = _mm256_unpacklo_epi8(in[2], in[3]), high23 = _mm256_unpackhi_epi8(in[2], in[3]);
    out[0] = _mm256_unpacklo_epi16(low01, low23);
    out[1] = _mm256_unpackhi_epi16(low01, low23);
    out[2] = _mm256_unpacklo_epi16(high01, high23);
    out[3] = _mm256_unpackhi_epi16(high01, high23);
}
/* in + zero_point, saturated to u8, in the order that interleaving took; |zero_point| < 2^15. */
TENON_ALWAYS_INLINE vb vb_narrow(const vi in[4], int32_t zero_point) {
    const vi zero = _mm256_set1_epi16((short)zero_point);
    vi first = _mm256_adds_epi16(_mm256_packs_epi32(in[0], in[1]), zero);
    vi second = _mm256_adds_epi16(_mm256_packs_epi32(in[2], in[3]), zero);
    return _mm256_packus_epi16(first, second);
}
/* From the order that interleaving took: the bytes of in[0], then those of in[1] … */
TENON_ALWAYS_INLINE vb vb_untangle(vb x) {
    return _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
TENON_ALWAYS_INLINE void vb_store_halves(uint8_t *first, uint8_t *second, vb x) {
    _mm_storeu_si128((void *)first, _mm256_castsi256_si128(x));
    _mm_storeu_si128((void *)second, _mm256_extracti128_si256(x, 1));
}

TENON_ALWAYS_INLINE vf vf_load(const void *from) {
    return _mm256_loadu_ps(from);
}
TENON_ALWAYS_INLINE void vf_store(float *to, vf x) {
    _mm256_storeu_ps(to, x);
}
TENON_ALWAYS_INLINE vf vf_dup(float x) {
    return _mm256_set1_ps(x);
}
TENON_ALWAYS_INLINE vf vf_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}
/* The second operand where one is NaN: activations keep it. */
TENON_ALWAYS_INLINE vf vf_min(vf a, vf b) {
    return _mm256_min_ps(b, a);
}
TENON_ALWAYS_INLINE vf vf_max(vf a, vf b) {
    return _mm256_max_ps(b, a);
}
TENON_ALWAYS_INLINE vf vf_sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}
TENON_ALWAYS_INLINE vf vf_multiply(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}
TENON_ALWAYS_INLINE vf vf_divide(vf a, vf b) {
    return _mm256_div_ps(a, b);
}
TENON_ALWAYS_INLINE vf vf_multiply_add(vf acc, vf a, vf b) {
    return _mm256_fmadd_ps(a, b, acc);
}

#endif
