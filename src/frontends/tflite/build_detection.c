/*
 * The custom operator TFLite_Detection_PostProcess: its options are a FlexBuffer map, read here,
 * bounded. Format (flatbuffers.dev, FlexBuffers): the last byte is the width of the root, the one
 * before its type; a map is a vector of values with, before it, the offset and width of its sorted
 * vector of keys; each value has a type byte behind the vector.
 */
#include <string.h>

#include "frontends/tflite/import.h"

enum { FLEX_INT = 1, FLEX_FLOAT = 3, FLEX_MAP = 9 };
enum { OPERATOR_CUSTOM_OPTIONS = 5, MAP_ENTRIES_MAX = 64 };

struct flex_map {
    struct tenon_span bytes;
    size_t values, keys;
    size_t value_width, key_width, count;
};

static bool read_width(struct tenon_span bytes, size_t at, size_t width, uint64_t *out) {
    *out = 0;
    if (!tenon_span_has(bytes, at, width))
        return false;
    for (size_t i = 0; i < width; i++)
        *out |= (uint64_t)bytes.data[at + i] << (8 * i);
    return true;
}

/* Follows a backward offset that stands at `at`. */
static bool follow_back(struct tenon_span bytes, size_t at, size_t width, size_t *target) {
    uint64_t offset;
    if (!read_width(bytes, at, width, &offset) || offset > at)
        return false;
    *target = at - (size_t)offset;
    return true;
}

static bool map_init(struct flex_map *map, struct tenon_span bytes) {
    uint64_t count, key_width;
    if (bytes.size < 3)
        return false;
    size_t root_width = bytes.data[bytes.size - 1];
    uint8_t type = bytes.data[bytes.size - 2];
    if (root_width < 1 || root_width > 8 || bytes.size < 2 + root_width || type >> 2 != FLEX_MAP)
        return false;
    *map = (struct flex_map){.bytes = bytes, .value_width = (size_t)1 << (type & 3)};
    size_t w = map->value_width;
    if (!follow_back(bytes, bytes.size - 2 - root_width, root_width, &map->values) ||
        map->values < 3 * w || !read_width(bytes, map->values - w, w, &count) ||
        !read_width(bytes, map->values - 2 * w, w, &key_width) ||
        !follow_back(bytes, map->values - 3 * w, w, &map->keys) || count > MAP_ENTRIES_MAX)
        return false;
    map->count = (size_t)count;
    map->key_width = (size_t)key_width;
    return (key_width == 1 || key_width == 2 || key_width == 4 || key_width == 8) &&
           tenon_span_has(bytes, map->values, map->count * (w + 1)) &&
           tenon_span_has(bytes, map->keys, map->count * map->key_width);
}

static bool key_is(const struct flex_map *map, size_t i, const char *name) {
    size_t at, length = strlen(name) + 1;
    return follow_back(map->bytes, map->keys + i * map->key_width, map->key_width, &at) &&
           tenon_span_has(map->bytes, at, length) &&
           memcmp(map->bytes.data + at, name, length) == 0;
}

static double value_at(const struct flex_map *map, size_t i) {
    uint64_t bits;
    size_t w = map->value_width;
    uint8_t type = map->bytes.data[map->values + map->count * w + i];
    if (!read_width(map->bytes, map->values + i * w, w, &bits))
        return 0;
    if (type >> 2 == FLEX_FLOAT && w == 4)
        return (double)tenon_load_f32(map->bytes.data + map->values + i * w);
    if (type >> 2 == FLEX_FLOAT && w == 8) {
        double value;
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    if (type >> 2 == FLEX_INT && w < 8)
        return (double)((int64_t)(bits << (64 - 8 * w)) >> (64 - 8 * w));
    return type >> 2 == FLEX_INT ? (double)(int64_t)bits : (double)bits;
}

static double find(const struct flex_map *map, const char *name, double missing) {
    for (size_t i = 0; i < map->count; i++)
        if (key_is(map, i, name))
            return value_at(map, i);
    return missing;
}

static int32_t find_i32(const struct flex_map *map, const char *name, int32_t missing) {
    double value = find(map, name, missing);
    return value >= -2147483648.0 && value <= 2147483647.0 ? (int32_t)value : -1;
}

bool tfl_build_detection(struct tfl_operator *op) {
    struct fb_vector vector;
    struct flex_map map;
    if (fb_vector(&op->table, OPERATOR_CUSTOM_OPTIONS, 1, &vector) != FB_OK ||
        !map_init(&map, (struct tenon_span){op->table.file.data + vector.at, vector.count}))
        return tfl_op_complain(op, TENON_DIAGNOSTIC_TFL_OPTIONS, "custom options are no map");
    struct tenon_attrs *attrs = &op->attrs;
    attrs->max_detections = find_i32(&map, "max_detections", 0);
    attrs->max_classes_per_detection = find_i32(&map, "max_classes_per_detection", 0);
    attrs->detections_per_class = find_i32(&map, "detections_per_class", 100);
    attrs->num_classes = find_i32(&map, "num_classes", 0);
    attrs->regular_nms = find(&map, "use_regular_nms", 0) != 0;
    attrs->score_threshold = (float)find(&map, "nms_score_threshold", 0);
    attrs->iou_threshold = (float)find(&map, "nms_iou_threshold", 0);
    attrs->y_scale = (float)find(&map, "y_scale", 0);
    attrs->x_scale = (float)find(&map, "x_scale", 0);
    attrs->h_scale = (float)find(&map, "h_scale", 0);
    attrs->w_scale = (float)find(&map, "w_scale", 0);
    return tfl_emit(op, 3);
}
