/* tenon info: what is in a model, or in a saved program. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "machine.h"
#include "placement.h"
#include "report.h"

struct info_options {
    struct machine_options machine;
    bool ir, dot, json;
};

static const struct option options[] = {
    {0, "ir", OPTION_FLAG, NULL, offsetof(struct info_options, ir), 0, 0,
     "print the complete text form, which .tir files hold"},
    {0, "dot", OPTION_FLAG, NULL, offsetof(struct info_options, dot), 0, 0,
     "print the graph for Graphviz"},
    {0, "json", OPTION_FLAG, NULL, offsetof(struct info_options, json), 0, 0, "print JSON"},
    MACHINE_OPTION_ROUNDING(struct info_options),
};

static void print_tensor(const char *what, uint32_t index, const struct tenon_tensor_info *info) {
    char shape[SHAPE_BYTES], quantization[SHAPE_BYTES], name[NAME_BYTES];
    tool_quantization_text(info, quantization);
    printf("%s %" PRIu32 "  '%s' %s%s%s\n", what, index, tool_name_text(info->name, name),
           tool_shape_text(info, shape), quantization[0] != '\0' ? ", " : "", quantization);
}

static const char *rounding_name(enum tenon_rounding rounding) {
    static const char *const names[] = {"none", "double", "single", "f32"};
    return (size_t)rounding < sizeof(names) / sizeof(names[0]) ? names[rounding] : "?";
}

/* What one session needs on the CPU: the planned arena is smaller than the sum of activations. */
static void print_planned(const char *path, const struct tenon_model *model) {
    struct tenon_program *program;
    struct tenon_program_memory memory;
    struct tenon_error error;
    char image[FIGURE_BYTES], scratch[FIGURE_BYTES];
    if (tenon_compile(model, NULL, &program, &error) != TENON_OK) {
        tool_warn("%s does not compile for cpu: %s", path, error.message);
        return;
    }
    tenon_program_get_memory(program, &memory);
    printf("compiled  for cpu: %s, %s of working memory\n",
           tool_figure_bytes(memory.image_bytes, image),
           tool_figure_bytes(memory.scratch_bytes, scratch));
    tenon_program_unref(program);
}

static void print_head(const struct tenon_model *model, const char *path) {
    struct tenon_model_info info;
    struct tenon_tensor_info tensor;
    char macs[FIGURE_BYTES], constants[FIGURE_BYTES], activations[FIGURE_BYTES];
    char description[NAME_BYTES];
    tenon_model_get_info(model, &info);
    printf("model     %s%s%s\n", path, info.description[0] != '\0' ? ": " : "",
           tool_name_text(info.description, description));
    for (uint32_t i = 0; i < info.input_count; i++)
        if (tenon_model_input(model, i, &tensor) == TENON_OK)
            print_tensor("input", i, &tensor);
    for (uint32_t i = 0; i < info.output_count; i++)
        if (tenon_model_output(model, i, &tensor) == TENON_OK)
            print_tensor("output", i, &tensor);
    printf("graph     %" PRIu32 " nodes, %" PRIu32 " tensors, %s MACs\n", info.node_count,
           info.tensor_count, tool_figure_count(info.macs, macs));
    printf("memory    %s of constants, %s of activations without reuse\n",
           tool_figure_bytes(info.constant_bytes, constants),
           tool_figure_bytes(info.activation_bytes, activations));
    print_planned(path, model);
}

static void print_nodes(const struct tenon_model *model) {
    struct tenon_model_info info;
    struct tenon_node_info node;
    struct tenon_tensor_info tensor;
    char macs[FIGURE_BYTES], shape[SHAPE_BYTES];
    tenon_model_get_info(model, &info);
    printf("\n%4s  %-24s %8s  %-8s %-26s %s\n", "node", "operator", "MACs", "rounding", "output",
           "attributes");
    for (uint32_t i = 0; i < info.node_count; i++) {
        if (tenon_model_node(model, i, &node) != TENON_OK)
            continue;
        bool known = node.output_count > 0 &&
                     tenon_model_tensor(model, node.outputs[0], &tensor) == TENON_OK;
        printf("%4" PRIu32 "  %-24s %8s  %-8s %-26s %s\n", i, node.op,
               node.macs > 0 ? tool_figure_count(node.macs, macs) : "",
               rounding_name(node.rounding), known ? tool_shape_text(&tensor, shape) : "",
               node.attributes);
    }
}

/* The string in double quotes, for dot. */
static void print_quoted(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if ((unsigned char)*text >= ' ')
            putchar(*text);
    }
    putchar('"');
}

static void dot_border(const struct tenon_tensor_info *info, const char *kind, uint32_t index) {
    printf("  %s%" PRIu32 " [shape=ellipse, label=", kind, index);
    print_quoted(info->name[0] != '\0' ? info->name : kind);
    printf("];\n");
}

/* An edge per tensor that a node reads from another; constants are left out. */
static void dot_node(const struct tenon_model *model, uint32_t index, uint32_t *producers) {
    struct tenon_node_info node;
    struct tenon_tensor_info tensor;
    char shape[SHAPE_BYTES];
    if (tenon_model_node(model, index, &node) != TENON_OK)
        return;
    printf("  n%" PRIu32 " [label=", index);
    print_quoted(node.op);
    printf("];\n");
    for (uint32_t i = 0; i < node.input_count; i++) {
        uint32_t id = node.inputs[i];
        if (id == TENON_NO_INDEX || producers[id] == TENON_NO_INDEX ||
            tenon_model_tensor(model, id, &tensor) != TENON_OK)
            continue;
        printf("  n%" PRIu32 " -> n%" PRIu32 " [label=\"%s\"];\n", producers[id], index,
               tool_shape_text(&tensor, shape));
    }
    for (uint32_t i = 0; i < node.output_count; i++)
        producers[node.outputs[i]] = index;
}

static bool names_tensor(const struct tenon_model *model, uint32_t id, const char *name) {
    struct tenon_tensor_info tensor;
    return tenon_model_tensor(model, id, &tensor) == TENON_OK && strcmp(tensor.name, name) == 0;
}

/* The model describes inputs and outputs: the tensor is the one with the same name. */
static void dot_input(const struct tenon_model *model, uint32_t nodes, uint32_t index) {
    struct tenon_tensor_info border;
    struct tenon_node_info node;
    if (tenon_model_input(model, index, &border) != TENON_OK)
        return;
    dot_border(&border, "input", index);
    for (uint32_t n = 0; n < nodes && tenon_model_node(model, n, &node) == TENON_OK; n++)
        for (uint32_t i = 0; i < node.input_count; i++)
            if (names_tensor(model, node.inputs[i], border.name))
                printf("  input%" PRIu32 " -> n%" PRIu32 ";\n", index, n);
}

static void dot_output(const struct tenon_model *model, uint32_t nodes, uint32_t index) {
    struct tenon_tensor_info border;
    struct tenon_node_info node;
    if (tenon_model_output(model, index, &border) != TENON_OK)
        return;
    dot_border(&border, "output", index);
    for (uint32_t n = 0; n < nodes && tenon_model_node(model, n, &node) == TENON_OK; n++)
        for (uint32_t i = 0; i < node.output_count; i++)
            if (names_tensor(model, node.outputs[i], border.name))
                printf("  n%" PRIu32 " -> output%" PRIu32 ";\n", n, index);
}

static int print_dot(const struct tenon_model *model) {
    struct tenon_model_info info;
    tenon_model_get_info(model, &info);
    uint32_t *producers = malloc((info.tensor_count + (size_t)1) * sizeof(*producers));
    if (producers == NULL)
        return tool_complain_memory();
    for (uint32_t i = 0; i < info.tensor_count; i++)
        producers[i] = TENON_NO_INDEX;
    printf("digraph model {\n  node [shape=box];\n");
    for (uint32_t i = 0; i < info.node_count; i++)
        dot_node(model, i, producers);
    for (uint32_t i = 0; i < info.input_count; i++)
        dot_input(model, info.node_count, i);
    for (uint32_t i = 0; i < info.output_count; i++)
        dot_output(model, info.node_count, i);
    printf("}\n");
    free(producers);
    return EXIT_OK;
}

static json_t *json_indices(const uint32_t *indices, uint32_t count) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        tool_json_append(&list, indices[i] == TENON_NO_INDEX
                                    ? json_null()
                                    : json_integer((json_int_t)indices[i]));
    return list;
}

static json_t *json_node(const struct tenon_node_info *node) {
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:s, s:I, s:s}", "op", node->op, "name", tool_json_text(node->name),
        "inputs", json_indices(node->inputs, node->input_count), "outputs",
        json_indices(node->outputs, node->output_count), "rounding", rounding_name(node->rounding),
        "macs", (json_int_t)node->macs, "attributes", node->attributes);
}

static json_t *json_model(const struct tenon_model *model) {
    struct tenon_model_info info;
    struct tenon_tensor_info tensor;
    struct tenon_node_info node;
    json_t *inputs = json_array(), *outputs = json_array(), *tensors = json_array();
    json_t *nodes = json_array();
    tenon_model_get_info(model, &info);
    for (uint32_t i = 0; i < info.input_count; i++)
        if (tenon_model_input(model, i, &tensor) == TENON_OK)
            tool_json_append(&inputs, tool_json_tensor(&tensor));
    for (uint32_t i = 0; i < info.output_count; i++)
        if (tenon_model_output(model, i, &tensor) == TENON_OK)
            tool_json_append(&outputs, tool_json_tensor(&tensor));
    for (uint32_t i = 0; i < info.tensor_count; i++)
        if (tenon_model_tensor(model, i, &tensor) == TENON_OK)
            tool_json_append(&tensors, tool_json_tensor(&tensor));
    for (uint32_t i = 0; i < info.node_count; i++)
        if (tenon_model_node(model, i, &node) == TENON_OK)
            tool_json_append(&nodes, json_node(&node));
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "name",
                     tool_json_text(info.name), "description", tool_json_text(info.description),
                     "macs", (json_int_t)info.macs, "constant_bytes",
                     (json_int_t)info.constant_bytes, "activation_bytes",
                     (json_int_t)info.activation_bytes, "inputs", inputs, "outputs", outputs,
                     "tensors", tensors, "nodes", nodes);
}

static int print_ir(const char *path, const struct tenon_model *model) {
    char *text;
    struct tenon_error error = {0};
    if (tenon_model_print(model, &text, &error) != TENON_OK)
        return tool_complain_error(path, &error);
    fputs(text, stdout);
    tenon_text_free(text);
    return EXIT_OK;
}

static int info_model(const char *path, const struct info_options *info) {
    struct tenon_model *model;
    int result = machine_open_model(path, &info->machine, &model);
    if (result == EXIT_OK && info->ir)
        result = print_ir(path, model);
    else if (result == EXIT_OK && info->dot)
        result = print_dot(model);
    else if (result == EXIT_OK && info->json)
        result = tool_json_print(json_model(model));
    else if (result == EXIT_OK) {
        print_head(model, path);
        print_nodes(model);
    }
    tenon_model_destroy(model);
    return result;
}

static json_t *json_program(const struct tenon_program *program) {
    struct tenon_program_memory memory;
    struct tenon_tensor_info tensor;
    json_t *inputs = json_array(), *outputs = json_array();
    tenon_program_get_memory(program, &memory);
    for (uint32_t i = 0; i < tenon_program_input_count(program); i++)
        if (tenon_program_input(program, i, &tensor) == TENON_OK)
            tool_json_append(&inputs, tool_json_tensor(&tensor));
    for (uint32_t i = 0; i < tenon_program_output_count(program); i++)
        if (tenon_program_output(program, i, &tensor) == TENON_OK)
            tool_json_append(&outputs, tool_json_tensor(&tensor));
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "image_bytes",
                     (json_int_t)memory.image_bytes, "constant_bytes",
                     (json_int_t)memory.constant_bytes, "scratch_bytes",
                     (json_int_t)memory.scratch_bytes, "inputs", inputs, "outputs", outputs,
                     "nodes", placement_json(program, NULL));
}

static void print_placements(const struct tenon_program *program) {
    struct tenon_placement row;
    char macs[FIGURE_BYTES], name[NAME_BYTES];
    printf("\n%4s  %-24s %8s  %-10s %-20s %s\n", "node", "operator", "MACs", "device", "kernel",
           "name");
    for (uint32_t i = 0; i < tenon_program_node_count(program); i++)
        if (tenon_program_placement(program, i, &row) == TENON_OK)
            printf("%4" PRIu32 "  %-24s %8s  %-10s %-20s %s\n", i, row.op,
                   row.macs > 0 ? tool_figure_count(row.macs, macs) : "", row.device, row.kernel,
                   tool_name_text(row.node, name));
}

static void print_program(const struct tenon_program *program, const char *path) {
    struct tenon_program_memory memory;
    struct tenon_tensor_info tensor;
    char image[FIGURE_BYTES], constants[FIGURE_BYTES], scratch[FIGURE_BYTES];
    tenon_program_get_memory(program, &memory);
    printf("program   %s\n", path);
    for (uint32_t i = 0; i < tenon_program_input_count(program); i++)
        if (tenon_program_input(program, i, &tensor) == TENON_OK)
            print_tensor("input", i, &tensor);
    for (uint32_t i = 0; i < tenon_program_output_count(program); i++)
        if (tenon_program_output(program, i, &tensor) == TENON_OK)
            print_tensor("output", i, &tensor);
    printf("memory    %s in the file, %s of it constants, %s of working memory\n",
           tool_figure_bytes(memory.image_bytes, image),
           tool_figure_bytes(memory.constant_bytes, constants),
           tool_figure_bytes(memory.scratch_bytes, scratch));
    placement_print_summary(program);
    print_placements(program);
}

static int info_program(const char *path, const struct info_options *info) {
    struct tenon_program *program;
    if (info->ir || info->dot)
        return tool_complain(EXIT_USAGE,
                             "%s is a compiled program, which holds no graph; name the "
                             "model",
                             path);
    int result = machine_open_program(path, &info->machine, &program);
    if (result == EXIT_OK && info->json)
        result = tool_json_print(json_program(program));
    else if (result == EXIT_OK)
        print_program(program, path);
    tenon_program_unref(program);
    return result;
}

static int run(const struct command *command, int argc, char **argv) {
    struct info_options info = {0};
    const char *path;
    int result;
    if (!tool_command_parse(command, argc, argv, &info, &path, 1, &result))
        return result;
    if (info.ir + info.dot + info.json > 1)
        return tool_complain(EXIT_USAGE, "info: choose one of --ir, --dot, --json");
    return machine_is_program(path) ? info_program(path, &info) : info_model(path, &info);
}

const struct command command_info = {
    .name = "info",
    .summary = "show what is in a model or a program",
    .operands = "MODEL",
    .text = "Shows inputs and outputs with their types and quantization, multiply-accumulates,\n"
            "memory, and a table of the operators of MODEL. For a program that `tenon compile`\n"
            "saved: what it needs, and where each node runs.",
    .examples = "  tenon info mobilenet.tflite\n"
                "  tenon info --ir mobilenet.tflite > mobilenet.tir\n"
                "  tenon info --dot mobilenet.tflite | dot -Tsvg > mobilenet.svg\n"
                "  tenon info mobilenet.tnn\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
