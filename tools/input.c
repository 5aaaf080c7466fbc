/* Filling inputs from files; see input.h. The file's content decides what it is. */
#include "input.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "element.h"
#include "file.h"
#include "npy.h"
#include "report.h"
#include "wav.h"

/* What is filled, from what. */
struct filling {
    const struct input_options *options;
    const char *path;
    const uint8_t *data; /* of the file */
    size_t size;
    const struct tenon_tensor_info *info;
    void *out;
    struct picture *shown;
};

static int refuse(const struct filling *filling, const char *why) {
    return tool_complain(EXIT_BAD_INPUT, "%s: %s", filling->path, why);
}

/* A picture fills [1,H,W,C] or [H,W,C] with 1 or 3 channels. */
static bool picture_shape(const struct tenon_tensor_info *info, uint32_t *width, uint32_t *height,
                          uint32_t *channels) {
    if (info->rank < 3 || info->rank > 4 || (info->rank == 4 && info->dims[0] != 1))
        return false;
    const int32_t *dims = info->dims + info->rank - 3;
    *height = (uint32_t)dims[0];
    *width = (uint32_t)dims[1];
    *channels = (uint32_t)dims[2];
    return *channels == 1 || *channels == 3;
}

static double nth(const struct option_reals *list, size_t channel, double otherwise) {
    return list->count == 0 ? otherwise : list->items[list->count == 1 ? 0 : channel];
}

/*
 * 8-bit tensors take the pixels as they are (i8: less 128), which is what a quantized network's
 * input scale and zero point stand for whatever range it was trained on. --mean and --scale, and
 * other types, go by way of real numbers and the tensor's own quantization.
 */
static void store_samples(const struct filling *filling, const struct picture *picture) {
    const struct input_options *options = filling->options;
    const struct tenon_tensor_info *info = filling->info;
    size_t count = (size_t)picture->width * picture->height * picture->channels;
    bool direct = options->mean.count == 0 && options->scale.count == 0 &&
                  (info->type == TENON_TYPE_U8 || info->type == TENON_TYPE_I8);
    bool neither = options->mean.count == 0 && options->scale.count == 0;
    for (size_t i = 0; i < count; i++) {
        size_t channel = i % picture->channels;
        double mean = nth(&options->mean, channel, neither ? 127.5 : 0);
        double scale = nth(&options->scale, channel, neither ? 127.5 : 1);
        if (direct)
            element_store(info->type, filling->out, i,
                          picture->samples[i] - (info->type == TENON_TYPE_I8 ? 128 : 0));
        else
            element_store_real(info, filling->out, i, (picture->samples[i] - mean) / scale);
    }
}

static int check_reals(const struct filling *filling, const struct option_reals *list,
                       const char *name, uint32_t channels, bool divisor) {
    if (list->count > 1 && list->count != channels)
        return tool_complain(EXIT_USAGE, "--%s has %zu values, input '%s' has %" PRIu32 " channels",
                             name, list->count, filling->info->name, channels);
    for (size_t i = 0; i < list->count && divisor; i++)
        if (list->items[i] == 0)
            return tool_complain(EXIT_USAGE, "--%s must not be 0", name);
    return EXIT_OK;
}

static bool fit_picture(const struct filling *filling, struct picture *picture, uint32_t width,
                        uint32_t height, uint32_t channels, char *message) {
    if (!picture_convert(picture, channels, message))
        return false;
    if (filling->options->crop)
        picture_crop(picture, width, height);
    if (picture->width == width && picture->height == height)
        return true;
    struct picture resized;
    enum picture_filter filter = filling->options->resize == 1 ? PICTURE_NEAREST : PICTURE_BILINEAR;
    if (!picture_resize(picture, width, height, filter, &resized, message))
        return false;
    picture_finish(picture);
    *picture = resized;
    return true;
}

static bool keep_shown(const struct filling *filling, const struct picture *picture,
                       char *message) {
    if (filling->shown == NULL || filling->shown->samples != NULL)
        return true;
    return picture_resize(picture, picture->width, picture->height, PICTURE_NEAREST, filling->shown,
                          message);
}

static int fill_picture(const struct filling *filling) {
    uint32_t width, height, channels;
    char message[PICTURE_MESSAGE_BYTES], shape[SHAPE_BYTES];
    struct picture picture;
    if (!picture_shape(filling->info, &width, &height, &channels))
        return tool_complain(EXIT_BAD_INPUT,
                             "%s: a picture fills [1,H,W,1] or [1,H,W,3], not input '%s' %s; give "
                             "it as .npy or .raw",
                             filling->path, filling->info->name,
                             tool_shape_text(filling->info, shape));
    int result = check_reals(filling, &filling->options->mean, "mean", channels, false);
    if (result == EXIT_OK)
        result = check_reals(filling, &filling->options->scale, "scale", channels, true);
    if (result != EXIT_OK)
        return result;
    if (!picture_decode(filling->data, filling->size, &picture, message))
        return refuse(filling, message);
    bool ok = keep_shown(filling, &picture, message) &&
              fit_picture(filling, &picture, width, height, channels, message);
    if (ok)
        store_samples(filling, &picture);
    picture_finish(&picture);
    return ok ? EXIT_OK : refuse(filling, message);
}

static int fill_sound(const struct filling *filling) {
    size_t count = element_count(filling->info);
    struct sound sound;
    char message[SOUND_MESSAGE_BYTES];
    if (!sound_decode(filling->path, count, &sound, message))
        return refuse(filling, message);
    for (size_t i = 0; i < count; i++) {
        double sample = i < sound.count ? (double)sound.samples[i] : 0;
        if (filling->info->type == TENON_TYPE_I16 && filling->info->scale_count == 0)
            element_store(TENON_TYPE_I16, filling->out, i, sample * 32768);
        else
            element_store_real(filling->info, filling->out, i, sample);
    }
    if (sound.count < count)
        tool_warn("%s: %zu samples, input '%s' takes %zu: the rest is silence", filling->path,
                  sound.count, filling->info->name, count);
    sound_finish(&sound);
    return EXIT_OK;
}

static int fill_array(const struct filling *filling) {
    struct npy array;
    char message[NPY_MESSAGE_BYTES], shape[SHAPE_BYTES];
    size_t count = element_count(filling->info);
    if (!npy_parse(filling->data, filling->size, &array, message))
        return refuse(filling, message);
    if (array.count != count)
        return tool_complain(EXIT_BAD_INPUT, "%s: %zu elements, input '%s' %s takes %zu",
                             filling->path, array.count, filling->info->name,
                             tool_shape_text(filling->info, shape), count);
    if (array.type == filling->info->type) {
        memcpy(filling->out, array.data, array.size_bytes);
        return EXIT_OK;
    }
    if (!element_is_float(array.type))
        return tool_complain(EXIT_BAD_INPUT,
                             "%s: elements are %s, input '%s' takes %s; convert it with astype()",
                             filling->path, tenon_type_name(array.type), filling->info->name,
                             tenon_type_name(filling->info->type));
    for (size_t i = 0; i < count; i++)
        element_store_real(filling->info, filling->out, i,
                           element_stored(array.type, array.data, i));
    return EXIT_OK;
}

static int fill_raw(const struct filling *filling) {
    char shape[SHAPE_BYTES];
    if (filling->size != filling->info->size_bytes)
        return tool_complain(EXIT_BAD_INPUT,
                             "%s: %zu bytes, input '%s' %s takes exactly %zu (a file that is no "
                             "PNG, JPEG, BMP, PPM, WAV or .npy is the tensor's own bytes)",
                             filling->path, filling->size, filling->info->name,
                             tool_shape_text(filling->info, shape), filling->info->size_bytes);
    memcpy(filling->out, filling->data, filling->size);
    return EXIT_OK;
}

/* A name that ends in .raw wins over the content: any bytes may begin like a picture. */
static int fill(const struct filling *filling) {
    size_t length = strlen(filling->path);
    if (length > 4 && strcmp(filling->path + length - 4, ".raw") == 0)
        return fill_raw(filling);
    if (picture_is(filling->data, filling->size))
        return fill_picture(filling);
    if (sound_is(filling->data, filling->size))
        return fill_sound(filling);
    if (filling->size >= 6 && memcmp(filling->data, "\x93NUMPY", 6) == 0)
        return fill_array(filling);
    return fill_raw(filling);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Floats are uniform in [-1, 1), booleans 0 or 1, integers uniform over all their values. */
static void fill_random(const struct tenon_tensor_info *info, void *out, uint64_t *state) {
    size_t count = element_count(info);
    uint8_t *bytes = out;
    if (element_is_float(info->type) || info->type == TENON_TYPE_BOOL) {
        for (size_t i = 0; i < count; i++) {
            uint64_t bits = random_next(state) >> 11;
            element_store(info->type, out, i,
                          info->type == TENON_TYPE_BOOL ? (double)(bits & 1)
                                                        : (double)bits * 0x1p-52 - 1);
        }
        return;
    }
    for (size_t i = 0; i < info->size_bytes; i++)
        bytes[i] = (uint8_t)(random_next(state) >> 56);
}

static void warn_random(uint32_t index, const struct tenon_tensor_info *info, uint64_t seed) {
    char shape[SHAPE_BYTES];
    tool_warn("input %" PRIu32 " '%s' %s is random (seed %" PRIu64
              "); name a file with -i for a real answer",
              index, info->name, tool_shape_text(info, shape), seed);
}

static uint32_t count_inputs(const struct input_source *source) {
    struct tenon_model_info info;
    if (source->model == NULL)
        return tenon_program_input_count(source->program);
    tenon_model_get_info(source->model, &info);
    return info.input_count;
}

static bool describe(const struct input_source *source, uint32_t index,
                     struct tenon_tensor_info *info) {
    return (source->model != NULL ? tenon_model_input(source->model, index, info)
                                  : tenon_program_input(source->program, index, info)) == TENON_OK;
}

static bool named(const struct input_source *source, const char *text, size_t length,
                  uint32_t *index) {
    struct tenon_tensor_info info;
    char word[24];
    for (*index = 0; *index < count_inputs(source); ++*index)
        if (describe(source, *index, &info) && strlen(info.name) == length &&
            memcmp(info.name, text, length) == 0)
            return true;
    uint64_t number;
    snprintf(word, sizeof(word), "%.*s", (int)(length < 20 ? length : 20), text);
    if (!tool_number_parse(word, 0, UINT32_MAX, &number))
        return false;
    *index = (uint32_t)number;
    return *index < count_inputs(source);
}

/* Takes NAME= off `*text`. Names may hold '=' themselves: the longest that fits counts. */
static bool find_input(const struct input_source *source, const char **text, uint32_t *index) {
    for (const char *at = *text + strlen(*text); at > *text; at--)
        if (*at == '=' && named(source, *text, (size_t)(at - *text), index)) {
            *text = at + 1;
            return true;
        }
    return false;
}

static int complain_input(const struct input_source *source, const char *text) {
    struct tenon_tensor_info info;
    char name[NAME_BYTES];
    tool_complain(EXIT_USAGE, "-i %s: the model has no such input; it has", text);
    for (uint32_t i = 0; i < count_inputs(source); i++)
        if (describe(source, i, &info))
            fprintf(stderr, "  %" PRIu32 " '%s'\n", i, tool_name_text(info.name, name));
    return EXIT_USAGE;
}

/* Which input each file goes to: files[input] is its path, or NULL. */
static int assign(const struct input_source *source, const struct option_texts *texts,
                  const char **files, uint32_t count) {
    uint32_t next = 0, index;
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = texts->items[i];
        if (!find_input(source, &text, &index)) {
            if (strchr(text, '=') != NULL && access(text, F_OK) != 0)
                return complain_input(source, text);
            while (next < count && files[next] != NULL)
                next++;
            index = next;
        }
        if (index >= count)
            return tool_complain(EXIT_USAGE, "-i %s: the model has only %" PRIu32 " input%s", text,
                                 count, count == 1 ? "" : "s");
        if (files[index] != NULL)
            return tool_complain(EXIT_USAGE, "-i %s: input %" PRIu32 " has a file already", text,
                                 index);
        files[index] = text;
    }
    return EXIT_OK;
}

static int fill_from_file(struct filling *filling) {
    uint8_t *data;
    if (!file_read(filling->path, &data, &filling->size))
        return EXIT_ENVIRONMENT;
    filling->data = data;
    int result = fill(filling);
    free(data);
    return result;
}

static int read_all(const struct input_source *source, const struct input_options *options,
                    struct picture *shown, const char **files, struct inputs *out) {
    uint64_t state = options->seed;
    struct tenon_tensor_info info;
    int result = EXIT_OK;
    for (uint32_t i = 0; i < out->count && result == EXIT_OK; i++) {
        if (!describe(source, i, &info))
            return tool_complain(EXIT_ENVIRONMENT, "input %" PRIu32 " cannot be reached", i);
        out->data[i] = calloc(info.size_bytes > 0 ? info.size_bytes : 1, 1);
        if (out->data[i] == NULL)
            return tool_complain_memory();
        struct filling filling = {.options = options,
                                  .path = files[i],
                                  .info = &info,
                                  .out = out->data[i],
                                  .shown = shown};
        if (files[i] != NULL) {
            result = fill_from_file(&filling);
            continue;
        }
        if (!options->quiet)
            warn_random(i, &info, options->seed);
        fill_random(&info, filling.out, &state);
    }
    return result;
}

int inputs_read(const struct input_source *source, const struct input_options *options,
                struct picture *shown, struct inputs *out) {
    uint32_t count = count_inputs(source);
    const char **files = calloc(count > 0 ? count : 1, sizeof(*files));
    *out =
        (struct inputs){.data = calloc(count > 0 ? count : 1, sizeof(*out->data)), .count = count};
    int result = files != NULL && out->data != NULL ? EXIT_OK : tool_complain_memory();
    if (result == EXIT_OK)
        result = assign(source, &options->files, files, count);
    if (result == EXIT_OK)
        result = read_all(source, options, shown, files, out);
    free(files);
    return result;
}

int inputs_bind(const struct inputs *inputs, struct machine *machine) {
    struct tenon_tensor_info info;
    for (uint32_t i = 0; i < inputs->count; i++) {
        void *to = tenon_session_input_data(machine->session, i);
        if (to == NULL || tenon_program_input(machine->program, i, &info) != TENON_OK)
            return tool_complain(EXIT_ENVIRONMENT, "input %" PRIu32 " cannot be reached", i);
        memcpy(to, inputs->data[i], info.size_bytes);
    }
    return EXIT_OK;
}

void inputs_finish(struct inputs *inputs) {
    for (uint32_t i = 0; inputs->data != NULL && i < inputs->count; i++)
        free(inputs->data[i]);
    free(inputs->data);
    *inputs = (struct inputs){0};
}

int inputs_fill(struct machine *machine, const struct input_options *options) {
    const struct input_source source = {.program = machine->program};
    struct inputs inputs;
    int result = inputs_read(&source, options, NULL, &inputs);
    if (result == EXIT_OK)
        result = inputs_bind(&inputs, machine);
    inputs_finish(&inputs);
    return result;
}
