/* binary_8 and binary_f32 over the operations of a vector.h, after requantize.h: two operands of
 * the same shape. */

#ifndef PLAIN_C
TENON_ALWAYS_INLINE vi factor_pair(int32_t a, int32_t b) {
    return vi_dup((int32_t)((uint32_t)(uint16_t)a | (uint32_t)b << 16));
}

/* What lies below TENON_SUM_LOW_BITS of a factor, with a sign. */
static int32_t low_part(int32_t factor) {
    const int32_t half = 1 << (TENON_SUM_LOW_BITS - 1);
    return ((factor + half) & (2 * half - 1)) - half;
}

static int32_t high_part(int32_t factor) {
    return (factor - low_part(factor)) >> TENON_SUM_LOW_BITS;
}

/* A proven sum: ((high << 15) + low) >> shift, where what `high` adds is a multiple of 2^15. */
static size_t binary_sums(const struct tenon_binary_8 *binary, const uint8_t *a, const uint8_t *b,
                          size_t count, uint8_t *out) {
    const struct tenon_sum_params *sum = &binary->sum;
    const struct tenon_pair *pair = &binary->pair;
    vi high = factor_pair(high_part(sum->factor_a), high_part(sum->factor_b));
    vi low = factor_pair(low_part(sum->factor_a), low_part(sum->factor_b)), add = vi_dup(sum->add);
    vi low_bits = vi_dup(TENON_SUM_LOW_BITS);
    vi shift = vi_dup((int32_t)sum->shift - TENON_SUM_LOW_BITS);
    vb flip = vb_dup(binary->flip), zero = vb_dup(0);
    struct tenon_output_range bounds = {pair->low, pair->high, sum->zero - binary->flip,
                                        binary->flip};
    struct range range = range_of(&bounds, 0);
    size_t i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES) {
        const vb x = vb_xor(vb_load(a + i), flip), y = vb_xor(vb_load(b + i), flip);
        const vb bytes[4] = {x, zero, y, zero};
        vi pairs[4];
        vb_interleave(bytes, pairs);
        TENON_UNROLL for (int k = 0; k < 4; k++) {
            vi below = vi_shift_right(vi_add(vs_dot(pairs[k], low), add), low_bits);
            pairs[k] = vi_shift_right(vi_add(vs_dot(pairs[k], high), below), shift);
        }
        vb result = to_bytes(&range, pairs);
        for (uint32_t k = 0; k < sum->exception_count; k++) {
            const struct tenon_sum_exception *e = &sum->exceptions[k];
            vb is = vb_and(vb_equal(x, vb_dup(e->a)), vb_equal(y, vb_dup(e->b)));
            result = vb_add(result, vb_and(is, vb_dup(e->delta)));
        }
        vb_store(out + i, result);
    }
    return i;
}

/* The double rule, proven to stay within 32 bits. */
static size_t binary_double(const struct tenon_binary_8 *binary, const uint8_t *a, const uint8_t *b,
                            size_t count, uint8_t *out) {
    const struct tenon_pair *pair = &binary->pair;
    const bool mul = pair->op == TENON_OP_MUL, sub = pair->op == TENON_OP_SUB;
    struct factors q, qa, qb;
    factors_dup(&q, &pair->out);
    factors_dup(&qa, &pair->a);
    factors_dup(&qb, &pair->b);
    vi low = vi_dup(pair->low), high = vi_dup(pair->high), zero = vi_dup(pair->zero_out);
    vi flip = vi_dup(binary->flip), shift = vi_dup(pair->left_shift);
    vi zero_a = vi_dup(pair->zero_a + binary->flip), zero_b = vi_dup(pair->zero_b + binary->flip);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vi x = vi_sub(vi_xor(vi_widen(a + i), flip), zero_a);
        vi y = vi_sub(vi_xor(vi_widen(b + i), flip), zero_b);
        if (mul) {
            x = vi_multiply(x, y);
        } else {
            x = scale_double(&qa, vi_shift_left(x, shift));
            y = scale_double(&qb, vi_shift_left(y, shift));
            x = sub ? vi_sub(x, y) : vi_add(x, y);
        }
        vi scaled = vi_add(scale_double(&q, x), zero);
        vi_store_bytes(out + i, vi_min(vi_max(scaled, low), high));
    }
    return i;
}
#endif

/* a and b: as u8. */
static uint8_t sum_of(const struct tenon_binary_8 *binary, int32_t a, int32_t b) {
    const struct tenon_sum_params *sum = &binary->sum;
    const struct tenon_pair *pair = &binary->pair;
    int64_t x = (int64_t)sum->factor_a * a + (int64_t)sum->factor_b * b + sum->add;
    int32_t y = tenon_clamp_i32((int32_t)(x >> sum->shift) + sum->zero, pair->low + binary->flip,
                                pair->high + binary->flip);
    for (uint32_t k = 0; k < sum->exception_count; k++)
        if (a == sum->exceptions[k].a && b == sum->exceptions[k].b)
            y += sum->exceptions[k].delta;
    return (uint8_t)(y ^ binary->flip);
}

static int32_t element_at(const uint8_t *data, size_t i, uint8_t flip) {
    return (int32_t)(data[i] ^ flip) - flip;
}

static void binary_8(const struct tenon_binary_8 *binary, const uint8_t *a, const uint8_t *b,
                     size_t count, uint8_t *out) {
    size_t i = 0;
#ifndef PLAIN_C
    if (binary->form == TENON_BINARY_SUM)
        i = binary_sums(binary, a, b, count, out);
    else if (binary->form == TENON_BINARY_DOUBLE)
        i = binary_double(binary, a, b, count, out);
#endif
    for (; binary->form == TENON_BINARY_SUM && i < count; i++)
        out[i] = sum_of(binary, a[i] ^ binary->flip, b[i] ^ binary->flip);
    for (; i < count; i++)
        out[i] = (uint8_t)tenon_pair_combine(&binary->pair, element_at(a, i, binary->flip),
                                             element_at(b, i, binary->flip));
}

TENON_ALWAYS_INLINE vf combine_floats(enum tenon_op op, vf a, vf b) {
    return op == TENON_OP_MUL   ? vf_multiply(a, b)
           : op == TENON_OP_ADD ? vf_add(a, b)
                                : vf_sub(a, b);
}

static void binary_f32(const struct tenon_pair *pair, const float *a, const float *b, size_t count,
                       float *out) {
    vf low = vf_dup(pair->low_f32), high = vf_dup(pair->high_f32);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        vf_store(
            out + i,
            vf_min(vf_max(combine_floats(pair->op, vf_load(a + i), vf_load(b + i)), low), high));
    if (i < count) {
        uint32_t left = (uint32_t)(count - i);
        vf y = combine_floats(pair->op, vf_load_some(a + i, left), vf_load_some(b + i, left));
        vf_store_some(out + i, vf_min(vf_max(y, low), high), left);
    }
}
