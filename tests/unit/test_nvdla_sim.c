/*
 * The functional model of NVDLA: arithmetic at its extremes, with values computed by hand from the
 * RTL (the files are named in sim/nvdla); the convolution buffer from layer to layer; groups and
 * interrupts; cycles against layers measured in the RTL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sim/nvdla/device.h"
#include "support/nvdla_machine.h"

static void run_conv(struct nvdla_machine *m, const struct nvdla_conv *conv) {
    nvdla_program_conv(m, conv);
    nvdla_enable(m, nvdla_conv_blocks);
    (void)tenon_nvdla_sim_run(m->sim);
    if (tenon_nvdla_sim_fault(m->sim) != NULL)
        fail_msg("%s", tenon_nvdla_sim_fault(m->sim)->message);
    if (!nvdla_conv_is_right(m, conv))
        fail_msg("%u x %u x %u -> %u, kernel %u x %u, stride %u: wrong", conv->height, conv->width,
                 conv->channels, conv->kernels, conv->kernel_height, conv->kernel_width,
                 conv->stride);
}

/* ---- arithmetic ---- */

static void cacc_rounds_half_away_and_saturates(void **state) {
    static const struct {
        int64_t sum;
        uint32_t clip;
        int32_t result;
    } cases[] = {
        {3, 1, 2},   /* 1.5 */
        {-3, 1, -2}, /* -1.5 */
        {5, 2, 1},   /* 1.25 */
        {-5, 2, -1},
        {(INT64_C(1) << 33) - 1, 0, INT32_MAX}, /* 34 bits into 32 */
        {-(INT64_C(1) << 33), 0, INT32_MIN},
        {(INT64_C(1) << 33) - 1, 1, INT32_MAX}, /* 2^32 - 0.5 */
        {(INT64_C(1) << 33) - 1, 2, INT32_MAX}, /* 2^31 - 0.25: rounding would leave 32 bits */
        {-(INT64_C(1) << 33), 2, INT32_MIN},
        {(INT64_C(1) << 33) - 1, 31, 4}, /* 3.9999 */
        {INT32_MIN, 31, -1},
        {1 << 19, 20, 1}, /* 0.5 */
        {-(1 << 19), 20, -1},
        /* 16 bits behind the point are kept: -0.499999 looks like -0.5, which goes down. */
        {-(1 << 19) + 1, 20, -1},
        {-(1 << 19) + 16, 20, 0},
    };
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++)
        if (tenon_nv_cacc_round(cases[i].sum, cases[i].clip) != cases[i].result)
            fail_msg("case %zu", i);
}

static int8_t sdp_element(const struct nv_sdp *sdp, int32_t x, const int16_t alu[2],
                          const int16_t mul[2]) {
    int32_t line[NV_LANES] = {x};
    int8_t out[NV_LANES];
    for (int i = 0; i < 2; i++) {
        const struct nv_operands operands = {.alu = {alu[i]}, .mul = {mul[i]}};
        if (!sdp->stages[i].bypass)
            tenon_nv_sdp_stage(&sdp->stages[i], &operands, line, 1);
    }
    tenon_nv_sdp_convert(sdp, line, out, NV_LANES);
    return out[0];
}

/* One stage at work, the other bypassed; the converter shows the 32 bits by its shift. */
static void sdp_stages_at_their_extremes(void **state) {
    static const struct {
        const char *what;
        struct nv_stage stage;
        int32_t x;
        int16_t alu, mul;
        uint8_t cvt_shift;
        int8_t result;
    } cases[] = {
        {"sum", {.mul_bypass = true, .relu_bypass = true, .algorithm = 2}, 100, -30, 0, 0, 70},
        {"maximum", {.mul_bypass = true, .relu_bypass = true}, -100, -30, 0, 0, -30},
        {"minimum", {.mul_bypass = true, .relu_bypass = true, .algorithm = 1}, 100, 30, 0, 0, 30},
        {"ReLU", {.alu_bypass = true, .mul_bypass = true}, -5, 0, 0, 0, 0},
        {"operand shifted",
         {.mul_bypass = true, .relu_bypass = true, .algorithm = 2, .alu_shift = 4},
         0,
         7,
         0,
         0,
         112},
        /* 2^15 << 17 leaves 32 bits: 2^31 - 1. */
        {"operand saturates",
         {.mul_bypass = true, .relu_bypass = true, .algorithm = 2, .alu_shift = 17},
         0,
         32767,
         0,
         24,
         127},
        {"operand of 1 << 63",
         {.mul_bypass = true, .relu_bypass = true, .algorithm = 2, .alu_shift = 63},
         -1,
         1,
         0,
         25,
         64},
        {"operand of 0 << 63",
         {.mul_bypass = true, .relu_bypass = true, .algorithm = 2, .alu_shift = 63},
         5,
         0,
         0,
         0,
         5},
        /* 33 bits between ALU and multiplier: 2^31 - 1 + 2^30 = 3 * 2^30 - 1, * 1 >> 25 = 96. */
        {"33 bits",
         {.relu_bypass = true, .algorithm = 2, .alu_shift = 16, .mul_shift = 25},
         INT32_MAX,
         16384,
         1,
         0,
         96},
        {"33 bits saturate",
         {.relu_bypass = true, .mul_bypass = true, .algorithm = 2, .alu_shift = 16},
         INT32_MAX,
         16384,
         0,
         25,
         64},
        {"1.5 * 1", {.alu_bypass = true, .relu_bypass = true, .mul_shift = 1}, 3, 0, 1, 0, 2},
        {"-1.5", {.alu_bypass = true, .relu_bypass = true, .mul_shift = 1}, -3, 0, 1, 0, -2},
        {"-2^31 * -2^15 >> 40",
         {.alu_bypass = true, .relu_bypass = true, .mul_shift = 40},
         INT32_MIN,
         0,
         INT16_MIN,
         0,
         64},
        {"a shift of 49 leaves nothing",
         {.alu_bypass = true, .relu_bypass = true, .mul_shift = 49},
         INT32_MIN,
         0,
         INT16_MAX,
         0,
         0},
        {"the shift works without multiplier",
         {.alu_bypass = true, .mul_bypass = true, .relu_bypass = true, .mul_shift = 2},
         10,
         0,
         9,
         0,
         3},
        {"PReLU of a negative",
         {.alu_bypass = true, .relu_bypass = true, .prelu = true, .mul_shift = 2},
         -10,
         0,
         3,
         0,
         -8}, /* -7.5 */
        {"PReLU of a positive",
         {.alu_bypass = true, .relu_bypass = true, .prelu = true, .mul_shift = 2},
         10,
         0,
         3,
         0,
         10},
        /* A positive value of 33 bits loses the highest: 2^31 - 1 + 2^31 - 2^16 is -2^16 - 1. */
        {"PReLU of 33 bits",
         {.relu_bypass = true, .prelu = true, .algorithm = 2, .alu_shift = 16},
         INT32_MAX,
         32767,
         3,
         16,
         -1},
    };
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++)
        for (int stage = 0; stage < 2; stage++) {
            struct nv_sdp sdp = {.cvt_scale = 1, .cvt_shift = cases[i].cvt_shift};
            int16_t alu[2] = {0}, mul[2] = {0};
            sdp.stages[stage] = cases[i].stage;
            sdp.stages[!stage].bypass = true;
            alu[stage] = cases[i].alu;
            mul[stage] = cases[i].mul;
            int8_t result = sdp_element(&sdp, cases[i].x, alu, mul);
            if (result != cases[i].result)
                fail_msg("%s: %d, not %d", cases[i].what, result, cases[i].result);
        }
}

static void sdp_converter_at_its_extremes(void **state) {
    static const struct {
        int32_t x, offset;
        int16_t scale;
        uint8_t shift;
        int8_t result;
    } cases[] = {
        {127, 0, 1, 0, 127},
        {128, 0, 1, 0, 127},
        {-129, 0, 1, 0, -128},
        {5, 10, 1, 0, -5},
        {5, -10, 1, 0, 15},
        {3, 0, 1, 1, 2},
        {-3, 0, 1, 1, -2},
        {7, 0, -3, 2, -5},
        {INT32_MAX, INT32_MIN, 1, 26, 64}, /* 2^32 - 1: 33 bits */
        {INT32_MIN, INT32_MAX, INT16_MIN, 41, 64},
        {INT32_MIN, INT32_MAX, INT16_MIN, 49, 0},
        {INT32_MAX, 0, INT16_MAX, 0, 127}, /* 17 bits, then 8 */
        {INT32_MIN, 0, INT16_MAX, 0, -128},
    };
    static const int16_t none[2];
    (void)state;
    for (size_t i = 0; i < TENON_COUNT_OF(cases); i++) {
        struct nv_sdp sdp = {
            .cvt_offset = cases[i].offset,
            .cvt_scale = cases[i].scale,
            .cvt_shift = cases[i].shift,
            .stages = {{.bypass = true}, {.bypass = true}},
        };
        if (sdp_element(&sdp, cases[i].x, none, none) != cases[i].result)
            fail_msg("case %zu", i);
    }
}

/* One pixel of 8 channels, as 1 x 1 average: only the two reciprocals work. */
static void pdp_rounds_and_wraps(void **state) {
    static const int8_t in[8] = {127, -127, -128, 1, -1, 0, 100, 64};
    /* 65795 / 65536 = 1.00395: 127 becomes 127.502, whose rounding leaves 8 bits; -128.506 too. */
    static const int8_t out[8] = {-128, -128, 127, 1, -1, 0, 100, 64};
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    nvdla_program_pdp(&m);
    memcpy(m.ram, in, 8);
    for (int i = 0; i < 3; i++) {
        static const char *const dimensions[] = {"WIDTH", "HEIGHT", "CHANNEL"};
        static const char *const forms[] = {"PDP.D_DATA_CUBE_IN_%s", "PDP.D_DATA_CUBE_OUT_%s",
                                            "PDP_RDMA.D_DATA_CUBE_IN_%s"};
        for (int k = 0; k < 3; k++) {
            char name[64] = {0};
            strncpy(name, forms[k], (size_t)(strchr(forms[k], '%') - forms[k]));
            strcat(name, dimensions[i]);
            nvdla_set(&m, name, i == 2 ? 7 : 0);
        }
    }
    nvdla_set(&m, "PDP.D_OPERATION_MODE_CFG", 0x10);
    nvdla_set(&m, "PDP.D_POOLING_KERNEL_CFG", 0);
    nvdla_set(&m, "PDP.D_RECIP_KERNEL_WIDTH", 65536);
    nvdla_set(&m, "PDP.D_RECIP_KERNEL_HEIGHT", 65795);
    nvdla_enable(&m, nvdla_pdp_blocks);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
    assert_memory_equal(m.ram + NVDLA_RAM_BYTES / 2, out, 8);
    nvdla_machine_finish(&m);
}

/* 2 x 2 elements of 10, windows of 3 x 3 with one padded line around. */
static void pdp_pads_averages(void **state) {
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    memset(m.ram, 10, 2 * 2 * 8);
    nvdla_program_pdp(&m);
    nvdla_set(&m, "PDP.D_DATA_CUBE_IN_WIDTH", 1);
    nvdla_set(&m, "PDP.D_DATA_CUBE_IN_HEIGHT", 1);
    nvdla_set(&m, "PDP.D_DATA_CUBE_IN_CHANNEL", 7);
    nvdla_set(&m, "PDP_RDMA.D_DATA_CUBE_IN_WIDTH", 1);
    nvdla_set(&m, "PDP_RDMA.D_DATA_CUBE_IN_HEIGHT", 1);
    nvdla_set(&m, "PDP_RDMA.D_DATA_CUBE_IN_CHANNEL", 7);
    nvdla_set(&m, "PDP_RDMA.D_SRC_LINE_STRIDE", 16);
    nvdla_set(&m, "PDP.D_DATA_CUBE_OUT_WIDTH", 1);
    nvdla_set(&m, "PDP.D_DATA_CUBE_OUT_HEIGHT", 1);
    nvdla_set(&m, "PDP.D_DATA_CUBE_OUT_CHANNEL", 7);
    nvdla_set(&m, "PDP.D_DST_LINE_STRIDE", 16);
    nvdla_set(&m, "PDP.D_OPERATION_MODE_CFG", 0x10);
    nvdla_set(&m, "PDP.D_POOLING_KERNEL_CFG", 0x0202);
    nvdla_set(&m, "PDP.D_POOLING_PADDING_CFG", 0x1111);
    nvdla_set(&m, "PDP.D_POOLING_PADDING_VALUE_1_CFG", 4);
    nvdla_set(&m, "PDP.D_RECIP_KERNEL_WIDTH", 21846);
    nvdla_set(&m, "PDP.D_RECIP_KERNEL_HEIGHT", 21846);
    nvdla_enable(&m, nvdla_pdp_blocks);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
    /* Two lines of 10 + 10 + 4, one of 3 * 4: 60; / 3 = 20; / 3 = 6.67. */
    for (int i = 0; i < 32; i++)
        assert_int_equal((int8_t)m.ram[NVDLA_RAM_BYTES / 2 + i], 7);
    nvdla_machine_finish(&m);
}

/* ---- shapes ---- */

static void convolutions_of_all_shapes(void **state) {
    struct nvdla_machine m;
    uint32_t seed = 7;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    for (int i = 0; i < 300; i++) {
        uint32_t random[12];
        for (int k = 0; k < 12; k++)
            random[k] = (seed = seed * 1664525 + 1013904223) >> 16;
        struct nvdla_conv c = nvdla_conv_small;
        c.width = 1 + random[0] % 12;
        c.height = 1 + random[1] % 10;
        c.channels = 1 + random[2] % 20;
        c.kernels = 1 + random[3] % 20;
        c.kernel_width = 1 + random[4] % 4;
        c.kernel_height = 1 + random[5] % 4;
        c.stride = 1 + random[6] % 3;
        c.dilation = 1 + random[7] % 2;
        c.pad_left = random[8] % 3;
        c.pad_right = random[9] % 3;
        c.pad_top = random[10] % 3;
        c.pad_bottom = random[11] % 3;
        c.pad_value = (int8_t)random[0];
        c.data_banks = 1 + random[1] % 2; /* changes now and then: the rings start anew */
        c.weight_banks = 13;
        if (c.width + c.pad_left + c.pad_right > (c.kernel_width - 1) * c.dilation &&
            c.height + c.pad_top + c.pad_bottom > (c.kernel_height - 1) * c.dilation)
            run_conv(&m, &c);
    }
    nvdla_machine_finish(&m);
}

/* ---- units behind each other ---- */

/* A convolution whose results go from SDP to PDP, without memory between. */
static void pooling_on_the_fly(void **state) {
    static const char *const blocks[] = {"CDMA", "CSC", "CMAC_A", "CMAC_B",
                                         "CACC", "SDP", "PDP",    NULL};
    struct nvdla_machine m;
    struct nvdla_conv c = nvdla_conv_small;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    c.kernels = 16;
    c.weight_banks = 3;
    run_conv(&m, &c); /* to memory, 6 x 5 */
    nvdla_point(&m, blocks);
    nvdla_program_pdp(&m); /* 2 x 2, maximum */
    nvdla_set(&m, "PDP.D_OPERATION_MODE_CFG", 1);
    nvdla_set(&m, "PDP.D_DST_BASE_ADDR_LOW", NVDLA_OUTPUT + 8192);
    nvdla_program_conv(&m, &c);
    nvdla_set(&m, "SDP.D_FEATURE_MODE_CFG", 3);
    nvdla_enable(&m, blocks);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
    assert_null(tenon_nvdla_sim_fault(m.sim));
    const int8_t *in = (const int8_t *)m.ram + NVDLA_RAM_BYTES / 2, *out = in + 8192;
    for (int k = 0; k < 16; k++)
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 5; x++) {
                int best = -128;
                for (int i = 0; i < 4; i++) {
                    int value = in[((k / 8 * 5 + y + i / 2) * 6 + x + i % 2) * 8 + k % 8];
                    best = value > best ? value : best;
                }
                assert_int_equal(out[((k / 8 * 4 + y) * 5 + x) * 8 + k % 8], best);
            }
    assert_int_equal(nvdla_get(&m, "GLB.S_INTR_STATUS") & 0x30, 0x10);
    nvdla_machine_finish(&m);
}

static int16_t number_at(const uint8_t *at) {
    return (int16_t)(at[0] | at[1] << 8);
}

/* BS with {alu, mul} of 16 bits per channel, BN with alu of 8 bits per element. */
static void operands_come_from_memory(void **state) {
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    nvdla_program_sdp(&m);
    nvdla_set(&m, "SDP.D_DP_BS_CFG", 0x48); /* sum, multiplier, no ReLU */
    nvdla_set(&m, "SDP.D_DP_BS_ALU_CFG", 0x0001);
    nvdla_set(&m, "SDP.D_DP_BS_MUL_CFG", 0x1001); /* >> 16 */
    nvdla_set(&m, "SDP.D_DP_BN_CFG", 0x58);       /* sum */
    nvdla_set(&m, "SDP.D_DP_BN_ALU_CFG", 0x0301); /* << 3 */
    nvdla_set(&m, "SDP_RDMA.D_BRDMA_CFG", 0x0c);  /* both, 2 bytes, per channel */
    nvdla_set(&m, "SDP_RDMA.D_BS_BASE_ADDR_LOW", NVDLA_ROM);
    nvdla_set(&m, "SDP_RDMA.D_NRDMA_CFG", 0x12); /* alu, 1 byte, per element */
    nvdla_set(&m, "SDP_RDMA.D_BN_BASE_ADDR_LOW", NVDLA_ROM + 4096);
    nvdla_set(&m, "SDP_RDMA.D_BN_LINE_STRIDE", 64);
    nvdla_set(&m, "SDP_RDMA.D_BN_SURFACE_STRIDE", 512);
    nvdla_set(&m, "SDP.D_CVT_SHIFT", 3);
    nvdla_enable(&m, nvdla_sdp_blocks);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
    assert_null(tenon_nvdla_sim_fault(m.sim));
    for (int c = 0; c < 16; c++)
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 6; x++) {
                int place = ((c / 8 * 5 + y) * 6 + x) * 8 + c % 8;
                int64_t v = (int8_t)m.ram[place] + number_at(m.rom + c * 4);
                v = nv_round_shift(v * number_at(m.rom + c * 4 + 2), 16, 64);
                v += (int8_t)m.rom[4096 + c / 8 * 512 + y * 64 + x * 8 + c % 8] * 8;
                v = nv_saturate(nv_round_shift(v, 3, 64), 8);
                assert_int_equal((int8_t)m.ram[NVDLA_RAM_BYTES / 2 + place], v);
            }
    nvdla_machine_finish(&m);
}

/* ---- any program ---- */

static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static bool stop_after(void *user) {
    return ++*(int *)user > 500;
}

/* A register that exists: addresses are tried. */
static void write_any(struct nvdla_machine *m, uint32_t *seed) {
    uint32_t address = 0x3000 + next(seed) % 11 * 0x1000 + next(seed) % 64 * 4;
    uint32_t bits = next(seed) % 33, value = next(seed) ^ next(seed) << 12;
    tenon_nvdla_sim_write(m->sim, address, bits == 32 ? value : value & ((1u << bits) - 1));
}

static void run_spoiled(struct nvdla_machine *m, uint32_t seed) {
    static void (*const programs[])(struct nvdla_machine *) = {nvdla_program_sdp, nvdla_program_pdp,
                                                               nvdla_program_cdp};
    static const char *const *const blocks[] = {nvdla_sdp_blocks, nvdla_pdp_blocks,
                                                nvdla_cdp_blocks, nvdla_conv_blocks};
    int lines = 0;
    uint32_t kind = next(&seed) % 4, changes = next(&seed) % 4;
    tenon_nvdla_sim_set_limit(m->sim, stop_after, &lines);
    if (kind == 3)
        nvdla_program_conv(m, &nvdla_conv_small);
    else
        programs[kind](m);
    for (uint32_t i = 0; i < changes; i++)
        write_any(m, &seed);
    nvdla_enable(m, blocks[kind]);
    (void)tenon_nvdla_sim_run(m->sim);
    tenon_nvdla_sim_set_limit(m->sim, NULL, NULL);
}

/* Programs with up to three registers written at random end, do the same when they run again, and
 * leave nothing behind a reset. TENON_NVDLA_SIM_CASES says how many. */
static void any_program_ends_and_is_repeatable(void **state) {
    const char *text = getenv("TENON_NVDLA_SIM_CASES");
    uint32_t cases = text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 3000;
    struct nvdla_machine a, b;
    (void)state;
    assert_true(nvdla_machine_init(&a) && nvdla_machine_init(&b));
    for (uint32_t i = 0; i < cases; i++) {
        nvdla_machine_reset(&a);
        nvdla_machine_reset(&b);
        run_spoiled(&a, i);
        run_spoiled(&b, i);
        const struct tenon_nvdla_sim_fault *fault = tenon_nvdla_sim_fault(a.sim);
        const struct tenon_nvdla_sim_fault *other = tenon_nvdla_sim_fault(b.sim);
        assert_true((fault == NULL) == (other == NULL));
        if (fault != NULL)
            assert_string_equal(fault->message, other->message);
        if (i % 64 == 0) {
            assert_memory_equal(a.ram, b.ram, NVDLA_RAM_BYTES);
            nvdla_machine_reset(&a);
            run_conv(&a, &nvdla_conv_small);
            nvdla_machine_reset(&b);
            run_conv(&b, &nvdla_conv_small);
        }
    }
    nvdla_machine_finish(&a);
    nvdla_machine_finish(&b);
}

/* ---- the buffer from layer to layer ---- */

/* Banks that never change, sizes that do not divide them: both rings wrap many times. */
static void rings_wrap(void **state) {
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    for (uint32_t i = 0; i < 60; i++) {
        struct nvdla_conv c = nvdla_conv_small;
        c.width = 5 + i % 7;
        c.channels = 3 + i % 11;
        c.kernels = 1 + i % 13; /* a last group whose bytes are no multiple of an entry */
        run_conv(&m, &c);
        const struct nv_ring *data = &m.sim->data_ring, *weights = &m.sim->weight_ring;
        assert_int_equal(data->read, data->write);
        assert_int_equal(weights->read, weights->write);
        assert_int_equal(data->valid, 0);
        assert_int_equal(weights->valid, 0);
    }
    nvdla_machine_finish(&m);
}

/* 8 groups of kernels of 576 entries stream through 1024. */
static void weights_stream_in_groups(void **state) {
    struct nvdla_machine m;
    struct nvdla_conv c = nvdla_conv_small;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    c.channels = 64;
    c.kernels = 61;
    c.weight_banks = 2;
    run_conv(&m, &c);
    assert_int_equal(m.sim->weight_ring.read, (7 * 576 + (5 * 576 + 7) / 8) % 1024);
    run_conv(&m, &c);
    nvdla_machine_finish(&m);
}

/* The first layer leaves two slices, the second fetches three more behind them. */
static void slices_are_kept(void **state) {
    struct nvdla_machine m;
    struct nvdla_conv c = nvdla_conv_small;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    for (int round = 0; round < 20; round++) { /* positions all around the ring */
        c.misc = 0;
        c.kept_slices = 0;
        c.pad_top = 1;
        c.height = 5;
        c.input = NVDLA_INPUT;
        c.release = 3;
        run_conv(&m, &c);
        c.misc = 1 << 16; /* DATA_REUSE */
        c.kept_slices = 2;
        c.pad_top = 0;
        c.height = 3;
        c.input = NVDLA_INPUT + 5 * 6 * 8;
        c.release = 0;
        run_conv(&m, &c);
    }
    nvdla_machine_finish(&m);
}

/* SKIP_WEIGHT_RLS, then WEIGHT_REUSE: CDMA fetches none, and a wrong address is not read. */
static void weights_are_kept(void **state) {
    struct nvdla_machine m;
    struct nvdla_conv c = nvdla_conv_small, other;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    c.kernels = 13;
    c.weight_banks = 2;
    c.misc = 1 << 28;
    c.weight_bytes = 1024; /* more than needed does no harm here: CSC gives back what is said */
    run_conv(&m, &c);
    c.misc = 1 << 28 | 1 << 20;
    run_conv(&m, &c);
    uint64_t read = tenon_nvdla_sim_stats(m.sim)->bytes_read;
    run_conv(&m, &c);
    assert_int_equal(tenon_nvdla_sim_stats(m.sim)->bytes_read - read, 6 * 5 * 8);
    other = c;
    other.misc = 0;
    other.weights = NVDLA_WEIGHTS + 4096;
    other.weight_bytes = 0;
    run_conv(&m, &other);
    run_conv(&m, &other);
    nvdla_machine_finish(&m);
}

/* ---- groups and interrupts ---- */

static void groups_take_turns(void **state) {
    struct nvdla_machine m;
    struct nvdla_conv a = nvdla_conv_small, b = nvdla_conv_small;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    a.kernels = 3;
    b.kernels = 11;
    b.output = NVDLA_OUTPUT + 8192;
    nvdla_program_conv(&m, &a);
    nvdla_enable(&m, nvdla_conv_blocks);
    nvdla_program_conv(&m, &b); /* the other group, while the first waits */
    nvdla_enable(&m, nvdla_conv_blocks);
    assert_int_equal(nvdla_get(&m, "SDP.S_STATUS"), 1 | 2 << 16); /* running, pending */
    assert_int_equal(nvdla_get(&m, "SDP.S_POINTER"), 1);          /* producer 1, consumer 0 */
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
    assert_true(nvdla_conv_is_right(&m, &a));
    assert_true(nvdla_conv_is_right(&m, &b));
    /* Both done bits of SDP, CDMA's two of data and of weights, CACC. */
    assert_int_equal(nvdla_get(&m, "GLB.S_INTR_STATUS"), 0x003f0003);
    assert_int_equal(nvdla_get(&m, "SDP.S_STATUS"), 0);
    assert_int_equal(nvdla_get(&m, "SDP.S_POINTER"), 1);
    run_conv(&m, &a);
    assert_int_equal(nvdla_get(&m, "SDP.S_POINTER"), 1 << 16); /* the third was group 0 */
    nvdla_machine_finish(&m);
}

/* SDP_RDMA toggles only when it works: after a convolution it is still at group 0. */
static void blocks_count_their_own_operations(void **state) {
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    for (int i = 0; i < 3; i++) {
        run_conv(&m, &nvdla_conv_small);
        nvdla_program_sdp(&m);
        nvdla_enable(&m, nvdla_sdp_blocks);
        assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
        assert_memory_equal(m.ram, m.ram + NVDLA_RAM_BYTES / 2, 6 * 5 * 16);
        assert_int_equal(nvdla_get(&m, "SDP_RDMA.S_POINTER") >> 16, (i + 1) % 2);
        assert_int_equal(nvdla_get(&m, "SDP.S_POINTER") >> 16, 0);
    }
    /* A group that is not the next one waits for ever: mistaken parity hangs. */
    nvdla_program_sdp(&m);
    nvdla_set(&m, "SDP_RDMA.S_POINTER", m.group[5] ^ 1);
    nvdla_set(&m, "SDP_RDMA.D_OP_ENABLE", 1);
    nvdla_set(&m, "SDP.D_OP_ENABLE", 1);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_BLOCKED);
    nvdla_machine_finish(&m);
}

static void interrupts_are_masked_set_and_cleared(void **state) {
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    nvdla_set(&m, "GLB.S_INTR_MASK", 0x003f03fe); /* all but SDP's first group */
    run_conv(&m, &nvdla_conv_small);
    assert_int_equal(nvdla_get(&m, "GLB.S_INTR_STATUS"), 0x00150001);
    assert_int_equal(tenon_nvdla_sim_interrupts(m.sim), 1);
    nvdla_set(&m, "GLB.S_INTR_STATUS", 0x00010001); /* writing ones clears */
    assert_int_equal(nvdla_get(&m, "GLB.S_INTR_STATUS"), 0x00140000);
    assert_int_equal(tenon_nvdla_sim_interrupts(m.sim), 0);
    nvdla_set(&m, "GLB.S_INTR_SET", 1);
    assert_int_equal(tenon_nvdla_sim_interrupts(m.sim), 1);
    nvdla_machine_finish(&m);
}

/* Operations that are enabled together and do not meet; and one that meets, enabled in time. */
static void what_lies_apart_does_not_race(void **state) {
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    nvdla_program_conv(&m, &nvdla_conv_small); /* writes 5 lines of 48 bytes at OUTPUT */
    nvdla_set(&m, "SDP.D_DST_LINE_STRIDE", 128);
    nvdla_enable(&m, nvdla_conv_blocks);
    nvdla_program_sdp(&m); /* reads between them */
    nvdla_set(&m, "SDP_RDMA.D_DATA_CUBE_CHANNEL", 7);
    nvdla_set(&m, "SDP.D_DATA_CUBE_CHANNEL", 7);
    nvdla_set(&m, "SDP_RDMA.D_SRC_BASE_ADDR_LOW", NVDLA_OUTPUT + 64);
    nvdla_set(&m, "SDP_RDMA.D_SRC_LINE_STRIDE", 128);
    nvdla_set(&m, "SDP.D_DST_BASE_ADDR_LOW", NVDLA_OUTPUT + 8192);
    nvdla_enable(&m, nvdla_sdp_blocks);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
    nvdla_program_sdp(&m);
    nvdla_set(&m, "SDP_RDMA.D_SRC_BASE_ADDR_LOW", NVDLA_OUTPUT);
    nvdla_set(&m, "SDP.D_DST_BASE_ADDR_LOW", NVDLA_OUTPUT + 16384);
    nvdla_enable(&m, nvdla_sdp_blocks);
    assert_int_equal(tenon_nvdla_sim_run(m.sim), TENON_NVDLA_SIM_IDLE);
    nvdla_machine_finish(&m);
}

/* ---- cycles ---- */

static void keep_cycles(void *user, const struct tenon_nvdla_sim_operation *operation) {
    *(uint64_t *)user = operation->cycles;
}

/* Measured in the RTL of nvdla/hw, branch nv_small, under Verilator: from OP_ENABLE to SDP's
 * interrupt, memory that answers after 32 cycles, BS at work (7 cycles more than bypassed). */
static void cycles_are_the_rtls(void **state) {
    static const struct {
        uint32_t channels, height, width, kernels, kernel, stride, pad, cycles;
    } layers[] = {
        {8, 8, 8, 8, 1, 1, 0, 964},     {8, 24, 24, 8, 1, 1, 0, 7316},
        {8, 8, 8, 64, 1, 1, 0, 6131},   {64, 8, 8, 8, 1, 1, 0, 1718},
        {8, 8, 8, 16, 3, 1, 1, 1872},   {64, 8, 8, 16, 3, 1, 1, 10620},
        {256, 4, 4, 64, 1, 1, 0, 5469}, {64, 1, 16, 16, 1, 1, 0, 894},
        {32, 32, 32, 8, 1, 8, 0, 5602}, {1024, 1, 1, 64, 1, 1, 0, 9555},
        {3, 16, 16, 16, 3, 1, 0, 4976}, {8, 48, 48, 8, 3, 1, 1, 28915},
    };
    struct nvdla_machine m;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    for (size_t i = 0; i < TENON_COUNT_OF(layers); i++) {
        struct nvdla_conv c = nvdla_conv_small;
        uint64_t cycles = 0;
        c.channels = layers[i].channels;
        c.height = layers[i].height;
        c.width = layers[i].width;
        c.kernels = layers[i].kernels;
        c.kernel_width = c.kernel_height = layers[i].kernel;
        c.stride = layers[i].stride;
        c.pad_left = c.pad_right = c.pad_top = c.pad_bottom = layers[i].pad;
        c.data_banks = c.weight_banks = 16;
        nvdla_machine_reset(&m);
        tenon_nvdla_sim_set_observer(m.sim, keep_cycles, &cycles);
        run_conv(&m, &c);
        double error = ((double)cycles + 7) / layers[i].cycles - 1;
        if (error < -0.05 || error > 0.05)
            fail_msg("layer %zu: %u cycles, estimated %u", i, layers[i].cycles, (unsigned)cycles);
    }
    nvdla_machine_finish(&m);
}

/* A dense layer of 64 to 64 channels keeps the 64 multipliers busy. */
static void dense_layers_use_the_multipliers(void **state) {
    struct nvdla_machine m;
    struct nvdla_conv c = nvdla_conv_small;
    (void)state;
    assert_true(nvdla_machine_init(&m));
    c.width = c.height = 16;
    c.channels = c.kernels = 64;
    c.data_banks = c.weight_banks = 16;
    run_conv(&m, &c);
    const struct tenon_nvdla_sim_stats *stats = tenon_nvdla_sim_stats(m.sim);
    double use = (double)stats->macs / 64 / (double)stats->cycles;
    assert_true(use > 0.95 && use < 1);
    nvdla_machine_finish(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cacc_rounds_half_away_and_saturates),
        cmocka_unit_test(sdp_stages_at_their_extremes),
        cmocka_unit_test(sdp_converter_at_its_extremes),
        cmocka_unit_test(pdp_rounds_and_wraps),
        cmocka_unit_test(pdp_pads_averages),
        cmocka_unit_test(convolutions_of_all_shapes),
        cmocka_unit_test(pooling_on_the_fly),
        cmocka_unit_test(operands_come_from_memory),
        cmocka_unit_test(any_program_ends_and_is_repeatable),
        cmocka_unit_test(rings_wrap),
        cmocka_unit_test(weights_stream_in_groups),
        cmocka_unit_test(slices_are_kept),
        cmocka_unit_test(weights_are_kept),
        cmocka_unit_test(groups_take_turns),
        cmocka_unit_test(blocks_count_their_own_operations),
        cmocka_unit_test(interrupts_are_masked_set_and_cleared),
        cmocka_unit_test(what_lies_apart_does_not_race),
        cmocka_unit_test(cycles_are_the_rtls),
        cmocka_unit_test(dense_layers_use_the_multipliers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
