/*
 * Sums of two tensors. SDP can add an operand, but cannot give both an exact factor: a convolution
 * can give them the ratio (see sum.c). Each block of channels is a layer of its own, over an input
 * of two blocks: one of each operand, the distance between the operands being the stride between
 * surfaces. SDP's time, not the multiplication's, is what it takes either way.
 *
 * Both operands have to be in one piece of memory, the first before the second or the other way
 * round; where they are not, they are copied there.
 */
#include "backends/nvdla/linear.h"
#include "backends/nvdla/sum.h"

struct addition {
    struct nvdla_sum sum;
    struct nvdla_linear tiles; /* a 1x1 convolution, for cutting */
    struct nvdla_run run;
    int32_t low, high; /* a clamp of its own when above -128 or below 127 */
};

static void set_tiles(const struct nvdla_config *config, const struct nvdla_shape *shape,
                      struct addition *a) {
    int32_t atom = (int32_t)config->atom_bytes;
    a->tiles = (struct nvdla_linear){
        .kind = NVDLA_CONV,
        .out_c = atom,
        .kernel_c = 2 * atom,
        .window = {.batches = (int32_t)shape->batches,
                   .in_h = (int32_t)shape->height,
                   .in_w = (int32_t)shape->width,
                   .in_c = 2 * atom,
                   .out_h = (int32_t)shape->height,
                   .out_w = (int32_t)shape->width,
                   .k_h = 1,
                   .k_w = 1,
                   .stride_h = 1,
                   .stride_w = 1,
                   .dilation_h = 1,
                   .dilation_w = 1},
    };
    a->run = (struct nvdla_run){.kernels = atom, .in_channels = 2 * atom};
}

void *tenon_nvdla_plan_sum(struct nvdla_node *node) {
    struct nvdla_shape shape;
    struct addition *a = tenon_arena_alloc(node->arena, sizeof(*a));
    struct tenon_pair pair;
    if (a == NULL)
        return tenon_nvdla_refuse(node, "out of memory");
    (void)tenon_nvdla_shape_of(tenon_out(&node->call, 0), &shape);
    tenon_pair_init(&pair, &node->call);
    a->low = pair.low;
    a->high = pair.high;
    set_tiles(node->config, &shape, a);
    if (!tenon_nvdla_plan_tiles(node->config, &a->tiles, &a->run))
        return tenon_nvdla_refuse(node, "a line of two operands exceeds CBUF");
    if (!node->estimate && !tenon_nvdla_sum_solve(&pair, &a->sum))
        return tenon_nvdla_refuse(node, "the sum has no exact form; --numerics within-1 allows "
                                        "differences of 1");
    /* ReLU has clamped, unless its zero comes out below, where results are few and far apart. */
    if (a->sum.factors.relu && tenon_nvdla_factors_apply(&a->sum.factors, INT32_MIN) == pair.low)
        a->low = -128;
    return a;
}

/* ---- emission ---- */

/* Kernels of one block: on the diagonals, the weight of the cube that comes first and second. */
static uint64_t append_weights(struct nvdla_lowering *l, uint32_t kernels, int8_t first,
                               int8_t second) {
    struct tenon_strbuf *data = l->out->data;
    tenon_strbuf_align(data, TENON_NVDLA_REGION_ALIGNMENT);
    uint64_t offset = data->size - l->out->data_base;
    for (uint32_t block = 0; block < 2; block++)
        for (uint32_t k = 0; k < kernels; k++)
            for (uint32_t c = 0; c < l->config->atom_channels; c++)
                tenon_strbuf_append_u8(data, (uint8_t)(k != c ? 0 : block == 0 ? first : second));
    return offset;
}

static struct nvdla_sdp sdp_of(const struct nvdla_sum *sum) {
    struct nvdla_sdp sdp = {
        .bs = {.alu = NVDLA_ALU_ADD, .mul = true, .alu_value = sum->addend, .mul_value = sum->mul1},
        .bn = {.mul = true,
               .relu = sum->factors.relu,
               .mul_shift = sum->factors.mul_shift,
               .mul_value = sum->factors.mul},
        .cvt_offset = sum->factors.offset,
        .cvt_scale = sum->factors.scale,
        .cvt_shift = sum->factors.scale_shift,
    };
    if (sum->extra != NVDLA_SUM_NEITHER) {
        sdp.bn.alu = NVDLA_ALU_ADD;
        sdp.bn.alu_source = NVDLA_OPERAND_ELEMENT;
        sdp.bn.alu_shift = sum->extra_shift;
    }
    return sdp;
}

/* The operands of one picture, in one item. */
struct operands {
    struct nvdla_cube a, b, out;
};

static void emit_tile(struct nvdla_lowering *l, const struct addition *a, const struct operands *o,
                      struct nvdla_conv *conv, const uint32_t tile[4], uint32_t channel) {
    const struct nvdla_config *config = l->config;
    bool swapped = o->b.offset < o->a.offset;
    const struct nvdla_cube *first = swapped ? &o->b : &o->a;
    const struct nvdla_cube *extra = a->sum.extra == NVDLA_SUM_FIRST ? &o->a : &o->b;
    uint64_t distance = swapped ? o->a.offset - o->b.offset : o->b.offset - o->a.offset;
    conv->source = tenon_nvdla_slice(config, first, tile[0], tile[1], tile[2], tile[3], channel,
                                     2 * config->atom_channels);
    conv->source.surface_stride = (uint32_t)distance;
    conv->sdp.bn.elements = tenon_nvdla_slice(config, extra, tile[0], tile[1], tile[2], tile[3],
                                              channel, conv->kernels);
    conv->sdp.dest = tenon_nvdla_slice(config, &o->out, tile[0], tile[1], tile[2], tile[3], channel,
                                       conv->kernels);
    tenon_nvdla_program_conv(&l->program, conv);
}

static void emit_block(struct nvdla_lowering *l, const struct addition *a, const struct operands *o,
                       struct nvdla_conv *conv, uint32_t channel) {
    const struct nvdla_run *run = &a->run;
    for (uint32_t y = 0; y < o->out.height; y += run->tile_rows)
        for (uint32_t x = 0; x < o->out.width; x += run->tile_columns) {
            uint32_t rows = o->out.height - y, columns = o->out.width - x;
            const uint32_t tile[] = {y, rows < run->tile_rows ? rows : run->tile_rows, x,
                                     columns < run->tile_columns ? columns : run->tile_columns};
            emit_tile(l, a, o, conv, tile, channel);
        }
}

static void emit_picture(struct nvdla_lowering *l, const struct addition *a,
                         const struct operands *o) {
    const struct nvdla_config *config = l->config;
    bool swapped = o->b.offset < o->a.offset;
    int8_t first = swapped ? a->sum.weight_b : a->sum.weight_a;
    int8_t second = swapped ? a->sum.weight_a : a->sum.weight_b;
    struct nvdla_conv conv = {
        .kernel_height = 1,
        .kernel_width = 1,
        .stride_y = 1,
        .stride_x = 1,
        .dilation_y = 1,
        .dilation_x = 1,
        .data_banks = a->run.data_banks,
        .weight_banks = a->run.weight_banks,
        .sdp = sdp_of(&a->sum),
    };
    for (uint32_t c = 0; c < o->out.channels; c += config->atom_kernels) {
        uint32_t left = o->out.channels - c;
        uint32_t kernels = left < config->atom_kernels ? left : config->atom_kernels;
        if (kernels != conv.kernels)
            conv.weights_offset = append_weights(l, kernels, first, second);
        conv.kernels = kernels;
        conv.weight_bytes = 2 * kernels * config->atom_channels;
        emit_block(l, a, o, &conv, c);
    }
    if (a->low > -128 || a->high < 127)
        tenon_nvdla_emit_clamp(l, &o->out, a->low, a->high);
}

/* Copies an operand to where the node's pair of operands has its place. */
static struct nvdla_cube bring(struct nvdla_lowering *l, const struct nvdla_cube *from,
                               uint64_t offset) {
    struct nvdla_cube to = *from;
    to.item = l->pair_item;
    to.offset = offset;
    tenon_nvdla_emit_copy(l, from, &to);
    return to;
}

void tenon_nvdla_emit_sum(struct nvdla_lowering *l, const struct nvdla_node *node,
                          const void *plan) {
    const struct addition *a = plan;
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)tenon_nvdla_shape_of(tenon_out(&node->call, 0), &shape);
    for (uint32_t batch = 0; batch < shape.batches; batch++) {
        struct operands o = {.a = tenon_nvdla_input(l, node, 0, batch),
                             .b = tenon_nvdla_input(l, node, 1, batch),
                             .out = tenon_nvdla_output(l, node, 0, batch)};
        if (o.a.item != o.b.item || o.a.offset == o.b.offset) {
            o.a = bring(l, &o.a, 0);
            o.b = bring(l, &o.b, tenon_nvdla_cube_bytes(l->config, &shape));
        }
        emit_picture(l, a, &o);
    }
}

uint64_t tenon_nvdla_sum_cycles(const struct nvdla_node *node, const void *plan) {
    const struct addition *a = plan;
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)tenon_nvdla_shape_of(tenon_out(&node->call, 0), &shape);
    uint32_t blocks =
        (shape.channels + node->config->atom_kernels - 1) / node->config->atom_kernels;
    uint64_t cycles = blocks * tenon_nvdla_run_cycles(node->config, &a->tiles, &a->run);
    if (a->low > -128 || a->high < 127)
        cycles += tenon_nvdla_sdp_cycles(node->config,
                                         tenon_desc_element_count(tenon_out(&node->call, 0)));
    return cycles;
}
