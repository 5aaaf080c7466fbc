/*
 * The assignment solvers against exhaustive search over random problems. The optimum is found by
 * trying all assignments, with partial sums that this test computes from the definition in
 * assign.h, not with the functions under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "partition/assign.h"

enum { NODES_MAX = 20, LABELS_MAX = 4, NETS_MAX = 2 * NODES_MAX + 4 };

static uint32_t random_below(uint64_t *seed, uint32_t limit) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % limit;
}

struct random_problem {
    struct tenon_assign_problem problem;
    uint64_t time[NODES_MAX * LABELS_MAX], submit[LABELS_MAX];
    uint64_t leave[NETS_MAX][LABELS_MAX], enter[NETS_MAX][LABELS_MAX];
    uint32_t order[NODES_MAX];
    uint32_t readers[NETS_MAX][NODES_MAX];
    struct tenon_net nets[NETS_MAX];
};

static void add_reader(struct tenon_net *net, uint32_t *readers, uint32_t node) {
    if (net->reader_count == 0 || readers[net->reader_count - 1] != node)
        readers[net->reader_count++] = node;
}

/* `near`: how far back operands are looked for; 1 makes chains. */
static void make_problem(struct random_problem *r, uint64_t *seed, uint32_t nodes, uint32_t labels,
                         uint32_t near) {
    memset(r, 0, sizeof(*r));
    r->problem = (struct tenon_assign_problem){.node_count = nodes,
                                               .label_count = labels,
                                               .net_count = nodes + 1,
                                               .time_ns = r->time,
                                               .submit_ns = r->submit,
                                               .order = r->order,
                                               .nets = r->nets};
    uint32_t scale = 1 + random_below(seed, 300); /* of crossings against times */
    for (uint32_t l = 0; l < labels; l++)
        r->submit[l] = random_below(seed, scale);
    for (uint32_t n = 0; n < nodes; n++) {
        r->order[n] = n;
        for (uint32_t l = 0; l < labels; l++)
            r->time[n * labels + l] = random_below(seed, 8) == 0 && l + 1 < labels
                                          ? TENON_ASSIGN_IMPOSSIBLE
                                          : 1 + random_below(seed, 200);
    }
    for (uint32_t i = 0; i <= nodes; i++) { /* net i is made by node i, the last one by the host */
        r->nets[i] = (struct tenon_net){.producer = i < nodes ? i : TENON_ASSIGN_NONE,
                                        .readers = r->readers[i],
                                        .leaves = i + 1 == nodes || random_below(seed, 9) == 0,
                                        .leave_ns = r->leave[i],
                                        .enter_ns = r->enter[i]};
        for (uint32_t l = 0; l + 1 < labels || l == 0; l++) { /* the last works in host memory */
            r->leave[i][l] = random_below(seed, scale);
            r->enter[i][l] = random_below(seed, scale);
        }
    }
    for (uint32_t n = 0; n < nodes; n++)
        for (uint32_t k = 0; k < 1 + (near > 1 ? random_below(seed, 3) : 0); k++) {
            uint32_t back = 1 + random_below(seed, near);
            uint32_t net = back > n ? nodes : n - back;
            add_reader(&r->nets[net], r->readers[net], n);
        }
}

static uint64_t define_net(const struct random_problem *r, uint32_t i, const uint32_t *labels) {
    const struct tenon_net *net = &r->nets[i];
    uint64_t cost = 0;
    bool made = net->producer != TENON_ASSIGN_NONE, crosses = net->leaves;
    for (uint32_t l = 0; l < r->problem.label_count; l++) {
        bool entered = false;
        for (uint32_t k = 0; k < net->reader_count; k++)
            entered |= labels[net->readers[k]] == l;
        if (!entered || (made && labels[net->producer] == l))
            continue;
        crosses = true;
        cost += r->enter[i][l];
    }
    return made && crosses ? cost + r->leave[i][labels[net->producer]] : cost;
}

/* The last reader of each net, or its producer: where its cost is known. */
static uint32_t known_at(const struct tenon_net *net) {
    return net->reader_count > 0                ? net->readers[net->reader_count - 1]
           : net->producer != TENON_ASSIGN_NONE ? net->producer
                                                : 0;
}

static void search(const struct random_problem *r, uint32_t node, uint64_t cost, uint32_t *labels,
                   uint64_t *best) {
    const struct tenon_assign_problem *p = &r->problem;
    if (cost >= *best)
        return;
    if (node == p->node_count) {
        *best = cost;
        return;
    }
    for (labels[node] = 0; labels[node] < p->label_count; labels[node]++) {
        uint64_t more = r->time[node * p->label_count + labels[node]];
        if (more >= TENON_ASSIGN_IMPOSSIBLE)
            continue;
        if (node == 0 || labels[node - 1] != labels[node])
            more += r->submit[labels[node]];
        for (uint32_t i = 0; i < p->net_count; i++)
            if (known_at(&r->nets[i]) == node)
                more += define_net(r, i, labels);
        search(r, node + 1, cost + more, labels, best);
    }
}

static void start_labels(const struct random_problem *r, uint32_t *labels) {
    const struct tenon_assign_problem *p = &r->problem;
    for (uint32_t n = 0; n < p->node_count; n++)
        for (labels[n] = 0; r->time[n * p->label_count + labels[n]] >= TENON_ASSIGN_IMPOSSIBLE;)
            labels[n]++;
}

struct tally {
    uint32_t cases, exact, within, gave_up;
    double worst;
};

static void count(struct tally *tally, uint64_t cost, uint64_t best) {
    double ratio = (double)cost / (double)best;
    assert_true(cost >= best);
    tally->cases++;
    tally->exact += cost == best;
    tally->within += ratio <= 1.02;
    if (ratio > tally->worst)
        tally->worst = ratio;
}

static void compare(uint32_t labels_count, uint32_t nodes_max, uint32_t near, uint32_t cases,
                    struct tally *frontier, struct tally *expand) {
    uint64_t seed = labels_count * 1000 + near;
    for (uint32_t i = 0; i < cases; i++) {
        static struct random_problem r;
        struct tenon_arena arena;
        uint32_t labels[NODES_MAX], search_labels[NODES_MAX];
        uint64_t best = TENON_ASSIGN_IMPOSSIBLE;
        make_problem(&r, &seed, 1 + random_below(&seed, nodes_max), labels_count, near);
        tenon_arena_init(&arena, 0);
        assert_true(tenon_assign_index(&r.problem, &arena));
        search(&r, 0, 0, search_labels, &best);
        enum tenon_assign_result result = tenon_assign_frontier(&r.problem, &arena, labels);
        if (result == TENON_ASSIGN_DONE)
            count(frontier, tenon_assign_total(&r.problem, labels), best);
        else
            frontier->gave_up++;
        start_labels(&r, labels);
        assert_int_equal(tenon_assign_expand(&r.problem, &arena, labels), TENON_ASSIGN_DONE);
        count(expand, tenon_assign_total(&r.problem, labels), best);
        tenon_arena_finish(&arena);
    }
}

static void print_tally(const char *what, const struct tally *t) {
    printf("%-44s %5u cases, %6.2f %% optimal, %6.2f %% within 2 %%, worst %.4f, gave up %u\n",
           what, t->cases, 100.0 * t->exact / t->cases, 100.0 * t->within / t->cases, t->worst,
           t->gave_up);
}

static void two_targets_are_exact(void **state) {
    (void)state;
    struct tally frontier = {0}, expand = {0};
    for (uint32_t near = 1; near <= 20; near += near < 4 ? 1 : 8)
        compare(2, 20, near, 60, &frontier, &expand);
    print_tally("2 targets, up to 20 nodes: frontier", &frontier);
    print_tally("2 targets, up to 20 nodes: one minimum cut", &expand);
    assert_int_equal(frontier.exact, frontier.cases);
    assert_int_equal(expand.exact, expand.cases);
    assert_int_equal(expand.cases, 360);
}

static void three_targets(void **state) {
    (void)state;
    struct tally frontier = {0}, expand = {0};
    for (uint32_t near = 1; near <= 12; near += near < 4 ? 1 : 4)
        compare(3, 12, near, 60, &frontier, &expand);
    print_tally("3 targets, up to 12 nodes: frontier", &frontier);
    print_tally("3 targets, up to 12 nodes: alpha-expansion", &expand);
    assert_int_equal(frontier.exact, frontier.cases);
    assert_true(expand.within * 100 >= expand.cases * 90);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_targets_are_exact),
        cmocka_unit_test(three_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
