/*
 * Tests of passes.
 *
 *     run_passes golden [--regenerate] [PASS]
 *         Every tests/golden/passes/PASS/NAME.in.tir, run through PASS, is NAME.expect.tir. The
 *         graph's description holds capabilities: "channel_atom=8 stride_max=1".
 *     run_passes random PASS [COUNT [SEED]]
 *         COUNT random graphs (10000; 1000 with TENON_QUICK) compute the same bytes before and
 *         after PASS, and it finds something to do in enough of them. A failure prints the seed:
 *         `run_passes random PASS 1 SEED` makes the same graph again. PASS.lossy: the form that is
 *         off by default; how far it goes off is counted.
 *     run_passes memory
 *         Every allocation of every pass fails once.
 *     run_passes lowerings [COUNT [SEED]]
 *         The same with half of all lossless passes one after the other, as a target asks for them.
 *     run_passes lower FILE.tir "CAPABILITIES" PASS...
 *         Runs the passes one after the other over a network (tenon info --ir MODEL) and holds it
 *         against itself on one random input.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/eval.h"
#include "ir/text.h"
#include "passes/generator.h"
#include "passes/memory.h"
#include "passes/pipeline.h"
#include "util/file.h"

enum { REWRITES_MAX = 1000 }; /* of a small graph: a pass that never ends is found */

static struct tenon_strbuf text_of(const struct tenon_graph *graph) {
    struct tenon_strbuf text;
    tenon_strbuf_init(&text);
    tenon_ir_print(graph, &text);
    return text;
}

static void print_graph(const char *title, const struct tenon_graph *graph) {
    struct tenon_strbuf text = text_of(graph);
    printf("---- %s\n%s", title, text.data != NULL ? text.data : "");
    tenon_strbuf_finish(&text);
}

/* ---- the same bytes before and after ---- */

struct buffers {
    void **items;
    uint32_t count;
};

static struct buffers buffers_create(const struct tenon_graph *graph, const uint32_t *ids,
                                     uint32_t count) {
    struct buffers b = {calloc((size_t)count + 1, sizeof(*b.items)), count};
    for (uint32_t i = 0; b.items != NULL && i < count; i++)
        b.items[i] = calloc(1, tenon_desc_size(&graph->tensors[ids[i]].desc) + 8);
    return b;
}

static void buffers_destroy(struct buffers *b) {
    for (uint32_t i = 0; b->items != NULL && i < b->count; i++)
        free(b->items[i]);
    free(b->items);
}

/* Floats differ by units of 2^-23 of the largest. */
static int float_distance(const float *x, const float *y, size_t count, size_t i) {
    float largest = 0;
    for (size_t k = 0; k < count; k++)
        largest = fmaxf(largest, fabsf(x[k]));
    float apart = fabsf(x[i] - y[i]) / (largest > 0 ? largest : 1) * 0x1p23f;
    return apart < 1e6f ? (int)ceilf(apart) : 1000000;
}

static int distance(const struct tenon_desc *desc, const void *x, const void *y, size_t i) {
    int apart = desc->type == TENON_TYPE_I8 ? ((const int8_t *)x)[i] - ((const int8_t *)y)[i]
                                            : ((const uint8_t *)x)[i] - ((const uint8_t *)y)[i];
    if (desc->type == TENON_TYPE_F32)
        return float_distance(x, y, tenon_desc_element_count(desc), i);
    return apart < 0 ? -apart : apart;
}

static void deviate(struct deviation *d, const struct tenon_desc *desc, const void *x,
                    const void *y) {
    for (size_t i = 0; i < tenon_desc_element_count(desc); i++) {
        int apart = distance(desc, x, y, i);
        d->elements++;
        d->different += apart != 0;
        d->sum += (uint64_t)apart;
        d->largest = apart > d->largest ? apart : d->largest;
    }
}

static bool same_outputs(const struct tenon_graph *before, const struct buffers *a,
                         const struct buffers *b, struct deviation *deviation) {
    for (uint32_t i = 0; i < before->output_count; i++) {
        const struct tenon_desc *desc = &before->tensors[before->outputs[i]].desc;
        size_t size = tenon_desc_size(desc);
        const uint8_t *x = a->items[i], *y = b->items[i];
        if (deviation != NULL)
            deviate(deviation, desc, x, y);
        for (size_t at = 0; deviation == NULL && at < size; at++)
            if (x[at] != y[at]) {
                printf("output %u differs first at byte %zu: %d before, %d after\n", i, at, x[at],
                       y[at]);
                return false;
            }
    }
    return true;
}

/* Whether the borders of the graphs are alike, and on random inputs their results the same. */
static bool same_meaning(const struct tenon_graph *before, const struct tenon_graph *after,
                         struct generator *g) {
    struct tenon_error error = {0};
    if (before->input_count != after->input_count || before->output_count != after->output_count)
        return printf("inputs or outputs changed\n") < 0;
    for (uint32_t i = 0; i < before->output_count; i++) {
        const struct tenon_desc *a = &before->tensors[before->outputs[i]].desc;
        const struct tenon_desc *b = &after->tensors[after->outputs[i]].desc;
        if (a->type != b->type || !tenon_shape_equal(&a->shape, &b->shape) ||
            !tenon_quant_equal(&a->quant, &b->quant))
            return printf("output %u changed its type, shape or quantization\n", i) < 0;
    }
    struct buffers in = buffers_create(before, before->inputs, before->input_count);
    struct buffers a = buffers_create(before, before->outputs, before->output_count);
    struct buffers b = buffers_create(before, before->outputs, before->output_count);
    for (uint32_t i = 0; i < in.count; i++)
        gen_fill(g, &before->tensors[before->inputs[i]].desc, in.items[i]);
    bool ok =
        tenon_graph_evaluate(before, (const void *const *)in.items, a.items, &error) == TENON_OK &&
        tenon_graph_evaluate(after, (const void *const *)in.items, b.items, &error) == TENON_OK;
    if (!ok)
        printf("evaluation: %s\n", error.message);
    ok = ok && same_outputs(before, &a, &b, g->deviation);
    buffers_destroy(&in);
    buffers_destroy(&a);
    buffers_destroy(&b);
    return ok;
}

/* Runs the pass on a copy of the graph and holds the two against each other. */
static bool check(const struct tenon_pass *pass, const struct tenon_graph *before,
                  struct generator *g, struct tenon_graph *after, uint64_t *rewrites) {
    struct tenon_error error = {0};
    if (!tenon_graph_clone(before, before->arena, after))
        return printf("out of memory\n") < 0;
    struct tenon_pass_tally tally = {.limit = REWRITES_MAX};
    if (tenon_pass_run(pass, after, &g->capabilities, &tally, &error) != TENON_OK)
        return printf("the pass failed: %s\n", error.message) < 0;
    *rewrites += tally.rewrites;
    if (tenon_graph_verify(after, &error) != TENON_OK)
        return printf("the graph is broken: %s\n", error.message) < 0;
    return same_meaning(before, after, g);
}

/* ---- random graphs ---- */

static const struct pass_case *find_case(const char *pass) {
    for (int i = 0; pass_cases[i] != NULL; i++)
        if (strcmp(pass_cases[i]->pass, pass) == 0)
            return pass_cases[i];
    return NULL;
}

/* One graph; false when its meaning changed. */
static bool run_seed(const struct tenon_pass *pass, const struct pass_case *c, uint64_t seed,
                     struct deviation *deviation, uint64_t *rewrites) {
    struct generator g;
    struct tenon_graph after = {0};
    struct tenon_error error = {0};
    gen_begin(&g, seed);
    g.deviation = c->mean_most > 0 ? deviation : NULL;
    c->generate(&g);
    bool ok = gen_end(&g) || printf("out of memory\n") < 0;
    if (ok && tenon_graph_verify(&g.graph, &error) != TENON_OK)
        ok = printf("the generator is wrong: %s\n", error.message) < 0;
    ok = ok && check(pass, &g.graph, &g, &after, rewrites);
    const char *broken = ok && c->broken != NULL ? c->broken(&g, &after) : NULL;
    if (broken != NULL)
        ok = printf("not established: %s\n", broken) < 0;
    if (!ok) {
        printf("%s: seed %llu\n", c->pass, (unsigned long long)seed);
        print_graph("before", &g.graph);
        if (after.arena != NULL)
            print_graph("after", &after);
    }
    gen_finish(&g);
    return ok;
}

/* False when it is further than stated, or when nothing differs: then nothing was lossy. */
static bool tell_deviation(const struct deviation *d, double mean_most) {
    double mean = (double)d->sum / (double)(d->elements + !d->elements);
    printf("%llu of %llu elements differ, on average by %.3f, at most by %d\n",
           (unsigned long long)d->different, (unsigned long long)d->elements, mean, d->largest);
    return d->different > 0 && mean <= mean_most;
}

static int run_random(const char *name, uint64_t count, uint64_t seed) {
    char plain[64];
    snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "."), name);
    const struct tenon_pass *pass = tenon_pass_find(plain);
    const struct pass_case *c = find_case(name);
    struct deviation deviation = {0};
    if (pass == NULL || c == NULL)
        return printf("no pass or no case '%s'\n", name) > 0;
    uint64_t rewrites = 0, rewritten = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = rewrites;
        if (!run_seed(pass, c, seed + i, &deviation, &rewrites))
            return 1;
        rewritten += rewrites != before;
    }
    printf("%s: %llu graphs hold, %llu of them rewritten, %llu rewrites\n", name,
           (unsigned long long)count, (unsigned long long)rewritten, (unsigned long long)rewrites);
    if (c->mean_most > 0 && !tell_deviation(&deviation, c->mean_most))
        return 1;
    if (count >= 1000 && rewritten * 100 < count * c->floor_percent)
        return printf("fewer than %u %% were rewritten: the test tests little\n",
                      c->floor_percent) > 0;
    return 0;
}

/* ---- goldens ---- */

static void read_capabilities(const char *text, struct tenon_capabilities *out) {
    static const struct {
        const char *name;
        size_t offset;
        bool truth;
    } words[] = {
        {"channel_atom", offsetof(struct tenon_capabilities, channel_atom), false},
        {"stride_max", offsetof(struct tenon_capabilities, stride_max), false},
        {"kernel_max", offsetof(struct tenon_capabilities, kernel_max), false},
        {"dilation_max", offsetof(struct tenon_capabilities, dilation_max), false},
        {"lut_entries", offsetof(struct tenon_capabilities, lut_entries), false},
        {"lossy_scales", offsetof(struct tenon_capabilities, lossy_scales), true},
    };
    for (size_t i = 0; i < TENON_COUNT_OF(words); i++) {
        const char *at = strstr(text, words[i].name);
        if (at == NULL || at[strlen(words[i].name)] != '=')
            continue;
        long value = strtol(at + strlen(words[i].name) + 1, NULL, 10);
        char *field = (char *)out + words[i].offset;
        if (words[i].truth)
            *(bool *)(void *)field = value != 0;
        else
            *(int32_t *)(void *)field = (int32_t)value;
    }
}

static bool read_file(const char *path, char **data, size_t *size) {
    struct tenon_mapping mapping = {0};
    struct tenon_error error = {0};
    if (tenon_mapping_open(&mapping, path, &error) != TENON_OK)
        return printf("%s\n", error.message) < 0;
    *size = mapping.bytes.size;
    *data = malloc(*size + 1);
    if (*data != NULL)
        memcpy(*data, mapping.bytes.data, *size);
    tenon_mapping_close(&mapping);
    return *data != NULL;
}

static bool load(const char *path, struct tenon_arena *arena, struct tenon_graph *graph) {
    struct tenon_error error = {0};
    char *data = NULL;
    size_t size;
    bool ok = read_file(path, &data, &size);
    if (ok && tenon_ir_parse((struct tenon_span){(uint8_t *)data, size}, arena, graph, &error) !=
                  TENON_OK)
        ok = printf("%s: %s\n", path, error.message) < 0;
    free(data);
    return ok;
}

static bool write_file(const char *path, const struct tenon_strbuf *text) {
    FILE *file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(text->data, 1, text->size, file) == text->size;
    return (file == NULL || fclose(file) == 0) && ok;
}

/* The golden of `in`, a path that ends in .in.tir, after the pass. */
static bool run_golden(const struct tenon_pass *pass, const char *in, bool regenerate) {
    struct generator g;
    struct tenon_graph before, after = {0};
    char expect[1024], *want = NULL;
    size_t want_size;
    uint64_t rewrites = 0;
    snprintf(expect, sizeof(expect), "%.*s.expect.tir", (int)(strlen(in) - strlen(".in.tir")), in);
    gen_begin(&g, 1);
    struct deviation deviation = {0};
    bool ok = load(in, &g.arena, &before);
    if (ok)
        read_capabilities(before.description, &g.capabilities);
    const struct pass_case *c = find_case(pass->name);
    if (g.capabilities.lossy_scales || (c != NULL && c->mean_most > 0))
        g.deviation = &deviation;
    ok = ok && check(pass, &before, &g, &after, &rewrites);
    struct tenon_strbuf text = {0};
    if (ok)
        text = text_of(&after);
    if (ok && regenerate)
        ok = write_file(expect, &text);
    else if (ok)
        ok = read_file(expect, &want, &want_size) &&
             ((want_size == text.size && memcmp(want, text.data, want_size) == 0) ||
              printf("differs from %s:\n%s", expect, text.data) < 0);
    if (!ok)
        printf("golden failed: %s\n", in);
    tenon_strbuf_finish(&text);
    free(want);
    gen_finish(&g);
    return ok;
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

/* Returns how many goldens the pass has; counts those that failed. */
static unsigned run_goldens_of(const struct tenon_pass *pass, bool regenerate, unsigned *failures) {
    const char *source = getenv("TENON_SOURCE");
    char folder[512], path[1024];
    unsigned count = 0;
    snprintf(folder, sizeof(folder), "%s/tests/golden/passes/%s", source != NULL ? source : ".",
             pass->name);
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (!ends_with(entry->d_name, ".in.tir"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        count++;
        *failures += !run_golden(pass, path, regenerate);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

static int run_goldens(const char *only, bool regenerate) {
    unsigned count = 0, failures = 0;
    for (int i = 0; tenon_passes[i] != NULL; i++) {
        if (only != NULL && strcmp(only, tenon_passes[i]->name) != 0)
            continue;
        unsigned had = run_goldens_of(tenon_passes[i], regenerate, &failures);
        if (had == 0) {
            printf("%s has no golden\n", tenon_passes[i]->name);
            failures++;
        }
        count += had;
    }
    printf("%u goldens, %u failures\n", count, failures);
    return count == 0 || failures != 0;
}

/* ---- passes one after the other ---- */

/* A few nodes of any kind, in a row and beside it. */
static void generate_any(struct generator *g) {
    uint32_t at = gen_input_picture(g, gen_type(g));
    for (int i = gen_range(g, 2, 5); i > 0; i--) {
        uint32_t next = gen_any(g, at);
        gen_disturb(g, next);
        at = next != TENON_ID_NONE ? next : at;
    }
}

/* Half of the lowerings that lose nothing, and the numbers that they go by. Signs change one way.
 */
static void draw_target(struct generator *g, const char **names) {
    bool to_signed = gen_chance(g, 50);
    uint32_t count = 0;
    for (int i = 0; tenon_passes[i] != NULL; i++) {
        const char *name = tenon_passes[i]->name;
        if (strcmp(name, "fuse-batch-norm") != 0 && gen_chance(g, 50) &&
            strcmp(name, to_signed ? "signed-to-unsigned" : "unsigned-to-signed") != 0)
            names[count++] = name;
    }
    names[count] = NULL;
    g->capabilities = (struct tenon_capabilities){
        .passes = names,
        .channel_atom = gen_range(g, 1, 8),
        .stride_max = gen_range(g, 0, 2),
        .kernel_max = gen_range(g, 0, 4),
        .dilation_max = gen_range(g, 0, 2),
        .lut_entries = gen_chance(g, 50) ? 256 : 0,
    };
}

static bool lower_seed(uint64_t seed, uint64_t *rewrites) {
    struct generator g;
    struct tenon_graph after = {0};
    struct tenon_error error = {0};
    struct tenon_pass_debug debug = {0};
    const char *names[64];
    gen_begin(&g, seed);
    generate_any(&g);
    draw_target(&g, names);
    bool ok = (gen_end(&g) && tenon_graph_clone(&g.graph, &g.arena, &after)) ||
              printf("out of memory\n") < 0;
    if (ok && (tenon_lower_graph(&after, &g.capabilities, &debug, &error) != TENON_OK ||
               tenon_graph_verify(&after, &error) != TENON_OK))
        ok = printf("lowering: %s\n", error.message) < 0;
    ok = ok && same_meaning(&g.graph, &after, &g);
    *rewrites += debug.rewrites;
    if (!ok) {
        printf("seed %llu:", (unsigned long long)seed);
        for (int i = 0; names[i] != NULL; i++)
            printf(" %s", names[i]);
        printf("\nchannel_atom=%d stride_max=%d kernel_max=%d dilation_max=%d lut_entries=%d\n",
               g.capabilities.channel_atom, g.capabilities.stride_max, g.capabilities.kernel_max,
               g.capabilities.dilation_max, g.capabilities.lut_entries);
        print_graph("before", &g.graph);
        print_graph("after", &after);
    }
    gen_finish(&g);
    return ok;
}

static int run_lowerings(uint64_t count, uint64_t seed) {
    uint64_t rewrites = 0;
    for (uint64_t i = 0; i < count; i++)
        if (!lower_seed(seed + i, &rewrites))
            return 1;
    printf("%llu graphs hold through all passes, %llu rewrites\n", (unsigned long long)count,
           (unsigned long long)rewrites);
    return rewrites < 2 * count;
}

/* ---- a whole network ---- */

static int lower(const char *path, const char *capabilities, char **passes, int count) {
    struct generator g;
    struct tenon_graph before, after = {0};
    struct tenon_error error = {0};
    gen_begin(&g, 1);
    read_capabilities(capabilities, &g.capabilities);
    bool ok = load(path, &g.arena, &before) && tenon_graph_clone(&before, &g.arena, &after);
    for (int i = 0; ok && i < count; i++) {
        const struct tenon_pass *pass = tenon_pass_find(passes[i]);
        struct tenon_pass_tally tally = {.limit = UINT64_MAX};
        ok = pass != NULL || printf("no pass '%s'\n", passes[i]) < 0;
        if (ok && tenon_pass_run(pass, &after, &g.capabilities, &tally, &error) != TENON_OK)
            ok = printf("%s failed: %s\n", passes[i], error.message) < 0;
        printf("%-28s %6llu rewrites, %u nodes\n", passes[i], (unsigned long long)tally.rewrites,
               after.node_count);
    }
    if (ok && tenon_graph_verify(&after, &error) != TENON_OK)
        ok = printf("the graph is broken: %s\n", error.message) < 0;
    ok = ok && same_meaning(&before, &after, &g);
    puts(ok ? "the same" : "not the same");
    gen_finish(&g);
    return ok ? 0 : 1;
}

static int run_all_memory(void) {
    bool ok = true;
    for (int i = 0; tenon_passes[i] != NULL; i++) {
        const struct pass_case *c = find_case(tenon_passes[i]->name);
        ok = c != NULL && run_memory(tenon_passes[i], c) && ok;
    }
    return ok ? 0 : 1;
}

int main(int argc, char **argv) {
    bool regenerate = argc > 2 && strcmp(argv[2], "--regenerate") == 0;
    if (argc > 1 && strcmp(argv[1], "golden") == 0)
        return run_goldens(argc > 2 + regenerate ? argv[2 + regenerate] : NULL, regenerate);
    if (argc > 1 && strcmp(argv[1], "memory") == 0)
        return run_all_memory();
    if (argc > 4 && strcmp(argv[1], "lower") == 0)
        return lower(argv[2], argv[3], argv + 4, argc - 4);
    uint64_t count = getenv("TENON_QUICK") != NULL ? 1000 : 10000;
    if (argc > 1 && strcmp(argv[1], "lowerings") == 0)
        return run_lowerings(argc > 2 ? strtoull(argv[2], NULL, 10) : count,
                             argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    if (argc < 3 || strcmp(argv[1], "random") != 0) {
        fprintf(stderr, "usage: run_passes golden | memory | random PASS [COUNT [SEED]] | "
                        "lowerings [COUNT [SEED]]\n");
        return 2;
    }
    return run_random(argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : count,
                      argc > 4 ? strtoull(argv[4], NULL, 10) : 1);
}
