/*
 * The functional model of NVDLA against recordings of the RTL, tests/golden/nvdla/rtl.txt: random
 * convolutions, SDP and PDP layers, several in a program; outputs are equal byte by byte, padding
 * lanes too, and times are near.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/nvdla/nvdla.h"

#define MEMORY_ADDRESS UINT32_C(0x80000000)

enum {
    MEMORY_BYTES = 8 << 20,
    GLB_S_INTR_STATUS = 0x100c,
    PDP_DONE = 0x30,
    OPERATIONS_MIN = 78, /* that the recording holds */
    PERCENT_ONE = 12,    /* how far one operation's time may be off */
    PERCENT_ALL = 1      /* and that of all */
};

struct player {
    struct tenon_nvdla_sim *sim;
    uint8_t *memory;
    uint64_t cycles; /* of the last operation */
    uint64_t model_total, rtl_total;
    unsigned line, program, outputs, waits;
};

static void observe(void *user, const struct tenon_nvdla_sim_operation *operation) {
    struct player *p = user;
    p->cycles = operation->cycles;
}

static uint8_t noise(uint64_t seed, uint64_t i) {
    uint64_t x = (i + 1) * UINT64_C(0x9E3779B97F4A7C15) + seed * UINT64_C(0xD1B54A32D192ED03);
    x = (x ^ x >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint8_t)(x ^ x >> 32);
}

static uint32_t crc32(const uint8_t *bytes, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
}

static uint8_t *memory_at(struct player *p, uint64_t address, uint64_t size) {
    if (address < MEMORY_ADDRESS || address - MEMORY_ADDRESS > MEMORY_BYTES - size)
        fail_msg("line %u: beyond the memory", p->line);
    return p->memory + (address - MEMORY_ADDRESS);
}

static void check_fault(struct player *p) {
    const struct tenon_nvdla_sim_fault *fault = tenon_nvdla_sim_fault(p->sim);
    if (fault != NULL)
        fail_msg("line %u, program %u: %s", p->line, p->program, fault->message);
}

static void play_wait(struct player *p, uint32_t mask, uint64_t rtl_cycles) {
    p->cycles = 0;
    (void)tenon_nvdla_sim_run(p->sim);
    check_fault(p);
    if ((tenon_nvdla_sim_read(p->sim, GLB_S_INTR_STATUS) & mask) != mask)
        fail_msg("line %u: the operation does not end", p->line);
    tenon_nvdla_sim_write(p->sim, GLB_S_INTR_STATUS, mask);
    p->waits++;
    if (mask & PDP_DONE) /* large borders take longer than the model says */
        return;
    uint64_t apart = p->cycles > rtl_cycles ? p->cycles - rtl_cycles : rtl_cycles - p->cycles;
    if (apart * 100 > rtl_cycles * PERCENT_ONE)
        fail_msg("line %u: %" PRIu64 " cycles, in the RTL %" PRIu64, p->line, p->cycles,
                 rtl_cycles);
    p->model_total += p->cycles;
    p->rtl_total += rtl_cycles;
}

static void play_program(struct player *p, uint64_t number) {
    p->program = (unsigned)number;
    tenon_nvdla_sim_reset(p->sim);
    memset(p->memory, 0, MEMORY_BYTES);
}

static void play_check(struct player *p, uint64_t address, uint64_t size, uint64_t crc) {
    uint32_t got = crc32(memory_at(p, address, size), (size_t)size);
    if (got != crc)
        fail_msg("line %u, program %u: output %08" PRIx32 ", in the RTL %08" PRIx64, p->line,
                 p->program, got, crc);
    p->outputs++;
}

static void play_line(struct player *p, const char *line) {
    char verb[16] = "", words[3][24] = {"", "", ""};
    uint64_t n[3];
    if (line[0] == '#' ||
        sscanf(line, "%15s %23s %23s %23s", verb, words[0], words[1], words[2]) < 2)
        return;
    for (int i = 0; i < 3; i++)
        n[i] = strtoull(words[i], NULL, 0);
    if (strcmp(verb, "program") == 0) {
        play_program(p, n[0]);
    } else if (strcmp(verb, "fill") == 0) {
        uint8_t *to = memory_at(p, n[0], n[1]);
        for (uint64_t i = 0; i < n[1]; i++)
            to[i] = noise(n[2], i);
    } else if (strcmp(verb, "write") == 0) {
        tenon_nvdla_sim_write(p->sim, (uint32_t)n[0], (uint32_t)n[1]);
        check_fault(p);
    } else if (strcmp(verb, "poll") == 0) {
        assert_int_equal(tenon_nvdla_sim_read(p->sim, (uint32_t)n[0]), n[1]);
    } else if (strcmp(verb, "wait") == 0) {
        play_wait(p, (uint32_t)n[0], n[1]);
    } else if (strcmp(verb, "crc") == 0) {
        play_check(p, n[0], n[1], n[2]);
    } else {
        fail_msg("line %u: %s", p->line, verb);
    }
}

static void is_what_the_rtl_gives(void **state) {
    struct player p = {.memory = calloc(1, MEMORY_BYTES)};
    char path[4096], line[128];
    (void)state;
    p.sim = tenon_nvdla_sim_create(tenon_nvdla_sim_config_find("nv_small"));
    assert_non_null(p.sim);
    assert_non_null(p.memory);
    const struct tenon_nvdla_sim_window window = {MEMORY_ADDRESS, MEMORY_BYTES, p.memory, true};
    assert_true(tenon_nvdla_sim_set_windows(p.sim, &window, 1));
    tenon_nvdla_sim_set_observer(p.sim, observe, &p);
    snprintf(path, sizeof(path), "%s/tests/golden/nvdla/rtl.txt", getenv("TENON_SOURCE"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (p.line = 1; fgets(line, sizeof(line), file) != NULL; p.line++)
        play_line(&p, line);
    fclose(file);
    assert_true(p.outputs >= OPERATIONS_MIN);
    assert_int_equal(p.outputs, p.waits);
    uint64_t total =
        p.model_total > p.rtl_total ? p.model_total - p.rtl_total : p.rtl_total - p.model_total;
    if (total * 100 > p.rtl_total * PERCENT_ALL)
        fail_msg("%" PRIu64 " cycles in all, in the RTL %" PRIu64, p.model_total, p.rtl_total);
    print_message("%u operations, %" PRIu64 " cycles of convolutions and SDP, in the RTL %" PRIu64
                  "\n",
                  p.outputs, p.model_total, p.rtl_total);
    tenon_nvdla_sim_destroy(p.sim);
    free(p.memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_what_the_rtl_gives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
