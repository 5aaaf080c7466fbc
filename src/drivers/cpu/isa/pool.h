/* Sums and largest values over rows of channels, over the operations of a vector.h. */

/* sums[c] = Σ of taps[i][c] as the type that flip says. */
static void sum_8(const uint8_t *const *taps, size_t tap_count, size_t channels, uint8_t flip,
                  int32_t *sums) {
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
        vi sum = vi_dup(0), flips = vi_dup(flip);
        for (size_t t = 0; t < tap_count; t++)
            sum = vi_add(sum, vi_xor(vi_widen(taps[t] + c), flips));
        vi_store(sums + c, vi_sub(sum, vi_dup((int32_t)tap_count * flip)));
    }
    for (; c < channels; c++) {
        sums[c] = 0;
        for (size_t t = 0; t < tap_count; t++)
            sums[c] += element_at(taps[t], c, flip);
    }
}

static void max_8(const uint8_t *const *taps, size_t tap_count, size_t channels, uint8_t flip,
                  uint8_t *out) {
    vb flips = vb_dup(flip);
    for (size_t c = 0; c < channels; c += 4 * LANES) {
        bool some = channels - c < 4 * LANES;
        uint32_t left = (uint32_t)(channels - c);
        vb largest = vb_dup(0);
        for (size_t t = 0; t < tap_count; t++) {
            const uint8_t *from = taps[t] + c;
            largest =
                vb_max(largest, vb_xor(some ? vb_load_some(from, left) : vb_load(from), flips));
        }
        if (some)
            vb_store_some(out + c, vb_xor(largest, flips), left);
        else
            vb_store(out + c, vb_xor(largest, flips));
    }
}
