/* Nodes of a Tenon model as an XNNPACK subgraph; see xnnpack_graph.h. */
#include "xnnpack_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

struct builder {
    const struct xnn_api *api;
    const struct tenon_model *model;
    struct xnn_graph *out;
    uint32_t *values; /* of each tensor, once defined */
};

static bool taken(int status, const char *what) {
    return status == 0 || complain("XNNPACK refuses %s (status %d)", what, status);
}

/* "… name=[a,b,…] …": the first `count` numbers; zeros when there is no such attribute. */
static void read_numbers(const char *attributes, const char *name, int *out, int count) {
    char key[32];
    snprintf(key, sizeof(key), "%s=[", name);
    const char *at = strstr(attributes, key);
    memset(out, 0, (size_t)count * sizeof(*out));
    if (at == NULL)
        return;
    at += strlen(key);
    for (int i = 0; i < count; i++) {
        char *end;
        out[i] = (int)strtol(at, &end, 10);
        at = end + (*end == ',');
    }
}

static void read_activation(const char *attributes, float *min, float *max) {
    *min = -INFINITY;
    *max = INFINITY;
    if (strstr(attributes, "activation=relu") != NULL)
        *min = 0;
    if (strstr(attributes, "activation=relu6") != NULL)
        *max = 6;
}

static int type_of(const struct tenon_tensor_info *info, bool per_channel) {
    switch ((int)info->type) {
    case TENON_TYPE_F32:
        return XNN_FP32;
    case TENON_TYPE_I8:
        return per_channel ? XNN_QCINT8 : XNN_QINT8;
    case TENON_TYPE_U8:
        return XNN_QUINT8;
    case TENON_TYPE_I32:
        return per_channel ? XNN_QCINT32 : XNN_QINT32;
    default:
        return 0;
    }
}

static bool define(struct builder *b, uint32_t tensor, uint32_t external, uint32_t flags) {
    struct tenon_tensor_info info;
    size_t dims[TENON_MAX_RANK];
    tenon_model_tensor(b->model, tensor, &info);
    const void *data = tenon_model_tensor_data(b->model, tensor);
    bool per_channel = info.scale_count > 1;
    int type = type_of(&info, per_channel);
    for (uint32_t i = 0; i < info.rank; i++)
        dims[i] = (size_t)info.dims[i];
    uint32_t *value = &b->values[tensor];
    if (type == 0)
        return complain("XNNPACK has no type %s", tenon_type_name(info.type));
    if (per_channel)
        return taken(b->api->define_channelwise(b->out->graph, type, info.scales, info.rank,
                                                (size_t)info.axis, dims, data, external, flags,
                                                value),
                     "a tensor with a scale for each channel");
    if (info.scale_count == 1)
        return taken(b->api->define_quantized(b->out->graph, type, info.zero_points[0],
                                              info.scales[0], info.rank, dims, data, external,
                                              flags, value),
                     "a quantized tensor");
    return taken(
        b->api->define_tensor(b->out->graph, type, info.rank, dims, data, external, flags, value),
        "a tensor");
}

static bool is(const struct tenon_node_info *node, const char *op) {
    return strcmp(node->op, op) == 0;
}

bool xnn_graph_skips(const struct tenon_node_info *node) {
    return is(node, "reshape");
}

/* The tensor that holds the same bytes before any reshape. */
static uint32_t origin(const struct tenon_model *model, uint32_t tensor) {
    struct tenon_node_info node;
    for (uint32_t n = 0; tenon_model_node(model, n, &node) == TENON_OK; n++)
        if (node.outputs[0] == tensor)
            return xnn_graph_skips(&node) ? origin(model, node.inputs[0]) : tensor;
    return tensor;
}

static bool define_external(struct builder *b, uint32_t tensor, uint32_t flags) {
    struct tenon_tensor_info info;
    struct xnn_graph *graph = b->out;
    if (graph->external_count == XNN_GRAPH_EXTERNALS)
        return complain("too many inputs and outputs");
    tenon_model_tensor(b->model, tensor, &info);
    uint32_t id = graph->external_count++;
    graph->externals[id] =
        (struct xnn_external){.id = id, .data = calloc(1, info.size_bytes + XNN_EXTRA_BYTES)};
    graph->sizes[id] = info.size_bytes;
    return (graph->externals[id].data != NULL || complain("out of memory")) &&
           define(b, tensor, id, flags);
}

static bool define_input(struct builder *b, uint32_t *tensor) {
    *tensor = origin(b->model, *tensor);
    if (b->values[*tensor] != XNN_INVALID_VALUE)
        return true;
    if (tenon_model_tensor_data(b->model, *tensor) != NULL)
        return define(b, *tensor, XNN_INVALID_VALUE, 0);
    return define_external(b, *tensor, XNN_EXTERNAL_INPUT);
}

static bool add_convolution(struct builder *b, const struct tenon_node_info *node,
                            const uint32_t *v, float min, float max) {
    struct tenon_tensor_info in, filter;
    int stride[2], dilation[2], pad[4];
    tenon_model_tensor(b->model, node->inputs[0], &in);
    tenon_model_tensor(b->model, node->inputs[1], &filter);
    read_numbers(node->attributes, "stride", stride, 2);
    read_numbers(node->attributes, "dilation", dilation, 2);
    read_numbers(node->attributes, "pad", pad, 4); /* top, left, bottom, right */
    uint32_t top = (uint32_t)pad[0], left = (uint32_t)pad[1], bottom = (uint32_t)pad[2],
             right = (uint32_t)pad[3];
    uint32_t height = (uint32_t)filter.dims[1], width = (uint32_t)filter.dims[2];
    if (is(node, "conv_2d"))
        return taken(b->api->define_convolution(b->out->graph, top, right, bottom, left, height,
                                                width, (uint32_t)stride[0], (uint32_t)stride[1],
                                                (uint32_t)dilation[0], (uint32_t)dilation[1], 1,
                                                (size_t)filter.dims[3], (size_t)filter.dims[0], min,
                                                max, v[0], v[1], v[2], v[3], 0),
                     "a convolution");
    return taken(b->api->define_depthwise(b->out->graph, top, right, bottom, left, height, width,
                                          (uint32_t)stride[0], (uint32_t)stride[1],
                                          (uint32_t)dilation[0], (uint32_t)dilation[1],
                                          (uint32_t)(filter.dims[3] / in.dims[3]),
                                          (size_t)in.dims[3], min, max, v[0], v[1], v[2], v[3], 0),
                 "a depthwise convolution");
}

/* v: values of the operands, then of the result at v[3]. */
static bool add_operator(struct builder *b, const struct tenon_node_info *node, const uint32_t *v) {
    float min, max;
    read_activation(node->attributes, &min, &max);
    if (is(node, "conv_2d") || is(node, "depthwise_conv_2d"))
        return add_convolution(b, node, v, min, max);
    if (is(node, "add"))
        return taken(b->api->define_add(b->out->graph, min, max, v[0], v[1], v[3], 0), "add");
    if (is(node, "fully_connected"))
        return taken(
            b->api->define_fully_connected(b->out->graph, min, max, v[0], v[1], v[2], v[3], 0),
            "a fully connected layer");
    if (is(node, "average_pool_2d") || is(node, "mean")) /* over all pixels, in these networks */
        return taken(b->api->define_global_average(b->out->graph, min, max, v[0], v[3], 0),
                     "an average over all pixels");
    if (is(node, "softmax"))
        return taken(b->api->define_softmax(b->out->graph, v[0], v[3], 0), "softmax");
    return complain("the adapter for XNNPACK has no %s", node->op);
}

/* Whether a node of [first, end) reads the tensor, and whether any other does. */
static bool is_read_inside(const struct builder *b, uint32_t tensor, uint32_t end) {
    struct tenon_node_info node;
    for (uint32_t n = 0; tenon_model_node(b->model, n, &node) == TENON_OK && n < end; n++)
        for (uint32_t i = 0; i < node.input_count && !xnn_graph_skips(&node); i++)
            if (node.inputs[i] != TENON_NO_INDEX && origin(b->model, node.inputs[i]) == tensor)
                return true;
    return false;
}

static bool add_node(struct builder *b, uint32_t index, uint32_t end) {
    struct tenon_node_info node;
    uint32_t v[4] = {XNN_INVALID_VALUE, XNN_INVALID_VALUE, XNN_INVALID_VALUE, XNN_INVALID_VALUE};
    tenon_model_node(b->model, index, &node);
    if (xnn_graph_skips(&node))
        return true;
    uint32_t operands = is(&node, "mean") ? 1 : node.input_count;
    for (uint32_t i = 0; i < operands && i < 3; i++) {
        uint32_t tensor = node.inputs[i];
        if (tensor == TENON_NO_INDEX)
            continue;
        if (!define_input(b, &tensor))
            return false;
        v[i] = b->values[tensor];
    }
    uint32_t result = node.outputs[0];
    bool defined = is_read_inside(b, result, end) ? define(b, result, XNN_INVALID_VALUE, 0)
                                                  : define_external(b, result, XNN_EXTERNAL_OUTPUT);
    if (defined && !is_read_inside(b, result, end))
        b->out->output = b->out->external_count - 1;
    v[3] = b->values[result];
    return defined && add_operator(b, &node, v);
}

static bool build(struct builder *b, uint32_t first, uint32_t end, void *pool) {
    struct xnn_graph *graph = b->out;
    if (!taken(b->api->create_subgraph(XNN_GRAPH_EXTERNALS, 0, &graph->graph), "a graph"))
        return false;
    for (uint32_t n = first; n < end; n++)
        if (!add_node(b, n, end))
            return false;
    return taken(b->api->create_runtime(graph->graph, pool, 0, &graph->runtime), "the graph") &&
           taken(b->api->setup_runtime(graph->runtime, graph->external_count, graph->externals),
                 "the inputs and outputs");
}

bool xnn_graph_build(const struct xnn_api *api, const struct tenon_model *model, uint32_t first,
                     uint32_t end, void *pool, struct xnn_graph *out) {
    struct tenon_model_info info;
    tenon_model_get_info(model, &info);
    *out = (struct xnn_graph){0};
    struct builder b = {.api = api, .model = model, .out = out};
    b.values = malloc(((size_t)info.tensor_count + 1) * sizeof(*b.values));
    if (b.values == NULL)
        return complain("out of memory");
    memset(b.values, 0xff, (size_t)info.tensor_count * sizeof(*b.values));
    bool good = build(&b, first, end, pool);
    free(b.values);
    return good;
}

void xnn_graph_finish(const struct xnn_api *api, struct xnn_graph *graph) {
    if (graph->runtime != NULL)
        api->delete_runtime(graph->runtime);
    if (graph->graph != NULL)
        api->delete_subgraph(graph->graph);
    for (uint32_t i = 0; i < graph->external_count; i++)
        free(graph->externals[i].data);
    *graph = (struct xnn_graph){0};
}
