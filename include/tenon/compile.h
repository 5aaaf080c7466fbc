/*
 * Compile: a model becomes a program for a list of targets.
 *
 * Part of libtenon (the compiler half). The program is then handled by program.h alone, so a
 * product may compile elsewhere and ship only libtenon-runtime.
 */
#ifndef TENON_COMPILE_H
#define TENON_COMPILE_H

#include <tenon/model.h>
#include <tenon/program.h>
#include <tenon/report.h>

TENON_BEGIN_DECLS

/* Which target gets a node that several take. */
enum tenon_placement_rule {
    TENON_PLACEMENT_BY_COST,  /* the least estimated time of the whole, crossings included */
    TENON_PLACEMENT_BY_ORDER, /* the one listed first */
};

/* What targets may do to integer results where they cannot reproduce a node's rounding rule. */
enum tenon_numerics {
    TENON_NUMERICS_EXACT,    /* nothing: such a node is left to other targets */
    TENON_NUMERICS_WITHIN_1, /* differ by 1 from the rule, per operator given the same inputs */
};

/*
 * What was measured on a target: the time of an operation, as struct tenon_report_node describes
 * it; or, where `operation` is an operator's name, the ratio of measured to estimated time of those
 * nodes of this operator that were not measured themselves.
 */
struct tenon_measured_cost {
    const char *target;
    const char *operation;
    uint64_t ns;
    double ratio; /* above 0; of operators only */
};

/*
 * What to ask of passes, most of it to find the one that is wrong. All zero: nothing. Passes are
 * called by name; "all" stands for each.
 */
struct tenon_pass_options {
    const char *print_after; /* print the graph after this pass */
    /* Called with the graph's text, which lives as long as the call, and how often the pass found
     * something to rewrite. Needed with print_after. */
    void (*print)(void *user, const char *pass, uint64_t rewrites, const char *text);
    /* Called with a line for each operator in which a pass loses precision; the report has them
     * too. NULL: not called. */
    void (*note)(void *user, const char *pass, const char *line);
    void *user;
    const char *const *skip; /* passes that are left out */
    uint32_t skip_count;
    uint64_t stop_after_rewrite; /* this many rewrites are done, and no more; 0: all */
    const char *const *run;      /* passes that run on the whole model although no target asks */
    uint32_t run_count;
    bool lossy_scales; /* where a target has one scale for all channels, weights may be requantized
                        */
};

struct tenon_compile_options {
    size_t size; /* sizeof(struct tenon_compile_options) */
    /* Targets, for example {"cpu"}; between equals the one listed first is preferred. NULL means
     * {"cpu"}. */
    const char *const *targets;
    uint32_t target_count;
    bool no_fallback;  /* fail with TENON_ERROR_FALLBACK when a node can run on none but the CPU,
                          though another target was listed */
    bool keep_tensors; /* every intermediate tensor becomes an output, after the model's own, in the
                          order of the model's tensors; for debugging and comparing devices */
    /* For comparing operators one by one: as keep_tensors, and each node reads what it needs of
     * other nodes from inputs of the program, which follow the model's own: one for every tensor
     * that a node makes, in the order of the model's tensors, as the kept outputs. */
    bool isolate_nodes;
    bool portable; /* do not use instructions beyond the architecture's baseline */
    enum tenon_placement_rule placement;
    enum tenon_numerics numerics;
    /* Times that replace the backends' estimates; see struct tenon_measured_cost. */
    const struct tenon_measured_cost *measured;
    uint32_t measured_count;
    /* Where to put the partition report, which the caller destroys. NULL: it is not made. */
    struct tenon_report **report;
    struct tenon_pass_options passes;
};

struct tenon_pass_info {
    const char *name, *purpose; /* static storage; the purpose is one line */
};

/* The passes in the order in which they run. NOT_FOUND: index is that of none. */
TENON_API enum tenon_status tenon_pass_get_info(uint32_t index, struct tenon_pass_info *out);

/* options may be NULL. On failure *out and *report are NULL, but that FALLBACK leaves the report of
 * the plan that was not allowed. Errors: UNSUPPORTED, FALLBACK, NOT_FOUND (no such target or pass),
 * OUT_OF_MEMORY, INVALID_ARGUMENT. The model may be destroyed afterwards. */
TENON_API enum tenon_status tenon_compile(const struct tenon_model *model,
                                          const struct tenon_compile_options *options,
                                          struct tenon_program **out, struct tenon_error *error);

/* The targets of this build, by index from 0; NULL after the last. Static storage. */
TENON_API const char *tenon_target_name(uint32_t index);

enum tenon_listing {
    TENON_LISTING_ASSEMBLY, /* readable, every command of the device */
    TENON_LISTING_TRACE,    /* for replay on other implementations of the device */
};
/*
 * A part of a program as text, by the backend of its target; to be released with tenon_text_free.
 * On failure *out is NULL. Errors: INVALID_ARGUMENT (no such part or listing), NOT_FOUND (this
 * build has no such target), UNSUPPORTED (the target has no such listing), BAD_IMAGE,
 * OUT_OF_MEMORY.
 */
TENON_API enum tenon_status tenon_program_list_part(const struct tenon_program *program,
                                                    uint32_t part, enum tenon_listing listing,
                                                    char **out, struct tenon_error *error);

TENON_END_DECLS

#endif
