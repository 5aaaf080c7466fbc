/*
 * The whole of compilation, to be read at one go in tenon_compile_graph: clone, passes, partition,
 * one backend per part, image.
 */
#include <stdlib.h>
#include <string.h>

#include "compiler/border.h"
#include "compiler/compiler.h"
#include "image/image.h"
#include "partition/lower.h"
#include "util/file.h"

struct compilation {
    const struct tenon_compile_request *request;
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_partition partition;
    struct tenon_pass_debug passes; /* the request's, counting on over both stages */
    struct tenon_strbuf notes;      /* of passes, for the report */
    struct tenon_strbuf *bytes;     /* of the image */
    struct tenon_code *codes;       /* per part */
    size_t *data_sizes;             /* per part */
    const char **kernels;           /* per node: what executes it */
    struct tenon_image image;
    uint32_t *edge_of; /* per tensor: edge, or TENON_ID_NONE */
};

static enum tenon_status make_report(const struct compilation *c, struct tenon_error *error) {
    if (c->request->report == NULL)
        return TENON_OK;
    *c->request->report = tenon_partition_report(&c->graph, &c->request->partition, &c->partition);
    struct tenon_report *report = *c->request->report;
    if (report == NULL || c->notes.failed)
        return tenon_fail_memory(error);
    if (c->notes.size != 0 && !tenon_report_add_notes(report, c->notes.data))
        return tenon_fail_memory(error);
    return TENON_OK;
}

/* The image will hold the constants, packed: room for them at once, since growing copies. */
static void reserve_constants(struct compilation *c) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < c->graph.tensor_count; i++)
        if (c->graph.tensors[i].kind == TENON_TENSOR_CONSTANT)
            bytes += tenon_desc_size(&c->graph.tensors[i].desc);
    tenon_strbuf_reserve(c->bytes, bytes + bytes / 2);
    if (!c->bytes->failed)
        tenon_memory_populate(c->bytes->data, bytes);
}

/* A fallback that is not allowed is told with the plan that has it. */
static enum tenon_status partition(struct compilation *c, struct tenon_error *error) {
    enum tenon_status status =
        tenon_partition_graph(&c->graph, &c->request->partition, &c->arena, &c->partition, error);
    if (status != TENON_ERROR_FALLBACK || c->request->report == NULL)
        return status;
    struct tenon_partition_request allowed = c->request->partition;
    allowed.no_fallback = false;
    enum tenon_status again =
        tenon_partition_graph(&c->graph, &allowed, &c->arena, &c->partition, error);
    if (again == TENON_OK)
        again = make_report(c, error);
    if (again != TENON_OK)
        return again;
    return status;
}

/* A node that became several is called by the first of them and how many more; one without any of
 * its own is done by its neighbour. */
static bool name_kernels(struct compilation *c, const struct tenon_part *part,
                         const struct tenon_part *lowered, const char *const *kernels) {
    uint32_t *counts = tenon_arena_alloc_array(&c->arena, part->node_count, sizeof(*counts));
    if (counts == NULL)
        return false;
    for (uint32_t i = 0; i < lowered->node_count; i++) {
        uint32_t row = tenon_part_row(lowered, i);
        if (counts[row]++ == 0)
            c->kernels[part->nodes[row]] = kernels[i];
    }
    bool ok = true;
    for (uint32_t row = 0; row < part->node_count; row++) {
        const char **kernel = &c->kernels[part->nodes[row]];
        if (counts[row] == 0)
            *kernel = "fused";
        else if (counts[row] > 1)
            *kernel = tenon_arena_printf(&c->arena, "%s +%u", *kernel, counts[row] - 1);
        ok = ok && *kernel != NULL;
    }
    return ok;
}

static enum tenon_status compile_part(struct compilation *c, uint32_t index,
                                      struct tenon_lowering *lowering, struct tenon_error *error) {
    const struct tenon_target *target =
        &c->request->partition.cost.targets[c->partition.targets[index]];
    const struct tenon_part *part = &c->partition.parts[index];
    struct tenon_code *code = &c->codes[index];
    struct tenon_part lowered;
    struct tenon_arena arena; /* of what lowering makes, weights above all */
    tenon_strbuf_init(&code->code);
    tenon_image_align(c->bytes);
    code->data = c->bytes;
    code->data_base = c->bytes->size;
    code->release_constants = c->request->release_constants;
    code->user = c->request->user;
    tenon_arena_init(&arena, 0);
    enum tenon_status status =
        tenon_lower_part(lowering, target, part, &c->passes, &arena, &lowered, error);
    if (status == TENON_OK)
        status =
            tenon_backend_find(target->name)->compile(target, &lowered, &c->arena, code, error);
    if (status == TENON_OK && !name_kernels(c, part, &lowered, code->kernels))
        status = tenon_fail_memory(error);
    tenon_arena_finish(&arena);
    c->data_sizes[index] = c->bytes->size - code->data_base;
    return status;
}

static enum tenon_status compile_parts(struct compilation *c, struct tenon_error *error) {
    struct tenon_lowering lowering;
    uint32_t parts = c->partition.part_count;
    c->codes = tenon_arena_alloc_array(&c->arena, parts, sizeof(*c->codes));
    c->data_sizes = tenon_arena_alloc_array(&c->arena, parts, sizeof(*c->data_sizes));
    c->kernels = tenon_arena_alloc_array(&c->arena, c->graph.node_count, sizeof(*c->kernels));
    if (c->codes == NULL || c->data_sizes == NULL || c->kernels == NULL ||
        !tenon_lowering_init(&lowering, &c->graph, &c->arena))
        return tenon_fail_memory(error);
    reserve_constants(c);
    tenon_image_begin(c->bytes);
    enum tenon_status status = TENON_OK;
    for (uint32_t i = 0; status == TENON_OK && i < parts; i++)
        status = compile_part(c, i, &lowering, error);
    return status;
}

/* ---- the image ---- */

static uint32_t edge_for(struct compilation *c, uint32_t tensor, enum tenon_edge_kind kind) {
    struct tenon_image *image = &c->image;
    if (c->edge_of[tensor] == TENON_ID_NONE) {
        c->edge_of[tensor] = image->edge_count;
        image->edges[image->edge_count++] = (struct tenon_image_edge){
            .kind = kind,
            .name = c->graph.tensors[tensor].name,
            .desc = c->graph.tensors[tensor].desc,
        };
    }
    return c->edge_of[tensor];
}

static enum tenon_edge_kind kind_of(const struct compilation *c, uint32_t tensor) {
    switch (c->graph.tensors[tensor].kind) {
    case TENON_TENSOR_INPUT:
        return TENON_EDGE_INPUT;
    case TENON_TENSOR_VARIABLE:
        return TENON_EDGE_VARIABLE;
    case TENON_TENSOR_CONSTANT:
    case TENON_TENSOR_RESULT:
        break;
    }
    return TENON_EDGE_BETWEEN;
}

static const uint32_t *edge_list(struct compilation *c, const uint32_t *tensors, uint32_t count) {
    uint32_t *edges = tenon_arena_alloc_array(&c->arena, count, sizeof(*edges));
    for (uint32_t i = 0; edges != NULL && i < count; i++)
        edges[i] = edge_for(c, tensors[i], kind_of(c, tensors[i]));
    return edges;
}

static bool describe_border(struct compilation *c) {
    struct tenon_image *image = &c->image;
    const struct tenon_graph *graph = &c->graph;
    image->inputs = edge_list(c, graph->inputs, graph->input_count);
    image->input_count = graph->input_count;
    /* Outputs first get edges of kind OUTPUT, unless they are inputs at the same time. */
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (graph->tensors[graph->outputs[i]].kind == TENON_TENSOR_RESULT)
            edge_for(c, graph->outputs[i], TENON_EDGE_OUTPUT);
    image->outputs = edge_list(c, graph->outputs, graph->output_count);
    image->output_count = graph->output_count;
    return image->inputs != NULL && image->outputs != NULL;
}

static bool describe_part(struct compilation *c, uint32_t index) {
    const struct tenon_part *part = &c->partition.parts[index];
    const struct tenon_code *code = &c->codes[index];
    struct tenon_image_part *out = &c->image.parts[index];
    *out = (struct tenon_image_part){
        .target = c->request->partition.cost.targets[c->partition.targets[index]].name,
        .compatibility = code->compatibility,
        .code = {(const uint8_t *)code->code.data, code->code.size},
        .data = {.size = c->data_sizes[index]},
        .data_offset = code->data_base,
        .reads = edge_list(c, part->reads, part->read_count),
        .read_count = part->read_count,
        .writes = edge_list(c, part->writes, part->write_count),
        .write_count = part->write_count,
        .scratch_bytes = code->scratch_bytes,
    };
    for (uint32_t n = 0; n < part->node_count; n++) {
        const struct tenon_node *node = &c->graph.nodes[part->nodes[n]];
        c->image.nodes[c->image.node_count++] = (struct tenon_image_node){
            .name = node->name,
            .op = tenon_op_get_info(node->op)->name,
            .kernel = c->kernels[part->nodes[n]],
            .reason = c->partition.choices[part->nodes[n]].reason,
            .part = index,
            .macs = tenon_graph_node_macs(&c->graph, part->nodes[n]),
        };
    }
    return out->reads != NULL && out->writes != NULL;
}

static enum tenon_status write_image(struct compilation *c, struct tenon_error *error) {
    struct tenon_image *image = &c->image;
    const struct tenon_graph *graph = &c->graph;
    image->name = graph->name;
    image->edges = tenon_arena_alloc_array(&c->arena, graph->tensor_count, sizeof(*image->edges));
    image->parts =
        tenon_arena_alloc_array(&c->arena, c->partition.part_count, sizeof(*image->parts));
    image->nodes = tenon_arena_alloc_array(&c->arena, graph->node_count, sizeof(*image->nodes));
    c->edge_of = tenon_arena_alloc_array(&c->arena, graph->tensor_count, sizeof(*c->edge_of));
    if (image->edges == NULL || image->parts == NULL || image->nodes == NULL || c->edge_of == NULL)
        return tenon_fail_memory(error);
    memset(c->edge_of, 0xff, graph->tensor_count * sizeof(*c->edge_of));
    bool ok = describe_border(c);
    image->part_count = c->partition.part_count;
    for (uint32_t i = 0; ok && i < image->part_count; i++)
        ok = describe_part(c, i);
    if (ok)
        tenon_image_end(image, c->bytes);
    return ok && !c->bytes->failed ? TENON_OK : tenon_fail_memory(error);
}

static void finish(struct compilation *c) {
    for (uint32_t i = 0; c->codes != NULL && i < c->partition.part_count; i++)
        tenon_strbuf_finish(&c->codes[i].code);
    tenon_strbuf_finish(&c->notes);
    tenon_arena_finish(&c->arena);
}

enum tenon_status tenon_compile_graph(const struct tenon_graph *graph,
                                      const struct tenon_compile_request *request,
                                      struct tenon_strbuf *image, struct tenon_error *error) {
    struct compilation c = {.request = request, .bytes = image, .passes = request->passes};
    tenon_arena_init(&c.arena, 0);
    tenon_strbuf_init(&c.notes);
    c.passes.notes = &c.notes;
    enum tenon_status status = tenon_pass_debug_check(&c.passes, error);
    if (status == TENON_OK && !tenon_graph_clone(graph, &c.arena, &c.graph))
        status = tenon_fail_memory(error);
    if (status == TENON_OK)
        status = tenon_run_pipeline(&c.graph, request->keep_tensors, &c.passes, error);
    if (status == TENON_OK && request->keep_tensors)
        status = tenon_border_keep_tensors(&c.graph, error);
    if (status == TENON_OK && request->isolate_nodes)
        status = tenon_border_isolate_nodes(&c.graph, error);
    if (status == TENON_OK)
        status = tenon_border_copy_constants(&c.graph, error);
    if (status == TENON_OK)
        status = partition(&c, error);
    if (status == TENON_OK)
        status = compile_parts(&c, error);
    if (status == TENON_OK && request->release_constants != NULL)
        request->release_constants(request->user);
    if (status == TENON_OK)
        status = write_image(&c, error);
    if (status == TENON_OK)
        status = make_report(&c, error);
    finish(&c);
    return status;
}
