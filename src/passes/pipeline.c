/* The list of passes and the two functions that run them; passes.def shows the order. */
#include "passes/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "ir/text.h"

#define PASS(name) extern const struct tenon_pass tenon_pass_##name;
#include "passes/passes.def"
#undef PASS

const struct tenon_pass *const tenon_passes[] = {
#define PASS(name) &tenon_pass_##name,
#include "passes/passes.def"
#undef PASS
    NULL,
};

const struct tenon_pass *tenon_pass_find(const char *name) {
    for (int i = 0; tenon_passes[i] != NULL; i++)
        if (strcmp(tenon_passes[i]->name, name) == 0)
            return tenon_passes[i];
    return NULL;
}

static bool listed(const char *const *names, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static enum tenon_status unknown(const char *name, struct tenon_error *error) {
    struct tenon_strbuf list;
    tenon_strbuf_init(&list);
    for (int i = 0; tenon_passes[i] != NULL; i++)
        tenon_strbuf_printf(&list, "%s%s", i > 0 ? ", " : "", tenon_passes[i]->name);
    enum tenon_status status = list.failed
                                   ? tenon_fail_memory(error)
                                   : tenon_fail(error, TENON_ERROR_NOT_FOUND,
                                                "no pass '%.40s'; there are: %s", name, list.data);
    tenon_strbuf_finish(&list);
    return status;
}

static bool known(const char *name) {
    return strcmp(name, "all") == 0 || tenon_pass_find(name) != NULL;
}

enum tenon_status tenon_pass_debug_check(const struct tenon_pass_debug *debug,
                                         struct tenon_error *error) {
    if (debug->print_after != NULL && !known(debug->print_after))
        return unknown(debug->print_after, error);
    for (uint32_t i = 0; i < debug->skip_count; i++)
        if (!known(debug->skip[i]))
            return unknown(debug->skip[i], error);
    for (uint32_t i = 0; i < debug->run_count; i++)
        if (tenon_pass_find(debug->run[i]) == NULL)
            return unknown(debug->run[i], error);
    return TENON_OK;
}

static enum tenon_status print(const struct tenon_graph *graph, const struct tenon_pass *pass,
                               uint64_t rewrites, const struct tenon_pass_debug *debug,
                               struct tenon_error *error) {
    const char *only = debug->print_after;
    if (only == NULL || (strcmp(only, "all") != 0 && strcmp(only, pass->name) != 0))
        return TENON_OK;
    struct tenon_strbuf text;
    tenon_strbuf_init(&text);
    tenon_ir_print(graph, &text);
    bool ok = !text.failed;
    if (ok)
        debug->print(debug->user, pass->name, rewrites, text.data);
    tenon_strbuf_finish(&text);
    return ok ? TENON_OK : tenon_fail_memory(error);
}

/* The lines of `notes`, which are cut up. */
static void tell(const struct tenon_pass *pass, struct tenon_strbuf *notes,
                 const struct tenon_pass_debug *debug) {
    char *line = notes->data, *end;
    for (; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (debug->note != NULL)
            debug->note(debug->user, pass->name, line);
        if (debug->notes != NULL)
            tenon_strbuf_printf(debug->notes, "%s: %s\n", pass->name, line);
    }
}

static enum tenon_status run(const struct tenon_pass *pass, struct tenon_graph *graph,
                             const struct tenon_capabilities *capabilities,
                             struct tenon_pass_debug *debug, struct tenon_error *error) {
    struct tenon_pass_debug none = {0};
    if (debug == NULL)
        debug = &none;
    bool skip = listed(debug->skip, debug->skip_count, pass->name) ||
                listed(debug->skip, debug->skip_count, "all");
    struct tenon_strbuf notes;
    tenon_strbuf_init(&notes);
    struct tenon_pass_tally tally = {.notes = &notes};
    tally.limit = debug->stop_after_rewrite == 0 ? UINT64_MAX
                  : debug->stop_after_rewrite > debug->rewrites
                      ? debug->stop_after_rewrite - debug->rewrites
                      : 0;
    enum tenon_status status = TENON_OK;
    if (!skip)
        status = tenon_pass_run(pass, graph, capabilities, &tally, error);
    debug->rewrites += tally.rewrites;
    tell(pass, &notes, debug);
    tenon_strbuf_finish(&notes);
    return status == TENON_OK ? print(graph, pass, tally.rewrites, debug, error) : status;
}

enum tenon_status tenon_run_pipeline(struct tenon_graph *graph, bool keep_tensors,
                                     struct tenon_pass_debug *debug, struct tenon_error *error) {
    enum tenon_status status = TENON_OK;
    const struct tenon_capabilities asked = {.lossy_scales = debug != NULL && debug->lossy_scales};
    for (int i = 0; status == TENON_OK && !keep_tensors && tenon_passes[i] != NULL; i++)
        if (tenon_passes[i]->neutral ||
            (debug != NULL && listed(debug->run, debug->run_count, tenon_passes[i]->name)))
            status = run(tenon_passes[i], graph, &asked, debug, error);
    return status;
}

enum tenon_status tenon_lower_graph(struct tenon_graph *graph,
                                    const struct tenon_capabilities *capabilities,
                                    struct tenon_pass_debug *debug, struct tenon_error *error) {
    if (capabilities == NULL || capabilities->passes == NULL)
        return TENON_OK;
    uint32_t count = 0;
    for (; capabilities->passes[count] != NULL; count++)
        if (tenon_pass_find(capabilities->passes[count]) == NULL)
            return unknown(capabilities->passes[count], error);
    enum tenon_status status = TENON_OK;
    struct tenon_capabilities asked = *capabilities;
    asked.lossy_scales |= debug != NULL && debug->lossy_scales;
    for (int i = 0; status == TENON_OK && tenon_passes[i] != NULL; i++)
        if (listed(capabilities->passes, count, tenon_passes[i]->name))
            status = run(tenon_passes[i], graph, &asked, debug, error);
    return status;
}
