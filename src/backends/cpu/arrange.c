/* See arrange.h. Groups are found greedily: each quad looks for partners among those after it. */
#include "backends/cpu/arrange.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/overflow.h"
#include "image/cpu_params.h"

enum { WINDOW = 24, LANES_MAX = 16 };

enum kind { SINGLE, GROUPED, WIDE };

bool tenon_arrangement_init(struct tenon_arrangement *a, uint32_t quads, uint32_t lanes) {
    *a = (struct tenon_arrangement){.quads = quads, .lanes = lanes};
    a->order = malloc(quads * sizeof(*a->order));
    a->reach = malloc((size_t)quads * lanes * sizeof(*a->reach));
    a->kinds = malloc(quads);
    return a->order != NULL && a->reach != NULL && a->kinds != NULL;
}

void tenon_arrangement_finish(struct tenon_arrangement *a) {
    free(a->order);
    free(a->reach);
    free(a->kinds);
}

void tenon_arrange_weights(struct tenon_arrangement *a, const int16_t *weights) {
    uint64_t *reach = a->reach;
    for (uint32_t quad = 0; quad < a->quads; quad++) {
        bool wide = false;
        for (uint32_t lane = 0; lane < a->lanes; lane++)
            *reach++ =
                tenon_quad_reach(weights + ((size_t)lane * a->quads + quad) * TENON_QUAD, &wide);
        a->kinds[quad] = wide ? WIDE : SINGLE;
    }
}

/* The lane with the largest weights: whose sums partners rarely fit. */
static uint32_t worst_lane(const struct tenon_arrangement *a, const uint64_t *reach) {
    uint32_t worst = 0;
    uint64_t most = 0;
    for (uint32_t lane = 0; lane < a->lanes; lane++) {
        uint64_t all = reach[lane] * UINT64_C(0x0001000100010001) >> 48;
        worst = all > most ? lane : worst;
        most = all > most ? all : most;
    }
    return worst;
}

/* Which of the quads after `first` fit beside it in one lane: bit i is quad first + i. Like what
 * follows without branches, which nothing could predict. */
static uint32_t find_candidates(const struct tenon_arrangement *a, uint32_t first, uint32_t lane) {
    uint32_t left = a->quads - first, count = left < WINDOW ? left : WINDOW, candidates = 0;
    const uint64_t *reach = a->reach + (size_t)first * a->lanes + lane;
    const uint8_t *kinds = a->kinds + first;
    uint64_t sum = *reach;
    for (uint32_t i = 1; i < count; i++)
        candidates |= (uint32_t)((kinds[i] == SINGLE) & tenon_reach_fits(sum, reach[i * a->lanes]))
                      << i;
    return candidates;
}

static bool all_fit(const uint64_t *sum, const uint64_t *reach, uint32_t lanes) {
    bool fits = true;
    for (uint32_t lane = 0; lane < lanes; lane++)
        fits &= tenon_reach_fits(sum[lane], reach[lane]);
    return fits;
}

/* The members of a group that starts with `first`; false when there are not `depth`. */
static bool find_group(const struct tenon_arrangement *a, uint32_t first, uint32_t depth,
                       uint32_t *members) {
    const uint64_t *reach = a->reach + (size_t)first * a->lanes;
    uint64_t sum[LANES_MAX];
    uint32_t found = 1, candidates = find_candidates(a, first, worst_lane(a, reach));
    memcpy(sum, reach, a->lanes * sizeof(*sum));
    members[0] = first;
    for (; candidates != 0 && found < depth; candidates &= candidates - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(candidates);
        if (!all_fit(sum, reach + (size_t)i * a->lanes, a->lanes))
            continue;
        for (uint32_t lane = 0; lane < a->lanes; lane++)
            sum[lane] += reach[(size_t)i * a->lanes + lane];
        members[found++] = first + i;
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
