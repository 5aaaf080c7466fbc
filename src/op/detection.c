/*
 * TFLite_Detection_PostProcess: boxes are decoded against anchors, overlapping ones suppressed, the
 * best reported. Source: TFLite kernels/detection_postprocess.cc. Equal scores keep the order of
 * boxes and classes; where TFLite's fast variant leaves that to std::partial_sort, the lower class
 * comes first, as in TFLite Micro. Unused output elements are 0.
 */
#include "op/move.h"
#include "op/rules.h"

#include <math.h>
#include <string.h>

enum { BOXES, SCORES, ANCHORS };                                 /* inputs */
enum { OUT_BOXES, OUT_CLASSES, OUT_SCORES, OUT_COUNT, OUTPUTS }; /* outputs */

struct box {
    float ymin, xmin, ymax, xmax;
};

/* A reported box of one class. */
struct candidate {
    int32_t box, class_index;
    float score;
};

/* The numbers of one call, and its scratch memory. */
struct detection {
    const struct tenon_op_call *call;
    int32_t boxes, classes, columns; /* columns of scores: classes, and perhaps a background */
    int32_t most, most_per_class, classes_per_box;
    struct box *decoded;      /* [boxes] */
    float *scores;            /* [boxes][columns] */
    float *column;            /* [boxes]: the scores that are being suppressed */
    int32_t *order;           /* [boxes] */
    int32_t *chosen;          /* [boxes] */
    int32_t *ranking;         /* [classes] */
    struct candidate *best;   /* [most], or every box of every class */
    struct candidate *merged; /* the same */
    uint8_t *active;          /* [boxes] */
};

static enum tenon_status check_numbers(const struct tenon_op_call *call,
                                       struct tenon_error *error) {
    const struct tenon_attrs *a = call->attrs;
    const struct tenon_shape *boxes = &tenon_in(call, BOXES)->shape;
    const struct tenon_shape *scores = &tenon_in(call, SCORES)->shape;
    const struct tenon_shape *anchors = &tenon_in(call, ANCHORS)->shape;
    if (boxes->rank != 3 || boxes->dims[0] != 1 || boxes->dims[2] < 4 || scores->rank != 3 ||
        scores->dims[0] != 1 || scores->dims[1] != boxes->dims[1] || anchors->rank != 2 ||
        anchors->dims[0] < boxes->dims[1] || anchors->dims[1] != 4)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "the shapes of boxes, scores and anchors do not fit");
    if (a->num_classes < 1 ||
        (scores->dims[2] != a->num_classes && scores->dims[2] != (int64_t)a->num_classes + 1))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "%d classes and %d scores a box",
                          a->num_classes, scores->dims[2]);
    if (a->max_detections < 1 || a->max_classes_per_detection < 1 ||
        (a->regular_nms && a->detections_per_class < 1) ||
        (int64_t)a->max_detections * a->max_classes_per_detection > INT32_MAX / 4)
        return tenon_fail(error, TENON_ERROR_BAD_MODEL,
                          "%d detections of %d classes, %d for each class", a->max_detections,
                          a->max_classes_per_detection, a->detections_per_class);
    if (!(a->iou_threshold > 0 && a->iou_threshold <= 1))
        return tenon_fail(error, TENON_ERROR_BAD_MODEL, "an overlap threshold of %g",
                          (double)a->iou_threshold);
    return TENON_OK;
}

enum tenon_status tenon_infer_detection(const struct tenon_op_call *call,
                                        struct tenon_error *error) {
    static const char *const names[] = {"the boxes", "the scores", "the anchors"};
    enum tenon_status status = TENON_OK;
    for (uint32_t i = 0; status == TENON_OK && i < 3; i++) {
        const struct tenon_desc *in = tenon_in(call, i);
        status =
            tenon_require_type(in, TENON_TYPE_BIT(F32) | TENON_TYPES_QUANTIZED8, names[i], error);
        if (status == TENON_OK && in->type != TENON_TYPE_F32)
            status = tenon_require_per_tensor(in, names[i], error);
    }
    for (uint32_t i = 0; status == TENON_OK && i < OUTPUTS; i++)
        status = tenon_require_type(tenon_out(call, i), TENON_TYPE_BIT(F32), "the output", error);
    if (status == TENON_OK)
        status = check_numbers(call, error);
    if (status != TENON_OK)
        return status;
    int32_t count = call->attrs->max_detections * call->attrs->max_classes_per_detection;
    const struct tenon_shape shapes[OUTPUTS] = {
        [OUT_BOXES] = {.rank = 3, .dims = {1, count, 4}},
        [OUT_CLASSES] = {.rank = 2, .dims = {1, count}},
        [OUT_SCORES] = {.rank = 2, .dims = {1, count}},
        [OUT_COUNT] = {.rank = 1, .dims = {1}},
    };
    for (uint32_t i = 0; status == TENON_OK && i < OUTPUTS; i++)
        status = tenon_set_shape(call, i, &shapes[i], error);
    return status;
}

/* Cuts `count` elements off the scratch memory; only counts when there is none. */
static void *cut(uint8_t *scratch, size_t *used, size_t count, size_t element) {
    void *piece = scratch != NULL ? scratch + *used : NULL;
    *used += (count * element + TENON_SCRATCH_ALIGN - 1) & ~(size_t)(TENON_SCRATCH_ALIGN - 1);
    return piece;
}

static size_t detection_init(struct detection *d, const struct tenon_op_call *call,
                             uint8_t *scratch) {
    const struct tenon_attrs *a = call->attrs;
    int32_t per_class =
        a->detections_per_class < a->max_detections ? a->detections_per_class : a->max_detections;
    *d = (struct detection){
        .call = call,
        .boxes = tenon_in(call, BOXES)->shape.dims[1],
        .columns = tenon_in(call, SCORES)->shape.dims[2],
        .classes = a->num_classes,
        .most = a->max_detections,
        .most_per_class = a->regular_nms ? per_class : a->max_detections,
        .classes_per_box = a->max_classes_per_detection < a->num_classes
                               ? a->max_classes_per_detection
                               : a->num_classes,
    };
    size_t boxes = (size_t)d->boxes, used = 0;
    size_t most = (size_t)d->most, all = boxes * (size_t)d->columns;
    size_t candidates = most < all ? most : all;
    d->decoded = cut(scratch, &used, boxes, sizeof(*d->decoded));
    d->scores = cut(scratch, &used, boxes * (size_t)d->columns, sizeof(*d->scores));
    d->column = cut(scratch, &used, boxes, sizeof(*d->column));
    d->order = cut(scratch, &used, boxes, sizeof(*d->order));
    d->chosen = cut(scratch, &used, boxes, sizeof(*d->chosen));
    d->ranking = cut(scratch, &used, (size_t)d->classes, sizeof(*d->ranking));
    d->best = cut(scratch, &used, candidates, sizeof(*d->best));
    d->merged = cut(scratch, &used, candidates, sizeof(*d->merged));
    d->active = cut(scratch, &used, boxes, sizeof(*d->active));
    return used;
}

size_t tenon_scratch_detection(const struct tenon_op_call *call) {
    struct detection d;
    return detection_init(&d, call, NULL);
}

static float real_value(const struct tenon_op_call *call, uint32_t input, size_t i) {
    const struct tenon_desc *desc = tenon_in(call, input);
    const void *data = tenon_in_data(call, input);
    if (desc->type == TENON_TYPE_F32)
        return ((const float *)data)[i];
    int64_t steps = tenon_load_integer(desc->type, data, i) - tenon_desc_zero_point(desc);
    return (float)steps * tenon_desc_scale(desc);
}

/* Center and size, relative to the anchor (faster_rcnn_box_coder): in double, stored as float. */
static struct box decode(const struct tenon_op_call *call, size_t i) {
    const struct tenon_attrs *a = call->attrs;
    size_t width = (size_t)tenon_in(call, BOXES)->shape.dims[2];
    double y = (double)real_value(call, BOXES, i * width);
    double x = (double)real_value(call, BOXES, i * width + 1);
    double h = (double)real_value(call, BOXES, i * width + 2);
    double w = (double)real_value(call, BOXES, i * width + 3);
    double anchor_y = (double)real_value(call, ANCHORS, i * 4);
    double anchor_x = (double)real_value(call, ANCHORS, i * 4 + 1);
    double anchor_h = (double)real_value(call, ANCHORS, i * 4 + 2);
    double anchor_w = (double)real_value(call, ANCHORS, i * 4 + 3);
    float center_y = (float)(y / (double)a->y_scale * anchor_h + anchor_y);
    float center_x = (float)(x / (double)a->x_scale * anchor_w + anchor_x);
    float half_h = (float)(0.5 * exp(h / (double)a->h_scale) * anchor_h);
    float half_w = (float)(0.5 * exp(w / (double)a->w_scale) * anchor_w);
    return (struct box){.ymin = center_y - half_h,
                        .xmin = center_x - half_w,
                        .ymax = center_y + half_h,
                        .xmax = center_x + half_w};
}

static enum tenon_status read_inputs(struct detection *d, struct tenon_error *error) {
    for (int32_t i = 0; i < d->boxes; i++) {
        d->decoded[i] = decode(d->call, (size_t)i);
        if (d->decoded[i].ymin > d->decoded[i].ymax || d->decoded[i].xmin > d->decoded[i].xmax)
            return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "box %d has a negative size", i);
    }
    for (size_t i = 0; i < (size_t)d->boxes * (size_t)d->columns; i++)
        d->scores[i] = real_value(d->call, SCORES, i);
    return TENON_OK;
}

static float larger(float a, float b) {
    return a < b ? b : a;
}

static float smaller(float a, float b) {
    return b < a ? b : a;
}

/* Intersection over union. */
static float overlap(const struct box *a, const struct box *b) {
    float area_a = (a->ymax - a->ymin) * (a->xmax - a->xmin);
    float area_b = (b->ymax - b->ymin) * (b->xmax - b->xmin);
    if (area_a <= 0 || area_b <= 0)
        return 0;
    float height = smaller(a->ymax, b->ymax) - larger(a->ymin, b->ymin);
    float width = smaller(a->xmax, b->xmax) - larger(a->xmin, b->xmin);
    float common = larger(height, 0) * larger(width, 0);
    return common / (area_a + area_b - common);
}

static bool higher_score(const void *context, int32_t a, int32_t b) {
    const float *scores = context;
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
}

/* Chooses at most `limit` boxes by d->column, none overlapping a better one too much. */
static int32_t suppress(struct detection *d, int32_t limit) {
    const struct tenon_attrs *a = d->call->attrs;
    int32_t kept = 0, chosen = 0;
    for (int32_t i = 0; i < d->boxes; i++)
        if (d->column[i] >= a->score_threshold)
            d->order[kept++] = i;
    tenon_sort_indices(d->order, (size_t)kept, higher_score, d->column);
    memset(d->active, 1, (size_t)kept);
    for (int32_t i = 0; i < kept && chosen < limit; i++) {
        if (d->active[i] == 0)
            continue;
        d->chosen[chosen++] = d->order[i];
        for (int32_t j = i + 1; j < kept; j++)
            if (d->active[j] != 0 &&
                overlap(&d->decoded[d->order[i]], &d->decoded[d->order[j]]) > a->iou_threshold)
                d->active[j] = 0;
    }
    return chosen;
}

static void report(const struct detection *d, int64_t at, int32_t box, int32_t class_index,
                   float score) {
    const struct tenon_operand *out = d->call->outputs;
    memcpy((float *)out[OUT_BOXES].data + 4 * at, &d->decoded[box], sizeof(d->decoded[box]));
    ((float *)out[OUT_CLASSES].data)[at] = (float)class_index;
    ((float *)out[OUT_SCORES].data)[at] = score;
}

/* Merges the boxes chosen for a class into the best of all classes; equal scores stay in order. */
static int32_t merge_class(struct detection *d, int32_t best, int32_t chosen, int32_t class_index) {
    int32_t i = 0, j = 0, total = best + chosen < d->most ? best + chosen : d->most;
    for (int32_t k = 0; k < total; k++) {
        bool old = i < best && (j == chosen || !(d->column[d->chosen[j]] > d->best[i].score));
        if (old)
            d->merged[k] = d->best[i++];
        else {
            d->merged[k] = (struct candidate){d->chosen[j], class_index, d->column[d->chosen[j]]};
            j++;
        }
    }
    struct candidate *swap = d->best;
    d->best = d->merged;
    d->merged = swap;
    return total;
}

/* Suppression in each class by itself. */
static int32_t regular_nms(struct detection *d) {
    int32_t best = 0, background = d->columns - d->classes;
    for (int32_t c = 0; c < d->classes; c++) {
        for (int32_t i = 0; i < d->boxes; i++)
            d->column[i] = d->scores[(size_t)i * (size_t)d->columns + (size_t)(c + background)];
        best = merge_class(d, best, suppress(d, d->most_per_class), c);
    }
    for (int32_t i = 0; i < best; i++)
        report(d, i, d->best[i].box, d->best[i].class_index, d->best[i].score);
    return best;
}

static void rank_classes(struct detection *d, const float *scores) {
    for (int32_t c = 0; c < d->classes; c++)
        d->ranking[c] = c;
    if (d->classes_per_box > 1) {
        tenon_sort_indices(d->ranking, (size_t)d->classes, higher_score, scores);
        return;
    }
    for (int32_t c = 1; c < d->classes; c++)
        if (scores[c] > scores[d->ranking[0]])
            d->ranking[0] = c;
}

/* One suppression by each box's best class, which is then reported with its runners-up. */
static int32_t fast_nms(struct detection *d) {
    const float *scores = d->scores + (d->columns - d->classes);
    for (int32_t i = 0; i < d->boxes; i++) {
        rank_classes(d, scores + (size_t)i * (size_t)d->columns);
        d->column[i] = scores[(size_t)i * (size_t)d->columns + (size_t)d->ranking[0]];
    }
    int32_t chosen = suppress(d, d->most);
    for (int32_t i = 0; i < chosen; i++) {
        const float *row = scores + (size_t)d->chosen[i] * (size_t)d->columns;
        rank_classes(d, row);
        int64_t first = (int64_t)i * d->call->attrs->max_classes_per_detection;
        for (int32_t k = 0; k < d->classes_per_box; k++)
            report(d, first + k, d->chosen[i], d->ranking[k], row[d->ranking[k]]);
    }
    return chosen;
}

enum tenon_status tenon_reference_detection(const struct tenon_op_call *call,
                                            struct tenon_error *error) {
    struct detection d;
    detection_init(&d, call, call->scratch);
    enum tenon_status status = read_inputs(&d, error);
    if (status != TENON_OK)
        return status;
    for (uint32_t i = 0; i < OUTPUTS; i++)
        memset(call->outputs[i].data, 0, tenon_desc_size(tenon_out(call, i)));
    ((float *)call->outputs[OUT_COUNT].data)[0] =
        (float)(call->attrs->regular_nms ? regular_nms(&d) : fast_nms(&d));
    return TENON_OK;
}
