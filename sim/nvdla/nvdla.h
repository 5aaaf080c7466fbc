/*
 * A functional model of NVDLA: registers and memory in, memory and interrupts out.
 *
 * Written from the hardware's documents (nvdla/hw, nvdla/doc), never from the backend's encoder.
 * The model executes a hardware layer at once, as soon as every block that takes part is enabled;
 * what survives from layer to layer is as in the RTL: ping-pong register groups, the convolution
 * buffer as two rings with positions, interrupts. It checks what the hardware leaves unchecked: a
 * program that breaks a rule (rules.def) stops the model with a fault that names the rule, the
 * register and the operation. docs/sim-nvdla.md says what is modelled and what is not.
 *
 * A model has no threads and no global state; different models may be used at the same time.
 */
#ifndef TENON_SIM_NVDLA_H
#define TENON_SIM_NVDLA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/strbuf.h"

/* What differs between the members of the family, as far as this model goes: 8 channels and 8
 * kernels a MAC operation, int8. */
struct tenon_nvdla_sim_config {
    const char *name;
    uint32_t atom_bytes; /* of memory: the innermost dimension of a feature cube */
    uint32_t cbuf_banks, cbuf_bank_entries, cbuf_entry_bytes;
    uint32_t glb_base; /* byte address of GLB */
    bool has_sdp_ew;
};

/* NULL: no such member. */
const struct tenon_nvdla_sim_config *tenon_nvdla_sim_config_find(const char *name);

/* Memory that the device can reach; borrowed. Windows do not overlap. */
struct tenon_nvdla_sim_window {
    uint64_t address, size;
    uint8_t *data;
    bool writable;
};

enum { TENON_NVDLA_SIM_WINDOW_MAX = 8 };

/* A broken rule. Strings are static; "" where nothing applies. */
struct tenon_nvdla_sim_fault {
    const char *rule;   /* stable id, "cbuf.weight-position" */
    const char *block;  /* "CSC" */
    const char *reg;    /* "D_WEIGHT_BYTES" */
    uint32_t value;     /* of the register, where there is one */
    uint32_t operation; /* of this block since reset, from 0 */
    char message[256];  /* one line with all of it */
};

enum tenon_nvdla_sim_state {
    TENON_NVDLA_SIM_IDLE,    /* nothing is enabled */
    TENON_NVDLA_SIM_BLOCKED, /* something is enabled that waits for registers still to be written */
    TENON_NVDLA_SIM_FAULT    /* stopped; only reset helps */
};

enum tenon_nvdla_sim_operation_kind {
    TENON_NVDLA_SIM_CONV, /* CDMA to CACC, and the SDP and PDP behind it */
    TENON_NVDLA_SIM_SDP,  /* from memory, and the PDP behind it */
    TENON_NVDLA_SIM_PDP,  /* from memory */
    TENON_NVDLA_SIM_CDP,
    TENON_NVDLA_SIM_OPERATION_KIND_COUNT
};

/* What is told of each hardware layer. Cycles are an estimate, calibrated with the RTL. */
struct tenon_nvdla_sim_operation {
    enum tenon_nvdla_sim_operation_kind kind;
    uint32_t width, height, channels; /* of the output */
    uint64_t macs, cycles;
};

struct tenon_nvdla_sim_stats {
    uint64_t register_writes, register_reads;
    uint64_t cycles, macs;
    uint64_t bytes_read, bytes_written;
    uint64_t operations[TENON_NVDLA_SIM_OPERATION_KIND_COUNT];
};

struct tenon_nvdla_sim;

/* NULL: out of memory. `config` is borrowed. The new model is in reset state without memory. */
struct tenon_nvdla_sim *tenon_nvdla_sim_create(const struct tenon_nvdla_sim_config *config);
void tenon_nvdla_sim_destroy(struct tenon_nvdla_sim *sim);

/* Power-on state: registers, groups, convolution buffer, interrupts, fault. Windows and statistics
 * stay. */
void tenon_nvdla_sim_reset(struct tenon_nvdla_sim *sim);

/* At most TENON_NVDLA_SIM_WINDOW_MAX; they are copied, their data is borrowed. False: too many, or
 * two overlap. */
bool tenon_nvdla_sim_set_windows(struct tenon_nvdla_sim *sim,
                                 const struct tenon_nvdla_sim_window *windows, size_t count);

/* Called after each hardware layer; NULL: nobody. */
void tenon_nvdla_sim_set_observer(
    struct tenon_nvdla_sim *sim,
    void (*observe)(void *user, const struct tenon_nvdla_sim_operation *operation), void *user);

/* Asked once per line of an operation; when it says true, the operation ends with a fault. */
void tenon_nvdla_sim_set_limit(struct tenon_nvdla_sim *sim, bool (*stop)(void *user), void *user);

/*
 * `address` is a byte address on the configuration bus. Registers that do not exist, misaligned
 * addresses and what the hardware ignores (a write to a running group) are faults. After a fault
 * writes are ignored and reads give 0.
 */
void tenon_nvdla_sim_write(struct tenon_nvdla_sim *sim, uint32_t address, uint32_t value);
uint32_t tenon_nvdla_sim_read(struct tenon_nvdla_sim *sim, uint32_t address);

/* Executes all that can be executed. */
enum tenon_nvdla_sim_state tenon_nvdla_sim_run(struct tenon_nvdla_sim *sim);
/* Executes at most one hardware layer; *did says whether one was. */
enum tenon_nvdla_sim_state tenon_nvdla_sim_step(struct tenon_nvdla_sim *sim, bool *did);

/* The interrupt line: status bits that are not masked. */
uint32_t tenon_nvdla_sim_interrupts(const struct tenon_nvdla_sim *sim);
/* NULL: none. */
const struct tenon_nvdla_sim_fault *tenon_nvdla_sim_fault(const struct tenon_nvdla_sim *sim);
const struct tenon_nvdla_sim_stats *tenon_nvdla_sim_stats(const struct tenon_nvdla_sim *sim);
/* A sentence per enabled group that waits, and for what; nothing when the device is idle. */
void tenon_nvdla_sim_explain(const struct tenon_nvdla_sim *sim, struct tenon_strbuf *out);

/* The byte address of "NVDLA_CDMA.D_MISC_CFG_0" or "CDMA.D_MISC_CFG"; false: unknown. */
bool tenon_nvdla_sim_register_find(const struct tenon_nvdla_sim_config *config, const char *name,
                                   uint32_t *address);

/* The table of rules: ids and texts, in a fixed order. NULL at the end. */
const char *tenon_nvdla_sim_rule_id(size_t index);
const char *tenon_nvdla_sim_rule_text(size_t index);

#endif
