/*
 * Every target of every enabled backend against the contract, on random nodes.
 *
 *     run_contract [NODES [TARGET [SEED]]]
 *
 * TARGET "" is each of them.
 * NODES in all, over targets and numerics classes (default 4000; 100000 takes minutes).
 * A failure prints the graph as text with its seed; SEED makes one graph again.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/contract.h"
#include "backend/random_nodes.h"
#include "ir/text.h"

/* For whoever reads beyond a constant: the page behind it cannot be read. */
static char last_words[160];

static void on_bad_access(int signal) {
    (void)signal;
    (void)!write(STDOUT_FILENO, last_words, strlen(last_words));
    _exit(1);
}

static void print_graph(const struct tenon_graph *graph) {
    struct tenon_strbuf text;
    tenon_strbuf_init(&text);
    tenon_ir_print(graph, &text);
    if (!text.failed && text.size < 20000)
        printf("%s", text.data);
    tenon_strbuf_finish(&text);
}

static bool check_seed(struct contract *contract, uint64_t seed) {
    struct generator g;
    gen_begin(&g, seed);
    random_nodes_add(&g);
    bool ok = gen_end(&g);
    snprintf(last_words, sizeof(last_words),
             "seed %" PRIu64 ", target %s: it read where nothing may be read\n", seed,
             contract->target.name);
    if (ok && g.graph.node_count > 0) {
        ok = contract_check(contract, &g.graph, seed);
        if (!ok) {
            printf("seed %" PRIu64 ": %s\n", seed, contract->message);
            print_graph(&g.graph);
        }
    }
    gen_finish(&g);
    return ok;
}

static uint32_t count_ops(const struct contract_tally *tally) {
    uint32_t count = 0;
    for (int op = 0; op < TENON_OP_COUNT; op++)
        count += tally->ops[op] > 0;
    return count;
}

static bool check_target(const struct tenon_target *target, uint64_t nodes, const char *seed) {
    static const char *const classes[] = {"exact", "within 1"};
    struct contract contract = {.target = *target};
    const struct contract_tally *tally = &contract.tally;
    contract_open(&contract);
    bool ok = true;
    if (seed != NULL)
        ok = check_seed(&contract, strtoull(seed, NULL, 10));
    for (uint64_t i = 1; ok && seed == NULL && tally->nodes < nodes; i++)
        ok = check_seed(&contract, i * UINT64_C(0x9e3779b97f4a7c15));
    printf("%-18s %-8s %7" PRIu64 " nodes, %7" PRIu64 " supported of %3u operators, %7" PRIu64
           " parts compiled, %7" PRIu64 " runs, %" PRIu64 " of %" PRIu64
           " elements differ by 1; longest reason %zu\n",
           target->name, classes[target->numerics], tally->nodes, tally->supported,
           count_ops(tally), tally->parts, tally->runs, tally->different_by_1, tally->elements,
           tally->longest_reason);
    if (ok && seed == NULL && tally->supported == 0) {
        printf("%s supports none of them: nothing was checked\n", target->name);
        ok = false;
    }
    contract_close(&contract);
    return ok;
}

int main(int argc, char **argv) {
    uint64_t nodes = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000;
    const char *only = argc > 2 && argv[2][0] != '\0' ? argv[2] : NULL;
    uint32_t targets = 0, checked = 0, failed = 0;
    while (tenon_target_name(targets) != NULL)
        targets++;
    signal(SIGSEGV, on_bad_access);
    signal(SIGBUS, on_bad_access);
    uint64_t each = targets > 0 ? nodes / (only != NULL ? 2 : 2 * targets) : 0;
    for (uint32_t i = 0; i < 2 * targets && each > 0; i++) {
        const struct tenon_target target = {.name = tenon_target_name(i / 2),
                                            .numerics = (enum tenon_numerics)(i % 2)};
        if (only != NULL && strcmp(only, target.name) != 0)
            continue;
        checked++;
        failed += !check_target(&target, each, argc > 3 ? argv[3] : NULL);
        fflush(stdout);
    }
    return failed > 0 || checked == 0;
}
