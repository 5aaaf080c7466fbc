/*
 * Draws pictures of digits and shapes as a shaky hand would: the data that the example network is
 * trained on, and the held-out drawings that it is measured on. Everything follows from the seed.
 */
#ifndef TENON_EXAMPLE_DRAW_H
#define TENON_EXAMPLE_DRAW_H

#include <stdint.h>

enum { DRAW_CLASSES = 16 };

extern const char *const draw_class_names[DRAW_CLASSES];

/* A small generator of random numbers (splitmix64), so that drawings are the same everywhere. */
struct draw_random {
    uint64_t state;
};

double draw_uniform(struct draw_random *random, double low, double high);
double draw_normal(struct draw_random *random);

/* Draws class `label` into size * size grey values, 0 black to 255 white: ink on paper. */
void draw_picture(struct draw_random *random, int label, int size, uint8_t *pixels);

#endif
