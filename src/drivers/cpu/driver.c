/*
 * The CPU as a device: two of them, "cpu" with a pool of threads and "reference" with one thread.
 * Loading checks the code, which nobody trusts, and finds the kernels; a context holds one
 * session's operands with their addresses; executing walks the list of calls.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/cpu/kernel.h"
#include "runtime/driver.h"
#include "util/checked.h"

enum { DEVICE_CPU, DEVICE_REFERENCE, DEVICE_COUNT };

struct device {
    struct tenon_pool *pool;
    uint32_t index;
    uint32_t isas; /* usable instruction sets */
};

struct executable {
    struct device *device;
    struct tenon_arena arena;
    const struct tenon_image_part *part;
    struct tenon_cpu_code code;
    const struct tenon_kernel **kernels; /* per call */
    struct tenon_kernel_plan *plans;     /* per call */
    size_t operand_count;                /* of all calls */
    size_t workspace_bytes;              /* of each thread: the most that a kernel wants */
};

struct context {
    struct executable *executable;
    uint8_t *scratch;
    struct tenon_operand *operands; /* of all calls, one after the other */
    struct tenon_kernel_run *runs;  /* per call */
};

static const char *const names[DEVICE_COUNT] = {"cpu", "reference"};
static const char *const descriptions[DEVICE_COUNT] = {
    "the processor, with the fastest exact kernels",
    "the processor, with the reference kernels: the oracle"};

static enum tenon_status cpu_open(uint32_t index, const struct tenon_driver_options *options,
                                  struct tenon_driver_device *out, struct tenon_error *error) {
    struct device *device = calloc(1, sizeof(*device));
    if (device == NULL)
        return tenon_fail_memory(error);
    uint32_t threads = index == DEVICE_REFERENCE ? 1 : options->cpu_threads;
    enum tenon_status status = tenon_pool_create(threads, &device->pool, error);
    if (status != TENON_OK) {
        free(device);
        return status;
    }
    device->index = index;
    device->isas = index == DEVICE_CPU ? tenon_cpu_isas_usable() : 1U << TENON_CPU_PORTABLE;
    enum tenon_cpu_isa best = tenon_cpu_isa_best(device->isas);
    *out = (struct tenon_driver_device){
        .name = names[index],
        .description = descriptions[index],
        .features = index == DEVICE_REFERENCE ? "" : tenon_cpu_isa_get(best)->name,
        .thread_count = tenon_pool_threads(device->pool),
        .state = device,
    };
    return TENON_OK;
}

static void cpu_close(void *state) {
    struct device *device = state;
    tenon_pool_destroy(device->pool);
    free(device);
}

/* Reads "cpu-7.avx2": false when it is not for this device and version of the code; `isa` points
 * after them. */
static bool parse_id(const struct device *device, const char *id, const char **isa) {
    const char *stem = names[device->index];
    size_t length = strlen(stem), version = strlen(TENON_CPU_CODE_ID);
    if (strncmp(id, stem, length) != 0 || id[length] != '-' ||
        strncmp(id + length + 1, TENON_CPU_CODE_ID, version) != 0)
        return false;
    *isa = id + length + 1 + version;
    return **isa == '\0' || **isa == '.';
}

static enum tenon_compatibility cpu_compatibility(void *state,
                                                  const struct tenon_image_part *part) {
    const struct device *device = state;
    const char *isa;
    if (!parse_id(device, part->compatibility, &isa))
        return TENON_COMPATIBILITY_UNSUPPORTED;
    bool best = *isa == '\0' || tenon_cpu_isa_parse(isa + 1) == tenon_cpu_isa_best(device->isas);
    return best ? TENON_COMPATIBILITY_OPTIMAL : TENON_COMPATIBILITY_RECOMPILE;
}

/* ---- loading ---- */

static bool edge_fits(const struct tenon_image *image, const uint32_t *edges, uint32_t count,
                      const struct tenon_cpu_operand *operand) {
    if (operand->offset >= count)
        return false;
    const struct tenon_image_edge *edge = &image->edges[edges[operand->offset]];
    return edge->desc.type == operand->desc.type &&
           tenon_desc_size(&operand->desc) <= edge->size_bytes;
}

/* Operands on the border are no larger than the edges that they name; inputs are not written. */
static bool border_fits(const struct tenon_image *image, const struct tenon_image_part *part,
                        const struct tenon_cpu_call *call) {
    uint32_t mutated = tenon_op_get_info(call->op)->mutated_inputs;
    for (uint32_t i = 0; i < call->input_count + call->output_count; i++) {
        const struct tenon_cpu_operand *operand = &call->operands[i];
        bool writes = i >= call->input_count || (i < 32 && (mutated >> i & 1) != 0);
        if (operand->place == TENON_CPU_READ &&
            (!edge_fits(image, part->reads, part->read_count, operand) ||
             (writes && image->edges[part->reads[operand->offset]].kind != TENON_EDGE_VARIABLE)))
            return false;
        if (operand->place == TENON_CPU_WRITE &&
            !edge_fits(image, part->writes, part->write_count, operand))
            return false;
        if (writes && (operand->place == TENON_CPU_DATA || operand->place == TENON_CPU_PACKED))
            return false;
    }
    return true;
}

/* What two different operands of one call must not do: share memory that is written. Only the
 * in-place pair of output 0 and input 0 may. */
static bool overlap(const struct tenon_cpu_operand *a, const struct tenon_cpu_operand *b) {
    if (a->place != b->place || a->place != TENON_CPU_SCRATCH)
        return a->place == b->place && a->place == TENON_CPU_WRITE && a->offset == b->offset;
    size_t a_size = tenon_desc_size(&a->desc), b_size = tenon_desc_size(&b->desc);
    return a->offset < b->offset + b_size && b->offset < a->offset + a_size;
}

static bool operands_apart(const struct tenon_cpu_call *call) {
    for (uint32_t o = 0; o < call->output_count; o++) {
        const struct tenon_cpu_operand *out = &call->operands[call->input_count + o];
        struct tenon_cpu_operand scratch = {.place = TENON_CPU_SCRATCH};
        for (uint32_t i = 0; i < call->input_count + o; i++) {
            const struct tenon_cpu_operand *other = &call->operands[i];
            bool same = out->offset == other->offset &&
                        tenon_desc_size(&out->desc) == tenon_desc_size(&other->desc);
            bool in_place = o == 0 && i == 0 && same && tenon_op_get_info(call->op)->in_place;
            if (!in_place && overlap(out, other))
                return false;
        }
        scratch.offset = call->scratch_offset;
        if (out->place == TENON_CPU_SCRATCH && call->scratch_bytes != 0 &&
            out->offset < scratch.offset + call->scratch_bytes &&
            scratch.offset < out->offset + tenon_desc_size(&out->desc))
            return false;
    }
    return true;
}

/* A packed constant has no data but the params: only where the kernel looks there. */
static bool packed_fits(const struct tenon_cpu_call *call, const struct tenon_kernel *kernel) {
    for (uint32_t i = 0; i < call->input_count; i++)
        if (call->operands[i].place == TENON_CPU_PACKED &&
            (i >= 32 || (kernel->packed_inputs >> i & 1) == 0))
            return false;
    return true;
}

static enum tenon_status check_call(struct executable *e, const struct tenon_image *image,
                                    uint32_t index, uint32_t node_count,
                                    struct tenon_error *error) {
    const struct tenon_cpu_call *call = &e->code.calls[index];
    if (!border_fits(image, e->part, call) || !operands_apart(call) || call->node >= node_count)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "call %u has operands that do not fit",
                          index);
    const struct tenon_isa_kernels *isa;
    e->kernels[index] = tenon_kernel_find(call->kernel, e->device->isas, &isa);
    if (e->kernels[index] == NULL)
        return tenon_fail(error, TENON_ERROR_INCOMPATIBLE,
                          "this processor has no kernel '%.60s': compile the model again",
                          call->kernel);
    if (!packed_fits(call, e->kernels[index]))
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE,
                          "call %u has a packed constant where '%.60s' reads data", index,
                          call->kernel);
    enum tenon_status status =
        e->kernels[index]->prepare(call, isa, &e->arena, &e->plans[index], error);
    size_t workspace = e->plans[index].workspace_bytes;
    e->workspace_bytes = workspace > e->workspace_bytes ? workspace : e->workspace_bytes;
    return status;
}

static uint32_t nodes_of_part(const struct tenon_image *image, uint32_t part) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < image->node_count; i++)
        count += image->nodes[i].part == part;
    return count;
}

static enum tenon_status load_code(struct executable *e, const struct tenon_image *image,
                                   uint32_t part, struct tenon_error *error) {
    enum tenon_status status =
        tenon_cpu_code_read(e->part->code, e->part->data, &e->arena, &e->code, error);
    if (status != TENON_OK)
        return status;
    if (e->code.scratch_bytes != e->part->scratch_bytes)
        return tenon_fail(error, TENON_ERROR_BAD_IMAGE, "the part tells another scratch size");
    e->kernels = tenon_arena_alloc_array(&e->arena, e->code.call_count, sizeof(*e->kernels));
    e->plans = tenon_arena_alloc_array(&e->arena, e->code.call_count, sizeof(*e->plans));
    if (e->kernels == NULL || e->plans == NULL)
        return tenon_fail_memory(error);
    uint32_t node_count = nodes_of_part(image, part);
    for (uint32_t i = 0; status == TENON_OK && i < e->code.call_count; i++) {
        status = check_call(e, image, i, node_count, error);
        e->operand_count += (size_t)e->code.calls[i].input_count + e->code.calls[i].output_count;
    }
    e->workspace_bytes = tenon_align_up(e->workspace_bytes, TENON_CPU_ALIGNMENT);
    return status;
}

static void cpu_unload(void *executable) {
    struct executable *e = executable;
    tenon_arena_finish(&e->arena);
    free(e);
}

static enum tenon_status cpu_load(void *state, const struct tenon_image *image, uint32_t part,
                                  void **executable, struct tenon_error *error) {
    struct executable *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return tenon_fail_memory(error);
    e->device = state;
    e->part = &image->parts[part];
    tenon_arena_init(&e->arena, 0);
    enum tenon_status status = load_code(e, image, part, error);
    if (status == TENON_OK)
        *executable = e;
    else
        cpu_unload(e);
    return status;
}

/* The program's own, then the workspaces of the threads. */
static size_t program_scratch_bytes(const struct executable *e) {
    return tenon_align_up((size_t)e->code.scratch_bytes, TENON_CPU_ALIGNMENT);
}

static size_t cpu_scratch_bytes(const void *executable) {
    const struct executable *e = executable;
    return program_scratch_bytes(e) + tenon_pool_threads(e->device->pool) * e->workspace_bytes;
}

/* ---- one session ---- */

static void cpu_context_destroy(void *context) {
    struct context *c = context;
    free(c->operands);
    free(c->runs);
    free(c);
}

static void init_run(struct context *c, uint32_t index, struct tenon_operand *operands) {
    struct executable *e = c->executable;
    struct tenon_cpu_call *call = &e->code.calls[index];
    c->runs[index] = (struct tenon_kernel_run){
        .op = {.op = call->op,
               .rounding = call->rounding,
               .attrs = &call->attrs,
               .input_count = call->input_count,
               .output_count = call->output_count,
               .inputs = operands,
               .outputs = operands + call->input_count,
               .scratch = c->scratch + call->scratch_offset},
        .state = e->plans[index].state,
        .workspace = c->scratch + program_scratch_bytes(e),
        .workspace_stride = e->workspace_bytes,
        .pool = e->device->pool,
    };
    for (uint32_t i = 0; i < call->input_count + call->output_count; i++) {
        const struct tenon_cpu_operand *operand = &call->operands[i];
        if (operand->place == TENON_CPU_ABSENT)
            continue;
        operands[i].desc = &call->operands[i].desc;
        if (operand->place == TENON_CPU_SCRATCH)
            operands[i].data = c->scratch + operand->offset;
        else if (operand->place == TENON_CPU_DATA)
            operands[i].data = (void *)(e->part->data.data + operand->offset);
    }
}

static enum tenon_status cpu_context_create(void *executable, void *scratch, void **context,
                                            struct tenon_error *error) {
    struct executable *e = executable;
    struct context *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return tenon_fail_memory(error);
    c->executable = e;
    c->scratch = scratch;
    c->operands = calloc(e->operand_count + 1, sizeof(*c->operands));
    c->runs = calloc((size_t)e->code.call_count + 1, sizeof(*c->runs));
    if (c->operands == NULL || c->runs == NULL) {
        cpu_context_destroy(c);
        return tenon_fail_memory(error);
    }
    struct tenon_operand *operands = c->operands;
    for (uint32_t i = 0; i < e->code.call_count; i++) {
        init_run(c, i, operands);
        operands += e->code.calls[i].input_count + e->code.calls[i].output_count;
    }
    *context = c;
    return TENON_OK;
}

static void cpu_bind(void *context, void *const *reads, void *const *writes) {
    struct context *c = context;
    struct tenon_operand *operand = c->operands;
    for (uint32_t i = 0; i < c->executable->code.call_count; i++) {
        const struct tenon_cpu_call *call = &c->executable->code.calls[i];
        for (uint32_t k = 0; k < call->input_count + call->output_count; k++, operand++) {
            if (call->operands[k].place == TENON_CPU_READ)
                operand->data = reads[call->operands[k].offset];
            else if (call->operands[k].place == TENON_CPU_WRITE)
                operand->data = writes[call->operands[k].offset];
        }
    }
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum tenon_status run_call(struct context *c, uint32_t index,
                                  const struct tenon_job_control *control,
                                  struct tenon_error *error) {
    const struct executable *e = c->executable;
    if (control->deadline_ns != 0 && now_ns() > control->deadline_ns)
        return tenon_fail(error, TENON_ERROR_TIMEOUT, "the deadline passed before call %u of %u",
                          index, e->code.call_count);
    uint64_t start = control->profile != NULL ? now_ns() : 0;
    enum tenon_status status = e->kernels[index]->run(&c->runs[index], error);
    if (control->profile != NULL) {
        struct tenon_node_profile *profile = &control->profile[e->code.calls[index].node];
        profile->start_ns = start - control->start_ns;
        profile->duration_ns = now_ns() - start;
    }
    return status;
}

static enum tenon_status cpu_execute(void *context, const struct tenon_job_control *control,
                                     struct tenon_error *error) {
    struct context *c = context;
    enum tenon_status status = TENON_OK;
    for (uint32_t i = 0; status == TENON_OK && i < c->executable->code.call_count; i++)
        status = run_call(c, i, control, error);
    return status;
}

const struct tenon_driver tenon_driver_cpu = {
    .abi_version = TENON_DRIVER_ABI,
    .name = "cpu",
    .device_max = DEVICE_COUNT,
    .open = cpu_open,
    .close = cpu_close,
    .compatibility = cpu_compatibility,
    .load = cpu_load,
    .unload = cpu_unload,
    .scratch_bytes = cpu_scratch_bytes,
    .context_create = cpu_context_create,
    .context_destroy = cpu_context_destroy,
    .bind = cpu_bind,
    .execute = cpu_execute,
};
