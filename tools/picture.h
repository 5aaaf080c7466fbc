/*
 * Pictures: 8-bit samples, 1 (grey) or 3 (RGB) channels, and their decoders. A decoder reads an
 * untrusted file that lies in memory; it refuses more than PICTURE_PIXELS_MAX pixels before it
 * allocates.
 */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PICTURE_SIDE_MAX = 32768, PICTURE_PIXELS_MAX = 64 << 20 };

struct picture {
    uint32_t width, height, channels;
    uint8_t *samples; /* width * height * channels, row by row */
};

enum { PICTURE_MESSAGE_BYTES = 256 };

/* Allocates the samples. Says why not in `message`. */
bool picture_init(struct picture *picture, uint64_t width, uint64_t height, uint32_t channels,
                  char message[PICTURE_MESSAGE_BYTES]);
void picture_finish(struct picture *picture);

/* By content: PNG, JPEG, BMP, PPM/PGM. On failure `message` says what is wrong. */
bool picture_is(const uint8_t *data, size_t size);
bool picture_decode(const uint8_t *data, size_t size, struct picture *out,
                    char message[PICTURE_MESSAGE_BYTES]);
bool picture_decode_png(const uint8_t *data, size_t size, struct picture *out,
                        char message[PICTURE_MESSAGE_BYTES]);
bool picture_decode_jpeg(const uint8_t *data, size_t size, struct picture *out,
                         char message[PICTURE_MESSAGE_BYTES]);
bool picture_decode_bmp(const uint8_t *data, size_t size, struct picture *out,
                        char message[PICTURE_MESSAGE_BYTES]);
bool picture_decode_ppm(const uint8_t *data, size_t size, struct picture *out,
                        char message[PICTURE_MESSAGE_BYTES]);

enum picture_filter { PICTURE_NEAREST, PICTURE_BILINEAR };
/* Keeps the largest centred part that has the sides' proportion. Works in place. */
void picture_crop(struct picture *picture, uint32_t width, uint32_t height);
/* Into a new picture. A picture that has the size already comes out unchanged. */
bool picture_resize(const struct picture *picture, uint32_t width, uint32_t height,
                    enum picture_filter filter, struct picture *out,
                    char message[PICTURE_MESSAGE_BYTES]);
/* Grey to RGB by repeating; RGB to grey by the luma of ITU-R BT.601. */
bool picture_convert(struct picture *picture, uint32_t channels,
                     char message[PICTURE_MESSAGE_BYTES]);
/* Draws it on stdout, at most 64 columns wide. */
void picture_show(const struct picture *picture);

#endif
