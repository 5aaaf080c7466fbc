/* Holding a target against the backend contract; see contract.h. */
#include "backend/contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler/compiler.h"
#include "image/image.h"
#include "ir/eval.h"
#include "partition/lower.h"

enum { TENSORS_MAX = 64, DAMAGES = 8, NS_MAX_LOG2 = 40 };

TENON_PRINTF(2, 3) static bool broken(struct contract *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(c->message, sizeof(c->message), format, args);
    va_end(args);
    return false;
}

/* ---- constants before a page that cannot be read ---- */

struct guards {
    void *maps[TENSORS_MAX];
    size_t sizes[TENSORS_MAX];
    struct tenon_tensor *tensors[TENSORS_MAX];
    const uint8_t *data[TENSORS_MAX]; /* as it was */
    uint32_t count;
};

static void guard(struct guards *guards, struct tenon_tensor *tensor) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = tenon_desc_size(&tensor->desc);
    size_t whole = (size + page - 1) / page * page;
    if (guards->count == TENSORS_MAX || size == 0)
        return;
    uint8_t *map =
        mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return;
    memcpy(map + whole - size, tensor->data, size);
    mprotect(map, whole, PROT_READ);
    mprotect(map + whole, page, PROT_NONE);
    guards->tensors[guards->count] = tensor;
    guards->data[guards->count] = tensor->data;
    tensor->data = map + whole - size;
    guards->maps[guards->count] = map;
    guards->sizes[guards->count++] = whole + page;
}

static void guard_constants(struct guards *guards, struct tenon_graph *graph) {
    guards->count = 0;
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].kind == TENON_TENSOR_CONSTANT)
            guard(guards, &graph->tensors[i]);
}

static void release_guards(struct guards *guards) {
    for (uint32_t i = 0; i < guards->count; i++) {
        guards->tensors[i]->data = guards->data[i];
        munmap(guards->maps[i], guards->sizes[i]);
    }
}

/* ---- questions ---- */

static const struct tenon_backend *backend_of(const struct contract *c) {
    return tenon_backend_find(c->target.name);
}

static const char *op_name(const struct tenon_graph *graph, uint32_t node) {
    return tenon_op_get_info(graph->nodes[node].op)->name;
}

/* The backend's own answer, with a canary behind the room for the reason. */
static bool ask_directly(struct contract *c, const struct tenon_graph *graph, uint32_t node) {
    struct {
        char reason[TENON_REASON_BYTES], canary[32];
    } room;
    memset(&room, 'x', sizeof(room));
    bool supported = backend_of(c)->supports(&c->target, graph, node, room.reason);
    for (size_t i = 0; i < sizeof(room.canary); i++)
        if (room.canary[i] != 'x')
            return broken(c, "%s: the reason is longer than its room", op_name(graph, node));
    if (supported)
        return true;
    const char *end = memchr(room.reason, '\0', sizeof(room.reason));
    if (end == NULL)
        return broken(c, "%s: the reason does not end", op_name(graph, node));
    size_t length = (size_t)(end - room.reason);
    if (length == 0)
        return broken(c, "%s: refused without a reason", op_name(graph, node));
    if (length > c->tally.longest_reason)
        c->tally.longest_reason = length;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)room.reason[i] < ' ')
            return broken(c, "%s: a control character in '%s'", op_name(graph, node), room.reason);
    return true;
}

static bool check_transfers(struct contract *c, const struct tenon_graph *graph, uint32_t node) {
    const struct tenon_backend *backend = backend_of(c);
    const struct tenon_node *n = &graph->nodes[node];
    if (backend->transfer_ns == NULL)
        return true;
    for (uint32_t i = 0; i < n->input_count + n->output_count; i++) {
        bool in = i < n->input_count;
        uint32_t id = in ? n->inputs[i] : n->outputs[i - n->input_count];
        if (id == TENON_ID_NONE)
            continue;
        uint64_t ns = backend->transfer_ns(&c->target, &graph->tensors[id].desc, in);
        if (ns >> NS_MAX_LOG2 != 0)
            return broken(c, "%s: a transfer of %.3g s", op_name(graph, node), (double)ns * 1e-9);
        if (ns != backend->transfer_ns(&c->target, &graph->tensors[id].desc, in))
            return broken(c, "%s: two answers for one transfer", op_name(graph, node));
    }
    return true;
}

static bool ask(struct contract *c, struct tenon_lowering *lowering, uint32_t node,
                bool *supported) {
    const struct tenon_graph *graph = lowering->graph;
    struct tenon_support first, second;
    struct tenon_error error = {.message = ""};
    if (!ask_directly(c, graph, node) || !check_transfers(c, graph, node))
        return false;
    if (tenon_lower_supports(lowering, &c->target, node, NULL, &first, &error) != TENON_OK ||
        tenon_lower_supports(lowering, &c->target, node, NULL, &second, &error) != TENON_OK)
        return broken(c, "%s: %s", op_name(graph, node), error.message);
    c->tally.nodes++;
    *supported = first.supported;
    if (first.supported != second.supported || strcmp(first.reason, second.reason) != 0 ||
        first.ns != second.ns)
        return broken(c, "%s: two answers to one question", op_name(graph, node));
    if (!first.supported && first.reason[0] == '\0')
        return broken(c, "%s: refused without a reason", op_name(graph, node));
    if (first.supported && (first.ns == 0 || first.ns >> NS_MAX_LOG2 != 0))
        return broken(c, "%s: costs %llu ns", op_name(graph, node), (unsigned long long)first.ns);
    c->tally.supported += first.supported;
    c->tally.ops[graph->nodes[node].op] += first.supported;
    return true;
}

static bool ask_all(struct contract *c, const struct tenon_graph *graph, bool *all, bool *any) {
    struct tenon_arena arena;
    struct tenon_lowering lowering;
    tenon_arena_init(&arena, 0);
    bool ok = tenon_lowering_init(&lowering, graph, &arena);
    *all = true;
    *any = false;
    for (uint32_t n = 0; ok && n < graph->node_count; n++) {
        bool supported = false;
        ok = ask(c, &lowering, n, &supported);
        *all &= supported;
        *any |= supported;
    }
    tenon_arena_finish(&arena);
    return ok;
}

/* ---- compiling ---- */

static bool compile(struct contract *c, const struct tenon_graph *graph, bool alone,
                    struct tenon_strbuf *image) {
    const struct tenon_target targets[] = {c->target, {.name = "reference"}};
    const struct tenon_compile_request request = {
        .partition = {.cost = {.targets = targets, .target_count = alone ? 1 : 2},
                      .rule = TENON_PLACEMENT_BY_ORDER}};
    struct tenon_error error = {.message = ""};
    tenon_strbuf_init(image);
    enum tenon_status status = tenon_compile_graph(graph, &request, image, &error);
    return status == TENON_OK || broken(c, "supported, but compile says: %s (%s)", error.message,
                                        tenon_status_name(status));
}

static bool list(struct contract *c, const struct tenon_image_part *part) {
    const struct tenon_backend *backend = tenon_backend_find(part->target);
    struct tenon_error error = {.message = ""};
    struct tenon_strbuf text;
    tenon_strbuf_init(&text);
    enum tenon_status status = backend->disassemble(part->code, part->data, &text, &error);
    bool ok = status == TENON_OK && text.size > 0;
    if (status == TENON_OK && backend->trace != NULL)
        status = backend->trace(part->code, part->data, &text, &error);
    tenon_strbuf_finish(&text);
    return (ok && status == TENON_OK) ||
           broken(c, "cannot list what compile made: %s", error.message);
}

/* Whatever the code says, a listing ends; sanitizers and guards see to the rest. */
static void list_damaged(const struct tenon_image_part *part, uint64_t seed) {
    const struct tenon_backend *backend = tenon_backend_find(part->target);
    uint8_t *copy = malloc(part->code.size + 1);
    for (uint32_t i = 0; copy != NULL && part->code.size > 0 && i < DAMAGES; i++) {
        struct tenon_strbuf text;
        struct tenon_error error;
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t at = (size_t)(seed >> 24) % part->code.size;
        memcpy(copy, part->code.data, part->code.size);
        copy[at] ^= (uint8_t)(1u << (seed >> 60 & 7));
        size_t size = i % 2 == 0 ? part->code.size : at;
        tenon_strbuf_init(&text);
        (void)!backend->disassemble((struct tenon_span){copy, size}, part->data, &text, &error);
        tenon_strbuf_finish(&text);
    }
    free(copy);
}

static bool check_parts(struct contract *c, const struct tenon_strbuf *bytes, uint64_t seed) {
    struct tenon_arena arena;
    struct tenon_image image;
    struct tenon_error error = {.message = ""};
    tenon_arena_init(&arena, 0);
    bool ok = tenon_image_read((struct tenon_span){(const uint8_t *)bytes->data, bytes->size},
                               &arena, &image, &error) == TENON_OK ||
              broken(c, "the image cannot be read: %s", error.message);
    for (uint32_t i = 0; ok && i < image.part_count; i++) {
        if (strcmp(image.parts[i].target, c->target.name) != 0)
            continue;
        c->tally.parts++;
        ok = list(c, &image.parts[i]);
        if (ok)
            list_damaged(&image.parts[i], seed + i);
    }
    tenon_arena_finish(&arena);
    return ok;
}

/* ---- running ---- */

struct results {
    void *inputs[TENSORS_MAX], *expected[TENSORS_MAX];
};

static void fill(void *data, const struct tenon_desc *desc, uint64_t *seed) {
    size_t count = tenon_desc_element_count(desc), size = tenon_desc_size(desc);
    for (size_t i = 0; i < size; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)data)[i] = (uint8_t)(*seed >> 40);
        if (desc->type == TENON_TYPE_BOOL)
            ((uint8_t *)data)[i] &= 1;
    }
    for (size_t i = 0; desc->type == TENON_TYPE_F32 && i < count; i++)
        ((float *)data)[i] = (float)((int32_t)((uint32_t *)data)[i] >> 20) / 256;
    for (size_t i = 0; desc->type == TENON_TYPE_I32 && i < count; i++)
        ((int32_t *)data)[i] %= 1 << 20;
}

static bool evaluate(const struct tenon_graph *graph, uint64_t seed, struct results *r) {
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct tenon_desc *desc = &graph->tensors[graph->inputs[i]].desc;
        r->inputs[i] = calloc(1, tenon_desc_size(desc) + 1);
        if (r->inputs[i] == NULL)
            return false;
        fill(r->inputs[i], desc, &seed);
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        r->expected[i] = calloc(1, tenon_desc_size(&graph->tensors[graph->outputs[i]].desc) + 1);
        if (r->expected[i] == NULL)
            return false;
    }
    return tenon_graph_evaluate(graph, (const void *const *)r->inputs, r->expected, NULL) ==
           TENON_OK;
}

static int64_t stored(const struct tenon_desc *desc, const void *data, size_t i) {
    if (desc->type == TENON_TYPE_I8)
        return ((const int8_t *)data)[i];
    if (desc->type == TENON_TYPE_I16)
        return ((const int16_t *)data)[i];
    if (desc->type == TENON_TYPE_I32)
        return ((const int32_t *)data)[i];
    return ((const uint8_t *)data)[i];
}

static bool is_integer(enum tenon_type type) {
    return type == TENON_TYPE_I8 || type == TENON_TYPE_U8 || type == TENON_TYPE_I16 ||
           type == TENON_TYPE_I32 || type == TENON_TYPE_BOOL;
}

/* Differences of 1 grow on their way through a chain: only one node's are bounded. */
static bool compare(struct contract *c, const struct tenon_graph *graph, uint32_t output,
                    const void *got, const void *expected) {
    const struct tenon_desc *desc = &graph->tensors[graph->outputs[output]].desc;
    int64_t allowed = c->target.numerics == TENON_NUMERICS_WITHIN_1 ? 1 : 0;
    if (!is_integer(desc->type) || (allowed > 0 && graph->node_count > 1))
        return true;
    for (size_t i = 0; i < tenon_desc_element_count(desc); i++) {
        int64_t a = stored(desc, expected, i), b = stored(desc, got, i);
        int64_t difference = a > b ? a - b : b - a;
        c->tally.elements++;
        c->tally.different_by_1 += difference == 1;
        if (difference > allowed)
            return broken(c, "output %u, element %zu is %lld, not %lld", output, i, (long long)b,
                          (long long)a);
    }
    return true;
}

static bool run(struct contract *c, const struct tenon_graph *graph, struct tenon_program *program,
                const struct results *r) {
    struct tenon_error error = {.message = ""};
    struct tenon_session *session = NULL;
    struct tenon_fence *fence = NULL;
    bool ok = tenon_session_create(c->instance, program, NULL, &session, &error) == TENON_OK &&
              tenon_fence_create(c->instance, &fence, &error) == TENON_OK;
    for (uint32_t i = 0; ok && i < graph->input_count; i++)
        memcpy(tenon_session_input_data(session, i), r->inputs[i],
               tenon_desc_size(&graph->tensors[graph->inputs[i]].desc));
    const struct tenon_job job = {
        .size = sizeof(job), .session = session, .signals = &fence, .signal_count = 1};
    ok = ok && tenon_queue_submit(c->queue, &job, &error) == TENON_OK &&
         tenon_fence_wait(fence, TENON_WAIT_FOREVER, &error) == TENON_OK;
    if (!ok)
        broken(c, "the device says: %s", error.message);
    for (uint32_t i = 0; ok && i < graph->output_count; i++)
        ok = compare(c, graph, i, tenon_session_output_data(session, i), r->expected[i]);
    c->tally.runs += ok;
    tenon_queue_wait_idle(c->queue);
    tenon_fence_unref(fence);
    tenon_session_destroy(session);
    return ok;
}

static bool check_results(struct contract *c, const struct tenon_graph *graph,
                          const struct tenon_strbuf *image, uint64_t seed) {
    struct tenon_program *program = NULL;
    struct results results = {0};
    struct tenon_error error = {.message = ""};
    bool ok = true;
    if (c->instance != NULL && graph->input_count <= TENSORS_MAX &&
        graph->output_count <= TENSORS_MAX && evaluate(graph, seed, &results))
        ok = (tenon_program_open_memory(image->data, image->size, &program, &error) == TENON_OK ||
              broken(c, "the program cannot be opened: %s", error.message)) &&
             run(c, graph, program, &results);
    tenon_program_unref(program);
    for (uint32_t i = 0; i < TENSORS_MAX; i++) {
        free(results.inputs[i]);
        free(results.expected[i]);
    }
    return ok;
}

/* ---- all of it ---- */

static bool check(struct contract *c, struct tenon_graph *graph, uint64_t seed) {
    bool all, any;
    if (!ask_all(c, graph, &all, &any))
        return false;
    if (!any)
        return true;
    struct tenon_strbuf image, again;
    bool ok = compile(c, graph, all, &image);
    tenon_strbuf_init(&again);
    if (ok && compile(c, graph, all, &again) &&
        (again.size != image.size || memcmp(again.data, image.data, image.size) != 0))
        ok = broken(c, "compiled twice, two programs");
    ok = ok && check_parts(c, &image, seed) && check_results(c, graph, &image, seed);
    tenon_strbuf_finish(&image);
    tenon_strbuf_finish(&again);
    return ok;
}

bool contract_check(struct contract *contract, struct tenon_graph *graph, uint64_t seed) {
    struct guards guards;
    /* Asked about is what will be compiled. */
    if (tenon_run_pipeline(graph, false, NULL, NULL) != TENON_OK)
        return broken(contract, "the neutral passes failed");
    guard_constants(&guards, graph);
    bool ok = check(contract, graph, seed);
    release_guards(&guards);
    return ok;
}

static bool has_device(struct tenon_instance *instance, const char *target) {
    struct tenon_device_info info;
    for (uint32_t i = 0; i < tenon_instance_device_count(instance); i++) {
        tenon_device_get_info(tenon_instance_device(instance, i), &info);
        if (strcmp(info.target, target) == 0)
            return true;
    }
    return false;
}

void contract_open(struct contract *c) {
    const struct tenon_instance_options options = {.size = sizeof(options), .cpu_threads = 1};
    if (tenon_instance_create(&options, &c->instance, NULL) == TENON_OK &&
        has_device(c->instance, c->target.name) &&
        tenon_queue_create(c->instance, NULL, &c->queue, NULL) == TENON_OK)
        return;
    tenon_instance_destroy(c->instance);
    c->instance = NULL;
}

void contract_close(struct contract *c) {
    tenon_queue_destroy(c->queue);
    tenon_instance_destroy(c->instance);
    c->queue = NULL;
    c->instance = NULL;
}
