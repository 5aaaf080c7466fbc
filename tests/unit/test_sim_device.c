/*
 * The device sim:nvdla through the public API, with programs written by hand: right results, jobs
 * that break a rule of the hardware, hang or come too late, the job after them, several queues at
 * once, profiles, and images that do not fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

#include "image/image.h"
#include "image/nvdla_code.h"
#include "support/nvdla_machine.h"

enum { WIDTH = 6, HEIGHT = 5, CHANNELS = 8, BYTES = WIDTH * HEIGHT * CHANNELS };
enum { OUT_AT = 4096, SCRATCH = 8192, COMMAND_MAX = 128, MS = 1000000 };

/* A program of one node: y = x + 100 by SDP, saturated; the dense tensors are cubes of 8 channels.
 */
struct draft {
    struct tenon_nvdla_command commands[COMMAND_MAX];
    struct tenon_nvdla_move moves[2];
    struct tenon_nvdla_code code;
    uint8_t data[64];
    struct tenon_image_edge edges[2];
    struct tenon_image_node node;
    uint32_t zero, one;
    struct tenon_image_part part;
    struct tenon_image image;
};

static struct tenon_nvdla_command *add(struct draft *d, enum tenon_nvdla_command_kind kind,
                                       uint32_t address, uint32_t value) {
    struct tenon_nvdla_command *c = &d->commands[d->code.command_count++];
    assert_true(d->code.command_count <= COMMAND_MAX);
    *c = (struct tenon_nvdla_command){.kind = (uint8_t)kind, .address = address, .value = value};
    return c;
}

static void set(struct draft *d, const char *name, uint32_t value) {
    add(d, TENON_NVDLA_WRITE, nvdla_address(name), value);
}

static void set_place(struct draft *d, const char *name, enum tenon_nvdla_place place,
                      uint32_t offset) {
    add(d, TENON_NVDLA_WRITE, nvdla_address(name), offset)->place = (uint8_t)place;
}

static void wait_sdp(struct draft *d, uint32_t bit) {
    add(d, TENON_NVDLA_WAIT, nvdla_address("GLB.S_INTR_STATUS"), 0)->mask = 1u << bit;
}

static void add_sdp(struct draft *d, uint32_t group, uint32_t width, uint32_t height) {
    set(d, "SDP.S_POINTER", group);
    set(d, "SDP_RDMA.S_POINTER", group);
    set(d, "SDP_RDMA.D_DATA_CUBE_WIDTH", width - 1);
    set(d, "SDP_RDMA.D_DATA_CUBE_HEIGHT", height - 1);
    set(d, "SDP_RDMA.D_DATA_CUBE_CHANNEL", CHANNELS - 1);
    set_place(d, "SDP_RDMA.D_SRC_BASE_ADDR_LOW", TENON_NVDLA_SCRATCH, 0);
    set(d, "SDP_RDMA.D_SRC_LINE_STRIDE", width * 8);
    set(d, "SDP_RDMA.D_SRC_SURFACE_STRIDE", width * height * 8);
    set(d, "SDP_RDMA.D_FEATURE_MODE_CFG", 0);
    set(d, "SDP.D_DATA_CUBE_WIDTH", width - 1);
    set(d, "SDP.D_DATA_CUBE_HEIGHT", height - 1);
    set(d, "SDP.D_DATA_CUBE_CHANNEL", CHANNELS - 1);
    set_place(d, "SDP.D_DST_BASE_ADDR_LOW", TENON_NVDLA_SCRATCH,
              (uint32_t)d->code.scratch_bytes / 2);
    set(d, "SDP.D_DST_LINE_STRIDE", width * 8);
    set(d, "SDP.D_DST_SURFACE_STRIDE", width * height * 8);
    set(d, "SDP.D_DP_BS_CFG", 1);
    set(d, "SDP.D_DP_BN_CFG", 1);
    set(d, "SDP.D_DP_EW_CFG", 1);
    set(d, "SDP.D_FEATURE_MODE_CFG", 0);
    set(d, "SDP.D_CVT_OFFSET", (uint32_t)-100);
    set(d, "SDP.D_CVT_SCALE", 1);
}

static void enable_sdp(struct draft *d) {
    set(d, "SDP.D_OP_ENABLE", 1);
    set(d, "SDP_RDMA.D_OP_ENABLE", 1);
}

static void init_draft(struct draft *d) {
    static const struct tenon_desc cube = {
        TENON_TYPE_I8, {4, {1, HEIGHT, WIDTH, CHANNELS}}, {0, 0, NULL, NULL}};
    *d = (struct draft){
        .edges = {{TENON_EDGE_INPUT, "x", cube, 0}, {TENON_EDGE_OUTPUT, "y", cube, 0}},
        .node = {"adds 100", "add", "sdp", "", 0, 0},
        .one = 1,
        .code = {.config = "nv_small", .atom_bytes = 8, .node_count = 1, .scratch_bytes = SCRATCH},
    };
    for (int i = 0; i < 2; i++)
        d->moves[i] = (struct tenon_nvdla_move){
            .height = HEIGHT,
            .width = WIDTH,
            .channels = CHANNELS,
            .row_bytes = WIDTH * CHANNELS,
            .pixel_bytes = CHANNELS,
            .cube_offset = i == 0 ? 0 : OUT_AT,
            .line_stride = WIDTH * 8,
            .surface_stride = WIDTH * HEIGHT * 8,
        };
}

/* The usual program; `middle` adds what is to be wrong. */
static void init_program(struct draft *d, void (*middle)(struct draft *)) {
    init_draft(d);
    add(d, TENON_NVDLA_NODE, 0, 0);
    add(d, TENON_NVDLA_PACK, 0, 0);
    add_sdp(d, 0, WIDTH, HEIGHT);
    if (middle != NULL)
        middle(d);
    enable_sdp(d);
    wait_sdp(d, 0);
    add(d, TENON_NVDLA_UNPACK, 0, 1);
}

static enum tenon_status open_session(struct tenon_instance *instance, struct draft *d,
                                      bool profile, struct tenon_session **session,
                                      struct tenon_error *error) {
    struct tenon_session_options options = {.size = sizeof(options), .profile = profile};
    struct tenon_program *program;
    struct tenon_strbuf code, bytes;
    tenon_strbuf_init(&code);
    tenon_strbuf_init(&bytes);
    d->code.moves = d->moves;
    d->code.move_count = 2;
    d->code.commands = d->commands;
    tenon_nvdla_code_write(&d->code, &code);
    if (d->part.target == NULL)
        d->part = (struct tenon_image_part){.target = "nvdla:nv_small",
                                            .compatibility = "nvdla-nv_small-1",
                                            .scratch_bytes = d->code.scratch_bytes};
    d->part.code = (struct tenon_span){(const uint8_t *)code.data, code.size};
    d->part.reads = &d->zero;
    d->part.read_count = 1;
    d->part.writes = &d->one;
    d->part.write_count = 1;
    tenon_image_begin(&bytes);
    tenon_image_align(&bytes);
    d->part.data_offset = bytes.size;
    d->part.data.size = sizeof(d->data);
    tenon_strbuf_append(&bytes, d->data, sizeof(d->data));
    d->image = (struct tenon_image){"draft", d->edges, 2, &d->part, 1, &d->node,
                                    1,       &d->zero, 1, &d->one,  1};
    tenon_image_end(&d->image, &bytes);
    assert_false(bytes.failed || code.failed);
    assert_int_equal(tenon_program_open_memory(bytes.data, bytes.size, &program, error), TENON_OK);
    enum tenon_status status = tenon_session_create(instance, program, &options, session, error);
    tenon_program_unref(program);
    tenon_strbuf_finish(&code);
    tenon_strbuf_finish(&bytes);
    return status;
}

static enum tenon_status run(struct tenon_instance *instance, struct tenon_session *session,
                             uint64_t deadline_ns, struct tenon_error *error) {
    struct tenon_queue *queue;
    struct tenon_fence *fence;
    assert_int_equal(tenon_queue_create(instance, NULL, &queue, error), TENON_OK);
    assert_int_equal(tenon_fence_create(instance, &fence, error), TENON_OK);
    struct tenon_job job = {.size = sizeof(job),
                            .session = session,
                            .signals = &fence,
                            .signal_count = 1,
                            .deadline_ns = deadline_ns};
    assert_int_equal(tenon_queue_submit(queue, &job, error), TENON_OK);
    enum tenon_status status = tenon_fence_wait(fence, TENON_WAIT_FOREVER, error);
    tenon_queue_destroy(queue);
    tenon_fence_unref(fence);
    return status;
}

static void fill_input(struct tenon_session *session, int seed) {
    int8_t *in = tenon_session_input_data(session, 0);
    for (int i = 0; i < BYTES; i++)
        in[i] = (int8_t)(i * 7 + seed);
}

static void check_output(struct tenon_session *session, int seed) {
    const int8_t *out = tenon_session_output_data(session, 0);
    for (int i = 0; i < BYTES; i++) {
        int sum = (int8_t)(i * 7 + seed) + 100;
        assert_int_equal(out[i], sum > 127 ? 127 : sum);
    }
}

static struct tenon_instance *new_instance(void) {
    struct tenon_instance *instance;
    assert_int_equal(tenon_instance_create(NULL, &instance, NULL), TENON_OK);
    return instance;
}

/* ---- right ---- */

static void the_device_tells_what_it_is(void **state) {
    struct tenon_instance *instance = new_instance();
    struct tenon_device_info info;
    (void)state;
    tenon_device_get_info(tenon_instance_find_device(instance, "sim:nvdla"), &info);
    assert_string_equal(info.driver, "sim");
    assert_string_equal(info.target, "nvdla:nv_small");
    assert_true(info.simulated);
    tenon_instance_destroy(instance);
}

static void a_job_is_right_and_profiled_by_cycles(void **state) {
    struct tenon_instance *instance = new_instance();
    struct tenon_session *session;
    struct tenon_node_profile profile;
    struct tenon_error error = {.message = ""};
    struct draft d;
    (void)state;
    init_program(&d, NULL);
    assert_int_equal(open_session(instance, &d, true, &session, &error), TENON_OK);
    for (int seed = 0; seed < 3; seed++) {
        fill_input(session, seed);
        assert_int_equal(run(instance, session, 0, &error), TENON_OK);
        check_output(session, seed);
    }
    assert_int_equal(tenon_session_profile(session, 0, &profile), TENON_OK);
    assert_int_equal(profile.duration_ns, 127 + BYTES); /* the RTL's: an element a cycle */
    tenon_session_destroy(session);
    tenon_instance_destroy(instance);
}

/* ---- broken ---- */

static void write_constants(struct draft *d) {
    set_place(d, "SDP.D_DST_BASE_ADDR_LOW", TENON_NVDLA_DATA, 0);
}
static void leave_memory(struct draft *d) {
    set_place(d, "SDP_RDMA.D_SRC_BASE_ADDR_LOW", TENON_NVDLA_SCRATCH, SCRATCH - 8);
}
static void write_no_register(struct draft *d) {
    add(d, TENON_NVDLA_WRITE, 0x1f000, 0);
}
static void want_what_is_absent(struct draft *d) {
    set(d, "SDP.D_DP_EW_CFG", 0);
}
static void enable_too_early(struct draft *d) {
    set(d, "SDP.D_OP_ENABLE", 1);
    set(d, "SDP.D_CVT_SCALE", 2);
}
/* Group 1 is not the first one's: SDP_RDMA waits for ever. */
static void mistake_parity(struct draft *d) {
    set(d, "SDP_RDMA.S_POINTER", 1);
}

static void a_broken_job_is_lost_and_the_next_is_right(void **state) {
    static const struct {
        void (*middle)(struct draft *);
        const char *words[4];
    } cases[] = {
        {write_constants,
         {"memory.read-only", "SDP operation 0", "D_DST_BASE_ADDR_LOW", "adds 100"}},
        {leave_memory, {"memory.bounds", "SDP_RDMA operation 0", "D_SRC_BASE_ADDR_LOW", "a read"}},
        {write_no_register, {"csb.address", "0x1f000", "sim:nvdla", "adds 100"}},
        {want_what_is_absent, {"unit.absent", "SDP operation 0", "D_DP_EW_CFG = 0x0", ""}},
        {enable_too_early, {"csb.busy-group", "SDP operation 0", "D_CVT_SCALE", ""}},
        {mistake_parity,
         {"never gets the value", "SDP operation 0", "waits for group 0 of SDP_RDMA", ""}},
    };
    struct tenon_instance *instance = new_instance();
    struct tenon_session *good, *bad;
    struct draft d;
    (void)state;
    init_program(&d, NULL);
    assert_int_equal(open_session(instance, &d, false, &good, NULL), TENON_OK);
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++) {
        init_program(&d, cases[i].middle);
        assert_int_equal(open_session(instance, &d, false, &bad, NULL), TENON_OK);
        for (int again = 0; again < 2; again++) {
            struct tenon_error error = {.message = ""};
            assert_int_equal(run(instance, bad, 0, &error), TENON_ERROR_DEVICE_LOST);
            for (int w = 0; w < 4; w++)
                if (strstr(error.message, cases[i].words[w]) == NULL)
                    fail_msg("'%s' is not in: %s", cases[i].words[w], error.message);
            fill_input(good, (int)i);
            assert_int_equal(run(instance, good, 0, &error), TENON_OK);
            check_output(good, (int)i);
        }
        tenon_session_destroy(bad);
    }
    tenon_session_destroy(good);
    tenon_instance_destroy(instance);
}

/* Many operations on 4 MiB: the deadline comes in the middle of one. */
static void a_late_job_times_out(void **state) {
    struct tenon_instance *instance = new_instance();
    struct tenon_session *good, *slow;
    struct tenon_error error = {.message = ""};
    struct draft d;
    (void)state;
    init_program(&d, NULL);
    assert_int_equal(open_session(instance, &d, false, &good, NULL), TENON_OK);
    init_draft(&d);
    d.code.scratch_bytes = 128 << 20;
    add_sdp(&d, 0, 8192, 1024);
    enable_sdp(&d);
    wait_sdp(&d, 0);
    assert_int_equal(open_session(instance, &d, false, &slow, &error), TENON_OK);
    assert_int_equal(run(instance, slow, 3 * MS, &error), TENON_ERROR_TIMEOUT);
    assert_non_null(strstr(error.message, "deadline"));
    fill_input(good, 1);
    assert_int_equal(run(instance, good, 0, &error), TENON_OK);
    check_output(good, 1);
    tenon_session_destroy(slow);
    tenon_session_destroy(good);
    tenon_instance_destroy(instance);
}

/* ---- several at once ---- */

static void queues_share_the_device(void **state) {
    enum { QUEUES = 4, JOBS = 25 };
    struct tenon_instance *instance = new_instance();
    struct tenon_session *sessions[QUEUES];
    struct tenon_queue *queues[QUEUES];
    struct tenon_fence *fences[QUEUES];
    struct draft d;
    (void)state;
    init_program(&d, NULL);
    for (int i = 0; i < QUEUES; i++) {
        assert_int_equal(open_session(instance, &d, false, &sessions[i], NULL), TENON_OK);
        assert_int_equal(tenon_queue_create(instance, NULL, &queues[i], NULL), TENON_OK);
        assert_int_equal(tenon_fence_create(instance, &fences[i], NULL), TENON_OK);
    }
    for (int job = 0; job < JOBS; job++) {
        for (int i = 0; i < QUEUES; i++) {
            struct tenon_job what = {.size = sizeof(what),
                                     .session = sessions[i],
                                     .signals = &fences[i],
                                     .signal_count = 1};
            fill_input(sessions[i], job * QUEUES + i);
            assert_int_equal(tenon_fence_reset(fences[i]), TENON_OK);
            assert_int_equal(tenon_queue_submit(queues[i], &what, NULL), TENON_OK);
        }
        for (int i = 0; i < QUEUES; i++) {
            assert_int_equal(tenon_fence_wait(fences[i], TENON_WAIT_FOREVER, NULL), TENON_OK);
            check_output(sessions[i], job * QUEUES + i);
        }
    }
    for (int i = 0; i < QUEUES; i++) {
        tenon_queue_destroy(queues[i]);
        tenon_session_destroy(sessions[i]);
        tenon_fence_unref(fences[i]);
    }
    tenon_instance_destroy(instance);
}

/* ---- images that do not fit ---- */

static void another_config(struct draft *d) {
    d->code.config = "nv_large";
}
static void another_id(struct draft *d) {
    d->part = (struct tenon_image_part){
        .target = "nvdla:nv_small", .compatibility = "nvdla-nv_small-2", .scratch_bytes = SCRATCH};
}
static void another_scratch(struct draft *d) {
    d->part = (struct tenon_image_part){
        .target = "nvdla:nv_small", .compatibility = "nvdla-nv_small-1", .scratch_bytes = 1};
}
static void another_node_count(struct draft *d) {
    d->code.node_count = 2;
}
static void a_move_of_no_edge(struct draft *d) {
    d->moves[1].edge = 1;
}
static void a_move_behind_its_tensor(struct draft *d) {
    d->moves[0].tensor_offset = 1;
}
static void too_much_memory(struct draft *d) {
    d->code.scratch_bytes = UINT64_C(0x80000008);
}

static void images_that_do_not_fit_are_refused(void **state) {
    static const struct {
        void (*spoil)(struct draft *);
        enum tenon_status status;
    } cases[] = {
        {another_config, TENON_ERROR_INCOMPATIBLE},
        {another_id, TENON_ERROR_INCOMPATIBLE},
        {another_scratch, TENON_ERROR_BAD_IMAGE},
        {another_node_count, TENON_ERROR_BAD_IMAGE},
        {a_move_of_no_edge, TENON_ERROR_BAD_IMAGE},
        {a_move_behind_its_tensor, TENON_ERROR_BAD_IMAGE},
        {too_much_memory, TENON_ERROR_LIMIT},
    };
    struct tenon_instance *instance = new_instance();
    struct tenon_session *session;
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++) {
        struct tenon_error error = {.message = ""};
        struct draft d;
        init_program(&d, NULL);
        cases[i].spoil(&d);
        enum tenon_status status = open_session(instance, &d, false, &session, &error);
        if (status != cases[i].status)
            fail_msg("case %zu: %s: %s", i, tenon_status_name(status), error.message);
    }
    tenon_instance_destroy(instance);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_tells_what_it_is),
        cmocka_unit_test(a_job_is_right_and_profiled_by_cycles),
        cmocka_unit_test(a_broken_job_is_lost_and_the_next_is_right),
        cmocka_unit_test(a_late_job_times_out),
        cmocka_unit_test(queues_share_the_device),
        cmocka_unit_test(images_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
