/* Asking the backends, on several threads: see ask.h. */
#include "partition/ask.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { THREADS_MAX = 8, NODES_PER_THREAD = 8 };

struct asking {
    const struct tenon_graph *graph;
    const struct tenon_cost_request *request;
    struct tenon_answer *answers;
    atomic_uint next; /* node that nobody has begun */
};

struct asker {
    struct asking *asking;
    struct tenon_arena arena;
    struct tenon_lowering lowering;
    enum tenon_status status;
    struct tenon_error error;
    pthread_t thread;
};

static enum tenon_status ask(struct asker *asker, uint32_t node, uint32_t index) {
    const struct tenon_cost_request *request = asker->asking->request;
    struct tenon_target target = request->targets[index];
    struct tenon_answer *answer =
        &asker->asking->answers[(size_t)node * request->target_count + index];
    struct tenon_support exact;
    enum tenon_status status = tenon_lower_supports(
        &asker->lowering, &target, node, request->passes, &answer->support, &asker->error);
    if (status != TENON_OK || !answer->support.supported || !request->describe ||
        target.numerics == TENON_NUMERICS_EXACT)
        return status;
    target.numerics = TENON_NUMERICS_EXACT;
    status = tenon_lower_supports(&asker->lowering, &target, node, request->passes, &exact,
                                  &asker->error);
    answer->within_1 = status == TENON_OK && !exact.supported;
    return status;
}

static void *ask_all(void *argument) {
    struct asker *asker = argument;
    struct asking *asking = asker->asking;
    tenon_arena_init(&asker->arena, 0);
    if (!tenon_lowering_init(&asker->lowering, asking->graph, &asker->arena))
        asker->status = tenon_fail_memory(&asker->error);
    while (asker->status == TENON_OK) {
        uint32_t node = atomic_fetch_add(&asking->next, 1);
        if (node >= asking->graph->node_count)
            break;
        for (uint32_t i = 0; asker->status == TENON_OK && i < asking->request->target_count; i++)
            asker->status = ask(asker, node, i);
    }
    tenon_arena_finish(&asker->arena);
    return NULL;
}

/* The host answers at once: threads are for accelerators. */
static uint32_t threads_wanted(const struct asking *asking) {
    bool worth = false;
    for (uint32_t i = 0; i < asking->request->target_count; i++)
        worth |= !tenon_backend_find(asking->request->targets[i].name)->is_host;
    long processors = worth ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
    uint32_t most = asking->graph->node_count / NODES_PER_THREAD + 1;
    uint32_t wanted = processors < 1             ? 1
                      : processors > THREADS_MAX ? THREADS_MAX
                                                 : (uint32_t)processors;
    return wanted < most ? wanted : most;
}

enum tenon_status tenon_ask_targets(const struct tenon_graph *graph,
                                    const struct tenon_cost_request *request,
                                    struct tenon_arena *arena, struct tenon_answer **answers,
                                    struct tenon_error *error) {
    struct asking asking = {.graph = graph, .request = request};
    struct asker askers[THREADS_MAX] = {0};
    atomic_init(&asking.next, 0);
    asking.answers = tenon_arena_alloc_array(
        arena, (size_t)graph->node_count * request->target_count, sizeof(*asking.answers));
    *answers = asking.answers;
    if (asking.answers == NULL)
        return tenon_fail_memory(error);
    uint32_t wanted = threads_wanted(&asking), started = 1;
    askers[0].asking = &asking;
    for (; started < wanted; started++) { /* one less does no harm */
        askers[started].asking = &asking;
        if (pthread_create(&askers[started].thread, NULL, ask_all, &askers[started]) != 0)
            break;
    }
    ask_all(&askers[0]);
    enum tenon_status status = TENON_OK;
    for (uint32_t i = 0; i < started; i++) {
        if (i > 0)
            pthread_join(askers[i].thread, NULL);
        if (status == TENON_OK && askers[i].status != TENON_OK) {
            status = askers[i].status;
            if (error != NULL)
                *error = askers[i].error;
        }
    }
    return status;
}
