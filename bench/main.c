/*
 * tenon-bench: one engine in one process, driven line by line (bench/run starts several and lets
 * them take turns), and a stopwatch for whole processes. Each engine alone in its process: so that
 * no thread pool of another spins meanwhile, and that memory is its own.
 *
 *     tenon-bench serve ENGINE MODEL FILE LIBRARY THREADS
 *     tenon-bench once  ENGINE MODEL FILE LIBRARY THREADS INPUT
 *     tenon-bench start COUNT PROGRAM ARGUMENT…
 *     tenon-bench peak
 *
 * MODEL is the .tflite file, FILE what the engine reads; LIBRARY may be "". `serve` answers on
 * stdout: "input FILE", "output FILE", "run MICROSECONDS" (once uncounted, then until the time is
 * over: median and least wall nanoseconds, mean CPU nanoseconds), "layers ROUNDS", "profile
 * ROUNDS", "memory".
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <tenon/tenon.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "mask_cpu.h"
#include "peak.h"

enum {
    RUNS_MAX = 4096,
    LAYERS_MAX = 1024,
    OUTPUT_MAX = 1 << 20,
    ANSWER_FD = 3,
    SETTLE_NS = 2000000,
    SETTLES_MAX = 200,
};

static const struct engine *const engines[] = {
    &engine_tenon,  &engine_tenon_f32,      &engine_onnxruntime, &engine_onnxruntime_precise,
    &engine_tflite, &engine_tflite_xnnpack, &engine_xnnpack,
};

bool complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("tenon-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return false;
}

bool engine_load(const char *library, const struct engine_symbol *symbols, size_t count) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return complain("%s", dlerror());
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (symbol == NULL)
            return complain("%s has no %s", library, symbols[i].name);
        memcpy(symbols[i].entry, &symbol, sizeof(symbol));
    }
    return true;
}

static uint64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_cpu_ns(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *values, size_t count) {
    qsort(values, count, sizeof(*values), compare);
    return count == 0 ? 0 : (values[(count - 1) / 2] + values[count / 2]) / 2;
}

struct bench {
    const struct engine *engine;
    void *self;
    struct tenon_model *model;
};

static const struct engine *find_engine(const char *name) {
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}

/* The arguments ENGINE MODEL FILE LIBRARY THREADS. */
static bool open_engine(struct bench *bench, char **argv, bool layers) {
    bench->engine = find_engine(argv[0]);
    if (bench->engine == NULL)
        return complain("no engine %s", argv[0]);
    if (!bench_cpu_is_as_asked())
        return complain("this machine cannot hide its AVX-512 (no CPUID faulting)");
    struct tenon_error error;
    if (bench->engine->wants_model &&
        tenon_model_open(argv[1], NULL, &bench->model, &error) != TENON_OK)
        return complain("%s: %s", argv[1], error.message);
    const struct engine_setup setup = {.path = argv[2],
                                       .library = argv[3],
                                       .threads = (uint32_t)strtoul(argv[4], NULL, 10),
                                       .layers = layers,
                                       .model = bench->model};
    return bench->engine->open(&setup, &bench->self);
}

static void close_engine(struct bench *bench) {
    if (bench->self != NULL)
        bench->engine->close(bench->self);
    tenon_model_destroy(bench->model);
}

static bool read_input(struct bench *bench, const char *path) {
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return complain("%s cannot be read", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    void *data = malloc((size_t)size + 1);
    bool good = data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size;
    good = good ? bench->engine->set_input(bench->self, data, (size_t)size)
                : complain("%s cannot be read", path);
    free(data);
    fclose(file);
    return good;
}

static bool write_output(struct bench *bench, const char *path) {
    size_t size = OUTPUT_MAX;
    void *data = malloc(size);
    FILE *file = fopen(path, "wbe");
    bool good = data != NULL && file != NULL && bench->engine->run(bench->self) &&
                bench->engine->get_output(bench->self, data, &size) &&
                fwrite(data, 1, size, file) == size;
    if (file != NULL)
        good &= fclose(file) == 0;
    free(data);
    if (good)
        puts("ok");
    return good;
}

/* Threads of a pool look for work for a while after the last run: the next engine must not meet
 * them.
 */
static void settle(void) {
    const struct timespec pause = {.tv_nsec = SETTLE_NS};
    for (int i = 0; i < SETTLES_MAX; i++) {
        uint64_t cpu = clock_cpu_ns();
        nanosleep(&pause, NULL);
        if (clock_cpu_ns() - cpu < SETTLE_NS / 10)
            return;
    }
}

static bool run_for(struct bench *bench, uint64_t budget_ns) {
    static double wall[RUNS_MAX];
    size_t runs = 0;
    if (!bench->engine->run(bench->self))
        return false;
    uint64_t cpu = clock_cpu_ns(), begin = clock_ns(), end = begin;
    while (runs < RUNS_MAX && (runs < 2 || end - begin < budget_ns)) {
        uint64_t start = clock_ns();
        if (!bench->engine->run(bench->self))
            return false;
        end = clock_ns();
        wall[runs++] = (double)(end - start);
    }
    cpu = clock_cpu_ns() - cpu;
    settle();
    double median = median_of(wall, runs); /* sorts */
    printf("%.0f %.0f %.0f\n", median, wall[0], (double)cpu / (double)runs);
    return true;
}

static bool print_layers(struct bench *bench, uint32_t rounds) {
    static struct engine_layer layers[LAYERS_MAX];
    size_t count;
    if (bench->engine->layers == NULL || rounds == 0)
        return complain("%s tells no layers", bench->engine->name);
    if (!bench->engine->layers(bench->self, rounds, layers, LAYERS_MAX, &count))
        return false;
    printf("%zu\n", count);
    for (size_t i = 0; i < count; i++)
        printf("%.0f %" PRIu64 " %s %s\n", layers[i].ns, layers[i].macs, layers[i].op,
               layers[i].kernel);
    return true;
}

static bool print_profile(struct bench *bench, uint32_t rounds) {
    char path[ENGINE_PATH_BYTES];
    if (bench->engine->profile == NULL)
        return complain("%s has no profiler", bench->engine->name);
    return bench->engine->profile(bench->self, rounds, path) && puts(path) >= 0;
}

/* Peak of this program's own memory in KiB: ru_maxrss would count what forked it, too. */
static bool print_memory(void) {
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && kib == 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoul(line + 6, NULL, 10);
    if (file != NULL)
        fclose(file);
    return printf("%lu\n", kib) > 0;
}

static bool serve_line(struct bench *bench, char *line) {
    line[strcspn(line, "\n")] = '\0';
    char *operand = strchr(line, ' ');
    if (operand != NULL)
        *operand++ = '\0';
    if (operand != NULL && strcmp(line, "input") == 0)
        return read_input(bench, operand) && puts("ok") >= 0;
    if (operand != NULL && strcmp(line, "output") == 0)
        return write_output(bench, operand);
    if (operand != NULL && strcmp(line, "run") == 0)
        return run_for(bench, strtoull(operand, NULL, 10) * 1000);
    if (operand != NULL && strcmp(line, "layers") == 0)
        return print_layers(bench, (uint32_t)strtoul(operand, NULL, 10));
    if (operand != NULL && strcmp(line, "profile") == 0)
        return print_profile(bench, (uint32_t)strtoul(operand, NULL, 10));
    if (strcmp(line, "memory") == 0)
        return print_memory();
    return complain("no command %s", line);
}

static bool serve(char **argv) {
    struct bench bench = {0};
    char line[4096];
    bool good = open_engine(&bench, argv, getenv("TENON_BENCH_LAYERS") != NULL);
    if (good)
        puts("ready");
    fflush(stdout);
    while (good && fgets(line, sizeof(line), stdin) != NULL) {
        good = serve_line(&bench, line);
        fflush(stdout);
    }
    close_engine(&bench);
    return good;
}

/* Loads, answers once and says so by closing what `start` listens to. */
static bool once(char **argv) {
    struct bench bench = {0};
    bool good = open_engine(&bench, argv, false) && read_input(&bench, argv[5]) &&
                bench.engine->run(bench.self);
    if (good && write(ANSWER_FD, "!", 1) != 1)
        complain("nobody listens");
    close_engine(&bench);
    return good;
}

/* Nanoseconds from starting a process to its first answer, and its peak memory in KiB. */
static bool start_one(char **argv, double *ns, long *kib) {
    extern char **environ;
    int ends[2], status = 1;
    char byte;
    pid_t child;
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0)
        return complain("no pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], ANSWER_FD);
    uint64_t begin = clock_ns();
    bool good = posix_spawn(&child, argv[0], &actions, NULL, argv, environ) == 0;
    close(ends[1]);
    posix_spawn_file_actions_destroy(&actions);
    good = good && read(ends[0], &byte, 1) == 1;
    *ns = (double)(clock_ns() - begin);
    close(ends[0]);
    struct rusage usage = {0};
    good = good && wait4(child, &status, 0, &usage) == child && status == 0;
    *kib = usage.ru_maxrss;
    return good || complain("%s gave no answer", argv[0]);
}

static bool start(size_t count, char **argv) {
    double wall[64];
    long kib = 0;
    if (count == 0 || count > sizeof(wall) / sizeof(wall[0]))
        return complain("start: 1 to 64 times");
    for (size_t i = 0; i < count; i++)
        if (!start_one(argv, &wall[i], &kib))
            return false;
    printf("%.0f %ld\n", median_of(wall, count), kib);
    return true;
}

int main(int argc, char **argv) {
    bool good = false;
    if (argc == 7 && strcmp(argv[1], "serve") == 0)
        good = serve(argv + 2);
    else if (argc == 8 && strcmp(argv[1], "once") == 0)
        good = once(argv + 2);
    else if (argc > 3 && strcmp(argv[1], "start") == 0)
        good = start(strtoul(argv[2], NULL, 10), argv + 3);
    else if (argc == 2 && strcmp(argv[1], "peak") == 0)
        good = peak_print();
    else
        complain("serve | once | start | peak; see main.c");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
