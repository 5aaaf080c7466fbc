/* binary_8 and binary_f32 over the operations of a vector.h, after requantize.h: two operands of
 * the same shape. */

/* The double rule, proven to stay within 32 bits. */
static size_t binary_vectors(const struct tenon_binary_8 *binary, const uint8_t *a,
                             const uint8_t *b, size_t count, uint8_t *out) {
    const struct tenon_pair *pair = &binary->pair;
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
        if (pair->op != TENON_OP_MUL) {
            x = scale_double(&qa, vi_shift_left(x, shift));
            y = scale_double(&qb, vi_shift_left(y, shift));
        }
        vi sum = pair->op == TENON_OP_MUL   ? vi_multiply(x, y)
                 : pair->op == TENON_OP_ADD ? vi_add(x, y)
                                            : vi_sub(x, y);
        vi scaled = vi_add(scale_double(&q, sum), zero);
        vi_store_bytes(out + i, vi_min(vi_max(scaled, low), high));
    }
    return i;
}

static int32_t element_at(const uint8_t *data, size_t i, uint8_t flip) {
    return (int32_t)(data[i] ^ flip) - flip;
}

static void binary_8(const struct tenon_binary_8 *binary, const uint8_t *a, const uint8_t *b,
                     size_t count, uint8_t *out) {
    size_t i = binary->vector_rounding ? binary_vectors(binary, a, b, count, out) : 0;
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
