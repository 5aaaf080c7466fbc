/* Random graphs of a single node, of the operators that NVDLA may take, with shapes and
 * quantizations as networks have them and some that none has. */
#ifndef TESTS_NVDLA_RANDOM_NODE_H
#define TESTS_NVDLA_RANDOM_NODE_H

#include "ir/graph.h"

enum random_family {
    RANDOM_CONV,
    RANDOM_DEPTHWISE,
    RANDOM_FULLY_CONNECTED,
    RANDOM_POOL,
    RANDOM_MEAN,
    RANDOM_BINARY,
    RANDOM_UNARY,
    RANDOM_PRELU,
    RANDOM_MOVE,
    RANDOM_FAMILY_COUNT
};

/* What a seed makes. False: this seed makes no valid node. Memory is the arena's. */
bool random_node(uint64_t seed, enum random_family family, struct tenon_arena *arena,
                 struct tenon_graph *graph);

/* 0 to limit - 1. */
uint32_t random_below(uint64_t *seed, uint32_t limit);

#endif
