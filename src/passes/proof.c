/* See proof.h. */
#include "passes/proof.h"

struct tenon_rescale tenon_rescale_to(const struct tenon_desc *out, double scale,
                                      const struct tenon_node *node) {
    struct tenon_rescale r = {.multiplier = tenon_multiplier_from_double(scale),
                              .rounding = node->rounding,
                              .zero_point = tenon_desc_zero_point(out),
                              .factor = 1};
    tenon_activation_range((enum tenon_activation)node->attrs.activation, out, &r.low, &r.high);
    return r;
}

int32_t tenon_rescale_at(const struct tenon_rescale *r, int64_t sum) {
    int32_t scaled =
        tenon_requantize((int32_t)(r->factor * sum + r->offset), &r->multiplier, r->rounding);
    int64_t value = (int64_t)scaled + r->zero_point;
    return value < r->low ? r->low : value > r->high ? r->high : (int32_t)value;
}

bool tenon_rescale_rises(const struct tenon_rescale *r, int64_t bound) {
    int64_t offset = r->offset < 0 ? -r->offset : r->offset, most;
    return !__builtin_mul_overflow(bound, r->factor, &most) &&
           !__builtin_add_overflow(most, offset, &most) &&
           tenon_requantize_provable(most, &r->multiplier);
}

bool tenon_rescale_is(const struct tenon_rescale *r, tenon_result_fn *result, const void *context,
                      int64_t low, int64_t high) {
    /* Ranges still to be compared: halves of halves, so that 64 are enough. */
    struct {
        int64_t low, high;
    } todo[64] = {{low, high}};
    for (int count = 1; count > 0;) {
        low = todo[count - 1].low;
        high = todo[count - 1].high;
        count--;
        int32_t first = tenon_rescale_at(r, low), last = tenon_rescale_at(r, high);
        if (first != result(context, low) || last != result(context, high))
            return false;
        if (first == last || high - low <= 1)
            continue;
        int64_t middle = low + (high - low) / 2;
        todo[count].low = low;
        todo[count++].high = middle;
        todo[count].low = middle;
        todo[count++].high = high;
    }
    return true;
}
