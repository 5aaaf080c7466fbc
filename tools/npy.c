/* NumPy's .npy files; see npy.h. The header is a Python dictionary with three known keys. */
#include "npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    enum tenon_type type;
    const char *code; /* without the byte order */
} codes[] = {
    {TENON_TYPE_I8, "i1"},  {TENON_TYPE_U8, "u1"},  {TENON_TYPE_I16, "i2"},  {TENON_TYPE_U16, "u2"},
    {TENON_TYPE_I32, "i4"}, {TENON_TYPE_U32, "u4"}, {TENON_TYPE_I64, "i8"},  {TENON_TYPE_F16, "f2"},
    {TENON_TYPE_F32, "f4"}, {TENON_TYPE_F64, "f8"}, {TENON_TYPE_BOOL, "b1"},
};
enum { CODE_COUNT = sizeof(codes) / sizeof(codes[0]), HEADER_TEXT_MAX = 4096 };

static bool refuse(char *message, const char *why) {
    snprintf(message, NPY_MESSAGE_BYTES, "NPY: %s", why);
    return false;
}

/* The text after 'key':, or NULL. */
static const char *value_of(const char *text, const char *key) {
    const char *at = strstr(text, key);
    if (at == NULL)
        return NULL;
    at += strlen(key);
    while (*at == ' ' || *at == ':')
        at++;
    return at;
}

static bool parse_type(const char *text, enum tenon_type *out) {
    const char *at = value_of(text, "'descr'");
    if (at == NULL || at[0] != '\'' || at[1] == '\0' || strchr("<|=", at[1]) == NULL)
        return false;
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (strncmp(at + 2, codes[i].code, 2) == 0 && at[4] == '\'') {
            *out = codes[i].type;
            return true;
        }
    return false;
}

static bool parse_shape(const char *text, size_t *count) {
    const char *at = value_of(text, "'shape'");
    if (at == NULL || *at++ != '(')
        return false;
    *count = 1;
    while (*at != ')') {
        size_t dim = 0, digits = 0;
        for (; *at >= '0' && *at <= '9'; at++, digits++)
            if (__builtin_mul_overflow(dim, (size_t)10, &dim) ||
                __builtin_add_overflow(dim, (size_t)(*at - '0'), &dim))
                return false;
        if (digits == 0 || __builtin_mul_overflow(*count, dim, count))
            return false;
        while (*at == ',' || *at == ' ')
            at++;
    }
    return true;
}

/* The header's text, NUL-terminated, and where the array begins. */
static bool read_header(const uint8_t *data, size_t size, char text[HEADER_TEXT_MAX],
                        size_t *array_at) {
    if (size < 12 || memcmp(data, "\x93NUMPY", 6) != 0 || data[6] < 1 || data[6] > 3)
        return false;
    size_t start = data[6] == 1 ? 10 : 12;
    size_t length = (size_t)data[8] | (size_t)data[9] << 8;
    if (data[6] > 1)
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (length >= HEADER_TEXT_MAX || length > size - start)
        return false;
    memcpy(text, data + start, length);
    text[length] = '\0';
    *array_at = start + length;
    return true;
}

bool npy_parse(const uint8_t *data, size_t size, struct npy *out, char message[NPY_MESSAGE_BYTES]) {
    char text[HEADER_TEXT_MAX];
    size_t at;
    if (!read_header(data, size, text, &at))
        return refuse(message, "the header is malformed");
    if (!parse_type(text, &out->type))
        return refuse(message, "the element type is not a little-endian number");
    const char *order = value_of(text, "'fortran_order'");
    if (order == NULL || strncmp(order, "False", 5) != 0)
        return refuse(message, "the array is in Fortran order; save numpy.ascontiguousarray(a)");
    if (!parse_shape(text, &out->count) ||
        __builtin_mul_overflow(out->count, tenon_type_bits(out->type) / 8, &out->size_bytes))
        return refuse(message, "the shape is malformed");
    if (out->size_bytes > size - at)
        return refuse(message, "the file is truncated");
    out->data = data + at;
    return true;
}

size_t npy_header(const struct tenon_tensor_info *info, char header[NPY_HEADER_MAX]) {
    const char *code = NULL;
    for (size_t i = 0; i < CODE_COUNT; i++)
        if (codes[i].type == info->type)
            code = codes[i].code;
    if (code == NULL)
        return 0;
    memcpy(header, "\x93NUMPY\x01", 8); /* version 1, 0: the text's own NUL */
    int n = snprintf(header + 10, NPY_HEADER_MAX - 10,
                     "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                     tenon_type_bits(info->type) == 8 ? '|' : '<', code);
    for (uint32_t i = 0; i < info->rank; i++)
        n += snprintf(header + 10 + n, NPY_HEADER_MAX - 10 - (size_t)n, "%" PRId32 ", ",
                      info->dims[i]);
    n += snprintf(header + 10 + n, NPY_HEADER_MAX - 10 - (size_t)n, "), }");
    /* The array begins at a multiple of 64; spaces and a line end fill up to there. */
    size_t total = (10 + (size_t)n + 1 + 63) / 64 * 64;
    memset(header + 10 + n, ' ', total - 10 - (size_t)n);
    header[total - 1] = '\n';
    header[8] = (char)((total - 10) & 255);
    header[9] = (char)((total - 10) >> 8);
    return total;
}
