/*
 * Replays the vendor's traces on the functional model of NVDLA and compares the golden CRCs: the
 * folders of nvdla/hw, branch nv_small, verif/tests/trace_tests/nv_small, each a .cfg with a line
 * per command and .dat files of memory. They are not in this repository: the folder that holds them
 * is the argument, or TENON_NVDLA_TRACES.
 *
 *     run_nvdla_traces [-v] [-c] FOLDER
 *
 * Fails when a trace that nv_small can run does not reach its CRC. -v tells every trace, -c the
 * estimated cycles.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/nvdla/nvdla.h"

enum { LINE_BYTES = 4096, NAME_BYTES = 1024, CHECK_MAX = 16, PAGE_BYTES = 1 << 20 };
enum { SKIP_STATUS = 77 };

enum outcome { GOLDEN, WRONG, FAULT, NO_FILE, NOT_APPLICABLE, BROKEN, OUTCOME_COUNT };

struct check {
    char sync[64];
    uint32_t address, size, crc;
};

struct replay {
    struct tenon_nvdla_sim *sim;
    const struct tenon_nvdla_sim_config *config;
    const char *folder;
    struct tenon_nvdla_sim_window windows[TENON_NVDLA_SIM_WINDOW_MAX];
    size_t window_count;
    struct check checks[CHECK_MAX];
    size_t check_count;
    enum outcome outcome;
    char why[512];
};

static void fail(struct replay *r, enum outcome outcome, const char *what) {
    if (r->outcome == GOLDEN) {
        r->outcome = outcome;
        snprintf(r->why, sizeof(r->why), "%s", what);
    }
}

/* ---- memory ---- */

static uint8_t *at(struct replay *r, uint32_t address, uint32_t size) {
    for (size_t i = 0; i < r->window_count; i++) {
        struct tenon_nvdla_sim_window *w = &r->windows[i];
        if (address >= w->address && address - w->address <= w->size &&
            size <= w->size - (address - w->address))
            return w->data + (address - w->address);
    }
    return NULL;
}

/* A region that touches another one becomes one with it. */
static void add_memory(struct replay *r, uint64_t address, uint64_t size) {
    uint64_t end = address + size;
    for (size_t i = 0; i < r->window_count; i++) {
        struct tenon_nvdla_sim_window *w = &r->windows[i];
        if (address > w->address + w->size || end < w->address)
            continue;
        address = address < w->address ? address : w->address;
        end = end > w->address + w->size ? end : w->address + w->size;
        *w = r->windows[--r->window_count];
        i = (size_t)-1;
    }
    if (r->window_count == TENON_NVDLA_SIM_WINDOW_MAX) {
        fail(r, BROKEN, "too many regions of memory");
        return;
    }
    r->windows[r->window_count++] = (struct tenon_nvdla_sim_window){
        .address = address, .size = end - address, .writable = true};
}

/* "{offset:0x0, size:4, payload:0x1d 0x2f 0xc2 0x39} ,"; NULL: another line. */
static const char *payload_of(const char *line, unsigned *offset, unsigned *size) {
    int used = 0;
    if (sscanf(line, " {offset:%x, size:%u, payload:%n", offset, size, &used) != 2 || used == 0)
        return NULL;
    return line + used;
}

static void load_line(struct replay *r, uint32_t base, const char *line) {
    unsigned offset, size;
    const char *text = payload_of(line, &offset, &size);
    if (text == NULL)
        return;
    uint8_t *to = at(r, base + offset, size);
    for (unsigned i = 0; i < size && to != NULL; i++) {
        char *end;
        to[i] = (uint8_t)strtoul(text, &end, 16);
        text = end;
    }
}

/* Not every file has a mem_init: what it names is memory, in large pages. */
static void size_line(struct replay *r, uint32_t base, const char *line) {
    unsigned offset, size;
    if (payload_of(line, &offset, &size) == NULL || at(r, base + offset, size) != NULL)
        return;
    uint32_t first = (base + offset) / PAGE_BYTES, last = (base + offset + size - 1) / PAGE_BYTES;
    add_memory(r, (uint64_t)first * PAGE_BYTES, (uint64_t)(last - first + 1) * PAGE_BYTES);
}

static void read_file(struct replay *r, uint32_t address, const char *name,
                      void (*read_line)(struct replay *, uint32_t, const char *)) {
    char path[NAME_BYTES], line[LINE_BYTES];
    snprintf(path, sizeof(path), "%s/%s", r->folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail(r, NO_FILE, name);
        return;
    }
    while (fgets(line, sizeof(line), file) != NULL)
        read_line(r, address, line);
    fclose(file);
}

static uint32_t crc32_of(const uint8_t *data, size_t size) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* ---- commands ---- */

static void write_register(struct replay *r, const char *name, unsigned value) {
    uint32_t address;
    if (tenon_nvdla_sim_register_find(r->config, name, &address))
        tenon_nvdla_sim_write(r->sim, address, value);
    else
        fail(r, BROKEN, name);
}

static void poll_register(struct replay *r, const char *name, unsigned value) {
    uint32_t address;
    (void)tenon_nvdla_sim_run(r->sim);
    if (!tenon_nvdla_sim_register_find(r->config, name, &address) ||
        tenon_nvdla_sim_read(r->sim, address) != value)
        fail(r, WRONG, "a register has not the value that is polled for");
}

static int interrupt_bit(const char *name) {
    static const struct {
        const char *name;
        int bit;
    } bits[] = {{"SDP_0", 0},       {"SDP_1", 1},       {"CDP_0", 2},      {"CDP_1", 3},
                {"PDP_0", 4},       {"PDP_1", 5},       {"CACC_0", 20},    {"CACC_1", 21},
                {"CDMA_DAT_0", 16}, {"CDMA_DAT_1", 17}, {"CDMA_WT_0", 18}, {"CDMA_WT_1", 19}};
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (strcmp(bits[i].name, name) == 0)
            return bits[i].bit;
    return -1;
}

static void wait_interrupt(struct replay *r, const char *name) {
    uint32_t status_register;
    int bit = interrupt_bit(name);
    (void)tenon_nvdla_sim_run(r->sim);
    (void)tenon_nvdla_sim_register_find(r->config, "GLB.S_INTR_STATUS", &status_register);
    if (bit < 0)
        fail(r, BROKEN, name);
    else if ((tenon_nvdla_sim_read(r->sim, status_register) >> bit & 1) == 0)
        fail(r, WRONG, "the interrupt does not come");
    else
        tenon_nvdla_sim_write(r->sim, status_register, 1u << bit);
}

/* Memory comes first, wherever its lines are: its size, then its content. */
static bool load_of(const char *line, unsigned *address, char file[256]) {
    return sscanf(line, " mem_load(%*[^,], %x, \"%255[^\"]\"", address, file) == 2;
}

static void size_command(struct replay *r, const char *line) {
    char file[256];
    unsigned address, size;
    if (sscanf(line, " mem_init(%*[^,], %x, %x", &address, &size) == 2)
        add_memory(r, address, size);
    else if (load_of(line, &address, file))
        read_file(r, address, file, size_line);
}

static void load_command(struct replay *r, const char *line) {
    char file[256];
    unsigned address;
    if (load_of(line, &address, file))
        read_file(r, address, file, load_line);
}

static void other_command(struct replay *r, const char *line) {
    char name[256], sync[64];
    unsigned value;
    struct check check;
    if (sscanf(line, " reg_write(%255[^,], %x", name, &value) == 2)
        write_register(r, name, value);
    else if (sscanf(line, " poll_reg_equal(%255[^,], %x", name, &value) == 2)
        poll_register(r, name, value);
    else if (sscanf(line, " intr_notify(%255[^,], %63[^)]", name, sync) == 2)
        wait_interrupt(r, name);
    else if (sscanf(line, " check_crc(%63[^,], %*[^,], %x, %x, %x", check.sync, &check.address,
                    &check.size, &check.crc) == 4 &&
             r->check_count < CHECK_MAX)
        r->checks[r->check_count++] = check;
}

static void read_commands(struct replay *r, const char *path,
                          void (*command)(struct replay *, const char *)) {
    char line[LINE_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail(r, NO_FILE, "the .cfg file");
        return;
    }
    while (fgets(line, sizeof(line), file) != NULL && r->outcome == GOLDEN)
        command(r, line);
    fclose(file);
}

static void check_results(struct replay *r) {
    const struct tenon_nvdla_sim_fault *fault = tenon_nvdla_sim_fault(r->sim);
    if (fault != NULL) {
        r->outcome = strcmp(fault->rule, "unit.absent") == 0 ? NOT_APPLICABLE : FAULT;
        snprintf(r->why, sizeof(r->why), "%s", fault->message);
    }
    if (r->outcome == GOLDEN && r->check_count == 0)
        fail(r, BROKEN, "nothing is checked");
    for (size_t i = 0; i < r->check_count && r->outcome == GOLDEN; i++) {
        const struct check *c = &r->checks[i];
        const uint8_t *data = at(r, c->address, c->size);
        if (data == NULL || crc32_of(data, c->size) != c->crc)
            fail(r, WRONG, "another CRC");
    }
}

static void run_trace(struct replay *r, const char *path) {
    read_commands(r, path, size_command);
    for (size_t i = 0; i < r->window_count; i++)
        if ((r->windows[i].data = calloc(1, (size_t)r->windows[i].size)) == NULL)
            fail(r, BROKEN, "out of memory");
    if (r->outcome == GOLDEN)
        read_commands(r, path, load_command);
    if (r->outcome == GOLDEN && !tenon_nvdla_sim_set_windows(r->sim, r->windows, r->window_count))
        fail(r, BROKEN, "regions of memory overlap");
    if (r->outcome == GOLDEN) {
        read_commands(r, path, other_command);
        check_results(r);
    }
    for (size_t i = 0; i < r->window_count; i++)
        free(r->windows[i].data);
}

/* ---- all of them ---- */

static int not_hidden(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int run_folder(const char *root, const char *name, bool verbose, bool cycles,
                      unsigned counts[OUTCOME_COUNT]) {
    static const char *const words[] = {"golden",  "WRONG",          "FAULT",
                                        "no file", "not applicable", "BROKEN"};
    char folder[NAME_BYTES], path[NAME_BYTES * 2];
    snprintf(folder, sizeof(folder), "%s/%s", root, name);
    snprintf(path, sizeof(path), "%s/%s.cfg", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0; /* not a trace */
    fclose(file);
    struct replay r = {.config = tenon_nvdla_sim_config_find("nv_small"), .folder = folder};
    r.sim = tenon_nvdla_sim_create(r.config);
    if (r.sim == NULL)
        return -1;
    run_trace(&r, path);
    counts[r.outcome]++;
    if (verbose || r.outcome != GOLDEN)
        printf("%-48s %s%s%s\n", name, words[r.outcome], r.why[0] != '\0' ? ": " : "", r.why);
    if (cycles)
        printf("%-48s %llu cycles\n", name,
               (unsigned long long)tenon_nvdla_sim_stats(r.sim)->cycles);
    tenon_nvdla_sim_destroy(r.sim);
    return 0;
}

int main(int argc, char **argv) {
    const char *root = getenv("TENON_NVDLA_TRACES");
    bool verbose = false, cycles = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            verbose = true;
        else if (strcmp(argv[i], "-c") == 0)
            cycles = true;
        else
            root = argv[i];
    }
    struct dirent **names;
    int count = root != NULL ? scandir(root, &names, not_hidden, alphasort) : -1;
    if (count < 0) {
        printf(
            "SKIPPED: no vendor traces (%s): name the folder trace_tests/nv_small of nvdla/hw as "
            "argument or in TENON_NVDLA_TRACES\n",
            root != NULL ? root : "TENON_NVDLA_TRACES is not set");
        return SKIP_STATUS;
    }
    unsigned counts[OUTCOME_COUNT] = {0};
    int status = 0;
    for (int i = 0; i < count; i++) {
        status |= run_folder(root, names[i]->d_name, verbose, cycles, counts);
        free(names[i]);
    }
    free(names);
    unsigned wrong = counts[WRONG] + counts[FAULT] + counts[BROKEN];
    printf("%u of %u applicable traces reach their golden CRC; %u need a unit that nv_small lacks, "
           "%u lack a file\n",
           counts[GOLDEN], counts[GOLDEN] + wrong, counts[NOT_APPLICABLE], counts[NO_FILE]);
    return status != 0 || wrong != 0 || counts[GOLDEN] == 0 ? 1 : 0;
}
