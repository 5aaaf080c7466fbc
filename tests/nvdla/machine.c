/*
 * What a driver does, in its simplest form: commands one after the other, on a model that was just
 * made. SCRATCH starts as garbage: a program must not depend on it.
 */
#include "nvdla/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/nvdla/nvdla.h"

#define SCRATCH_ADDRESS UINT64_C(0x10000000)
#define DATA_ADDRESS UINT64_C(0x80000000)

struct machine {
    const struct tenon_nvdla_code *code;
    struct tenon_nvdla_sim *sim;
    uint8_t *scratch;
    const uint8_t *const *reads;
    uint8_t *const *writes;
    struct machine_result *result;
};

static bool fail(struct machine *m, const char *text, const struct tenon_nvdla_command *c) {
    const struct tenon_nvdla_sim_fault *fault = tenon_nvdla_sim_fault(m->sim);
    if (fault != NULL)
        snprintf(m->result->message, sizeof(m->result->message), "%.240s", fault->message);
    else
        snprintf(m->result->message, sizeof(m->result->message), "%s at 0x%05x", text, c->address);
    return false;
}

static uint32_t value_of(const struct tenon_nvdla_command *c) {
    uint64_t address = c->place == TENON_NVDLA_SCRATCH ? SCRATCH_ADDRESS : DATA_ADDRESS;
    if (c->place == TENON_NVDLA_NONE)
        return c->value;
    address += c->value;
    return (uint32_t)(c->high ? address >> 32 : address);
}

static bool run_command(struct machine *m, const struct tenon_nvdla_command *c) {
    const struct tenon_nvdla_move *move = &m->code->moves[c->value];
    switch ((enum tenon_nvdla_command_kind)c->kind) {
    case TENON_NVDLA_WRITE:
        tenon_nvdla_sim_write(m->sim, c->address, value_of(c));
        return tenon_nvdla_sim_fault(m->sim) == NULL || fail(m, "", c);
    case TENON_NVDLA_POLL:
        tenon_nvdla_sim_run(m->sim);
        return (tenon_nvdla_sim_read(m->sim, c->address) & c->mask) == c->value ||
               fail(m, "a poll without end", c);
    case TENON_NVDLA_WAIT:
        tenon_nvdla_sim_run(m->sim);
        if ((tenon_nvdla_sim_read(m->sim, c->address) & c->mask) != c->mask)
            return fail(m, "a wait without end", c);
        tenon_nvdla_sim_write(m->sim, c->address, c->mask);
        return true;
    case TENON_NVDLA_PACK:
        tenon_nvdla_pack(move, m->code->atom_bytes, m->reads[move->edge], m->scratch);
        return true;
    case TENON_NVDLA_UNPACK:
        tenon_nvdla_unpack(move, m->code->atom_bytes, m->scratch, m->writes[move->edge]);
        return true;
    case TENON_NVDLA_NODE:
    case TENON_NVDLA_COMMAND_COUNT:
        break;
    }
    return true;
}

bool machine_run(const struct tenon_nvdla_code *code, struct tenon_span data,
                 const uint8_t *const *reads, uint8_t *const *writes,
                 struct machine_result *result) {
    const struct tenon_nvdla_sim_config *config = tenon_nvdla_sim_config_find(code->config);
    struct machine m = {.code = code, .reads = reads, .writes = writes, .result = result};
    *result = (struct machine_result){0};
    m.sim = config != NULL ? tenon_nvdla_sim_create(config) : NULL;
    m.scratch = malloc(code->scratch_bytes + 1);
    uint8_t *copy = malloc(data.size + 1);
    bool ok = m.sim != NULL && m.scratch != NULL && copy != NULL;
    if (ok) {
        memset(m.scratch, 0x5a, code->scratch_bytes);
        if (data.size != 0)
            memcpy(copy, data.data, data.size);
        const struct tenon_nvdla_sim_window windows[] = {
            {SCRATCH_ADDRESS, code->scratch_bytes, m.scratch, true},
            {DATA_ADDRESS, data.size, copy, false},
        };
        ok = tenon_nvdla_sim_set_windows(m.sim, windows, data.size != 0 ? 2 : 1);
    }
    if (!ok)
        snprintf(result->message, sizeof(result->message), "no model");
    for (uint32_t i = 0; ok && i < code->command_count; i++)
        ok = run_command(&m, &code->commands[i]);
    if (m.sim != NULL) {
        result->cycles = tenon_nvdla_sim_stats(m.sim)->cycles;
        result->macs = tenon_nvdla_sim_stats(m.sim)->macs;
    }
    tenon_nvdla_sim_destroy(m.sim);
    free(m.scratch);
    free(copy);
    return ok;
}
