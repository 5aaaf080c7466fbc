/*
 * The operator table: one row per operator with its name, operands, attributes, shape rule and
 * reference kernel. The reference kernel is at once the specification, the constant folder, the
 * last-resort executor and the conformance oracle.
 *
 * To add an operator: one row in ops.def, its shape rule and reference kernel in the file of its
 * family (conv.c, pool.c, elementwise.c, …), and a conformance case. See
 * docs/adding-an-operator.md.
 */
#ifndef TENON_OP_OP_H
#define TENON_OP_OP_H

#include "op/attrs.h"
#include "op/desc.h"
#include "util/status.h"

enum tenon_op {
#define TENON_OP(id, name, inputs, outputs, optional, mutated, attrs, family) TENON_OP_##id,
#include "op/ops.def"
#undef TENON_OP
    TENON_OP_COUNT
};

/* One operand of a call. desc is NULL for an absent optional input. data is NULL while only shapes
 * are asked about, except that a constant's data may be given. */
struct tenon_operand {
    struct tenon_desc *desc;
    void *data; /* dense; aligned to its element type at least */
};

/*
 * An operator applied to operands. Outputs' types and quantization are always given; shapes are
 * inferred where their rank is TENON_RANK_UNKNOWN. Mutated inputs (state) are written in place.
 * Output data never overlaps input data unless the row says TENON_OP_INPLACE and it is the same
 * address.
 */
struct tenon_op_call {
    enum tenon_op op;
    enum tenon_rounding rounding;
    const struct tenon_attrs *attrs;
    uint32_t input_count, output_count;
    const struct tenon_operand *inputs;
    const struct tenon_operand *outputs;
    void *scratch; /* of tenon_op_scratch_bytes, aligned to 64 */
};

struct tenon_op_info {
    const char *name;
    uint8_t input_min, input_max; /* input_max 255: any number */
    uint8_t output_min, output_max;
    uint32_t optional_inputs; /* bit i: input i may be absent */
    uint32_t mutated_inputs;  /* bit i: input i is state, read and written */
    uint64_t attrs;           /* mask of TENON_ATTR_BIT */
    /* Checks operands, types, quantization and attributes; fills in unknown output shapes and
     * checks the known ones. After it says OK, `reference` cannot access memory out of bounds.
     * Errors: BAD_MODEL (contradiction) or UNSUPPORTED (types, forms not implemented). */
    enum tenon_status (*infer)(const struct tenon_op_call *call, struct tenon_error *error);
    /* Errors: only what depends on data, such as an index operand out of range. */
    enum tenon_status (*reference)(const struct tenon_op_call *call, struct tenon_error *error);
    size_t (*scratch_bytes)(const struct tenon_op_call *call); /* NULL: none */
    uint64_t (*macs)(const struct tenon_op_call *call);        /* NULL: none */
    bool in_place; /* output 0 may have the address of input 0 when types' sizes and shapes agree */
};

extern const struct tenon_op_info tenon_op_table[TENON_OP_COUNT];

static inline const struct tenon_op_info *tenon_op_get_info(enum tenon_op op) {
    return &tenon_op_table[op];
}

/* TENON_OP_COUNT when there is no such name. */
enum tenon_op tenon_op_parse(const char *name, size_t size);

/*
 * The one entry to `infer`: checks operand counts and descriptions (element counts, quantization)
 * first, then asks the row, then checks the outputs' element counts.
 */
TENON_NODISCARD enum tenon_status tenon_op_infer(const struct tenon_op_call *call,
                                                 struct tenon_error *error);
size_t tenon_op_scratch_bytes(const struct tenon_op_call *call);
uint64_t tenon_op_macs(const struct tenon_op_call *call);
/* Runs the reference kernel of an inferred call. */
TENON_NODISCARD enum tenon_status tenon_op_run_reference(const struct tenon_op_call *call,
                                                         struct tenon_error *error);

#endif
