/* average-pool-to-depthwise: windows of all sizes, also where no proof is found. */
#include "passes/generator.h"

static void generate(struct generator *g) {
    const struct gen_window window = {
        .kernel_max = 7, .dilation_max = 1, .no_pad = gen_chance(g, 80)};
    struct tenon_desc desc =
        gen_desc(g, gen_type(g), 1, gen_size(g, 12), gen_size(g, 12), gen_size(g, 5));
    uint32_t input = gen_input(g, &desc);
    uint32_t result = gen_pool_within(g, TENON_OP_AVERAGE_POOL_2D, input, &window);
    gen_disturb(g, result);
    gen_pool_within(g, TENON_OP_AVERAGE_POOL_2D, input, &window);
    gen_pool_within(g, TENON_OP_AVERAGE_POOL_2D, input, &window);
}

const struct pass_case case_average_pool_to_depthwise = {
    .pass = "average-pool-to-depthwise",
    .generate = generate,
    .floor_percent = 50,
};
