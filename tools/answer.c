/* Printing what a run answered; see answer.h. Scores are the real values; softmax is not applied.
 */
#include "answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "element.h"
#include "file.h"
#include "report.h"

static bool cut_lines(struct labels *labels, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += labels->text[i] == '\n';
    labels->lines = calloc(count + 1, sizeof(*labels->lines));
    if (labels->lines == NULL)
        return false;
    for (char *at = labels->text; at < labels->text + size;) {
        size_t length = strcspn(at, "\n");
        char *next = at + length + 1;
        at[length] = '\0';
        if (length > 0 && at[length - 1] == '\r')
            at[length - 1] = '\0';
        labels->lines[labels->count++] = at;
        at = next;
    }
    return true;
}

/* A terminal must not be steered by a label. */
static void clean(char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\r')
            text[i] = ' ';
}

int labels_read(const char *path, struct labels *out) {
    uint8_t *data;
    size_t size;
    *out = (struct labels){0};
    if (path == NULL)
        return EXIT_OK;
    if (!file_read(path, &data, &size))
        return EXIT_ENVIRONMENT;
    out->text = realloc(data, size + 1);
    if (out->text == NULL) {
        free(data);
        return tool_complain_memory();
    }
    clean(out->text, size);
    out->text[size] = '\0';
    return cut_lines(out, size) ? EXIT_OK : tool_complain_memory();
}

void labels_finish(struct labels *labels) {
    free(labels->text);
    free(labels->lines);
    *labels = (struct labels){0};
}

bool answer_is_scores(const struct tenon_tensor_info *info) {
    uint32_t wide = 0;
    for (uint32_t i = 0; i < info->rank; i++)
        wide += info->dims[i] != 1;
    return wide == 1 && element_count(info) >= 2 && info->type != TENON_TYPE_BOOL;
}

size_t answer_top(const struct tenon_tensor_info *info, const void *data, size_t count,
                  size_t *indices) {
    size_t kept = 0, elements = element_count(info);
    for (size_t i = 0; i < elements && count > 0; i++) {
        double value = element_real(info, data, i);
        size_t at = kept;
        while (at > 0 && value > element_real(info, data, indices[at - 1]))
            at--;
        if (at == count)
            continue;
        size_t moved = (kept < count ? kept : count - 1) - at;
        memmove(indices + at + 1, indices + at, moved * sizeof(*indices));
        indices[at] = i;
        kept += kept < count;
    }
    return kept;
}

static const char *label_of(const struct labels *labels, size_t index) {
    return index < labels->count ? labels->lines[index] : "";
}

static void print_bar(double part) {
    enum { WIDTH = 20 };
    int full = (int)(fmax(0, fmin(1, part)) * WIDTH + 0.5);
    bool utf8 = tool_terminal_utf8();
    for (int i = 0; i < WIDTH; i++)
        fputs(i < full ? (utf8 ? "\xe2\x96\x88" : "#") : (utf8 ? "\xc2\xb7" : "."), stdout);
}

/* Bars are of the score itself where scores look like probabilities, else from worst to best. */
static void print_scores(const struct tenon_tensor_info *info, const void *data,
                         const struct labels *labels, size_t top) {
    size_t indices[ANSWER_TOP_MAX];
    size_t count = answer_top(info, data, top, indices), elements = element_count(info);
    double low = INFINITY, high = count > 0 ? element_real(info, data, indices[0]) : 0;
    for (size_t i = 0; i < elements; i++)
        low = fmin(low, element_real(info, data, i));
    if (low >= 0 && high <= 1) {
        low = 0;
        high = 1;
    }
    for (size_t i = 0; i < count; i++) {
        double score = element_real(info, data, indices[i]);
        printf("  %10.5f  ", score);
        print_bar(high > low ? (score - low) / (high - low) : 1);
        printf("  %4zu  %s\n", indices[i], label_of(labels, indices[i]));
    }
}

static void print_summary(const struct tenon_tensor_info *info, const void *data) {
    size_t count = element_count(info);
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) {
        double value = element_real(info, data, i);
        low = fmin(low, value);
        high = fmax(high, value);
        sum += value;
    }
    if (count > 0)
        printf("  min %.6g, mean %.6g, max %.6g; first", low, sum / (double)count, high);
    for (size_t i = 0; i < count && i < 6; i++)
        printf(" %.6g", element_real(info, data, i));
    putchar('\n');
}

void answer_print(uint32_t index, const struct tenon_tensor_info *info, const void *data,
                  const struct labels *labels, size_t top) {
    char shape[SHAPE_BYTES], name[NAME_BYTES];
    printf("output %" PRIu32 " '%s' %s\n", index, tool_name_text(info->name, name),
           tool_shape_text(info, shape));
    if (answer_is_scores(info))
        print_scores(info, data, labels, top);
    else
        print_summary(info, data);
}

json_t *answer_json(const struct tenon_tensor_info *info, const void *data,
                    const struct labels *labels, size_t top) {
    size_t indices[ANSWER_TOP_MAX];
    json_t *json = tool_json_tensor(info);
    if (json == NULL || !answer_is_scores(info))
        return json;
    json_t *list = json_array();
    size_t count = answer_top(info, data, top, indices);
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack("{s:I, s:o}", "index", (json_int_t)indices[i], "score",
                                tool_json_number(element_real(info, data, indices[i])));
        if (row != NULL && indices[i] < labels->count)
            tool_json_set(&row, "label", tool_json_text(label_of(labels, indices[i])));
        tool_json_append(&list, row);
    }
    tool_json_set(&json, "top", list);
    return json;
}
