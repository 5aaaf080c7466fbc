/*
 * Every rule of sim/nvdla/rules.def is broken once: the model stops with a message that names rule,
 * block, register and operation; after a reset the next job is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/nvdla_machine.h"

struct change {
    const char *reg;
    uint32_t value;
};

struct broken {
    const char *rule, *block, *reg; /* what the message names; reg "": no register */
    uint32_t operation;
    /* What is wrong: a program that these changes spoil, or a function that does it all. */
    void (*program)(struct nvdla_machine *);
    const char *const *blocks;
    struct change changes[4];
    void (*special)(struct nvdla_machine *);
};

static void program_conv(struct nvdla_machine *m) {
    nvdla_program_conv(m, &nvdla_conv_small);
}

static void run_conv(struct nvdla_machine *m, const struct nvdla_conv *conv) {
    nvdla_program_conv(m, conv);
    nvdla_enable(m, nvdla_conv_blocks);
    (void)tenon_nvdla_sim_run(m->sim);
}

/* ---- those that need more than a changed register ---- */

static void write_nowhere(struct nvdla_machine *m) {
    tenon_nvdla_sim_write(m->sim, 0x3ffc, 1); /* behind CDMA's last register */
}

static void write_while_enabled(struct nvdla_machine *m) {
    nvdla_program_conv(m, &nvdla_conv_small);
    nvdla_set(m, "CACC.D_OP_ENABLE", 1);
    nvdla_set(m, "CACC.D_CLIP_CFG", 3);
}

static void enable_twice(struct nvdla_machine *m) {
    nvdla_set(m, "SDP.D_OP_ENABLE", 1);
    nvdla_set(m, "SDP.D_OP_ENABLE", 1);
}

/* 128 bytes, as the documents of the large configurations say: the layer after is spoiled. */
static void round_weights_to_128(struct nvdla_machine *m) {
    struct nvdla_conv conv = nvdla_conv_small;
    conv.weight_bytes = 640; /* 576 are used */
    run_conv(m, &conv);
    assert_null(tenon_nvdla_sim_fault(m->sim));
    assert_true(nvdla_conv_is_right(m, &conv));
    run_conv(m, &nvdla_conv_small);
}

static void reuse_what_is_released(struct nvdla_machine *m) {
    struct nvdla_conv conv = nvdla_conv_small;
    run_conv(m, &conv);
    assert_null(tenon_nvdla_sim_fault(m->sim));
    conv.misc = 1 << 16; /* DATA_REUSE */
    run_conv(m, &conv);
}

static bool stop(void *user) {
    return ++*(int *)user > 3;
}

static void lose_patience(struct nvdla_machine *m) {
    int lines = 0;
    tenon_nvdla_sim_set_limit(m->sim, stop, &lines);
    run_conv(m, &nvdla_conv_small);
    tenon_nvdla_sim_set_limit(m->sim, NULL, NULL);
}

static void enable_idle_rdma(struct nvdla_machine *m) {
    nvdla_set(m, "SDP_RDMA.D_FEATURE_MODE_CFG", 1); /* CACC's data */
    nvdla_set(m, "SDP_RDMA.D_OP_ENABLE", 1);
    run_conv(m, &nvdla_conv_small);
}

/* SDP reads the convolution's output, enabled together with it. */
static void read_too_early(struct nvdla_machine *m) {
    nvdla_program_conv(m, &nvdla_conv_small);
    nvdla_enable(m, nvdla_conv_blocks);
    nvdla_program_sdp(m);
    nvdla_set(m, "SDP_RDMA.D_SRC_BASE_ADDR_LOW", NVDLA_OUTPUT + 64);
    nvdla_enable(m, nvdla_sdp_blocks);
    (void)tenon_nvdla_sim_run(m->sim);
}

/* CDP overwrites what PDP still reads. */
static void write_too_early(struct nvdla_machine *m) {
    nvdla_program_pdp(m);
    nvdla_enable(m, nvdla_pdp_blocks);
    nvdla_program_cdp(m);
    nvdla_set(m, "CDP.D_DST_BASE_ADDR_LOW", NVDLA_INPUT + 64);
    nvdla_enable(m, nvdla_cdp_blocks);
    (void)tenon_nvdla_sim_run(m->sim);
}

#define CONV program_conv, nvdla_conv_blocks
#define SDP nvdla_program_sdp, nvdla_sdp_blocks
#define PDP nvdla_program_pdp, nvdla_pdp_blocks
#define CDP nvdla_program_cdp, nvdla_cdp_blocks
#define SPECIAL(function) NULL, NULL, {{NULL, 0}}, function

static const struct broken table[] = {
    {"csb.address", "GLB", "", 0, SPECIAL(write_nowhere)},
    {"csb.busy-group", "CACC", "D_CLIP_CFG", 0, SPECIAL(write_while_enabled)},
    {"csb.pointer", "SDP", "D_OP_ENABLE", 0, SPECIAL(enable_twice)},
    {"unit.absent", "SDP", "D_DP_EW_CFG", 0, SDP, {{"SDP.D_DP_EW_CFG", 0}}, NULL},
    {"unit.absent", "CSC", "D_MISC_CFG", 0, CONV, {{"CSC.D_MISC_CFG", 1}}, NULL},
    {"unit.absent", "CDMA", "D_WEIGHT_FORMAT", 0, CONV, {{"CDMA.D_WEIGHT_FORMAT", 1}}, NULL},
    {"unit.absent", "CDMA", "D_BATCH_NUMBER", 0, CONV, {{"CDMA.D_BATCH_NUMBER", 1}}, NULL},
    {"unit.absent", "SDP_RDMA", "D_ERDMA_CFG", 0, SDP, {{"SDP_RDMA.D_ERDMA_CFG", 0}}, NULL},
    {"model.limit", "CDMA", "D_DATAIN_FORMAT", 0, CONV, {{"CDMA.D_DATAIN_FORMAT", 1}}, NULL},
    {"model.stopped", "SDP", "", 0, SPECIAL(lose_patience)},
    {"unit.precision", "CMAC_B", "D_MISC_CFG", 0, CONV, {{"CMAC_B.D_MISC_CFG", 0x1000}}, NULL},
    {"unit.precision", "SDP", "D_DATA_FORMAT", 0, SDP, {{"SDP.D_DATA_FORMAT", 1}}, NULL},
    {"unit.precision", "PDP", "D_DATA_FORMAT", 0, PDP, {{"PDP.D_DATA_FORMAT", 1}}, NULL},
    {"unit.precision", "CDP", "D_DATA_FORMAT", 0, CDP, {{"CDP.D_DATA_FORMAT", 1}}, NULL},
    {"memory.bounds",
     "CDMA",
     "D_DAIN_ADDR_LOW_0",
     0,
     CONV,
     {{"CDMA.D_DAIN_ADDR_LOW_0", NVDLA_RAM + NVDLA_RAM_BYTES - 8}},
     NULL},
    {"memory.bounds", "CDMA", "D_WEIGHT_ADDR_LOW", 0, CONV, {{"CDMA.D_WEIGHT_ADDR_LOW", 0}}, NULL},
    {"memory.bounds",
     "PDP_RDMA",
     "D_SRC_BASE_ADDR_LOW",
     0,
     PDP,
     {{"PDP_RDMA.D_SRC_LINE_STRIDE", 0x40000000}},
     NULL},
    {"memory.read-only",
     "SDP",
     "D_DST_BASE_ADDR_LOW",
     0,
     SDP,
     {{"SDP.D_DST_BASE_ADDR_LOW", NVDLA_ROM}},
     NULL},
    {"memory.alignment",
     "CDMA",
     "D_LINE_STRIDE",
     0,
     CONV,
     {{"CDMA.D_LINE_STRIDE", 6 * 8 + 4}},
     NULL},
    {"memory.alignment",
     "CDP_RDMA",
     "D_SRC_BASE_ADDR_LOW",
     0,
     CDP,
     {{"CDP_RDMA.D_SRC_BASE_ADDR_LOW", NVDLA_INPUT + 1}},
     NULL},
    {"memory.stride", "SDP", "D_DST_LINE_STRIDE", 0, SDP, {{"SDP.D_DST_LINE_STRIDE", 40}}, NULL},
    {"memory.stride",
     "PDP",
     "D_DST_SURFACE_STRIDE",
     0,
     PDP,
     {{"PDP.D_DST_SURFACE_STRIDE", 48}},
     NULL},
    {"memory.race", "SDP_RDMA", "D_SRC_BASE_ADDR_LOW", 0, SPECIAL(read_too_early)},
    {"memory.race", "CDP", "D_DST_BASE_ADDR_LOW", 0, SPECIAL(write_too_early)},
    {"memory.packed",
     "CDMA",
     "D_LINE_STRIDE",
     0,
     CONV,
     {{"CDMA.D_DAIN_MAP", 1}, {"CDMA.D_FETCH_GRAIN", 1}, {"CDMA.D_LINE_STRIDE", 64}},
     NULL},
    {"conv.shape", "CSC", "D_DATAIN_SIZE_EXT_1", 0, CONV, {{"CSC.D_DATAIN_SIZE_EXT_1", 8}}, NULL},
    {"conv.shape", "CACC", "D_DATAOUT_SIZE_1", 0, CONV, {{"CACC.D_DATAOUT_SIZE_1", 8}}, NULL},
    {"conv.shape", "SDP", "D_DATA_CUBE_WIDTH", 0, CONV, {{"SDP.D_DATA_CUBE_WIDTH", 3}}, NULL},
    {"conv.output",
     "CSC",
     "D_DATAOUT_SIZE_0",
     0,
     CONV,
     {{"CDMA.D_ZERO_PADDING", 0x00010001}}, /* no padding to the right */
     NULL},
    {"conv.atomics", "CSC", "D_ATOMICS", 0, CONV, {{"CSC.D_ATOMICS", 30}}, NULL},
    {"conv.reuse", "CSC", "D_MISC_CFG", 0, CONV, {{"CSC.D_MISC_CFG", 1 << 28}}, NULL},
    {"conv.reuse", "CDMA", "D_MISC_CFG", 1, SPECIAL(reuse_what_is_released)},
    {"conv.release", "CSC", "D_RELEASE", 0, CONV, {{"CSC.D_RELEASE", 5}}, NULL},
    {"conv.kernel-bytes", "CDMA", "D_WEIGHT_SIZE_0", 0, CONV, {{"CDMA.D_WEIGHT_SIZE_0", 70}}, NULL},
    {"cbuf.banks",
     "CDMA",
     "D_BANK",
     0,
     CONV,
     {{"CDMA.D_BANK", 0x000f0010}, {"CSC.D_BANK", 0x000f0010}},
     NULL},
    {"cbuf.banks", "CSC", "D_BANK", 0, CONV, {{"CSC.D_BANK", 1}}, NULL},
    {"cbuf.slice", "CDMA", "D_ENTRY_PER_SLICE", 0, CONV, {{"CDMA.D_ENTRY_PER_SLICE", 6}}, NULL},
    {"cbuf.slice", "CSC", "D_ENTRY_PER_SLICE", 0, CONV, {{"CSC.D_ENTRY_PER_SLICE", 4}}, NULL},
    {"cbuf.data-space",
     "CDMA",
     "D_BANK",
     0,
     CONV, /* 90 lines of 6 atoms, a bank has 512 */
     {{"CDMA.D_DATAIN_SIZE_0", 5 | 89 << 16}, {"CSC.D_DATAIN_SIZE_EXT_0", 5 | 89 << 16}},
     NULL},
    {"cbuf.data-missing",
     "CSC",
     "D_DATAIN_SIZE_EXT_0",
     0,
     CONV,
     {{"CSC.D_DATAIN_SIZE_EXT_0", 5 | 5 << 16}},
     NULL},
    {"cbuf.surface-width",
     "CSC",
     "D_DATAIN_SIZE_EXT_0",
     0,
     NULL,
     NULL,
     {{NULL, 0}},
     NULL}, /* see wide_surfaces */
    {"cbuf.weight-space", "CDMA", "D_BANK", 0, NULL, NULL, {{NULL, 0}}, NULL}, /* see large_kernels
                                                                                */
    {"cbuf.weight-missing",
     "CDMA",
     "D_WEIGHT_BYTES",
     0,
     CONV,
     {{"CDMA.D_WEIGHT_BYTES", 568}},
     NULL},
    {"cbuf.weight-missing",
     "CDMA",
     "D_WEIGHT_BYTES",
     0,
     CONV,
     {{"CDMA.D_WEIGHT_BYTES", 580}},
     NULL},
    {"cbuf.weight-position", "CSC", "D_WEIGHT_BYTES", 1, SPECIAL(round_weights_to_128)},
    {"sdp.operand",
     "SDP_RDMA",
     "D_NRDMA_CFG",
     0,
     SDP,
     {{"SDP_RDMA.D_NRDMA_CFG", 0}}, /* fetches, BN is bypassed */
     NULL},
    {"sdp.operand",
     "SDP_RDMA",
     "D_BRDMA_CFG",
     0,
     SDP, /* BS wants both, SDP_RDMA brings ALU's */
     {{"SDP.D_DP_BS_CFG", 0x48},
      {"SDP.D_DP_BS_ALU_CFG", 1},
      {"SDP.D_DP_BS_MUL_CFG", 1},
      {"SDP_RDMA.D_BRDMA_CFG", 2}},
     NULL},
    {"sdp-rdma.idle", "SDP_RDMA", "D_OP_ENABLE", 0, SPECIAL(enable_idle_rdma)},
    {"sdp-rdma.match",
     "SDP_RDMA",
     "D_DATA_CUBE_WIDTH",
     0,
     SDP,
     {{"SDP_RDMA.D_DATA_CUBE_HEIGHT", 1}},
     NULL},
    {"sdp-rdma.match",
     "SDP_RDMA",
     "D_FEATURE_MODE_CFG",
     0,
     SDP,
     {{"SDP_RDMA.D_FEATURE_MODE_CFG", 1}},
     NULL},
    {"sdp.algorithm", "SDP", "D_DP_BN_CFG", 0, SDP, {{"SDP.D_DP_BN_CFG", 0x5c}}, NULL},
    {"pdp.match", "PDP_RDMA", "D_FLYING_MODE", 0, PDP, {{"PDP_RDMA.D_FLYING_MODE", 0}}, NULL},
    {"pdp.kernel",
     "PDP",
     "D_POOLING_PADDING_CFG",
     0,
     PDP, /* two columns of padding, a window has two */
     {{"PDP.D_POOLING_PADDING_CFG", 2}, {"PDP.D_DATA_CUBE_OUT_WIDTH", 6}},
     NULL},
    {"pdp.kernel", "PDP", "D_POOLING_KERNEL_CFG", 0, PDP, {{"PDP.D_POOLING_KERNEL_CFG", 8}}, NULL},
    {"pdp.output",
     "PDP",
     "D_DATA_CUBE_OUT_WIDTH",
     0,
     PDP,
     {{"PDP.D_DATA_CUBE_OUT_WIDTH", 5}},
     NULL},
    {"pdp.width",
     "PDP",
     "D_DATA_CUBE_OUT_WIDTH",
     0,
     PDP, /* two lines in the buffer: 64 outputs */
     {{"PDP.D_DATA_CUBE_IN_WIDTH", 65},
      {"PDP_RDMA.D_DATA_CUBE_IN_WIDTH", 65},
      {"PDP.D_DATA_CUBE_OUT_WIDTH", 64}},
     NULL},
    {"pdp.split",
     "PDP",
     "D_PARTIAL_WIDTH_IN",
     0,
     PDP, /* 3 + 4 columns of 6 */
     {{"PDP.D_OPERATION_MODE_CFG", 0x111},
      {"PDP_RDMA.D_OPERATION_MODE_CFG", 1},
      {"PDP.D_PARTIAL_WIDTH_IN", 2 | 3 << 10},
      {"PDP_RDMA.D_PARTIAL_WIDTH_IN", 2 | 3 << 10}},
     NULL},
    {"pdp.method",
     "PDP",
     "D_OPERATION_MODE_CFG",
     0,
     PDP,
     {{"PDP.D_OPERATION_MODE_CFG", 0x13}},
     NULL},
};

/* Shapes of their own. */
static void wide_surfaces(struct nvdla_machine *m) {
    struct nvdla_conv conv = nvdla_conv_small;
    conv.width = 4096;
    conv.height = 1;
    conv.channels = 16;
    conv.kernel_height = conv.kernel_width = 1;
    conv.pad_left = conv.pad_right = conv.pad_top = conv.pad_bottom = 0;
    conv.data_banks = 16;
    run_conv(m, &conv);
}

static void large_kernels(struct nvdla_machine *m) {
    struct nvdla_conv conv = nvdla_conv_small;
    conv.channels = 64; /* 8 kernels of 576 bytes: 576 entries, a bank has 512 */
    conv.data_banks = 2;
    run_conv(m, &conv);
}

static void break_rule(struct nvdla_machine *m, const struct broken *b) {
    if (strcmp(b->rule, "cbuf.surface-width") == 0) {
        wide_surfaces(m);
    } else if (strcmp(b->rule, "cbuf.weight-space") == 0) {
        large_kernels(m);
    } else if (b->special != NULL) {
        b->special(m);
    } else {
        b->program(m);
        for (size_t i = 0; i < 4 && b->changes[i].reg != NULL; i++)
            nvdla_set(m, b->changes[i].reg, b->changes[i].value);
        nvdla_enable(m, b->blocks);
        (void)tenon_nvdla_sim_run(m->sim);
    }
}

static void check_fault(const struct nvdla_machine *m, const struct broken *b) {
    const struct tenon_nvdla_sim_fault *fault = tenon_nvdla_sim_fault(m->sim);
    char operation[32];
    if (fault == NULL)
        fail_msg("%s is not noticed", b->rule);
    if (strcmp(fault->rule, b->rule) != 0 || strcmp(fault->block, b->block) != 0 ||
        strcmp(fault->reg, b->reg) != 0 || fault->operation != b->operation)
        fail_msg("expected %s at %s.%s operation %u: %s", b->rule, b->block, b->reg, b->operation,
                 fault->message);
    snprintf(operation, sizeof(operation), "operation %u", b->operation);
    assert_non_null(strstr(fault->message, b->rule));
    assert_non_null(strstr(fault->message, b->block));
    assert_non_null(strstr(fault->message, b->reg));
    assert_non_null(strstr(fault->message, operation));
}

static void every_rule_is_noticed_and_the_next_job_is_right(void **state) {
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        nvdla_machine_reset(&m);
        break_rule(&m, &table[i]);
        check_fault(&m, &table[i]);
        /* Stopped: writes are ignored, reads give nothing, nothing runs. */
        run_conv(&m, &nvdla_conv_small);
        check_fault(&m, &table[i]);
        assert_int_equal(nvdla_get(&m, "CDMA.S_CBUF_FLUSH_STATUS"), 0);
        nvdla_machine_reset(&m);
        memset(m.ram + NVDLA_RAM_BYTES / 2, 0, 4096);
        run_conv(&m, &nvdla_conv_small);
        assert_null(tenon_nvdla_sim_fault(m.sim));
        assert_true(nvdla_conv_is_right(&m, &nvdla_conv_small));
    }
    nvdla_machine_finish(&m);
}

/* docs/sim-nvdla.md has the table. */
static char *read_page(void) {
    enum { PAGE_MAX = 1 << 16 };
    char path[512], *text = calloc(1, PAGE_MAX);
    snprintf(path, sizeof(path), "%s/docs/sim-nvdla.md", getenv("TENON_SOURCE"));
    FILE *file = fopen(path, "r");
    if (text == NULL || file == NULL || fread(text, 1, PAGE_MAX - 1, file) == 0)
        fail_msg("cannot read %s", path);
    fclose(file);
    return text;
}

static void no_rule_is_left_out(void **state) {
    char *page = read_page();
    (void)state;
    for (size_t rule = 0; tenon_nvdla_sim_rule_id(rule) != NULL; rule++) {
        bool found = false;
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
            found |= strcmp(table[i].rule, tenon_nvdla_sim_rule_id(rule)) == 0;
        if (!found)
            fail_msg("no program breaks %s", tenon_nvdla_sim_rule_id(rule));
        char row[256];
        snprintf(row, sizeof(row), "| `%s` | %s |\n", tenon_nvdla_sim_rule_id(rule),
                 tenon_nvdla_sim_rule_text(rule));
        if (strstr(page, row) == NULL)
            fail_msg("docs/sim-nvdla.md has no row %s", row);
    }
    free(page);
}

/* Not a fault, but it never ends: who waits for what is told. */
static void what_blocks_is_explained(void **state) {
    static const char *const some[] = {"CSC", "CMAC_A", "CMAC_B", "CACC", "SDP", NULL};
    struct nvdla_machine m;
    struct tenon_strbuf text;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    nvdla_program_conv(&m, &nvdla_conv_small);
    nvdla_enable(&m, some);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_BLOCKED);
    tenon_strbuf_init(&text);
    tenon_nvdla_sim_explain(m.sim, &text);
    assert_non_null(strstr(text.data, "SDP operation 0 is enabled, waits for group 0 of CDMA"));
    tenon_strbuf_finish(&text);
    nvdla_machine_finish(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_noticed_and_the_next_job_is_right),
        cmocka_unit_test(no_rule_is_left_out),
        cmocka_unit_test(what_blocks_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
