/*
 * The report as a picture: a column for each device, a row for each node in the order of execution.
 * Lines are tensors, red where they cross from one device to another; bars are times, estimated and
 * measured; at the right it says why a node is not on a better device.
 */
#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum {
    MARGIN = 32,
    HEAD = 188, /* height above the first row */
    ROW = 30,
    BOX = 20,
    LANE = 252,
    GAP = 92, /* between columns: crossings and their sizes */
    ARCS = 60,
    BARS = 170,
    MACS = 76,
    REASON = 420,
    COLOURS = 8,
};

/* Told apart also by those who see fewer colours. */
static const char *const colours[COLOURS] = {"#3867c8", "#d9822b", "#1f9d8a", "#8e5bc2",
                                             "#b8406c", "#6b7a1e", "#4a9fd8", "#7a5c48"};
static const char crossing_colour[] = "#c8283c";

struct drawing {
    const struct plan *plan;
    FILE *to;
    struct tenon_report_plan summary;
    uint64_t longest_ns, macs;
};

static const char *colour_of(uint32_t target) {
    return colours[target % COLOURS];
}

static int lane_x(uint32_t target) {
    return MARGIN + ARCS + (int)(target % COLOURS) * (LANE + GAP);
}

static int right_of_lanes(const struct drawing *d) {
    uint32_t lanes = d->summary.target_count < COLOURS ? d->summary.target_count : COLOURS;
    return lane_x(lanes - 1) + LANE + 40;
}

static int row_y(uint32_t node) {
    return HEAD + (int)node * ROW + ROW / 2;
}

/* At most `room` letters, as XML. Bytes that are not printable ASCII become '?', whatever a model
 * is called. */
static void put_text(const struct drawing *d, const char *text, size_t room) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length && i < room; i++) {
        unsigned char c = (unsigned char)text[i];
        if (length > room && i + 3 >= room)
            fputc('.', d->to);
        else if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            fprintf(d->to, "&#%d;", c);
        else
            fputc(c < ' ' || c > '~' ? '?' : c, d->to);
    }
}

static void text_at(const struct drawing *d, int x, int y, const char *style, const char *text,
                    size_t room) {
    fprintf(d->to, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, style);
    put_text(d, text, room);
    fputs("</text>\n", d->to);
}

/* ---- head ---- */

static void draw_defs(const struct drawing *d, int width, int height) {
    fprintf(d->to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n"
            "<style>text{font-family:'Inter','DejaVu Sans',Helvetica,Arial,sans-serif;"
            "font-size:11px;fill:#26303c}.title{font-size:19px;font-weight:600}"
            ".note{fill:#667382}.small{font-size:10px;fill:#667382}.head{font-weight:600}"
            ".box{fill:#fff;font-weight:600}.shape{fill:#fff;font-size:10px}"
            ".end{text-anchor:end}.right{text-anchor:end;fill:#667382}"
            ".cross{fill:%s;font-size:10px;text-anchor:middle;paint-order:stroke;"
            "stroke:#fff;stroke-width:3px}</style>\n"
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
            "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
            "<path d=\"M0 0L8 4L0 8z\" fill=\"%s\"/></marker></defs>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
            width, height, width, height, crossing_colour, crossing_colour, width, height);
}

static void draw_title(const struct drawing *d) {
    char total[FIGURE_BYTES], transfer[FIGURE_BYTES], submit[FIGURE_BYTES], planning[FIGURE_BYTES];
    const char *name = strrchr(d->plan->title, '/');
    char text[256];
    text_at(d, MARGIN, 40, "title", name != NULL ? name + 1 : d->plan->title, 80);
    snprintf(
        text, sizeof(text),
        "estimated %s for one inference: %s of it copies, %s submissions; planned in %s by %s%s",
        tool_figure_time((double)d->summary.estimated_ns, total),
        tool_figure_time((double)d->summary.transfer_ns, transfer),
        tool_figure_time((double)d->summary.submit_ns, submit),
        tool_figure_time((double)d->summary.planning_ns, planning), d->summary.method,
        d->summary.optimal ? ", the optimum of the estimates" : "");
    text_at(d, MARGIN, 62, "note", text, 200);
}

/* The whole inference as one bar: parts in order, by estimated time. */
static void draw_timeline(const struct drawing *d, int width) {
    struct tenon_report_node node;
    uint64_t total = 0;
    int room = width - 2 * MARGIN;
    for (uint32_t i = 0; tenon_report_get_node(d->plan->report, i, &node) == TENON_OK; i++)
        total += node.estimated_ns;
    double x = MARGIN;
    for (uint32_t i = 0; tenon_report_get_node(d->plan->report, i, &node) == TENON_OK; i++) {
        double w = total > 0 ? room * ((double)node.estimated_ns / (double)total) : 0;
        fprintf(d->to,
                "<rect x=\"%.2f\" y=\"78\" width=\"%.2f\" height=\"14\" fill=\"%s\" "
                "fill-opacity=\"%.2f\"/>\n",
                x, w, colour_of(node.target), i % 2 == 0 ? 1.0 : 0.82);
        x += w;
    }
}

static void draw_lane_heads(const struct drawing *d) {
    struct tenon_report_target t;
    char text[160], time[FIGURE_BYTES], alone[FIGURE_BYTES];
    for (uint32_t i = 0; tenon_report_get_target(d->plan->report, i, &t) == TENON_OK; i++) {
        int x = lane_x(i);
        fprintf(d->to,
                "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%" PRIu32
                "\" rx=\"10\" fill=\"%s\" fill-opacity=\"0.07\"/>\n"
                "<rect x=\"%d\" y=\"116\" width=\"10\" height=\"10\" rx=\"2\" fill=\"%s\"/>\n",
                x - 12, HEAD - 92, LANE + 24, 98 + ROW * d->summary.node_count, colour_of(i), x,
                colour_of(i));
        text_at(d, x + 16, 125, "head", t.name, 34);
        snprintf(text, sizeof(text), "%" PRIu32 " node%s in %" PRIu32 " part%s, %.1f%% of the MACs",
                 t.node_count, t.node_count == 1 ? "" : "s", t.part_count,
                 t.part_count == 1 ? "" : "s",
                 d->macs > 0 ? 100.0 * (double)t.macs / (double)d->macs : 0.0);
        text_at(d, x, 143, "small", text, 60);
        snprintf(text, sizeof(text), "its nodes %s; the model alone %s",
                 tool_figure_time((double)t.estimated_ns, time),
                 t.alone_ns == TENON_REPORT_NEVER ? "not possible"
                                                  : tool_figure_time((double)t.alone_ns, alone));
        text_at(d, x, 157, "small", text, 60);
    }
}

static void draw_column_heads(const struct drawing *d) {
    int x = right_of_lanes(d);
    text_at(d, x, 125, "head", "time of the node", 40);
    text_at(d, x, 143, "small", "solid: estimated", 40);
    if (d->plan->spent_ns != NULL)
        text_at(d, x, 157, "small", "outlined: measured", 40);
    text_at(d, x + BARS + MACS, 125, "head end", "MACs", 20);
    x += BARS + MACS + 24;
    text_at(d, x, 125, "head", "why not a better device", 40);
    text_at(d, x, 143, "small", "red: copied between a device's memory and the host's", 80);
    fprintf(d->to,
            "<text x=\"%d\" y=\"157\" class=\"small\">&#177;1: may differ by 1 from the "
            "operator's rounding rule</text>\n",
            x);
}

/* ---- nodes ---- */

/* "1x56x56x24" of "conv_2d … -> i8 1x56x56x24; stride=…" */
static void shape_of(const char *operation, char text[64]) {
    const char *at = strstr(operation, "-> ");
    text[0] = '\0';
    at = at != NULL ? strchr(at + 3, ' ') : NULL;
    if (at != NULL)
        snprintf(text, 64, "%.*s", (int)strcspn(at + 1, ",; "), at + 1);
}

static void draw_hint(const struct drawing *d, uint32_t index,
                      const struct tenon_report_node *node) {
    struct tenon_report_target target;
    struct tenon_report_option option;
    char time[FIGURE_BYTES];
    fputs("<title>", d->to);
    put_text(d, node->name, 200);
    fputs("\n", d->to);
    put_text(d, node->operation, 300);
    for (uint32_t i = 0; tenon_report_get_target(d->plan->report, i, &target) == TENON_OK; i++) {
        if (tenon_report_get_option(d->plan->report, index, i, &option) != TENON_OK)
            continue;
        fputs("\n", d->to);
        put_text(d, target.name, 40);
        fputs(": ", d->to);
        put_text(d,
                 option.supported ? tool_figure_time((double)option.estimated_ns, time)
                                  : option.reason,
                 200);
    }
    fputs("</title>", d->to);
}

static void draw_box(const struct drawing *d, uint32_t index,
                     const struct tenon_report_node *node) {
    char shape[64];
    int x = lane_x(node->target), y = row_y(index);
    shape_of(node->operation, shape);
    const char *class_text = node->within_1 ? "&#177;1  " : "";
    fprintf(d->to, "<g><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" fill=\"%s\"/>",
            x, y - BOX / 2, LANE, BOX, colour_of(node->target));
    draw_hint(d, index, node);
    text_at(d, x + 10, y + 4, "box", node->op, 22);
    fprintf(d->to, "<text x=\"%d\" y=\"%d\" class=\"shape end\">%s%s</text>", x + LANE - 10, y + 4,
            class_text, shape);
    fputs("</g>\n", d->to);
}

static void draw_bar(const struct drawing *d, uint32_t index,
                     const struct tenon_report_node *node) {
    int x = right_of_lanes(d), y = row_y(index), room = BARS - 62;
    char time[FIGURE_BYTES], spent[FIGURE_BYTES];
    double longest = d->longest_ns > 0 ? (double)d->longest_ns : 1;
    double w = room * ((double)node->estimated_ns / longest);
    bool run = d->plan->spent_ns != NULL;
    fprintf(d->to,
            "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"1.5\" fill=\"%s\"/>\n", x,
            run ? y - 9 : y - 5, w < 1 ? 1 : w, run ? 8 : 10, colour_of(node->target));
    tool_figure_time((double)node->estimated_ns, time);
    text_at(d, x + (int)w + 6, run ? y - 1 : y + 4, "small", time, 20);
    if (!run)
        return;
    double measured = room * ((double)d->plan->spent_ns[index] / longest);
    fprintf(d->to,
            "<rect x=\"%d.5\" y=\"%d.5\" width=\"%.1f\" height=\"7\" rx=\"1.5\" fill=\"none\" "
            "stroke=\"%s\"/>\n",
            x, y + 1, measured < 1 ? 1 : measured, colour_of(node->target));
    tool_figure_time((double)d->plan->spent_ns[index], spent);
    text_at(d, x + (int)measured + 7, y + 9, "small", spent, 20);
}

static void draw_node(const struct drawing *d, uint32_t index) {
    struct tenon_report_node node;
    char macs[FIGURE_BYTES], reason[PLAN_REASON_BYTES];
    int x = right_of_lanes(d) + BARS + MACS, y = row_y(index) + 4;
    if (tenon_report_get_node(d->plan->report, index, &node) != TENON_OK)
        return;
    draw_box(d, index, &node);
    draw_bar(d, index, &node);
    if (node.macs > 0)
        text_at(d, x, y, "right", tool_figure_count(node.macs, macs), 20);
    text_at(d, x + 24, y, "note", plan_reason(d->plan, index, reason), 68);
}

/* ---- tensors ---- */

static void draw_crossing(const struct drawing *d, const struct tenon_report_edge *edge,
                          uint32_t from, uint32_t to) {
    char bytes[FIGURE_BYTES];
    bool rightward = to > from;
    int x0 = lane_x(from) + (rightward ? LANE : 0), x1 = lane_x(to) + (rightward ? 0 : LANE);
    int y0 = row_y(edge->from), y1 = row_y(edge->to), bend = rightward ? GAP / 2 : -GAP / 2;
    fprintf(d->to,
            "<path d=\"M%d %dC%d %d %d %d %d %d\" fill=\"none\" stroke=\"%s\" "
            "stroke-width=\"1.5\" marker-end=\"url(#arrow)\"/>\n",
            x0, y0, x0 + bend, y0, x1 - bend, y1, x1, y1, crossing_colour);
    int x = x1 - bend, y = y1 - 6;
    fprintf(d->to, "<text x=\"%d\" y=\"%d\" class=\"cross\">%s</text>\n", x, y,
            tool_figure_bytes(edge->bytes, bytes));
}

/* Between the graph's own inputs or outputs and a device with memory of its own. */
static void draw_border(const struct drawing *d, const struct tenon_report_edge *edge,
                        uint32_t target) {
    char bytes[FIGURE_BYTES];
    bool in = edge->from == TENON_REPORT_BORDER;
    int x = lane_x(target), y = row_y(in ? edge->to : edge->from) + (in ? -4 : 4);
    fprintf(d->to,
            "<path d=\"M%d %dH%d\" stroke=\"%s\" stroke-width=\"1.5\" "
            "marker-end=\"url(#arrow)\"/>\n"
            "<text x=\"%d\" y=\"%d\" class=\"cross\">%s</text>\n",
            in ? x - 46 : x, y, in ? x : x - 46, crossing_colour, x - 30, in ? y - 4 : y + 11,
            tool_figure_bytes(edge->bytes, bytes));
}

static void draw_inner(const struct drawing *d, const struct tenon_report_edge *edge,
                       uint32_t target) {
    int x = lane_x(target), y0 = row_y(edge->from), y1 = row_y(edge->to);
    uint32_t distance = edge->to - edge->from;
    if (distance == 1) {
        fprintf(d->to, "<path d=\"M%d %dV%d\" stroke=\"%s\" stroke-width=\"2\"/>\n", x + LANE / 2,
                y0 + BOX / 2, y1 - BOX / 2, colour_of(target));
        return;
    }
    int bend = 12 + 3 * (int)(distance < 12 ? distance : 12);
    fprintf(d->to,
            "<path d=\"M%d %dC%d %d %d %d %d %d\" fill=\"none\" stroke=\"%s\" "
            "stroke-opacity=\"0.55\" stroke-width=\"1.5\"/>\n",
            x, y0, x - bend, y0, x - bend, y1, x, y1, colour_of(target));
}

static void draw_edge(const struct drawing *d, const struct tenon_report_edge *edge) {
    struct tenon_report_node from = {0}, to = {0};
    bool begins = edge->from == TENON_REPORT_BORDER, ends = edge->to == TENON_REPORT_BORDER;
    if ((!begins && tenon_report_get_node(d->plan->report, edge->from, &from) != TENON_OK) ||
        (!ends && tenon_report_get_node(d->plan->report, edge->to, &to) != TENON_OK))
        return;
    if (begins || ends) {
        if (edge->crosses)
            draw_border(d, edge, begins ? to.target : from.target);
    } else if (edge->crosses) {
        draw_crossing(d, edge, from.target, to.target);
    } else {
        draw_inner(d, edge, from.target);
    }
}

void plan_print_svg(const struct plan *plan, FILE *to) {
    struct drawing d = {.plan = plan, .to = to};
    struct tenon_report_node node;
    struct tenon_report_edge edge;
    tenon_report_get_plan(plan->report, &d.summary);
    for (uint32_t i = 0; tenon_report_get_node(plan->report, i, &node) == TENON_OK; i++) {
        d.macs += node.macs;
        if (node.estimated_ns > d.longest_ns)
            d.longest_ns = node.estimated_ns;
        if (plan->spent_ns != NULL && plan->spent_ns[i] > d.longest_ns)
            d.longest_ns = plan->spent_ns[i];
    }
    int width = right_of_lanes(&d) + BARS + MACS + 24 + REASON + MARGIN;
    draw_defs(&d, width, HEAD + ROW * (int)d.summary.node_count + MARGIN);
    draw_title(&d);
    draw_timeline(&d, width);
    draw_lane_heads(&d);
    draw_column_heads(&d);
    for (uint32_t i = 0; tenon_report_get_edge(plan->report, i, &edge) == TENON_OK; i++)
        draw_edge(&d, &edge);
    for (uint32_t i = 0; i < d.summary.node_count; i++)
        draw_node(&d, i);
    fputs("</svg>\n", to);
}
