/*
 * Registers as a table that an encoder and a disassembler share: a register is a name and an
 * address, a field is a run of bits in one. Functional models in sim/ have tables of their own.
 */
#ifndef TENON_BACKEND_REGISTER_TABLE_H
#define TENON_BACKEND_REGISTER_TABLE_H

#include "util/strbuf.h"

struct tenon_register {
    const char *block, *name;
    uint32_t address;
    uint8_t bits; /* how many are defined, from bit 0 */
};

struct tenon_register_field {
    uint16_t reg; /* index in the table of registers */
    uint8_t shift, bits;
    const char *name;
};

struct tenon_register_table {
    const struct tenon_register *registers;
    const struct tenon_register_field *fields; /* of one register after the other */
    uint16_t register_count, field_count;
};

static inline uint32_t tenon_bit_mask(unsigned bits) {
    return bits >= 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;
}

/* Appends "BLOCK.NAME FIELD=value …"; registers of one field are shown by name only. */
void tenon_register_print(const struct tenon_register_table *table, uint32_t address,
                          uint32_t value, struct tenon_strbuf *out);

#endif
