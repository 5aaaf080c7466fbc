/* add and sub as one sum: what is claimed for all pairs of bytes holds for each of them, and it is
 * claimed for nearly all quantizations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "backends/cpu/pair_sum.h"
#include "support/random.h"

static uint64_t random_state;

static uint32_t random_u32(void) {
    return random_next(&random_state);
}

/* Operands and result of random quantization; every third scale a power of two where there shall be
 * ties. */
struct one {
    struct tenon_desc desc[3];
    struct tenon_operand operands[3];
    float scale[3];
    int32_t zero[3];
    struct tenon_attrs attrs;
};

static void make_pair(struct one *o, enum tenon_rounding rounding, uint32_t powers_of,
                      struct tenon_pair *pair) {
    enum tenon_type type = random_u32() % 2 == 0 ? TENON_TYPE_I8 : TENON_TYPE_U8;
    *o = (struct one){.attrs.activation =
                          random_u32() % 3 == 0 ? TENON_ACTIVATION_RELU6 : TENON_ACTIVATION_NONE};
    for (int i = 0; i < 3; i++) {
        bool power = powers_of != 0 && random_u32() % powers_of == 0;
        float mantissa = power ? 1 : 1 + (float)random_u32() * 0x1p-32f;
        o->scale[i] = ldexpf(mantissa, -(int)(random_u32() % 4) - 4);
        o->zero[i] = tenon_type_min(type) + (int32_t)(random_u32() % 256);
        o->desc[i].type = type;
        o->desc[i].quant = (struct tenon_quant){1, 0, &o->scale[i], &o->zero[i]};
        o->operands[i].desc = &o->desc[i];
    }
    struct tenon_op_call call = {.op = random_u32() % 2 == 0 ? TENON_OP_ADD : TENON_OP_SUB,
                                 .rounding = rounding,
                                 .attrs = &o->attrs,
                                 .input_count = 2,
                                 .output_count = 1,
                                 .inputs = o->operands,
                                 .outputs = o->operands + 2};
    tenon_pair_init(pair, &call);
}

static uint32_t exceptions_seen;

static uint32_t wrong_pairs(const struct tenon_pair *pair, const struct tenon_sum_params *sum) {
    int32_t flip = pair->type == TENON_TYPE_I8 ? 128 : 0;
    uint32_t wrong = 0;
    for (int32_t a = 0; a < 256; a++)
        for (int32_t b = 0; b < 256; b++)
            wrong += tenon_pair_sum(pair, sum, (uint8_t)a, (uint8_t)b) !=
                     (uint8_t)(tenon_pair_combine(pair, a - flip, b - flip) + flip);
    return wrong;
}

/* Of `count` random pairs: all that are claimed hold; returns how many. */
static int claimed(enum tenon_rounding rounding, uint32_t powers_of, int count) {
    int found = 0;
    for (int i = 0; i < count; i++) {
        struct one o;
        struct tenon_pair pair;
        struct tenon_sum_params sum;
        make_pair(&o, rounding, powers_of, &pair);
        if (!tenon_pair_sum_find(&pair, &sum))
            continue;
        assert_int_equal(wrong_pairs(&pair, &sum), 0);
        exceptions_seen += sum.exception_count;
        found++;
    }
    return found;
}

static void test_any_scales(void **state) {
    (void)state;
    random_state = 3;
    assert_true(claimed(TENON_ROUNDING_DOUBLE, 0, 200) >= 199);
    assert_true(claimed(TENON_ROUNDING_SINGLE, 0, 200) >= 199);
    assert_true(claimed(TENON_ROUNDING_F32, 0, 200) >= 199);
    assert_true(exceptions_seen > 0);
}

/* Many pairs lie exactly between two results: away from zero, up, or to the even one. The last is
 * no sum. */
static void test_ties(void **state) {
    (void)state;
    random_state = 4;
    assert_true(claimed(TENON_ROUNDING_DOUBLE, 1, 100) >= 95);
    assert_true(claimed(TENON_ROUNDING_SINGLE, 1, 100) >= 95);
    assert_in_range(claimed(TENON_ROUNDING_F32, 1, 100), 5, 80);
    assert_true(claimed(TENON_ROUNDING_DOUBLE, 3, 100) >= 90);
}

/* A sum that is off by a little is wrong somewhere: the comparison above would see it. */
static void test_comparison_sees_errors(void **state) {
    struct one o;
    struct tenon_pair pair;
    struct tenon_sum_params sum;
    (void)state;
    random_state = 5;
    do {
        make_pair(&o, TENON_ROUNDING_DOUBLE, 0, &pair);
    } while (!tenon_pair_sum_find(&pair, &sum));
    sum.factor_a += 1 << 12;
    assert_true(wrong_pairs(&pair, &sum) != 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_scales),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_comparison_sees_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
