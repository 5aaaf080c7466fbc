/* Averages and largest values over rows of channels, over the operations of a vector.h. There are
 * 4 * LANES channels or more; the last block of them overlaps the one before it. */

TENON_ALWAYS_INLINE size_t block_at(size_t c, size_t channels) {
    return c + 4 * LANES <= channels ? c : channels - 4 * LANES;
}

#ifdef PLAIN_C
static void average_8(const struct tenon_average_8 *average, const uint8_t *const *taps,
                      size_t tap_count, size_t channels, uint8_t *out) {
    const struct tenon_output_range *range = &average->range;
    for (size_t c = 0; c < channels; c++) {
        int32_t sum = average->bias;
        for (size_t t = 0; t < tap_count; t++)
            sum += 4 * (taps[t][c] ^ average->flip);
        int64_t sign = average->of_magnitude && sum < 0 ? -1 : 1;
        int64_t y =
            (int64_t)((uint64_t)(sign * sum * average->multiplier) + (uint64_t)average->add) >>
            (32 + average->right);
        y = sign * y + range->zero_point;
        out[c] = (uint8_t)(y < range->low ? range->low : y > range->high ? range->high : y);
    }
}
#else
/* Adds four times the elements of four taps, or what else `factors` has for each. */
TENON_ALWAYS_INLINE void add_quads(const uint8_t *const taps[4], size_t at, vb flip, vi factors,
                                   vi sums[4]) {
    vb in[4];
    vi quads[4];
    TENON_UNROLL for (int k = 0; k < 4; k++) in[k] = vb_xor(vb_load(taps[k] + at), flip);
    vb_interleave(in, quads);
    TENON_UNROLL for (int k = 0; k < 4; k++) sums[k] = vi_dot(sums[k], quads[k], factors);
}

static void average_8(const struct tenon_average_8 *average, const uint8_t *const *taps,
                      size_t tap_count, size_t channels, uint8_t *out) {
    const vw_factors multiplier = vw_factor(vi_dup(average->multiplier));
    const vw add = vw_dup(average->add);
    const vi right = vi_dup(average->right), bias = vi_dup(average->bias);
    const vb flip = vb_dup(average->flip);
    struct range range = range_of(&average->range, 0);
    const size_t rest = tap_count % 4, whole = tap_count - rest;
    const vi fours = vi_dup_byte(4), last_fours = vi_dup(0x040404 >> 8 * (3 - rest));
    const uint8_t *last[4];
    for (size_t k = 0; k < 4; k++)
        last[k] = taps[k < rest ? whole + k : 0];
    for (size_t c = 0; c < channels; c += 4 * LANES) {
        size_t at = block_at(c, channels);
        vi sums[4] = {bias, bias, bias, bias};
        for (size_t t = 0; t < tap_count; t += 4)
            add_quads(t < whole ? taps + t : last, at, flip, t < whole ? fours : last_fours, sums);
        TENON_UNROLL for (int k = 0; k < 4; k++) {
            vi x = average->of_magnitude ? vi_abs(sums[k]) : sums[k];
            x = vi_shift_right(vw_high(vw_add(vi_multiply_wide(x, multiplier), add)), right);
            sums[k] = average->of_magnitude ? vi_negate_as(x, sums[k]) : x;
        }
        vb_store(out + at, to_bytes(&range, sums));
    }
}

#endif

static void max_8(const struct tenon_output_range *bounds, const uint8_t *const *taps,
                  size_t tap_count, size_t channels, uint8_t *out) {
    struct range range = range_of(bounds, 0);
    for (size_t c = 0; c < channels; c += 4 * LANES) {
        size_t at = block_at(c, channels);
        vb largest = range.low;
        for (size_t t = 0; t < tap_count; t++)
            largest = vb_max(largest, vb_xor(vb_load(taps[t] + at), range.flip));
        vb_store(out + at, vb_xor(vb_min(largest, range.high), range.flip));
    }
}

/* Each channel's sum is taken in the order of the taps, as the reference kernel does. */
static void average_f32(const struct tenon_average_f32 *average, const float *const *taps,
                        size_t tap_count, size_t channels, float *out) {
    const vf low = vf_dup(average->low), high = vf_dup(average->high);
    const vf count = vf_dup((float)tap_count);
    for (size_t c = 0; c < channels; c += 4 * LANES) {
        size_t at = block_at(c, channels);
        vf sums[4] = {vf_dup(0), vf_dup(0), vf_dup(0), vf_dup(0)};
        for (size_t t = 0; t < tap_count; t++)
            TENON_UNROLL for (int k = 0; k < 4; k++) sums[k] =
                vf_add(sums[k], vf_load(taps[t] + at + k * LANES));
        TENON_UNROLL for (int k = 0; k < 4; k++)
            vf_store(out + at + k * LANES, vf_min(vf_max(vf_divide(sums[k], count), low), high));
    }
}
