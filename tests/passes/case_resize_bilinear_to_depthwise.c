/* resize-bilinear-to-depthwise: twice and four times the size, other sizes, all ways to round. */
#include "passes/generator.h"

static uint32_t gen_resize(struct generator *g, uint32_t x) {
    struct tenon_attrs attrs = {.shape.count = 2, .half_pixel_centers = gen_chance(g, 60)};
    struct tenon_desc out = *gen_desc_of(g, x);
    if (attrs.half_pixel_centers == 0)
        attrs.align_corners = gen_chance(g, 10);
    for (int i = 0; i < 2; i++)
        attrs.shape.values[i] =
            gen_chance(g, 85) ? out.shape.dims[i + 1] << gen_below(g, 3) : gen_range(g, 1, 12);
    if (gen_chance(g, 20)) /* resizing takes no notice of scales */
        out = gen_desc(g, out.type, 1, 1, 1, 1);
    return gen_node(g, TENON_OP_RESIZE_BILINEAR, &attrs, &x, 1, &out);
}

static void generate(struct generator *g) {
    uint32_t input = gen_input_picture(g, gen_chance(g, 10) ? TENON_TYPE_F32 : gen_type(g));
    for (int i = 0; i < 3; i++)
        gen_disturb(g, gen_resize(g, input));
}

const struct pass_case case_resize_bilinear_to_depthwise = {
    .pass = "resize-bilinear-to-depthwise", .generate = generate, .floor_percent = 50};
