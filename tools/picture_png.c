/*
 * PNG by libpng's simplified interface, which keeps its setjmp to itself: any kind of PNG becomes
 * 8-bit sRGB samples; transparency is laid over black.
 */
#include <png.h>
#include <stdio.h>

#include "picture.h"

static bool read_picture(png_image *image, struct picture *out,
                         char message[PICTURE_MESSAGE_BYTES]) {
    bool colour = (image->format & PNG_FORMAT_FLAG_COLOR) != 0;
    image->format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    if (!picture_init(out, image->width, image->height, colour ? 3 : 1, message))
        return false;
    const png_color black = {0, 0, 0};
    if (png_image_finish_read(image, &black, out->samples, 0, NULL))
        return true;
    snprintf(message, PICTURE_MESSAGE_BYTES, "PNG: %s", image->message);
    picture_finish(out);
    return false;
}

bool picture_decode_png(const uint8_t *data, size_t size, struct picture *out,
                        char message[PICTURE_MESSAGE_BYTES]) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, data, size)) {
        snprintf(message, PICTURE_MESSAGE_BYTES, "PNG: %s", image.message);
        return false;
    }
    bool ok = read_picture(&image, out, message);
    png_image_free(&image);
    return ok;
}
