/*
 * Races. A block begins to read as soon as its group is enabled, perhaps while an operation that
 * was enabled before still writes what it reads. The model executes one operation after the other,
 * so that a program with such a race would give the right result by chance. Each operation leaves
 * here what it reads and writes; one that was enabled before an earlier one was done is compared
 * with it.
 */
#include "device.h"

enum { COMPARED_MAX = 1 << 16 };

/* The cube's lines, as runs of bytes; one run when they lie behind each other. */
static struct nv_extent extent_of(const struct nv_cube *cube) {
    struct nv_extent e = {
        .base = cube->base,
        .bytes = (uint64_t)cube->width * NV_LANES * cube->element_bytes,
        .lines = cube->height,
        .line_stride = cube->line_stride,
        .surfaces = nv_surfaces(cube->channels),
        .surface_stride = cube->surface_stride,
    };
    if (e.lines == 1 || e.line_stride == e.bytes) {
        e.bytes *= e.lines;
        e.lines = 1;
    }
    if (e.lines == 1 && e.surface_stride == e.bytes) {
        e.bytes *= e.surfaces;
        e.surfaces = 1;
    }
    return e;
}

void tenon_nv_footprint_begin(const struct tenon_nvdla_sim *sim, struct nv_footprint *footprint,
                              enum tenon_nvdla_sim_operation_kind engine) {
    *footprint = (struct nv_footprint){.engine = engine, .done = sim->operations_done};
}

static uint64_t enabled_at(const struct tenon_nvdla_sim *sim, enum nv_block block) {
    return sim->blocks[block].enabled_at[sim->blocks[block].consumer];
}

static void add(const struct tenon_nvdla_sim *sim, struct nv_footprint *footprint,
                const struct nv_extent *extent, enum nv_block block, uint32_t offset, bool write) {
    footprint->parts[footprint->count++] = (struct nv_footprint_part){
        .extent = *extent,
        .block = block,
        .offset = offset,
        .write = write,
        .enabled_at = enabled_at(sim, block),
    };
}

void tenon_nv_footprint_cube(const struct tenon_nvdla_sim *sim, struct nv_footprint *footprint,
                             const struct nv_cube *cube, bool write) {
    struct nv_extent extent = extent_of(cube);
    add(sim, footprint, &extent, cube->block, cube->address_offset, write);
}

void tenon_nv_footprint_bytes(const struct tenon_nvdla_sim *sim, struct nv_footprint *footprint,
                              enum nv_block block, uint32_t offset, uint64_t base, uint64_t bytes) {
    struct nv_extent extent = {.base = base, .bytes = bytes, .lines = 1, .surfaces = 1};
    add(sim, footprint, &extent, block, offset, false);
}

static uint64_t end_of(const struct nv_extent *e) {
    return e->base + (e->surfaces - 1) * e->surface_stride + (e->lines - 1) * e->line_stride +
           e->bytes;
}

/* Whether a run of bytes meets a line of a surface that begins at `base`. */
static bool meets_surface(const struct nv_extent *e, uint64_t base, uint64_t from, uint64_t to) {
    if (to <= base || from >= base + (e->lines - 1) * e->line_stride + e->bytes)
        return false;
    if (from <= base || e->line_stride == 0)
        return true;
    uint64_t line = (from - base) / e->line_stride;
    if (line >= e->lines)
        line = e->lines - 1;
    uint64_t start = base + line * e->line_stride;
    return from < start + e->bytes || (line + 1 < e->lines && to > start + e->line_stride);
}

/* With very many lines: yes, when they cannot be told apart by their ends. */
static bool meet(const struct nv_extent *a, const struct nv_extent *b) {
    if (end_of(a) <= b->base || end_of(b) <= a->base)
        return false;
    if ((uint64_t)a->lines * a->surfaces * b->surfaces > COMPARED_MAX)
        return true;
    for (uint32_t sa = 0; sa < a->surfaces; sa++)
        for (uint32_t y = 0; y < a->lines; y++) {
            uint64_t from = a->base + sa * a->surface_stride + y * a->line_stride;
            for (uint32_t sb = 0; sb < b->surfaces; sb++)
                if (meets_surface(b, b->base + sb * b->surface_stride, from, from + a->bytes))
                    return true;
        }
    return false;
}

/* A convolution ends in SDP, too. */
static bool same_unit(const struct nv_footprint *a, const struct nv_footprint *b) {
    return a->engine == b->engine ||
           (a->engine <= TENON_NVDLA_SIM_SDP && b->engine <= TENON_NVDLA_SIM_SDP);
}

/* A unit's operations write one after the other, and each has read before it is done. */
static bool can_race(const struct nv_footprint *now, const struct nv_footprint_part *part,
                     const struct nv_footprint *before, const struct nv_footprint_part *other) {
    return part->write ? !same_unit(now, before) : other->write;
}

static bool check_part(struct tenon_nvdla_sim *sim, const struct nv_footprint *now,
                       const struct nv_footprint_part *part, const struct nv_footprint *before) {
    for (uint32_t i = 0; i < before->count; i++) {
        const struct nv_footprint_part *other = &before->parts[i];
        if (can_race(now, part, before, other) && meet(&part->extent, &other->extent))
            return tenon_nv_fault(sim, NV_RULE_MEMORY_RACE, part->block, part->offset,
                                  "%s what %s %s in an operation that was not done when this one "
                                  "was enabled",
                                  part->write ? "writes" : "reads",
                                  tenon_nv_block_name(other->block),
                                  other->write ? "writes" : "reads");
    }
    return true;
}

bool tenon_nv_footprint_check(struct tenon_nvdla_sim *sim, const struct nv_footprint *footprint) {
    uint64_t first = sim->operations_done > NV_HISTORY ? sim->operations_done - NV_HISTORY : 0;
    for (uint32_t i = 0; i < footprint->count; i++)
        for (uint64_t op = footprint->parts[i].enabled_at > first ? footprint->parts[i].enabled_at
                                                                  : first;
             op < sim->operations_done; op++)
            if (!check_part(sim, footprint, &footprint->parts[i], &sim->history[op % NV_HISTORY]))
                return false;
    sim->history[sim->operations_done++ % NV_HISTORY] = *footprint;
    return true;
}
