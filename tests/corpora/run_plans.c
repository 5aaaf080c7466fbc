/*
 * Plans for the models of ../shared/models over the CPU and each accelerator of this build: by its
 * own measure a plan is never slower than the best single target. How long each took to make is
 * told, and judged only when a limit is given: the calling thread's time on the processor, best of
 * three, which is what passes on the clock when there are processors for the others.
 *
 *     run_plans FOLDER [LIMIT_MS]
 */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontends/frontend.h"
#include "partition/partition.h"
#include "passes/pipeline.h"
#include "util/file.h"

enum { TRIES = 3 };

static uint64_t cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct plan {
    uint64_t total_ns, best_alone_ns, planning_ns;
    uint32_t parts, accelerated; /* nodes on the accelerator */
};

static uint64_t alone_ns(const struct tenon_partition *partition, uint32_t target,
                         struct tenon_arena *arena) {
    const struct tenon_assign_problem *problem = &partition->model.problem;
    uint32_t *labels = tenon_arena_alloc_array(arena, problem->node_count, sizeof(*labels));
    for (uint32_t n = 0; labels != NULL && n < problem->node_count; n++)
        labels[n] = target;
    return labels != NULL ? tenon_assign_total(problem, labels) : 0;
}

static bool make_plan(const struct tenon_graph *graph, const char *accelerator,
                      enum tenon_numerics numerics, struct plan *out) {
    const struct tenon_target targets[] = {{.name = accelerator, .numerics = numerics},
                                           {.name = "cpu", .numerics = numerics}};
    const struct tenon_partition_request request = {
        .cost = {.targets = targets, .target_count = 2}};
    struct tenon_arena arena;
    struct tenon_partition partition;
    struct tenon_error error = {.message = ""};
    tenon_arena_init(&arena, 0);
    uint64_t start = cpu_ns();
    bool ok = tenon_partition_graph(graph, &request, &arena, &partition, &error) == TENON_OK;
    uint64_t planning_ns = cpu_ns() - start;
    if (!ok)
        printf("%s\n", error.message);
    *out = (struct plan){.planning_ns = planning_ns, .best_alone_ns = UINT64_MAX};
    for (uint32_t i = 0; ok && i < 2; i++) {
        uint64_t ns = alone_ns(&partition, i, &arena);
        out->best_alone_ns = ns < out->best_alone_ns ? ns : out->best_alone_ns;
    }
    out->total_ns = ok ? partition.total_ns : 0;
    out->parts = ok ? partition.part_count : 0;
    for (uint32_t n = 0; ok && n < graph->node_count; n++)
        out->accelerated += partition.choices[n].target == 0;
    tenon_arena_finish(&arena);
    return ok;
}

static bool check(const char *name, const struct tenon_graph *graph, const char *accelerator,
                  enum tenon_numerics numerics, double limit_ms) {
    struct plan plan = {0};
    uint64_t planning_ns = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        if (!make_plan(graph, accelerator, numerics, &plan))
            return false;
        planning_ns = plan.planning_ns < planning_ns ? plan.planning_ns : planning_ns;
    }
    double planning_ms = (double)planning_ns * 1e-6;
    bool ok = plan.total_ns <= plan.best_alone_ns && planning_ms <= limit_ms;
    printf("%-34s %-16s %-8s %3u of %3u nodes, %3u parts, %8.3f ms, best alone %8.3f ms, planned "
           "in %6.2f ms%s\n",
           name, accelerator, numerics == TENON_NUMERICS_EXACT ? "exact" : "within 1",
           plan.accelerated, graph->node_count, plan.parts, (double)plan.total_ns * 1e-6,
           (double)plan.best_alone_ns * 1e-6, planning_ms, ok ? "" : " FAILED");
    return ok;
}

static bool check_all(const char *name, const struct tenon_graph *graph, double limit_ms) {
    bool ok = true;
    for (int b = 0; tenon_backends[b] != NULL; b++)
        for (int t = 0; !tenon_backends[b]->is_host && tenon_backends[b]->targets[t] != NULL; t++)
            for (int numerics = 0; numerics < 2; numerics++)
                ok &= check(name, graph, tenon_backends[b]->targets[t],
                            (enum tenon_numerics)numerics, limit_ms);
    return ok;
}

static bool import(struct tenon_span bytes, struct tenon_graph *graph) {
    for (int i = 0; tenon_frontends[i] != NULL; i++)
        if (tenon_frontends[i]->recognizes(bytes))
            return tenon_frontends[i]->import(bytes, graph, NULL, NULL) == TENON_OK &&
                   tenon_run_pipeline(graph, false, NULL, NULL) == TENON_OK;
    return false;
}

static bool check_model(const char *folder, const char *name, double limit_ms) {
    char path[4096];
    struct tenon_mapping mapping;
    struct tenon_arena arena;
    struct tenon_graph graph;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (tenon_mapping_open(&mapping, path, NULL) != TENON_OK)
        return false;
    tenon_arena_init(&arena, 0);
    tenon_graph_init(&graph, &arena);
    bool ok = import(mapping.bytes, &graph);
    ok = ok && check_all(name, &graph, limit_ms);
    tenon_arena_finish(&arena);
    tenon_mapping_close(&mapping);
    return ok;
}

int main(int argc, char **argv) {
    struct dirent **entries;
    int count = argc > 1 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
    uint32_t passed = 0, failed = 0;
    if (count < 0) {
        printf("SKIPPED: no models in %s\n", argc > 1 ? argv[1] : "");
        return 77;
    }
    for (int i = 0; i < count; i++) {
        size_t length = strlen(entries[i]->d_name);
        if (length > 7 && strcmp(entries[i]->d_name + length - 7, ".tflite") == 0) {
            bool ok = check_model(argv[1], entries[i]->d_name, argc > 2 ? atof(argv[2]) : INFINITY);
            passed += ok;
            failed += !ok;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%u models passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
