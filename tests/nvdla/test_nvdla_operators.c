/*
 * What NVDLA's backend promises of single operators, on random nodes: a node that is supported
 * compiles; its program, run on the functional model, gives the reference kernel's bytes, or where
 * the target may be within 1, differs by no more; a listing of it can be made. And the other way
 * round: with seeds fixed, a known share is supported, so that refusing everything fails.
 *
 * TENON_NVDLA_CASES sets the number of nodes per family.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "ir/eval.h"
#include "nvdla/machine.h"
#include "nvdla/random_node.h"

enum { CASES = 200, EDGES_MAX = 8 };

struct counts {
    uint32_t made, supported, promised, exact, within_1;
    uint64_t differing, elements;
};

struct fixture {
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_target target;
    struct tenon_strbuf data;
    struct tenon_code out;
    uint8_t *inputs[EDGES_MAX], *wanted[EDGES_MAX], *got[EDGES_MAX];
};

static uint32_t case_count(void) {
    const char *text = getenv("TENON_NVDLA_CASES");
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : CASES;
}

static uint8_t *memory_of(struct fixture *f, uint32_t tensor) {
    uint8_t *bytes = tenon_arena_alloc(&f->arena, tenon_desc_size(&f->graph.tensors[tensor].desc));
    assert_non_null(bytes);
    return bytes;
}

/* Random inputs, of all values or of the extremes alone. */
static void make_inputs(struct fixture *f, uint64_t seed) {
    uint64_t state = seed ^ UINT64_C(0xabcdef);
    bool extremes = random_below(&state, 4) == 0;
    for (uint32_t i = 0; i < f->graph.input_count; i++) {
        size_t size = tenon_desc_size(&f->graph.tensors[f->graph.inputs[i]].desc);
        f->inputs[i] = memory_of(f, f->graph.inputs[i]);
        for (size_t k = 0; k < size; k++) {
            uint32_t value = random_below(&state, 256);
            f->inputs[i][k] = (uint8_t)(!extremes ? value : value < 128 ? 0x7f : 0x80);
        }
    }
    for (uint32_t i = 0; i < f->graph.output_count; i++) {
        f->wanted[i] = memory_of(f, f->graph.outputs[i]);
        f->got[i] = memory_of(f, f->graph.outputs[i]);
    }
}

static void check_listing(const struct fixture *f, const struct tenon_backend *backend) {
    struct tenon_strbuf text;
    struct tenon_error error;
    struct tenon_span code = {(const uint8_t *)f->out.code.data, f->out.code.size};
    struct tenon_span data = {(const uint8_t *)f->data.data, f->data.size};
    tenon_strbuf_init(&text);
    assert_int_equal(backend->disassemble(code, data, &text, &error), TENON_OK);
    assert_null(strchr(text.data, '?')); /* a register that the table does not know */
    tenon_strbuf_finish(&text);
}

static void compile(struct fixture *f, const struct tenon_backend *backend, const char *name) {
    uint32_t node = 0;
    struct tenon_error error = {.message = ""};
    const struct tenon_part part = {.graph = &f->graph,
                                    .nodes = &node,
                                    .node_count = 1,
                                    .reads = f->graph.inputs,
                                    .read_count = f->graph.input_count,
                                    .writes = f->graph.outputs,
                                    .write_count = f->graph.output_count};
    f->out.data = &f->data;
    if (backend->compile(&f->target, &part, &f->arena, &f->out, &error) != TENON_OK)
        fail_msg("%s: supported, but: %s", name, error.message);
    check_listing(f, backend);
}

static void run(struct fixture *f, const char *name) {
    struct machine_result result;
    struct tenon_nvdla_code code;
    struct tenon_error error = {.message = ""};
    struct tenon_span bytes = {(const uint8_t *)f->out.code.data, f->out.code.size};
    struct tenon_span data = {(const uint8_t *)f->data.data, f->data.size};
    if (tenon_nvdla_code_read(bytes, data.size, &f->arena, &code, &error) != TENON_OK)
        fail_msg("%s: %s", name, error.message);
    if (!machine_run(&code, data, (const uint8_t *const *)f->inputs, f->got, &result))
        fail_msg("%s: %s", name, result.message);
}

static void compare(const struct fixture *f, const char *name, struct counts *counts) {
    bool may_differ = f->target.numerics == TENON_NUMERICS_WITHIN_1, differs = false;
    for (uint32_t i = 0; i < f->graph.output_count; i++) {
        size_t size = tenon_desc_size(&f->graph.tensors[f->graph.outputs[i]].desc);
        counts->elements += size;
        for (size_t k = 0; k < size; k++) {
            bool is_u8 = f->graph.tensors[f->graph.outputs[i]].desc.type == TENON_TYPE_U8;
            int difference = is_u8 ? abs(f->got[i][k] - f->wanted[i][k])
                                   : abs((int8_t)f->got[i][k] - (int8_t)f->wanted[i][k]);
            if (difference > (may_differ ? 1 : 0))
                fail_msg("%s: output %u, element %zu of %zu: %d, not %d", name, i, k, size,
                         (int8_t)f->got[i][k], (int8_t)f->wanted[i][k]);
            counts->differing += difference != 0;
            differs = differs || difference != 0;
        }
    }
    counts->exact += !differs;
    counts->within_1 += differs;
}

static void check_node(uint64_t seed, enum random_family family, enum tenon_numerics numerics,
                       struct counts *counts) {
    const struct tenon_backend *backend = tenon_backend_find("nvdla:nv_small");
    struct fixture f = {.target = {.name = "nvdla:nv_small", .numerics = numerics}};
    char reason[TENON_REASON_BYTES] = "", name[64];
    struct tenon_error error;
    snprintf(name, sizeof(name), "family %d, seed %llu", (int)family, (unsigned long long)seed);
    tenon_arena_init(&f.arena, 0);
    tenon_strbuf_init(&f.data);
    tenon_strbuf_init(&f.out.code);
    if (random_node(seed, family, &f.arena, &f.graph)) {
        counts->made++;
        if (backend->supports(&f.target, &f.graph, 0, reason)) {
            counts->supported++;
            (void)backend->cost_ns(&f.target, &f.graph, 0);
            make_inputs(&f, seed);
            assert_int_equal(tenon_graph_evaluate(&f.graph, (const void *const *)f.inputs,
                                                  (void *const *)f.wanted, &error),
                             TENON_OK);
            compile(&f, backend, name);
            run(&f, name);
            compare(&f, name, counts);
        } else {
            if (getenv("TENON_NVDLA_REASONS") != NULL)
                print_message("%s: %s\n", name, reason);
            assert_true(reason[0] != 0);
        }
    }
    tenon_strbuf_finish(&f.out.code);
    tenon_strbuf_finish(&f.data);
    tenon_arena_finish(&f.arena);
}

/* Half of the nodes exact, half within 1; at least `percent` of them are to be supported. */
static void check_family(enum random_family family, uint32_t percent) {
    struct counts counts = {0};
    for (uint32_t i = 0; i < case_count(); i++)
        check_node(i, family, i % 2 == 0 ? TENON_NUMERICS_EXACT : TENON_NUMERICS_WITHIN_1, &counts);
    print_message("%u nodes, %u supported: %u exact, %u within 1 (%llu of %llu elements)\n",
                  counts.made, counts.supported, counts.exact, counts.within_1,
                  (unsigned long long)counts.differing, (unsigned long long)counts.elements);
    assert_true(counts.supported * 100 >= counts.made * percent);
    assert_true(counts.made > 0);
}

static void test_conv(void **state) {
    (void)state;
    check_family(RANDOM_CONV, 40);
}

static void test_depthwise(void **state) {
    (void)state;
    check_family(RANDOM_DEPTHWISE, 40);
}

static void test_fully_connected(void **state) {
    (void)state;
    check_family(RANDOM_FULLY_CONNECTED, 40);
}

static void test_pool(void **state) {
    (void)state;
    check_family(RANDOM_POOL, 90);
}

static void test_mean(void **state) {
    (void)state;
    check_family(RANDOM_MEAN, 40);
}

static void test_binary(void **state) {
    (void)state;
    check_family(RANDOM_BINARY, 50);
}

static void test_unary(void **state) {
    (void)state;
    check_family(RANDOM_UNARY, 40);
}

static void test_prelu(void **state) {
    (void)state;
    check_family(RANDOM_PRELU, 70);
}

static void test_move(void **state) {
    (void)state;
    check_family(RANDOM_MOVE, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_depthwise),
        cmocka_unit_test(test_fully_connected),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_prelu),
        cmocka_unit_test(test_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
