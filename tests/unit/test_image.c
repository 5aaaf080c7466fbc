/*
 * The program image: its bytes as docs/image.md says (decoded here by hand), what the reader
 * refuses, versions and compatibility, saving and loading, and damage: every byte and every length
 * of small programs gives an error or a run inside of its own memory. Run it under the sanitizers
 * to see that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <tenon/tenon.h>
#include <unistd.h>

#include "image/image.h"

/* Weights, a variable, several kinds of kernels; outputs also name an input, and an edge twice. */
static const char network[] =
    "tenon 1\n"
    "graph \"small\" \"\"\n"
    "%0 \"x\" = input i8 1x4x4x2 scale [0.5] zero [3] axis 0\n"
    "%1 \"w\" = constant i8 3x2x2x2 scale [0.25, 0.5, 0.125] zero [0, 0, 0] axis 0 hex "
    "0102030405060708090a0b0c0d0e0f10fffefdfcfbfaf9f8\n"
    "%2 \"b\" = constant i32 3 scale [0.125, 0.25, 0.0625] zero [0, 0, 0] axis 0 hex "
    "010000000200000003000000\n"
    "%3 \"c\" i8 1x3x3x3 scale [2] zero [-5] axis 0 = conv_2d \"c\" double (%0, %1, %2) "
    "{stride=[1,1], dilation=[1,1], pad=[0,0,0,0], activation=relu}\n"
    "%4 \"p\" i8 1x1x1x3 scale [2] zero [-5] axis 0 = max_pool_2d \"p\" double (%3) "
    "{stride=[3,3], pad=[0,0,0,0], window=[3,3]}\n"
    "%5 \"r\" i8 1x3 scale [2] zero [-5] axis 0 = reshape \"r\" none (%4) {shape=[1,3]}\n"
    "%6 \"s\" i8 1x3 scale [0.00390625] zero [-128] axis 0 = softmax \"s\" double (%5) {beta=1}\n"
    "inputs %0\n"
    "outputs %6, %0, %6\n";
/* The kernels that the first one does not have: depthwise, matrix product, tables, sums, float. */
static const char kernels[] =
    "tenon 1\n"
    "graph \"kernels\" \"\"\n"
    "%0 \"x\" = input i8 1x3x3x4 scale [0.5] zero [3] axis 0\n"
    "%1 \"w\" = constant i8 1x2x2x4 scale [0.25] zero [0] axis 0 hex "
    "82b70eee7f1a5039bef07ec2347f066e\n"
    "%2 \"b\" = constant i32 4 scale [0.125] zero [0] axis 0 hex "
    "02000000f1ffffffe5ffffff30000000\n"
    "%3 \"d\" i8 1x3x3x4 scale [2] zero [-5] axis 0 = depthwise_conv_2d \"d\" double "
    "(%0, %1, %2) {stride=[1,1], dilation=[1,1], pad=[0,0,1,1]}\n"
    "%4 \"s\" i8 1x3x3x4 scale [1] zero [0] axis 0 = add \"s\" double (%0, %3) {}\n"
    "%5 \"l\" i8 1x3x3x4 scale [0.00390625] zero [-128] axis 0 = logistic \"l\" double (%4) {}\n"
    "%6 \"a\" i8 1x1x1x4 scale [0.00390625] zero [-128] axis 0 = average_pool_2d \"a\" double "
    "(%5) {stride=[3,3], pad=[0,0,0,0], window=[3,3]}\n"
    "%7 \"m\" = constant i8 2x4 scale [0.5] zero [0] axis 0 hex c7512447e3404300\n"
    "%8 \"f\" i8 1x2 scale [0.25] zero [1] axis 0 = fully_connected \"f\" double (%6, %7, _) {}\n"
    "%9 \"y\" f32 1x2 = dequantize \"y\" none (%8) {}\n"
    "%10 \"n\" = constant f32 2x2 hex 000000c0000000bf000000bf000040bf\n"
    "%11 \"g\" f32 1x2 = fully_connected \"g\" none (%9, %10, _) {activation=relu}\n"
    "inputs %0\n"
    "outputs %11\n";
static const char stateful[] =
    "tenon 1\n"
    "graph \"stateful\" \"\"\n"
    "%0 \"x\" = input f32 1x2\n"
    "%1 \"feature\" = constant f32 2x2 hex 0000803f000000400000404000008040\n"
    "%2 \"time\" = constant f32 2x3 hex 0000803f00000040000040400000803f0000803f0000803f\n"
    "%3 \"state\" = variable f32 1x6\n"
    "%4 \"y\" f32 1x2 = svdf \"y\" none (%0, %1, %2, _, %3) {rank=1}\n"
    "inputs %0\n"
    "outputs %4\n";

static struct tenon_instance *instance;
static struct tenon_queue *queue;

static int open_instance(void **state) {
    struct tenon_instance_options options = {.size = sizeof(options), .cpu_threads = 1};
    (void)state;
    return tenon_instance_create(&options, &instance, NULL) != TENON_OK ||
           tenon_queue_create(instance, NULL, &queue, NULL) != TENON_OK;
}

static int close_instance(void **state) {
    (void)state;
    tenon_queue_destroy(queue);
    tenon_instance_destroy(instance);
    return 0;
}

static struct tenon_program *compile(const char *text, const char *target) {
    struct tenon_error error = {.message = ""};
    struct tenon_compile_options options = {
        .size = sizeof(options), .targets = &target, .target_count = 1};
    struct tenon_model *model = NULL;
    struct tenon_program *program = NULL;
    if (tenon_model_open_memory(text, strlen(text), "test", NULL, &model, &error) != TENON_OK ||
        tenon_compile(model, &options, &program, &error) != TENON_OK)
        fail_msg("%s", error.message);
    tenon_model_destroy(model);
    return program;
}

/* A copy of the image's bytes that is as long as the image, so that sanitizers see its end. */
static uint8_t *copy_bytes(const struct tenon_program *program, size_t *size) {
    const void *data = tenon_program_data(program, size);
    uint8_t *copy = malloc(*size);
    assert_non_null(copy);
    memcpy(copy, data, *size);
    return copy;
}

static uint32_t le32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t le64(const uint8_t *p) {
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

static void put32(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* ---- the bytes ---- */

static void the_file_is_laid_out_as_the_page_says(void **state) {
    struct tenon_program *program = compile(network, "cpu");
    size_t size;
    uint8_t *bytes = copy_bytes(program, &size);
    (void)state;
    assert_memory_equal(bytes, "TENONIMG", 8);
    assert_int_equal(bytes[8] | bytes[9] << 8, 1);
    assert_int_equal(bytes[10] | bytes[11] << 8, 0);
    assert_int_equal(le32(bytes + 12), 3); /* one part */
    assert_int_equal(le64(bytes + 16), size);
    uint64_t table = le64(bytes + 24);
    assert_int_equal(table + 3 * 24, size);
    static const char *const kinds[] = {"META", "CODE", "DATA"};
    for (int i = 0; i < 3; i++) {
        const uint8_t *row = bytes + table + i * 24;
        assert_memory_equal(row, kinds[i], 4);
        assert_int_equal(le64(row + 8) % 64, 0);
        assert_true(le64(row + 8) + le64(row + 16) <= size);
    }
    const uint8_t *meta = bytes + le64(bytes + table + 8);
    assert_memory_equal(meta, "\5\0\0\0small\0", 10); /* name */
    assert_int_equal(le32(meta + 10), 2);             /* edges: the input and the one result */
    assert_int_equal(meta[14], 0);                    /* input */
    assert_memory_equal(meta + 15, "\1\0\0\0x\0", 6);
    assert_memory_equal(meta + 21, "\2\4\1\0\0\0\4\0\0\0\4\0\0\0\2\0\0\0", 18); /* i8, rank 4 */
    assert_memory_equal(meta + 39, "\1\0\0\0\0\0\0\0\0\0\0\x3f\3\0\0\0", 16);   /* 0.5, 3 */
    assert_int_equal(meta[55], 1);                                              /* output */
    assert_memory_equal(meta + 56, "\1\0\0\0s\0", 6);
    assert_memory_equal(meta + 62, "\2\2\1\0\0\0\3\0\0\0", 10);
    assert_memory_equal(meta + 72, "\1\0\0\0\0\0\0\0\0\0\x80\x3b\x80\xff\xff\xff", 16);
    assert_memory_equal(meta + 88, "\1\0\0\0\0\0\0\0", 8); /* inputs: edge 0 */
    assert_memory_equal(meta + 96, "\3\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0", 16);
    assert_memory_equal(meta + 112, "\1\0\0\0\3\0\0\0cpu\0", 12); /* one part, its target */
    free(bytes);
    tenon_program_unref(program);
}

/* ---- running ---- */

static enum tenon_status run(struct tenon_program *program, const void *input, size_t input_size,
                             void *output, size_t output_size) {
    struct tenon_session *session = NULL;
    struct tenon_fence *fence = NULL;
    struct tenon_buffer *in = NULL, *out = NULL;
    enum tenon_status status = tenon_session_create(instance, program, NULL, &session, NULL);
    if (status == TENON_OK)
        status = tenon_fence_create(instance, &fence, NULL);
    if (status == TENON_OK && input != NULL) {
        assert_int_equal(tenon_buffer_create(instance, input_size, &in, NULL), TENON_OK);
        assert_int_equal(tenon_buffer_create(instance, output_size, &out, NULL), TENON_OK);
        memcpy(tenon_buffer_data(in), input, input_size);
        assert_int_equal(tenon_session_bind_input(session, 0, in, 0, NULL), TENON_OK);
        assert_int_equal(tenon_session_bind_output(session, 0, out, 0, NULL), TENON_OK);
    }
    if (status == TENON_OK) {
        struct tenon_fence *const signals[] = {fence};
        struct tenon_job job = {.size = sizeof(job),
                                .session = session,
                                .signals = signals,
                                .signal_count = 1,
                                .deadline_ns = 2000000000};
        status = tenon_queue_submit(queue, &job, NULL);
        if (status == TENON_OK)
            status = tenon_fence_wait(fence, TENON_WAIT_FOREVER, NULL);
    }
    if (status == TENON_OK && output != NULL)
        memcpy(output, tenon_buffer_data(out), output_size);
    tenon_fence_unref(fence);
    tenon_session_destroy(session);
    tenon_buffer_unref(in);
    tenon_buffer_unref(out);
    return status;
}

static void a_saved_program_is_the_same_program(void **state) {
    static const char *const targets[] = {"cpu", "reference"};
    char path[] = "/tmp/tenon-test-image-XXXXXX";
    int8_t picture[32], before[3], after[3];
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (int i = 0; i < 32; i++)
        picture[i] = (int8_t)(i * 37 - 100);
    for (size_t i = 0; i < 2; i++) {
        struct tenon_program *program = compile(network, targets[i]), *loaded, *copied;
        struct tenon_placement was, is;
        size_t size, loaded_size;
        assert_int_equal(tenon_program_save(program, path, NULL), TENON_OK);
        assert_int_equal(tenon_program_open(path, &loaded, NULL), TENON_OK);
        const void *data = tenon_program_data(program, &size);
        assert_memory_equal(tenon_program_data(loaded, &loaded_size), data, size);
        assert_int_equal(loaded_size, size);
        assert_int_equal(tenon_program_open_memory(data, size, &copied, NULL), TENON_OK);
        assert_int_equal(tenon_program_node_count(loaded), 4);
        for (uint32_t n = 0; n < 4; n++) {
            assert_int_equal(tenon_program_placement(program, n, &was), TENON_OK);
            assert_int_equal(tenon_program_placement(loaded, n, &is), TENON_OK);
            assert_string_equal(was.node, is.node);
            assert_string_equal(was.op, is.op);
            assert_string_equal(was.kernel, is.kernel);
            assert_string_equal(is.device, targets[i]);
            assert_int_equal(was.macs, is.macs);
        }
        assert_int_equal(run(program, picture, 32, before, 3), TENON_OK);
        assert_int_equal(run(loaded, picture, 32, after, 3), TENON_OK);
        assert_memory_equal(before, after, 3);
        assert_int_equal(run(copied, picture, 32, after, 3), TENON_OK);
        assert_memory_equal(before, after, 3);
        tenon_program_unref(program);
        tenon_program_unref(loaded);
        tenon_program_unref(copied);
    }
    unlink(path);
}

/* ---- versions and compatibility ---- */

static enum tenon_status open_with_version(const uint8_t *bytes, size_t size, uint16_t major,
                                           uint16_t minor, struct tenon_error *error) {
    struct tenon_program *program;
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    put32(copy + 8, (uint32_t)minor << 16 | major);
    enum tenon_status status = tenon_program_open_memory(copy, size, &program, error);
    if (status == TENON_OK)
        tenon_program_unref(program);
    else
        assert_null(program);
    free(copy);
    return status;
}

static void other_versions_are_refused_with_advice(void **state) {
    struct tenon_program *program = compile(network, "cpu");
    struct tenon_error error = {.message = ""};
    size_t size;
    const uint8_t *bytes = tenon_program_data(program, &size);
    (void)state;
    assert_int_equal(open_with_version(bytes, size, 1, 0, &error), TENON_OK);
    assert_int_equal(open_with_version(bytes, size, 1, 1, &error), TENON_ERROR_INCOMPATIBLE);
    assert_int_equal(open_with_version(bytes, size, 2, 0, &error), TENON_ERROR_INCOMPATIBLE);
    assert_non_null(strstr(error.message, "version 2.0, this is for 1.0: compile it again"));
    assert_int_equal(open_with_version(bytes, size, 0, 0, &error), TENON_ERROR_INCOMPATIBLE);
    tenon_program_unref(program);
}

/* The image with the first string `from` of the same length replaced. */
static struct tenon_program *open_edited(const struct tenon_program *program, const char *from,
                                         const char *to) {
    struct tenon_program *edited;
    size_t size, length = strlen(from);
    uint8_t *bytes = copy_bytes(program, &size);
    assert_int_equal(strlen(to), length);
    size_t at = 0;
    while (at + length <= size && memcmp(bytes + at, from, length + 1) != 0)
        at++;
    assert_true(at + length < size);
    memcpy(bytes + at, to, length);
    assert_int_equal(tenon_program_open_memory(bytes, size, &edited, NULL), TENON_OK);
    free(bytes);
    return edited;
}

static void devices_answer_for_their_parts(void **state) {
    struct tenon_program *program = compile(network, "reference"), *edited;
    struct tenon_device *reference = tenon_instance_find_device(instance, "reference");
    (void)state;
    assert_int_equal(tenon_device_compatibility(reference, program), TENON_COMPATIBILITY_OPTIMAL);
    edited = open_edited(program, "reference-7", "reference-0");
    assert_int_equal(tenon_device_compatibility(reference, edited),
                     TENON_COMPATIBILITY_UNSUPPORTED);
    assert_int_equal(run(edited, NULL, 0, NULL, 0), TENON_ERROR_INCOMPATIBLE);
    tenon_program_unref(edited);
    edited = open_edited(program, "reference-7", "somewhere-7");
    assert_int_equal(tenon_device_compatibility(reference, edited),
                     TENON_COMPATIBILITY_UNSUPPORTED);
    assert_int_equal(run(edited, NULL, 0, NULL, 0), TENON_ERROR_INCOMPATIBLE);
    tenon_program_unref(edited);
    edited = open_edited(program, "reference", "preferens");
    assert_int_equal(run(edited, NULL, 0, NULL, 0), TENON_ERROR_NOT_FOUND); /* no such device */
    tenon_program_unref(edited);
    tenon_program_unref(program);
}

/* ---- damage ---- */

static bool is_small(const struct tenon_program *program) {
    struct tenon_program_memory memory;
    struct tenon_tensor_info info;
    tenon_program_get_memory(program, &memory);
    size_t total = memory.scratch_bytes; /* variables are in it */
    for (uint32_t i = 0; i < tenon_program_input_count(program) && total < 1 << 20; i++)
        if (tenon_program_input(program, i, &info) == TENON_OK)
            total += info.size_bytes;
    for (uint32_t i = 0; i < tenon_program_output_count(program) && total < 1 << 20; i++)
        if (tenon_program_output(program, i, &info) == TENON_OK)
            total += info.size_bytes;
    return total < 1 << 20;
}

/* Opens damaged bytes, asks for everything, and runs what is small. */
static bool survives(const uint8_t *bytes, size_t size) {
    struct tenon_error error = {.message = ""};
    struct tenon_program *program;
    enum tenon_status status = tenon_program_open_memory(bytes, size, &program, &error);
    assert_int_equal(status, error.status);
    if (status != TENON_OK)
        return false;
    for (uint32_t i = 0; i < tenon_program_node_count(program); i++) {
        struct tenon_placement row;
        assert_int_equal(tenon_program_placement(program, i, &row), TENON_OK);
        assert_true(strlen(row.node) + strlen(row.op) + strlen(row.kernel) + strlen(row.device) +
                        strlen(row.reason) <
                    size);
    }
    bool ran = is_small(program) && run(program, NULL, 0, NULL, 0) == TENON_OK;
    tenon_program_unref(program);
    return ran;
}

static void damage(const char *text, const char *target) {
    struct tenon_program *program = compile(text, target);
    unsigned ran = 0, tried = 0;
    size_t size;
    uint8_t *bytes = copy_bytes(program, &size);
    tenon_program_unref(program);
    assert_true(survives(bytes, size));
    for (size_t at = 0; at < size; at++) {
        const uint8_t kept = bytes[at];
        const uint8_t values[] = {(uint8_t)(kept ^ 1), (uint8_t)(kept ^ 0x80), 0, 0xff,
                                  (uint8_t)(kept + 16)};
        for (size_t k = 0; k < sizeof(values); k++, tried++) {
            bytes[at] = values[k];
            ran += survives(bytes, size);
        }
        bytes[at] = kept;
    }
    print_message("%zu bytes for %s, %u damaged images, %u ran\n", size, target, tried, ran);
    assert_true(ran > 0 && ran < tried);
    for (size_t length = 0; length < size; length++) { /* truncated, as is and with its size told */
        uint8_t *part = malloc(length + 1);
        assert_non_null(part);
        memcpy(part, bytes, length);
        assert_false(survives(part, length));
        if (length >= 32) {
            put32(part + 16, (uint32_t)length);
            survives(part, length);
        }
        free(part);
    }
    free(bytes);
}

static void damaged_programs_do_no_harm(void **state) {
    (void)state;
    damage(network, "cpu");
    damage(network, "reference");
    damage(kernels, "cpu");
    damage(stateful, "cpu");
}

/* ---- rules of META, each broken once ---- */

struct draft {
    struct tenon_image_edge edges[4];
    struct tenon_image_part parts[2];
    struct tenon_image_node nodes[2];
    uint32_t inputs[1], outputs[1], reads[2][2], writes[2][2];
    struct tenon_image image;
};

/* x -> part 0 -> between -> part 1 (with a variable) -> y */
static void init_draft(struct draft *d) {
    static const struct tenon_desc byte = {TENON_TYPE_I8, {1, {1}}, {0, 0, NULL, NULL}};
    *d = (struct draft){
        .edges = {{TENON_EDGE_INPUT, "x", byte, 0},
                  {TENON_EDGE_BETWEEN, "m", byte, 0},
                  {TENON_EDGE_VARIABLE, "v", byte, 0},
                  {TENON_EDGE_OUTPUT, "y", byte, 0}},
        .nodes = {{"a", "add", "k", "", 0, 7}, {"b", "mul", "k", "r", 1, UINT64_MAX}},
        .inputs = {0},
        .outputs = {3},
        .reads = {{0}, {1, 2}},
        .writes = {{1}, {2, 3}},
    };
    d->parts[0] = (struct tenon_image_part){.target = "p",
                                            .compatibility = "p-1",
                                            .reads = d->reads[0],
                                            .read_count = 1,
                                            .writes = d->writes[0],
                                            .write_count = 1};
    d->parts[1] = (struct tenon_image_part){.target = "q",
                                            .compatibility = "q-1",
                                            .reads = d->reads[1],
                                            .read_count = 2,
                                            .writes = d->writes[1],
                                            .write_count = 2,
                                            .scratch_bytes = 12345678901};
    d->image = (struct tenon_image){.name = "draft",
                                    .edges = d->edges,
                                    .edge_count = 4,
                                    .parts = d->parts,
                                    .part_count = 2,
                                    .nodes = d->nodes,
                                    .node_count = 2,
                                    .inputs = d->inputs,
                                    .input_count = 1,
                                    .outputs = d->outputs,
                                    .output_count = 1};
}

static enum tenon_status read_draft(const struct draft *d, struct tenon_arena *arena,
                                    struct tenon_strbuf *bytes, struct tenon_image *image,
                                    struct tenon_error *error) {
    tenon_arena_init(arena, 0);
    tenon_strbuf_init(bytes);
    tenon_image_begin(bytes);
    tenon_image_end(&d->image, bytes);
    assert_false(bytes->failed);
    return tenon_image_read((struct tenon_span){(const uint8_t *)bytes->data, bytes->size}, arena,
                            image, error);
}

static void what_is_written_is_read(void **state) {
    struct draft d;
    struct tenon_arena arena;
    struct tenon_strbuf bytes;
    struct tenon_image image;
    (void)state;
    init_draft(&d);
    assert_int_equal(read_draft(&d, &arena, &bytes, &image, NULL), TENON_OK);
    assert_string_equal(image.name, "draft");
    assert_int_equal(image.edge_count, 4);
    assert_int_equal(image.edges[2].kind, TENON_EDGE_VARIABLE);
    assert_string_equal(image.edges[3].name, "y");
    assert_int_equal(image.edges[3].size_bytes, 1);
    assert_int_equal(image.part_count, 2);
    assert_string_equal(image.parts[1].compatibility, "q-1");
    assert_int_equal(image.parts[1].scratch_bytes, 12345678901);
    assert_int_equal(image.parts[1].writes[1], 3);
    assert_string_equal(image.nodes[1].reason, "r");
    assert_true(image.nodes[1].macs == UINT64_MAX);
    assert_int_equal(image.outputs[0], 3);
    tenon_arena_finish(&arena);
    tenon_strbuf_finish(&bytes);
}

static void break_read_before_write(struct draft *d) {
    d->reads[0][0] = 1;
}
static void break_write_input(struct draft *d) {
    d->writes[0][0] = 0;
}
static void break_write_twice(struct draft *d) {
    d->writes[1][0] = 1;
}
static void break_input_kind(struct draft *d) {
    d->inputs[0] = 2;
}
static void break_output_unwritten(struct draft *d) {
    d->parts[1].write_count = 1;
}
static void break_output_unnamed(struct draft *d) {
    d->outputs[0] = 1;
}
static void break_edge_range(struct draft *d) {
    d->reads[1][1] = 4;
}
static void break_output_range(struct draft *d) {
    d->outputs[0] = 4;
}
static void break_node_part(struct draft *d) {
    d->nodes[1].part = 2;
}
static void break_node_order(struct draft *d) {
    d->nodes[0].part = 1;
    d->nodes[1].part = 0;
}
static void break_edge_kind(struct draft *d) {
    d->edges[1].kind = (enum tenon_edge_kind)4;
}
static void break_edge_shape(struct draft *d) {
    d->edges[1].desc.shape.dims[0] = -1;
}
static void break_edge_type(struct draft *d) {
    d->edges[1].desc.type = TENON_TYPE_COUNT;
}

static void rules_of_meta_are_checked(void **state) {
    static const struct {
        void (*break_it)(struct draft *draft);
        const char *complaint;
    } cases[] = {
        {break_read_before_write, "a part reads what no earlier part wrote"},
        {break_write_input, "a part writes an input"},
        {break_write_twice, "a part writes an input, or what is written already"},
        {break_input_kind, "an input of the program is no input edge"},
        {break_output_unwritten, "an output of the program is never written"},
        {break_output_unnamed, "an input or output edge is not among the program's"},
        {break_edge_range, "section META"},
        {break_output_range, "section META"},
        {break_node_part, "section META"},
        {break_node_order, "section META"},
        {break_edge_kind, "section META"},
        {break_edge_shape, "section META"},
        {break_edge_type, "section META"},
    };
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++) {
        struct draft d;
        struct tenon_arena arena;
        struct tenon_strbuf bytes;
        struct tenon_image image;
        struct tenon_error error = {.message = ""};
        init_draft(&d);
        cases[i].break_it(&d);
        assert_int_equal(read_draft(&d, &arena, &bytes, &image, &error), TENON_ERROR_BAD_IMAGE);
        if (strstr(error.message, cases[i].complaint) == NULL)
            fail_msg("case %zu: %s", i, error.message);
        tenon_arena_finish(&arena);
        tenon_strbuf_finish(&bytes);
    }
}

/* ---- rules of the header and the table ---- */

static void rules_of_the_container_are_checked(void **state) {
    struct tenon_program *program = compile(network, "reference");
    size_t size;
    uint8_t *bytes = copy_bytes(program, &size);
    uint64_t table = le64(bytes + 24);
    const struct {
        size_t at;
        uint32_t value;
    } cases[] = {
        {0, 0x4e4f4e54},                            /* magic */
        {12, 0},                                    /* sections */
        {12, 2},                                    /* an even number */
        {12, 5},                                    /* more than parts */
        {12, 0x20001},                              /* more than there may be */
        {16, (uint32_t)size - 1},                   /* a tail */
        {16, (uint32_t)size + 1},                   /* truncated */
        {20, 1},                                    /* 4 GiB more */
        {24, (uint32_t)size - 71},                  /* the table runs over the end */
        {28, 0xffffffff},                           /* the table is far away */
        {table, 0x45444f43},                        /* the first section is no META */
        {table + 24, 0x41544144},                   /* the second no CODE */
        {table + 8, le32(bytes + table + 8) + 1},   /* not aligned */
        {table + 8, le32(bytes + table + 8) + 64},  /* somewhere else */
        {table + 16, le32(bytes + table + 16) + 1}, /* longer than what is in it */
        {table + 16, le32(bytes + table + 16) - 1},
        {table + 12, 0xffffffff}, /* offset beyond the file */
        {table + 20, 0xffffffff}, /* size, whose sum with the offset wraps */
        {table + 24 + 20, 1},
    };
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++) {
        struct tenon_error error = {.message = ""};
        struct tenon_program *opened;
        uint32_t kept = le32(bytes + cases[i].at);
        put32(bytes + cases[i].at, cases[i].value);
        if (tenon_program_open_memory(bytes, size, &opened, &error) != TENON_ERROR_BAD_IMAGE)
            fail_msg("case %zu: %s", i, error.message);
        assert_null(opened);
        put32(bytes + cases[i].at, kept);
    }
    assert_true(survives(bytes, size));
    free(bytes);
    tenon_program_unref(program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_laid_out_as_the_page_says),
        cmocka_unit_test(a_saved_program_is_the_same_program),
        cmocka_unit_test(other_versions_are_refused_with_advice),
        cmocka_unit_test(devices_answer_for_their_parts),
        cmocka_unit_test(damaged_programs_do_no_harm),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(rules_of_meta_are_checked),
        cmocka_unit_test(rules_of_the_container_are_checked),
    };
    return cmocka_run_group_tests(tests, open_instance, close_instance);
}
