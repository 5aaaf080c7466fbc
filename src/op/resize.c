/*
 * Resizing of NHWC pictures, bilinear and to the nearest neighbour. Sources: TFLite
 * reference/resize_bilinear.h (float32 and uint8 interpolate in float32, int8 and int16 in
 * integers with 10 bits of fraction: resize_bilinear.cc), reference/resize_nearest_neighbor.h.
 */
#include "op/move.h"
#include "op/rules.h"

#include <math.h>
#include <string.h>

enum tenon_status tenon_infer_resize(const struct tenon_op_call *call, struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, 0);
    const struct tenon_list *size = &call->attrs->shape;
    enum tenon_status status = tenon_require_movable(call, 0, 0, error);
    if (status == TENON_OK && call->op == TENON_OP_RESIZE_BILINEAR)
        status = tenon_require_type(
            in, TENON_TYPE_BIT(F32) | TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16), "the input",
            error);
    if (status == TENON_OK)
        status = tenon_require_rank(in, 4, "the input", error);
    if (status != TENON_OK)
        return status;
    if (size->count != 2 || size->values[0] < 1 || size->values[1] < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a height and a width are needed");
    if (in->shape.dims[1] < 1 || in->shape.dims[2] < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "an empty picture");
    if (call->op == TENON_OP_RESIZE_BILINEAR && call->attrs->align_corners &&
        call->attrs->half_pixel_centers)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "aligned corners and half pixel centers");
    struct tenon_shape shape = in->shape;
    shape.dims[1] = size->values[0];
    shape.dims[2] = size->values[1];
    return tenon_set_shape(call, 0, &shape, error);
}

/* How output positions of one axis map to the input. */
struct axis {
    int32_t in, out;
    bool align_corners, half_pixel;
};

static struct axis axis_of(const struct tenon_op_call *call, int i) {
    return (struct axis){
        .in = tenon_in(call, 0)->shape.dims[i],
        .out = tenon_out(call, 0)->shape.dims[i],
        .align_corners = call->attrs->align_corners != 0,
        .half_pixel = call->attrs->half_pixel_centers != 0,
    };
}

static float scale_of(const struct axis *a) {
    if (a->align_corners && a->out > 1)
        return (float)(a->in - 1) / (float)(a->out - 1);
    return (float)a->in / (float)a->out;
}

static int32_t inside(int64_t x, int32_t size) {
    return (int32_t)(x < 0 ? 0 : x >= size ? size - 1 : x);
}

static int32_t nearest(const struct axis *a, int32_t position) {
    float at = ((float)position + (a->half_pixel ? 0.5f : 0.0f)) * scale_of(a);
    return inside((int64_t)(a->align_corners ? roundf(at) : floorf(at)), a->in);
}

/* The two neighbours of a position and the weight of the second: a float, and in 1/1024. */
struct neighbours {
    int32_t low, high;
    float weight;
    int64_t weight_10;
};

static struct neighbours neighbours_f32(const struct axis *a, int32_t position) {
    float scale = scale_of(a);
    float at = a->half_pixel ? ((float)position + 0.5f) * scale - 0.5f : (float)position * scale;
    struct neighbours n = {.low = inside((int64_t)floorf(at), a->in),
                           .high = inside((int64_t)ceilf(at), a->in)};
    n.weight = at - (float)n.low;
    return n;
}

/* Quotients truncate towards 0, positions left of the first center included. */
static struct neighbours neighbours_integer(const struct axis *a, int32_t position) {
    int64_t in = a->in, out = a->out;
    if (a->align_corners && out > 1) {
        in--;
        out--;
    }
    int64_t scale = (in * 1024 + out / 2) / out;
    int64_t at = position * scale + (a->half_pixel ? scale / 2 - 512 : 0);
    struct neighbours n = {.low = inside(at / 1024, a->in),
                           .high = inside((at + 1023) / 1024, a->in)};
    n.weight_10 = at - (int64_t)n.low * 1024;
    return n;
}

/* One output pixel: offsets of the four neighbours' channels, and their weights. */
struct corners {
    size_t at[2][2]; /* [y][x] */
    struct neighbours y, x;
};

static float blend_f32(const struct corners *k, float v00, float v10, float v01, float v11) {
    float y = k->y.weight, x = k->x.weight;
    return v00 * (1 - y) * (1 - x) + v10 * y * (1 - x) + v01 * (1 - y) * x + v11 * y * x;
}

static void pixel_f32(const struct corners *k, const float *in, float *out, int32_t depth) {
    for (int32_t c = 0; c < depth; c++)
        out[c] = blend_f32(k, in[k->at[0][0] + (size_t)c], in[k->at[1][0] + (size_t)c],
                           in[k->at[0][1] + (size_t)c], in[k->at[1][1] + (size_t)c]);
}

static void pixel_u8(const struct corners *k, const uint8_t *in, uint8_t *out, int32_t depth) {
    for (int32_t c = 0; c < depth; c++) {
        float value = blend_f32(k, in[k->at[0][0] + (size_t)c], in[k->at[1][0] + (size_t)c],
                                in[k->at[0][1] + (size_t)c], in[k->at[1][1] + (size_t)c]) +
                      0.5f;
        out[c] = (uint8_t)(value >= 255 ? 255 : value >= 0 ? value : 0);
    }
}

static void pixel_integer(const struct tenon_op_call *call, const struct corners *k, size_t at,
                          int32_t depth) {
    enum tenon_type type = tenon_in(call, 0)->type;
    const void *in = tenon_in_data(call, 0);
    int64_t y = k->y.weight_10, x = k->x.weight_10;
    for (int32_t c = 0; c < depth; c++) {
        size_t i = (size_t)c;
        int64_t sum = tenon_load_integer(type, in, k->at[0][0] + i) * (1024 - y) * (1024 - x) +
                      tenon_load_integer(type, in, k->at[1][0] + i) * y * (1024 - x) +
                      tenon_load_integer(type, in, k->at[0][1] + i) * (1024 - y) * x +
                      tenon_load_integer(type, in, k->at[1][1] + i) * y * x;
        int64_t half = sum > 0 ? 1 << 19 : -(1 << 19);
        int64_t value = (sum + half) / (1 << 20);
        if (call->rounding == TENON_ROUNDING_SINGLE) /* TFLITE_SINGLE_ROUNDING: half up */
            value = (sum + (1 << 19)) >> 20;
        tenon_store_integer(type, call->outputs[0].data, at + i, value);
    }
}

static void pixel(const struct tenon_op_call *call, const struct corners *k, size_t at,
                  int32_t depth) {
    void *out = call->outputs[0].data;
    if (tenon_in(call, 0)->type == TENON_TYPE_F32)
        pixel_f32(k, tenon_in_data(call, 0), (float *)out + at, depth);
    else if (tenon_in(call, 0)->type == TENON_TYPE_U8)
        pixel_u8(k, tenon_in_data(call, 0), (uint8_t *)out + at, depth);
    else
        pixel_integer(call, k, at, depth);
}

enum tenon_status tenon_reference_resize_bilinear(const struct tenon_op_call *call,
                                                  struct tenon_error *error) {
    (void)error;
    const struct tenon_shape *out = &tenon_out(call, 0)->shape;
    struct axis rows = axis_of(call, 1), columns = axis_of(call, 2);
    enum tenon_type type = tenon_in(call, 0)->type;
    bool integer = type == TENON_TYPE_I8 || type == TENON_TYPE_I16;
    struct neighbours (*find)(const struct axis *, int32_t) =
        integer ? neighbours_integer : neighbours_f32;
    size_t depth = (size_t)out->dims[3], at = 0;
    if (tenon_desc_element_count(tenon_out(call, 0)) == 0)
        return TENON_OK;
    for (size_t b = 0; b < (size_t)out->dims[0]; b++)
        for (int32_t y = 0; y < out->dims[1]; y++) {
            struct corners k = {.y = find(&rows, y)};
            size_t top = b * (size_t)rows.in + (size_t)k.y.low;
            size_t bottom = b * (size_t)rows.in + (size_t)k.y.high;
            for (int32_t x = 0; x < out->dims[2]; x++, at += depth) {
                k.x = find(&columns, x);
                k.at[0][0] = (top * (size_t)columns.in + (size_t)k.x.low) * depth;
                k.at[0][1] = (top * (size_t)columns.in + (size_t)k.x.high) * depth;
                k.at[1][0] = (bottom * (size_t)columns.in + (size_t)k.x.low) * depth;
                k.at[1][1] = (bottom * (size_t)columns.in + (size_t)k.x.high) * depth;
                pixel(call, &k, at, out->dims[3]);
            }
        }
    return TENON_OK;
}

enum tenon_status tenon_reference_resize_nearest(const struct tenon_op_call *call,
                                                 struct tenon_error *error) {
    (void)error;
    const struct tenon_shape *out = &tenon_out(call, 0)->shape;
    struct axis rows = axis_of(call, 1), columns = axis_of(call, 2);
    size_t pixel_bytes = (size_t)out->dims[3] * tenon_element_bytes(tenon_in(call, 0));
    const uint8_t *in = tenon_in_data(call, 0);
    uint8_t *to = call->outputs[0].data;
    if (tenon_desc_element_count(tenon_out(call, 0)) == 0)
        return TENON_OK;
    for (size_t b = 0; b < (size_t)out->dims[0]; b++)
        for (int32_t y = 0; y < out->dims[1]; y++) {
            size_t row = b * (size_t)rows.in + (size_t)nearest(&rows, y);
            for (int32_t x = 0; x < out->dims[2]; x++, to += pixel_bytes)
                memcpy(to,
                       in + (row * (size_t)columns.in + (size_t)nearest(&columns, x)) * pixel_bytes,
                       pixel_bytes);
        }
    return TENON_OK;
}
