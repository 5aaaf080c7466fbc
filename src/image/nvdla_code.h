/*
 * The CODE section of an NVDLA part: a list of commands that any NVDLA (RTL, model, FPGA, kernel
 * driver) can replay. Shared by the NVDLA backend, which writes it, and the drivers, which read it
 * and do not trust it. docs/nvdla.md has the byte layout and the textual form.
 *
 * The device sees two regions of memory, each placed by the driver at an address that is a multiple
 * of TENON_NVDLA_REGION_ALIGNMENT, at least as far apart as their sizes:
 *
 *     SCRATCH  scratch_bytes of read-write memory, one per session: feature cubes
 *     DATA     the part's DATA section, read-only: weights and operands of SDP
 *
 * Tensors of the border stay in host memory, dense; moves copy them to and from feature cubes in
 * SCRATCH. A program starts from the device's state after reset (every S_POINTER and every counter
 * of operations 0, no interrupt pending): a driver resets before each run. Commands run in order:
 *
 *     WRITE   a CSB write of `value` (place NONE), or of half an address: the place's address plus
 *             the offset `value`, its low 32 bits or, with `high`, its high 32 bits
 *     POLL    CSB reads until (register & mask) == value
 *     WAIT    until all bits of `mask` are set in the register `address` (GLB.S_INTR_STATUS); then
 *             a CSB write of `mask` there, which clears them; other bits are left alone
 *     PACK    moves[value]: dense tensor of the part's reads -> feature cube in SCRATCH
 *     UNPACK  moves[value]: feature cube in SCRATCH -> dense tensor of the part's writes
 *     NODE    what follows is done for node `value` of the part (profiles, messages); no effect
 */
#ifndef TENON_IMAGE_NVDLA_CODE_H
#define TENON_IMAGE_NVDLA_CODE_H

#include "util/arena.h"
#include "util/span.h"
#include "util/status.h"
#include "util/strbuf.h"

#define TENON_NVDLA_REGION_ALIGNMENT 64
/* CSB addresses here are byte addresses; the bus takes 16 bits of word address. */
#define TENON_NVDLA_CSB_BYTES 0x40000

enum tenon_nvdla_command_kind {
    TENON_NVDLA_WRITE,
    TENON_NVDLA_POLL,
    TENON_NVDLA_WAIT,
    TENON_NVDLA_PACK,
    TENON_NVDLA_UNPACK,
    TENON_NVDLA_NODE,
    TENON_NVDLA_COMMAND_COUNT
};

enum tenon_nvdla_place { TENON_NVDLA_NONE, TENON_NVDLA_SCRATCH, TENON_NVDLA_DATA };

struct tenon_nvdla_command {
    uint8_t kind;     /* enum tenon_nvdla_command_kind */
    uint8_t place;    /* WRITE: enum tenon_nvdla_place */
    bool high;        /* WRITE with a place */
    uint32_t address; /* WRITE, POLL, WAIT: a multiple of 4 below TENON_NVDLA_CSB_BYTES */
    uint32_t value;
    uint32_t mask; /* POLL, WAIT */
};

/*
 * A block of height x width x channels 8-bit elements, in two places:
 *
 *     dense tensor: element (h, w, c) at tensor_offset + h*row_bytes + w*pixel_bytes + c
 *     feature cube: element (h, w, c) at cube_offset + c/A*surface_stride + h*line_stride + w*A +
 *                   c%A, where A is atom_bytes
 *
 * Packing fills the lanes of the last atom above `channels` with zeros; unpacking ignores them.
 * Each element is xored with `flip` on its way (0x80 turns u8 into i8 and back).
 */
struct tenon_nvdla_move {
    uint32_t edge; /* index in the part's reads (PACK) or writes (UNPACK) */
    uint32_t height, width, channels;
    uint8_t flip;
    uint64_t tensor_offset, row_bytes, pixel_bytes;
    uint64_t cube_offset; /* in SCRATCH; a multiple of atom_bytes */
    uint64_t line_stride, surface_stride;
};

struct tenon_nvdla_code {
    const char *config;  /* "nv_small" */
    uint32_t atom_bytes; /* of a feature cube: 8 in nv_small */
    uint32_t node_count; /* of the part: NODE's values are below */
    uint64_t scratch_bytes;
    struct tenon_nvdla_move *moves;
    uint32_t move_count;
    struct tenon_nvdla_command *commands;
    uint32_t command_count;
};

#define TENON_NVDLA_DIMENSION_MAX 8192 /* of height, width and channels in one move */

void tenon_nvdla_code_write(const struct tenon_nvdla_code *code, struct tenon_strbuf *buf);

/*
 * Reads untrusted bytes; `data_bytes` is the size of the part's DATA section. Guarantees: kinds,
 * places, flags and indices are in range; addresses are as said above; offsets of WRITEs are inside
 * of their region; cubes of moves are inside of SCRATCH, dimensions are 1 to
 * TENON_NVDLA_DIMENSION_MAX. What is left to the driver: that a move's edge exists and that
 * tenon_nvdla_move_end is not above its size; and that the device stays inside of its regions,
 * because what an operation accesses is only known to the device. Errors: BAD_IMAGE, OUT_OF_MEMORY.
 */
TENON_NODISCARD enum tenon_status
tenon_nvdla_code_read(struct tenon_span bytes, uint64_t data_bytes, struct tenon_arena *arena,
                      struct tenon_nvdla_code *out, struct tenon_error *error);

/* One more than the highest byte that a move accesses in its tensor; UINT64_MAX: none fits. */
uint64_t tenon_nvdla_move_end(const struct tenon_nvdla_move *move);
/* The same in SCRATCH, for the cube. */
uint64_t tenon_nvdla_move_cube_end(const struct tenon_nvdla_move *move, uint32_t atom_bytes);

/* Execute a checked move. */
void tenon_nvdla_pack(const struct tenon_nvdla_move *move, uint32_t atom_bytes,
                      const uint8_t *tensor, uint8_t *scratch);
void tenon_nvdla_unpack(const struct tenon_nvdla_move *move, uint32_t atom_bytes,
                        const uint8_t *scratch, uint8_t *tensor);

/*
 * Appends the textual form, a line per command. `annotate`, if not NULL, appends what it knows of a
 * WRITE, POLL or WAIT as the line's comment. With `data`, `load` lines give the bytes of DATA.
 */
void tenon_nvdla_code_print(const struct tenon_nvdla_code *code, struct tenon_span data,
                            void (*annotate)(const struct tenon_nvdla_command *command,
                                             struct tenon_strbuf *out),
                            struct tenon_strbuf *out);

#endif
