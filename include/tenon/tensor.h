/*
 * Tensor: element types, and the description of a tensor that a program or model exposes.
 *
 * Layout is dense, row-major, little endian; images are NHWC (batch, height, width, channels).
 * Quantized tensors hold integers `q` that stand for the real value scale * (q - zero_point).
 */
#ifndef TENON_TENSOR_H
#define TENON_TENSOR_H

#include <tenon/base.h>

TENON_BEGIN_DECLS

#define TENON_MAX_RANK 8

enum tenon_type {
    TENON_TYPE_NONE = 0,
    TENON_TYPE_I4, /* two per byte, the first in the low nibble; an odd last one is padded */
    TENON_TYPE_I8,
    TENON_TYPE_U8,
    TENON_TYPE_I16,
    TENON_TYPE_U16,
    TENON_TYPE_I32,
    TENON_TYPE_U32,
    TENON_TYPE_I64,
    TENON_TYPE_F16,
    TENON_TYPE_BF16,
    TENON_TYPE_F32,
    TENON_TYPE_F64,
    TENON_TYPE_BOOL, /* one byte, 0 or 1 */
    TENON_TYPE_COUNT
};

/* Lower-case name of an element type: "i8", "f32", … ; never NULL. Static storage. */
TENON_API const char *tenon_type_name(enum tenon_type type);

/* Bits of one element: 4 for i4, 8 for i8 and bool, …; 0 for none. */
TENON_API uint32_t tenon_type_bits(enum tenon_type type);

/*
 * How a quantized node rounds when it rescales its result. Frameworks differ, and an integer result
 * is exact only against a named rule (docs/numerics.md).
 */
enum tenon_rounding {
    TENON_ROUNDING_NONE = 0, /* the node does not requantize */
    TENON_ROUNDING_DOUBLE,   /* TFLite reference: doubling high multiply, then rounding shift */
    TENON_ROUNDING_SINGLE,   /* one rounding in 64 bits, half up */
    TENON_ROUNDING_F32,      /* float32 multiply, round half to even (ONNX Runtime) */
};

/*
 * Description of a tensor. The pointers belong to the object that was asked and live as long.
 * scale_count is 0 (not quantized), 1 (per tensor), or dims[axis] (per channel).
 */
struct tenon_tensor_info {
    const char *name; /* never NULL, may be empty */
    enum tenon_type type;
    uint32_t rank; /* 0 for a scalar */
    int32_t dims[TENON_MAX_RANK];
    size_t size_bytes;
    uint32_t scale_count;
    int32_t axis; /* channel axis when scale_count > 1 */
    const float *scales;
    const int32_t *zero_points; /* scale_count of them */
};

TENON_END_DECLS

#endif
