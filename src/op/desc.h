/* Descriptions of tensors without their data: element type, shape, quantization. */
#ifndef TENON_OP_DESC_H
#define TENON_OP_DESC_H

#include <tenon/tensor.h>

#include "util/attr.h"
#include "util/span.h"
#include "util/status.h"

#define TENON_RANK_UNKNOWN 0xff

/* rank TENON_RANK_UNKNOWN: not inferred yet. rank 0: a scalar. Dimensions are >= 0. */
struct tenon_shape {
    uint8_t rank;
    int32_t dims[TENON_MAX_RANK];
};

/*
 * count 0: not quantized. 1: per tensor. Otherwise per channel: count == shape.dims[axis].
 * Scales are finite and > 0. The arrays belong to whoever made the description.
 */
struct tenon_quant {
    uint32_t count;
    int32_t axis;
    const float *scale;
    const int32_t *zero_point;
};

struct tenon_desc {
    enum tenon_type type;
    struct tenon_shape shape;
    struct tenon_quant quant;
};

/* The largest tensor Tenon handles: 2^31 - 1 elements, so that an element index fits int32. */
#define TENON_MAX_ELEMENTS INT32_MAX

const char *tenon_type_text(enum tenon_type type);
/* TENON_TYPE_NONE when there is no such name. */
enum tenon_type tenon_type_parse(const char *text, size_t size);
uint32_t tenon_type_bit_count(enum tenon_type type);
bool tenon_type_is_float(enum tenon_type type);   /* f16, bf16, f32, f64 */
bool tenon_type_is_integer(enum tenon_type type); /* i4 … i64 */
/* Smallest and largest value of an integer type of at most 32 bits. */
int32_t tenon_type_min(enum tenon_type type);
int32_t tenon_type_max(enum tenon_type type);

/* Number of elements; false when a dimension is negative, the rank is unknown or above 8, or the
 * product is above TENON_MAX_ELEMENTS. */
TENON_NODISCARD bool tenon_shape_elements(const struct tenon_shape *shape, size_t *out);
bool tenon_shape_equal(const struct tenon_shape *a, const struct tenon_shape *b);
/* Bytes of the dense data; false as above. */
TENON_NODISCARD bool tenon_desc_bytes(const struct tenon_desc *desc, size_t *out);
/* For verified descriptions, where they cannot fail. */
size_t tenon_desc_element_count(const struct tenon_desc *desc);
size_t tenon_desc_size(const struct tenon_desc *desc);

/* Checks what the head of struct tenon_quant promises, and that zero points are inside of a type of
 * at most 16 bits; with an unknown shape, not the number of scales. Errors: BAD_MODEL. */
TENON_NODISCARD enum tenon_status tenon_desc_check_quant(const struct tenon_desc *desc,
                                                         struct tenon_error *error);
bool tenon_quant_equal(const struct tenon_quant *a, const struct tenon_quant *b);
/* "1x224x224x3"; "scalar"; "?" when unknown. Returns out. */
#define TENON_SHAPE_TEXT_BYTES 96
char *tenon_shape_text(const struct tenon_shape *shape, char out[TENON_SHAPE_TEXT_BYTES]);

/* Size of what is in a scale/zero point of a per-tensor quantized description; 1 and 0 if none. */
static inline float tenon_desc_scale(const struct tenon_desc *desc) {
    return desc->quant.count != 0 ? desc->quant.scale[0] : 1.0f;
}
static inline int32_t tenon_desc_zero_point(const struct tenon_desc *desc) {
    return desc->quant.count != 0 ? desc->quant.zero_point[0] : 0;
}

#endif
