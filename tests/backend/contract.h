/*
 * The checker of the backend contract (src/backend/backend.h): holds any target against a graph of
 * one or a few nodes. A new backend is checked without a line of code: the runner goes over all
 * enabled backends.
 *
 *   - `supports` answers twice the same; a refusal has a reason for people that fits its room;
 *   - what it supports costs something, and no time is absurd; transfers cost the same twice;
 *   - what it supports compiles, to the same bytes each time, reading no byte beyond a constant;
 *   - what it compiled can be listed, and listing damaged code ends with an error at worst;
 *   - where a device is here, results are the reference kernels', exactly, or within 1 if allowed.
 */
#ifndef TESTS_BACKEND_CONTRACT_H
#define TESTS_BACKEND_CONTRACT_H

#include <tenon/tenon.h>

#include "backend/backend.h"

struct contract_tally {
    uint64_t nodes, supported; /* asked about */
    uint64_t parts;            /* compiled for the target */
    uint64_t runs;             /* on a device */
    uint64_t elements, different_by_1;
    uint32_t ops[TENON_OP_COUNT]; /* supported nodes of each operator */
    size_t longest_reason;
};

struct contract {
    struct tenon_target target;
    struct tenon_instance *instance; /* NULL: nothing is run */
    struct tenon_queue *queue;
    struct contract_tally tally;
    char message[512]; /* what was wrong */
};

/* Makes instance and queue. Only `target` must be set. */
void contract_open(struct contract *contract);
void contract_close(struct contract *contract);

/* Runs the neutral passes on the graph. Meanwhile its constants stand in front of a page that
 * cannot be read. False: the target breaks the contract; `message` says how. `seed` is for inputs.
 */
bool contract_check(struct contract *contract, struct tenon_graph *graph, uint64_t seed);

#endif
