/* The printer of the text form. Floats print with nine digits, which read back to the same bits. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "ir/text.h"

static void print_string(struct tenon_strbuf *buf, const char *text) {
    tenon_strbuf_puts(buf, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p != 0; p++) {
        if (*p == '"' || *p == '\\' || *p < 0x20 || *p == 0x7f)
            tenon_strbuf_printf(buf, "\\%02x", *p);
        else
            tenon_strbuf_append(buf, p, 1);
    }
    tenon_strbuf_puts(buf, "\"");
}

static void print_shape(const struct tenon_shape *shape, struct tenon_strbuf *buf) {
    char text[TENON_SHAPE_TEXT_BYTES];
    tenon_strbuf_puts(buf, tenon_shape_text(shape, text));
}

/* With a point, whatever the locale says. */
static void print_real(float value, struct tenon_strbuf *buf) {
    char text[32];
    snprintf(text, sizeof(text), "%.9g", (double)value);
    const char *point = localeconv()->decimal_point;
    char *found = *point != '\0' ? strstr(text, point) : NULL;
    if (found != NULL) {
        tenon_strbuf_append(buf, text, (size_t)(found - text));
        tenon_strbuf_puts(buf, ".");
        tenon_strbuf_puts(buf, found + strlen(point));
    } else {
        tenon_strbuf_puts(buf, text);
    }
}

static void print_quant(const struct tenon_quant *quant, struct tenon_strbuf *buf) {
    if (quant->count == 0)
        return;
    tenon_strbuf_puts(buf, " scale [");
    for (uint32_t i = 0; i < quant->count; i++) {
        tenon_strbuf_puts(buf, i == 0 ? "" : ", ");
        print_real(quant->scale[i], buf);
    }
    tenon_strbuf_puts(buf, "] zero [");
    for (uint32_t i = 0; i < quant->count; i++)
        tenon_strbuf_printf(buf, i == 0 ? "%d" : ", %d", quant->zero_point[i]);
    tenon_strbuf_printf(buf, "] axis %d", quant->axis);
}

static void print_desc(const struct tenon_desc *desc, struct tenon_strbuf *buf) {
    tenon_strbuf_printf(buf, "%s ", tenon_type_text(desc->type));
    print_shape(&desc->shape, buf);
    print_quant(&desc->quant, buf);
}

static void print_hex(const uint8_t *data, size_t size, struct tenon_strbuf *buf) {
    static const char digits[] = "0123456789abcdef";
    enum { CHUNK = 256 };
    char text[2 * CHUNK];
    while (size != 0) {
        size_t count = size < CHUNK ? size : CHUNK;
        for (size_t i = 0; i < count; i++) {
            text[2 * i] = digits[data[i] >> 4];
            text[2 * i + 1] = digits[data[i] & 15];
        }
        tenon_strbuf_append(buf, text, 2 * count);
        data += count;
        size -= count;
    }
}

static bool print_attr(const struct tenon_attr_info *info, const void *field, bool first,
                       struct tenon_strbuf *buf) {
    static const struct tenon_list empty;
    size_t size = info->kind == TENON_ATTR_LIST ? sizeof(empty) : sizeof(int32_t);
    if (memcmp(field, &empty, size) == 0)
        return false;
    tenon_strbuf_printf(buf, first ? "%s=" : ", %s=", info->name);
    const struct tenon_list *list = field;
    float real;
    switch (info->kind) {
    case TENON_ATTR_I32:
        tenon_strbuf_printf(buf, "%d", *(const int32_t *)field);
        break;
    case TENON_ATTR_BOOL:
        tenon_strbuf_puts(buf, *(const int32_t *)field != 0 ? "true" : "false");
        break;
    case TENON_ATTR_F32:
        memcpy(&real, field, sizeof(real));
        print_real(real, buf);
        break;
    case TENON_ATTR_ACTIVATION:
        tenon_strbuf_puts(buf, tenon_activation_text(*(const enum tenon_activation *)field));
        break;
    case TENON_ATTR_LIST:
        tenon_strbuf_puts(buf, "[");
        for (int i = 0; i < list->count; i++)
            tenon_strbuf_printf(buf, i == 0 ? "%d" : ",%d", list->values[i]);
        tenon_strbuf_puts(buf, "]");
        break;
    }
    return true;
}

void tenon_ir_print_attrs(const struct tenon_node *node, struct tenon_strbuf *buf) {
    uint64_t mask = tenon_op_get_info(node->op)->attrs;
    bool first = true;
    for (int i = 0; i < TENON_ATTR_COUNT; i++)
        if ((mask >> i & 1) != 0 &&
            print_attr(&tenon_attr_table[i],
                       (const char *)&node->attrs + tenon_attr_table[i].offset, first, buf))
            first = false;
}

static void print_leaf(const struct tenon_graph *graph, uint32_t id, struct tenon_strbuf *buf) {
    static const char *const kinds[] = {[TENON_TENSOR_INPUT] = "input",
                                        [TENON_TENSOR_CONSTANT] = "constant",
                                        [TENON_TENSOR_VARIABLE] = "variable"};
    const struct tenon_tensor *tensor = &graph->tensors[id];
    tenon_strbuf_printf(buf, "%%%u ", id);
    print_string(buf, tensor->name);
    tenon_strbuf_printf(buf, " = %s ", kinds[tensor->kind]);
    print_desc(&tensor->desc, buf);
    if (tensor->kind == TENON_TENSOR_CONSTANT) {
        tenon_strbuf_puts(buf, " hex ");
        print_hex(tensor->data, tenon_desc_size(&tensor->desc), buf);
    }
    tenon_strbuf_puts(buf, "\n");
}

static const char *rounding_text(enum tenon_rounding rounding) {
    static const char *const names[] = {"none", "double", "single", "f32"};
    return names[rounding];
}

static void print_node(const struct tenon_graph *graph, const struct tenon_node *node,
                       struct tenon_strbuf *buf) {
    for (uint32_t i = 0; i < node->output_count; i++) {
        const struct tenon_tensor *tensor = &graph->tensors[node->outputs[i]];
        tenon_strbuf_printf(buf, i == 0 ? "%%%u " : ", %%%u ", node->outputs[i]);
        print_string(buf, tensor->name);
        tenon_strbuf_puts(buf, " ");
        print_desc(&tensor->desc, buf);
    }
    tenon_strbuf_printf(buf, " = %s ", tenon_op_get_info(node->op)->name);
    print_string(buf, node->name);
    tenon_strbuf_printf(buf, " %s (", rounding_text(node->rounding));
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] == TENON_ID_NONE)
            tenon_strbuf_puts(buf, i == 0 ? "_" : ", _");
        else
            tenon_strbuf_printf(buf, i == 0 ? "%%%u" : ", %%%u", node->inputs[i]);
    }
    tenon_strbuf_puts(buf, ") {");
    tenon_ir_print_attrs(node, buf);
    tenon_strbuf_puts(buf, "}\n");
}

static void print_ids(const char *word, const uint32_t *ids, uint32_t count,
                      struct tenon_strbuf *buf) {
    tenon_strbuf_puts(buf, word);
    for (uint32_t i = 0; i < count; i++)
        tenon_strbuf_printf(buf, i == 0 ? " %%%u" : ", %%%u", ids[i]);
    tenon_strbuf_puts(buf, "\n");
}

void tenon_ir_print(const struct tenon_graph *graph, struct tenon_strbuf *buf) {
    tenon_strbuf_puts(buf, "tenon 1\ngraph ");
    print_string(buf, graph->name);
    tenon_strbuf_puts(buf, " ");
    print_string(buf, graph->description);
    tenon_strbuf_puts(buf, "\n");
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].kind != TENON_TENSOR_RESULT)
            print_leaf(graph, i, buf);
    for (uint32_t i = 0; i < graph->node_count; i++)
        print_node(graph, &graph->nodes[i], buf);
    print_ids("inputs", graph->inputs, graph->input_count, buf);
    print_ids("outputs", graph->outputs, graph->output_count, buf);
}
