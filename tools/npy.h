/*
 * NumPy's .npy files: the description in front of the array, read and written
 * (numpy.lib.format, versions 1.0 to 3.0; written as 1.0).
 */
#ifndef TOOLS_NPY_H
#define TOOLS_NPY_H

#include <tenon/tensor.h>

struct npy {
    enum tenon_type type; /* of the elements */
    size_t count;         /* of the elements: product of the shape */
    const uint8_t *data;  /* inside of the file's bytes */
    size_t size_bytes;
};

enum { NPY_MESSAGE_BYTES = 256, NPY_HEADER_MAX = 384 };

/* Checks that all elements lie in the file, in C order and little endian. */
bool npy_parse(const uint8_t *data, size_t size, struct npy *out, char message[NPY_MESSAGE_BYTES]);
/* Writes the header and returns its size; 0 when .npy has no such type (bf16, i4). */
size_t npy_header(const struct tenon_tensor_info *info, char header[NPY_HEADER_MAX]);

#endif
