/*
 * BMP: uncompressed, 8 bits with a palette, 24 and 32 bits, stored from the bottom up or from the
 * top down. Microsoft, "Bitmap Storage" (BITMAPFILEHEADER, BITMAPINFOHEADER).
 */
#include <stdio.h>

#include "picture.h"

enum { FILE_HEADER = 14, INFO_HEADER = 40, BITFIELDS = 3 };

struct bmp {
    uint32_t bits, palette_at, palette_count;
    uint64_t pixels_at, stride;
    bool top_down;
};

static uint32_t read_le32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool refuse(char *message, const char *why) {
    snprintf(message, PICTURE_MESSAGE_BYTES, "BMP: %s", why);
    return false;
}

/* Channel order must be the usual B, G, R (, X) where a 32-bit file names its masks. */
static bool masks_are_usual(const uint8_t *data, size_t size) {
    const uint8_t *masks = data + FILE_HEADER + INFO_HEADER;
    return size >= FILE_HEADER + INFO_HEADER + 12 && read_le32(masks) == 0x00ff0000 &&
           read_le32(masks + 4) == 0x0000ff00 && read_le32(masks + 8) == 0x000000ff;
}

static bool read_header(const uint8_t *data, size_t size, struct bmp *bmp, uint32_t *width,
                        uint32_t *height, char *message) {
    if (size < FILE_HEADER + INFO_HEADER || read_le32(data + 14) < INFO_HEADER)
        return refuse(message, "the header is truncated or of OS/2");
    uint32_t compression = read_le32(data + 30), tall = read_le32(data + 22);
    bmp->bits = (uint32_t)data[28] | (uint32_t)data[29] << 8;
    bmp->top_down = tall > INT32_MAX;
    *width = read_le32(data + 18);
    *height = bmp->top_down ? 0u - tall : tall;
    if (bmp->bits != 8 && bmp->bits != 24 && bmp->bits != 32)
        return refuse(message, "only 8, 24 and 32 bits a pixel are read");
    if (compression != 0 &&
        !(compression == BITFIELDS && bmp->bits == 32 && masks_are_usual(data, size)))
        return refuse(message, "it is compressed; save it uncompressed");
    bmp->pixels_at = read_le32(data + 10);
    bmp->palette_at = FILE_HEADER + read_le32(data + 14);
    bmp->palette_count = read_le32(data + 46);
    if (bmp->palette_count == 0 || bmp->palette_count > 256)
        bmp->palette_count = 256;
    bmp->stride = ((uint64_t)*width * bmp->bits + 31) / 32 * 4;
    return true;
}

static bool fits(const struct bmp *bmp, size_t size, uint32_t height) {
    if (bmp->pixels_at > size || bmp->stride * height > size - bmp->pixels_at)
        return false;
    return bmp->bits != 8 || (uint64_t)bmp->palette_at + 4 * bmp->palette_count <= size;
}

static void copy_row(const struct bmp *bmp, const uint8_t *data, const uint8_t *row, uint8_t *out,
                     uint32_t width) {
    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *bgr = row + (size_t)x * (bmp->bits / 8);
        if (bmp->bits == 8) /* an index past the palette means its first colour */
            bgr = data + bmp->palette_at + 4 * (row[x] < bmp->palette_count ? row[x] : 0);
        out[3 * (size_t)x] = bgr[2];
        out[3 * (size_t)x + 1] = bgr[1];
        out[3 * (size_t)x + 2] = bgr[0];
    }
}

bool picture_decode_bmp(const uint8_t *data, size_t size, struct picture *out,
                        char message[PICTURE_MESSAGE_BYTES]) {
    struct bmp bmp;
    uint32_t width, height;
    if (!read_header(data, size, &bmp, &width, &height, message))
        return false;
    if (!fits(&bmp, size, height))
        return refuse(message, "the file is truncated");
    if (!picture_init(out, width, height, 3, message))
        return false;
    for (uint32_t y = 0; y < height; y++) {
        uint32_t line = bmp.top_down ? y : height - 1 - y;
        copy_row(&bmp, data, data + bmp.pixels_at + bmp.stride * line,
                 out->samples + (size_t)y * width * 3, width);
    }
    return true;
}
