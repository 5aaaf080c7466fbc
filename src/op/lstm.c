/*
 * lstm: unidirectional, over a whole sequence. Floats as in TFLite's lstm_eval.cc, with peepholes,
 * projection, layer normalization and coupled gates; integers (8-bit activations and weights,
 * 16-bit cell) as in TFLite Micro's lstm_eval.h, which has none of these.
 * Operands of the gates input, forget, cell, output (g = 0 … 3): weights of the input 1 + g, of the
 * hidden state 5 + g, biases 12 + g, norms 20 + g. The states 18 and 19 are written in place.
 */
#include "op/lstm.h"
#include "op/rules.h"
#include "op/sigmoid.h"
#include "util/checked.h"

#include <math.h>
#include <string.h>

enum { INPUT_GATE, FORGET_GATE, CELL_GATE, OUTPUT_GATE };
enum {
    INPUT = 0,
    INPUT_WEIGHTS = 1,
    HIDDEN_WEIGHTS = 5,
    PEEPHOLES = 9,
    BIASES = 12,
    PROJECTION = 16,
    PROJECTION_BIAS = 17,
    HIDDEN = 18,
    CELL = 19,
    NORMS = 20,
    OPERANDS = 24,
};

struct lstm {
    size_t steps, batches, inputs, cells, outputs;
    bool coupled; /* no input gate: 1 - forget takes its place */
};

/* The cell's weights into a gate: the cell gate has none. */
static uint32_t peephole_of(int gate) {
    return PEEPHOLES + (gate == OUTPUT_GATE ? 2 : (uint32_t)gate);
}

static enum tenon_status require_size(const struct tenon_op_call *call, uint32_t i, size_t a,
                                      size_t b, struct tenon_error *error) {
    const struct tenon_desc *desc = tenon_in(call, i);
    if (desc == NULL)
        return TENON_OK;
    const int32_t *dims = desc->shape.dims;
    bool vector = desc->shape.rank == 1 && a == 1 && (size_t)dims[0] == b;
    bool matrix = desc->shape.rank == 2 && (size_t)dims[0] == a && (size_t)dims[1] == b;
    if (vector || matrix)
        return TENON_OK;
    return tenon_fail(error, TENON_ERROR_BAD_MODEL, "input %u must be %zu x %zu", i, a, b);
}

static enum tenon_status check_sizes(const struct tenon_op_call *call, const struct lstm *l,
                                     struct tenon_error *error) {
    enum tenon_status status = TENON_OK;
    for (uint32_t g = 0; status == TENON_OK && g < TENON_LSTM_GATES; g++) {
        status = require_size(call, INPUT_WEIGHTS + g, l->cells, l->inputs, error);
        if (status == TENON_OK)
            status = require_size(call, HIDDEN_WEIGHTS + g, l->cells, l->outputs, error);
        if (status == TENON_OK)
            status = require_size(call, BIASES + g, 1, l->cells, error);
        if (status == TENON_OK)
            status = require_size(call, NORMS + g, 1, l->cells, error);
        if (status == TENON_OK && g != CELL_GATE)
            status = require_size(call, peephole_of((int)g), 1, l->cells, error);
    }
    if (status == TENON_OK)
        status = require_size(call, PROJECTION, l->outputs, l->cells, error);
    if (status == TENON_OK)
        status = require_size(call, PROJECTION_BIAS, 1, l->outputs, error);
    if (status == TENON_OK)
        status = require_size(call, HIDDEN, l->batches, l->outputs, error);
    if (status == TENON_OK)
        status = require_size(call, CELL, l->batches, l->cells, error);
    return status;
}

/* Optional operands come together or not at all. */
static bool is_consistent(const struct tenon_op_call *call, const struct lstm *l) {
    bool input_gate = !l->coupled;
    bool peephole = tenon_in(call, peephole_of(FORGET_GATE)) != NULL;
    bool norm = tenon_in(call, NORMS + FORGET_GATE) != NULL;
    bool projection = tenon_in(call, PROJECTION) != NULL;
    return (tenon_in(call, HIDDEN_WEIGHTS + INPUT_GATE) != NULL) == input_gate &&
           (tenon_in(call, BIASES + INPUT_GATE) != NULL) == input_gate &&
           (l->coupled || (tenon_in(call, peephole_of(INPUT_GATE)) != NULL) == peephole) &&
           (tenon_in(call, peephole_of(OUTPUT_GATE)) != NULL) == peephole &&
           (tenon_in(call, NORMS + INPUT_GATE) != NULL) == (norm && input_gate) &&
           (tenon_in(call, NORMS + CELL_GATE) != NULL) == norm &&
           (tenon_in(call, NORMS + OUTPUT_GATE) != NULL) == norm &&
           (projection || (tenon_in(call, PROJECTION_BIAS) == NULL && l->outputs == l->cells));
}

static enum tenon_status lstm_init(struct lstm *l, const struct tenon_op_call *call,
                                   struct tenon_error *error) {
    const struct tenon_desc *in = tenon_in(call, INPUT);
    const struct tenon_desc *hidden = tenon_in(call, HIDDEN_WEIGHTS + OUTPUT_GATE);
    enum tenon_status status = tenon_require_rank(in, 3, "the input", error);
    if (status == TENON_OK)
        status = tenon_require_rank(hidden, 2, "weights of the hidden state", error);
    if (status != TENON_OK)
        return status;
    const int32_t *dims = in->shape.dims;
    bool time_major = call->attrs->time_major != 0;
    if (dims[0] < 1 || dims[1] < 1 || dims[2] < 1 || hidden->shape.dims[0] < 1 ||
        hidden->shape.dims[1] < 1)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "a dimension of size 0");
    *l = (struct lstm){.steps = (size_t)dims[time_major ? 0 : 1],
                       .batches = (size_t)dims[time_major ? 1 : 0],
                       .inputs = (size_t)dims[2],
                       .cells = (size_t)hidden->shape.dims[0],
                       .outputs = (size_t)hidden->shape.dims[1],
                       .coupled = tenon_in(call, INPUT_WEIGHTS + INPUT_GATE) == NULL};
    return TENON_OK;
}

static enum tenon_status check_float(const struct tenon_op_call *call, struct tenon_error *error) {
    for (uint32_t i = 1; i < OPERANDS; i++)
        if (tenon_in(call, i) != NULL && tenon_in(call, i)->type != TENON_TYPE_F32)
            return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "input %u of type %s beside floats",
                              i, tenon_type_text(tenon_in(call, i)->type));
    return tenon_require_type(tenon_out(call, 0), TENON_TYPE_BIT(F32), "the output", error);
}

/* The cell's scale as a power of two, as TFLite's CheckedLog2. */
static bool cell_power(const struct tenon_desc *cell, int32_t *power) {
    float exponent = log2f(tenon_desc_scale(cell)), rounded = roundf(exponent);
    *power = (int32_t)rounded;
    return fabsf(exponent - rounded) < 1e-3f && *power >= -30 && *power <= -9;
}

static enum tenon_status check_integer_operand(const struct tenon_op_call *call, uint32_t i,
                                               struct tenon_error *error) {
    const struct tenon_desc *desc = tenon_in(call, i);
    bool bias = i >= BIASES && i < PROJECTION;
    if (desc == NULL || (i >= PEEPHOLES && i < BIASES) || i == PROJECTION || i == PROJECTION_BIAS ||
        i >= NORMS) {
        bool wanted = i < PEEPHOLES || bias || i == HIDDEN || i == CELL;
        if (wanted == (desc != NULL))
            return TENON_OK;
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                          "an integer lstm with coupled gates, peepholes, projection or norms");
    }
    uint32_t type = bias        ? TENON_TYPE_BIT(I32)
                    : i == CELL ? TENON_TYPE_BIT(I16)
                                : TENON_TYPE_BIT(I8);
    enum tenon_status status = tenon_require_type(desc, type, "an operand of lstm", error);
    if (status != TENON_OK || bias)
        return status;
    status = tenon_require_per_tensor(desc, "an operand of lstm", error);
    if (status == TENON_OK && i != INPUT && i != HIDDEN && tenon_desc_zero_point(desc) != 0)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "input %u has a zero point", i);
    return status;
}

static enum tenon_status check_integer(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    const struct tenon_desc *out = tenon_out(call, 0);
    enum tenon_status status = TENON_OK;
    int32_t power;
    for (uint32_t i = 0; status == TENON_OK && i < OPERANDS; i++)
        status = check_integer_operand(call, i, error);
    if (status == TENON_OK)
        status = tenon_require_type(out, TENON_TYPE_BIT(I8), "the output", error);
    if (status == TENON_OK && call->attrs->activation != TENON_ACTIVATION_TANH)
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED, "an integer lstm without tanh");
    if (status == TENON_OK && !cell_power(tenon_in(call, CELL), &power))
        status = tenon_fail(error, TENON_ERROR_UNSUPPORTED,
                            "the cell's scale %g is no power of two that fits",
                            (double)tenon_desc_scale(tenon_in(call, CELL)));
    return status;
}

enum tenon_status tenon_infer_lstm(const struct tenon_op_call *call, struct tenon_error *error) {
    struct lstm l;
    enum tenon_status status = tenon_require_type(
        tenon_in(call, INPUT), TENON_TYPE_BIT(F32) | TENON_TYPE_BIT(I8), "the input", error);
    if (status == TENON_OK)
        status = lstm_init(&l, call, error);
    if (status == TENON_OK)
        status = check_sizes(call, &l, error);
    if (status == TENON_OK && !is_consistent(call, &l))
        status = tenon_fail(error, TENON_ERROR_BAD_MODEL, "operands of some gates are missing");
    if (status == TENON_OK)
        status = tenon_in(call, INPUT)->type == TENON_TYPE_F32 ? check_float(call, error)
                                                               : check_integer(call, error);
    if (status != TENON_OK)
        return status;
    struct tenon_shape shape = tenon_in(call, INPUT)->shape;
    shape.dims[2] = (int32_t)l.outputs;
    return tenon_set_shape(call, 0, &shape, error);
}

/* Scratch: the four gates of one batch. */
size_t tenon_scratch_lstm(const struct tenon_op_call *call) {
    struct lstm l;
    return lstm_init(&l, call, NULL) == TENON_OK ? TENON_LSTM_GATES * l.cells * sizeof(float) : 0;
}

uint64_t tenon_macs_lstm(const struct tenon_op_call *call) {
    struct lstm l;
    if (lstm_init(&l, call, NULL) != TENON_OK)
        return 0;
    uint64_t gates = l.coupled ? TENON_LSTM_GATES - 1 : TENON_LSTM_GATES;
    uint64_t macs = gates * l.cells * (l.inputs + l.outputs);
    if (tenon_in(call, PROJECTION) != NULL)
        macs += (uint64_t)l.cells * l.outputs;
    return macs * l.steps * l.batches;
}

/* One step of one batch. */
struct step {
    const struct tenon_op_call *call;
    const struct lstm *l;
    size_t batch, at; /* at: the place of the step in input and output, in vectors */
};

typedef void step_fn(const struct step *step, const void *context);

static void for_each_step(const struct tenon_op_call *call, const struct lstm *l, step_fn *run,
                          const void *context) {
    for (size_t t = 0; t < l->steps; t++)
        for (size_t b = 0; b < l->batches; b++) {
            bool time_major = call->attrs->time_major != 0;
            struct step step = {.call = call,
                                .l = l,
                                .batch = b,
                                .at = time_major ? t * l->batches + b : b * l->steps + t};
            run(&step, context);
        }
}

static float logistic_f32(float x) {
    return 1.0f / (1.0f + expf(-x));
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

/* To a mean of 0 and a deviation of 1, then times `norm` plus `bias`. */
static void normalize(float *x, const float *norm, const float *bias, size_t count) {
    float sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    float mean = sum / (float)count;
    for (size_t i = 0; i < count; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    float inverse = 1.0f / sqrtf(squares / (float)count + 1e-8f);
    for (size_t i = 0; i < count; i++)
        x[i] = (x[i] - mean) * inverse * norm[i] + bias[i];
}

static void gate_f32(const struct step *step, int g, float *out) {
    const struct tenon_op_call *call = step->call;
    const struct lstm *l = step->l;
    const float *in = (const float *)tenon_in_data(call, INPUT) + step->at * l->inputs;
    const float *hidden = (const float *)tenon_in_data(call, HIDDEN) + step->batch * l->outputs;
    const float *cell = (const float *)tenon_in_data(call, CELL) + step->batch * l->cells;
    const float *weights = tenon_in_data(call, INPUT_WEIGHTS + (uint32_t)g);
    const float *recurrent = tenon_in_data(call, HIDDEN_WEIGHTS + (uint32_t)g);
    const float *bias = tenon_in_data(call, BIASES + (uint32_t)g);
    const float *norm = tenon_in_data(call, NORMS + (uint32_t)g);
    const float *peephole = g != CELL_GATE ? tenon_in_data(call, peephole_of(g)) : NULL;
    for (size_t c = 0; c < l->cells; c++) {
        out[c] = norm != NULL ? 0 : bias[c];
        out[c] += dot_f32(weights + c * l->inputs, in, l->inputs);
        out[c] += dot_f32(recurrent + c * l->outputs, hidden, l->outputs);
        if (peephole != NULL)
            out[c] += peephole[c] * cell[c];
    }
    if (norm != NULL)
        normalize(out, norm, bias, l->cells);
    for (size_t c = 0; c < l->cells; c++)
        out[c] = g == CELL_GATE ? activate(out[c], (enum tenon_activation)call->attrs->activation)
                                : logistic_f32(out[c]);
}

static float clip_f32(float x, float limit) {
    return limit > 0 ? tenon_clamp_f32(x, -limit, limit) : x;
}

/* The output of the cells into the hidden state, through the projection where there is one. */
static void update_hidden_f32(const struct step *step, const float *cells, float *hidden) {
    const struct tenon_op_call *call = step->call;
    const struct lstm *l = step->l;
    const float *weights = tenon_in_data(call, PROJECTION);
    const float *bias = tenon_in_data(call, PROJECTION_BIAS);
    for (size_t i = 0; i < l->outputs; i++) {
        if (weights == NULL) {
            hidden[i] = cells[i];
            continue;
        }
        float sum = bias != NULL ? bias[i] : 0;
        sum += dot_f32(weights + i * l->cells, cells, l->cells);
        hidden[i] = clip_f32(sum, call->attrs->projection_clip);
    }
}

static void step_f32(const struct step *step, const void *context) {
    const struct tenon_op_call *call = step->call;
    const struct lstm *l = step->l;
    float *input = call->scratch, *forget = input + l->cells, *gate = forget + l->cells;
    float *output = gate + l->cells;
    float *cell = (float *)call->inputs[CELL].data + step->batch * l->cells;
    float *hidden = (float *)call->inputs[HIDDEN].data + step->batch * l->outputs;
    (void)context;
    gate_f32(step, FORGET_GATE, forget);
    gate_f32(step, CELL_GATE, gate);
    if (!l->coupled)
        gate_f32(step, INPUT_GATE, input);
    for (size_t c = 0; c < l->cells; c++) {
        float in = l->coupled ? 1.0f - forget[c] : input[c];
        cell[c] = clip_f32(forget[c] * cell[c] + gate[c] * in, call->attrs->cell_clip);
    }
    gate_f32(step, OUTPUT_GATE, output); /* its peephole sees the new cell */
    for (size_t c = 0; c < l->cells; c++)
        output[c] *= activate(cell[c], (enum tenon_activation)call->attrs->activation);
    update_hidden_f32(step, output, hidden);
    memcpy((float *)call->outputs[0].data + step->at * l->outputs, hidden,
           l->outputs * sizeof(*hidden));
}

static int16_t saturate_i16(int64_t x) {
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}

/* A weighted sum of 8-bit values, rescaled to 16 bits in steps of 2^-12. */
static int16_t product_i16(const struct tenon_op_call *call, const int8_t *weights,
                           const int8_t *values, size_t count, int32_t zero, int32_t bias,
                           const struct tenon_multiplier *multiplier) {
    int64_t sum = bias;
    for (size_t i = 0; i < count; i++)
        sum += weights[i] * (values[i] - zero);
    return saturate_i16(tenon_requantize((int32_t)sum, multiplier, call->rounding));
}

static void gate_integer(const struct step *step, const struct tenon_lstm_integer *parameters,
                         int g, int16_t *out) {
    const struct tenon_op_call *call = step->call;
    const struct lstm *l = step->l;
    const int8_t *in = (const int8_t *)tenon_in_data(call, INPUT) + step->at * l->inputs;
    const int8_t *hidden = (const int8_t *)tenon_in_data(call, HIDDEN) + step->batch * l->outputs;
    const int8_t *weights = tenon_in_data(call, INPUT_WEIGHTS + (uint32_t)g);
    const int8_t *recurrent = tenon_in_data(call, HIDDEN_WEIGHTS + (uint32_t)g);
    const int32_t *bias = tenon_in_data(call, BIASES + (uint32_t)g);
    for (size_t c = 0; c < l->cells; c++) {
        int32_t sum = product_i16(call, weights + c * l->inputs, in, l->inputs,
                                  tenon_desc_zero_point(tenon_in(call, INPUT)), bias[c],
                                  &parameters->input[g]);
        sum +=
            product_i16(call, recurrent + c * l->outputs, hidden, l->outputs,
                        tenon_desc_zero_point(tenon_in(call, HIDDEN)), 0, &parameters->hidden[g]);
        int16_t x = saturate_i16(sum);
        out[c] = g == CELL_GATE ? tenon_tanh_i16(x, 3, 0) : tenon_logistic_i16(x, 3, 0);
    }
}

static int16_t tanh_of_cell(int16_t cell, int32_t power) {
    int32_t left = 12 + power;
    return left < 0 ? tenon_tanh_i16(cell, 3, -left) : tenon_tanh_i16(cell, 3 << left, 0);
}

static void step_integer(const struct step *step, const void *context) {
    const struct tenon_lstm_integer *p = context;
    const struct tenon_op_call *call = step->call;
    const struct lstm *l = step->l;
    int16_t *input = call->scratch, *forget = input + l->cells, *gate = forget + l->cells;
    int16_t *output = gate + l->cells;
    int16_t *cell = (int16_t *)call->inputs[CELL].data + step->batch * l->cells;
    int8_t *hidden = (int8_t *)call->inputs[HIDDEN].data + step->batch * l->outputs;
    gate_integer(step, p, FORGET_GATE, forget);
    gate_integer(step, p, INPUT_GATE, input);
    gate_integer(step, p, CELL_GATE, gate);
    gate_integer(step, p, OUTPUT_GATE, output);
    for (size_t c = 0; c < l->cells; c++) {
        int32_t kept = tenon_requantize(forget[c] * cell[c], &p->forget_cell, call->rounding);
        int32_t added = tenon_requantize(input[c] * gate[c], &p->input_cell, call->rounding);
        cell[c] = saturate_i16(saturate_i16(kept) + saturate_i16(added));
        if (p->cell_clip > 0)
            cell[c] = (int16_t)tenon_clamp_i32(cell[c], -p->cell_clip, p->cell_clip);
        int32_t activated = tanh_of_cell(cell[c], p->cell_power) * output[c];
        int64_t value = tenon_requantize(activated, &p->output, call->rounding);
        value += tenon_desc_zero_point(tenon_in(call, HIDDEN));
        hidden[c] = (int8_t)(value < INT8_MIN ? INT8_MIN : value > INT8_MAX ? INT8_MAX : value);
    }
    memcpy((int8_t *)call->outputs[0].data + step->at * l->outputs, hidden, l->outputs);
}

void tenon_lstm_integer(const struct tenon_op_call *call,
                        const struct tenon_lstm_integer *parameters) {
    struct lstm l;
    if (lstm_init(&l, call, NULL) == TENON_OK)
        for_each_step(call, &l, step_integer, parameters);
}

/* TFLite Micro lstm_eval_common.cc: products of scales in float32 for the gates, as a fully
 * connected layer; in double between them. */
static struct tenon_lstm_integer integer_parameters(const struct tenon_op_call *call) {
    const float gate_scale = 1.0f / 4096; /* what the logistic function and tanh take */
    const double activated = 1.0 / 32768; /* and give */
    struct tenon_desc gate = {.quant = {1, 0, &gate_scale, &(const int32_t){0}}};
    double cell = (double)tenon_desc_scale(tenon_in(call, CELL));
    double hidden = (double)tenon_desc_scale(tenon_in(call, HIDDEN));
    struct tenon_lstm_integer p = {
        .forget_cell = tenon_multiplier_from_double(activated * cell / cell),
        .input_cell = tenon_multiplier_from_double(activated * activated / cell),
        .output = tenon_multiplier_from_double(activated * activated / hidden),
    };
    for (uint32_t g = 0; g < TENON_LSTM_GATES; g++) {
        p.input[g] = tenon_multiplier_from_double(tenon_product_scale(
            tenon_in(call, INPUT), tenon_in(call, INPUT_WEIGHTS + g), &gate, 0, true));
        p.hidden[g] = tenon_multiplier_from_double(tenon_product_scale(
            tenon_in(call, HIDDEN), tenon_in(call, HIDDEN_WEIGHTS + g), &gate, 0, true));
    }
    (void)cell_power(tenon_in(call, CELL), &p.cell_power);
    double clip = (double)call->attrs->cell_clip / cell;
    p.cell_clip = !(clip > 0) ? 0 : clip > INT16_MAX ? INT16_MAX : (int32_t)clip;
    return p;
}

enum tenon_status tenon_reference_lstm(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    struct lstm l;
    enum tenon_status status = lstm_init(&l, call, error);
    if (status != TENON_OK)
        return status;
    if (tenon_in(call, INPUT)->type == TENON_TYPE_F32) {
        for_each_step(call, &l, step_f32, NULL);
        return TENON_OK;
    }
    struct tenon_lstm_integer parameters = integer_parameters(call);
    tenon_lstm_integer(call, &parameters);
    return TENON_OK;
}
