/* WAV and what else libsndfile reads. The library is opened only when a sound is given. */
#ifndef TOOLS_WAV_H
#define TOOLS_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sound {
    size_t count;
    float *samples; /* one channel, -1 to 1; several channels are averaged */
    uint32_t rate;
};

enum { SOUND_MESSAGE_BYTES = 256 };

bool sound_is(const uint8_t *data, size_t size);
/* Reads at most `max` samples. Releases nothing on failure that sound_finish would need. */
bool sound_decode(const char *path, size_t max, struct sound *out,
                  char message[SOUND_MESSAGE_BYTES]);
void sound_finish(struct sound *sound);

#endif
