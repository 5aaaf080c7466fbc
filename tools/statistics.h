/* Order statistics of a series of durations. */
#ifndef TOOLS_STATISTICS_H
#define TOOLS_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* Sorts in place. */
void statistics_sort(uint64_t *values, size_t count);
/* The p-th percentile of sorted values, between the two nearest ranks; count must not be 0. */
double statistics_percentile(const uint64_t *sorted, size_t count, double p);

#endif
