/*
 * The whole partitioner on random graphs against the true optimum: all assignments and all orders
 * of execution, found by a search that this test makes from the definition of cost
 * (partition/assign.h) and nothing of the partitioner's. Times, copies and submissions are drawn,
 * by backends of this test's own that take the place of the generated table.
 *
 * TENON_PARTITION_CASES: graphs per kind (default 150).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "partition/partition.h"

enum { NODES_MAX = 20, LABELS_MAX = 3, TENSORS_MAX = NODES_MAX + 1, CASES_DEFAULT = 150 };

/* What the backends below answer, and the search counts with. Tensor 0 is the graph's input, tensor
 * i + 1 is made by node i; a description tells which tensor it is by its zero point. */
static struct {
    uint32_t nodes, labels;
    bool supported[NODES_MAX][LABELS_MAX];
    uint64_t time[NODES_MAX][LABELS_MAX], submit[LABELS_MAX];
    uint64_t enter[TENSORS_MAX][LABELS_MAX], leave[TENSORS_MAX][LABELS_MAX];
    uint32_t operands[NODES_MAX][2]; /* tensors */
    bool output[TENSORS_MAX];
} m;

static const char *const targets[] = {"t0", "t1", "t2", NULL};

static uint32_t label_of(const struct tenon_target *target) {
    return (uint32_t)(target->name[1] - '0');
}

static bool supports(const struct tenon_target *target, const struct tenon_graph *graph,
                     uint32_t node, char *reason) {
    (void)graph;
    snprintf(reason, TENON_REASON_BYTES, "not drawn");
    return m.supported[node][label_of(target)];
}

static uint64_t cost_ns(const struct tenon_target *target, const struct tenon_graph *graph,
                        uint32_t node) {
    (void)graph;
    return m.time[node][label_of(target)];
}

static uint64_t transfer_ns(const struct tenon_target *target, const struct tenon_desc *desc,
                            bool in) {
    uint32_t tensor = (uint32_t)(desc->quant.zero_point[0] + 100);
    return in ? m.enter[tensor][label_of(target)] : m.leave[tensor][label_of(target)];
}

static uint64_t submit_ns(const struct tenon_target *target) {
    return m.submit[label_of(target)];
}

static const struct tenon_backend backend = {.abi_version = TENON_BACKEND_ABI,
                                             .name = "test",
                                             .targets = targets,
                                             .supports = supports,
                                             .cost_ns = cost_ns,
                                             .transfer_ns = transfer_ns,
                                             .submit_ns = submit_ns};
const struct tenon_backend *const tenon_backends[] = {&backend, NULL};

/* ---- drawing ---- */

static uint32_t random_below(uint64_t *seed, uint32_t limit) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % limit;
}

/* `near`: how far back operands are looked for; 1 makes chains. */
static void draw(uint64_t *seed, uint32_t nodes, uint32_t labels, uint32_t near) {
    memset(&m, 0, sizeof(m));
    m.nodes = nodes;
    m.labels = labels;
    uint32_t scale = 1 + random_below(seed, 300); /* of crossings against times */
    for (uint32_t l = 0; l < labels; l++)
        m.submit[l] = random_below(seed, scale);
    for (uint32_t n = 0; n < nodes; n++)
        for (uint32_t l = 0; l < labels; l++) {
            m.supported[n][l] = l + 1 == labels || random_below(seed, 8) != 0;
            m.time[n][l] = 1 + random_below(seed, 200);
        }
    for (uint32_t t = 0; t <= nodes; t++)
        for (uint32_t l = 0; l + 1 < labels; l++) { /* the last works in host memory */
            m.leave[t][l] = random_below(seed, scale);
            m.enter[t][l] = random_below(seed, scale);
        }
    for (uint32_t n = 0; n < nodes; n++)
        for (int k = 0; k < 2; k++) {
            uint32_t back = random_below(seed, near);
            m.operands[n][k] = back > n ? 0 : n - back;
            if (k == 1 && random_below(seed, 2) == 0)
                m.operands[n][1] = m.operands[n][0];
        }
    for (uint32_t t = 1; t <= nodes; t++) {
        bool read = false;
        for (uint32_t n = 0; n < nodes; n++)
            read |= m.operands[n][0] == t || m.operands[n][1] == t;
        m.output[t] = !read || random_below(seed, 9) == 0;
    }
}

static void build(struct tenon_arena *arena, struct tenon_graph *graph) {
    float scale = 0.5f;
    uint32_t outputs[TENSORS_MAX], count = 0, id;
    const struct tenon_attrs attrs = {0};
    tenon_graph_init(graph, arena);
    for (uint32_t t = 0; t <= m.nodes; t++) {
        int32_t zero = (int32_t)t - 100;
        struct tenon_desc desc = {.type = TENON_TYPE_I8,
                                  .shape = {.rank = 1, .dims = {4}},
                                  .quant = {1, 0, &scale, &zero}};
        assert_true(tenon_graph_add_tensor(
            graph, "t", t == 0 ? TENON_TENSOR_INPUT : TENON_TENSOR_RESULT, &desc, NULL, &id));
        if (m.output[t])
            outputs[count++] = t;
    }
    for (uint32_t n = 0; n < m.nodes; n++) {
        uint32_t out = n + 1;
        assert_int_equal(tenon_graph_add_node(graph, TENON_OP_ADD, TENON_ROUNDING_DOUBLE, "n",
                                              &attrs, m.operands[n], 2, &out, 1, NULL, NULL),
                         TENON_OK);
    }
    const uint32_t input = 0;
    assert_true(tenon_graph_set_inputs(graph, &input, 1));
    assert_true(tenon_graph_set_outputs(graph, outputs, count));
}

/* ---- the optimum ---- */

struct search {
    uint32_t labels[NODES_MAX];
    uint32_t last_reader[TENSORS_MAX]; /* node, or the producer */
    uint64_t best;
};

static uint64_t net_cost(const uint32_t *labels, uint32_t tensor) {
    bool made = tensor > 0, crosses = m.output[tensor];
    uint64_t cost = 0;
    for (uint32_t l = 0; l < m.labels; l++) {
        bool read = false;
        for (uint32_t n = tensor; n < m.nodes; n++)
            read |= labels[n] == l && (m.operands[n][0] == tensor || m.operands[n][1] == tensor);
        if (!read || (made && labels[tensor - 1] == l))
            continue;
        crosses = true;
        cost += m.enter[tensor][l];
    }
    return made && crosses ? cost + m.leave[tensor][labels[tensor - 1]] : cost;
}

/* All nodes of one label that can run, one after the other: a longer run is never worse. */
static uint32_t extend(const uint32_t *labels, uint32_t done, uint32_t label) {
    for (uint32_t n = 0; n < m.nodes; n++) {
        bool ready = true;
        for (int k = 0; k < 2; k++)
            ready &= m.operands[n][k] == 0 || (done >> (m.operands[n][k] - 1) & 1) != 0;
        if (ready && labels[n] == label)
            done |= UINT32_C(1) << n;
    }
    return done;
}

/* The least that submissions cost from here on, over all orders. */
static uint64_t submissions(const uint32_t *labels, uint32_t done, uint32_t last, uint64_t limit) {
    if (done == (UINT32_C(1) << m.nodes) - 1)
        return 0;
    uint64_t best = limit;
    for (uint32_t l = 0; l < m.labels; l++) {
        uint32_t next = l != last ? extend(labels, done, l) : done;
        if (next == done || m.submit[l] >= best)
            continue;
        uint64_t cost = m.submit[l] + submissions(labels, next, l, best - m.submit[l]);
        best = cost < best ? cost : best;
    }
    return best;
}

static void search_from(struct search *s, uint32_t node, uint64_t cost) {
    if (cost >= s->best)
        return;
    if (node == m.nodes) {
        uint64_t total = cost + submissions(s->labels, 0, LABELS_MAX, s->best - cost);
        s->best = total < s->best ? total : s->best;
        return;
    }
    for (uint32_t l = 0; l < m.labels; l++) {
        if (!m.supported[node][l])
            continue;
        s->labels[node] = l;
        uint64_t more = m.time[node][l];
        for (uint32_t t = 0; t <= node + 1; t++)
            if (s->last_reader[t] == node)
                more += net_cost(s->labels, t);
        search_from(s, node + 1, cost + more);
    }
}

static uint64_t optimum(uint64_t at_most) {
    struct search s = {.best = at_most + 1};
    for (uint32_t t = 0; t <= m.nodes; t++) {
        s.last_reader[t] = t > 0 ? t - 1 : 0;
        for (uint32_t n = 0; n < m.nodes; n++)
            if (m.operands[n][0] == t || m.operands[n][1] == t)
                s.last_reader[t] = n > s.last_reader[t] ? n : s.last_reader[t];
    }
    /* A net is priced when its last reader has a label; until then labels beyond are old. */
    search_from(&s, 0, 0);
    return s.best;
}

/* ---- the comparison ---- */

struct tally {
    uint32_t cases, optimal, within;
    double worst;
    uint64_t planning_ns;
};

static void compare(uint32_t labels, uint32_t nodes_max, uint32_t near, uint64_t *seed,
                    struct tally *tally) {
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_partition partition;
    struct tenon_error error = {.message = ""};
    const struct tenon_target list[] = {{.name = "t0"}, {.name = "t1"}, {.name = "t2"}};
    const struct tenon_partition_request request = {
        .cost = {.targets = list, .target_count = labels}};
    draw(seed, 1 + random_below(seed, nodes_max), labels, near);
    tenon_arena_init(&arena, 0);
    build(&arena, &graph);
    if (tenon_partition_graph(&graph, &request, &arena, &partition, &error) != TENON_OK)
        fail_msg("%s", error.message);
    uint64_t best = optimum(partition.total_ns);
    assert_true(best <=
                partition.total_ns); /* the search finds the partitioner's answer, or less */
    double ratio = (double)partition.total_ns / (double)best;
    tally->cases++;
    tally->optimal += partition.total_ns == best;
    tally->within += ratio <= 1.02;
    tally->worst = ratio > tally->worst ? ratio : tally->worst;
    tally->planning_ns += partition.planning_ns;
    tenon_arena_finish(&arena);
}

static uint32_t cases_wanted(void) {
    const char *text = getenv("TENON_PARTITION_CASES");
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : CASES_DEFAULT;
}

static void compare_kind(const char *what, uint32_t labels, uint32_t nodes_max) {
    static const uint32_t near[] = {1, 2, 4, 20};
    struct tally all = {0};
    uint64_t seed = labels;
    for (size_t k = 0; k < TENON_COUNT_OF(near); k++)
        for (uint32_t i = 0; i < cases_wanted() / TENON_COUNT_OF(near); i++)
            compare(labels, nodes_max, near[k], &seed, &all);
    assert_true(all.cases > 0);
    printf("%s: %u graphs, %.2f %% optimal, %.2f %% within 2 %%, worst %.4f, planned in %.1f us\n",
           what, all.cases, 100.0 * all.optimal / all.cases, 100.0 * all.within / all.cases,
           all.worst, (double)all.planning_ns * 1e-3 / all.cases);
    assert_true(all.within * 100 >= all.cases * 99);
}

static void two_targets(void **state) {
    (void)state;
    compare_kind("2 targets, up to 20 nodes, all orders", 2, 20);
}

static void three_targets(void **state) {
    (void)state;
    compare_kind("3 targets, up to 12 nodes, all orders", 3, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_targets),
        cmocka_unit_test(three_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
