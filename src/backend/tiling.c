/* Enumeration of tile sizes; see tiling.h. */
#include "backend/tiling.h"

#include <string.h>

enum { SIZES_MAX = 24 };

struct sizes {
    uint32_t values[SIZES_MAX]; /* falling */
    uint32_t count;
};

static uint32_t divide_up(uint32_t a, uint32_t b) {
    return a / b + (a % b != 0);
}

/* The smallest tile that cuts the extent into at most so many pieces. */
static uint32_t size_of(uint32_t extent, uint32_t step, uint32_t pieces) {
    uint64_t size = (uint64_t)divide_up(divide_up(extent, pieces), step) * step;
    return size < extent ? (uint32_t)size : extent;
}

/* The next number of pieces that gives a smaller tile, or 0. */
static uint32_t next_pieces(uint32_t extent, uint32_t step, uint32_t size) {
    return size <= step ? 0 : divide_up(extent, divide_up(size, step) * step - step);
}

static uint32_t count_sizes(uint32_t extent, uint32_t step) {
    uint32_t count = 0;
    for (uint32_t pieces = 1; pieces != 0; count++)
        pieces = next_pieces(extent, step, size_of(extent, step, pieces));
    return count;
}

static void list_all(uint32_t extent, uint32_t step, struct sizes *out) {
    for (uint32_t pieces = 1; pieces != 0;) {
        uint32_t size = size_of(extent, step, pieces);
        out->values[out->count++] = size;
        pieces = next_pieces(extent, step, size);
    }
}

/* Each about the same factor smaller than the one before. */
static void list_some(uint32_t extent, uint32_t step, struct sizes *out) {
    const uint32_t most = divide_up(extent, step);
    uint32_t factor = 1; /* of 16 */
    uint64_t reach = 0;
    while (reach < most) {
        reach = 1;
        for (uint32_t i = 1; i < SIZES_MAX - 1; i++)
            reach = reach * (16 + factor) / 16 + 1;
        factor++;
    }
    for (uint64_t pieces = 1; pieces < most; pieces = pieces * (16 + factor) / 16 + 1) {
        uint32_t size = size_of(extent, step, (uint32_t)pieces);
        if (out->count == 0 || size < out->values[out->count - 1])
            out->values[out->count++] = size;
    }
    if (out->values[out->count - 1] > step)
        out->values[out->count++] = step;
}

static void list_sizes(uint32_t extent, uint32_t step, struct sizes *out) {
    out->count = 0;
    if (count_sizes(extent, step) <= SIZES_MAX)
        list_all(extent, step, out);
    else
        list_some(extent, step, out);
}

bool tenon_tiling_search(const struct tenon_tiling *tiling, uint32_t tile[TENON_TILING_RANK_MAX]) {
    struct sizes sizes[TENON_TILING_RANK_MAX];
    uint32_t at[TENON_TILING_RANK_MAX] = {0}, trial[TENON_TILING_RANK_MAX] = {0};
    uint64_t best = UINT64_MAX;
    bool found = false;
    for (uint32_t i = 0; i < tiling->rank; i++) {
        if (tiling->extents[i] == 0)
            return false;
        list_sizes(tiling->extents[i], tiling->steps[i], &sizes[i]);
    }
    for (;;) {
        for (uint32_t i = 0; i < tiling->rank; i++)
            trial[i] = sizes[i].values[at[i]];
        if (tiling->fits(tiling->user, trial)) {
            uint64_t cost = tiling->cost(tiling->user, trial);
            if (!found || cost < best) {
                memcpy(tile, trial, sizeof(trial));
                best = cost;
                found = true;
            }
        }
        uint32_t i = tiling->rank;
        while (i > 0 && ++at[i - 1] == sizes[i - 1].count)
            at[--i] = 0;
        if (i == 0)
            return found;
    }
}
