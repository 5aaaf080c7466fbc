/*
 * Model: an imported network, immutable. Made from the bytes of a .tflite file or of Tenon's own
 * text form (.tir), looked into node by node, compiled into a program (compile.h).
 *
 * Part of libtenon (the compiler half). A model may be used from several threads at once.
 */
#ifndef TENON_MODEL_H
#define TENON_MODEL_H

#include <tenon/diagnostics.h>
#include <tenon/status.h>
#include <tenon/tensor.h>

TENON_BEGIN_DECLS

struct tenon_model;

struct tenon_model_options {
    size_t size;                    /* sizeof(struct tenon_model_options) */
    struct tenon_diagnostics *list; /* receives the diagnostics; NULL keeps only the first error */
    enum tenon_rounding rounding;   /* overrides every node's rule; NONE keeps the model's */
};

/*
 * Imports a file. The file is memory-mapped for the life of the model and must not change.
 * options may be NULL. On failure *out is NULL and `error` holds the first diagnostic.
 * Errors: IO, BAD_MODEL, UNSUPPORTED, OUT_OF_MEMORY, LIMIT.
 */
TENON_API enum tenon_status tenon_model_open(const char *path,
                                             const struct tenon_model_options *options,
                                             struct tenon_model **out, struct tenon_error *error);
/* The same from memory, which must outlive the model. `name` is used in messages. */
TENON_API enum tenon_status tenon_model_open_memory(const void *data, size_t size, const char *name,
                                                    const struct tenon_model_options *options,
                                                    struct tenon_model **out,
                                                    struct tenon_error *error);
TENON_API void tenon_model_destroy(struct tenon_model *model); /* NULL is fine */

struct tenon_model_info {
    const char *name;
    const char *description;
    uint32_t input_count, output_count;
    uint32_t node_count, tensor_count;
    uint64_t macs;             /* multiply-accumulates of one inference */
    uint64_t constant_bytes;   /* weights and other constants */
    uint64_t activation_bytes; /* all non-constant tensors, without reuse */
};
TENON_API void tenon_model_get_info(const struct tenon_model *model, struct tenon_model_info *out);

struct tenon_node_info {
    const char *op;   /* operator name, for example "conv_2d" */
    const char *name; /* the node's own name; may be empty */
    uint32_t input_count, output_count;
    const uint32_t *inputs; /* tensor indices, TENON_NO_INDEX for an absent optional operand */
    const uint32_t *outputs;
    enum tenon_rounding rounding;
    uint64_t macs;
    const char *attributes; /* printed attributes, for example "stride=[2,2], pad=[0,0,1,1]" */
};

/* Each returns INVALID_ARGUMENT when the index is out of range. */
TENON_API enum tenon_status tenon_model_input(const struct tenon_model *model, uint32_t index,
                                              struct tenon_tensor_info *out);
TENON_API enum tenon_status tenon_model_output(const struct tenon_model *model, uint32_t index,
                                               struct tenon_tensor_info *out);
TENON_API enum tenon_status tenon_model_tensor(const struct tenon_model *model, uint32_t index,
                                               struct tenon_tensor_info *out);
TENON_API enum tenon_status tenon_model_node(const struct tenon_model *model, uint32_t index,
                                             struct tenon_node_info *out);
/* The constant data of a tensor, or NULL when the tensor is not constant. */
TENON_API const void *tenon_model_tensor_data(const struct tenon_model *model, uint32_t index);

/*
 * The complete text form (docs/ir.md). *out is a NUL-terminated string to be released with
 * tenon_text_free. Errors: out of memory.
 */
TENON_API enum tenon_status tenon_model_print(const struct tenon_model *model, char **out,
                                              struct tenon_error *error);
TENON_API void tenon_text_free(char *text);

TENON_END_DECLS

#endif
