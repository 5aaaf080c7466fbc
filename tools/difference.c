/* Comparing two results of one tensor; see difference.h. */
#include "difference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "element.h"

static double distance(double a, double b) {
    if (a == b || (isnan(a) && isnan(b)))
        return 0;
    double d = fabs(a - b);
    return isnan(d) ? INFINITY : d;
}

/* Integers: 1, 2, 3-4, 5-8, … Floats: at most 1e-9 of the magnitude, 1e-8, …, 1, more. */
static size_t bucket_of(bool is_float, double d, double magnitude) {
    double at;
    if (is_float)
        at = ceil(log10(d / (magnitude > 0 ? magnitude : 1)) - 1e-9) + 9;
    else
        at = ceil(log2(d));
    return at < 0 ? 0 : at >= DIFFERENCE_BUCKETS ? DIFFERENCE_BUCKETS - 1 : (size_t)at;
}

static double magnitude_of(const struct tenon_tensor_info *info, const void *data, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double size = fabs(element_stored(info->type, data, i));
        if (isfinite(size) && size > largest)
            largest = size;
    }
    return largest;
}

void difference_measure(const struct tenon_tensor_info *info, const void *first, const void *second,
                        double tolerance, struct difference *out) {
    *out = (struct difference){.count = element_count(info)};
    if (memcmp(first, second, info->size_bytes) == 0)
        return;
    bool is_float = element_is_float(info->type);
    out->magnitude = magnitude_of(info, first, out->count);
    double allowed = is_float ? tolerance * out->magnitude : 0;
    for (size_t i = 0; i < out->count; i++) {
        double a = element_stored(info->type, first, i);
        double b = element_stored(info->type, second, i);
        double d = distance(a, b);
        if (d == 0)
            continue;
        out->different++;
        out->beyond += d > allowed;
        out->buckets[bucket_of(is_float, d, out->magnitude)]++;
        if (d > out->largest) {
            out->largest = d;
            out->largest_at = i;
            out->first = a;
            out->second = b;
        }
    }
}

static void print_bucket(bool is_float, size_t bucket) {
    if (is_float && bucket + 6 > DIFFERENCE_BUCKETS)
        printf("  more            ");
    else if (is_float)
        printf("  up to 1e%+03d     ", (int)bucket - 9);
    else if (bucket < 2)
        printf("  by %-12d ", 1 << bucket);
    else
        printf("  by %5d to %-4d", (1 << (bucket - 1)) + 1, 1 << bucket);
}

void difference_print(const struct tenon_tensor_info *info, const struct difference *difference) {
    bool is_float = element_is_float(info->type);
    printf("  %zu of %zu elements differ, at most by %.9g (element %zu: %.9g and %.9g)\n",
           difference->different, difference->count, difference->largest, difference->largest_at,
           difference->first, difference->second);
    for (size_t i = 0; i < DIFFERENCE_BUCKETS; i++) {
        if (difference->buckets[i] == 0)
            continue;
        double share = (double)difference->buckets[i] / (double)difference->count;
        print_bucket(is_float, i);
        printf(" %10zu  %7.3f%%\n", difference->buckets[i], 100 * share);
    }
    if (is_float)
        printf("  (shares of the largest magnitude, %.9g)\n", difference->magnitude);
}
