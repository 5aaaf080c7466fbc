/* The mean as a multiple of the sum: what is claimed of all sums holds for each of them, and it is
 * claimed for nearly all quantizations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "backends/cpu/mean_proof.h"
#include "support/random.h"

static uint64_t random_state;

static uint32_t random_u32(void) {
    return random_next(&random_state);
}

/* Of `count` elements, whose scale is the result's or not. */
static void make_rule(struct tenon_mean_rule *rule, int32_t count, bool rescaled,
                      enum tenon_rounding rounding) {
    enum tenon_type type = random_u32() % 2 == 0 ? TENON_TYPE_I8 : TENON_TYPE_U8;
    float scale[2] = {ldexpf(1 + (float)random_u32() * 0x1p-32f, -5)};
    int32_t zero[2] = {tenon_type_min(type) + (int32_t)(random_u32() % 256),
                       tenon_type_min(type) + (int32_t)(random_u32() % 256)};
    scale[1] = rescaled ? scale[0] * (0.6f + (float)(random_u32() % 1000) / 500) : scale[0];
    struct tenon_desc in = {.type = type, .quant = {1, 0, &scale[0], &zero[0]}};
    struct tenon_desc out = {.type = type, .quant = {1, 0, &scale[1], &zero[1]}};
    tenon_mean_rule_init(rule, &in, &out, count, rounding);
}

static int64_t wrong_sums(const struct tenon_mean_rule *rule,
                          const struct tenon_mean_params *params) {
    int64_t wrong = 0;
    for (int64_t sum = rule->least; sum <= rule->most; sum++)
        wrong += tenon_mean_apply(rule, params, sum) != tenon_mean_rule_apply(rule, sum);
    return wrong;
}

/* Of 300 random means: all that are claimed hold; returns how many. */
static int claimed(enum tenon_rounding rounding, bool rescaled) {
    int found = 0;
    for (int i = 0; i < 300; i++) {
        struct tenon_mean_rule rule;
        struct tenon_mean_params params;
        make_rule(&rule, 1 + (int32_t)(random_u32() % 81), rescaled, rounding);
        if (!tenon_mean_find(&rule, &params))
            continue;
        assert_int_equal(wrong_sums(&rule, &params), 0);
        found++;
    }
    return found;
}

static void test_all_rules(void **state) {
    (void)state;
    random_state = 3;
    assert_true(claimed(TENON_ROUNDING_DOUBLE, true) >= 295);
    assert_true(claimed(TENON_ROUNDING_SINGLE, true) >= 295);
    assert_true(claimed(TENON_ROUNDING_F32, true) >= 270);
    assert_true(claimed(TENON_ROUNDING_DOUBLE, false) >= 270); /* ties */
    assert_true(claimed(TENON_ROUNDING_SINGLE, false) >= 295);
    assert_in_range(claimed(TENON_ROUNDING_F32, false), 100, 200); /* to even: no multiple */
}

/* With what is added off by the smallest difference that sums make, one of them is wrong. */
static void test_comparison_sees_errors(void **state) {
    struct tenon_mean_rule rule;
    struct tenon_mean_params params;
    (void)state;
    random_state = 4;
    do {
        make_rule(&rule, 49, true, TENON_ROUNDING_DOUBLE);
    } while (!tenon_mean_find(&rule, &params));
    params.add += INT64_C(4) * params.multiplier;
    assert_true(wrong_sums(&rule, &params) != 0);
}

/* 65,536 elements, the most that kernels take; and a factor that no kernel has. */
static void test_limits(void **state) {
    struct tenon_mean_rule rule;
    struct tenon_mean_params params;
    (void)state;
    random_state = 5;
    make_rule(&rule, TENON_MEAN_COUNT_MAX, true, TENON_ROUNDING_DOUBLE);
    assert_true(tenon_mean_find(&rule, &params));
    assert_int_equal(wrong_sums(&rule, &params), 0);
    rule.multiplier.shift = 2;
    assert_false(tenon_mean_find(&rule, &params));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_rules),
        cmocka_unit_test(test_comparison_sees_errors),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
