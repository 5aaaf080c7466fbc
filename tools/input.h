/*
 * Filling a program's inputs: from pictures, sounds, arrays, raw bytes; at random where no file is
 * given, which is said on stderr.
 */
#ifndef TOOLS_INPUT_H
#define TOOLS_INPUT_H

#include "machine.h"
#include "options.h"
#include "picture.h"

struct input_options {
    struct option_texts files; /* [NAME=]FILE */
    struct option_reals mean, scale;
    int resize; /* enum picture_filter as "bilinear|nearest" */
    bool crop;
    uint64_t seed;
    bool quiet; /* the random inputs were told before */
};

#define INPUT_OPTION_FILE(type)                                                       \
    {                                                                                 \
        'i', "input", OPTION_TEXTS, "[NAME=]FILE", offsetof(type, input.files), 0, 0, \
            "input by name or number, in order without one:\n"                        \
            "PNG, JPEG, BMP, PPM, WAV, .npy, or .raw bytes;\n"                        \
            "inputs without a file are random"                                        \
    }
#define INPUT_OPTION_SEED(type)                                                   \
    {                                                                             \
        0, "seed", OPTION_NUMBER, "N", offsetof(type, input.seed), 0, UINT64_MAX, \
            "of random inputs (default 0)"                                        \
    }
#define INPUT_OPTION_MEAN(type)                                               \
    {                                                                         \
        0, "mean", OPTION_REALS, "M[,M,M]", offsetof(type, input.mean), 0, 0, \
            "pictures: input = (pixel - M) / S, pixel 0 to 255;\n"            \
            "without --mean and --scale, a float input gets\n"                \
            "(pixel - 127.5) / 127.5 and an 8-bit one the pixels"             \
    }
#define INPUT_OPTION_SCALE(type) \
    { 0, "scale", OPTION_REALS, "S[,S,S]", offsetof(type, input.scale), 0, 0, "see --mean" }
#define INPUT_OPTION_RESIZE(type)                                                           \
    {                                                                                       \
        0, "resize", OPTION_CHOICE, "bilinear|nearest", offsetof(type, input.resize), 0, 0, \
            "how pictures are resized (default bilinear)"                                   \
    }
#define INPUT_OPTION_CROP(type)                                         \
    {                                                                   \
        0, "crop", OPTION_FLAG, NULL, offsetof(type, input.crop), 0, 0, \
            "cut pictures to the input's proportions first"             \
    }

/* What has inputs: a model, or a program. */
struct input_source {
    const struct tenon_model *model;
    const struct tenon_program *program; /* when `model` is NULL */
};

/* The bytes of every input tensor. */
struct inputs {
    void **data;
    uint32_t count;
};

/*
 * Reads every input into memory of its own. A model can be asked before it is compiled: decoded
 * pictures and the compiler then do not need memory at the same time. `shown`, unless NULL,
 * receives the first picture as decoded. Prints what is wrong and returns the exit status; leaves
 * *out to inputs_finish also after a failure.
 */
int inputs_read(const struct input_source *source, const struct input_options *options,
                struct picture *shown, struct inputs *out);
/* Copies them to where a session of the same model or program takes them from. */
int inputs_bind(const struct inputs *inputs, struct machine *machine);
void inputs_finish(struct inputs *inputs);
/* All of it for a machine. */
int inputs_fill(struct machine *machine, const struct input_options *options);

#endif
