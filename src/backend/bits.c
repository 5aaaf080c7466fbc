/* Bits into bytes; see bits.h. */
#include "backend/bits.h"

void tenon_bits_append(struct tenon_bits *bits, uint64_t value, uint32_t width) {
    while (width > 0) {
        uint32_t room = 8 - bits->count, take = width < room ? width : room;
        bits->pending |= (value & ((UINT64_C(1) << take) - 1)) << bits->count;
        bits->count += take;
        value >>= take;
        width -= take;
        if (bits->count == 8) {
            tenon_strbuf_append_u8(bits->out, (uint8_t)bits->pending);
            bits->pending = 0;
            bits->count = 0;
        }
    }
}

void tenon_bits_align(struct tenon_bits *bits, size_t alignment) {
    if (bits->count > 0)
        tenon_bits_append(bits, 0, 8 - bits->count);
    while (!bits->out->failed && bits->out->size % alignment != 0)
        tenon_strbuf_append_u8(bits->out, 0);
}
