/*
 * The parser of the text form. Text is untrusted: every number is bounded, nothing recurses, and
 * memory grows with the text only. Tensor ids in the text are indices: a text that defines n
 * tensors uses the ids 0 to n - 1.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ir/text.h"

struct parser {
    const char *at, *end, *start;
    struct tenon_arena *arena;
    struct tenon_graph *graph;
    bool *defined; /* per tensor */
    struct tenon_error *error;
    enum tenon_status status;
};

/* ---- errors ---- */

static bool fail(struct parser *p, enum tenon_status status, const char *what) {
    unsigned line = 1, column = 1;
    if (p->status != TENON_OK)
        return false;
    for (const char *c = p->start; c < p->at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    p->status = tenon_fail(p->error, status, "%u:%u: %s", line, column, what);
    return false;
}

static bool bad(struct parser *p, const char *what) {
    return fail(p, TENON_ERROR_BAD_MODEL, what);
}

/* A complaint about what was read already: it is told where that starts. */
static bool bad_at(struct parser *p, const void *start, const char *what) {
    p->at = start;
    return bad(p, what);
}

static bool no_memory(struct parser *p) {
    return fail(p, TENON_ERROR_OUT_OF_MEMORY, "out of memory");
}

/* ---- tokens ---- */

static void skip_spaces(struct parser *p) {
    while (p->at < p->end && *p->at == ' ')
        p->at++;
}

/* Takes `text` if it comes next. */
static bool accept(struct parser *p, const char *text) {
    size_t size = strlen(text);
    skip_spaces(p);
    if ((size_t)(p->end - p->at) < size || memcmp(p->at, text, size) != 0)
        return false;
    p->at += size;
    return true;
}

static bool expect(struct parser *p, const char *text, const char *what) {
    return accept(p, text) || bad(p, what);
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static struct tenon_span word(struct parser *p) {
    skip_spaces(p);
    const char *from = p->at;
    while (p->at < p->end && is_word(*p->at))
        p->at++;
    return (struct tenon_span){(const uint8_t *)from, (size_t)(p->at - from)};
}

static bool word_is(struct tenon_span span, const char *text) {
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

static bool integer(struct parser *p, int64_t low, int64_t high, int64_t *out) {
    skip_spaces(p);
    bool negative = p->at < p->end && *p->at == '-';
    const char *digit = p->at + (negative ? 1 : 0), *from = digit;
    int64_t value = 0;
    for (; digit < p->end && *digit >= '0' && *digit <= '9'; digit++) {
        if (value > INT64_C(100000000000))
            return bad(p, "a number is out of range");
        value = value * 10 + (*digit - '0');
    }
    if (digit == from)
        return bad(p, "a number is missing");
    *out = negative ? -value : value;
    if (*out < low || *out > high)
        return bad(p, "a number is out of range");
    p->at = digit;
    return true;
}

static bool real(struct parser *p, float *out) {
    char text[48];
    size_t size = 0;
    skip_spaces(p);
    while (p->at + size < p->end && size + 1 < sizeof(text) &&
           strchr("+-.0123456789abcdefinxp", p->at[size]) != NULL && p->at[size] != '\0')
        size++;
    memcpy(text, p->at, size);
    text[size] = '\0';
    char *stop;
    *out = strtof(text, &stop);
    if (size == 0 || *stop != '\0')
        return bad(p, "a real number is missing");
    p->at += size;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_byte(const struct parser *p, const char *at, uint8_t *out) {
    if (p->end - at < 2 || hex_digit(at[0]) < 0 || hex_digit(at[1]) < 0)
        return false;
    *out = (uint8_t)(hex_digit(at[0]) << 4 | hex_digit(at[1]));
    return true;
}

/* A quoted string, with \xx for bytes that cannot stand in it. */
static bool string(struct parser *p, const char **out) {
    if (!expect(p, "\"", "a quoted name is missing"))
        return false;
    const char *close = p->at;
    while (close < p->end && *close != '"' && *close != '\n')
        close++;
    if (close == p->end || *close != '"')
        return bad(p, "a quoted name has no end");
    char *text = tenon_arena_alloc(p->arena, (size_t)(close - p->at) + 1);
    if (text == NULL)
        return no_memory(p);
    size_t size = 0;
    while (p->at < close) {
        uint8_t byte = (uint8_t)*p->at++;
        if (byte == '\\') {
            if (!hex_byte(p, p->at, &byte) || byte == 0)
                return bad(p, "a backslash needs two hexadecimal digits");
            p->at += 2;
        }
        text[size++] = (char)byte;
    }
    p->at++;
    *out = text;
    return true;
}

static bool line_end(struct parser *p) {
    return expect(p, "\n", "something stands behind the end of the statement");
}

/* ---- descriptions ---- */

static bool parse_shape(struct parser *p, struct tenon_shape *shape) {
    int64_t size;
    *shape = (struct tenon_shape){0};
    if (accept(p, "scalar"))
        return true;
    do {
        if (shape->rank == TENON_MAX_RANK)
            return bad(p, "a rank above 8");
        if (!integer(p, 0, INT32_MAX, &size))
            return false;
        shape->dims[shape->rank++] = (int32_t)size;
    } while (p->at < p->end && *p->at == 'x' && p->at++ != NULL);
    return true;
}

/* Counts the commas up to the closing bracket, to know how much room a list needs. */
static size_t list_room(const struct parser *p) {
    size_t count = 1;
    for (const char *c = p->at; c < p->end && *c != ']' && *c != '\n'; c++)
        count += *c == ',';
    return count;
}

static bool parse_quant(struct parser *p, struct tenon_quant *quant) {
    int64_t value;
    if (!accept(p, "scale ["))
        return true;
    size_t room = list_room(p), count = 0;
    float *scale = tenon_arena_alloc_array(p->arena, room, sizeof(*scale));
    int32_t *zero = tenon_arena_alloc_array(p->arena, room, sizeof(*zero));
    if (scale == NULL || zero == NULL)
        return no_memory(p);
    do {
        if (count == room || !real(p, &scale[count++]))
            return bad(p, "a list of scales");
    } while (accept(p, ","));
    if (!expect(p, "] zero [", "zero points are missing"))
        return false;
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && !expect(p, ",", "too few zero points")) ||
            !integer(p, INT32_MIN, INT32_MAX, &value))
            return false;
        zero[i] = (int32_t)value;
    }
    if (!expect(p, "] axis", "the axis is missing") || !integer(p, 0, TENON_MAX_RANK, &value))
        return false;
    *quant = (struct tenon_quant){(uint32_t)count, (int32_t)value, scale, zero};
    return true;
}

static bool parse_desc(struct parser *p, struct tenon_desc *desc) {
    size_t bytes;
    *desc = (struct tenon_desc){0};
    struct tenon_span type = word(p);
    desc->type = tenon_type_parse((const char *)type.data, type.size);
    if (desc->type == TENON_TYPE_NONE)
        return bad_at(p, type.data, "an element type is missing");
    skip_spaces(p);
    const char *shape = p->at;
    if (!parse_shape(p, &desc->shape))
        return false;
    if (!tenon_desc_bytes(desc, &bytes))
        return bad_at(p, shape, "a shape with too many elements");
    return parse_quant(p, &desc->quant);
}

static bool parse_hex(struct parser *p, size_t size, const uint8_t **out) {
    skip_spaces(p);
    if ((size_t)(p->end - p->at) / 2 < size)
        return bad(p, "the constant has too few bytes");
    uint8_t *data = tenon_arena_alloc(p->arena, size);
    if (data == NULL)
        return no_memory(p);
    for (size_t i = 0; i < size; i++, p->at += 2)
        if (!hex_byte(p, p->at, &data[i]))
            return bad(p, "the constant has too few bytes, or no hexadecimal digits");
    *out = data;
    return true;
}

/* ---- tensors ---- */

static bool tensor_id(struct parser *p, uint32_t *id) {
    int64_t value;
    if (!expect(p, "%", "a tensor is missing") ||
        !integer(p, 0, (int64_t)p->graph->tensor_count - 1, &value))
        return false;
    *id = (uint32_t)value;
    return true;
}

static bool known_tensor(struct parser *p, uint32_t *id) {
    skip_spaces(p);
    const char *start = p->at;
    return tensor_id(p, id) &&
           (p->defined[*id] || bad_at(p, start, "a tensor that is not defined above"));
}

static bool new_tensor(struct parser *p, uint32_t *id, struct tenon_tensor *tensor) {
    *tensor = (struct tenon_tensor){.producer = TENON_ID_NONE, .source = TENON_ID_NONE};
    skip_spaces(p);
    const char *start = p->at;
    return tensor_id(p, id) &&
           (!p->defined[*id] || bad_at(p, start, "a tensor is defined twice")) &&
           string(p, &tensor->name);
}

static void define(struct parser *p, uint32_t id, const struct tenon_tensor *tensor) {
    p->defined[id] = true;
    p->graph->tensors[id] = *tensor;
}

static bool parse_leaf(struct parser *p, uint32_t id, struct tenon_tensor *tensor) {
    if (accept(p, "input "))
        tensor->kind = TENON_TENSOR_INPUT;
    else if (accept(p, "variable "))
        tensor->kind = TENON_TENSOR_VARIABLE;
    else if (accept(p, "constant "))
        tensor->kind = TENON_TENSOR_CONSTANT;
    else
        return bad(p, "input, constant, variable or a result is missing");
    if (!parse_desc(p, &tensor->desc))
        return false;
    if (tensor->kind == TENON_TENSOR_CONSTANT &&
        (!expect(p, "hex", "the constant has no data") ||
         !parse_hex(p, tenon_desc_size(&tensor->desc), &tensor->data)))
        return false;
    define(p, id, tensor);
    return line_end(p);
}

/* ---- nodes ---- */

static bool parse_list(struct parser *p, struct tenon_list *list) {
    int64_t value;
    if (!expect(p, "[", "a list is missing"))
        return false;
    if (accept(p, "]"))
        return true;
    do {
        if (list->count == TENON_LIST_MAX)
            return bad(p, "a list is too long");
        if (!integer(p, INT32_MIN, INT32_MAX, &value))
            return false;
        list->values[list->count++] = (int32_t)value;
    } while (accept(p, ","));
    return expect(p, "]", "a list has no end");
}

static bool parse_activation(struct parser *p, int32_t *out) {
    struct tenon_span name = word(p);
    for (int i = 0; i < TENON_ACTIVATION_COUNT; i++)
        if (word_is(name, tenon_activation_text((enum tenon_activation)i))) {
            *out = i;
            return true;
        }
    return bad_at(p, name.data, "an unknown activation");
}

static bool parse_attr_value(struct parser *p, const struct tenon_attr_info *info, void *field) {
    int64_t value = 0;
    switch (info->kind) {
    case TENON_ATTR_LIST:
        return parse_list(p, field);
    case TENON_ATTR_F32:
        return real(p, field);
    case TENON_ATTR_ACTIVATION:
        return parse_activation(p, field);
    case TENON_ATTR_BOOL:
        *(int32_t *)field = 1;
        return expect(p, "true", "only true can be said of it");
    case TENON_ATTR_I32:
        break;
    }
    if (!integer(p, INT32_MIN, INT32_MAX, &value))
        return false;
    *(int32_t *)field = (int32_t)value;
    return true;
}

static bool parse_attrs(struct parser *p, enum tenon_op op, struct tenon_attrs *attrs) {
    uint64_t allowed = tenon_op_get_info(op)->attrs;
    if (!expect(p, "{", "attributes are missing"))
        return false;
    if (accept(p, "}"))
        return true;
    do {
        struct tenon_span name = word(p);
        int found = -1;
        for (int i = 0; i < TENON_ATTR_COUNT; i++)
            if ((allowed >> i & 1) != 0 && word_is(name, tenon_attr_table[i].name))
                found = i;
        if (found < 0)
            return bad_at(p, name.data, "the operator has no such attribute");
        allowed &= ~(UINT64_C(1) << found); /* once only */
        if (!expect(p, "=", "a value is missing") ||
            !parse_attr_value(p, &tenon_attr_table[found],
                              (char *)attrs + tenon_attr_table[found].offset))
            return false;
    } while (accept(p, ","));
    return expect(p, "}", "attributes have no end");
}

static bool parse_rounding(struct parser *p, enum tenon_rounding *out) {
    static const char *const names[] = {"none", "double", "single", "f32"};
    struct tenon_span name = word(p);
    for (int i = 0; i < 4; i++)
        if (word_is(name, names[i])) {
            *out = (enum tenon_rounding)i;
            return true;
        }
    return bad_at(p, name.data, "a rounding rule (none, double, single, f32) is missing");
}

static bool parse_inputs(struct parser *p, uint32_t **ids, uint32_t *count) {
    size_t room = 1;
    for (const char *c = p->at; c < p->end && *c != ')' && *c != '\n'; c++)
        room += *c == ',';
    *ids = tenon_arena_alloc_array(p->arena, room, sizeof(**ids));
    *count = 0;
    if (*ids == NULL)
        return no_memory(p);
    if (!expect(p, "(", "operands are missing"))
        return false;
    if (accept(p, ")"))
        return true;
    do {
        uint32_t *id = &(*ids)[*count];
        if (accept(p, "_"))
            *id = TENON_ID_NONE;
        else if (!known_tensor(p, id))
            return false;
        ++*count;
    } while (*count < room && accept(p, ","));
    return expect(p, ")", "operands have no end");
}

/* The results before "=", the first of which is read already. */
static bool parse_results(struct parser *p, uint32_t first, struct tenon_tensor *tensor,
                          uint32_t **ids, uint32_t *count) {
    size_t room = 1;
    for (const char *c = p->at; c < p->end && *c != '\n'; c++)
        room += *c == '%';
    *ids = tenon_arena_alloc_array(p->arena, room, sizeof(**ids));
    if (*ids == NULL)
        return no_memory(p);
    *count = 0;
    uint32_t id = first;
    for (;;) {
        tensor->kind = TENON_TENSOR_RESULT;
        if (!parse_desc(p, &tensor->desc))
            return false;
        define(p, id, tensor);
        (*ids)[(*count)++] = id;
        if (!accept(p, ","))
            return expect(p, "=", "an operator is missing");
        if (*count == room || !new_tensor(p, &id, tensor))
            return bad(p, "a result is missing");
    }
}

static bool parse_node(struct parser *p, uint32_t first, struct tenon_tensor *tensor) {
    uint32_t *inputs, *outputs, input_count, output_count;
    struct tenon_attrs attrs = {0};
    enum tenon_rounding rounding;
    const char *name;
    if (!parse_results(p, first, tensor, &outputs, &output_count))
        return false;
    struct tenon_span op_name = word(p);
    enum tenon_op op = tenon_op_parse((const char *)op_name.data, op_name.size);
    if (op == TENON_OP_COUNT)
        return bad_at(p, op_name.data, "an unknown operator");
    if (!string(p, &name) || !parse_rounding(p, &rounding) ||
        !parse_inputs(p, &inputs, &input_count) || !parse_attrs(p, op, &attrs))
        return false;
    struct tenon_error error = {.message = ""};
    enum tenon_status status =
        tenon_graph_add_node(p->graph, op, rounding, name, &attrs, inputs, input_count, outputs,
                             output_count, NULL, &error);
    if (status != TENON_OK) {
        p->at = (const char *)op_name.data;
        return fail(p, status, error.message);
    }
    return line_end(p);
}

static bool parse_tensor_line(struct parser *p) {
    uint32_t id;
    struct tenon_tensor tensor;
    if (!new_tensor(p, &id, &tensor))
        return false;
    return accept(p, "=") ? parse_leaf(p, id, &tensor) : parse_node(p, id, &tensor);
}

/* ---- the whole ---- */

/* Definitions are "%N "name"": there are as many tensors as such places outside of strings. */
static uint32_t count_definitions(const struct parser *p) {
    uint32_t count = 0;
    bool quoted = false;
    for (const char *c = p->start; c + 2 < p->end; c++) {
        if (*c == '"' || *c == '\n')
            quoted = *c == '"' && !quoted;
        if (*c != '%' || quoted)
            continue;
        const char *digit = c + 1;
        while (digit < p->end && *digit >= '0' && *digit <= '9')
            digit++;
        count += digit > c + 1 && p->end - digit > 1 && digit[0] == ' ' && digit[1] == '"';
    }
    return count;
}

static bool parse_border(struct parser *p, bool inputs) {
    size_t room = 1;
    uint32_t count = 0;
    for (const char *c = p->at; c < p->end && *c != '\n'; c++)
        room += *c == ',';
    uint32_t *ids = tenon_arena_alloc_array(p->arena, room, sizeof(*ids));
    if (ids == NULL)
        return no_memory(p);
    skip_spaces(p);
    while (p->at < p->end && *p->at != '\n') {
        if ((count > 0 && !expect(p, ",", "a comma is missing")) || count == room ||
            !known_tensor(p, &ids[count++]))
            return bad(p, "a list of tensors");
        skip_spaces(p);
    }
    bool ok = inputs ? tenon_graph_set_inputs(p->graph, ids, count)
                     : tenon_graph_set_outputs(p->graph, ids, count);
    return ok ? line_end(p) : no_memory(p);
}

static bool parse_all(struct parser *p) {
    if (!expect(p, "tenon 1\n", "the text does not start with \"tenon 1\"") ||
        !expect(p, "graph", "the graph's name is missing") || !string(p, &p->graph->name) ||
        !string(p, &p->graph->description) || !line_end(p))
        return false;
    uint32_t count = count_definitions(p);
    p->graph->tensors = tenon_arena_alloc_array(p->arena, count, sizeof(*p->graph->tensors));
    p->defined = tenon_arena_alloc_array(p->arena, count, sizeof(*p->defined));
    if (p->graph->tensors == NULL || p->defined == NULL)
        return no_memory(p);
    p->graph->tensor_count = p->graph->tensor_capacity = count;
    for (uint32_t i = 0; i < count; i++)
        p->graph->tensors[i] = (struct tenon_tensor){
            .name = "", .kind = TENON_TENSOR_RESULT, .producer = TENON_ID_NONE};
    while (p->at < p->end && *p->at == '%')
        if (!parse_tensor_line(p))
            return false;
    if (!expect(p, "inputs", "the graph's inputs are missing") || !parse_border(p, true) ||
        !expect(p, "outputs", "the graph's outputs are missing") || !parse_border(p, false))
        return false;
    return p->at == p->end || bad(p, "something stands behind the outputs");
}

enum tenon_status tenon_ir_parse(struct tenon_span text, struct tenon_arena *arena,
                                 struct tenon_graph *graph, struct tenon_error *error) {
    const char *start = (const char *)text.data;
    struct parser p = {.at = start,
                       .end = start + text.size,
                       .start = start,
                       .arena = arena,
                       .graph = graph,
                       .error = error};
    tenon_graph_init(graph, arena);
    locale_t own = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* strtof heeds the thread's */
    if (own == (locale_t)0)
        return tenon_fail_memory(error);
    locale_t before = uselocale(own);
    bool parsed = parse_all(&p);
    uselocale(before);
    freelocale(own);
    return parsed ? tenon_graph_verify(graph, error) : p.status;
}
