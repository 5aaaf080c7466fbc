/* Operators compared one by one; see diff_nodes.h. */
#include "diff_nodes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "difference.h"
#include "element.h"
#include "report.h"

/* What one result, or all of one operator and device, came to. */
struct row {
    const char *op, *device;
    char node[NAME_BYTES];
    uint32_t index; /* of the node in the model; in a sum: how many nodes */
    size_t count, different, by_1;
    size_t beyond; /* what the tolerance, or a numerics class within 1, does not allow */
    double largest;
};

struct comparison {
    const struct tenon_model *model;
    const struct machine *first, *second;
    const struct diff_nodes_options *options;
    struct row *rows, *sums;
    uint32_t row_count, sum_count;
    bool *placed; /* per row of the second program's report: matched with a node */
};

static bool copy_tensor(const struct machine *first, uint32_t output, struct machine *second,
                        uint32_t input) {
    struct tenon_tensor_info from, to;
    if (tenon_program_output(first->program, output, &from) != TENON_OK ||
        tenon_program_input(second->program, input, &to) != TENON_OK ||
        !places_same_tensor(&from, &to))
        return false;
    memcpy(tenon_session_input_data(second->session, input),
           tenon_session_output_data(first->session, output), to.size_bytes);
    return true;
}

int diff_nodes_feed(const struct tenon_model *model, const struct machine *first,
                    struct machine *second) {
    struct tenon_model_info info;
    struct tenon_tensor_info input;
    tenon_model_get_info(model, &info);
    uint32_t kept = tenon_program_output_count(first->program) - info.output_count;
    bool same = tenon_program_input_count(second->program) == info.input_count + kept;
    for (uint32_t i = 0; same && i < info.input_count; i++) {
        same = tenon_program_input(second->program, i, &input) == TENON_OK;
        if (same)
            memcpy(tenon_session_input_data(second->session, i),
                   tenon_session_input_data(first->session, i), input.size_bytes);
    }
    for (uint32_t i = 0; same && i < kept; i++)
        same = copy_tensor(first, info.output_count + i, second, info.input_count + i);
    return same ? EXIT_OK : tool_complain(EXIT_ENVIRONMENT, "the devices keep different tensors");
}

/* Rows of the second program's report stand in another order than the model's nodes. */
static const char *find_device(struct comparison *c, const struct tenon_node_info *node) {
    struct tenon_placement placement;
    for (uint32_t i = 0; i < tenon_program_node_count(c->second->program); i++)
        if (!c->placed[i] &&
            tenon_program_placement(c->second->program, i, &placement) == TENON_OK &&
            strcmp(placement.node, node->name) == 0 && strcmp(placement.op, node->op) == 0) {
            c->placed[i] = true;
            return placement.device;
        }
    return "?";
}

static int compare(struct comparison *c, const struct place *place, struct row *row) {
    struct tenon_tensor_info info, other;
    struct tenon_node_info node;
    struct difference difference;
    if (tenon_model_node(c->model, place->node, &node) != TENON_OK ||
        tenon_program_output(c->first->program, place->output, &info) != TENON_OK ||
        tenon_program_output(c->second->program, place->output, &other) != TENON_OK ||
        !places_same_tensor(&info, &other))
        return tool_complain(EXIT_ENVIRONMENT,
                             "output %" PRIu32 " is not the same tensor on both devices",
                             place->output);
    difference_measure(&info, tenon_session_output_data(c->first->session, place->output),
                       tenon_session_output_data(c->second->session, place->output),
                       c->options->tolerance, &difference);
    bool is_float = element_is_float(info.type);
    size_t by_1 = is_float ? 0 : difference.buckets[0];
    *row = (struct row){.op = node.op,
                        .device = find_device(c, &node),
                        .index = place->node,
                        .count = difference.count,
                        .different = difference.different,
                        .by_1 = by_1,
                        .beyond = difference.beyond - (c->options->within_1 ? by_1 : 0),
                        .largest = difference.largest};
    tool_name_text(node.name[0] != '\0' ? node.name : info.name, row->node);
    return EXIT_OK;
}

static void add_to_sum(struct comparison *c, const struct row *row) {
    struct row *sum = c->sums;
    while (sum < c->sums + c->sum_count &&
           (strcmp(sum->op, row->op) != 0 || strcmp(sum->device, row->device) != 0))
        sum++;
    if (sum == c->sums + c->sum_count)
        c->sums[c->sum_count++] = (struct row){.op = row->op, .device = row->device};
    sum->index++;
    sum->count += row->count;
    sum->different += row->different;
    sum->by_1 += row->by_1;
    sum->beyond += row->beyond;
    if (row->largest > sum->largest)
        sum->largest = row->largest;
}

/* A tensor is the model's output and kept as well: it is compared once. */
static bool is_repeated(const struct place *places, uint32_t index, const struct machine *machine) {
    struct tenon_tensor_info info, other;
    if (index == 0 || places[index].node != places[index - 1].node)
        return false;
    return tenon_program_output(machine->program, places[index].output, &info) == TENON_OK &&
           tenon_program_output(machine->program, places[index - 1].output, &other) == TENON_OK &&
           places_same_tensor(&info, &other);
}

static int compare_all(struct comparison *c, const struct place *places) {
    int result = EXIT_OK;
    for (uint32_t i = 0; i < tenon_program_output_count(c->first->program); i++) {
        if (places[i].node == TENON_NO_INDEX || is_repeated(places, i, c->first))
            continue;
        result = compare(c, &places[i], &c->rows[c->row_count]);
        if (result != EXIT_OK)
            return result;
        add_to_sum(c, &c->rows[c->row_count++]);
    }
    return result;
}

static void print_row(const struct row *row, const char *name) {
    double share = row->count > 0 ? 100.0 * (double)row->different / (double)row->count : 0;
    printf("%5" PRIu32 "  %-20s %-16s %10zu %10zu %7.3f%% %10zu %9.4g  %s\n", row->index, row->op,
           row->device, row->count, row->different, share, row->by_1, row->largest, name);
}

static void print_text(const struct comparison *c) {
    static const char columns[] = "%5s  %-20s %-16s %10s %10s %8s %10s %9s  %s\n";
    printf(columns, "node", "operator", "device", "elements", "differ", "share", "by 1", "at most",
           "name");
    for (uint32_t i = 0; i < c->row_count; i++)
        print_row(&c->rows[i], c->rows[i].node);
    printf("\n");
    printf(columns, "nodes", "operator", "device", "elements", "differ", "share", "by 1", "at most",
           "");
    size_t different = 0, count = 0;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < c->sum_count; i++) {
        print_row(&c->sums[i], "");
        different += c->sums[i].different;
        count += c->sums[i].count;
    }
    for (uint32_t i = 0; i < c->row_count; i++)
        wrong += c->rows[i].beyond > 0;
    printf("\n%s: given the same inputs, %zu of %zu elements differ", wrong == 0 ? "fine" : "wrong",
           different, count);
    if (wrong > 0)
        printf(", by more than allowed in %" PRIu32 " of %" PRIu32 " results", wrong, c->row_count);
    printf("\n");
}

static json_t *row_json(const struct row *row, bool sum) {
    json_t *json = json_pack("{s:I, s:o, s:o, s:I, s:I, s:I, s:o}", sum ? "nodes" : "node",
                             (json_int_t)row->index, "op", tool_json_text(row->op), "device",
                             tool_json_text(row->device), "elements", (json_int_t)row->count,
                             "different", (json_int_t)row->different, "different_by_1",
                             (json_int_t)row->by_1, "largest", tool_json_number(row->largest));
    if (json != NULL && !sum)
        tool_json_set(&json, "name", tool_json_text(row->node));
    return json;
}

static json_t *rows_json(const struct row *rows, uint32_t count, bool sums) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        tool_json_append(&list, row_json(&rows[i], sums));
    return list;
}

static int print(const struct comparison *c) {
    int result = EXIT_OK;
    if (c->options->json)
        result = tool_json_print(json_pack("{s:o, s:o}", "nodes",
                                           rows_json(c->rows, c->row_count, false), "operators",
                                           rows_json(c->sums, c->sum_count, true)));
    else
        print_text(c);
    for (uint32_t i = 0; result == EXIT_OK && i < c->row_count; i++)
        if (c->rows[i].beyond > 0)
            result = EXIT_DIFFERENT;
    return result;
}

int diff_nodes(const struct tenon_model *model, const struct machine *first,
               const struct machine *second, const struct place *places,
               const struct diff_nodes_options *options) {
    struct comparison c = {.model = model, .first = first, .second = second, .options = options};
    size_t count = (size_t)tenon_program_output_count(first->program) + 1;
    c.rows = calloc(count, sizeof(*c.rows));
    c.sums = calloc(count, sizeof(*c.sums));
    c.placed = calloc((size_t)tenon_program_node_count(second->program) + 1, sizeof(*c.placed));
    int result = EXIT_OK;
    if (c.rows == NULL || c.sums == NULL || c.placed == NULL)
        result = tool_complain_memory();
    if (result == EXIT_OK)
        result = compare_all(&c, places);
    if (result == EXIT_OK)
        result = print(&c);
    free(c.rows);
    free(c.sums);
    free(c.placed);
    return result;
}
