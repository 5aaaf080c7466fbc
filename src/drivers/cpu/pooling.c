/*
 * The kernels pool_8 and pool_f32: average_pool_2d, max_pool_2d (8 bits only) and mean over axes
 * before the channels, which is a pool whose window is the picture. Cut into pieces of the channels
 * of output pixels. Instruction sets read and write 4 * lanes channels at least: where there are
 * fewer, they read those of the next pixels too, and the last pixels are copied.
 */
#include <string.h>

#include "drivers/cpu/kernels.h"
#include "drivers/cpu/window.h"

enum { GRAIN_BYTES = 32768, TAPS_MAX = TENON_MEAN_COUNT_MAX, PIECE = 256 };

struct pooling {
    struct tenon_window window;
    const struct tenon_isa_kernels *isa;
    enum tenon_op op;
    struct tenon_average_8 average; /* of a mean; of a pool what all windows have */
    struct tenon_average_f32 average_f32;
    int32_t offset; /* of an element as it is multiplied from the element, or what a mean counts */
    size_t element_bytes, pieces, taps;
    size_t width; /* channels that are read at once: of a narrow pool, more than there are */
    bool narrow;
};

/* A window that is all of the picture. */
static enum tenon_status init_mean(struct pooling *p, const struct tenon_cpu_call *call,
                                   struct tenon_error *error) {
    int32_t sizes[3];
    if (!tenon_reduced_block(&call->operands[0].desc.shape, &call->attrs.axes, sizes))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a kernel of another call");
    p->window = (struct tenon_window){.batches = sizes[0],
                                      .in_h = 1,
                                      .in_w = sizes[1],
                                      .in_c = sizes[2],
                                      .out_h = 1,
                                      .out_w = 1,
                                      .k_h = 1,
                                      .k_w = sizes[1],
                                      .stride_h = 1,
                                      .stride_w = 1};
    return TENON_OK;
}

/* The window, how it is cut, and what working memory it wants: the taps, copies of them (which are
 * no more than `width`), an output. */
static enum tenon_status init_window(struct pooling *p, const struct tenon_cpu_call *call,
                                     struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *in = &call->operands[0].desc;
    const struct tenon_list *size = &call->attrs.window;
    p->op = call->op;
    enum tenon_status status = call->op == TENON_OP_MEAN
                                   ? init_mean(p, call, error)
                                   : tenon_window_init(&p->window, &call->attrs, &in->shape,
                                                       size->values[0], size->values[1], error);
    if (status != TENON_OK)
        return status;
    p->taps = (size_t)p->window.k_h * (size_t)p->window.k_w;
    if (p->taps > TAPS_MAX) /* sums are of 32 bits */
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a pool with a window of %zu", p->taps);
    p->element_bytes = tenon_type_bit_count(in->type) / 8;
    p->pieces = p->window.in_c < 2 * PIECE ? 1 : (size_t)p->window.in_c / PIECE;
    p->width = 4 * (size_t)tenon_cpu_isa_get(p->isa->isa)->lanes;
    p->narrow = (size_t)p->window.in_c < p->width;
    plan->state = p;
    plan->workspace_bytes = p->taps * sizeof(void *);
    if (p->narrow)
        plan->workspace_bytes += (p->width + 1) * p->width * p->element_bytes;
    return TENON_OK;
}

/* Of one count of elements: (4 * sum * multiplier + 2^(31 + right)) >> (32 + right), half up, where
 * the multiplier is a little more than it should be: half away from zero. */
static void divide_by(const struct pooling *p, int32_t count, struct tenon_average_8 *average) {
    *average = p->average;
    average->right = 31 - __builtin_clz((uint32_t)count);
    average->multiplier = (int32_t)((INT64_C(1) << (30 + average->right)) / count + 1);
    average->add = INT64_C(1) << (31 + average->right);
    average->bias = -4 * p->offset * count;
}

static enum tenon_status init_mean_8(struct pooling *p, const struct tenon_cpu_call *call,
                                     struct tenon_error *error) {
    struct tenon_mean_params params;
    if (!tenon_mean_params_read(call->params, &params))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "parameters of a kernel are malformed");
    int32_t offset = p->offset + tenon_desc_zero_point(&call->operands[0].desc);
    p->average.multiplier = params.multiplier;
    p->average.right = params.right;
    p->average.add = params.add;
    p->average.of_magnitude = params.of_magnitude;
    p->average.bias = -4 * offset * p->window.k_w;
    return TENON_OK;
}

static enum tenon_status prepare_8(const struct tenon_cpu_call *call,
                                   const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                   struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *in = &call->operands[0].desc, *out = &call->operands[1].desc;
    const struct tenon_cpu_isa_info *info = tenon_cpu_isa_get(isa->isa);
    struct pooling *p = tenon_arena_alloc(arena, sizeof(*p));
    if (p == NULL)
        return tenon_fail_memory(error);
    bool mean = call->op == TENON_OP_MEAN;
    bool known = call->op == TENON_OP_AVERAGE_POOL_2D || call->op == TENON_OP_MAX_POOL_2D || mean;
    if (!known || (TENON_TYPES_QUANTIZED8 >> in->type & 1) == 0 || out->type != in->type)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a kernel of another call");
    p->isa = isa;
    enum tenon_status status = init_window(p, call, plan, error);
    if (status != TENON_OK)
        return status;
    int32_t low = tenon_type_min(out->type), high = tenon_type_max(out->type);
    if (!mean)
        tenon_activation_range((enum tenon_activation)call->attrs.activation, out, &low, &high);
    p->average.range =
        tenon_output_range_of(call, low, high, mean ? tenon_desc_zero_point(out) : 0);
    p->average.flip = tenon_activation_flip(in->type, info);
    p->offset = (in->type == TENON_TYPE_I8 ? 128 : 0) - (info->signed_products ? 128 : 0);
    return mean ? init_mean_8(p, call, error) : TENON_OK;
}

static enum tenon_status prepare_f32(const struct tenon_cpu_call *call,
                                     const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                     struct tenon_kernel_plan *plan, struct tenon_error *error) {
    struct pooling *p = tenon_arena_alloc(arena, sizeof(*p));
    if (p == NULL)
        return tenon_fail_memory(error);
    bool known = call->op == TENON_OP_AVERAGE_POOL_2D || call->op == TENON_OP_MEAN;
    if (!known || call->operands[0].desc.type != TENON_TYPE_F32)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "a kernel of another call");
    p->isa = isa;
    enum tenon_activation activation = call->op == TENON_OP_MEAN
                                           ? TENON_ACTIVATION_NONE
                                           : (enum tenon_activation)call->attrs.activation;
    tenon_activation_range_f32(activation, &p->average_f32.low, &p->average_f32.high);
    return init_window(p, call, plan, error);
}

/* The pixels of the input under the window of an output pixel; returns their number. */
static size_t gather(const struct tenon_window *w, const uint8_t *input, size_t pixel,
                     size_t pixel_bytes, const uint8_t **taps) {
    size_t row = pixel / (size_t)w->out_w, out_x = pixel % (size_t)w->out_w, count = 0;
    int64_t batch = (int64_t)(row / (size_t)w->out_h);
    int64_t top = (int64_t)(row % (size_t)w->out_h) * w->stride_h - w->pad_top;
    int64_t left = (int64_t)out_x * w->stride_w - w->pad_left;
    for (int64_t y = top < 0 ? 0 : top; y < top + w->k_h && y < w->in_h; y++)
        for (int64_t x = left < 0 ? 0 : left; x < left + w->k_w && x < w->in_w; x++)
            taps[count++] = input + (size_t)((batch * w->in_h + y) * w->in_w + x) * pixel_bytes;
    return count;
}

/* Taps from which less than `width` channels can be read are copied; returns where to write. */
static uint8_t *widen(const struct pooling *p, const uint8_t **taps, size_t count,
                      const uint8_t *end) {
    size_t bytes = p->width * p->element_bytes;
    uint8_t *spare = (uint8_t *)(taps + p->taps);
    for (size_t i = 0; i < count; i++) {
        if ((size_t)(end - taps[i]) >= bytes)
            continue;
        spare += bytes;
        memcpy(spare, taps[i], (size_t)p->window.in_c * p->element_bytes);
        taps[i] = spare;
    }
    return (uint8_t *)(taps + p->taps);
}

struct piece {
    const void *taps;
    size_t tap_count, channels;
    uint8_t *out;
};

static void pool_piece(const struct pooling *p, const struct piece *piece,
                       struct tenon_average_8 *average, int32_t *average_count) {
    int32_t count = (int32_t)piece->tap_count;
    if (p->element_bytes != 1) {
        p->isa->elements->average_f32(&p->average_f32, piece->taps, piece->tap_count,
                                      piece->channels, (float *)(void *)piece->out);
        return;
    }
    if (p->op == TENON_OP_MAX_POOL_2D) {
        p->isa->elements->max_8(&p->average.range, piece->taps, piece->tap_count, piece->channels,
                                piece->out);
        return;
    }
    if (p->op == TENON_OP_AVERAGE_POOL_2D && *average_count != count) {
        divide_by(p, count, average);
        *average_count = count;
    }
    p->isa->elements->average_8(average, piece->taps, piece->tap_count, piece->channels,
                                piece->out);
}

static void run_pieces(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct pooling *p = run->state;
    size_t channels = (size_t)p->window.in_c, pixel_bytes = channels * p->element_bytes;
    const uint8_t **taps = tenon_kernel_workspace(run, worker);
    const uint8_t *in = run->op.inputs[0].data,
                  *in_end = in + tenon_desc_size(run->op.inputs[0].desc);
    struct tenon_average_8 average = p->average;
    int32_t average_count = 0;
    for (size_t i = begin; i < end; i++) {
        size_t pixel = i / p->pieces, first = i % p->pieces * PIECE;
        bool last = i % p->pieces == p->pieces - 1;
        size_t at = first * p->element_bytes;
        uint8_t *out = (uint8_t *)run->op.outputs[0].data + pixel * pixel_bytes + at;
        struct piece piece = {
            .taps = taps, .channels = last ? channels - first : PIECE, .out = out};
        piece.tap_count = gather(&p->window, in + at, pixel, pixel_bytes, taps);
        if (p->narrow) {
            piece.channels = p->width;
            piece.out = widen(p, taps, piece.tap_count, in_end);
        }
        pool_piece(p, &piece, &average, &average_count);
        if (p->narrow)
            memcpy(out, piece.out, pixel_bytes);
    }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    const struct pooling *p = r->state;
    const struct tenon_window *w = &p->window;
    size_t pixels = (size_t)w->batches * (size_t)w->out_h * (size_t)w->out_w;
    size_t piece_bytes = p->taps * (size_t)w->in_c * p->element_bytes / p->pieces;
    (void)error;
    tenon_pool_run(r->pool, pixels * p->pieces, GRAIN_BYTES / (piece_bytes + 1) + 1, run_pieces,
                   (void *)r);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_pool_8 = {"pool_8", true, 0, prepare_8, run};
const struct tenon_kernel tenon_kernel_pool_f32 = {"pool_f32", true, 0, prepare_f32, run};
