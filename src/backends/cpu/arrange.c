/* See arrange.h. Groups are found greedily: each quad looks for partners among those after it. */
#include "backends/cpu/arrange.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/overflow.h"
#include "image/cpu_params.h"

enum { WINDOW = 24, LANES = TENON_ARRANGED_LANES };

enum kind { SINGLE, GROUPED, WIDE };

/* Beside what a quad reaches, or instead of it: it fits nowhere. */
#define EXCLUDED UINT64_C(0x4000400040004000)

bool tenon_arrangement_init(struct tenon_arrangement *a, uint32_t quads) {
    *a = (struct tenon_arrangement){.quads = quads};
    a->order = malloc(((size_t)quads + 1) * sizeof(*a->order));
    a->reach = malloc(((size_t)quads + WINDOW) * sizeof(*a->reach));
    a->kinds = malloc(quads);
    if (a->order == NULL || a->reach == NULL || a->kinds == NULL)
        return false;
    for (size_t i = 0; i < (size_t)WINDOW * LANES; i++)
        a->reach[quads + i / LANES][i % LANES] = EXCLUDED;
    return true;
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
        for (size_t lane = 0; lane < LANES && !narrow; lane++)
            a->reach[quad][lane] = EXCLUDED;
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
    uint32_t candidates = 0;
    uint64_t sum = a->reach[first][lane];
    const uint64_t *reach = &a->reach[first][lane];
    TENON_UNROLL for (uint32_t i = 1; i < WINDOW; i++) candidates |=
        (uint32_t)tenon_reach_fits(sum, reach[(size_t)i * LANES]) << i;
    return candidates;
}

static bool all_fit(const uint64_t *sum, const uint64_t *reach) {
    bool fits = true;
    for (uint32_t lane = 0; lane < LANES; lane++)
        fits &= tenon_reach_fits(sum[lane], reach[lane]);
    return fits;
}

static bool has_bits(uint32_t x, uint32_t count) {
    for (uint32_t i = 1; i < count; i++)
        x &= x - 1;
    return x != 0;
}

/* The members of a group that starts with `first`; false when there are not `depth`. */
static bool find_group(const struct tenon_arrangement *a, uint32_t first, uint32_t depth,
                       uint32_t *members) {
    uint64_t sum[LANES];
    uint32_t found = 1, candidates = find_candidates(a, first, worst_lane(a->reach[first]));
    if (!has_bits(candidates, depth - 1))
        return false;
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

/* Without branches; writes one more than it lists. */
static uint32_t list(const struct tenon_arrangement *a, enum kind kind, uint32_t *to) {
    uint32_t count = 0;
    for (uint32_t quad = 0; quad < a->quads; quad++) {
        to[count] = quad;
        count += a->kinds[quad] == kind;
    }
    return count;
}

static void ungroup(struct tenon_arrangement *a) {
    for (uint32_t quad = 0; quad < a->quads; quad++) {
        if (a->kinds[quad] != GROUPED)
            continue;
        a->kinds[quad] = SINGLE;
        for (size_t lane = 0; lane < LANES; lane++)
            a->reach[quad][lane] &= ~EXCLUDED;
    }
}

static void group(struct tenon_arrangement *a, const uint32_t *members, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        a->kinds[members[i]] = GROUPED;
        for (size_t lane = 0; lane < LANES; lane++)
            a->reach[members[i]][lane] |= EXCLUDED;
    }
}

void tenon_arrange(struct tenon_arrangement *a, uint32_t depth) {
    uint32_t *to = a->order;
    ungroup(a);
    a->groups = 0;
    for (uint32_t quad = 0; quad < a->quads && depth > 1; quad++) {
        if (a->kinds[quad] != SINGLE || !find_group(a, quad, depth, to))
            continue;
        group(a, to, depth);
        to += depth;
        a->groups++;
    }
    a->singles = list(a, SINGLE, to);
    a->wides = list(a, WIDE, to + a->singles);
}

/* A group: products of each quad, sums between them, widening, adding. A wide quad: the sign of its
 * activations besides. */
uint64_t tenon_arrangement_cost(const struct tenon_arrangement *a, uint32_t depth) {
    return (uint64_t)a->groups * (2 * depth + 1) + 3 * (uint64_t)a->singles +
           4 * (uint64_t)a->wides;
}
