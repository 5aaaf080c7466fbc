/*
 * Requantization by floats (backends/cpu/fused.h) against the integer rules: where it claims to
 * give every result, at the sums where results start, next to them, at the ends of the range and at
 * random ones; and what it refuses really fails with the plain factor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "backends/cpu/fused.h"
#include "support/random.h"

enum { CHANNELS = 2000, RANDOM_SUMS = 200 };

static uint64_t random_state = UINT64_C(88172645463325252);

static uint32_t random_u32(void) {
    return random_next(&random_state);
}

struct layer {
    enum tenon_rounding rounding;
    int32_t low, high, zero_point;
};

/* As a kernel computes it. */
static int32_t by_floats(const struct tenon_fused_rule *rule, const struct layer *layer, int32_t x,
                         float factor, float offset) {
    float signed_offset = rule->kind == TENON_FUSED_SYMMETRIC && x < 0 ? -offset : offset;
    float y = rintf(fmaf((float)x, factor, signed_offset));
    return tenon_clamp_i32((int32_t)y + rule->center + layer->zero_point, layer->low, layer->high);
}

static int32_t by_rule(const struct layer *layer, int32_t x, const struct tenon_multiplier *m) {
    return tenon_clamp_i32(tenon_requantize(x, m, layer->rounding) + layer->zero_point, layer->low,
                           layer->high);
}

static bool agree(const struct tenon_fused_rule *rule, const struct layer *layer,
                  const struct tenon_multiplier *m, float factor, float offset, int64_t x) {
    if (x < -INT32_MAX / 2 || x > INT32_MAX / 2) /* what the double rule takes without overflow */
        return true;
    return by_floats(rule, layer, (int32_t)x, factor, offset) == by_rule(layer, (int32_t)x, m);
}

/* Every sum within 3 of where a result could start, and others. */
static bool agree_everywhere(const struct tenon_fused_rule *rule, const struct layer *layer,
                             const struct tenon_multiplier *m, float factor, float offset) {
    bool ok = true;
    double real = ldexp(m->multiplier, m->shift - 31);
    for (int32_t result = -256; result <= 256; result++) {
        int64_t start = (int64_t)floor((result - 0.5) / real);
        for (int64_t x = start - 3; x <= start + 3; x++)
            ok &= agree(rule, layer, m, factor, offset, x);
    }
    for (int i = 0; i < RANDOM_SUMS; i++) {
        int32_t x = (int32_t)random_u32() >> (random_u32() % 24 + 1);
        ok &= agree(rule, layer, m, factor, offset, x);
    }
    ok &= agree(rule, layer, m, factor, offset, INT32_MAX / 2);
    ok &= agree(rule, layer, m, factor, offset, -(INT32_MAX / 2));
    return ok;
}

static struct layer random_layer(enum tenon_rounding rounding, bool activation) {
    bool u8 = random_u32() % 2 == 0;
    struct layer layer = {.rounding = rounding, .low = u8 ? 0 : -128, .high = u8 ? 255 : 127};
    layer.zero_point = layer.low + (int32_t)(random_u32() % 256);
    if (activation)
        layer.low = layer.zero_point;
    if (random_u32() % 4 == 0)
        layer.high -= (int32_t)(random_u32() % (uint32_t)(layer.high - layer.low + 1));
    return layer;
}

static void check(enum tenon_rounding rounding, bool activation, int least_percent) {
    int found = 0, refused = 0, refused_fails = 0;
    for (int n = 0; n < CHANNELS; n++) {
        struct layer layer = random_layer(rounding, activation);
        struct tenon_fused_rule rule;
        tenon_fused_rule_init(&rule, rounding, layer.low, layer.high, layer.zero_point);
        int shift = 3 + (int)(random_u32() % 7);
        double real = ldexp(0.5 + random_u32() * 0x1p-33, -shift);
        if (random_u32() % 4 == 0) /* ties */
            real = ldexp(1 + random_u32() % 8, -shift - 3);
        struct tenon_multiplier m = tenon_multiplier_from_double(real);
        float factor, offset;
        if (tenon_fused_find(&rule, &m, &factor, &offset)) {
            assert_true(agree_everywhere(&rule, &layer, &m, factor, offset));
            found++;
        } else if (rule.first <= rule.last) {
            offset = ldexpf(0.5f, m.shift) - (float)rule.center;
            refused++;
            refused_fails += !agree_everywhere(&rule, &layer, &m, (float)real, offset);
        }
    }
    print_message("%d of %d channels by floats; of %d refused, %d fail with the plain factor\n",
                  found, CHANNELS, refused, refused_fails);
    assert_true(found * 100 >= CHANNELS * least_percent);
    assert_true(refused_fails * 10 >= refused * 7);
}

static void test_double(void **state) {
    (void)state;
    check(TENON_ROUNDING_DOUBLE, true, 60);
    check(TENON_ROUNDING_DOUBLE, false, 50);
}

static void test_single(void **state) {
    (void)state;
    check(TENON_ROUNDING_SINGLE, true, 60);
    check(TENON_ROUNDING_SINGLE, false, 50);
}

static void test_f32(void **state) {
    (void)state;
    check(TENON_ROUNDING_F32, false, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
