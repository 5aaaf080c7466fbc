/* Plain C: four lanes. */
#ifndef TENON_DRIVERS_CPU_PORTABLE_VECTOR_H
#define TENON_DRIVERS_CPU_PORTABLE_VECTOR_H

#include <math.h>
#include <string.h>

#include "op/numerics.h"
#include "util/span.h"

#define PLAIN_C
enum { LANES = 4, LINEAR_ROWS = 4, FLOAT_ROWS = 4 };

typedef struct {
    int32_t e[LANES];
} vi;
typedef struct {
    uint8_t e[4 * LANES];
} vb;
typedef struct {
    float e[LANES];
} vf;

#define EACH(type, expression)      \
    type y;                         \
    for (int i = 0; i < LANES; i++) \
        y.e[i] = (expression);      \
    return y

TENON_ALWAYS_INLINE vi vi_load(const void *from) {
    vi y;
    memcpy(&y, from, sizeof(y));
    return y;
}
TENON_ALWAYS_INLINE void vi_store(void *to, vi x) {
    memcpy(to, &x, sizeof(x));
}
TENON_ALWAYS_INLINE vi vi_dup(int32_t x) {
    EACH(vi, x);
}
TENON_ALWAYS_INLINE vi vi_dup_byte(uint8_t x) {
    EACH(vi, (int32_t)(x * UINT32_C(0x01010101)));
}
TENON_ALWAYS_INLINE vi vi_broadcast_quad(const uint8_t *from) {
    int32_t quad;
    memcpy(&quad, from, sizeof(quad));
    return vi_dup(quad);
}
TENON_ALWAYS_INLINE vi vi_add(vi a, vi b) {
    EACH(vi, (int32_t)((uint32_t)a.e[i] + (uint32_t)b.e[i]));
}
TENON_ALWAYS_INLINE vi vi_sub(vi a, vi b) {
    EACH(vi, (int32_t)((uint32_t)a.e[i] - (uint32_t)b.e[i]));
}
TENON_ALWAYS_INLINE vi vi_and(vi a, vi b) {
    EACH(vi, a.e[i] & b.e[i]);
}
TENON_ALWAYS_INLINE vi vi_xor(vi a, vi b) {
    EACH(vi, a.e[i] ^ b.e[i]);
}
TENON_ALWAYS_INLINE vi vi_shift_left(vi x, vi by) {
    EACH(vi, (int32_t)((uint32_t)x.e[i] << by.e[i]));
}
TENON_ALWAYS_INLINE vi vi_shift_right(vi x, vi by) {
    EACH(vi, x.e[i] >> by.e[i]);
}
TENON_ALWAYS_INLINE vi vi_shift_right_logical(vi x, vi by) {
    EACH(vi, (int32_t)((uint32_t)x.e[i] >> by.e[i]));
}
/* All ones where x is negative. */
TENON_ALWAYS_INLINE vi vi_sign(vi x) {
    EACH(vi, x.e[i] >> 31);
}
/* a * b / 2^31, rounded half up. */
TENON_ALWAYS_INLINE vi vi_high_multiply(vi a, vi b) {
    EACH(vi, (int32_t)(((int64_t)a.e[i] * b.e[i] + (INT64_C(1) << 30)) >> 31));
}
/* acc + the four products of each lane. */
TENON_ALWAYS_INLINE vi vi_dot(vi acc, vi u8, vi i8) {
    uint8_t a[4 * LANES];
    int8_t w[4 * LANES];
    memcpy(a, &u8, sizeof(a));
    memcpy(w, &i8, sizeof(w));
    for (int i = 0; i < LANES; i++) {
        int32_t sum = a[4 * i] * w[4 * i] + a[4 * i + 1] * w[4 * i + 1] +
                      a[4 * i + 2] * w[4 * i + 2] + a[4 * i + 3] * w[4 * i + 3];
        acc.e[i] = (int32_t)((uint32_t)acc.e[i] + (uint32_t)sum);
    }
    return acc;
}
TENON_ALWAYS_INLINE vb vb_load(const uint8_t *from) {
    vb y;
    memcpy(&y, from, sizeof(y));
    return y;
}
TENON_ALWAYS_INLINE vb vb_load_some(const uint8_t *from, uint32_t count) {
    vb y = {{0}};
    memcpy(&y, from, count);
    return y;
}
TENON_ALWAYS_INLINE vb vb_dup(uint8_t x) {
    vb y;
    memset(&y, x, sizeof(y));
    return y;
}
TENON_ALWAYS_INLINE vb vb_xor(vb a, vb b) {
    for (int i = 0; i < 4 * LANES; i++)
        a.e[i] ^= b.e[i];
    return a;
}
TENON_ALWAYS_INLINE vb vb_min(vb a, vb b) {
    for (int i = 0; i < 4 * LANES; i++)
        a.e[i] = a.e[i] < b.e[i] ? a.e[i] : b.e[i];
    return a;
}
TENON_ALWAYS_INLINE vb vb_max(vb a, vb b) {
    for (int i = 0; i < 4 * LANES; i++)
        a.e[i] = a.e[i] > b.e[i] ? a.e[i] : b.e[i];
    return a;
}
TENON_ALWAYS_INLINE void vb_store(uint8_t *to, vb x) {
    memcpy(to, &x, sizeof(x));
}
TENON_ALWAYS_INLINE void vb_store_some(uint8_t *to, vb x, uint32_t count) {
    memcpy(to, &x, count);
}
/* See image/cpu_params.h for the order. */
TENON_ALWAYS_INLINE void vb_interleave(const vb in[4], vi out[4]) {
    uint8_t bytes[4][4 * LANES];
    for (int c = 0; c < 4 * LANES; c++)
        for (int k = 0; k < 4; k++)
            bytes[c / LANES][c % LANES * 4 + k] = in[k].e[c];
    for (int v = 0; v < 4; v++)
        out[v] = vi_load(bytes[v]);
}
/* in + zero_point, saturated to u8, in the order that interleaving took; |zero_point| < 2^15. */
TENON_ALWAYS_INLINE vb vb_narrow(const vi in[4], int32_t zero_point) {
    vb y;
    for (int i = 0; i < 4 * LANES; i++) {
        int64_t value = (int64_t)in[i / LANES].e[i % LANES] + zero_point;
        y.e[i] = (uint8_t)(value < 0 ? 0 : value > UINT8_MAX ? UINT8_MAX : value);
    }
    return y;
}
/* From the order that interleaving took: the bytes of in[0], then those of in[1] … */
TENON_ALWAYS_INLINE vb vb_untangle(vb x) {
    return x;
}
TENON_ALWAYS_INLINE void vb_store_halves(uint8_t *first, uint8_t *second, vb x) {
    memcpy(first, x.e, 2 * LANES);
    memcpy(second, x.e + 2 * LANES, 2 * LANES);
}

TENON_ALWAYS_INLINE vf vf_load(const void *from) {
    vf y;
    memcpy(&y, from, sizeof(y));
    return y;
}
TENON_ALWAYS_INLINE void vf_store(float *to, vf x) {
    memcpy(to, &x, sizeof(x));
}
TENON_ALWAYS_INLINE vf vf_dup(float x) {
    EACH(vf, x);
}
TENON_ALWAYS_INLINE vf vf_add(vf a, vf b) {
    EACH(vf, a.e[i] + b.e[i]);
}
/* a where it is NaN: activations keep it. */
TENON_ALWAYS_INLINE vf vf_min(vf a, vf b) {
    EACH(vf, b.e[i] < a.e[i] ? b.e[i] : a.e[i]);
}
TENON_ALWAYS_INLINE vf vf_max(vf a, vf b) {
    EACH(vf, b.e[i] > a.e[i] ? b.e[i] : a.e[i]);
}
TENON_ALWAYS_INLINE vf vf_sub(vf a, vf b) {
    EACH(vf, a.e[i] - b.e[i]);
}
TENON_ALWAYS_INLINE vf vf_multiply(vf a, vf b) {
    EACH(vf, a.e[i] * b.e[i]);
}
TENON_ALWAYS_INLINE vf vf_divide(vf a, vf b) {
    EACH(vf, a.e[i] / b.e[i]);
}
TENON_ALWAYS_INLINE vf vf_multiply_add(vf acc, vf a, vf b) {
    EACH(vf, acc.e[i] + a.e[i] * b.e[i]);
}

#endif
