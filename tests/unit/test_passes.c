/* The two stages of passes as the compiler calls them: what runs, what is told, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ir/text.h"
#include "passes/pipeline.h"

static const char two_scales[] =
    "tenon 1\n"
    "graph \"g\" \"\"\n"
    "%0 \"x\" = input i8 1x1x1x1 scale [0.5] zero [3] axis 0\n"
    "%1 \"w\" = constant i8 2x1x1x1 scale [0.3, 0.5] zero [0, 0] axis 0 hex 7f34\n"
    "%2 \"p\" i8 1x3x3x1 scale [0.5] zero [3] axis 0 = pad \"p\" none (%0, _) "
    "{paddings=[0,0,1,1,1,1,0,0]}\n"
    "%3 \"y\" i8 1x3x3x2 scale [1] zero [1] axis 0 = conv_2d \"conv\" double (%2, %1, _) "
    "{stride=[1,1]}\n"
    "inputs %0\n"
    "outputs %3\n";

struct heard {
    char passes[256], line[256];
    uint64_t rewrites;
};

static void hear_print(void *user, const char *pass, uint64_t rewrites, const char *text) {
    struct heard *heard = user;
    assert_memory_equal(text, "tenon 1\n", 8);
    strcat(strcat(heard->passes, pass), " ");
    heard->rewrites += rewrites;
}

static void hear_note(void *user, const char *pass, const char *line) {
    struct heard *heard = user;
    assert_string_equal(pass, "per-channel-to-per-tensor");
    snprintf(heard->line, sizeof(heard->line), "%s", line);
}

static void parse(struct tenon_arena *arena, struct tenon_graph *graph) {
    struct tenon_error error;
    tenon_arena_init(arena, 0);
    const struct tenon_span text = {(const uint8_t *)two_scales, sizeof(two_scales) - 1};
    assert_int_equal(tenon_ir_parse(text, arena, graph, &error), TENON_OK);
}

static void test_stages(void **state) {
    (void)state;
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_error error;
    struct heard heard = {0};
    static const char *const passes[] = {"fold-zero-point", "per-channel-to-per-tensor", NULL};
    struct tenon_capabilities capabilities = {.passes = passes, .lossy_scales = true};
    struct tenon_pass_debug debug = {
        .print_after = "all", .print = hear_print, .note = hear_note, .user = &heard};
    parse(&arena, &graph);
    assert_int_equal(tenon_run_pipeline(&graph, true, &debug, &error), TENON_OK);
    assert_string_equal(heard.passes, ""); /* tensors are kept */
    assert_int_equal(tenon_run_pipeline(&graph, false, &debug, &error), TENON_OK);
    assert_int_equal(graph.node_count, 1);
    assert_non_null(strstr(heard.passes, "fuse-pad "));
    assert_null(strstr(heard.passes, "fold"));
    heard.passes[0] = '\0';
    assert_int_equal(tenon_lower_graph(&graph, &capabilities, &debug, &error), TENON_OK);
    /* In pipeline order, whatever the target's. */
    assert_string_equal(heard.passes, "per-channel-to-per-tensor fold-zero-point ");
    assert_int_equal(heard.rewrites, debug.rewrites);
    assert_int_equal(debug.rewrites, 3);
    /* 0.3 holds 0x7f * 0.3 = 38.1; 0x34 * 0.5 = 26 becomes 87 * 0.3, 0.1 too much. */
    assert_string_equal(heard.line,
                        "conv: weights of 2 channels on one scale: signal to error 53.3 dB, at "
                        "most 0.2 steps of a channel's own scale");
    assert_int_equal(tenon_graph_verify(&graph, &error), TENON_OK);
    tenon_arena_finish(&arena);
}

static void test_limits(void **state) {
    (void)state;
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_error error;
    static const char *const passes[] = {"fold-zero-point", NULL};
    const struct tenon_capabilities capabilities = {.passes = passes}, none = {0};
    struct tenon_pass_debug debug = {.stop_after_rewrite = 1};
    parse(&arena, &graph);
    assert_int_equal(tenon_run_pipeline(&graph, false, &debug, &error), TENON_OK);
    assert_int_equal(tenon_lower_graph(&graph, &capabilities, &debug, &error), TENON_OK);
    assert_int_equal(debug.rewrites, 1); /* of both stages together */
    assert_int_equal(graph.node_count, 1);
    assert_int_equal(tenon_lower_graph(&graph, NULL, NULL, &error), TENON_OK);
    assert_int_equal(tenon_lower_graph(&graph, &none, NULL, &error), TENON_OK);
    assert_int_equal(graph.node_count, 1);
    tenon_arena_finish(&arena);
}

static void test_unknown_names(void **state) {
    (void)state;
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_error error;
    static const char *const passes[] = {"nosuch", NULL};
    const struct tenon_capabilities capabilities = {.passes = passes};
    struct tenon_pass_debug debug = {.skip = passes, .skip_count = 1};
    parse(&arena, &graph);
    assert_int_equal(tenon_lower_graph(&graph, &capabilities, NULL, &error), TENON_ERROR_NOT_FOUND);
    assert_int_equal(tenon_pass_debug_check(&debug, &error), TENON_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "no pass 'nosuch'; there are: "));
    debug = (struct tenon_pass_debug){.print_after = "nosuch"};
    assert_int_equal(tenon_pass_debug_check(&debug, &error), TENON_ERROR_NOT_FOUND);
    tenon_arena_finish(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
