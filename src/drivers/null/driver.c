/*
 * The null device: a model of an accelerator in software, and the driver skeleton that goes with
 * backends/null (docs/adding-a-backend.md). It has memory of its own: what a part reads is copied
 * in before it runs, what it writes is copied out after. A driver of silicon does the same with
 * ioctls instead of memcpy.
 */
#include "runtime/driver.h"
#include "image/null_code.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct executable {
    struct tenon_arena arena;
    const struct tenon_image *image;
    const struct tenon_image_part *part;
    struct tenon_null_code code;
    size_t *read_at, *write_at; /* per edge of the part: its place in device memory */
    size_t memory_bytes;
};

struct context {
    struct executable *executable;
    uint8_t *memory; /* of the device, for one session */
    void **edges;    /* of the host: reads, then writes */
};

static enum tenon_status null_open(uint32_t index, const struct tenon_driver_options *options,
                                   struct tenon_driver_device *out, struct tenon_error *error) {
    (void)index;
    (void)options;
    (void)error;
    *out = (struct tenon_driver_device){
        .name = "null",
        .description = "a skeleton: maps bytes through tables, in software",
        .features = "",
        .target = "null",
        .simulated = true,
        .thread_count = 1,
    };
    return TENON_OK;
}

static void null_close(void *state) {
    (void)state;
}

static enum tenon_compatibility null_compatibility(void *state,
                                                   const struct tenon_image_part *part) {
    (void)state;
    return strcmp(part->compatibility, TENON_NULL_ID) == 0 ? TENON_COMPATIBILITY_OPTIMAL
                                                           : TENON_COMPATIBILITY_UNSUPPORTED;
}

/* Step 6: load. The image is untrusted: nothing in it may make the device leave its memory. */

static bool operand_fits(const struct executable *e, const struct tenon_null_operand *operand,
                         uint32_t size_bytes) {
    const struct tenon_image_part *part = e->part;
    if (operand->place == TENON_NULL_SCRATCH)
        return true; /* the reader of the code has checked it */
    bool read = operand->place == TENON_NULL_READ;
    if (operand->offset >= (read ? part->read_count : part->write_count))
        return false;
    const uint32_t *edges = read ? part->reads : part->writes;
    return size_bytes <= e->image->edges[edges[operand->offset]].size_bytes;
}

static bool place_edges(struct executable *e, const uint32_t *edges, uint32_t count, size_t *at) {
    for (uint32_t i = 0; i < count; i++) {
        at[i] = e->memory_bytes;
        if (__builtin_add_overflow(e->memory_bytes, e->image->edges[edges[i]].size_bytes,
                                   &e->memory_bytes))
            return false;
    }
    return true;
}

static uint32_t nodes_of_part(const struct tenon_image *image, uint32_t part) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < image->node_count; i++)
        count += image->nodes[i].part == part;
    return count;
}

static enum tenon_status load_code(struct executable *e, uint32_t part, struct tenon_error *error) {
    enum tenon_status status =
        tenon_null_code_read(e->part->code, e->part->data, &e->arena, &e->code, error);
    if (status != TENON_OK)
        return status;
    if (e->code.scratch_bytes != e->part->scratch_bytes)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "the part tells another scratch size");
    uint32_t nodes = nodes_of_part(e->image, part);
    for (uint32_t i = 0; i < e->code.command_count; i++) {
        const struct tenon_null_command *c = &e->code.commands[i];
        if (c->node >= nodes || !operand_fits(e, &c->from, c->size_bytes) ||
            !operand_fits(e, &c->to, c->size_bytes))
            return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "command %u does not fit", i);
    }
    e->memory_bytes = (size_t)e->code.scratch_bytes;
    e->read_at = tenon_arena_alloc_array(&e->arena, e->part->read_count, sizeof(*e->read_at));
    e->write_at = tenon_arena_alloc_array(&e->arena, e->part->write_count, sizeof(*e->write_at));
    if (e->read_at == NULL || e->write_at == NULL)
        return tenon_fail_memory(error);
    if (!place_edges(e, e->part->reads, e->part->read_count, e->read_at) ||
        !place_edges(e, e->part->writes, e->part->write_count, e->write_at))
        return tenon_fail(error, TENON_ERROR_LIMIT, "more device memory than can be addressed");
    return TENON_OK;
}

static void null_unload(void *executable) {
    struct executable *e = executable;
    tenon_arena_finish(&e->arena);
    free(e);
}

static enum tenon_status null_load(void *state, const struct tenon_image *image, uint32_t part,
                                   void **executable, struct tenon_error *error) {
    struct executable *e = calloc(1, sizeof(*e));
    (void)state;
    if (e == NULL)
        return tenon_fail_memory(error);
    e->image = image;
    e->part = &image->parts[part];
    tenon_arena_init(&e->arena, 0);
    enum tenon_status status = load_code(e, part, error);
    if (status == TENON_OK)
        *executable = e;
    else
        null_unload(e);
    return status;
}

/* Step 7: sessions. Everything that execute needs is allocated here. */

static size_t null_scratch_bytes(const void *executable) {
    (void)executable;
    return 0; /* no host memory: the device has its own */
}

static void null_context_destroy(void *context) {
    struct context *c = context;
    free(c->memory);
    free(c->edges);
    free(c);
}

static enum tenon_status null_context_create(void *executable, void *scratch, void **context,
                                             struct tenon_error *error) {
    struct executable *e = executable;
    struct context *c = calloc(1, sizeof(*c));
    (void)scratch;
    if (c == NULL)
        return tenon_fail_memory(error);
    c->executable = e;
    c->memory = calloc(e->memory_bytes + 1, 1);
    c->edges = calloc((size_t)e->part->read_count + e->part->write_count + 1, sizeof(*c->edges));
    if (c->memory == NULL || c->edges == NULL) {
        null_context_destroy(c);
        return tenon_fail_memory(error);
    }
    *context = c;
    return TENON_OK;
}

static void null_bind(void *context, void *const *reads, void *const *writes) {
    struct context *c = context;
    const struct tenon_image_part *part = c->executable->part;
    for (uint32_t i = 0; i < part->read_count; i++)
        c->edges[i] = reads[i];
    for (uint32_t i = 0; i < part->write_count; i++)
        c->edges[part->read_count + i] = writes[i];
}

/* Step 8: execute: copy in, run, copy out; look at the deadline between commands. */

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint8_t *address_of(const struct context *c, const struct tenon_null_operand *operand) {
    const struct executable *e = c->executable;
    if (operand->place == TENON_NULL_READ)
        return c->memory + e->read_at[operand->offset];
    if (operand->place == TENON_NULL_WRITE)
        return c->memory + e->write_at[operand->offset];
    return c->memory + operand->offset;
}

static void run_command(const struct context *c, const struct tenon_null_command *command) {
    const uint8_t *table = c->executable->part->data.data + command->table;
    const uint8_t *from = address_of(c, &command->from);
    uint8_t *to = address_of(c, &command->to);
    for (uint32_t i = 0; i < command->size_bytes; i++)
        to[i] = table[from[i]];
}

static void copy_in(const struct context *c) {
    const struct executable *e = c->executable;
    for (uint32_t i = 0; i < e->part->read_count; i++)
        memcpy(c->memory + e->read_at[i], c->edges[i],
               e->image->edges[e->part->reads[i]].size_bytes);
}

static void copy_out(const struct context *c) {
    const struct executable *e = c->executable;
    for (uint32_t i = 0; i < e->part->write_count; i++)
        memcpy(c->edges[e->part->read_count + i], c->memory + e->write_at[i],
               e->image->edges[e->part->writes[i]].size_bytes);
}

static enum tenon_status null_execute(void *context, const struct tenon_job_control *control,
                                      struct tenon_error *error) {
    const struct context *c = context;
    const struct tenon_null_code *code = &c->executable->code;
    copy_in(c);
    for (uint32_t i = 0; i < code->command_count; i++) {
        if (control->deadline_ns != 0 && now_ns() > control->deadline_ns)
            return tenon_fail(error, TENON_ERROR_TIMEOUT,
                              "the deadline passed before command %u of %u", i,
                              code->command_count);
        uint64_t start = control->profile != NULL ? now_ns() : 0;
        run_command(c, &code->commands[i]);
        if (control->profile != NULL) {
            struct tenon_node_profile *profile = &control->profile[code->commands[i].node];
            profile->start_ns = start - control->start_ns;
            profile->duration_ns = now_ns() - start;
        }
    }
    copy_out(c);
    return TENON_OK;
}

/* Step 9: the contract of drivers. */

const struct tenon_driver tenon_driver_null = {
    .abi_version = TENON_DRIVER_ABI,
    .name = "null",
    .device_max = 1,
    .open = null_open,
    .close = null_close,
    .compatibility = null_compatibility,
    .load = null_load,
    .unload = null_unload,
    .scratch_bytes = null_scratch_bytes,
    .context_create = null_context_create,
    .context_destroy = null_context_destroy,
    .bind = null_bind,
    .execute = null_execute,
};
