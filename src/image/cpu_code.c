/*
 * CPU code sections. The reader checks every range against DATA and scratch, and every call against
 * the operator table; operands in reads and writes are held against the part's edges by the driver,
 * who knows them.
 */
#include "image/cpu_code.h"

#include <string.h>

#include "image/serial.h"
#include "util/checked.h"

enum { CODE_VERSION = 1, OPERAND_ALIGNMENT = 16 };

void tenon_cpu_code_write(const struct tenon_cpu_code *code, struct tenon_strbuf *buf) {
    tenon_strbuf_append_le32(buf, CODE_VERSION);
    tenon_strbuf_append_le64(buf, code->scratch_bytes);
    tenon_strbuf_append_le32(buf, code->call_count);
    for (uint32_t i = 0; i < code->call_count; i++) {
        const struct tenon_cpu_call *call = &code->calls[i];
        const struct tenon_op_info *info = tenon_op_get_info(call->op);
        tenon_serial_string(buf, call->kernel);
        tenon_serial_string(buf, info->name);
        tenon_strbuf_append_u8(buf, (uint8_t)call->rounding);
        tenon_serial_attrs(buf, info->attrs, &call->attrs);
        tenon_strbuf_append_le32(buf, call->node);
        tenon_strbuf_append_le32(buf, call->input_count);
        tenon_strbuf_append_le32(buf, call->output_count);
        for (uint32_t k = 0; k < call->input_count + call->output_count; k++) {
            const struct tenon_cpu_operand *operand = &call->operands[k];
            tenon_strbuf_append_u8(buf, (uint8_t)operand->place);
            if (operand->place == TENON_CPU_ABSENT)
                continue;
            tenon_strbuf_append_le64(buf, operand->offset);
            tenon_serial_desc(buf, &operand->desc);
        }
        tenon_strbuf_append_le64(buf, call->params_offset);
        tenon_strbuf_append_le64(buf, call->params.size);
        tenon_strbuf_append_le64(buf, call->scratch_offset);
        tenon_strbuf_append_le64(buf, call->scratch_bytes);
    }
}

static bool fits(uint64_t offset, uint64_t size, uint64_t limit) {
    return offset <= limit && size <= limit - offset;
}

/* Whether an operand's range lies inside of what its place names. */
static bool operand_fits(const struct tenon_cpu_operand *operand, const struct tenon_cpu_code *code,
                         struct tenon_span data, bool output) {
    uint64_t size = tenon_desc_size(&operand->desc);
    switch (operand->place) {
    case TENON_CPU_ABSENT:
        return !output;
    case TENON_CPU_READ:
        return !output;
    case TENON_CPU_WRITE:
        return true;
    case TENON_CPU_DATA:
        return !output && operand->offset % OPERAND_ALIGNMENT == 0 &&
               fits(operand->offset, size, data.size);
    case TENON_CPU_SCRATCH:
        return operand->offset % OPERAND_ALIGNMENT == 0 &&
               fits(operand->offset, size, code->scratch_bytes);
    case TENON_CPU_PACKED:
        return !output;
    }
    return false;
}

static void read_operands(struct tenon_cursor *cursor, struct tenon_arena *arena,
                          const struct tenon_cpu_code *code, struct tenon_span data,
                          struct tenon_cpu_call *call) {
    call->input_count = tenon_cursor_count(cursor, 1);
    call->output_count = tenon_cursor_count(cursor, 1);
    size_t count = (size_t)call->input_count + call->output_count;
    call->operands = tenon_cursor_alloc(cursor, arena, count, sizeof(*call->operands));
    for (size_t i = 0; !cursor->failed && i < count; i++) {
        struct tenon_cpu_operand *operand = &call->operands[i];
        uint8_t place = tenon_cursor_u8(cursor);
        operand->place = (enum tenon_cpu_place)place;
        if (place > TENON_CPU_PACKED)
            cursor->failed = true;
        if (place != TENON_CPU_ABSENT) {
            operand->offset = tenon_cursor_u64(cursor);
            tenon_cursor_desc(cursor, arena, &operand->desc);
        }
        if (!cursor->failed && !operand_fits(operand, code, data, i >= call->input_count))
            cursor->failed = true;
    }
}

/* The call as the operator table sees it, without data but for constants. */
static enum tenon_status check_call(struct tenon_cpu_call *call, struct tenon_span data,
                                    struct tenon_arena *arena, struct tenon_error *error) {
    size_t count = (size_t)call->input_count + call->output_count;
    struct tenon_operand *operands = tenon_arena_alloc_array(arena, count, sizeof(*operands));
    if (operands == NULL)
        return tenon_fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        struct tenon_cpu_operand *operand = &call->operands[i];
        if (operand->place == TENON_CPU_ABSENT)
            continue;
        operands[i].desc = &operand->desc;
        if (operand->place == TENON_CPU_DATA)
            operands[i].data = (void *)(data.data + operand->offset);
    }
    struct tenon_op_call op = {
        .op = call->op,
        .rounding = call->rounding,
        .attrs = &call->attrs,
        .input_count = call->input_count,
        .output_count = call->output_count,
        .inputs = operands,
        .outputs = operands + call->input_count,
    };
    enum tenon_status status = tenon_op_infer(&op, error);
    if (status == TENON_ERROR_OUT_OF_MEMORY)
        return status;
    if (status != TENON_OK)
        return tenon_error_prefix(error, TENON_ERROR_BAD_IMAGE, "a call of %s",
                                  tenon_op_get_info(call->op)->name);
    call->reference_scratch_bytes = tenon_op_scratch_bytes(&op);
    return TENON_OK;
}

static enum tenon_status read_call(struct tenon_cursor *cursor, struct tenon_span data,
                                   struct tenon_arena *arena, struct tenon_cpu_code *code,
                                   struct tenon_cpu_call *call, struct tenon_error *error) {
    call->kernel = tenon_cursor_string(cursor);
    const char *name = tenon_cursor_string(cursor);
    call->op = tenon_op_parse(name, strlen(name));
    call->rounding = (enum tenon_rounding)tenon_cursor_u8(cursor);
    if (call->op == TENON_OP_COUNT)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "no operator '%.60s'", name);
    tenon_cursor_attrs(cursor, tenon_op_get_info(call->op)->attrs, &call->attrs);
    call->node = tenon_cursor_u32(cursor);
    read_operands(cursor, arena, code, data, call);
    call->params_offset = tenon_cursor_u64(cursor);
    uint64_t params_bytes = tenon_cursor_u64(cursor);
    call->scratch_offset = tenon_cursor_u64(cursor);
    call->scratch_bytes = tenon_cursor_u64(cursor);
    if (cursor->out_of_memory)
        return tenon_fail_memory(error);
    if (cursor->failed || !fits(call->params_offset, params_bytes, data.size) ||
        !fits(call->scratch_offset, call->scratch_bytes, code->scratch_bytes) ||
        call->params_offset % TENON_CPU_ALIGNMENT != 0 ||
        call->scratch_offset % TENON_CPU_ALIGNMENT != 0)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "CPU code is malformed (at byte %zu)",
                          cursor->at);
    if (params_bytes != 0)
        call->params = (struct tenon_span){data.data + call->params_offset, (size_t)params_bytes};
    return check_call(call, data, arena, error);
}

enum tenon_status tenon_cpu_code_read(struct tenon_span bytes, struct tenon_span data,
                                      struct tenon_arena *arena, struct tenon_cpu_code *out,
                                      struct tenon_error *error) {
    struct tenon_cursor cursor = {.bytes = bytes};
    *out = (struct tenon_cpu_code){0};
    uint32_t version = tenon_cursor_u32(&cursor);
    out->scratch_bytes = tenon_cursor_u64(&cursor);
    out->call_count = tenon_cursor_count(&cursor, 32);
    if (cursor.failed || version != CODE_VERSION || out->scratch_bytes > PTRDIFF_MAX)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "CPU code is malformed or of version %u",
                          version);
    out->calls = tenon_arena_alloc_array(arena, out->call_count, sizeof(*out->calls));
    if (out->calls == NULL)
        return tenon_fail_memory(error);
    for (uint32_t i = 0; i < out->call_count; i++) {
        enum tenon_status status = read_call(&cursor, data, arena, out, &out->calls[i], error);
        if (status != TENON_OK)
            return status;
    }
    if (cursor.at != bytes.size)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "CPU code has a tail");
    return TENON_OK;
}
