/*
 * What the files of the TFLite front end share: the import under way, and one operator of it.
 */
#ifndef TENON_FRONTENDS_TFLITE_IMPORT_H
#define TENON_FRONTENDS_TFLITE_IMPORT_H

#include "frontends/frontend.h"
#include "frontends/tflite/flatbuffer.h"
#include "util/status.h"

/* What a tensor index of the file stands for in the graph so far. */
#define TFL_UNSEEN UINT32_MAX
#define TFL_POISONED (UINT32_MAX - 1)

struct tfl_import {
    struct fb_table model, subgraph;
    struct tenon_graph *graph;
    struct tenon_diagnostics *list;
    struct tenon_error *error;
    struct fb_vector buffers, tensors, operators, codes;
    uint32_t *ids; /* per tensor of the file: tensor of the graph, UNSEEN, or POISONED (already
                      complained about: what reads it is passed over in silence) */
    enum tenon_status status; /* of the first error */
};

/* Reports; remembers the first error. Returns false, for `return tfl_complain(…)`. */
bool tfl_complain(struct tfl_import *import, enum tenon_diagnostic_id id,
                  const struct tenon_model_place *place, const char *format, ...)
    TENON_PRINTF(4, 5);

/* Makes the graph's tensor for an index of the file, if it is not there yet. False: complained. */
bool tfl_import_tensor(struct tfl_import *import, uint32_t index,
                       const struct tenon_model_place *place);

/* TENON_TYPE_NONE for types that Tenon does not have. */
enum tenon_type tfl_type(int8_t type);

/* Walks the operators of the subgraph; false when any was complained about. */
bool tfl_import_operators(struct tfl_import *import);

/* ---- one operator ---- */

enum { TFL_OPERANDS_MAX = 4096 };

struct tfl_operator {
    struct tfl_import *import;
    const struct tfl_row *row;
    uint32_t index;
    struct fb_table table, options;
    bool has_options;
    uint32_t *inputs, *outputs; /* graph ids; TENON_ID_NONE when absent */
    uint32_t input_count, output_count;
    struct tenon_attrs attrs;
    const char *name;
    char spare_name[32]; /* for operators without a name */
};

/* Fills op->attrs from the options and constant operands, then emits nodes. */
typedef bool tfl_build_fn(struct tfl_operator *op);

struct tfl_row {
    int32_t code;
    enum tenon_op op;
    tfl_build_fn *build;
    uint8_t input_min, input_max; /* of the file's operator; max 255: any number */
};

/* NULL when there is none. */
const struct tfl_row *tfl_find_row(int32_t code);
const struct tfl_row *tfl_find_custom(struct tenon_span name);
/* "CONV_2D"; "operator code 300" is made up into `spare` when the name is not known. */
const char *tfl_operator_name(int32_t code, char spare[32]);

struct tenon_model_place tfl_place(const struct tfl_operator *op);
bool tfl_op_complain(struct tfl_operator *op, enum tenon_diagnostic_id id, const char *format, ...)
    TENON_PRINTF(3, 4);

/* Emits op->row->op over the first input_count inputs. */
bool tfl_emit(struct tfl_operator *op, uint32_t input_count);
/* Emits any operator over any tensors. */
bool tfl_emit_node(struct tfl_operator *op, enum tenon_op kind, const uint32_t *inputs,
                   uint32_t input_count, const uint32_t *outputs, uint32_t output_count);
/* A fresh tensor of the graph like `like`, whose shape is inferred. */
bool tfl_new_tensor(struct tfl_operator *op, uint32_t like, uint32_t *id);

/* Options, with the schema's defaults. */
int32_t tfl_option_i32(struct tfl_operator *op, int field, int32_t missing);
float tfl_option_f32(struct tfl_operator *op, int field, float missing);
int32_t tfl_option_u8(struct tfl_operator *op, int field, int32_t missing);
/* Reads a fused activation into attrs; refuses those that the operator cannot have. */
bool tfl_option_activation(struct tfl_operator *op, int field);

const struct tenon_desc *tfl_input_desc(const struct tfl_operator *op, uint32_t i);
/* The integers of a constant operand. Complains when it is not constant or too long. */
bool tfl_constant_list(struct tfl_operator *op, uint32_t i, struct tenon_list *out);
/* Whether operand i is there and constant. */
bool tfl_is_constant(const struct tfl_operator *op, uint32_t i);
/* A constant axis or option brought into [0, rank). */
bool tfl_axis(struct tfl_operator *op, int64_t axis, int32_t rank, int32_t *out);
/* Sets the shape of an output that the operator's file tells. */
bool tfl_declared_shape(struct tfl_operator *op, uint32_t output, struct tenon_shape *out);

/* The families. */
tfl_build_fn tfl_build_plain, tfl_build_activated, tfl_build_conv, tfl_build_depthwise,
    tfl_build_transpose_conv, tfl_build_fully_connected, tfl_build_pool, tfl_build_batch_matmul,
    tfl_build_softmax, tfl_build_lrn, tfl_build_leaky_relu, tfl_build_gelu, tfl_build_lstm,
    tfl_build_svdf, tfl_build_reshape, tfl_build_squeeze, tfl_build_expand_dims,
    tfl_build_transpose, tfl_build_pad, tfl_build_mirror_pad, tfl_build_concatenation,
    tfl_build_pack, tfl_build_unpack, tfl_build_split, tfl_build_split_v, tfl_build_slice,
    tfl_build_strided_slice, tfl_build_reduce, tfl_build_arg, tfl_build_cumsum, tfl_build_topk,
    tfl_build_resize_bilinear, tfl_build_resize_nearest, tfl_build_block, tfl_build_batch_space,
    tfl_build_gather, tfl_build_select, tfl_build_fill, tfl_build_tile, tfl_build_broadcast_to,
    tfl_build_reverse, tfl_build_detection;

#endif
