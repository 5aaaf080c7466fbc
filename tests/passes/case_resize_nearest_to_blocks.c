/* resize-nearest-to-blocks: whole factors up and down, and others. */
#include "passes/generator.h"

static uint32_t gen_resize(struct generator *g, uint32_t x) {
    struct tenon_attrs attrs = {.shape.count = 2,
                                .align_corners = gen_chance(g, 20),
                                .half_pixel_centers = gen_chance(g, 40)};
    const struct tenon_desc in = *gen_desc_of(g, x);
    int32_t factor = gen_range(g, 1, 4);
    for (int i = 0; i < 2; i++) {
        int32_t size = in.shape.dims[i + 1], draw = (int32_t)gen_below(g, 10);
        factor = gen_chance(g, 50) ? factor : gen_range(g, 1, 4);
        attrs.shape.values[i] = draw < 6   ? size * factor
                                : draw < 9 ? (size + factor - 1) / factor
                                           : gen_range(g, 1, 20);
    }
    return gen_node(g, TENON_OP_RESIZE_NEAREST_NEIGHBOR, &attrs, &x, 1, &in);
}

static void generate(struct generator *g) {
    uint32_t input = gen_input_picture(g, gen_chance(g, 20) ? TENON_TYPE_F32 : gen_type(g));
    uint32_t result = gen_resize(g, input);
    gen_disturb(g, result);
    gen_resize(g, result != TENON_ID_NONE ? result : input);
}

const struct pass_case case_resize_nearest_to_blocks = {
    .pass = "resize-nearest-to-blocks",
    .generate = generate,
    .floor_percent = 50,
};
