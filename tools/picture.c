/* Pictures: memory, choosing the decoder, cropping, resizing, grey and RGB. */
#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool picture_init(struct picture *picture, uint64_t width, uint64_t height, uint32_t channels,
                  char message[PICTURE_MESSAGE_BYTES]) {
    *picture = (struct picture){0};
    if (width == 0 || height == 0 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX ||
        width * height > PICTURE_PIXELS_MAX) {
        snprintf(message, PICTURE_MESSAGE_BYTES,
                 "%llu x %llu pixels; between 1 and %d a side and %d M in all are read",
                 (unsigned long long)width, (unsigned long long)height, PICTURE_SIDE_MAX,
                 PICTURE_PIXELS_MAX >> 20);
        return false;
    }
    uint8_t *samples = calloc((size_t)width * (size_t)height, channels);
    if (samples == NULL) {
        snprintf(message, PICTURE_MESSAGE_BYTES, "out of memory");
        return false;
    }
    *picture = (struct picture){.width = (uint32_t)width,
                                .height = (uint32_t)height,
                                .channels = channels,
                                .samples = samples};
    return true;
}

void picture_finish(struct picture *picture) {
    free(picture->samples);
    *picture = (struct picture){0};
}

struct format {
    const char *magic;
    size_t size;
    bool (*decode)(const uint8_t *, size_t, struct picture *, char[PICTURE_MESSAGE_BYTES]);
};

static const struct format formats[] = {
    {"\x89PNG\r\n\x1a\n", 8, picture_decode_png},
    {"\xff\xd8\xff", 3, picture_decode_jpeg},
    {"BM", 2, picture_decode_bmp},
    {"P6", 2, picture_decode_ppm},
    {"P5", 2, picture_decode_ppm},
    {"P3", 2, picture_decode_ppm},
    {"P2", 2, picture_decode_ppm},
};

static const struct format *find_format(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (size >= formats[i].size && memcmp(data, formats[i].magic, formats[i].size) == 0)
            return &formats[i];
    return NULL;
}

bool picture_is(const uint8_t *data, size_t size) {
    return find_format(data, size) != NULL;
}

bool picture_decode(const uint8_t *data, size_t size, struct picture *out,
                    char message[PICTURE_MESSAGE_BYTES]) {
    const struct format *format = find_format(data, size);
    *out = (struct picture){0};
    if (format != NULL)
        return format->decode(data, size, out, message);
    snprintf(message, PICTURE_MESSAGE_BYTES, "no PNG, JPEG, BMP or PPM");
    return false;
}

void picture_crop(struct picture *picture, uint32_t width, uint32_t height) {
    uint64_t w = picture->width, h = picture->height;
    uint64_t new_w = w, new_h = h;
    if (w * height > h * width)
        new_w = h * width / height > 0 ? h * width / height : 1;
    else
        new_h = w * height / width > 0 ? w * height / width : 1;
    size_t x0 = (size_t)(w - new_w) / 2, y0 = (size_t)(h - new_h) / 2, c = picture->channels;
    for (size_t y = 0; y < new_h; y++)
        memmove(picture->samples + y * (size_t)new_w * c,
                picture->samples + ((y0 + y) * (size_t)w + x0) * c, (size_t)new_w * c);
    picture->width = (uint32_t)new_w;
    picture->height = (uint32_t)new_h;
}

static void resize_nearest(const struct picture *in, struct picture *out) {
    size_t c = in->channels;
    for (size_t y = 0; y < out->height; y++) {
        const uint8_t *row = in->samples + y * in->height / out->height * in->width * c;
        for (size_t x = 0; x < out->width; x++)
            memcpy(out->samples + (y * out->width + x) * c, row + x * in->width / out->width * c,
                   c);
    }
}

/* One direction of a resize: `lines` lines of `in_count` samples become `out_count` samples each.
 */
struct resample {
    const uint8_t *in;
    uint8_t *out;
    size_t in_count, out_count, lines;
    size_t in_step, out_step; /* from a sample to the next of its line */
    size_t in_line, out_line; /* from a line to the next */
    size_t channels;
};

/*
 * Linear interpolation between the two nearest samples where the picture grows; where it shrinks
 * the triangle is widened so that every input sample counts (as Pillow's BILINEAR does).
 */
static void resample_at(const struct resample *r, size_t index) {
    double scale = (double)r->in_count / (double)r->out_count, reach = scale > 1 ? scale : 1;
    double centre = ((double)index + 0.5) * scale;
    size_t first = centre - reach > 0 ? (size_t)(centre - reach) : 0;
    size_t last = centre + reach < (double)r->in_count ? (size_t)(centre + reach) : r->in_count - 1;
    for (size_t line = 0; line < r->lines; line++) {
        double sum[3] = {0}, total = 0;
        for (size_t i = first; i <= last; i++) {
            double weight = 1 - fabs((double)i + 0.5 - centre) / reach;
            if (weight <= 0)
                continue;
            total += weight;
            for (size_t c = 0; c < r->channels; c++)
                sum[c] += weight * r->in[line * r->in_line + i * r->in_step + c];
        }
        for (size_t c = 0; c < r->channels; c++)
            r->out[line * r->out_line + index * r->out_step + c] = (uint8_t)(sum[c] / total + 0.5);
    }
}

static bool resize_linear(const struct picture *in, struct picture *out, char *message) {
    struct picture wide;
    if (!picture_init(&wide, out->width, in->height, in->channels, message))
        return false;
    size_t c = in->channels;
    const struct resample across = {
        in->samples, wide.samples,  in->width,      out->width, in->height, c,
        c,           in->width * c, wide.width * c, c};
    const struct resample down = {
        wide.samples,   out->samples,   in->height, out->height, out->width,
        wide.width * c, out->width * c, c,          c,           c};
    for (size_t x = 0; x < out->width; x++)
        resample_at(&across, x);
    for (size_t y = 0; y < out->height; y++)
        resample_at(&down, y);
    picture_finish(&wide);
    return true;
}

bool picture_resize(const struct picture *picture, uint32_t width, uint32_t height,
                    enum picture_filter filter, struct picture *out,
                    char message[PICTURE_MESSAGE_BYTES]) {
    if (!picture_init(out, width, height, picture->channels, message))
        return false;
    if (filter == PICTURE_BILINEAR && !resize_linear(picture, out, message)) {
        picture_finish(out);
        return false;
    }
    if (filter == PICTURE_NEAREST)
        resize_nearest(picture, out);
    return true;
}

bool picture_convert(struct picture *picture, uint32_t channels,
                     char message[PICTURE_MESSAGE_BYTES]) {
    if (picture->channels == channels)
        return true;
    struct picture out;
    if (!picture_init(&out, picture->width, picture->height, channels, message))
        return false;
    size_t count = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *in = picture->samples + i * picture->channels;
        if (channels == 1)
            out.samples[i] = (uint8_t)((299 * in[0] + 587 * in[1] + 114 * in[2] + 500) / 1000);
        else
            memset(out.samples + 3 * i, in[0], 3);
    }
    picture_finish(picture);
    *picture = out;
    return true;
}
