/*
 * The register table that NVDLA's encoder and disassembler share: every register in its block's
 * page, once; every field in its register, apart from the others. Where the blocks lie is typed
 * again from NVIDIA's address map (nvdla/hw, spec/manual/opendla.parms and *.rdl).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backends/nvdla/registers.h"

static const struct {
    const char *name;
    uint32_t base;
    enum nvdla_block block;
} blocks[] = {
    {"GLB", 0x1000, NVDLA_GLB},           {"CDMA", 0x3000, NVDLA_CDMA},
    {"CSC", 0x4000, NVDLA_CSC},           {"CMAC_A", 0x5000, NVDLA_CMAC_A},
    {"CMAC_B", 0x6000, NVDLA_CMAC_B},     {"CACC", 0x7000, NVDLA_CACC},
    {"SDP_RDMA", 0x8000, NVDLA_SDP_RDMA}, {"SDP", 0x9000, NVDLA_SDP},
    {"PDP_RDMA", 0xa000, NVDLA_PDP_RDMA}, {"PDP", 0xb000, NVDLA_PDP},
};

static void test_registers_are_in_their_block(void **state) {
    const struct tenon_register_table *t = &tenon_nvdla_registers;
    (void)state;
    assert_int_equal(TENON_COUNT_OF(blocks), NVDLA_BLOCK_COUNT);
    for (uint32_t i = 0; i < t->register_count; i++) {
        const struct tenon_register *reg = &t->registers[i];
        uint32_t block = tenon_nvdla_register_blocks[i];
        assert_true(block < NVDLA_BLOCK_COUNT);
        assert_int_equal(blocks[block].block, block);
        assert_string_equal(reg->block, blocks[block].name);
        assert_int_equal(reg->address & ~UINT32_C(0xfff), blocks[block].base);
        assert_int_equal(reg->address % 4, 0);
        assert_in_range(reg->bits, 1, 32);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(t->registers[k].address, reg->address);
    }
}

static void test_fields_are_in_their_register(void **state) {
    const struct tenon_register_table *t = &tenon_nvdla_registers;
    (void)state;
    for (uint32_t i = 0; i < t->field_count; i++) {
        const struct tenon_register_field *field = &t->fields[i];
        assert_true(field->reg < t->register_count);
        assert_true(field->bits >= 1);
        assert_true(field->shift + field->bits <= t->registers[field->reg].bits);
        for (uint32_t k = 0; k < i; k++) {
            const struct tenon_register_field *other = &t->fields[k];
            if (other->reg != field->reg)
                continue;
            assert_true(other->shift + other->bits <= field->shift ||
                        field->shift + field->bits <= other->shift);
            assert_string_not_equal(other->name, field->name);
        }
    }
}

/* Addresses and bits as NVIDIA's documents have them. */
static void test_known_registers(void **state) {
    (void)state;
    static const struct {
        uint32_t address, value;
        const char *text;
    } known[] = {
        {0x100c, 1 << 20, "GLB.S_INTR_STATUS CACC_DONE0=1"},
        {0x3014, 2 << 12, "CDMA.D_MISC_CFG PROC_PRECISION=2"},
        {0x301c, 5 | 7 << 16, "CDMA.D_DATAIN_SIZE_0 DATAIN_WIDTH=5 DATAIN_HEIGHT=7"},
        {0x30bc, 3 | 27 << 16, "CDMA.D_BANK DATA_BANK=3 WEIGHT_BANK=27"},
        {0x405c, 3 | 27 << 16, "CSC.D_BANK DATA_BANK=3 WEIGHT_BANK=27"},
        {0x4034, 64, "CSC.D_WEIGHT_BYTES"},
        {0x702c, 4, "CACC.D_CLIP_CFG"},
        {0x9058, 2 << 2, "SDP.D_DP_BS_CFG BS_ALU_ALGO=2"},
        {0x90b0, 1, "SDP.D_FEATURE_MODE_CFG FLYING_MODE=1"},
        {0xb034, 2 | 1 << 16 | 1 << 20,
         "PDP.D_POOLING_KERNEL_CFG KERNEL_WIDTH=2 KERNEL_STRIDE_WIDTH=1 KERNEL_STRIDE_HEIGHT=1"},
        {0x2000, 0, "?"},
    };
    struct tenon_strbuf buf;
    tenon_strbuf_init(&buf);
    for (size_t i = 0; i < TENON_COUNT_OF(known); i++) {
        buf.size = 0;
        tenon_register_print(&tenon_nvdla_registers, known[i].address, known[i].value, &buf);
        assert_false(buf.failed);
        assert_string_equal(buf.data, known[i].text);
    }
    tenon_strbuf_finish(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers_are_in_their_block),
        cmocka_unit_test(test_fields_are_in_their_register),
        cmocka_unit_test(test_known_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
