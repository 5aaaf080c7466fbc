/* fully-connected-to-conv: rows of any number, scales per tensor and per channel. */
#include "passes/generator.h"

static void generate(struct generator *g) {
    uint32_t input = gen_input_picture(g, gen_chance(g, 5) ? TENON_TYPE_F32 : gen_type(g));
    uint32_t result = gen_fully_connected(g, input, 0);
    gen_disturb(g, result);
    if (gen_chance(g, 50))
        gen_fully_connected(g, result, 0);
}

const struct pass_case case_fully_connected_to_conv = {"fully-connected-to-conv", generate, 80,
                                                       NULL};
