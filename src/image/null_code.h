/*
 * The CODE section of a null part: what backends/null writes and drivers/null reads and does not
 * trust. The device has one instruction: each byte of a block becomes its entry in a table of 256.
 *
 *     "NULL" version count scratch_bytes, then per command: node, size, table (offset in DATA),
 *     from place, from offset, to place, to offset; all 32 bits, little endian, scratch_bytes 64
 */
#ifndef TENON_IMAGE_NULL_CODE_H
#define TENON_IMAGE_NULL_CODE_H

#include "util/arena.h"
#include "util/span.h"
#include "util/status.h"
#include "util/strbuf.h"

/* The compatibility id: changes with the format. */
#define TENON_NULL_ID "null-1"
#define TENON_NULL_TABLE_BYTES 256

enum tenon_null_place {
    TENON_NULL_READ,    /* offset: index in the part's reads */
    TENON_NULL_WRITE,   /* offset: index in the part's writes */
    TENON_NULL_SCRATCH, /* offset: bytes */
    TENON_NULL_PLACE_COUNT
};

struct tenon_null_operand {
    uint32_t place; /* enum tenon_null_place */
    uint32_t offset;
};

struct tenon_null_command {
    uint32_t node; /* of the part */
    uint32_t size_bytes;
    uint32_t table; /* offset in DATA */
    struct tenon_null_operand from, to;
};

struct tenon_null_code {
    struct tenon_null_command *commands;
    uint32_t command_count;
    uint64_t scratch_bytes;
};

void tenon_null_code_write(const struct tenon_null_code *code, struct tenon_strbuf *out);
/* Tables and scratch blocks are inside of DATA and scratch; indices of edges are the driver's to
 * check. Errors: BAD_IMAGE, OUT_OF_MEMORY. */
TENON_NODISCARD enum tenon_status
tenon_null_code_read(struct tenon_span code, struct tenon_span data, struct tenon_arena *arena,
                     struct tenon_null_code *out, struct tenon_error *error);

#endif
