/* Showing a register's value by its fields. */
#include "backend/register_table.h"

static const struct tenon_register *find(const struct tenon_register_table *table, uint32_t address,
                                         uint16_t *index) {
    for (uint16_t i = 0; i < table->register_count; i++)
        if (table->registers[i].address == address) {
            *index = i;
            return &table->registers[i];
        }
    return NULL;
}

void tenon_register_print(const struct tenon_register_table *table, uint32_t address,
                          uint32_t value, struct tenon_strbuf *out) {
    uint16_t index;
    const struct tenon_register *reg = find(table, address, &index);
    if (reg == NULL) {
        tenon_strbuf_puts(out, "?");
        return;
    }
    tenon_strbuf_printf(out, "%s.%s", reg->block, reg->name);
    for (uint16_t i = 0; i < table->field_count; i++) {
        const struct tenon_register_field *field = &table->fields[i];
        uint32_t part = value >> field->shift & tenon_bit_mask(field->bits);
        if (field->reg == index && part != 0)
            tenon_strbuf_printf(out, " %s=%u", field->name, part);
    }
}
