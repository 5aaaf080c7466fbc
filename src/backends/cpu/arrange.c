/* See arrange.h. Groups are found greedily: each quad looks for partners among those after it. */
#include "backends/cpu/arrange.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/overflow.h"
#include "image/cpu_params.h"

enum { WINDOW = 24, LANES_MAX = 16, REACH_MAX = 4 * LANES_MAX };

enum kind { SINGLE, GROUPED, WIDE };

bool tenon_arrangement_init(struct tenon_arrangement *a, uint32_t quads, uint32_t lanes) {
    *a = (struct tenon_arrangement){.quads = quads, .lanes = lanes};
    a->order = malloc(quads * sizeof(*a->order));
    a->reach = malloc((size_t)quads * lanes * 4 * sizeof(*a->reach));
    a->kinds = malloc(quads);
    return a->order != NULL && a->reach != NULL && a->kinds != NULL;
}

void tenon_arrangement_finish(struct tenon_arrangement *a) {
    free(a->order);
    free(a->reach);
    free(a->kinds);
}

static uint16_t *reach_of(const struct tenon_arrangement *a, uint32_t quad) {
    return a->reach + (size_t)quad * a->lanes * 4;
}

void tenon_arrange_weights(struct tenon_arrangement *a, const int16_t *weights) {
    for (uint32_t quad = 0; quad < a->quads; quad++) {
        uint16_t *reach = reach_of(a, quad);
        bool fits = true;
        for (uint32_t lane = 0; lane < a->lanes; lane++)
            fits &= tenon_quad_reach(weights + ((size_t)lane * a->quads + quad) * TENON_QUAD,
                                     reach + lane * 4, reach + lane * 4 + 2);
        a->kinds[quad] = fits ? SINGLE : WIDE;
    }
}

/* The members of a group that starts with `first`; false when there are not `depth`. */
static bool find_group(const struct tenon_arrangement *a, uint32_t first, uint32_t depth,
                       uint32_t *members) {
    uint16_t sum[REACH_MAX];
    size_t count = (size_t)a->lanes * 4;
    uint32_t found = 1, end = a->quads - first > WINDOW ? first + WINDOW : a->quads;
    memcpy(sum, reach_of(a, first), count * sizeof(*sum));
    members[0] = first;
    for (uint32_t quad = first + 1; quad < end && found < depth; quad++) {
        const uint16_t *reach = reach_of(a, quad);
        if (a->kinds[quad] != SINGLE || !tenon_reach_fits(sum, reach, count))
            continue;
        for (size_t i = 0; i < count; i++)
            sum[i] = (uint16_t)(sum[i] + reach[i]);
        members[found++] = quad;
    }
    return found == depth;
}

static uint32_t list(const struct tenon_arrangement *a, enum kind kind, uint32_t *to) {
    uint32_t count = 0;
    for (uint32_t quad = 0; quad < a->quads; quad++)
        if (a->kinds[quad] == kind)
            to[count++] = quad;
    return count;
}

void tenon_arrange(struct tenon_arrangement *a, uint32_t depth) {
    uint32_t *to = a->order;
    for (uint32_t quad = 0; quad < a->quads; quad++)
        a->kinds[quad] = a->kinds[quad] == WIDE ? WIDE : SINGLE;
    a->groups = 0;
    for (uint32_t quad = 0; quad < a->quads; quad++) {
        if (a->kinds[quad] != SINGLE || !find_group(a, quad, depth, to))
            continue;
        for (uint32_t i = 0; i < depth; i++)
            a->kinds[*to++] = GROUPED;
        a->groups++;
    }
    a->singles = list(a, SINGLE, to);
    a->wides = list(a, WIDE, to + a->singles);
}

/* A group: products of each quad, sums between them, widening, adding. A wide quad: two products of
 * 16 bits, which widen by themselves. */
uint64_t tenon_arrangement_cost(const struct tenon_arrangement *a, uint32_t depth) {
    return (uint64_t)a->groups * (2 * depth + 1) + 3 * (uint64_t)a->singles +
           4 * (uint64_t)a->wides;
}
