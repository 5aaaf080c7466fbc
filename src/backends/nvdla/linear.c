/*
 * Convolutions of every kind (dense, grouped, depthwise, fully connected, averages as convolutions
 * with weights of 1). A node becomes runs of kernels that read the same block of input channels and
 * share the requantization's shifts; dense convolutions are one run, depthwise ones a run per 8
 * channels. A run becomes tiles whose input fits in CBUF beside a group of kernels. The input's
 * zero point goes into the bias, padding is the zero point itself.
 */
#include <string.h>

#include "backends/nvdla/linear.h"

enum { DATA_ALIGNMENT = 64 };

/* ---- what is convolved ---- */

static int32_t input_of_depthwise(const struct nvdla_linear *l, int32_t oc) {
    return oc / (l->out_c / l->window.in_c);
}

/* The range of input channels that kernels [first, first + count) read, in whole atoms. */
static void input_range(const struct nvdla_linear *l, uint32_t atom, int32_t first, int32_t count,
                        int32_t *in_first, int32_t *in_count) {
    int32_t from = 0, to = l->window.in_c;
    if (l->kind == NVDLA_DEPTHWISE) {
        from = input_of_depthwise(l, first);
        to = input_of_depthwise(l, first + count - 1) + 1;
    } else if (l->kind == NVDLA_CONV && l->kernel_c != l->window.in_c) {
        int32_t per_group = l->out_c / (l->window.in_c / l->kernel_c);
        from = first / per_group * l->kernel_c;
        to = ((first + count - 1) / per_group + 1) * l->kernel_c;
    }
    from -= from % (int32_t)atom;
    to += ((int32_t)atom - to % (int32_t)atom) % (int32_t)atom;
    *in_first = from;
    *in_count = (to > l->window.in_c ? l->window.in_c : to) - from;
}

/* Weight of kernel oc at tap (y, x) for input channel ic; 0 where the kernel does not reach. */
static int8_t weight_at(const struct nvdla_linear *l, int32_t oc, int32_t y, int32_t x,
                        int32_t ic) {
    const struct tenon_window *w = &l->window;
    if (l->kind == NVDLA_DEPTHWISE) {
        if (input_of_depthwise(l, oc) != ic)
            return 0;
        return l->weights == NULL ? 1 : l->weights[(y * w->k_w + x) * l->out_c + oc];
    }
    int32_t first =
        l->kernel_c == w->in_c ? 0 : oc / (l->out_c / (w->in_c / l->kernel_c)) * l->kernel_c;
    if (ic < first || ic >= first + l->kernel_c)
        return 0;
    size_t tap = ((size_t)oc * (size_t)w->k_h + (size_t)y) * (size_t)w->k_w + (size_t)x;
    return l->weights[tap * (size_t)l->kernel_c + (size_t)(ic - first)];
}

/* ---- requantization ---- */

static int64_t bias_at(const struct nvdla_node *node, int32_t channel) {
    const struct tenon_operand *bias = node->call.inputs + 2;
    if (node->call.input_count < 3 || bias->desc == NULL || bias->data == NULL)
        return 0;
    return (int32_t)tenon_load_le32((const uint8_t *)bias->data + 4 * (size_t)channel);
}

/* Positive and negative weights of a kernel, added up: `count` elements `stride` apart. */
static void add_weights(const int8_t *weights, int64_t count, int64_t stride, int32_t *positive,
                        int32_t *sum) {
    int32_t above = 0, all = 0;
    if (stride == 1)
        for (int64_t i = 0; i < count; i++) {
            above += weights[i] > 0 ? weights[i] : 0;
            all += weights[i];
        }
    else
        for (int64_t i = 0; i < count; i++) {
            above += weights[i * stride] > 0 ? weights[i * stride] : 0;
            all += weights[i * stride];
        }
    *positive = above;
    *sum = all;
}

/* Range of the accumulator over all inputs, and the sum of weights. At most 2^18 weights fit. */
static void measure_kernel(const struct nvdla_linear *l, int32_t oc,
                           struct tenon_pair_channel *channel, int64_t *sum_of_all) {
    int32_t taps = l->window.k_h * l->window.k_w, positive = taps, sum = taps;
    int64_t kernel = (int64_t)taps * l->kernel_c;
    if (l->kind == NVDLA_DEPTHWISE && l->weights != NULL)
        add_weights(l->weights + oc, taps, l->out_c, &positive, &sum);
    else if (l->kind != NVDLA_DEPTHWISE)
        add_weights(l->weights + oc * kernel, kernel, 1, &positive, &sum);
    int64_t negative = (int64_t)sum - positive;
    channel->low = -128 * (int64_t)positive + 127 * negative;
    channel->high = 127 * (int64_t)positive - 128 * negative;
    *sum_of_all = sum;
}

static void fill_channel(const struct nvdla_node *node, const struct nvdla_linear *l, int32_t oc,
                         struct tenon_pair_channel *channel) {
    int64_t sum;
    *channel = (struct tenon_pair_channel){0};
    measure_kernel(l, oc, channel, &sum);
    if (l->divisor != 0) {
        channel->divisor = l->divisor;
        channel->half_up = l->half_up;
        return;
    }
    channel->bias = bias_at(node, oc) - (int64_t)l->zero_in * sum;
    if (l->multiplier != NULL) {
        channel->multiplier = *l->multiplier;
        return;
    }
    channel->multiplier = tenon_multiplier_from_double(
        tenon_product_scale(tenon_in(&node->call, 0), tenon_in(&node->call, 1),
                            tenon_out(&node->call, 0), (uint32_t)oc, l->float_product));
}

/* Whether the clamp at the zero point is BN's to do: with the least zero point, 8 bits do it. */
static bool uses_relu(const struct nvdla_linear *l) {
    return l->relu && l->zero_out > -128;
}

/* The node's own rule where that is possible; others are within 1 of `single`, and what is not
 * possible at all may be within 1 of the rule. ReLU is BN's, at 0; other limits are those of the
 * result's 8 bits, and the zero point is part of the sum. */
static bool solve(const struct nvdla_node *node, struct nvdla_linear *l, int32_t first,
                  int32_t count, struct nvdla_run *run) {
    bool within_1 = node->target->numerics == TENON_NUMERICS_WITHIN_1, bn_relu = uses_relu(l);
    struct tenon_pair_problem problem = {
        .channels = l->channels + first,
        .count = (uint32_t)count,
        .rounding = node->call.rounding,
        .out_low = l->relu ? 0 : -128 - l->zero_out,
        .out_high = 127 - l->zero_out,
        .center = bn_relu ? 0 : -l->zero_out,
        .may_post = !bn_relu,
    };
    struct tenon_pair_solution solution;
    enum tenon_pair_mode mode = node->decide ? TENON_PAIR_DECIDE : TENON_PAIR_EXACT;
    bool solved = tenon_pair_solve(&problem, mode, l->operands + first, &solution);
    run->impossible = solution.impossible && !within_1;
    if (!solved && within_1 && problem.rounding != TENON_ROUNDING_SINGLE) {
        problem.rounding = TENON_ROUNDING_SINGLE;
        solved = tenon_pair_solve(&problem, mode, l->operands + first, &solution);
    }
    if (!solved && within_1 && count <= (int32_t)node->config->atom_kernels) {
        problem.rounding = node->call.rounding;
        solved = tenon_pair_solve(&problem, TENON_PAIR_NEAR, l->operands + first, &solution);
    }
    run->shifts = solution.shifts;
    return solved;
}

/* ---- tiles ---- */

static uint32_t extent(int32_t kernel, int32_t dilation) {
    return (uint32_t)((kernel - 1) * dilation + 1);
}

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return (a + b - 1) / b;
}

/* Input lines (or columns) that `out` output lines read at most. */
static uint32_t lines_for(uint32_t out, int32_t stride, uint32_t kernel, int32_t in) {
    uint64_t lines = (uint64_t)(out - 1) * (uint32_t)stride + kernel;
    return lines > (uint32_t)in ? (uint32_t)in : (uint32_t)lines;
}

/* Banks for the input under rows x columns of output. */
static uint32_t banks_of(const struct nvdla_config *config, const struct nvdla_linear *l,
                         const struct nvdla_run *run, uint32_t rows, uint32_t columns) {
    const struct tenon_window *w = &l->window;
    uint32_t height = lines_for(rows, w->stride_h, extent(w->k_h, w->dilation_h), w->in_h);
    uint32_t width = lines_for(columns, w->stride_w, extent(w->k_w, w->dilation_w), w->in_w);
    uint64_t entries = tenon_nvdla_slice_entries(config, width, (uint32_t)run->in_channels);
    if (width >= SURFACE_WIDTH_MAX && run->in_channels > (int32_t)config->atom_channels)
        return UINT32_MAX;
    if (height > LINES_MAX)
        return UINT32_MAX;
    return entries > ENTRIES_MAX ? UINT32_MAX : tenon_nvdla_banks(config, entries * height);
}

/* Equal parts, but for the last. */
static uint32_t part_of(int32_t total, uint32_t parts) {
    return divide_up((uint32_t)total, parts);
}

static bool has_single(int32_t total, uint32_t size) {
    return size == 1 || (uint32_t)total % size == 1;
}

/* A single pixel of a larger picture cannot be written: SDP takes its surfaces as packed. */
static bool leaves_pixel(const struct nvdla_config *config, const struct nvdla_linear *l,
                         const struct nvdla_run *run, uint32_t rows, uint32_t columns) {
    return (l->window.out_h > 1 || l->window.out_w > 1) &&
           run->kernels > (int32_t)config->atom_bytes && has_single(l->window.out_h, rows) &&
           has_single(l->window.out_w, columns);
}

static bool search_tile(const struct nvdla_config *config, const struct nvdla_linear *l,
                        uint32_t weight_banks, struct nvdla_run *run) {
    const struct tenon_window *w = &l->window;
    uint32_t free_banks = config->cbuf_banks - weight_banks;
    for (uint32_t across = 1; across <= (uint32_t)w->out_w; across++) {
        uint32_t columns = part_of(w->out_w, across);
        if (banks_of(config, l, run, 1, columns) > free_banks)
            continue;
        for (uint32_t down = 1; down <= (uint32_t)w->out_h; down++) {
            uint32_t rows = part_of(w->out_h, down);
            uint32_t banks = banks_of(config, l, run, rows, columns);
            if (banks > free_banks || leaves_pixel(config, l, run, rows, columns))
                continue;
            run->tile_rows = rows;
            run->tile_columns = columns;
            run->data_banks = banks;
            run->weight_banks = config->cbuf_banks - banks;
            return true;
        }
    }
    return false;
}

/* With two groups of kernels in it one is fetched while the other is
 * computed with; one group is the least. */
bool tenon_nvdla_plan_tiles(const struct nvdla_config *config, const struct nvdla_linear *l,
                            struct nvdla_run *run) {
    const struct tenon_window *w = &l->window;
    uint32_t kernel_bytes = (uint32_t)(w->k_h * w->k_w) * (uint32_t)run->in_channels;
    uint32_t group = config->atom_kernels < (uint32_t)run->kernels ? config->atom_kernels
                                                                   : (uint32_t)run->kernels;
    uint64_t entry = config->cbuf_entry_bytes;
    uint64_t all = ((uint64_t)kernel_bytes * (uint32_t)run->kernels + entry - 1) / entry;
    uint64_t one = ((uint64_t)kernel_bytes * group + entry - 1) / entry;
    uint32_t all_banks = tenon_nvdla_banks(config, all), one_bank = tenon_nvdla_banks(config, one);
    uint32_t two_banks = tenon_nvdla_banks(config, 2 * one);
    if (all_banks < two_banks)
        two_banks = all_banks;
    if (kernel_bytes > KERNEL_BYTES_MAX || one_bank >= config->cbuf_banks)
        return false;
    return (two_banks < config->cbuf_banks && search_tile(config, l, two_banks, run)) ||
           search_tile(config, l, one_bank, run);
}

/* ---- runs ---- */

/* How many kernels from `first` on, in whole atoms, read the same channels. */
static int32_t longest_run(const struct nvdla_linear *l, int32_t atom, int32_t first) {
    int32_t from, count, wider_from, wider_count, end = first + atom;
    if (l->kind == NVDLA_CONV && l->kernel_c == l->window.in_c)
        return l->out_c - first;
    for (; end < l->out_c; end += atom) {
        int32_t last = end + atom > l->out_c ? l->out_c : end + atom;
        input_range(l, (uint32_t)atom, first, end - first, &from, &count);
        input_range(l, (uint32_t)atom, first, last - first, &wider_from, &wider_count);
        if (from != wider_from || count != wider_count)
            break;
    }
    return (end > l->out_c ? l->out_c : end) - first;
}

static bool refuse_requantization(struct nvdla_node *node, int32_t first, int32_t count) {
    static const char *const rules[] = {"none", "double", "single", "f32"};
    enum tenon_rounding rounding = node->call.rounding;
    tenon_nvdla_refuse(node,
                       "channels %d to %d: rounding '%s' is not reproduced exactly by two "
                       "multipliers of 16 bits; --numerics within-1 allows differences of 1",
                       first, first + count - 1,
                       rules[rounding <= TENON_ROUNDING_F32 ? rounding : 0]);
    return false;
}

/* Runs that the solver cannot give common shifts are halved, down to one atom of channels. */
static bool plan_runs(struct nvdla_node *node, struct nvdla_linear *l) {
    int32_t atom = (int32_t)node->config->atom_kernels;
    for (int32_t first = 0; first < l->out_c;) {
        struct nvdla_run *run = &l->runs[l->run_count];
        int32_t count = longest_run(l, atom, first);
        while (!node->estimate && !solve(node, l, first, count, run)) {
            if (count <= atom || run->impossible)
                return refuse_requantization(node, first, count);
            int32_t blocks = (count + atom - 1) / atom;
            count = (blocks + 1) / 2 * atom;
        }
        run->first = first;
        run->kernels = count;
        input_range(l, (uint32_t)atom, first, count, &run->in_first, &run->in_channels);
        if (!tenon_nvdla_plan_tiles(node->config, l, run)) {
            tenon_nvdla_refuse(node, "kernels of %dx%dx%d and the lines under them exceed CBUF",
                               l->window.k_h, l->window.k_w, run->in_channels);
            return false;
        }
        l->run_count++;
        first += count;
    }
    return true;
}

/* ---- planning ---- */

static bool check_window(struct nvdla_node *node, const struct tenon_window *w) {
    uint32_t high = extent(w->k_h, w->dilation_h), wide = extent(w->k_w, w->dilation_w);
    if (w->k_h > KERNEL_MAX || w->k_w > KERNEL_MAX)
        return tenon_nvdla_refuse(node, "a kernel of %dx%d: at most 32x32", w->k_h, w->k_w);
    if (w->stride_h > STRIDE_MAX || w->stride_w > STRIDE_MAX)
        return tenon_nvdla_refuse(node, "a stride of %dx%d: at most 8", w->stride_h, w->stride_w);
    if (w->dilation_h > DILATION_MAX || w->dilation_w > DILATION_MAX)
        return tenon_nvdla_refuse(node, "a dilation of %dx%d: at most 32", w->dilation_h,
                                  w->dilation_w);
    if (w->pad_top > PAD_MAX || w->pad_left > PAD_MAX || w->pad_bottom > PAD_MAX ||
        w->pad_right > PAD_MAX)
        return tenon_nvdla_refuse(node, "padding above 31");
    if ((uint32_t)w->pad_top >= high || (uint32_t)w->pad_left >= wide ||
        (int64_t)(w->out_h - 1) * w->stride_h - w->pad_top >= w->in_h ||
        (int64_t)(w->out_w - 1) * w->stride_w - w->pad_left >= w->in_w)
        return tenon_nvdla_refuse(node, "a window lies in the padding");
    return true;
}

static bool allocate(struct nvdla_node *node, struct nvdla_linear *l) {
    size_t channels = (size_t)l->out_c;
    l->channels = tenon_arena_alloc_array(node->arena, channels, sizeof(*l->channels));
    l->operands = tenon_arena_alloc_array(node->arena, channels, sizeof(*l->operands));
    l->runs = tenon_arena_alloc_array(node->arena, channels / node->config->atom_kernels + 1,
                                      sizeof(*l->runs));
    if (l->channels == NULL || l->operands == NULL || l->runs == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    return true;
}

/* Clamps that ReLU and the saturation to 8 bits do not do. */
static void plan_clamp(struct nvdla_node *node, struct nvdla_linear *l) {
    tenon_activation_range((enum tenon_activation)node->call.attrs->activation,
                           tenon_out(&node->call, 0), &l->low, &l->high);
    if (tenon_out(&node->call, 0)->type == TENON_TYPE_U8) { /* cubes hold i8 */
        l->low -= 128;
        l->high -= 128;
    }
    l->relu = l->divisor == 0 && l->low == l->zero_out;
    l->clamp = l->high < 127 || (l->low > -128 && !l->relu);
}

void tenon_nvdla_window_settle(struct tenon_window *w) {
    w->stride_h = w->out_h == 1 ? 1 : w->stride_h;
    w->stride_w = w->out_w == 1 ? 1 : w->stride_w;
    w->dilation_h = w->k_h == 1 ? 1 : w->dilation_h;
    w->dilation_w = w->k_w == 1 ? 1 : w->dilation_w;
}

bool tenon_nvdla_linear_finish(struct nvdla_node *node, struct nvdla_linear *l) {
    const struct tenon_window *w = &l->window;
    tenon_nvdla_window_settle(&l->window);
    if (l->out_c > TENON_NVDLA_DIMENSION_MAX || w->in_c > TENON_NVDLA_DIMENSION_MAX)
        return tenon_nvdla_refuse(node, "more than 8192 channels");
    plan_clamp(node, l);
    if (!check_window(node, w) || !allocate(node, l))
        return false;
    for (int32_t oc = 0; !node->estimate && oc < l->out_c; oc++)
        fill_channel(node, l, oc, &l->channels[oc]);
    return plan_runs(node, l);
}

static bool check_weights(struct nvdla_node *node) {
    const struct tenon_node *n = &node->graph->nodes[node->index];
    const struct tenon_tensor *tensors = node->graph->tensors;
    const struct tenon_desc *weights = tenon_in(&node->call, 1);
    if (tensors[n->inputs[1]].kind != TENON_TENSOR_CONSTANT ||
        (n->input_count > 2 && n->inputs[2] != TENON_ID_NONE &&
         tensors[n->inputs[2]].kind != TENON_TENSOR_CONSTANT))
        return tenon_nvdla_refuse(node, "weights are not constant");
    if (weights->type != TENON_TYPE_I8 && weights->type != TENON_TYPE_U8)
        return tenon_nvdla_refuse(node, "weights are %s: only 8 bits are multiplied",
                                  tenon_type_text(weights->type));
    for (uint32_t i = 1; i < weights->quant.count; i++)
        if (weights->quant.zero_point[i] != weights->quant.zero_point[0])
            return tenon_nvdla_refuse(node, "weights have a zero point per channel");
    return true;
}

/* Weights less their zero point. What does not fit 8 bits is refused. */
static bool load_weights(struct nvdla_node *node, struct nvdla_linear *l) {
    const struct tenon_desc *desc = tenon_in(&node->call, 1);
    const uint8_t *from = node->call.inputs[1].data;
    int32_t zero = tenon_desc_zero_point(desc);
    l->weights = node->call.inputs[1].data;
    if (node->estimate || (desc->type == TENON_TYPE_I8 && zero == 0))
        return true;
    size_t count = tenon_desc_element_count(desc);
    int8_t *weights = tenon_arena_alloc(node->arena, count);
    if (weights == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int32_t value = (desc->type == TENON_TYPE_U8 ? from[i] : (int8_t)from[i]) - zero;
        if (value < INT8_MIN || value > INT8_MAX)
            return tenon_nvdla_refuse(node,
                                      "a weight is %d from its zero point: only 8 bits are "
                                      "multiplied",
                                      value);
        weights[i] = (int8_t)value;
    }
    l->weights = weights;
    return true;
}

/* The window of a matrix product: each pixel of the input is a row. */
static bool init_matrix(struct nvdla_node *node, struct nvdla_linear *l,
                        const struct nvdla_shape *in, const struct nvdla_shape *out) {
    const struct tenon_shape *weights = &tenon_in(&node->call, 1)->shape;
    if ((uint32_t)weights->dims[1] != in->channels)
        return tenon_nvdla_refuse(node, "rows of %d are not the input's channels (%u)",
                                  weights->dims[1], in->channels);
    if (in->batches != out->batches || in->height != out->height || in->width != out->width)
        return tenon_nvdla_refuse(node, "the input's pixels are not the output's");
    l->window = (struct tenon_window){
        .batches = (int32_t)in->batches,
        .in_h = (int32_t)in->height,
        .in_w = (int32_t)in->width,
        .in_c = (int32_t)in->channels,
        .out_h = (int32_t)in->height,
        .out_w = (int32_t)in->width,
        .k_h = 1,
        .k_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
    };
    l->out_c = weights->dims[0];
    l->kernel_c = l->window.in_c;
    l->float_product = true;
    return true;
}

static bool init_convolution(struct nvdla_node *node, struct nvdla_linear *l) {
    const struct tenon_shape *weights = &tenon_in(&node->call, 1)->shape;
    struct tenon_error error;
    if (tenon_window_init(&l->window, node->call.attrs, &tenon_in(&node->call, 0)->shape,
                          weights->dims[1], weights->dims[2], &error) != TENON_OK)
        return tenon_nvdla_refuse(node, "the window: %.100s", error.message);
    l->out_c = tenon_out(&node->call, 0)->shape.dims[3];
    l->kernel_c = l->kind == NVDLA_DEPTHWISE ? 1 : weights->dims[3];
    return true;
}

void *tenon_nvdla_plan_linear(struct nvdla_node *node) {
    struct nvdla_shape in, out;
    struct nvdla_linear *l = tenon_arena_alloc(node->arena, sizeof(*l));
    if (l == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    if (!tenon_nvdla_check_tensor(node, tenon_in(&node->call, 0), "the input", &in) ||
        !tenon_nvdla_check_tensor(node, tenon_out(&node->call, 0), "the output", &out) ||
        !check_weights(node) || !load_weights(node, l))
        return NULL;
    l->float_product = tenon_in(&node->call, 1)->type == TENON_TYPE_U8;
    l->zero_in = tenon_desc_zero_point(tenon_in(&node->call, 0));
    l->zero_out = tenon_desc_zero_point(tenon_out(&node->call, 0));
    l->kind = node->call.op == TENON_OP_DEPTHWISE_CONV_2D ? NVDLA_DEPTHWISE : NVDLA_CONV;
    bool ok = node->call.op == TENON_OP_FULLY_CONNECTED ? init_matrix(node, l, &in, &out)
                                                        : init_convolution(node, l);
    return ok && tenon_nvdla_linear_finish(node, l) ? l : NULL;
}

/* ---- emission ---- */

/* Kernels [g, g + group) at a tap, for input channels [c, c + atom): what the run has of them. */
static uint8_t *pack_block(const struct nvdla_linear *l, const int32_t kernels[2],
                           const int32_t channels[2], int32_t tap, uint8_t *to) {
    int32_t y = tap / l->window.k_w, x = tap % l->window.k_w;
    bool dense = l->kind == NVDLA_CONV && l->kernel_c == l->window.in_c;
    for (int32_t k = kernels[0]; k < kernels[1]; k++) {
        size_t count = (size_t)(channels[1] - channels[0]);
        size_t row = (size_t)k * (size_t)(l->window.k_h * l->window.k_w) + (size_t)tap;
        if (dense)
            memcpy(to, l->weights + row * (size_t)l->kernel_c + (size_t)channels[0], count);
        else
            for (int32_t c = channels[0]; c < channels[1]; c++)
                to[c - channels[0]] = (uint8_t)weight_at(l, k, y, x, c);
        to += count;
    }
    return to;
}

/* Groups of kernels, blocks of channels, taps, kernels, channels; partial ones are not padded, but
 * what is told is whole entries. */
static uint64_t append_weights(struct nvdla_lowering *low, struct tenon_arena *arena,
                               const struct nvdla_linear *l, const struct nvdla_run *run) {
    struct tenon_strbuf *data = low->out->data;
    int32_t group = (int32_t)low->config->atom_kernels, atom = (int32_t)low->config->atom_channels;
    int32_t end = run->first + run->kernels, in_end = run->in_first + run->in_channels;
    int32_t taps = l->window.k_h * l->window.k_w;
    size_t size = (size_t)taps * (size_t)run->kernels * (size_t)run->in_channels;
    uint8_t *weights = tenon_arena_alloc(arena, size), *to = weights;
    tenon_strbuf_align(data, DATA_ALIGNMENT);
    uint64_t offset = data->size - low->out->data_base;
    low->program.failed = low->program.failed || weights == NULL;
    for (int32_t g = run->first; g < end && weights != NULL; g += group) {
        const int32_t kernels[] = {g, g + group < end ? g + group : end};
        for (int32_t c = run->in_first; c < in_end; c += atom) {
            const int32_t channels[] = {c, c + atom < in_end ? c + atom : in_end};
            for (int32_t tap = 0; tap < taps; tap++)
                to = pack_block(l, kernels, channels, tap, to);
        }
    }
    if (weights != NULL)
        tenon_strbuf_append(data, weights, size);
    tenon_strbuf_align(data, low->config->cbuf_entry_bytes);
    return offset;
}

/* {add, mul} of every channel, for the atoms' unused lanes as well. */
static uint64_t append_operands(struct nvdla_lowering *low, const struct nvdla_linear *l,
                                const struct nvdla_run *run, bool second) {
    struct tenon_strbuf *data = low->out->data;
    tenon_strbuf_align(data, DATA_ALIGNMENT);
    uint64_t offset = data->size - low->out->data_base;
    for (int32_t c = run->first; c < run->first + run->kernels; c++) {
        const struct tenon_pair_operands *o = &l->operands[c];
        tenon_strbuf_append_le16(data, (uint16_t)(second ? o->add2 : o->add1));
        tenon_strbuf_append_le16(data, (uint16_t)(second ? o->mul2 : o->mul1));
    }
    tenon_strbuf_align(data, 4 * (size_t)low->config->atom_bytes);
    return offset;
}

static void set_sdp(struct nvdla_lowering *low, const struct nvdla_linear *l,
                    const struct nvdla_run *run, struct nvdla_sdp *sdp) {
    *sdp = (struct nvdla_sdp){
        .bs = {.alu = NVDLA_ALU_ADD,
               .mul = true,
               .alu_source = NVDLA_OPERAND_CHANNEL,
               .mul_source = NVDLA_OPERAND_CHANNEL,
               .alu_shift = run->shifts.add1,
               .mul_shift = run->shifts.mul1},
        .bn = {.alu = NVDLA_ALU_ADD,
               .mul = true,
               .relu = uses_relu(l),
               .alu_source = NVDLA_OPERAND_CHANNEL,
               .mul_source = NVDLA_OPERAND_CHANNEL,
               .alu_shift = run->shifts.add2,
               .mul_shift = run->shifts.mul2},
        .cvt_offset = uses_relu(l) ? -l->zero_out : 0,
        .cvt_scale = (int16_t)run->shifts.post,
        .cvt_shift = run->shifts.post_shift,
    };
    sdp->bs.channel_offset = append_operands(low, l, run, false);
    sdp->bn.channel_offset = append_operands(low, l, run, true);
}

/* What output lines [first, first + count) read: the input's lines, and padding around them. */
struct reach {
    uint32_t first, count, before, after;
};

static struct reach reach_of(uint32_t first, uint32_t count, int32_t stride, int32_t pad,
                             uint32_t kernel, int32_t in) {
    int64_t from = (int64_t)first * stride - pad;
    int64_t to = (int64_t)(first + count - 1) * stride - pad + kernel;
    struct reach r = {.before = from < 0 ? (uint32_t)-from : 0,
                      .after = to > in ? (uint32_t)(to - in) : 0};
    r.first = from < 0 ? 0 : (uint32_t)from;
    r.count = (uint32_t)((to > in ? in : to) - r.first);
    return r;
}

static void emit_tile(struct nvdla_lowering *low, const struct nvdla_linear *l,
                      const struct nvdla_run *run, struct nvdla_conv *conv,
                      const struct nvdla_cube *in, const struct nvdla_cube *out,
                      const uint32_t tile[4]) {
    const struct tenon_window *w = &l->window;
    struct reach y =
        reach_of(tile[0], tile[1], w->stride_h, w->pad_top, extent(w->k_h, w->dilation_h), w->in_h);
    struct reach x = reach_of(tile[2], tile[3], w->stride_w, w->pad_left,
                              extent(w->k_w, w->dilation_w), w->in_w);
    conv->source = tenon_nvdla_slice(low->config, in, y.first, y.count, x.first, x.count,
                                     (uint32_t)run->in_first, (uint32_t)run->in_channels);
    conv->sdp.dest = tenon_nvdla_slice(low->config, out, tile[0], tile[1], tile[2], tile[3],
                                       (uint32_t)run->first, (uint32_t)run->kernels);
    conv->pad_top = y.before;
    conv->pad_bottom = y.after;
    conv->pad_left = x.before;
    conv->pad_right = x.after;
    tenon_nvdla_program_conv(&low->program, conv);
}

static void emit_run(struct nvdla_lowering *low, const struct nvdla_node *node,
                     const struct nvdla_linear *l, const struct nvdla_run *run) {
    const struct tenon_window *w = &l->window;
    struct nvdla_conv conv = {
        .weights_offset = append_weights(low, node->arena, l, run),
        .weight_bytes = (uint32_t)(w->k_h * w->k_w * run->in_channels * run->kernels),
        .kernels = (uint32_t)run->kernels,
        .kernel_height = (uint32_t)w->k_h,
        .kernel_width = (uint32_t)w->k_w,
        .stride_y = (uint32_t)w->stride_h,
        .stride_x = (uint32_t)w->stride_w,
        .dilation_y = (uint32_t)w->dilation_h,
        .dilation_x = (uint32_t)w->dilation_w,
        .pad_value = (int8_t)l->zero_in,
        .data_banks = run->data_banks,
        .weight_banks = run->weight_banks,
    };
    set_sdp(low, l, run, &conv.sdp);
    uint32_t out_h = (uint32_t)w->out_h, out_w = (uint32_t)w->out_w;
    for (uint32_t b = 0; b < (uint32_t)w->batches; b++) {
        struct nvdla_cube in = tenon_nvdla_input(low, node, 0, b);
        struct nvdla_cube out = tenon_nvdla_output(low, node, 0, b);
        for (uint32_t y = 0; y < out_h; y += run->tile_rows)
            for (uint32_t x = 0; x < out_w; x += run->tile_columns) {
                uint32_t rows = out_h - y, columns = out_w - x;
                const uint32_t tile[] = {y, rows < run->tile_rows ? rows : run->tile_rows, x,
                                         columns < run->tile_columns ? columns : run->tile_columns};
                emit_tile(low, l, run, &conv, &in, &out, tile);
            }
    }
}

void tenon_nvdla_emit_linear(struct nvdla_lowering *low, const struct nvdla_node *node,
                             const void *plan) {
    const struct nvdla_linear *l = plan;
    for (uint32_t i = 0; i < l->run_count; i++)
        emit_run(low, node, l, &l->runs[i]);
    for (uint32_t b = 0; l->clamp && b < (uint32_t)l->window.batches; b++) {
        struct nvdla_cube out = tenon_nvdla_output(low, node, 0, b);
        tenon_nvdla_emit_clamp(low, &out, l->low, l->high);
    }
}

const char *tenon_nvdla_linear_kernel(const void *plan) {
    const struct nvdla_linear *l = plan;
    if (l->weights == NULL)
        return "conv (average)";
    return l->clamp ? "conv, sdp" : l->run_count > 1 ? "conv (groups)" : "conv";
}

/* ---- cost ---- */

/* CDMA fetches all data and the first kernels before the first product. Then a result of one atom
 * takes as many cycles as it has atoms of input, or as long as CACC and SDP take to hand it on. */
uint64_t tenon_nvdla_run_cycles(const struct nvdla_config *config, const struct nvdla_linear *l,
                                const struct nvdla_run *run) {
    enum { LAYER_CYCLES = 150, RESULT_TENTHS = 115 };
    const struct tenon_window *w = &l->window;
    uint64_t pixels = (uint64_t)w->out_h * (uint32_t)w->out_w;
    uint64_t taps = (uint64_t)(w->k_h * w->k_w);
    uint64_t groups = divide_up((uint32_t)run->kernels, config->atom_kernels);
    uint64_t atoms = divide_up((uint32_t)run->in_channels, config->atom_channels);
    uint64_t tiles = (uint64_t)divide_up((uint32_t)w->out_h, run->tile_rows) *
                     divide_up((uint32_t)w->out_w, run->tile_columns);
    uint64_t compute = pixels * taps * groups * atoms;
    uint64_t results = pixels * groups * RESULT_TENTHS / 10;
    uint64_t data = (uint64_t)w->in_h * (uint32_t)w->in_w * atoms * config->atom_bytes;
    uint64_t weights = taps * (uint32_t)run->in_channels * (uint32_t)run->kernels * tiles;
    uint64_t first = data + weights / groups,
             rest = (weights - weights / groups) / config->bus_bytes;
    uint64_t longest = compute > results ? compute : results;
    longest = longest > rest ? longest : rest;
    return (uint32_t)w->batches * (tiles * LAYER_CYCLES + first / config->bus_bytes + longest);
}

uint64_t tenon_nvdla_linear_cycles(const struct nvdla_node *node, const void *plan) {
    const struct nvdla_linear *l = plan;
    uint64_t cycles = 0;
    for (uint32_t i = 0; i < l->run_count; i++)
        cycles += tenon_nvdla_run_cycles(node->config, l, &l->runs[i]);
    if (l->clamp)
        cycles += tenon_nvdla_sdp_cycles(node->config,
                                         tenon_desc_element_count(tenon_out(&node->call, 0)));
    return cycles;
}
