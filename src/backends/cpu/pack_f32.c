/*
 * linear_f32 and depthwise_f32: panels of as many output channels as a vector has lanes, each with
 * its bias and, per product, one vector of weights.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/pack.h"
#include "image/cpu_params.h"
#include "op/kernel.h"

enum { LANES_MAX = 16 };

/* Where weight k of channel c stands. */
struct strides {
    size_t channel, product;
};

static void write_panel(struct tenon_strbuf *out, const struct tenon_op_call *call,
                        struct strides strides, uint32_t lanes, uint32_t first, uint32_t channels,
                        uint32_t products) {
    const float *weights = tenon_in_data(call, 1), *bias = tenon_in_data(call, 2);
    uint32_t count = channels - first < lanes ? channels - first : lanes;
    uint8_t row[LANES_MAX * sizeof(float)] = {0};
    for (size_t i = 0; i < count && bias != NULL; i++)
        tenon_store_le32(row + i * sizeof(float), tenon_f32_bits(bias[first + i]));
    tenon_strbuf_append(out, row, lanes * sizeof(float));
    for (size_t k = 0; k < products; k++) {
        for (size_t i = 0; i < count; i++)
            tenon_store_le32(
                row + i * sizeof(float),
                tenon_f32_bits(weights[(first + i) * strides.channel + k * strides.product]));
        tenon_strbuf_append(out, row, lanes * sizeof(float));
    }
}

bool tenon_pack_f32(const struct tenon_packing *packing, const struct tenon_op_call *call) {
    const struct tenon_desc *in = tenon_in(call, 0), *weights = tenon_in(call, 1);
    const int32_t *dims = weights->shape.dims;
    size_t count = tenon_desc_element_count(weights);
    bool depthwise = call->op == TENON_OP_DEPTHWISE_CONV_2D;
    bool fits = call->op == TENON_OP_FULLY_CONNECTED || dims[3] == in->shape.dims[3];
    if (!tenon_pack_constant(call) || !fits || weights->type != TENON_TYPE_F32 ||
        count > INT32_MAX / 64)
        return false;
    struct tenon_strbuf *out = packing->out;
    uint32_t lanes = tenon_cpu_isa_get(packing->isa)->lanes;
    uint32_t channels = (uint32_t)(depthwise ? dims[3] : dims[0]);
    uint32_t products = (uint32_t)(count / channels), panels = (channels + lanes - 1) / lanes;
    struct strides strides = {depthwise ? 1 : products, depthwise ? channels : 1};
    float low, high;
    tenon_activation_range_f32((enum tenon_activation)call->attrs->activation, &low, &high);
    const uint32_t header[TENON_PARAMS_HEADER_BYTES / sizeof(uint32_t)] = {
        lanes, channels, panels, products, 1, tenon_f32_bits(low), tenon_f32_bits(high)};
    for (size_t i = 0; i < TENON_COUNT_OF(header); i++)
        tenon_strbuf_append_le32(out, header[i]);
    for (uint32_t panel = 0; panel < panels; panel++)
        write_panel(out, call, strides, lanes, panel * lanes, channels, products);
    return true;
}
