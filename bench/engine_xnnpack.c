/*
 * XNNPACK by its subgraph interface (Debian's libxnnpack-dev), for networks made of convolutions,
 * fully connected layers, additions, an average over all pixels and softmax. What that interface
 * lacks for 8 bits is done beside it, within what is measured: u8 and i8 are turned into each other
 * (QUANTIZE at the ends), and softmax is XNNPACK's own operator for u8.
 *
 * Its layers are measured one by one, as graphs of one node on random input.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "xnnpack_graph.h"

enum { BLOCK = 8 }; /* runs of a layer that are measured as one, to drown the clock */

struct xnnpack_engine {
    struct xnn_api api;
    const struct tenon_model *model;
    struct tenon_tensor_info in, out;
    void *pool, *softmax;
    struct xnn_graph graph;
    uint32_t first, end; /* nodes that the graph holds */
    uint8_t *given;      /* the network's input; the graph's own, unless it is of another type */
    uint8_t *input, *scores;                 /* of the graph */
    uint8_t *output;                         /* the network's */
    uint8_t flip_in, flip_softmax, flip_out; /* 0x80 where i8 meets u8 */
};

static bool load_api(struct xnn_api *api, const char *library) {
    const struct engine_symbol pool[] = {{"pthreadpool_create", &api->pool_create}};
    const struct engine_symbol symbols[] = {
        {"xnn_initialize", &api->initialize},
        {"xnn_create_subgraph", &api->create_subgraph},
        {"xnn_define_tensor_value", &api->define_tensor},
        {"xnn_define_quantized_tensor_value", &api->define_quantized},
        {"xnn_define_channelwise_quantized_tensor_value", &api->define_channelwise},
        {"xnn_define_convolution_2d", &api->define_convolution},
        {"xnn_define_depthwise_convolution_2d", &api->define_depthwise},
        {"xnn_define_fully_connected", &api->define_fully_connected},
        {"xnn_define_global_average_pooling_2d", &api->define_global_average},
        {"xnn_define_add2", &api->define_add},
        {"xnn_define_softmax", &api->define_softmax},
        {"xnn_create_runtime_v2", &api->create_runtime},
        {"xnn_setup_runtime", &api->setup_runtime},
        {"xnn_invoke_runtime", &api->invoke_runtime},
        {"xnn_delete_runtime", &api->delete_runtime},
        {"xnn_delete_subgraph", &api->delete_subgraph},
        {"xnn_create_softmax_nc_qu8", &api->create_softmax_u8},
        {"xnn_setup_softmax_nc_qu8", &api->setup_softmax_u8},
        {"xnn_run_operator", &api->run_operator},
    };
    return engine_load("libpthreadpool.so.0", pool, 1) &&
           engine_load(library, symbols, sizeof(symbols) / sizeof(symbols[0]));
}

static bool is_float(const struct xnnpack_engine *self) {
    return self->in.type == TENON_TYPE_F32;
}

/* QUANTIZE of the input, then the graph, then QUANTIZE and SOFTMAX of 8 bits at the end. */
static void find_ends(struct xnnpack_engine *self) {
    struct tenon_model_info info;
    struct tenon_node_info node;
    tenon_model_get_info(self->model, &info);
    tenon_model_node(self->model, 0, &node);
    self->first = strcmp(node.op, "quantize") == 0;
    self->end = info.node_count;
    while (self->end > self->first && !is_float(self)) {
        tenon_model_node(self->model, self->end - 1, &node);
        if (strcmp(node.op, "softmax") != 0 && strcmp(node.op, "quantize") != 0)
            break;
        self->end--;
    }
}

static bool create_softmax(struct xnnpack_engine *self, const struct tenon_tensor_info *last) {
    size_t channels = self->out.size_bytes;
    self->output = calloc(1, channels + XNN_EXTRA_BYTES);
    return self->output != NULL &&
           self->api.create_softmax_u8(channels, channels, channels, last->scales[0], 0, 1.0f / 256,
                                       0, &self->softmax) == 0 &&
           self->api.setup_softmax_u8(self->softmax, 1, self->scores, self->output, self->pool) ==
               0;
}

/* What comes after the graph: nothing, or softmax. */
static bool open_end(struct xnnpack_engine *self) {
    struct tenon_node_info node;
    struct tenon_tensor_info last;
    self->input = self->graph.externals[0].data;
    self->scores = self->output = self->graph.externals[self->graph.output].data;
    self->flip_in = self->first ? 0x80 : 0;
    self->given = self->first ? malloc(self->in.size_bytes) : self->input;
    if (self->given == NULL)
        return complain("out of memory");
    if (tenon_model_node(self->model, self->end, &node) != TENON_OK ||
        strcmp(node.op, "softmax") != 0)
        return true;
    tenon_model_tensor(self->model, node.inputs[0], &last);
    self->flip_softmax = last.type == TENON_TYPE_I8 ? 0x80 : 0;
    self->flip_out = self->out.type == TENON_TYPE_I8 ? 0x80 : 0;
    return create_softmax(self, &last) || complain("XNNPACK refuses softmax");
}

static bool open_graph(const struct engine_setup *setup, void **out) {
    struct xnnpack_engine *self = calloc(1, sizeof(*self));
    *out = self;
    if (self == NULL)
        return complain("out of memory");
    self->model = setup->model;
    if (tenon_model_input(self->model, 0, &self->in) != TENON_OK ||
        tenon_model_output(self->model, 0, &self->out) != TENON_OK ||
        !load_api(&self->api, setup->library) || self->api.initialize(NULL) != 0)
        return complain("XNNPACK does not start");
    self->pool = setup->threads > 1 ? self->api.pool_create(setup->threads) : NULL;
    find_ends(self);
    return xnn_graph_build(&self->api, self->model, self->first, self->end, self->pool,
                           &self->graph) &&
           open_end(self);
}

static bool set_input(void *engine, const void *data, size_t size_bytes) {
    struct xnnpack_engine *self = engine;
    if (size_bytes != self->in.size_bytes)
        return complain("an input of %zu bytes does not fit", size_bytes);
    memcpy(self->given, data, size_bytes);
    return true;
}

static void flip(const uint8_t *from, uint8_t *to, size_t count, uint8_t mask) {
    for (size_t i = 0; i < count && (mask != 0 || from != to); i++)
        to[i] = from[i] ^ mask;
}

static bool run(void *engine) {
    struct xnnpack_engine *self = engine;
    flip(self->given, self->input, self->in.size_bytes, self->flip_in);
    if (self->api.invoke_runtime(self->graph.runtime) != 0)
        return complain("XNNPACK: run failed");
    if (self->softmax == NULL)
        return true;
    flip(self->scores, self->scores, self->out.size_bytes, self->flip_softmax);
    if (self->api.run_operator(self->softmax, self->pool) != 0)
        return complain("XNNPACK: softmax failed");
    flip(self->output, self->output, self->out.size_bytes, self->flip_out);
    return true;
}

static bool get_output(void *engine, void *data, size_t *size_bytes) {
    struct xnnpack_engine *self = engine;
    if (self->out.size_bytes > *size_bytes)
        return complain("the output is too large");
    *size_bytes = self->out.size_bytes;
    memcpy(data, self->output, *size_bytes);
    return true;
}

static void fill(struct xnn_graph *graph, bool floats) {
    uint32_t random = 1;
    for (uint32_t e = 0; e < graph->external_count; e++) {
        uint8_t *bytes = graph->externals[e].data;
        for (size_t i = 0; i < graph->sizes[e]; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(random >> 24);
            if (floats && i % 4 == 3)
                bytes[i] = 0x3e; /* about an eighth */
        }
    }
}

static bool measure_layer(struct xnnpack_engine *self, uint32_t index, uint32_t rounds,
                          struct engine_layer *out) {
    double samples[256];
    struct tenon_node_info node;
    struct xnn_graph graph;
    rounds = rounds < 256 ? rounds : 256;
    tenon_model_node(self->model, index, &node);
    *out = (struct engine_layer){.op = node.op, .kernel = "-", .macs = node.macs};
    if (xnn_graph_skips(&node) || index < self->first || index >= self->end)
        return true;
    bool good = xnn_graph_build(&self->api, self->model, index, index + 1, self->pool, &graph);
    fill(&graph, is_float(self));
    for (uint32_t i = 0; i < rounds && good; i++) {
        uint64_t begin = clock_cpu_ns();
        for (int j = 0; j < BLOCK && good; j++)
            good = self->api.invoke_runtime(graph.runtime) == 0;
        samples[i] = (double)(clock_cpu_ns() - begin) / BLOCK;
    }
    out->ns = good ? median_of(samples, rounds) : 0;
    xnn_graph_finish(&self->api, &graph);
    return good;
}

static bool layers(void *engine, uint32_t rounds, struct engine_layer *out, size_t capacity,
                   size_t *count) {
    struct xnnpack_engine *self = engine;
    struct tenon_model_info info;
    tenon_model_get_info(self->model, &info);
    *count = info.node_count;
    if (info.node_count > capacity)
        return complain("too many nodes");
    bool good = true;
    for (uint32_t n = 0; n < info.node_count && good; n++)
        good = measure_layer(self, n, rounds, &out[n]);
    return good;
}

/* What the library holds is released with the process. */
static void finish(void *engine) {
    struct xnnpack_engine *self = engine;
    if (self->softmax != NULL)
        free(self->output);
    if (self->given != self->input)
        free(self->given);
    xnn_graph_finish(&self->api, &self->graph);
    free(self);
}

const struct engine engine_xnnpack = {.name = "xnnpack",
                                      .wants_model = true,
                                      .open = open_graph,
                                      .set_input = set_input,
                                      .run = run,
                                      .get_output = get_output,
                                      .layers = layers,
                                      .close = finish};
