/* few-channels: convolutions of one to nine channels, and atoms to fill with them. */
#include "passes/generator.h"

static void generate(struct generator *g) {
    const struct gen_window window = {.packed_weights = true, .kernel_max = 5, .stride_max = 2};
    g->capabilities.channel_atom = gen_chance(g, 10) ? 0 : gen_range(g, 4, 16);
    struct tenon_desc desc =
        gen_desc(g, gen_type(g), 1, gen_size(g, 6), gen_range(g, 4, 24), gen_size(g, 5));
    uint32_t input = gen_input(g, &desc);
    uint32_t result = gen_conv(g, input, 0, &window);
    gen_disturb(g, result);
    if (gen_chance(g, 30))
        gen_conv(g, result, 0, &window);
}

const struct pass_case case_few_channels = {
    .pass = "few-channels",
    .generate = generate,
    .floor_percent = 50,
};
