/* What a run answered: the best classes with their labels, or a summary of an output. */
#ifndef TOOLS_ANSWER_H
#define TOOLS_ANSWER_H

#include <jansson.h>
#include <tenon/tensor.h>

/* Labels: one per line of a text file. */
struct labels {
    char *text; /* cut into lines */
    char **lines;
    size_t count;
};

/* path NULL gives no labels. Prints what is wrong and returns the exit status. */
int labels_read(const char *path, struct labels *out);
void labels_finish(struct labels *labels);

enum { ANSWER_TOP_MAX = 1000 };

/* Whether an output is a list of scores: one dimension above 1, at least two elements. */
bool answer_is_scores(const struct tenon_tensor_info *info);
/* Indices of the `count` best elements, best first, equals by index; returns how many. */
size_t answer_top(const struct tenon_tensor_info *info, const void *data, size_t count,
                  size_t *indices);
void answer_print(uint32_t index, const struct tenon_tensor_info *info, const void *data,
                  const struct labels *labels, size_t top);
/* The same as JSON; NULL when memory ran out. */
json_t *answer_json(const struct tenon_tensor_info *info, const void *data,
                    const struct labels *labels, size_t top);

#endif
