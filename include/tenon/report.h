/*
 * Partition report: where each node of a compiled model runs, what that is estimated to cost, and
 * why no other target got it. Made by tenon_compile when its options ask for it; immutable, and
 * independent of model and program. Strings live as long as the report.
 *
 * Times are estimates in nanoseconds, of the backends' models or measured (struct
 * tenon_measured_cost). Nodes stand in the order in which they run, which is the order of
 * tenon_program_placement.
 */
#ifndef TENON_REPORT_H
#define TENON_REPORT_H

#include <tenon/status.h>

TENON_BEGIN_DECLS

struct tenon_report;

#define TENON_REPORT_NEVER UINT64_MAX
#define TENON_REPORT_BORDER UINT32_MAX

struct tenon_report_plan {
    uint32_t target_count, node_count, part_count, edge_count;
    uint64_t estimated_ns;           /* of the whole: nodes, crossings, submissions */
    uint64_t transfer_ns, submit_ns; /* of these, for crossings and for submissions */
    uint64_t planning_ns;            /* what making this plan took */
    const char *method;              /* "minimum cut", … */
    bool optimal; /* no assignment costs less by this measure, in this order of nodes */
};
TENON_API void tenon_report_get_plan(const struct tenon_report *report,
                                     struct tenon_report_plan *out);

struct tenon_report_target {
    const char *name;
    bool is_host; /* the processor that runs Tenon: what runs there fell back, if others were listed
                   */
    uint32_t node_count, part_count;
    uint64_t estimated_ns; /* of its nodes */
    uint64_t alone_ns;     /* if it ran the whole model; NEVER when it cannot */
    uint64_t bytes_in, bytes_out;
    uint64_t macs;
};
/* Each returns INVALID_ARGUMENT when an index is out of range. */
TENON_API enum tenon_status tenon_report_get_target(const struct tenon_report *report,
                                                    uint32_t index,
                                                    struct tenon_report_target *out);

struct tenon_report_node {
    const char *name;
    const char *op;
    const char *operation; /* operator, types, shapes, attributes: what its time depends on */
    uint32_t target, part;
    uint64_t estimated_ns;
    bool measured;                /* estimated_ns was measured, or scaled by what was */
    bool within_1;                /* its results may differ by 1 from the rounding rule's */
    uint64_t bytes_in, bytes_out; /* copied to the target for it, and back from there */
    uint64_t macs;
};
TENON_API enum tenon_status tenon_report_get_node(const struct tenon_report *report, uint32_t index,
                                                  struct tenon_report_node *out);

/* A node on any target. */
struct tenon_report_option {
    bool supported;
    const char *reason; /* why it is not supported; else "" */
    bool measured;
    bool within_1;         /* as of the node */
    uint64_t estimated_ns; /* NEVER when not supported */
    int64_t more_ns;       /* of the whole, if only this node moved there; 0 where it is */
};
TENON_API enum tenon_status tenon_report_get_option(const struct tenon_report *report,
                                                    uint32_t node, uint32_t target,
                                                    struct tenon_report_option *out);

/* A tensor on its way from one node to another. */
struct tenon_report_edge {
    uint32_t from, to; /* nodes; BORDER: the graph's own inputs, outputs and variables */
    const char *tensor;
    uint64_t bytes;
    bool crosses; /* between two targets, or the border and one that works in memory of its own */
};
TENON_API enum tenon_status tenon_report_get_edge(const struct tenon_report *report, uint32_t index,
                                                  struct tenon_report_edge *out);

/* Lines about what passes lost where they could not be exact, by index from 0; NULL after the last.
 */
TENON_API const char *tenon_report_get_note(const struct tenon_report *report, uint32_t index);

TENON_API void tenon_report_destroy(struct tenon_report *report); /* NULL is fine */

TENON_END_DECLS

#endif
