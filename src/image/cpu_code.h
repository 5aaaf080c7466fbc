/*
 * The CODE section of a CPU part: a flat list of kernel calls with precomputed operands. Shared by
 * the CPU backend, which writes it, and the CPU driver, which reads it and does not trust it.
 */
#ifndef TENON_IMAGE_CPU_CODE_H
#define TENON_IMAGE_CPU_CODE_H

#include "op/op.h"
#include "util/arena.h"
#include "util/span.h"
#include "util/strbuf.h"

/* What the compatibility ids of CPU parts have after the device's name and '-'; of "cpu", the name
 * of the instruction set follows after a dot. */
#define TENON_CPU_CODE_ID "7"

/* Of params, and of scratch offsets. */
#define TENON_CPU_ALIGNMENT 64

enum tenon_cpu_place {
    TENON_CPU_ABSENT,
    TENON_CPU_READ,    /* offset is an index into the part's reads */
    TENON_CPU_WRITE,   /* offset is an index into the part's writes */
    TENON_CPU_DATA,    /* offset into the DATA section */
    TENON_CPU_SCRATCH, /* offset into the session's scratch */
    TENON_CPU_PACKED,  /* a constant that is in the call's params, in the kernel's own form */
};

struct tenon_cpu_operand {
    enum tenon_cpu_place place;
    uint64_t offset;
    struct tenon_desc desc;
};

struct tenon_cpu_call {
    const char *kernel; /* name in the kernel table of the driver */
    enum tenon_op op;
    enum tenon_rounding rounding;
    struct tenon_attrs attrs;
    uint32_t node; /* first row of the part's NODE rows that this call answers for */
    struct tenon_cpu_operand *operands; /* inputs, then outputs */
    uint32_t input_count, output_count;
    struct tenon_span params; /* in DATA: packed weights and whatever the kernel prepared */
    uint64_t params_offset;   /* where, in DATA */
    uint64_t scratch_offset, scratch_bytes; /* working memory of this call */
    uint64_t reference_scratch_bytes; /* what the reference kernel would need; set by the reader */
};

struct tenon_cpu_code {
    struct tenon_cpu_call *calls;
    uint32_t call_count;
    uint64_t scratch_bytes;
};

void tenon_cpu_code_write(const struct tenon_cpu_code *code, struct tenon_strbuf *buf);

/*
 * Reads untrusted bytes. `data` is the part's DATA section. Checks that every operand, params and
 * scratch range is inside, and every call against the operator table (tenon_op_infer).
 */
TENON_NODISCARD enum tenon_status
tenon_cpu_code_read(struct tenon_span code, struct tenon_span data, struct tenon_arena *arena,
                    struct tenon_cpu_code *out, struct tenon_error *error);

#endif
