/* mean-to-pool: means over rows, columns or both, also where no proof is found. */
#include "passes/generator.h"

static uint32_t gen_mean(struct generator *g, uint32_t x) {
    static const struct tenon_list axes[] = {
        {2, {1, 2}}, {2, {1, 2}}, {1, {1}}, {1, {2}}, {1, {3}}};
    struct tenon_attrs attrs = {.axes = axes[gen_below(g, TENON_COUNT_OF(axes))],
                                .keep_dims = gen_chance(g, 50)};
    struct tenon_desc out = *gen_desc_of(g, x);
    if (gen_chance(g, 50))
        out = gen_desc(g, out.type, 1, 1, 1, 1);
    return gen_node(g, TENON_OP_MEAN, &attrs, &x, 1, &out);
}

static void generate(struct generator *g) {
    struct tenon_desc desc = gen_desc(g, gen_type(g), gen_chance(g, 15) ? 2 : 1, gen_size(g, 12),
                                      gen_size(g, 12), gen_size(g, 5));
    uint32_t input = gen_input(g, &desc);
    gen_disturb(g, gen_mean(g, input));
    gen_mean(g, input);
}

const struct pass_case case_mean_to_pool = {
    .pass = "mean-to-pool",
    .generate = generate,
    .floor_percent = 50,
};
