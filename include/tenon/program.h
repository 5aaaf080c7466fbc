/*
 * Program: a compiled model, immutable. Saved, loaded (memory-mapped), asked what it needs and
 * where each of its nodes runs. A program can be used by many sessions and threads at once; it is
 * reference-counted, and a session keeps its program.
 */
#ifndef TENON_PROGRAM_H
#define TENON_PROGRAM_H

#include <tenon/status.h>
#include <tenon/tensor.h>

TENON_BEGIN_DECLS

struct tenon_program;

/*
 * Loads a saved program. The file is memory-mapped and must not change while the program lives.
 * On failure *out is NULL. Errors: IO, BAD_IMAGE, INCOMPATIBLE (version), OUT_OF_MEMORY.
 */
TENON_API enum tenon_status tenon_program_open(const char *path, struct tenon_program **out,
                                               struct tenon_error *error);
/* The same from a copy of `size` bytes. */
TENON_API enum tenon_status tenon_program_open_memory(const void *data, size_t size,
                                                      struct tenon_program **out,
                                                      struct tenon_error *error);
/*
 * The same from the `size` bytes after the first `offset` of `block`, taking over the block, which
 * malloc or aligned_alloc gave, on failure too. Kernels are faster where the bytes are aligned
 * to 64.
 */
TENON_API enum tenon_status tenon_program_adopt(void *block, size_t offset, size_t size,
                                                struct tenon_program **out,
                                                struct tenon_error *error);
/* Writes the program to a temporary file beside `path`, then renames it. Errors: IO. */
TENON_API enum tenon_status tenon_program_save(const struct tenon_program *program,
                                               const char *path, struct tenon_error *error);
/* The bytes of the image; they live as long as the program. */
TENON_API const void *tenon_program_data(const struct tenon_program *program, size_t *size);

TENON_API struct tenon_program *tenon_program_ref(struct tenon_program *program);
TENON_API void tenon_program_unref(struct tenon_program *program); /* NULL is fine */

TENON_API uint32_t tenon_program_input_count(const struct tenon_program *program);
TENON_API uint32_t tenon_program_output_count(const struct tenon_program *program);
/* Each returns INVALID_ARGUMENT when the index is out of range. */
TENON_API enum tenon_status tenon_program_input(const struct tenon_program *program, uint32_t index,
                                                struct tenon_tensor_info *out);
TENON_API enum tenon_status tenon_program_output(const struct tenon_program *program,
                                                 uint32_t index, struct tenon_tensor_info *out);

/* One row of the partition report: where a node runs, and why not on a preferred target. */
struct tenon_placement {
    const char *node;   /* node name or its output tensor's name */
    const char *op;     /* operator name */
    const char *device; /* target that runs it */
    const char *kernel; /* what executes it there, for example "reference" */
    const char *reason; /* "" when the first target took it, else why it did not */
    uint64_t macs;
};
TENON_API uint32_t tenon_program_node_count(const struct tenon_program *program);
TENON_API enum tenon_status tenon_program_placement(const struct tenon_program *program,
                                                    uint32_t index, struct tenon_placement *out);

/* A part: nodes that run on one target, at one go. Parts run in order. */
struct tenon_program_part {
    const char *target;
    const char *compatibility; /* which devices of the target run it; the driver's own words */
    uint32_t node_count;
    size_t code_bytes, constant_bytes, scratch_bytes;
};
TENON_API uint32_t tenon_program_part_count(const struct tenon_program *program);
/* INVALID_ARGUMENT when the index is out of range. */
TENON_API enum tenon_status tenon_program_part(const struct tenon_program *program, uint32_t index,
                                               struct tenon_program_part *out);

struct tenon_program_memory {
    size_t image_bytes;    /* the whole image */
    size_t constant_bytes; /* packed weights inside it */
    size_t scratch_bytes;  /* of one session: activations, variables, working memory */
};
TENON_API void tenon_program_get_memory(const struct tenon_program *program,
                                        struct tenon_program_memory *out);

TENON_END_DECLS

#endif
