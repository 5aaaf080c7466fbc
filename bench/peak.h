/* What this processor's multiplying instructions reach on one core, whatever a program does. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stdbool.h>

/* One line each: "NAME GMAC-PER-SECOND DESCRIPTION"; those the process may not use are left out. */
bool peak_print(void);

#endif
