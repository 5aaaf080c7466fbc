/* Activations as the multiplying loops want them, over the operations of a vector.h. */

/* to[i] = from[i] ^ flip, in place or apart; wide[i] is the same as u16. Either may be NULL. */
static void stage_8(const uint8_t *from, size_t count, uint8_t flip, uint8_t *to, uint16_t *wide) {
    size_t i = 0;
#ifdef PAIRS_16
    vb flips = vb_dup(flip);
    for (; i + 4 * LANES <= count; i += 4 * LANES) {
        vb bytes = vb_xor(vb_load(from + i), flips);
        if (to != NULL)
            vb_store(to + i, bytes);
        if (wide != NULL)
            vb_store_wide(wide + i, bytes);
    }
#endif
    for (; i < count; i++) {
        uint8_t byte = from[i] ^ flip;
        if (to != NULL)
            to[i] = byte;
        if (wide != NULL)
            wide[i] = byte;
    }
}
