/*
 * Android's NNAPI 1.0 and 1.1 test specifications: each becomes a graph, is verified, evaluated
 * with the reference kernels and compared. Quantized results may differ by 1, floats by NNAPI CTS's
 * tolerance: 1e-5 and five units in the last place; relaxed specifications by 5 * 2^-11.
 *
 * Prints per operator how many ran, passed, were exact, within 1 or within the tolerance of floats,
 * and the operators that Tenon has no counterpart of, by name. Exit status 77 (skipped, by name and
 * count) where the data is absent; 1 on any mismatch, refusal, or acceptance of a specification
 * that must fail.
 */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "corpora/nnapi_graph.h"
#include "ir/eval.h"

enum {
    SKIPPED = 77,
    FILES_EXPECTED = 325,
    RUN_EXPECTED = 918,
    OPERATORS_MAX = 64,
    PATH_BYTES = 1024
};

struct tally {
    char name[64];
    int run, passed, exact, within_one, tolerated, unsupported;
};

struct report {
    struct tally rows[OPERATORS_MAX];
    int count, files, failures;
};

static struct tally *row_of(struct report *report, const char *name) {
    for (int i = 0; i < report->count; i++)
        if (strcmp(report->rows[i].name, name) == 0)
            return &report->rows[i];
    int i = report->count < OPERATORS_MAX - 1 ? report->count++ : report->count;
    snprintf(report->rows[i].name, sizeof(report->rows[i].name), "%s", name);
    return &report->rows[i];
}

/* Differences between computed and specified elements. */
struct difference {
    bool failed, inexact, of_floats;
    double worst;
};

static void compare_output(const struct nnapi_spec *spec, const struct nnapi_operand *operand,
                           const void *got, struct difference *difference) {
    double tolerance = spec->relaxed ? 5 * ldexp(1, -11) : 1e-5;
    double relative = spec->relaxed ? 5 * ldexp(1, -11) : 5 * ldexp(1, -23);
    size_t count = tenon_desc_element_count(&operand->desc);
    for (size_t i = 0; i < count; i++) {
        double want = nnapi_number(operand, i), have;
        bool fits;
        if (operand->desc.type == TENON_TYPE_F32) {
            bool past = operand->shifted != 0 && (i + 1) % operand->shifted == 0;
            have = past ? 0 : (double)((const float *)got)[i + (operand->shifted != 0)];
            want = (double)(float)want;
            fits = fabs(have - want) <= tolerance + relative * fabs(want);
        } else {
            have = operand->desc.type == TENON_TYPE_U8 ? ((const uint8_t *)got)[i]
                                                       : ((const int32_t *)got)[i];
            fits = fabs(have - want) <= 1;
        }
        difference->inexact |= have != want;
        difference->of_floats |= have != want && operand->desc.type == TENON_TYPE_F32;
        difference->worst = fmax(difference->worst, fabs(have - want));
        difference->failed |= !fits;
    }
}

/* As tenon_graph_evaluate, where variables start at what the specification says, and end in its
 * outputs. `data` has a slot for every tensor of the graph. */
static enum tenon_status evaluate_stateful(struct nnapi_graph *g, void **data,
                                           struct tenon_error *error) {
    enum tenon_status status = TENON_OK;
    for (uint32_t n = 0; status == TENON_OK && n < g->graph.node_count; n++) {
        struct tenon_operand operands[NNAPI_NODE_OPERANDS_MAX];
        struct tenon_op_call call;
        tenon_graph_node_call(&g->graph, n, data, operands, &call);
        size_t scratch = tenon_op_scratch_bytes(&call);
        call.scratch = aligned_alloc(64, (scratch + 64) & ~(size_t)63);
        status =
            call.scratch == NULL ? tenon_fail_memory(error) : tenon_op_run_reference(&call, error);
        free(call.scratch);
    }
    return status;
}

static enum tenon_status evaluate_stateless(struct nnapi_graph *g, void **data,
                                            struct tenon_error *error) {
    const void *inputs[NNAPI_OPERANDS_MAX];
    void *outputs[NNAPI_OPERANDS_MAX];
    for (uint32_t i = 0; i < g->graph.input_count; i++)
        inputs[i] = data[g->graph.inputs[i]];
    for (uint32_t i = 0; i < g->graph.output_count; i++)
        outputs[i] = data[g->graph.outputs[i]];
    return tenon_graph_evaluate(&g->graph, inputs, outputs, error);
}

/* Fills inputs and variables, evaluates, compares what the specification gives. */
static enum tenon_status run_graph(struct nnapi_graph *g, struct difference *difference,
                                   struct tenon_error *error) {
    enum tenon_status status = TENON_OK;
    void **data = calloc(g->graph.tensor_count + 1, sizeof(*data));
    if (data == NULL)
        return tenon_fail_memory(error);
    for (uint32_t i = 0; status == TENON_OK && i < g->graph.tensor_count; i++) {
        data[i] = calloc(1, tenon_desc_size(&g->graph.tensors[i].desc) + 1);
        status = data[i] != NULL ? TENON_OK : tenon_fail_memory(error);
    }
    for (int i = 0; status == TENON_OK && i < g->spec->operand_count; i++) {
        const struct nnapi_operand *operand = &g->spec->operands[i];
        if (operand->tensor != TENON_ID_NONE && operand->bytes != NULL &&
            operand->life != NNAPI_OUTPUT)
            memcpy(data[operand->tensor], operand->bytes, tenon_desc_size(&operand->desc));
    }
    if (status == TENON_OK)
        status =
            g->stateful ? evaluate_stateful(g, data, error) : evaluate_stateless(g, data, error);
    for (int i = 0; status == TENON_OK && i < g->spec->operand_count; i++) {
        const struct nnapi_operand *operand = &g->spec->operands[i];
        if (operand->life == NNAPI_OUTPUT && !operand->ignored && operand->tensor != TENON_ID_NONE)
            compare_output(g->spec, operand, data[operand->tensor], difference);
    }
    for (uint32_t i = 0; i < g->graph.tensor_count; i++)
        free(data[i]);
    free(data);
    return status;
}

static void run_spec(struct nnapi_spec *spec, struct report *report) {
    struct tally *row = row_of(report, nnapi_main_operator(spec));
    struct tenon_error error = {0};
    struct difference difference = {0};
    struct nnapi_graph g;
    if (!nnapi_is_mapped(row->name)) {
        row->unsupported++;
        return;
    }
    row->run++;
    enum tenon_status status = nnapi_graph_init(&g, spec, &error);
    if (status == TENON_OK)
        status = tenon_graph_verify(&g.graph, &error);
    if (status == TENON_OK)
        status = run_graph(&g, &difference, &error);
    nnapi_graph_finish(&g);
    bool passed =
        spec->expect_failure ? status != TENON_OK : status == TENON_OK && !difference.failed;
    row->passed += passed;
    row->exact += passed && !difference.inexact;
    row->within_one += passed && difference.inexact && !difference.of_floats;
    row->tolerated += passed && difference.of_floats;
    report->failures += !passed;
    if (!passed && spec->expect_failure)
        printf("FAIL %s: accepted, and must be refused\n", spec->name);
    else if (!passed)
        printf("FAIL %s: %s, off by %g\n", spec->name, status != TENON_OK ? error.message : "wrong",
               difference.worst);
}

/* One line of a file: one specification. Returns false at the end of the file. */
static bool next_spec(gzFile file, char **line, size_t *capacity) {
    size_t used = 0;
    for (;;) {
        if (*capacity - used < 2) {
            size_t larger = *capacity == 0 ? 1 << 16 : 2 * *capacity;
            char *copy = realloc(*line, larger);
            if (copy == NULL)
                return false;
            *line = copy;
            *capacity = larger;
        }
        if (gzgets(file, *line + used, (int)(*capacity - used)) == NULL)
            return used != 0;
        used += strlen(*line + used);
        if (used != 0 && (*line)[used - 1] == '\n')
            return true;
    }
}

static void run_file(const char *path, struct report *report) {
    gzFile file = gzopen(path, "rb");
    char *line = NULL;
    size_t capacity = 0;
    report->files += file != NULL;
    while (file != NULL && next_spec(file, &line, &capacity)) {
        struct nnapi_spec spec;
        json_t *root = json_loads(line, 0, NULL);
        if (nnapi_spec_init(&spec, root)) {
            run_spec(&spec, report);
        } else {
            printf("FAIL %s: a line cannot be read\n", path);
            report->failures++;
        }
        nnapi_spec_finish(&spec);
        json_decref(root);
    }
    free(line);
    if (file != NULL)
        gzclose(file);
}

static void print_row(const struct tally *row) {
    printf("%-30s %5d %6d %5d %8d %9d %11d\n", row->name, row->run, row->passed, row->exact,
           row->within_one, row->tolerated, row->unsupported);
}

static int print_report(const struct report *report) {
    struct tally all = {.name = "all"};
    printf("%-30s %5s %6s %5s %8s %9s %11s\n", "operator", "run", "passed", "exact", "within 1",
           "tolerance", "unsupported");
    for (int i = 0; i < report->count; i++) {
        const struct tally *row = &report->rows[i];
        print_row(row);
        all.run += row->run;
        all.passed += row->passed;
        all.exact += row->exact;
        all.within_one += row->within_one;
        all.tolerated += row->tolerated;
        all.unsupported += row->unsupported;
    }
    print_row(&all);
    printf("%d of %d files, %d failures\n", report->files, FILES_EXPECTED, report->failures);
    bool complete = report->files >= FILES_EXPECTED && all.run >= RUN_EXPECTED;
    return complete && report->failures == 0 ? 0 : 1;
}

int main(void) {
    const char *shared = getenv("TENON_SHARED");
    char folder[PATH_BYTES], path[PATH_BYTES + 300];
    struct report *report = calloc(1, sizeof(*report));
    snprintf(folder, sizeof(folder), "%s/corpora/nnapi", shared != NULL ? shared : "");
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (report == NULL || count <= 0) {
        printf("SKIPPED: %d NNAPI specifications: %s is absent\n", FILES_EXPECTED, folder);
        free(report);
        return SKIPPED;
    }
    for (int i = 0; i < count; i++) {
        if (strstr(entries[i]->d_name, ".jsonl.gz") != NULL) {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            run_file(path, report);
        }
        free(entries[i]);
    }
    free(entries);
    int result = print_report(report);
    free(report);
    return result;
}
