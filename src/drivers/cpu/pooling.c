/* The kernel pool_8: average_pool_2d and max_pool_2d of 8-bit elements, over rows of pixels. */
#include <string.h>

#include "drivers/cpu/kernels.h"
#include "drivers/cpu/window.h"

enum { GRAIN_BYTES = 32768, TAPS_MAX = 1 << 16 };

struct pooling {
    struct tenon_window window;
    const struct tenon_isa_kernels *isa;
    bool average;
    uint8_t flip;
    int32_t low, high;
    size_t taps;
};

static enum tenon_status prepare(const struct tenon_cpu_call *call,
                                 const struct tenon_isa_kernels *isa, struct tenon_arena *arena,
                                 struct tenon_kernel_plan *plan, struct tenon_error *error) {
    const struct tenon_desc *in = &call->operands[0].desc;
    const struct tenon_list *size = &call->attrs.window;
    struct pooling *p = tenon_arena_alloc(arena, sizeof(*p));
    if (p == NULL)
        return tenon_fail_memory(error);
    bool known = call->op == TENON_OP_AVERAGE_POOL_2D || call->op == TENON_OP_MAX_POOL_2D;
    if (!known || (TENON_TYPES_QUANTIZED8 >> in->type & 1) == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "pool_8 of another call");
    p->isa = isa;
    p->average = call->op == TENON_OP_AVERAGE_POOL_2D;
    p->flip = in->type == TENON_TYPE_I8 ? 0x80 : 0;
    tenon_activation_range((enum tenon_activation)call->attrs.activation, &call->operands[1].desc,
                           &p->low, &p->high);
    enum tenon_status status = tenon_window_init(&p->window, &call->attrs, &in->shape,
                                                 size->values[0], size->values[1], error);
    if (status != TENON_OK)
        return status;
    p->taps = (size_t)p->window.k_h * (size_t)p->window.k_w;
    if (p->taps > TAPS_MAX) /* sums are of 32 bits */
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "pool_8 with a window of %zu", p->taps);
    plan->state = p;
    plan->workspace_bytes = p->taps * sizeof(void *) + (size_t)p->window.in_c * sizeof(int32_t);
    return TENON_OK;
}

/* The pixels of the input under a window; returns their number. */
static size_t gather(const struct tenon_window *w, const uint8_t *input, size_t row, int32_t out_x,
                     const uint8_t **taps) {
    size_t batch = row / (size_t)w->out_h, count = 0;
    int64_t top = (int64_t)(row % (size_t)w->out_h) * w->stride_h - w->pad_top;
    int64_t left = (int64_t)out_x * w->stride_w - w->pad_left;
    for (int64_t y = top < 0 ? 0 : top; y < top + w->k_h && y < w->in_h; y++)
        for (int64_t x = left < 0 ? 0 : left; x < left + w->k_w && x < w->in_w; x++)
            taps[count++] = input + (((int64_t)batch * w->in_h + y) * w->in_w + x) * w->in_c;
    return count;
}

/* Half away from zero. */
static void divide(const struct pooling *p, const int32_t *sums, int32_t count, uint8_t *out) {
    for (int32_t c = 0; c < p->window.in_c; c++) {
        int32_t half = sums[c] > 0 ? count / 2 : -(count / 2);
        out[c] = (uint8_t)tenon_clamp_i32((sums[c] + half) / count, p->low, p->high);
    }
}

static void clamp(const struct pooling *p, uint8_t *out) {
    for (int32_t c = 0; c < p->window.in_c; c++) {
        int32_t value = (out[c] ^ p->flip) - p->flip;
        out[c] = (uint8_t)tenon_clamp_i32(value, p->low, p->high);
    }
}

static void run_rows(void *user, size_t begin, size_t end, uint32_t worker) {
    const struct tenon_kernel_run *run = user;
    const struct pooling *p = run->state;
    const struct tenon_window *w = &p->window;
    size_t channels = (size_t)w->in_c, out_w = (size_t)w->out_w;
    const uint8_t **taps = tenon_kernel_workspace(run, worker);
    int32_t *sums = (int32_t *)(taps + p->taps);
    uint8_t *out = (uint8_t *)run->op.outputs[0].data + begin * out_w * channels;
    for (size_t row = begin; row < end; row++)
        for (int32_t x = 0; x < w->out_w; x++, out += channels) {
            size_t count = gather(w, run->op.inputs[0].data, row, x, taps);
            if (p->average) {
                p->isa->sum_8(taps, count, channels, p->flip, sums);
                divide(p, sums, (int32_t)count, out);
            } else {
                p->isa->max_8(taps, count, channels, p->flip, out);
                clamp(p, out);
            }
        }
}

static enum tenon_status run(const struct tenon_kernel_run *r, struct tenon_error *error) {
    const struct pooling *p = r->state;
    const struct tenon_window *w = &p->window;
    size_t row_bytes = (size_t)w->out_w * p->taps * (size_t)w->in_c;
    (void)error;
    tenon_pool_run(r->pool, (size_t)w->batches * (size_t)w->out_h, GRAIN_BYTES / row_bytes + 1,
                   run_rows, (void *)r);
    return TENON_OK;
}

const struct tenon_kernel tenon_kernel_pool_8 = {"pool_8", true, 0, prepare, run};
