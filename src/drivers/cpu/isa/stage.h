/* Activations as the multiplying loops want them, over the operations of a vector.h. */

TENON_ALWAYS_INLINE void stage_vector(vb bytes, uint8_t *to, uint16_t *wide) {
    if (to != NULL)
        vb_store(to, bytes);
#ifdef PAIRS_16
    if (wide != NULL)
        vb_store_wide(wide, bytes);
#else
    (void)wide;
#endif
}

TENON_ALWAYS_INLINE void stage_as(const uint8_t *from, size_t count, uint8_t flip, uint8_t *to,
                                  uint16_t *wide) {
    vb flips = vb_dup(flip);
    size_t i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES)
        stage_vector(vb_xor(vb_load(from + i), flips), to != NULL ? to + i : NULL,
                     wide != NULL ? wide + i : NULL);
    for (; i < count; i++) {
        uint8_t byte = from[i] ^ flip;
        if (to != NULL)
            to[i] = byte;
        if (wide != NULL)
            wide[i] = byte;
    }
}

/* to[i] = from[i] ^ flip, in place or apart; wide[i] is the same as u16, only where products are
 * added in 16 bits. Either may be NULL. */
static void stage_8(const uint8_t *from, size_t count, uint8_t flip, uint8_t *to, uint16_t *wide) {
    if (wide == NULL)
        stage_as(from, count, flip, to, NULL);
    else if (to == NULL)
        stage_as(from, count, flip, NULL, wide);
    else
        stage_as(from, count, flip, to, wide);
}
