/*
 * Bits into bytes: fields of any width up to 64 one behind the other, the lowest bit first, for
 * compressed weights and packed parameters.
 */
#ifndef TENON_BACKEND_BITS_H
#define TENON_BACKEND_BITS_H

#include "util/strbuf.h"

struct tenon_bits {
    struct tenon_strbuf *out; /* whole bytes go here; its failure flag is the packer's */
    uint64_t pending;
    uint32_t count; /* of bits in `pending`: below 8 between calls */
};

/* The low `width` bits of `value`; width 0 to 64. */
void tenon_bits_append(struct tenon_bits *bits, uint64_t value, uint32_t width);
/* Zeros up to a whole byte, and on to a multiple of `alignment` bytes of the output. */
void tenon_bits_align(struct tenon_bits *bits, size_t alignment);

#endif
