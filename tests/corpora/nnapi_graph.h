/*
 * An NNAPI test specification, read from JSON, and the graph that it means. Operands that are
 * attributes in Tenon (axes, shapes, paddings, …) are taken from the specification's data, also
 * where it makes them inputs.
 */
#ifndef TESTS_NNAPI_GRAPH_H
#define TESTS_NNAPI_GRAPH_H

#include <jansson.h>

#include "ir/graph.h"

enum { NNAPI_OPERANDS_MAX = 256, NNAPI_NODE_OPERANDS_MAX = 40, NNAPI_NAME_BYTES = 256 };

enum nnapi_life { NNAPI_INPUT, NNAPI_OUTPUT, NNAPI_CONSTANT, NNAPI_TEMPORARY, NNAPI_ABSENT };

struct nnapi_operand {
    struct tenon_desc desc; /* rank 0 for scalars */
    float scale;
    int32_t zero_point;
    enum nnapi_life life;
    bool ignored;    /* an output that is not compared */
    bool is_state;   /* read and written by its operator */
    json_t *data;    /* array; borrowed */
    void *bytes;     /* the same as dense elements; NULL when there is none */
    uint32_t tensor; /* in the graph, or TENON_ID_NONE */
    size_t shifted;  /* not 0: rows of so many elements stand one to the left of the tensor's */
};

struct nnapi_spec {
    char name[NNAPI_NAME_BYTES];
    bool relaxed, expect_failure;
    struct nnapi_operand operands[NNAPI_OPERANDS_MAX];
    int operand_count;
    json_t *ops; /* array; borrowed */
};

/* Borrows `root`. Finish it in either case. */
bool nnapi_spec_init(struct nnapi_spec *spec, json_t *root);
void nnapi_spec_finish(struct nnapi_spec *spec);
/* The operator that is tested: the last; additions before it only pass its inputs on. */
const char *nnapi_main_operator(const struct nnapi_spec *spec);
double nnapi_number(const struct nnapi_operand *operand, size_t i);

struct nnapi_graph {
    struct nnapi_spec *spec;
    struct tenon_arena arena;
    struct tenon_graph graph;
    bool stateful; /* has variables */
};

/* Whether Tenon has a counterpart of an NNAPI operator. */
bool nnapi_is_mapped(const char *name);
/* Builds the graph. Finish it in either case. Errors: those of tenon_graph_add_node. */
enum tenon_status nnapi_graph_init(struct nnapi_graph *g, struct nnapi_spec *spec,
                                   struct tenon_error *error);
void nnapi_graph_finish(struct nnapi_graph *g);

#endif
