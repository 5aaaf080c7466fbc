/*
 * Writes .tflite files: for the example network, for tests and for fuzz seeds. Not part of
 * libtenon.
 *
 * Tensors, buffers and operators are added in any order that names what exists; tfl_writer_finish
 * lays the file out. What is written is what is said: the writer checks nothing, so that tests can
 * write malformed models too. Failure (out of memory) is remembered and told by finish.
 */
#ifndef TENON_FRONTENDS_TFLITE_WRITER_H
#define TENON_FRONTENDS_TFLITE_WRITER_H

#include <tenon/tensor.h>

#include "util/arena.h"

/* A scalar field of an options table: its number in the schema, and its value. */
struct tfl_field {
    uint16_t number;
    enum { TFL_FIELD_BYTE, TFL_FIELD_INT, TFL_FIELD_FLOAT } kind;
    int32_t value;
    float real;
};

struct tfl_writer_tensor {
    const char *name;
    enum tenon_type type;
    const int32_t *shape;
    uint32_t rank;
    uint32_t buffer; /* 0: no data */
    const float *scales;
    const int64_t *zero_points;
    uint32_t scale_count; /* 0: not quantized */
    uint32_t zero_point_count;
    int32_t axis;
    bool is_variable;
    bool is_sparse;           /* with an empty table of sparsity parameters */
    const int32_t *signature; /* as shape, with -1 for open dimensions; or NULL */
};

struct tfl_writer_operator {
    int32_t code;          /* builtin code; 32 with a custom name */
    const char *custom;    /* or NULL */
    const int32_t *inputs; /* tensor indices, -1 for an absent one */
    uint32_t input_count;
    const int32_t *outputs;
    uint32_t output_count;
    uint8_t options_type; /* number in the schema's union BuiltinOptions; 0: none */
    const struct tfl_field *fields;
    uint32_t field_count;
    const void *custom_options;
    uint32_t custom_options_bytes;
};

struct tfl_writer {
    struct tenon_arena arena;
    bool failed;
    struct tfl_writer_list {
        void *items;
        uint32_t count, capacity;
    } buffers, tensors, operators, inputs, outputs;
    const char *description;
};

void tfl_writer_init(struct tfl_writer *writer);
void tfl_writer_finish(struct tfl_writer *writer);

/* Each copies what it is given and returns its index. Buffer 0 is there from the start, empty. */
uint32_t tfl_writer_add_buffer(struct tfl_writer *writer, const void *data, uint32_t size);
uint32_t tfl_writer_add_tensor(struct tfl_writer *writer, const struct tfl_writer_tensor *tensor);
uint32_t tfl_writer_add_operator(struct tfl_writer *writer, const struct tfl_writer_operator *op);
void tfl_writer_add_input(struct tfl_writer *writer, int32_t tensor);
void tfl_writer_add_output(struct tfl_writer *writer, int32_t tensor);

/* The file as malloc'd bytes; NULL when memory ran out. */
TENON_NODISCARD uint8_t *tfl_writer_write(struct tfl_writer *writer, size_t *size);

#endif
