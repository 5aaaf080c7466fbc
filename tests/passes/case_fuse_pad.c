/* fuse-pad: borders of zeros, and nearly, before convolutions. */
#include "passes/generator.h"

/* A border of a constant: the zero point most of the time. */
static uint32_t gen_border(struct generator *g, uint32_t input) {
    struct tenon_desc out = *gen_desc_of(g, input);
    struct tenon_desc value = out;
    struct tenon_attrs attrs = {.paddings.count = 8};
    uint32_t operands[2] = {input, TENON_ID_NONE};
    for (int i = 2; i < 6; i++)
        attrs.paddings.values[i] = gen_range(g, 0, 3);
    if (gen_chance(g, 10))
        attrs.paddings.values[gen_chance(g, 50) ? 1 : 7] = 1; /* another axis: not to be fused */
    if (gen_chance(g, 10) && out.quant.count != 0)            /* moved into another scale */
        out = gen_desc(g, out.type, 1, 1, 1, 1);
    value.shape = (struct tenon_shape){.rank = 0};
    value.quant = out.quant;
    if (gen_chance(g, 40)) {
        operands[1] = gen_constant(g, &value);
        if (operands[1] != TENON_ID_NONE && gen_chance(g, 70)) {
            uint8_t *bytes = gen_data(g, operands[1]);
            for (size_t i = 0; i < tenon_desc_size(&value); i++)
                bytes[i] = 0;
            if (value.type == TENON_TYPE_I8 || value.type == TENON_TYPE_U8)
                bytes[0] = (uint8_t)tenon_desc_zero_point(&value);
        }
    }
    return gen_node(g, TENON_OP_PAD, &attrs, operands, 2, &out);
}

static void generate(struct generator *g) {
    enum tenon_type type = gen_chance(g, 15) ? TENON_TYPE_F32 : gen_type(g);
    uint32_t input = gen_input_picture(g, type);
    uint32_t padded = gen_border(g, input);
    gen_disturb(g, padded);
    uint32_t result =
        gen_chance(g, 60) ? gen_conv(g, padded, 0, NULL) : gen_depthwise(g, padded, NULL);
    if (gen_chance(g, 30))
        gen_conv(g, padded, 0, NULL);
    gen_disturb(g, result);
    if (gen_chance(g, 30))
        gen_any(g, result);
}

const struct pass_case case_fuse_pad = {
    .pass = "fuse-pad",
    .generate = generate,
    .floor_percent = 55,
};
