/*
 * Draws pictures, trains the network on them, quantizes it, writes the model, its labels and a few
 * sample pictures that it has never seen. Takes about five minutes; the result follows from the
 * seeds alone, on one kind of machine.
 *
 *     train OUTPUT-FOLDER
 */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "network.h"
#include "quantize.h"

enum {
    PIXELS = NETWORK_SIZE * NETWORK_SIZE,
    TRAIN_PICTURES = 32000,
    EPOCHS = 12,
    BATCH = 32,
    HELD_OUT_PICTURES = 4000,
    CALIBRATION_PICTURES = 1000,
};

/* Held-out drawings and samples come from seeds that training never uses. */
static const uint64_t train_seed = 1, weight_seed = 7, held_out_seed = 1000003, sample_seed = 2024;

static uint8_t *draw_many(uint64_t seed, int count) {
    uint8_t *pixels = malloc((size_t)count * PIXELS);
    struct draw_random random = {seed};
    for (int i = 0; pixels != NULL && i < count; i++)
        draw_picture(&random, i % DRAW_CLASSES, NETWORK_SIZE, pixels + (size_t)i * PIXELS);
    return pixels;
}

static void to_float(const uint8_t *pixels, float *out) {
    for (int i = 0; i < PIXELS; i++)
        out[i] = (float)pixels[i] / 255.0f;
}

static int best_class(const float *logits) {
    int best = 0;
    for (int i = 1; i < DRAW_CLASSES; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

static double accuracy(struct network *network, const uint8_t *pixels, int count) {
    float input[PIXELS];
    int right = 0;
    for (int i = 0; i < count; i++) {
        to_float(pixels + (size_t)i * PIXELS, input);
        right += best_class(network_forward(network, input)) == i % DRAW_CLASSES;
    }
    return 100.0 * right / count;
}

static void train(struct network *network, const uint8_t *pixels, const uint8_t *held_out) {
    struct draw_random random = {train_seed + 1};
    float input[PIXELS];
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        float rate = 0.003f * (1 - (float)epoch / EPOCHS);
        double loss = 0;
        for (int i = 0; i < TRAIN_PICTURES; i++) {
            int k = (int)draw_uniform(&random, 0, TRAIN_PICTURES);
            to_float(pixels + (size_t)k * PIXELS, input);
            network_forward(network, input);
            loss += network_backward(network, input, k % DRAW_CLASSES);
            if (i % BATCH == BATCH - 1)
                network_update(network, BATCH, rate);
        }
        printf("epoch %2d: loss %.4f, held-out accuracy in float %.2f %%\n", epoch + 1,
               loss / TRAIN_PICTURES, accuracy(network, held_out, HELD_OUT_PICTURES));
        fflush(stdout);
    }
}

static int write_file(const char *folder, const char *name, const void *data, size_t size) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    int ok = file != NULL && fwrite(data, 1, size, file) == size;
    ok &= file != NULL && fclose(file) == 0;
    if (!ok)
        perror(path);
    return ok;
}

static int write_model(const char *folder, struct network *network, const uint8_t *pixels) {
    struct ranges ranges = {0};
    float input[PIXELS];
    for (int i = 0; i < CALIBRATION_PICTURES; i++) {
        to_float(pixels + (size_t)i * PIXELS, input);
        network_forward(network, input);
        ranges_observe(&ranges, network);
    }
    size_t size = 0;
    void *bytes = quantize_to_tflite(network, &ranges, &size);
    int ok = bytes != NULL && write_file(folder, "shapes.tflite", bytes, size);
    free(bytes);
    return ok;
}

static int write_labels(const char *folder) {
    char text[DRAW_CLASSES * 16] = "";
    for (int i = 0; i < DRAW_CLASSES; i++) {
        strcat(text, draw_class_names[i]);
        strcat(text, "\n");
    }
    return write_file(folder, "labels.txt", text, strlen(text));
}

static int write_samples(const char *folder) {
    static const int labels[] = {3, 5, 8, 12, 13, 15};
    struct draw_random random = {sample_seed};
    uint8_t pixels[PIXELS];
    int ok = 1;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        draw_picture(&random, labels[i], NETWORK_SIZE, pixels);
        char path[4096];
        snprintf(path, sizeof(path), "%s/pictures/%s.png", folder, draw_class_names[labels[i]]);
        png_image image = {.version = PNG_IMAGE_VERSION,
                           .width = NETWORK_SIZE,
                           .height = NETWORK_SIZE,
                           .format = PNG_FORMAT_GRAY};
        ok &= png_image_write_to_file(&image, path, 0, pixels, 0, NULL);
    }
    return ok;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: train OUTPUT-FOLDER (with a folder `pictures` in it)\n");
        return 3;
    }
    struct network network;
    uint8_t *pixels = draw_many(train_seed, TRAIN_PICTURES);
    uint8_t *held_out = draw_many(held_out_seed, HELD_OUT_PICTURES);
    int ok = network_init(&network, weight_seed) && pixels != NULL && held_out != NULL;
    if (ok) {
        train(&network, pixels, held_out);
        ok = write_model(argv[1], &network, pixels) && write_labels(argv[1]) &&
             write_samples(argv[1]);
    }
    network_finish(&network);
    free(pixels);
    free(held_out);
    return ok ? 0 : 1;
}
