/* What element-by-element operators share: 8- and 16-bit elements. */
#ifndef TENON_OP_ELEMENTWISE_H
#define TENON_OP_ELEMENTWISE_H

#include "op/op.h"

/* Elements of i8, u8 and i16. */
static inline int32_t tenon_load_small(const struct tenon_desc *desc, const void *data, size_t i) {
    if (desc->type == TENON_TYPE_I8)
        return ((const int8_t *)data)[i];
    return desc->type == TENON_TYPE_U8 ? ((const uint8_t *)data)[i] : ((const int16_t *)data)[i];
}

static inline void tenon_store_small(const struct tenon_desc *desc, void *data, size_t i,
                                     int32_t value) {
    if (desc->type == TENON_TYPE_I16)
        ((int16_t *)data)[i] = (int16_t)value;
    else
        ((uint8_t *)data)[i] = (uint8_t)value;
}

static inline void tenon_store_clamped(const struct tenon_desc *desc, void *data, size_t i,
                                       int64_t value) {
    int64_t low = tenon_type_min(desc->type), high = tenon_type_max(desc->type);
    tenon_store_small(desc, data, i, (int32_t)(value < low ? low : value > high ? high : value));
}

#endif
