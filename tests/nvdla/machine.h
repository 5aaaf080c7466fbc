/* Runs the CODE section of a part on the functional model. */
#ifndef TESTS_NVDLA_MACHINE_H
#define TESTS_NVDLA_MACHINE_H

#include "image/nvdla_code.h"

struct machine_result {
    uint64_t cycles, macs;
    char message[256]; /* what went wrong; "" : nothing */
};

/* `data` is the DATA section; reads and writes are the part's dense tensors. False: a message. */
bool machine_run(const struct tenon_nvdla_code *code, struct tenon_span data,
                 const uint8_t *const *reads, uint8_t *const *writes,
                 struct machine_result *result);

#endif
