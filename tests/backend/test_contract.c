/*
 * The checker of the backend contract finds what is broken: targets that each break one rule, in a
 * table of backends that takes the place of the generated one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "backend/contract.h"
#include "passes/generator.h"

static bool is(const struct tenon_target *target, const char *name) {
    return strcmp(target->name, name) == 0;
}

static bool supports(const struct tenon_target *target, const struct tenon_graph *graph,
                     uint32_t node, char *reason) {
    (void)graph;
    (void)node;
    if (is(target, "mute"))
        reason[0] = '\0';
    if (is(target, "endless"))
        memset(reason, 'a', TENON_REASON_BYTES);
    if (is(target, "bell"))
        strcpy(reason, "no\a");
    if (is(target, "overflowing"))
        memset(reason, 'a', TENON_REASON_BYTES + 1);
    return !is(target, "mute") && !is(target, "endless") && !is(target, "bell") &&
           !is(target, "overflowing");
}

static uint64_t cost_ns(const struct tenon_target *target, const struct tenon_graph *graph,
                        uint32_t node) {
    static uint64_t calls;
    (void)graph;
    (void)node;
    if (is(target, "fickle"))
        return ++calls;
    return is(target, "eternal") ? UINT64_C(1) << 50 : 10;
}

static uint64_t transfer_ns(const struct tenon_target *target, const struct tenon_desc *desc,
                            bool in) {
    (void)desc;
    (void)in;
    return is(target, "distant") ? UINT64_C(1) << 50 : 10;
}

static enum tenon_status compile(const struct tenon_target *target, const struct tenon_part *part,
                                 struct tenon_arena *arena, struct tenon_code *out,
                                 struct tenon_error *error) {
    static uint8_t calls;
    if (is(target, "unable"))
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "after all, no");
    tenon_strbuf_puts(&out->code, "code");
    if (is(target, "restless"))
        tenon_strbuf_append_u8(&out->code, calls++);
    out->compatibility = "1";
    out->kernels = tenon_arena_alloc_array(arena, part->node_count, sizeof(*out->kernels));
    if (out->kernels == NULL)
        return tenon_fail_memory(error);
    for (uint32_t i = 0; i < part->node_count; i++)
        out->kernels[i] = "kernel";
    return TENON_OK;
}

/* Which target a section is of, it does not know: the test says. */
static bool unreadable;

static enum tenon_status disassemble(struct tenon_span code, struct tenon_span data,
                                     struct tenon_strbuf *out, struct tenon_error *error) {
    (void)data;
    if (unreadable || code.size == 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "what is this");
    tenon_strbuf_puts(out, "code");
    return TENON_OK;
}

static const char *const targets[] = {"fine",        "mute",     "endless", "bell",
                                      "overflowing", "fickle",   "eternal", "distant",
                                      "unable",      "restless", NULL};
static const struct tenon_backend backend = {.abi_version = TENON_BACKEND_ABI,
                                             .name = "test",
                                             .targets = targets,
                                             .supports = supports,
                                             .cost_ns = cost_ns,
                                             .transfer_ns = transfer_ns,
                                             .compile = compile,
                                             .disassemble = disassemble};
const struct tenon_backend *const tenon_backends[] = {&backend, NULL};

static const char *check(const char *target, struct contract *contract) {
    struct generator g;
    *contract = (struct contract){.target = {.name = target}};
    gen_begin(&g, 1);
    struct tenon_desc desc = gen_desc(&g, TENON_TYPE_I8, 1, 4, 4, 8);
    assert_int_not_equal(gen_unary(&g, TENON_OP_ABS, gen_input(&g, &desc)), TENON_ID_NONE);
    assert_true(gen_end(&g));
    bool ok = contract_check(contract, &g.graph, 1);
    gen_finish(&g);
    return ok ? "" : contract->message;
}

static void each_broken_rule_is_found(void **state) {
    static const struct {
        const char *target, *message;
    } rules[] = {
        {"mute", "refused without a reason"},
        {"endless", "reason does not end"},
        {"bell", "a control character"},
        {"overflowing", "longer than its room"},
        {"fickle", "two answers to one question"},
        {"eternal", "costs 1125899906842624 ns"},
        {"distant", "a transfer of"},
        {"unable", "compile says: after all, no"},
        {"restless", "two programs"},
    };
    struct contract contract;
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(rules); i++) {
        const char *message = check(rules[i].target, &contract);
        if (strstr(message, rules[i].message) == NULL)
            fail_msg("%s: '%s'", rules[i].target, message);
    }
    unreadable = true;
    assert_non_null(strstr(check("fine", &contract), "cannot list what compile made"));
    unreadable = false;
}

static void a_sound_target_passes(void **state) {
    struct contract contract;
    (void)state;
    assert_string_equal(check("fine", &contract), "");
    assert_int_equal(contract.tally.supported, 1);
    assert_int_equal(contract.tally.parts, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_rule_is_found),
        cmocka_unit_test(a_sound_target_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
