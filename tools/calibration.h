/*
 * Common operators to be measured where no model is given: one graph for each of a few sizes, as
 * the text that `tenon info --ir` prints.
 */
#ifndef TOOLS_CALIBRATION_H
#define TOOLS_CALIBRATION_H

#include <stddef.h>

enum { CALIBRATION_COUNT = 4 };

/* index below CALIBRATION_COUNT. To be freed; NULL when memory ran out. */
char *calibration_text(unsigned index, size_t *size);

#endif
