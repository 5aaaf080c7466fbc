/* Which node made which output; see places.h. */
#include "places.h"

#include <stdlib.h>
#include <string.h>

#include <tenon/diagnostics.h>

static int by_node(const void *left, const void *right) {
    const struct place *a = left, *b = right;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return a->output < b->output ? -1 : a->output > b->output;
}

bool places_same_tensor(const struct tenon_tensor_info *a, const struct tenon_tensor_info *b) {
    return a->type == b->type && a->rank == b->rank && strcmp(a->name, b->name) == 0 &&
           memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0])) == 0;
}

/* The node that writes each tensor of the model; NULL when memory ran out. */
static uint32_t *find_producers(const struct tenon_model *model,
                                const struct tenon_model_info *info) {
    uint32_t *producers = malloc((info->tensor_count + (size_t)1) * sizeof(*producers));
    struct tenon_node_info node;
    for (uint32_t i = 0; producers != NULL && i < info->tensor_count; i++)
        producers[i] = TENON_NO_INDEX;
    for (uint32_t i = 0; producers != NULL && i < info->node_count; i++) {
        if (tenon_model_node(model, i, &node) != TENON_OK)
            continue;
        for (uint32_t k = 0; k < node.output_count; k++)
            producers[node.outputs[k]] = i;
    }
    return producers;
}

/*
 * The node behind each output. Kept tensors follow the model's own outputs in the order of the
 * model's tensors, so that equal names are told apart by walking forward.
 */
static void find_nodes(const struct tenon_program *program, const struct tenon_model *model,
                       const struct tenon_model_info *info, const uint32_t *producers,
                       struct place *places, uint32_t count) {
    struct tenon_tensor_info output, tensor;
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (struct place){.output = i, .node = TENON_NO_INDEX};
        if (tenon_program_output(program, i, &output) != TENON_OK)
            continue;
        for (uint32_t id = i < info->output_count ? 0 : next; id < info->tensor_count; id++) {
            if (producers[id] == TENON_NO_INDEX ||
                tenon_model_tensor(model, id, &tensor) != TENON_OK ||
                !places_same_tensor(&tensor, &output))
                continue;
            places[i].node = producers[id];
            if (i >= info->output_count)
                next = id + 1;
            break;
        }
    }
    qsort(places, count, sizeof(*places), by_node);
}

struct place *places_find(const struct tenon_program *program, const struct tenon_model *model) {
    struct tenon_model_info info;
    uint32_t count = tenon_program_output_count(program);
    tenon_model_get_info(model, &info);
    uint32_t *producers = find_producers(model, &info);
    struct place *places = malloc((count + (size_t)1) * sizeof(*places));
    if (producers != NULL && places != NULL) {
        find_nodes(program, model, &info, producers, places, count);
    } else {
        free(places);
        places = NULL;
    }
    free(producers);
    return places;
}
