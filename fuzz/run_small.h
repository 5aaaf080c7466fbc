/*
 * What the targets share: running a program that came from hostile bytes, when it is small enough
 * that a run takes no noticeable time.
 */
#ifndef TENON_FUZZ_RUN_SMALL_H
#define TENON_FUZZ_RUN_SMALL_H

#include <tenon/tenon.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Creates a session and runs one job, unless the program's tensors need more than a few KiB. */
void run_small_program(struct tenon_program *program);

#endif
