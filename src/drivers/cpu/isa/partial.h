/* The first `count` lanes of a vector of floats, over the operations of a vector.h. */
#ifndef TENON_DRIVERS_CPU_ISA_PARTIAL_H
#define TENON_DRIVERS_CPU_ISA_PARTIAL_H

TENON_ALWAYS_INLINE vf vf_load_some(const float *at, uint32_t count) {
    float values[LANES] = {0};
    memcpy(values, at, count * sizeof(*values));
    return vf_load(values);
}

TENON_ALWAYS_INLINE void vf_store_some(float *out, vf y, uint32_t count) {
    float values[LANES];
    vf_store(values, y);
    memcpy(out, values, count * sizeof(*values));
}

#endif
