/*
 * The NVDLA backend: places every tensor of a part as feature cubes in SCRATCH, lowers node after
 * node to hardware layers, and moves the border's tensors in before they are first needed and out
 * as soon as they are there. Reshapes, splits and concatenations share memory where they can.
 */
#include "backend/planner.h"
#include "backends/nvdla/lower.h"

enum { OPERANDS_MAX = 512, FLIP = 0x80 };

/* ---- the operators ---- */

const struct nvdla_operator tenon_nvdla_operators[] = {
#define LINEAR                                                                   \
    tenon_nvdla_plan_linear, tenon_nvdla_emit_linear, tenon_nvdla_linear_cycles, \
        tenon_nvdla_linear_kernel
#define POOL tenon_nvdla_emit_pool, tenon_nvdla_pool_cycles, tenon_nvdla_pool_kernel
#define ELEMENTWISE \
    tenon_nvdla_emit_elementwise, tenon_nvdla_elementwise_cycles, tenon_nvdla_elementwise_kernel
#define COPY tenon_nvdla_copy_cycles, tenon_nvdla_copy_kernel
    {TENON_OP_CONV_2D, LINEAR},
    {TENON_OP_DEPTHWISE_CONV_2D, LINEAR},
    {TENON_OP_FULLY_CONNECTED, LINEAR},
    {TENON_OP_AVERAGE_POOL_2D, tenon_nvdla_plan_pool, POOL},
    {TENON_OP_MAX_POOL_2D, tenon_nvdla_plan_pool, POOL},
    {TENON_OP_MEAN, tenon_nvdla_plan_mean, POOL},
    {TENON_OP_ADD, tenon_nvdla_plan_add, ELEMENTWISE},
    {TENON_OP_SUB, tenon_nvdla_plan_add, ELEMENTWISE},
    {TENON_OP_MUL, tenon_nvdla_plan_multiply, ELEMENTWISE},
    {TENON_OP_MAXIMUM, tenon_nvdla_plan_extreme, ELEMENTWISE},
    {TENON_OP_MINIMUM, tenon_nvdla_plan_extreme, ELEMENTWISE},
    {TENON_OP_LEAKY_RELU, tenon_nvdla_plan_leaky, ELEMENTWISE},
    {TENON_OP_PRELU, tenon_nvdla_plan_prelu, ELEMENTWISE},
    {TENON_OP_QUANTIZE, tenon_nvdla_plan_quantize, ELEMENTWISE},
    {TENON_OP_RELU, tenon_nvdla_plan_rescale, ELEMENTWISE},
    {TENON_OP_RELU6, tenon_nvdla_plan_rescale, ELEMENTWISE},
    {TENON_OP_RELU_N1_TO_1, tenon_nvdla_plan_rescale, ELEMENTWISE},
    {TENON_OP_RESHAPE, tenon_nvdla_plan_reshape, tenon_nvdla_emit_reshape, COPY},
    {TENON_OP_CONCATENATION, tenon_nvdla_plan_concatenation, tenon_nvdla_emit_concatenation, COPY},
    {TENON_OP_SPLIT, tenon_nvdla_plan_split, tenon_nvdla_emit_split, COPY},
    {TENON_OP_SLICE, tenon_nvdla_plan_slice, tenon_nvdla_emit_slice, COPY},
    {TENON_OP_PAD, tenon_nvdla_plan_pad, tenon_nvdla_emit_pad, COPY},
};

const struct nvdla_operator *tenon_nvdla_operator_find(enum tenon_op op) {
    for (size_t i = 0; i < TENON_COUNT_OF(tenon_nvdla_operators); i++)
        if (tenon_nvdla_operators[i].op == op)
            return &tenon_nvdla_operators[i];
    return NULL;
}

/* ---- planning a node ---- */

/* Weights, biases and slopes may be constants; data that is worked on may not. */
static bool check_constants(struct nvdla_node *node) {
    const struct tenon_node *n = &node->graph->nodes[node->index];
    bool weights = tenon_nvdla_operator_find(n->op)->plan == tenon_nvdla_plan_linear ||
                   n->op == TENON_OP_PAD || n->op == TENON_OP_PRELU;
    for (uint32_t i = 0; i < (weights ? 1 : n->input_count); i++)
        if (n->inputs[i] == TENON_ID_NONE ||
            node->graph->tensors[n->inputs[i]].kind == TENON_TENSOR_CONSTANT)
            return tenon_nvdla_refuse(node, "input %u is constant", i);
    return true;
}

/* Plans node `index`; `operands` has room for OPERANDS_MAX. */
static void *plan_node(struct nvdla_node *node, struct tenon_operand *operands) {
    const struct tenon_node *n = &node->graph->nodes[node->index];
    const struct nvdla_operator *row = tenon_nvdla_operator_find(n->op);
    if (row == NULL)
        return tenon_nvdla_refuse(node, "NVDLA has no %s", tenon_op_get_info(n->op)->name);
    if (n->input_count + n->output_count > OPERANDS_MAX)
        return tenon_nvdla_refuse(node, "more than %d operands", OPERANDS_MAX);
    if (!check_constants(node))
        return NULL;
    tenon_graph_node_call(node->graph, node->index, NULL, operands, &node->call);
    return row->plan(node);
}

static bool nvdla_supports(const struct tenon_target *target, const struct tenon_graph *graph,
                           uint32_t index, char *reason) {
    struct tenon_operand operands[OPERANDS_MAX];
    struct tenon_arena arena;
    tenon_arena_init(&arena, 0);
    struct nvdla_node node = {.config = tenon_nvdla_config_find(target->name),
                              .target = target,
                              .graph = graph,
                              .index = index,
                              .arena = &arena,
                              .reason = reason,
                              .decide = true};
    bool supported = plan_node(&node, operands) != NULL;
    tenon_arena_finish(&arena);
    return supported;
}

/* ---- cost ---- */

static uint64_t nvdla_cost_ns(const struct tenon_target *target, const struct tenon_graph *graph,
                              uint32_t index) {
    struct tenon_operand operands[OPERANDS_MAX];
    char reason[TENON_REASON_BYTES];
    struct tenon_arena arena;
    tenon_arena_init(&arena, 0);
    struct nvdla_node node = {.config = tenon_nvdla_config_find(target->name),
                              .target = target,
                              .graph = graph,
                              .index = index,
                              .arena = &arena,
                              .reason = reason,
                              .estimate = true};
    const void *plan = plan_node(&node, operands);
    uint64_t cycles = 0;
    if (plan != NULL)
        cycles = tenon_nvdla_operator_find(graph->nodes[index].op)->cycles(&node, plan);
    tenon_arena_finish(&arena);
    return cycles * 1000 / node.config->clock_mhz;
}

/* A host copies atoms of 8 bytes where pixels are made of whole ones, otherwise single bytes. */
static uint64_t nvdla_transfer_ns(const struct tenon_target *target, const struct tenon_desc *desc,
                                  bool in) {
    enum { MOVE_NS = 300, ATOMS_PER_NS = 1, BYTES_PER_NS = 2 };
    const struct nvdla_config *config = tenon_nvdla_config_find(target->name);
    struct nvdla_shape shape;
    (void)in;
    if (!tenon_nvdla_shape_of(desc, &shape))
        return MOVE_NS + tenon_desc_size(desc);
    if (shape.channels % config->atom_bytes == 0)
        return MOVE_NS + tenon_desc_size(desc) / config->atom_bytes / ATOMS_PER_NS;
    return MOVE_NS + tenon_desc_size(desc) / BYTES_PER_NS;
}

/* A system call, the first registers, and an interrupt at the end. */
static uint64_t nvdla_submit_ns(const struct tenon_target *target) {
    (void)target;
    return 10000;
}

/* ---- places of tensors ---- */

struct placement {
    struct nvdla_lowering *lowering;
    struct tenon_plan_item *items; /* at most one per tensor and one per node */
    uint32_t item_count;
    uint32_t *pair_items; /* per node of the part, of sums */
};

static const struct tenon_node *node_at(const struct tenon_part *part, uint32_t step) {
    return &part->graph->nodes[part->nodes[step]];
}

static uint64_t tensor_bytes(const struct nvdla_lowering *l, uint32_t tensor) {
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)tenon_nvdla_shape_of(&l->part->graph->tensors[tensor].desc, &shape);
    return tenon_nvdla_cube_bytes(l->config, &shape) * shape.batches;
}

static uint32_t add_item(struct placement *p, uint64_t bytes) {
    p->items[p->item_count] = (struct tenon_plan_item){.size_bytes = bytes, .first = UINT32_MAX};
    return p->item_count++;
}

static void place_anywhere(struct placement *p, uint32_t tensor) {
    struct nvdla_lowering *l = p->lowering;
    if (!l->tensors[tensor].known)
        l->tensors[tensor] =
            (struct nvdla_tensor){.known = true, .item = add_item(p, tensor_bytes(l, tensor))};
}

/* The operands of a sum are to be in one item. Where they cannot be, because one has its place
 * already, the item is for copies of them. */
static void place_operands(struct placement *p, uint32_t step, const struct tenon_node *n) {
    struct nvdla_tensor *a = &p->lowering->tensors[n->inputs[0]];
    struct nvdla_tensor *b = &p->lowering->tensors[n->inputs[1]];
    uint64_t bytes = tensor_bytes(p->lowering, n->inputs[0]);
    uint32_t item = add_item(p, 2 * bytes);
    p->pair_items[step] = item;
    if (!a->known && !b->known && a != b) {
        *a = (struct nvdla_tensor){.known = true, .item = item};
        *b = (struct nvdla_tensor){.known = true, .item = item, .offset = bytes};
    } else {
        p->items[item].first = p->items[item].last = step;
    }
}

/* `tensor` is in the memory of `whole`, after `channels` (a multiple of the atom's) of it. */
static void place_inside(struct placement *p, uint32_t tensor, uint32_t whole, uint32_t channels) {
    struct nvdla_lowering *l = p->lowering;
    struct nvdla_shape shape = {1, 1, 1, 1};
    if (l->tensors[tensor].known)
        return;
    (void)tenon_nvdla_shape_of(&l->part->graph->tensors[whole].desc, &shape);
    l->tensors[tensor] = l->tensors[whole];
    l->tensors[tensor].offset += (uint64_t)channels * shape.height * shape.width;
}

static void share_slice(struct placement *p, uint32_t index) {
    const struct tenon_graph *graph = p->lowering->part->graph;
    const struct tenon_node *n = &graph->nodes[index];
    uint32_t channels;
    place_anywhere(p, n->inputs[0]);
    if (tenon_nvdla_slice_offset(graph, index, &channels))
        place_inside(p, n->outputs[0], n->inputs[0], channels);
}

/* From the last node to the first, so that a result goes where it will be needed. */
static void share_places(struct placement *p, uint32_t step) {
    const struct tenon_part *part = p->lowering->part;
    const struct tenon_graph *graph = part->graph;
    uint32_t index = part->nodes[step], channels;
    const struct tenon_node *n = &graph->nodes[index];
    if (n->op == TENON_OP_ADD || n->op == TENON_OP_SUB)
        place_operands(p, step, n);
    if (tenon_nvdla_is_view(graph, index)) {
        place_anywhere(p, n->outputs[0]);
        place_inside(p, n->inputs[0], n->outputs[0], 0);
    }
    if (n->op == TENON_OP_SLICE)
        share_slice(p, index);
    for (uint32_t i = 0; n->op == TENON_OP_CONCATENATION && i < n->input_count; i++) {
        place_anywhere(p, n->outputs[0]);
        if (tenon_nvdla_concatenation_offset(graph, index, i, &channels))
            place_inside(p, n->inputs[i], n->outputs[0], channels);
    }
    for (uint32_t i = 0; n->op == TENON_OP_SPLIT && i < n->output_count; i++) {
        place_anywhere(p, n->inputs[0]);
        if (tenon_nvdla_split_offset(graph, index, i, &channels))
            place_inside(p, n->outputs[i], n->inputs[0], channels);
    }
}

static void extend(struct placement *p, uint32_t tensor, uint32_t step) {
    place_anywhere(p, tensor);
    struct tenon_plan_item *item = &p->items[p->lowering->tensors[tensor].item];
    item->first = step < item->first ? step : item->first;
    item->last = step > item->last ? step : item->last;
}

/* Inputs of a node that are worked on; the others are constants. */
static bool is_activation(const struct tenon_graph *graph, uint32_t tensor) {
    return tensor != TENON_ID_NONE && graph->tensors[tensor].kind != TENON_TENSOR_CONSTANT;
}

static void place_tensors(struct placement *p) {
    const struct tenon_part *part = p->lowering->part;
    for (uint32_t step = part->node_count; step-- > 0;)
        share_places(p, step);
    for (uint32_t step = 0; step < part->node_count; step++) {
        const struct tenon_node *n = node_at(part, step);
        for (uint32_t i = 0; i < n->input_count; i++)
            if (is_activation(part->graph, n->inputs[i]))
                extend(p, n->inputs[i], step);
        for (uint32_t i = 0; i < n->output_count; i++)
            extend(p, n->outputs[i], step);
    }
}

/* ---- the border ---- */

/* Moves every picture of tensor `edge` of the part's reads or writes. */
static void emit_moves(struct nvdla_lowering *l, enum tenon_nvdla_command_kind kind,
                       uint32_t edge) {
    uint32_t tensor = (kind == TENON_NVDLA_PACK ? l->part->reads : l->part->writes)[edge];
    const struct tenon_desc *desc = &l->part->graph->tensors[tensor].desc;
    struct nvdla_shape shape = {1, 1, 1, 1};
    (void)tenon_nvdla_shape_of(desc, &shape);
    for (uint32_t b = 0; b < shape.batches; b++) {
        struct nvdla_cube cube = tenon_nvdla_cube(l->config, &shape, l->tensors[tensor].item,
                                                  l->tensors[tensor].offset, b);
        uint64_t row_bytes = (uint64_t)shape.width * shape.channels;
        const struct tenon_nvdla_move move = {
            .edge = edge,
            .height = shape.height,
            .width = shape.width,
            .channels = shape.channels,
            .flip = desc->type == TENON_TYPE_U8 ? FLIP : 0,
            .tensor_offset = b * shape.height * row_bytes,
            .row_bytes = row_bytes,
            .pixel_bytes = shape.channels,
            .cube_offset = cube.offset,
            .line_stride = cube.line_stride,
            .surface_stride = cube.surface_stride,
        };
        tenon_nvdla_program_move(&l->program, kind, &move, cube.item);
    }
}

/* `packed` has a flag per read: what the node needs and is not yet there comes in. */
static void pack_inputs(struct nvdla_lowering *l, const struct tenon_node *n, bool *packed) {
    for (uint32_t r = 0; r < l->part->read_count; r++)
        for (uint32_t i = 0; !packed[r] && i < n->input_count; i++)
            if (n->inputs[i] == l->part->reads[r]) {
                packed[r] = true;
                emit_moves(l, TENON_NVDLA_PACK, r);
            }
}

static void unpack_outputs(struct nvdla_lowering *l, const struct tenon_node *n) {
    for (uint32_t w = 0; w < l->part->write_count; w++)
        for (uint32_t i = 0; i < n->output_count; i++)
            if (n->outputs[i] == l->part->writes[w])
                emit_moves(l, TENON_NVDLA_UNPACK, w);
}

/* ---- compile ---- */

static enum tenon_status emit_node(struct nvdla_lowering *l, uint32_t step, bool *packed,
                                   struct tenon_error *error) {
    struct tenon_operand operands[OPERANDS_MAX];
    char reason[TENON_REASON_BYTES] = "";
    struct tenon_arena arena;
    tenon_arena_init(&arena, 0);
    struct nvdla_node node = {.config = l->config,
                              .target = l->target,
                              .graph = l->part->graph,
                              .index = l->part->nodes[step],
                              .arena = &arena,
                              .reason = reason};
    const struct tenon_node *n = node_at(l->part, step);
    const void *plan = plan_node(&node, operands);
    enum tenon_status status = TENON_OK;
    if (plan != NULL) {
        const struct nvdla_operator *row = tenon_nvdla_operator_find(n->op);
        tenon_nvdla_program_node(&l->program, tenon_part_row(l->part, step));
        pack_inputs(l, n, packed);
        row->emit(l, &node, plan);
        unpack_outputs(l, n);
        l->out->kernels[step] = row->kernel(plan);
    } else {
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "node %u: %s", node.index, reason);
    }
    tenon_arena_finish(&arena);
    if (l->out->release_constants != NULL)
        l->out->release_constants(l->out->user);
    return status;
}

static enum tenon_status place_program(struct placement *p, uint64_t *scratch_bytes,
                                       struct tenon_error *error) {
    struct nvdla_lowering *l = p->lowering;
    enum tenon_status status = tenon_plan_memory(
        p->items, p->item_count, TENON_NVDLA_REGION_ALIGNMENT, scratch_bytes, error);
    uint64_t data_bytes = l->out->data->size - l->out->data_base;
    if (status == TENON_OK && (*scratch_bytes > INT32_MAX || data_bytes > INT32_MAX))
        status = tenon_fail(error, TENON_ERROR_LIMIT, "more memory than 32 bits address");
    uint64_t *offsets = tenon_arena_alloc_array(l->arena, p->item_count, sizeof(*offsets));
    if (status == TENON_OK && (offsets == NULL || l->program.failed))
        status = tenon_fail_memory(error);
    if (status != TENON_OK)
        return status;
    for (uint32_t i = 0; i < p->item_count; i++)
        offsets[i] = p->items[i].offset;
    tenon_nvdla_program_place(&l->program, offsets);
    return TENON_OK;
}

static void write_code(const struct nvdla_lowering *l, uint64_t scratch_bytes) {
    const struct tenon_nvdla_code code = {
        .config = l->config->name,
        .atom_bytes = l->config->atom_bytes,
        .node_count = tenon_part_row_count(l->part),
        .scratch_bytes = scratch_bytes,
        .moves = l->program.moves,
        .move_count = l->program.move_count,
        .commands = l->program.commands,
        .command_count = l->program.command_count,
    };
    tenon_nvdla_code_write(&code, &l->out->code);
    l->out->scratch_bytes = scratch_bytes;
    l->out->compatibility = l->config->compatibility;
}

static enum tenon_status nvdla_compile(const struct tenon_target *target,
                                       const struct tenon_part *part, struct tenon_arena *arena,
                                       struct tenon_code *out, struct tenon_error *error) {
    struct nvdla_lowering l = {.config = tenon_nvdla_config_find(target->name),
                               .target = target,
                               .part = part,
                               .arena = arena,
                               .out = out};
    struct placement placement = {.lowering = &l};
    uint32_t tensors = part->graph->tensor_count;
    uint64_t scratch_bytes = 0;
    l.tensors = tenon_arena_alloc_array(arena, tensors, sizeof(*l.tensors));
    placement.items = tenon_arena_alloc_array(arena, (size_t)tensors + part->node_count,
                                              sizeof(*placement.items));
    placement.pair_items =
        tenon_arena_alloc_array(arena, part->node_count, sizeof(*placement.pair_items));
    out->kernels = tenon_arena_alloc_array(arena, part->node_count, sizeof(*out->kernels));
    bool *packed = tenon_arena_alloc_array(arena, part->read_count, sizeof(*packed));
    if (l.tensors == NULL || placement.items == NULL || placement.pair_items == NULL ||
        out->kernels == NULL || packed == NULL)
        return tenon_fail_memory(error);
    tenon_nvdla_program_init(&l.program, l.config, arena);
    place_tensors(&placement);
    enum tenon_status status = TENON_OK;
    for (uint32_t step = 0; status == TENON_OK && step < part->node_count; step++) {
        l.pair_item = placement.pair_items[step];
        status = emit_node(&l, step, packed, error);
    }
    if (status == TENON_OK)
        status = place_program(&placement, &scratch_bytes, error);
    if (status != TENON_OK)
        return status;
    write_code(&l, scratch_bytes);
    return out->code.failed || out->data->failed ? tenon_fail_memory(error) : TENON_OK;
}

/* ---- listings ---- */

static void annotate(const struct tenon_nvdla_command *command, struct tenon_strbuf *out) {
    uint32_t value = command->kind == TENON_NVDLA_WAIT ? command->mask : command->value;
    tenon_register_print(&tenon_nvdla_registers, command->address, value, out);
}

/* With `contents`, the bytes of DATA are part of the listing, which then can be replayed. */
static enum tenon_status print(struct tenon_span code, struct tenon_span data, bool contents,
                               struct tenon_strbuf *out, struct tenon_error *error) {
    struct tenon_arena arena;
    struct tenon_nvdla_code read;
    tenon_arena_init(&arena, 0);
    enum tenon_status status = tenon_nvdla_code_read(code, data.size, &arena, &read, error);
    if (status == TENON_OK)
        tenon_nvdla_code_print(&read, contents ? data : (struct tenon_span){0}, annotate, out);
    tenon_arena_finish(&arena);
    return status;
}

static enum tenon_status nvdla_disassemble(struct tenon_span code, struct tenon_span data,
                                           struct tenon_strbuf *out, struct tenon_error *error) {
    return print(code, data, false, out, error);
}

static enum tenon_status nvdla_trace(struct tenon_span code, struct tenon_span data,
                                     struct tenon_strbuf *out, struct tenon_error *error) {
    return print(code, data, true, out, error);
}

/* ---- the contract ---- */

static const char *const passes[] = {"unsigned-to-signed", "split-wide-weights",
                                     "transpose-conv-to-conv", "dilate-kernels", NULL};

static const struct tenon_capabilities capabilities = {
    .passes = passes,
    .channel_atom = 8,
    .stride_max = 8,
    .kernel_max = 32,
    .dilation_max = 32,
};

static const struct tenon_capabilities *nvdla_capabilities(const struct tenon_target *target) {
    (void)target;
    return &capabilities;
}

static const char *const targets[] = {"nvdla:nv_small", NULL};

const struct tenon_backend tenon_backend_nvdla = {
    .abi_version = TENON_BACKEND_ABI,
    .name = "nvdla",
    .targets = targets,
    .capabilities = nvdla_capabilities,
    .supports = nvdla_supports,
    .cost_ns = nvdla_cost_ns,
    .transfer_ns = nvdla_transfer_ns,
    .submit_ns = nvdla_submit_ns,
    .compile = nvdla_compile,
    .disassemble = nvdla_disassemble,
    .trace = nvdla_trace,
};
