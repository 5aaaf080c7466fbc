/*
 * The order in which a panel's quads of weights are multiplied where products are added in 16 bits:
 * groups of quads whose sums provably stay in 16 bits, single quads, and wide ones, which do not
 * fit 16 bits even alone.
 */
#ifndef TENON_BACKENDS_CPU_ARRANGE_H
#define TENON_BACKENDS_CPU_ARRANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the instruction sets have that add in 16 bits. */
enum { TENON_ARRANGED_LANES = 8 };

struct tenon_arrangement {
    uint32_t quads;
    uint32_t groups, singles, wides;
    uint32_t
        *order; /* [quads] and one more: of the groups one after the other, of singles, of wides */
    uint64_t (*reach)[TENON_ARRANGED_LANES]; /* [quads]: tenon_quads_reach */
    uint8_t *kinds;                          /* [quads] */
};

bool tenon_arrangement_init(struct tenon_arrangement *a, uint32_t quads);
void tenon_arrangement_finish(struct tenon_arrangement *a);
/* The weights of a panel, [lanes][quads][4]. */
void tenon_arrange_weights(struct tenon_arrangement *a, const int16_t *weights);
/* Their order in groups of `depth` quads, at most TENON_DEPTH_MAX; of 1: in no groups. */
void tenon_arrange(struct tenon_arrangement *a, uint32_t depth);
/* Vector instructions for one row. */
uint64_t tenon_arrangement_cost(const struct tenon_arrangement *a, uint32_t depth);

#endif
