/*
 * src/util and the cursor of src/image: what everything else trusts without looking. Expected
 * values are limits of the types and bytes written down by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/serial.h"
#include "util/arena.h"
#include "util/checked.h"
#include "util/diagnostics.h"
#include "util/file.h"
#include "util/span.h"
#include "util/status.h"
#include "util/strbuf.h"

/* ---- arena ---- */

static void arena_gives_zeroed_aligned_memory(void **state) {
    enum { COUNT = 3000 };
    static unsigned char *pieces[COUNT];
    static size_t sizes[COUNT];
    struct tenon_arena arena;
    (void)state;
    tenon_arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT; i++) { /* small ones, and now and then one larger than a block */
        sizes[i] = i % 97 == 5 ? 20000 + i * 31 : i % 113;
        pieces[i] = tenon_arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 251 + 1), sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++) /* nobody wrote into somebody else's */
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], i % 251 + 1);
    tenon_arena_finish(&arena);
    assert_int_equal(arena.used_bytes, 0);
}

static void arena_keeps_its_limit(void **state) {
    struct tenon_arena arena;
    (void)state;
    tenon_arena_init(&arena, 160);
    for (int i = 0; i < 10; i++)
        assert_non_null(tenon_arena_alloc(&arena, 16));
    assert_null(tenon_arena_alloc(&arena, 1)); /* although the block has room */
    tenon_arena_finish(&arena);
    assert_non_null(tenon_arena_alloc(&arena, 160)); /* and is as new afterwards */
    tenon_arena_finish(&arena);
    assert_null(tenon_arena_alloc(&arena, 161));
    assert_null(tenon_arena_alloc(&arena, SIZE_MAX));
    assert_null(tenon_arena_alloc(&arena, SIZE_MAX - 15));
    assert_null(tenon_arena_alloc_array(&arena, SIZE_MAX / 2, 3));
    assert_null(tenon_arena_alloc_array(&arena, (size_t)1 << 63, 2)); /* 0 when it wraps */
    assert_non_null(tenon_arena_alloc_array(&arena, 0, 8));
    tenon_arena_finish(&arena);
}

static void arena_copies(void **state) {
    struct tenon_arena arena;
    (void)state;
    tenon_arena_init(&arena, 0);
    const char *copy = tenon_arena_copy(&arena, "a\0b", 3);
    assert_memory_equal(copy, "a\0b", 3);
    assert_string_equal(tenon_arena_string(&arena, "abcdef", 3), "abc");
    assert_string_equal(tenon_arena_string(&arena, NULL, 0), "");
    assert_null(tenon_arena_string(&arena, "a", SIZE_MAX));
    assert_string_equal(tenon_arena_printf(&arena, "%s-%d", "tensor", 17), "tensor-17");
    tenon_arena_finish(&arena);
}

/* ---- strbuf ---- */

static void strbuf_grows(void **state) {
    struct tenon_strbuf buf;
    size_t size;
    (void)state;
    tenon_strbuf_init(&buf);
    for (int i = 0; i < 1000; i++) {
        tenon_strbuf_printf(&buf, "%d,", i);
        assert_int_equal(buf.data[buf.size], 0);
    }
    assert_int_equal(buf.size, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(buf.data + buf.size - 8, "998,999,", 8);
    char *text = tenon_strbuf_take(&buf, &size);
    assert_int_equal(size, 3890);
    assert_null(buf.data);
    free(text);
    text = tenon_strbuf_take(&buf, &size); /* an empty one gives an empty string */
    assert_int_equal(size, 0);
    assert_string_equal(text, "");
    free(text);
}

static void strbuf_stays_aligned(void **state) {
    struct tenon_strbuf buf;
    size_t size, offset;
    (void)state;
    tenon_strbuf_init_aligned(&buf, 64);
    for (uint32_t i = 0; i < 100000; i++) { /* through heap and mapped blocks */
        tenon_strbuf_append_le32(&buf, i);
        assert_int_equal((uintptr_t)buf.data % 64, 0);
    }
    offset = buf.lead;
    char *block = tenon_strbuf_take(&buf, &size);
    assert_non_null(block);
    assert_int_equal(size, 400000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(tenon_load_le32((const uint8_t *)block + offset + i * 4), i);
    free(block);
}

static void strbuf_writes_little_endian(void **state) {
    static const uint8_t expected[] = {0xa5, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0xef, 0xcd, 0xab,
                                       0x89, 0x67, 0x45, 0x23, 0x01, 0,    'x',  0,    0,    0};
    struct tenon_strbuf buf;
    (void)state;
    tenon_strbuf_init(&buf);
    tenon_strbuf_append_u8(&buf, 0xa5);
    tenon_strbuf_append_le16(&buf, 0x1234);
    tenon_strbuf_append_le32(&buf, 0x12345678);
    tenon_strbuf_append_le64(&buf, UINT64_C(0x0123456789abcdef));
    tenon_strbuf_align(&buf, 16);
    tenon_strbuf_align(&buf, 16); /* does nothing now */
    tenon_strbuf_puts(&buf, "x");
    tenon_strbuf_align(&buf, 4);
    assert_int_equal(buf.size, sizeof(expected));
    assert_memory_equal(buf.data, expected, sizeof(expected));
    tenon_strbuf_finish(&buf);
}

static void strbuf_remembers_failure(void **state) {
    struct tenon_strbuf buf;
    (void)state;
    tenon_strbuf_init(&buf);
    tenon_strbuf_puts(&buf, "kept");
    tenon_strbuf_reserve(&buf, SIZE_MAX - 2);
    assert_true(buf.failed);
    tenon_strbuf_puts(&buf, "lost");
    tenon_strbuf_printf(&buf, "%d", 1);
    tenon_strbuf_align(&buf, 64);
    assert_string_equal(buf.data, "kept");
    assert_null(tenon_strbuf_take(&buf, NULL));
    assert_false(buf.failed); /* take empties it */
    tenon_strbuf_finish(&buf);
}

/* ---- checked arithmetic and spans ---- */

static void sizes_are_checked(void **state) {
    size_t out = 7;
    (void)state;
    assert_true(tenon_add_size(SIZE_MAX - 1, 1, &out));
    assert_true(out == SIZE_MAX);
    assert_false(tenon_add_size(SIZE_MAX, 1, &out));
    assert_true(tenon_mul_size((size_t)1 << 32, ((size_t)1 << 32) - 1, &out));
    assert_true(out == SIZE_MAX - ((size_t)1 << 32) + 1);
    assert_false(tenon_mul_size((size_t)1 << 32, (size_t)1 << 32, &out));
    assert_true(tenon_align_size(SIZE_MAX - 63, 64, &out));
    assert_true(out == SIZE_MAX - 63);
    assert_false(tenon_align_size(SIZE_MAX - 62, 64, &out));
    assert_true(tenon_align_size(0, 64, &out));
    assert_true(out == 0);
    assert_true(tenon_align_up(65, 64) == 128);
}

static void spans_are_bounded(void **state) {
    static const uint8_t bytes[9] = {1, 2, 3, 4, 5, 6, 7, 0x80, 0xff};
    const struct tenon_span span = {bytes, sizeof(bytes)};
    struct tenon_span part;
    uint8_t b;
    uint16_t h;
    uint32_t w;
    uint64_t q;
    (void)state;
    assert_true(tenon_span_has(span, 9, 0));
    assert_false(tenon_span_has(span, 10, 0));
    assert_false(tenon_span_has(span, 1, SIZE_MAX)); /* the sum wraps to 0 */
    assert_false(tenon_span_has(span, SIZE_MAX, 2));
    assert_true(tenon_span_slice(span, 2, 7, &part));
    assert_ptr_equal(part.data, bytes + 2);
    assert_false(tenon_span_slice(span, 2, 8, &part));
    assert_true(tenon_read_u8(span, 8, &b) && b == 0xff);
    assert_false(tenon_read_u8(span, 9, &b));
    assert_true(tenon_read_le16(span, 7, &h) && h == 0xff80);
    assert_false(tenon_read_le16(span, 8, &h));
    assert_true(tenon_read_le32(span, 5, &w) && w == 0xff800706u);
    assert_false(tenon_read_le32(span, 6, &w));
    assert_true(tenon_read_le64(span, 1, &q) && q == UINT64_C(0xff80070605040302));
    assert_false(tenon_read_le64(span, 2, &q));
    assert_false(tenon_read_le64(span, SIZE_MAX - 3, &q));
}

static void floats_are_loaded_by_their_bits(void **state) {
    static const uint8_t bytes[] = {0x00, 0x00, 0xc0, 0xbf}; /* -1.5: sign, 127, fraction .5 */
    (void)state;
    assert_true(tenon_load_f32(bytes) == -1.5f);
}

/* ---- the cursor ---- */

static void cursor_remembers_its_first_failure(void **state) {
    static const uint8_t bytes[] = {1, 2, 0, 0, 0, 9, 9};
    struct tenon_cursor cursor = {.bytes = {bytes, sizeof(bytes)}};
    (void)state;
    assert_int_equal(tenon_cursor_u8(&cursor), 1);
    assert_int_equal(tenon_cursor_u32(&cursor), 2);
    assert_int_equal(tenon_cursor_u32(&cursor), 0); /* two bytes are left */
    assert_true(cursor.failed);
    assert_int_equal(tenon_cursor_u8(&cursor), 0); /* although there is one */
    assert_int_equal(cursor.at, 5);
}

static void cursor_counts_are_held_against_the_rest(void **state) {
    static const uint8_t bytes[12] = {2, 0, 0, 0};
    (void)state;
    for (size_t least = 1; least < 8; least++) {
        struct tenon_cursor cursor = {.bytes = {bytes, sizeof(bytes)}};
        assert_int_equal(tenon_cursor_count(&cursor, least), least <= 4 ? 2 : 0);
        assert_int_equal(cursor.failed, least > 4);
    }
}

static const char *read_string(const char *bytes, size_t size, bool *failed) {
    struct tenon_cursor cursor = {.bytes = {(const uint8_t *)bytes, size}};
    const char *text = tenon_cursor_string(&cursor);
    *failed = cursor.failed;
    return text;
}

static void cursor_strings_end_where_they_say(void **state) {
    bool failed;
    (void)state;
    assert_string_equal(read_string("\2\0\0\0ab\0", 7, &failed), "ab");
    assert_false(failed);
    assert_string_equal(read_string("\0\0\0\0\0", 5, &failed), "");
    assert_false(failed);
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"\2\0\0\0abc", 7},      /* no terminator */
        {"\2\0\0\0ab", 6},       /* the terminator is missing */
        {"\2\0\0\0a\0\0", 7},    /* ends early */
        {"\xff\xff\xff\xff", 4}, /* longer than everything */
        {"\xff\xff\xff\xff\0", 5}, {"\0\0\0\0", 4},
    };
    for (size_t i = 0; i < TENON_COUNT_OF(bad); i++) {
        assert_string_equal(read_string(bad[i].bytes, bad[i].size, &failed), "");
        assert_true(failed);
    }
}

static bool desc_survives(const struct tenon_desc *desc, struct tenon_desc *out,
                          struct tenon_arena *arena) {
    struct tenon_strbuf buf;
    tenon_strbuf_init(&buf);
    tenon_serial_desc(&buf, desc);
    struct tenon_cursor cursor = {.bytes = {(const uint8_t *)buf.data, buf.size}};
    tenon_cursor_desc(&cursor, arena, out);
    bool ok = !cursor.failed && cursor.at == buf.size;
    tenon_strbuf_finish(&buf);
    return ok;
}

static void descriptions_come_back(void **state) {
    const float scales[] = {0.5f, 3e-9f, 7};
    const int32_t zeros[] = {-128, 0, 127};
    struct tenon_desc desc = {TENON_TYPE_I8, {3, {2, 3, 0x7fffff}}, {3, 1, scales, zeros}}, back;
    struct tenon_arena arena;
    (void)state;
    tenon_arena_init(&arena, 0);
    assert_true(desc_survives(&desc, &back, &arena));
    assert_int_equal(back.type, TENON_TYPE_I8);
    assert_true(tenon_shape_equal(&back.shape, &desc.shape));
    assert_true(tenon_quant_equal(&back.quant, &desc.quant));

    const float negative = -1, infinite = 1.0f / 0.0f, none = 0;
    const int32_t outside = 128;
    struct tenon_desc bad[] = {desc, desc, desc, desc, desc, desc, desc};
    bad[0].quant.axis = 0; /* of size 2 */
    bad[1].quant.axis = -1;
    bad[2].shape.dims[0] = -2;
    bad[3].quant = (struct tenon_quant){1, 0, &negative, zeros};
    bad[4].quant = (struct tenon_quant){1, 0, &infinite, zeros};
    bad[5].quant = (struct tenon_quant){1, 0, scales, &outside};
    bad[6].quant = (struct tenon_quant){1, 0, &none, zeros};
    for (size_t i = 0; i < TENON_COUNT_OF(bad); i++)
        assert_false(desc_survives(&bad[i], &back, &arena));
    bad[0] = desc;
    bad[0].type = TENON_TYPE_NONE;
    bad[1] = desc;
    bad[1].type = TENON_TYPE_COUNT;
    assert_false(desc_survives(&bad[0], &back, &arena));
    assert_false(desc_survives(&bad[1], &back, &arena));
    tenon_arena_finish(&arena);
}

/* Every attribute, each with bits of its own; and without an attribute, nothing of it. */
static void attributes_come_back(void **state) {
    struct tenon_attrs attrs, back;
    uint32_t bits = 0x01010101;
    (void)state;
    memset(&attrs, 0, sizeof(attrs));
    for (int i = 0; i < TENON_ATTR_COUNT; i++) {
        uint8_t *field = (uint8_t *)&attrs + tenon_attr_table[i].offset;
        if (tenon_attr_table[i].kind == TENON_ATTR_LIST) {
            struct tenon_list list = {.count = i % (TENON_LIST_MAX + 1)};
            for (int k = 0; k < list.count; k++)
                list.values[k] = -i * 1000 + k;
            memcpy(field, &list, sizeof(list));
        } else {
            bits += 0x01020408;
            memcpy(field, &bits, sizeof(bits));
        }
    }
    for (int skipped = -1; skipped < TENON_ATTR_COUNT; skipped++) {
        uint64_t mask = (UINT64_C(1) << (TENON_ATTR_COUNT - 1) << 1) - 1;
        struct tenon_strbuf buf;
        if (skipped >= 0)
            mask &= ~(UINT64_C(1) << skipped);
        tenon_strbuf_init(&buf);
        tenon_serial_attrs(&buf, mask, &attrs);
        struct tenon_cursor cursor = {.bytes = {(const uint8_t *)buf.data, buf.size}};
        tenon_cursor_attrs(&cursor, mask, &back);
        assert_false(cursor.failed);
        assert_int_equal(cursor.at, buf.size);
        if (skipped >= 0) {
            size_t at = tenon_attr_table[skipped].offset;
            bool list = tenon_attr_table[skipped].kind == TENON_ATTR_LIST;
            memcpy((uint8_t *)&back + at, (uint8_t *)&attrs + at,
                   list ? sizeof(struct tenon_list) : 4);
        }
        assert_memory_equal(&back, &attrs, sizeof(back));
        tenon_strbuf_finish(&buf);
    }
    static const uint8_t long_list[80] = {TENON_LIST_MAX + 1};
    struct tenon_cursor cursor = {.bytes = {long_list, sizeof(long_list)}};
    tenon_cursor_attrs(&cursor, TENON_ATTR_BIT(stride), &back);
    assert_true(cursor.failed);
    assert_int_equal(back.stride.count, 0);
}

static void cursor_tells_lack_of_memory(void **state) {
    static const uint8_t bytes[] = {
        TENON_TYPE_I8, 1,    2, 0, 0, 0, 2, 0, 0,    0,    0, 0, 0, 0, 0, 0,
        0x80,          0x3f, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0};
    struct tenon_arena arena;
    struct tenon_desc desc;
    (void)state;
    for (size_t limit = 1; limit <= 32; limit += 31) {
        struct tenon_cursor cursor = {.bytes = {bytes, sizeof(bytes)}};
        tenon_arena_init(&arena, limit);
        tenon_cursor_desc(&cursor, &arena, &desc);
        assert_int_equal(cursor.out_of_memory, limit == 1);
        assert_int_equal(cursor.failed, limit == 1);
        tenon_arena_finish(&arena);
    }
}

/* ---- status and diagnostics ---- */

static void errors_tell_their_place(void **state) {
    struct tenon_error error = {0};
    char longest[2000];
    (void)state;
    assert_int_equal(tenon_fail(NULL, TENON_ERROR_IO, "unheard"), TENON_ERROR_IO);
    assert_int_equal(tenon_fail(&error, TENON_ERROR_LIMIT, "rank %d", 9), TENON_ERROR_LIMIT);
    assert_int_equal(error.line, __LINE__ - 1);
    assert_non_null(strstr(error.file, "test_util.c"));
    assert_string_equal(error.message, "rank 9");
    tenon_error_prefix(&error, TENON_ERROR_LIMIT, "node %d", 3);
    assert_string_equal(error.message, "node 3: rank 9");
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    tenon_error_prefix(&error, TENON_ERROR_LIMIT, "%s", longest);
    assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
    for (int i = 0; i < TENON_STATUS_COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(tenon_status_name((enum tenon_status)i),
                                    tenon_status_name((enum tenon_status)k));
    assert_non_null(tenon_status_name(TENON_STATUS_COUNT));
    assert_non_null(tenon_status_name((enum tenon_status) - 1));
}

static void the_first_error_is_told(void **state) {
    struct tenon_diagnostics *list;
    struct tenon_error error = {0};
    struct tenon_model_place place = TENON_MODEL_PLACE_NONE;
    (void)state;
    assert_int_equal(tenon_diagnostics_create(&list, NULL), TENON_OK);
    assert_int_equal(tenon_diagnose(list, &error, TENON_DIAGNOSTIC_TFL_SHAPE_DIFFERS, &place, "w"),
                     TENON_OK);
    assert_int_equal(error.status, TENON_OK); /* a warning is no error */
    place = (struct tenon_model_place){1234, 3, 5, "CONV_2D", "weights"};
    assert_int_equal(tenon_diagnose(list, &error, TENON_DIAGNOSTIC_TFL_INDEX, &place, "%d", 77),
                     TENON_ERROR_BAD_MODEL);
    assert_string_equal(error.message,
                        "TFL012: operator 3 (CONV_2D): tensor 5 'weights': 77 (at byte 1234)");
    assert_int_equal(tenon_diagnose(list, &error, TENON_DIAGNOSTIC_TFL_TYPE, &place, "later"),
                     TENON_ERROR_UNSUPPORTED);
    assert_int_equal(error.status, TENON_ERROR_BAD_MODEL); /* the first one stays */
    assert_int_equal(tenon_diagnostics_count(list), 3);
    const struct tenon_diagnostic *d = tenon_diagnostics_get(list, 1);
    assert_string_equal(d->id, "TFL012");
    assert_string_equal(d->message, "77");
    assert_string_equal(d->operator_name, "CONV_2D");
    assert_string_equal(d->tensor_name, "weights");
    assert_int_equal(d->offset, 1234);
    assert_null(tenon_diagnostics_get(list, 3));
    assert_string_equal(tenon_diagnostics_get(list, 0)->operator_name, "");
    tenon_diagnostics_destroy(list);
    tenon_diagnostics_destroy(NULL);
}

static void diagnostics_are_bounded(void **state) {
    struct tenon_diagnostics *list;
    struct tenon_model_place place = TENON_MODEL_PLACE_NONE;
    (void)state;
    assert_int_equal(tenon_diagnostics_create(&list, NULL), TENON_OK);
    for (int i = 0; i < 300; i++)
        tenon_diagnose(list, NULL, TENON_DIAGNOSTIC_TFL_INDEX, &place, "%d", i);
    assert_int_equal(tenon_diagnostics_count(list), 256);
    assert_int_equal(tenon_diagnostics_dropped(list), 44);
    assert_string_equal(tenon_diagnostics_get(list, 255)->message, "255");
    tenon_diagnostics_destroy(list);
    tenon_diagnose(NULL, NULL, TENON_DIAGNOSTIC_TFL_INDEX, &place, "nobody listens");
}

static void diagnostics_have_names_of_their_own(void **state) {
    (void)state;
    for (int i = 0; i < TENON_DIAGNOSTIC_COUNT; i++) {
        const struct tenon_diagnostic_info *info = &tenon_diagnostic_table[i];
        assert_int_equal(strlen(info->text_id), 6);
        assert_int_equal(info->severity == TENON_SEVERITY_ERROR, info->status != TENON_OK);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(info->text_id, tenon_diagnostic_table[k].text_id);
    }
}

/* ---- files ---- */

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/tenon-test-util-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name) {
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void assert_contents(const char *name, const char *expected) {
    struct tenon_mapping mapping;
    assert_int_equal(tenon_mapping_open(&mapping, path_of(name), NULL), TENON_OK);
    assert_int_equal(mapping.bytes.size, strlen(expected));
    assert_memory_equal(mapping.bytes.data, expected, mapping.bytes.size);
    tenon_mapping_close(&mapping);
}

static enum tenon_status replace(const char *name, const char *text) {
    return tenon_file_replace(path_of(name), text, strlen(text), NULL);
}

static void assert_nothing_left_behind(unsigned expected) {
    char command[160], count[16] = "";
    snprintf(command, sizeof(command), "ls -A '%s' | wc -l", folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(count, sizeof(count), pipe));
    pclose(pipe);
    assert_int_equal(atoi(count), expected);
}

static void what_cannot_be_mapped_is_told(void **state) {
    struct tenon_mapping mapping;
    struct tenon_error error = {0};
    (void)state;
    assert_int_equal(tenon_mapping_open(&mapping, path_of("none"), &error), TENON_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "none"));
    assert_int_equal(tenon_mapping_open(&mapping, folder, &error), TENON_ERROR_IO);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0); /* must not wait for a writer */
    assert_int_equal(tenon_mapping_open(&mapping, path_of("pipe"), &error), TENON_ERROR_IO);
    assert_int_equal(replace("empty", ""), TENON_OK);
    assert_int_equal(tenon_mapping_open(&mapping, path_of("empty"), &error), TENON_OK);
    assert_null(mapping.bytes.data);
    tenon_mapping_release_pages(&mapping);
    tenon_mapping_close(&mapping);
}

static void replacing_is_all_or_nothing(void **state) {
    struct tenon_mapping old;
    struct stat info;
    (void)state;
    mode_t mask = umask(027);
    assert_int_equal(replace("model", "first"), TENON_OK);
    umask(mask);
    assert_int_equal(stat(path_of("model"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(tenon_mapping_open(&old, path_of("model"), NULL), TENON_OK);
    assert_int_equal(replace("model", "the second one"), TENON_OK);
    assert_memory_equal(old.bytes.data, "first", 5); /* who has it mapped keeps it */
    tenon_mapping_close(&old);
    assert_contents("model", "the second one");
    assert_nothing_left_behind(1);
}

static void a_link_leads_to_what_is_replaced(void **state) {
    struct stat info;
    (void)state;
    assert_int_equal(replace("v1", "old"), TENON_OK);
    assert_int_equal(symlink("v1", path_of("current")), 0);
    assert_int_equal(replace("current", "new"), TENON_OK);
    assert_int_equal(lstat(path_of("current"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_contents("v1", "new");
    assert_nothing_left_behind(2);
}

static void a_pipe_is_written_into(void **state) {
    char text[16] = "";
    struct stat info;
    (void)state;
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    int reader = open(path_of("pipe"), O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(replace("pipe", "through"), TENON_OK);
    assert_int_equal(read(reader, text, sizeof(text)), 7);
    assert_string_equal(text, "through");
    close(reader);
    assert_int_equal(stat(path_of("pipe"), &info), 0);
    assert_true(S_ISFIFO(info.st_mode)); /* and not replaced: it could be /dev/null */
}

static void a_failed_replacement_changes_nothing(void **state) {
    struct rlimit before, tiny;
    struct tenon_error error = {0};
    (void)state;
    assert_int_equal(replace("model", "old"), TENON_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tiny = (struct rlimit){.rlim_cur = 4, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0); /* the disk is full after four bytes */
    enum tenon_status status = tenon_file_replace(path_of("model"), "longer than that", 16, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, TENON_ERROR_IO);
    assert_non_null(strstr(error.message, "model: cannot write: "));
    assert_contents("model", "old");
    assert_nothing_left_behind(1);
    assert_int_equal(mkdir(path_of("folder"), 0700), 0);
    assert_int_equal(replace("folder", "x"), TENON_ERROR_IO);
    assert_int_equal(replace("no such/model", "x"), TENON_ERROR_IO);
    assert_nothing_left_behind(2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_keeps_its_limit),
        cmocka_unit_test(arena_copies),
        cmocka_unit_test(strbuf_grows),
        cmocka_unit_test(strbuf_stays_aligned),
        cmocka_unit_test(strbuf_writes_little_endian),
        cmocka_unit_test(strbuf_remembers_failure),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(spans_are_bounded),
        cmocka_unit_test(floats_are_loaded_by_their_bits),
        cmocka_unit_test(cursor_remembers_its_first_failure),
        cmocka_unit_test(cursor_counts_are_held_against_the_rest),
        cmocka_unit_test(cursor_strings_end_where_they_say),
        cmocka_unit_test(descriptions_come_back),
        cmocka_unit_test(attributes_come_back),
        cmocka_unit_test(cursor_tells_lack_of_memory),
        cmocka_unit_test(errors_tell_their_place),
        cmocka_unit_test(the_first_error_is_told),
        cmocka_unit_test(diagnostics_are_bounded),
        cmocka_unit_test(diagnostics_have_names_of_their_own),
        cmocka_unit_test_setup_teardown(what_cannot_be_mapped_is_told, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(replacing_is_all_or_nothing, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_link_leads_to_what_is_replaced, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_pipe_is_written_into, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_failed_replacement_changes_nothing, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
