/*
 * svdf: a fully connected layer of low rank over a window of time. Inputs: input [B, I], feature
 * weights [F, I], time weights [F, M], bias [F / rank], state [B, M * F] (the last M activations of
 * every filter, written in place). Sources: TFLite reference/svdf.h, and TFLite Micro's
 * svdf_common.cc for an 8-bit state, which has a zero point.
 */
#include "op/linear.h"
#include "op/rules.h"

#include <math.h>
#include <string.h>

enum { INPUT, FEATURE, TIME, BIAS, STATE };

struct svdf {
    size_t batches, inputs, filters, memory, units, rank;
};

static enum tenon_status check_size(const struct tenon_desc *desc, const char *what, size_t a,
                                    size_t b, struct tenon_error *error) {
    if (desc->shape.rank == 2 && (size_t)desc->shape.dims[0] == a &&
        (size_t)desc->shape.dims[1] == b)
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%s must be %zu x %zu", what, a, b);
}

static enum tenon_status svdf_init(struct svdf *s, const struct tenon_op_call *call,
                                   struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, INPUT), *feature = tenon_in(call, FEATURE);
    const struct tenon_desc *time = tenon_in(call, TIME), *bias = tenon_in(call, BIAS);
    enum tenon_status status = tenon_require_rank(in, 2, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_rank(feature, 2, "feature weights", error);
    if (status == TENON_OK)
        status = tenon_require_rank(time, 2, "time weights", error);
    if (status != TENON_OK)
        return status;
    int32_t rank = call->attrs->rank, filters = feature->shape.dims[0];
    if (rank < 1 || filters < 1 || filters % rank != 0 || in->shape.dims[0] < 1 ||
        in->shape.dims[1] < 1 || time->shape.dims[1] < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%d filters of rank %d", filters, rank);
    *s = (struct svdf){.batches = (size_t)in->shape.dims[0],
                       .inputs = (size_t)in->shape.dims[1],
                       .filters = (size_t)filters,
                       .memory = (size_t)time->shape.dims[1],
                       .units = (size_t)(filters / rank),
                       .rank = (size_t)rank};
    status = check_size(feature, "feature weights", s->filters, s->inputs, error);
    if (status == TENON_OK)
        status = check_size(time, "time weights", s->filters, s->memory, error);
    if (status == TENON_OK)
        status = check_size(tenon_in(call, STATE), "the state", s->batches, s->memory * s->filters,
                            error);
    if (status == TENON_OK && bias != NULL && tenon_desc_element_count(bias) != s->units)
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "%zu biases for %zu units",
                            tenon_desc_element_count(bias), s->units);
    return status;
}

static enum tenon_status check_float(const struct tenon_op_call *call, struct tenon_error *error) {
    for (uint32_t i = FEATURE; i <= STATE; i++)
        if (tenon_in(call, i) != NULL && tenon_in(call, i)->type != TENON_TYPE_F32)
            return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "input %u of type %s beside floats",
                              i, tenon_type_text(tenon_in(call, i)->type));
    return tenon_require_type(tenon_out(call, 0), TENON_TYPE_BIT(F32), "the output", error);
}

static enum tenon_status check_integer(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    const struct tenon_desc *state = tenon_in(call, STATE), *bias = tenon_in(call, BIAS);
    const uint32_t i8 = TENON_TYPE_BIT(I8);
    enum tenon_status status =
        tenon_require_type(tenon_in(call, FEATURE), i8, "feature weights", error);
    if (status == TENON_OK)
        status = tenon_require_type(state, i8 | TENON_TYPE_BIT(I16), "the state", error);
    if (status == TENON_OK && tenon_in(call, TIME)->type != state->type)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "time weights and state differ");
    if (status == TENON_OK && bias != NULL)
        status = tenon_require_type(bias, TENON_TYPE_BIT(I32), "bias", error);
    if (status == TENON_OK)
        status = tenon_require_type(tenon_out(call, 0), i8, "the output", error);
    for (uint32_t i = 0; status == TENON_OK && i <= STATE; i++)
        if (i != BIAS)
            status = tenon_require_per_tensor(tenon_in(call, i), "an operand of svdf", error);
    if (status == TENON_OK)
        status = tenon_require_per_tensor(tenon_out(call, 0), "the output", error);
    if (status == TENON_OK && (tenon_desc_zero_point(tenon_in(call, FEATURE)) != 0 ||
                               tenon_desc_zero_point(tenon_in(call, TIME)) != 0))
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "weights with a zero point");
    if (status == TENON_OK && call->attrs->activation == TENON_ACTIVATION_TANH)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "a fused tanh of integers");
    return status;
}

enum tenon_status tenon_infer_svdf(const struct tenon_op_call *call, struct tenon_error *error) {
    struct svdf s;
    enum tenon_status status = tenon_require_type(
        tenon_in(call, INPUT), TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I8), "the input", error);
    if (status == TENON_OK)
        status = svdf_init(&s, call, error);
    if (status == TENON_OK)
        status = tenon_in(call, INPUT)->type == TENON_TYPE_F32 ? check_float(call, error)
                                                               : check_integer(call, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = {.rank = 2, .dims = {(int32_t)s.batches, (int32_t)s.units}};
    return tenon_set_shape(call, 0, &shape, error);
}

uint64_t tenon_macs_svdf(const struct tenon_op_call *call) {
    struct svdf s;
    if (svdf_init(&s, call, NULL) != TENON_OK)
        return 0;
    return (uint64_t)s.batches * s.filters * (s.inputs + s.memory);
}

/* Every filter forgets its oldest activation. The whole state moves by one element: what crosses
 * from one filter into its neighbour is overwritten next. */
static void shift_state(void *state, const struct svdf *s, size_t element_bytes) {
    size_t size = s->batches * s->filters * s->memory * element_bytes;
    memmove(state, (char *)state + element_bytes, size - element_bytes);
}

static float activate(float x, enum tenon_activation activation) {
    float low, high;
    if (activation == TENON_ACTIVATION_TANH)
        return tanhf(x);
    tenon_activation_range_f32(activation, &low, &high);
    return tenon_clamp_f32(x, low, high);
}

static float dot_f32(const float *a, const float *b, size_t count) {
    float sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static void svdf_f32(const struct tenon_op_call *call, const struct svdf *s) {
    const float *in = tenon_in_data(call, INPUT), *feature = tenon_in_data(call, FEATURE);
    const float *time = tenon_in_data(call, TIME), *bias = tenon_in_data(call, BIAS);
    float *state = call->inputs[STATE].data, *out = call->outputs[0].data;
    shift_state(state, s, sizeof(*state));
    for (size_t b = 0; b < s->batches; b++, in += s->inputs)
        for (size_t u = 0; u < s->units; u++) {
            float sum = 0;
            for (size_t f = u * s->rank; f < (u + 1) * s->rank; f++, state += s->memory) {
                state[s->memory - 1] = dot_f32(feature + f * s->inputs, in, s->inputs);
                sum += dot_f32(time + f * s->memory, state, s->memory);
            }
            *out++ = activate(bias != NULL ? sum + bias[u] : sum,
                              (enum tenon_activation)call->attrs->activation);
        }
}

static int32_t load(const struct tenon_desc *desc, const void *data, size_t i) {
    return desc->type == TENON_TYPE_I16 ? ((const int16_t *)data)[i] : ((const int8_t *)data)[i];
}

/* The newest activation of a filter into the state; `at` is its place there. */
static void update_filter(const struct tenon_op_call *call, const struct svdf *s, size_t batch,
                          size_t filter, size_t at, const struct tenon_multiplier *multiplier) {
    const int8_t *in = (const int8_t *)tenon_in_data(call, INPUT) + batch * s->inputs;
    const int8_t *weights = (const int8_t *)tenon_in_data(call, FEATURE) + filter * s->inputs;
    const struct tenon_desc *desc = tenon_in(call, STATE);
    int32_t zero = tenon_desc_zero_point(tenon_in(call, INPUT));
    int64_t sum = 0;
    for (size_t i = 0; i < s->inputs; i++)
        sum += weights[i] * (in[i] - zero);
    int32_t value = tenon_requantize((int32_t)sum, multiplier, call->rounding);
    value = tenon_clamp_i32(value, tenon_type_min(desc->type), tenon_type_max(desc->type)) +
            tenon_desc_zero_point(desc);
    if (desc->type == TENON_TYPE_I16)
        ((int16_t *)call->inputs[STATE].data)[at] = (int16_t)value;
    else
        ((int8_t *)call->inputs[STATE].data)[at] = (int8_t)value;
}

static int64_t sum_filter(const struct tenon_op_call *call, const struct svdf *s, size_t filter,
                          size_t first) {
    const struct tenon_desc *time = tenon_in(call, TIME), *state = tenon_in(call, STATE);
    int32_t zero = tenon_desc_zero_point(state);
    int64_t sum = 0;
    for (size_t m = 0; m < s->memory; m++)
        sum += (int64_t)load(time, tenon_in_data(call, TIME), filter * s->memory + m) *
               (load(state, tenon_in_data(call, STATE), first + m) - zero);
    return sum;
}

void tenon_svdf_integer(const struct tenon_op_call *call, const struct tenon_multiplier *feature,
                        const struct tenon_multiplier *time) {
    struct svdf s;
    if (svdf_init(&s, call, NULL) != TENON_OK)
        return;
    const struct tenon_desc *out = tenon_out(call, 0);
    const int32_t *bias = tenon_in_data(call, BIAS);
    int8_t *result = call->outputs[0].data;
    size_t at = 0;
    shift_state(call->inputs[STATE].data, &s,
                tenon_type_bit_count(tenon_in(call, STATE)->type) / 8);
    for (size_t b = 0; b < s.batches; b++)
        for (size_t u = 0; u < s.units; u++) {
            int64_t sum = bias != NULL ? bias[u] : 0;
            for (size_t f = u * s.rank; f < (u + 1) * s.rank; f++, at += s.memory) {
                update_filter(call, &s, b, f, at + s.memory - 1, feature);
                sum += sum_filter(call, &s, f, at);
            }
            int64_t value = tenon_requantize((int32_t)sum, time, call->rounding);
            value += tenon_desc_zero_point(out);
            *result++ = (int8_t)(value < INT8_MIN ? INT8_MIN : value > INT8_MAX ? INT8_MAX : value);
        }
}

enum tenon_status tenon_reference_svdf(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    struct svdf s;
    enum tenon_status status = svdf_init(&s, call, error);
    if (status != TENON_OK)
        return status;
    if (tenon_in(call, INPUT)->type == TENON_TYPE_F32) {
        svdf_f32(call, &s);
        return TENON_OK;
    }
    /* TFLite forms both factors in float32. */
    float state = tenon_desc_scale(tenon_in(call, STATE));
    float first =
        tenon_desc_scale(tenon_in(call, INPUT)) * tenon_desc_scale(tenon_in(call, FEATURE)) / state;
    float second =
        state * tenon_desc_scale(tenon_in(call, TIME)) / tenon_desc_scale(tenon_out(call, 0));
    struct tenon_multiplier feature = tenon_multiplier_from_double((double)first);
    struct tenon_multiplier time = tenon_multiplier_from_double((double)second);
    tenon_svdf_integer(call, &feature, &time);
    return TENON_OK;
}
