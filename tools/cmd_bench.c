/*
 * tenon bench: how long an inference takes. Two configurations are measured in turns (A B A B), so
 * that a machine that warms up or is shared slows both alike.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "machine.h"
#include "placement.h"
#include "report.h"
#include "statistics.h"

struct bench_options {
    struct machine_options machine;
    struct input_options input;
    const char *vs;
    uint64_t warm_up, iterations;
    double seconds;
    bool json;
};

static const struct option options[] = {
    {0, "vs", OPTION_TEXT, "OPTIONS", offsetof(struct bench_options, vs), 0, 0,
     "compare with a second configuration, as\n--vs '--threads 1' or --vs '-d reference'"},
    {0, "warm-up", OPTION_NUMBER, "N", offsetof(struct bench_options, warm_up), 0, 1000000,
     "runs that are not counted (default 3)"},
    {'n', "iterations", OPTION_NUMBER, "N", offsetof(struct bench_options, iterations), 1, 1000000,
     "at most N runs (default 1000)"},
    {0, "time", OPTION_SECONDS, "SECONDS", offsetof(struct bench_options, seconds), 0, 86400,
     "begin no run after so long (default 2)"},
    {0, "json", OPTION_FLAG, NULL, offsetof(struct bench_options, json), 0, 0, "print JSON"},
    INPUT_OPTION_FILE(struct bench_options),
    INPUT_OPTION_SEED(struct bench_options),
    MACHINE_OPTION_DEVICE(struct bench_options),
    MACHINE_OPTION_THREADS(struct bench_options),
    MACHINE_OPTION_ROUNDING(struct bench_options),
    MACHINE_OPTION_NUMERICS(struct bench_options),
    MACHINE_OPTION_PLACEMENT(struct bench_options),
    MACHINE_OPTION_COSTS(struct bench_options),
    MACHINE_OPTION_NO_FALLBACK(struct bench_options),
    MACHINE_OPTION_PORTABLE(struct bench_options),
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]), VS_WORDS_MAX = 32 };

/* One configuration and its measurements. */
struct contender {
    const char *name;
    struct machine_options options;
    struct machine machine;
    uint64_t *wall_ns, *cpu_ns;
    uint64_t setup_ns; /* from the file to a session */
};

struct contest {
    const char *path;
    const struct bench_options *bench;
    struct contender contenders[2];
    size_t count; /* of contenders */
    size_t runs;  /* of each */
};

static int prepare(const struct contest *contest, struct contender *contender) {
    struct tenon_program *program;
    uint64_t start = tool_clock_ns();
    int result = machine_open_program(contest->path, &contender->options, &program);
    if (result == EXIT_OK)
        result = machine_open(&contender->machine, contest->path, program, &contender->options);
    contender->setup_ns = tool_clock_ns() - start;
    tenon_program_unref(program);
    if (result != EXIT_OK)
        return result;
    contender->wall_ns = calloc(contest->bench->iterations, sizeof(uint64_t));
    contender->cpu_ns = calloc(contest->bench->iterations, sizeof(uint64_t));
    if (contender->wall_ns == NULL || contender->cpu_ns == NULL)
        return tool_complain_memory();
    placement_print_fallbacks(contender->machine.program, stderr);
    struct input_options input = contest->bench->input;
    input.quiet = contender != contest->contenders;
    result = inputs_fill(&contender->machine, &input);
    uint64_t ignored;
    for (uint64_t i = 0; i < contest->bench->warm_up && result == EXIT_OK; i++)
        result = machine_run(&contender->machine, contest->path, &ignored);
    return result;
}

static int measure_once(struct contest *contest, struct contender *contender) {
    uint64_t cpu = tool_cpu_clock_ns();
    int result =
        machine_run(&contender->machine, contest->path, &contender->wall_ns[contest->runs]);
    contender->cpu_ns[contest->runs] = tool_cpu_clock_ns() - cpu;
    return result;
}

static int measure(struct contest *contest) {
    uint64_t start = tool_clock_ns(), budget_ns = (uint64_t)(contest->bench->seconds * 1e9);
    struct tool_progress *progress = tool_progress_begin("measuring");
    int result = EXIT_OK;
    while (result == EXIT_OK && contest->runs < contest->bench->iterations &&
           (contest->runs == 0 || tool_clock_ns() - start < budget_ns)) {
        for (size_t i = 0; i < contest->count && result == EXIT_OK; i++)
            result = measure_once(contest, &contest->contenders[i]);
        contest->runs += result == EXIT_OK;
    }
    tool_progress_end(progress);
    return result;
}

/* In how many rounds the second was faster than the first; before sorting. */
static size_t count_wins(const struct contest *contest) {
    size_t wins = 0;
    for (size_t i = 0; i < contest->runs; i++)
        wins += contest->contenders[1].wall_ns[i] < contest->contenders[0].wall_ns[i];
    return wins;
}

static double median(const struct contest *contest, size_t index) {
    return statistics_percentile(contest->contenders[index].wall_ns, contest->runs, 50);
}

static void print_row(const struct contest *contest, const struct contender *contender) {
    static const double points[] = {50, 0, 10, 90, 99};
    char figure[FIGURE_BYTES];
    printf("%-20.20s", contender->name);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        printf(" %9s",
               tool_figure_time(statistics_percentile(contender->wall_ns, contest->runs, points[i]),
                                figure));
    printf(" %9s",
           tool_figure_time(statistics_percentile(contender->cpu_ns, contest->runs, 50), figure));
    printf(" %9s\n", tool_figure_time((double)contender->setup_ns, figure));
}

static void print_text(const struct contest *contest, size_t wins) {
    printf("%s: %zu runs%s after %" PRIu64 " to warm up\n", contest->path, contest->runs,
           contest->count > 1 ? " of each in turns" : "", contest->bench->warm_up);
    printf("%-20s %9s %9s %9s %9s %9s %9s %9s\n", "", "median", "min", "p10", "p90", "p99",
           "CPU time", "to load");
    for (size_t i = 0; i < contest->count; i++)
        print_row(contest, &contest->contenders[i]);
    if (contest->count > 1)
        printf("ratio of medians %.3f (%s / %s); the second was faster in %zu of %zu rounds\n",
               median(contest, 1) / median(contest, 0), contest->contenders[1].name,
               contest->contenders[0].name, wins, contest->runs);
}

static json_t *json_contender(const struct contest *contest, const struct contender *contender) {
    json_t *percentiles = json_object();
    static const struct {
        const char *name;
        double at;
    } points[] = {{"min", 0}, {"p10", 10}, {"median", 50}, {"p90", 90}, {"p99", 99}};
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        tool_json_set(
            &percentiles, points[i].name,
            json_real(statistics_percentile(contender->wall_ns, contest->runs, points[i].at)));
    return json_pack("{s:o, s:o, s:f, s:I}", "name", tool_json_text(contender->name), "wall_ns",
                     percentiles, "cpu_ns_median",
                     statistics_percentile(contender->cpu_ns, contest->runs, 50), "load_ns",
                     (json_int_t)contender->setup_ns);
}

static json_t *json_contest(const struct contest *contest, size_t wins) {
    json_t *list = json_array();
    for (size_t i = 0; i < contest->count; i++)
        tool_json_append(&list, json_contender(contest, &contest->contenders[i]));
    json_t *json = json_pack("{s:o, s:I, s:I, s:o}", "model", tool_json_text(contest->path), "runs",
                             (json_int_t)contest->runs, "warm_up",
                             (json_int_t)contest->bench->warm_up, "configurations", list);
    if (json != NULL && contest->count > 1) {
        tool_json_set(&json, "ratio_of_medians",
                      json_real(median(contest, 1) / median(contest, 0)));
        tool_json_set(&json, "second_faster", json_integer((json_int_t)wins));
    }
    return json;
}

static int report(struct contest *contest) {
    size_t wins = contest->count > 1 ? count_wins(contest) : 0;
    for (size_t i = 0; i < contest->count; i++) {
        statistics_sort(contest->contenders[i].wall_ns, contest->runs);
        statistics_sort(contest->contenders[i].cpu_ns, contest->runs);
    }
    if (contest->bench->json)
        return tool_json_print(json_contest(contest, wins));
    print_text(contest, wins);
    return EXIT_OK;
}

static int run_contest(struct contest *contest) {
    int result = EXIT_OK;
    for (size_t i = 0; i < contest->count && result == EXIT_OK; i++)
        result = prepare(contest, &contest->contenders[i]);
    if (result == EXIT_OK)
        result = measure(contest);
    if (result == EXIT_OK)
        result = report(contest);
    for (size_t i = 0; i < contest->count; i++) {
        machine_close(&contest->contenders[i].machine);
        free(contest->contenders[i].wall_ns);
        free(contest->contenders[i].cpu_ns);
    }
    return result;
}

/* Reads the words of --vs over a copy of the first configuration. `text` is cut, and must live. */
static int parse_vs(char *text, const struct bench_options *first, struct bench_options *second) {
    char *words[VS_WORDS_MAX], *rest = NULL;
    int count = 0;
    for (char *word = strtok_r(text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (count == VS_WORDS_MAX)
            return tool_complain(EXIT_USAGE, "--vs: more than %d words", VS_WORDS_MAX);
        words[count++] = word;
    }
    *second = *first;
    struct option_parse parse = {
        .options = options, .option_count = OPTION_COUNT, .values = second};
    if (!tool_options_parse(&parse, count, words))
        return tool_complain(EXIT_USAGE, "--vs: %s; see `tenon help bench`", parse.message);
    if (parse.help || memcmp(&second->input, &first->input, sizeof(first->input)) != 0 ||
        second->seconds != first->seconds || second->iterations != first->iterations ||
        second->warm_up != first->warm_up || second->json != first->json || second->vs != first->vs)
        return tool_complain(
            EXIT_USAGE, "--vs takes -d, --threads, --rounding, --numerics, --placement, --costs,\n"
                        "--no-fallback and --portable; "
                        "the rest holds for both configurations");
    return EXIT_OK;
}

static int bench_two(struct contest *contest, const struct bench_options *bench) {
    struct bench_options second;
    char *words = strdup(bench->vs);
    if (words == NULL)
        return tool_complain_memory();
    int result = parse_vs(words, bench, &second);
    contest->count = 2;
    contest->contenders[1] = (struct contender){.name = bench->vs, .options = second.machine};
    if (result == EXIT_OK)
        result = run_contest(contest);
    free(words);
    return result;
}

static int run(const struct command *command, int argc, char **argv) {
    struct bench_options bench = {.warm_up = 3, .iterations = 1000, .seconds = 2};
    const char *path;
    int result;
    if (!tool_command_parse(command, argc, argv, &bench, &path, 1, &result))
        return result;
    struct contest contest = {.path = path, .bench = &bench, .count = 1};
    contest.contenders[0] = (struct contender){.name = "as given", .options = bench.machine};
    return bench.vs != NULL ? bench_two(&contest, &bench) : run_contest(&contest);
}

const struct command command_bench = {
    .name = "bench",
    .summary = "measure how long an inference takes",
    .operands = "MODEL",
    .text = "Runs MODEL again and again and prints the median, the least, the 10th, 90th and 99th\n"
            "percentile of the wall time, the CPU time of all threads, and the time from the file\n"
            "to a session. With --vs, two configurations take turns.",
    .examples = "  tenon bench mobilenet.tflite\n"
                "  tenon bench --threads 4 --vs '--threads 1' mobilenet.tflite\n"
                "  tenon bench --json --time 10 mobilenet.tnn\n",
    .options = options,
    .option_count = OPTION_COUNT,
    .run = run,
};
