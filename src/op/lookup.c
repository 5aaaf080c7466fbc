/* See lookup.h. An interval's start is moved by half the error that interpolation has in its
 * middle.
 */
#include "op/lookup.h"

#include <math.h>

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
