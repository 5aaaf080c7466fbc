/*
 * Sounds by libsndfile, found with dlopen: it brings a dozen codec libraries, whose loading would
 * cost every start of the command a megabyte and milliseconds.
 */
#include "wav.h"

#include <dlfcn.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libsndfile.so.1"

struct sndfile_calls {
    void *library;
    SNDFILE *(*open)(const char *, int, SF_INFO *);
    sf_count_t (*readf_float)(SNDFILE *, float *, sf_count_t);
    const char *(*strerror)(SNDFILE *);
    int (*close)(SNDFILE *);
};

enum { CHANNELS_MAX = 64, BLOCK_FRAMES = 1024 };

/* ISO C has no conversion from a data to a function pointer; POSIX has, by its bytes. */
static bool find(void *library, const char *name, void *pointer) {
    void *symbol = dlsym(library, name);
    memcpy(pointer, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static bool load(struct sndfile_calls *calls, char *message) {
    calls->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (calls->library == NULL) {
        snprintf(message, SOUND_MESSAGE_BYTES,
                 "reading sounds needs " LIBRARY ", which is not installed (Debian: libsndfile1)");
        return false;
    }
    if (find(calls->library, "sf_open", &calls->open) &&
        find(calls->library, "sf_readf_float", &calls->readf_float) &&
        find(calls->library, "sf_strerror", &calls->strerror) &&
        find(calls->library, "sf_close", &calls->close))
        return true;
    snprintf(message, SOUND_MESSAGE_BYTES, LIBRARY " lacks a function that is needed");
    dlclose(calls->library);
    return false;
}

static void mix(const float *frames, size_t count, size_t channels, float *out) {
    for (size_t i = 0; i < count; i++) {
        float sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += frames[i * channels + c];
        out[i] = sum / (float)channels;
    }
}

static bool read_all(const struct sndfile_calls *calls, SNDFILE *file, size_t channels, size_t max,
                     struct sound *out) {
    float *block = malloc(BLOCK_FRAMES * channels * sizeof(*block));
    out->samples = calloc(max > 0 ? max : 1, sizeof(*out->samples));
    if (block == NULL || out->samples == NULL) {
        free(block);
        sound_finish(out);
        return false;
    }
    while (out->count < max) {
        size_t want = max - out->count < BLOCK_FRAMES ? max - out->count : BLOCK_FRAMES;
        sf_count_t got = calls->readf_float(file, block, (sf_count_t)want);
        if (got <= 0)
            break;
        mix(block, (size_t)got, channels, out->samples + out->count);
        out->count += (size_t)got;
    }
    free(block);
    return true;
}

bool sound_is(const uint8_t *data, size_t size) {
    return size >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WAVE", 4) == 0;
}

static bool decode(const struct sndfile_calls *calls, const char *path, size_t max,
                   struct sound *out, char *message) {
    SF_INFO info = {0};
    SNDFILE *file = calls->open(path, SFM_READ, &info);
    if (file == NULL) {
        snprintf(message, SOUND_MESSAGE_BYTES, "WAV: %s", calls->strerror(NULL));
        return false;
    }
    bool ok = info.channels >= 1 && info.channels <= CHANNELS_MAX;
    if (!ok)
        snprintf(message, SOUND_MESSAGE_BYTES, "WAV: %d channels", info.channels);
    else if (!(ok = read_all(calls, file, (size_t)info.channels, max, out)))
        snprintf(message, SOUND_MESSAGE_BYTES, "out of memory");
    out->rate = (uint32_t)info.samplerate;
    calls->close(file);
    return ok;
}

bool sound_decode(const char *path, size_t max, struct sound *out,
                  char message[SOUND_MESSAGE_BYTES]) {
    struct sndfile_calls calls = {0};
    *out = (struct sound){0};
    if (!load(&calls, message))
        return false;
    bool ok = decode(&calls, path, max, out, message);
    dlclose(calls.library);
    return ok;
}

void sound_finish(struct sound *sound) {
    free(sound->samples);
    *sound = (struct sound){0};
}
