/*
 * Tiling search: into which pieces an operation is cut so that each fits the memory beside the
 * compute units, at the least cost of the whole. The target says what fits and what it costs; the
 * search knows nothing of either.
 */
#ifndef TENON_BACKEND_TILING_H
#define TENON_BACKEND_TILING_H

#include <stdbool.h>
#include <stdint.h>

enum { TENON_TILING_RANK_MAX = 4 };

struct tenon_tiling {
    uint32_t rank;
    uint32_t extents[TENON_TILING_RANK_MAX]; /* what is cut, for example output rows and columns */
    /* Tiles are multiples of these, apart from the last and from whole extents; at least 1. */
    uint32_t steps[TENON_TILING_RANK_MAX];
    bool (*fits)(void *user, const uint32_t *tile);
    /* Of the whole operation when it is cut into tiles of this size. */
    uint64_t (*cost)(void *user, const uint32_t *tile);
    void *user;
};

/*
 * Of the tiles that fit the cheapest; of equally cheap ones the one that is larger in the first
 * dimension in which they differ. Only sizes that give different numbers of pieces are asked about,
 * at most 24 a dimension: all of them where there are no more, else evenly on a logarithmic scale,
 * the smallest and the whole always among them. False: none of them fits.
 */
bool tenon_tiling_search(const struct tenon_tiling *tiling, uint32_t tile[TENON_TILING_RANK_MAX]);

#endif
