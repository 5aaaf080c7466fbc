/*
 * The compiled-program container. Little endian, sections found through a table, everything
 * bounds-checked by the reader before anyone sees it (docs/image.md).
 *
 *     header   magic "TENONIMG", version, section count, size of the file, place of the table
 *     table    per section: kind, offset, size; each section aligned to 64 bytes
 *     META     the program: edges (tensors that cross the border of a part), parts in execution
 *              order with the edges they read and write, the partition report's rows
 *     CODE     one per part: the backend's own form
 *     DATA     one per part: constants, packed as the backend wants them
 */
#ifndef TENON_IMAGE_IMAGE_H
#define TENON_IMAGE_IMAGE_H

#include "op/desc.h"
#include "util/arena.h"
#include "util/span.h"
#include "util/status.h"
#include "util/strbuf.h"

#define TENON_IMAGE_MAJOR 1
#define TENON_IMAGE_MINOR 0
#define TENON_IMAGE_ALIGNMENT 64

enum tenon_edge_kind {
    TENON_EDGE_INPUT,
    TENON_EDGE_OUTPUT,
    TENON_EDGE_VARIABLE, /* starts with all elements equal to its zero point */
    TENON_EDGE_BETWEEN,  /* from one part to a later one */
};

struct tenon_image_edge {
    enum tenon_edge_kind kind;
    const char *name;
    struct tenon_desc desc;
    size_t size_bytes; /* computed by the reader from desc */
};

struct tenon_image_part {
    const char *target;        /* device name, for example "cpu" */
    const char *compatibility; /* the driver's own id, for example "cpu-7 avx2" */
    struct tenon_span code;
    struct tenon_span data; /* aligned to TENON_IMAGE_ALIGNMENT in the file */
    size_t data_offset;     /* for the writer: where DATA stands in the buffer */
    const uint32_t *reads;  /* edges: inputs, variables, between */
    uint32_t read_count;
    const uint32_t *writes; /* edges: outputs, variables, between */
    uint32_t write_count;
    uint64_t scratch_bytes; /* told by the backend, checked by the driver */
};

struct tenon_image_node {
    const char *name;
    const char *op;
    const char *kernel;
    const char *reason;
    uint32_t part;
    uint64_t macs;
};

/* A whole image: what the writer takes and the reader gives. */
struct tenon_image {
    const char *name;
    struct tenon_image_edge *edges;
    uint32_t edge_count;
    struct tenon_image_part *parts;
    uint32_t part_count;
    struct tenon_image_node *nodes; /* grouped by part, parts ascending */
    uint32_t node_count;
    /* Edges that are the program's inputs and outputs, in the program's order. An output may also
     * name an INPUT edge, or another output's edge a second time: it is then a copy. */
    const uint32_t *inputs;
    uint32_t input_count;
    const uint32_t *outputs;
    uint32_t output_count;
};

/*
 * Writing. DATA sections, the bulk of an image, are appended to the buffer by whoever makes them,
 * between begin and end, so that they are in memory once; each starts with tenon_image_align. `end`
 * appends the rest and fills in the header; check buf->failed afterwards. Of each part it takes
 * data_offset and data.size, not data.data.
 */
void tenon_image_begin(struct tenon_strbuf *buf);
void tenon_image_align(struct tenon_strbuf *buf);
void tenon_image_end(const struct tenon_image *image, struct tenon_strbuf *buf);

/*
 * Reads untrusted bytes (aligned to 8 at least). Strings, code and data point into `bytes`; arrays
 * are the arena's. Guarantees: all indices in range, all descriptions valid, strings terminated,
 * every edge is written before it is read. Errors: BAD_IMAGE with the offset, INCOMPATIBLE (another
 * major version), OUT_OF_MEMORY.
 */
TENON_NODISCARD enum tenon_status tenon_image_read(struct tenon_span bytes,
                                                   struct tenon_arena *arena,
                                                   struct tenon_image *image,
                                                   struct tenon_error *error);

#endif
