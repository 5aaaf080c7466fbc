/*
 * Sessions: every edge of the program has memory (the session's own until something is bound),
 * every part an executable and a context. Parts run one after the other, so they share one scratch
 * block.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"
#include "util/checked.h"

enum { MEMORY_ALIGNMENT = 64 };

struct part {
    const struct tenon_driver *driver;
    void *executable, *context;
    void **reads, **writes;
    uint32_t first_node; /* row of the partition report */
};

struct tenon_session {
    struct tenon_program *program;
    uint8_t *memory;               /* the edges' own memory, then scratch */
    uint8_t **own;                 /* per edge */
    uint8_t **bound;               /* per edge: where it is now */
    struct tenon_buffer **buffers; /* per edge, or NULL */
    uint8_t **outputs;             /* per output: a copy's place when its edge serves another */
    struct tenon_buffer **output_buffers;
    struct part *parts;
    struct tenon_node_profile *profile; /* NULL unless asked for */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool busy;
    bool dirty; /* bindings changed since the contexts were bound */
};

static const struct tenon_image *image_of(const struct tenon_session *session) {
    return &session->program->image;
}

/* ---- memory ---- */

/* The first output that names an edge is the edge itself; any other, and outputs that are inputs,
 * are copies. */
static bool output_is_copy(const struct tenon_image *image, uint32_t index) {
    if (image->edges[image->outputs[index]].kind != TENON_EDGE_OUTPUT)
        return true;
    for (uint32_t i = 0; i < index; i++)
        if (image->outputs[i] == image->outputs[index])
            return true;
    return false;
}

static bool add_room(size_t *total, size_t size, size_t *offset) {
    *offset = *total;
    return tenon_align_size(size, MEMORY_ALIGNMENT, &size) && tenon_add_size(*total, size, total);
}

static bool measure(const struct tenon_session *session, size_t scratch, size_t *total) {
    const struct tenon_image *image = image_of(session);
    size_t unused;
    bool ok = true;
    *total = 0;
    for (uint32_t i = 0; i < image->edge_count; i++)
        ok = ok && add_room(total, image->edges[i].size_bytes, &unused);
    for (uint32_t i = 0; i < image->output_count; i++)
        if (output_is_copy(image, i))
            ok = ok && add_room(total, image->edges[image->outputs[i]].size_bytes, &unused);
    return ok && add_room(total, scratch, &unused) && tenon_add_size(*total, 1, &unused);
}

static uint8_t *distribute(struct tenon_session *session) {
    const struct tenon_image *image = image_of(session);
    size_t total = 0, offset = 0;
    for (uint32_t i = 0; i < image->edge_count; i++) {
        (void)!add_room(&total, image->edges[i].size_bytes, &offset);
        session->own[i] = session->bound[i] = session->memory + offset;
    }
    for (uint32_t i = 0; i < image->output_count; i++) {
        if (!output_is_copy(image, i))
            continue;
        (void)!add_room(&total, image->edges[image->outputs[i]].size_bytes, &offset);
        session->outputs[i] = session->memory + offset;
    }
    return session->memory + total;
}

static void fill_element(uint8_t *data, size_t size, size_t element, int64_t value) {
    for (size_t i = 0; i + element <= size; i += element)
        for (size_t k = 0; k < element; k++)
            data[i + k] = (uint8_t)((uint64_t)value >> (8 * k));
}

static void reset_variables(struct tenon_session *session) {
    const struct tenon_image *image = image_of(session);
    for (uint32_t i = 0; i < image->edge_count; i++) {
        const struct tenon_image_edge *edge = &image->edges[i];
        int32_t zero = tenon_desc_zero_point(&edge->desc);
        size_t element = tenon_type_bit_count(edge->desc.type) / 8;
        if (edge->kind != TENON_EDGE_VARIABLE)
            continue;
        memset(session->own[i], 0, edge->size_bytes);
        if (zero != 0 && element != 0)
            fill_element(session->own[i], edge->size_bytes, element, zero);
    }
}

/* ---- creation ---- */

/* The first device that runs programs of the target. */
static struct tenon_device *find_device(struct tenon_instance *instance, const char *target) {
    for (uint32_t i = 0; i < instance->device_count; i++)
        if (strcmp(instance->devices[i].info.target, target) == 0)
            return &instance->devices[i];
    return NULL;
}

static enum tenon_status load_part(struct tenon_session *session, struct tenon_instance *instance,
                                   uint32_t index, struct tenon_error *error) {
    const struct tenon_image *image = image_of(session);
    const struct tenon_image_part *part = &image->parts[index];
    struct part *p = &session->parts[index];
    struct tenon_device *device = find_device(instance, part->target);
    if (device == NULL)
        return tenon_fail(error, TENON_ERROR_NOT_FOUND,
                          "the program needs a device for '%.60s', and none is here", part->target);
    if (device->driver->compatibility(device->info.state, part) == TENON_COMPATIBILITY_UNSUPPORTED)
        return tenon_fail(error, TENON_ERROR_INCOMPATIBLE,
                          "the program was compiled for '%.60s', which does not fit device '%s': "
                          "compile the model again",
                          part->compatibility, device->info.name);
    p->reads = calloc((size_t)part->read_count + 1, sizeof(*p->reads));
    p->writes = calloc((size_t)part->write_count + 1, sizeof(*p->writes));
    if (p->reads == NULL || p->writes == NULL)
        return tenon_fail_memory(error);
    enum tenon_status status =
        device->driver->load(device->info.state, image, index, &p->executable, error);
    if (status == TENON_OK)
        p->driver = device->driver;
    return status;
}

static bool allocate_tables(struct tenon_session *session) {
    const struct tenon_image *image = image_of(session);
    size_t edges = (size_t)image->edge_count + 1, outputs = (size_t)image->output_count + 1;
    session->own = calloc(edges, sizeof(*session->own));
    session->bound = calloc(edges, sizeof(*session->bound));
    session->buffers = calloc(edges, sizeof(*session->buffers));
    session->outputs = calloc(outputs, sizeof(*session->outputs));
    session->output_buffers = calloc(outputs, sizeof(*session->output_buffers));
    session->parts = calloc((size_t)image->part_count + 1, sizeof(*session->parts));
    return session->own != NULL && session->bound != NULL && session->buffers != NULL &&
           session->outputs != NULL && session->output_buffers != NULL && session->parts != NULL;
}

static void number_nodes(struct tenon_session *session) {
    const struct tenon_image *image = image_of(session);
    for (uint32_t i = image->node_count; i-- > 0;)
        session->parts[image->nodes[i].part].first_node = i;
}

static enum tenon_status create_contexts(struct tenon_session *session, size_t scratch,
                                         struct tenon_error *error) {
    const struct tenon_image *image = image_of(session);
    size_t total;
    if (!measure(session, scratch, &total))
        return tenon_fail_memory(error);
    session->memory = aligned_alloc(MEMORY_ALIGNMENT, total + MEMORY_ALIGNMENT);
    if (session->memory == NULL)
        return tenon_fail_memory(error);
    uint8_t *scratch_memory = distribute(session);
    for (uint32_t i = 0; i < image->edge_count; i++)
        memset(session->own[i], 0, image->edges[i].size_bytes);
    reset_variables(session);
    for (uint32_t i = 0; i < image->part_count; i++) {
        struct part *p = &session->parts[i];
        enum tenon_status status =
            p->driver->context_create(p->executable, scratch_memory, &p->context, error);
        if (status != TENON_OK)
            return status;
    }
    return TENON_OK;
}

static enum tenon_status init(struct tenon_session *session, struct tenon_instance *instance,
                              bool profile, struct tenon_error *error) {
    const struct tenon_image *image = image_of(session);
    size_t scratch = 0;
    if (!allocate_tables(session))
        return tenon_fail_memory(error);
    for (uint32_t i = 0; i < image->part_count; i++) {
        enum tenon_status status = load_part(session, instance, i, error);
        if (status != TENON_OK)
            return status;
        size_t needed = session->parts[i].driver->scratch_bytes(session->parts[i].executable);
        scratch = needed > scratch ? needed : scratch;
    }
    if (profile) {
        session->profile = calloc((size_t)image->node_count + 1, sizeof(*session->profile));
        if (session->profile == NULL)
            return tenon_fail_memory(error);
        number_nodes(session);
    }
    session->dirty = true;
    return create_contexts(session, scratch, error);
}

enum tenon_status tenon_session_create(struct tenon_instance *instance,
                                       struct tenon_program *program,
                                       const struct tenon_session_options *options,
                                       struct tenon_session **out, struct tenon_error *error) {
    *out = NULL;
    if (options != NULL && options->size < sizeof(*options))
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "options.size is %zu, not %zu",
                          options->size, sizeof(*options));
    struct tenon_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return tenon_fail_memory(error);
    pthread_mutex_init(&session->lock, NULL);
    pthread_cond_init(&session->idle, NULL);
    session->program = tenon_program_ref(program);
    enum tenon_status status = init(session, instance, options != NULL && options->profile, error);
    if (status == TENON_OK)
        *out = session;
    else
        tenon_session_destroy(session);
    return status;
}

static void destroy_parts(struct tenon_session *session) {
    for (uint32_t i = 0; i < image_of(session)->part_count; i++) {
        struct part *p = &session->parts[i];
        if (p->context != NULL)
            p->driver->context_destroy(p->context);
        if (p->driver != NULL)
            p->driver->unload(p->executable);
        free(p->reads);
        free(p->writes);
    }
}

void tenon_session_destroy(struct tenon_session *session) {
    if (session == NULL)
        return;
    pthread_mutex_lock(&session->lock);
    while (session->busy)
        pthread_cond_wait(&session->idle, &session->lock);
    pthread_mutex_unlock(&session->lock);
    const struct tenon_image *image = image_of(session);
    if (session->parts != NULL)
        destroy_parts(session);
    for (uint32_t i = 0; session->buffers != NULL && i < image->edge_count; i++)
        tenon_buffer_unref(session->buffers[i]);
    for (uint32_t i = 0; session->output_buffers != NULL && i < image->output_count; i++)
        tenon_buffer_unref(session->output_buffers[i]);
    free(session->parts);
    free(session->own);
    free(session->bound);
    free(session->buffers);
    free(session->outputs);
    free(session->output_buffers);
    free(session->memory);
    free(session->profile);
    pthread_cond_destroy(&session->idle);
    pthread_mutex_destroy(&session->lock);
    tenon_program_unref(session->program);
    free(session);
}

/* ---- binding ---- */

static bool is_busy(struct tenon_session *session) {
    pthread_mutex_lock(&session->lock);
    bool busy = session->busy;
    pthread_mutex_unlock(&session->lock);
    return busy;
}

static enum tenon_status check_binding(struct tenon_session *session,
                                       const struct tenon_image_edge *edge,
                                       struct tenon_buffer *buffer, size_t offset,
                                       struct tenon_error *error) {
    size_t element = tenon_type_bit_count(edge->desc.type) / 8;
    if (offset > buffer->size_bytes || edge->size_bytes > buffer->size_bytes - offset)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT,
                          "'%s' needs %zu bytes at offset %zu of a buffer of %zu", edge->name,
                          edge->size_bytes, offset, buffer->size_bytes);
    if (element > 1 && ((uintptr_t)buffer->data + offset) % element != 0)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT,
                          "'%s' must be aligned to its element of %zu bytes", edge->name, element);
    if (is_busy(session))
        return tenon_fail(error, TENON_ERROR_BUSY, "the session has a job in flight");
    return TENON_OK;
}

static void replace(struct tenon_buffer **slot, struct tenon_buffer *buffer) {
    tenon_buffer_ref(buffer);
    tenon_buffer_unref(*slot);
    *slot = buffer;
}

enum tenon_status tenon_session_bind_input(struct tenon_session *session, uint32_t index,
                                           struct tenon_buffer *buffer, size_t offset,
                                           struct tenon_error *error) {
    const struct tenon_image *image = image_of(session);
    if (index >= image->input_count)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "input %u of %u", index,
                          image->input_count);
    uint32_t edge = image->inputs[index];
    enum tenon_status status = check_binding(session, &image->edges[edge], buffer, offset, error);
    if (status != TENON_OK)
        return status;
    replace(&session->buffers[edge], buffer);
    session->bound[edge] = buffer->data + offset;
    session->dirty = true;
    return TENON_OK;
}

enum tenon_status tenon_session_bind_output(struct tenon_session *session, uint32_t index,
                                            struct tenon_buffer *buffer, size_t offset,
                                            struct tenon_error *error) {
    const struct tenon_image *image = image_of(session);
    if (index >= image->output_count)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "output %u of %u", index,
                          image->output_count);
    uint32_t edge = image->outputs[index];
    enum tenon_status status = check_binding(session, &image->edges[edge], buffer, offset, error);
    if (status != TENON_OK)
        return status;
    if (output_is_copy(image, index)) {
        replace(&session->output_buffers[index], buffer);
        session->outputs[index] = buffer->data + offset;
    } else {
        replace(&session->buffers[edge], buffer);
        session->bound[edge] = buffer->data + offset;
    }
    session->dirty = true;
    return TENON_OK;
}

void *tenon_session_input_data(struct tenon_session *session, uint32_t index) {
    const struct tenon_image *image = image_of(session);
    return index < image->input_count ? session->bound[image->inputs[index]] : NULL;
}

void *tenon_session_output_data(struct tenon_session *session, uint32_t index) {
    const struct tenon_image *image = image_of(session);
    if (index >= image->output_count)
        return NULL;
    return session->outputs[index] != NULL ? session->outputs[index]
                                           : session->bound[image->outputs[index]];
}

enum tenon_status tenon_session_reset(struct tenon_session *session, struct tenon_error *error) {
    if (is_busy(session))
        return tenon_fail(error, TENON_ERROR_BUSY, "the session has a job in flight");
    reset_variables(session);
    return TENON_OK;
}

enum tenon_status tenon_session_profile(const struct tenon_session *session, uint32_t node,
                                        struct tenon_node_profile *out) {
    if (session->profile == NULL || node >= image_of(session)->node_count)
        return TENON_ERROR_INVALID_ARGUMENT;
    *out = session->profile[node];
    return TENON_OK;
}

/* ---- running ---- */

bool tenon_session_begin(struct tenon_session *session) {
    pthread_mutex_lock(&session->lock);
    bool free_to = !session->busy;
    session->busy = true;
    pthread_mutex_unlock(&session->lock);
    return free_to;
}

void tenon_session_end(struct tenon_session *session) {
    pthread_mutex_lock(&session->lock);
    session->busy = false;
    pthread_cond_broadcast(&session->idle);
    pthread_mutex_unlock(&session->lock);
}

static void bind_parts(struct tenon_session *session) {
    const struct tenon_image *image = image_of(session);
    for (uint32_t i = 0; i < image->part_count; i++) {
        const struct tenon_image_part *part = &image->parts[i];
        struct part *p = &session->parts[i];
        for (uint32_t k = 0; k < part->read_count; k++)
            p->reads[k] = session->bound[part->reads[k]];
        for (uint32_t k = 0; k < part->write_count; k++)
            p->writes[k] = session->bound[part->writes[k]];
        p->driver->bind(p->context, p->reads, p->writes);
    }
    session->dirty = false;
}

static void copy_outputs(struct tenon_session *session) {
    const struct tenon_image *image = image_of(session);
    for (uint32_t i = 0; i < image->output_count; i++) {
        uint32_t edge = image->outputs[i];
        if (session->outputs[i] != NULL && session->outputs[i] != session->bound[edge])
            memmove(session->outputs[i], session->bound[edge], image->edges[edge].size_bytes);
    }
}

enum tenon_status tenon_session_execute(struct tenon_session *session, uint64_t deadline_ns,
                                        struct tenon_error *error) {
    const struct tenon_image *image = image_of(session);
    enum tenon_status status = TENON_OK;
    struct tenon_job_control control = {.deadline_ns = deadline_ns, .start_ns = tenon_now_ns()};
    if (session->dirty)
        bind_parts(session);
    for (uint32_t i = 0; status == TENON_OK && i < image->part_count; i++) {
        struct part *p = &session->parts[i];
        if (session->profile != NULL)
            control.profile = session->profile + p->first_node;
        status = p->driver->execute(p->context, &control, error);
    }
    if (status == TENON_OK)
        copy_outputs(session);
    return status;
}
