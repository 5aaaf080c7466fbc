/* Order statistics; see statistics.h. */
#include "statistics.h"

#include <stdlib.h>

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

void statistics_sort(uint64_t *values, size_t count) {
    qsort(values, count, sizeof(*values), compare);
}

double statistics_percentile(const uint64_t *sorted, size_t count, double p) {
    double at = p / 100 * (double)(count - 1);
    size_t low = (size_t)at, high = low + 1 < count ? low + 1 : low;
    double part = at - (double)low;
    return (double)sorted[low] * (1 - part) + (double)sorted[high] * part;
}
