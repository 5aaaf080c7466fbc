/* PPM and PGM, binary (P6, P5) and plain (P3, P2), maximum up to 255 (Netpbm's ppm(5), pgm(5)). */
#include <stdio.h>

#include "picture.h"

struct reader {
    const uint8_t *data;
    size_t size, at;
};

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A decimal number after white space and comments; false when there is none or it is above 2^24. */
static bool read_number(struct reader *reader, uint32_t *out) {
    bool comment = false;
    while (reader->at < reader->size) {
        uint8_t c = reader->data[reader->at];
        if (c == '#')
            comment = true;
        else if (c == '\n')
            comment = false;
        else if (!comment && !is_space(c))
            break;
        reader->at++;
    }
    uint32_t value = 0;
    size_t start = reader->at;
    for (; reader->at < reader->size; reader->at++) {
        uint8_t c = reader->data[reader->at];
        if (c < '0' || c > '9')
            break;
        value = value * 10 + (c - '0');
        if (value > 1 << 24)
            return false;
    }
    *out = value;
    return reader->at > start;
}

static bool refuse(char *message, const char *why) {
    snprintf(message, PICTURE_MESSAGE_BYTES, "PPM: %s", why);
    return false;
}

static bool read_sample(struct reader *reader, bool plain, uint32_t *value) {
    if (plain)
        return read_number(reader, value);
    if (reader->at >= reader->size)
        return false;
    *value = reader->data[reader->at++];
    return true;
}

static bool read_samples(struct reader *reader, bool plain, uint32_t maximum, struct picture *out) {
    size_t count = (size_t)out->width * out->height * out->channels;
    for (size_t i = 0; i < count; i++) {
        uint32_t value;
        if (!read_sample(reader, plain, &value) || value > maximum)
            return false;
        out->samples[i] = (uint8_t)((value * 255 + maximum / 2) / maximum);
    }
    return true;
}

bool picture_decode_ppm(const uint8_t *data, size_t size, struct picture *out,
                        char message[PICTURE_MESSAGE_BYTES]) {
    struct reader reader = {.data = data, .size = size, .at = 2};
    uint32_t width, height, maximum;
    bool plain = data[1] == '2' || data[1] == '3', grey = data[1] == '2' || data[1] == '5';
    if (!read_number(&reader, &width) || !read_number(&reader, &height) ||
        !read_number(&reader, &maximum))
        return refuse(message, "the header is malformed");
    if (maximum == 0 || maximum > 255)
        return refuse(message, "the maximum value must be between 1 and 255");
    if (!plain && (reader.at >= size || !is_space(data[reader.at++])))
        return refuse(message, "white space is missing after the header");
    /* Every sample takes a byte at least: a short file is refused before memory is taken. */
    if ((uint64_t)width * height * (grey ? 1 : 3) > size - reader.at)
        return refuse(message, "the file is truncated");
    if (!picture_init(out, width, height, grey ? 1 : 3, message))
        return false;
    if (read_samples(&reader, plain, maximum, out))
        return true;
    picture_finish(out);
    return refuse(message, "a sample is missing or above the maximum");
}
