/*
 * Virtual devices: the functional models of sim/ as devices. sim:nvdla runs programs compiled for
 * nvdla:nv_small, with memory of its own: constants are copied in when a program is loaded, what a
 * part reads and writes by its moves. A job has the device for itself and resets it first, so that
 * a job that breaks a rule of the hardware is lost (DEVICE_LOST, with rule, register and operation)
 * and the next one is right. Times in profiles are the model's cycles at 1 GHz.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image/nvdla_code.h"
#include "runtime/driver.h"
#include "sim/nvdla/nvdla.h"

/* Where the device sees the two regions of a program; each has room up to the next. */
#define SCRATCH_ADDRESS UINT64_C(0x40000000)
#define DATA_ADDRESS UINT64_C(0xc0000000)
enum { DATA_BYTES_MAX = 0x3fffffff, NO_NODE = -1 };
#define SCRATCH_BYTES_MAX (DATA_ADDRESS - SCRATCH_ADDRESS)

static const struct model {
    const char *name, *target, *config, *id, *description;
} models[] = {
    {"sim:nvdla", "nvdla:nv_small", "nv_small", "nvdla-nv_small-1",
     "a functional model of NVDLA nv_small: 64 MAC/cycle of int8, 128 KiB buffer"},
};

struct device {
    const struct model *model;
    struct tenon_nvdla_sim *sim; /* made when the first program is loaded: it takes 2 MB */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool busy;
};

struct executable {
    struct tenon_arena arena;
    struct device *device;
    const struct tenon_image *image;
    const struct tenon_image_part *part;
    struct tenon_nvdla_code code;
    uint8_t *data; /* the device's copy of DATA */
};

struct context {
    struct executable *executable;
    uint8_t *scratch; /* of the device, for one session */
    void **edges;     /* of the host: reads, then writes */
};

/* ---- devices ---- */

static void sim_close(void *state) {
    struct device *device = state;
    tenon_nvdla_sim_destroy(device->sim);
    pthread_cond_destroy(&device->idle);
    pthread_mutex_destroy(&device->lock);
    free(device);
}

static enum tenon_status sim_open(uint32_t index, const struct tenon_driver_options *options,
                                  struct tenon_driver_device *out, struct tenon_error *error) {
    const struct model *model = &models[index];
    struct device *device = calloc(1, sizeof(*device));
    pthread_condattr_t monotonic;
    (void)options;
    if (device == NULL)
        return tenon_fail_memory(error);
    device->model = model;
    pthread_mutex_init(&device->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&device->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = (struct tenon_driver_device){
        .name = model->name,
        .description = model->description,
        .features = "",
        .target = model->target,
        .simulated = true,
        .thread_count = 1,
        .state = device,
    };
    return TENON_OK;
}

static enum tenon_compatibility sim_compatibility(void *state,
                                                  const struct tenon_image_part *part) {
    const struct device *device = state;
    return strcmp(part->compatibility, device->model->id) == 0 ? TENON_COMPATIBILITY_OPTIMAL
                                                               : TENON_COMPATIBILITY_UNSUPPORTED;
}

/* ---- loading ---- */

static bool move_fits(const struct executable *e, const struct tenon_nvdla_command *command) {
    const struct tenon_nvdla_move *move = &e->code.moves[command->value];
    bool pack = command->kind == TENON_NVDLA_PACK;
    const uint32_t *edges = pack ? e->part->reads : e->part->writes;
    if (move->edge >= (pack ? e->part->read_count : e->part->write_count))
        return false;
    return tenon_nvdla_move_end(move) <= e->image->edges[edges[move->edge]].size_bytes;
}

static uint32_t nodes_of_part(const struct tenon_image *image, uint32_t part) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < image->node_count; i++)
        count += image->nodes[i].part == part;
    return count;
}

static enum tenon_status check_code(const struct executable *e, uint32_t part,
                                    struct tenon_error *error) {
    const struct tenon_nvdla_code *code = &e->code;
    if (strcmp(code->config, e->device->model->config) != 0)
        return tenon_fail(error, TENON_ERROR_INCOMPATIBLE, "the program is for '%.40s', not '%s'",
                          code->config, e->device->model->config);
    if (code->scratch_bytes != e->part->scratch_bytes ||
        code->node_count != nodes_of_part(e->image, part))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "the part and its code do not agree");
    if (code->scratch_bytes > SCRATCH_BYTES_MAX || e->part->data.size > DATA_BYTES_MAX)
        return tenon_fail(error, TENON_ERROR_LIMIT, "more device memory than can be addressed");
    for (uint32_t i = 0; i < code->command_count; i++) {
        const struct tenon_nvdla_command *c = &code->commands[i];
        if ((c->kind == TENON_NVDLA_PACK || c->kind == TENON_NVDLA_UNPACK) && !move_fits(e, c))
            return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "move of command %u does not fit", i);
    }
    return TENON_OK;
}

static bool make_sim(struct device *device) {
    pthread_mutex_lock(&device->lock);
    if (device->sim == NULL)
        device->sim = tenon_nvdla_sim_create(tenon_nvdla_sim_config_find(device->model->config));
    bool made = device->sim != NULL;
    pthread_mutex_unlock(&device->lock);
    return made;
}

static enum tenon_status load_code(struct executable *e, uint32_t part, struct tenon_error *error) {
    const struct tenon_span data = e->part->data;
    enum tenon_status status =
        tenon_nvdla_code_read(e->part->code, data.size, &e->arena, &e->code, error);
    if (status == TENON_OK)
        status = check_code(e, part, error);
    if (status != TENON_OK)
        return status;
    e->data = malloc(data.size + 1);
    if (e->data == NULL || !make_sim(e->device))
        return tenon_fail_memory(error);
    if (data.size != 0)
        memcpy(e->data, data.data, data.size);
    return TENON_OK;
}

static void sim_unload(void *executable) {
    struct executable *e = executable;
    tenon_arena_finish(&e->arena);
    free(e->data);
    free(e);
}

static enum tenon_status sim_load(void *state, const struct tenon_image *image, uint32_t part,
                                  void **executable, struct tenon_error *error) {
    struct executable *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return tenon_fail_memory(error);
    e->device = state;
    e->image = image;
    e->part = &image->parts[part];
    tenon_arena_init(&e->arena, 0);
    enum tenon_status status = load_code(e, part, error);
    if (status == TENON_OK)
        *executable = e;
    else
        sim_unload(e);
    return status;
}

/* ---- sessions ---- */

static size_t sim_scratch_bytes(const void *executable) {
    (void)executable;
    return 0; /* no host memory: the device has its own */
}

static void sim_context_destroy(void *context) {
    struct context *c = context;
    free(c->scratch);
    free(c->edges);
    free(c);
}

static enum tenon_status sim_context_create(void *executable, void *scratch, void **context,
                                            struct tenon_error *error) {
    struct executable *e = executable;
    struct context *c = calloc(1, sizeof(*c));
    (void)scratch;
    if (c == NULL)
        return tenon_fail_memory(error);
    c->executable = e;
    c->scratch = calloc((size_t)e->code.scratch_bytes + 1, 1);
    c->edges = calloc((size_t)e->part->read_count + e->part->write_count + 1, sizeof(*c->edges));
    if (c->scratch == NULL || c->edges == NULL) {
        sim_context_destroy(c);
        return tenon_fail_memory(error);
    }
    *context = c;
    return TENON_OK;
}

static void sim_bind(void *context, void *const *reads, void *const *writes) {
    struct context *c = context;
    const struct tenon_image_part *part = c->executable->part;
    for (uint32_t i = 0; i < part->read_count; i++)
        c->edges[i] = reads[i];
    for (uint32_t i = 0; i < part->write_count; i++)
        c->edges[part->read_count + i] = writes[i];
}

/* ---- one job at a time ---- */

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool is_late(uint64_t deadline_ns) {
    return deadline_ns != 0 && now_ns() > deadline_ns;
}

/* False: the deadline passed first. */
static bool acquire(struct device *device, uint64_t deadline_ns) {
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                             .tv_nsec = (long)(deadline_ns % 1000000000)};
    int waited = 0;
    pthread_mutex_lock(&device->lock);
    while (device->busy && waited != ETIMEDOUT)
        waited = deadline_ns == 0 ? pthread_cond_wait(&device->idle, &device->lock)
                                  : pthread_cond_timedwait(&device->idle, &device->lock, &until);
    bool got = !device->busy;
    if (got)
        device->busy = true;
    pthread_mutex_unlock(&device->lock);
    return got;
}

static void release(struct device *device) {
    pthread_mutex_lock(&device->lock);
    device->busy = false;
    pthread_cond_signal(&device->idle);
    pthread_mutex_unlock(&device->lock);
}

/* ---- running ---- */

struct run {
    const struct context *context;
    const struct tenon_job_control *control;
    struct tenon_nvdla_sim *sim;
    struct tenon_error *error;
    uint32_t command; /* the current one */
    int64_t node;     /* of the part, or NO_NODE */
    uint64_t begin_ns, cycles;
    bool late;
};

static bool should_stop(void *user) {
    struct run *run = user;
    run->late = is_late(run->control->deadline_ns);
    return run->late;
}

static void observe(void *user, const struct tenon_nvdla_sim_operation *operation) {
    struct run *run = user;
    if (run->control->profile != NULL && run->node != NO_NODE) {
        struct tenon_node_profile *profile = &run->control->profile[run->node];
        if (profile->duration_ns == 0)
            profile->start_ns = run->begin_ns + run->cycles;
        profile->duration_ns += operation->cycles;
    }
    run->cycles += operation->cycles;
}

static enum tenon_status fail_late(struct run *run) {
    return tenon_fail(run->error, TENON_ERROR_TIMEOUT,
                      "the deadline passed before command %u of %u", run->command,
                      run->context->executable->code.command_count);
}

static const char *name_of_node(const struct run *run) {
    const struct executable *e = run->context->executable;
    uint32_t index = 0;
    if (run->node == NO_NODE)
        return "";
    while (&e->image->parts[e->image->nodes[index].part] != e->part)
        index++; /* the part's nodes stand together */
    return e->image->nodes[index + (uint32_t)run->node].name;
}

static enum tenon_status fail_lost(struct run *run, const char *why) {
    return tenon_fail(
        run->error, TENON_ERROR_DEVICE_LOST, "%s stopped at command %u, node '%.60s': %s",
        run->context->executable->device->model->name, run->command, name_of_node(run), why);
}

/* Nothing is running and nothing will. */
static enum tenon_status fail_hang(struct run *run, const char *register_name, uint32_t address) {
    char text[256];
    struct tenon_strbuf explanation;
    tenon_strbuf_init(&explanation);
    tenon_nvdla_sim_explain(run->sim, &explanation);
    snprintf(text, sizeof(text), "%s 0x%x never gets the value that is waited for; %s",
             register_name, address,
             explanation.data != NULL ? explanation.data : "the device is idle");
    tenon_strbuf_finish(&explanation);
    return fail_lost(run, text);
}

/* Runs operation by operation until the register has the value. */
static enum tenon_status wait_register(struct run *run, const struct tenon_nvdla_command *c,
                                       uint32_t value) {
    bool did = true;
    while (did) {
        if ((tenon_nvdla_sim_read(run->sim, c->address) & c->mask) == value)
            return TENON_OK;
        if (is_late(run->control->deadline_ns))
            return fail_late(run);
        (void)tenon_nvdla_sim_step(run->sim, &did);
        if (run->late)
            return fail_late(run);
        const struct tenon_nvdla_sim_fault *fault = tenon_nvdla_sim_fault(run->sim);
        if (fault != NULL)
            return fail_lost(run, fault->message);
    }
    return fail_hang(run, "register", c->address);
}

static uint32_t value_of(const struct tenon_nvdla_command *c) {
    uint64_t base = c->place == TENON_NVDLA_SCRATCH ? SCRATCH_ADDRESS
                    : c->place == TENON_NVDLA_DATA  ? DATA_ADDRESS
                                                    : 0;
    uint64_t value = base + c->value;
    return (uint32_t)(c->high ? value >> 32 : value);
}

static enum tenon_status run_command(struct run *run, const struct tenon_nvdla_command *c) {
    const struct context *context = run->context;
    const struct tenon_nvdla_code *code = &context->executable->code;
    const struct tenon_nvdla_move *move = &code->moves[c->value]; /* of PACK and UNPACK */
    enum tenon_status status;
    switch ((enum tenon_nvdla_command_kind)c->kind) {
    case TENON_NVDLA_WRITE:
        tenon_nvdla_sim_write(run->sim, c->address, value_of(c));
        return TENON_OK;
    case TENON_NVDLA_POLL:
        return wait_register(run, c, c->value);
    case TENON_NVDLA_WAIT:
        status = wait_register(run, c, c->mask);
        if (status == TENON_OK)
            tenon_nvdla_sim_write(run->sim, c->address, c->mask);
        return status;
    case TENON_NVDLA_PACK:
        tenon_nvdla_pack(move, code->atom_bytes, context->edges[move->edge], context->scratch);
        return TENON_OK;
    case TENON_NVDLA_UNPACK:
        tenon_nvdla_unpack(move, code->atom_bytes, context->scratch,
                           context->edges[context->executable->part->read_count + move->edge]);
        return TENON_OK;
    case TENON_NVDLA_NODE:
        run->node = c->value;
        return TENON_OK;
    case TENON_NVDLA_COMMAND_COUNT:
        break;
    }
    return fail_lost(run, "an unknown command");
}

static enum tenon_status run_commands(struct run *run) {
    const struct tenon_nvdla_code *code = &run->context->executable->code;
    for (run->command = 0; run->command < code->command_count; run->command++) {
        const struct tenon_nvdla_command *c = &code->commands[run->command];
        bool quick = c->kind == TENON_NVDLA_WRITE || c->kind == TENON_NVDLA_NODE;
        if (!quick && is_late(run->control->deadline_ns))
            return fail_late(run);
        enum tenon_status status = run_command(run, c);
        const struct tenon_nvdla_sim_fault *fault = tenon_nvdla_sim_fault(run->sim);
        if (status == TENON_OK && fault != NULL)
            status = fail_lost(run, fault->message);
        if (status != TENON_OK)
            return status;
    }
    return TENON_OK;
}

static bool prepare(struct run *run) {
    const struct executable *e = run->context->executable;
    struct tenon_nvdla_sim_window windows[2];
    size_t count = 0;
    if (e->code.scratch_bytes != 0)
        windows[count++] = (struct tenon_nvdla_sim_window){SCRATCH_ADDRESS, e->code.scratch_bytes,
                                                           run->context->scratch, true};
    if (e->part->data.size != 0)
        windows[count++] =
            (struct tenon_nvdla_sim_window){DATA_ADDRESS, e->part->data.size, e->data, false};
    tenon_nvdla_sim_reset(run->sim);
    tenon_nvdla_sim_set_observer(run->sim, observe, run);
    tenon_nvdla_sim_set_limit(run->sim, should_stop, run);
    return tenon_nvdla_sim_set_windows(run->sim, windows, count);
}

static enum tenon_status sim_execute(void *context, const struct tenon_job_control *control,
                                     struct tenon_error *error) {
    const struct context *c = context;
    struct device *device = c->executable->device;
    struct run run = {
        .context = c,
        .control = control,
        .sim = device->sim,
        .error = error,
        .node = NO_NODE,
    };
    if (!acquire(device, control->deadline_ns))
        return tenon_fail(error, TENON_ERROR_TIMEOUT, "the deadline passed before %s was free",
                          device->model->name);
    run.begin_ns = now_ns() - control->start_ns;
    if (control->profile != NULL)
        memset(control->profile, 0, c->executable->code.node_count * sizeof(*control->profile));
    enum tenon_status status = prepare(&run) ? run_commands(&run) : fail_lost(&run, "bad memory");
    release(device);
    return status;
}

const struct tenon_driver tenon_driver_sim = {
    .abi_version = TENON_DRIVER_ABI,
    .name = "sim",
    .device_max = TENON_COUNT_OF(models),
    .open = sim_open,
    .close = sim_close,
    .compatibility = sim_compatibility,
    .load = sim_load,
    .unload = sim_unload,
    .scratch_bytes = sim_scratch_bytes,
    .context_create = sim_context_create,
    .context_destroy = sim_context_destroy,
    .bind = sim_bind,
    .execute = sim_execute,
};
