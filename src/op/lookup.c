/*
 * The operator lookup, whose table is an operand; and see lookup.h: an interval's start is moved by
 * half the error that interpolation has in its middle.
 */
#include "op/lookup.h"

#include <math.h>
#include <string.h>

#include "op/kernel.h"
#include "op/move.h"
#include "op/rules.h"

/* +, -, * and / of two floats in double, rounded to float, are those of float. */
static double keep(const struct tenon_lookup_source *source, double x) {
    return source->single ? (double)(float)x : x;
}

static int16_t saturate(double x) {
    if (x >= INT16_MAX)
        return INT16_MAX;
    return x > INT16_MIN ? (int16_t)x : INT16_MIN; /* also NaN */
}

/* The function's value at x in steps of the output. */
static double steps_at(const struct tenon_lookup_source *s, double x, double inverse) {
    return keep(s, s->function(s->context, x) * inverse);
}

void tenon_lookup_init(struct tenon_lookup *table, const struct tenon_lookup_source *s) {
    double in_low = keep(s, s->in_scale * (INT16_MIN - s->in_zero));
    double in_high = keep(s, s->in_scale * (INT16_MAX - s->in_zero));
    double out_low = keep(s, s->out_scale * (INT16_MIN - s->out_zero));
    double out_high = keep(s, s->out_scale * (INT16_MAX - s->out_zero));
    double step = keep(s, keep(s, in_high - in_low) / TENON_LOOKUP_INTERVALS);
    double inverse = keep(s, 65536 / keep(s, out_high - out_low));
    for (int i = 0; i < TENON_LOOKUP_INTERVALS; i++) {
        double x = keep(s, in_low + keep(s, i * step));
        double next = keep(s, in_low + keep(s, (i + 1) * step));
        double start = round(steps_at(s, x, inverse));
        double middle = round(steps_at(s, keep(s, x + step / 2), inverse));
        double between = round(keep(s, steps_at(s, next, inverse) + start) / 2);
        table->ends[i] = saturate(keep(s, start - round(keep(s, between - middle) / 2)));
    }
    table->ends[TENON_LOOKUP_INTERVALS] = saturate(round(steps_at(s, in_high, inverse)));
}

typedef float real_fn(const struct tenon_op_call *call, float x);

static void run_8bit(const struct tenon_op_call *call, real_fn *function) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    float scale = tenon_desc_scale(in), inverse = 1 / tenon_desc_scale(out);
    int32_t zero = tenon_desc_zero_point(in), first = tenon_type_min(in->type);
    int32_t low = tenon_type_min(out->type), high = tenon_type_max(out->type);
    uint8_t table[256];
    for (int32_t i = 0; i < 256; i++) {
        float real = function(call, scale * (float)(first + i - zero));
        float steps = roundf(real * inverse) + (float)tenon_desc_zero_point(out);
        /* A NaN (log of a negative number) takes the smallest value. */
        int32_t value = steps > (float)high ? high : steps > (float)low ? (int32_t)steps : low;
        table[(uint8_t)(first + i)] = (uint8_t)value;
    }
    const uint8_t *from = tenon_in_data(call, 0);
    uint8_t *to = call->outputs[0].data;
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++)
        to[i] = table[from[i]];
}

struct call_function {
    const struct tenon_op_call *call;
    real_fn *function;
};

static double call_at(const void *context, double x) {
    const struct call_function *f = context;
    return (double)f->function(f->call, (float)x);
}

static void run_16bit(const struct tenon_op_call *call, real_fn *function) {
    const struct tenon_desc *in = tenon_in(call, 0), *out = tenon_out(call, 0);
    struct call_function context = {call, function};
    struct tenon_lookup_source source = {.function = call_at,
                                         .context = &context,
                                         .in_scale = (double)tenon_desc_scale(in),
                                         .out_scale = (double)tenon_desc_scale(out),
                                         .in_zero = tenon_desc_zero_point(in),
                                         .out_zero = tenon_desc_zero_point(out),
                                         .single = true};
    struct tenon_lookup table;
    tenon_lookup_init(&table, &source);
    const int16_t *from = tenon_in_data(call, 0);
    int16_t *to = call->outputs[0].data;
    size_t count = tenon_desc_element_count(in);
    for (size_t i = 0; i < count; i++)
        to[i] = tenon_lookup_get(&table, from[i]);
}

void tenon_run_table(const struct tenon_op_call *call, real_fn *function) {
    if (tenon_in(call, 0)->type == TENON_TYPE_I16)
        run_16bit(call, function);
    else
        run_8bit(call, function);
}

enum tenon_status tenon_infer_lookup(const struct tenon_op_call *call, struct tenon_error *error) {
    enum tenon_status status =
        tenon_require_type(tenon_in(call, 0), TENON_TYPES_QUANTIZED8, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_movable(call, 1, 0, error);
    size_t count = tenon_desc_element_count(tenon_in(call, 1));
    if (status == TENON_OK && count != 256)
        status =
            tenon_fail(error, TENON_ERROR_BAD_MODEL, "a table of %zu elements, not 256", count);
    return status == TENON_OK ? tenon_set_shape(call, 0, &tenon_in(call, 0)->shape, error) : status;
}

/* As TOSA's TABLE of 8 bits: element q - smallest value of the type. */
enum tenon_status tenon_reference_lookup(const struct tenon_op_call *call,
                                         struct tenon_error *error) {
    (void)error;
    const uint8_t *in = tenon_in_data(call, 0), *table = tenon_in_data(call, 1);
    uint8_t *out = call->outputs[0].data;
    size_t element = tenon_element_bytes(tenon_out(call, 0));
    size_t count = tenon_desc_element_count(tenon_in(call, 0));
    uint8_t flip = tenon_in(call, 0)->type == TENON_TYPE_I8 ? 0x80 : 0;
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * element, table + (size_t)(in[i] ^ flip) * element, element);
    return TENON_OK;
}
