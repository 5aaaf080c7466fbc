/*
 * The nodes behind a program's outputs, when it keeps every tensor: in the order of execution.
 */
#ifndef TOOLS_PLACES_H
#define TOOLS_PLACES_H

#include <tenon/model.h>
#include <tenon/program.h>

/* A result that is compared: output `output` of a program, and the node that made it. */
struct place {
    uint32_t output;
    uint32_t node; /* TENON_NO_INDEX when unknown: an input passed through */
};

/* One for each output of the program, to be freed; NULL when memory ran out. */
struct place *places_find(const struct tenon_program *program, const struct tenon_model *model);

/* Whether type, shape and name are the same. */
bool places_same_tensor(const struct tenon_tensor_info *a, const struct tenon_tensor_info *b);

#endif
