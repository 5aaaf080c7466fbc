/*
 * NVDLA code sections. Layout, little endian: version, config (string), atom_bytes, node count,
 * scratch bytes; moves; commands, each a byte of kind with flags and the fields that its kind has.
 * The reader checks all that can be known without the part's edges and without the device.
 */
#include "image/nvdla_code.h"

#include <string.h>

#include "image/serial.h"

enum {
    CODE_VERSION = 1,
    MOVE_BYTES = 4 * 4 + 1 + 6 * 8,
    COMMAND_BYTES = 5, /* the shortest */
    ATOM_BYTES_MAX = 64,
    /* The first byte of a command. */
    KIND_MASK = 0x0f,
    PLACE_SHIFT = 4,
    PLACE_MASK = 0x3,
    HIGH_BIT = 0x40,
    HEAD_MAX = 0x7f,
};

/* ---- writing ---- */

static bool has_address(uint32_t kind) {
    return kind == TENON_NVDLA_WRITE || kind == TENON_NVDLA_POLL || kind == TENON_NVDLA_WAIT;
}

static bool has_value(uint32_t kind) {
    return kind != TENON_NVDLA_WAIT;
}

static bool has_mask(uint32_t kind) {
    return kind == TENON_NVDLA_POLL || kind == TENON_NVDLA_WAIT;
}

static void write_move(const struct tenon_nvdla_move *move, struct tenon_strbuf *buf) {
    tenon_strbuf_append_le32(buf, move->edge);
    tenon_strbuf_append_le32(buf, move->height);
    tenon_strbuf_append_le32(buf, move->width);
    tenon_strbuf_append_le32(buf, move->channels);
    tenon_strbuf_append_u8(buf, move->flip);
    tenon_strbuf_append_le64(buf, move->tensor_offset);
    tenon_strbuf_append_le64(buf, move->row_bytes);
    tenon_strbuf_append_le64(buf, move->pixel_bytes);
    tenon_strbuf_append_le64(buf, move->cube_offset);
    tenon_strbuf_append_le64(buf, move->line_stride);
    tenon_strbuf_append_le64(buf, move->surface_stride);
}

static void write_command(const struct tenon_nvdla_command *c, struct tenon_strbuf *buf) {
    uint32_t head = c->kind | (uint32_t)c->place << PLACE_SHIFT | (c->high ? HIGH_BIT : 0);
    tenon_strbuf_append_u8(buf, (uint8_t)head);
    if (has_address(c->kind))
        tenon_strbuf_append_le32(buf, c->address);
    if (has_value(c->kind))
        tenon_strbuf_append_le32(buf, c->value);
    if (has_mask(c->kind))
        tenon_strbuf_append_le32(buf, c->mask);
}

void tenon_nvdla_code_write(const struct tenon_nvdla_code *code, struct tenon_strbuf *buf) {
    tenon_strbuf_append_le32(buf, CODE_VERSION);
    tenon_serial_string(buf, code->config);
    tenon_strbuf_append_le32(buf, code->atom_bytes);
    tenon_strbuf_append_le32(buf, code->node_count);
    tenon_strbuf_append_le64(buf, code->scratch_bytes);
    tenon_strbuf_append_le32(buf, code->move_count);
    for (uint32_t i = 0; i < code->move_count; i++)
        write_move(&code->moves[i], buf);
    tenon_strbuf_append_le32(buf, code->command_count);
    for (uint32_t i = 0; i < code->command_count; i++)
        write_command(&code->commands[i], buf);
}

/* ---- reading ---- */

static void read_move(struct tenon_cursor *cursor, struct tenon_nvdla_move *move) {
    move->edge = tenon_cursor_u32(cursor);
    move->height = tenon_cursor_u32(cursor);
    move->width = tenon_cursor_u32(cursor);
    move->channels = tenon_cursor_u32(cursor);
    move->flip = tenon_cursor_u8(cursor);
    move->tensor_offset = tenon_cursor_u64(cursor);
    move->row_bytes = tenon_cursor_u64(cursor);
    move->pixel_bytes = tenon_cursor_u64(cursor);
    move->cube_offset = tenon_cursor_u64(cursor);
    move->line_stride = tenon_cursor_u64(cursor);
    move->surface_stride = tenon_cursor_u64(cursor);
}

static bool dimension_fits(uint32_t dimension) {
    return dimension >= 1 && dimension <= TENON_NVDLA_DIMENSION_MAX;
}

static bool move_fits(const struct tenon_nvdla_move *move, const struct tenon_nvdla_code *code) {
    return dimension_fits(move->height) && dimension_fits(move->width) &&
           dimension_fits(move->channels) && move->cube_offset % code->atom_bytes == 0 &&
           tenon_nvdla_move_cube_end(move, code->atom_bytes) <= code->scratch_bytes &&
           tenon_nvdla_move_end(move) != UINT64_MAX;
}

static void read_command(struct tenon_cursor *cursor, struct tenon_nvdla_command *c) {
    uint32_t head = tenon_cursor_u8(cursor);
    c->kind = (uint8_t)(head & KIND_MASK);
    c->place = (uint8_t)(head >> PLACE_SHIFT & PLACE_MASK);
    c->high = (head & HIGH_BIT) != 0;
    if (c->kind >= TENON_NVDLA_COMMAND_COUNT || head > HEAD_MAX) {
        cursor->failed = true;
        return;
    }
    if (has_address(c->kind))
        c->address = tenon_cursor_u32(cursor);
    if (has_value(c->kind))
        c->value = tenon_cursor_u32(cursor);
    if (has_mask(c->kind))
        c->mask = tenon_cursor_u32(cursor);
}

static bool write_fits(const struct tenon_nvdla_command *c, const struct tenon_nvdla_code *code,
                       uint64_t data_bytes) {
    switch (c->place) {
    case TENON_NVDLA_NONE:
        return !c->high;
    case TENON_NVDLA_SCRATCH:
        return c->value < code->scratch_bytes;
    case TENON_NVDLA_DATA:
        return c->value < data_bytes;
    default:
        return false;
    }
}

static bool command_fits(const struct tenon_nvdla_command *c, const struct tenon_nvdla_code *code,
                         uint64_t data_bytes) {
    if (c->address % 4 != 0 || c->address >= TENON_NVDLA_CSB_BYTES)
        return false;
    if (c->kind == TENON_NVDLA_WRITE)
        return write_fits(c, code, data_bytes);
    if (c->place != TENON_NVDLA_NONE || c->high)
        return false;
    if (c->kind == TENON_NVDLA_PACK || c->kind == TENON_NVDLA_UNPACK)
        return c->value < code->move_count;
    if (c->kind == TENON_NVDLA_NODE)
        return c->value < code->node_count;
    return c->mask != 0 && (c->value & ~c->mask) == 0;
}

static enum tenon_status fail_at(const struct tenon_cursor *cursor, struct tenon_error *error) {
    if (cursor->out_of_memory)
        return tenon_fail_memory(error);
    return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "NVDLA code is malformed (before byte %zu)",
                      cursor->at);
}

static void read_head(struct tenon_cursor *cursor, struct tenon_nvdla_code *out) {
    if (tenon_cursor_u32(cursor) != CODE_VERSION)
        cursor->failed = true;
    out->config = tenon_cursor_string(cursor);
    out->atom_bytes = tenon_cursor_u32(cursor);
    out->node_count = tenon_cursor_u32(cursor);
    out->scratch_bytes = tenon_cursor_u64(cursor);
    if (out->atom_bytes == 0 || out->atom_bytes > ATOM_BYTES_MAX || out->scratch_bytes > SIZE_MAX)
        cursor->failed = true;
}

enum tenon_status tenon_nvdla_code_read(struct tenon_span bytes, uint64_t data_bytes,
                                        struct tenon_arena *arena, struct tenon_nvdla_code *out,
                                        struct tenon_error *error) {
    struct tenon_cursor cursor = {.bytes = bytes};
    *out = (struct tenon_nvdla_code){0};
    read_head(&cursor, out);
    out->move_count = tenon_cursor_count(&cursor, MOVE_BYTES);
    out->moves = tenon_cursor_alloc(&cursor, arena, out->move_count, sizeof(*out->moves));
    for (uint32_t i = 0; !cursor.failed && i < out->move_count; i++) {
        read_move(&cursor, &out->moves[i]);
        if (!cursor.failed && !move_fits(&out->moves[i], out))
            cursor.failed = true;
    }
    out->command_count = tenon_cursor_count(&cursor, COMMAND_BYTES);
    out->commands = tenon_cursor_alloc(&cursor, arena, out->command_count, sizeof(*out->commands));
    for (uint32_t i = 0; !cursor.failed && i < out->command_count; i++) {
        read_command(&cursor, &out->commands[i]);
        if (!cursor.failed && !command_fits(&out->commands[i], out, data_bytes))
            cursor.failed = true;
    }
    if (cursor.failed)
        return fail_at(&cursor, error);
    if (cursor.at != bytes.size)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "NVDLA code has a tail");
    return TENON_OK;
}

/* ---- moves ---- */

/* base + a*x + b*y + extra, or UINT64_MAX. */
static uint64_t reach(uint64_t base, uint64_t a, uint64_t x, uint64_t b, uint64_t y,
                      uint64_t extra) {
    uint64_t ax, by, sum;
    if (__builtin_mul_overflow(a, x, &ax) || __builtin_mul_overflow(b, y, &by) ||
        __builtin_add_overflow(ax, by, &sum) || __builtin_add_overflow(sum, base, &sum) ||
        __builtin_add_overflow(sum, extra, &sum))
        return UINT64_MAX;
    return sum;
}

uint64_t tenon_nvdla_move_end(const struct tenon_nvdla_move *move) {
    return reach(move->tensor_offset, move->height - 1, move->row_bytes, move->width - 1,
                 move->pixel_bytes, move->channels);
}

uint64_t tenon_nvdla_move_cube_end(const struct tenon_nvdla_move *move, uint32_t atom_bytes) {
    uint32_t surfaces = (move->channels + atom_bytes - 1) / atom_bytes;
    return reach(move->cube_offset, move->height - 1, move->line_stride, surfaces - 1,
                 move->surface_stride, (uint64_t)move->width * atom_bytes);
}

static uint8_t *atom_at(const struct tenon_nvdla_move *move, uint32_t h, uint32_t surface,
                        const uint8_t *scratch) {
    return (uint8_t *)scratch + move->cube_offset + h * move->line_stride +
           surface * move->surface_stride;
}

static uint32_t lanes_of(const struct tenon_nvdla_move *move, uint32_t surface,
                         uint32_t atom_bytes) {
    uint32_t left = move->channels - surface * atom_bytes;
    return left < atom_bytes ? left : atom_bytes;
}

void tenon_nvdla_pack(const struct tenon_nvdla_move *move, uint32_t atom_bytes,
                      const uint8_t *tensor, uint8_t *scratch) {
    for (uint32_t s = 0; s * atom_bytes < move->channels; s++) {
        uint32_t lanes = lanes_of(move, s, atom_bytes);
        for (uint32_t h = 0; h < move->height; h++) {
            const uint8_t *from =
                tensor + move->tensor_offset + h * move->row_bytes + s * (uint64_t)atom_bytes;
            uint8_t *to = atom_at(move, h, s, scratch);
            for (uint32_t w = 0; w < move->width; w++, from += move->pixel_bytes, to += atom_bytes)
                for (uint32_t lane = 0; lane < atom_bytes; lane++)
                    to[lane] = lane < lanes ? (uint8_t)(from[lane] ^ move->flip) : 0;
        }
    }
}

void tenon_nvdla_unpack(const struct tenon_nvdla_move *move, uint32_t atom_bytes,
                        const uint8_t *scratch, uint8_t *tensor) {
    for (uint32_t s = 0; s * atom_bytes < move->channels; s++) {
        uint32_t lanes = lanes_of(move, s, atom_bytes);
        for (uint32_t h = 0; h < move->height; h++) {
            uint8_t *to =
                tensor + move->tensor_offset + h * move->row_bytes + s * (uint64_t)atom_bytes;
            const uint8_t *from = atom_at(move, h, s, scratch);
            for (uint32_t w = 0; w < move->width; w++, to += move->pixel_bytes, from += atom_bytes)
                for (uint32_t lane = 0; lane < lanes; lane++)
                    to[lane] = from[lane] ^ move->flip;
        }
    }
}

/* ---- the textual form ---- */

static void print_data(struct tenon_span data, struct tenon_strbuf *out) {
    enum { PER_LINE = 32 };
    for (size_t i = 0; i < data.size; i++) {
        if (i % PER_LINE == 0)
            tenon_strbuf_printf(out, "%sload data+0x%zx ", i == 0 ? "" : "\n", i);
        tenon_strbuf_printf(out, "%02x", data.data[i]);
    }
    if (data.size != 0)
        tenon_strbuf_puts(out, "\n");
}

static void print_move(const struct tenon_nvdla_move *move, bool pack, struct tenon_strbuf *out) {
    tenon_strbuf_printf(
        out, "%s %u+%llu rows %llu pixels %llu cube 0x%llx lines %llu surfaces %llu size %ux%ux%u",
        pack ? "pack" : "unpack", move->edge, (unsigned long long)move->tensor_offset,
        (unsigned long long)move->row_bytes, (unsigned long long)move->pixel_bytes,
        (unsigned long long)move->cube_offset, (unsigned long long)move->line_stride,
        (unsigned long long)move->surface_stride, move->height, move->width, move->channels);
    if (move->flip != 0)
        tenon_strbuf_printf(out, " flip 0x%02x", move->flip);
}

static void print_command(const struct tenon_nvdla_code *code, const struct tenon_nvdla_command *c,
                          struct tenon_strbuf *out) {
    static const char *const places[] = {"", "scratch+", "data+", ""};
    switch ((enum tenon_nvdla_command_kind)c->kind) {
    case TENON_NVDLA_WRITE:
        tenon_strbuf_printf(out, "write 0x%05x %s0x%08x%s", c->address, places[c->place & 3],
                            c->value, c->high ? " high" : "");
        return;
    case TENON_NVDLA_POLL:
        tenon_strbuf_printf(out, "poll 0x%05x 0x%08x mask 0x%08x", c->address, c->value, c->mask);
        return;
    case TENON_NVDLA_WAIT:
        tenon_strbuf_printf(out, "wait 0x%05x mask 0x%08x", c->address, c->mask);
        return;
    case TENON_NVDLA_PACK:
    case TENON_NVDLA_UNPACK:
        print_move(&code->moves[c->value], c->kind == TENON_NVDLA_PACK, out);
        return;
    case TENON_NVDLA_NODE:
        tenon_strbuf_printf(out, "node %u", c->value);
        return;
    case TENON_NVDLA_COMMAND_COUNT:
        return;
    }
}

void tenon_nvdla_code_print(const struct tenon_nvdla_code *code, struct tenon_span data,
                            void (*annotate)(const struct tenon_nvdla_command *command,
                                             struct tenon_strbuf *out),
                            struct tenon_strbuf *out) {
    tenon_strbuf_printf(out, "nvdla %s\nregion scratch %llu\n", code->config,
                        (unsigned long long)code->scratch_bytes);
    if (data.size != 0)
        tenon_strbuf_printf(out, "region data %zu\n", data.size);
    print_data(data, out);
    for (uint32_t i = 0; i < code->command_count; i++) {
        const struct tenon_nvdla_command *c = &code->commands[i];
        print_command(code, c, out);
        if (annotate != NULL && has_address(c->kind)) {
            tenon_strbuf_puts(out, " # ");
            annotate(c, out);
        }
        tenon_strbuf_puts(out, "\n");
    }
}
