/* The table of rules, and the one fault that stops a model. */
#include <stdarg.h>
#include <stdio.h>

#include "device.h"

static const struct {
    const char *id, *text;
} rules[NV_RULE_COUNT] = {
#define RULE(name, id, text) {id, text},
#include "rules.def"
#undef RULE
};

const char *tenon_nvdla_sim_rule_id(size_t index) {
    return index < NV_RULE_COUNT ? rules[index].id : NULL;
}

const char *tenon_nvdla_sim_rule_text(size_t index) {
    return index < NV_RULE_COUNT ? rules[index].text : NULL;
}

bool tenon_nv_fault(struct tenon_nvdla_sim *sim, enum nv_rule rule, enum nv_block block,
                    uint32_t offset, const char *format, ...) {
    if (sim->faulted)
        return false;
    const char *reg = tenon_nv_register_name(block, offset);
    struct tenon_nvdla_sim_fault *fault = &sim->fault;
    *fault = (struct tenon_nvdla_sim_fault){
        .rule = rules[rule].id,
        .block = tenon_nv_block_name(block),
        .reg = reg != NULL ? reg : "",
        .value = reg != NULL ? nv_get(sim, block, offset) : 0,
        .operation = sim->blocks[block].operations,
    };
    int length = snprintf(fault->message, sizeof(fault->message), "%s: %s operation %u",
                          fault->rule, fault->block, fault->operation);
    if (reg != NULL)
        length += snprintf(fault->message + length, sizeof(fault->message) - (size_t)length,
                           ", %s = 0x%x", reg, fault->value);
    length += snprintf(fault->message + length, sizeof(fault->message) - (size_t)length, ": ");
    va_list args;
    va_start(args, format);
    vsnprintf(fault->message + length, sizeof(fault->message) - (size_t)length, format, args);
    va_end(args);
    sim->faulted = true;
    return false;
}

const struct tenon_nvdla_sim_fault *tenon_nvdla_sim_fault(const struct tenon_nvdla_sim *sim) {
    return sim->faulted ? &sim->fault : NULL;
}
