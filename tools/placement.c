/* The partition report and the profile, for people and as JSON; see placement.h. */
#include "placement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* Nodes of one device and operator. */
struct tally {
    const char *device, *op;
    uint32_t nodes;
    uint64_t ns;
};

struct tallies {
    struct tally *items;
    size_t count;
};

static struct tally *find_tally(struct tallies *tallies, const char *device, const char *op) {
    for (size_t i = 0; i < tallies->count; i++)
        if (strcmp(tallies->items[i].device, device) == 0 && strcmp(tallies->items[i].op, op) == 0)
            return &tallies->items[i];
    tallies->items[tallies->count] = (struct tally){.device = device, .op = op};
    return &tallies->items[tallies->count++];
}

static int by_weight(const void *left, const void *right) {
    const struct tally *a = left, *b = right;
    if (a->ns != b->ns)
        return a->ns < b->ns ? 1 : -1;
    if (a->nodes != b->nodes)
        return a->nodes < b->nodes ? 1 : -1;
    return strcmp(a->op, b->op);
}

static bool tally(const struct tenon_program *program, const uint64_t *spent_ns,
                  struct tallies *out) {
    struct tenon_placement row;
    uint32_t nodes = tenon_program_node_count(program);
    *out = (struct tallies){.items = calloc(nodes > 0 ? nodes : 1, sizeof(*out->items))};
    if (out->items == NULL)
        return false;
    for (uint32_t i = 0; i < nodes; i++) {
        if (tenon_program_placement(program, i, &row) != TENON_OK)
            continue;
        struct tally *item = find_tally(out, row.device, row.op);
        item->nodes++;
        item->ns += spent_ns != NULL ? spent_ns[i] : 0;
    }
    qsort(out->items, out->count, sizeof(*out->items), by_weight);
    return true;
}

static void print_device(const struct tallies *tallies, size_t first) {
    const char *device = tallies->items[first].device;
    uint32_t nodes = 0;
    for (size_t i = first; i < tallies->count; i++)
        if (strcmp(tallies->items[i].device, device) == 0)
            nodes += tallies->items[i].nodes;
    printf("%s: %" PRIu32 " node%s (", device, nodes, nodes == 1 ? "" : "s");
    const char *separator = "";
    for (size_t i = first; i < tallies->count; i++) {
        if (strcmp(tallies->items[i].device, device) != 0)
            continue;
        printf("%s%s %" PRIu32, separator, tallies->items[i].op, tallies->items[i].nodes);
        separator = ", ";
    }
    printf(")\n");
}

static bool seen_before(const struct tallies *tallies, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (strcmp(tallies->items[i].device, tallies->items[index].device) == 0)
            return true;
    return false;
}

void placement_print_summary(const struct tenon_program *program) {
    struct tallies tallies;
    if (!tally(program, NULL, &tallies))
        return;
    for (size_t i = 0; i < tallies.count; i++)
        if (!seen_before(&tallies, i))
            print_device(&tallies, i);
    free(tallies.items);
}

void placement_print_fallbacks(const struct tenon_program *program, FILE *to) {
    struct tenon_placement row;
    char name[NAME_BYTES], reason[NAME_BYTES];
    for (uint32_t i = 0; i < tenon_program_node_count(program); i++)
        if (tenon_program_placement(program, i, &row) == TENON_OK && row.reason[0] != '\0')
            fprintf(to, "fell back to %s: node %" PRIu32 " %s '%s': %s\n", row.device, i, row.op,
                    tool_name_text(row.node, name), tool_name_text(row.reason, reason));
}

json_t *placement_json(const struct tenon_program *program, const uint64_t *spent_ns) {
    json_t *list = json_array();
    struct tenon_placement row;
    for (uint32_t i = 0; i < tenon_program_node_count(program); i++) {
        if (tenon_program_placement(program, i, &row) != TENON_OK)
            continue;
        json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "node", tool_json_text(row.node),
                                 "op", tool_json_text(row.op), "device", tool_json_text(row.device),
                                 "kernel", tool_json_text(row.kernel), "reason",
                                 tool_json_text(row.reason), "macs", (json_int_t)row.macs);
        if (json != NULL && spent_ns != NULL)
            tool_json_set(&json, "ns", json_integer((json_int_t)spent_ns[i]));
        tool_json_append(&list, json);
    }
    return list;
}

static double share(uint64_t part, uint64_t whole) {
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void print_operators(const struct tenon_program *program, const uint64_t *spent_ns,
                            uint64_t total) {
    struct tallies tallies;
    char figure[FIGURE_BYTES];
    if (!tally(program, spent_ns, &tallies))
        return;
    printf("\n%10s %6s %6s  operator\n", "time", "share", "nodes");
    for (size_t i = 0; i < tallies.count; i++)
        printf("%10s %5.1f%% %6" PRIu32 "  %s on %s\n",
               tool_figure_time((double)tallies.items[i].ns, figure),
               share(tallies.items[i].ns, total), tallies.items[i].nodes, tallies.items[i].op,
               tallies.items[i].device);
    free(tallies.items);
}

void placement_print_profile(const struct tenon_program *program, const uint64_t *spent_ns) {
    uint32_t nodes = tenon_program_node_count(program);
    uint64_t total = 0;
    char time[FIGURE_BYTES], name[NAME_BYTES];
    struct tenon_placement row;
    for (uint32_t i = 0; i < nodes; i++)
        total += spent_ns[i];
    printf("\n%4s %10s %6s %9s  %-20s %-10s %-20s %s\n", "node", "time", "share", "GMAC/s", "op",
           "device", "kernel", "name");
    for (uint32_t i = 0; i < nodes; i++) {
        if (tenon_program_placement(program, i, &row) != TENON_OK)
            continue;
        char rate[FIGURE_BYTES] = "";
        if (row.macs > 0 && spent_ns[i] > 0)
            snprintf(rate, sizeof(rate), "%.2f", (double)row.macs / (double)spent_ns[i]);
        printf("%4" PRIu32 " %10s %5.1f%% %9s  %-20s %-10s %-20s %s\n", i,
               tool_figure_time((double)spent_ns[i], time), share(spent_ns[i], total), rate, row.op,
               row.device, row.kernel, tool_name_text(row.node, name));
    }
    print_operators(program, spent_ns, total);
}
