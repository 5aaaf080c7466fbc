/*
 * Whole third-party models against the outputs of TFLite's reference kernels, through the public
 * API: every golden input of shared/models, every single-operator model of shared/corpora/teflon,
 * on the devices `reference` and `cpu`, with one thread and with two.
 *
 *     run_goldens models|teflon
 *
 * TENON_QUICK in the environment (emulated and sanitized runs) leaves out files above 600 kB, and
 * all but the first input of the others, and tells how many that is.
 *
 * Integer outputs must agree byte for byte; float outputs within 1e-5 of the largest magnitude of
 * the golden. Exit status 77 (skipped, by name and count) where the data is absent.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tenon/tenon.h>

enum {
    SKIPPED = 77,
    MAX_NAMES = 64,
    MODELS_EXPECTED = 8,
    TEFLON_EXPECTED = 32,
    QUICK_FILE_BYTES = 600000,
};

static const double float_tolerance = 1e-5;

struct counts {
    int run, passed, left_out;
};

struct bytes {
    void *data;
    size_t size;
};

static struct bytes read_file(const char *path) {
    struct bytes bytes = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return bytes;
    fseek(file, 0, SEEK_END);
    bytes.size = (size_t)ftell(file);
    rewind(file);
    bytes.data = malloc(bytes.size + 1);
    if (bytes.data == NULL || fread(bytes.data, 1, bytes.size, file) != bytes.size) {
        free(bytes.data);
        bytes.data = NULL;
    }
    fclose(file);
    return bytes;
}

static bool floats_agree(const float *got, const float *want, size_t count, const char *what) {
    double largest = 0, worst = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)want[i]));
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
        if (isnan(got[i]) != isnan(want[i]))
            worst = INFINITY;
    }
    if (worst <= float_tolerance * largest)
        return true;
    printf("FAIL %s: off by %g, largest %g\n", what, worst, largest);
    return false;
}

static bool bytes_agree(const uint8_t *got, const uint8_t *want, size_t size, const char *what) {
    size_t different = 0, first = 0;
    for (size_t i = 0; i < size; i++)
        if (got[i] != want[i] && different++ == 0)
            first = i;
    if (different != 0)
        printf("FAIL %s: %zu of %zu bytes differ, first at %zu: %u, golden %u\n", what, different,
               size, first, got[first], want[first]);
    return different == 0;
}

/* One golden input through an open network; `paths` are of the input and the output. */
static bool run_case(struct tenon_network *network, const char *in_path, const char *out_path,
                     const char *what) {
    struct tenon_error error = {0};
    struct tenon_tensor_info info;
    struct bytes in = read_file(in_path), want = read_file(out_path);
    uint8_t *got = malloc(want.size + 1);
    bool ok = in.data != NULL && want.data != NULL && got != NULL;
    if (!ok)
        snprintf(error.message, sizeof(error.message), "cannot read %s or %s", in_path, out_path);
    ok = ok && tenon_program_output(tenon_network_program(network), 0, &info) == TENON_OK &&
         tenon_set_input(network, 0, in.data, in.size, &error) == TENON_OK &&
         tenon_invoke(network, &error) == TENON_OK &&
         tenon_get_output(network, 0, got, want.size, &error) == TENON_OK;
    if (!ok)
        printf("FAIL %s: %s\n", what, error.message);
    else if (info.type == TENON_TYPE_F32)
        ok = floats_agree((const float *)(void *)got, want.data, want.size / sizeof(float), what);
    else
        ok = bytes_agree(got, want.data, want.size, what);
    free(in.data);
    free(want.data);
    free(got);
    return ok;
}

static struct tenon_network *open_network(const char *path, const char *device, uint32_t threads,
                                          const char *what) {
    struct tenon_error error = {0};
    struct tenon_network_options options = {
        .size = sizeof(options), .devices = device, .threads = threads};
    struct tenon_network *network = NULL;
    if (tenon_open(path, &options, &network, &error) != TENON_OK)
        printf("FAIL %s: %s\n", what, error.message);
    return network;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in `folder` that end with `ending`, without it, sorted. Returns how many. */
static int list_names(const char *folder, const char *ending, char **names) {
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL && count < MAX_NAMES;) {
        size_t length = strlen(e->d_name), tail = strlen(ending);
        if (length <= tail || strcmp(e->d_name + length - tail, ending) != 0)
            continue;
        names[count++] = strndup(e->d_name, length - tail);
    }
    if (dir != NULL)
        closedir(dir);
    qsort(names, (size_t)count, sizeof(*names), compare_names);
    return count;
}

static const struct {
    const char *device;
    uint32_t threads;
} configurations[] = {{"reference", 1}, {"cpu", 1}, {"cpu", 2}};

enum { CONFIGURATIONS = sizeof(configurations) / sizeof(configurations[0]) };

static bool left_out(const char *path, int input) {
    struct stat info;
    return getenv("TENON_QUICK") != NULL &&
           (input > 0 || (stat(path, &info) == 0 && info.st_size > QUICK_FILE_BYTES));
}

/* Every golden input of one model of shared/models. */
static void run_model(const char *shared, const char *name, struct counts *total) {
    char model[1024], folder[1024], in_path[2048], out_path[2048], what[512];
    snprintf(model, sizeof(model), "%s/models/%s.tflite", shared, name);
    snprintf(folder, sizeof(folder), "%s/models/golden/%s", shared, name);
    char *inputs[MAX_NAMES];
    int input_count = list_names(folder, ".raw", inputs);
    for (int c = 0; c < CONFIGURATIONS; c++) {
        struct counts here = {0};
        snprintf(what, sizeof(what), "%s on %s, %u threads", name, configurations[c].device,
                 configurations[c].threads);
        struct tenon_network *network =
            open_network(model, configurations[c].device, configurations[c].threads, what);
        for (int i = 0; i < input_count; i++) {
            if (strncmp(inputs[i], "in", 2) != 0)
                continue;
            if (left_out(model, i)) {
                total->left_out++;
                continue;
            }
            snprintf(in_path, sizeof(in_path), "%s/%s.raw", folder, inputs[i]);
            snprintf(out_path, sizeof(out_path), "%s/out%c.0.raw", folder, inputs[i][2]);
            here.run++;
            here.passed += network != NULL && run_case(network, in_path, out_path, what);
        }
        tenon_close(network);
        printf("%s: %d run, %d passed\n", what, here.run, here.passed);
        total->run += here.run;
        total->passed += here.passed;
    }
    for (int i = 0; i < input_count; i++)
        free(inputs[i]);
}

/* A single-operator model of shared/corpora/teflon; MobileNets were cut into one-input operators
 * and additions with two inputs. */
static void run_teflon(const char *shared, const char *name, struct counts *total) {
    char path[1024], in_path[2048], out_path[2048], what[512];
    snprintf(path, sizeof(path), "%s/corpora/teflon/%s.tflite", shared, name);
    snprintf(in_path, sizeof(in_path), "%s/corpora/teflon/%s.in.0.raw", shared, name);
    snprintf(out_path, sizeof(out_path), "%s/corpora/teflon/%s.out.0.raw", shared, name);
    for (int c = 0; c < CONFIGURATIONS; c++) {
        snprintf(what, sizeof(what), "%s on %s, %u threads", name, configurations[c].device,
                 configurations[c].threads);
        struct tenon_network *network =
            open_network(path, configurations[c].device, configurations[c].threads, what);
        total->run++;
        if (network != NULL && tenon_program_input_count(tenon_network_program(network)) != 1)
            printf("FAIL %s: more than one input\n", what);
        else
            total->passed += network != NULL && run_case(network, in_path, out_path, what);
        tenon_close(network);
    }
}

int main(int argc, char **argv) {
    const char *shared = getenv("TENON_SHARED");
    bool models = argc > 1 && strcmp(argv[1], "models") == 0;
    char folder[1024], *names[MAX_NAMES];
    snprintf(folder, sizeof(folder), "%s/%s", shared != NULL ? shared : "",
             models ? "models" : "corpora/teflon");
    int count = list_names(folder, ".tflite", names);
    int expected = models ? MODELS_EXPECTED : TEFLON_EXPECTED;
    if (count == 0) {
        printf("SKIPPED: %d third-party %s models: %s is absent\n", expected,
               models ? "whole" : "teflon", folder);
        return SKIPPED;
    }
    struct counts total = {0};
    for (int i = 0; i < count; i++) {
        (models ? run_model : run_teflon)(shared, names[i], &total);
        free(names[i]);
    }
    printf("%d models, %d run, %d passed, %d left out for speed\n", count, total.run, total.passed,
           total.left_out);
    return count >= expected && total.passed == total.run ? 0 : 1;
}
