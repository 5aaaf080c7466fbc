/*
 * Each class is a few strokes through control points. A drawing moves every point a little, turns,
 * scales and shears the whole, and inks the strokes with a pen of some width on paper of some tone.
 */
#include "draw.h"

#include <math.h>
#include <string.h>

enum {
    MAX_POINTS = 12,
    MAX_STROKES = 3,
    STEPS = 8,
    MAX_SEGMENTS = MAX_STROKES * MAX_POINTS * STEPS
};

struct point {
    double x, y;
};

struct stroke {
    int count;
    int curved; /* through the points by a smooth curve, else by straight lines */
    struct point points[MAX_POINTS];
};

struct figure {
    int count;
    struct stroke strokes[MAX_STROKES];
};

const char *const draw_class_names[DRAW_CLASSES] = {
    "zero",  "one",  "two",      "three",  "four", "five",  "six",   "seven",
    "eight", "nine", "triangle", "square", "star", "heart", "arrow", "house",
};

/* In a unit square, x to the right, y down. */
static const struct figure figures[DRAW_CLASSES] = {
    {1,
     {{9,
       1,
       {{.5, .1},
        {.32, .2},
        {.26, .5},
        {.32, .8},
        {.5, .9},
        {.68, .8},
        {.74, .5},
        {.68, .2},
        {.5, .1}}}}},
    {1, {{3, 0, {{.38, .28}, {.54, .1}, {.54, .9}}}}},
    {2,
     {{7, 1, {{.28, .28}, {.4, .12}, {.6, .12}, {.7, .3}, {.56, .55}, {.28, .88}, {.28, .88}}},
      {2, 0, {{.28, .88}, {.74, .88}}}}},
    {1,
     {{9,
       1,
       {{.3, .18},
        {.5, .1},
        {.68, .22},
        {.62, .42},
        {.46, .48},
        {.66, .56},
        {.7, .74},
        {.52, .9},
        {.28, .82}}}}},
    {2, {{3, 0, {{.58, .1}, {.26, .62}, {.76, .62}}}, {2, 0, {{.6, .4}, {.6, .92}}}}},
    {2,
     {{3, 0, {{.7, .12}, {.36, .12}, {.33, .46}}},
      {6, 1, {{.33, .46}, {.52, .4}, {.7, .54}, {.68, .78}, {.5, .9}, {.28, .82}}}}},
    {1,
     {{9,
       1,
       {{.64, .1},
        {.42, .26},
        {.3, .56},
        {.36, .82},
        {.54, .9},
        {.7, .76},
        {.64, .56},
        {.48, .5},
        {.32, .64}}}}},
    {1, {{3, 0, {{.26, .14}, {.74, .14}, {.42, .9}}}}},
    {1,
     {{11,
       1,
       {{.52, .48},
        {.34, .32},
        {.38, .14},
        {.52, .1},
        {.66, .16},
        {.66, .32},
        {.5, .48},
        {.3, .7},
        {.5, .9},
        {.7, .72},
        {.52, .48}}}}},
    {1,
     {{9,
       1,
       {{.68, .36},
        {.52, .5},
        {.34, .4},
        {.32, .22},
        {.48, .1},
        {.64, .16},
        {.7, .36},
        {.66, .64},
        {.5, .92}}}}},
    {1, {{4, 0, {{.5, .12}, {.88, .84}, {.12, .84}, {.5, .12}}}}},
    {1, {{5, 0, {{.16, .16}, {.84, .16}, {.84, .84}, {.16, .84}, {.16, .16}}}}},
    {1, {{6, 0, {{.5, .06}, {.76, .9}, {.08, .38}, {.92, .38}, {.24, .9}, {.5, .06}}}}},
    {2,
     {{6, 1, {{.5, .3}, {.36, .14}, {.14, .2}, {.12, .44}, {.3, .68}, {.5, .9}}},
      {6, 1, {{.5, .3}, {.64, .14}, {.86, .2}, {.88, .44}, {.7, .68}, {.5, .9}}}}},
    {2, {{2, 0, {{.08, .5}, {.9, .5}}}, {3, 0, {{.62, .22}, {.92, .5}, {.62, .78}}}}},
    {2,
     {{5, 0, {{.2, .44}, {.8, .44}, {.8, .9}, {.2, .9}, {.2, .44}}},
      {3, 0, {{.1, .46}, {.5, .1}, {.9, .46}}}}},
};

static uint64_t next(struct draw_random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double draw_uniform(struct draw_random *random, double low, double high) {
    return low + (high - low) * (double)(next(random) >> 11) * 0x1p-53;
}

double draw_normal(struct draw_random *random) {
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += draw_uniform(random, -0.5, 0.5);
    return sum;
}

/* Catmull-Rom between b and c. */
static double curve(double a, double b, double c, double d, double t) {
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

struct hand {
    double xx, xy, yx, yy, x, y; /* the whole drawing's turn, scale, shear and place */
    double shake;
};

static struct hand make_hand(struct draw_random *random) {
    double angle = draw_uniform(random, -0.26, 0.26), shear = draw_uniform(random, -0.2, 0.2);
    double scale = draw_uniform(random, 0.62, 0.98);
    double sx = scale * draw_uniform(random, 0.85, 1.12), sy = scale;
    double room = (1 - scale) * 0.5;
    return (struct hand){
        .xx = sx * cos(angle),
        .xy = sy * (shear * cos(angle) - sin(angle)),
        .yx = sx * sin(angle),
        .yy = sy * (shear * sin(angle) + cos(angle)),
        .x = 0.5 + draw_uniform(random, -room, room),
        .y = 0.5 + draw_uniform(random, -room, room),
        .shake = draw_uniform(random, 0.005, 0.035),
    };
}

static struct point move(const struct hand *hand, struct draw_random *random, struct point p) {
    double x = p.x - 0.5 + hand->shake * draw_normal(random);
    double y = p.y - 0.5 + hand->shake * draw_normal(random);
    return (struct point){hand->xx * x + hand->xy * y + hand->x,
                          hand->yx * x + hand->yy * y + hand->y};
}

/* Appends the stroke as short straight pieces; pieces[i] to pieces[i + 1], a break has x < -1. */
static int trace(const struct stroke *stroke, const struct hand *hand, struct draw_random *random,
                 struct point *pieces) {
    struct point p[MAX_POINTS];
    int n = 0;
    for (int i = 0; i < stroke->count; i++)
        p[i] = move(hand, random, stroke->points[i]);
    for (int i = 0; i + 1 < stroke->count; i++) {
        struct point a = p[i > 0 ? i - 1 : 0], b = p[i], c = p[i + 1];
        struct point d = p[i + 2 < stroke->count ? i + 2 : i + 1];
        for (int step = 0; step < STEPS; step++) {
            double t = (double)step / STEPS;
            pieces[n].x = stroke->curved ? curve(a.x, b.x, c.x, d.x, t) : b.x + t * (c.x - b.x);
            pieces[n++].y = stroke->curved ? curve(a.y, b.y, c.y, d.y, t) : b.y + t * (c.y - b.y);
        }
    }
    pieces[n++] = p[stroke->count - 1];
    pieces[n++] = (struct point){-9, -9};
    return n;
}

static double distance_to_piece(struct point p, struct point a, struct point b) {
    double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    double t = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

static double distance_to_ink(struct point p, const struct point *pieces, int count) {
    double nearest = 9;
    for (int i = 0; i + 1 < count; i++) {
        if (pieces[i].x < -1 || pieces[i + 1].x < -1)
            continue;
        double distance = distance_to_piece(p, pieces[i], pieces[i + 1]);
        if (distance < nearest)
            nearest = distance;
    }
    return nearest;
}

void draw_picture(struct draw_random *random, int label, int size, uint8_t *pixels) {
    static const double soft = 0.7; /* pixels over which the edge of the ink fades */
    struct point pieces[MAX_SEGMENTS + 2 * MAX_STROKES];
    struct hand hand = make_hand(random);
    const struct figure *figure = &figures[label];
    int count = 0;
    for (int i = 0; i < figure->count; i++)
        count += trace(&figure->strokes[i], &hand, random, pieces + count);

    double pen = draw_uniform(random, 0.022, 0.05), ink = draw_uniform(random, 0, 90);
    double paper = draw_uniform(random, 190, 255), noise = draw_uniform(random, 0, 9);
    double slope_x = draw_uniform(random, -25, 25), slope_y = draw_uniform(random, -25, 25);
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            struct point p = {(x + 0.5) / size, (y + 0.5) / size};
            double edge = (distance_to_ink(p, pieces, count) - pen) * size / soft;
            double cover = edge < -1 ? 1 : edge > 1 ? 0 : (1 - edge) / 2;
            double tone = paper + slope_x * (p.x - 0.5) + slope_y * (p.y - 0.5);
            double value = tone + cover * (ink - tone) + noise * draw_normal(random);
            pixels[y * size + x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
        }
    }
}
