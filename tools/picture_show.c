/*
 * A picture in the terminal: two pixels to a character cell, as upper half blocks in 24-bit colour;
 * elsewhere an ASCII ramp, one cell to two pixels' height so that proportions hold.
 */
#include <stdio.h>

#include "picture.h"
#include "report.h"

enum { COLUMNS_MAX = 64 };

static const uint8_t *pixel(const struct picture *picture, uint32_t x, uint32_t y) {
    return picture->samples + ((size_t)y * picture->width + x) * picture->channels;
}

static void colour(const struct picture *picture, uint32_t x, uint32_t y, int kind) {
    const uint8_t *p = pixel(picture, x, y);
    size_t green = picture->channels == 3 ? 1 : 0, blue = 2 * green;
    printf("\033[%d;2;%d;%d;%dm", kind, p[0], p[green], p[blue]);
}

static void show_colour(const struct picture *picture) {
    enum { FOREGROUND = 38, BACKGROUND = 48 };
    for (uint32_t y = 0; y + 1 < picture->height; y += 2) {
        for (uint32_t x = 0; x < picture->width; x++) {
            colour(picture, x, y, FOREGROUND);
            colour(picture, x, y + 1, BACKGROUND);
            fputs("\xe2\x96\x80", stdout); /* U+2580 upper half block */
        }
        fputs("\033[0m\n", stdout);
    }
}

static void show_ascii(const struct picture *picture) {
    static const char ramp[] = " .:-=+*#%@";
    for (uint32_t y = 0; y + 1 < picture->height; y += 2) {
        for (uint32_t x = 0; x < picture->width; x++) {
            unsigned sum = 0;
            for (uint32_t c = 0; c < picture->channels; c++)
                sum += pixel(picture, x, y)[c] + pixel(picture, x, y + 1)[c];
            putchar(ramp[sum * 9 / (510 * picture->channels)]);
        }
        putchar('\n');
    }
}

void picture_show(const struct picture *picture) {
    char message[PICTURE_MESSAGE_BYTES];
    uint64_t width = picture->width, height = picture->height;
    uint32_t columns = width > COLUMNS_MAX ? COLUMNS_MAX : (uint32_t)width;
    uint64_t rows = height * columns / width;
    rows = rows < 2 ? 2 : rows > 2 * COLUMNS_MAX ? 2 * COLUMNS_MAX : rows;
    rows += rows & 1;
    struct picture small;
    if (!picture_resize(picture, columns, (uint32_t)rows, PICTURE_BILINEAR, &small, message))
        return;
    if (tool_terminal_colour() && tool_terminal_utf8())
        show_colour(&small);
    else
        show_ascii(&small);
    picture_finish(&small);
}
