/*
 * How two results of one tensor differ: how many elements, by how much at most, and a histogram.
 */
#ifndef TOOLS_DIFFERENCE_H
#define TOOLS_DIFFERENCE_H

#include <tenon/tensor.h>

enum { DIFFERENCE_BUCKETS = 16 };

struct difference {
    size_t count;     /* elements compared */
    size_t different; /* that are not equal */
    size_t beyond;    /* that differ by more than the tolerance */
    double largest;   /* difference of stored numbers; infinity where one is not a number */
    size_t largest_at;
    double first, second; /* the two elements there */
    double magnitude;     /* largest finite absolute value of the first */
    size_t buckets[DIFFERENCE_BUCKETS];
};

/*
 * Compares stored numbers (for a quantized tensor: the integers). `tolerance` is for float tensors:
 * a share of the first result's largest magnitude; integers must be equal.
 */
void difference_measure(const struct tenon_tensor_info *info, const void *first, const void *second,
                        double tolerance, struct difference *out);
/* The histogram: by steps of two for integers; for floats by decades of the largest magnitude. */
void difference_print(const struct tenon_tensor_info *info, const struct difference *difference);

#endif
