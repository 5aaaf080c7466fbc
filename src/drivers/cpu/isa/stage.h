/* Bytes of one type as those of the other, over the operations of a vector.h. */
static void stage_8(const uint8_t *from, size_t count, uint8_t flip, uint8_t *to) {
    vb flips = vb_dup(flip);
    size_t i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES)
        vb_store(to + i, vb_xor(vb_load(from + i), flips));
    for (; i < count; i++)
        to[i] = from[i] ^ flip;
}
