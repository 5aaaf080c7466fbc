/* The report as files, as text and as JSON; see plan.h. The picture is plan_svg.c's. */
#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "report.h"

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Better are targets that were listed earlier, and any device where the host has a node. */
static bool is_better(const struct plan *plan, uint32_t target, uint32_t than) {
    struct tenon_report_target a, b;
    if (tenon_report_get_target(plan->report, target, &a) != TENON_OK ||
        tenon_report_get_target(plan->report, than, &b) != TENON_OK)
        return false;
    return target != than && (target < than || (b.is_host && !a.is_host));
}

const char *plan_reason(const struct plan *plan, uint32_t node, char text[PLAN_REASON_BYTES]) {
    struct tenon_report_node row;
    struct tenon_report_target target;
    struct tenon_report_option option;
    char time[FIGURE_BYTES], reason[NAME_BYTES];
    text[0] = '\0';
    if (tenon_report_get_node(plan->report, node, &row) != TENON_OK)
        return text;
    for (uint32_t i = 0; tenon_report_get_target(plan->report, i, &target) == TENON_OK; i++) {
        if (!is_better(plan, i, row.target) ||
            tenon_report_get_option(plan->report, node, i, &option) != TENON_OK)
            continue;
        if (option.supported)
            snprintf(text, PLAN_REASON_BYTES, "%s: would take %s more, with its copies",
                     target.name, tool_figure_time((double)option.more_ns, time));
        else
            snprintf(text, PLAN_REASON_BYTES, "%.40s: %s", target.name,
                     tool_name_text(option.reason, reason));
        break;
    }
    return text;
}

/* ---- text ---- */

static void print_targets(const struct plan *plan, FILE *to) {
    struct tenon_report_target t;
    struct tenon_report_node node;
    uint64_t macs = 0;
    char time[FIGURE_BYTES], alone[FIGURE_BYTES], in[FIGURE_BYTES], out[FIGURE_BYTES];
    for (uint32_t i = 0; tenon_report_get_target(plan->report, i, &t) == TENON_OK; i++)
        macs += t.macs;
    for (uint32_t i = 0; tenon_report_get_target(plan->report, i, &t) == TENON_OK; i++) {
        uint32_t within_1 = 0;
        for (uint32_t n = 0; tenon_report_get_node(plan->report, n, &node) == TENON_OK; n++)
            within_1 += node.target == i && node.within_1;
        fprintf(to, "%s: %" PRIu32 " node%s in %" PRIu32 " part%s, %.1f%% of the MACs, %s", t.name,
                t.node_count, t.node_count == 1 ? "" : "s", t.part_count,
                t.part_count == 1 ? "" : "s",
                macs > 0 ? 100.0 * (double)t.macs / (double)macs : 0.0,
                tool_figure_time((double)t.estimated_ns, time));
        if (t.bytes_in + t.bytes_out > 0)
            fprintf(to, ", copies %s in and %s out", tool_figure_bytes(t.bytes_in, in),
                    tool_figure_bytes(t.bytes_out, out));
        if (within_1 > 0)
            fprintf(to, ", %" PRIu32 " nodes may differ by 1", within_1);
        if (t.alone_ns != TENON_REPORT_NEVER)
            fprintf(to, "; alone: %s", tool_figure_time((double)t.alone_ns, alone));
        fputc('\n', to);
    }
}

static void print_node(const struct plan *plan, uint32_t index, FILE *to) {
    struct tenon_report_node node;
    struct tenon_report_target target;
    char estimated[FIGURE_BYTES], spent[FIGURE_BYTES] = "", macs[FIGURE_BYTES], in[FIGURE_BYTES],
                                  out[FIGURE_BYTES], reason[PLAN_REASON_BYTES], name[NAME_BYTES];
    if (tenon_report_get_node(plan->report, index, &node) != TENON_OK ||
        tenon_report_get_target(plan->report, node.target, &target) != TENON_OK)
        return;
    if (plan->spent_ns != NULL)
        tool_figure_time((double)plan->spent_ns[index], spent);
    fprintf(to, "%4" PRIu32 "  %-20s %-16s %10s%s %10s %10s %10s %9s  %s%s", index, node.op,
            target.name, tool_figure_time((double)node.estimated_ns, estimated),
            node.measured ? "*" : " ", spent, tool_figure_bytes(node.bytes_in, in),
            tool_figure_bytes(node.bytes_out, out), tool_figure_count(node.macs, macs),
            node.within_1 ? "[within 1] " : "", plan_reason(plan, index, reason));
    fprintf(to, "%s%.40s\n", reason[0] != '\0' ? "; " : "", tool_name_text(node.name, name));
}

void plan_print_text(const struct plan *plan, FILE *to) {
    struct tenon_report_plan p;
    char total[FIGURE_BYTES], transfer[FIGURE_BYTES], submit[FIGURE_BYTES], planning[FIGURE_BYTES];
    tenon_report_get_plan(plan->report, &p);
    fprintf(to, "%s: estimated %s, of that %s for copies and %s for submissions\n", plan->title,
            tool_figure_time((double)p.estimated_ns, total),
            tool_figure_time((double)p.transfer_ns, transfer),
            tool_figure_time((double)p.submit_ns, submit));
    fprintf(to, "planned in %s by %s%s\n", tool_figure_time((double)p.planning_ns, planning),
            p.method, p.optimal ? ": nothing is cheaper, by these estimates" : "");
    print_targets(plan, to);
    fprintf(to, "\n%4s  %-20s %-16s %10s  %10s %10s %10s %9s  %s\n", "node", "operator", "device",
            "estimated", "measured", "copied in", "out", "MACs", "why not a better one; name");
    for (uint32_t i = 0; i < p.node_count; i++)
        print_node(plan, i, to);
    const char *note;
    for (uint32_t i = 0; (note = tenon_report_get_note(plan->report, i)) != NULL; i++)
        fprintf(to, "%s\n", note);
}

/* ---- JSON ---- */

static json_t *time_json(uint64_t ns) {
    return ns == TENON_REPORT_NEVER ? json_null() : json_integer((json_int_t)ns);
}

static json_t *targets_json(const struct plan *plan) {
    json_t *list = json_array();
    struct tenon_report_target t;
    for (uint32_t i = 0; tenon_report_get_target(plan->report, i, &t) == TENON_OK; i++)
        tool_json_append(
            &list, json_pack("{s:s, s:b, s:I, s:I, s:o, s:o, s:I, s:I, s:I}", "name", t.name,
                             "host", (int)t.is_host, "nodes", (json_int_t)t.node_count, "parts",
                             (json_int_t)t.part_count, "estimated_ns", time_json(t.estimated_ns),
                             "alone_ns", time_json(t.alone_ns), "bytes_in", (json_int_t)t.bytes_in,
                             "bytes_out", (json_int_t)t.bytes_out, "macs", (json_int_t)t.macs));
    return list;
}

static json_t *options_json(const struct plan *plan, uint32_t node) {
    json_t *list = json_array();
    struct tenon_report_target target;
    struct tenon_report_option o;
    for (uint32_t i = 0; tenon_report_get_target(plan->report, i, &target) == TENON_OK &&
                         tenon_report_get_option(plan->report, node, i, &o) == TENON_OK;
         i++)
        tool_json_append(&list,
                         json_pack("{s:s, s:b, s:o, s:o, s:b, s:b, s:I}", "target", target.name,
                                   "supported", (int)o.supported, "reason",
                                   tool_json_text(o.reason), "estimated_ns",
                                   time_json(o.estimated_ns), "calibrated", (int)o.measured,
                                   "within_1", (int)o.within_1, "more_ns", (json_int_t)o.more_ns));
    return list;
}

static json_t *nodes_json(const struct plan *plan) {
    json_t *list = json_array();
    struct tenon_report_target target;
    struct tenon_report_node n;
    for (uint32_t i = 0; tenon_report_get_node(plan->report, i, &n) == TENON_OK; i++) {
        if (tenon_report_get_target(plan->report, n.target, &target) != TENON_OK)
            continue;
        json_t *json = json_pack(
            "{s:o, s:o, s:o, s:s, s:I, s:o, s:b, s:b, s:I, s:I, s:I, s:o}", "name",
            tool_json_text(n.name), "op", tool_json_text(n.op), "operation",
            tool_json_text(n.operation), "target", target.name, "part", (json_int_t)n.part,
            "estimated_ns", time_json(n.estimated_ns), "calibrated", (int)n.measured, "within_1",
            (int)n.within_1, "bytes_in", (json_int_t)n.bytes_in, "bytes_out",
            (json_int_t)n.bytes_out, "macs", (json_int_t)n.macs, "options", options_json(plan, i));
        if (json != NULL && plan->spent_ns != NULL)
            tool_json_set(&json, "measured_ns", time_json(plan->spent_ns[i]));
        tool_json_append(&list, json);
    }
    return list;
}

static json_t *end_json(uint32_t node) {
    return node == TENON_REPORT_BORDER ? json_null() : json_integer((json_int_t)node);
}

static json_t *edges_json(const struct plan *plan) {
    json_t *list = json_array();
    struct tenon_report_edge e;
    for (uint32_t i = 0; tenon_report_get_edge(plan->report, i, &e) == TENON_OK; i++)
        tool_json_append(&list, json_pack("{s:o, s:o, s:o, s:I, s:b}", "from", end_json(e.from),
                                          "to", end_json(e.to), "tensor", tool_json_text(e.tensor),
                                          "bytes", (json_int_t)e.bytes, "crosses", (int)e.crosses));
    return list;
}

static json_t *notes_json(const struct plan *plan) {
    json_t *list = json_array();
    const char *note;
    for (uint32_t i = 0; (note = tenon_report_get_note(plan->report, i)) != NULL; i++)
        tool_json_append(&list, tool_json_text(note));
    return list;
}

json_t *plan_json(const struct plan *plan) {
    struct tenon_report_plan p;
    tenon_report_get_plan(plan->report, &p);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o}", "model",
                     tool_json_text(plan->title), "estimated_ns", time_json(p.estimated_ns),
                     "transfer_ns", time_json(p.transfer_ns), "submit_ns", time_json(p.submit_ns),
                     "planning_ns", time_json(p.planning_ns), "method", p.method, "optimal",
                     (int)p.optimal, "targets", targets_json(plan), "nodes", nodes_json(plan),
                     "edges", edges_json(plan), "notes", notes_json(plan));
}

/* ---- files ---- */

static bool print_json(const struct plan *plan, FILE *to) {
    json_t *json = plan_json(plan);
    bool ok = json != NULL && json_dumpf(json, to, JSON_INDENT(2)) == 0;
    fputc('\n', to);
    json_decref(json);
    return ok;
}

static int write_file(const struct plan *plan, const char *path, struct outputs *outputs) {
    char *data = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&data, &size);
    bool ok = to != NULL;
    if (ok && ends_with(path, ".svg"))
        plan_print_svg(plan, to);
    else if (ok && ends_with(path, ".json"))
        ok = print_json(plan, to);
    else if (ok)
        plan_print_text(plan, to);
    ok = ok && !ferror(to);
    if (to != NULL && fclose(to) != 0)
        ok = false;
    int result = EXIT_OK;
    if (!ok)
        result = tool_complain_memory();
    else if (!outputs_add(outputs, path, data, size))
        result = EXIT_ENVIRONMENT;
    free(data);
    return result;
}

int plan_write(const struct plan *plan, const struct option_texts *files, struct outputs *outputs) {
    int result = EXIT_OK;
    for (size_t i = 0; i < files->count && result == EXIT_OK; i++)
        result = write_file(plan, files->items[i], outputs);
    return result;
}
