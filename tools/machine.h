/*
 * From a file name to something that runs: model, program, instance, session, queue. The options
 * that say how to compile and run are the same for every subcommand and stand here once.
 */
#ifndef TOOLS_MACHINE_H
#define TOOLS_MACHINE_H

#include <tenon/tenon.h>

#include "options.h"

enum { MACHINE_TARGETS_MAX = 8 };

struct machine_options {
    const char *devices; /* "cpu,reference"; NULL means the default */
    const char *costs;   /* file of measured times, or NULL */
    uint64_t threads;
    int rounding;  /* index in MACHINE_ROUNDING_WORDS */
    int numerics;  /* index in MACHINE_NUMERICS_WORDS */
    int placement; /* index in MACHINE_PLACEMENT_WORDS */
    bool no_fallback, portable, keep_tensors, isolate_nodes, profile;
    struct tenon_report **report; /* NULL: none is made */
    struct tenon_pass_options passes;
};

#define MACHINE_ROUNDING_WORDS "model|double|single|f32"
#define MACHINE_NUMERICS_WORDS "exact|within-1"
#define MACHINE_PLACEMENT_WORDS "cost|order"
enum { MACHINE_PLACEMENT_COST, MACHINE_PLACEMENT_ORDER };
/* Rows for an option table whose values structure `type` has a machine_options called `machine`. */
#define MACHINE_OPTION_DEVICE(type)                                                                \
    {                                                                                              \
        'd', "device", OPTION_TEXT, "DEVICE[,DEVICE...]", offsetof(type, machine.devices), 0, 0,   \
            "devices that share the model, by the least time of\nthe whole (default cpu); `tenon " \
            "devices` lists them"                                                                  \
    }
#define MACHINE_OPTION_THREADS(type)                                                \
    {                                                                               \
        0, "threads", OPTION_NUMBER, "N", offsetof(type, machine.threads), 1, 4096, \
            "threads of the CPU device (default: one per processor)"                \
    }
#define MACHINE_OPTION_ROUNDING(type)                                                              \
    {                                                                                              \
        0, "rounding", OPTION_CHOICE, MACHINE_ROUNDING_WORDS, offsetof(type, machine.rounding), 0, \
            0, "rule of every quantized operator (default: the model's)"                           \
    }
#define MACHINE_OPTION_NUMERICS(type)                                                              \
    {                                                                                              \
        0, "numerics", OPTION_CHOICE, MACHINE_NUMERICS_WORDS, offsetof(type, machine.numerics), 0, \
            0,                                                                                     \
            "within-1: take devices that may differ by 1 from an\n"                                \
            "operator's rounding rule (default exact)"                                             \
    }
#define MACHINE_OPTION_PLACEMENT(type)                                                             \
    {                                                                                              \
        0, "placement", OPTION_CHOICE, MACHINE_PLACEMENT_WORDS, offsetof(type, machine.placement), \
            0, 0,                                                                                  \
            "order: every operator on the first device listed\n"                                   \
            "that takes it (default cost)"                                                         \
    }
#define MACHINE_OPTION_COSTS(type)                                            \
    {                                                                         \
        0, "costs", OPTION_TEXT, "FILE", offsetof(type, machine.costs), 0, 0, \
            "times that `tenon calibrate` measured, in place\nof estimates"   \
    }
#define MACHINE_OPTION_NO_FALLBACK(type)                                                \
    {                                                                                   \
        0, "no-fallback", OPTION_FLAG, NULL, offsetof(type, machine.no_fallback), 0, 0, \
            "fail when an operator falls back to the CPU"                               \
    }
#define MACHINE_OPTION_PORTABLE(type)                                             \
    {                                                                             \
        0, "portable", OPTION_FLAG, NULL, offsetof(type, machine.portable), 0, 0, \
            "use no instructions beyond the architecture's baseline"              \
    }

struct machine {
    struct tenon_instance *instance;
    struct tenon_program *program;
    struct tenon_session *session;
    struct tenon_queue *queue;
    struct tenon_fence *fence;
};

/* Whether the file begins as a saved program does. */
bool machine_is_program(const char *path);
/* Each prints what is wrong and returns the exit status; EXIT_OK (0) is success. */
int machine_open_model(const char *path, const struct machine_options *options,
                       struct tenon_model **out);
int machine_compile(const char *path, const struct tenon_model *model,
                    const struct machine_options *options, struct tenon_program **out);
/* Gives freed memory back, before running takes as much again. */
void machine_trim(void);
/* A model is imported, compiled and released again; a program is loaded. */
int machine_open_program(const char *path, const struct machine_options *options,
                         struct tenon_program **out);
/* Takes its own reference to the program. Leaves *machine to machine_close also after a failure. */
int machine_open(struct machine *machine, const char *path, struct tenon_program *program,
                 const struct machine_options *options);
void machine_close(struct machine *machine);
/* One inference, timed on the wall. */
int machine_run(struct machine *machine, const char *path, uint64_t *duration_ns);

#endif
