/* Element types by name and size; sizes of shapes, checked. */
#include "op/desc.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "util/checked.h"

static const struct {
    const char *name;
    uint8_t bits;
    bool is_float, is_integer;
    int64_t min, max; /* of integers up to 32 bits */
} types[TENON_TYPE_COUNT] = {
    [TENON_TYPE_NONE] = {"none", 0, false, false, 0, 0},
    [TENON_TYPE_I4] = {"i4", 4, false, true, -8, 7},
    [TENON_TYPE_I8] = {"i8", 8, false, true, INT8_MIN, INT8_MAX},
    [TENON_TYPE_U8] = {"u8", 8, false, true, 0, UINT8_MAX},
    [TENON_TYPE_I16] = {"i16", 16, false, true, INT16_MIN, INT16_MAX},
    [TENON_TYPE_U16] = {"u16", 16, false, true, 0, UINT16_MAX},
    [TENON_TYPE_I32] = {"i32", 32, false, true, INT32_MIN, INT32_MAX},
    [TENON_TYPE_U32] = {"u32", 32, false, true, 0, INT32_MAX},
    [TENON_TYPE_I64] = {"i64", 64, false, true, INT32_MIN, INT32_MAX},
    [TENON_TYPE_F16] = {"f16", 16, true, false, 0, 0},
    [TENON_TYPE_BF16] = {"bf16", 16, true, false, 0, 0},
    [TENON_TYPE_F32] = {"f32", 32, true, false, 0, 0},
    [TENON_TYPE_F64] = {"f64", 64, true, false, 0, 0},
    [TENON_TYPE_BOOL] = {"bool", 8, false, false, 0, 1},
};

static bool is_known(enum tenon_type type) {
    return (unsigned)type < TENON_TYPE_COUNT;
}

const char *tenon_type_text(enum tenon_type type) {
    return is_known(type) ? types[type].name : "unknown";
}

enum tenon_type tenon_type_parse(const char *text, size_t size) {
    for (int i = TENON_TYPE_NONE + 1; i < TENON_TYPE_COUNT; i++)
        if (strlen(types[i].name) == size && memcmp(types[i].name, text, size) == 0)
            return (enum tenon_type)i;
    return TENON_TYPE_NONE;
}

uint32_t tenon_type_bit_count(enum tenon_type type) {
    return is_known(type) ? types[type].bits : 0;
}

bool tenon_type_is_float(enum tenon_type type) {
    return is_known(type) && types[type].is_float;
}

bool tenon_type_is_integer(enum tenon_type type) {
    return is_known(type) && types[type].is_integer;
}

int32_t tenon_type_min(enum tenon_type type) {
    return is_known(type) ? (int32_t)types[type].min : 0;
}

int32_t tenon_type_max(enum tenon_type type) {
    return is_known(type) ? (int32_t)types[type].max : 0;
}

bool tenon_shape_elements(const struct tenon_shape *shape, size_t *out) {
    if (shape->rank > TENON_MAX_RANK)
        return false;
    size_t count = 1;
    bool empty = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return false;
        if (shape->dims[i] == 0) {
            empty = true;
            continue;
        }
        if (!tenon_mul_size(count, (size_t)shape->dims[i], &count) || count > TENON_MAX_ELEMENTS)
            return false;
    }
    *out = empty ? 0 : count;
    return true;
}

bool tenon_shape_equal(const struct tenon_shape *a, const struct tenon_shape *b) {
    if (a->rank != b->rank)
        return false;
    return a->rank > TENON_MAX_RANK || memcmp(a->dims, b->dims, sizeof(a->dims[0]) * a->rank) == 0;
}

bool tenon_desc_bytes(const struct tenon_desc *desc, size_t *out) {
    size_t count;
    uint32_t bits = tenon_type_bit_count(desc->type);
    if (bits == 0 || !tenon_shape_elements(&desc->shape, &count))
        return false;
    *out = (size_t)(((uint64_t)count * bits + 7) / 8);
    return true;
}

size_t tenon_desc_element_count(const struct tenon_desc *desc) {
    size_t count = 0;
    return tenon_shape_elements(&desc->shape, &count) ? count : 0;
}

size_t tenon_desc_size(const struct tenon_desc *desc) {
    size_t size = 0;
    return tenon_desc_bytes(desc, &size) ? size : 0;
}

enum tenon_status tenon_desc_check_quant(const struct tenon_desc *desc, struct tenon_error *error) {
    const struct tenon_quant *quant = &desc->quant;
    if (quant->count > 1 && desc->shape.rank != TENON_RANK_UNKNOWN &&
        (quant->axis < 0 || quant->axis >= desc->shape.rank ||
         desc->shape.dims[quant->axis] != (int64_t)quant->count))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%u scales fit no dimension %d",
                          quant->count, quant->axis);
    for (uint32_t k = 0; k < quant->count; k++)
        if (!(quant->scale[k] > 0) || quant->scale[k] > FLT_MAX)
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "the scale is %g: scales are finite and above 0",
                              (double)quant->scale[k]);
    bool bounded = desc->type == TENON_TYPE_I4 || desc->type == TENON_TYPE_I8 ||
                   desc->type == TENON_TYPE_U8 || desc->type == TENON_TYPE_I16;
    for (uint32_t k = 0; bounded && k < quant->count; k++)
        if (quant->zero_point[k] < tenon_type_min(desc->type) ||
            quant->zero_point[k] > tenon_type_max(desc->type))
            return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                              "the zero point %d is outside of the type %s", quant->zero_point[k],
                              tenon_type_text(desc->type));
    return TENON_OK;
}

bool tenon_quant_equal(const struct tenon_quant *a, const struct tenon_quant *b) {
    if (a->count != b->count || (a->count > 1 && a->axis != b->axis))
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->scale[i] != b->scale[i] || a->zero_point[i] != b->zero_point[i])
            return false;
    return true;
}

char *tenon_shape_text(const struct tenon_shape *shape, char out[TENON_SHAPE_TEXT_BYTES]) {
    if (shape->rank > TENON_MAX_RANK)
        return strcpy(out, "?");
    if (shape->rank == 0)
        return strcpy(out, "scalar");
    size_t used = 0;
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(out + used, TENON_SHAPE_TEXT_BYTES - used, i > 0 ? "x%d" : "%d",
                                 shape->dims[i]);
    return out;
}
