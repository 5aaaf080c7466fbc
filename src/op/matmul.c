/*
 * batch_matmul: […, M, K] times […, K, N], batches broadcast; adj_x and adj_y say that a matrix is
 * stored transposed. Sources: TFLite reference/batch_matmul.h, kernels/batch_matmul.cc (where left
 * and right change places, which changes no sum).
 */
#include "op/linear.h"
#include "op/rules.h"
#include "util/checked.h"

#include <math.h>
#include <string.h>

struct matmul {
    struct tenon_shape shape;         /* of the result */
    struct tenon_broadcast broadcast; /* over batches, in matrices */
    size_t batches, m, n, k;
};

static struct tenon_shape batch_shape(const struct tenon_shape *shape) {
    struct tenon_shape batch = *shape;
    batch.rank -= 2;
    return batch;
}

static enum tenon_status matmul_init(struct matmul *mm, const struct tenon_op_call *call,
                                     struct tenon_error *error) {
    const struct tenon_shape *a = &tenon_in(call, 0)->shape, *b = &tenon_in(call, 1)->shape;
    if (a->rank < 2 || b->rank < 2)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "matrices of rank %u and %u", a->rank,
                          b->rank);
    const int32_t *left = a->dims + a->rank - 2, *right = b->dims + b->rank - 2;
    int x = call->attrs->adj_x != 0, y = call->attrs->adj_y != 0;
    int32_t m = left[x], n = right[1 - y];
    struct tenon_shape left_batch = batch_shape(a), right_batch = batch_shape(b);
    if (left[1 - x] != right[y] || m < 1 || n < 1 || right[y] < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a product of %d x %d and %d x %d", m,
                          left[1 - x], right[y], n);
    if (!tenon_broadcast_shape(&left_batch, &right_batch, &mm->shape) ||
        !tenon_shape_elements(&mm->shape, &mm->batches))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "batches that do not broadcast");
    const struct tenon_shape *const operands[] = {&left_batch, &right_batch};
    tenon_broadcast_init(&mm->broadcast, &mm->shape, operands, 2);
    mm->shape.dims[mm->shape.rank++] = m;
    mm->shape.dims[mm->shape.rank++] = n;
    mm->m = (size_t)m;
    mm->n = (size_t)n;
    mm->k = (size_t)right[y];
    return TENON_OK;
}

static enum tenon_status check_integer(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    const struct tenon_desc *a = tenon_in(call, 0), *b = tenon_in(call, 1);
    const struct tenon_desc *out = tenon_out(call, 0);
    enum tenon_status status = tenon_require_type(a, TENON_TYPES_QUANTIZED8 | TENON_TYPE_BIT(I16),
                                                  "the left matrix", error);
    if (status == TENON_OK && b->type != a->type &&
        !(a->type == TENON_TYPE_I16 && b->type == TENON_TYPE_I8))
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "matrices of %s and %s",
                            tenon_type_text(a->type), tenon_type_text(b->type));
    if (status == TENON_OK && out->type != a->type)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a result of %s from %s",
                            tenon_type_text(out->type), tenon_type_text(a->type));
    if (status == TENON_OK)
        status = tenon_require_quantized(call, 2, error);
    if (status == TENON_OK && a->type == TENON_TYPE_I16 && tenon_desc_zero_point(b) != 0)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "i16 by i8 with a zero point");
    return status;
}

static enum tenon_status check_float(const struct tenon_op_call *call, const struct matmul *mm,
                                     struct tenon_error *error) {
    const struct tenon_desc *b = tenon_in(call, 1);
    enum tenon_status status =
        tenon_require_type(tenon_out(call, 0), TENON_TYPE_BIT(F32), "the result", error);
    if (status == TENON_OK)
        status = tenon_require_type(b, TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I8), "the right matrix",
                                    error);
    if (status != TENON_OK || b->type == TENON_TYPE_F32)
        return status;
    int32_t axis = b->shape.rank - (call->attrs->adj_y != 0 ? 2 : 1);
    if (b->quant.count != 1 && (b->quant.count != mm->n || b->quant.axis != axis))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%u scales for %zu columns", b->quant.count,
                          mm->n);
    for (uint32_t i = 0; i < b->quant.count; i++)
        if (b->quant.zero_point[i] != 0)
            return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "i8 weights with the zero point %d",
                              b->quant.zero_point[i]);
    return TENON_OK;
}

enum tenon_status tenon_infer_batch_matmul(const struct tenon_op_call *call,
                                           struct tenon_error *error) {
    struct matmul mm;
    enum tenon_status status = matmul_init(&mm, call, error);
    if (status == TENON_OK)
        status = tenon_in(call, 0)->type == TENON_TYPE_F32 ? check_float(call, &mm, error)
                                                           : check_integer(call, error);
    return status == TENON_OK ? tenon_set_shape(call, 0, &mm.shape, error) : status;
}

/* Scratch: one right matrix, one row of the left and, of a dynamic call, that row quantized. */
struct layout {
    size_t row, quantized, total;
};

static struct layout scratch_layout(const struct matmul *mm) {
    struct layout layout;
    layout.row = tenon_align_up(mm->n * mm->k * sizeof(float), TENON_SCRATCH_ALIGN);
    layout.quantized = layout.row + tenon_align_up(mm->k * sizeof(float), TENON_SCRATCH_ALIGN);
    layout.total = layout.quantized + mm->k;
    return layout;
}

size_t tenon_scratch_batch_matmul(const struct tenon_op_call *call) {
    struct matmul mm;
    return matmul_init(&mm, call, NULL) == TENON_OK ? scratch_layout(&mm).total : 0;
}

uint64_t tenon_macs_batch_matmul(const struct tenon_op_call *call) {
    struct matmul mm;
    if (matmul_init(&mm, call, NULL) != TENON_OK)
        return 0;
    return (uint64_t)tenon_desc_element_count(tenon_out(call, 0)) * mm.k;
}

/* Where an element of a matrix stored as rows x columns, or transposed, is. */
static size_t element(size_t row, size_t column, size_t rows, size_t columns, bool transposed) {
    return transposed ? column * rows + row : row * columns + column;
}

static int16_t load(const struct tenon_desc *desc, const void *data, size_t i) {
    int32_t zero = tenon_desc_zero_point(desc);
    if (desc->type == TENON_TYPE_I16)
        return ((const int16_t *)data)[i];
    if (desc->type == TENON_TYPE_U8)
        return (int16_t)(((const uint8_t *)data)[i] - zero);
    return (int16_t)(((const int8_t *)data)[i] - zero);
}

/* The right matrix as N rows of K, without its zero point. */
static void load_right(const struct tenon_op_call *call, const struct matmul *mm, size_t first,
                       int16_t *out) {
    const struct tenon_desc *desc = tenon_in(call, 1);
    for (size_t j = 0; j < mm->n; j++)
        for (size_t k = 0; k < mm->k; k++)
            *out++ = load(desc, tenon_in_data(call, 1),
                          first + element(k, j, mm->k, mm->n, call->attrs->adj_y != 0));
}

static void load_left(const struct tenon_op_call *call, const struct matmul *mm, size_t first,
                      size_t row, int16_t *out) {
    for (size_t k = 0; k < mm->k; k++)
        out[k] = load(tenon_in(call, 0), tenon_in_data(call, 0),
                      first + element(row, k, mm->m, mm->k, call->attrs->adj_x != 0));
}

/* One product of two matrices; the offsets are of their first elements. */
typedef void product_fn(const struct tenon_op_call *call, const struct matmul *mm, size_t left,
                        size_t right, size_t out, const void *context);

static void for_each_batch(const struct tenon_op_call *call, const struct matmul *mm,
                           product_fn *product, const void *context) {
    int32_t index[TENON_MAX_RANK] = {0};
    size_t offsets[2] = {0};
    for (size_t b = 0; b < mm->batches; b++) {
        product(call, mm, offsets[0] * mm->m * mm->k, offsets[1] * mm->k * mm->n, b * mm->m * mm->n,
                context);
        tenon_broadcast_next(&mm->broadcast, index, offsets, 2);
    }
}

static void product_integer(const struct tenon_op_call *call, const struct matmul *mm, size_t left,
                            size_t right, size_t out, const void *context) {
    int16_t *matrix = call->scratch;
    int16_t *row = (void *)((char *)call->scratch + scratch_layout(mm).row);
    bool wide = tenon_in(call, 0)->type == TENON_TYPE_I16;
    load_right(call, mm, right, matrix);
    for (size_t i = 0; i < mm->m; i++) {
        load_left(call, mm, left, i, row);
        for (size_t j = 0; j < mm->n; j++)
            tenon_epilogue_store(context, tenon_dot_i16(row, matrix + j * mm->k, mm->k, wide), 0,
                                 call->outputs[0].data, out++);
    }
}

void tenon_batch_matmul_integer(const struct tenon_op_call *call,
                                const struct tenon_epilogue *epilogue) {
    struct matmul mm;
    if (matmul_init(&mm, call, NULL) == TENON_OK)
        for_each_batch(call, &mm, product_integer, epilogue);
}

/* The sums of a row run side by side, each over k in order. */
static void product_f32(const struct tenon_op_call *call, const struct matmul *mm, size_t left,
                        size_t right, size_t out, const void *context) {
    const float *a = (const float *)tenon_in_data(call, 0) + left;
    const float *b = (const float *)tenon_in_data(call, 1) + right;
    float *restrict matrix = call->scratch, *restrict sums = call->outputs[0].data;
    (void)context;
    for (size_t k = 0; k < mm->k; k++)
        for (size_t j = 0; j < mm->n; j++)
            matrix[k * mm->n + j] = b[element(k, j, mm->k, mm->n, call->attrs->adj_y != 0)];
    sums += out;
    for (size_t i = 0; i < mm->m; i++, sums += mm->n) {
        memset(sums, 0, mm->n * sizeof(*sums));
        for (size_t k = 0; k < mm->k; k++) {
            float x = a[element(i, k, mm->m, mm->k, call->attrs->adj_x != 0)];
            for (size_t j = 0; j < mm->n; j++)
                sums[j] += matrix[k * mm->n + j] * x;
        }
    }
}

/* TFLite corrects the sum for the zero point in float32, and cuts it to an integer. */
static float correct_sum(const int8_t *quantized, const int16_t *column, size_t count,
                         int32_t zero_point) {
    int64_t sum = 0, column_sum = 0;
    for (size_t k = 0; k < count; k++) {
        sum += quantized[k] * column[k];
        column_sum += column[k];
    }
    return truncf((float)sum - (float)column_sum * (float)zero_point);
}

static void product_dynamic(const struct tenon_op_call *call, const struct matmul *mm, size_t left,
                            size_t right, size_t out, const void *context) {
    const float *a = (const float *)tenon_in_data(call, 0) + left;
    struct layout layout = scratch_layout(mm);
    int16_t *matrix = call->scratch;
    float *row = (void *)((char *)call->scratch + layout.row);
    int8_t *quantized = (int8_t *)call->scratch + layout.quantized;
    float *result = (float *)call->outputs[0].data + out;
    (void)context;
    load_right(call, mm, right, matrix);
    for (size_t i = 0; i < mm->m; i++) {
        struct tenon_dynamic dynamic;
        for (size_t k = 0; k < mm->k; k++)
            row[k] = a[element(i, k, mm->m, mm->k, call->attrs->adj_x != 0)];
        tenon_quantize_dynamic(row, mm->k, call->attrs->asymmetric != 0, quantized, &dynamic.scale,
                               &dynamic.zero_point);
        for (size_t j = 0; j < mm->n; j++) {
            float scale = dynamic.scale * tenon_dynamic_weight_scale(tenon_in(call, 1), (int32_t)j);
            *result++ =
                scale * correct_sum(quantized, matrix + j * mm->k, mm->k, dynamic.zero_point);
        }
    }
}

enum tenon_status tenon_reference_batch_matmul(const struct tenon_op_call *call,
                                               struct tenon_error *error) {
    struct matmul mm;
    enum tenon_status status = matmul_init(&mm, call, error);
    if (status != TENON_OK)
        return status;
    if (tenon_in(call, 0)->type == TENON_TYPE_F32) {
        bool dynamic = tenon_in(call, 1)->type != TENON_TYPE_F32;
        for_each_batch(call, &mm, dynamic ? product_dynamic : product_f32, NULL);
        return TENON_OK;
    }
    struct tenon_multiplier multiplier;
    struct tenon_epilogue epilogue;
    tenon_epilogue_derive(&epilogue, call, 1, true, &multiplier);
    tenon_batch_matmul_integer(call, &epilogue);
    return TENON_OK;
}
