/*
 * Measures the quantized example network on drawings that it has never seen, through Tenon's
 * five-call form: prints the accuracy and what was taken for what.
 *
 *     evaluate MODEL [PICTURES [LEAST-PERCENT]]
 *
 * Exit status 0, or 1 when the accuracy is below LEAST-PERCENT, or 2 when the model does not run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <tenon/tenon.h>

#include "draw.h"
#include "network.h"

enum { PIXELS = NETWORK_SIZE * NETWORK_SIZE };

static const uint64_t held_out_seed = 1000003;

/* The class of one drawing, or -1. The network takes a pixel p as the int8 p - 128. */
static int classify(struct tenon_network *network, const uint8_t *pixels,
                    struct tenon_error *error) {
    int8_t input[PIXELS], scores[DRAW_CLASSES];
    for (int i = 0; i < PIXELS; i++)
        input[i] = (int8_t)(pixels[i] - 128);
    if (tenon_set_input(network, 0, input, sizeof(input), error) != TENON_OK ||
        tenon_invoke(network, error) != TENON_OK ||
        tenon_get_output(network, 0, scores, sizeof(scores), error) != TENON_OK)
        return -1;
    int best = 0;
    for (int i = 1; i < DRAW_CLASSES; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

static void print_confusions(int counts[DRAW_CLASSES][DRAW_CLASSES]) {
    for (int drawn = 0; drawn < DRAW_CLASSES; drawn++)
        for (int taken = 0; taken < DRAW_CLASSES; taken++)
            if (drawn != taken && counts[drawn][taken] != 0)
                printf("  %s taken for %s: %d\n", draw_class_names[drawn], draw_class_names[taken],
                       counts[drawn][taken]);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: evaluate MODEL [PICTURES [LEAST-PERCENT]]\n");
        return 3;
    }
    int pictures = argc > 2 ? atoi(argv[2]) : 4000, right = 0;
    double least = argc > 3 ? atof(argv[3]) : 0;
    static int counts[DRAW_CLASSES][DRAW_CLASSES];
    struct tenon_error error = {0};
    struct tenon_network *network;
    if (tenon_open(argv[1], NULL, &network, &error) != TENON_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    struct draw_random random = {held_out_seed};
    for (int i = 0; i < pictures; i++) {
        uint8_t pixels[PIXELS];
        int drawn = i % DRAW_CLASSES;
        draw_picture(&random, drawn, NETWORK_SIZE, pixels);
        int taken = classify(network, pixels, &error);
        if (taken < 0) {
            fprintf(stderr, "%s\n", error.message);
            tenon_close(network);
            return 2;
        }
        counts[drawn][taken]++;
        right += drawn == taken;
    }
    tenon_close(network);
    double percent = pictures > 0 ? 100.0 * right / pictures : 0;
    printf("%d of %d held-out drawings right: %.2f %%\n", right, pictures, percent);
    print_confusions(counts);
    return percent >= least ? 0 : 1;
}
