/* The device's view of memory: windows, bounds, and feature cubes in it. */
#include "device.h"

static const struct tenon_nvdla_sim_window *find(const struct tenon_nvdla_sim *sim,
                                                 uint64_t address, uint64_t bytes) {
    for (size_t i = 0; i < sim->window_count; i++) {
        const struct tenon_nvdla_sim_window *window = &sim->windows[i];
        if (address >= window->address && address - window->address <= window->size &&
            bytes <= window->size - (address - window->address))
            return window;
    }
    return NULL;
}

static uint8_t *access(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                       uint64_t address, uint64_t bytes, bool write) {
    const struct tenon_nvdla_sim_window *window = find(sim, address, bytes);
    if (window == NULL) {
        (void)tenon_nv_fault(sim, NV_RULE_MEMORY_BOUNDS, block, offset,
                             "%s of %llu bytes at 0x%llx is outside of memory",
                             write ? "a write" : "a read", (unsigned long long)bytes,
                             (unsigned long long)address);
        return NULL;
    }
    if (write && !window->writable) {
        (void)tenon_nv_fault(sim, NV_RULE_MEMORY_READ_ONLY, block, offset,
                             "a write of %llu bytes at 0x%llx", (unsigned long long)bytes,
                             (unsigned long long)address);
        return NULL;
    }
    return window->data + (address - window->address);
}

const uint8_t *tenon_nv_read(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                             uint64_t address, uint64_t bytes) {
    sim->stats.bytes_read += bytes;
    return access(sim, block, offset, address, bytes, false);
}

uint8_t *tenon_nv_write(struct tenon_nvdla_sim *sim, enum nv_block block, uint32_t offset,
                        uint64_t address, uint64_t bytes) {
    sim->stats.bytes_written += bytes;
    return access(sim, block, offset, address, bytes, true);
}

bool tenon_nvdla_sim_set_windows(struct tenon_nvdla_sim *sim,
                                 const struct tenon_nvdla_sim_window *windows, size_t count) {
    if (count > TENON_NVDLA_SIM_WINDOW_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (windows[i].size > UINT64_MAX - windows[i].address)
            return false;
        for (size_t j = 0; j < i; j++)
            if (windows[i].address < windows[j].address + windows[j].size &&
                windows[j].address < windows[i].address + windows[i].size)
                return false;
    }
    for (size_t i = 0; i < count; i++)
        sim->windows[i] = windows[i];
    sim->window_count = count;
    return true;
}

/* The hardware drops the low bits of addresses and strides without a word. */
static bool check_aligned(struct tenon_nvdla_sim *sim, const struct nv_cube *cube, uint32_t offset,
                          uint64_t value) {
    if (value % sim->config->atom_bytes == 0)
        return true;
    return tenon_nv_fault(sim, NV_RULE_MEMORY_ALIGNMENT, cube->block, offset,
                          "0x%llx is not a multiple of %u", (unsigned long long)value,
                          sim->config->atom_bytes);
}

/* Whether lines, and surfaces, lie apart: a surface after the other, or line by line. */
static bool check_apart(struct tenon_nvdla_sim *sim, const struct nv_cube *cube) {
    uint64_t line = (uint64_t)cube->width * NV_LANES * cube->element_bytes;
    uint64_t surfaces = nv_surfaces(cube->channels);
    if (cube->height > 1 && cube->line_stride < line)
        return tenon_nv_fault(sim, NV_RULE_MEMORY_STRIDE, cube->block, cube->line_offset,
                              "a line has %llu bytes", (unsigned long long)line);
    uint64_t plane = (cube->height - 1) * cube->line_stride + line;
    bool by_surface = cube->surface_stride >= plane;
    bool by_line =
        cube->surface_stride >= line &&
        (cube->height == 1 || cube->line_stride >= (surfaces - 1) * cube->surface_stride + line);
    if (surfaces > 1 && !by_surface && !by_line)
        return tenon_nv_fault(sim, NV_RULE_MEMORY_STRIDE, cube->block, cube->surface_offset,
                              "a surface has %llu bytes", (unsigned long long)plane);
    return true;
}

bool tenon_nv_cube_check(struct tenon_nvdla_sim *sim, const struct nv_cube *cube, bool written) {
    return check_aligned(sim, cube, cube->address_offset, cube->base) &&
           check_aligned(sim, cube, cube->line_offset, cube->line_stride) &&
           check_aligned(sim, cube, cube->surface_offset, cube->surface_stride) &&
           (!written || check_apart(sim, cube));
}

void tenon_nv_cube_pack_pixel(struct nv_cube *cube) {
    if (cube->width == 1 && cube->height == 1)
        cube->surface_stride = (uint64_t)NV_LANES * cube->element_bytes;
}

uint64_t tenon_nv_cube_line(const struct nv_cube *cube, uint32_t surface, uint32_t y) {
    return cube->base + surface * cube->surface_stride + y * cube->line_stride;
}
