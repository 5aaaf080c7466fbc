/*
 * Single elements of a tensor as numbers: reading and writing any element type through double,
 * quantizing real values as the tensor says.
 */
#ifndef TOOLS_ELEMENT_H
#define TOOLS_ELEMENT_H

#include <tenon/tensor.h>

/* Product of the dimensions. */
size_t element_count(const struct tenon_tensor_info *info);
/* The stored number: for a quantized tensor the integer. Exact for all types up to 53 bits. */
double element_stored(enum tenon_type type, const void *data, size_t index);
/* The real value that it stands for. */
double element_real(const struct tenon_tensor_info *info, const void *data, size_t index);
/* Stores `value`, rounded to nearest even and clamped to what the type holds. */
void element_store(enum tenon_type type, void *data, size_t index, double value);
/* Quantizes `real` when the tensor is quantized, then stores it. */
void element_store_real(const struct tenon_tensor_info *info, void *data, size_t index,
                        double real);
bool element_is_float(enum tenon_type type);

#endif
