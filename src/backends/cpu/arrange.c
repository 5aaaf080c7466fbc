/* See arrange.h. Groups are found greedily: each quad looks for partners among those after it. */
#include "backends/cpu/arrange.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/overflow.h"
#include "image/cpu_params.h"

enum { WINDOW = 24, LANES = TENON_ARRANGED_LANES };

enum kind { SINGLE, GROUPED, WIDE };

bool tenon_arrangement_init(struct tenon_arrangement *a, uint32_t quads) {
    *a = (struct tenon_arrangement){.quads = quads};
    a->order = malloc(quads * sizeof(*a->order));
    a->reach = malloc(quads * sizeof(*a->reach));
    a->kinds = malloc(quads);
    return a->order != NULL && a->reach != NULL && a->kinds != NULL;
}

void tenon_arrangement_finish(struct tenon_arrangement *a) {
    free(a->order);
    free(a->reach);
    free(a->kinds);
}

void tenon_arrange_weights(struct tenon_arrangement *a, const int16_t *weights) {
    size_t row = (size_t)a->quads * TENON_QUAD;
    for (uint32_t quad = 0; quad < a->quads; quad++, weights += TENON_QUAD) {
        bool narrow = true;
        for (size_t lane = 0; lane < LANES; lane += 2)
            narrow &= tenon_quads_reach(weights + lane * row, weights + (lane + 1) * row,
                                        a->reach[quad] + lane);
        a->kinds[quad] = narrow ? SINGLE : WIDE;
    }
}

/* The lane with the largest weights: whose sums partners rarely fit. */
static uint32_t worst_lane(const uint64_t *reach) {
    uint32_t worst = 0;
    uint64_t most = 0;
    for (uint32_t lane = 0; lane < LANES; lane++) {
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
    const uint8_t *kinds = a->kinds + first;
    const uint64_t(*reach)[LANES] = (const uint64_t(*)[LANES])a->reach + first;
    uint64_t sum = reach[0][lane];
    for (uint32_t i = 1; i < count; i++)
        candidates |= (uint32_t)((kinds[i] == SINGLE) & tenon_reach_fits(sum, reach[i][lane])) << i;
    return candidates;
}

static bool all_fit(const uint64_t *sum, const uint64_t *reach) {
    bool fits = true;
    for (uint32_t lane = 0; lane < LANES; lane++)
        fits &= tenon_reach_fits(sum[lane], reach[lane]);
    return fits;
}

/* The members of a group that starts with `first`; false when there are not `depth`. */
static bool find_group(const struct tenon_arrangement *a, uint32_t first, uint32_t depth,
                       uint32_t *members) {
    uint64_t sum[LANES];
    uint32_t found = 1, candidates = find_candidates(a, first, worst_lane(a->reach[first]));
    memcpy(sum, a->reach[first], sizeof(sum));
    members[0] = first;
    for (; candidates != 0 && found < depth; candidates &= candidates - 1) {
        uint32_t quad = first + (uint32_t)__builtin_ctz(candidates);
        if (!all_fit(sum, a->reach[quad]))
            continue;
        for (uint32_t lane = 0; lane < LANES; lane++)
            sum[lane] += a->reach[quad][lane];
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
