/* Writing and reading the CODE section of a null part: see null_code.h for the layout. */
#include "image/null_code.h"

#include "image/serial.h"

enum { MAGIC = 0x4c4c554e, VERSION = 1, COMMAND_BYTES = 7 * 4 };

void tenon_null_code_write(const struct tenon_null_code *code, struct tenon_strbuf *out) {
    tenon_strbuf_append_le32(out, MAGIC);
    tenon_strbuf_append_le32(out, VERSION);
    tenon_strbuf_append_le32(out, code->command_count);
    tenon_strbuf_append_le64(out, code->scratch_bytes);
    for (uint32_t i = 0; i < code->command_count; i++) {
        const struct tenon_null_command *c = &code->commands[i];
        const uint32_t words[] = {c->node,        c->size_bytes, c->table,    c->from.place,
                                  c->from.offset, c->to.place,   c->to.offset};
        for (size_t k = 0; k < TENON_COUNT_OF(words); k++)
            tenon_strbuf_append_le32(out, words[k]);
    }
}

static void read_command(struct tenon_cursor *cursor, struct tenon_null_command *out) {
    out->node = tenon_cursor_u32(cursor);
    out->size_bytes = tenon_cursor_u32(cursor);
    out->table = tenon_cursor_u32(cursor);
    out->from.place = tenon_cursor_u32(cursor);
    out->from.offset = tenon_cursor_u32(cursor);
    out->to.place = tenon_cursor_u32(cursor);
    out->to.offset = tenon_cursor_u32(cursor);
}

static bool operand_fits(const struct tenon_null_code *code, const struct tenon_null_operand *o,
                         uint32_t size_bytes) {
    return o->place < TENON_NULL_PLACE_COUNT &&
           (o->place != TENON_NULL_SCRATCH ||
            (uint64_t)o->offset + size_bytes <= code->scratch_bytes);
}

static bool command_fits(const struct tenon_null_code *code, const struct tenon_null_command *c,
                         struct tenon_span data) {
    return tenon_span_has(data, c->table, TENON_NULL_TABLE_BYTES) &&
           operand_fits(code, &c->from, c->size_bytes) &&
           operand_fits(code, &c->to, c->size_bytes) && c->to.place != TENON_NULL_READ;
}

enum tenon_status tenon_null_code_read(struct tenon_span code, struct tenon_span data,
                                       struct tenon_arena *arena, struct tenon_null_code *out,
                                       struct tenon_error *error) {
    struct tenon_cursor cursor = {.bytes = code};
    bool known = tenon_cursor_u32(&cursor) == MAGIC && tenon_cursor_u32(&cursor) == VERSION;
    if (!known)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "not the code of a null device");
    out->command_count = tenon_cursor_u32(&cursor);
    out->scratch_bytes = tenon_cursor_u64(&cursor);
    if (out->command_count > code.size / COMMAND_BYTES)
        cursor.failed = true;
    else
        out->commands =
            tenon_cursor_alloc(&cursor, arena, out->command_count, sizeof(*out->commands));
    for (uint32_t i = 0; !cursor.failed && i < out->command_count; i++) {
        read_command(&cursor, &out->commands[i]);
        if (!cursor.failed && !command_fits(out, &out->commands[i], data))
            return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "command %u does not fit", i);
    }
    if (cursor.out_of_memory)
        return tenon_fail_memory(error);
    if (cursor.failed || cursor.at != code.size)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "the code ends at the wrong place");
    return TENON_OK;
}
