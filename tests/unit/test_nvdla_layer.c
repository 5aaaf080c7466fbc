/*
 * Hardware layers as register writes: addresses and values written out by hand from NVIDIA's
 * register descriptions (nvdla/hw, spec/manual), the order of blocks, the groups' turns, and the
 * way through the CODE section and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backends/nvdla/layer.h"

struct fixture {
    struct tenon_arena arena;
    struct nvdla_program program;
};

static void begin(struct fixture *f) {
    tenon_arena_init(&f->arena, 0);
    tenon_nvdla_program_init(&f->program, tenon_nvdla_config_find("nvdla:nv_small"), &f->arena);
}

static void finish(struct fixture *f) {
    assert_false(f->program.failed);
    tenon_arena_finish(&f->arena);
}

static struct nvdla_cube cube(uint64_t offset, uint32_t height, uint32_t width, uint32_t channels) {
    return (struct nvdla_cube){.place = TENON_NVDLA_SCRATCH,
                               .offset = offset,
                               .height = height,
                               .width = width,
                               .channels = channels,
                               .line_stride = 8 * width,
                               .surface_stride = 8 * width * height};
}

/* The index of the `nth` write to a register from command `from` on. */
static uint32_t find_write(const struct fixture *f, uint32_t from, uint32_t address) {
    for (uint32_t i = from; i < f->program.command_count; i++)
        if (f->program.commands[i].kind == TENON_NVDLA_WRITE &&
            f->program.commands[i].address == address)
            return i;
    fail_msg("no write to 0x%05x", address);
    return 0;
}

struct expected {
    uint32_t address, value;
};

static void check_writes(const struct fixture *f, const struct expected *expected, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t at = find_write(f, 0, expected[i].address);
        if (f->program.commands[at].value != expected[i].value)
            fail_msg("register 0x%05x is 0x%x, not 0x%x", expected[i].address,
                     f->program.commands[at].value, expected[i].value);
    }
}

static struct nvdla_conv example_conv(void) {
    return (struct nvdla_conv){
        .source = cube(0x100, 10, 12, 20),
        .weights_offset = 0x40,
        .weight_bytes = 3 * 5 * 20 * 9, /* 2700: not whole entries */
        .kernels = 9,
        .kernel_height = 3,
        .kernel_width = 5,
        .stride_y = 2,
        .stride_x = 1,
        .dilation_y = 1,
        .dilation_x = 2,
        .pad_top = 1,
        .pad_left = 2,
        .pad_bottom = 1,
        .pad_right = 3,
        .pad_value = -5,
        .data_banks = 1,
        .weight_banks = 6,
        .sdp = {.bs = {.alu = NVDLA_ALU_ADD,
                       .mul = true,
                       .alu_source = NVDLA_OPERAND_CHANNEL,
                       .mul_source = NVDLA_OPERAND_CHANNEL,
                       .alu_shift = 3,
                       .mul_shift = 4,
                       .channel_offset = 0x1000},
                .cvt_offset = -7,
                .cvt_scale = 1,
                .dest = cube(0x8000, 5, 9, 9)},
    };
}

static void test_convolution(void **state) {
    static const struct expected expected[] = {
        {0x3014, 0},                              /* CDMA.D_MISC_CFG: direct, int8 */
        {0x301c, 11 | 9 << 16},                   /* width - 1, height - 1 */
        {0x3020, 19},                             /* channels - 1 */
        {0x3034, 0x100},                          /* address, low */
        {0x3040, 96},                             /* line stride */
        {0x3048, 960},                            /* surface stride */
        {0x304c, 1 | 1 << 16},                    /* packed */
        {0x3060, 3 * 12 - 1},                     /* entries per slice: 3 atoms of 12 pixels */
        {0x306c, 3 * 5 * 20 - 1},                 /* bytes of a kernel - 1 */
        {0x3070, 8},                              /* kernels - 1 */
        {0x3080, 2704},                           /* weight bytes, whole entries of 8 */
        {0x30b0, 0 | 1 << 16},                    /* strides - 1 */
        {0x30b4, 2 | 3 << 8 | 1 << 16 | 1 << 24}, /* padding */
        {0x30b8, 0xfffb},                         /* -5 in 16 bits */
        {0x30bc, 0 | 5 << 16},                    /* banks - 1 */
        {0x402c, 4 | 2 << 16},                    /* CSC: kernel width - 1, height - 1 */
        {0x4030, 19 | 8 << 16},                   /* channels - 1, kernels - 1 */
        {0x4034, 2704},
        {0x403c, 8 | 4 << 16},              /* output */
        {0x4044, 44},                       /* atomics: 9 * 5 - 1 */
        {0x4048, 9},                        /* release: all lines */
        {0x4050, 1},                        /* dilation - 1 */
        {0x7018, 0x8000},                   /* CACC's output address, for SDP */
        {0x8028, 1 << 5 | 1 << 3 | 2 << 1}, /* BRDMA: MC, two bytes, both operands */
        {0x802c, 0x1000},
        {0x8034, 32},              /* an atom's operands */
        {0x8040, 1 << 5 | 1},      /* NRDMA: off */
        {0x9058, 2 << 2 | 1 << 6}, /* BS: sum, no ReLU */
        {0x905c, 1 | 3 << 8},      /* from memory, shift */
        {0x9064, 1 | 4 << 8},
        {0x90b0, 1},          /* from CACC */
        {0x90c0, 0xfffffff9}, /* CVT's offset */
    };
    struct fixture f;
    (void)state;
    begin(&f);
    const struct nvdla_conv conv = example_conv();
    tenon_nvdla_program_conv(&f.program, &conv);
    check_writes(&f, expected, TENON_COUNT_OF(expected));
    /* Enabled from the last block to the first, then all of them waited for. */
    static const uint32_t order[] = {0x7008, 0x5008, 0x6008, 0x4008, 0x3010, 0x9038, 0x8008};
    uint32_t at = 0;
    for (size_t i = 0; i < TENON_COUNT_OF(order); i++)
        at = find_write(&f, at, order[i]);
    assert_int_equal(at, f.program.command_count - 2);
    const struct tenon_nvdla_command *wait = &f.program.commands[f.program.command_count - 1];
    assert_int_equal(wait->kind, TENON_NVDLA_WAIT);
    assert_int_equal(wait->address, 0x100c);
    assert_int_equal(wait->mask, 1 | 1 << 16 | 1 << 18 | 1 << 20);
    finish(&f);
}

/* Each block takes its groups in turn, SDP_RDMA only when it takes part; the done bits alternate.
 */
static void test_groups_alternate(void **state) {
    struct fixture f;
    (void)state;
    begin(&f);
    struct nvdla_conv conv = example_conv();
    const struct nvdla_cube picture = cube(0, 5, 9, 9);
    const struct nvdla_sdp copy = {.cvt_scale = 1, .dest = cube(0x8000, 5, 9, 9)};
    conv.sdp.bs = (struct nvdla_stage){.alu = NVDLA_ALU_NONE};
    tenon_nvdla_program_conv(&f.program, &conv); /* without SDP_RDMA */
    uint32_t second = f.program.command_count;
    tenon_nvdla_program_sdp(&f.program, &copy, &picture);
    uint32_t third = f.program.command_count;
    tenon_nvdla_program_conv(&f.program, &conv);
    const struct tenon_nvdla_command *c = f.program.commands;
    assert_int_equal(c[find_write(&f, 0, 0x9004)].value, 0);
    assert_int_equal(c[find_write(&f, second, 0x9004)].value, 1);
    assert_int_equal(c[find_write(&f, second, 0x8004)].value, 0); /* SDP_RDMA's first */
    assert_int_equal(c[find_write(&f, third, 0x9004)].value, 0);
    assert_int_equal(c[find_write(&f, third, 0x3004)].value, 1);
    assert_int_equal(c[second - 1].mask, 1 | 1 << 16 | 1 << 18 | 1 << 20);
    assert_int_equal(c[third - 1].mask, 1 << 1);
    assert_int_equal(c[f.program.command_count - 1].mask, 1 | 1 << 17 | 1 << 19 | 1 << 21);
    finish(&f);
}

static void test_pooling(void **state) {
    static const struct expected expected[] = {
        {0xa00c, 8}, /* PDP_RDMA: width - 1 */
        {0xa038, 2 | 1 << 4},
        {0xb018, 3},                              /* output width - 1 */
        {0xb024, 1 | 1 << 4},                     /* maximum, from memory */
        {0xb034, 2 | 1 << 8 | 1 << 16 | 2 << 20}, /* kernel and strides - 1 */
        {0xb040, 1 | 0 << 4 | 1 << 8 | 1 << 12},
        {0xb044, 0x7ff80}, /* -128 in 19 bits */
        {0xb060, 0x20},
        {0xb070, 0x4000},
    };
    struct fixture f;
    (void)state;
    begin(&f);
    const struct nvdla_pdp pdp = {.method = NVDLA_POOL_MAX,
                                  .source = cube(0x20, 7, 9, 8),
                                  .dest = cube(0x4000, 3, 4, 8),
                                  .kernel_height = 2,
                                  .kernel_width = 3,
                                  .stride_y = 3,
                                  .stride_x = 2,
                                  .pad_left = 1,
                                  .pad_right = 1,
                                  .pad_bottom = 1,
                                  .pad_value = -128};
    tenon_nvdla_program_pdp(&f.program, &pdp);
    check_writes(&f, expected, TENON_COUNT_OF(expected));
    assert_int_equal(f.program.commands[f.program.command_count - 1].mask, 1 << 4);
    finish(&f);
}

/* What is written is what is read and listed. */
static void test_round_trip(void **state) {
    struct fixture f;
    struct tenon_strbuf bytes, text;
    struct tenon_error error;
    struct tenon_nvdla_code read;
    (void)state;
    begin(&f);
    const struct nvdla_conv conv = example_conv();
    tenon_nvdla_program_conv(&f.program, &conv);
    const struct tenon_nvdla_code code = {.config = "nv_small",
                                          .atom_bytes = 8,
                                          .node_count = 1,
                                          .scratch_bytes = 0x10000,
                                          .commands = f.program.commands,
                                          .command_count = f.program.command_count};
    tenon_strbuf_init(&bytes);
    tenon_strbuf_init(&text);
    tenon_nvdla_code_write(&code, &bytes);
    assert_int_equal(
        tenon_nvdla_code_read((struct tenon_span){(const uint8_t *)bytes.data, bytes.size}, 0x2000,
                              &f.arena, &read, &error),
        TENON_OK);
    assert_int_equal(read.command_count, code.command_count);
    for (uint32_t i = 0; i < read.command_count; i++) {
        assert_int_equal(read.commands[i].kind, code.commands[i].kind);
        assert_int_equal(read.commands[i].place, code.commands[i].place);
        assert_int_equal(read.commands[i].high, code.commands[i].high);
        assert_int_equal(read.commands[i].address, code.commands[i].address);
        assert_int_equal(read.commands[i].value, code.commands[i].value);
        assert_int_equal(read.commands[i].mask, code.commands[i].mask);
    }
    tenon_nvdla_code_print(&read, (struct tenon_span){0}, NULL, &text);
    assert_non_null(strstr(text.data, "write 0x03034 scratch+0x00000100\n"));
    assert_non_null(strstr(text.data, "write 0x0307c data+0x00000040\n"));
    assert_non_null(strstr(text.data, "poll 0x0300c 0x00000001 mask 0x00000001\n"));
    assert_non_null(strstr(text.data, "wait 0x0100c mask 0x00150001\n"));
    tenon_strbuf_finish(&bytes);
    tenon_strbuf_finish(&text);
    finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolution),
        cmocka_unit_test(test_groups_alternate),
        cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
