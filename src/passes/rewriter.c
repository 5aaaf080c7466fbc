/* Changing a graph while a pass walks over it; see pass.h. */
#include "passes/pass.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool failed(const struct tenon_rewriter *rw) {
    return rw->status != TENON_OK;
}

static void fail_memory(struct tenon_rewriter *rw) {
    if (!failed(rw))
        rw->status = tenon_fail_memory(rw->error);
}

/* ---- what is known per tensor and node ---- */

/* A larger copy; after a failure the old array, which stays valid. */
static void *grown(struct tenon_rewriter *rw, void *old, uint32_t count, uint32_t room,
                   size_t element) {
    void *array = tenon_arena_alloc_array(&rw->scratch, room, element);
    if (array == NULL) {
        fail_memory(rw);
        return old;
    }
    if (count != 0)
        memcpy(array, old, count * element);
    return array;
}

static void make_tensor_room(struct tenon_rewriter *rw) {
    uint32_t had = rw->tensor_room, need = rw->graph->tensor_count;
    if (failed(rw) || need <= had)
        return;
    uint32_t room = rw->tensor_room = need + need / 2 + 16;
    rw->uses = grown(rw, rw->uses, had, room, sizeof(*rw->uses));
    rw->orphaned = grown(rw, rw->orphaned, had, room, sizeof(*rw->orphaned));
    rw->is_output = grown(rw, rw->is_output, had, room, sizeof(*rw->is_output));
    rw->forward = grown(rw, rw->forward, had, room, sizeof(*rw->forward));
    rw->memo = grown(rw, rw->memo, had, room, sizeof(*rw->memo));
}

static void make_node_room(struct tenon_rewriter *rw) {
    uint32_t had = rw->node_room, need = rw->graph->node_count;
    if (failed(rw) || need <= had)
        return;
    uint32_t room = rw->node_room = need + need / 2 + 16;
    rw->positions = grown(rw, rw->positions, had, room, sizeof(*rw->positions));
    rw->removed = grown(rw, rw->removed, had, room, sizeof(*rw->removed));
}

/* The tensor that is read where `tensor` is named. */
static uint32_t resolve(const struct tenon_rewriter *rw, uint32_t tensor) {
    while (tensor != TENON_ID_NONE && rw->forward[tensor] != 0) {
        uint32_t next = rw->forward[tensor] - 1;
        if (rw->forward[next] != 0) /* halves the path */
            rw->forward[tensor] = rw->forward[next];
        tensor = next;
    }
    return tensor;
}

static void resolve_all(const struct tenon_rewriter *rw, uint32_t *ids, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        ids[i] = resolve(rw, ids[i]);
}

static void use(struct tenon_rewriter *rw, uint32_t tensor) {
    if (tensor != TENON_ID_NONE)
        rw->uses[tensor]++;
}

static void drop_use(struct tenon_rewriter *rw, uint32_t tensor) {
    if (tensor == TENON_ID_NONE)
        return;
    rw->uses[tensor]--;
    rw->orphaned[tensor] = true;
}

/* ---- changing ---- */

bool tenon_rewrite_begin(struct tenon_rewriter *rw, uint32_t node) {
    if (failed(rw) || rw->rewrites >= rw->limit)
        return false;
    rw->rewrites++;
    rw->at = node;
    return true;
}

void tenon_rewrite_note(struct tenon_rewriter *rw, const char *format, ...) {
    if (failed(rw) || rw->notes == NULL)
        return;
    va_list args;
    va_start(args, format);
    char text[256], name[64];
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(name, sizeof(name), "%s", rw->graph->nodes[rw->at].name);
    for (char *c = name; *c != '\0'; c++) /* names are a file's: a note stays one line of text */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    tenon_strbuf_printf(rw->notes, "%s: %s\n", name, text);
}

static uint32_t add_tensor(struct tenon_rewriter *rw, uint32_t like, const char *suffix,
                           enum tenon_tensor_kind kind, const struct tenon_desc *desc,
                           const void *data) {
    uint32_t id = TENON_ID_NONE;
    if (failed(rw))
        return id;
    const char *name =
        tenon_arena_printf(&rw->scratch, "%s/%s", rw->graph->tensors[like].name, suffix);
    if (name == NULL || !tenon_graph_add_tensor(rw->graph, name, kind, desc, data, &id))
        fail_memory(rw);
    make_tensor_room(rw);
    if (failed(rw))
        return TENON_ID_NONE;
    rw->orphaned[id] = true; /* until somebody reads it */
    return id;
}

uint32_t tenon_rewrite_tensor(struct tenon_rewriter *rw, uint32_t like, const char *suffix,
                              const struct tenon_desc *desc) {
    return add_tensor(rw, like, suffix, TENON_TENSOR_RESULT, desc, NULL);
}

void *tenon_rewrite_constant(struct tenon_rewriter *rw, uint32_t like, const char *suffix,
                             const struct tenon_desc *desc, uint32_t *id) {
    *id = TENON_ID_NONE;
    if (failed(rw))
        return NULL;
    void *data = tenon_arena_alloc(rw->graph->arena, tenon_desc_size(desc));
    if (data == NULL)
        fail_memory(rw);
    *id = add_tensor(rw, like, suffix, TENON_TENSOR_CONSTANT, desc, data);
    return failed(rw) ? NULL : data;
}

void *tenon_rewrite_scratch(struct tenon_rewriter *rw, size_t count, size_t size) {
    void *data = failed(rw) ? NULL : tenon_arena_alloc_array(&rw->scratch, count, size);
    if (data == NULL)
        fail_memory(rw);
    return data;
}

const void *tenon_rewrite_data(struct tenon_rewriter *rw, uint32_t constant) {
    if (failed(rw))
        return NULL;
    const struct tenon_tensor *tensor = &rw->graph->tensors[constant];
    if (((uintptr_t)tensor->data & 7) == 0)
        return tensor->data;
    void *copy = tenon_arena_copy(&rw->scratch, tensor->data, tenon_desc_size(&tensor->desc));
    if (copy == NULL)
        fail_memory(rw);
    return copy;
}

void tenon_rewrite_add(struct tenon_rewriter *rw, enum tenon_op op, const struct tenon_attrs *attrs,
                       const uint32_t *inputs, uint32_t input_count, const uint32_t *outputs,
                       uint32_t output_count) {
    static const struct tenon_attrs none;
    uint32_t id;
    if (failed(rw))
        return;
    const struct tenon_node at = rw->graph->nodes[rw->at];
    rw->status =
        tenon_graph_add_node(rw->graph, op, at.rounding, at.name, attrs != NULL ? attrs : &none,
                             inputs, input_count, outputs, output_count, &id, rw->error);
    make_node_room(rw);
    if (failed(rw))
        return;
    rw->graph->nodes[id].source = at.source;
    rw->positions[id] = rw->positions[rw->at];
    for (uint32_t i = 0; i < input_count; i++)
        use(rw, inputs[i]);
}

uint32_t tenon_rewrite_add_unary(struct tenon_rewriter *rw, enum tenon_op op,
                                 const struct tenon_attrs *attrs, uint32_t input,
                                 const char *suffix, const struct tenon_desc *desc) {
    uint32_t out = tenon_rewrite_tensor(rw, input, suffix, desc);
    tenon_rewrite_add(rw, op, attrs, &input, 1, &out, 1);
    return out;
}

/* Computes output `id`, a constant, from constants. */
static void run_reference(struct tenon_rewriter *rw, enum tenon_op op,
                          const struct tenon_attrs *attrs, const uint32_t *inputs,
                          uint32_t input_count, const struct tenon_operand *out) {
    struct tenon_operand *operands =
        tenon_arena_alloc_array(&rw->scratch, input_count, sizeof(*operands));
    if (operands == NULL) {
        fail_memory(rw);
        return;
    }
    for (uint32_t i = 0; i < input_count; i++)
        operands[i] = (struct tenon_operand){.desc = &rw->graph->tensors[inputs[i]].desc,
                                             .data = (void *)tenon_rewrite_data(rw, inputs[i])};
    struct tenon_op_call call = {.op = op,
                                 .rounding = rw->graph->nodes[rw->at].rounding,
                                 .attrs = attrs,
                                 .input_count = input_count,
                                 .output_count = 1,
                                 .inputs = operands,
                                 .outputs = out};
    if (!failed(rw))
        rw->status = tenon_op_infer(&call, rw->error);
    if (failed(rw))
        return;
    char *scratch = tenon_arena_alloc(&rw->scratch, tenon_op_scratch_bytes(&call) + 64);
    if (scratch == NULL) {
        fail_memory(rw);
        return;
    }
    call.scratch = scratch + (64 - ((uintptr_t)scratch & 63));
    rw->status = tenon_op_run_reference(&call, rw->error);
}

uint32_t tenon_rewrite_fold(struct tenon_rewriter *rw, enum tenon_op op,
                            const struct tenon_attrs *attrs, const uint32_t *inputs,
                            uint32_t input_count, const char *suffix,
                            const struct tenon_desc *desc) {
    static const struct tenon_attrs none;
    uint32_t id;
    struct tenon_desc shaped = *desc;
    void *data = tenon_rewrite_constant(rw, inputs[0], suffix, desc, &id);
    if (data == NULL)
        return TENON_ID_NONE;
    const struct tenon_operand out = {.desc = &shaped, .data = data};
    run_reference(rw, op, attrs != NULL ? attrs : &none, inputs, input_count, &out);
    return failed(rw) ? TENON_ID_NONE : id;
}

void tenon_rewrite_remove(struct tenon_rewriter *rw, uint32_t id) {
    if (failed(rw) || rw->removed[id])
        return;
    const struct tenon_node *node = &rw->graph->nodes[id];
    rw->removed[id] = true;
    for (uint32_t i = 0; i < node->input_count; i++)
        drop_use(rw, resolve(rw, node->inputs[i]));
    for (uint32_t i = 0; i < node->output_count; i++)
        rw->graph->tensors[node->outputs[i]].producer = TENON_ID_NONE;
}

void tenon_rewrite_set_input(struct tenon_rewriter *rw, uint32_t node, uint32_t index,
                             uint32_t tensor) {
    if (failed(rw))
        return;
    uint32_t *input = &rw->graph->nodes[node].inputs[index];
    use(rw, tensor);
    drop_use(rw, resolve(rw, *input));
    *input = tensor;
}

void tenon_rewrite_redirect(struct tenon_rewriter *rw, uint32_t from, uint32_t to) {
    if (failed(rw))
        return;
    to = resolve(rw, to);
    rw->forward[from] = to + 1;
    rw->uses[to] += rw->uses[from];
    rw->uses[from] = 0;
    rw->is_output[to] |= rw->is_output[from];
    rw->orphaned[from] = true;
}

/* ---- asking ---- */

uint32_t tenon_rewrite_producer(const struct tenon_rewriter *rw, uint32_t tensor) {
    tensor = resolve(rw, tensor);
    return tensor == TENON_ID_NONE ? TENON_ID_NONE : rw->graph->tensors[tensor].producer;
}

uint32_t tenon_rewrite_sole_producer(const struct tenon_rewriter *rw, uint32_t tensor) {
    tensor = resolve(rw, tensor);
    return tensor == TENON_ID_NONE || rw->uses[tensor] != 1 ? TENON_ID_NONE
                                                            : rw->graph->tensors[tensor].producer;
}

bool tenon_rewrite_is_constant(const struct tenon_rewriter *rw, uint32_t tensor) {
    return tensor != TENON_ID_NONE && rw->graph->tensors[tensor].kind == TENON_TENSOR_CONSTANT;
}

bool tenon_rewrite_is_output(const struct tenon_rewriter *rw, uint32_t tensor) {
    return rw->is_output[tensor];
}

struct tenon_desc tenon_desc_reshaped(const struct tenon_desc *desc, int32_t n, int32_t h,
                                      int32_t w, int32_t c) {
    struct tenon_desc out = *desc;
    out.shape = (struct tenon_shape){.rank = 4, .dims = {n, h, w, c}};
    return out;
}

/* ---- the end of a pass: order, and what nobody reads ---- */

static bool is_dead(const struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_node *node = &rw->graph->nodes[id];
    bool orphaned = false;
    if (tenon_op_get_info(node->op)->mutated_inputs != 0)
        return false;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (rw->uses[node->outputs[i]] != 0)
            return false;
        orphaned |= rw->orphaned[node->outputs[i]];
    }
    return orphaned;
}

/* `order` holds live nodes so that readers come after producers. */
static void remove_dead(struct tenon_rewriter *rw, const uint32_t *order, uint32_t count) {
    for (uint32_t i = count; i-- > 0;)
        if (is_dead(rw, order[i]))
            tenon_rewrite_remove(rw, order[i]);
}

struct walk {
    uint32_t *order, count;
    uint8_t *state;                /* per node: 0 new, 1 on the stack, 2 in order */
    uint32_t *stack, *next, depth; /* nodes whose inputs are walked, and which is next */
};

static void push(struct walk *walk, uint32_t node) {
    walk->state[node] = 1;
    walk->stack[walk->depth] = node;
    walk->next[walk->depth++] = 0;
}

/* The node after all that it reads, by depth first without recursion. */
static void place(struct tenon_rewriter *rw, struct walk *walk, uint32_t root) {
    if (walk->state[root] != 0)
        return;
    push(walk, root);
    while (walk->depth > 0) {
        uint32_t at = walk->stack[walk->depth - 1];
        const struct tenon_node *node = &rw->graph->nodes[at];
        if (walk->next[walk->depth - 1] == node->input_count) {
            walk->state[at] = 2;
            walk->order[walk->count++] = at;
            walk->depth--;
            continue;
        }
        uint32_t input = node->inputs[walk->next[walk->depth - 1]++];
        uint32_t producer = tenon_rewrite_producer(rw, input);
        if (producer != TENON_ID_NONE && walk->state[producer] == 0)
            push(walk, producer);
    }
}

/* Live nodes by position, those of one position by index, each after what it reads. */
static void find_order(struct tenon_rewriter *rw, struct walk *walk, uint32_t positions) {
    uint32_t count = rw->graph->node_count;
    uint32_t *start = tenon_arena_alloc_array(&rw->scratch, positions + 1, sizeof(*start));
    uint32_t *sorted = tenon_arena_alloc_array(&rw->scratch, count, sizeof(*sorted));
    *walk = (struct walk){.order = tenon_arena_alloc_array(&rw->scratch, count, 4),
                          .stack = tenon_arena_alloc_array(&rw->scratch, count, 4),
                          .next = tenon_arena_alloc_array(&rw->scratch, count, 4),
                          .state = tenon_arena_alloc_array(&rw->scratch, count, 1)};
    if (start == NULL || sorted == NULL || walk->order == NULL || walk->stack == NULL ||
        walk->next == NULL || walk->state == NULL) {
        fail_memory(rw);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        start[rw->positions[i] + 1]++;
    for (uint32_t i = 0; i < positions; i++)
        start[i + 1] += start[i];
    for (uint32_t i = 0; i < count; i++)
        sorted[start[rw->positions[i]]++] = i;
    for (uint32_t i = 0; i < count; i++)
        if (!rw->removed[sorted[i]])
            place(rw, walk, sorted[i]);
}

static bool keeps_tensor(const struct tenon_rewriter *rw, uint32_t id) {
    const struct tenon_tensor *tensor = &rw->graph->tensors[id];
    if (tensor->kind == TENON_TENSOR_RESULT)
        return tensor->producer != TENON_ID_NONE;
    return tensor->kind != TENON_TENSOR_CONSTANT || rw->uses[id] != 0 || !rw->orphaned[id];
}

static void renumber(uint32_t *ids, uint32_t count, const uint32_t *to) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] != TENON_ID_NONE)
            ids[i] = to[ids[i]];
}

static void compact_tensors(struct tenon_rewriter *rw) {
    struct tenon_graph *graph = rw->graph;
    uint32_t *to = tenon_arena_alloc_array(&rw->scratch, graph->tensor_count, sizeof(*to));
    uint32_t kept = 0;
    if (to == NULL) {
        fail_memory(rw);
        return;
    }
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        to[i] = TENON_ID_NONE;
        if (!keeps_tensor(rw, i))
            continue;
        to[i] = kept;
        graph->tensors[kept++] = graph->tensors[i];
    }
    graph->tensor_count = kept;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        renumber(graph->nodes[n].inputs, graph->nodes[n].input_count, to);
        renumber(graph->nodes[n].outputs, graph->nodes[n].output_count, to);
    }
    renumber(graph->inputs, graph->input_count, to);
    renumber(graph->outputs, graph->output_count, to);
}

static void compact_nodes(struct tenon_rewriter *rw, const struct walk *walk) {
    struct tenon_graph *graph = rw->graph;
    struct tenon_node *nodes = tenon_arena_alloc_array(graph->arena, walk->count, sizeof(*nodes));
    if (nodes == NULL) {
        fail_memory(rw);
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walk->count; i++)
        if (!rw->removed[walk->order[i]])
            nodes[kept++] = graph->nodes[walk->order[i]];
    graph->nodes = nodes;
    graph->node_count = kept;
    graph->node_capacity = walk->count;
    for (uint32_t n = 0; n < kept; n++)
        for (uint32_t i = 0; i < nodes[n].output_count; i++)
            graph->tensors[nodes[n].outputs[i]].producer = n;
}

static void commit(struct tenon_rewriter *rw, uint32_t positions) {
    struct walk walk;
    if (failed(rw) || rw->rewrites == 0)
        return;
    for (uint32_t n = 0; n < rw->graph->node_count; n++)
        resolve_all(rw, rw->graph->nodes[n].inputs, rw->graph->nodes[n].input_count);
    resolve_all(rw, rw->graph->outputs, rw->graph->output_count);
    find_order(rw, &walk, positions);
    if (failed(rw))
        return;
    remove_dead(rw, walk.order, walk.count);
    compact_nodes(rw, &walk);
    if (!failed(rw))
        compact_tensors(rw);
}

enum tenon_status tenon_pass_run(const struct tenon_pass *pass, struct tenon_graph *graph,
                                 const struct tenon_capabilities *capabilities,
                                 struct tenon_pass_tally *tally, struct tenon_error *error) {
    static const struct tenon_capabilities nothing;
    struct tenon_rewriter rw = {.graph = graph,
                                .capabilities = capabilities != NULL ? capabilities : &nothing,
                                .error = error,
                                .limit = tally->limit,
                                .notes = tally->notes};
    uint32_t count = graph->node_count;
    tenon_arena_init(&rw.scratch, 0);
    make_tensor_room(&rw);
    make_node_room(&rw);
    for (uint32_t i = 0; !failed(&rw) && i < count; i++)
        rw.positions[i] = i;
    if (!failed(&rw))
        tenon_graph_count_uses(graph, rw.uses);
    for (uint32_t i = 0; !failed(&rw) && i < graph->output_count; i++)
        rw.is_output[graph->outputs[i]] = true;
    for (uint32_t i = 0; !failed(&rw) && i < graph->node_count; i++) {
        if (rw.removed[i])
            continue;
        resolve_all(&rw, graph->nodes[i].inputs, graph->nodes[i].input_count);
        pass->visit(&rw, i);
    }
    commit(&rw, count);
    tally->rewrites += rw.rewrites;
    tenon_arena_finish(&rw.scratch);
    return rw.status;
}
