/* The public face of the compiler half: models, what is in them, and their compilation. */
#include <stdlib.h>
#include <string.h>
#include <tenon/compile.h>
#include <tenon/model.h>

#include "compiler/compiler.h"
#include "frontends/frontend.h"
#include "image/image.h"
#include "ir/text.h"
#include "util/file.h"

enum { TARGETS_MAX = 32 };

struct tenon_model {
    struct tenon_mapping mapping; /* empty when the caller owns the bytes */
    struct tenon_arena arena;
    struct tenon_graph graph;
    char **attributes; /* printed, per node; made when the model is opened */
};

static const struct tenon_frontend *recognize(struct tenon_span bytes) {
    for (int i = 0; tenon_frontends[i] != NULL; i++)
        if (tenon_frontends[i]->recognizes(bytes))
            return tenon_frontends[i];
    return NULL;
}

static void override_rounding(struct tenon_graph *graph, enum tenon_rounding rounding) {
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].rounding != TENON_ROUNDING_NONE)
            graph->nodes[i].rounding = rounding;
}

static enum tenon_status print_attributes(struct tenon_model *model, struct tenon_error *error) {
    uint32_t count = model->graph.node_count;
    struct tenon_strbuf buf;
    model->attributes = tenon_arena_alloc_array(&model->arena, count, sizeof(*model->attributes));
    if (model->attributes == NULL)
        return tenon_fail_memory(error);
    tenon_strbuf_init(&buf);
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        buf.size = 0;
        tenon_ir_print_attrs(&model->graph.nodes[i], &buf);
        model->attributes[i] = tenon_arena_string(&model->arena, buf.data, buf.size);
        ok = !buf.failed && model->attributes[i] != NULL;
    }
    tenon_strbuf_finish(&buf);
    return ok ? TENON_OK : tenon_fail_memory(error);
}

static enum tenon_status import(struct tenon_model *model, struct tenon_span bytes,
                                const char *name, const struct tenon_model_options *options,
                                struct tenon_error *error) {
    const struct tenon_frontend *frontend = recognize(bytes);
    struct tenon_diagnostics *list = options != NULL ? options->list : NULL;
    if (frontend == NULL) {
        struct tenon_model_place place = TENON_MODEL_PLACE_NONE;
        struct tenon_error own = {.status = TENON_OK};
        enum tenon_status status = tenon_diagnose(
            list, &own, TENON_DIAGNOSTIC_TFL_NOT_A_MODEL, &place,
            "%s: no format that Tenon reads (a TFLite model has TFL3 at byte 4)", name);
        if (error != NULL)
            *error = own;
        return status;
    }
    enum tenon_status status = frontend->import(bytes, &model->graph, list, error);
    if (status != TENON_OK)
        return tenon_error_prefix(error, status, "%s", name);
    if (options != NULL && options->rounding != TENON_ROUNDING_NONE)
        override_rounding(&model->graph, options->rounding);
    return print_attributes(model, error);
}

static enum tenon_status check_options(const struct tenon_model_options *options,
                                       struct tenon_error *error) {
    if (options != NULL && options->size < sizeof(*options))
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "options.size is %zu, not %zu",
                          options->size, sizeof(*options));
    if (options != NULL && (unsigned)options->rounding > TENON_ROUNDING_F32)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "no rounding rule %d",
                          (int)options->rounding);
    return TENON_OK;
}

/* path or data: one of them. */
static enum tenon_status open_model(const char *path, struct tenon_span data, const char *name,
                                    const struct tenon_model_options *options,
                                    struct tenon_model **out, struct tenon_error *error) {
    *out = NULL;
    enum tenon_status status = check_options(options, error);
    if (status != TENON_OK)
        return status;
    struct tenon_model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return tenon_fail_memory(error);
    tenon_arena_init(&model->arena, 0);
    tenon_graph_init(&model->graph, &model->arena);
    if (path != NULL)
        status = tenon_mapping_open(&model->mapping, path, error);
    if (status == TENON_OK)
        status = import(model, path != NULL ? model->mapping.bytes : data, name, options, error);
    if (status == TENON_OK)
        *out = model;
    else
        tenon_model_destroy(model);
    return status;
}

enum tenon_status tenon_model_open(const char *path, const struct tenon_model_options *options,
                                   struct tenon_model **out, struct tenon_error *error) {
    return open_model(path, (struct tenon_span){0}, path, options, out, error);
}

enum tenon_status tenon_model_open_memory(const void *data, size_t size, const char *name,
                                          const struct tenon_model_options *options,
                                          struct tenon_model **out, struct tenon_error *error) {
    return open_model(NULL, (struct tenon_span){data, size}, name, options, out, error);
}

void tenon_model_destroy(struct tenon_model *model) {
    if (model == NULL)
        return;
    tenon_arena_finish(&model->arena);
    tenon_mapping_close(&model->mapping);
    free(model);
}

/* ---- looking into a model ---- */

void tenon_model_get_info(const struct tenon_model *model, struct tenon_model_info *out) {
    const struct tenon_graph *graph = &model->graph;
    *out = (struct tenon_model_info){
        .name = graph->name,
        .description = graph->description,
        .input_count = graph->input_count,
        .output_count = graph->output_count,
        .node_count = graph->node_count,
        .tensor_count = graph->tensor_count,
    };
    for (uint32_t i = 0; i < graph->node_count; i++)
        out->macs += tenon_graph_node_macs(graph, i);
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        size_t size = tenon_desc_size(&graph->tensors[i].desc);
        if (graph->tensors[i].kind == TENON_TENSOR_CONSTANT)
            out->constant_bytes += size;
        else
            out->activation_bytes += size;
    }
}

static enum tenon_status describe(const struct tenon_model *model, uint32_t id,
                                  struct tenon_tensor_info *out) {
    const struct tenon_tensor *tensor = &model->graph.tensors[id];
    *out = (struct tenon_tensor_info){
        .name = tensor->name,
        .type = tensor->desc.type,
        .rank = tensor->desc.shape.rank,
        .size_bytes = tenon_desc_size(&tensor->desc),
        .scale_count = tensor->desc.quant.count,
        .axis = tensor->desc.quant.axis,
        .scales = tensor->desc.quant.scale,
        .zero_points = tensor->desc.quant.zero_point,
    };
    memcpy(out->dims, tensor->desc.shape.dims, sizeof(out->dims));
    return TENON_OK;
}

enum tenon_status tenon_model_input(const struct tenon_model *model, uint32_t index,
                                    struct tenon_tensor_info *out) {
    if (index >= model->graph.input_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    return describe(model, model->graph.inputs[index], out);
}

enum tenon_status tenon_model_output(const struct tenon_model *model, uint32_t index,
                                     struct tenon_tensor_info *out) {
    if (index >= model->graph.output_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    return describe(model, model->graph.outputs[index], out);
}

enum tenon_status tenon_model_tensor(const struct tenon_model *model, uint32_t index,
                                     struct tenon_tensor_info *out) {
    if (index >= model->graph.tensor_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    return describe(model, index, out);
}

enum tenon_status tenon_model_node(const struct tenon_model *model, uint32_t index,
                                   struct tenon_node_info *out) {
    if (index >= model->graph.node_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    const struct tenon_node *node = &model->graph.nodes[index];
    *out = (struct tenon_node_info){
        .op = tenon_op_get_info(node->op)->name,
        .name = node->name,
        .input_count = node->input_count,
        .output_count = node->output_count,
        .inputs = node->inputs,
        .outputs = node->outputs,
        .rounding = node->rounding,
        .macs = tenon_graph_node_macs(&model->graph, index),
        .attributes = model->attributes[index],
    };
    return TENON_OK;
}

const void *tenon_model_tensor_data(const struct tenon_model *model, uint32_t index) {
    return index < model->graph.tensor_count ? model->graph.tensors[index].data : NULL;
}

enum tenon_status tenon_model_print(const struct tenon_model *model, char **out,
                                    struct tenon_error *error) {
    struct tenon_strbuf buf;
    tenon_strbuf_init(&buf);
    tenon_ir_print(&model->graph, &buf);
    *out = tenon_strbuf_take(&buf, NULL);
    return *out != NULL ? TENON_OK : tenon_fail_memory(error);
}

void tenon_text_free(char *text) {
    free(text);
}

/* ---- compiling ---- */

static void release_pages(void *user) {
    const struct tenon_model *model = user;
    tenon_mapping_release_pages(&model->mapping);
}

static enum tenon_status read_targets(const struct tenon_compile_options *options,
                                      struct tenon_target *targets, uint32_t *count,
                                      struct tenon_error *error) {
    targets[0] = (struct tenon_target){.name = "cpu"};
    *count = 1;
    if (options == NULL)
        return TENON_OK;
    if (options->size < sizeof(*options))
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "options.size is %zu, not %zu",
                          options->size, sizeof(*options));
    if (options->report != NULL)
        *options->report = NULL;
    targets[0].portable = options->portable;
    if (options->targets == NULL)
        return TENON_OK;
    if (options->target_count == 0 || options->target_count > TARGETS_MAX)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "%u targets", options->target_count);
    *count = options->target_count;
    for (uint32_t i = 0; i < *count; i++) {
        targets[i] = (struct tenon_target){.name = options->targets[i],
                                           .portable = options->portable,
                                           .numerics = options->numerics};
        if (tenon_backend_find(options->targets[i]) == NULL)
            return tenon_fail(error, TENON_ERROR_NOT_FOUND, "no target '%.60s'",
                              options->targets[i]);
    }
    return TENON_OK;
}

static enum tenon_status read_options(const struct tenon_compile_options *options,
                                      struct tenon_compile_request *request,
                                      struct tenon_error *error) {
    for (uint32_t i = 0; i < options->measured_count; i++)
        if (options->measured[i].target == NULL || options->measured[i].operation == NULL)
            return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT,
                              "measured cost %u: no target or operation", i);
    if ((unsigned)options->numerics > TENON_NUMERICS_WITHIN_1)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "no numerics class %d",
                          (int)options->numerics);
    request->partition.rule = options->placement;
    request->partition.no_fallback = options->no_fallback;
    request->partition.cost.measured = options->measured;
    request->partition.cost.measured_count = options->measured_count;
    request->partition.cost.describe = options->report != NULL;
    const struct tenon_pass_options *passes = &options->passes;
    if (passes->print_after != NULL && passes->print == NULL)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "passes.print is NULL");
    request->passes = (struct tenon_pass_debug){.print_after = passes->print_after,
                                                .print = passes->print,
                                                .note = passes->note,
                                                .user = passes->user,
                                                .skip = passes->skip,
                                                .skip_count = passes->skip_count,
                                                .stop_after_rewrite = passes->stop_after_rewrite,
                                                .run = passes->run,
                                                .run_count = passes->run_count,
                                                .lossy_scales = passes->lossy_scales};
    request->keep_tensors = options->keep_tensors || options->isolate_nodes;
    request->isolate_nodes = options->isolate_nodes;
    request->partition.cost.passes = &request->passes;
    request->report = options->report;
    return TENON_OK;
}

enum tenon_status tenon_compile(const struct tenon_model *model,
                                const struct tenon_compile_options *options,
                                struct tenon_program **out, struct tenon_error *error) {
    struct tenon_target targets[TARGETS_MAX];
    struct tenon_compile_request request = {.partition.cost.targets = targets,
                                            .release_constants = release_pages,
                                            .user = (void *)model};
    *out = NULL;
    enum tenon_status status =
        read_targets(options, targets, &request.partition.cost.target_count, error);
    if (status != TENON_OK)
        return status;
    if (options != NULL)
        status = read_options(options, &request, error);
    if (status != TENON_OK)
        return status;
    struct tenon_strbuf image;
    tenon_strbuf_init_aligned(&image, TENON_IMAGE_ALIGNMENT);
    status = tenon_compile_graph(&model->graph, &request, &image, error);
    if (status != TENON_OK) {
        tenon_strbuf_finish(&image);
        return status;
    }
    size_t size, offset = image.lead;
    char *block = tenon_strbuf_take(&image, &size);
    status = block != NULL ? tenon_program_adopt(block, offset, size, out, error)
                           : tenon_fail_memory(error);
    if (status != TENON_OK && request.report != NULL) {
        tenon_report_destroy(*request.report);
        *request.report = NULL;
    }
    return status;
}

enum tenon_status tenon_pass_get_info(uint32_t index, struct tenon_pass_info *out) {
    uint32_t count = 0;
    while (tenon_passes[count] != NULL)
        count++;
    if (index >= count)
        return TENON_ERROR_NOT_FOUND;
    *out = (struct tenon_pass_info){tenon_passes[index]->name, tenon_passes[index]->purpose};
    return TENON_OK;
}
