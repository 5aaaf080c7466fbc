/*
 * Any bytes as a register program for the functional model of NVDLA: 8 bytes a command, a word of
 * what to do with an address of the configuration bus, and a value. The model must come back, in
 * time, and a reset must make it as new.
 */
#include "sim/nvdla/nvdla.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 0x10000000, ROM = 0x20000000, BYTES = 1 << 16, LINES_MAX = 2000 };
enum { WRITE, RUN, READ, RESET }; /* the low bits of the address */

static uint32_t word(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool stop(void *user) {
    return ++*(unsigned *)user > LINES_MAX;
}

static void execute(struct tenon_nvdla_sim *sim, const uint8_t *data, size_t size) {
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint32_t address = word(data + i);
        switch (address & 3) {
        case WRITE:
            tenon_nvdla_sim_write(sim, address, word(data + i + 4));
            break;
        case RUN:
            (void)tenon_nvdla_sim_run(sim);
            break;
        case READ:
            (void)tenon_nvdla_sim_read(sim, address & ~3u);
            break;
        default:
            tenon_nvdla_sim_reset(sim);
        }
    }
    (void)tenon_nvdla_sim_run(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tenon_nvdla_sim *sim = tenon_nvdla_sim_create(tenon_nvdla_sim_config_find("nv_small"));
    uint8_t *memory = calloc(2, BYTES);
    unsigned lines = 0;
    struct tenon_strbuf text;
    tenon_strbuf_init(&text);
    if (sim != NULL && memory != NULL) {
        const struct tenon_nvdla_sim_window windows[] = {{RAM, BYTES, memory, true},
                                                         {ROM, BYTES, memory + BYTES, false}};
        if (!tenon_nvdla_sim_set_windows(sim, windows, 2))
            abort();
        tenon_nvdla_sim_set_limit(sim, stop, &lines);
        execute(sim, data, size);
        tenon_nvdla_sim_explain(sim, &text);
        tenon_nvdla_sim_reset(sim);
        if (tenon_nvdla_sim_fault(sim) != NULL || tenon_nvdla_sim_run(sim) != TENON_NVDLA_SIM_IDLE)
            abort();
    }
    tenon_strbuf_finish(&text);
    tenon_nvdla_sim_destroy(sim);
    free(memory);
    return 0;
}
